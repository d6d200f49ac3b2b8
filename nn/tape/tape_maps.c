/* Tape ops that bring images in, normalise and pool them. */
#include <assert.h>
#include <string.h>

#include "nn/internal.h"
#include "nn/kernels/groupnorm.h"
#include "nn/kernels/pooling.h"
#include "nn/kernels/vec.h"
#include "nn/tape/maps.h"

static const tw_maps lost = {0};

static int height(const tw_maps *x, int i) { return (x->at[i + 1] - x->at[i]) / x->width; }

/* Image i of a tensor's values or gradients. */
static tw_real *of(tw_real *v, const tw_maps *x, int i)
{
    return v + (size_t) x->at[i] * (size_t) x->x->cols;
}

/* n images of heights[i] (NULL: h) lines, with no gradient. */
static tw_maps inputs(tw_tape *t, const int32_t *heights, int h, int n, int w, int c)
{
    int32_t *at = tw_tape_take(t, (size_t) n + 1, sizeof *at);
    tw_tensor *x = tw_tape_take(t, 1, sizeof *x);
    if (at == NULL || x == NULL)
        return lost;
    at[0] = 0;
    for (int i = 0; i < n; i++)
        at[i + 1] = at[i] + (heights != NULL ? heights[i] : h) * w;
    *x = (tw_tensor){.rows = at[n], .cols = c};
    x->v = tw_tape_take(t, (size_t) at[n] * (size_t) c, sizeof *x->v);
    if (x->v == NULL)
        return lost;
    return (tw_maps){.x = x, .n = n, .width = w, .at = at};
}

tw_maps tw_op_pixels(tw_tape *t, const uint8_t *const *px, int n, int h, int w, int c, double scale,
                     double shift)
{
    const size_t each = (size_t) h * (size_t) w * (size_t) c;
    tw_real level[256];
    tw_maps x = inputs(t, NULL, h, n, w, c);
    for (int b = 0; b < 256; b++)
        level[b] = (tw_real) (scale * b + shift);
    for (int i = 0; x.x != NULL && i < n; i++) {
        tw_real *to = x.x->v + (size_t) i * each;
        for (size_t j = 0; j < each; j++)
            to[j] = level[px[i][j]];
    }
    return x;
}

tw_maps tw_op_frames(tw_tape *t, const float *const *frames, const int32_t *lengths, int n,
                     int bands, double scale, double shift)
{
    tw_maps x = inputs(t, lengths, 0, n, bands, 1);
    for (int i = 0; x.x != NULL && i < n; i++) {
        tw_real *to = of(x.x->v, &x, i);
        const size_t each = (size_t) lengths[i] * (size_t) bands;
        for (size_t j = 0; j < each; j++)
            to[j] = (tw_real) (scale * (double) frames[i][j] + shift);
    }
    return x;
}

typedef struct maps_saved {
    tw_maps x;
    tw_tensor *y;
    const int32_t *y_at;
    const tw_param *gain, *bias;
    tw_real *mean, *rstd; /* (n, groups) */
    int groups;
    int32_t *best; /* (n, C) */
} maps_saved;

static maps_saved *begin(tw_tape *t, const tw_maps *x)
{
    maps_saved *s = x->x != NULL ? tw_tape_take(t, 1, sizeof *s) : NULL;
    if (s != NULL)
        *s = (maps_saved){.x = *x};
    else
        (void) twi_tape_lost(t);
    return s;
}

tw_maps tw_op_maps_relu(tw_tape *t, tw_maps x)
{
    x.x = tw_op_relu(t, x.x);
    return x;
}

static void groupnorm_back(tw_tape *t, void *saved)
{
    const maps_saved *s = saved;
    const int C = s->y->cols, G = s->groups;
    tw_grads *g = tw_tape_grads(t);
    for (int i = 0; i < s->x.n; i++) {
        const int P = s->x.at[i + 1] - s->x.at[i];
        const size_t n = (size_t) P * (size_t) C, stat = (size_t) i * (size_t) G;
        tw_real *work = tw_tape_work(t, n + 3 * (size_t) C);
        if (work == NULL)
            return;
        tw_groupnorm_backward(work, tw_grads_all(g, s->gain), tw_grads_all(g, s->bias), work + n,
                              of(s->y->d, &s->x, i), of(s->x.x->v, &s->x, i), s->mean + stat,
                              s->rstd + stat, s->gain->value, P, C, G);
        tw_vec_axpy(of(s->x.x->d, &s->x, i), work, 1, n);
    }
}

