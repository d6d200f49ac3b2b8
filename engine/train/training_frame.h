/* engine/train/training_frame.h — what every training does around its own work. Internal to
 * engine/.
 */
#ifndef TW_ENGINE_TRAIN_TRAINING_FRAME_H
#define TW_ENGINE_TRAIN_TRAINING_FRAME_H

#include <stdio.h>

#include "base/error.h"
#include "base/file.h"
#include "engine/generation.h"

/* A version that is being made. */
typedef struct twi_training {
    twi_generation *base;  /* what serves; released at the end */
    int version;           /* by twi_model_begin, with tmp; 0: not begun */
    char tmp[TW_PATH_MAX]; /* models/NNNN.tmp; removed at the end, unless it was published */
    FILE *metrics;         /* by twi_open_metrics; closed at the end; NULL: none */
} twi_training;

typedef tw_status (*twi_training_fn)(void *job, twi_training *t, char **report, tw_error *err);

/* Runs train(job, ...) as the one long work of the directory. On failure *report is NULL, and
 * nothing of the version is left. TW_EBUSY, and what train returns. */
TW_NODISCARD tw_status twi_training_run(tw_engine *e, twi_training_fn train, void *job,
                                        char **report, tw_error *err);

#endif
