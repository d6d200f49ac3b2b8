/* seqmodel/internal.h — what the files of seqmodel/ share. No other folder includes it. */
#ifndef TW_SEQMODEL_INTERNAL_H
#define TW_SEQMODEL_INTERNAL_H

#include "base/pool.h"
#include "base/rng.h"
#include "nn/params.h"
#include "nn/tape/tape.h"
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
    tw_param *wg1, *bg1, *wg2, *bg2;       /* (D,D), (1,D) gates; NULL unless gated */
} twi_block;

struct tw_seq_model {
    tw_seq_config cfg;
    int32_t n_users, n_items;
    tw_params *params;   /* owns all below */
    tw_param *items;     /* (n_items+1, item_dim): inputs and outputs; row 0 stays zero */
    tw_param *features;  /* (n_items+1, item_features_dim) frozen; NULL without features */
    tw_param *project;   /* (item_dim, item_features_dim); NULL without features */
    tw_param *counts;    /* (n_items+1, 1) frozen: log(1 + events); NULL: popularity is 0 */
    bool *known;         /* (n_items+1) has an id's vector, too; NULL without features: all have */
    tw_param *users;     /* (n_users+1, user_dim): row 0 is the unknown user; NULL without users */
    tw_param *positions; /* (max_len, D): row max_len-1 belongs to the latest item */
    tw_param *gain, *bias; /* (1,D) the norm at the end; NULL where norm is TW_SEQ_POST */
    tw_real *outputs;      /* (n_items+1, twi_query_dim) what queries meet; NULL: items->value */
    twi_block block[TW_SEQ_MAX_BLOCKS];
    twi_ids item_ids, user_ids;
};

/* The model with every tensor zero, as a checkpoint fills it. cfg is checked already. */
TW_NODISCARD tw_status twi_model_create_empty(tw_seq_model **out, const tw_seq_config *cfg,
                                              int32_t n_users, int32_t n_items, tw_error *err);

/* The same weights in tensors of its own; without ids. TW_ENOMEM. */
TW_NODISCARD tw_status twi_model_copy(tw_seq_model **out, const tw_seq_model *m, tw_error *err);

/* known as the id table has it: a row of zeros is of an item never met. */
void twi_refresh_known(tw_seq_model *m);

/* Recomputes what queries meet after the parameters changed; costs nothing where the table is it.
 */
void twi_refresh_outputs(tw_seq_model *m);
const tw_real *twi_outputs(const tw_seq_model *m);
/* The width of outputs and queries: item_dim, and one more where popularity is part of the score.
 */
int twi_query_dim(const tw_seq_model *m);

/* How many numbers the tensors of such a model hold, by formula: before any is allocated. */
double twi_model_size(const tw_seq_config *cfg, int32_t n_users, int32_t n_items);

/* ---- a look inside --------------------------------------------------------------------------- */

/* What one block's attention worked on. */
typedef struct twi_probe {
    int block;            /* asked for, from 0 */
    tw_tensor *q, *k, *v; /* (N,D) on the tape until its reset */
    double scale;
} twi_probe;

/* ---- batch: sequences packed one after another ----------------------------------------------- */

/* What the loss leaves out of each row's candidates: items that the user met by then. */
typedef struct twi_seen {
    const int32_t **history; /* (S) borrowed: all that the sequence's user met, oldest first */
    int64_t *before;         /* (S) how much of that is before the sequence's first row */
    int32_t *items;          /* (N) each row's item, as the user met it */
    int32_t *rows;           /* a list for each sequence, one behind the other: candidates' rows */
    int32_t *from, *upto;    /* (N) row i leaves out rows[from[i]] .. rows[upto[i]-1] */
    int32_t *listed;         /* (candidates) 1 + the latest sequence that has the row listed */
} twi_seen;

/* Sequence s is rows offsets[s] .. offsets[s+1]-1 of all arrays, oldest item first. */
typedef struct twi_batch {
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
    /* With features: the items' ids, -1 where features alone tells the item; NULL without. */
    int32_t *ids, *unique_ids; /* (N), (n_unique) */
    const tw_real **features;  /* (N) item_features_dim numbers of each row's item */
} twi_batch;

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
void twi_batch_tell(twi_batch *b, const tw_seq_model *m, tw_rng *rng);

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

/* ---- shared candidates: sampled softmax, gBCE, and the full softmax over gathered items ------ */

/* Who draws them. */
typedef struct twi_proposal {
    int32_t n_items;
    double *upto; /* (n_items+1) share of the draws that fall on items 1..i; NULL: uniform */
} twi_proposal;

/* By count^cfg->negative_power over the train parts. TW_ENOMEM. */
TW_NODISCARD tw_status twi_proposal_init(twi_proposal *p, const tw_seq_config *cfg,
                                         const tw_seq_data *data, tw_error *err);
