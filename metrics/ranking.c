/* The nearest of every query over the whole pool, and what such lists are worth.
 *
 * A right place enters its list a little below its score (TW_TIE), which is how
 * ties count against us: by the time the list is full, a wrong place that scores
 * the same has pushed it back or out. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/real.h"
#include "metrics/mean.h"
#include "metrics/ranking.h"
#include "nn/blas.h"

enum { QUERIES = 64, PLACES = 896 }; /* of one block of scores; PLACES squares fit on the stack */

/* ---- dense vectors --------------------------------------------------------------------------- */

struct tw_dense {
    const float *queries, *pool;
    int64_t n;
    int dim, workers;
    tw_nearness nearness;
    tw_real *blocks[TW_POOL_MAX]; /* (QUERIES + PLACES) * dim + QUERIES * PLACES */
};

tw_status tw_dense_create(tw_dense **out, const float *queries, const float *pool, int64_t n,
                          int dim, tw_nearness nearness, int workers, tw_error *err)
{
    tw_status st = TW_OK;
    const size_t room = (size_t) (QUERIES + PLACES) * (size_t) dim + (size_t) QUERIES * PLACES;

    *out = NULL;
    tw_dense *d = tw_alloc(1, sizeof *d);
    if (d == NULL)
        return tw_fail(err, TW_ENOMEM, "scores of vectors");
    d->queries = queries;
    d->pool = pool;
    d->n = n;
    d->dim = dim;
    d->nearness = nearness;
    for (; d->workers < workers; d->workers++) {
        d->blocks[d->workers] = tw_alloc_aligned(room, sizeof *d->blocks[0]);
        if (d->blocks[d->workers] == NULL) {
            st = tw_fail(err, TW_ENOMEM, "a worker's block of scores");
            goto done;
        }
    }
    *out = d;
    d = NULL;
done:
    tw_dense_destroy(d);
    return st;
}

void tw_dense_destroy(tw_dense *d)
{
    if (d == NULL)
        return;
    for (int w = 0; w < d->workers; w++)
        tw_free(d->blocks[w]);
    tw_free(d);
}

static void to_reals(tw_real *out, const float *v, int n)
{
    for (int j = 0; j < n; j++)
        out[j] = (tw_real) v[j];
}

static double square(const float *v, int n)
{
    double sum = 0;
    for (int j = 0; j < n; j++)
        sum += (double) v[j] * (double) v[j];
    return sum;
}

/* Inner products s (nq, n) into minus squared distances; their squares are not summed for inner
 * products alone, which training asks for after every epoch. */
static void to_distances(const tw_dense *d, const int32_t *queries, int nq, int64_t first, int n,
                         tw_real *s)
{
    const size_t D = (size_t) d->dim;
    double there[PLACES];

    for (int j = 0; j < n; j++)
        there[j] = square(d->pool + (size_t) (first + j) * D, d->dim);
    for (int i = 0; i < nq; i++) {
        const double own = square(d->queries + (size_t) queries[i] * D, d->dim);
        tw_real *row = s + (size_t) i * (size_t) n;
        for (int j = 0; j < n; j++)
            row[j] = (tw_real) (2 * (double) row[j] - own - there[j]);
    }
}

static void score_block(const tw_dense *d, tw_real *block, const int32_t *queries, int nq,
                        int64_t first, int n, float *scores, int stride)
{
    const size_t D = (size_t) d->dim;
    tw_real *q = block, *v = q + QUERIES * D, *s = v + PLACES * D;

    for (int i = 0; i < nq; i++)
        to_reals(q + (size_t) i * D, d->queries + (size_t) queries[i] * D, d->dim);
    for (int j = 0; j < n; j++)
        to_reals(v + (size_t) j * D, d->pool + (size_t) (first + j) * D, d->dim);
    tw_gemm(0, 1, nq, n, d->dim, 1, q, d->dim, v, d->dim, 0, s, n);
    if (d->nearness == TW_NEAR_EUCLID)
        to_distances(d, queries, nq, first, n, s);
    for (int i = 0; i < nq; i++) {
        for (int j = 0; j < n; j++)
            scores[(size_t) i * (size_t) stride + (size_t) j] =
                (float) s[(size_t) i * (size_t) n + (size_t) j];
    }
}

tw_status tw_dense_score(void *ctx, int worker, const int32_t *queries, int nq, int64_t first,
                         int n, float *scores, tw_error *err)
{
    const tw_dense *d = ctx;
    (void) err;
    for (int i = 0; i < nq; i += QUERIES) {
        for (int j = 0; j < n; j += PLACES) {
            score_block(d, d->blocks[worker], queries + i, nq - i < QUERIES ? nq - i : QUERIES,
                        first + j, n - j < PLACES ? n - j : PLACES,
                        scores + (size_t) i * (size_t) n + (size_t) j, n);
        }
    }
    return TW_OK;
}

/* ---- the nearest ----------------------------------------------------------------------------- */

