/* engine/models/model_dir.h — models/NNNN: immutable folders, written beside and published by
 * rename; the store says which one serves. Internal to engine/.
 */
#ifndef TW_ENGINE_MODELS_MODEL_DIR_H
#define TW_ENGINE_MODELS_MODEL_DIR_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/file.h"
#include "engine/generation.h"

#define TWI_MODEL_FORMAT      1 /* of model.json */
#define TWI_TOWERS_FILE       "towers.safetensors"
#define TWI_SEQ_FILE          "seq.safetensors"
#define TWI_SEQ_CUT           "seq.cut.safetensors"
#define TWI_TOWERS_REPORT     "towers.report.json"
#define TWI_SEQ_REPORT        "seq.report.json"
#define TWI_TOWERS_METRICS    "towers.metrics.jsonl"
#define TWI_SEQ_METRICS       "seq.metrics.jsonl"
#define TWI_SEQ_CHECKPOINT    "seq.checkpoint" /* in the data directory, while a training runs */
#define TWI_TOWERS_CHECKPOINT "towers.checkpoint"

TW_NODISCARD tw_status twi_model_dir(tw_engine *e, int version, char out[TW_PATH_MAX],
                                     tw_error *err);
/* The number in the name of a model folder, or -1 for any other name. */
int twi_folder_version(const char *name);

/* Makes models/NNNN.tmp for the next version, with the part that is kept linked from `base`. */
TW_NODISCARD tw_status twi_model_begin(tw_engine *e, const twi_generation *base, bool new_towers,
                                       int *version, char tmp[TW_PATH_MAX], tw_error *err);
/* A model folder's log of its training, one JSON object a line. */
TW_NODISCARD tw_status twi_open_metrics(FILE **out, const char *tmp, const char *name,
                                        tw_error *err);
TW_NODISCARD tw_status twi_close_metrics(FILE **f, tw_error *err); /* a write may fail this late */
/* Keeps a training report with its model. */
TW_NODISCARD tw_status twi_model_report(const char *tmp, const char *name, const char *json,
                                        tw_error *err);
/* Writes model.json, syncs, renames to models/NNNN. withheld: NULL, or why it shall not serve.
 * *json is what model.json holds: tw_free it. */
TW_NODISCARD tw_status twi_model_finish(tw_engine *e, int version, const char *tmp,
                                        twi_model_parts parts, const char *withheld, char **json,
                                        tw_error *err);

/* Puts a second name of the good file in the place of a bad one. False: that could not be. */
bool twi_model_restore(const char *from, const char *to);

#endif
