/* engine/eval/offline_eval.h — would it work on my log? Train from scratch on a file, measure by
 * every protocol.
 *
 * No data directory is made. The report holds what a table of results needs: the test figures of
 * the model and of every baseline under each protocol, the settings, the seed, the seconds.
 *
 *     tw_offline_eval_options opt = {.path = "ratings.csv", .config_json = "{\"epochs\": 20}"};
 *     char *report = NULL;
 *     tw_offline_eval(&opt, &report, &err);
 */
#ifndef TW_ENGINE_EVAL_OFFLINE_EVAL_H
#define TW_ENGINE_EVAL_OFFLINE_EVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/types.h"

typedef struct tw_offline_eval_options {
    const char *path;    /* an interaction log in any format of ingest/ingest.h */
    const char *format;  /* NULL: detect */
    const char *columns; /* these eight as in tw_ingest_options */
    const char *header;
    const char *encoding;
    const char *separator, *quote, *escape;
    const char *time_format;
    bool allow_future;
    const char *config_json;  /* NULL, or keys of tw_seq_config that differ from the preset */
    const char *preset;       /* one of tw_seq_presets; NULL: auto */
    const char *metrics_path; /* NULL, or a file for one JSON object an epoch */
    const char *checkpoint;   /* NULL, or a file to go on from after a kill; removed at the end */
    const char *model_path;   /* NULL, or a file for the trained model (safetensors), written before
                                 it is measured */
    double
        hold_out_users; /* share of users kept out of training entirely, to see what unseen
                           users get; the figures of the others are then of fewer training users */
    bool seen;          /* test with what people had before among the candidates; else a
                           target that they had before counts as missed */
    int threads;        /* 0: one per usable core */
    tw_progress_fn progress;
    void *progress_ctx;
} tw_offline_eval_options;

/* The report, freed with tw_free: {"columns": {"user": "visitorid", ...} (what each was taken for),
 * "time_format" (null: none, so the order of rows counts), "guessed" (fields), "config", "preset",
 * "seed", "users", "items", "events", "rejected", "epochs", "best_epoch", "seconds", "valid":
 * {...}, "test": {"full", "sampled100", "authors"}, the same three under "popularity", "item_knn"
 * and "markov"; "as_unknown_user":
 * {"full"}, and with hold_out_users "unseen_users": {"unknown", "mean", "folded", "popularity"} on
 * those users}.
 *
 * TW_ENOTFOUND, TW_EINVAL: the file, its format, the settings, or nothing to train on (rows that
 * cannot be read are counted, and fatal only where they are most of the file). TW_ECANCELLED:
 * progress said stop; the checkpoint stays. TW_ENOMEM, TW_EIO. On failure *report is NULL. */
TW_NODISCARD tw_status tw_offline_eval(const tw_offline_eval_options *opt, char **report,
                                       tw_error *err);

#endif
