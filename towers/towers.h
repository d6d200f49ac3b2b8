/* towers/towers.h — items to unit vectors, so that alike items lie near.
 *
 * A tower has an encoder for each kind of thing that an item may have: text,
 * an image, an audio file, attributes. Each encoder's output is projected to the
 * tower's width and scaled to length 1; what an item has is summed and scaled
 * again. So all kinds share one space: a text finds an image. The same tower,
 * with the same weights, embeds both sides of a pair: that is what Siamese means
 * here. Training pulls similar items together and pushes others apart; a text
 * tower that was only fitted (idf) is a random projection of the tf-idf kernel,
 * so it is useful before it has seen a single pair.
 *
 *     tw_tower *t = NULL;
 *     tw_tower_samples *s = NULL;
 *     tw_tower_create(&t, &TW_TOWER_CONFIG_DEFAULT, NULL, &err);
 *     tw_tower_prepare(&s, t, NULL, &source, NULL, NULL, &err);   // decode, tokenise, resize
 *     tw_tower_fit(t, s, &err);                                   // idf from the catalogue
 *     data.samples = s;
 *     tw_tower_train(t, &data, &cfg, &watch, &report, &err);
 *     tw_tower_embed_samples(t, NULL, s, vecs, &err);
 *     tw_tower_save(t, "towers.safetensors", &err);
 *
 * Surprises:
 * - Items are numbered 0..N-1 here: the place in the caller's source.
 * - An item of which no encoder can read anything (an empty text, no image)
 *   gives the zero vector, near to nothing, with TW_OK.
 * - Any bytes are a text. Malformed UTF-8 reads as U+FFFD.
 * - What one text holds above `max_features` distinct features is not read.
 * - A tower is immutable while sessions embed with it; fit and train need it
 *   for themselves.
 */
#ifndef TW_TOWERS_TOWERS_H
#define TW_TOWERS_TOWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/error.h"
#include "base/media.h"
#include "base/pool.h"
#include "base/text.h"
#include "base/types.h"
#include "towers/recipe.h"

TW_BEGIN_DECLS

typedef struct tw_tower tw_tower;                 /* opaque; owns its weights */
typedef struct tw_tower_session tw_tower_session; /* one thread's working memory */

/* ---- a tower's life -------------------------------------------------------------------------- */

/* An item as an encoder reads it; what is NULL it does not have. Everything is borrowed. */
typedef struct tw_tower_item {
    const char *text; /* text_len bytes */
    size_t text_len;
    const tw_image *image;
    const tw_audio *audio;
    const char *attributes; /* a JSON object */
} tw_tower_item;

/* Where items come from. `load` fills *out with item i; what it points to lives until the same
 * worker's next load. It is called from all workers at once (worker in 0..TW_POOL_MAX-1), so it
 * decodes in parallel. An image that cannot be read is no failure of load: it leaves the field
 * NULL and reports it by its own means. */
typedef struct tw_tower_source {
    int64_t n;
    tw_status (*load)(void *ctx, int worker, int64_t i, tw_tower_item *out, tw_error *err);
    void *ctx;
} tw_tower_source;

/* Texts alone as a source. */
typedef struct tw_tower_texts {
    const char *const *texts;
    const size_t *lens; /* or NULL when all are NUL-terminated */
} tw_tower_texts;

/* texts is borrowed for the source's life. */
tw_tower_source tw_source_of_texts(const tw_tower_texts *texts, int64_t n);

/* A new tower with random weights drawn from cfg->seed and idf 1 everywhere.
 *
 *   vocabulary  one token a line, for text encoders that read tokens; else NULL
 *
 * TW_EINVAL: a field is out of range, or such an encoder without a vocabulary. TW_ENOMEM. On
 * failure *out is NULL. */
TW_NODISCARD tw_status tw_tower_create(tw_tower **out, const tw_tower_config *cfg,
                                       const char *vocabulary, tw_error *err);
