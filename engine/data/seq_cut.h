/* engine/data/seq_cut.h — what a training of the sequential model saw, kept beside it. Internal to
 * engine/.
 */
#ifndef TW_ENGINE_DATA_SEQ_CUT_H
#define TW_ENGINE_DATA_SEQ_CUT_H

#include <stdint.h>

#include "base/error.h"
#include "engine/data/dataset.h"
#include "seqmodel/seqmodel.h"

/* Which events a training of the sequential model saw: all that it read, up to a sequence number,
 * but the two of each person that it held out. */
typedef struct twi_cut_row {
    int64_t user, valid, test; /* the user's row; sequence numbers of the two events */
} twi_cut_row;
typedef struct twi_cut {
    int64_t seq; /* of the newest event that it read */
    int64_t n;
    twi_cut_row *held; /* (n) owned, by rising user */
} twi_cut;
enum { TWI_CUT_EXAMPLES = 3 };
/* What that means for the log of today. */
typedef struct twi_cut_effect {
    int64_t left_out; /* people who had a target, and of whom nothing unseen is left */
    int64_t later;    /* targets that were recorded after the training */
    int64_t examples[TWI_CUT_EXAMPLES]; /* rows of some who are left out; 0: no more */
} twi_cut_effect;
/* Of a model that was trained on this log; into its folder. */
TW_NODISCARD tw_status twi_cut_save(const tw_seq_model *m, const twi_events *log, const char *dir,
                                    tw_error *err);
/* Release with twi_cut_fini. TW_ENOTFOUND: the model is older than such records. */
TW_NODISCARD tw_status twi_cut_load(twi_cut *out, const char *dir, tw_error *err);
void twi_cut_fini(twi_cut *c);
/* Cuts the histories of `data`, which came from this log by twi_seq_data: a target is behind all
 * that was trained on, and a test target behind what chose the weights, too. TW_ENOMEM. */
TW_NODISCARD tw_status twi_cut_apply(const twi_cut *c, const tw_seq_model *m, const twi_events *log,
                                     tw_seq_split split, tw_seq_data *data, twi_cut_effect *out,
                                     tw_error *err);

#endif
