/* A map: principal components of a sample, t-SNE from there, the other rows among their nearest,
 * and a turn that puts it upright. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "index/groups/layout_tsne.h"
#include "index/index.h"
#include "index/index_kernel.h"

enum { DEFAULT_SAMPLE = 3000, DEFAULT_PERPLEXITY = 30, DEFAULT_ITERATIONS = 750 };
enum { COMPONENT_STEPS = 60, HOSTS = 5, KEPT_ROWS = 500, MAX_KEPT = 1000 };
/* Of the first component where t-SNE begins: small, so that it unfolds. */
#define FIRST_SPREAD 1e-4

/* ---- principal components -------------------------------------------------------------------- */

/* to (dim) = (X - mean)' (X - mean) v, without ever making the matrix. */
static void spread_along(double *to, const double *v, const float *vecs, int64_t n, int dim,
                         const double *mean)
{
    memset(to, 0, (size_t) dim * sizeof *to);
    for (int64_t i = 0; i < n; i++) {
        const float *row = vecs + (size_t) i * (size_t) dim;
        double along = 0;
        for (int j = 0; j < dim; j++)
            along += ((double) row[j] - mean[j]) * v[j];
        for (int j = 0; j < dim; j++)
            to[j] += along * ((double) row[j] - mean[j]);
    }
}

/* Takes what is along `other` (NULL: nothing) out of v and scales it to 1; zero stays zero. */
static void straighten(double *v, const double *other, int dim)
{
    double along = 0, sum = 0;
    for (int j = 0; other != NULL && j < dim; j++)
        along += v[j] * other[j];
    for (int j = 0; j < dim; j++) {
        v[j] -= other != NULL ? along * other[j] : 0;
        sum += v[j] * v[j];
    }
    for (int j = 0; j < dim && sum > 0; j++)
        v[j] /= sqrt(sum);
}

/* A component's sign is arbitrary: its largest entry is made positive. */
static void face_forward(double *v, int dim)
{
    int most = 0;
    for (int j = 1; j < dim; j++)
        most = fabs(v[j]) > fabs(v[most]) ? j : most;
    const bool turn = v[most] < 0;
    for (int j = 0; j < dim && turn; j++)
        v[j] = -v[j];
}

tw_status tw_layout_pca(float *xy, const float *vecs, int64_t n, int dim, uint64_t seed,
                        tw_error *err)
{
    double *block = tw_alloc((size_t) dim, 4 * sizeof *block);
    if (block == NULL)
        return tw_fail(err, TW_ENOMEM, "components of width %d", dim);
    const size_t row = (size_t) dim;
    double *mean = block, *to = block + 3 * row;
    double *const v[] = {block + row, block + 2 * row};
    tw_rng rng;

    tw_rng_seed(&rng, seed);
    for (int64_t i = 0; i < n; i++)
        for (int j = 0; j < dim; j++)
            mean[j] += (double) vecs[(size_t) i * (size_t) dim + (size_t) j] / (double) n;
    for (int c = 0; c < 2; c++) {
        for (int j = 0; j < dim; j++)
            v[c][j] = tw_rng_normal(&rng);
        straighten(v[c], c > 0 ? v[0] : NULL, dim);
    }
    for (int step = 0; step < COMPONENT_STEPS; step++) {
        for (int c = 0; c < 2; c++) {
            spread_along(to, v[c], vecs, n, dim, mean);
            straighten(to, c > 0 ? v[0] : NULL, dim);
            memcpy(v[c], to, (size_t) dim * sizeof *to);
        }
    }
    for (int c = 0; c < 2; c++) {
        face_forward(v[c], dim);
        for (int64_t i = 0; i < n; i++) {
            double along = 0;
            for (int j = 0; j < dim; j++)
                along +=
                    ((double) vecs[(size_t) i * (size_t) dim + (size_t) j] - mean[j]) * v[c][j];
            xy[2 * i + c] = (float) along;
        }
    }
    tw_free(block);
    return TW_OK;
}

/* ---- the sample ------------------------------------------------------------------------------ */

typedef struct sampled {
    int n;
    int64_t *rows; /* (n) ascending */
    bool *in;      /* (all) */
    float *vecs;   /* (n,dim) */
    float *xy;     /* (n,2) */
    float *x, *y;  /* (n) */
} sampled;

static void sampled_fini(sampled *s)
{
    tw_free(s->rows);
    tw_free(s->in);
    tw_free(s->vecs);
    tw_free(s->xy);
    tw_free(s->x);
    tw_free(s->y);
}

