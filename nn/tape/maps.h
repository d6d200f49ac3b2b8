/* nn/tape/maps.h — tape ops on batches of images: convolution, group norm, pooling.
 *
 * A batch of images, or of what a layer made of them ("maps"), is one tensor with a row for each
 * pixel and a column for each channel; `at` says where each image begins. All have the same
 * width; heights may differ, so audio files of different length need no padding (a line is a frame
 * of time, a column a band of frequency), and no image's result depends on its neighbours.
 *
 *     tw_maps x = tw_op_pixels(t, px, n, 28, 28, 1, 1 / 255.0, 0);
 *     x = tw_op_conv_norm(t, x, &(tw_conv_norm){.w = w, .gain = g, .bias = b, .kernel = 3,
 *                                               .stride = 1, .pad = 1, .groups = 8, .eps = 1e-5,
 *                                               .relu = true, .pool = true});
 *     tw_tensor *y = tw_op_mean_pool(t, x);   // (n, channels)
 *
 * As with tensors, running out of memory is sticky: .x is then NULL and every op accepts that.
 * Weights of a convolution are (O, k*k*C): see nn/kernels/conv.h, which also says why channels come
 * last.
 */
#ifndef TW_NN_TAPE_MAPS_H
#define TW_NN_TAPE_MAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "nn/tape/tape.h"

typedef struct tw_maps {
    tw_tensor *x; /* (at[n], channels); d NULL for images as they came in */
    int n, width;
    const int32_t *at; /* (n+1) first row of each; a height is (at[i+1] - at[i]) / width >= 1 */
} tw_maps;

/* x = scale * byte + shift. px[i] (h, w, c) borrowed for the call. Nothing flows back into it: only
 * the convolution below takes it when recording. */
tw_maps tw_op_pixels(tw_tape *t, const uint8_t *const *px, int n, int h, int w, int c, double scale,
                     double shift);

/* x = scale * frames[i] + shift: one channel. frames[i] (lengths[i] >= 1, bands), borrowed for the
 * call. As with pixels, only the convolution takes it. */
tw_maps tw_op_frames(tw_tape *t, const float *const *frames, const int32_t *lengths, int n,
                     int bands, double scale, double shift);

typedef struct tw_conv_norm {
    const tw_param *w;           /* (O, kernel^2 * C) */
    const tw_param *gain, *bias; /* (1, O) */
    int kernel, stride, pad;     /* pad: zeros around; the kernel must fit */
    int groups;                  /* of channels; divides O */
    double eps;
    const tw_maps *skip; /* NULL, or added after the norm: as large as the output; not with pool */
    bool relu;           /* max(0, .) last, but before pooling */
    bool pool;           /* 2x2 maxima */
} tw_conv_norm;

/* Convolution, group norm, skip connection, ReLU and 2x2 max pool in one op: a few images at a
 * time go through all of it while they are in the cache, and of what lies between only the
 * convolution's result is kept. nn/kernels/pooling.h says what becomes of odd sides. */
tw_maps tw_op_conv_norm(tw_tape *t, tw_maps x, const tw_conv_norm *how);

/* ---- to one row for each image ------------------------------------------------------------- */

tw_tensor *tw_op_mean_pool(tw_tape *t, tw_maps x);  /* (n, C): mean over the pixels */
tw_tensor *tw_op_audio_pool(tw_tape *t, tw_maps x); /* (n, C): see tw_audiopool_forward */
/* (n, h*w*C): all heights are the same. A view: it shares x's numbers and gradient. */
tw_tensor *tw_op_flatten(tw_tape *t, tw_maps x);

#endif
