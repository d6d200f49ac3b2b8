/* t-SNE (van der Maaten and Hinton 2008). With y_i on the plane and
 *
 *     p_j|i  proportional to exp(-beta_i |v_i - v_j|^2), beta_i such that row i heeds `perplexity`
 *     p_ij = (p_j|i + p_i|j) / 2n,   w_ij = 1 / (1 + |y_i - y_j|^2),   Z = sum of all w_ij
 *
 * the gradient is 4 sum_j (p_ij - w_ij / Z) w_ij (y_i - y_j): neighbours pull, everybody pushes.
 * Only the 3 * perplexity nearest have a p worth the name, so pulls are a sparse list. Pushes are
 * summed exactly: n^2 a step, in vectors of 16, which up to a few thousand rows costs no more than
 * a Barnes-Hut tree and needs none. Each row is summed by one worker in a fixed order.
 */
#include "index/groups/layout_tsne.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "index/index_kernel.h"
#include "index/index_topk.h"

typedef float lanes __attribute__((vector_size(64)));

#define LANES 16
/* Where the rows lie that fill the last vector: too far to push, near enough to be no denormal. */
#define FAR_AWAY 1e6f
/* The pulls are this much stronger in the first third of the steps, so that clusters find together
 * before the pushes part them. */
#define EXAGGERATION 12.0
/* Attempts to find beta_i; each halves the interval. */
#define BISECTIONS 60

typedef struct job {
    const float *vecs;
    int n, dim, k; /* k: neighbours a row heeds */
    double perplexity;
    twi_scores_fn scores;
    /* who is near whom */
    int32_t *near;   /* (n,k) */
    float *p;        /* (n,k) p_j|i */
    int64_t *begin;  /* (n+1) into the pulls of each row */
    int32_t *puller; /* (2nk) */
    float *pull;     /* (2nk) p_j|i / 2n; p_ij is in two parts where both heed each other */
    /* each worker's */
    float *row[TW_POOL_MAX];   /* (n) */
    tw_hit *hits[TW_POOL_MAX]; /* (k) */
    /* the plane */
    float *x, *y;              /* (n rounded up to LANES) */
    float *push[3];            /* (n) sum of w^2 dx, of w^2 dy, of w */
    float *drag[2];            /* (n) sum of p w dx, of p w dy */
    float *speed[2], *gain[2]; /* (n) */
} job;

/* ---- who is near whom ------------------------------------------------------------------------ */

/* p (k) of squared distances d2 (k, ascending), at the beta whose entropy is ln(perplexity). */
static void heed(float *p, const float *d2, int k, double perplexity)
{
    double low = 0, high = INFINITY, beta = 1, total = 0;
    for (int attempt = 0; attempt < BISECTIONS; attempt++) {
        double mean = 0;
        total = 0;
        for (int j = 0; j < k; j++) { /* less d2[0], which changes nothing but keeps exp in range */
            double d = (double) d2[j] - (double) d2[0], e = exp(-beta * d);
            p[j] = (float) e;
            total += e;
            mean += e * d;
        }
        // cppcheck-suppress invalidFunctionArg ; the nearest one's term is exp(0) = 1
        double entropy = log(total) + beta * mean / total, gap = entropy - log(perplexity);
        if (fabs(gap) < 1e-5)
            break;
        if (gap > 0)
            low = beta;
        else
            high = beta;
        beta = isinf(high) ? beta * 2 : (low + high) / 2;
    }
    for (int j = 0; j < k; j++)
        p[j] = (float) ((double) p[j] / total);
}

static void find_neighbours(void *ctx, int worker, int workers)
{
    job *t = ctx;
    int64_t begin, end;
    float d2[3 * TW_LAYOUT_MAX_PERPLEXITY];

    tw_pool_share(t->n, worker, workers, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        tw_hit *hits = t->hits[worker];
        const size_t at = (size_t) i * (size_t) t->k;
        t->scores(t->row[worker], t->vecs + (size_t) i * (size_t) t->dim, t->vecs, (size_t) t->dim,
                  t->dim, t->n);
        (void) twi_nearest(hits, t->k, t->row[worker], t->n, i);
        for (int j = 0; j < t->k; j++) {
            t->near[at + (size_t) j] = (int32_t) hits[j].item;
            d2[j] = hits[j].score < 1 ? 2 - 2 * hits[j].score : 0;
        }
        heed(t->p + at, d2, t->k, t->perplexity);
    }
}