tw_maps tw_op_groupnorm(tw_tape *t, tw_maps x, const tw_param *gain, const tw_param *bias,
                        int groups, double eps)
{
    maps_saved *s = begin(t, &x);
    if (s == NULL)
        return lost;
    const int C = x.x->cols;
    assert(groups >= 1 && C % groups == 0 && gain->cols == C && bias->cols == C);
    tw_real *work = tw_tape_work(t, 2 * (size_t) C);
    s->gain = gain;
    s->bias = bias;
    s->groups = groups;
    s->y = tw_tape_tensor(t, x.x->rows, C);
    s->mean = tw_tape_take(t, (size_t) x.n * (size_t) groups, sizeof *s->mean);
    s->rstd = tw_tape_take(t, (size_t) x.n * (size_t) groups, sizeof *s->rstd);
    if (work == NULL || s->y == NULL || s->mean == NULL || s->rstd == NULL)
        return lost;
    for (int i = 0; i < x.n; i++) {
        const int P = x.at[i + 1] - x.at[i];
        const size_t stat = (size_t) i * (size_t) groups;
        tw_groupnorm_affine(work, work + C, s->mean + stat, s->rstd + stat, of(x.x->v, &x, i),
                            gain->value, bias->value, eps, P, C, groups);
        tw_affine_forward(of(s->y->v, &x, i), of(x.x->v, &x, i), work, work + C, NULL, false, P, C);
    }
    tw_tape_record(t, groupnorm_back, s);
    return (tw_maps){.x = s->y, .n = x.n, .width = x.width, .at = x.at};
}

/* y of a 2x2 pool, and where its images begin. */
static bool shrink(tw_tape *t, maps_saved *s)
{
    int32_t *at = tw_tape_take(t, (size_t) s->x.n + 1, sizeof *at);
    if (at == NULL)
        return false;
    at[0] = 0;
    for (int i = 0; i < s->x.n; i++)
        at[i + 1] = at[i] + tw_pool2_extent(height(&s->x, i)) * tw_pool2_extent(s->x.width);
    s->y_at = at;
    s->y = tw_tape_tensor(t, at[s->x.n], s->x.x->cols);
    return s->y != NULL;
}

static tw_maps shrunk(const maps_saved *s)
{
    return (tw_maps){.x = s->y, .n = s->x.n, .width = tw_pool2_extent(s->x.width), .at = s->y_at};
}

/* a = 1 and b = 0, after `n` numbers of working memory. */
static tw_real *identity(tw_tape *t, size_t n, int C)
{
    tw_real *work = tw_tape_work(t, n + 2 * (size_t) C);
    for (int c = 0; work != NULL && c < C; c++) {
        work[n + (size_t) c] = 1;
        work[n + (size_t) C + (size_t) c] = 0;
    }
    return work;
}

static void maxpool_back(tw_tape *t, void *saved)
{
    const maps_saved *s = saved;
    const int C = s->y->cols;
    for (int i = 0; i < s->x.n; i++) {
        const size_t n = (size_t) (s->x.at[i + 1] - s->x.at[i]) * (size_t) C;
        tw_real *g = identity(t, n, C);
        if (g == NULL)
            return;
        tw_maxpool2_backward(g, s->y->d + (size_t) s->y_at[i] * (size_t) C, of(s->x.x->v, &s->x, i),
                             g + n, g + n + C, false, height(&s->x, i), s->x.width, C);
        tw_vec_axpy(of(s->x.x->d, &s->x, i), g, 1, n);
    }
}

tw_maps tw_op_maxpool2(tw_tape *t, tw_maps x)
{
    maps_saved *s = begin(t, &x);
    tw_real *one = s != NULL ? identity(t, 0, x.x->cols) : NULL;
    if (one == NULL || !shrink(t, s))
        return lost;
    const int C = x.x->cols;
    for (int i = 0; i < x.n; i++)
        tw_maxpool2_forward(s->y->v + (size_t) s->y_at[i] * (size_t) C, of(x.x->v, &x, i), one,
                            one + C, false, height(&x, i), x.width, C);
    tw_tape_record(t, maxpool_back, s);
    return shrunk(s);
}

