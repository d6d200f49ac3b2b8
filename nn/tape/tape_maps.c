/* Tape ops that bring images in, and those that make one row of each. */
#include <assert.h>
#include <string.h>

#include "nn/internal.h"
#include "nn/kernels/pooling.h"
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

static void audio_pool_back(tw_tape *t, void *saved)
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
    tw_tape_record(t, audio_pool_back, s);
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
