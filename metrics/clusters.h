/* metrics/clusters.h — how well two groupings of the same items agree. */
#ifndef TW_METRICS_CLUSTERS_H
#define TW_METRICS_CLUSTERS_H

#include <stdint.h>

#include "base/decls.h"
#include "base/error.h"

TW_BEGIN_DECLS

/* Mutual information of two labellings over the mean of their entropies: 1 the same up to names, 0
 * independent. Both constant: 1. n 0: NAN. TW_ENOMEM. Source: Strehl and Ghosh 2002, with the
 * arithmetic mean. */
TW_NODISCARD tw_status tw_clusters_nmi(double *out, const int32_t *a, const int32_t *b, int64_t n,
                                       tw_error *err);

TW_END_DECLS

#endif