typedef struct ws {
    float *scores;   /* (QUERIES, PLACES) */
    float *list;     /* (QUERIES, k) the scores of the present lists */
    int32_t *filled; /* (QUERIES) */
    tw_status status;
    tw_error err;
} ws;

typedef struct ranker {
    tw_ranked *out;
    const tw_rank_task *task;
    tw_score_fn score;
    void *ctx;
    ws workspaces[TW_POOL_MAX];
} ranker;

static tw_status check_lists(const char *what, const int64_t *offsets, const int32_t *places,
                             const tw_rank_task *task, tw_error *err)
{
    if (offsets == NULL)
        return TW_OK;
    for (int64_t q = 0; q < task->queries; q++) {
        if (offsets[q + 1] < offsets[q])
            return tw_fail(err, TW_EINVAL, "query %lld: its list ends before it starts",
                           (long long) q);
        for (int64_t k = offsets[q]; k < offsets[q + 1]; k++) {
            if (places[k] < 0 || places[k] >= task->pool ||
                (k > offsets[q] && places[k] <= places[k - 1])) {
                return tw_fail(err, TW_EINVAL,
                               "query %lld: %s place %d is outside 0..%lld or does not rise",
                               (long long) q, what, places[k], (long long) task->pool - 1);
            }
        }
    }
    return TW_OK;
}

static tw_status check_task(const tw_rank_task *t, tw_error *err)
{
    tw_status st = TW_OK;
    const bool classes = t->query_class != NULL && t->pool_class != NULL;

    if (t->k < 1 || t->k > TW_RANK_MAX_K || t->queries < 0 || t->queries > INT32_MAX ||
        t->pool < 0 || t->pool > INT32_MAX || (t->right_offsets == NULL && !classes)) {
        st = tw_fail(err, TW_EINVAL, "ranking the first %d of %lld for %lld queries%s", t->k,
                     (long long) t->pool, (long long) t->queries,
                     classes ? "" : " without classes or right answers");
        goto done;
    }
    for (int64_t q = 0; q < t->queries && t->own != NULL; q++) {
        if (t->own[q] >= t->pool) {
            st = tw_fail(err, TW_EINVAL, "query %lld: own place %d is outside 0..%lld",
                         (long long) q, t->own[q], (long long) t->pool - 1);
            goto done;
        }
    }
    TW_TRY(check_lists("right", t->right_offsets, t->right, t, err));
    TW_TRY(check_lists("hidden", t->hide_offsets, t->hide, t, err));
done:
    return st;
}

static void lower(float *score)
{
    const double size = fabs((double) *score);
    *score = (float) ((double) *score - TW_TIE * (size > 1 ? size : 1));
}

/* Takes out of the row what may not be found, lowers what is right; returns how many are right. */
static int64_t mark(const tw_rank_task *t, int32_t query, float *row, int64_t first, int n)
{
    int64_t right = 0;

    if (t->own != NULL && t->own[query] >= first && t->own[query] < first + n)
        row[t->own[query] - first] = -INFINITY;
    for (int64_t k = t->hide_offsets != NULL ? t->hide_offsets[query] : 0;
         t->hide_offsets != NULL && k < t->hide_offsets[query + 1]; k++)
        if (t->hide[k] >= first && t->hide[k] < first + n)
            row[t->hide[k] - first] = -INFINITY;
    if (t->right_offsets != NULL) {
        for (int64_t k = t->right_offsets[query]; k < t->right_offsets[query + 1]; k++) {
            if (t->right[k] < first || t->right[k] >= first + n)
                continue;
            float *score = &row[t->right[k] - first];
            right += *score != -INFINITY;
            lower(score);
        }
        return right;
    }
    for (int j = 0; j < n && t->query_class[query] >= 0; j++) {
        if (t->pool_class[first + j] != t->query_class[query])
            continue;
        right += row[j] != -INFINITY;
        lower(&row[j]);
    }
    return right;
}

/* Puts a row's scores into its list, nearest first; of equals the earlier place stays ahead. */
static void keep_nearest(int32_t *place, float *list, int32_t *filled, int k, const float *row,
                         int64_t first, int n)
{
    float least = *filled == k ? list[k - 1] : TW_SCORE_NEVER;
    for (int j = 0; j < n; j++) {
        const float s = row[j];
        if (!(s > least)) /* nearly always, and a score that is no number */
            continue;
        int from = 0, to = *filled;
        while (from < to) {
            const int mid = (from + to) / 2;
            if (list[mid] >= s)
                from = mid + 1;
            else
                to = mid;
        }
        *filled += *filled < k;
        const size_t after = (size_t) (*filled - 1 - from);
        memmove(list + from + 1, list + from, after * sizeof *list);
        memmove(place + from + 1, place + from, after * sizeof *place);
        list[from] = s;
        place[from] = (int32_t) (first + j);
        if (*filled == k)
            least = list[k - 1];
    }
}

static int compare_places(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *) a, y = *(const int32_t *) b;
    return (x > y) - (x < y);
}

