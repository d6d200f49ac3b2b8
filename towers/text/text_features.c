/* A text as a bag of hashed features: its pieces (pieces.h), weighted by tf-idf. Words and the
 * character n-grams of "<word>" are fastText's; hashing instead of a vocabulary means that no text
 * is out of it and that a tower's size is known before it has read anything. With `compounds`,
 * words that no space parts are read as one more word, so that a model number is the same however
 * it is written: "KX-TG9344" also gives "<kxtg9344>". */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "towers/text/text_features.h"

int32_t twi_bucket(const char *feature, size_t len, int bits)
{
    uint64_t h = tw_fnv1a(TW_FNV_START, feature, len);
    return (int32_t) ((h ^ (h >> 32)) & ((1u << (unsigned) bits) - 1));
}

static bool add(void *ctx, const char *feature, size_t len, int times);

tw_status twi_features_init(twi_features *f, const tw_tower_config *cfg, tw_error *err)
{
    size_t room = (size_t) cfg->max_features;

    *f = (twi_features){.cfg = *cfg, .n_slots = 64};
    while (f->n_slots < 2 * room)
        f->n_slots *= 2;
    f->pieces = (tw_pieces){.rules = cfg->text_rules,
                            .words = true,
                            .ngram_min = cfg->ngram_min,
                            .ngram_max = cfg->ngram_max,
                            .compounds = cfg->compounds,
                            .take = add};
    f->ids = tw_alloc(room, sizeof *f->ids);
    f->counts = tw_alloc(room, sizeof *f->counts);
    f->weights = tw_alloc(room, sizeof *f->weights);
    f->slots = tw_alloc(f->n_slots, sizeof *f->slots);
    f->stamps = tw_alloc(f->n_slots, sizeof *f->stamps);
    if (f->ids == NULL || f->counts == NULL || f->weights == NULL || f->slots == NULL ||
        f->stamps == NULL) {
        twi_features_fini(f);
        return tw_fail(err, TW_ENOMEM, "room for %zu text features", room);
    }
    return TW_OK;
}

void twi_features_fini(twi_features *f)
{
    tw_free(f->ids);
    tw_free(f->counts);
    tw_free(f->weights);
    tw_free(f->slots);
    tw_free(f->stamps);
    tw_pieces_fini(&f->pieces);
    memset(f, 0, sizeof *f);
}

/* Forgets the last text without clearing the slots. */
static void start_over(twi_features *f)
{
    f->n = 0;
    if (++f->stamp == 0) { /* after 2^32 texts old stamps would look new */
        memset(f->stamps, 0, f->n_slots * sizeof *f->stamps);
        f->stamp = 1;
    }
}

/* False: the feature is new and there is no room for it. */
static bool add(void *ctx, const char *feature, size_t len, int times)
{
    twi_features *f = ctx;
    int32_t id = twi_bucket(feature, len, f->cfg.bits);
    /* Neighbouring buckets are as likely as far ones, so the bucket itself spreads well. */
    uint32_t at = (uint32_t) id & (f->n_slots - 1);

    for (; f->stamps[at] == f->stamp; at = (at + 1) & (f->n_slots - 1)) {
        int32_t k = f->slots[at];
        if (f->ids[k] == id) {
            f->counts[k] += times;
            return true;
        }
    }
    if (f->n == f->cfg.max_features)
        return false;
    f->stamps[at] = f->stamp;
    f->slots[at] = f->n;
    f->ids[f->n] = id;
    f->counts[f->n] = times;
    f->n++;
    return true;
}

/* Features in the order of their buckets, so that the order of words does not change a bit of the
 * sum. Shell sort: the list is short and qsort's calls would cost more than the moves. */
static void sort_features(twi_features *f)
{
    static const int gaps[] = {1968, 861, 336, 112, 48, 21, 7, 3, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++) {
        for (int i = gaps[g]; i < f->n; i++) {
            int32_t id = f->ids[i], count = f->counts[i];
            int j = i;
            for (; j >= gaps[g] && f->ids[j - gaps[g]] > id; j -= gaps[g]) {
                f->ids[j] = f->ids[j - gaps[g]];
                f->counts[j] = f->counts[j - gaps[g]];
            }
            f->ids[j] = id;
            f->counts[j] = count;
        }
    }
}

tw_status twi_features_count(twi_features *f, const char *text, size_t len, tw_error *err)
{
    start_over(f);
    f->pieces.ctx = f;
    tw_status st = tw_pieces_read(&f->pieces, text, len, err);
    sort_features(f);
    return st;
}

void twi_weigh(tw_real *weights, const int32_t *ids, const int32_t *counts, int32_t n,
               const float *idf)
{
    double sum = 0;
    for (int32_t k = 0; k < n; k++) {
        const double tf = counts[k] == 1 ? 1 : 1 + log(counts[k]);
        const double w = tf * (double) idf[ids[k]];
        weights[k] = (tw_real) w;
        sum += w * w;
    }
    const double scale = sum > 0 ? 1 / sqrt(sum) : 0;
    for (int32_t k = 0; k < n; k++)
        weights[k] = (tw_real) ((double) weights[k] * scale);
}
