/* Validation while training: cheap enough for every epoch, on the whole catalogue. */
#include "towers/tower_validate.h"

#include <math.h>

#include "base/alloc.h"
#include "towers/tower_metrics.h"

enum { QUERIES = 2000 }; /* that choose the epoch: a standard error of about 0.01 */

twi_valid_by twi_valid_choose(const tw_tower_data *data, const twi_examples *x)
{
    bool positives = false, negatives = false;

    if (x->classes) {
        for (int64_t i = 0; i < data->n_items && data->held != NULL; i++)
            if (data->held[i] && data->classes[i] >= 0)
                return TWI_VALID_CLASS;
        return TWI_VALID_NONE;
    }
    for (int64_t k = 0; k < data->n_valid; k++) {
        positives |= data->valid[k].label >= 0.5F;
        negatives |= data->valid[k].label < 0.5F;
    }
    if (data->n_valid > 0 && (x->loss == TW_LOSS_COSINE || x->loss == TW_LOSS_COSENT))
        return TWI_VALID_SPEARMAN;
    if (!positives)
        return TWI_VALID_NONE;
    return negatives ? TWI_VALID_F1 : TWI_VALID_NDCG;
}

/* The nearest other item of each held one, by the whole catalogue. */
static tw_status class_accuracy(double *out, const tw_tower_data *d, const float *vecs, int dim,
                                tw_pool *pool, tw_error *err)
{
    tw_status st = TW_OK;
    const int64_t N = d->n_items;
    int64_t n = 0;
    int32_t *own = tw_alloc((size_t) N, sizeof *own), *cls = tw_alloc((size_t) N, sizeof *cls);
    float *queries = NULL;
    tw_dense *dense = NULL;
    tw_ranked lists = {0};
    tw_mean mean;

    if (own == NULL || cls == NULL) {
        st = tw_fail(err, TW_ENOMEM, "validation items");
        goto done;
    }
    for (int64_t i = 0; i < N; i++) {
        if (!d->held[i] || d->classes[i] < 0)
            continue;
        own[n] = (int32_t) i;
        cls[n++] = d->classes[i];
    }
    queries = tw_alloc((size_t) n, (size_t) dim * sizeof *queries);
    if (queries == NULL) {
        st = tw_fail(err, TW_ENOMEM, "vectors of %lld validation items", (long long) n);
        goto done;
    }
    for (int64_t q = 0; q < n; q++)
        for (int k = 0; k < dim; k++)
            queries[q * dim + k] = vecs[(int64_t) own[q] * dim + k];
    const tw_rank_task task = {
        .queries = n, .pool = N, .k = 1, .own = own, .query_class = cls, .pool_class = d->classes};
    TW_TRY(tw_dense_create(&dense, queries, vecs, N, dim, TW_NEAR_INNER,
                           pool != NULL ? tw_pool_size(pool) : 1, err));
    TW_TRY(tw_rank(&lists, &task, tw_dense_score, dense, pool, err));
    TW_TRY(tw_knn_measure(&mean, &lists, &task, 1, err));
    *out = mean.mean;
done:
    tw_ranked_fini(&lists);
    tw_dense_destroy(dense);
    tw_free(queries);
    tw_free(own);
    tw_free(cls);
    return st;
}

static tw_status best_f1(double *out, const tw_tower_data *d, const float *vecs, int dim,
                         tw_error *err)
{
    tw_status st = TW_OK;
    const int64_t n = d->n_valid;
    double *score = tw_alloc((size_t) n, sizeof *score), threshold;
    float *label = tw_alloc((size_t) n, sizeof *label);

    if (score == NULL || label == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld validation pairs", (long long) n);
        goto done;
    }
    for (int64_t k = 0; k < n; k++)
        label[k] = d->valid[k].label;
    TW_TRY(tw_pairs_cosines(score, vecs, d->n_items, dim, d->valid, n, err));
    TW_TRY(tw_threshold_choose(&threshold, score, label, n, TW_BY_F1, err));
    *out = tw_threshold_apply(threshold, score, label, n).f1;
done:
    tw_free(score);
    tw_free(label);
    return st;
}

static tw_status retrieval(double *out, const tw_tower_data *d, const twi_examples *x,
                           const float *vecs, int dim, tw_pool *pool, tw_error *err)
{
    tw_retrieval found;
    const tw_retrieval_task task = {d->valid, d->n_valid, d->valid_apart ? NULL : x->positives,
                                    d->valid_apart ? 0 : x->n_positives, QUERIES};
    tw_status st = tw_retrieval_measure(&found, vecs, d->n_items, dim, &task, pool, err);
    *out = found.ndcg;
    return st;
}

tw_status twi_validate(double *out, twi_valid_by by, const tw_tower_data *data,
                       const twi_examples *x, const float *vecs, int dim, tw_pool *pool,
                       tw_error *err)
{
    *out = (double) NAN;
    switch (by) {
    case TWI_VALID_NONE: break;
    case TWI_VALID_NDCG: return retrieval(out, data, x, vecs, dim, pool, err);
    case TWI_VALID_SPEARMAN:
        return tw_pairs_spearman(out, vecs, data->n_items, dim, data->valid, data->n_valid, err);
    case TWI_VALID_CLASS: return class_accuracy(out, data, vecs, dim, pool, err);
    case TWI_VALID_F1: return best_f1(out, data, vecs, dim, err);
    }
    return TW_OK;
}
