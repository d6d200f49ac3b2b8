/* towers/towers.h — items to unit vectors, so that alike items lie near.
 *
 * A tower has an encoder for each kind of thing that an item may have: text,
 * a picture, a sound, attributes. Each encoder's output is projected to the
 * tower's width and scaled to length 1; what an item has is summed and scaled
 * again. So all kinds share one space: a text finds a picture. The same tower,
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
 * - An item of which no encoder can read anything (an empty text, no picture)
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

#include "base/error.h"
#include "base/media.h"
#include "base/pool.h"
#include "base/text.h"
#include "base/types.h"

#define TW_TOWER_MAX_DIM      1024  /* of vectors and of feature embeddings */
#define TW_TOWER_MAX_BITS     22    /* 2^22 buckets */
#define TW_TOWER_MAX_NGRAM    8     /* characters */
#define TW_TOWER_MAX_FEATURES 16384 /* distinct ones in one text */
#define TW_TOWER_MAX_BATCH    8192  /* pairs in one step */
#define TW_TOWER_MAX_SIZE     512   /* pixels along a picture's side, as the tower sees it */
#define TW_TOWER_MAX_ITEMS    (1 << 28)
#define TW_TOWER_K            10 /* the cut-off of the NDCG that validates */

typedef struct tw_tower tw_tower;                 /* opaque; owns its weights */
typedef struct tw_tower_session tw_tower_session; /* one thread's working memory */

/* ---- configuration -----------------------------------------------------------------------------
 */

/* What an item may have. */
typedef enum tw_modality {
    TW_MODALITY_TEXT = 0,
    TW_MODALITY_PICTURE = 1,
    TW_MODALITY_SOUND = 2,
    TW_MODALITY_ATTRIBUTES = 3,
    TW_MODALITIES = 4
} tw_modality;

const char *tw_modality_name(tw_modality m); /* "text", "picture", ... Never NULL */

/* How each is encoded; the numbers are not stored, the names are. AUTO is what the caller of
 * tw_tower_create decides (the engine: by what the catalogue has); left so, a tower reads text by
 * its bag and nothing else. */
typedef enum tw_text_encoder {
    TW_TEXT_AUTO = 0,
    TW_TEXT_NONE = 1,
    TW_TEXT_BAG = 2, /* hashed words and character n-grams, tf-idf, summed (fastText's family) */
    TW_TEXT_CNN = 3, /* tokens, convolutions of several widths, max over the text (Kim 2014) */
    TW_TEXT_LSTM = 4,
    TW_TEXT_GRU = 5,
    TW_TEXT_TRANSFORMER = 6, /* tokens, BERT's encoder, mean over the text */
} tw_text_encoder;

typedef enum tw_picture_encoder {
    TW_PICTURE_AUTO = 0,
    TW_PICTURE_NONE = 1,
    TW_PICTURE_CONV4 = 2,
    TW_PICTURE_RESNET = 3,
} tw_picture_encoder;

typedef enum tw_sound_encoder {
    TW_SOUND_AUTO = 0,
    TW_SOUND_NONE = 1,
    TW_SOUND_CNN = 2, /* log-mel, convolutions, mean over frequency, max and mean over time */
} tw_sound_encoder;

typedef enum tw_attribute_encoder {
    TW_ATTRIBUTES_AUTO = 0,
    TW_ATTRIBUTES_NONE = 1,
    TW_ATTRIBUTES_MLP = 2, /* numbers standardised, words hashed, one hidden layer */
} tw_attribute_encoder;

/* How a picture that is not square becomes one. */
typedef enum tw_picture_fit { TW_FIT_PAD = 0, TW_FIT_CROP = 1, TW_FIT_STRETCH = 2 } tw_picture_fit;

/* The named front ends of sounds. */
typedef enum tw_sound_front {
    TW_FRONT_SPEECH = 0, /* 8 kHz, 40 mels, 25/10 ms */
    TW_FRONT_VGGISH = 1, /* 16 kHz, 64 mels, 25/10 ms */
    TW_FRONT_PANNS = 2,  /* 32 kHz, 64 mels, 32/10 ms */
} tw_sound_front;

/* What a tower is; fixed when it is made and stored in its file. Fields of encoders that are not
 * there do not matter. */
