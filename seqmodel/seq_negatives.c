/* seqmodel/seq_negatives.c — the items that a step's loss compares the targets with.
 *
 * `negatives` draws with replacement; what was drawn twice counts once. An item with share q of
 * the draws is then a candidate with probability 1 - (1-q)^draws, and the inverse of that is its
 * weight in the sum of the softmax, so that the sum over the candidates estimates the sum over all
 * items without bias. The target itself always counts, once, with weight 1. (TensorFlow's logQ
 * corrects the target, too, as if it had been drawn.) Draws as many as there are items, and more,
 * take all items: then it is the full softmax.
 *
 * negative_weight scales that sum. At 1 the loss is that of the softmax over all items. Towards 0
 * it is sum_c e^(s[c] - s[target]), the exponential loss of ranking: what matters is then the
 * target's place among the many, as when it is asked to beat a few of them, and no longer the
 * probability of the few best. Both are least where the scores are the logarithm of the probability
 * of being next (half of it at the limit), so both put the items in the same order.
 *
 * With features, an item that no train part holds is no candidate: it would be compared every time
 * and never be right, so its features would be learnt as what no user wants.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "seqmodel/seq_baseline.h"
#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_negatives.h"
#include "seqmodel/seq_seen.h"

bool twi_has_candidates(const tw_seq_config *cfg)
{
    return cfg->loss == TW_SEQ_SAMPLED_CE || cfg->loss == TW_SEQ_GBCE ||
           (cfg->loss == TW_SEQ_CE && (cfg->normalize != 0 || cfg->item_features_dim > 0 ||
                                       cfg->exclude_seen != 0 || cfg->negative_weight < 1));
}

tw_status twi_proposal_init(twi_proposal *p, const tw_seq_config *cfg, const tw_seq_data *data,
                            tw_error *err)
{
    size_t n = (size_t) data->n_items + 1;

    *p = (twi_proposal){.n_items = data->n_items};
    const bool features = cfg->item_features_dim > 0;
    if (cfg->negative_power <= 0 && !features)
        return TW_OK;
    tw_real *counts = tw_alloc(n, sizeof *counts);
    p->upto = tw_alloc(n, sizeof *p->upto);
    if (counts == NULL || p->upto == NULL) {
        tw_free(counts);
        twi_proposal_fini(p);
        return tw_fail(err, TW_ENOMEM, "popularity of %d items", data->n_items);
    }
    twi_popularity(counts, data);
    for (size_t i = 1; i < n; i++) { /* + 1: every item may be drawn */
        bool never = features && counts[i] == 0;
        p->upto[i] =
            p->upto[i - 1] + (never ? 0 : pow((double) counts[i] + 1, cfg->negative_power));
    }
    for (size_t i = 1; i < n; i++)
        p->upto[i] /= p->upto[n - 1];
    tw_free(counts);
    return TW_OK;
}

void twi_proposal_fini(twi_proposal *p)
{
    tw_free(p->upto);
    *p = (twi_proposal){0};
}

static double share(const twi_proposal *p, int32_t item)
{
    return p->upto == NULL ? 1.0 / p->n_items : p->upto[item] - p->upto[item - 1];
}

static int32_t draw(const twi_proposal *p, tw_rng *rng)
{
    if (p->upto == NULL)
        return 1 + (int32_t) tw_rng_below(rng, (uint64_t) p->n_items);
    double u = tw_rng_uniform(rng);
    int32_t below = 0, found = p->n_items; /* upto[below] <= u < upto[found] */
    while (found - below > 1) {
        int32_t middle = below + (found - below) / 2;
        if (p->upto[middle] <= u)
            below = middle;
        else
            found = middle;
    }
    return found;
}

/* The row of an item in the list, which it joins if it is new. */
static int32_t enter(twi_batch *b, int32_t *place, int32_t item)
{
    if (place[item] == 0) {
        b->unique[b->n_unique++] = item;
        place[item] = b->n_unique;
    }
    return place[item] - 1;
}

void twi_batch_collect(twi_batch *b, const tw_seq_config *cfg, const twi_proposal *p, tw_rng *rng,
                       int32_t *place)
{
    bool all = cfg->loss == TW_SEQ_CE || cfg->negatives >= p->n_items;
    double logq = cfg->loss == TW_SEQ_SAMPLED_CE && !all ? cfg->logq : 0;
    double weight = log(cfg->negative_weight);

    b->n_unique = 0;
    if (all) {
        for (int32_t i = 1; i <= p->n_items; i++)
            if (share(p, i) > 0)
                (void) enter(b, place, i);
    } else {
        for (int i = 0; i < cfg->negatives; i++)
            (void) enter(b, place, draw(p, rng));
    }
    b->candidates = b->n_unique;
    for (int i = 0; i < b->candidates; i++) {
        double missed = cfg->negatives * log1p(-share(p, b->unique[i])); /* log (1-q)^draws */
        b->log_weight[i] = (tw_real) (weight + (logq > 0 ? -logq * log(-expm1(missed)) : 0));
    }
    if (b->seen.from != NULL)
        twi_seen_collect(b, place);
    for (int i = 0; i < b->tokens; i++)
        b->targets[i] = enter(b, place, b->targets[i]);
    for (int i = 0; i < b->n_unique; i++)
        place[b->unique[i]] = 0;
}
