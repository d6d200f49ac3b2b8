/* engine/eval/measure_towers.h — what towers are worth, beside their baselines. Internal to
 * engine/. */
#ifndef TW_ENGINE_EVAL_MEASURE_TOWERS_H
#define TW_ENGINE_EVAL_MEASURE_TOWERS_H

#include "engine/data/train_set.h"

struct json_t;

#define TWI_MEASURE_QUERIES 2000 /* asked at most by default: seconds for a large catalogue */

/* What is measured, and on what; all borrowed. */
typedef struct twi_measure {
    int threads;
    const tw_tower *tower;
    const twi_catalogue *c; /* without texts there is no tf-idf beside the towers */
    const tw_tower_samples *samples;
    const twi_events *log;
    const twi_train_set *x; /* its test parts and held items */
    const int *ks;          /* (n_ks) cut-offs, 1..TW_EVAL_MAX_K; NULL: 1, 10, 100 */
    int n_ks;
    int64_t max_queries; /* 0: TWI_MEASURE_QUERIES; those whose item hashes lowest */
} twi_measure;

/* The figures of docs/formats.md, "eval towers": a new reference, or NULL on failure. TW_EINVAL: a
 * cut-off out of range. TW_ENOMEM. */
TW_NODISCARD tw_status twi_measure_towers(const twi_measure *m, struct json_t **out, tw_error *err);

#endif
