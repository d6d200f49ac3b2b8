/* Tape ops over packed sequences: pooling, and windows for convolutions. */
#include <assert.h>
#include <string.h>

#include "nn/internal.h"
#include "nn/kernels/vec.h"
#include "nn/tape/tape.h"

typedef struct packed_saved {
    tw_tensor *y, *x;
    const int32_t *offsets;
    int32_t *first; /* max: the row that gave each number, -1: none */
    int S, width;
} packed_saved;

/* Makes y and its record at once; NULL when out of memory. */
static packed_saved *begin(tw_tape *t, tw_tensor *x, const int32_t *offsets, int S, int rows,
                           int cols)
{
    assert(offsets[0] == 0 && offsets[S] == x->rows);
    tw_tensor *y = tw_tape_tensor(t, rows, cols);
    packed_saved *s = tw_tape_take(t, 1, sizeof *s);
    if (y == NULL || s == NULL)
        return NULL;
    *s = (packed_saved){.y = y, .x = x, .offsets = offsets, .S = S};
    return s;
}

static double mean_weight(const packed_saved *s, int k)
{
    int len = s->offsets[k + 1] - s->offsets[k];
    return len > 0 ? 1.0 / len : 0;
}

static void pool_mean_back(tw_tape *t, void *saved)
{
    const packed_saved *s = saved;
    const size_t D = (size_t) s->x->cols;
    (void) t;
    for (int k = 0; k < s->S; k++)
        for (int32_t i = s->offsets[k]; i < s->offsets[k + 1]; i++)
            tw_vec_axpy(s->x->d + (size_t) i * D, s->y->d + (size_t) k * D, mean_weight(s, k), D);
}

tw_tensor *tw_op_pool_mean(tw_tape *t, tw_tensor *x, const int32_t *offsets, int S)
{
    packed_saved *s = x != NULL ? begin(t, x, offsets, S, S, x->cols) : NULL;
    if (s == NULL)
        return twi_tape_lost(t);
    const size_t D = (size_t) x->cols;
    memset(s->y->v, 0, (size_t) S * D * sizeof *s->y->v);
    for (int k = 0; k < S; k++)
        for (int32_t i = offsets[k]; i < offsets[k + 1]; i++)
            tw_vec_axpy(s->y->v + (size_t) k * D, x->v + (size_t) i * D, mean_weight(s, k), D);
    tw_tape_record(t, pool_mean_back, s);
    return s->y;
}

static void pool_max_back(tw_tape *t, void *saved)
{
    const packed_saved *s = saved;
    const size_t D = (size_t) s->x->cols, n = (size_t) s->S * D;
    (void) t;
    for (size_t j = 0; j < n; j++)
        if (s->first[j] >= 0)
            s->x->d[(size_t) s->first[j] * D + j % D] += s->y->d[j];
}

/* y (D) and first (D) <- rows begin .. end-1 of x. */
static void max_of_rows(tw_real *y, int32_t *first, const tw_real *x, int32_t begin, int32_t end,
                        size_t D)
{
    for (size_t j = 0; j < D; j++) {
        y[j] = begin < end ? x[(size_t) begin * D + j] : 0;
        first[j] = begin < end ? begin : -1;
    }
    for (int32_t i = begin + 1; i < end; i++) {
        const tw_real *xi = x + (size_t) i * D;
        for (size_t j = 0; j < D; j++) {
            bool more = xi[j] > y[j];
            y[j] = more ? xi[j] : y[j];
            first[j] = more ? i : first[j];
        }
    }
}

tw_tensor *tw_op_pool_max(tw_tape *t, tw_tensor *x, const int32_t *offsets, int S)
{
    packed_saved *s = x != NULL ? begin(t, x, offsets, S, S, x->cols) : NULL;
    if (s == NULL)
        return twi_tape_lost(t);
    const size_t D = (size_t) x->cols;
    s->first = tw_tape_take(t, (size_t) S * D, sizeof *s->first);
    if (s->first == NULL)
        return NULL;
    for (int k = 0; k < S; k++)
        max_of_rows(s->y->v + (size_t) k * D, s->first + (size_t) k * D, x->v, offsets[k],
                    offsets[k + 1], D);
    tw_tape_record(t, pool_max_back, s);
    return s->y;
}

/* The part of row i's window that lies in its sequence [begin, end): from row *row, at place *at,
 * how many rows. */
static int window(int32_t i, int32_t begin, int32_t end, int width, int32_t *row, int *at)
{
    int32_t from = i - width / 2, to = from + width;
    *row = from < begin ? begin : from;
    *at = *row - from;
    return (to > end ? end : to) - *row;
}

static void windows_back(tw_tape *t, void *saved)
{
    const packed_saved *s = saved;
    const size_t D = (size_t) s->x->cols, W = (size_t) s->y->cols;
    (void) t;
    for (int k = 0; k < s->S; k++) {
        for (int32_t i = s->offsets[k]; i < s->offsets[k + 1]; i++) {
            int32_t row;
            int at, n = window(i, s->offsets[k], s->offsets[k + 1], s->width, &row, &at);
            tw_vec_axpy(s->x->d + (size_t) row * D, s->y->d + (size_t) i * W + (size_t) at * D, 1,
                        (size_t) n * D);
        }
    }
}

tw_tensor *tw_op_windows(tw_tape *t, tw_tensor *x, const int32_t *offsets, int S, int width)
{
    assert(width >= 1);
    packed_saved *s = x != NULL ? begin(t, x, offsets, S, x->rows, width * x->cols) : NULL;
    if (s == NULL)
        return twi_tape_lost(t);
    const size_t D = (size_t) x->cols, W = (size_t) s->y->cols;
    s->width = width;
    for (int k = 0; k < S; k++) {
        for (int32_t i = offsets[k]; i < offsets[k + 1]; i++) {
            int32_t row;
            int at, n = window(i, offsets[k], offsets[k + 1], width, &row, &at);
            tw_real *y = s->y->v + (size_t) i * W;
            memset(y, 0, W * sizeof *y);
            memcpy(y + (size_t) at * D, x->v + (size_t) row * D, (size_t) n * D * sizeof *y);
        }
    }
    tw_tape_record(t, windows_back, s);
    return s->y;
}
