/* engine/generation.h — models and the indexes over their vectors, which serve together: opened,
 * swapped and dropped whole. Internal to engine/.
 */
#ifndef TW_ENGINE_GENERATION_H
#define TW_ENGINE_GENERATION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/workspace.h"
#include "index/index.h"
#include "seqmodel/seqmodel.h"
#include "towers/towers.h"

typedef struct twi_model_parts {
    int towers_version, seq_version; /* the version in which each was trained; 0: none */
    int content_version;             /* the towers whose vectors seq reads; 0: it reads none */
    bool smoothed; /* what the towers gave was smoothed over a graph that a put cannot see */
} twi_model_parts;

/* All but the free list and the indexes' own content is fixed once it is current. */
typedef struct twi_generation {
    int refs;                                 /* guarded by the engine's lock */
    int version, towers_version, seq_version; /* 0: none */
    int content_version; /* the towers whose vectors seq learnt to read; 0: it reads none */
    /* Those towers serve: any item's vector says what seq thinks of it, whether seq was trained on
     * the item or not. Otherwise seq knows the items of its training alone, as they were then. */
    bool projects;
    tw_tower *tower;                       /* NULL: none, or its file cannot be used */
    tw_seq_model *seq;                     /* NULL: likewise */
    bool towers_borrowed, seq_borrowed;    /* their own file cannot be used, another version's is */
    char towers_problem[TW_ERROR_MSG_MAX]; /* why the file of towers_version cannot be used; "" */
    char seq_problem[TW_ERROR_MSG_MAX];    /* likewise */
    tw_index *items;                       /* tower vectors by item row; NULL: no towers */
    _Atomic int64_t unread; /* items of which the towers read nothing: a zero vector in the store,
                               no row of items; a counter for stats */
    tw_index *next;         /* output vectors of the sequential model by item row; NULL: no model */
    int64_t *invalid; /* (n_invalid) rows whose stored vector cannot be; owned, empty once served */
    int64_t n_invalid;
    size_t invalid_room;
    int64_t saved_items,
        saved_next;            /* seq of the snapshots on disk; guarded by the engine's writer */
    pthread_mutex_t pool_lock; /* guards workspaces */
    twi_workspace *workspaces;
} twi_generation;

TW_NODISCARD tw_status twi_generation_empty(twi_generation **out, tw_error *err);
void twi_generation_free(twi_generation *g); /* accepts NULL */

twi_generation *twi_acquire(tw_engine *e); /* the current one, counted; never NULL */
void twi_release(tw_engine *e, twi_generation *g);
/* Makes g current (takes the reference) and drops the old one. */
void twi_generation_swap(tw_engine *e, twi_generation *g);

/* TW_ESTATE: none is trained; TW_ECORRUPT: its file cannot be used. The sentence says what to run.
 */
TW_NODISCARD tw_status twi_no_towers(tw_engine *e, tw_error *err);
TW_NODISCARD tw_status twi_no_seq(tw_engine *e, tw_error *err);

#endif
