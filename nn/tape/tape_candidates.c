/* The loss over shared candidates: one (rows, 1+K) block of scores at a time, the positive's in
 * column 0, so that the softmax kernel sees an ordinary row whose target is 0. */
#include <assert.h>
#include <math.h>

#include "nn/blas.h"
#include "nn/internal.h"
#include "nn/kernels/sigmoid_row.h"
#include "nn/kernels/softmax_ce.h"
#include "nn/kernels/vec.h"
#include "nn/tape/tape.h"

/* As in tape_loss.c: a block of scores stays in the second cache between its products. */
#define SCORES     ((int64_t) 1 << 18)
#define ROWS_LEAST 64
#define ROWS_MOST  256

/* Low enough that no exponential and no sigmoid of it is left, and finite in float. */
#define NOT_A_CANDIDATE ((tw_real) -1e30)

typedef struct block {
    tw_tape *t;
    tw_tensor *x, *items, *bias;
    const int32_t *pos;
    const tw_candidates *how;
    double scale;
    tw_real *e;       /* (rows, 1+K) scores, then what each adds to the gradient */
    tw_real *rsum;    /* (rows) that gradient's factor */
    tw_real *tmp;     /* (rows, D) */
    int32_t *targets; /* (rows) 0, or -1: skipped */
    int room;         /* rows */
} block;

static const tw_real *row_of(const tw_tensor *x, int row)
{
    return x->v + (size_t) row * (size_t) x->cols;
}

static double dot(const tw_real *a, const tw_real *b, int D)
{
    double sum = 0;
    for (int j = 0; j < D; j++)
        sum += (double) a[j] * (double) b[j];
    return sum;
}

/* Row i's candidates without its positive, which has column 0, and what it excludes. */
static void leave_out(const tw_candidates *how, int i, int32_t pos, tw_real *candidates)
{
    if (pos < how->count)
        candidates[pos] = NOT_A_CANDIDATE;
    if (how->excluded == NULL)
        return;
    for (int32_t k = how->from[i]; k < how->upto[i]; k++)
        candidates[how->excluded[k]] = NOT_A_CANDIDATE;
}

/* e of rows at .. at+n-1. */
static void score(const block *b, int at, int n)
{
    const tw_candidates *how = b->how;
    const int D = b->x->cols, K = how->count;
    const double per = 1 / how->temperature;

    tw_gemm(0, 1, n, K, D, (tw_real) per, row_of(b->x, at), D, b->items->v, D, 0, b->e + 1, K + 1);
    for (int i = 0; i < n; i++) {
        tw_real *row = b->e + (size_t) i * ((size_t) K + 1);
        int32_t pos = b->pos[at + i];
        b->targets[i] = pos < 0 ? -1 : 0;
        if (pos < 0)
            continue;
        if (how->log_weight != NULL)
            tw_vec_axpy(row + 1, how->log_weight, 1, (size_t) K);
        row[0] = (tw_real) (per * dot(row_of(b->x, at + i), row_of(b->items, pos), D));
        leave_out(how, at + i, pos, row + 1);
    }
}

/* Scores to d loss / d score, which is rsum * e; returns the loss. */
static double settle(const block *b, int at, int n)
{
    double loss = 0;
    const int columns = b->how->count + 1;

    if (!b->how->sigmoid) {
        tw_softmax_ce_forward(&loss, b->e, b->rsum, b->targets, n, columns);
        tw_softmax_ce_backward(b->e, b->rsum, b->targets, n, columns);
        return loss;
    }
    for (int i = 0; i < n; i++) {
        tw_real *row = b->e + (size_t) i * (size_t) columns;
        b->rsum[i] = b->targets[i] < 0 ? 0 : 1;
        if (b->targets[i] == 0)
            tw_sigmoid_row(&loss, row, b->bias != NULL ? (double) b->bias->v[at + i] : 0,
                           b->how->positive_power, columns);
    }
    return loss;
}

static void backward(const block *b, int at, int n)
{
    const int D = b->x->cols, K = b->how->count;
    const size_t d = (size_t) D, columns = (size_t) K + 1;
    const double f = b->scale / b->how->temperature;

    tw_gemm(0, 0, n, D, K, 1, b->e + 1, K + 1, b->items->v, D, 0, b->tmp, D);
    for (int i = 0; i < n; i++) {
        int32_t pos = b->pos[at + i];
        tw_real *tmp = b->tmp + (size_t) i * d;
        const size_t row = (size_t) (at + i) * d;
        const tw_real *e = b->e + (size_t) i * columns;
        if (pos < 0) { /* what its row of e holds counts for nothing below */
            tw_vec_copy_scaled(tmp, b->x->v + row, 0, d);
            continue;
        }
        double factor = f * (double) b->rsum[i];
        tw_vec_axpy(b->x->d + row, tmp, factor, d);
        tw_vec_axpy(b->x->d + row, row_of(b->items, pos), factor * (double) e[0], d);
        tw_vec_axpy(b->items->d + (size_t) pos * d, b->x->v + row, factor * (double) e[0], d);
        tw_vec_copy_scaled(tmp, b->x->v + row, factor, d);
        if (b->bias != NULL) {
            double sum = 0;
            for (size_t c = 0; c < columns; c++)
                sum += (double) e[c];
            b->bias->d[at + i] += (tw_real) (b->scale * sum);
        }
    }
    tw_gemm(1, 0, K, D, n, 1, b->e + 1, K + 1, b->tmp, D, 1, b->items->d, D);
}

static int block_rows(int K, int N)
{
    int64_t rows = SCORES / (K + 1);
    rows = rows < ROWS_LEAST ? ROWS_LEAST : rows > ROWS_MOST ? ROWS_MOST : rows;
    return rows < N ? (int) rows : N;
}

double tw_op_candidates(tw_tape *t, tw_tensor *x, tw_tensor *items, const int32_t *pos,
                        const tw_candidates *how, tw_tensor *bias, double scale)
{
    double loss = 0;
    if (x == NULL || items == NULL) {
        (void) twi_tape_lost(t);
        return 0;
    }
    const int N = x->rows;
    const size_t columns = (size_t) how->count + 1;
    assert(x->cols == items->cols && how->count >= 1 && how->count <= items->rows);
    assert(how->temperature > 0 && (bias == NULL || (how->sigmoid && bias->rows == N)));
    for (int i = 0; i < N; i++)
        assert(pos[i] < items->rows);

    block b = {.t = t, .x = x, .items = items, .bias = bias, .pos = pos, .how = how};
    b.scale = scale;
    b.room = block_rows(how->count, N);
    b.e = tw_tape_take(t, (size_t) b.room * columns, sizeof *b.e);
    b.rsum = tw_tape_take(t, (size_t) b.room, sizeof *b.rsum);
    b.tmp = tw_tape_take(t, (size_t) b.room * (size_t) x->cols, sizeof *b.tmp);
    b.targets = tw_tape_take(t, (size_t) b.room, sizeof *b.targets);
    if (b.e == NULL || b.rsum == NULL || b.tmp == NULL || b.targets == NULL)
        return 0;
    for (int at = 0; at < N; at += b.room) {
        int n = N - at < b.room ? N - at : b.room;
        score(&b, at, n);
        loss += settle(&b, at, n);
        if (tw_tape_records(t))
            backward(&b, at, n);
    }
    return loss;
}