/* Every row has the same chance: row i is taken with (still wanted) / (still to come). */
static tw_status draw_sample(sampled *s, const float *vecs, int64_t n, int dim, int most,
                             uint64_t seed, tw_error *err)
{
    tw_rng rng;
    const size_t room = (size_t) (n < most ? n : most), row = (size_t) dim * sizeof *vecs;
    s->rows = tw_alloc(room, sizeof *s->rows);
    s->in = tw_alloc((size_t) n, sizeof *s->in);
    s->vecs = tw_alloc(room, row);
    s->xy = tw_alloc(room, 2 * sizeof *s->xy);
    s->x = tw_alloc(room, sizeof *s->x);
    s->y = tw_alloc(room, sizeof *s->y);
    if (s->rows == NULL || s->in == NULL || s->vecs == NULL || s->xy == NULL || s->x == NULL ||
        s->y == NULL)
        return tw_fail(err, TW_ENOMEM, "map of %lld vectors", (long long) n);
    tw_rng_seed3(&rng, seed, 1, 0);
    for (int64_t i = 0; i < n; i++) {
        if (tw_rng_below(&rng, (uint64_t) (n - i)) >= room - (size_t) s->n)
            continue;
        s->in[i] = true;
        s->rows[s->n] = i;
        memcpy(s->vecs + (size_t) s->n++ * (size_t) dim, vecs + (size_t) i * (size_t) dim, row);
    }
    return TW_OK;
}

static void begin_at_components(sampled *s)
{
    double sum = 0;
    const size_t n = (size_t) s->n;
    for (size_t i = 0; i < n; i++)
        sum += (double) s->xy[2 * i] * (double) s->xy[2 * i];
    const double scale = sum > 0 ? FIRST_SPREAD / sqrt(sum / (double) n) : 0;
    for (size_t i = 0; i < n; i++) {
        s->x[i] = (float) (scale * (double) s->xy[2 * i]);
        s->y[i] = (float) (scale * (double) s->xy[2 * i + 1]);
    }
}

/* A row that is not in the sample lies among its nearest there, the nearer the more. */
static tw_status place_others(float *xy, const sampled *s, const float *vecs, int64_t n, int dim,
                              tw_error *err)
{
    const twi_scores_fn score = twi_scores_pick();
    float *scores = tw_alloc((size_t) s->n, sizeof *scores);
    tw_hit hits[HOSTS];

    if (scores == NULL)
        return tw_fail(err, TW_ENOMEM, "map of %lld vectors", (long long) n);
    for (int64_t i = 0; i < n; i++) {
        double total = 0, x = 0, y = 0;
        if (s->in[i])
            continue;
        score(scores, vecs + (size_t) i * (size_t) dim, s->vecs, (size_t) dim, dim, s->n);
        const int near = twi_nearest(hits, HOSTS, scores, s->n, -1);
        for (int j = 0; j < near; j++) {
            double d2 = 2 - 2 * (double) hits[j].score, weight = 1 / ((1e-3 + d2) * (1e-3 + d2));
            weight = d2 < 0 ? 1e6 : weight;
            total += weight;
            x += weight * (double) s->x[hits[j].item];
            y += weight * (double) s->y[hits[j].item];
        }
        xy[2 * i] = (float) (x / total);
        xy[2 * i + 1] = (float) (y / total);
    }
    tw_free(scores);
    return TW_OK;
}

/* Turns the map so that it is widest along x, and scales it into -1..1. */
static void put_upright(float *xy, int64_t n)
{
    double mean[2] = {0}, xx = 0, yy = 0, both = 0, low[2] = {0}, high[2] = {0};
    for (int64_t i = 0; i < 2 * n; i++)
        mean[i % 2] += (double) xy[i] / (double) n;
    for (int64_t i = 0; i < n; i++) {
        double x = (double) xy[2 * i] - mean[0], y = (double) xy[2 * i + 1] - mean[1];
        xx += x * x;
        yy += y * y;
        both += x * y;
    }
    const double angle = 0.5 * atan2(2 * both, xx - yy), c = cos(angle), s = sin(angle);
    for (int64_t i = 0; i < n; i++) {
        double x = (double) xy[2 * i] - mean[0], y = (double) xy[2 * i + 1] - mean[1];
        const double at[] = {c * x + s * y, c * y - s * x};
        for (int d = 0; d < 2; d++) {
            xy[2 * i + d] = (float) at[d];
            low[d] = i == 0 || at[d] < low[d] ? at[d] : low[d];
            high[d] = i == 0 || at[d] > high[d] ? at[d] : high[d];
        }
    }
    double half = fmax(high[0] - low[0], high[1] - low[1]) / 2;
    for (int64_t i = 0; i < 2 * n; i++)
        xy[i] = half > 0 ? (float) (((double) xy[i] - (low[i % 2] + high[i % 2]) / 2) / half) : 0;
}

/* ---- the calls ------------------------------------------------------------------------------- */

