/* nn/tape/arena.h — memory for one step's activations: taken bit by bit, given back
 * all at once.
 *
 * Blocks stay allocated over resets, so after the first steps a step allocates
 * nothing (a test counts). One thread at a time.
 */
#ifndef TW_NN_TAPE_ARENA_H
#define TW_NN_TAPE_ARENA_H

#include <stddef.h>

typedef struct tw_arena {
    struct tw_arena_block *first, *at; /* list of blocks; `at` is the one being filled */
} tw_arena;

void tw_arena_init(tw_arena *a);
void tw_arena_fini(tw_arena *a);
void tw_arena_reset(tw_arena *a); /* everything taken becomes invalid; memory is kept */

/* n*size bytes aligned to 64, contents unspecified; NULL when out of memory. */
void *tw_arena_take(tw_arena *a, size_t n, size_t size);

size_t tw_arena_bytes(const tw_arena *a); /* held from the system */

#endif
