/* nn/kernels/act.h — element-wise layers over n numbers: relu, gelu, dropout.
 *
 * Backward functions accumulate into dx.
 */
#ifndef TW_NN_KERNELS_ACT_H
#define TW_NN_KERNELS_ACT_H

#include <stddef.h>
#include <stdint.h>

#include "base/real.h"

/* y = max(x, 0). */
void tw_relu_forward(tw_real *y, const tw_real *x, size_t n);
/* dx += dy where y > 0; at 0 the derivative is taken as 0. */
void tw_relu_backward(tw_real *dx, const tw_real *dy, const tw_real *y, size_t n);

/* y = x Phi(x), Phi the normal distribution function, by erfc.
 * Source: Hendrycks and Gimpel 2016. */
void tw_gelu_forward(tw_real *y, const tw_real *x, size_t n);
/* dx += dy (Phi(x) + x phi(x)). */
void tw_gelu_backward(tw_real *dx, const tw_real *dy, const tw_real *x, size_t n);

/* y[j] = coin(key, j) < p ? 0 : x[j] / (1 - p), p in [0, 1). The same key gives the same coins, so
 * nothing is kept for backward. Source: Srivastava et al. 2014, inverted. */
void tw_dropout_forward(tw_real *y, const tw_real *x, double p, uint64_t key, size_t n);
void tw_dropout_backward(tw_real *dx, const tw_real *dy, double p, uint64_t key, size_t n);

#endif