void tw_tower_destroy(tw_tower *t); /* accepts NULL; no session may be left */

/* A text tower from a sentence-transformers folder (BERT's architecture; all-MiniLM-L6-v2 is one):
 * its vectors are the library's, scaled to length 1, with the folder's default prompt before every
 * text. It can be used as it is and trained further.
 *
 * TW_ECORRUPT: a file breaks its format or the model is of another kind; the sentence says which.
 * TW_ENOTFOUND, TW_EIO, TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status tw_tower_import_bert(tw_tower **out, const char *dir, tw_error *err);

/* A vocabulary of at most `size` word pieces for encoders that read tokens, learnt from n texts;
 * the caller frees *out with tw_free. TW_EINVAL: size out of range. TW_ENOMEM. */
TW_NODISCARD tw_status tw_tower_learn_vocabulary(char **out, const char *const *texts,
                                                 const size_t *lens, int64_t n, int size,
                                                 tw_error *err);

/* ---- samples --------------------------------------------------------------------------------- */

/* What the encoders of one tower made of many items; opaque, owns its memory. */
typedef struct tw_tower_samples tw_tower_samples;

/* Prepares every item of source on all workers of pool (NULL: on the calling thread). Samples serve
 * every tower of the same config and vocabulary, whatever its weights.
 *
 * TW_ENOMEM; what source's load returns; TW_ECANCELLED: progress asked to stop. On failure *out is
 * NULL. */
TW_NODISCARD tw_status tw_tower_prepare(tw_tower_samples **out, const tw_tower *t, tw_pool *pool,
                                        const tw_tower_source *source, tw_progress_fn progress,
                                        void *ctx, tw_error *err);
void tw_tower_samples_destroy(tw_tower_samples *s); /* accepts NULL */
int64_t tw_tower_samples_count(const tw_tower_samples *s);
/* How many items have this modality. */
int64_t tw_tower_samples_with(const tw_tower_samples *s, tw_modality m);
/* Whether the tower reads nothing of item i: its vector is zero. */
bool tw_tower_samples_empty(const tw_tower_samples *s, int64_t i);

/* Learns from the catalogue what is no weight, such as how rare each text feature is: idf = 1 +
 * ln((1 + N) / (1 + df)). TW_ENOMEM. On failure the tower is unchanged. */
TW_NODISCARD tw_status tw_tower_fit(tw_tower *t, const tw_tower_samples *s, tw_error *err);
/* The same for texts in memory. */
TW_NODISCARD tw_status tw_tower_fit_texts(tw_tower *t, const char *const *texts, const size_t *lens,
                                          int64_t n, tw_error *err);

/* The same tower as it was before training: first weights, this one's idf. The baseline. */
TW_NODISCARD tw_status tw_tower_untrained(tw_tower **out, const tw_tower *t, tw_error *err);

/* Replaces path atomically with a safetensors file (format: docs/formats.md). */
TW_NODISCARD tw_status tw_tower_save(const tw_tower *t, const char *path, tw_error *err);
/* TW_ECORRUPT: says which rule the file breaks. TW_EUNSUPPORTED: made by a newer version.
 * TW_ENOTFOUND, TW_EIO, TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status tw_tower_load(tw_tower **out, const char *path, tw_error *err);
/* The same from memory, for programs that keep towers elsewhere than in files; data is borrowed for
 * the call. */
TW_NODISCARD tw_status tw_tower_parse(tw_tower **out, const void *data, size_t len, tw_error *err);

int tw_tower_dim(const tw_tower *t);
/* What stands before every text, from an imported folder; NULL: nothing. Lives as long as t. */
const char *tw_tower_prompt(const tw_tower *t);
/* What it reads: bits 1 << tw_modality. */
unsigned tw_tower_modalities(const tw_tower *t);
tw_tower_config tw_tower_config_of(const tw_tower *t);

/* ---- embedding ------------------------------------------------------------------------------- */

