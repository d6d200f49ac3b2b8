/* nn/kernels/conv.h — two-dimensional convolution as matrix products, over a batch of images of
 * any sizes.
 *
 * An image is a matrix of pixels by channels, rows of pixels one after the other from the top; the
 * images of a batch stand one below the other (packed: no padding between sizes). So
 *
 *   y[(i,v,u), o] = b[o] + sum over a, c, j of x[(i, v*stride - pad + a, u*stride - pad + c), j]
 *                                             * w[o, (a*k + c)*C + j],  x = 0 outside the image
 *
 * Channels last, because then k pixels of a patch's line are one copy, a patch is a row of the left
 * factor, the product's rows are the output as it stands, and whatever follows (norm, relu, pool)
 * runs along the channels. With channels first a patch is gathered number by number, and every
 * image needs a product of its own.
 *
 * Patches are laid out for a block of rows at a time (im2col), never for the batch: the block stays
 * in the second cache between its making and its product. Small images share a block.
 */
#ifndef TW_NN_KERNELS_CONV_H
#define TW_NN_KERNELS_CONV_H

#include <stddef.h>
#include <stdint.h>

#include "base/real.h"

typedef struct tw_conv {
    int n;                         /* images */
    const int32_t *in_at, *out_at; /* (n+1) first pixel of each image in x and in y */
    int in_w, out_w;               /* pixels in a line, the same for all */
    int C, O;                      /* channels in, out */
    int k, stride, pad;            /* the kernel's side, its step, zeros around the image */
} tw_conv;

/* Lines (or pixels in one) of y, from those of x. Below 1: the kernel does not fit. */
int tw_conv_extent(int in, int k, int stride, int pad);

/* Numbers of working memory that the functions below need. */
size_t tw_conv_work(const tw_conv *s);

/* Pixels of y that one product computes; batches of whole images of about that many pixels keep
 * a layer's other work in the caches too. */
int tw_conv_rows(const tw_conv *s);

/* y (end-first, O): pixels [first, end) of the output. wt (k*k*C, O) is w transposed; b (O) or NULL
 * for zeros; y overwritten. */
void tw_conv_forward(tw_real *y, tw_real *work, const tw_real *x, const tw_real *wt,
                     const tw_real *b, const tw_conv *s, int first, int end);

/* Of the same pixels: dx (all of x) += unless NULL, dw (O, k*k*C) +=, db (O) += unless NULL, from
 * dy (end-first, O).
 *
 *   patches P (rows, k*k*C):  y = P w' + b  =>  dP = dy w,  dw = dy' P,  db = column sums of dy */
void tw_conv_backward(tw_real *dx, tw_real *dw, tw_real *db, tw_real *work, const tw_real *dy,
                      const tw_real *x, const tw_real *w, const tw_conv *s, int first, int end);

#endif
