/* towers/train/tower_checkpoint.h — the file from which an interrupted training of a tower
 * goes on. Internal to towers/.
 *
 * It holds the weights, Adam's moments, the best weights, the counters and the
 * lines logged so far, as they were after an epoch, next to the settings and a hash
 * of all that the training depends on: of another training's file nothing is used.
 * What is drawn depends on (seed, epoch, step) alone, so the rest of the training
 * has the same bits as if it had never been interrupted.
 *
 *     TW_TRY(twi_tower_checkpoint_begin(&r, path, &about, err));
 *     TW_TRY(twi_tower_checkpoint_load(&r, params, best, &loaded, err));
 *     TW_TRY(twi_tower_checkpoint_add(&r, &line, err));               // after each epoch
 *     TW_TRY(twi_tower_checkpoint_save(&r, params, best, err));
 */
#ifndef TW_TOWERS_TRAIN_TOWER_CHECKPOINT_H
#define TW_TOWERS_TRAIN_TOWER_CHECKPOINT_H

#include "towers/train/tower_batch.h"

/* What a training depends on; borrowed for the call. */
typedef struct twi_tower_checkpoint_about {
    const tw_tower *tower;
    const tw_tower_data *data;
    const tw_tower_samples *samples;
    const tw_tower_train_config *cfg;
    int workers;
    const float
        *vecs; /* (n_vecs, dim) before training: so first weights, idf and vocabulary count */
    int64_t n_vecs;
} twi_tower_checkpoint_about;

/* What is neither weight nor moment. */
typedef struct twi_tower_checkpoint_state {
    tw_tower_report report;
    twi_scalars scale;
    int64_t step, updates; /* of the training, of the optimiser */
    double seconds;
} twi_tower_checkpoint_state;

typedef struct twi_tower_checkpoint {
    const char *path;   /* NULL: nothing is kept, and every call does nothing */
    tw_text run;        /* the settings and the hash */
    tw_params *proxies; /* of the classes, borrowed; NULL: none */
    twi_tower_checkpoint_state state;
    tw_tower_epoch *lines; /* (n_lines) of epochs 1, 2, ... */
    int64_t n_lines;
    double last, cost; /* when the file was written, and how long that took; seconds */
} twi_tower_checkpoint;

/* path is borrowed until fini. TW_ENOMEM. */
TW_NODISCARD tw_status twi_tower_checkpoint_begin(twi_tower_checkpoint *r, const char *path,
                                                  const twi_tower_checkpoint_about *about,
                                                  tw_error *err);
void twi_tower_checkpoint_fini(twi_tower_checkpoint *r); /* accepts a zeroed one */

/* Fills state, lines, params with moments, and best (a copy of each tensor, in the order of params)
 * when there is a file of this training. Another one's, or a damaged one, is logged
 * (TOWERS-RESUME) and left alone.
 *
 * TW_ECORRUPT: the file is this training's and yet holds something else: params are half filled,
 * best is as it was. TW_ENOMEM. */
TW_NODISCARD tw_status twi_tower_checkpoint_load(twi_tower_checkpoint *r, tw_params *params,
                                                 tw_real **best, bool *loaded, tw_error *err);
/* TW_ENOMEM. */
TW_NODISCARD tw_status twi_tower_checkpoint_add(twi_tower_checkpoint *r, const tw_tower_epoch *line,
                                                tw_error *err);

/* Replaces the file atomically; the caller has set state. Where writing takes long (large tables)
 * and epochs do not, some are left out, so that a training spends a tenth of its time on it at
 * most: what is lost is then time, never a bit of the result. TW_EIO and friends, TW_ENOMEM. */
TW_NODISCARD tw_status twi_tower_checkpoint_save(twi_tower_checkpoint *r, const tw_params *params,
                                                 tw_real *const *best, tw_error *err);

#endif
