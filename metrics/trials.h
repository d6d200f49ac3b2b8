/* metrics/trials.h — one-shot and few-shot classification by the nearest support. */
#ifndef TW_METRICS_TRIALS_H
#define TW_METRICS_TRIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/error.h"
#include "metrics/mean.h"

TW_BEGIN_DECLS

/* One trial of one-shot (few-shot) classification. */
typedef struct tw_trial {
    const int32_t *support, *support_class; /* (n_support) rows of vecs, and what they are */
    int n_support;
    const int32_t *query, *query_class; /* (n_query) */
    int n_query;
} tw_trial;

/* The mean over trials of the share of queries whose nearest support is of their class;
 * class_mean: nearest mean of a class's supports, at length 1 (prototype).
 *
 *   vecs (n, dim)  unit rows
 *
 * TW_EINVAL: a row out of range. TW_ENOMEM. */
TW_NODISCARD tw_status tw_trials_measure(tw_mean *out, const float *vecs, int64_t n, int dim,
                                         const tw_trial *trials, int64_t n_trials, bool class_mean,
                                         tw_error *err);

TW_END_DECLS

#endif
