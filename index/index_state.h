/* index/index_state.h — the handle, its counted states, and one moment of it. Internal to index/.
 *
 *   tw_index ── hub ── state (counted) ─┬─ main:  nodes (different vectors), ids behind each,
 *                                       │         deletion versions, FAISS graph or none
 *                                       ├─ delta: chunks of 1024 rows (counted), append-only
 *                                       └─ map:   id -> row of main or delta
 *
 * Time. Every write takes the next version. A row carries the version at which it was created (rows
 * of main: before the state) and, once replaced or deleted, the one at which it was deleted. A
 * search takes the state and the newest version S together and sees the rows with created <= S and
 * not deleted <= S: one moment, without a lock. Writers publish in the order row, deletion of the
 * old row, map, version.
 *
 * A merge makes a new state whose main holds what lived at some version. The chunks that were
 * written since are shared by the old and the new state, so nothing written meanwhile is copied.
 *
 * Atomics: the __atomic builtins on plain integers, because the same words are read from C++.
 * Acquire and release order a row before what points to it; nothing else is ever written twice.
 */
#ifndef TW_INDEX_INDEX_STATE_H
#define TW_INDEX_INDEX_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "index/index.h"
#include "index/index_delta.h"
#include "index/index_kernel.h"
#include "index/index_main.h"
#include "index/index_map.h"

#define TWI_DEFAULT_EF            64
#define TWI_DEFAULT_CONSTRUCTION  200
#define TWI_DEFAULT_EXACT_BELOW   10000
#define TWI_DEFAULT_EXACT_NUMBERS (INT64_C(1) << 24) /* rows * dim: 131,072 rows of 128 */
#define TWI_DEFAULT_MERGE_ROWS    10000
#define TWI_DEFAULT_MERGE_SHARE   0.1
#define TWI_DEFAULT_LEAST_RECALL  0.9

typedef struct twi_state {
    int refs; /* guarded by hub.swap_lock */
    twi_main main;
    twi_delta delta;
    twi_map map;
    int64_t live; /* atomic: written by the writer, read by all */
} twi_state;

typedef struct twi_hub {
    pthread_mutex_t write_lock; /* guards writes to state's content, version, merging, merges */
    pthread_mutex_t swap_lock;  /* guards state (the pointer) and every state's refs */
    twi_state *state;
    uint64_t version; /* atomic: of the last finished write */
    bool merging;
    int64_t merges; /* atomic */
} twi_hub;

struct tw_index {
    tw_index_config cfg; /* defaults filled in; factory points to `factory` or is NULL */
    char factory[TW_INDEX_KIND_MAX];
    twi_scores_fn scores;
    twi_hub *hub; /* what changes, behind a pointer, so that searching takes a const index */
};

/* One moment: a counted state and the newest version that belongs to it. */
typedef struct twi_view {
    twi_state *state;
    uint64_t version;
} twi_view;

twi_view twi_view_take(const tw_index *ix);
void twi_view_drop(const tw_index *ix, twi_view v);

TW_NODISCARD tw_status twi_state_create(twi_state **out, int dim, tw_error *err);
void twi_state_destroy(twi_state *s); /* accepts NULL; refs are not looked at */
/* Maps every row of main and sets live, on a state that no other thread sees.
 * TW_EINVAL: an id is there twice. */
TW_NODISCARD tw_status twi_state_map_main(twi_state *s, tw_error *err);
/* Puts s (owned) in place of the current state. The caller holds write_lock. */
void twi_state_swap(tw_index *ix, twi_state *s);

/* index_recall.c */
/* Measures the graph of a state that no other thread sees on a sample of its own nodes, and gives
 * it up where it finds less than the config's least. src: whose progress is reported. TW_ENOMEM,
 * TW_ECANCELLED. */
TW_NODISCARD tw_status twi_check_graph(const tw_index *ix, twi_state *s, const twi_source *src,
                                       tw_error *err);

#endif
