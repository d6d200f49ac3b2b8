/* The catalogue's vectors smoothed over the graph of what was consumed together. */
#include "engine/train/smoothing.h"

#include <string.h>

#include "base/alloc.h"
#include "engine/engine_state.h"
#include "engine/vectors.h"

typedef struct smoother {
    const twi_smoothing *how;
    float *vecs;         /* (items, dim) zero where there is none */
    unsigned char *late; /* (items) put since it was embedded: it is embedded again */
    int dim;
} smoother;

static tw_status gather(void *ctx, const tw_store_vector_change *change, tw_error *err)
{
    smoother *s = ctx;
    const twi_catalogue *c = s->how->c;
    (void) err;
    if (change->live && change->dim == s->dim && twi_vector_valid(change->vec, s->dim) &&
        change->row <= c->max_row && c->position[change->row] >= 0)
        memcpy(s->vecs + (size_t) c->position[change->row] * (size_t) s->dim, change->vec,
               (size_t) s->dim * sizeof *s->vecs);
    return TW_OK;
}

static tw_status note_late(void *ctx, const tw_item *item, tw_error *err)
{
    smoother *s = ctx;
    const twi_catalogue *c = s->how->c;
    (void) err;
    if (item->row <= c->max_row && c->position[item->row] >= 0)
        s->late[c->position[item->row]] = 1;
    return TW_OK;
}

/* Items with an edge get their new vector. */
static tw_status put_back(tw_engine *e, int model, const smoother *s, tw_error *err)
{
    tw_status st = TW_OK;
    const twi_smoothing *how = s->how;
    unsigned char *joined = tw_alloc((size_t) how->c->n, 1);

    if (joined == NULL)
        return tw_fail(err, TW_ENOMEM, "%lld items", (long long) how->c->n);
    for (int64_t k = 0; k < how->n_pairs; k++)
        joined[how->pairs[k].a] = joined[how->pairs[k].b] = 1;
    for (int64_t i = 0; i < how->c->n; i++) {
        if (!joined[i] || s->late[i])
            continue;
        st = tw_store_put_vector(e->store, how->c->rows[i], model,
                                 s->vecs + (size_t) i * (size_t) s->dim, s->dim, NULL, err);
        if (st != TW_OK && st != TW_ENOTFOUND) /* deleted meanwhile */
            goto done;
        st = TW_OK;
    }
done:
    tw_free(joined);
    return st;
}

tw_status twi_lightgcn_catalogue(tw_engine *e, int model, int dim, const twi_smoothing *how,
                                 tw_error *err)
{
    tw_status st = TW_OK;
    smoother s = {.how = how, .dim = dim};

    s.vecs = tw_alloc((size_t) how->c->n, (size_t) dim * sizeof *s.vecs);
    s.late = tw_alloc((size_t) how->c->n, 1);
    if (s.vecs == NULL || s.late == NULL) {
        st = tw_fail(err, TW_ENOMEM, "vectors of %lld items", (long long) how->c->n);
        goto done;
    }
    TW_TRY(tw_store_begin(e->store, err)); /* so that no put comes between reading and writing */
    TW_TRY(tw_store_each_pending(e->store, model, 0, note_late, &s, err));
    TW_TRY(tw_store_each_vector(e->store, model, 0, gather, &s, err));
    TW_TRY(tw_lightgcn(s.vecs, how->c->n, dim, how->pairs, how->n_pairs, how->layers, err));
    TW_TRY(put_back(e, model, &s, err));
    TW_TRY(tw_store_commit(e->store, err));
done:
    tw_store_rollback(e->store);
    tw_free(s.vecs);
    tw_free(s.late);
    return st;
}
