/* nn/kernels/sigmoid_row.h — binary cross-entropy of one positive and many negatives in a row of
 * scores.
 *
 *   loss = -power log sigmoid(s[0] + bias) - sum_{c >= 1} log(1 - sigmoid(s[c] + bias))
 *
 * power 1 is plain BCE; below 1 it is gBCE (Petrov and Macdonald 2023), which takes back the
 * overconfidence that sampling negatives brings.
 */
#ifndef TW_NN_KERNELS_SIGMOID_ROW_H
#define TW_NN_KERNELS_SIGMOID_ROW_H

#include "base/real.h"

/* *loss += the row's; s (n >= 1) becomes dloss/ds. */
void tw_sigmoid_row(double *loss, tw_real *s, double bias, double power, int n);

#endif
