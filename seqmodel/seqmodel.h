/* seqmodel/seqmodel.h — what comes next for this user? (user, history) -> query vector.
 *
 * SSE-PT (Wu et al. 2020): a causal transformer over item + user + position
 * embeddings, regularised by replacing embeddings at random. SASRec (Kang and
 * McAuley 2018) is the case user_dim 0; PT is the case with every sse_* 0.
 *
 * The query of a history is the item half of the last output row; the items that
 * fit best are those with the largest inner product with it. The user half of the
 * output adds the same number to every candidate, so it never moves a rank and a
 * search index needs only item_dim numbers an item.
 *
 *     tw_seq_config cfg = tw_seq_config_default();
 *     tw_seq_data_create(&data, n_users, n_items, users, items, times, n, &err);
 *     tw_seq_model_create(&model, &cfg, n_users, n_items, &err);
 *     tw_seq_train(model, data, &hooks, &report, &err);
 *     tw_seq_session_create(&session, model, &err);
 *     tw_seq_query(session, user, history, length, query, &err);
 *
 * Surprises:
 * - Users and items are indices from 1. Item 0 never occurs; user 0 is the
 *   *unknown user*, trained by mapping users to it with probability unknown_user.
 * - Every probability here is one of REPLACEMENT. The authors' flags are keep
 *   thresholds: their threshold_user 0.08 is sse_user 0.92 here.
 * - Sequences are packed, never padded, and positions count from the end: the
 *   latest item always has position max_len - 1.
 */
#ifndef TW_SEQMODEL_SEQMODEL_H
#define TW_SEQMODEL_SEQMODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/error.h"
#include "base/real.h"
#include "base/text.h"
#include "base/types.h"
#include "nn/settings.h"
#include "seqmodel/histories.h"
#include "seqmodel/rerank.h"

TW_BEGIN_DECLS

#define TW_SEQ_MAX_DIM           1024 /* user_dim + item_dim */
#define TW_SEQ_MAX_LEN           4096
#define TW_SEQ_MAX_ITEM_FEATURES 4096
#define TW_SEQ_MAX_BLOCKS        16
#define TW_SEQ_CUTS              4 /* metrics are reported at ranks 1, 5, 10, 20 */
#define TW_SEQ_TOP               10 /* length of the lists whose coverage and diversity are measured */

/* ---- configuration --------------------------------------------------------------------------- */

typedef enum tw_seq_norm {
    TW_SEQ_AUTHORS = 0, /* as published: Q from LN(x), K and V from x, the residual carries LN(x) */
    TW_SEQ_PRE = 1,     /* x + f(LN(x)) */
    TW_SEQ_POST = 2,    /* LN(x + f(x)) */
} tw_seq_norm;

typedef enum tw_seq_loss {
    TW_SEQ_BCE = 0, /* a positive against `negatives` uniform items outside the user's train part */
    TW_SEQ_CE = 1,  /* softmax over all items; the user half of the output then has no gradient */
    /* Softmax over the positive and about `negatives` items that all rows of a step share. */
    TW_SEQ_SAMPLED_CE = 2,
    /* Binary cross-entropy against such a sample, the positive's sigmoid to a power that undoes
     * what sampling does to the scores (Petrov and Macdonald 2023). */
    TW_SEQ_GBCE = 3,
} tw_seq_loss;

typedef enum tw_seq_select {
    TW_SEQ_SELECT_FULL = 0,    /* against every item: what users get */
    TW_SEQ_SELECT_SAMPLED = 1, /* against 100 sampled items: for figures by such a protocol */
} tw_seq_select;

/* Every field is also a key of the JSON form, a key of tw_seq_config_set(), and stored in the
 * checkpoint. */
