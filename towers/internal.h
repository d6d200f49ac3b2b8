/* towers/internal.h — what the files of towers/ share.
 *
 * Letters: V buckets, E width of a feature embedding, D width of a vector, N
 * items, B pairs in a batch, C candidate columns of a batch (B partners, then B
 * given negatives when there are any).
 */
#ifndef TW_TOWERS_INTERNAL_H
#define TW_TOWERS_INTERNAL_H

#include "base/pieces.h"
#include "base/real.h"
#include "nn/params.h"
#include "nn/tape/tape.h"
#include "towers/encoder.h"
#include "towers/towers.h"

/* ---- text to features (text_features.c) ------------------------------------------------------ */

/* The bucket of one feature: 64-bit FNV-1a, upper half folded onto the lower, lowest bits kept. */
int32_t twi_bucket(const char *feature, size_t len, int bits);

/* The features of one text, reused from text to text. */
typedef struct twi_features {
    int n;            /* distinct features of the last text */
    int32_t *ids;     /* (max_features) buckets, rising */
    int32_t *counts;  /* (max_features) how often each occurs */
    tw_real *weights; /* (max_features) (1 + ln count) * idf, unit length */
    int32_t *slots;   /* (n_slots) open addressing: place in ids, valid where stamps == stamp */
    uint32_t *stamps; /* (n_slots) */
    uint32_t stamp;
    uint32_t n_slots; /* a power of two, at least twice max_features */
    tw_pieces pieces;
    tw_tower_config cfg;
} twi_features;

TW_NODISCARD tw_status twi_features_init(twi_features *f, const tw_tower_config *cfg,
                                         tw_error *err);
void twi_features_fini(twi_features *f);

/* Fills n, ids and counts. TW_ENOMEM. */
TW_NODISCARD tw_status twi_features_count(twi_features *f, const char *text, size_t len,
                                          tw_error *err);
/* weights (n) = (1 + ln count) * idf of n features, scaled to length 1. */
void twi_weigh(tw_real *weights, const int32_t *ids, const int32_t *counts, int32_t n,
               const float *idf);

/* ---- the bag (encoder_bag.c) ----------------------------------------------------------------- */

typedef struct twi_bag {
    twi_encoder base; /* first: a twi_encoder * of the bag's class is a twi_bag * */
    tw_tower_config cfg;
    tw_param *table; /* (V, E) "text.table" */
    float *idf;      /* (V) */
} twi_bag;

/* The tower's bag; only for towers whose text encoder it is. */
#define twi_bag_of(t) ((twi_bag *) (t)->encoders[TW_MODALITY_TEXT])

/* ---- the tower (tower.c) --------------------------------------------------------------------- */

/* From one encoder's width E to the tower's D. */
typedef struct twi_projection {
    tw_param *w; /* (D, E) "text.proj.w" */
    tw_param *b; /* (1, D) "text.proj.b" */
    tw_real *wt; /* (E, D) w transposed: embedding one item then runs along rows */
} twi_projection;

struct tw_tower {
    tw_tower_config cfg;
    tw_params *params;
    twi_encoder *encoders[TW_MODALITIES]; /* NULL: not read */
    twi_projection proj[TW_MODALITIES];
    tw_param *head_in, *head_in_b;   /* (H, D), (1, H); NULL without a head */
    tw_param *head_out, *head_out_b; /* (D, H), (1, D) */
    /* Of a text encoder that reads tokens, as twi_texts; owned, NULL where there is none. */
    char *vocabulary, *added, *prompt;
    int modalities; /* encoders that are there */
};

/* Makes the encoders and all parameters without memory (tw_params_defer). */
TW_NODISCARD tw_status twi_tower_shape(tw_tower **out, const tw_tower_config *cfg,
                                       const twi_texts *texts, tw_error *err);
/* tw_tower_create with all that a text encoder may be given. */
TW_NODISCARD tw_status twi_tower_create(tw_tower **out, const tw_tower_config *cfg,
                                        const twi_texts *texts, tw_error *err);
/* Gives them memory: weights zero, idf 1. */
TW_NODISCARD tw_status twi_tower_allocate(tw_tower *t, tw_error *err);
TW_NODISCARD tw_status twi_tower_config_check(const tw_tower_config *cfg, tw_error *err);
/* Whether training leaves the projections alone; the tower itself does not remember it. */
void twi_tower_freeze(tw_tower *t, bool projections);
/* To be called whenever a projection changed. */
void twi_tower_refresh(tw_tower *t);

