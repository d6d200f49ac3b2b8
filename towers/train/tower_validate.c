/* Validation while training: cheap enough for every epoch, on the whole catalogue. */
#include "towers/train/tower_validate.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "metrics/mean.h"
#include "metrics/pair_scores.h"
#include "metrics/ranking.h"

enum { QUERIES = 2000 }; /* that choose the epoch: a standard error of about 0.01 */

twi_valid_by twi_valid_choose(const tw_tower_data *data, const twi_examples *x)
{
    bool positives = false, negatives = false, differ = false;

    if (x->classes) {
        for (int64_t i = 0; i < data->n_items && data->held != NULL; i++)
            if (data->held[i] && data->classes[i] >= 0)
                return TWI_VALID_CLASS;
        return TWI_VALID_NONE;
    }
    for (int64_t k = 0; k < data->n_valid; k++) {
        positives |= data->valid[k].label >= 0.5F;
        negatives |= data->valid[k].label < 0.5F;
        differ |= data->valid[k].label != data->valid[0].label;
    }
    if (differ && (x->loss == TW_LOSS_COSINE || x->loss == TW_LOSS_COSENT))
        return TWI_VALID_SPEARMAN;
    if (!positives)
        return TWI_VALID_NONE;
    return negatives ? TWI_VALID_F1 : TWI_VALID_NDCG;
}

/* The items that held ones are compared with. Those learnt from, where the held items' classes are
 * among theirs: two photographs of one scene are near whatever the tower, so held items may not
 * answer for each other. Held classes without training items can only be compared with each other.
 */
static int64_t choose_pool(const tw_tower_data *d, const float *vecs, int dim, float *pool,
                           int32_t *cls, int32_t *place)
{
    int64_t n = 0;
    bool known = false;

    for (int64_t i = 0; i < d->n_items; i++) /* place: 1 where the class has training items */
        if (!d->held[i] && d->classes[i] >= 0)
            place[d->classes[i]] = 1;
    for (int64_t i = 0; i < d->n_items; i++)
        known |= d->held[i] && d->classes[i] >= 0 && place[d->classes[i]] == 1;
    for (int64_t i = 0; i < d->n_items; i++) {
        place[i] = -1;
        if (d->classes[i] < 0 || (d->held[i] && known))
            continue;
        memcpy(pool + (size_t) n * (size_t) dim, vecs + (size_t) i * (size_t) dim,
               (size_t) dim * sizeof *pool);
        cls[n] = d->classes[i];
        place[i] = (int32_t) n++;
    }
    return n;
}

typedef struct class_task {
    float *queries, *pool; /* unit rows */
    int32_t *own, *query_class, *pool_class, *place;
} class_task;

static void free_class_task(class_task *t)
{
    tw_free(t->queries);
    tw_free(t->pool);
    tw_free(t->own);
    tw_free(t->query_class);
    tw_free(t->pool_class);
    tw_free(t->place);
}

static tw_status class_accuracy(double *out, const tw_tower_data *d, const float *vecs, int dim,
                                tw_pool *pool, tw_error *err)
{
    tw_status st = TW_OK;
    const size_t N = (size_t) d->n_items, row = (size_t) dim;
    int64_t n = 0;
    tw_dense *dense = NULL;
    tw_ranked lists = {0};
    tw_mean mean;
    class_task t = {.queries = tw_alloc(N, row * sizeof(float)),
                    .pool = tw_alloc(N, row * sizeof(float)),
                    .own = tw_alloc(N, sizeof(int32_t)),
                    .query_class = tw_alloc(N, sizeof(int32_t)),
                    .pool_class = tw_alloc(N, sizeof(int32_t)),
                    .place = tw_alloc(N, sizeof(int32_t))};

    if (t.queries == NULL || t.pool == NULL || t.own == NULL || t.query_class == NULL ||
        t.pool_class == NULL || t.place == NULL) {
        st = tw_fail(err, TW_ENOMEM, "validation on %lld items", (long long) d->n_items);
        goto done;
    }
    const int64_t n_pool = choose_pool(d, vecs, dim, t.pool, t.pool_class, t.place);
    for (size_t i = 0; i < N; i++) {
        if (!d->held[i] || d->classes[i] < 0)
            continue;
        memcpy(t.queries + (size_t) n * row, vecs + i * row, row * sizeof *t.queries);
        t.own[n] = t.place[i];
        t.query_class[n++] = d->classes[i];
    }
    const tw_rank_task task = {.queries = n,
                               .pool = n_pool,
                               .k = 1,
                               .own = t.own,
                               .query_class = t.query_class,
                               .pool_class = t.pool_class};
    TW_TRY(tw_dense_create(&dense, t.queries, t.pool, n_pool, dim, TW_NEAR_INNER,
                           pool != NULL ? tw_pool_size(pool) : 1, err));
    TW_TRY(tw_rank(&lists, &task, tw_dense_score, dense, pool, err));
    TW_TRY(tw_knn_measure(&mean, &lists, &task, 1, err));
    *out = mean.mean;
done:
    tw_ranked_fini(&lists);
    tw_dense_destroy(dense);
    free_class_task(&t);
    return st;
}