/* Each row's own list, and those rows that heed it. */
static void make_pulls(job *t)
{
    const float half = 0.5F / (float) t->n;
    const int64_t edges = (int64_t) t->n * t->k;
    for (int64_t e = 0; e < edges; e++)
        t->begin[t->near[e] + 1]++;
    for (int i = 0; i < t->n; i++)
        t->begin[i + 1] += t->begin[i] + t->k;
    /* Filled from the front; begin moves to the end of its row, which is where the next one begins.
     */
    for (int64_t e = 0; e < edges; e++) {
        const int32_t ends[] = {(int32_t) (e / t->k), t->near[e]};
        for (int s = 0; s < 2; s++) {
            int64_t at = t->begin[ends[s]]++;
            t->puller[at] = ends[1 - s];
            t->pull[at] = t->p[e] * half;
        }
    }
    memmove(t->begin + 1, t->begin, (size_t) t->n * sizeof *t->begin);
    t->begin[0] = 0;
}

/* ---- one step -------------------------------------------------------------------------------- */

typedef void (*push_fn)(float out[3], const float *x, const float *y, int n, float xi, float yi);

#define DEFINE_PUSH(name, attribute)                                                               \
    attribute static void name(float out[3], const float *x, const float *y, int n, float xi,      \
                               float yi)                                                           \
    {                                                                                              \
        lanes fx = {0}, fy = {0}, z = {0};                                                         \
        for (int j = 0; j < n; j += LANES) {                                                       \
            lanes dx = xi - *(const lanes *) (const void *) (x + j);                               \
            lanes dy = yi - *(const lanes *) (const void *) (y + j);                               \
            lanes w = 1.0F / (1.0F + dx * dx + dy * dy);                                           \
            z += w;                                                                                \
            fx += w * w * dx;                                                                      \
            fy += w * w * dy;                                                                      \
        }                                                                                          \
        out[0] = out[1] = out[2] = 0;                                                              \
        for (int l = 0; l < LANES; l++) {                                                          \
            out[0] += fx[l];                                                                       \
            out[1] += fy[l];                                                                       \
            out[2] += z[l];                                                                        \
        }                                                                                          \
    }

DEFINE_PUSH(push_plain, )
#if defined(__x86_64__)
DEFINE_PUSH(push_avx2, __attribute__((target("avx2"))))
#endif

static push_fn pick_push(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        return push_avx2;
#endif
    return push_plain;
}

static void sum_forces(void *ctx, int worker, int workers)
{
    job *t = ctx;
    const push_fn push = pick_push();
    int64_t begin, end;
    tw_pool_share(t->n, worker, workers, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        float out[3], fx = 0, fy = 0;
        push(out, t->x, t->y, t->n, t->x[i], t->y[i]);
        for (int c = 0; c < 3; c++)
            t->push[c][i] = out[c];
        for (int64_t e = t->begin[i]; e < t->begin[i + 1]; e++) {
            float dx = t->x[i] - t->x[t->puller[e]], dy = t->y[i] - t->y[t->puller[e]];
            float w = t->pull[e] / (1 + dx * dx + dy * dy);
            fx += w * dx;
            fy += w * dy;
        }
        t->drag[0][i] = fx;
        t->drag[1][i] = fy;
    }
}

/* Momentum, with a gain for each coordinate that grows while it keeps its direction. */
static void move(job *t, double exaggeration, double momentum, double rate)
{
    float *const place[] = {t->x, t->y};
    double z = 0;
    for (int i = 0; i < t->n; i++)
        z += (double) t->push[2][i] - 1; /* not its push on itself */
    z = z > 1e-12 ? z : 1e-12;
    for (int c = 0; c < 2; c++) {
        double mean = 0;
        for (int i = 0; i < t->n; i++) {
            double g = 4 * (exaggeration * (double) t->drag[c][i] - (double) t->push[c][i] / z);
            double gain = (double) t->gain[c][i], v = (double) t->speed[c][i];
            gain = (g > 0) != (v > 0) ? gain + 0.2 : gain * 0.8;
            gain = gain < 0.01 ? 0.01 : gain;
            v = momentum * v - rate * gain * g;
            t->gain[c][i] = (float) gain;
            t->speed[c][i] = (float) v;
            place[c][i] += (float) v;
            mean += (double) place[c][i];
        }
        for (int i = 0; i < t->n; i++)
            place[c][i] -= (float) (mean / t->n);
    }
}

