/* What ranked lists are worth and how varied they are; one-shot trials; clusters. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "towers/tower_metrics.h"

static tw_status check_k(const tw_ranked *lists, int k, tw_error *err)
{
    if (k < 1 || k > lists->k)
        return tw_fail(err, TW_EINVAL, "measuring at %d: the lists hold %d", k, lists->k);
    return TW_OK;
}

/* ---- rankings -------------------------------------------------------------------------------- */

enum { RECALL, PRECISION, HIT_RATE, NDCG, MRR, MAP, FIGURES };

static void score_list(double *out, size_t stride, const unsigned char *hit, int k, int64_t n_right)
{
    const int64_t most = n_right < k ? n_right : k;
    double found = 0, gain = 0, ideal = 0, precisions = 0, first = 0;

    for (int j = 0; j < k; j++) {
        const double discount = 1 / log2(2 + j);
        if (j < most)
            ideal += discount;
        if (!hit[j])
            continue;
        found++;
        gain += discount;
        precisions += found / (j + 1);
        if (first == 0)
            first = 1.0 / (j + 1);
    }
    out[RECALL * stride] = found / (double) n_right;
    out[PRECISION * stride] = found / k;
    out[HIT_RATE * stride] = found > 0;
    out[NDCG * stride] = gain / ideal;
    out[MRR * stride] = first;
    out[MAP * stride] = precisions / (double) most;
}

tw_status tw_ranking_measure(tw_ranking *out, const tw_ranked *lists, int k, tw_error *err)
{
    tw_status st = TW_OK;
    const size_t Q = (size_t) lists->queries;
    double *figures = NULL;
    int64_t n = 0;

    *out = (tw_ranking){.k = k};
    TW_TRY(check_k(lists, k, err));
    figures = tw_alloc(Q, FIGURES * sizeof *figures);
    if (figures == NULL) {
        st = tw_fail(err, TW_ENOMEM, "figures of %zu queries", Q);
        goto done;
    }
    for (size_t q = 0; q < Q; q++)
        if (lists->n_right[q] > 0)
            score_list(figures + n++, Q, lists->hit + q * (size_t) lists->k, k, lists->n_right[q]);
    out->recall = tw_mean_of(figures + RECALL * Q, n);
    out->precision = tw_mean_of(figures + PRECISION * Q, n);
    out->hit_rate = tw_mean_of(figures + HIT_RATE * Q, n);
    out->ndcg = tw_mean_of(figures + NDCG * Q, n);
    out->mrr = tw_mean_of(figures + MRR * Q, n);
    out->map = tw_mean_of(figures + MAP * Q, n);
done:
    tw_free(figures);
    return st;
}

/* The class that most of the list have; the first to be met wins among equals. -1: an empty list.
 */
static int32_t vote(const int32_t *place, const int32_t *pool_class, int k)
{
    int32_t best = -1;
    int most = 0;

    for (int j = 0; j < k && place[j] >= 0; j++) {
        int votes = 0;
        for (int i = j; i < k && place[i] >= 0; i++)
            votes += pool_class[place[i]] == pool_class[place[j]];
        if (votes > most) {
            most = votes;
            best = pool_class[place[j]];
        }
    }
    return best;
}

tw_status tw_knn_measure(tw_mean *out, const tw_ranked *lists, const tw_rank_task *task, int k,
                         tw_error *err)
{
    tw_status st = TW_OK;
    double *right = NULL;
    int64_t n = 0;

    *out = (tw_mean){.mean = (double) NAN, .se = (double) NAN};
    TW_TRY(check_k(lists, k, err));
    if (task->query_class == NULL || task->pool_class == NULL) {
        st = tw_fail(err, TW_EINVAL, "nearest-neighbour accuracy needs classes");
        goto done;
    }
    right = tw_alloc((size_t) lists->queries, sizeof *right);
    if (right == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld answers", (long long) lists->queries);
        goto done;
    }
    for (int64_t q = 0; q < lists->queries; q++) {
        const int32_t *place = lists->place + (size_t) q * (size_t) lists->k;
        if (task->query_class[q] >= 0)
            right[n++] = vote(place, task->pool_class, k) == task->query_class[q];
    }
    *out = tw_mean_of(right, n);
done:
    tw_free(right);
    return st;
}

/* ---- variety --------------------------------------------------------------------------------- */

static int compare_counts(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
    return (x > y) - (x < y);
}