/* Working memory for one thread; borrows the tower, which must outlive it. */
TW_NODISCARD tw_status tw_tower_session_create(tw_tower_session **out, const tw_tower *t,
                                               tw_error *err);
void tw_tower_session_destroy(tw_tower_session *s); /* accepts NULL */

/* Embeds one item.
 *
 *   out (dim)  a unit vector, or all zero when the tower can read nothing of it
 *   *found     NULL, or the modalities that were read: bit 1 << tw_modality; 0 means zero vector
 *
 * The same tower and item give the same bits, alone or among many; but see tw_tower_embed_many. One
 * thread at a time per session. TW_ENOMEM. */
TW_NODISCARD tw_status tw_tower_embed(tw_tower_session *s, const tw_tower_item *item, float *out,
                                      int *found, tw_error *err);
/* The same for a text alone: for programs that embed queries and have no items. */
TW_NODISCARD tw_status tw_tower_embed_text(tw_tower_session *s, const char *text, size_t len,
                                           float *out, int *found, tw_error *err);

/* Embeds all items of source on all workers of pool (NULL: on the calling thread). Encoders that
 * gain by it (tokens, small images, short audio files) take several items at a time, so the last
 * digits may depend on the items beside it.
 *
 *   out (n, dim)  caller's
 *
 * TW_ENOMEM. TW_ECANCELLED: progress asked to stop; rows up to its last `done` are filled. */
TW_NODISCARD tw_status tw_tower_embed_many(const tw_tower *t, tw_pool *pool,
                                           const tw_tower_source *source, float *out,
                                           tw_progress_fn progress, void *ctx, tw_error *err);
TW_NODISCARD tw_status tw_tower_embed_texts(const tw_tower *t, tw_pool *pool,
                                            const char *const *texts, const size_t *lens, int64_t n,
                                            float *out, tw_progress_fn progress, void *ctx,
                                            tw_error *err);
/* The same for prepared samples. */
TW_NODISCARD tw_status tw_tower_embed_samples(const tw_tower *t, tw_pool *pool,
                                              const tw_tower_samples *s, float *out,
                                              tw_progress_fn progress, void *ctx, tw_error *err);

/* ---- what is alike --------------------------------------------------------------------------- */

typedef struct tw_item_triplet {
    int32_t anchor, positive, negative; /* three different items */
} tw_item_triplet;

/* Which two of them are the same item, as a clause ("the positive is the negative"); NULL: none.
 * Training leaves such a triplet out. Static. */
const char *tw_triplet_fault(int32_t anchor, int32_t positive, int32_t negative);

/* Finds positives: items that stand near each other in people's histories, popular items
 * discounted.
 *
 *   items (offsets[users])  item numbers in 0..n_items-1, each history in time order
 *   offsets (users + 1)     where each history starts; offsets[0] = 0, never falling
 *   *out (*n_out)           each unordered pair once (a < b), sorted by a, then b; the caller
 *                           frees it with tw_free; label 1, weight in (0, 1]
 *
 *   weight(a, b) = c / (c_a * c_b)^power * c / (c + shrinkage), scaled so that the largest is 1
 *
 * with c the histories in which a and b met and c_a, c_b those that hold a or b. A pair stays when
 * it is among the `neighbours` strongest of a or of b; ties go to the smaller item number.
 * TW_EINVAL: an item or offset out of range, a config out of range. TW_ENOMEM.
 * The same input gives the same output. No meeting at all gives TW_OK and *n_out = 0. */
TW_NODISCARD tw_status tw_mine_events(tw_item_pair **out, int64_t *n_out, const int32_t *items,
                                      const int64_t *offsets, int64_t users, int64_t n_items,
                                      const tw_mine_config *cfg, tw_error *err);

