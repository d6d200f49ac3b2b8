/* How good vectors are: retrieval over the whole catalogue, and rank
 * correlation for scored pairs.
 *
 * Scores come in blocks (queries x items) of one matrix product, so memory does
 * not grow with the square of the catalogue. A partner's rank is counted, never
 * sorted: one more than the items that are not its query's partners and score at
 * least as high, plus the partners that stand before it. Scores closer than TIE
 * are equal, because the same vector may get another last bit from another
 * place in a product. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "nn/blas.h"
#include "towers/internal.h"

enum { QUERIES = 64, ITEMS = 1024 }; /* of one block */

#define TIE 1e-6

typedef struct eval {
    int64_t n; /* items */
    int dim;
    const float *vecs;    /* (n, dim), or NULL: the same score for every query */
    const double *scores; /* (n) then */
    twi_partners held, known;
    int32_t *queries; /* (n_queries) */
    int64_t n_queries;
    double *recall, *ndcg, *mrr;  /* (n_queries) */
    int64_t *above;               /* (held.offsets[n]) strangers at or above each partner */
    double *mine;                 /* (held.offsets[n]) each partner's score */
    tw_real *blocks[TW_POOL_MAX]; /* each QUERIES*dim, ITEMS*dim, QUERIES*ITEMS */
} eval;

static void fini(eval *e)
{
    twi_partners_fini(&e->held);
    twi_partners_fini(&e->known);
    tw_free(e->queries);
    tw_free(e->recall);
    tw_free(e->ndcg);
    tw_free(e->mrr);
    tw_free(e->above);
    tw_free(e->mine);
    for (int w = 0; w < TW_POOL_MAX; w++)
        tw_free(e->blocks[w]);
}

static uint64_t item_hash(int32_t item) { return tw_fnv1a(TW_FNV_START, &item, sizeof item); }

static int compare_hashes(const void *a, const void *b)
{
    const uint64_t x = item_hash(*(const int32_t *) a), y = item_hash(*(const int32_t *) b);
    return (x > y) - (x < y);
}

static int compare_ids(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *) a, y = *(const int32_t *) b;
    return (x > y) - (x < y);
}

static tw_status choose_queries(eval *e, int64_t most, tw_error *err)
{
    e->queries = tw_alloc((size_t) e->n, sizeof *e->queries);
    if (e->queries == NULL)
        return tw_fail(err, TW_ENOMEM, "queries of %lld items", (long long) e->n);
    for (int64_t i = 0; i < e->n; i++)
        if (e->held.offsets[i + 1] > e->held.offsets[i])
            e->queries[e->n_queries++] = (int32_t) i;
    if (most > 0 && e->n_queries > most) {
        qsort(e->queries, (size_t) e->n_queries, sizeof *e->queries, compare_hashes);
        e->n_queries = most;
        qsort(e->queries, (size_t) most, sizeof *e->queries, compare_ids);
    }
    return TW_OK;
}

static tw_status begin(eval *e, const tw_retrieval_task *task, tw_error *err)
{
    tw_status st = TW_OK;
    const int64_t n_known = task->known != NULL ? task->n_known : 0;

    TW_TRY(twi_partners_build(&e->held, e->n, task->held, task->n_held, err));
    TW_TRY(twi_partners_build(&e->known, e->n, task->known, n_known, err));
    TW_TRY(choose_queries(e, task->max_queries, err));
    const size_t q = (size_t) e->n_queries, p = (size_t) e->held.offsets[e->n];
    e->recall = tw_alloc(q, sizeof *e->recall);
    e->ndcg = tw_alloc(q, sizeof *e->ndcg);
    e->mrr = tw_alloc(q, sizeof *e->mrr);
    e->above = tw_alloc(p, sizeof *e->above);
    e->mine = tw_alloc(p, sizeof *e->mine);
    if (e->recall == NULL || e->ndcg == NULL || e->mrr == NULL || e->above == NULL ||
        e->mine == NULL)
        st = tw_fail(err, TW_ENOMEM, "evaluating %zu queries", q);
done:
    return st;
}

/* Partner k's place among its query's partners and the strangers above. */
static int64_t rank_of(const eval *e, int64_t from, int64_t to, int64_t k)
{
    int64_t rank = 1 + e->above[k];
    for (int64_t j = from; j < to; j++)
        rank += e->mine[j] > e->mine[k] || (j < k && e->mine[j] == e->mine[k]);
    return rank;
}

