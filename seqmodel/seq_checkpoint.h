/* seqmodel/seq_checkpoint.h — what of a training outlives a step: averaged and best weights,
 * counters, the file.
 *
 * Internal to seqmodel/.
 */
#ifndef TW_SEQMODEL_SEQ_CHECKPOINT_H
#define TW_SEQMODEL_SEQ_CHECKPOINT_H

#include "base/text.h"
#include "seqmodel/seq_model.h"

typedef struct twi_train_state {
    int64_t steps;
    int64_t users, rows;  /* of an epoch that runs: users and targets it has learnt from */
    double loss;          /* the sum over these targets */
    int waited;           /* validations since the best */
    tw_seq_report report; /* epochs is how many are done */
} twi_train_state;

typedef struct twi_seq_checkpoint {
    int64_t n;        /* numbers in all parameters */
    tw_real *average; /* (n) averaged over steps; NULL when cfg.average is 0 */
    tw_real *best;    /* (n) as they were at the best validation */
    twi_train_state state;
    tw_text lines; /* given to hooks->metrics so far, each with its line end */
} twi_seq_checkpoint;

TW_NODISCARD tw_status twi_seq_checkpoint_init(twi_seq_checkpoint *k, const tw_seq_model *m,
                                               tw_error *err);
void twi_seq_checkpoint_fini(twi_seq_checkpoint *k);
void twi_params_copy(const tw_seq_model *m, tw_real *block); /* model -> block (n) */
void twi_params_restore(tw_seq_model *m, const tw_real *block);
void twi_params_swap(tw_seq_model *m, tw_real *block);
void twi_seq_checkpoint_average(twi_seq_checkpoint *k, const tw_seq_model *m,
                                int64_t steps); /* after each step */

/* Replaces the file at path by the state after a step. TW_EIO and friends. */
TW_NODISCARD tw_status twi_seq_checkpoint_save(twi_seq_checkpoint *k, const tw_seq_model *m,
                                               const tw_seq_data *data, const char *path,
                                               tw_error *err);
/* *loaded: the file was there, whole, and of the same configuration and data. Else nothing changed,
 * and a warning says why. TW_ECORRUPT: the model is half filled and must not be used. TW_ENOMEM. */
TW_NODISCARD tw_status twi_seq_checkpoint_load(twi_seq_checkpoint *k, tw_seq_model *m,
                                               const tw_seq_data *data, const char *path,
                                               bool *loaded, tw_error *err);

#endif