typedef struct tw_tower_config {
    tw_text_encoder text;
    tw_picture_encoder picture;
    tw_sound_encoder sound;
    tw_attribute_encoder attributes;
    int dim;  /* width of the vectors, 1..TW_TOWER_MAX_DIM */
    int head; /* hidden width of the layer behind the sum of modalities; 0: none */
    /* the bag */
    int bits;         /* 2^bits hash buckets, 8..TW_TOWER_MAX_BITS */
    int embed_dim;    /* width of one feature's embedding, 1..TW_TOWER_MAX_DIM */
    int ngram_min;    /* character n-grams of "<word>", 1..TW_TOWER_MAX_NGRAM; */
    int ngram_max;    /* 0: whole words only */
    int max_features; /* distinct features read from one text, 1..TW_TOWER_MAX_FEATURES */
    double rarity; /* idf is raised to 1 + rarity: rare features (model numbers) then decide; -1: no
                      idf at all, to 8 */
    bool compounds; /* words that no space parts are one more word: "KX-TG9" is "kxtg9", too */
    /* the readers of tokens */
    int vocabulary; /* tokens to learn where no vocabulary is given */
    int text_width, text_layers, text_heads, text_ffn;
    int max_tokens;      /* read from one text */
    int text_positions;  /* a transformer's; 0: as many as max_tokens */
    double text_dropout; /* inside the encoder, in training */
    bool text_lower;     /* lower case, no accents */
    /* pictures */
    int picture_size;     /* pixels along the side */
    int picture_channels; /* 1 grey, 3 colour */
    int picture_width;    /* channels of the first block */
    int picture_depth;    /* ResNet: blocks a stage */
    tw_picture_fit picture_fit;
    /* sounds */
    tw_sound_front sound_front;
    double sound_seconds; /* read from one sound */
    int sound_width;      /* channels of the first block */
    int sound_depth;      /* blocks */
    bool sound_loudness;  /* all are brought to one loudness first */
    /* attributes */
    int attribute_width; /* of the hidden layer */
    int64_t seed;        /* of the first weights */
} tw_tower_config;

extern const tw_tower_config TW_TOWER_CONFIG_DEFAULT;

/* Which loss. */
typedef enum tw_tower_loss {
    TW_LOSS_AUTO = 0,    /* triplets: triplet; labels 0 and 1: contrastive; scores: cosine;
                            positives only: InfoNCE; classes: SupCon */
    TW_LOSS_TRIPLET = 1, /* max(0, d_ap^2 - d_an^2 + margin), semi-hard negatives in the batch */
    TW_LOSS_CONTRASTIVE = 2, /* y d^2/2 + (1-y) max(0, margin - d)^2/2 with d = 1 - cosine */
    TW_LOSS_INFONCE = 3,     /* symmetric in-batch softmax at a temperature */
    TW_LOSS_COSINE = 4,      /* (cosine - score)^2 */
    TW_LOSS_BCE = 5,        /* cross-entropy of sigmoid(scale * cosine + bias), both learnt; without
                               labels every other pair of the batch is a negative (SigLIP) */
    TW_LOSS_ONLINE = 6,     /* contrastive on the hard pairs of the batch alone */
    TW_LOSS_BATCH_ALL = 7,  /* triplet, every triplet of the batch */
    TW_LOSS_BATCH_HARD = 8, /* triplet, farthest positive and nearest negative; margin 0: soft */
    TW_LOSS_SUPCON = 9,     /* InfoNCE with all positives of a class */
    TW_LOSS_COSENT = 10,    /* order of scores (CoSENT) */
} tw_tower_loss;

const char *tw_tower_loss_name(tw_tower_loss loss); /* "auto", "triplet", ... Never NULL */

typedef enum tw_picture_augment {
    TW_AUGMENT_NONE = 0,
    TW_AUGMENT_GLYPH = 1, /* turned, sheared, scaled, shifted */
    TW_AUGMENT_PHOTO = 2, /* cropped, mirrored, brightness, contrast and colour moved */
} tw_picture_augment;

typedef struct tw_tower_train_config {
    tw_tower_loss loss;
    double temperature;     /* InfoNCE, SupCon, CoSENT, (0, 10]; BCE begins at it */
    bool learn_temperature; /* InfoNCE and SupCon: learn it, too; BCE always does */
    double margin;          /* triplet: squared distance; contrastive: 1 - cosine; 0: the loss's own
                               default (0.2, 0.5) */
    bool logq;      /* InfoNCE: subtract ln of an item's share of the pairs (Yi et al. 2019) */
    double dropout; /* share of a text's features hidden at random in each step, [0, 0.9]: keeps
                       a tower from learning items by heart */
    double modality_dropout;    /* chance that an item which has several shows only one in a step */
    tw_picture_augment augment; /* how pictures are disturbed in each step */
    double strength; /* of the disturbance of pictures and sounds; 0: none, 1: as designed */
    int matryoshka;  /* least width at which the vectors shall work alone: the loss is summed over
                        this, twice this ... and dim; 0: dim alone */
    int chunk;     /* rows that a worker embeds at once; the rest of a large batch is embedded twice
                      instead of kept (gradient caching); 0: all of its share */
    int per_class; /* classes: items of each in a batch */
    double grouped;     /* classes with groups: share of a batch that comes from one group */
    int hard_negatives; /* pairs: nearest items that are no partners, given to each pair as one more
                           negative, mined anew after every epoch; 0: none, else how many to draw
                           from */
    double hard_margin; /* mined negatives are at most 1 - this as similar as the positive */
    bool fixed_projection; /* the layer behind each encoder stays as it began: on a small data set
                              it learns the pairs by heart */
    double lr;             /* Adam's step at its highest, (0, 1] */
    double weight_decay;   /* decoupled, 0 = off; tables and biases are spared */
    int batch;             /* pairs a step (classes: items), 2..TW_TOWER_MAX_BATCH */
    int epochs;            /* at most, 0..10000; 0 leaves the tower as fitted */
    int patience; /* epochs without a better validation figure before it stops; 0 = never */
    int threads;  /* 0: one per usable core */
    int64_t seed; /* of the order of pairs; same seed + threads = same bits */
} tw_tower_train_config;

