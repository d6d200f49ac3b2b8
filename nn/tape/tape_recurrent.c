/* The tape op of LSTM and GRU. */
#include <assert.h>
#include <stdlib.h>

#include "nn/internal.h"
#include "nn/kernels/recurrent.h"
#include "nn/tape/tape.h"

typedef struct recurrent_saved {
    tw_tensor *y, *x;
    const tw_param *wh, *bh;
    tw_recurrent r;
    tw_recurrent_kept kept;
    tw_real *work, *hidden;
} recurrent_saved;

static void recurrent_back(tw_tape *t, void *saved)
{
    const recurrent_saved *s = saved;
    tw_grads *g = tw_tape_grads(t);
    tw_recurrent_backward(s->x->d, tw_grads_all(g, s->wh),
                          s->bh != NULL ? tw_grads_all(g, s->bh) : NULL, s->hidden, s->work,
                          s->y->d, &s->kept, s->wh->value, &s->r);
}

static int longest_first(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *) left, b = *(const int64_t *) right;
    return (a < b) - (a > b);
}

/* Sequences by length, the longest first; of equal ones the last first. NULL when out of memory. */
static const int32_t *order_of(tw_tape *t, const int32_t *offsets, int S)
{
    int64_t *keys = tw_tape_take(t, (size_t) S, sizeof *keys);
    int32_t *order = tw_tape_take(t, (size_t) S, sizeof *order);
    if (keys == NULL || order == NULL)
        return NULL;
    for (int s = 0; s < S; s++)
        keys[s] = ((int64_t) (offsets[s + 1] - offsets[s]) << 32) | s;
    qsort(keys, (size_t) S, sizeof *keys, longest_first);
    for (int s = 0; s < S; s++)
        order[s] = (int32_t) (keys[s] & INT32_MAX);
    return order;
}

tw_tensor *tw_op_recurrent(tw_tape *t, tw_tensor *x, const tw_param *wh, const tw_param *bh,
                           const int32_t *offsets, int S, bool reverse)
{
    if (x == NULL)
        return twi_tape_lost(t);
    const int H = wh->cols, G = (int) (wh->rows / H);
    assert((G == 3 || G == 4) && wh->rows == (int64_t) G * H && x->cols == G * H);
    assert((bh == NULL || bh->cols == G * H) && offsets[0] == 0 && offsets[S] == x->rows);
    const size_t n = (size_t) x->rows * (size_t) H;

    tw_tensor *y = tw_tape_tensor(t, x->rows, H);
    recurrent_saved *s = tw_tape_take(t, 1, sizeof *s);
    if (y == NULL || s == NULL)
        return NULL;
    *s = (recurrent_saved){.y = y, .x = x, .wh = wh, .bh = bh};
    s->r = (tw_recurrent){.offsets = offsets,
                          .order = order_of(t, offsets, S),
                          .S = S,
                          .H = H,
                          .gru = G == 3,
                          .reverse = reverse};
    s->work = tw_tape_take(t, (size_t) S * (size_t) (G + 2) * (size_t) H, sizeof *s->work);
    s->kept.gates = tw_tape_take(t, (size_t) G * n, sizeof *s->work);
    s->kept.state = tw_tape_take(t, n, sizeof *s->work);
    s->kept.before = tw_tape_take(t, n, sizeof *s->work);
    s->kept.prior = tw_tape_take(t, n, sizeof *s->work);
    if (tw_tape_records(t))
        s->hidden = tw_tape_take(t, (size_t) G * n, sizeof *s->hidden);
    if (s->r.order == NULL || s->work == NULL || s->kept.gates == NULL || s->kept.state == NULL ||
        s->kept.before == NULL || s->kept.prior == NULL ||
        (tw_tape_records(t) && s->hidden == NULL))
        return NULL;
    tw_recurrent_forward(y->v, &s->kept, s->work, x->v, wh->value, bh != NULL ? bh->value : NULL,
                         &s->r);
    tw_tape_record(t, recurrent_back, s);
    return y;
}