static tw_status check(const tw_layout_config *c, const float *vecs, int64_t n, int dim,
                       tw_error *err)
{
    if (n < 1 || n > TW_INDEX_MAX_ROWS || dim < 1 || dim > TW_INDEX_MAX_DIM)
        return tw_fail(err, TW_EINVAL, "%lld vectors of width %d cannot be drawn", (long long) n,
                       dim);
    if (c->sample < 4 || c->sample > TW_LAYOUT_MAX_SAMPLE)
        return tw_fail(err, TW_EINVAL, "a sample of %d is outside 4..%d", c->sample,
                       TW_LAYOUT_MAX_SAMPLE);
    if (!(c->perplexity >= 1 && c->perplexity <= TW_LAYOUT_MAX_PERPLEXITY))
        return tw_fail(err, TW_EINVAL, "perplexity %g is outside 1..%d", c->perplexity,
                       TW_LAYOUT_MAX_PERPLEXITY);
    if (c->iterations < 1 || c->iterations > 10000)
        return tw_fail(err, TW_EINVAL, "%d iterations are outside 1..10000", c->iterations);
    if (twi_first_unusable(vecs, n * dim) >= 0)
        return tw_fail(err, TW_EINVAL, "value %lld cannot be used",
                       (long long) twi_first_unusable(vecs, n * dim));
    return TW_OK;
}

tw_status tw_layout_fit(float *xy, const float *vecs, int64_t n, int dim,
                        const tw_layout_config *cfg, tw_error *err)
{
    tw_status st = TW_OK;
    tw_layout_config c = *cfg;
    tw_pool *pool = NULL;
    sampled s = {0};

    c.sample = c.sample == 0 ? DEFAULT_SAMPLE : c.sample;
    c.perplexity = c.perplexity == 0 ? DEFAULT_PERPLEXITY : c.perplexity;
    c.iterations = c.iterations == 0 ? DEFAULT_ITERATIONS : c.iterations;
    TW_TRY(check(&c, vecs, n, dim, err));
    TW_TRY(tw_pool_create(&pool, c.threads == 0 ? 1 : c.threads, err));
    TW_TRY(draw_sample(&s, vecs, n, dim, c.sample, c.seed, err));
    TW_TRY(tw_layout_pca(s.xy, s.vecs, s.n, dim, c.seed, err));
    begin_at_components(&s);
    if (s.n >= 4)
        TW_TRY(twi_tsne(s.x, s.y, s.vecs, s.n, dim, &c, pool, err));
    for (int i = 0; i < s.n; i++) {
        xy[2 * s.rows[i]] = s.x[i];
        xy[2 * s.rows[i] + 1] = s.y[i];
    }
    TW_TRY(place_others(xy, &s, vecs, n, dim, err));
    put_upright(xy, n);
done:
    sampled_fini(&s);
    tw_pool_destroy(pool);
    return st;
}

/* How many of the k nearest to row i are the same by `vectors` and by `plane`, both (n). */
static int both_near(const float *vectors, const float *plane, int64_t n, int64_t i, int k,
                     tw_hit *hits)
{
    const int near = twi_nearest(hits, k, vectors, n, i);
    int same = 0;
    (void) twi_nearest(hits + k, k, plane, n, i);
    for (int a = 0; a < near; a++)
        for (int b = k; b < k + near; b++)
            same += hits[a].item == hits[b].item;
    return same;
}

tw_status tw_layout_kept(double *share, const float *xy, const float *vecs, int64_t n, int dim,
                         int k, tw_error *err)
{
    tw_status st = TW_OK;
    const int64_t step = n > KEPT_ROWS ? n / KEPT_ROWS : 1;
    const twi_scores_fn score = twi_scores_pick();
    int64_t asked = 0, same = 0;
    float *scores = NULL;
    tw_hit *hits = NULL;

    if (n < 2 || n > TW_INDEX_MAX_ROWS || k < 1 || k > MAX_KEPT) {
        st = tw_fail(err, TW_EINVAL, "%d neighbours of %lld vectors", k, (long long) n);
        goto done;
    }
    k = k < n - 1 ? k : (int) n - 1;
    scores = tw_alloc((size_t) n, 2 * sizeof *scores);
    hits = tw_alloc((size_t) k, 2 * sizeof *hits);
    if (scores == NULL || hits == NULL) {
        st = tw_fail(err, TW_ENOMEM, "neighbours of %lld vectors", (long long) n);
        goto done;
    }
    for (int64_t i = 0; i < n; i += step, asked++) {
        score(scores, vecs + (size_t) i * (size_t) dim, vecs, (size_t) dim, dim, (int) n);
        for (int64_t j = 0; j < n; j++) {
            float dx = xy[2 * j] - xy[2 * i], dy = xy[2 * j + 1] - xy[2 * i + 1];
            scores[n + j] = -(dx * dx + dy * dy);
        }
        same += both_near(scores, scores + n, n, i, k, hits);
    }
    *share = (double) same / (double) (asked * k);
done:
    tw_free(scores);
    tw_free(hits);
    return st;
}
