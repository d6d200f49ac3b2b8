/* nn/kernels/groupnorm.h — each group of channels of one image to mean 0 and variance 1, then a
 * gain and a bias for each channel.
 *
 *   xhat[p,c] = (x[p,c] - mean_g) * rstd_g,  g = c / (C/G),  rstd_g = 1 / sqrt(var_g + eps)
 *   y[p,c]    = gain[c] * xhat[p,c] + bias[c]  =  a[c] * x[p,c] + b[c]
 *
 * over the P pixels and the C/G channels of a group; var is the mean of squares. Within an image
 * it is one multiply and add for each channel, which is how the fused layers apply it.
 *
 * Not batch norm: there an image's vector depends on the others in the batch, and a batch here is
 * cut into workers' slices and pieces. Source: Wu and He 2018.
 */
#ifndef TW_NN_KERNELS_GROUPNORM_H
#define TW_NN_KERNELS_GROUPNORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"

/* a (C), b (C), mean (G), rstd (G) <- x (P,C), gain (C), bias (C). C is a multiple of G. */
void tw_groupnorm_affine(tw_real *a, tw_real *b, tw_real *mean, tw_real *rstd, const tw_real *x,
                         const tw_real *gain, const tw_real *bias, double eps, int P, int C, int G);

/* a, b again from what was kept. */
void tw_groupnorm_refine(tw_real *a, tw_real *b, const tw_real *mean, const tw_real *rstd,
                         const tw_real *gain, const tw_real *bias, int C, int G);

/* y (P,C) = a[c] x + b[c] (+ skip (P,C) unless NULL), then max(0, .) where `relu`. */
void tw_affine_forward(tw_real *y, const tw_real *x, const tw_real *a, const tw_real *b,
                       const tw_real *skip, bool relu, int P, int C);

/* Of the last step of it: g (n) = dy where y > 0 or not `relu`, else 0; dskip (n) += g unless NULL.
 */
void tw_affine_backward(tw_real *g, tw_real *dskip, const tw_real *dy, const tw_real *y, bool relu,
                        size_t n);

/* dx (P,C) = dL/dx, overwritten, may be dy; dgain (C), dbias (C) +=; from dy (P,C) and what was
 * kept. work (3C).
 *
 *   q = gain[c] * dy[p,c]
 *   dx[p,c] = rstd_g * (q - mean_g(q) - xhat[p,c] * mean_g(q * xhat)) */
void tw_groupnorm_backward(tw_real *dx, tw_real *dgain, tw_real *dbias, tw_real *work,
                           const tw_real *dy, const tw_real *x, const tw_real *mean,
                           const tw_real *rstd, const tw_real *gain, int P, int C, int G);

#endif