/* Smooths unit vectors over a graph of items: LightGCN's propagation (He et al. 2020, eq. 7 and 8)
 * with equal weights for all layers,
 *
 *   z_i <- unit(sum over l = 0..layers of z_i^l),  z_i^(l+1) = sum_j w_ij / sqrt(d_i d_j) z_j^l
 *
 *   vecs (n, dim)    in place; items without an edge stay as they are
 *   pairs (n_pairs)  edges with their weights, both ways; those with a label below 0.5 are none
 *
 * TW_EINVAL: an item out of range. TW_ENOMEM. On failure vecs may be partly changed. */
TW_NODISCARD tw_status tw_lightgcn(float *vecs, int64_t n, int dim, const tw_item_pair *pairs,
                                   int64_t n_pairs, int layers, tw_error *err);

/* Where the parts of a split array end. */
typedef struct tw_split {
    int64_t train; /* [0, train) */
    int64_t valid; /* [train, train + valid) */
    int64_t test;  /* the next `test` */
    int64_t cold;  /* the rest: pairs with an item that no training or validation pair holds */
} tw_split;

typedef struct tw_split_config {
    double valid, test; /* shares of the pairs, each in [0, 0.5] */
    double cold;        /* share of the items that are kept out of training, in [0, 0.5] */
    int64_t seed;
} tw_split_config;

/* No cold items: a tower that will serve should have learnt from all of them. Ask for 0.05 to
 * measure how it does on items that it never saw. */
#define TW_SPLIT_DEFAULT ((tw_split_config){.valid = 0.1, .test = 0.1})

/* Reorders pairs in place into train, valid, test and cold, keeping the order inside each. A pair's
 * part depends on its two items (in either order) and the seed only, so duplicates stay together
 * and adding pairs moves none. TW_EINVAL: a share out of range. TW_ENOMEM. */
TW_NODISCARD tw_status tw_pairs_split(tw_item_pair *pairs, int64_t n, const tw_split_config *cfg,
                                      tw_split *out, tw_error *err);
/* The same by (anchor, positive). */
TW_NODISCARD tw_status tw_triplets_split(tw_item_triplet *triplets, int64_t n,
                                         const tw_split_config *cfg, tw_split *out, tw_error *err);

/* ---- training -------------------------------------------------------------------------------- */

/* A nearest-neighbour search in the vectors that a tower gives at the time. open is called once an
 * epoch, before any find; vecs stay as they are until the next open.
 *
 *   vecs (n, dim)         unit rows
 *   anchors (count)       items
 *   items, cosines (count, k)  to be filled, nearest first; item -1: there are no more. The anchor
 *                         itself may be among them */
typedef struct tw_tower_search {
    tw_status (*open)(void *ctx, const float *vecs, int64_t n, int dim, tw_error *err);
    tw_status (*find)(void *ctx, const int32_t *anchors, int count, int k, int32_t *items,
                      float *cosines, tw_error *err);
    void *ctx;
} tw_tower_search;

/* What a tower learns from; everything is borrowed for the call. Give pairs, triplets or classes.
 */
typedef struct tw_tower_data {
    const tw_tower_samples *samples; /* of all items; NULL: texts are prepared for the call */
    const char *const *texts;        /* (n_items), read where samples is NULL */
    const size_t *lens;              /* (n_items), or NULL when the texts are NUL-terminated */
    int64_t n_items;
    const tw_item_pair *pairs; /* (n_pairs) */
    int64_t n_pairs;
    const tw_item_triplet *triplets; /* (n_triplets) */
    int64_t n_triplets;
    const int32_t *classes;    /* (n_items) what each item is, below 0: not known; or NULL. Items of
                                  one class are similar; those not known or alone in theirs are not
                                  learnt from. Give pairs, triplets or classes */
    const int32_t *groups;     /* (n_items) NULL, or what classes have in common (an alphabet, a
                                  category): batches are then half of one group, whose classes are
                                  easily confused */
    const unsigned char *held; /* (n_items) NULL, or nonzero for items of known class that are not
                                  learnt from: the share of them whose nearest item is of their
                                  class stops training and chooses the epoch */
    const tw_item_pair *valid; /* (n_valid) held out: stops training and chooses the epoch */
    int64_t n_valid;
    const tw_tower_search *search; /* finds hard negatives; NULL: by comparing all with all */
    bool self;        /* pairs of an item with itself count: its modalities, or what augmentation
                         makes of it, are the two sides */
    bool valid_apart; /* valid was mined from other people's histories than pairs: what is known may
                         recur in it, so known partners stay in the ranking */
} tw_tower_data;

