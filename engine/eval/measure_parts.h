/* engine/eval/measure_parts.h — what the files measure_*.c share. Internal to engine/. */
#ifndef TW_ENGINE_EVAL_MEASURE_PARTS_H
#define TW_ENGINE_EVAL_MEASURE_PARTS_H

#include "engine/eval/measure_towers.h"
#include "metrics/ranking.h"
#include "metrics/tfidf.h"

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