static void score_query(eval *e, int64_t query)
{
    const int32_t item = e->queries[query];
    const int64_t from = e->held.offsets[item], to = e->held.offsets[item + 1];
    double found = 0, gain = 0, ideal = 0;
    int64_t first = INT64_MAX;

    for (int64_t k = from; k < to; k++) {
        const int64_t rank = rank_of(e, from, to, k);
        if (rank < first)
            first = rank;
        if (rank <= TW_TOWER_K) {
            found++;
            gain += 1 / log2(1 + (double) rank);
        }
        if (k - from < TW_TOWER_K)
            ideal += 1 / log2(2 + (double) (k - from));
    }
    e->recall[query] = found / (double) (to - from);
    e->ndcg[query] = gain / ideal;
    e->mrr[query] = 1 / (double) first;
}

static void mean_and_error(const double *x, int64_t n, double *mean, double *error)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    *mean = n > 0 ? sum / (double) n : 0;
    for (int64_t i = 0; i < n; i++)
        squares += (x[i] - *mean) * (x[i] - *mean);
    *error = n > 1 ? sqrt(squares / (double) (n - 1) / (double) n) : 0;
}

static void summarise(eval *e, tw_retrieval *out)
{
    *out = (tw_retrieval){.queries = e->n_queries, .items = e->n};
    for (int64_t q = 0; q < e->n_queries; q++)
        score_query(e, q);
    mean_and_error(e->recall, e->n_queries, &out->recall, &out->recall_se);
    mean_and_error(e->ndcg, e->n_queries, &out->ndcg, &out->ndcg_se);
    mean_and_error(e->mrr, e->n_queries, &out->mrr, &out->mrr_se);
}

/* Those of partners that lie in [begin, begin + n) never count as strangers. */
static void hide(tw_real *row, const twi_partners *p, int32_t query, int64_t begin, int64_t n)
{
    for (int64_t k = p->offsets[query]; k < p->offsets[query + 1]; k++)
        if (p->items[k] >= begin && p->items[k] < begin + n)
            row[p->items[k] - begin] = -INFINITY;
}

static void count_above(eval *e, int32_t query, const tw_real *row, int64_t n)
{
    for (int64_t k = e->held.offsets[query]; k < e->held.offsets[query + 1]; k++) {
        const tw_real least = (tw_real) (e->mine[k] - TIE);
        int64_t above = 0;
        for (int64_t i = 0; i < n; i++)
            above += row[i] >= least;
        e->above[k] += above;
    }
}

static void to_real(tw_real *out, const float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (tw_real) v[i];
}

static double dot(const float *a, const float *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double) a[i] * (double) b[i];
    return sum;
}

/* Strangers above the partners of up to QUERIES queries, over all items. */
static void measure_queries(eval *e, tw_real *block, const int32_t *queries, int nq)
{
    const size_t D = (size_t) e->dim;
    tw_real *q = block, *v = q + QUERIES * D, *s = v + ITEMS * D;

    for (int i = 0; i < nq; i++) {
        const float *own = e->vecs + (size_t) queries[i] * D;
        to_real(q + (size_t) i * D, own, D);
        for (int64_t k = e->held.offsets[queries[i]]; k < e->held.offsets[queries[i] + 1]; k++)
            e->mine[k] = dot(own, e->vecs + (size_t) e->held.items[k] * D, e->dim);
    }
    for (int64_t first = 0; first < e->n; first += ITEMS) {
        const int n = (int) (e->n - first < ITEMS ? e->n - first : ITEMS);
        to_real(v, e->vecs + (size_t) first * D, (size_t) n * D);
        tw_gemm(0, 1, nq, n, e->dim, 1, q, e->dim, v, e->dim, 0, s, ITEMS);
        for (int i = 0; i < nq; i++) {
            tw_real *row = s + (size_t) i * ITEMS;
            hide(row, &e->held, queries[i], first, n);
            hide(row, &e->known, queries[i], first, n);
            if (queries[i] >= first && queries[i] < first + n)
                row[queries[i] - first] = -INFINITY;
            count_above(e, queries[i], row, n);
        }
    }
}

static void measure_share(void *ctx, int worker, int workers)
{
    eval *e = ctx;
    int64_t from, to;
    tw_pool_share(e->n_queries, worker, workers, &from, &to);
    for (; from < to; from += QUERIES) {
        const int nq = (int) (to - from < QUERIES ? to - from : QUERIES);
        measure_queries(e, e->blocks[worker], e->queries + from, nq);
    }
}

