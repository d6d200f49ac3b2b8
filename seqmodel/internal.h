/* seqmodel/internal.h — what the files of seqmodel/ share. No other folder includes it. */
#ifndef TW_SEQMODEL_INTERNAL_H
#define TW_SEQMODEL_INTERNAL_H

#include "base/pool.h"
#include "base/rng.h"
#include "nn/params.h"
#include "nn/tape.h"
#include "seqmodel/seqmodel.h"

/* ---- ids: the caller's names of indices 1..n ------------------------------------------------- */

typedef struct twi_ids {
    int32_t n;
    int64_t *id;                /* (n+1); NULL: id == index */
    struct twi_id_place *place; /* (n) sorted by id, for look-up; NULL with id */
} twi_ids;

/* Takes a copy of id (n+1), element 0 ignored. TW_EINVAL: an id twice; `what` ("item") is named. */
TW_NODISCARD tw_status twi_ids_set(twi_ids *ids, const int64_t *id, const char *what,
                                   tw_error *err);
void twi_ids_fini(twi_ids *ids);
int64_t twi_ids_at(const twi_ids *ids, int32_t index);
int32_t twi_ids_find(const twi_ids *ids, int64_t id); /* 0: none */

/* ---- model ----------------------------------------------------------------------------------- */

/* D = user_dim + item_dim */
typedef struct twi_block {
    tw_param *gain1, *bias1;               /* (1,D) layer norm of the attention half */
    tw_param *wq, *bq, *wk, *bk, *wv, *bv; /* (D,D), (1,D) */
    tw_param *gain2, *bias2;               /* (1,D) layer norm of the feed-forward half */
    tw_param *w1, *b1, *w2, *b2;           /* (D,D), (1,D) */
} twi_block;

struct tw_seq_model {
    tw_seq_config cfg;
    int32_t n_users, n_items;
    tw_params *params;   /* owns all below */
    tw_param *items;     /* (n_items+1, item_dim): inputs and outputs; row 0 stays zero */
    tw_param *users;     /* (n_users+1, user_dim): row 0 is the unknown user; NULL without users */
    tw_param *positions; /* (max_len, D): row max_len-1 belongs to the latest item */
    tw_param *gain, *bias; /* (1,D) the norm at the end; NULL where norm is TW_SEQ_POST */
    tw_real *outputs;      /* (n_items+1, item_dim) what queries meet; NULL: items->value itself */
    twi_block block[TW_SEQ_MAX_BLOCKS];
    twi_ids item_ids, user_ids;
};

/* The model with every tensor zero, as a checkpoint fills it. cfg is checked already. */
TW_NODISCARD tw_status twi_model_create_empty(tw_seq_model **out, const tw_seq_config *cfg,
                                              int32_t n_users, int32_t n_items, tw_error *err);

/* Recomputes what queries meet after the parameters changed; costs nothing where the table is it.
 */
void twi_refresh_outputs(tw_seq_model *m);
const tw_real *twi_outputs(const tw_seq_model *m);

/* How many numbers the tensors of such a model hold, by formula: before any is allocated. */
double twi_model_size(const tw_seq_config *cfg, int32_t n_users, int32_t n_items);

/* ---- a look inside ----------------------------------------------------------------------------
 */

/* What one block's attention worked on. */
typedef struct twi_probe {
    int block;                        /* asked for, from 0 */
    const tw_tensor *q, *k, *v, *out; /* (N,D) on the tape until its reset */
    double scale;
} twi_probe;

/* ---- batch: sequences packed one after another ----------------------------------------------- */

/* Sequence s is rows offsets[s] .. offsets[s+1]-1 of all arrays, oldest item first. */
typedef struct twi_batch {
    int sequences, tokens;              /* S, N: filled */
    int room_sequences, room_tokens;    /* allocated */
    int32_t *offsets;                   /* (S+1) */
    int32_t *last;                      /* (S) the row of the latest item */
    int32_t *items, *users, *positions; /* (N) */
    twi_probe *probe;                   /* filled by the forward pass; NULL: nobody looks */
    int32_t *targets; /* (N) items, for the plain softmax item-1 (it begins at row 1 of the table);
                         rows of `unique` once collected; NULL: querying */
    int32_t *order;   /* scratch of a training sequence in its order; NULL: querying */
    int32_t *negatives; /* (N, k); NULL without */
    /* What the loss meets where items are gathered first (twi_batch_collect): candidates, then
     * the other targets; targets count rows of this list. */
    int32_t *unique; /* (n_unique) items */
    int n_unique, candidates;
    tw_real *log_weight; /* (candidates) */
} twi_batch;

