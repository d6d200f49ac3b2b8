/* Tape ops of the losses. Their gradient is added at the call, while what it is
 * made of is still in the cache; so they record nothing. */
#include <assert.h>

#include "nn/blas.h"
#include "nn/internal.h"
#include "nn/kernels/bce.h"
#include "nn/kernels/softmax_ce.h"
#include "nn/kernels/vec.h"
#include "nn/tape/tape.h"

/* Rows of logits at a time: about this many numbers (1 MB), so that they stay in the second cache
 * between the three products, but at least 64 rows, or packing the table would cost more than using
 * it. Measured with 3,416 items of width 50, GFLOP/s of (x W', e W, e' x): 64 rows 75, 78, 79;
 * 256 rows 67, 67, 50; 1,024 rows 64, 60, 45. */
#define LOGITS     ((int64_t) 1 << 18)
#define ROWS_LEAST 64
#define ROWS_MOST  256

typedef struct ce_block {
    tw_real *e;    /* (rows, V) logits, then gradients */
    tw_real *rsum; /* (rows) */
    tw_real *tmp;  /* (rows, D) */
    int room;      /* rows */
} ce_block;

static int block_rows(int64_t V, int N)
{
    int64_t rows = LOGITS / V;
    rows = rows < ROWS_LEAST ? ROWS_LEAST : rows > ROWS_MOST ? ROWS_MOST : rows;
    return rows < N ? (int) rows : N;
}

/* dx and dW of n rows from `at` on, whose logits were made with 1/temperature.
 *
 *   dl = diag(rsum) e;  dx = f dl W,  dW = f dl' x  with f = scale / temperature
 *
 * diag(f rsum) is applied to the (n,D) sides, not to e. */
static void ce_backward(tw_tape *t, const ce_block *b, tw_tensor *x, const tw_param *table,
                        int64_t begin, int V, int at, int n, const int32_t *targets, double f)
{
    const int D = x->cols;
    const size_t d = (size_t) D;
    const tw_real *W = table->value + (size_t) begin * d;
    tw_real *dW = tw_grads_all(tw_tape_grads(t), table) + (size_t) begin * d;

    tw_softmax_ce_backward(b->e, b->rsum, targets + at, n, V);
    tw_gemm(0, 0, n, D, V, 1, b->e, V, W, D, 0, b->tmp, D);
    for (int i = 0; i < n; i++) {
        size_t row = (size_t) (at + i) * d;
        double factor = f * (double) b->rsum[i];
        tw_vec_axpy(x->d + row, b->tmp + (size_t) i * d, factor, d);
        tw_vec_copy_scaled(b->tmp + (size_t) i * d, x->v + row, factor, d);
    }
    tw_gemm(1, 0, V, D, n, 1, b->e, V, b->tmp, D, 1, dW, D);
}

double tw_op_softmax_ce(tw_tape *t, tw_tensor *x, const tw_param *table, int64_t begin,
                        int64_t count, const int32_t *targets, double temperature, double scale)
{
    double loss = 0;
    if (x == NULL) {
        (void) twi_tape_lost(t);
        return 0;
    }
    assert(begin >= 0 && count >= 1 && begin + count <= table->rows && count <= INT32_MAX);
    assert(table->cols == x->cols && temperature > 0);
    const int N = x->rows, D = x->cols, V = (int) count;
    for (int i = 0; i < N; i++)
        assert(targets[i] < count);

    ce_block b = {.room = block_rows(count, N)};
    b.e = tw_tape_take(t, (size_t) b.room * (size_t) V, sizeof *b.e);
    b.rsum = tw_tape_take(t, (size_t) b.room, sizeof *b.rsum);
    b.tmp = tw_tape_take(t, (size_t) b.room * (size_t) D, sizeof *b.tmp);
    if (b.e == NULL || b.rsum == NULL || b.tmp == NULL)
        return 0;

    const tw_real *W = table->value + (size_t) begin * (size_t) D;
    for (int at = 0; at < N; at += b.room) {
        int n = N - at < b.room ? N - at : b.room;
        tw_gemm(0, 1, n, V, D, (tw_real) (1 / temperature), x->v + (size_t) at * (size_t) D, D, W,
                D, 0, b.e, V);
        tw_softmax_ce_forward(&loss, b.e, b.rsum, targets + at, n, V);
        if (tw_tape_records(t))
            ce_backward(t, &b, x, table, begin, V, at, n, targets, scale / temperature);
    }
    return loss;
}

static void add_table_rows(tw_grads *g, const tw_param *table, const tw_tensor *x,
                           const tw_real *coef, const int32_t *pos, const int32_t *neg, int k,
                           double scale)
{
    const size_t D = (size_t) x->cols;
    for (int i = 0; i < x->rows; i++) {
        const tw_real *c = coef + (size_t) i * (size_t) (k + 1);
        const tw_real *xi = x->v + (size_t) i * D;
        if (pos[i] < 0)
            continue;
        tw_vec_axpy(tw_grads_row(g, table, pos[i]), xi, scale * (double) c[0], D);
        for (int j = 0; j < k; j++)
            tw_vec_axpy(tw_grads_row(g, table, neg[(size_t) i * (size_t) k + (size_t) j]), xi,
                        scale * (double) c[j + 1], D);
    }
}

double tw_op_bce(tw_tape *t, tw_tensor *x, const tw_param *table, const int32_t *pos,
                 const int32_t *neg, int k, tw_tensor *bias, double scale)
{
    double loss = 0;
    if (x == NULL) {
        (void) twi_tape_lost(t);
        return 0;
    }
    const int N = x->rows, D = x->cols;
    assert(table->cols == D && (bias == NULL || (bias->rows == N && bias->cols == 1)));
    tw_real *coef = tw_tape_take(t, (size_t) N * (size_t) (k + 1), sizeof *coef);
    if (coef == NULL)
        return 0;
    tw_bce_forward(&loss, coef, x->v, table->value, pos, neg, bias != NULL ? bias->v : NULL, k, N,
                   D);
    if (tw_tape_records(t)) {
        tw_bce_backward(x->d, bias != NULL ? bias->d : NULL, coef, table->value, pos, neg, scale, k,
                        N, D);
        add_table_rows(tw_tape_grads(t), table, x, coef, pos, neg, k, scale);
    }
    return loss;
}