/* Rows to embed on a tape. */
typedef struct twi_input {
    const tw_tower_samples *samples;
    const int32_t *items;       /* (n) */
    const unsigned char *shown; /* (n) bits 1 << modality that may be looked at; NULL: all */
    int n;
    const twi_augment *augment; /* NULL: none */
} twi_input;

/* The tower on a tape: z (n, D), a zero row where nothing is shown. items and shown are borrowed
 * until the tape is reset. */
tw_tensor *twi_tower_forward(tw_tape *tape, const tw_tower *t, const twi_input *in);

/* ---- samples (tower_samples.c) --------------------------------------------------------------- */

typedef struct twi_lane {
    int64_t *offsets; /* (n) into bytes; NULL: the tower does not read this modality */
    int32_t *lengths; /* (n) 0: the item lacks it */
    twi_bytes bytes;
    int64_t with; /* items that have it */
} twi_lane;

struct tw_tower_samples {
    int64_t n;
    twi_lane lanes[TW_MODALITIES];
};

twi_sample twi_sample_of(const tw_tower_samples *s, int m, int64_t i);

/* What a training was given, without validation pairs and classes of items of which the samples
 * hold nothing. */
typedef struct twi_readable {
    tw_tower_data data;  /* the rest is the caller's */
    tw_item_pair *valid; /* owned */
    int32_t *classes;    /* owned */
} twi_readable;

/* *r can be given to fini in any case. TW_ENOMEM. */
TW_NODISCARD tw_status twi_readable_init(twi_readable *r, const tw_tower_data *data,
                                         const tw_tower_samples *s, tw_error *err);
void twi_readable_fini(twi_readable *r);

/* What each encoder needs to prepare on one thread. close accepts a partly filled array. */
TW_NODISCARD tw_status twi_readers_open(void *reader[TW_MODALITIES], const tw_tower *t,
                                        tw_error *err);
void twi_readers_close(void *reader[TW_MODALITIES], const tw_tower *t);

/* tw_tower_embed_samples of items 0..n-1 (tower_embed.c). */
TW_NODISCARD tw_status twi_embed_first(const tw_tower *t, tw_pool *pool, const tw_tower_samples *s,
                                       int64_t n, float *out, tw_progress_fn progress, void *ctx,
                                       tw_error *err);

static inline size_t twi_text_len(const char *const *texts, const size_t *lens, int64_t i)
{
    return lens != NULL ? lens[i] : __builtin_strlen(texts[i]);
}

/* ---- configuration (tower_config.c) ---------------------------------------------------------- */

TW_NODISCARD tw_status twi_train_config_check(const tw_tower_train_config *cfg, tw_error *err);
TW_NODISCARD tw_status twi_mine_config_check(const tw_mine_config *cfg, tw_error *err);
/* The tower's own keys alone, as JSON: what stands in the file. */
TW_NODISCARD tw_status twi_tower_config_format(const tw_tower_config *cfg, tw_text *out,
                                               tw_error *err);
TW_NODISCARD tw_status twi_tower_config_parse(tw_tower_config *cfg, const char *json, size_t len,
                                              tw_error *err);

/* ---- what a loss learns from (tower_examples.c) ---- */

typedef struct twi_example {
    int32_t a, b, negative; /* negative -1: none */
    float label;
} twi_example;

typedef struct twi_examples {
    twi_example *rows; /* (n); none where classes are learnt from */
    int64_t n;
    bool classes;            /* rows are items of known class, not examples */
    tw_tower_loss loss;      /* never TW_LOSS_AUTO */
    bool labelled;           /* some labels say "not similar" */
    bool given;              /* rows name their negative */
    tw_item_pair *positives; /* (n_positives) what is known to be similar */
    int64_t n_positives;
} twi_examples;

/* Chooses the loss (TW_LOSS_AUTO) and turns data into rows that it can use. TW_EINVAL as
 * tw_tower_train's. */
TW_NODISCARD tw_status twi_examples_build(twi_examples *x, const tw_tower_data *data,
                                          tw_tower_loss loss, tw_error *err);
/* *out (n), to be freed: ln of each item's share of the sides of all pairs, which is how often it
 * is drawn as a negative. TW_ENOMEM. */
TW_NODISCARD tw_status twi_examples_logq(tw_real **out, const twi_examples *x, int64_t n,
                                         tw_error *err);
void twi_examples_fini(twi_examples *x);

#endif
