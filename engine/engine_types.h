/* engine/engine_types.h — what is asked of a directory and what it answers, as the engine and the
 * calls over the wire (rpc/client.h) share it: limits, queries, answers, figures.
 */
#ifndef TW_ENGINE_ENGINE_TYPES_H
#define TW_ENGINE_ENGINE_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/deadline.h"
#include "base/decls.h"
#include "base/error.h"
#include "engine/answer.h"
#include "store/store.h"

TW_BEGIN_DECLS

#define TW_ENGINE_MAX_K        1000
#define TW_ENGINE_MAX_HISTORY  10000
#define TW_ENGINE_MAX_DIM      4096
#define TW_ENGINE_MAX_DISCOUNT 10
#define TW_ENGINE_SHOWN_PIXELS 40000000 /* of an image in a query, as its file has it */
#define TW_ENGINE_POOL         500 /* candidates of a diverse list; TW_ENGINE_MAX_K for a longer one */

/* Either an item, or any of text, image and audio: together they are asked for as one item that
 * has them all. */
typedef struct tw_similar_query {
    const char *item;     /* id, or else exact title (case does not matter) */
    const char *text;     /* free text */
    int k;                /* 1..TW_ENGINE_MAX_K */
    bool exact;           /* scan everything instead of the index */
    tw_bytes image;       /* an image as its file holds it; empty: none */
    tw_bytes audio;       /* a recording likewise: WAV, FLAC, OGG ... */
    tw_deadline deadline; /* TW_ETIMEOUT: it passed before there was an answer; 0: none */
} tw_similar_query;

/* Exactly one of user and history. */
typedef struct tw_next_query {
    const char *user;           /* id; its recorded events are the history */
    const char *const *history; /* (n_history) item ids or titles, oldest first */
    int n_history;              /* 1..TW_ENGINE_MAX_HISTORY */
    int k;
    bool include_seen; /* items of the history may come again */
    /* Diverse lists, both 0 for the plain order of scores; seqmodel/seqmodel.h has the formula.
     * They choose among the TW_ENGINE_POOL items that fit best, and leave popular items as they
     * are.
     */
    double diversity;           /* 0..1: weight of unlikeness to what stands above */
    double popularity_discount; /* 0..TW_ENGINE_MAX_DISCOUNT: logit - discount * log(1 + events of
                                   the item) */
    tw_deadline deadline;       /* as in tw_similar_query */
} tw_next_query;

/* As in tw_similar_query. */
typedef struct tw_embed_query {
    const char *item, *text;
    tw_bytes image, audio;
    tw_deadline deadline;
} tw_embed_query;

/* ---- figures --------------------------------------------------------------------------------- */

typedef struct tw_engine_stats {
    int64_t items, deleted_items, users, events, seq, store_bytes;
    int model; /* active version; 0: none */
    bool has_towers, has_seq;
    bool seq_item_features;      /* the sequential model reads tower vectors ... */
    bool seq_item_features_live; /* ... of the towers that serve, so new items enter it */
    int tower_dim, seq_dim;
    int64_t seq_items, seq_users;        /* of the sequential model's training */
    int64_t seq_indexed;                 /* items that next can recommend */
    char tower_index[64], seq_index[64]; /* kinds: "exact", "HNSW32" */
    /* What share of the nearest the graph found on a sample when it was built; 0: it has none. With
     * kind "exact" that was too little, so it is not used. */
    double tower_recall, seq_recall;
    bool tower_lacks_graph, seq_lacks_graph; /* exact until a server has built its graph */
    int64_t indexed, delta, dead;            /* of the item index */
    int64_t unread; /* items of which the towers read nothing: in no list, outside the index */
    int64_t index_bytes;
    char towers_problem[256], seq_problem[256]; /* why a part's file cannot be used; "": it can */
} tw_engine_stats;

TW_END_DECLS

#endif
