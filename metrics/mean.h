/* metrics/mean.h — means and their standard errors, and when two scores are equal. */
#ifndef TW_METRICS_MEAN_H
#define TW_METRICS_MEAN_H

#include <stdint.h>

#include "base/decls.h"

TW_BEGIN_DECLS

#define TW_TIE                                                                                     \
    1e-6 /* of scores up to 1, and relative above: the same two vectors may get another            \
            last bit from another place in a matrix product */

/* A mean and its standard error: sample standard deviation / sqrt(n). */
typedef struct tw_mean {
    double mean, se;
    int64_t n;
} tw_mean;

tw_mean tw_mean_of(const double *x, int64_t n); /* n 0: NAN */

/* sample standard deviation / sqrt(n), from the sum and the sum of squares of n values; 0 where n
 * is below 2. */
double tw_standard_error(double sum, double squares, int64_t n);

TW_END_DECLS

#endif
