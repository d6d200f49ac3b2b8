/* nn/kernels/layernorm.h — each row to mean 0 and variance 1, then a gain and a bias.
 *
 *   xhat[i] = (x[i] - mean_i) * rstd_i,  rstd_i = 1 / sqrt(var_i + eps)
 *   y[i]    = gain * xhat[i] + bias
 *
 * var is the mean of squares (divided by D, not D-1). Source: Ba et al. 2016.
 */
#ifndef TW_NN_KERNELS_LAYERNORM_H
#define TW_NN_KERNELS_LAYERNORM_H

#include "base/real.h"

/* y (N,D), mean (N), rstd (N) <- x (N,D), gain (D), bias (D). */
void tw_layernorm_forward(tw_real *y, tw_real *mean, tw_real *rstd, const tw_real *x,
                          const tw_real *gain, const tw_real *bias, double eps, int N, int D);

/* dx (N,D), dgain (D), dbias (D) +=, from dy (N,D) and what the forward pass kept.
 *
 *   g = gain * dy[i]
 *   dx[i] += rstd_i * (g - mean(g) - xhat[i] * mean(g * xhat[i])) */
void tw_layernorm_backward(tw_real *dx, tw_real *dgain, tw_real *dbias, const tw_real *dy,
                           const tw_real *x, const tw_real *mean, const tw_real *rstd,
                           const tw_real *gain, int N, int D);

#endif
