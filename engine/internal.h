/* engine/internal.h — what has no header of its own yet. Internal to engine/. */
#ifndef TW_ENGINE_INTERNAL_H
#define TW_ENGINE_INTERNAL_H

#include "engine/data/dataset.h"
#include "engine/data/make_tower.h"
#include "engine/data/seq_cut.h"
#include "engine/data/tower_source.h"
#include "engine/engine_state.h"
#include "engine/follow.h"
#include "engine/generation.h"
#include "engine/item_reader.h"
#include "engine/json_text.h"
#include "engine/models/model_dir.h"
#include "engine/snapshot.h"
#include "engine/train/hard_negatives.h"
#include "engine/train/verdict.h"
#include "engine/vectors.h"

struct json_t;

typedef struct twi_tower_split {
    tw_item_pair *pairs; /* owned: those of train, valid, test one after the other */
    int64_t n;
    tw_split parts;
    bool apart; /* valid and test come from people that train has not seen, not from other pairs */
} twi_tower_split;
/* Positives from what people liked (a rating of at least 0.8 of the highest, or any event where
 * there are no ratings). A fifth of the people each are kept for validation and test. */
TW_NODISCARD tw_status twi_mine(const twi_catalogue *c, const twi_events *log,
                                const tw_mine_config *cfg, int64_t seed, twi_tower_split *out,
                                tw_error *err);

/* The log as the model's own indices. */
TW_NODISCARD tw_status twi_seq_data(const tw_seq_model *m, const twi_events *log, tw_seq_data **out,
                                    tw_error *err);
/* The model to known and to unknown users, and popularity: {"name", "seq", "as_unknown_user",
 * "popularity"}. */
TW_NODISCARD tw_status twi_eval_seq(const tw_seq_model *m, const tw_seq_data *data,
                                    const tw_seq_eval_config *cfg, struct json_t **out,
                                    tw_error *err);
/* What the literature calls this member of the family: "SSE-PT". Static. */
const char *twi_seq_name(const tw_seq_config *cfg);
TW_NODISCARD tw_status twi_metrics_json(const tw_seq_metrics *m, struct json_t **out,
                                        tw_error *err);

#endif
