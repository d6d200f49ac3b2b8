/* Spherical k-means: the beginnings and the book-keeping are here, the iterations are FAISS's.
 *
 *   vecs (n,dim) -> those of a length, scaled (m,dim) -> centroids (k,dim), several times -> best
 *                -> each row's two nearest -> renumbered by size
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "index/faiss_compat.h"
#include "index/groups/kmeans.h"
#include "index/index.h"
#include "index/index_kernel.h"

enum { DEFAULT_ITERATIONS = 25, DEFAULT_REDOS = 5, MAX_ITERATIONS = 1000, MAX_REDOS = 100 };
/* FAISS iterates over at most so many rows a centroid, drawn at random; all rows are assigned. */
enum { ROWS_PER_CENTROID = 1024 };

/* What one fit works in; all owned. */
typedef struct work {
    int64_t m;        /* rows of a length */
    int64_t *from;    /* (m) which row of the caller's */
    float *x;         /* (m,dim) of length 1 */
    float *trial;     /* (k,dim) centroids of this beginning */
    float *best;      /* (k,dim) of the best one so far */
    float *scores;    /* (m) */
    float *distances; /* (m,2) of the assignment */
    int64_t *labels;  /* (m,2) */
} work;

int tw_kmeans_default_k(int64_t n)
{
    if (n < 2)
        return 1;
    double k = floor(sqrt((double) n / 2));
    return k < 2 ? 2 : k > 256 ? 256 : (int) k;
}

void tw_kmeans_fini(tw_kmeans *km)
{
    tw_free(km->centroids);
    tw_free(km->sizes);
    tw_free(km->cluster);
    tw_free(km->own);
    tw_free(km->next);
    tw_free(km->second);
    *km = (tw_kmeans){0};
}

static void work_fini(work *w)
{
    tw_free(w->from);
    tw_free(w->x);
    tw_free(w->trial);
    tw_free(w->best);
    tw_free(w->scores);
    tw_free(w->distances);
    tw_free(w->labels);
}

/* ---- before ---------------------------------------------------------------------------------- */

static tw_status check(const tw_kmeans_config *c, const float *vecs, int64_t n, int dim,
                       tw_error *err)
{
    if (n < 1 || n > TW_INDEX_MAX_ROWS)
        return tw_fail(err, TW_EINVAL, "%lld vectors cannot be clustered", (long long) n);
    if (dim < 1 || dim > TW_INDEX_MAX_DIM)
        return tw_fail(err, TW_EINVAL, "dim %d is outside 1..%d", dim, TW_INDEX_MAX_DIM);
    if (c->k < 0 || c->k > TW_KMEANS_MAX_K)
        return tw_fail(err, TW_EINVAL, "%d clusters are outside 1..%d", c->k, TW_KMEANS_MAX_K);
    if (c->iterations < 0 || c->iterations > MAX_ITERATIONS)
        return tw_fail(err, TW_EINVAL, "%d iterations are outside 1..%d", c->iterations,
                       MAX_ITERATIONS);
    if (c->redos < 0 || c->redos > MAX_REDOS)
        return tw_fail(err, TW_EINVAL, "%d beginnings are outside 1..%d", c->redos, MAX_REDOS);
    int64_t at = twi_first_unusable(vecs, n * dim);
    if (at >= 0)
        return tw_fail(err, TW_EINVAL, "value %lld of vector %lld cannot be used",
                       (long long) (at % dim), (long long) (at / dim));
    return TW_OK;
}

/* Copies the rows that have a length, scaled to 1. */
static tw_status take_rows(work *w, const float *vecs, int64_t n, int dim, tw_error *err)
{
    w->from = tw_alloc((size_t) n, sizeof *w->from);
    w->x = tw_alloc((size_t) n, (size_t) dim * sizeof *w->x);
    w->scores = tw_alloc((size_t) n, sizeof *w->scores);
    w->distances = tw_alloc((size_t) n, 2 * sizeof *w->distances);
    w->labels = tw_alloc((size_t) n, 2 * sizeof *w->labels);
    if (w->from == NULL || w->x == NULL || w->scores == NULL || w->distances == NULL ||
        w->labels == NULL)
        return tw_fail(err, TW_ENOMEM, "clusters of %lld vectors", (long long) n);
    for (int64_t i = 0; i < n; i++) {
        const float *row = vecs + (size_t) i * (size_t) dim;
        float *to = w->x + (size_t) w->m * (size_t) dim;
        double sum = 0;
        for (int j = 0; j < dim; j++)
            sum += (double) row[j] * (double) row[j];
        if (!(sum > 0))
            continue;
        for (int j = 0; j < dim; j++)
            to[j] = (float) ((double) row[j] / sqrt(sum));
        w->from[w->m++] = i;
    }
    return TW_OK;
}