/* Over counts sorted to rise: sum of (2 i - n - 1) x_i / (n sum x), i from 1. */
static double gini_of(const int64_t *count, int64_t n)
{
    double sum = 0, weighted = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += (double) count[i];
        weighted += (double) (2 * i + 1 - n) * (double) count[i];
    }
    return sum > 0 ? weighted / ((double) n * sum) : 0;
}

static double dot(const float *a, const float *b, int n)
{
    double sum = 0;
    for (int j = 0; j < n; j++)
        sum += (double) a[j] * (double) b[j];
    return sum;
}

/* Mean of 1 - cosine over the pairs of one list; false: fewer than two places. */
static bool diversity_of(double *out, const int32_t *place, int k, const float *vecs, int dim)
{
    double sum = 0, pairs = 0;
    for (int i = 0; i < k && place[i] >= 0; i++) {
        for (int j = 0; j < i; j++) {
            sum += 1 - dot(vecs + (size_t) place[i] * (size_t) dim,
                           vecs + (size_t) place[j] * (size_t) dim, dim);
            pairs++;
        }
    }
    *out = pairs > 0 ? sum / pairs : 0;
    return pairs > 0;
}

tw_status tw_variety_measure(tw_variety *out, const tw_ranked *lists, int k, const float *pool_vecs,
                             int dim, tw_error *err)
{
    tw_status st = TW_OK;
    int64_t *count = NULL, shown = 0, n = 0;
    double *diversity = NULL;

    *out = (tw_variety){0};
    TW_TRY(check_k(lists, k, err));
    count = tw_alloc((size_t) lists->pool, sizeof *count);
    diversity = tw_alloc((size_t) lists->queries, sizeof *diversity);
    if (count == NULL || diversity == NULL) {
        st = tw_fail(err, TW_ENOMEM, "counts of %lld places", (long long) lists->pool);
        goto done;
    }
    for (int64_t q = 0; q < lists->queries; q++) {
        const int32_t *place = lists->place + (size_t) q * (size_t) lists->k;
        for (int j = 0; j < k && place[j] >= 0; j++)
            count[place[j]]++;
        if (pool_vecs != NULL && diversity_of(&diversity[n], place, k, pool_vecs, dim))
            n++;
    }
    for (int64_t i = 0; i < lists->pool; i++)
        shown += count[i] > 0;
    qsort(count, (size_t) lists->pool, sizeof *count, compare_counts);
    out->coverage = lists->pool > 0 ? (double) shown / (double) lists->pool : 0;
    out->gini = gini_of(count, lists->pool);
    out->diversity = tw_mean_of(diversity, n);
done:
    tw_free(count);
    tw_free(diversity);
    return st;
}

/* ---- trials ---------------------------------------------------------------------------------- */

typedef struct judge {
    const float *vecs;
    int dim;
    float *means; /* (largest support, dim) */
    int32_t *cls; /* (largest support) */
} judge;

/* One mean of length 1 for each class of the supports; returns how many. */
static int take_means(judge *j, const tw_trial *t)
{
    const size_t D = (size_t) j->dim;
    int n = 0;

    for (int s = 0; s < t->n_support; s++) {
        const float *v = j->vecs + (size_t) t->support[s] * D;
        int c = 0;
        while (c < n && j->cls[c] != t->support_class[s])
            c++;
        if (c == n) {
            j->cls[n++] = t->support_class[s];
            memset(j->means + (size_t) c * D, 0, D * sizeof *j->means);
        }
        for (size_t d = 0; d < D; d++)
            j->means[(size_t) c * D + d] += v[d];
    }
    for (int c = 0; c < n; c++) {
        float *mean = j->means + (size_t) c * D;
        const double length = sqrt(dot(mean, mean, j->dim));
        for (size_t d = 0; d < D && length > 0; d++)
            mean[d] = (float) ((double) mean[d] / length);
    }
    return n;
}

static void take_supports(judge *j, const tw_trial *t)
{
    const size_t D = (size_t) j->dim;
    for (int s = 0; s < t->n_support; s++) {
        memcpy(j->means + (size_t) s * D, j->vecs + (size_t) t->support[s] * D,
               D * sizeof *j->means);
        j->cls[s] = t->support_class[s];
    }
}

