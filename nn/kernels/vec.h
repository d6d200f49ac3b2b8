/* nn/kernels/vec.h — small vectorised loops that several ops share. */
#ifndef TW_NN_KERNELS_VEC_H
#define TW_NN_KERNELS_VEC_H

#include <stddef.h>

#include "base/real.h"

/* y (n) = a * x (n). */
void tw_vec_copy_scaled(tw_real *y, const tw_real *x, double a, size_t n);

/* y (n) += a * x (n). */
void tw_vec_axpy(tw_real *y, const tw_real *x, double a, size_t n);

/* y (n) = a (n) + b (n). */
void tw_vec_add(tw_real *y, const tw_real *a, const tw_real *b, size_t n);

/* a (n) += b (n), b (n) = 0. */
void tw_vec_move_add(tw_real *a, tw_real *b, size_t n);

/* *out = sum of x[j]^2, in double: not finite exactly when some x[j] is not. */
void tw_vec_sumsq(double *out, const tw_real *x, size_t n);

/* y (N,D): every row b (D). */
void tw_vec_fill_rows(tw_real *y, const tw_real *b, int N, int D);

/* db (D) += the column sums of dy (N,D). */
void tw_vec_colsum(tw_real *db, const tw_real *dy, int N, int D);

/* y (C,R; rows of stride ldy) = x' of x (R,C; rows of stride ldx). */
void tw_transpose(tw_real *y, int ldy, const tw_real *x, int ldx, int R, int C);

/* y (N) = <a[i], b[i]>, a and b (N,D). */
void tw_rowdot_forward(tw_real *y, const tw_real *a, const tw_real *b, int N, int D);

/* da[i] += dy[i] * b[i], db[i] += dy[i] * a[i]. a may be b, and da db. */
void tw_rowdot_backward(tw_real *da, tw_real *db, const tw_real *dy, const tw_real *a,
                        const tw_real *b, int N, int D);

#endif
