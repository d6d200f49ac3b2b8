/* A diverse list out of many hits: the candidates with their vectors and counts, for tw_seq_rerank.
 */
#include "engine/diversify.h"

#include <string.h>

#include "engine/engine_state.h"

_Static_assert(TW_ENGINE_MAX_DISCOUNT == TW_SEQ_MAX_DISCOUNT,
               "the wire documents the model's range");

tw_seq_rerank_config twi_rerank_of(const tw_next_query *q)
{
    return (tw_seq_rerank_config){.diversity = q->diversity,
                                  .popularity_discount = q->popularity_discount};
}

/* The vector of hit i, as it was searched: an item may have no row in the model's table, or have
 * left it. NULL: it was deleted since. */
static const float *searched_vector(const twi_generation *g, twi_workspace *ws, int i, int dim)
{
    const int64_t row = ws->hits[i].item;
    int64_t rows;

    if (g->projects) {
        float *copy = ws->vectors + (size_t) i * (size_t) dim;
        return tw_index_get(g->next, row, copy, NULL) == TW_OK ? copy : NULL;
    }
    const int32_t item = tw_seq_item_index(g->seq, row);
    const float *table = tw_seq_item_vectors(g->seq, &rows, &dim);
    return item > 0 ? table + (size_t) item * (size_t) dim : NULL;
}

tw_status twi_rerank(void *ctx, twi_workspace *ws, int *n, tw_error *err)
{
    const twi_chooser *c = ctx;
    const twi_generation *g = c->g;
    tw_status st = TW_OK;
    int64_t rows;
    tw_seq_pool pool = {.n = *n,
                        .scores = ws->pool.scores,
                        .counts = ws->pool.counts,
                        .vectors = ws->pool.vectors,
                        .temperature = tw_seq_logit_temperature(g->seq)};

    (void) tw_seq_item_vectors(g->seq, &rows, &pool.dim);
    for (int i = 0; i < *n; i++) {
        ws->pool.vectors[i] = searched_vector(g, ws, i, pool.dim);
        ws->pool.scores[i] = ws->hits[i].score;
    }
    if (c->cfg.popularity_discount > 0)
        TW_TRY(twi_popularity_counts(&c->e->popularity, c->e->store, c->deadline, ws->hits, *n,
                                     ws->pool.counts, err));
    *n = tw_seq_rerank(ws->pool.order, &c->cfg, &pool, c->k, ws->pool.scratch);
    for (int i = 0; i < *n; i++)
        ws->pool.chosen[i] = ws->hits[ws->pool.order[i]];
    memcpy(ws->hits, ws->pool.chosen, (size_t) *n * sizeof *ws->hits);
done:
    return st;
}

/* The same pool for every k up to it, so that a shorter list is the head of a longer one. */
int twi_rerank_pool(int k) { return k <= TW_ENGINE_POOL ? TW_ENGINE_POOL : TW_ENGINE_MAX_K; }
