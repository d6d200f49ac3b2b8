/* nn/kernels/bag.h — rows of a table: one per output (gather), or a weighted sum (bag).
 *
 * The backward halves add rows into a
 * sparse gradient store, which the tape does row by row with tw_grads_row().
 */
#ifndef TW_NN_KERNELS_BAG_H
#define TW_NN_KERNELS_BAG_H

#include <stdint.h>

#include "base/real.h"

/* y[i] = scale * table[ids[i]]; zero for an id below 0. y (N,D), table (V,D), ids (N). */
void tw_gather_forward(tw_real *y, const tw_real *table, const int32_t *ids, double scale, int N,
                       int D);

/* dx[rows[i]] += scale * dy[i], none for a row below 0: undoes a gather from a dense array. */
void tw_gather_backward(tw_real *dx, const tw_real *dy, const int32_t *rows, double scale, int N,
                        int D);

/* y[i] = sum over j in [offsets[i], offsets[i+1]) of weights[j] * table[ids[j]]; weights NULL: all
 * ones. y (N,D), offsets (N+1), ids and weights (offsets[N]). */
void tw_bag_forward(tw_real *y, const tw_real *table, const int32_t *ids, const tw_real *weights,
                    const int32_t *offsets, int N, int D);

#endif