void twi_proposal_fini(twi_proposal *p);

/* Room in a batch for what its rows leave out. `longest`: items in the longest train part.
 * TW_ENOMEM. */
TW_NODISCARD tw_status twi_seen_init(twi_seen *seen, int sequences, int tokens, int64_t candidates,
                                     int64_t longest, tw_error *err);
void twi_seen_fini(twi_seen *seen);

/* Notes the batch's newest sequence: `before` items of history, and then items (one a row). */
void twi_seen_add(twi_batch *b, const int32_t *history, int64_t before, const int32_t *items);

/* Fills rows, from and upto. place (n_items+1): 1 + a candidate's row, 0 for other items. */
void twi_seen_collect(twi_batch *b, const int32_t *place);

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

/* ---- what of a training is kept -------------------------------------------------------------- */

typedef struct twi_train_state {
    int64_t steps;
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

/* Replaces the file at path by the state after an epoch. TW_EIO and friends. */
TW_NODISCARD tw_status twi_seq_checkpoint_save(twi_seq_checkpoint *k, const tw_seq_model *m,
                                               const tw_seq_data *data, const char *path,
                                               tw_error *err);
/* *loaded: the file was there, whole, and of the same configuration and data. Else nothing changed,
 * and a warning says why. TW_ECORRUPT: the model is half filled and must not be used. TW_ENOMEM. */
TW_NODISCARD tw_status twi_seq_checkpoint_load(twi_seq_checkpoint *k, tw_seq_model *m,
                                               const tw_seq_data *data, const char *path,
                                               bool *loaded, tw_error *err);

/* To the hooks (NULL: none), after state.report was brought up to date. valid NULL: the epoch was
 * not validated; rate: targets a second. */
TW_NODISCARD tw_status twi_log_metrics(const tw_seq_hooks *h, twi_seq_checkpoint *k,
                                       const tw_seq_metrics *valid, double rate, tw_error *err);
/* TW_ECANCELLED: the hook wants the end. */
TW_NODISCARD tw_status twi_report_epoch(const tw_seq_hooks *h, const twi_seq_checkpoint *k,
                                        int epochs, const tw_seq_metrics *valid, tw_error *err);
/* Again what an interrupted training logged, so that the metrics have no hole. */
void twi_repeat_log(const tw_seq_hooks *h, const twi_seq_checkpoint *k);

/* ---- sessions -------------------------------------------------------------------------------- */

struct tw_seq_session {
    const tw_seq_model *m;    /* borrowed */
    tw_tape *tape;            /* inference only */
    twi_batch batch;          /* of one sequence */
    int32_t *known;           /* (max_len) the history without unknown items, filled from its end; 0
                                 where only features tells the item */
    const tw_real **features; /* (max_len) that features, borrowed for one query; NULL elsewhere */
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
    bool repeat;         /* the target was met before */
    bool missed;         /* and can therefore not be given: a miss at any cut */
} twi_rank;

/* Means over n >= 1 users, summed in the order given. Lists are left unmeasured. */
void twi_metrics(tw_seq_metrics *out, const twi_rank *ranks, int64_t n);

/* Sets of items are marks: entries equal to `stamp` are members, so that a new stamp empties the
 * set. Adds n items and returns how many were not there before. */
int64_t twi_mark_all(int32_t *mark, int32_t stamp, const int32_t *items, int64_t n);

/* ---- evaluation: lists of competitors -------------------------------------------------------- */

enum { TWI_NEGATIVES = 100 };

/* The target and its competitors, by the protocol (not TW_SEQ_FULL); returns how many ids. What is
 * drawn depends on (data, seed, split, user) alone.
 *
 *   list (1 + TWI_NEGATIVES)   the target first
 *   mark (n_items+1)           scratch, stamp was not used before with it */
int twi_candidates(int32_t *list, const tw_seq_data *data, const tw_seq_eval_config *cfg,
                   int32_t user, int32_t *mark, int32_t stamp);

/* Continues h, which starts as TW_FNV_START, over a user and the list; the same on every machine.
 */
uint64_t twi_hash_list(uint64_t h, int32_t user, const int32_t *list, int n);
uint64_t twi_hash_hashes(const uint64_t *hashes, int64_t n);

/* ---- evaluation: top lists ------------------------------------------------------------------- */

typedef struct twi_hit {
    tw_real score;
    int32_t item;
} twi_hit;

/* Keeps the k best of what is added, best first; among equals the smaller item is the better one. A
 * score that is not a number is never kept. *n is how many there are. */
void twi_hit_add(twi_hit *best, int *n, int k, tw_real score, int32_t item);

/* A user's list: the k best items by scores (n_items+1) that are not marked. Fills top (k), best
 * first, with 0 behind the last. A re-ranking of lists belongs between this and its caller. */
int twi_top_hits(twi_hit *best, int k, const tw_real *scores, int32_t n_items, const int32_t *mark,
                 int32_t stamp); /* best first; returns how many */
void twi_top_list(int32_t *top, int k, const tw_real *scores, int32_t n_items, const int32_t *mark,
                  int32_t stamp);

/* Measures lists (n, TW_SEQ_TOP), each with 0 behind its last item. TW_ENOMEM. */
TW_NODISCARD tw_status twi_measure_lists(tw_seq_list_metrics *out, const int32_t *lists, int64_t n,
                                         const tw_seq_data *train, tw_pool *pool, tw_error *err);

/* ---- evaluation: who met what, and the baselines that count it ------------------------------- */

/* The train parts as a relation: each user and each item once. */
typedef struct twi_sets {
    int32_t n_users, n_items;
    int64_t active;   /* users with a train part */
    int64_t *user_at; /* (n_users+1): u met items[user_at[u-1] .. user_at[u]) */
    int64_t *item_at; /* (n_items+1): i was met by users[item_at[i-1] .. item_at[i]), ascending */
    int32_t *items, *users;
} twi_sets;

/* Of each train part the latest `latest` events. TW_ENOMEM. */
TW_NODISCARD tw_status twi_sets_init(twi_sets *s, const tw_seq_data *data, int64_t latest,
                                     tw_error *err);
void twi_sets_fini(twi_sets *s); /* accepts a zeroed one */

/* Re-ranked lists of an evaluation, with one worker's working memory; tw_free it. */
typedef struct twi_diverse twi_diverse;
enum { TWI_DIVERSE_LIST = 20 };
/* popularity (n_items+1) as of twi_popularity, borrowed. TW_ENOMEM. */
TW_NODISCARD tw_status twi_diverse_create(twi_diverse **out, const tw_seq_model *m,
                                          const tw_seq_rerank_config *cfg,
                                          const tw_real *popularity, tw_error *err);
/* Of the items that are not marked; zeros where fewer are left. */
void twi_diverse_list(twi_diverse *d, int32_t list[TWI_DIVERSE_LIST], const tw_real *scores,
                      const int32_t *mark, int32_t stamp);

/* Counts of events in the train parts: the scores (n_items+1) of the popularity baseline. */
void twi_popularity(tw_real *scores, const tw_seq_data *data);

/* Chosen on validation; see docs/experiments/sse-pt.md. */
typedef struct twi_baseline_config {
    int neighbours; /* kept an item (item-kNN) */
    double shrink;  /* added to the cosine's denominator */
    int latest;     /* so many of the input's last items vote */
    double decay;   /* of a vote, for each item that came after it */
    double backoff; /* events' worth of popularity behind the transitions (Markov) */
} twi_baseline_config;

twi_baseline_config twi_baseline_default(void);

typedef struct twi_baseline twi_baseline;

/* Learns from the train parts of data, which must outlive it. TW_ENOMEM. */
TW_NODISCARD tw_status twi_baseline_create(twi_baseline **out, tw_seq_baseline kind,
                                           const twi_baseline_config *cfg, const tw_seq_data *data,
                                           tw_pool *pool, tw_error *err);
void twi_baseline_destroy(twi_baseline *b); /* accepts NULL */

/* The scores (n_items+1) of what follows n >= 1 items: `scratch` of that size, or the baseline's
 * own. Any number of threads at a time, each with its scratch. */
const tw_real *twi_baseline_scores(const twi_baseline *b, tw_real *scratch, const int32_t *items,
                                   int64_t n);

/* tw_seq_eval_baseline with other constants than the default. */
TW_NODISCARD tw_status twi_eval_baseline(tw_seq_baseline kind, const twi_baseline_config *constants,
                                         const tw_seq_data *data, const tw_seq_eval_config *cfg,
                                         tw_seq_metrics *out, tw_error *err);

/* ---- streams of randomness, kept apart by what they are for ---------------------------------- */

enum twi_stream {
    TWI_STREAM_INIT = 1,
    TWI_STREAM_ORDER = 2,    /* of users in an epoch */
    TWI_STREAM_SEQUENCE = 3, /* of one user's training sequence in an epoch */
    TWI_STREAM_SAMPLED = 4,
    TWI_STREAM_AUTHORS = 5,
    TWI_STREAM_TRAINER = 6,    /* dropout */
    TWI_STREAM_CANDIDATES = 7, /* of one step of an epoch */
    TWI_STREAM_HELD = 8,       /* users and items held out */
    TWI_STREAM_FOLD = 9,       /* candidates of a fold-in */
};

/* The stream (purpose, a, b) of a run with `seed`; independent of threads. */
tw_rng twi_stream(int64_t seed, enum twi_stream purpose, uint64_t a, uint64_t b);

#endif
