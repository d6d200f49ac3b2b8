/* engine/models/versions.h — the versions of the models: folders on disk, what the store knows of
 * them, how one comes to serve, what is swept. Internal to engine/.
 */
#ifndef TW_ENGINE_MODELS_VERSIONS_H
#define TW_ENGINE_MODELS_VERSIONS_H

#include "engine/internal.h"

/* ---- model_dir.c ----------------------------------------------------------------------------- */
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
/* Makes models/NNNN.tmp for the next version, with the part that is kept linked from `base`. */
TW_NODISCARD tw_status twi_model_begin(tw_engine *e, const twi_generation *base, bool new_towers,
                                       int *version, char tmp[TW_PATH_MAX], tw_error *err);
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
/* The number in the name of a model folder, or -1 for any other name. */
int twi_folder_version(const char *name);

/* ---- registry.c ------------------------------------------------------------------------------ */
#define TWI_KEPT_SERVED   2 /* versions that served: the one that does and the one before it */
#define TWI_KEPT_WITHHELD 5 /* the newest of those that never served */

typedef struct twi_version {
    int version;
    int served; /* 1: it serves; 2: it did before that; ... 0: it never did */
    twi_model_parts parts;
    char created[32];   /* ISO 8601, "" unknown */
    char withheld[256]; /* why it was not activated when it was made; "" */
    char problem[64];   /* what is wrong with its entry in the store; "" */
    int newer_format;   /* 0: this program reads it */
} twi_version;

typedef struct twi_registry {
    int n;
    size_t room;
    twi_version *versions; /* (n) ascending; owned */
    int serves, before;    /* 0: none */
} twi_registry;

/* On failure *out is empty. */
TW_NODISCARD tw_status twi_registry_load(tw_engine *e, twi_registry *out, tw_error *err);
void twi_registry_fini(twi_registry *r);
const twi_version *twi_registry_find(const twi_registry *r, int version); /* NULL: no such */
/* TW_ENOTFOUND; TW_ECORRUPT: its entry is damaged; TW_EUNSUPPORTED: of a newer program. */
TW_NODISCARD tw_status twi_registry_parts(const twi_registry *r, int version, twi_model_parts *out,
                                          tw_error *err);
/* Whether the folder of the version stays. */
bool twi_registry_keeps(const twi_registry *r, int version);
/* In the open transaction: from its commit on, this version serves. */
TW_NODISCARD tw_status twi_registry_activate(tw_engine *e, int version, tw_error *err);

/* ---- sweep.c --------------------------------------------------------------------------------- */
/* Removes what no kept version needs any more: folders, snapshots, vectors, and what a killed
 * process was writing. Names that are not ours stay. Best effort: it is only space. The caller is
 * the one writer and trains nothing. */
void twi_sweep(tw_engine *e);

/* ---- generation_open.c ----------------------------------------------------------------------- */
/* Opens the parts of a version. One that cannot be used stays NULL, with why in its problem, ""
 * otherwise. TW_ENOMEM.
 *
 *   serve  to be used, not looked at: a file that cannot be is told of in the log, and the same
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
/* ---- publish.c ------------------------------------------------------------------------------- */
/* A model folder's log of its training, one JSON object a line. */
TW_NODISCARD tw_status twi_open_metrics(FILE **out, const char *tmp, const char *name,
                                        tw_error *err);
TW_NODISCARD tw_status twi_close_metrics(FILE **f,
                                         tw_error *err); /* writes may fail as late as here */
/* A version that was made, to be published. */
typedef struct twi_new_version {
    int version;
    const char *tmp; /* models/NNNN.tmp */
    twi_model_parts parts;
    const tw_tower *tower;       /* NULL: the towers are those of the version before */
    const twi_smoothing *smooth; /* NULL: vectors stay as the tower gives them */
    const char *withheld;        /* why it shall not serve, one sentence; NULL: it shall */
} twi_new_version;
/* Renames the folder and registers the version. Unless it is withheld, embeds the catalogue where
 * the towers are new, builds the indexes, makes the version active and current. A kill leaves the
 * old or the new version. A withheld version is embedded where its vectors are smoothed, for the
 * graph is not kept; otherwise by whoever activates it. */
TW_NODISCARD tw_status twi_publish(tw_engine *e, const twi_new_version *v,
                                   const tw_train_options *opt, tw_error *err);
/* Embeds the items of which the towers have no vector, or an old one. opt may be NULL. */
TW_NODISCARD tw_status twi_embed_pending(tw_engine *e, int towers_version, const tw_tower *tower,
                                         const tw_train_options *opt, tw_error *err);

/* ---- verdict.c ------------------------------------------------------------------------------- */
/* Whether what a training made shall serve. */
typedef struct twi_verdict {
    bool activate;
    char reason[TW_ERROR_MSG_MAX]; /* why validation is against it; "": it is not */
} twi_verdict;
/* Settles v->activate from v->reason and what was asked for; "never" is a reason, too. */
void twi_verdict_settle(twi_verdict *v, tw_activate wanted);
/* The reason where it shall not serve, else NULL. */
const char *twi_verdict_withholds(const twi_verdict *v);
/* "activated", and "reason" where there is one. TW_ENOMEM. */
TW_NODISCARD tw_status twi_verdict_json(const twi_verdict *v, struct json_t *root, tw_error *err);
/* TW_EINVAL: no such choice. */
TW_NODISCARD tw_status twi_activate_check(tw_activate wanted, tw_error *err);

/* ---- check.c, check_index.c ------------------------------------------------------------------ */
/* What one look at a directory finds. */
typedef struct twi_findings {
    int n;
    tw_text text; /* a sentence each, with its NUL; no more once it is full */
} twi_findings;
/* "WHAT: WHY; REMEDY". */
void twi_found(twi_findings *f, const char *what, const char *why, const char *remedy);
/* Compares the stored vectors of the towers of g, and the snapshots on disk, with each other. g has
 * the models that could be opened, and no index.
 * TW_ENOMEM, and what the store returns; damage is a finding. */
TW_NODISCARD tw_status twi_check_indexes(tw_engine *e, twi_generation *g, twi_findings *f,
                                         tw_error *err);

#endif
