/* engine/query_hits.h — from hits to rows of an answer. Internal to engine/.
 */
#ifndef TW_ENGINE_QUERY_HITS_H
#define TW_ENGINE_QUERY_HITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/error.h"
#include "engine/engine.h"
#include "engine/workspace.h"
#include "index/index.h"

typedef struct twi_search {
    const tw_index *ix;
    bool exact;
    int k, pool; /* rows of the answer; hits to search for, at least k */
    tw_deadline deadline;
    /* NULL, or what leaves k of *n hits in ws->hits, or as many as there are. */
    tw_status (*choose)(void *ctx, twi_workspace *ws, int *n, tw_error *err);
    void *ctx;
} twi_search;
/* Adds n rows to what the next search leaves out. TW_ENOMEM. */
TW_NODISCARD tw_status twi_leave_out(twi_workspace *ws, const int64_t *rows, int n, tw_error *err);
/* Searches what is near ws->vec and adds the k best that live to the answer, or all that do.
 * Those that are gone from the store end up in ws->out. TW_ETIMEOUT. */
TW_NODISCARD tw_status twi_answer_search(tw_engine *e, twi_workspace *ws, const twi_search *s,
                                         tw_answer *out, tw_error *err);
/* Adds the first k that live of the n in ws->hits. */
TW_NODISCARD tw_status twi_answer_listed(tw_engine *e, twi_workspace *ws, int n, int k,
                                         tw_answer *out, tw_error *err);

#endif
