/* towers/train/tower_health.h — do the vectors still fill their space, or have they
 * fallen together?
 *
 * Two ways to fall: all vectors onto one point (every cosine near 1), or into
 * few directions of many (the cosines differ, most dimensions are wasted).
 * Internal to towers/.
 */
#ifndef TW_TOWERS_TRAIN_TOWER_HEALTH_H
#define TW_TOWERS_TRAIN_TOWER_HEALTH_H

#include <stdint.h>

#include "base/error.h"

typedef struct twi_health {
    int64_t items;  /* rows that are not zero and whose numbers are finite */
    int64_t broken; /* rows with a number that is not finite */
    double spread; /* mean of 1 - cosine over all pairs of rows: 1 on a full sphere, 0 on a point */
    double uniformity; /* ln of the mean of exp(-2 |x - y|^2), over pairs of at most
                          TWI_HEALTH_SAMPLE rows: lower is better, -4 + (small) on a full sphere */
    double directions; /* how many the variance lies in: (sum of its eigenvalues)^2 / sum of their
                          squares, 1 .. dim; 0 when there is none */
} twi_health;

#define TWI_HEALTH_SAMPLE 1024

/* Measures unit rows; zero rows (items without content) are passed over.
 *
 *   vecs (n, dim)
 *
 * TW_ENOMEM. Fewer than two rows: spread 0, uniformity 0.
 * Sources: Wang and Isola 2020 (uniformity, t = 2); the participation
 * ratio of the covariance's eigenvalues, from its trace and its Frobenius norm. */
TW_NODISCARD tw_status twi_health_measure(twi_health *out, const float *vecs, int64_t n, int dim,
                                          tw_error *err);

#endif