/* ---- one beginning --------------------------------------------------------------------------- */

/* Draws k rows into w->trial: the first at random, each other with a chance in proportion to its
 * squared distance 2 - 2 cos from those chosen. */
static void spread(work *w, int k, int dim, tw_rng *rng)
{
    const twi_scores_fn scores = twi_scores_pick();
    const size_t width = (size_t) dim;
    float *far = w->distances; /* (m) squared distance from the nearest chosen; free until later */
    int64_t chosen = (int64_t) tw_rng_below(rng, (uint64_t) w->m);

    for (int c = 0; c < k; c++) {
        double total = 0, left;
        memcpy(w->trial + (size_t) c * width, w->x + (size_t) chosen * width, width * sizeof *w->x);
        scores(w->scores, w->trial + (size_t) c * width, w->x, width, dim, (int) w->m);
        for (int64_t i = 0; i < w->m; i++) {
            float d = w->scores[i] < 1 ? 2 - 2 * w->scores[i] : 0;
            far[i] = c > 0 && far[i] < d ? far[i] : d;
            total += (double) far[i];
        }
        left = tw_rng_uniform(rng) * total;
        for (chosen = 0; chosen < w->m - 1; chosen++) {
            left -= (double) far[chosen];
            if (left < 0)
                break;
        }
    }
}

static tw_status compat_failed(int code, const char *msg, tw_error *err)
{
    return tw_fail(err, code == TWI_COMPAT_NOMEM ? TW_ENOMEM : TW_EINVAL, "FAISS clustering: %s",
                   msg);
}

/* Fills the labels and distances of every row; *mean: of the cosines to the nearest centroid. */
static tw_status assign(work *w, const float *centroids, int k, int dim, double *mean,
                        tw_error *err)
{
    char msg[TWI_COMPAT_MSG] = "";
    double sum = 0;
    const int nearest = k > 1 ? 2 : 1;
    int code =
        twi_compat_nearest(dim, k, centroids, w->m, w->x, nearest, w->distances, w->labels, msg);
    if (code != TWI_COMPAT_OK)
        return compat_failed(code, msg, err);
    for (int64_t i = 0; i < w->m; i++)
        sum += (double) w->distances[i * nearest];
    *mean = sum / (double) w->m;
    return TW_OK;
}

/* Takes the centroids that are nearest to no row out of w->best; returns how many are left. */
static int drop_empty(work *w, int k, int dim)
{
    const size_t width = (size_t) dim, nearest = k > 1 ? 2 : 1;
    int left = 0;
    for (int c = 0; c < k; c++) {
        int64_t i = 0;
        while (i < w->m && w->labels[(size_t) i * nearest] != c)
            i++;
        if (i < w->m)
            memmove(w->best + (size_t) left++ * width, w->best + (size_t) c * width,
                    width * sizeof *w->best);
    }
    return left;
}

/* Begins cfg->redos times; the best end is in w->best, its assignment in w->labels. *left: the
 * clusters that have a row. */
static tw_status fit_best(work *w, int k, int dim, const tw_kmeans_config *cfg, int *left,
                          double *best, tw_error *err)
{
    tw_status st = TW_OK;
    const int redos = cfg->redos > 0 ? cfg->redos : DEFAULT_REDOS;
    const int iterations = cfg->iterations > 0 ? cfg->iterations : DEFAULT_ITERATIONS;
    const size_t bytes = (size_t) k * (size_t) dim * sizeof *w->trial;
    char msg[TWI_COMPAT_MSG] = "";

    *best = -INFINITY;
    for (int redo = 0; redo < redos; redo++) {
        tw_rng rng;
        double mean = 0;
        const tw_progress p = {.stage = "clustering", .done = redo, .total = redos};
        if (cfg->progress != NULL && cfg->progress(cfg->progress_ctx, &p) != 0) {
            st = tw_fail(err, TW_ECANCELLED, "clustering was stopped");
            goto done;
        }
        tw_rng_seed3(&rng, cfg->seed, (uint64_t) redo, 0);
        spread(w, k, dim, &rng);
        int code = twi_compat_kmeans(dim, k, w->m, w->x, iterations, ROWS_PER_CENTROID,
                                     (int) (tw_rng_u64(&rng) >> 34), w->trial, msg);
        if (code != TWI_COMPAT_OK) {
            st = compat_failed(code, msg, err);
            goto done;
        }
        TW_TRY(assign(w, w->trial, k, dim, &mean, err));
        if (mean > *best) {
            *best = mean;
            memcpy(w->best, w->trial, bytes);
        }
    }
    TW_TRY(assign(w, w->best, k, dim, best, err));
    *left = drop_empty(w, k, dim);
    if (*left < k)
        TW_TRY(assign(w, w->best, *left, dim, best, err));
done:
    return st;
}

