/* The indexes of a generation follow the store: replayed from where they are, or built. */
#include "engine/follow.h"

#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/log.h"
#include "engine/engine_state.h"
#include "engine/vectors.h"

/* Remembers an item that the index has to do without. */
static tw_status note_invalid(twi_generation *g, int64_t row, tw_error *err)
{
    tw_status st =
        tw_grow(&g->invalid, &g->invalid_room, (size_t) g->n_invalid + 1, "damaged vectors", err);
    if (st == TW_OK)
        g->invalid[g->n_invalid++] = row;
    return st;
}

void twi_log_unused_graph(const tw_index *ix, const char *kind)
{
    tw_index_stats s;
    tw_index_get_stats(ix, &s);
    if (s.exact && s.recall > 0)
        tw_log(TW_LOG_WARN, "INDEX-INEXACT", "index=%s recall=%.3f vectors=%lld", kind, s.recall,
               (long long) s.main_vectors);
}

/* Whether there is a vector, and it is one of g's towers. */
static bool is_valid(const twi_generation *g, const tw_store_vector_change *c)
{
    return c->live && c->dim == tw_index_dim(g->items) && twi_vector_valid(c->vec, c->dim);
}

/* A zero vector is stored, so that the item is not embedded again and again, but near to nothing:
 * it is no row of the index. */
static tw_status apply_vector(void *ctx, const tw_store_vector_change *c, tw_error *err)
{
    twi_generation *g = ctx;
    const bool valid = is_valid(g, c);
    if (valid && !twi_vector_is_zero(c->vec, c->dim))
        return tw_index_put(g->items, c->row, c->vec, err);
    tw_status st = c->live && !valid ? note_invalid(g, c->row, err) : TW_OK;
    if (st != TW_OK)
        return st;
    st = tw_index_delete(g->items, c->row, NULL);
    return st == TW_ENOTFOUND ? TW_OK : st;
}

tw_status twi_replay_items(tw_engine *e, twi_generation *g, int64_t since, tw_error *err)
{
    return tw_store_each_vector(e->store, g->towers_version, since, apply_vector, g, err);
}

/* From an item to the vector by which queries meet it. */
typedef struct projector {
    twi_generation *g;
    int dim;
    float *content, *out, *had; /* (towers' width), (dim), (dim); NULL unless g projects */
} projector;

static void projector_fini(projector *p)
{
    tw_free(p->content);
    tw_free(p->out);
    tw_free(p->had);
}

static tw_status projector_init(projector *p, twi_generation *g, tw_error *err)
{
    int64_t rows;
    *p = (projector){.g = g};
    (void) tw_seq_item_vectors(g->seq, &rows, &p->dim);
    if (!g->projects)
        return TW_OK;
    p->content = tw_alloc((size_t) tw_tower_dim(g->tower), sizeof *p->content);
    p->out = tw_alloc((size_t) p->dim, sizeof *p->out);
    p->had = tw_alloc((size_t) p->dim, sizeof *p->had);
    if (p->content != NULL && p->out != NULL && p->had != NULL)
        return TW_OK;
    return tw_fail(err, TW_ENOMEM, "vectors of an item"); /* the caller's fini frees the rest */
}

/* The model's row for the item, or where the generation projects, that of what the item is now:
 * g->items is up to date. NULL: the model knows nothing of it, neither an id nor content, and must
 * not be asked, for a score of 0 is better than many. */
static const float *vector_of(projector *p, int64_t row)
{
    const twi_generation *g = p->g;
    const int32_t known = tw_seq_item_index(g->seq, row);
    const float *v = NULL;
    int64_t rows;
    int dim;

    if (g->projects && tw_index_get(g->items, row, p->content, NULL) == TW_OK) {
        tw_seq_item_vector(g->seq, known, p->content, p->out);
        v = p->out;
    } else if (known > 0) {
        v = tw_seq_item_vectors(g->seq, &rows, &dim) + (size_t) known * (size_t) p->dim;
    }
    return v != NULL && g->content_version > 0 && twi_vector_is_zero(v, p->dim) ? NULL : v;
}

static tw_status apply_change(void *ctx, const tw_item *item, tw_error *err)
{
    projector *p = ctx;
    twi_generation *g = p->g;
    const float *v = item->live ? vector_of(p, item->row) : NULL;

    if (v == NULL) {
        tw_status st = tw_index_delete(g->next, item->row, NULL);
        return st == TW_ENOTFOUND ? TW_OK : st;
    }
    if (tw_index_has(g->next, item->row) &&
        (!g->projects || /* then its vector belongs to the model and does not change */
         (tw_index_get(g->next, item->row, p->had, NULL) == TW_OK &&
          memcmp(p->had, v, (size_t) p->dim * sizeof *v) == 0)))
        return TW_OK;
    return tw_index_put(g->next, item->row, v, err);
}

tw_status twi_replay_next(tw_engine *e, twi_generation *g, int64_t since, tw_error *err)
{
    tw_status st = TW_OK;
    projector p = {0};
    TW_TRY(projector_init(&p, g, err));
    TW_TRY(tw_store_each_change(e->store, since, apply_change, &p, err));
done:
    projector_fini(&p);
    return st;
}

