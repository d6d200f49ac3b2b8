/* Tape ops of the layers: thin records over the kernels. */
#include <assert.h>

#include "nn/blas.h"
#include "nn/internal.h"
#include "nn/kernels/act.h"
#include "nn/kernels/attention.h"
#include "nn/kernels/l2norm.h"
#include "nn/kernels/layernorm.h"
#include "nn/kernels/vec.h"
#include "nn/tape/tape.h"

typedef struct layer_saved {
    tw_tensor *y, *x;
    const tw_param *w, *b;
    tw_real *mean, *rnorm; /* (N) */
    double p;
    uint64_t key;
} layer_saved;

static size_t numbers(const tw_tensor *x) { return (size_t) x->rows * (size_t) x->cols; }

/* Makes y and its record at once; NULL when out of memory. */
static layer_saved *begin(tw_tape *t, tw_tensor *x, int cols)
{
    tw_tensor *y = tw_tape_tensor(t, x->rows, cols);
    layer_saved *s = tw_tape_take(t, 1, sizeof *s);
    if (y == NULL || s == NULL)
        return NULL;
    *s = (layer_saved){.y = y, .x = x};
    return s;
}

/* Rows at a time in a linear layer. OpenBLAS multiplies up to a million triples without packing its
 * operands, provided the second one is stored by rows; hence the pieces, and the transposed
 * weights. Measured on 100 x 100 weights, GFLOP/s of (y, dx, dw): 256 rows, y = x w' as it stands
 * 94, 97, 95; 96 rows, w transposed before 102, 102, 100. Where pieces would be too thin, the
 * operands are packed anyway: forward then goes over all rows at once, so that w is packed once, as
 * it stands (a transformer of width 384 spent a seventh of its time on transposing and packing);
 * backward takes pieces of which x, y and their gradients stay in the second cache. */
#define UNPACKED ((int64_t) 1000000)
enum { ROWS_FEWEST = 32, ROWS_ELSE = 256, ROWS_STEP = 16 };

static int64_t unpacked_rows(int I, int O)
{
    return UNPACKED / ((int64_t) I * O) / ROWS_STEP * ROWS_STEP;
}

static int linear_rows(int I, int O)
{
    int64_t rows = unpacked_rows(I, O);
    return rows < ROWS_FEWEST || rows > ROWS_ELSE ? ROWS_ELSE : (int) rows;
}

static void linear_back(tw_tape *t, void *saved)
{
    const layer_saved *s = saved;
    const int N = s->x->rows, I = s->x->cols, O = s->y->cols, step = linear_rows(I, O);
    tw_real *dw = tw_grads_all(tw_tape_grads(t), s->w);
    tw_real *db = s->b != NULL ? tw_grads_all(tw_tape_grads(t), s->b) : NULL;

    /* y = x w' + b  =>  dx = dy w,  dw = dy' x,  db = column sums of dy */
    for (int r = 0; r < N; r += step) {
        const int n = N - r < step ? N - r : step;
        const size_t at_x = (size_t) r * (size_t) I;
        const tw_real *dy = s->y->d + (size_t) r * (size_t) O;
        tw_gemm(0, 0, n, I, O, 1, dy, O, s->w->value, I, 1, s->x->d + at_x, I);
        tw_gemm(1, 0, O, I, n, 1, dy, O, s->x->v + at_x, I, 1, dw, I);
        if (db != NULL)
            tw_vec_colsum(db, dy, n, O);
    }
}

tw_tensor *tw_op_linear(tw_tape *t, tw_tensor *x, const tw_param *w, const tw_param *b)
{
    if (x == NULL)
        return twi_tape_lost(t);
    const int N = x->rows, I = x->cols, O = (int) w->rows, step = linear_rows(I, O);
    assert(w->cols == I && (b == NULL || (b->rows == 1 && b->cols == O)));
    layer_saved *s = begin(t, x, O);
    if (s == NULL)
        return NULL;
    s->w = w;
    s->b = b;
    tw_tape_record(t, linear_back, s);
    if (unpacked_rows(I, O) < ROWS_FEWEST) {
        if (b != NULL)
            tw_vec_fill_rows(s->y->v, b->value, N, O);
        tw_gemm(0, 1, N, O, I, 1, x->v, I, w->value, I, b != NULL ? 1 : 0, s->y->v, O);
        return s->y;
    }
    tw_real *wt = tw_tape_take(t, (size_t) I * (size_t) O, sizeof *wt);
    if (wt == NULL)
        return NULL;
    tw_transpose(wt, O, w->value, I, O, I);
    for (int r = 0; r < N; r += step) {
        const int n = N - r < step ? N - r : step;
        tw_real *y = s->y->v + (size_t) r * (size_t) O;
        if (b != NULL)
            tw_vec_fill_rows(y, b->value, n, O);
        tw_gemm(0, 0, n, O, I, 1, x->v + (size_t) r * (size_t) I, I, wt, O, b != NULL ? 1 : 0, y,
                O);
    }
    return s->y;
}