typedef struct tw_seq_config {
    int user_dim;          /* d_u; 0 is SASRec */
    int item_dim;          /* d_i: the width of queries and of the item table */
    int item_features_dim; /* width of the items' feature vectors; 0: items enter by id alone */
    double id_dropout; /* with features: P(a training row's item is shown by its features alone); 1:
                          items have no ids */
    int max_len;       /* T: only the last T items of a history are read */
    int blocks;        /* B */
    int heads;         /* divides user_dim + item_dim */
    tw_seq_norm norm;
    int gated; /* 1: what attention and feed-forward add passes sigmoid gates of the rows it is
                  added to; pre only */
    tw_seq_loss loss;
    int negatives;          /* BCE: a positive; sampled CE and gBCE: draws a step */
    double negative_power;  /* sampled CE, gBCE: items are drawn by count^power; 0: uniformly */
    double logq;            /* sampled CE: share of -log(inclusion probability) that a negative's
                               logit gains; 1 estimates the full softmax without bias */
    double negative_weight; /* CE, sampled CE: what the sum over the other items counts for. Below 1
                               the loss minds the target's place among all items more, and whether
                               it is the first of them less; towards 0 it is exponential loss */
    int exclude_seen;       /* 1: items that the user met before are not among the other items, as
                               they are not when it is asked what comes next; 0 where they may come
                               again. No matter for BCE: its negatives are outside the whole train
                               part */
    double calibration;     /* gBCE's t in [0, 1]; 0: plain BCE, 1: calibrated scores */
    int normalize;         /* 1: scores are cosines of query and item; wants a temperature ~ 0.05 */
    double temperature;    /* scores are divided by it (all but BCE) */
    double popularity;     /* w: ranking adds w * log(1 + an item's events in the train parts) to
                              its score, by one more column of queries and items; 0: off. The
                              losses are without it */
    double dropout;        /* on the input, attention weights and both FFN layers */
    double sse_user;       /* P(a training sequence's user is replaced by a uniform user) */
    double sse_item_input; /* P(an input item is replaced by a uniform item) */
    double sse_item_target; /* P(a target item is replaced by a uniform item) */
    double unknown_user;    /* P(a training sequence's user is mapped to user 0) */
    double window;          /* SSE-PT++: P(a longer history gives a random window, not its end) */
    double shuffle_ties;    /* P(a training sequence's items of equal time change places) */
    double lr;              /* of Adam, at the start */
    double lr_end; /* its share left at the last of `epochs`, by half a cosine; 1: constant */
    double beta2, weight_decay;
    double clip_norm; /* of the gradient; 0: off */
    double average;   /* decay a step of the moving average that is validated and kept; 0: off */
    int batch;        /* users a step */
    int epochs;       /* at most; one epoch sees every user with >= 2 train items once */
    int eval_every;   /* epochs between validations */
    tw_seq_select select_on; /* whose validation NDCG@10 chooses the weights that are kept */
    int patience;       /* validations without a better NDCG@10 before stopping; 0: never stop */
    double max_seconds; /* stop after the epoch that passes it; 0: no limit. Costs repeatability */
    int threads;        /* 0: one per usable core */
    int64_t seed;       /* >= 0 */
} tw_seq_config;

/* SSE-PT for catalogues of some thousand items (see docs/experiments/sse-pt.md for how it was
 * chosen). */
tw_seq_config tw_seq_config_default(void);

/* TW_EINVAL: one sentence about the first field that is out of range. */
TW_NODISCARD tw_status tw_seq_config_check(const tw_seq_config *cfg, tw_error *err);

/* Sets the keys that the JSON object names and leaves the others. Rules between fields are left to
 * the check. TW_EINVAL: not JSON, an unknown key, a value of the wrong type or out of range. On
 * failure *cfg is unchanged. */
TW_NODISCARD tw_status tw_seq_config_from_json(tw_seq_config *cfg, const char *json, size_t len,
                                               tw_error *err);

/* Appends the object, every key once, in the order of the struct. */
TW_NODISCARD tw_status tw_seq_config_to_json(const tw_seq_config *cfg, tw_text *out, tw_error *err);

/* One key from text, as a command line gives it: ("loss", "ce"). TW_EINVAL as above. */
TW_NODISCARD tw_status tw_seq_config_set(tw_seq_config *cfg, const char *key, const char *value,
                                         tw_error *err);

/* All of the above as a table: names, help, ranges. */
extern const tw_settings tw_seq_settings;

/* ---- settings for kinds of data -------------------------------------------------------------- */

/* How much there is to learn from. */
typedef struct tw_seq_extent {
    int64_t users, items, events;
} tw_seq_extent;

/* "auto", "small" (the defaults), "short", "fast", "long"; NULL behind the last. small: the softmax
 * over all items. The others draw the items that it compares with: short for histories of some ten
 * events, fast for longer ones, long for the best figures after a training of hours. */
extern const char *const tw_seq_presets[];

