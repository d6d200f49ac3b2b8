/* engine/history.h — the history that a query names, and what the model can read of it. Internal to
 * engine/.
 */
#ifndef TW_ENGINE_HISTORY_H
#define TW_ENGINE_HISTORY_H

#include <stdint.h>

#include "base/error.h"
#include "engine/engine.h"
#include "engine/generation.h"

/* TW_EINVAL: it is outside 1..TW_ENGINE_MAX_K. */
TW_NODISCARD tw_status twi_check_k(int k, tw_error *err);

/* TW_EINVAL: a number out of its range, or not exactly one of user and history. */
TW_NODISCARD tw_status twi_check_next(const tw_next_query *q, tw_error *err);

/* Fills ws->seen (*n) with the rows of the history, oldest first. An unknown user has
 * user 0 and n 0. Items that the query names and the catalogue does not have are left out, and
 * listed in `skipped` (TW_ALSO_MAX). TW_ENOTFOUND: it has none of them. */
TW_NODISCARD tw_status twi_history_of(tw_engine *e, const tw_next_query *q, twi_workspace *ws,
                                      int64_t *user, int *n, char *skipped, tw_error *err);

/* Leaves in ws->items what the model can read of ws->seen (n), and where the generation projects,
 * in ws->now what those items are now. Returns how many. */
int twi_history_read(const twi_generation *g, twi_workspace *ws, int n);

#endif
