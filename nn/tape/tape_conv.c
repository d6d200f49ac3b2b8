/* The tape op of a convolution with what follows it: norm, skip, ReLU and pool. */
#include <assert.h>
#include <string.h>

#include "nn/internal.h"
#include "nn/kernels/conv.h"
#include "nn/kernels/groupnorm.h"
#include "nn/kernels/pooling.h"
#include "nn/kernels/vec.h"
#include "nn/kernels/winograd.h"
#include "nn/tape/maps.h"

static const tw_maps lost = {0};

/* The maps of (n) images of which each has out_w columns and tw_conv_extent lines. */
static bool plan(tw_tape *t, tw_conv *s, const tw_maps *x, const tw_param *w, int k, int stride,
                 int pad)
{
    int32_t *at = tw_tape_take(t, (size_t) x->n + 1, sizeof *at);
    if (at == NULL)
        return false;
    *s = (tw_conv){.n = x->n,
                   .in_at = x->at,
                   .out_at = at,
                   .in_w = x->width,
                   .out_w = tw_conv_extent(x->width, k, stride, pad),
                   .C = x->x->cols,
                   .O = (int) w->rows,
                   .k = k,
                   .stride = stride,
                   .pad = pad};
    assert(w->cols == k * k * s->C);
    at[0] = 0;
    for (int i = 0; i < x->n; i++) {
        int h = tw_conv_extent((x->at[i + 1] - x->at[i]) / x->width, k, stride, pad);
        assert(h >= 1 && s->out_w >= 1);
        at[i + 1] = at[i] + h * s->out_w;
    }
    return true;
}

/* ---- one of two ways to convolve ------------------------------------------------------------- */

/* The weights as the forward pass wants them: transposed (K, O), or Winograd's (36, C, O). */
static tw_real *prepare(tw_tape *t, const tw_conv *s, const tw_param *w)
{
    const bool winograd = tw_winograd_fits(s);
    const size_t n = (size_t) w->rows * (size_t) w->cols;
    tw_real *wt = tw_tape_take(t, n, sizeof *wt);
    tw_real *U = winograd ? tw_tape_take(t, tw_winograd_weights(s), sizeof *U) : wt;
    if (wt == NULL || U == NULL)
        return NULL;
    tw_transpose(wt, s->O, w->value, w->cols, s->O, w->cols);
    if (winograd)
        tw_winograd_transform(U, wt, s);
    return U;
}

/* Pixels of the output that are worked on together, and the memory for that. */
static int rows_of(const tw_conv *s)
{
    return tw_winograd_fits(s) ? tw_winograd_rows(s) : tw_conv_rows(s);
}

static size_t work_of(const tw_conv *s)
{
    return tw_winograd_fits(s) ? tw_winograd_work(s) : tw_conv_work(s);
}

/* Gradients of prepared weights, gathered over the images: (36, C, O), then twice (K, O). */
static size_t gather_of(const tw_conv *s)
{
    const size_t K = (size_t) s->k * (size_t) s->k * (size_t) s->C;
    return tw_winograd_fits(s) ? tw_winograd_weights(s) + 2 * K * (size_t) s->O : 0;
}

/* y: images [first, end), the first one's first. */
static void forward(tw_real *y, tw_real *work, const tw_real *x, const tw_real *weights,
                    const tw_conv *s, int first, int end)
{
    if (tw_winograd_fits(s))
        tw_winograd_forward(y, work, x, weights, s, first, end);
    else
        tw_conv_forward(y, work, x, weights, NULL, s, s->out_at[first], s->out_at[end]);
}

/* NOLINTNEXTLINE(readability-function-size): the arrays of two kernels, one for the other */
static void backward(tw_real *dx, tw_real *dw, tw_real *gather, tw_real *work, const tw_real *dy,
                     const tw_real *x, const tw_param *w, const tw_real *weights, const tw_conv *s,
                     int first, int end)
{
    if (tw_winograd_fits(s))
        tw_winograd_backward(dx, gather, work, dy, x, weights, s, first, end);
    else
        tw_conv_backward(dx, dw, NULL, work, dy, x, w->value, s, s->out_at[first], s->out_at[end]);
}

/* Before the first call of backward(), and after the last. */
static void begin_gather(tw_real *gather, const tw_conv *s)
{
    if (tw_winograd_fits(s))
        memset(gather, 0, tw_winograd_weights(s) * sizeof *gather);
}