/* *cfg = the settings of a preset (NULL: auto), and over them the keys of a JSON object (NULL:
 * none), checked; its threads stay as they are where the keys do not name them. auto is the preset
 * that suits data of this extent, or small where the keys name a loss: they are then about the
 * defaults. Without n, to check keys before the data is read, auto is one with which they go
 * together. *chosen (or NULL): the preset's name, static. TW_EINVAL: no such preset, or as
 * tw_seq_config_from_json and tw_seq_config_check; *cfg is then unchanged. */
TW_NODISCARD tw_status tw_seq_config_choose(tw_seq_config *cfg, const char *preset,
                                            const char *json, const tw_seq_extent *n,
                                            const char **chosen, tw_error *err);

/* ---- model ----------------------------------------------------------------------------------- */

typedef struct tw_seq_model tw_seq_model;

/* Random weights, from cfg->seed. TW_EINVAL: cfg fails its check, or n_users, n_items is below 1.
 * TW_ENOMEM. On failure *out is NULL. A model that is not being trained may be read (queried,
 * evaluated, saved) by any number of threads. */
TW_NODISCARD tw_status tw_seq_model_create(tw_seq_model **out, const tw_seq_config *cfg,
                                           int32_t n_users, int32_t n_items, tw_error *err);
void tw_seq_model_destroy(tw_seq_model *m); /* accepts NULL; no session may be left */

const tw_seq_config *tw_seq_model_config(const tw_seq_model *m);
int32_t tw_seq_model_users(const tw_seq_model *m);
int32_t tw_seq_model_items(const tw_seq_model *m);
int64_t tw_seq_model_size(const tw_seq_model *m); /* trained numbers */

/* The table for the search index: row i (of *dim numbers: item_dim, and one more where popularity
 * is above 0) is item i; row 0 is zero and belongs to no item. *rows is n_items+1. Borrowed until
 * the model is trained further or destroyed. */
const tw_real *tw_seq_item_vectors(const tw_seq_model *m, int64_t *rows, int *dim);

/* Gives the items their features (tower vectors, say): an item is then its id's vector, if it was
 * met in training, plus a learned projection of its features, so one without any event can
 * be recommended. Call it before training a model with item_features_dim > 0; copied.
 *
 *   features (n_items+1, item_features_dim)  row 0 ignored; a zero row has no features
 *
 * TW_ESTATE: item_features_dim is 0. TW_EINVAL: a number is not finite. Not while other threads use
 * the model. */
TW_NODISCARD tw_status tw_seq_model_set_item_features(tw_seq_model *m, const tw_real *features,
                                                      tw_error *err);

/* What queries meet for an item (0..n_items; 0: the model has no index for it) whose features may
 * have changed since the training: the row it would have in tw_seq_item_vectors. features
 * (item_features_dim), out as wide as tw_seq_item_vectors(); item_features_dim must be above 0.
 * With the features that the model holds of it, the very bits of its row. */
void tw_seq_item_vector(const tw_seq_model *m, int32_t item, const tw_real *features, tw_real *out);

/* The caller's names of the model's indices; copied into the model and its checkpoint. Distinct
 * values per kind, element 0 ignored.
 *
 *   item_ids (n_items+1), user_ids (n_users+1)
 *
 * A model without ids has id == index. TW_EINVAL: an id occurs twice. TW_ENOMEM. On failure
 * the ids are as before. Not while other threads use the model. */
TW_NODISCARD tw_status tw_seq_model_set_ids(tw_seq_model *m, const int64_t *item_ids,
                                            const int64_t *user_ids, tw_error *err);
/* For programs that search tw_seq_item_vectors themselves and want names for the rows found. item
 * in 1..n_items. */
int64_t tw_seq_item_id(const tw_seq_model *m, int32_t item);
int32_t tw_seq_item_index(const tw_seq_model *m, int64_t id); /* 0: the model does not know it */
int32_t tw_seq_user_index(const tw_seq_model *m, int64_t id); /* 0: the unknown user */

/* One safetensors file, replaced atomically. TW_EIO and friends, TW_ENOMEM. */
TW_NODISCARD tw_status tw_seq_model_save(const tw_seq_model *m, const char *path, tw_error *err);

/* Trusts nothing in the file. TW_ECORRUPT: says what is wrong; TW_EUNSUPPORTED: a later format;
 * TW_ENOTFOUND, TW_EIO, TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status tw_seq_model_load(tw_seq_model **out, const char *path, tw_error *err);
/* The same from memory, for programs that keep models elsewhere than in files; data is borrowed for
 * the call. */
