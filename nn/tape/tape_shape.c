/* Tape ops that move numbers about: sums, slices, joins, dot products of rows. */
#include <assert.h>
#include <string.h>

#include "nn/internal.h"
#include "nn/kernels/bag.h"
#include "nn/kernels/gate.h"
#include "nn/kernels/vec.h"
#include "nn/tape/tape.h"

typedef struct shape_saved {
    tw_tensor *y, *a, *b;
    const int32_t *rows;
    int begin;
    double factor;
} shape_saved;

static size_t numbers(const tw_tensor *x) { return (size_t) x->rows * (size_t) x->cols; }

/* Makes y and its record at once; NULL when out of memory. */
static shape_saved *begin(tw_tape *t, int rows, int cols)
{
    tw_tensor *y = tw_tape_tensor(t, rows, cols);
    shape_saved *s = tw_tape_take(t, 1, sizeof *s);
    if (y == NULL || s == NULL)
        return NULL;
    *s = (shape_saved){.y = y};
    return s;
}

static void add_back(tw_tape *t, void *saved)
{
    const shape_saved *s = saved;
    (void) t;
    tw_vec_axpy(s->a->d, s->y->d, 1, numbers(s->y));
    tw_vec_axpy(s->b->d, s->y->d, 1, numbers(s->y));
}

tw_tensor *tw_op_add(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    if (a == NULL || b == NULL)
        return twi_tape_lost(t);
    assert(a->rows == b->rows && a->cols == b->cols);
    shape_saved *s = begin(t, a->rows, a->cols);
    if (s == NULL)
        return NULL;
    s->a = a;
    s->b = b;
    tw_vec_add(s->y->v, a->v, b->v, numbers(a));
    tw_tape_record(t, add_back, s);
    return s->y;
}

static void add_to_back(tw_tape *t, void *saved)
{
    const shape_saved *s = saved;
    (void) t;
    /* y is its own first summand: its gradient stands already. */
    tw_vec_axpy(s->a->d, s->y->d, 1, numbers(s->y));
}

tw_tensor *tw_op_add_to(tw_tape *t, tw_tensor *y, tw_tensor *a)
{
    if (y == NULL || a == NULL)
        return twi_tape_lost(t);
    assert(a != y && a->rows == y->rows && a->cols == y->cols);
    shape_saved *s = tw_tape_take(t, 1, sizeof *s);
    if (s == NULL)
        return NULL;
    *s = (shape_saved){.y = y, .a = a};
    tw_vec_axpy(y->v, a->v, 1, numbers(a));
    tw_tape_record(t, add_to_back, s);
    return y;
}

static void scale_back(tw_tape *t, void *saved)
{
    const shape_saved *s = saved;
    (void) t;
    tw_vec_axpy(s->a->d, s->y->d, s->factor, numbers(s->y));
}

tw_tensor *tw_op_scale(tw_tape *t, tw_tensor *x, double factor)
{
    if (x == NULL)
        return twi_tape_lost(t);
    shape_saved *s = begin(t, x->rows, x->cols);
    if (s == NULL)
        return NULL;
    s->a = x;
    s->factor = factor;
    tw_vec_copy_scaled(s->y->v, x->v, factor, numbers(x));
    tw_tape_record(t, scale_back, s);
    return s->y;
}

/* dst (N, w of stride dst_cols) = or += src (N, w of stride src_cols). */
static void copy_columns(tw_real *dst, int dst_cols, const tw_real *src, int src_cols, int w, int N)
{
    for (int i = 0; i < N; i++)
        memcpy(dst + (size_t) i * (size_t) dst_cols, src + (size_t) i * (size_t) src_cols,
               (size_t) w * sizeof *dst);
}

static void add_columns(tw_real *dst, int dst_cols, const tw_real *src, int src_cols, int w, int N)
{
    for (int i = 0; i < N; i++)
        tw_vec_axpy(dst + (size_t) i * (size_t) dst_cols, src + (size_t) i * (size_t) src_cols, 1,
                    (size_t) w);
}

static void concat_back(tw_tape *t, void *saved)
{
    const shape_saved *s = saved;
    (void) t;
    add_columns(s->a->d, s->a->cols, s->y->d, s->y->cols, s->a->cols, s->y->rows);
    add_columns(s->b->d, s->b->cols, s->y->d + s->a->cols, s->y->cols, s->b->cols, s->y->rows);
}

