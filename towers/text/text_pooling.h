/* towers/text/text_pooling.h — from a vector for each piece of a text to one for the text.
 *
 * Internal to towers/. The ways of sentence-transformers, one or several side by side; then,
 * where there is one, a layer behind them.
 */
#ifndef TW_TOWERS_TEXT_TEXT_POOLING_H
#define TW_TOWERS_TEXT_TEXT_POOLING_H

#include <stdint.h>

#include "nn/params.h"
#include "nn/tape/tape.h"

/* Bits of a set; the columns of y come in this order. n pieces x_0 .. x_(n-1) of a text. */
#define TWI_POOL_FIRST    1  /* x_0: [CLS] */
#define TWI_POOL_LARGEST  2  /* of each column */
#define TWI_POOL_MEAN     4  /* sum of x / n */
#define TWI_POOL_ROOT     8  /* sum of x / sqrt n */
#define TWI_POOL_WEIGHTED 16 /* sum of (i + 1) x_i / sum of (i + 1): later pieces count more */
#define TWI_POOL_LAST     32 /* x_(n-1) */
#define TWI_POOL_ALL      63

/* How many times the width of x the width of y is: the bits of a set. */
int twi_pool_parts(int set);

/* y (n, parts * D) <- x (N, D), text k in rows offsets[k] .. offsets[k+1]-1.
 *
 *   skip  first pieces of every text that are left out (a prompt); the others keep their numbers i.
 *         A text that has no more gives zeros
 *
 * offsets (n+1) borrowed until the tape's reset. NULL: out of memory, the tape knows. */
tw_tensor *twi_pool(tw_tape *t, tw_tensor *x, const int32_t *offsets, int n, int set, int skip);

/* What stands behind a layer; the numbers are those of a tower's setting. */
typedef enum twi_activation {
    TWI_LINEAR = 0,
    TWI_TANH = 1,
    TWI_RELU = 2,
    TWI_GELU = 3,
    TWI_SIGMOID = 4,
} twi_activation;

/* y = f(x), of x's shape. */
tw_tensor *twi_activate(tw_tape *t, tw_tensor *x, twi_activation f);

#endif
