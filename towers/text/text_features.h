/* towers/text/text_features.h — a text as a bag of hashed features: its words and character
 * n-grams, counted and weighted.
 *
 *     twi_features f;
 *     twi_features_init(&f, &cfg, err);
 *     twi_features_count(&f, text, len, err);       f.ids and f.counts: (f.n)
 *     twi_weigh(f.weights, f.ids, f.counts, f.n, idf);
 *     twi_features_fini(&f);
 *
 * One thread at a time per object. Internal to towers/.
 */
#ifndef TW_TOWERS_TEXT_TEXT_FEATURES_H
#define TW_TOWERS_TEXT_TEXT_FEATURES_H

#include "base/error.h"
#include "base/pieces.h"
#include "base/real.h"
#include "towers/recipe.h"

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

/* Fills n, ids and counts from the text alone: nothing stays of the text before. TW_ENOMEM. */
TW_NODISCARD tw_status twi_features_count(twi_features *f, const char *text, size_t len,
                                          tw_error *err);
/* weights (n) = (1 + ln count) * idf of n features, scaled to length 1. */
void twi_weigh(tw_real *weights, const int32_t *ids, const int32_t *counts, int32_t n,
               const float *idf);

#endif
