/* Anchors block by block: search, drop what is known, hold the rest against each
 * positive. */
#include "towers/train/tower_mine_hard.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/rng.h"
#include "metrics/partners.h"

enum { BLOCK = 256 }; /* anchors of one search */

typedef struct miner {
    const float *vecs;
    int64_t n;
    int dim;
    const tw_partners *positives;
    const int32_t *cls;
    const twi_hard_config *cfg;
    int32_t anchors[BLOCK];
    int32_t *items;     /* (BLOCK, k) */
    float *cosines;     /* (BLOCK, k) */
    int32_t *candidate; /* (k) places in the anchor's row that may be negatives */
    int32_t *fit;       /* (k) those of them that are far enough from one positive */
    tw_item_triplet *out;
    int64_t n_out;
    size_t room;
} miner;

static tw_status check(const miner *m, tw_error *err)
{
    const twi_hard_config *c = m->cfg;
    if (c->k < 1 || c->k > TWI_HARD_MAX_K || c->skip < 0 || c->skip >= c->k || c->per_pair < 1 ||
        c->per_pair > c->k || !(c->relative_margin >= 0 && c->relative_margin <= 1) ||
        !(c->most_cosine >= -1)) {
        return tw_fail(err, TW_EINVAL,
                       "hard negatives: k %d, skip %d, per_pair %d, relative_margin %g, "
                       "most_cosine %g",
                       c->k, c->skip, c->per_pair, c->relative_margin, c->most_cosine);
    }
    return TW_OK;
}

static int compare_ids(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *) a, y = *(const int32_t *) b;
    return (x > y) - (x < y);
}

static bool is_known(const miner *m, int32_t anchor, int32_t item)
{
    const int64_t from = m->positives->offsets[anchor];
    const int64_t n = m->positives->offsets[anchor + 1] - from;
    if (item == anchor)
        return true;
    if (m->cls != NULL && m->cls[item] >= 0 && m->cls[item] == m->cls[anchor])
        return true;
    return bsearch(&item, m->positives->items + from, (size_t) n, sizeof item, compare_ids) != NULL;
}

/* Fills candidate with the row's places that are not known to be similar. */
static tw_status find_candidates(miner *m, int32_t anchor, size_t row, int *n, tw_error *err)
{
    int passed = 0;
    *n = 0;
    for (int k = 0; k < m->cfg->k; k++) {
        const int32_t item = m->items[row + (size_t) k];
        if (item < 0)
            break;
        if (item >= m->n)
            return tw_fail(err, TW_EINVAL, "the search for item %d found item %d of 0..%lld",
                           anchor, item, (long long) m->n - 1);
        const double cosine = (double) m->cosines[row + (size_t) k];
        if (is_known(m, anchor, item) || !(cosine <= m->cfg->most_cosine))
            continue;
        if (passed++ >= m->cfg->skip)
            m->candidate[(*n)++] = k;
    }
    return TW_OK;
}

static double cosine_of(const miner *m, int32_t a, int32_t b)
{
    const float *x = m->vecs + (size_t) a * (size_t) m->dim;
    const float *y = m->vecs + (size_t) b * (size_t) m->dim;
    double sum = 0;
    for (int j = 0; j < m->dim; j++)
        sum += (double) x[j] * (double) y[j];
    return sum;
}

static tw_status keep(miner *m, int32_t anchor, int32_t positive, int32_t negative, tw_error *err)
{
    const tw_status st = tw_grow(&m->out, &m->room, (size_t) m->n_out + 1, "mined triplets", err);
    if (st == TW_OK)
        m->out[m->n_out++] = (tw_item_triplet){anchor, positive, negative};
    return st;
}

/* The negatives of one pair: the first of those that fit, or a draw without putting back. */
static tw_status mine_pair(miner *m, int32_t anchor, int32_t positive, size_t row, int candidates,
                           tw_rng *rng, tw_error *err)
{
    const double own = cosine_of(m, anchor, positive);
    const double most = own - m->cfg->relative_margin * fabs(own);
    int n = 0;

    for (int k = 0; k < candidates; k++)
        if ((double) m->cosines[row + (size_t) m->candidate[k]] <= most)
            m->fit[n++] = m->candidate[k];
    for (int k = 0; k < n && k < m->cfg->per_pair; k++) {
        if (m->cfg->at_random) {
            const int j = k + (int) tw_rng_below(rng, (uint64_t) (n - k));
            const int32_t other = m->fit[j];
            m->fit[j] = m->fit[k];
            m->fit[k] = other;
        }
        tw_status st = keep(m, anchor, positive, m->items[row + (size_t) m->fit[k]], err);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}

static tw_status mine_block(miner *m, int n, twi_neighbours_fn search, void *ctx, tw_error *err)
{
    tw_status st = TW_OK;

    TW_TRY(search(ctx, m->anchors, n, m->cfg->k, m->items, m->cosines, err));
    for (int i = 0; i < n; i++) {
        const int32_t anchor = m->anchors[i];
        const size_t row = (size_t) i * (size_t) m->cfg->k;
        int candidates;
        tw_rng rng;
        TW_TRY(find_candidates(m, anchor, row, &candidates, err));
        tw_rng_seed3(&rng, m->cfg->seed, (uint64_t) anchor, 0);
        const int64_t from = m->positives->offsets[anchor], to = m->positives->offsets[anchor + 1];
        for (int64_t k = from; k < to; k++)
            TW_TRY(mine_pair(m, anchor, m->positives->items[k], row, candidates, &rng, err));
    }
done:
    return st;
}

/* NOLINTNEXTLINE(readability-function-size): what is known, the rule, and the search */
tw_status twi_mine_hard(tw_item_triplet **out, int64_t *n_out, const float *vecs, int64_t n,
                        int dim, const tw_partners *positives, const int32_t *cls,
                        const twi_hard_config *cfg, twi_neighbours_fn search, void *ctx,
                        tw_error *err)
{
    tw_status st = TW_OK;
    miner m = {.vecs = vecs, .n = n, .dim = dim, .positives = positives, .cls = cls, .cfg = cfg};
    int waiting = 0;

    *out = NULL;
    *n_out = 0;
    TW_TRY(check(&m, err));
    m.items = tw_alloc((size_t) BLOCK * (size_t) cfg->k, sizeof *m.items);
    m.cosines = tw_alloc((size_t) BLOCK * (size_t) cfg->k, sizeof *m.cosines);
    m.candidate = tw_alloc((size_t) cfg->k, sizeof *m.candidate);
    m.fit = tw_alloc((size_t) cfg->k, sizeof *m.fit);
    if (m.items == NULL || m.cosines == NULL || m.candidate == NULL || m.fit == NULL) {
        st = tw_fail(err, TW_ENOMEM, "neighbours of %d anchors", (int) BLOCK);
        goto done;
    }
    for (int64_t i = 0; i < n; i++) {
        if (positives->offsets[i] == positives->offsets[i + 1])
            continue;
        m.anchors[waiting++] = (int32_t) i;
        if (waiting < BLOCK)
            continue;
        TW_TRY(mine_block(&m, waiting, search, ctx, err));
        waiting = 0;
    }
    if (waiting > 0)
        TW_TRY(mine_block(&m, waiting, search, ctx, err));
    *out = m.out;
    *n_out = m.n_out;
    m.out = NULL;
done:
    tw_free(m.items);
    tw_free(m.cosines);
    tw_free(m.candidate);
    tw_free(m.fit);
    tw_free(m.out);
    return st;
}
