/* engine/models/publish.h — from a trained model in models/NNNN.tmp to the one that serves.
 * Internal to engine/.
 */
#ifndef TW_ENGINE_MODELS_PUBLISH_H
#define TW_ENGINE_MODELS_PUBLISH_H

#include "base/error.h"
#include "base/types.h"
#include "engine/generation.h"
#include "engine/train/smoothing.h"
#include "engine/training.h"
#include "towers/towers.h"

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
 * graph is not kept; otherwise when it is activated. */
TW_NODISCARD tw_status twi_publish(tw_engine *e, const twi_new_version *v,
                                   const tw_train_options *opt, tw_error *err);

#endif
