/* seqmodel/seq_step.h — one step of a training: a batch of users, divided among the workers, packed
 * and run forward and backward.
 *
 * Each worker gets whole sequences, chosen so that the workers' row
 * counts are nearly equal (longest first, always to the least loaded), packs them itself, and runs
 * forward and backward. What is drawn for a user depends on (seed, epoch, user) alone, so only
 * dropout and the order of sums differ between numbers of threads.
 *
 *     twi_seq_step_epoch(&s, epoch);
 *     twi_seq_step_assign(&s, order, begin, end);
 *     TW_TRY(tw_trainer_run(trainer, true, twi_seq_step_work, &s, err));      // s.slices[w].loss
 *
 * Nothing is allocated after init. Internal to seqmodel/.
 */
#ifndef TW_SEQMODEL_SEQ_STEP_H
#define TW_SEQMODEL_SEQ_STEP_H

#include "nn/tape/tape.h"
#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_model.h"
#include "seqmodel/seq_negatives.h"

typedef struct twi_slot {
    int32_t user;
    int rows;
    int order; /* in the batch: settles equal rows */
} twi_slot;

typedef struct twi_slice {
    twi_batch batch;
    int32_t *users; /* (batch) of this worker in this step */
    int n;
    int32_t *mark; /* (n_items+1) for negatives or candidates; NULL without */
    int32_t stamp;
    double loss; /* sum of this step */
} twi_slice;

typedef struct twi_seq_step {
    const tw_seq_model *m; /* borrowed */
    const tw_seq_data *data;
    twi_proposal proposal;
    twi_slot *slots;   /* (users) */
    twi_slice *slices; /* (workers) */
    int workers;
    int epoch;   /* from 1 */
    int64_t at;  /* the first user's place in the epoch's order */
    int targets; /* of all users of the step */
} twi_seq_step;

/* Room for steps of up to `users` users. TW_EINVAL: so many can have more rows than an int counts.
 * TW_ENOMEM. fini accepts what init left. */
TW_NODISCARD tw_status twi_seq_step_init(twi_seq_step *s, const tw_seq_model *m,
                                         const tw_seq_data *data, int users, int workers,
                                         tw_error *err);
void twi_seq_step_fini(twi_seq_step *s);

/* To be called before the first step of an epoch. */
void twi_seq_step_epoch(twi_seq_step *s, int epoch);

/* Gives the users order[begin..end) to the workers and counts their targets. */
void twi_seq_step_assign(twi_seq_step *s, const int32_t *order, int64_t begin, int64_t end);

/* A tw_worker_fn; ctx is the step. */
tw_status twi_seq_step_work(void *ctx, int worker, int workers, tw_tape *tape, tw_error *err);

#endif
