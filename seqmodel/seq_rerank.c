/* seqmodel/seq_rerank.c — the best k of a pool of candidates, less alike and less popular.
 *
 * Greedy maximal marginal relevance (Carbonell and Goldstein 1998). With S what is picked already,
 * the next pick is
 *
 *   argmax over i of (1 - w) * R[i] - w * max over j in S of cosine(i, j)
 *
 * R[i] is the relevance on [0, 1]: the logit less the discount, min-max scaled over the pool. A
 * softmax over the pool would look more natural and is worse: it puts nearly all its mass on a few
 * items, so that among all others any w > 0 would ignore relevance.
 *
 * The discount is taken in logits: score / temperature - p * log(1 + count). A softmax model's
 * logit is log P(item | history) up to a constant, so p = 1 ranks by P(item | history) / P(item),
 * by how much this history speaks for the item, and p between 0 and 1 lies on the way there. The
 * same term is known from training under long tails as logit adjustment (Menon et al. 2021).
 */
#include <math.h>

#include "seqmodel/seq_model.h"

enum { UNROLL = 4 };

tw_status tw_seq_rerank_check(const tw_seq_rerank_config *cfg, tw_error *err)
{
    /* Written so that NaN is outside. */
    if (!(cfg->diversity >= 0 && cfg->diversity <= 1))
        return tw_fail(err, TW_EINVAL, "diversity %g is outside 0..1", cfg->diversity);
    if (!(cfg->popularity_discount >= 0 && cfg->popularity_discount <= TW_SEQ_MAX_DISCOUNT))
        return tw_fail(err, TW_EINVAL, "popularity_discount %g is outside 0..%d",
                       cfg->popularity_discount, TW_SEQ_MAX_DISCOUNT);
    return TW_OK;
}

bool tw_seq_rerank_active(const tw_seq_rerank_config *cfg)
{
    return cfg->diversity > 0 || cfg->popularity_discount > 0;
}

double tw_seq_logit_temperature(const tw_seq_model *m)
{
    return m->cfg.loss == TW_SEQ_BCE ? 1 : m->cfg.temperature;
}

/* Several sums at once, for one sum waits for itself. */
static double dot(const tw_real *a, const tw_real *b, int n)
{
    double sum[UNROLL] = {0};
    int j = 0;
    for (; j + UNROLL <= n; j += UNROLL)
        for (int u = 0; u < UNROLL; u++)
            sum[u] += (double) a[j + u] * (double) b[j + u];
    for (; j < n; j++)
        sum[0] += (double) a[j] * (double) b[j];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* The cosine of two candidates, given one over the length of each. */
static double cosine(const tw_seq_pool *pool, int a, int b, double a_rnorm, double b_rnorm)
{
    if (a_rnorm <= 0 || b_rnorm <= 0)
        return 0;
    return dot(pool->vectors[a], pool->vectors[b], pool->dim) * a_rnorm * b_rnorm;
}

/* One over the length of a vector, or 0: that of none, or of zeros, which is like nothing. */
static double rnorm_of(const tw_seq_pool *pool, int i)
{
    const tw_real *v = pool->vectors != NULL ? pool->vectors[i] : NULL;
    double square = v != NULL ? dot(v, v, pool->dim) : 0;
    return square > 0 ? 1 / sqrt(square) : 0;
}

/* R (n): the discounted logit, scaled so that the pool's best is 1 and its worst 0. */
static void relevance(double *R, const tw_seq_rerank_config *cfg, const tw_seq_pool *pool)
{
    double least = INFINITY, most = -INFINITY;
    for (int i = 0; i < pool->n; i++) {
        R[i] = (double) pool->scores[i] / pool->temperature;
        if (cfg->popularity_discount > 0)
            R[i] -= cfg->popularity_discount * log1p((double) pool->counts[i]);
        least = R[i] < least ? R[i] : least;
        most = R[i] > most ? R[i] : most;
    }
    for (int i = 0; i < pool->n; i++)
        R[i] = most > least ? (R[i] - least) / (most - least) : 1;
}

/* The index of the best candidate that is left. Equal values: the more relevant, then the earlier.
 */
static int best_left(const double *R, const double *nearest, const double *rnorm, int n, double w)
{
    int best = -1;
    double best_value = 0;
    for (int i = 0; i < n; i++) {
        if (rnorm[i] < 0)
            continue;
        double value = (1 - w) * R[i] - w * nearest[i];
        if (best < 0 || value > best_value || (value == best_value && R[i] > R[best])) {
            best = i;
            best_value = value;
        }
    }
    return best;
}

int tw_seq_rerank(int *order, const tw_seq_rerank_config *cfg, const tw_seq_pool *pool, int k,
                  double *scratch)
{
    const int n = pool->n, wanted = k < n ? k : n;
    double *R = scratch, *nearest = R + n, *rnorm = nearest + n; /* rnorm < 0: picked */
    const double w = cfg->diversity;

    relevance(R, cfg, pool);
    for (int i = 0; i < n; i++) {
        rnorm[i] = w > 0 ? rnorm_of(pool, i) : 0;
        nearest[i] = -1; /* the least that a cosine can be */
    }
    for (int picked = 0; picked < wanted; picked++) {
        int at = best_left(R, nearest, rnorm, n, w);
        double its = rnorm[at];
        order[picked] = at;
        rnorm[at] = -1;
        for (int i = 0; w > 0 && i < n; i++) {
            if (rnorm[i] < 0)
                continue;
            double like = cosine(pool, at, i, its, rnorm[i]);
            nearest[i] = like > nearest[i] ? like : nearest[i];
        }
    }
    return wanted;
}
