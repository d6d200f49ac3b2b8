/* engine/eval/cold_start_eval.h — what do new items and new people get? Train from scratch on a
 * directory's data without some of them, then ask for them.
 *
 * Nothing of the directory changes. Some items and some people are taken out of the log entirely,
 * and of all others the last two events; on what is left towers are trained, and with their vectors
 * as item features a sequential model. So the vector of a held-out item comes from its words alone,
 * and no vector has seen an event that is asked for. (The towers of the directory itself have,
 * where they were trained from events.)
 *
 *     tw_cold_start_options opt = {.item_features = true, .hold_out_items = 0.1};
 *     tw_engine_cold_start_eval(e, &opt, &report, &err);
 */
#ifndef TW_ENGINE_EVAL_COLD_START_EVAL_H
#define TW_ENGINE_EVAL_COLD_START_EVAL_H

#include "engine/engine.h"

typedef struct tw_cold_start_options {
    const char *config_json; /* NULL, or keys of tw_seq_config that differ from the preset */
    const char *preset;      /* one of tw_seq_presets; NULL: auto */
    const char *towers_json; /* NULL, or keys of tw_tower_recipe */
    bool item_features;      /* false: the same evaluation of ids alone, without towers */
    double hold_out_users, hold_out_items; /* shares, in [0, 1) */
    bool seen;   /* test with what people had before among the candidates */
    int threads; /* 0: one per usable core */
    tw_progress_fn progress;
    void *progress_ctx;
} tw_cold_start_options;

/* The report, freed with tw_free: {"config", "name", "seed", "item_features", "users", "items",
 * "events", "held_out_users", "held_out_items", "epochs", "best_epoch", "seconds", "valid",
 * "towers" (with item features), and figures of the full ranking of the test targets: "known":
 * {"seq", "as_unknown_user", "popularity", "item_knn", "markov"}: known people, known items;
 * "unseen_users": {"unknown", "mean", "folded", "popularity", "item_knn", "markov"}: held-out
 * people, known items; the middle two where the model has user vectors; "new_items":
 * {"seq", "popularity", "item_knn", "markov", "random"}: known people, held-out items, ranked among
 * all items, new and known; random is what chance would reach}. A part without users is
 * left out. Baselines count what the training saw, so none knows a new item.
 *
 * TW_ESTATE: nothing to train on. TW_EINVAL: a setting out of its range. TW_EBUSY: an ingest,
 * events or training is running. TW_ECANCELLED, TW_ENOMEM. On failure *report is NULL. */
TW_NODISCARD tw_status tw_engine_cold_start_eval(tw_engine *e, const tw_cold_start_options *opt,
                                                 char **report, tw_error *err);

#endif
