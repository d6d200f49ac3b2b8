/* towers/train/tower_chunks.h — a step on a batch that is larger than memory.
 * Internal to towers/.
 *
 * A loss over the whole batch needs all vectors at once, but not all that led to
 * them. So every worker embeds its share in chunks and keeps the vectors alone;
 * the loss gives dL/dz; then each chunk is embedded again, with the same random
 * numbers, and played back at once:
 *
 *     TW_TRY(twi_chunks_embed(&c, trainer, err));      // fills c.z
 *     loss = ...;                                      // c.dz from c.z, on this thread
 *     TW_TRY(twi_chunks_play(&c, trainer, err));       // gradients of all weights
 *     TW_TRY(tw_trainer_update(trainer, lr, err));
 *
 * Memory is that of one chunk a worker, time one forward pass more. A share that
 * fits into one chunk is embedded once and played back from its tape: `chunk`
 * 0 is the plain step.
 *
 * What is equal to what: the vectors and dL/dz are those of the plain step as
 * long as a row's vector does not depend on its neighbours (no batch norm) and
 * the rows draw their random numbers one after the other; the sum of the weights'
 * gradients has the same terms, bracketed by chunk, so it may differ in the last
 * bits. The same seed, workers and chunk give the same bits.
 * Source: Gao et al. 2021 (GradCache), algorithm of section 3.
 */
#ifndef TW_TOWERS_TRAIN_TOWER_CHUNKS_H
#define TW_TOWERS_TRAIN_TOWER_CHUNKS_H

#include "nn/tape/tape.h"
#include "nn/trainer.h"

/* Embeds rows [begin, end) of the batch, end > begin, on the tape: *z (end - begin, width). Random
 * numbers come from tw_tape_rng(tape) and from nowhere else, so that a second call on a tape in the
 * same state gives the same vectors. Inputs must live until the chunk is played back: take them
 * from the tape. Runs on all workers at once; `worker` names its own scratch. */
typedef tw_status (*twi_embed_fn)(void *ctx, int worker, int begin, int end, tw_tape *tape,
                                  tw_tensor **z, tw_error *err);

typedef struct twi_chunks {
    int rows, width;
    int chunk;       /* rows a worker embeds at once; 0: all of its share */
    tw_real *z, *dz; /* (rows, width), the caller's */
    twi_embed_fn embed;
    void *ctx;
    tw_tensor *whole[TW_POOL_MAX]; /* what a worker's only chunk gave; NULL: embed it again */
} twi_chunks;

/* Fills z. TW_ENOMEM, or what embed returned. Starts the step: resets all tapes. */
TW_NODISCARD tw_status twi_chunks_embed(twi_chunks *c, tw_trainer *tr, tw_error *err);

/* Plays dz back into the workers' gradients. Call it once after twi_chunks_embed and before
 * tw_trainer_update: the step's number seeds the random numbers that are drawn again. */
TW_NODISCARD tw_status twi_chunks_play(twi_chunks *c, tw_trainer *tr, tw_error *err);

#endif