static bool is_right(const tw_rank_task *t, int64_t query, int32_t place)
{
    if (t->right_offsets == NULL)
        return t->query_class[query] >= 0 && t->query_class[query] == t->pool_class[place];
    const int64_t from = t->right_offsets[query], n = t->right_offsets[query + 1] - from;
    return n > 0 &&
           bsearch(&place, t->right + from, (size_t) n, sizeof place, compare_places) != NULL;
}

static tw_status rank_block(ranker *r, int worker, int64_t begin, int nq)
{
    const tw_rank_task *t = r->task;
    ws *w = &r->workspaces[worker];
    const size_t k = (size_t) t->k;
    int32_t queries[QUERIES];

    assert(w->filled != NULL);
    for (int i = 0; i < nq; i++) {
        queries[i] = (int32_t) (begin + i);
        w->filled[i] = 0;
    }
    for (int64_t first = 0; first < t->pool; first += PLACES) {
        const int n = (int) (t->pool - first < PLACES ? t->pool - first : PLACES);
        tw_status st = r->score(r->ctx, worker, queries, nq, first, n, w->scores, &w->err);
        if (st != TW_OK)
            return st;
        for (int i = 0; i < nq; i++) {
            float *row = w->scores + (size_t) i * (size_t) n;
            r->out->n_right[begin + i] += mark(t, queries[i], row, first, n);
            keep_nearest(r->out->place + (size_t) (begin + i) * k, w->list + (size_t) i * k,
                         &w->filled[i], t->k, row, first, n);
        }
    }
    for (int i = 0; i < nq; i++) {
        int32_t *place = r->out->place + (size_t) (begin + i) * k;
        for (int j = 0; j < t->k; j++) {
            if (j >= w->filled[i])
                place[j] = -1;
            r->out->hit[(size_t) (begin + i) * k + (size_t) j] =
                place[j] >= 0 && is_right(t, begin + i, place[j]);
        }
    }
    return TW_OK;
}

static void rank_share(void *ctx, int worker, int workers)
{
    ranker *r = ctx;
    ws *w = &r->workspaces[worker];
    int64_t from, to;

    tw_pool_share(r->task->queries, worker, workers, &from, &to);
    for (; from < to && w->status == TW_OK; from += QUERIES)
        w->status = rank_block(r, worker, from, (int) (to - from < QUERIES ? to - from : QUERIES));
}

static tw_status make_room(ranker *r, int workers, tw_error *err)
{
    const size_t Q = (size_t) r->task->queries, k = (size_t) r->task->k;
    tw_ranked *out = r->out;

    out->place = tw_alloc(Q * k, sizeof *out->place);
    out->hit = tw_alloc(Q * k, sizeof *out->hit);
    out->n_right = tw_alloc(Q, sizeof *out->n_right);
    if (out->place == NULL || out->hit == NULL || out->n_right == NULL)
        return tw_fail(err, TW_ENOMEM, "%zu lists of %zu", Q, k);
    for (int w = 0; w < workers; w++) {
        ws *s = &r->workspaces[w];
        s->scores = tw_alloc((size_t) QUERIES * PLACES, sizeof *s->scores);
        s->list = tw_alloc(QUERIES * k, sizeof *s->list);
        s->filled = tw_alloc(QUERIES, sizeof *s->filled);
        if (s->scores == NULL || s->list == NULL || s->filled == NULL)
            return tw_fail(err, TW_ENOMEM, "a worker's block of scores");
    }
    return TW_OK;
}

tw_status tw_rank(tw_ranked *out, const tw_rank_task *task, tw_score_fn score, void *ctx,
                  tw_pool *pool, tw_error *err)
{
    tw_status st = TW_OK;
    const int workers = pool != NULL ? tw_pool_size(pool) : 1;
    ranker *r = NULL;

    *out = (tw_ranked){.queries = task->queries, .pool = task->pool, .k = task->k};
    TW_TRY(check_task(task, err));
    r = tw_alloc(1, sizeof *r);
    if (r == NULL) {
        st = tw_fail(err, TW_ENOMEM, "ranking");
        goto done;
    }
    *r = (ranker){.out = out, .task = task, .score = score, .ctx = ctx};
    TW_TRY(make_room(r, workers, err));
    if (pool != NULL)
        tw_pool_run(pool, rank_share, r);
    else
        rank_share(r, 0, 1);
    for (int w = 0; w < workers && st == TW_OK; w++) {
        st = r->workspaces[w].status;
        if (st != TW_OK && err != NULL)
            *err = r->workspaces[w].err;
    }
done:
    for (int w = 0; r != NULL && w < workers; w++) {
        tw_free(r->workspaces[w].scores);
        tw_free(r->workspaces[w].list);
        tw_free(r->workspaces[w].filled);
    }
    tw_free(r);
    if (st != TW_OK)
        tw_ranked_fini(out);
    return st;
}

void tw_ranked_fini(tw_ranked *r)
{
    tw_free(r->place);
    tw_free(r->hit);
    tw_free(r->n_right);
    *r = (tw_ranked){0};
}