tw_tensor *tw_op_concat(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    if (a == NULL || b == NULL)
        return twi_tape_lost(t);
    assert(a->rows == b->rows);
    shape_saved *s = begin(t, a->rows, a->cols + b->cols);
    if (s == NULL)
        return NULL;
    s->a = a;
    s->b = b;
    copy_columns(s->y->v, s->y->cols, a->v, a->cols, a->cols, a->rows);
    copy_columns(s->y->v + a->cols, s->y->cols, b->v, b->cols, b->cols, a->rows);
    tw_tape_record(t, concat_back, s);
    return s->y;
}

static void columns_back(tw_tape *t, void *saved)
{
    const shape_saved *s = saved;
    (void) t;
    add_columns(s->a->d + s->begin, s->a->cols, s->y->d, s->y->cols, s->y->cols, s->y->rows);
}

tw_tensor *tw_op_columns(tw_tape *t, tw_tensor *x, int first, int end)
{
    if (x == NULL)
        return twi_tape_lost(t);
    assert(first >= 0 && first <= end && end <= x->cols);
    shape_saved *s = begin(t, x->rows, end - first);
    if (s == NULL)
        return NULL;
    s->a = x;
    s->begin = first;
    copy_columns(s->y->v, s->y->cols, x->v + first, x->cols, s->y->cols, x->rows);
    tw_tape_record(t, columns_back, s);
    return s->y;
}

static void rows_back(tw_tape *t, void *saved)
{
    const shape_saved *s = saved;
    (void) t;
    tw_gather_backward(s->a->d, s->y->d, s->rows, 1, s->y->rows, s->y->cols);
}

tw_tensor *tw_op_rows(tw_tape *t, tw_tensor *x, const int32_t *rows, int n)
{
    if (x == NULL)
        return twi_tape_lost(t);
    for (int i = 0; i < n; i++)
        assert(rows[i] < x->rows);
    shape_saved *s = begin(t, n, x->cols);
    if (s == NULL)
        return NULL;
    s->a = x;
    s->rows = rows;
    tw_gather_forward(s->y->v, x->v, rows, 1, n, x->cols);
    tw_tape_record(t, rows_back, s);
    return s->y;
}

typedef struct gate_saved {
    tw_tensor *y, *x, *g;
    tw_real *open; /* sigmoid(g) */
} gate_saved;

static void gate_back(tw_tape *t, void *saved)
{
    const gate_saved *s = saved;
    (void) t;
    tw_gate_backward(s->x->d, s->g->d, s->y->d, s->x->v, s->open, numbers(s->y));
}

tw_tensor *tw_op_gate(tw_tape *t, tw_tensor *x, tw_tensor *g)
{
    if (x == NULL || g == NULL)
        return twi_tape_lost(t);
    assert(x != g && x->rows == g->rows && x->cols == g->cols);
    tw_tensor *y = tw_tape_tensor(t, x->rows, x->cols);
    gate_saved *s = tw_tape_take(t, 1, sizeof *s);
    tw_real *open = tw_tape_take(t, numbers(x), sizeof *open);
    if (y == NULL || s == NULL || open == NULL)
        return NULL;
    *s = (gate_saved){.y = y, .x = x, .g = g, .open = open};
    tw_gate_forward(y->v, open, x->v, g->v, numbers(x));
    tw_tape_record(t, gate_back, s);
    return y;
}

static void rowdot_back(tw_tape *t, void *saved)
{
    const shape_saved *s = saved;
    (void) t;
    tw_rowdot_backward(s->a->d, s->b->d, s->y->d, s->a->v, s->b->v, s->a->rows, s->a->cols);
}

tw_tensor *tw_op_rowdot(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    if (a == NULL || b == NULL)
        return twi_tape_lost(t);
    assert(a->rows == b->rows && a->cols == b->cols);
    shape_saved *s = begin(t, a->rows, 1);
    if (s == NULL)
        return NULL;
    s->a = a;
    s->b = b;
    tw_rowdot_forward(s->y->v, a->v, b->v, a->rows, a->cols);
    tw_tape_record(t, rowdot_back, s);
    return s->y;
}
