/* Models and indexes that serve together: opened, swapped and dropped whole. */
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/log.h"
#include "engine/internal.h"

twi_generation *twi_acquire(tw_engine *e)
{
    (void) pthread_mutex_lock(&e->lock);
    twi_generation *g = e->current;
    g->refs++;
    (void) pthread_mutex_unlock(&e->lock);
    return g;
}

void twi_release(tw_engine *e, twi_generation *g)
{
    (void) pthread_mutex_lock(&e->lock);
    int left = --g->refs;
    (void) pthread_mutex_unlock(&e->lock);
    if (left == 0)
        twi_generation_free(g);
}

void twi_generation_swap(tw_engine *e, twi_generation *g)
{
    (void) pthread_mutex_lock(&e->lock);
    twi_generation *old = e->current;
    e->current = g;
    (void) pthread_mutex_unlock(&e->lock);
    twi_release(e, old);
}

tw_status twi_generation_empty(twi_generation **out, tw_error *err)
{
    *out = tw_alloc(1, sizeof **out);
    if (*out == NULL)
        return tw_fail(err, TW_ENOMEM, "generation");
    (*out)->refs = 1;
    (void) pthread_mutex_init(&(*out)->pool_lock, NULL);
    return TW_OK;
}

/* What a query is told that needs a part of the model which is not there: it was never trained, or
 * its file cannot be used and these are the ways out. */
static tw_status no_part(const tw_engine *e, const char *what, const char *kind, int version,
                         const char *problem, tw_error *err)
{
    if (problem[0] == '\0')
        return tw_fail(err, TW_ESTATE, "no %s trained yet; run: twindex train %s DIR", what, kind);
    return tw_fail(err, TW_ECORRUPT,
                   "model %d is damaged: %.200s; put the file back from a copy, go back with: "
                   "twindex rollback %.60s, or train anew with: twindex train %s %.60s",
                   version, problem, e->dir, kind, e->dir);
}

tw_status twi_no_towers(tw_engine *e, tw_error *err)
{
    twi_generation *g = twi_acquire(e);
    tw_status st = no_part(e, "towers are", "towers", g->version, g->towers_problem, err);
    twi_release(e, g);
    return st;
}

tw_status twi_no_seq(tw_engine *e, tw_error *err)
{
    twi_generation *g = twi_acquire(e);
    tw_status st = no_part(e, "sequential model is", "seq", g->version, g->seq_problem, err);
    twi_release(e, g);
    return st;
}

static void free_workspaces(twi_workspace *ws)
{
    tw_tower_session_destroy(ws->tower);
    tw_seq_session_destroy(ws->seq);
    tw_text_fini(&ws->text);
    tw_free(ws->out);
    tw_free(ws->content);
    tw_free(ws->told);
    tw_free(ws->vectors);
    tw_free(ws);
}

void twi_generation_free(twi_generation *g)
{
    if (g == NULL)
        return;
    for (twi_workspace *s = g->workspaces; s != NULL;) {
        twi_workspace *next = s->next;
        free_workspaces(s);
        s = next;
    }
    tw_index_destroy(g->items);
    tw_index_destroy(g->next);
    tw_tower_destroy(g->tower);
    tw_seq_model_destroy(g->seq);
    (void) pthread_mutex_destroy(&g->pool_lock);
    tw_free(g->unsound);
    tw_free(g);
}

static tw_status seat_for_content(const twi_generation *g, twi_workspace *s, tw_error *err)
{
    const size_t longest = (size_t) tw_seq_model_config(g->seq)->max_len;
    s->content = tw_alloc(longest, (size_t) tw_tower_dim(g->tower) * sizeof *s->content);
    s->told = tw_alloc(longest, sizeof *s->told);
    s->vectors =
        tw_alloc((size_t) TW_ENGINE_MAX_K, (size_t) tw_index_dim(g->next) * sizeof *s->vectors);
    return s->content != NULL && s->told != NULL && s->vectors != NULL
               ? TW_OK
               : tw_fail(err, TW_ENOMEM, "query memory");
}