static void end_gather(tw_real *dw, tw_real *gather, const tw_conv *s)
{
    if (!tw_winograd_fits(s))
        return;
    const int K = s->k * s->k * s->C;
    const size_t n = (size_t) K * (size_t) s->O;
    tw_real *dwt = gather + tw_winograd_weights(s);
    tw_winograd_transform_backward(dwt, gather, s);
    tw_transpose(dwt + n, K, dwt, s->O, K, s->O);
    tw_vec_axpy(dw, dwt + n, 1, n);
}

/* ---- the op -----------------------------------------------------------------------------------
 */

typedef struct block_saved {
    tw_tensor *y, *x, *skip; /* skip NULL: none */
    tw_conv_norm how;        /* its own skip is not looked at */
    const tw_real *weights;  /* prepared */
    tw_conv shape;
    const int32_t *y_at;  /* (n+1) where images begin in y; shape.out_at where they do in u */
    tw_real *u;           /* (out_at[n], O) the convolution's result; NULL: not kept */
    tw_real *mean, *rstd; /* (n, groups) */
} block_saved;

/* What an op works in: patches or tiles, the weights' gradient, some images' u (or its gradient),
 * a few rows of O. */
typedef struct workspace {
    tw_real *work, *gather, *u, *a, *b;
} workspace;

/* Images [i, *end): as many as make up the rows of one product, but at least one. */
static int take_images(const tw_conv *s, int i)
{
    const int rows = rows_of(s);
    int end = i + 1;
    while (end < s->n && s->out_at[end + 1] - s->out_at[i] <= rows)
        end++;
    return end;
}

static bool set_workspace(tw_tape *t, workspace *d, const tw_conv *s)
{
    int most = 0;
    for (int i = 0, end; i < s->n; i = end) {
        end = take_images(s, i);
        int rows = s->out_at[end] - s->out_at[i];
        most = rows > most ? rows : most;
    }
    const size_t line = (size_t) s->O, room = (work_of(s) + 15) / 16 * 16;
    d->work = tw_tape_work(t, room + gather_of(s) + ((size_t) most + 5) * line);
    if (d->work == NULL)
        return false;
    d->gather = d->work + room;
    d->u = d->gather + gather_of(s);
    d->a = d->u + (size_t) most * line;
    d->b = d->a + line; /* and three rows more after it */
    return true;
}

static int height(const int32_t *at, int i, int width) { return (at[i + 1] - at[i]) / width; }

/* From u (of image i) to y. */
static void finish(const block_saved *s, const workspace *d, const tw_real *u, int i)
{
    const int O = s->shape.O, G = s->how.groups, W = s->shape.out_w;
    const int P = s->shape.out_at[i + 1] - s->shape.out_at[i];
    const size_t to = (size_t) s->y_at[i] * (size_t) O;
    tw_real *y = s->y->v + to;
    tw_groupnorm_affine(d->a, d->b, s->mean + (size_t) i * (size_t) G,
                        s->rstd + (size_t) i * (size_t) G, u, s->how.gain->value,
                        s->how.bias->value, s->how.eps, P, O, G);
    if (s->how.pool)
        tw_maxpool2_forward(y, u, d->a, d->b, s->how.relu, P / W, W, O);
    else
        tw_affine_forward(y, u, d->a, d->b, s->skip != NULL ? s->skip->v + to : NULL, s->how.relu,
                          P, O);
}

/* du (P, O) of image i, by way of g = dL/d(what the norm gave). */
static void finish_backward(tw_tape *t, const block_saved *s, const workspace *d, tw_real *du,
                            int i)
{
    const int O = s->shape.O, G = s->how.groups, W = s->shape.out_w;
    const int P = s->shape.out_at[i + 1] - s->shape.out_at[i];
    const size_t n = (size_t) P * (size_t) O, of = (size_t) s->y_at[i] * (size_t) O;
    const tw_real *u = s->u + (size_t) s->shape.out_at[i] * (size_t) O;
    const tw_real *mean = s->mean + (size_t) i * (size_t) G;
    const tw_real *rstd = s->rstd + (size_t) i * (size_t) G;
    const tw_real *gain = s->how.gain->value, *dy = s->y->d + of;
    tw_grads *g = tw_tape_grads(t);
    if (s->how.pool) {
        tw_groupnorm_refine(d->a, d->b, mean, rstd, gain, s->how.bias->value, O, G);
        tw_maxpool2_backward(du, dy, u, d->a, d->b, s->how.relu, P / W, W, O);
    } else {
        tw_affine_backward(du, s->skip != NULL ? s->skip->d + of : NULL, dy, s->y->v + of,
                           s->how.relu, n);
    }
    tw_groupnorm_backward(du, tw_grads_all(g, s->how.gain), tw_grads_all(g, s->how.bias), d->b, du,
                          u, mean, rstd, gain, P, O, G);
}