static void relu_back(tw_tape *t, void *saved)
{
    const layer_saved *s = saved;
    (void) t;
    tw_relu_backward(s->x->d, s->y->d, s->y->v, numbers(s->y));
}

tw_tensor *tw_op_relu(tw_tape *t, tw_tensor *x)
{
    layer_saved *s = x != NULL ? begin(t, x, x->cols) : NULL;
    if (s == NULL)
        return twi_tape_lost(t);
    tw_relu_forward(s->y->v, x->v, numbers(x));
    tw_tape_record(t, relu_back, s);
    return s->y;
}

static void gelu_back(tw_tape *t, void *saved)
{
    const layer_saved *s = saved;
    (void) t;
    tw_gelu_backward(s->x->d, s->y->d, s->x->v, numbers(s->y));
}

tw_tensor *tw_op_gelu(tw_tape *t, tw_tensor *x)
{
    layer_saved *s = x != NULL ? begin(t, x, x->cols) : NULL;
    if (s == NULL)
        return twi_tape_lost(t);
    tw_gelu_forward(s->y->v, x->v, numbers(x));
    tw_tape_record(t, gelu_back, s);
    return s->y;
}

static void dropout_back(tw_tape *t, void *saved)
{
    const layer_saved *s = saved;
    (void) t;
    tw_dropout_backward(s->x->d, s->y->d, s->p, s->key, numbers(s->y));
}

tw_tensor *tw_op_dropout(tw_tape *t, tw_tensor *x, double p)
{
    assert(p >= 0 && p < 1);
    if (x == NULL)
        return twi_tape_lost(t);
    if (!tw_tape_records(t) || p <= 0)
        return x;
    layer_saved *s = begin(t, x, x->cols);
    if (s == NULL)
        return NULL;
    s->p = p;
    s->key = tw_rng_u64(tw_tape_rng(t));
    tw_dropout_forward(s->y->v, x->v, p, s->key, numbers(x));
    tw_tape_record(t, dropout_back, s);
    return s->y;
}

static void layernorm_back(tw_tape *t, void *saved)
{
    const layer_saved *s = saved;
    tw_grads *g = tw_tape_grads(t);
    tw_layernorm_backward(s->x->d, tw_grads_all(g, s->w), tw_grads_all(g, s->b), s->y->d, s->x->v,
                          s->mean, s->rnorm, s->w->value, s->x->rows, s->x->cols);
}

tw_tensor *tw_op_layernorm(tw_tape *t, tw_tensor *x, const tw_param *gain, const tw_param *bias,
                           double eps)
{
    layer_saved *s = x != NULL ? begin(t, x, x->cols) : NULL;
    if (s == NULL)
        return twi_tape_lost(t);
    assert(gain->rows == 1 && gain->cols == x->cols && bias->rows == 1 && bias->cols == x->cols);
    s->w = gain;
    s->b = bias;
    s->mean = tw_tape_take(t, (size_t) x->rows, sizeof *s->mean);
    s->rnorm = tw_tape_take(t, (size_t) x->rows, sizeof *s->rnorm);
    if (s->mean == NULL || s->rnorm == NULL)
        return NULL;
    tw_layernorm_forward(s->y->v, s->mean, s->rnorm, x->v, gain->value, bias->value, eps, x->rows,
                         x->cols);
    tw_tape_record(t, layernorm_back, s);
    return s->y;
}

static void l2norm_back(tw_tape *t, void *saved)
{
    const layer_saved *s = saved;
    (void) t;
    tw_l2norm_backward(s->x->d, s->y->d, s->y->v, s->rnorm, s->x->rows, s->x->cols);
}

tw_tensor *tw_op_l2norm(tw_tape *t, tw_tensor *x)
{
    layer_saved *s = x != NULL ? begin(t, x, x->cols) : NULL;
    if (s == NULL)
        return twi_tape_lost(t);
    s->rnorm = tw_tape_take(t, (size_t) x->rows, sizeof *s->rnorm);
    if (s->rnorm == NULL)
        return NULL;
    tw_l2norm_forward(s->y->v, s->rnorm, x->v, x->rows, x->cols);
    tw_tape_record(t, l2norm_back, s);
    return s->y;
}

typedef struct attention_saved {
    tw_tensor *y, *q, *k, *v;
    tw_real *P, *work;
    tw_attention a;
} attention_saved;

