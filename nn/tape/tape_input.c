/* Tape ops that bring numbers in: constants and rows of tables. */
#include <assert.h>
#include <string.h>

#include "nn/internal.h"
#include "nn/kernels/ahead.h"
#include "nn/kernels/bag.h"
#include "nn/kernels/vec.h"
#include "nn/tape/tape.h"

tw_tensor *tw_op_input(tw_tape *t, const tw_real *x, int rows, int cols)
{
    tw_tensor *y = tw_tape_tensor(t, rows, cols);
    if (y != NULL)
        memcpy(y->v, x, (size_t) rows * (size_t) cols * sizeof *x);
    return y;
}

typedef struct bag_saved {
    tw_tensor *y;
    const tw_param *table;
    const int32_t *ids, *offsets; /* offsets NULL: one id a row */
    const tw_real *weights;       /* NULL: all ones */
    double scale;
} bag_saved;

static void gather_back(tw_tape *t, void *saved)
{
    const bag_saved *s = saved;
    size_t D = (size_t) s->y->cols;
    for (int i = 0; i < s->y->rows; i++) {
        if (s->ids[i] >= 0)
            tw_vec_axpy(tw_grads_row(tw_tape_grads(t), s->table, s->ids[i]),
                        s->y->d + (size_t) i * D, s->scale, D);
    }
}

tw_tensor *tw_op_gather(tw_tape *t, const tw_param *table, const int32_t *ids, int n, double scale)
{
    for (int i = 0; i < n; i++)
        assert(ids[i] < table->rows);
    tw_tensor *y = tw_tape_tensor(t, n, table->cols);
    bag_saved *s = tw_tape_take(t, 1, sizeof *s);
    if (y == NULL || s == NULL)
        return NULL;
    tw_gather_forward(y->v, table->value, ids, scale, n, table->cols);
    *s = (bag_saved){.y = y, .table = table, .ids = ids, .scale = scale};
    tw_tape_record(t, gather_back, s);
    return y;
}

static void bag_back(tw_tape *t, void *saved)
{
    const bag_saved *s = saved;
    tw_grads *g = tw_tape_grads(t);
    size_t D = (size_t) s->y->cols;
    const int32_t end = s->offsets[s->y->rows];
    for (int i = 0; i < s->y->rows; i++) {
        for (int32_t k = s->offsets[i]; k < s->offsets[i + 1]; k++) {
            if (k + 4 * TW_AHEAD < end)
                twi_grads_ask(g, s->table, s->ids[k + 4 * TW_AHEAD]);
            if (k + TW_AHEAD < end)
                tw_ask_for(tw_grads_peek(g, s->table, s->ids[k + TW_AHEAD]), s->y->cols);
            tw_vec_axpy(tw_grads_row(g, s->table, s->ids[k]), s->y->d + (size_t) i * D,
                        s->weights != NULL ? (double) s->weights[k] : 1.0, D);
        }
    }
}

tw_tensor *tw_op_bag(tw_tape *t, const tw_param *table, const int32_t *ids, const tw_real *weights,
                     const int32_t *offsets, int n)
{
    for (int32_t k = offsets[0]; k < offsets[n]; k++)
        assert(ids[k] >= 0 && ids[k] < table->rows);
    tw_tensor *y = tw_tape_tensor(t, n, table->cols);
    bag_saved *s = tw_tape_take(t, 1, sizeof *s);
    if (y == NULL || s == NULL)
        return NULL;
    tw_bag_forward(y->v, table->value, ids, weights, offsets, n, table->cols);
    *s = (bag_saved){.y = y, .table = table, .ids = ids, .offsets = offsets, .weights = weights};
    tw_tape_record(t, bag_back, s);
    return y;
}