/* One line of the training log. */
typedef struct tw_tower_epoch {
    int epoch;         /* 0 is the tower before training: loss, active, ... are then 0 */
    double loss;       /* mean over the epoch's steps */
    double active;     /* share of terms that still push: triplets or negatives inside the margin;
                          InfoNCE: rows whose positive is not first */
    double pos_cosine; /* mean cosine of positive pairs */
    double neg_cosine; /* mean cosine of each anchor's hardest negative in the batch */
    double spread;     /* mean of 1 - cosine over all pairs of items; near 0 = collapsed */
    double uniformity; /* ln of the mean of exp(-2 |x - y|^2): lower is better spread (Wang and
                          Isola 2020) */
    double directions; /* in how many the variance lies */
    double valid;      /* NDCG@10 (scores: Spearman's rho; labelled pairs: F1 at the best threshold;
                          classes: R@1); NAN without validation */
    double seconds;    /* since training began */
    bool best;         /* the best so far */
} tw_tower_epoch;

/* What hears how it goes. Every member may be NULL. Called from the calling thread. */
typedef struct tw_tower_watch {
    tw_progress_fn progress; /* stage "training"; done and total count steps */
    void *progress_ctx;
    void (*epoch)(void *ctx, const tw_tower_epoch *line);
    void *epoch_ctx;
    const char *checkpoint; /* file that is replaced after each epoch and gone on from: a training
                               that was interrupted ends with the same bits when it is begun again
                               with the same data, settings and number of threads, and reports the
                               lines of its earlier epochs once more */
} tw_tower_watch;

/* The line as one JSON object without a newline: what the model's metrics file holds. */
TW_NODISCARD tw_status tw_tower_epoch_format(const tw_tower_epoch *line, tw_text *out,
                                             tw_error *err);

typedef enum tw_tower_stop {
    TW_STOP_EPOCHS = 0,   /* all epochs done */
    TW_STOP_PATIENCE = 1, /* validation stopped improving */
    TW_STOP_COLLAPSED =
        2, /* all items drifted to one point: lower lr, raise temperature or batch */
} tw_tower_stop;

const char *tw_tower_stop_name(tw_tower_stop stop);

typedef struct tw_tower_report {
    tw_tower_loss loss; /* the one used: never TW_LOSS_AUTO */
    tw_tower_stop stop;
    int epochs;     /* run */
    int resumed;    /* of these, in earlier sittings */
    int best_epoch; /* whose weights the tower now has; 0: training never helped */
    double best_valid;
    double seconds;
    int64_t examples; /* pairs or triplets learnt from */
} tw_tower_report;

/* Trains the tower in place and leaves it with the weights of the best epoch (the last one without
 * validation pairs). Fit it first.
 *
 *   watch, report  may be NULL
 *
 * Batches are embedded on all threads; the loss sees the whole batch, so negatives come from all
 * of it. Negatives that are the anchor itself, its positive, or a known positive of it are masked.
 * TW_EINVAL: no examples, an item out of range, a config out of range, a loss that the data cannot
 * feed, or a gradient that is not finite. TW_ENOMEM. TW_ECANCELLED: the watch stopped it. After a
 * failure the weights are the best so far: those from before when no epoch was better. Examples
 * whose item has no feature are left out. */
TW_NODISCARD tw_status tw_tower_train(tw_tower *t, const tw_tower_data *data,
                                      const tw_tower_train_config *cfg, const tw_tower_watch *watch,
                                      tw_tower_report *report, tw_error *err);

TW_END_DECLS

#endif