static void attention_back(tw_tape *t, void *saved)
{
    const attention_saved *s = saved;
    (void) t;
    tw_attention_backward(s->q->d, s->k->d, s->v->d, s->work, s->y->d, s->P, s->q->v, s->k->v,
                          s->v->v, &s->a);
}

tw_tensor *tw_op_attention(tw_tape *t, tw_tensor *q, tw_tensor *k, tw_tensor *v,
                           const int32_t *offsets, int S, int heads, double scale, double dropout)
{
    if (q == NULL || k == NULL || v == NULL)
        return twi_tape_lost(t);
    assert(heads >= 1 && q->cols % heads == 0 && k->cols == q->cols && v->cols == q->cols);
    assert(offsets[0] == 0 && offsets[S] == q->rows && k->rows == q->rows && v->rows == q->rows);
    const bool records = tw_tape_records(t);

    tw_tensor *y = tw_tape_tensor(t, q->rows, q->cols);
    attention_saved *s = tw_tape_take(t, 1, sizeof *s);
    if (y == NULL || s == NULL)
        return NULL;
    *s = (attention_saved){.y = y, .q = q, .k = k, .v = v};
    s->a = (tw_attention){.offsets = offsets, .S = S, .heads = heads, .D = q->cols, .scale = scale};
    if (records && dropout > 0) {
        s->a.dropout = dropout;
        s->a.key = tw_rng_u64(tw_tape_rng(t));
    }
    s->work = tw_tape_take(t, tw_attention_work(&s->a), sizeof *s->work);
    if (records)
        s->P = tw_tape_take(t, tw_attention_kept(&s->a), sizeof *s->P);
    if (s->work == NULL || (records && s->P == NULL))
        return NULL;
    tw_attention_forward(y->v, s->P, s->work, q->v, k->v, v->v, &s->a);
    tw_tape_record(t, attention_back, s);
    return y;
}

static void self_attention_back(tw_tape *t, void *saved)
{
    const attention_saved *s = saved;
    const size_t D = (size_t) s->a.D;
    (void) t;
    tw_attention_backward(s->q->d, s->q->d + D, s->q->d + 2 * D, s->work, s->y->d, s->P, s->q->v,
                          s->q->v + D, s->q->v + 2 * D, &s->a);
}

tw_tensor *tw_op_self_attention(tw_tape *t, tw_tensor *qkv, const int32_t *offsets, int S,
                                int heads, double scale, double dropout)
{
    if (qkv == NULL)
        return twi_tape_lost(t);
    const int D = qkv->cols / 3;
    const bool records = tw_tape_records(t);
    assert(heads >= 1 && qkv->cols == 3 * D && D % heads == 0);
    assert(offsets[0] == 0 && offsets[S] == qkv->rows);

    tw_tensor *y = tw_tape_tensor(t, qkv->rows, D);
    attention_saved *s = tw_tape_take(t, 1, sizeof *s);
    if (y == NULL || s == NULL)
        return NULL;
    *s = (attention_saved){.y = y, .q = qkv};
    s->a = (tw_attention){.offsets = offsets,
                          .S = S,
                          .heads = heads,
                          .D = D,
                          .ld = qkv->cols,
                          .both = true,
                          .scale = scale};
    if (records && dropout > 0) {
        s->a.dropout = dropout;
        s->a.key = tw_rng_u64(tw_tape_rng(t));
    }
    s->work = tw_tape_take(t, tw_attention_work(&s->a), sizeof *s->work);
    if (records)
        s->P = tw_tape_take(t, tw_attention_kept(&s->a), sizeof *s->P);
    if (s->work == NULL || (records && s->P == NULL))
        return NULL;
    tw_attention_forward(y->v, s->P, s->work, qkv->v, qkv->v + D, qkv->v + 2 * (size_t) D, &s->a);
    tw_tape_record(t, self_attention_back, s);
    return y;
}

tw_tensor *tw_op_attention_last(tw_tape *t, tw_tensor *q, tw_tensor *k, tw_tensor *v,
                                const int32_t *offsets, int S, int heads, double scale)
{
    if (q == NULL || k == NULL || v == NULL)
        return twi_tape_lost(t);
    assert(!tw_tape_records(t));
    assert(heads >= 1 && q->cols % heads == 0 && k->cols == q->cols && v->cols == q->cols);
    assert(offsets[0] == 0 && offsets[S] == k->rows && q->rows == S && v->rows == k->rows);
    const tw_attention a = {
        .offsets = offsets, .S = S, .heads = heads, .D = q->cols, .scale = scale};

    tw_tensor *y = tw_tape_tensor(t, S, q->cols);
    tw_real *work = tw_tape_take(t, tw_attention_work(&a), sizeof *work);
    if (y == NULL || work == NULL)
        return NULL;
    tw_attention_last(y->v, work, q->v, k->v, v->v, &a);
    return y;
}