void twi_count_unread(tw_engine *e, twi_generation *g)
{
    tw_store_stats s;
    tw_index_stats ix;
    if (g->items == NULL || tw_store_get_stats(e->store, &s, NULL) != TW_OK)
        return; /* the count stays as it was: it is reported, and decides nothing */
    tw_index_get_stats(g->items, &ix);
    for (int i = 0; i < s.n_models; i++) {
        if (s.models[i].model != g->towers_version)
            continue;
        const int64_t unread = s.models[i].vectors - ix.live - g->n_invalid;
        atomic_store(&g->unread, unread > 0 ? unread : 0); /* a reader's store may be newer */
    }
}

/* Replaying, rather than putting what is at hand, also mends what an earlier call could not follow.
 */
tw_status twi_follow(tw_engine *e, twi_generation *g, tw_error *err)
{
    tw_status st = TW_OK;
    int64_t newest;
    TW_TRY(tw_store_seq(e->store, &newest, err));
    if (g->items != NULL)
        TW_TRY(twi_replay_items(e, g, e->applied, err));
    if (g->next != NULL)
        TW_TRY(twi_replay_next(e, g, e->applied, err));
    e->applied = newest;
    twi_count_unread(e, g);
done:
    return st;
}

typedef struct gather {
    int64_t n;
    size_t room;
    int dim;
    int64_t *ids;
    float *vecs;
    tw_progress_fn progress; /* may be NULL */
    void *progress_ctx;
} gather;

#define GATHER_STEP 4096 /* rows between two calls of progress */

static tw_status gather_add(gather *a, int64_t row, const float *vec, tw_error *err)
{
    const tw_progress p = {.stage = "reading", .done = a->n};
    if (a->n % GATHER_STEP == 0 && a->progress != NULL && a->progress(a->progress_ctx, &p) != 0)
        return tw_fail(err, TW_ECANCELLED, "stopped after %lld vectors were read",
                       (long long) a->n);
    const size_t width = (size_t) a->dim * sizeof *vec;
    const tw_column columns[] = {TW_COLUMN(&a->ids), {&a->vecs, width}};
    tw_status st = tw_grow_columns(columns, 2, &a->room, (size_t) a->n + 1, "vectors", err);
    if (st != TW_OK)
        return st;
    a->ids[a->n] = row;
    memcpy(a->vecs + (size_t) a->n * (size_t) a->dim, vec, width);
    a->n++;
    return TW_OK;
}

static void gather_fini(gather *a)
{
    tw_free(a->ids);
    tw_free(a->vecs);
}

typedef struct gather_towers {
    gather a;
    twi_generation *g;
} gather_towers;

static tw_status gather_vector(void *ctx, const tw_store_vector_change *c, tw_error *err)
{
    gather_towers *t = ctx;
    if (is_valid(t->g, c))
        return twi_vector_is_zero(c->vec, c->dim) ? TW_OK : gather_add(&t->a, c->row, c->vec, err);
    return c->live ? note_invalid(t->g, c->row, err) : TW_OK;
}

tw_status twi_build_items(tw_engine *e, twi_generation *g, tw_progress_fn progress, void *ctx,
                          tw_error *err)
{
    tw_status st = TW_OK;
    gather_towers t = {
        .a = {.dim = tw_tower_dim(g->tower), .progress = progress, .progress_ctx = ctx}, .g = g};
    TW_TRY(tw_store_each_vector(e->store, g->towers_version, 0, gather_vector, &t, err));
    TW_TRY(tw_index_build(g->items, t.a.ids, t.a.vecs, t.a.n, progress, ctx, err));
    twi_log_unused_graph(g->items, "items");
done:
    gather_fini(&t.a);
    return st;
}

typedef struct next_call {
    projector p;
    twi_next_fn fn;
    void *ctx;
} next_call;

static tw_status give_next(void *ctx, const tw_item *item, tw_error *err)
{
    next_call *n = ctx;
    return n->fn(n->ctx, item->row, item->seq, item->live ? vector_of(&n->p, item->row) : NULL,
                 n->p.dim, err);
}

tw_status twi_each_next(tw_engine *e, twi_generation *g, twi_next_fn fn, void *ctx, tw_error *err)
{
    tw_status st = TW_OK;
    next_call n = {.fn = fn, .ctx = ctx};
    TW_TRY(projector_init(&n.p, g, err));
    TW_TRY(tw_store_each_change(e->store, 0, give_next, &n, err));
done:
    projector_fini(&n.p);
    return st;
}

typedef struct known_items {
    gather a;
    projector p;
} known_items;

static tw_status gather_known(void *ctx, const tw_item *item, tw_error *err)
{
    known_items *k = ctx;
    const float *v = vector_of(&k->p, item->row);
    return v == NULL ? TW_OK : gather_add(&k->a, item->row, v, err);
}

tw_status twi_build_next(tw_engine *e, twi_generation *g, tw_progress_fn progress, void *ctx,
                         tw_error *err)
{
    tw_status st = TW_OK;
    known_items k = {.a = {.progress = progress, .progress_ctx = ctx}};
    TW_TRY(projector_init(&k.p, g, err));
    k.a.dim = k.p.dim;
    TW_TRY(tw_store_each_item(e->store, 0, gather_known, &k, err));
    TW_TRY(tw_index_build(g->next, k.a.ids, k.a.vecs, k.a.n, progress, ctx, err));
    twi_log_unused_graph(g->next, "next");
done:
    gather_fini(&k.a);
    projector_fini(&k.p);
    return st;
}