extern const tw_tower_train_config TW_TOWER_TRAIN_DEFAULT;

/* How positives are found in histories. */
typedef struct tw_mine_config {
    int window;       /* two events at most this far apart in one history meet, 1..1000 */
    int neighbours;   /* strongest partners kept per item, 1..1000 */
    double shrinkage; /* a meeting counts as c / (c + shrinkage), >= 0: distrusts rare meetings */
    double power;     /* 0.5 = cosine; towards 1 = popular items weigh less; 0..1 */
    int min_count;    /* pairs that met less often are dropped, >= 1 */
    int graph_layers; /* the catalogue's vectors are smoothed over the mined pairs, so many steps
                         far; 0: not. Items that come later stand by their content alone */
} tw_mine_config;

extern const tw_mine_config TW_MINE_DEFAULT;

/* Everything `twindex train towers` can be told, as one flat JSON object whose keys are the field
 * names ("dim", "lr", "window" ...; the three seeds are one: "seed"). */
typedef struct tw_tower_recipe {
    tw_tower_config tower;
    tw_tower_train_config train;
    tw_mine_config mine;
} tw_tower_recipe;

extern const tw_tower_recipe TW_TOWER_RECIPE_DEFAULT;

/* One key of the recipe, for --help and for flags. All strings are static. */
typedef struct tw_tower_option {
    const char *key;
    const char *help;     /* one line */
    const char *fallback; /* the default as it would be written */
} tw_tower_option;

int tw_tower_option_count(void);
tw_tower_option tw_tower_option_at(int index);

/* Sets one key from its written form. TW_EINVAL: no such key, no number, or out of range; the
 * recipe is unchanged. */
TW_NODISCARD tw_status tw_tower_recipe_set(tw_tower_recipe *r, const char *key, const char *value,
                                           tw_error *err);
/* Overwrites what the JSON object names. TW_EINVAL: not an object, an unknown key, a wrong type or
 * range; *r may then be partly changed. */
TW_NODISCARD tw_status tw_tower_recipe_parse(tw_tower_recipe *r, const char *json, size_t len,
                                             tw_error *err);
/* Appends the whole recipe as one JSON object. */
TW_NODISCARD tw_status tw_tower_recipe_format(const tw_tower_recipe *r, tw_text *out,
                                              tw_error *err);

/* ---- a tower's life -----------------------------------------------------------------------------
 */

/* An item as an encoder reads it; what is NULL it does not have. Everything is borrowed. */
typedef struct tw_tower_item {
    const char *text; /* text_len bytes */
    size_t text_len;
    const tw_image *picture;
    const tw_sound *sound;
    const char *attributes; /* a JSON object */
} tw_tower_item;

/* Where items come from. `load` fills *out with item i; what it points to lives until the same
 * worker's next load. It is called from all workers at once (worker in 0..TW_POOL_MAX-1), so it
 * decodes in parallel. A picture that cannot be read is no failure of load: it leaves the field
 * NULL and tells whom it may concern. */
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

/* A text tower from a sentence-transformers folder (BERT's architecture, mean pooling; all-MiniLM-
 * L6-v2 is one): its vectors are the library's. It can be used as it is and trained further.
 *
 * TW_ECORRUPT: a file breaks its format or the model is of another kind; the sentence says which.
 * TW_ENOTFOUND, TW_EIO, TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status tw_tower_import_bert(tw_tower **out, const char *dir, tw_error *err);

/* A vocabulary of at most `size` word pieces for encoders that read tokens, learnt from n texts;
 * the caller frees *out with tw_free. TW_EINVAL: size out of range. TW_ENOMEM. */
TW_NODISCARD tw_status tw_tower_learn_vocabulary(char **out, const char *const *texts,
                                                 const size_t *lens, int64_t n, int size,
                                                 tw_error *err);

/* ---- samples ------------------------------------------------------------------------------------
 */