static tw_status iterate(job *t, const tw_layout_config *cfg, tw_pool *pool, tw_error *err)
{
    const int early = cfg->iterations / 3;
    const double rate = t->n / EXAGGERATION / 4 > 50 ? t->n / EXAGGERATION / 4 : 50;
    for (int step = 0; step < cfg->iterations; step++) {
        const tw_progress p = {.stage = "drawing", .done = step, .total = cfg->iterations};
        if (cfg->progress != NULL && cfg->progress(cfg->progress_ctx, &p) != 0)
            return tw_fail(err, TW_ECANCELLED, "drawing was stopped");
        tw_pool_run(pool, sum_forces, t);
        move(t, step < early ? EXAGGERATION : 1, step < early ? 0.5 : 0.8, rate);
    }
    return TW_OK;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static tw_status make_room(job *t, int workers, tw_error *err)
{
    const size_t n = (size_t) t->n, room = (n + LANES - 1) / LANES * LANES;
    const size_t edges = n * (size_t) t->k;
    float **const planes[] = {&t->push[0], &t->push[1], &t->push[2],  &t->drag[0], &t->drag[1],
                              &t->gain[0], &t->gain[1], &t->speed[0], &t->speed[1]};
    bool all = true;

    for (size_t i = 0; i < sizeof planes / sizeof *planes; i++)
        all = (*planes[i] = tw_alloc(n, sizeof(float))) != NULL && all;
    for (int w = 0; w < workers; w++) {
        t->row[w] = tw_alloc(n, sizeof(float));
        t->hits[w] = tw_alloc((size_t) t->k, sizeof(tw_hit));
        all = all && t->row[w] != NULL && t->hits[w] != NULL;
    }
    t->x = tw_alloc_aligned(room, sizeof(float));
    t->y = tw_alloc_aligned(room, sizeof(float));
    t->near = tw_alloc(edges, sizeof *t->near);
    t->p = tw_alloc(edges, sizeof *t->p);
    t->begin = tw_alloc(n + 1, sizeof *t->begin);
    t->puller = tw_alloc(2 * edges, sizeof *t->puller);
    t->pull = tw_alloc(2 * edges, sizeof *t->pull);
    all = all && t->x != NULL && t->y != NULL && t->near != NULL && t->p != NULL &&
          t->begin != NULL && t->puller != NULL && t->pull != NULL;
    return all ? TW_OK : tw_fail(err, TW_ENOMEM, "map of %d vectors", t->n);
}

static void release(job *t)
{
    for (int c = 0; c < 3; c++)
        tw_free(t->push[c]);
    for (int c = 0; c < 2; c++) {
        tw_free(t->drag[c]);
        tw_free(t->gain[c]);
        tw_free(t->speed[c]);
    }
    for (int w = 0; w < TW_POOL_MAX; w++) {
        tw_free(t->row[w]);
        tw_free(t->hits[w]);
    }
    tw_free(t->x);
    tw_free(t->y);
    tw_free(t->near);
    tw_free(t->p);
    tw_free(t->begin);
    tw_free(t->puller);
    tw_free(t->pull);
}

tw_status twi_tsne(float *x, float *y, const float *vecs, int n, int dim,
                   const tw_layout_config *cfg, tw_pool *pool, tw_error *err)
{
    tw_status st = TW_OK;
    const double most = (n - 1) / 3.0;
    job t = {.vecs = vecs, .n = n, .dim = dim, .scores = twi_scores_pick()};

    t.perplexity = cfg->perplexity < most ? cfg->perplexity : most;
    t.k = (int) ceil(3 * t.perplexity);
    t.k = t.k < n - 1 ? t.k : n - 1;
    TW_TRY(make_room(&t, tw_pool_size(pool), err));
    memcpy(t.x, x, (size_t) n * sizeof *x);
    memcpy(t.y, y, (size_t) n * sizeof *y);
    for (int i = n; i % LANES != 0; i++)
        t.x[i] = t.y[i] = FAR_AWAY;
    for (int i = 0; i < n; i++)
        t.gain[0][i] = t.gain[1][i] = 1;
    tw_pool_run(pool, find_neighbours, &t);
    make_pulls(&t);
    TW_TRY(iterate(&t, cfg, pool, err));
    memcpy(x, t.x, (size_t) n * sizeof *x);
    memcpy(y, t.y, (size_t) n * sizeof *y);
done:
    release(&t);
    return st;
}

int twi_nearest(tw_hit *hits, int k, const float *scores, int64_t n, int64_t self)
{
    twi_topk top = {.hits = hits, .k = k};
    for (int64_t j = 0; j < n; j++)
        if (j != self && twi_topk_wants(&top, j, scores[j]))
            twi_topk_push(&top, j, scores[j]);
    twi_topk_sort(&top);
    return top.n;
}