/* ---- after ----------------------------------------------------------------------------------- */

/* rank[c]: the new number of cluster c. k is small enough to compare each with each. */
static void rank_by_size(const int64_t *sizes, const int64_t *first, int k, int32_t *rank)
{
    for (int c = 0; c < k; c++)
        for (int o = 0; o < k; o++)
            rank[c] += sizes[o] > sizes[c] || (sizes[o] == sizes[c] && first[o] < first[c]);
}

static tw_status hand_over(tw_kmeans *km, const work *w, tw_error *err)
{
    tw_status st = TW_OK;
    const int k = km->k;
    const size_t width = (size_t) km->dim, nearest = k > 1 ? 2 : 1;
    int64_t *sizes = tw_alloc((size_t) k, sizeof *sizes),
            *first = tw_alloc((size_t) k, sizeof *first);
    int32_t *rank = tw_alloc((size_t) k, sizeof *rank);

    if (sizes == NULL || first == NULL || rank == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%d clusters", k);
        goto done;
    }
    for (int64_t i = w->m - 1; i >= 0; i--) {
        int64_t c = w->labels[(size_t) i * nearest];
        sizes[c]++;
        first[c] = i;
    }
    rank_by_size(sizes, first, k, rank);
    for (int c = 0; c < k; c++) {
        km->sizes[rank[c]] = sizes[c];
        memcpy(km->centroids + (size_t) rank[c] * width, w->best + (size_t) c * width,
               width * sizeof *km->centroids);
    }
    for (int64_t i = 0; i < km->n; i++) {
        km->cluster[i] = km->second[i] = -1;
        km->next[i] = -1;
    }
    for (int64_t i = 0; i < w->m; i++) {
        const size_t at = (size_t) i * nearest;
        km->cluster[w->from[i]] = rank[w->labels[at]];
        km->own[w->from[i]] = w->distances[at];
        if (k > 1) {
            km->second[w->from[i]] = rank[w->labels[at + 1]];
            km->next[w->from[i]] = w->distances[at + 1];
        }
    }
done:
    tw_free(sizes);
    tw_free(first);
    tw_free(rank);
    return st;
}

static tw_status make_room(tw_kmeans *km, work *w, int k, tw_error *err)
{
    const size_t n = (size_t) km->n, row = (size_t) km->dim * sizeof(float);
    w->trial = tw_alloc((size_t) k, row);
    w->best = tw_alloc((size_t) k, row);
    km->centroids = tw_alloc((size_t) k, row);
    km->sizes = tw_alloc((size_t) k, sizeof *km->sizes);
    km->cluster = tw_alloc(n, sizeof *km->cluster);
    km->own = tw_alloc(n, sizeof *km->own);
    km->next = tw_alloc(n, sizeof *km->next);
    km->second = tw_alloc(n, sizeof *km->second);
    return w->trial != NULL && w->best != NULL && km->centroids != NULL && km->sizes != NULL &&
                   km->cluster != NULL && km->own != NULL && km->next != NULL && km->second != NULL
               ? TW_OK
               : tw_fail(err, TW_ENOMEM, "%d clusters of %lld vectors", k, (long long) km->n);
}

tw_status tw_kmeans_fit(tw_kmeans *out, const float *vecs, int64_t n, int dim,
                        const tw_kmeans_config *cfg, tw_error *err)
{
    tw_status st = TW_OK;
    tw_kmeans km = {.n = n, .dim = dim};
    work w = {0};

    *out = (tw_kmeans){0};
    TW_TRY(check(cfg, vecs, n, dim, err));
    TW_TRY(take_rows(&w, vecs, n, dim, err));
    const int k = cfg->k > 0 ? cfg->k : tw_kmeans_default_k(w.m);
    if (w.m == 0 || k > w.m) {
        st = w.m == 0
                 ? tw_fail(err, TW_EINVAL, "none of %lld vectors points anywhere", (long long) n)
                 : tw_fail(err, TW_EINVAL, "%d clusters of %lld vectors: ask for fewer", k,
                           (long long) w.m);
        goto done;
    }
    km.unread = n - w.m;
    TW_TRY(make_room(&km, &w, k, err));
    TW_TRY(fit_best(&w, k, dim, cfg, &km.k, &km.objective, err));
    TW_TRY(hand_over(&km, &w, err));
    *out = km;
    km = (tw_kmeans){0};
done:
    tw_kmeans_fini(&km);
    work_fini(&w);
    return st;
}
