/* engine/workspace.h — what one query needs to work in, kept from query to query so that none
 * allocates. Internal to engine/.
 */
#ifndef TW_ENGINE_WORKSPACE_H
#define TW_ENGINE_WORKSPACE_H

#include <stdint.h>

#include "base/text.h"
#include "engine/engine.h"
#include "index/index.h"
#include "seqmodel/seqmodel.h"
#include "store/store.h"
#include "towers/towers.h"

struct twi_generation;

typedef struct twi_workspace {
    struct twi_workspace *next; /* in the generation's free list */
    tw_tower_session *tower;    /* NULL: no towers */
    tw_seq_session *seq;        /* NULL: no sequential model */
    float vec[TW_ENGINE_MAX_DIM];
    tw_hit hits[TW_ENGINE_MAX_K];
    int64_t rows[TW_ENGINE_MAX_K];
    tw_item_name names[TW_ENGINE_MAX_K];
    tw_event events[TW_ENGINE_MAX_HISTORY];
    int64_t seen[TW_ENGINE_MAX_HISTORY];
    int32_t items[TW_ENGINE_MAX_HISTORY];
    int64_t *out; /* (n_out) rows that the answer shall not have; owned */
    int n_out;
    size_t out_room;
    struct { /* of a diverse list: the candidates, and where the chosen stand among them */
        const float *vectors[TW_ENGINE_MAX_K];
        float scores[TW_ENGINE_MAX_K];
        int64_t counts[TW_ENGINE_MAX_K];
        int order[TW_ENGINE_MAX_K];
        tw_hit chosen[TW_ENGINE_MAX_K];
        double scratch[TW_SEQ_RERANK_SCRATCH * TW_ENGINE_MAX_K];
    } pool;
    /* Where the generation projects; else NULL. */
    float *content;    /* (max_len, towers' width) what the items of a history are now */
    const float **now; /* (max_len) of each, in content; NULL: as the model holds it */
    float *vectors;    /* (TW_ENGINE_MAX_K, seq's width) of a diverse list's candidates */
    tw_text text;
} twi_workspace;

/* One of g's that no other query has. Give it back. TW_ENOMEM. */
TW_NODISCARD tw_status twi_workspace_take(struct twi_generation *g, twi_workspace **out,
                                          tw_error *err);
void twi_workspace_give(struct twi_generation *g, twi_workspace *ws); /* accepts NULL */
void twi_workspace_free(twi_workspace *ws);

#endif