static void block_back(tw_tape *t, void *saved)
{
    const block_saved *s = saved;
    const size_t O = (size_t) s->shape.O;
    const int32_t *at = s->shape.out_at;
    workspace d;
    if (!set_workspace(t, &d, &s->shape))
        return;
    tw_real *dw = tw_grads_all(tw_tape_grads(t), s->how.w);
    begin_gather(d.gather, &s->shape);
    for (int i = 0, end; i < s->shape.n; i = end) {
        end = take_images(&s->shape, i);
        for (int j = i; j < end; j++)
            finish_backward(t, s, &d, d.u + (size_t) (at[j] - at[i]) * O, j);
        backward(s->x->d, dw, d.gather, d.work, d.u, s->x->v, s->how.w, s->weights, &s->shape, i,
                 end);
    }
    end_gather(dw, d.gather, &s->shape);
}

/* Where images begin once they are pooled. */
static const int32_t *pooled(tw_tape *t, const tw_conv *s)
{
    int32_t *at = tw_tape_take(t, (size_t) s->n + 1, sizeof *at);
    if (at == NULL)
        return NULL;
    at[0] = 0;
    for (int i = 0; i < s->n; i++)
        at[i + 1] =
            at[i] + tw_pool2_extent(height(s->out_at, i, s->out_w)) * tw_pool2_extent(s->out_w);
    return at;
}

static block_saved *begin_block(tw_tape *t, const tw_maps *x, const tw_conv_norm *how)
{
    if (x->x == NULL || (how->skip != NULL && how->skip->x == NULL))
        return NULL;
    block_saved *s = tw_tape_take(t, 1, sizeof *s);
    if (s == NULL)
        return NULL;
    *s = (block_saved){.x = x->x, .skip = how->skip != NULL ? how->skip->x : NULL, .how = *how};
    if (!plan(t, &s->shape, x, how->w, how->kernel, how->stride, how->pad))
        return NULL;
    const int O = s->shape.O, rows = s->shape.out_at[s->shape.n];
    assert(how->groups >= 1 && O % how->groups == 0 && how->gain->cols == O);
    const size_t stats = (size_t) x->n * (size_t) how->groups;
    s->y_at = how->pool ? pooled(t, &s->shape) : s->shape.out_at;
    s->mean = tw_tape_take(t, stats, sizeof *s->mean);
    s->rstd = tw_tape_take(t, stats, sizeof *s->rstd);
    if (tw_tape_records(t))
        s->u = tw_tape_take(t, (size_t) rows * (size_t) O, sizeof *s->u);
    if (s->y_at == NULL || s->mean == NULL || s->rstd == NULL || (tw_tape_records(t) && !s->u))
        return NULL;
    s->y = tw_tape_tensor(t, s->y_at[s->shape.n], O);
    assert(s->y == NULL || s->skip == NULL ||
           (!how->pool && s->skip->rows == s->y->rows && s->skip->cols == O));
    return s->y != NULL ? s : NULL;
}

tw_maps tw_op_conv_norm(tw_tape *t, tw_maps x, const tw_conv_norm *how)
{
    block_saved *s = begin_block(t, &x, how);
    workspace d;
    if (s != NULL)
        s->weights = prepare(t, &s->shape, how->w);
    if (s == NULL || s->weights == NULL || !set_workspace(t, &d, &s->shape)) {
        (void) twi_tape_lost(t);
        return lost;
    }
    const size_t O = (size_t) s->shape.O;
    const int32_t *at = s->shape.out_at;
    for (int i = 0, end; i < x.n; i = end) {
        end = take_images(&s->shape, i);
        tw_real *u = s->u != NULL ? s->u + (size_t) at[i] * O : d.u;
        forward(u, d.work, x.x->v, s->weights, &s->shape, i, end);
        for (int j = i; j < end; j++)
            finish(s, &d, u + (size_t) (at[j] - at[i]) * O, j);
    }
    tw_tape_record(t, block_back, s);
    return (tw_maps){.x = s->y,
                     .n = x.n,
                     .width = how->pool ? tw_pool2_extent(s->shape.out_w) : s->shape.out_w,
                     .at = s->y_at};
}
