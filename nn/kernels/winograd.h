/* nn/kernels/winograd.h — 3x3 convolution with step 1 and one zero around, with a quarter of the
 * products.
 *
 * A tile of 4x4 pixels of y depends on 6x6 of x. With the fixed matrices B (6x6), G (6x3), A (6x4)
 *
 *   Y = A' [ (G g G') * (B' X B) ] A      (* number by number)
 *
 * so per tile and pair of channels 36 products do what the definition does with 144; summed over
 * the input channels they are 36 matrix products of (tiles, C) and (C, O). Everything is linear, so
 * the backward pass is the transposed steps in reverse: dM = A dY A', dU = V' dM, dV = dM U',
 * dX += B dV B', dg = G' dU G.
 *
 * In float the result differs from the definition's by some 1e-6 of its size, which is why the
 * choice between the two (tw_winograd_fits) looks at the layer alone, never at the batch: an image
 * must get the same numbers in any company. Source: Lavin and Gray 2016, F(4x4, 3x3).
 */
#ifndef TW_NN_KERNELS_WINOGRAD_H
#define TW_NN_KERNELS_WINOGRAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"
#include "nn/kernels/conv.h"

enum { TW_WINOGRAD_POINTS = 36 };

/* 3x3, stride 1, pad 1, channels in sixteens, and lines so long that tiles are not mostly edge. */
bool tw_winograd_fits(const tw_conv *s);

/* Numbers in U, and in the working memory of a forward or backward pass. */
size_t tw_winograd_weights(const tw_conv *s);
size_t tw_winograd_work(const tw_conv *s);

/* Pixels of y that make up one block of tiles. */
int tw_winograd_rows(const tw_conv *s);

/* U (36, C, O) <- wt (9*C, O), the weights transposed. */
void tw_winograd_transform(tw_real *U, const tw_real *wt, const tw_conv *s);
/* dwt (9*C, O) <- dU, overwritten. */
void tw_winograd_transform_backward(tw_real *dwt, const tw_real *dU, const tw_conv *s);

/* y: images [first, end), their first pixel first; overwritten. */
void tw_winograd_forward(tw_real *y, tw_real *work, const tw_real *x, const tw_real *U,
                         const tw_conv *s, int first, int end);

/* dx (all of x) += unless NULL, dU (36, C, O) +=, from dy of the same images. */
void tw_winograd_backward(tw_real *dx, tw_real *dU, tw_real *work, const tw_real *dy,
                          const tw_real *x, const tw_real *U, const tw_conv *s, int first, int end);

#endif