TW_NODISCARD tw_status tw_seq_model_parse(tw_seq_model **out, const void *data, size_t len,
                                          tw_error *err);

/* ---- evaluation ------------------------------------------------------------------------------ */

typedef enum tw_seq_protocol {
    /* Against every item that is not in the user's input history: the figure to quote. */
    TW_SEQ_FULL = 0,
    /* Against 100 distinct items outside the user's whole history (with `seen`: of all but the
     * target), a list frozen by the seed. */
    TW_SEQ_SAMPLED100 = 1,
    /* As the published code does, to compare with the paper only: 100 draws with replacement, which
     * avoid the train part alone (with `seen`: nothing; the target itself may be drawn), at most
     * 10,000 users. */
    TW_SEQ_AS_AUTHORS = 2,
} tw_seq_protocol;

/* What reports and options call them, in the order of the enums; NULL at the end. */
extern const char *const tw_seq_protocol_names[]; /* full, sampled100, authors */
extern const char *const tw_seq_split_names[];    /* valid, test */

/* As whom every user is presented: what would an unseen user with this history get? */
typedef enum tw_seq_as {
    TW_SEQ_AS_KNOWN = 0,   /* as the user that training met */
    TW_SEQ_AS_UNKNOWN = 1, /* as user 0 */
    TW_SEQ_AS_MEAN = 2,    /* as the mean of all users' vectors */
    TW_SEQ_AS_FOLDED = 3,  /* with a vector fitted to the history: tw_seq_fold_in */
} tw_seq_as;

typedef struct tw_seq_eval_config {
    tw_seq_split split;
    tw_seq_protocol protocol;
    tw_seq_as as;                /* the last two want a model with user vectors */
    tw_seq_rerank_config rerank; /* of the model's lists, full ranking only; zero: none. A rank is
                                    then the place in the re-ranked list */
    /* What a user met before competes like any other item, and may be the target, as in `next
     * --seen`. Else it is left out as in `next`, so a target that was met before (a repeat) can
     * never be given: it counts as missed, whatever its score. */
    bool seen;
    bool lists;   /* measure the users' top lists, too; costs another pass over the scores */
    int64_t seed; /* of the sampled lists */
    int threads;  /* 0: one per usable core; the result does not depend on it */
    /* Rank only these; NULL: all. So people, or items, that training did not see are measured
     * apart. */
    const bool *only_users;   /* (n_users+1) */
    const bool *only_targets; /* (n_items+1) users whose target is marked */
    /* Whose train parts the baselines and the counts behind popularity, novelty and diversity are
     * learnt from; NULL: the data that is ranked. The data a model was trained on, where that is
     * less: else a baseline would know the people and items that were held out from the model. */
    const tw_seq_data *learn_from;
} tw_seq_eval_config;

/* What the top TW_SEQ_TOP items of the full ranking are like, over all users ranked and whatever
 * the protocol. An item's count is the number of users with it in their train part; the shares are
 * of the users with any train part. */
typedef struct tw_seq_list_metrics {
    int64_t lists;     /* 0: not measured, and the rest is 0 */
    double coverage;   /* share of the catalogue that is on at least one list */
    double gini;       /* of how often items are listed: 0 all alike, near 1 a few take all */
    double popularity; /* mean over listed items: count / users */
    double novelty;    /* mean of -log2(count / users), bits; an item without users counts as 1 */
    double diversity;  /* mean over pairs of a list of 1 - cosine of their sets of train users */
} tw_seq_list_metrics;

/* Means over users. The rank of a target is 1 + the number of its competitors whose score is not
 * below its own, so ties count against us. A repeat, where what was met before is left out, is a
 * miss at every cut, and below all its competitors. A user has one target, so Recall is HR and
 * Precision is HR / cut: the JSON form names all three. */
typedef struct tw_seq_metrics {
    int64_t users;             /* that were ranked */
    int64_t repeats;           /* of them, those whose target is in their input */
    double hr[TW_SEQ_CUTS];    /* at 1, 5, 10, 20 */
    double ndcg[TW_SEQ_CUTS];  /* 1/log2(1 + rank) within the cut */
    double mrr[TW_SEQ_CUTS];   /* 1/rank within the cut */
    double auc;                /* share of competitors ranked below the target */
    double hr10_se, ndcg10_se; /* standard errors of the means at 10 */
    /* Of all lists drawn, target first, in the order of users; 0 for full ranking. Two reports met
     * the same competitors exactly when their hashes agree. */
    uint64_t lists_hash;
    tw_seq_list_metrics top;
} tw_seq_metrics;

