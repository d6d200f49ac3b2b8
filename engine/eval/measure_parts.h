/* engine/eval/measure_parts.h — what the files measure_*.c share. Internal to engine/. */
#ifndef TW_ENGINE_EVAL_MEASURE_PARTS_H
#define TW_ENGINE_EVAL_MEASURE_PARTS_H

#include <jansson.h>
#include <math.h>

#include "engine/eval/measure_towers.h"
#include "metrics/ranking.h"
#include "metrics/tfidf.h"

/* A figure, or null where there is none, such as a mean of nothing. 0, or -1 without memory. */
static inline int twi_set_real(json_t *o, const char *key, double x)
{
    return json_object_set_new(o, key, isfinite(x) ? json_real(x) : json_null());
}

/* ---- baselines.c ----------------------------------------------------------------------------- */

typedef enum twi_baseline_kind {
    TWI_TOWERS = 0,
    TWI_UNTRAINED = 1,
    TWI_TFIDF = 2,
    TWI_POPULARITY = 3,
    TWI_BASELINES = 4
} twi_baseline_kind;

extern const char *const twi_baseline_names[TWI_BASELINES]; /* keys of the report */

/* Something that scores items for items. */
typedef struct twi_baseline {
    tw_score_fn score; /* NULL: there is none of this kind here */
    void *ctx;
    tw_score_fn inner; /* of baselines that read items: before the unread are put last */
    void *inner_ctx;
    const tw_tower_samples *samples;
    float *vecs; /* (items, dim); NULL: it has none */
    tw_dense *dense;
    tw_tfidf *tfidf;
    tw_tfidf_query asks;
    float *counts; /* (items) */
} twi_baseline;

/* *out is zeroed before; no texts or no events are no failure. It stays where it is until
 * twi_baseline_fini, which may follow in any case. TW_ENOMEM. */
TW_NODISCARD tw_status twi_baseline_open(const twi_measure *m, tw_pool *pool,
                                         twi_baseline_kind which, twi_baseline *out, tw_error *err);
void twi_baseline_fini(twi_baseline *r);

/* ---- measure_pairs.c ------------------------------------------------------------------------- */

typedef struct twi_pair_task {
    twi_tower_split split; /* borrowed pairs, or `made` */
    tw_item_pair *made;    /* owned: two of each triplet; NULL: they were pairs */
} twi_pair_task;

/* Two pairs of each triplet of x, the similar one first, the parts in their order. TW_ENOMEM. */
TW_NODISCARD tw_status twi_pairs_of_triplets(twi_pair_task *t, const twi_train_set *x,
                                             tw_error *err);
/* How many of n labels say "similar". */
int64_t twi_similar_among(const tw_item_pair *pairs, int64_t n);
/* *row is what the baseline scores on the test pairs, at thresholds that the validation pairs
 * chose; it has vectors (items, dim), or tf-idf. TW_ENOMEM. */
TW_NODISCARD tw_status twi_evaluate_pairs(const twi_pair_task *t, const twi_baseline *r,
                                          int64_t items, int dim, json_t **row, tw_error *err);
/* Adds "notes", sentences on what the pairs cannot say. 0, or -1 without memory. */
int twi_pair_notes(const twi_pair_task *t, json_t *pairs);

/* ---- measure_classes.c ----------------------------------------------------------------------- */

typedef struct twi_class_task {
    int32_t *query, *query_class; /* (queries) items, and what they are */
    int64_t queries;
    int32_t *pool_class; /* (all items) -1: may not be found */
    int64_t items;       /* that may be found */
    bool among_learnt;   /* these are the items learnt from; else all of known class */
} twi_class_task;

/* The held items of x, the `most` whose number hashes lowest; n: items. *t is zeroed before, and
 * released with twi_class_task_fini in any case. TW_ENOMEM. */
TW_NODISCARD tw_status twi_class_task_init(twi_class_task *t, const twi_train_set *x, int64_t n,
                                           int64_t most, tw_error *err);
void twi_class_task_fini(twi_class_task *t);

typedef struct twi_class_asks {
    const twi_baseline *r;
    const twi_class_task *t;
} twi_class_asks;

/* A tw_score_fn of a twi_class_asks: the baseline's scores, -INFINITY for what may not be found. */
tw_status twi_score_classes(void *ctx, int worker, const int32_t *queries, int nq, int64_t first,
                            int n, float *scores, tw_error *err);

#endif
