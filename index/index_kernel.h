/* index/index_kernel.h — inner products, the same bits on every CPU. Internal to index/.
 */
#ifndef TW_INDEX_INDEX_KERNEL_H
#define TW_INDEX_INDEX_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* out[i] = <q, rows + i * stride> for i < n, over dim floats. Sums run in 32 fixed lanes, so a
 * row scores the same wherever it is stored. */
typedef void (*twi_scores_fn)(float *out, const float *q, const float *rows, size_t stride, int dim,
                              int n);

/* The fastest for this CPU. All give the same bits. */
twi_scores_fn twi_scores_pick(void);
/* Every variant this CPU can run, for tests: i from 0 until NULL. */
twi_scores_fn twi_scores_variant(int i);

/* Position of the first value that is not finite or too large, or -1. */
int64_t twi_first_unusable(const float *x, int64_t n);

#endif
