/* bench/speed/tower_world.h — a tower and invented items that it reads, for
 * bench/speed/bench_towers.c.
 *
 * Items have titles of words as frequent as Zipf says, random images, audio files of noise; the
 * same in every run. */
#ifndef TW_BENCH_SPEED_TOWER_WORLD_H
#define TW_BENCH_SPEED_TOWER_WORLD_H

#include "towers/towers.h"

typedef struct setting {
    tw_tower_recipe recipe;
    int64_t items;
} setting;

enum {
    LONGEST_WORD = 24, /* bytes, space included */
    MIN_WORDS = 4,     /* of a title */
    MAX_WORDS = 16,
};

/* One worker's invented item. */
typedef struct ws {
    char text[MAX_WORDS * LONGEST_WORD];
    tw_image image;
    tw_audio audio;
} ws;

typedef struct world {
    const setting *s;
    ws workspaces[TW_POOL_MAX];
    char *vocabulary;
    tw_tower *tower;
    tw_tower_samples *samples;
    tw_pool *pool;
} world;

/* Makes tower and samples, idf fitted; w is zeroed before and s kept. On failure w can be ended. */
TW_NODISCARD tw_status make_world(world *w, const setting *s, tw_error *err);
void fini_world(world *w);

/* A tw_tower_source's load; ctx is the world. */
tw_status load_item(void *ctx, int worker, int64_t i, tw_tower_item *out, tw_error *err);

#endif