/* The nearest of the right class must be nearer than every other by more than a tie. */
static bool is_answered(const judge *j, int n, int32_t query, int32_t cls)
{
    const float *v = j->vecs + (size_t) query * (size_t) j->dim;
    double right = -INFINITY, wrong = -INFINITY;

    for (int s = 0; s < n; s++) {
        const double cosine = dot(v, j->means + (size_t) s * (size_t) j->dim, j->dim);
        double *side = j->cls[s] == cls ? &right : &wrong;
        if (cosine > *side)
            *side = cosine;
    }
    return right - TW_TIE > wrong;
}

static tw_status check_rows(const int32_t *rows, int n_rows, int64_t n, int64_t trial,
                            tw_error *err)
{
    for (int k = 0; k < n_rows; k++) {
        if (rows[k] < 0 || rows[k] >= n)
            return tw_fail(err, TW_EINVAL, "trial %lld: row %d is outside 0..%lld",
                           (long long) trial, rows[k], (long long) n - 1);
    }
    return TW_OK;
}

tw_status tw_trials_measure(tw_mean *out, const float *vecs, int64_t n, int dim,
                            const tw_trial *trials, int64_t n_trials, bool class_mean,
                            tw_error *err)
{
    tw_status st = TW_OK;
    judge j = {.vecs = vecs, .dim = dim};
    double *share = tw_alloc((size_t) n_trials, sizeof *share);
    int64_t asked = 0;
    size_t largest = 0;

    *out = (tw_mean){.mean = (double) NAN, .se = (double) NAN};
    for (int64_t t = 0; t < n_trials; t++) {
        TW_TRY(check_rows(trials[t].support, trials[t].n_support, n, t, err));
        TW_TRY(check_rows(trials[t].query, trials[t].n_query, n, t, err));
        if ((size_t) trials[t].n_support > largest)
            largest = (size_t) trials[t].n_support;
    }
    j.means = tw_alloc(largest * (size_t) dim, sizeof *j.means);
    j.cls = tw_alloc(largest, sizeof *j.cls);
    if (share == NULL || j.means == NULL || j.cls == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld trials of %zu supports", (long long) n_trials, largest);
        goto done;
    }
    for (int64_t t = 0; t < n_trials; t++) {
        const tw_trial *trial = &trials[t];
        int classes = trial->n_support, right = 0;
        if (trial->n_query == 0)
            continue;
        if (class_mean)
            classes = take_means(&j, trial);
        else
            take_supports(&j, trial);
        for (int q = 0; q < trial->n_query; q++)
            right += is_answered(&j, classes, trial->query[q], trial->query_class[q]);
        share[asked++] = (double) right / trial->n_query;
    }
    *out = tw_mean_of(share, asked);
done:
    tw_free(share);
    tw_free(j.means);
    tw_free(j.cls);
    return st;
}

/* ---- clusters -------------------------------------------------------------------------------- */

typedef struct both {
    int32_t a, b;
} both;

static int compare_both(const void *x, const void *y)
{
    const both *p = x, *q = y;
    if (p->a != q->a)
        return p->a < q->a ? -1 : 1;
    return (p->b > q->b) - (p->b < q->b);
}

/* -sum of p ln p over runs of equal cells; only_a: cells are equal when their a is. */
static double entropy_of_runs(const both *cells, int64_t n, bool only_a)
{
    double h = 0;
    for (int64_t k = 0; k < n;) {
        int64_t end = k + 1;
        while (end < n && cells[end].a == cells[k].a && (only_a || cells[end].b == cells[k].b))
            end++;
        const double p = (double) (end - k) / (double) n;
        h -= p * log(p);
        k = end;
    }
    return h;
}

tw_status tw_clusters_nmi(double *out, const int32_t *a, const int32_t *b, int64_t n, tw_error *err)
{
    both *cells = tw_alloc((size_t) n, sizeof *cells);

    *out = (double) NAN;
    if (cells == NULL)
        return tw_fail(err, TW_ENOMEM, "comparing %lld labels", (long long) n);
    for (int64_t k = 0; k < n; k++)
        cells[k] = (both){b[k], a[k]};
    qsort(cells, (size_t) n, sizeof *cells, compare_both);
    const double hb = entropy_of_runs(cells, n, true), joint = entropy_of_runs(cells, n, false);
    for (int64_t k = 0; k < n; k++)
        cells[k] = (both){a[k], b[k]};
    qsort(cells, (size_t) n, sizeof *cells, compare_both);
    const double ha = entropy_of_runs(cells, n, true);
    tw_free(cells);
    if (n == 0)
        return TW_OK;
    *out = ha + hb > 0 ? 2 * (ha + hb - joint) / (ha + hb) : 1;
    return TW_OK;
}
