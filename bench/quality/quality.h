/* bench/quality/quality.h — towers trained from scratch on published data and measured by its
 * protocol.
 *
 *     tower_quality NAME DATA_DIR [KEY=VALUE...]
 *
 * A task reads its data, trains by its preset (bench/presets/towers-NAME.json, then KEY=VALUE),
 * measures, and reports one figure with its baseline; bench/quality/tower_quality.sh unpacks and
 * adds what is known outside. `validate=1` holds back part of the training data and measures on
 * that instead: settings are chosen so, and the test is looked at once.
 */
#ifndef TW_BENCH_QUALITY_QUALITY_H
#define TW_BENCH_QUALITY_QUALITY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"
#include "metrics/mean.h"
#include "metrics/ranking.h"
#include "towers/towers.h"

typedef struct quality {
    const char *data;   /* the folder */
    bool validate;      /* measure on held-out training data */
    const char *minilm; /* a sentence-transformers folder; NULL: data/minilm */
    tw_tower_recipe recipe;
    tw_pool *pool;
    /* what a task reports */
    json_t *more; /* object: further figures */
    char metric[160];
    double value, se, baseline; /* se NAN: none */
    char baseline_is[160];
    tw_tower_report trained;
} quality;

typedef struct quality_task {
    const char *name;
    tw_status (*run)(quality *q, tw_error *err);
} quality_task;

tw_status quality_omniglot(quality *q, tw_error *err);
tw_status quality_fashion(quality *q, tw_error *err);
tw_status quality_grocery(quality *q, tw_error *err);
tw_status quality_stsb(quality *q, tw_error *err);
tw_status quality_abt_buy(quality *q, tw_error *err);
tw_status quality_fsdd(quality *q, tw_error *err);
tw_status quality_fsdd_loso(quality *q, tw_error *err);
tw_status quality_abt_buy_retrieval(quality *q, tw_error *err);
tw_status quality_stsb_minilm(quality *q, tw_error *err);

/* ---- what tasks share (quality_items.c) ------------------------------------------------------ */

/* Items that a task has read: what towers are given, and of what class each is. */
typedef struct quality_items {
    int64_t n, room;
    tw_tower_item *at;    /* (n); images, audio files and texts owned by the next two */
    tw_image *images;     /* (n) px NULL: none */
    tw_audio *recordings; /* (n) */
    char **texts;         /* (n) or NULL */
    int32_t *cls;         /* (n) -1: none */
    int32_t *group;       /* (n) */
    unsigned char *held;
} quality_items;

/* Appends an item of class cls in group `group`; takes the image, the audio and the text, any of
 * which may be NULL. */
TW_NODISCARD tw_status quality_add(quality_items *x, tw_image *image, tw_audio *audio, char *text,
                                   int32_t cls, int32_t group, tw_error *err);
void quality_items_fini(quality_items *x);
tw_tower_source quality_source(quality_items *x);

/* Makes a tower by q's recipe, prepares the items and trains it on `data` (samples and n_items are
 * filled in). *tower and *samples are the caller's. Progress goes to stderr. */
TW_NODISCARD tw_status quality_train(quality *q, quality_items *x, tw_tower_data *data,
                                     tw_tower **tower, tw_tower_samples **samples, tw_error *err);

/* The same, fitted (idf) on the first n_fit items, which have texts, alone. */
TW_NODISCARD tw_status quality_train_fitted(quality *q, quality_items *x, int64_t n_fit,
                                            tw_tower_data *data, tw_tower **tower,
                                            tw_tower_samples **samples, tw_error *err);

/* Vectors (n, dim) of all items; tw_free them. */
TW_NODISCARD tw_status quality_embed(quality *q, const tw_tower *t, const tw_tower_samples *s,
                                     float **vecs, tw_error *err);

/* The items that ask and those that are asked: [first, end) against [0, pool), pool <= first. */
typedef struct quality_range {
    int64_t pool, first, end;
} quality_range;

/* R@1 and the vote of 5: vecs (end or more, dim). */
TW_NODISCARD tw_status quality_split(quality *q, const quality_items *x, const float *vecs, int dim,
                                     quality_range of, tw_nearness nearness, tw_mean *r1,
                                     tw_mean *vote, tw_error *err);

/* The lines of a text file, cut in place; tw_free both. */
TW_NODISCARD tw_status quality_lines(const char *path, char **data, char ***lines, int64_t *n,
                                     tw_error *err);

#endif
