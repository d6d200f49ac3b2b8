/* towers/tower_embed.h — embedding for use, as far as a training needs it. Internal to towers/. */
#ifndef TW_TOWERS_TOWER_EMBED_H
#define TW_TOWERS_TOWER_EMBED_H

#include "towers/towers.h"

/* tw_tower_embed_samples of items 0..n-1 (tower_embed.c). */
TW_NODISCARD tw_status twi_embed_first(const tw_tower *t, tw_pool *pool, const tw_tower_samples *s,
                                       int64_t n, float *out, tw_progress_fn progress, void *ctx,
                                       tw_error *err);

#endif
