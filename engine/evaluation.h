/* engine/evaluation.h — what the models of a directory are worth, beside their baselines.
 *
 *     char *report = NULL;
 *     tw_engine_eval_seq(e, NULL, &report, &err);     // docs/formats.md has what a report holds
 *     tw_free(report);
 *
 * Nothing of the directory changes. Questions that need a training of their own are
 * engine/eval/offline_eval.h (a log without a directory) and engine/eval/cold_start_eval.h (new
 * items, new users).
 */
#ifndef TW_ENGINE_EVALUATION_H
#define TW_ENGINE_EVALUATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/error.h"
#include "base/types.h"
#include "engine/engine.h"
#include "engine/training.h"

TW_BEGIN_DECLS

#define TW_EVAL_MAX_K       1000   /* of a cut-off */
#define TW_EVAL_MAX_QUERIES 100000 /* each takes 5 bytes for each place of its list */

typedef struct tw_eval_options {
    const char *protocol; /* seq: "full" (NULL), "sampled100" or "authors" */
    const char *split;    /* seq: "test" (NULL) or "valid" */
    uint64_t seed;        /* seq: of sampled lists, 0: 42; towers: of the split
                             that is made here, 0: the training's */
    bool seen; /* seq: rank what people had before, too, as tw_next_query.seen shows it; else a
                  target that they had before counts as missed ("repeats" in the report) */
    double diversity, popularity_discount; /* seq: as in tw_next_query, for the model's lists */
    bool chosen;            /* towers: measure on `source`, not on what their training kept apart */
    tw_pair_source source;  /* TW_PAIRS_EVENTS, TW_PAIRS_FILE or TW_PAIRS_CLASSES */
    const char *path;       /* the pairs file, or the attribute's name */
    const char *valid_path; /* pairs that choose the threshold; NULL: half of those in `path` */
    const int *k;           /* (n_k) towers: cut-offs, 1..TW_EVAL_MAX_K; n_k 0: 1, 10, 100 */
    int n_k;
    int64_t max_queries; /* towers: items that ask, 0: 2000, at most TW_EVAL_MAX_QUERIES */
    tw_progress_fn progress;
    void *progress_ctx;
} tw_eval_options;

/* Measures the active towers beside their baselines, unless opt says otherwise on what their own
 * training kept apart; the report (docs/formats.md) is as in training. Classes that the training
 * knew are measured on the items that it held out, others on all items, each left out in turn.
 * TW_ESTATE: there are no towers, or the training kept nothing apart (imported ones: nothing at
 * all) and nothing is chosen. TW_EINVAL: an option out of range. TW_ENOTFOUND, TW_EIO: a file of
 * pairs; TW_ECORRUPT: the model's report; TW_ECANCELLED; TW_ENOMEM. On failure *report is NULL. */
TW_NODISCARD tw_status tw_engine_eval_towers(tw_engine *e, const tw_eval_options *opt,
                                             char **report, tw_error *err);
/* Measures the active sequential model on what the store holds, but never on an event that its
 * training saw, whatever came and went since; the report (docs/formats.md) is as in training, with
 * who is left out. TW_ESTATE: there is no model. TW_ENOTFOUND: no user has a target left.
 * TW_EINVAL: an option out of range. TW_ECORRUPT: the record of what the training saw. */
TW_NODISCARD tw_status tw_engine_eval_seq(tw_engine *e, const tw_eval_options *opt, char **report,
                                          tw_error *err);
/* Recall at 10 of each index against an exact scan, and microseconds a query on one thread. */
TW_NODISCARD tw_status tw_engine_eval_index(tw_engine *e, const tw_eval_options *opt, char **report,
                                            tw_error *err);

TW_END_DECLS

#endif
