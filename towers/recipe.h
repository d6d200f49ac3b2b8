/* towers/recipe.h — what a tower is made of, how it is trained, how its positives are found: every
 * setting, with its defaults, as JSON and as flags.
 *
 *     tw_tower_recipe r = TW_TOWER_RECIPE_DEFAULT;
 *     tw_tower_recipe_parse(&r, json, len, &err);
 *     tw_tower_recipe_set(&r, "lr", "0.001", &err);
 *     tw_tower_create(&t, &r.tower, NULL, &err);
 */
#ifndef TW_TOWERS_RECIPE_H
#define TW_TOWERS_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/error.h"
#include "base/text.h"
#include "nn/settings.h"

TW_BEGIN_DECLS

#define TW_TOWER_MAX_DIM      4096  /* of vectors and of feature embeddings */
#define TW_TOWER_MAX_BITS     22    /* 2^22 buckets */
#define TW_TOWER_MAX_NGRAM    8     /* characters */
#define TW_TOWER_MAX_FEATURES 16384 /* distinct ones in one text */
#define TW_TOWER_MAX_BATCH    8192  /* pairs in one step */
#define TW_TOWER_MAX_SIZE     512   /* pixels along an image's side, as the tower sees it */
#define TW_TOWER_MAX_ITEMS    (1 << 28)
#define TW_TOWER_K            10 /* the cut-off of the NDCG that validates */

/* What an item may have. */
typedef enum tw_modality {
    TW_MODALITY_TEXT = 0,
    TW_MODALITY_IMAGE = 1,
    TW_MODALITY_AUDIO = 2,
    TW_MODALITY_ATTRIBUTES = 3,
    TW_MODALITIES = 4
} tw_modality;

const char *tw_modality_name(tw_modality m); /* "text", "image", ... Never NULL */

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

typedef enum tw_image_encoder {
    TW_IMAGE_AUTO = 0,
    TW_IMAGE_NONE = 1,
    TW_IMAGE_CONV4 = 2,
    TW_IMAGE_RESNET = 3,
} tw_image_encoder;

typedef enum tw_audio_encoder {
    TW_AUDIO_AUTO = 0,
    TW_AUDIO_NONE = 1,
    TW_AUDIO_CNN = 2, /* log-mel, convolutions, mean over frequency, max and mean over time */
} tw_audio_encoder;

typedef enum tw_attribute_encoder {
    TW_ATTRIBUTES_AUTO = 0,
    TW_ATTRIBUTES_NONE = 1,
    TW_ATTRIBUTES_MLP = 2, /* numbers standardised, words hashed, one hidden layer */
} tw_attribute_encoder;

/* How an image that is not square becomes one. */
typedef enum tw_image_fit { TW_FIT_PAD = 0, TW_FIT_CROP = 1, TW_FIT_STRETCH = 2 } tw_image_fit;

/* The named front ends of audio files. */
typedef enum tw_audio_front {
    TW_FRONT_SPEECH = 0, /* 8 kHz, 40 mels, 25/10 ms */
    TW_FRONT_VGGISH = 1, /* 16 kHz, 64 mels, 25/10 ms */
    TW_FRONT_PANNS = 2,  /* 32 kHz, 64 mels, 32/10 ms */
} tw_audio_front;

/* What a tower is; fixed when it is made and stored in its file. Fields of encoders that are not
 * there do not matter. */