extern const int tw_seq_cuts[TW_SEQ_CUTS]; /* 1, 5, 10, 20 */

/* The input for the validation target is the train part, for the test target train part and
 * validation item; seen items are those, however many of them the model reads.
 *
 * TW_EINVAL: data and model differ in size, a field is out of range. TW_ENOTFOUND: no user has a
 * target, or none of those that have is among the only ones. TW_ENOMEM. Same result for any number
 * of threads. */
TW_NODISCARD tw_status tw_seq_eval(const tw_seq_model *m, const tw_seq_data *data,
                                   const tw_seq_eval_config *cfg, tw_seq_metrics *out,
                                   tw_error *err);

/* What a model must beat. None of them has weights: they count the train parts.
 * docs/experiments/sse-pt.md says how their constants were chosen. */
typedef enum tw_seq_baseline {
    TW_SEQ_POPULARITY = 0, /* how often an item occurs */
    TW_SEQ_ITEM_KNN =
        1, /* users who met this met that: shrunk cosine to the latest items of the input */
    TW_SEQ_MARKOV = 2, /* what followed the input's last item, backed off to popularity */
} tw_seq_baseline;

/* tw_seq_eval with a baseline in the model's place (`as` changes nothing).
 *
 * Memory grows with items and events, never with items squared; learning item-kNN takes time in
 * proportion to the sum over users of the squared length of their train part, of which the latest
 * 2,000 items count. Statuses and threads as above. */
TW_NODISCARD tw_status tw_seq_eval_baseline(tw_seq_baseline kind, const tw_seq_data *data,
                                            const tw_seq_eval_config *cfg, tw_seq_metrics *out,
                                            tw_error *err);

/* {"users": ..., "repeats": ..., "repeat_share": ..., "hr_at_10": ..., ...}, shares with six digits
 * behind the point: a new reference of jansson's, NULL without memory. lists_hash is
 * 16 hex digits and is left out for full ranking, coverage_at_10 and the four beside it where no
 * list was measured. */
struct json_t *tw_seq_metrics_json(const tw_seq_metrics *x);

/* ---- training -------------------------------------------------------------------------------- */

/* All may be NULL; all are called from the thread that called tw_seq_train. */
typedef struct tw_seq_hooks {
    /* After each step and each epoch: stage "training", done and total in users over all epochs;
     * the note has epoch, loss and the best NDCG@10. */
    tw_progress_fn progress;
    void *progress_ctx;
    void (*metrics)(void *ctx, const char *json_line); /* one object an epoch; borrowed */
    void *metrics_ctx;
    /* A file that the training writes after steps, as often as takes a fiftieth of its time at
     * most, and when the progress hook stops it, and from which it goes on if the file is there and
     * of the same configuration, data and number of threads, to the same end bit for bit. The
     * caller removes it. */
    const char *checkpoint;
} tw_seq_hooks;

typedef struct tw_seq_report {
    int epochs;     /* run */
    int best_epoch; /* from 1; 0: never validated (no user has 3 items), the last weights stay */
    double seconds; /* in all, validation included */
    double loss;    /* of the last epoch, mean over targets */
    int resumed;    /* epochs that an earlier, interrupted training had done */
    tw_seq_metrics valid; /* of best_epoch, by the protocol that select_on names */
} tw_seq_report;

/* Trains on the train parts, and leaves the model with the parameters of the best validation
 * NDCG@10. The same data, configuration and number of threads give the same bits (max_seconds
 * aside).
 *
 *   hooks, report   may be NULL
 *
 * TW_EINVAL: data and model differ in size, no user has two train items, or the loss or gradient is
 * no longer finite ("epoch 3: the loss is not finite; try a smaller lr than 0.1").
 * TW_ECANCELLED: the progress hook said so; the model has the best parameters so far.
 * TW_ENOMEM. After any other failure the model must not be used. */
TW_NODISCARD tw_status tw_seq_train(tw_seq_model *m, const tw_seq_data *data,
                                    const tw_seq_hooks *hooks, tw_seq_report *report,
                                    tw_error *err);

/* How training measures what chooses its weights, so that a baseline can be asked the same. With
 * exclude_seen 0, what users met before is ranked, too, if one validation target in 20 was met
 * before; where there are none, nothing is lost by leaving it out. TW_ENOMEM. */
