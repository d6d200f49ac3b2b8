/* The stored vectors of a catalogue, one after the other. */
#include "engine/engine_state.h"
#include "engine/generation.h"
#include "engine/vectors.h"

typedef struct vectors {
    tw_engine *e;
    const twi_generation *g;
    tw_embedded_fn fn;
    void *ctx;
    float vec[TW_ENGINE_MAX_DIM];
} vectors;

static tw_status give_vector(void *ctx, const tw_item *item, tw_error *err)
{
    vectors *v = ctx;
    const int dim = tw_tower_dim(v->g->tower);
    tw_status st = tw_store_vector(v->e->store, item->row, v->g->towers_version, v->vec, dim, NULL);
    if (st == TW_ENOTFOUND || /* put by another process that has newer towers */
        st == TW_ECORRUPT || st == TW_EDIM ||
        (st == TW_OK && !twi_vector_valid(v->vec, dim))) /* damaged: check names it */
        return TW_OK;
    if (st != TW_OK)
        return tw_fail(err, st, "cannot read the vector of item '%.60s'", item->id);
    if (twi_vector_is_zero(v->vec, dim))
        return TW_OK;
    return v->fn(v->ctx, item->id, v->vec, dim, err);
}

tw_status tw_engine_each_vector(tw_engine *e, int *model, tw_embedded_fn fn, void *ctx,
                                tw_error *err)
{
    twi_generation *g = twi_acquire(e);
    vectors v = {.e = e, .g = g, .fn = fn, .ctx = ctx};
    *model = g->version;
    tw_status st = g->tower == NULL ? twi_no_towers(e, err)
                                    : tw_store_each_item(e->store, 0, give_vector, &v, err);
    twi_release(e, g);
    return st;
}
