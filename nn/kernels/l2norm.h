/* nn/kernels/l2norm.h — scale each row to unit Euclidean length.
 *
 * Last layer of every tower: with unit rows, inner product equals cosine, so
 * one FAISS inner-product index serves both.
 *
 *   y[i] = x[i] / max(||x[i]||, eps)
 */
#ifndef TW_NN_KERNELS_L2NORM_H
#define TW_NN_KERNELS_L2NORM_H

#include "base/real.h"

#define TW_L2NORM_EPS 1e-12

/* y (N,D), rnorm (N) <- x (N,D).  y may alias x.
 * rnorm keeps 1/max(||x||,eps) per row for the backward pass. */
void tw_l2norm_forward(tw_real *y, tw_real *rnorm, const tw_real *x, int N, int D);

/* dx (N,D) += dL/dx, given dy (N,D) and the forward pass's y and rnorm.
 *
 *   dx[i] = rnorm[i] * (dy[i] - y[i] * <y[i], dy[i]>)
 *
 * Rows shorter than eps are treated as constants by the max, so there the true derivative is
 * dy/eps. That number is of no use to training (1e12), so a row shorter than eps gets none: a
 * tower that maps an empty item to zero must not blow up the step. */
void tw_l2norm_backward(tw_real *dx, const tw_real *dy, const tw_real *y, const tw_real *rnorm,
                        int N, int D);

#endif