tw_status tw_retrieval_measure(tw_retrieval *out, const float *vecs, int64_t n, int dim,
                               const tw_retrieval_task *task, tw_pool *pool, tw_error *err)
{
    tw_status st = TW_OK;
    const int workers = pool != NULL ? tw_pool_size(pool) : 1;
    const size_t room = (size_t) (QUERIES + ITEMS) * (size_t) dim + (size_t) QUERIES * ITEMS;
    eval e = {.n = n, .dim = dim, .vecs = vecs};

    *out = (tw_retrieval){0};
    TW_TRY(begin(&e, task, err));
    for (int w = 0; w < workers; w++) {
        e.blocks[w] = tw_alloc_aligned(room, sizeof *e.blocks[w]);
        if (e.blocks[w] == NULL) {
            st = tw_fail(err, TW_ENOMEM, "a worker's block of scores");
            goto done;
        }
    }
    if (pool != NULL)
        tw_pool_run(pool, measure_share, &e);
    else
        measure_share(&e, 0, 1);
    summarise(&e, out);
done:
    fini(&e);
    return st;
}

static bool holds(const twi_partners *p, int32_t item, int32_t other)
{
    const int64_t from = p->offsets[item], n = p->offsets[item + 1] - from;
    return n > 0 && bsearch(&other, p->items + from, (size_t) n, sizeof other, compare_ids) != NULL;
}

tw_status tw_retrieval_baseline(tw_retrieval *out, const double *score, int64_t n,
                                const tw_retrieval_task *task, tw_error *err)
{
    tw_status st = TW_OK;
    eval e = {.n = n, .scores = score};

    *out = (tw_retrieval){0};
    TW_TRY(begin(&e, task, err));
    for (int64_t q = 0; q < e.n_queries; q++) {
        const int32_t item = e.queries[q];
        for (int64_t k = e.held.offsets[item]; k < e.held.offsets[item + 1]; k++)
            e.mine[k] = score[e.held.items[k]];
        for (int32_t i = 0; i < (int32_t) n; i++) {
            if (i == item || holds(&e.held, item, i) || holds(&e.known, item, i))
                continue;
            for (int64_t k = e.held.offsets[item]; k < e.held.offsets[item + 1]; k++)
                e.above[k] += score[i] >= e.mine[k];
        }
    }
    summarise(&e, out);
done:
    fini(&e);
    return st;
}

/* ---- rank correlation ---------------------------------------------------------------------------
 */

typedef struct ranked {
    double value, rank;
    int64_t index;
} ranked;

static int compare_values(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

/* Ranks from 1 into rank (n), equal values sharing their mean; r is scratch with value and index
 * set. */
static void to_ranks(double *rank, ranked *r, int64_t n)
{
    qsort(r, (size_t) n, sizeof *r, compare_values);
    for (int64_t i = 0; i < n;) {
        int64_t end = i + 1;
        while (end < n && r[end].value == r[i].value)
            end++;
        for (int64_t k = i; k < end; k++)
            rank[r[k].index] = 0.5 * (double) (i + 1 + end);
        i = end;
    }
}

static double pearson(const double *x, const double *y, int64_t n)
{
    double mx = 0, my = 0, xy = 0, xx = 0, yy = 0;
    for (int64_t i = 0; i < n; i++) {
        mx += x[i] / (double) n;
        my += y[i] / (double) n;
    }
    for (int64_t i = 0; i < n; i++) {
        xy += (x[i] - mx) * (y[i] - my);
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : (double) NAN;
}

tw_status tw_pairs_spearman(double *rho, const float *vecs, int64_t n, int dim,
                            const tw_item_pair *pairs, int64_t n_pairs, tw_error *err)
{
    tw_status st = TW_OK;
    const size_t rows = (size_t) n_pairs;
    ranked *r = tw_alloc(rows, sizeof *r);
    double *x = tw_alloc(rows, sizeof *x), *y = tw_alloc(rows, sizeof *y);

    *rho = (double) NAN;
    if (r == NULL || x == NULL || y == NULL) {
        st = tw_fail(err, TW_ENOMEM, "ranks of %zu pairs", rows);
        goto done;
    }
    for (int64_t k = 0; k < n_pairs; k++) {
        const tw_item_pair *p = &pairs[k];
        if (p->a < 0 || p->a >= n || p->b < 0 || p->b >= n) {
            st = tw_fail(err, TW_EINVAL, "pair %lld (%d, %d) names no item of 0..%lld",
                         (long long) k, p->a, p->b, (long long) n - 1);
            goto done;
        }
        r[k] = (ranked){.index = k};
        r[k].value =
            dot(vecs + (size_t) p->a * (size_t) dim, vecs + (size_t) p->b * (size_t) dim, dim);
    }
    to_ranks(x, r, n_pairs);
    for (int64_t k = 0; k < n_pairs; k++)
        r[k] = (ranked){.value = (double) pairs[k].label, .index = k};
    to_ranks(y, r, n_pairs);
    *rho = pearson(x, y, n_pairs);
done:
    tw_free(r);
    tw_free(x);
    tw_free(y);
    return st;
}
