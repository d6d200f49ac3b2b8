/* seqmodel/seq_batch.h — histories as rows, sequence behind sequence: no padding.
 *
 * A batch is made once, cleared and filled again. S sequences, N rows. One thread at a time.
 *
 * Internal to seqmodel/.
 */
#ifndef TW_SEQMODEL_SEQ_BATCH_H
#define TW_SEQMODEL_SEQ_BATCH_H

#include "base/rng.h"
#include "nn/tape/tape.h"
#include "seqmodel/seq_model.h"
#include "seqmodel/seq_seen.h"

typedef struct twi_probe twi_probe; /* seq_forward.h */

/* Sequence s is rows offsets[s] .. offsets[s+1]-1 of all arrays, oldest item first. */
struct twi_batch {
    int sequences, tokens;              /* S, N: filled */
    int room_sequences, room_tokens;    /* allocated */
    int32_t *offsets;                   /* (S+1) */
    int32_t *last;                      /* (S) the row of the latest item */
    int32_t *items, *users, *positions; /* (N) */
    twi_probe *probe;                   /* filled by the forward pass; NULL: not wanted */
    int32_t *targets; /* (N) items, for the plain softmax item-1 (it begins at row 1 of the table);
                         rows of `unique` once collected; NULL: querying */
    int32_t *order;   /* scratch of a training sequence in its order; NULL: querying */
    int32_t *negatives; /* (N, k); NULL without */
    /* What the loss meets where items are gathered first (twi_batch_collect): candidates, then
     * the other targets; targets count rows of this list. */
    int32_t *unique; /* (n_unique) items */
    int n_unique, candidates;
    tw_real *log_weight; /* (candidates) */
    twi_seen seen;       /* all NULL without exclude_seen */
    /* With features: the items' ids, -1 where the item has features alone; NULL without. */
    int32_t *ids, *unique_ids; /* (N), (n_unique) */
    const tw_real **features;  /* (N) item_features_dim numbers of each row's item */
};

/* k: negatives a row, 0 for none. `train` makes room for targets. TW_ENOMEM. */
TW_NODISCARD tw_status twi_seq_batch_init(twi_batch *b, int sequences, int tokens, bool train,
                                          int k, tw_error *err);
/* Room for twi_batch_collect, in a batch that was made. TW_ENOMEM. */
TW_NODISCARD tw_status twi_seq_batch_room(twi_batch *b, int64_t unique, int64_t candidates,
                                          tw_error *err);
void twi_seq_batch_fini(twi_batch *b);
void twi_batch_clear(twi_batch *b);

/* Makes room for what features needs; `unique` 0: a batch of queries. TW_ENOMEM. */
TW_NODISCARD tw_status twi_seq_batch_features(twi_batch *b, int64_t unique, tw_error *err);

/* Fills ids, unique_ids and features from what the batch holds. rng NULL: every known id is used,
 * else an item's id is left out with probability cfg.id_dropout. No-op without features. */
void twi_batch_fill_features(twi_batch *b, const tw_seq_model *m, tw_rng *rng);

/* Appends the last max_len of n >= 1 items; there must be room. Returns where they start. */
int twi_batch_add(twi_batch *b, int max_len, int32_t user, const int32_t *items, int64_t n);

/* How many rows a training sequence of a user with `train` train items has: 0 below two. */
int twi_train_rows(const tw_seq_config *cfg, int64_t train);

/* Appends one training sequence of `user`: window, targets, negatives and SSE drawn from rng.
 *
 *   mark (n_items+1)   scratch; entries equal to `stamp` mean "in the train part". Only needed for
 *                      negatives; stamp must differ from every stamp used before with mark */
void twi_batch_add_train(twi_batch *b, const tw_seq_model *m, const tw_seq_data *data, int32_t user,
                         tw_rng *rng, int32_t *mark, int32_t stamp);

#endif