typedef struct tw_tower_config {
    tw_text_encoder text;
    tw_image_encoder image;
    tw_audio_encoder audio;
    tw_attribute_encoder attributes;
    int text_rules; /* how texts are read: 2 composed, case-folded, characters of scripts without
                       spaces; 1 as they stand, as towers were before; 0: the newest */
    int dim;        /* width of the vectors, 1..TW_TOWER_MAX_DIM */
    int head;       /* hidden width of the layer behind the sum of modalities; 0: none */
    /* the bag */
    int bits;         /* 2^bits hash buckets, 8..TW_TOWER_MAX_BITS */
    int embed_dim;    /* width of one feature's embedding, 1..TW_TOWER_MAX_DIM */
    int ngram_min;    /* character n-grams of "<word>", 1..TW_TOWER_MAX_NGRAM; */
    int ngram_max;    /* 0: whole words only */
    int max_features; /* distinct features read from one text, 1..TW_TOWER_MAX_FEATURES */
    double idf_power; /* the power of idf, 0 to 9: 1 is tf-idf, above it rare features (model
                         numbers) decide, 0 is no idf at all */
    bool compounds;   /* words that no space parts are one more word: "KX-TG9" is "kxtg9", too */
    /* the readers of tokens */
    int vocabulary; /* tokens to learn where no vocabulary is given */
    int text_width, text_layers, text_heads, text_ffn;
    int max_tokens;      /* read from one text */
    int text_positions;  /* a transformer's; 0: as many as max_tokens */
    double text_dropout; /* inside the encoder, in training */
    bool text_lower;     /* lower case, no accents */
    bool text_accents;   /* with text_lower: they stay */
    bool text_han;       /* each Han character is a word of its own */
    /* a transformer's */
    double text_eps;    /* of its layer norms */
    int text_pooling;   /* pieces to one vector: a sum of 1 the first, 2 the largest, 4 the mean,
                           8 the sum over the root of their number, 16 the mean weighted by place,
                           32 the last; several stand side by side */
    bool text_prompt;   /* false: a prompt's pieces are read but not pooled */
    int text_dense;     /* width of a layer behind the pooling; 0: none */
    int text_dense_end; /* its end: 0 nothing, 1 tanh, 2 relu, 3 gelu, 4 sigmoid */
    /* images */
    int image_size;     /* pixels along the side */
    int image_channels; /* 1 grey, 3 colour */
    int image_width;    /* channels of the first block */
    int image_depth;    /* ResNet: blocks a stage */
    tw_image_fit image_fit;
    int image_detail;    /* side of the square that is kept of an image, from which training cuts
                              its views; 0: image_size */
    bool image_mirrored; /* outside training, the mean of an image and its mirror image */
    /* audio files */
    tw_audio_front audio_front;
    double audio_seconds; /* read from one audio file */
    int audio_width;      /* channels of the first block */
    int audio_depth;      /* blocks */
    bool audio_loudness;  /* all are brought to one loudness first */
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
    TW_LOSS_PROXY = 11,     /* classes: softmax over one learnt vector for each */
} tw_tower_loss;

const char *tw_tower_loss_name(tw_tower_loss loss); /* "auto", "triplet", ... Never NULL */

typedef enum tw_image_augment {
    TW_AUGMENT_NONE = 0,
    TW_AUGMENT_GLYPH = 1, /* turned, sheared, scaled, shifted */
    TW_AUGMENT_PHOTO = 2, /* cropped, mirrored, brightness, contrast and colour moved */
} tw_image_augment;

typedef struct tw_tower_train_config {
    tw_tower_loss loss;
    double temperature;     /* InfoNCE, SupCon, proxy, CoSENT, (0, 10]; BCE begins at it */
    bool learn_temperature; /* InfoNCE, SupCon, proxy: learn it, too; BCE always does */
    double margin;          /* triplet: squared distance; contrastive: 1 - cosine; 0: the loss's own
                               default (0.2, 0.5) */
    bool logq;      /* InfoNCE: subtract ln of an item's share of the pairs (Yi et al. 2019) */
    double dropout; /* share of a text's features hidden at random in each step, [0, 0.9]: keeps
                       a tower from learning items by heart */
    double modality_dropout;  /* chance that an item which has several shows only one in a step */
    tw_image_augment augment; /* how images are disturbed in each step */
    double strength; /* of the disturbance of images and audio files; 0: none, 1: as designed */
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

/* All settings of `twindex train towers`, as one flat JSON object whose keys are the field
 * names ("dim", "lr", "window" ...; the three seeds are one: "seed"). */
typedef struct tw_tower_recipe {
    tw_tower_config tower;
    tw_tower_train_config train;
    tw_mine_config mine;
} tw_tower_recipe;

extern const tw_tower_recipe TW_TOWER_RECIPE_DEFAULT;

/* All settings of a recipe as a table: names, help, ranges, names that they had. */
extern const tw_settings tw_tower_settings;

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

TW_END_DECLS

#endif
