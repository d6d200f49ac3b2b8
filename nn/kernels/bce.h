/* nn/kernels/bce.h — binary cross-entropy of one positive and k negatives a row.
 *
 *   r(i,c) = <x[i], table[c]> + bias[i]
 *   loss   = sum_i -log sigmoid(r(i,pos_i)) - sum_j log(1 - sigmoid(r(i,neg_ij)))
 *
 * Source: Kang and McAuley 2018, eq. 6.
 */
#ifndef TW_NN_KERNELS_BCE_H
#define TW_NN_KERNELS_BCE_H

#include <stdint.h>

#include "base/real.h"

/* *loss += the sum; coef (N,1+k) = dloss/dr of the positive and the negatives, zero in skipped
 * rows. x (N,D), table (V,D), pos (N) below 0 to skip a row, neg (N,k), bias (N) or NULL. */
void tw_bce_forward(double *loss, tw_real *coef, const tw_real *x, const tw_real *table,
                    const int32_t *pos, const int32_t *neg, const tw_real *bias, int k, int N,
                    int D);

/* dx (N,D) += scale * coef * table rows; dbias (N, or NULL) += scale * row sums of coef. The
 * table's own gradient is sparse: row c gets scale * coef[i,.] * x[i], which the tape adds. */
void tw_bce_backward(tw_real *dx, tw_real *dbias, const tw_real *coef, const tw_real *table,
                     const int32_t *pos, const int32_t *neg, double scale, int k, int N, int D);

#endif
