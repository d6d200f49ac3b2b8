/* cli/plot/training_log.h — a training's log (docs/formats.md) as curves over wall-clock seconds.
 */
#ifndef TW_CLI_PLOT_TRAINING_LOG_H
#define TW_CLI_PLOT_TRAINING_LOG_H

#include <stddef.h>

#include "base/error.h"

typedef struct curve {
    double *x, *y; /* (room) */
    int n;
} curve;

typedef struct training_log {
    curve loss;  /* a point an epoch; epoch 0 is the untrained model and has no loss */
    curve valid; /* a point a validation */
    int best_epoch;
    double best_x, best_y; /* of valid; meaningless without */
} training_log;

/* Reads lines of both models' logs. TW_ECORRUPT: a line is no JSON object. TW_ENOMEM. Release also
 * after a failure. */
TW_NODISCARD tw_status training_log_read(training_log *c, const char *text, size_t len,
                                         tw_error *err);
void training_log_free(training_log *c);

#endif
