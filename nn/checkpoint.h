/* nn/checkpoint.h — the file from which an interrupted training goes on, to the same bits.
 *
 * It holds parameters with Adam's moments, whatever else the training needs (the best weights,
 * averages, counters, what was logged) as blocks, and a description of the run: kind, settings and
 * a hash of the data. Of another run's file, or a damaged one, nothing is used: that is logged with
 * the reason and the training begins at the start. Everything that is drawn depends on (seed,
 * epoch, ...), so the state after an epoch is all that is needed.
 *
 *     const tw_checkpoint at = {path, "seq-checkpoint", run, "SEQ-RESUME"};
 *     const tw_checkpoint_block blocks[] = {{"best", TW_REAL_DTYPE, n, 0, best},
 *                                           {"state", TW_U8, sizeof state, 0, &state}};
 *     TW_TRY(tw_checkpoint_save(&at, &params, 1, blocks, 2, err));
 *     ...
 *     TW_TRY(tw_checkpoint_open(&at, &file, err));          // file NULL: begin at the start
 *     TW_TRY(tw_checkpoint_read(file, blocks, 2, err));
 *     TW_TRY(tw_st_load_params(file, params, true, err));
 */
#ifndef TW_NN_CHECKPOINT_H
#define TW_NN_CHECKPOINT_H

#include <stdint.h>

#include "base/error.h"
#include "nn/safetensors.h"

typedef struct tw_checkpoint {
    const char *path;  /* all borrowed */
    const char *kind;  /* of training, and the form of its state */
    const char *run;   /* settings and hash: equal where the rest of the training is the same */
    const char *event; /* log id of a file that is not used */
} tw_checkpoint;

/* Numbers beside the parameters. cols 0: one-dimensional. */
typedef struct tw_checkpoint_block {
    const char *name;
    tw_dtype type;
    int64_t rows, cols;
    void *data; /* (rows, cols); only read by a save */
} tw_checkpoint_block;

/* Replaces the file atomically. TW_ESTATE: a set has no moments. TW_EIO and friends, TW_ENOMEM. */
TW_NODISCARD tw_status tw_checkpoint_save(const tw_checkpoint *c, const tw_params *const *sets,
                                          int n_sets, const tw_checkpoint_block *blocks,
                                          int n_blocks, tw_error *err);

/* *file is NULL where there is none, or one that cannot be used, which is logged; else close it
 * with tw_st_close. TW_ENOMEM. */
TW_NODISCARD tw_status tw_checkpoint_open(const tw_checkpoint *c, tw_st_file **file, tw_error *err);

/* Fills the blocks. TW_ECORRUPT: one is missing or has another shape; then none is filled. */
TW_NODISCARD tw_status tw_checkpoint_read(const tw_st_file *file, const tw_checkpoint_block *blocks,
                                          int n_blocks, tw_error *err);

#endif