tw_status twi_workspace_take(twi_generation *g, twi_workspace **out, tw_error *err)
{
    tw_status st = TW_OK;
    (void) pthread_mutex_lock(&g->pool_lock);
    twi_workspace *s = g->workspaces;
    if (s != NULL)
        g->workspaces = s->next;
    (void) pthread_mutex_unlock(&g->pool_lock);
    *out = s;
    if (s != NULL) {
        s->n_out = 0;
        return TW_OK;
    }

    s = tw_alloc(1, sizeof *s);
    if (s == NULL)
        return tw_fail(err, TW_ENOMEM, "query memory");
    tw_text_init(&s->text, (size_t) (TW_STORE_MAX_ID + TW_STORE_MAX_TITLE + 2) * TW_ENGINE_MAX_K);
    if (g->tower != NULL)
        TW_TRY(tw_tower_session_create(&s->tower, g->tower, err));
    if (g->seq != NULL)
        TW_TRY(tw_seq_session_create(&s->seq, g->seq, err));
    if (g->projects)
        TW_TRY(seat_for_content(g, s, err));
    *out = s;
    s = NULL;
done:
    if (s != NULL)
        free_workspaces(s);
    return st;
}

void twi_workspace_give(twi_generation *g, twi_workspace *ws)
{
    if (ws == NULL)
        return;
    (void) pthread_mutex_lock(&g->pool_lock);
    ws->next = g->workspaces;
    g->workspaces = ws;
    (void) pthread_mutex_unlock(&g->pool_lock);
}

/* ---- indexes: replay and build --------------------------------------------------------------- */

bool twi_reads_nothing(const float *vec, int dim)
{
    for (int i = 0; i < dim; i++)
        if (vec[i] != 0)
            return false;
    return true;
}

/* Whether there is a vector, and it is one of g's towers. */
static bool is_sound(const twi_generation *g, const tw_store_vector_change *c)
{
    return c->live && c->dim == tw_index_dim(g->items) && twi_vector_sound(c->vec, c->dim);
}

/* A zero vector is stored, so that the item is not embedded again and again, but near to nothing:
 * it is no row of the index. */
static tw_status apply_vector(void *ctx, const tw_store_vector_change *c, tw_error *err)
{
    twi_generation *g = ctx;
    const bool sound = is_sound(g, c);
    if (sound && !twi_reads_nothing(c->vec, c->dim))
        return tw_index_put(g->items, c->row, c->vec, err);
    tw_status st = c->live && !sound ? twi_note_unsound(g, c->row, err) : TW_OK;
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
    return v != NULL && g->content_version > 0 && twi_reads_nothing(v, p->dim) ? NULL : v;
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
        return; /* the count stays as it was: it is told, and decides nothing */
    tw_index_get_stats(g->items, &ix);
    for (int i = 0; i < s.n_models; i++) {
        if (s.models[i].model != g->towers_version)
            continue;
        const int64_t unread = s.models[i].vectors - ix.live - g->n_unsound;
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
    if (is_sound(t->g, c))
        return twi_reads_nothing(c->vec, c->dim) ? TW_OK : gather_add(&t->a, c->row, c->vec, err);
    return c->live ? twi_note_unsound(t->g, c->row, err) : TW_OK;
}

tw_status twi_build_items(tw_engine *e, twi_generation *g, tw_progress_fn progress, void *ctx,
                          tw_error *err)
{
    tw_status st = TW_OK;
    gather_towers t = {
        .a = {.dim = tw_tower_dim(g->tower), .progress = progress, .progress_ctx = ctx}, .g = g};
    TW_TRY(tw_store_each_vector(e->store, g->towers_version, 0, gather_vector, &t, err));
    TW_TRY(tw_index_build(g->items, t.a.ids, t.a.vecs, t.a.n, progress, ctx, err));
    twi_index_tell(g->items, "items");
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
    twi_index_tell(g->next, "next");
done:
    gather_fini(&k.a);
    projector_fini(&k.p);
    return st;
}