/* What the encoders of one tower made of many items; opaque, owns its memory. */
typedef struct tw_tower_samples tw_tower_samples;

/* Prepares every item of source on all workers of pool (NULL: on the calling thread). Samples serve
 * every tower of the same config and vocabulary, whatever its weights.
 *
 * TW_ENOMEM; what source's load returns; TW_ECANCELLED: progress said stop. On failure *out is
 * NULL. */
TW_NODISCARD tw_status tw_tower_prepare(tw_tower_samples **out, const tw_tower *t, tw_pool *pool,
                                        const tw_tower_source *source, tw_progress_fn progress,
                                        void *ctx, tw_error *err);
void tw_tower_samples_destroy(tw_tower_samples *s); /* accepts NULL */
int64_t tw_tower_samples_count(const tw_tower_samples *s);
/* How many items have this modality, and the bytes that all samples take. */
int64_t tw_tower_samples_with(const tw_tower_samples *s, tw_modality m);
size_t tw_tower_samples_bytes(const tw_tower_samples *s);

/* Learns from the catalogue what is no weight, such as how rare each text feature is: idf = 1 +
 * ln((1 + N) / (1 + df)). TW_ENOMEM. On failure the tower is unchanged. */
TW_NODISCARD tw_status tw_tower_fit(tw_tower *t, const tw_tower_samples *s, tw_error *err);
/* The same for texts at hand. */
TW_NODISCARD tw_status tw_tower_fit_texts(tw_tower *t, const char *const *texts, const size_t *lens,
                                          int64_t n, tw_error *err);

/* The same tower as it was before training: first weights, this one's idf. The baseline. */
TW_NODISCARD tw_status tw_tower_untrained(tw_tower **out, const tw_tower *t, tw_error *err);

/* Replaces path atomically with a safetensors file (format: docs/formats.md). */
TW_NODISCARD tw_status tw_tower_save(const tw_tower *t, const char *path, tw_error *err);
/* TW_ECORRUPT: says which rule the file breaks. TW_EUNSUPPORTED: made by a newer version.
 * TW_ENOTFOUND, TW_EIO, TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status tw_tower_load(tw_tower **out, const char *path, tw_error *err);
/* The same from memory; data is borrowed for the call. */
TW_NODISCARD tw_status tw_tower_parse(tw_tower **out, const void *data, size_t len, tw_error *err);

int tw_tower_dim(const tw_tower *t);
/* What it reads: bits 1 << tw_modality. */
unsigned tw_tower_modalities(const tw_tower *t);
tw_tower_config tw_tower_config_of(const tw_tower *t);

/* ---- embedding ----------------------------------------------------------------------------------
 */

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
/* The same for a text alone. */
TW_NODISCARD tw_status tw_tower_embed_text(tw_tower_session *s, const char *text, size_t len,
                                           float *out, int *found, tw_error *err);

/* Embeds all items of source on all workers of pool (NULL: on the calling thread). Encoders that
 * like company (tokens, small pictures, short sounds) take several items at a time, so the last
 * digits may depend on who stands beside.
 *
 *   out (n, dim)  caller's
 *
 * TW_ENOMEM. TW_ECANCELLED: progress said stop; rows up to its last `done` are filled. */
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

/* ---- what is alike ------------------------------------------------------------------------------
 */

/* Two items and what is known of them: label 1 = similar, 0 = not; or a score in [-1, 1]. Mined
 * pairs carry label 1. */
typedef struct tw_item_pair {
    int32_t a, b;
    float label;
    float weight; /* strength of a mined pair, > 0; 1 when nothing is known */
} tw_item_pair;

typedef struct tw_item_triplet {
    int32_t anchor, positive, negative;
} tw_item_triplet;

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
TW_NODISCARD tw_status tw_smooth_vectors(float *vecs, int64_t n, int dim, const tw_item_pair *pairs,
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

/* ---- training -----------------------------------------------------------------------------------
 */

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
                                  one    class are similar; those not known or alone in theirs are not
                                  learnt    from. Give pairs, triplets or classes */
    const int32_t *groups;     /* (n_items) NULL, or what classes have in common (an alphabet, a
                                  category): batches are then half of one group, whose classes are
                                  hard to tell apart */
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

/* Who is told how it goes. Every member may be NULL. Called from the calling thread. */
typedef struct tw_tower_watch {
    tw_progress_fn progress; /* stage "epoch"; done and total count steps; may cancel */
    void *progress_ctx;
    void (*epoch)(void *ctx, const tw_tower_epoch *line);
    void *epoch_ctx;
    const char *checkpoint; /* file that is replaced after each epoch and gone on from: a training
                               that was interrupted ends with the same bits when it is begun again
                               with the same data, settings and number of threads, and tells the
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

#endif
