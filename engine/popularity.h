/* engine/popularity.h — how often each item was consumed, counted now and then. Internal to
 * engine/.
 *
 * Popularity moves slowly and a scan costs about a microsecond an event: it is counted again once
 * the log has grown by a tenth.
 */
#ifndef TW_ENGINE_POPULARITY_H
#define TW_ENGINE_POPULARITY_H

#include <pthread.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/error.h"
#include "index/index.h"
#include "store/store.h"

typedef struct twi_popularity {
    pthread_mutex_t lock; /* guards all of it */
    tw_hit *top;          /* (n_top) items by number of events, most first; score: the number */
    int n_top;
    int64_t *counts; /* (n_counts) events of each item by row */
    int64_t n_counts;
    int64_t events; /* in the store when they were counted; -1: never */
} twi_popularity;

void twi_popularity_init(twi_popularity *p);
void twi_popularity_fini(twi_popularity *p); /* a zeroed one, too */

/* The most popular items, most first, ties by row; deleted ones may be among them.
 *
 *   hits (TW_ENGINE_MAX_K)  the first *n are filled
 *
 * TW_ETIMEOUT, TW_ENOMEM, and what the store returns; then *n is 0. Any thread. */
TW_NODISCARD tw_status twi_popularity_top(twi_popularity *p, tw_store *store, tw_deadline until,
                                          tw_hit *hits, int *n, tw_error *err);

/* counts (n) <- how often each of the hits (n) was consumed. As above. */
TW_NODISCARD tw_status twi_popularity_counts(twi_popularity *p, tw_store *store, tw_deadline until,
                                             const tw_hit *hits, int n, int64_t *counts,
                                             tw_error *err);

#endif
