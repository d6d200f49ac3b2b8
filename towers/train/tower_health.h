/* towers/train/tower_health.h — do the vectors still fill their space, or have they
 * fallen together?
 *
 * Two ways to fall: all vectors onto one point (every cosine near 1), or into
 * few directions of many (the cosines differ, most dimensions are wasted). Both
 * are named, so that a trainer can stop and say what to change.
 */
#ifndef TW_TOWERS_TRAIN_TOWER_HEALTH_H
#define TW_TOWERS_TRAIN_TOWER_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "towers/towers.h"

typedef struct tw_health {
    int64_t items;  /* rows that are not zero and whose numbers are finite */
    int64_t broken; /* rows with a number that is not finite */
    double spread; /* mean of 1 - cosine over all pairs of rows: 1 on a full sphere, 0 on a point */
    double uniformity; /* ln of the mean of exp(-2 |x - y|^2), over pairs of at most
                          TW_HEALTH_SAMPLE rows: lower is better, -4 + (small) on a full sphere */
    double alignment;  /* mean |x - y|^2 over positive pairs: lower is better; NAN without pairs */
    double directions; /* how many the variance lies in: (sum of its eigenvalues)^2 / sum of their
                          squares, 1 .. dim; 0 when there is none */
} tw_health;

#define TW_HEALTH_SAMPLE 1024

/* Measures unit rows; zero rows (items without content) are passed over.
 *
 *   vecs (n, dim)
 *   positives (n_positives)  label 0.5 and above; NULL for none
 *
 * TW_EINVAL: a pair's item is out of range. TW_ENOMEM. Fewer than two rows: spread 0, uniformity 0.
 * Sources: Wang and Isola 2020 (uniformity, alignment, t = 2 and alpha = 2); the participation
 * ratio of the covariance's eigenvalues, from its trace and its Frobenius norm. */
TW_NODISCARD tw_status tw_health_measure(tw_health *out, const float *vecs, int64_t n, int dim,
                                         const tw_item_pair *positives, int64_t n_positives,
                                         tw_error *err);

typedef enum tw_health_verdict {
    TW_HEALTHY = 0,
    TW_HEALTH_BROKEN = 1, /* numbers that are not finite */
    TW_HEALTH_POINT = 2,  /* spread below TW_HEALTH_LEAST_SPREAD */
    TW_HEALTH_FLAT = 3,   /* the variance lies in fewer than TW_HEALTH_LEAST_DIRECTIONS */
} tw_health_verdict;

/* Chosen by eye, not tuned. A tower of fewer than 8 dimensions is allowed a quarter of them. */
#define TW_HEALTH_LEAST_SPREAD     0.02
#define TW_HEALTH_LEAST_DIRECTIONS 2.0

tw_health_verdict tw_health_judge(const tw_health *h, int dim);

/* One sentence with what to change; never NULL, static. */
const char *tw_health_advice(tw_health_verdict verdict);

#endif