/* k: negatives a row, 0 for none. `train` makes room for targets. TW_ENOMEM. */
TW_NODISCARD tw_status twi_seq_batch_init(twi_batch *b, int sequences, int tokens, bool train,
                                          int k, tw_error *err);
/* Room for twi_batch_collect, in a batch that was made. TW_ENOMEM. */
TW_NODISCARD tw_status twi_seq_batch_room(twi_batch *b, int64_t unique, int64_t candidates,
                                          tw_error *err);
void twi_seq_batch_fini(twi_batch *b);
void twi_batch_clear(twi_batch *b);

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

/* ---- shared candidates: sampled softmax, gBCE, and the full softmax over gathered items -------
 */

/* Who draws them. */
typedef struct twi_proposal {
    int32_t n_items;
    double *upto; /* (n_items+1) share of the draws that fall on items 1..i; NULL: uniform */
} twi_proposal;

/* By count^cfg->negative_power over the train parts. TW_ENOMEM. */
TW_NODISCARD tw_status twi_proposal_init(twi_proposal *p, const tw_seq_config *cfg,
                                         const tw_seq_data *data, tw_error *err);
void twi_proposal_fini(twi_proposal *p);

/* True where the loss reads b->unique. */
bool twi_has_candidates(const tw_seq_config *cfg);

/* Fills unique, candidates, log_weight from rng, and turns targets from items into rows of unique.
 *
 *   place (n_items+1)  scratch, all zero before and after */
void twi_batch_collect(twi_batch *b, const tw_seq_config *cfg, const twi_proposal *p, tw_rng *rng,
                       int32_t *place);

/* ---- forward --------------------------------------------------------------------------------- */

/* F (N,D): the last layer's rows. Dropout when the tape records. b is borrowed by the tape. */
tw_tensor *twi_forward(const tw_seq_model *m, tw_tape *t, const twi_batch *b);

/* Query vectors (S, item_dim): the item half of each sequence's last row. */
tw_tensor *twi_forward_queries(const tw_seq_model *m, tw_tape *t, const twi_batch *b);

/* The training loss summed over the batch's rows; records scale * loss. */
double twi_forward_loss(const tw_seq_model *m, tw_tape *t, const twi_batch *b, double scale);

/* ---- sessions -------------------------------------------------------------------------------- */

struct tw_seq_session {
    const tw_seq_model *m; /* borrowed */
    tw_tape *tape;         /* inference only */
    twi_batch batch;       /* of one sequence */
    int32_t *known;        /* (max_len) the history without unknown items, filled from its end */
};

/* ---- evaluation ------------------------------------------------------------------------------ */

/* tw_seq_eval on a pool that exists. */
TW_NODISCARD tw_status twi_eval(const tw_seq_model *m, const tw_seq_data *data,
                                const tw_seq_eval_config *cfg, tw_pool *pool, tw_seq_metrics *out,
                                tw_error *err);

/* What one user's target met. */
typedef struct twi_rank {
    int64_t above;       /* competitors whose score is not below the target's */
    int64_t competitors; /* the target not counted */
} twi_rank;

/* Means over n >= 1 users, summed in the order given. */
void twi_metrics(tw_seq_metrics *out, const twi_rank *ranks, int64_t n);

/* Counts of items in the train parts: the scores (n_items+1) of the popularity baseline. */
void twi_popularity(tw_real *scores, const tw_seq_data *data);

/* ---- streams of randomness, kept apart by what they are for
 * ---------------------------------------- */

enum twi_stream {
    TWI_STREAM_INIT = 1,
    TWI_STREAM_ORDER = 2,    /* of users in an epoch */
    TWI_STREAM_SEQUENCE = 3, /* of one user's training sequence in an epoch */
    TWI_STREAM_SAMPLED = 4,
    TWI_STREAM_AUTHORS = 5,
    TWI_STREAM_TRAINER = 6,    /* dropout */
    TWI_STREAM_CANDIDATES = 7, /* of one step of an epoch */
};

/* The stream (purpose, a, b) of a run with `seed`; independent of threads. */
tw_rng twi_stream(int64_t seed, enum twi_stream purpose, uint64_t a, uint64_t b);

#endif