/* What is known of the validation pairs: cosines, and labels twice, as each measure wants them. */
typedef struct scored {
    double *score, *value; /* (n_valid) */
    float *label;          /* (n_valid) */
} scored;

static tw_status score_pairs(scored *s, const tw_tower_data *d, const float *vecs, int dim,
                             tw_error *err)
{
    const size_t n = (size_t) d->n_valid;

    *s = (scored){.score = tw_alloc(n, sizeof *s->score),
                  .value = tw_alloc(n, sizeof *s->value),
                  .label = tw_alloc(n, sizeof *s->label)};
    if (s->score == NULL || s->value == NULL || s->label == NULL)
        return tw_fail(err, TW_ENOMEM, "%zu validation pairs", n);
    for (size_t k = 0; k < n; k++) {
        s->label[k] = d->valid[k].label;
        s->value[k] = (double) s->label[k];
    }
    return tw_pairs_cosines(s->score, vecs, d->n_items, dim, d->valid, d->n_valid, err);
}

static tw_status agreement(double *out, twi_valid_by by, const tw_tower_data *d, const float *vecs,
                           int dim, tw_error *err)
{
    tw_status st = TW_OK;
    const int64_t n = d->n_valid;
    scored s = {0};
    double threshold;

    TW_TRY(score_pairs(&s, d, vecs, dim, err));
    if (by == TWI_VALID_SPEARMAN) {
        TW_TRY(tw_scores_spearman(out, s.score, s.value, n, err));
    } else {
        TW_TRY(tw_threshold_choose(&threshold, s.score, s.label, n, TW_BY_F1, err));
        *out = tw_threshold_apply(threshold, s.score, s.label, n).f1;
    }
done:
    tw_free(s.score);
    tw_free(s.value);
    tw_free(s.label);
    return st;
}

static tw_status retrieval(double *out, const tw_tower_data *d, const twi_examples *x,
                           const float *vecs, int dim, tw_pool *pool, tw_error *err)
{
    tw_status st = TW_OK;
    tw_dense *dense = NULL;
    tw_ranked lists = {0};
    tw_ranking found;
    const tw_retrieval_task task = {d->valid, d->n_valid, d->valid_apart ? NULL : x->positives,
                                    d->valid_apart ? 0 : x->n_positives, QUERIES};

    TW_TRY(tw_dense_create(&dense, vecs, vecs, d->n_items, dim, TW_NEAR_INNER,
                           pool != NULL ? tw_pool_size(pool) : 1, err));
    TW_TRY(tw_rank_pairs(&lists, d->n_items, TW_TOWER_K, &task, tw_dense_score, dense, pool, err));
    TW_TRY(tw_ranking_measure(&found, &lists, TW_TOWER_K, err));
    *out = found.ndcg.n > 0 ? found.ndcg.mean : 0;
done:
    tw_ranked_fini(&lists);
    tw_dense_destroy(dense);
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
    case TWI_VALID_F1: return agreement(out, by, data, vecs, dim, err);
    case TWI_VALID_CLASS: return class_accuracy(out, data, vecs, dim, pool, err);
    }
    return TW_OK;
}
