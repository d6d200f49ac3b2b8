/* engine/diversify.h — a diverse list out of many hits. Internal to engine/.
 */
#ifndef TW_ENGINE_DIVERSIFY_H
#define TW_ENGINE_DIVERSIFY_H

#include <stdbool.h>

#include "base/deadline.h"
#include "base/error.h"
#include "engine/engine.h"
#include "engine/generation.h"

/* How a diverse list is chosen. */
typedef struct twi_chooser {
    tw_engine *e;
    const twi_generation *g;
    tw_seq_rerank_config cfg;
    int k;
    tw_deadline deadline;
} twi_chooser;

/* The part of a query that orders its list. */
tw_seq_rerank_config twi_rerank_of(const tw_next_query *q);

/* How many hits to choose k among. */
int twi_rerank_pool(int k);

/* Chooses a diverse list of at most c->k among the *n hits of the workspace, and leaves it there
 * instead: a twi_search.choose whose ctx is a twi_chooser. TW_ETIMEOUT, TW_ENOMEM. */
TW_NODISCARD tw_status twi_rerank(void *ctx, twi_workspace *ws, int *n, tw_error *err);

#endif
