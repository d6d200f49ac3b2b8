/* nn/trainer.h — data-parallel training that repeats bit for bit.
 *
 * Every worker has its tape and its gradients. A step is: run the same function
 * on all workers (each takes its slice of the batch), then sum the gradients in
 * worker order and let Adam move the parameters. The same seed and the same
 * number of workers give the same bits, whatever the scheduling.
 *
 *     tw_trainer_run(tr, forward_backward, &batch);   // per worker
 *     tw_trainer_update(tr, lr, err);                 // sum, Adam, zero
 *
 * A loss over the whole batch (in-batch negatives) takes two runs: one forward,
 * the loss on the calling thread, one backward from tw_tape_seed().
 */
#ifndef TW_NN_TRAINER_H
#define TW_NN_TRAINER_H

#include "base/error.h"
#include "base/pool.h"
#include "nn/kernels/adam.h"
#include "nn/params.h"
#include "nn/tape/tape.h"

typedef struct tw_trainer_config {
    int threads; /* 0: one per usable core */
    uint64_t seed;
    tw_adam adam;
} tw_trainer_config;

typedef struct tw_trainer tw_trainer;

/* Borrows params. Allocates moments and one gradient store and tape per worker. */
TW_NODISCARD tw_status tw_trainer_create(tw_trainer **out, tw_params *params,
                                         const tw_trainer_config *cfg, tw_error *err);
void tw_trainer_destroy(tw_trainer *tr); /* accepts NULL */

int tw_trainer_workers(const tw_trainer *tr);
tw_pool *tw_trainer_pool(tw_trainer *tr);
int64_t tw_trainer_steps(const tw_trainer *tr);           /* updates so far */
void tw_trainer_set_steps(tw_trainer *tr, int64_t steps); /* to go on from a checkpoint */

/* What a worker does: fn must use only its own tape. The first failure, in worker order, is
 * returned. */
typedef tw_status (*tw_worker_fn)(void *ctx, int worker, int workers, tw_tape *tape, tw_error *err);

/* Resets every tape (seeded by seed, step, worker) when `fresh`, then runs fn on all workers. */
TW_NODISCARD tw_status tw_trainer_run(tw_trainer *tr, bool fresh, tw_worker_fn fn, void *ctx,
                                      tw_error *err);

/* Sums gradients in worker order, clips, moves the parameters (dense Adam; lazy Adam on touched
 * table rows: moments of untouched rows stand still), zeroes the gradients.
 * TW_EINVAL: the gradient is not finite ("step 12: gradient of 'items' is not finite"); nothing was
 * moved. Source: Kingma and Ba 2015. */
TW_NODISCARD tw_status tw_trainer_update(tw_trainer *tr, double lr, tw_error *err);

double tw_trainer_grad_norm(
    const tw_trainer *tr); /* of the last update, before clipping: for programs that log it */

#endif