TW_NODISCARD tw_status tw_seq_validation(tw_seq_eval_config *out, const tw_seq_config *cfg,
                                         const tw_seq_data *data, tw_error *err);

/* ---- queries --------------------------------------------------------------------------------- */

/* A thread's workspace for queries. Once it has met its longest history it allocates nothing. */
typedef struct tw_seq_session tw_seq_session;

/* Borrows the model, which must outlive it. One thread at a time per session. */
TW_NODISCARD tw_status tw_seq_session_create(tw_seq_session **out, const tw_seq_model *m,
                                             tw_error *err);
void tw_seq_session_destroy(tw_seq_session *s); /* accepts NULL */

/* The vector whose inner product with tw_seq_item_vectors() ranks the next item.
 *
 *   user          index in 0..n_users; 0: unknown
 *   items (n)         indices, oldest first; the last max_len known ones are read. Values <= 0 are
 *                     items that the model does not know, and are skipped
 *   query (dim)       filled on success; as wide as tw_seq_item_vectors()
 *
 * TW_EINVAL: user or an item is above its range. TW_ENOTFOUND: no known item is left. TW_ENOMEM. */
TW_NODISCARD tw_status tw_seq_query(tw_seq_session *s, int32_t user, const int32_t *items,
                                    int64_t n, tw_real *query, tw_error *err);

/* The same, where items may have features of the caller's, if the model reads features.
 *
 *   features (n)   item_features_dim numbers of each item, finite. NULL: what the model holds of
 * the item; it is skipped where items[i] <= 0. features NULL: as tw_seq_query */
TW_NODISCARD tw_status tw_seq_query_item_features(tw_seq_session *s, int32_t user,
                                                  const int32_t *items,
                                                  const tw_real *const *features, int64_t n,
                                                  tw_real *query, tw_error *err);

/* ---- fold-in: a vector for a user that the training never met -------------------------------- */

typedef struct tw_seq_fold_config {
    int steps; /* of Adam on the user's own history */
    double lr;
} tw_seq_fold_config;

#define TW_SEQ_FOLD_DEFAULT ((tw_seq_fold_config){.steps = 20, .lr = 0.02})

/* A workspace with its own copy of the model; one thread at a time. */
typedef struct tw_seq_folder tw_seq_folder;

/* TW_EINVAL: the model has no user vectors (user_dim 0), steps outside 0..10000, lr not above 0.
 * TW_ENOMEM. Does not keep m. */
TW_NODISCARD tw_status tw_seq_folder_create(tw_seq_folder **out, const tw_seq_model *m,
                                            const tw_seq_fold_config *cfg, tw_error *err);
void tw_seq_folder_destroy(tw_seq_folder *f); /* accepts NULL */

/* Fits one user's vector to the history, all else frozen, and answers as tw_seq_query would with
 * it. It starts at the unknown user's vector; steps 0 is that user.
 *
 *   items (n)         as for tw_seq_query
 *   query (dim)  filled; as wide as tw_seq_item_vectors()
 *   user (user_dim)   filled; may be NULL
 *
 * TW_EINVAL, TW_ENOTFOUND: as tw_seq_query. TW_ENOMEM. The same history gives the same bits. */
TW_NODISCARD tw_status tw_seq_fold_in(tw_seq_folder *f, const int32_t *items, int64_t n,
                                      tw_real *query, tw_real *user, tw_error *err);

#define TW_SEQ_ALL_HEADS (-1)

/* How much each position of a history looks at each earlier one, in one block.
 *
 *   user           as in tw_seq_query
 *   items (n)      indices of known items, oldest first; 1 <= n <= max_len
 *   block          0..blocks-1
 *   head           0..heads-1, or TW_SEQ_ALL_HEADS for their mean
 *   weights (n,n)  row i: what position i gives to positions 0..i, summing to 1; 0 after i
 *
 * These are the softmax weights that multiply the values; what a value then does to the prediction
 * they do not say. TW_EINVAL: a number out of range. TW_ENOMEM. */
TW_NODISCARD tw_status tw_seq_attention(tw_seq_session *s, int32_t user, const int32_t *items,
                                        int n, int block, int head, tw_real *weights,
                                        tw_error *err);

double tw_seq_logit_temperature(const tw_seq_model *m); /* what makes its scores logits */

TW_END_DECLS

#endif
