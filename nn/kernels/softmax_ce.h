/* nn/kernels/softmax_ce.h — softmax cross-entropy over rows of logits, in place.
 *
 *   loss_i = log sum_c exp(l[i,c]) - l[i, target_i]
 *   dl[i]  = softmax(l[i]) - onehot(target_i)
 *
 * The division by the sum is left to the caller, which has a smaller array to
 * multiply by it (the rows that the logits were made from): a pass over V less.
 */
#ifndef TW_NN_KERNELS_SOFTMAX_CE_H
#define TW_NN_KERNELS_SOFTMAX_CE_H

#include <stdint.h>

#include "base/real.h"

/* e (N,V): logits in, exp(logit - row maximum) out. rsum (N): 1 / row sum of e, or 0 in rows to
 * skip. *loss += the sum over rows. targets (N) in [0,V), below 0 to skip a row. */
void tw_softmax_ce_forward(double *loss, tw_real *e, tw_real *rsum, const int32_t *targets, int N,
                           int V);

/* e from the forward pass becomes dl / rsum: dl[i,c] = rsum[i] * e[i,c]. */
void tw_softmax_ce_backward(tw_real *e, const tw_real *rsum, const int32_t *targets, int N, int V);

#endif
