/* engine/models/model_open.h — the files of a version, opened. Internal to engine/.
 */
#ifndef TW_ENGINE_MODELS_MODEL_OPEN_H
#define TW_ENGINE_MODELS_MODEL_OPEN_H

#include <stdbool.h>

#include "base/error.h"
#include "engine/generation.h"

/* Opens the parts of a version. One that cannot be used stays NULL, with why in its problem, ""
 * otherwise. TW_ENOMEM.
 *
 *   serve  to be used, not looked at: a file that cannot be is reported in the log, and the same
 * part is taken from another version's folder where that has it */
typedef struct twi_opened {
    tw_tower *tower;
    tw_seq_model *seq;
    bool towers_borrowed, seq_borrowed; /* taken from another folder, and not put in order */
    char towers_problem[TW_ERROR_MSG_MAX], seq_problem[TW_ERROR_MSG_MAX];
} twi_opened;
TW_NODISCARD tw_status twi_models_open(tw_engine *e, int version, twi_model_parts parts, bool serve,
                                       twi_opened *out, tw_error *err);
void twi_opened_fini(twi_opened *o);

#endif
