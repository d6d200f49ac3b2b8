/* metrics/lists.h — what lists of recommendations are like besides being right: how much of the
 * catalogue they show, how evenly, how alike their items are.
 */
#ifndef TW_METRICS_LISTS_H
#define TW_METRICS_LISTS_H

#include <stdint.h>

#include "base/decls.h"
#include "base/error.h"
#include "metrics/mean.h"
#include "metrics/ranking.h"

TW_BEGIN_DECLS

/* How unevenly n counts fall: 0 all alike, towards 1 a few take all; 0 of nothing. Sorts them.
 *
 *   G = sum over i of (2 i - n - 1) c_i / (n sum c), c rising and i from 1 */
double tw_gini(int64_t *counts, int64_t n);

typedef struct tw_variety {
    double coverage;   /* share of the pool that is in some list */
    double gini;       /* of how often each is: 0 all alike, towards 1 a few take all */
    tw_mean diversity; /* over lists of two and more: mean of 1 - cosine over their pairs */
} tw_variety;

/* The first k of each list; pool_vecs (pool, dim) unit rows, NULL: no diversity. TW_EINVAL: k.
 * TW_ENOMEM. */
TW_NODISCARD tw_status tw_variety_measure(tw_variety *out, const tw_ranked *lists, int k,
                                          const float *pool_vecs, int dim, tw_error *err);

TW_END_DECLS

#endif