static void avgpool_back(tw_tape *t, void *saved)
{
    const maps_saved *s = saved;
    (void) t;
    for (int i = 0; i < s->x.n; i++) {
        tw_avgpool2_backward(of(s->x.x->d, &s->x, i),
                             s->y->d + (size_t) s->y_at[i] * (size_t) s->y->cols, height(&s->x, i),
                             s->x.width, s->y->cols);
    }
}

tw_maps tw_op_avgpool2(tw_tape *t, tw_maps x)
{
    maps_saved *s = begin(t, &x);
    if (s == NULL || !shrink(t, s))
        return lost;
    for (int i = 0; i < x.n; i++)
        tw_avgpool2_forward(s->y->v + (size_t) s->y_at[i] * (size_t) x.x->cols, of(x.x->v, &x, i),
                            height(&x, i), x.width, x.x->cols);
    tw_tape_record(t, avgpool_back, s);
    return shrunk(s);
}

static void mean_pool_back(tw_tape *t, void *saved)
{
    const maps_saved *s = saved;
    const size_t C = (size_t) s->y->cols;
    (void) t;
    for (int i = 0; i < s->x.n; i++)
        tw_meanpool_backward(of(s->x.x->d, &s->x, i), s->y->d + (size_t) i * C,
                             s->x.at[i + 1] - s->x.at[i], s->y->cols);
}

tw_tensor *tw_op_mean_pool(tw_tape *t, tw_maps x)
{
    maps_saved *s = begin(t, &x);
    if (s == NULL)
        return NULL;
    s->y = tw_tape_tensor(t, x.n, x.x->cols);
    if (s->y == NULL)
        return NULL;
    for (int i = 0; i < x.n; i++)
        tw_meanpool_forward(s->y->v + (size_t) i * (size_t) x.x->cols, of(x.x->v, &x, i),
                            x.at[i + 1] - x.at[i], x.x->cols);
    tw_tape_record(t, mean_pool_back, s);
    return s->y;
}

static void sound_pool_back(tw_tape *t, void *saved)
{
    const maps_saved *s = saved;
    const size_t C = (size_t) s->y->cols;
    (void) t;
    for (int i = 0; i < s->x.n; i++)
        tw_audiopool_backward(of(s->x.x->d, &s->x, i), s->y->d + (size_t) i * C,
                              s->best + (size_t) i * C, height(&s->x, i), s->x.width, s->y->cols);
}

tw_tensor *tw_op_audio_pool(tw_tape *t, tw_maps x)
{
    maps_saved *s = begin(t, &x);
    if (s == NULL)
        return NULL;
    const size_t C = (size_t) x.x->cols;
    tw_real *work = tw_tape_work(t, 2 * C);
    s->y = tw_tape_tensor(t, x.n, x.x->cols);
    s->best = tw_tape_take(t, (size_t) x.n * C, sizeof *s->best);
    if (work == NULL || s->y == NULL || s->best == NULL)
        return NULL;
    for (int i = 0; i < x.n; i++)
        tw_audiopool_forward(s->y->v + (size_t) i * C, s->best + (size_t) i * C, work,
                             of(x.x->v, &x, i), height(&x, i), x.width, x.x->cols);
    tw_tape_record(t, sound_pool_back, s);
    return s->y;
}

tw_tensor *tw_op_flatten(tw_tape *t, tw_maps x)
{
    tw_tensor *y = x.x != NULL ? tw_tape_take(t, 1, sizeof *y) : NULL;
    if (y == NULL)
        return twi_tape_lost(t);
    assert(x.n >= 1 && x.x->rows % x.n == 0);
    const int each = x.x->rows / x.n;
    for (int i = 0; i < x.n; i++)
        assert(x.at[i] == i * each);
    *y = (tw_tensor){.v = x.x->v, .d = x.x->d, .rows = x.n, .cols = each * x.x->cols};
    return y;
}
