/* engine/training.h — training the models of a directory, and which of their versions serves.
 *
 *     char *report = NULL;
 *     tw_engine_train_towers(e, NULL, &report, &err);
 *     puts(report);
 *     tw_free(report);
 *
 * A training, an ingest, an events and an activation are one at a time: TW_EBUSY. Queries go on
 * beside them with the version that serves. TW_EDENIED: the directory was opened for reading.
 */
#ifndef TW_ENGINE_TRAINING_H
#define TW_ENGINE_TRAINING_H

#include <stdbool.h>

#include "base/decls.h"
#include "base/error.h"
#include "base/types.h"
#include "engine/engine.h"

TW_BEGIN_DECLS

typedef enum tw_pair_source {
    TW_PAIRS_EVENTS = 0,    /* positives mined from who-consumed-what-together */
    TW_PAIRS_FILE = 1,      /* pairs a,b,label */
    TW_PAIRS_TRIPLETS = 2,  /* anchor,positive,negative */
    TW_PAIRS_ATTRIBUTE = 3, /* items that share a value of an attribute */
    TW_PAIRS_CLASSES = 4,   /* no pairs: an attribute says what each item is */
    TW_PAIRS_SELF = 5,      /* each item beside itself: its modalities, or two views of it */
} tw_pair_source;

/* Whether what a training made serves at once. */
typedef enum tw_activate {
    TW_ACTIVATE_BETTER = 0, /* if validation says that it gained something; see train_towers, seq */
    TW_ACTIVATE_ALWAYS = 1,
    TW_ACTIVATE_NEVER = 2,
} tw_activate;

typedef struct tw_train_options {
    const char *config_json; /* NULL, or keys of the model's config that differ from the default */
    const char *preset;      /* seq: one of tw_seq_presets that the keys go over; NULL: auto, by the
                                users, items and events; the report says which ("preset") */
    tw_pair_source source;   /* towers */
    const char *path;        /* towers: the pairs or triplets file; or the attribute's name */
    const char *groups;      /* towers, with classes: NULL, or the attribute that says what several
                                classes have in common, so that batches hold what is hard to tell */
    const char *hold_out; /* towers, with classes: NULL, or the attribute of which whole values are
                             kept for validation, not single items: near doubles share one (a
                             speaker, a photo session), and would make it too easy */
    const char *vocabulary; /* towers: NULL, or a vocab.txt for a text encoder that reads tokens;
                               without one it is learnt from the catalogue */
    bool warm_start;        /* towers: begin with the weights of those that serve, whose shape they
                               keep, not with random ones; TW_ESTATE where none do */
    bool item_features;     /* seq: items enter by their tower vectors, too; see train_seq */
    tw_activate activate;
    bool skip_eval; /* do not measure on the test split afterwards */
    tw_progress_fn progress;
    void *progress_ctx;
} tw_train_options;

/* Trains, publishes a new model version, re-embeds the catalogue, swaps the generation. A training
 * that gained nothing publishes the version, but does not activate it: what served goes on serving,
 * nothing if nothing did. That is so if no epoch was better on validation than the towers were
 * before (epoch 0), or, where there is no validation, if the vectors collapsed at once; of zero
 * epochs nothing is expected. The report says "activated", and in "reason" why not. Encoders
 * that the config leaves at "auto" are settled by what the catalogue has: text by its bag if any
 * item has some, images by conv4 and audio by the CNN if one item in ten has one; attributes
 * not. Media that cannot be read any more are missing, counted in the report ("unreadable",
 * "first_unreadable") and logged as MEDIA-UNREADABLE; they fail nothing. `*report`
 * is a JSON object, freed with tw_free: what was trained, on what, how good beside its baselines.
 * TW_ESTATE: nothing to train on; the message says what is missing. TW_ECANCELLED: progress said
 * stop; nothing was published. */
TW_NODISCARD tw_status tw_engine_train_towers(tw_engine *e, const tw_train_options *opt,
                                              char **report, tw_error *err);
/* Publishes the text tower of a sentence-transformers folder (tw_tower_import_bert), embeds the
 * catalogue with it. opt: progress alone, or NULL. TW_ECORRUPT, TW_ENOTFOUND: the folder; the
 * message names the file. */
TW_NODISCARD tw_status tw_engine_import_towers(tw_engine *e, const char *folder,
                                               const tw_train_options *opt, char **report,
                                               tw_error *err);
/* The same for the sequential model. With opt->item_features (or an item_features_dim in its
 * config) an item is its id's vector plus a projection of its tower vector: every item of the
 * catalogue takes part, with events or without, and one that is put or replaced later is
 * recommended, and understood in a history, at once. That holds as long as these towers serve.
 * Train other ones, and the model goes on with the items of its training as they were then, and
 * without any other, until it is trained again: vectors of two towers never meet (logged as
 * SEQ-CONTENT-FROZEN; stats report it). It is not activated if popularity's NDCG@10 on the
 * validation targets is higher than its own. TW_ESTATE: item features without towers. TW_EINVAL: an
 * item_features_dim that is not theirs. */
TW_NODISCARD tw_status tw_engine_train_seq(tw_engine *e, const tw_train_options *opt, char **report,
                                           tw_error *err);

/* ---- which version serves (engine/inspection.h lists them) ----------------------------------- */

/* Lets a version serve that was made earlier: embeds the catalogue with its towers where they are
 * not those that serve, builds the indexes, swaps. A kill leaves the old or the new one.
 *
 *   opt  progress alone, or NULL
 *
 * TW_ENOTFOUND: no such version, or not kept. TW_EEXIST: it serves already. TW_ECORRUPT: one of its
 * files cannot be used; the one before goes on. TW_ECANCELLED: likewise. */
TW_NODISCARD tw_status tw_engine_activate(tw_engine *e, int version, const tw_train_options *opt,
                                          tw_error *err);
/* The same with the version that served before the one that does; twice is none. *version: which.
 * TW_ESTATE: none did. */
TW_NODISCARD tw_status tw_engine_rollback(tw_engine *e, const tw_train_options *opt, int *version,
                                          tw_error *err);

TW_END_DECLS

#endif
