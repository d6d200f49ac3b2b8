/* seqmodel/seq_baseline.h — recommenders that only count.
 *
 * Internal to seqmodel/.
 */
#ifndef TW_SEQMODEL_SEQ_BASELINE_H
#define TW_SEQMODEL_SEQ_BASELINE_H

#include "base/pool.h"
#include "seqmodel/seqmodel.h"

/* Counts of events in the train parts: the scores (n_items+1) of the popularity baseline. */
void twi_popularity(tw_real *scores, const tw_seq_data *data);

/* Chosen on validation; see docs/experiments/sse-pt.md. */
typedef struct twi_baseline_config {
    int neighbours; /* kept an item (item-kNN) */
    double shrink;  /* added to the cosine's denominator */
    int latest;     /* so many of the input's last items vote */
    double decay;   /* of a vote, for each item that came after it */
    double backoff; /* events' worth of popularity behind the transitions (Markov) */
} twi_baseline_config;

twi_baseline_config twi_baseline_default(void);

typedef struct twi_baseline twi_baseline;

/* Learns from the train parts of data, which must outlive it. TW_ENOMEM. */
TW_NODISCARD tw_status twi_baseline_create(twi_baseline **out, tw_seq_baseline kind,
                                           const twi_baseline_config *cfg, const tw_seq_data *data,
                                           tw_pool *pool, tw_error *err);
void twi_baseline_destroy(twi_baseline *b); /* accepts NULL */

/* The scores (n_items+1) of what follows n >= 1 items: `scratch` of that size, or the baseline's
 * own. Any number of threads at a time, each with its scratch. */
const tw_real *twi_baseline_scores(const twi_baseline *b, tw_real *scratch, const int32_t *items,
                                   int64_t n);

#endif
