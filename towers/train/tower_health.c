/* Spread, uniformity and the number of directions in use. */
#include "towers/train/tower_health.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

typedef struct state {
    const float *vecs;
    int64_t n;
    int dim;
    double *mean; /* (dim) */
    double *cov;  /* (dim, dim), upper triangle */
    int64_t *use; /* (n) rows that count */
} state;

static const float *row_of(const state *s, int64_t i)
{
    return s->vecs + (size_t) i * (size_t) s->dim;
}

static double dot(const float *a, const float *b, int n)
{
    double sum = 0;
    for (int j = 0; j < n; j++)
        sum += (double) a[j] * (double) b[j];
    return sum;
}

/* |x - y|^2 of vectors that are of length 1 to within rounding. */
static double apart(const float *a, const float *b, int n)
{
    double sum = 0;
    for (int j = 0; j < n; j++)
        sum += ((double) a[j] - (double) b[j]) * ((double) a[j] - (double) b[j]);
    return sum;
}

static void choose_rows(twi_health *h, state *s)
{
    for (int64_t i = 0; i < s->n; i++) {
        const double sq = dot(row_of(s, i), row_of(s, i), s->dim);
        if (!isfinite(sq))
            h->broken++;
        else if (sq > 0)
            s->use[h->items++] = i;
    }
}

/* The mean cosine over pairs of different rows is (|sum|^2 - sum of |x|^2) / (n (n - 1)). */
static void measure_spread(twi_health *h, state *s)
{
    const double n = (double) h->items;
    double squares = 0, sum = 0;

    for (int64_t k = 0; k < h->items; k++) {
        const float *x = row_of(s, s->use[k]);
        squares += dot(x, x, s->dim);
        for (int j = 0; j < s->dim; j++)
            s->mean[j] += (double) x[j];
    }
    for (int j = 0; j < s->dim; j++) {
        sum += s->mean[j] * s->mean[j];
        s->mean[j] /= n > 0 ? n : 1;
    }
    h->spread = n > 1 ? 1 - (sum - squares) / (n * (n - 1)) : 0;
}

/* Every step-th row, so that the sample is spread over the catalogue and needs no seed. */
static int64_t step_of(int64_t items)
{
    return items > TWI_HEALTH_SAMPLE ? (items + TWI_HEALTH_SAMPLE - 1) / TWI_HEALTH_SAMPLE : 1;
}

static void measure_uniformity(twi_health *h, const state *s)
{
    const int64_t step = step_of(h->items);
    double sum = 0, pairs = 0;

    for (int64_t a = 0; a < h->items; a += step) {
        for (int64_t b = a + step; b < h->items; b += step) {
            sum += exp(-2 * apart(row_of(s, s->use[a]), row_of(s, s->use[b]), s->dim));
            pairs++;
        }
    }
    h->uniformity = pairs > 0 ? log(sum / pairs) : 0;
}

static void measure_directions(twi_health *h, state *s)
{
    const int64_t step = step_of(h->items);
    const size_t D = (size_t) s->dim;
    double trace = 0, squares = 0;

    for (int64_t k = 0; k < h->items; k += step) {
        const float *x = row_of(s, s->use[k]);
        for (size_t i = 0; i < D; i++) {
            const double xi = (double) x[i] - s->mean[i];
            for (size_t j = i; j < D; j++)
                s->cov[i * D + j] += xi * ((double) x[j] - s->mean[j]);
        }
    }
    for (size_t i = 0; i < D; i++) {
        trace += s->cov[i * D + i];
        squares += s->cov[i * D + i] * s->cov[i * D + i];
        for (size_t j = i + 1; j < D; j++)
            squares += 2 * s->cov[i * D + j] * s->cov[i * D + j];
    }
    h->directions = squares > 0 ? trace * trace / squares : 0;
}

tw_status twi_health_measure(twi_health *out, const float *vecs, int64_t n, int dim, tw_error *err)
{
    tw_status st = TW_OK;
    const size_t D = (size_t) dim;
    twi_health h = {0};
    state s = {.vecs = vecs, .n = n, .dim = dim};

    *out = (twi_health){0};
    s.mean = tw_alloc(D, sizeof *s.mean);
    s.cov = tw_alloc(D * D, sizeof *s.cov);
    s.use = tw_alloc((size_t) n, sizeof *s.use);
    if (s.mean == NULL || s.cov == NULL || s.use == NULL) {
        st = tw_fail(err, TW_ENOMEM, "measuring %lld vectors", (long long) n);
        goto done;
    }
    choose_rows(&h, &s);
    measure_spread(&h, &s);
    measure_uniformity(&h, &s);
    measure_directions(&h, &s);
    *out = h;
done:
    tw_free(s.mean);
    tw_free(s.cov);
    tw_free(s.use);
    return st;
}
