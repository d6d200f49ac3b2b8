#include "towers/text/text_pooling.h"

#include <math.h>
#include <string.h>

#include "nn/kernels/vec.h"

int twi_pool_parts(int set) { return __builtin_popcount((unsigned) set); }

/* ---- weighted sums --------------------------------------------------------------------------- */

typedef struct sum_saved {
    tw_tensor *y, *x;
    const int32_t *offsets;
    const tw_real *weights; /* (N) */
    int n;
} sum_saved;

/* y_k = sum of w_i x_i => dx_i += w_i dy_k */
static void sum_back(tw_tape *t, void *saved)
{
    const sum_saved *s = saved;
    const size_t D = (size_t) s->x->cols;
    (void) t;
    for (int k = 0; k < s->n; k++) {
        for (int32_t i = s->offsets[k]; i < s->offsets[k + 1]; i++)
            tw_vec_axpy(s->x->d + (size_t) i * D, s->y->d + (size_t) k * D, (double) s->weights[i],
                        D);
    }
}

static tw_tensor *weighted_sum(tw_tape *t, tw_tensor *x, const int32_t *offsets, int n,
                               const tw_real *weights)
{
    const size_t D = (size_t) x->cols;
    tw_tensor *y = tw_tape_tensor(t, n, x->cols);
    sum_saved *s = tw_tape_take(t, 1, sizeof *s);
    if (y == NULL || s == NULL)
        return NULL;
    *s = (sum_saved){.y = y, .x = x, .offsets = offsets, .weights = weights, .n = n};
    memset(y->v, 0, (size_t) n * D * sizeof *y->v);
    for (int k = 0; k < n; k++)
        for (int32_t i = offsets[k]; i < offsets[k + 1]; i++)
            tw_vec_axpy(y->v + (size_t) k * D, x->v + (size_t) i * D, (double) weights[i], D);
    tw_tape_record(t, sum_back, s);
    return y;
}

/* The weights of one text's n pieces for ROOT or WEIGHTED; they were `skip` later. */
static void weigh(tw_real *w, int32_t n, int mode, int skip)
{
    double sum = 0;
    for (int32_t i = 0; i < n; i++)
        sum += mode == TWI_POOL_WEIGHTED ? skip + i + 1 : 1;
    for (int32_t i = 0; i < n; i++)
        w[i] = (tw_real) (mode == TWI_POOL_WEIGHTED ? (skip + i + 1) / sum : 1 / sqrt(sum));
}

/* ---- one way --------------------------------------------------------------------------------- */

static tw_tensor *pool_weighted(tw_tape *t, tw_tensor *x, const int32_t *offsets, int n, int mode,
                                int skip)
{
    tw_real *weights = tw_tape_take(t, (size_t) offsets[n] + 1, sizeof *weights);
    if (weights == NULL)
        return NULL;
    for (int k = 0; k < n; k++)
        weigh(weights + offsets[k], offsets[k + 1] - offsets[k], mode, skip);
    return weighted_sum(t, x, offsets, n, weights);
}

static tw_tensor *pool_row(tw_tape *t, tw_tensor *x, const int32_t *offsets, int n, int mode)
{
    int32_t *rows = tw_tape_take(t, (size_t) n + 1, sizeof *rows);
    if (rows == NULL)
        return NULL;
    for (int k = 0; k < n; k++) {
        rows[k] = mode == TWI_POOL_FIRST ? offsets[k] : offsets[k + 1] - 1;
        if (offsets[k] == offsets[k + 1])
            rows[k] = -1;
    }
    return tw_op_rows(t, x, rows, n);
}

static tw_tensor *pool_one(tw_tape *t, tw_tensor *x, const int32_t *offsets, int n, int mode,
                           int skip)
{
    switch (mode) {
    case TWI_POOL_LARGEST: return tw_op_pool_max(t, x, offsets, n);
    case TWI_POOL_MEAN: return tw_op_pool_mean(t, x, offsets, n);
    case TWI_POOL_ROOT:
    case TWI_POOL_WEIGHTED: return pool_weighted(t, x, offsets, n, mode, skip);
    default: return pool_row(t, x, offsets, n, mode);
    }
}

/* *x and *offsets without the first `skip` rows of each text. */
static bool leave_out(tw_tape *t, tw_tensor **x, const int32_t **offsets, int n, int skip)
{
    const int32_t *all = *offsets;
    int32_t *rows = tw_tape_take(t, (size_t) all[n] + 1, sizeof *rows);
    int32_t *kept = tw_tape_take(t, (size_t) n + 1, sizeof *kept);
    if (rows == NULL || kept == NULL)
        return false;
    kept[0] = 0;
    for (int k = 0; k < n; k++) {
        kept[k + 1] = kept[k];
        for (int32_t i = all[k] + skip; i < all[k + 1]; i++)
            rows[kept[k + 1]++] = i;
    }
    *x = tw_op_rows(t, *x, rows, kept[n]);
    *offsets = kept;
    return *x != NULL;
}

tw_tensor *twi_pool(tw_tape *t, tw_tensor *x, const int32_t *offsets, int n, int set, int skip)
{
    tw_tensor *y = NULL;
    if (x == NULL || (skip > 0 && !leave_out(t, &x, &offsets, n, skip)))
        return NULL;
    for (int mode = 1; mode <= TWI_POOL_LAST; mode *= 2) {
        if ((set & mode) == 0)
            continue;
        tw_tensor *part = pool_one(t, x, offsets, n, mode, skip);
        y = y == NULL ? part : tw_op_concat(t, y, part);
        if (y == NULL)
            return NULL;
    }
    return y;
}

/* ---- a layer's end --------------------------------------------------------------------------- */

typedef struct end_saved {
    tw_tensor *y, *x;
    twi_activation f;
} end_saved;

/* y = tanh x => dx = (1 - y^2) dy;  y = sigmoid x => dx = y (1 - y) dy */
static void end_back(tw_tape *t, void *saved)
{
    const end_saved *s = saved;
    const size_t N = (size_t) s->x->rows * (size_t) s->x->cols;
    (void) t;
    for (size_t i = 0; i < N; i++) {
        const double y = (double) s->y->v[i];
        const double slope = s->f == TWI_TANH ? 1 - y * y : y * (1 - y);
        s->x->d[i] += (tw_real) (slope * (double) s->y->d[i]);
    }
}

static tw_tensor *squash(tw_tape *t, tw_tensor *x, twi_activation f)
{
    const size_t N = x != NULL ? (size_t) x->rows * (size_t) x->cols : 0;
    tw_tensor *y = x != NULL ? tw_tape_tensor(t, x->rows, x->cols) : NULL;
    end_saved *s = tw_tape_take(t, 1, sizeof *s);
    if (y == NULL || s == NULL)
        return NULL;
    *s = (end_saved){.y = y, .x = x, .f = f};
    for (size_t i = 0; i < N; i++) {
        const double v = (double) x->v[i];
        y->v[i] = (tw_real) (f == TWI_TANH ? tanh(v) : 1 / (1 + exp(-v)));
    }
    tw_tape_record(t, end_back, s);
    return y;
}

tw_tensor *twi_activate(tw_tape *t, tw_tensor *x, twi_activation f)
{
    switch (f) {
    case TWI_LINEAR: return x;
    case TWI_RELU: return tw_op_relu(t, x);
    case TWI_GELU: return tw_op_gelu(t, x);
    case TWI_TANH:
    case TWI_SIGMOID: return squash(t, x, f);
    }
    return x;
}
