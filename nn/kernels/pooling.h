/* nn/kernels/pooling.h — an image made smaller, or to one row: kernels for one image (H lines of
 * W pixels of C channels, channels last).
 *
 * 2x2 windows with step 2. Of an odd line or column the last one is left out; a side of 1 is a
 * window by itself, so that nothing ever shrinks to nothing: the output has max(1, H/2) lines.
 */
#ifndef TW_NN_KERNELS_POOLING_H
#define TW_NN_KERNELS_POOLING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/real.h"

int tw_pool2_extent(int in); /* max(1, in / 2) */

/* y (H2*W2, C) = max over the window of a[c] x + b[c], and of 0 where `relu`. a, b (C). */
void tw_maxpool2_forward(tw_real *y, const tw_real *x, const tw_real *a, const tw_real *b,
                         bool relu, int H, int W, int C);

/* g (H*W, C) = dL/d(a x + b), overwritten: dy where the window's first largest was, if relu let it
 * through, else 0. */
void tw_maxpool2_backward(tw_real *g, const tw_real *dy, const tw_real *x, const tw_real *a,
                          const tw_real *b, bool relu, int H, int W, int C);

/* y (C) = mean over all pixels. */
void tw_meanpool_forward(tw_real *y, const tw_real *x, int P, int C);
void tw_meanpool_backward(tw_real *dx, const tw_real *dy, int P, int C); /* dx += */

/* Of an audio file: lines are frames of time, columns are bands of frequency. m[t] = mean over the
 * bands;
 *
 *   y (C) = max over t of m[t] + mean over t of m[t]
 *
 * best (C) keeps the first t of the largest. work (2C). Source: Kong et al. 2020 (PANNs). */
void tw_audiopool_forward(tw_real *y, int32_t *best, tw_real *work, const tw_real *x, int T, int M,
                          int C);
void tw_audiopool_backward(tw_real *dx, const tw_real *dy, const int32_t *best, int T, int M,
                           int C); /* dx += */

#endif
