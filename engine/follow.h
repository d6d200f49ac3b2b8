/* engine/follow.h — the indexes of a generation follow the store. Internal to engine/.
 */
#ifndef TW_ENGINE_FOLLOW_H
#define TW_ENGINE_FOLLOW_H

#include <stdint.h>

#include "base/error.h"
#include "base/types.h"
#include "engine/generation.h"

/* Brings g's indexes from `since` up to the store's present. The writer lock is held, or g is not
 * current yet. */
TW_NODISCARD tw_status twi_replay_items(tw_engine *e, twi_generation *g, int64_t since,
                                        tw_error *err);
TW_NODISCARD tw_status twi_replay_next(tw_engine *e, twi_generation *g, int64_t since,
                                       tw_error *err);
/* After a commit: brings g's indexes up to it. The writer lock is held. On failure (memory) the
 * change is on disk all the same, and the next write or open follows it. */
TW_NODISCARD tw_status twi_follow(tw_engine *e, twi_generation *g, tw_error *err);

/* Builds an index from everything the store or the model holds. */
TW_NODISCARD tw_status twi_build_items(tw_engine *e, twi_generation *g, tw_progress_fn progress,
                                       void *ctx, tw_error *err);
TW_NODISCARD tw_status twi_build_next(tw_engine *e, twi_generation *g, tw_progress_fn progress,
                                      void *ctx, tw_error *err);

/* Called for every item, deleted ones too, with the vector by which queries meet it in g->next;
 * NULL: it is not to be found there. g->items is as the store is. */
typedef tw_status (*twi_next_fn)(void *ctx, int64_t row, int64_t seq, const float *vec, int dim,
                                 tw_error *err);
TW_NODISCARD tw_status twi_each_next(tw_engine *e, twi_generation *g, twi_next_fn fn, void *ctx,
                                     tw_error *err);

/* Brings g->unread up to date with store and index. */
void twi_count_unread(tw_engine *e, twi_generation *g);
/* One line in the log when the graph that was just built is not used. */
void twi_log_unused_graph(const tw_index *ix, const char *kind);

#endif
