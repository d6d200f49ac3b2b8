/* Whether the stored vectors can be, and the index snapshots are what the store holds.
 *
 * A snapshot is up to a sequence number and may hold a part of what came later, so of an item that
 * changed since nothing is reported. The store is read after the snapshot, so it is not behind it.
 */
#include "engine/check_index.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "engine/engine_state.h"
#include "engine/follow.h"
#include "engine/snapshot.h"
#include "engine/vectors.h"

#define REBUILT "delete the file, the next command that opens the directory for writing rebuilds it"

enum { NAMED = 20 }; /* damaged vectors that are named one by one */

typedef struct snapshot {
    tw_index *ix; /* NULL: there is none, or it is of no use */
    int64_t seq;
    char path[TW_PATH_MAX];
} snapshot;

typedef struct comparison {
    tw_engine *e;
    const twi_generation *g;
    twi_findings *f;
    int dim;                /* of the towers' vectors; 0: there are none */
    float *had;             /* (TW_ENGINE_MAX_DIM) */
    const snapshot *s;      /* what is compared */
    int64_t least;          /* the lower number of the two snapshots */
    unsigned char *changed; /* (room) by row: 1 its vector came after `least` */
    size_t room;
    int64_t invalid;
    int64_t known;                       /* ids of the snapshot that the store knows, too */
    int64_t missing, different, deleted; /* of rows that did not change since */
} comparison;

/* How wide the vectors of the active models are; 0: there is no such model, or it is unknown. */
static tw_status find_dims(comparison *c, int *items, int *next, tw_error *err)
{
    int64_t rows;
    *items = *next = 0;
    if (c->g->seq != NULL)
        (void) tw_seq_item_vectors(c->g->seq, &rows, next);
    if (c->g->tower != NULL)
        *items = tw_tower_dim(c->g->tower);
    else if (c->g->towers_version > 0)
        return tw_store_vector_dim(c->e->store, c->g->towers_version, items, err);
    return TW_OK;
}

static tw_status load_once(comparison *c, const char *kind, int version, int dim, snapshot *s,
                           const char **unfit, tw_error *err)
{
    tw_index_snapshot info;
    tw_error why = {0};
    const tw_index_config cfg = {.dim = dim};

    tw_index_destroy(s->ix);
    s->ix = NULL;
    *unfit = NULL;
    tw_status st = tw_index_load(&s->ix, &cfg, s->path, &info, &why);
    if (st == TW_OK) {
        s->seq = info.seq;
        return twi_snapshot_unfit(c->e, c->g, kind, version, info.tag, unfit, err);
    }
    if (st == TW_ENOMEM)
        return tw_fail(err, st, "index '%s'", s->path);
    if (st != TW_ENOTFOUND) /* it is derived, and may be missing */
        twi_findings_add(c->f, s->path, why.msg, REBUILT);
    return TW_OK;
}

/* *s has no index where there is nothing to compare; damage is a finding. A snapshot that the store
 * does not know may have been replaced since it was read, so it is read again. One of other models
 * was saved before these came, and will not be used. */
static tw_status load(comparison *c, const char *kind, int version, int dim, snapshot *s,
                      tw_error *err)
{
    enum { TRIES = 5 };
    const char *unfit = "";

    if (version == 0 || dim == 0)
        return TW_OK;
    tw_status st = twi_index_path(c->e, kind, version, s->path, err);
    for (int i = 0; i < TRIES && st == TW_OK && unfit != NULL; i++)
        st = load_once(c, kind, version, dim, s, &unfit, err);
    if (st != TW_OK || unfit == NULL)
        return st;
    if (strcmp(unfit, TWI_OF_OTHER_MODELS) != 0) {
        char what[64];
        (void) snprintf(what, sizeof what, "it is %s", unfit);
        twi_findings_add(c->f, s->path, what, REBUILT);
    }
    tw_index_destroy(s->ix);
    s->ix = NULL;
    return TW_OK;
}

/* ---- items ----------------------------------------------------------------------------------- */

static tw_status note_changed(comparison *c, int64_t row, tw_error *err)
{
    tw_status st = tw_grow_zeroed(&c->changed, &c->room, (size_t) row + 1, "marks of items", err);
    if (st != TW_OK)
        return st;
    c->changed[row] = 1;
    return TW_OK;
}

static tw_status note_invalid(comparison *c, int64_t row, tw_error *err)
{
    tw_item_name name;
    tw_text text;

    if (++c->invalid > NAMED)
        return TW_OK;
    tw_text_init(&text, TW_STORE_MAX_ID + TW_STORE_MAX_TITLE + 2);
    tw_status st = tw_store_names(c->e->store, &row, 1, &name, &text, err);
    if (st == TW_OK) {
        char what[TW_STORE_MAX_ID + 32];
        (void) snprintf(what, sizeof what, "item '%s'", name.id);
        twi_findings_add(
            c->f, what, "its stored vector is damaged",
            "put the item again; or delete index/, and the next command that opens the "
            "directory for writing embeds it anew");
    }
    tw_text_fini(&text);
    return st;
}

/* What the snapshot has of a row that did not change since: it should be `vec`; NULL: nothing. */
static void compare(comparison *c, int64_t row, const float *vec, int dim)
{
    if (tw_index_get(c->s->ix, row, c->had, NULL) != TW_OK)
        c->missing += vec != NULL && !twi_vector_is_zero(vec, dim);
    else if (vec == NULL)
        c->deleted++;
    else
        c->different += memcmp(c->had, vec, (size_t) dim * sizeof *vec) != 0;
}

static tw_status see_vector(void *ctx, const tw_store_vector_change *v, tw_error *err)
{
    comparison *c = ctx;
    tw_status st = TW_OK;
    const bool valid = v->live && v->dim == c->dim && twi_vector_valid(v->vec, v->dim);

    if (v->live && !valid)
        TW_TRY(note_invalid(c, v->row, err));
    if (v->seq > c->least)
        TW_TRY(note_changed(c, v->row, err));
    if (c->s->ix == NULL)
        goto done;
    c->known += tw_index_has(c->s->ix, v->row);
    if (v->seq <= c->s->seq && valid == v->live)
        compare(c, v->row, v->vec, v->dim);
done:
    return st;
}

/* ---- next ------------------------------------------------------------------------------------ */

static tw_status see_next(void *ctx, int64_t row, int64_t seq, const float *vec, int dim,
                          tw_error *err)
{
    comparison *c = ctx;
    (void) err;
    c->known += tw_index_has(c->s->ix, row);
    if (seq <= c->least && ((size_t) row >= c->room || c->changed[row] == 0))
        compare(c, row, vec, dim);
    return TW_OK;
}

/* ---- both ------------------------------------------------------------------------------------ */

static void conclude(comparison *c)
{
    const int64_t strange = tw_index_size(c->s->ix) - c->known;
    const int64_t gone = c->deleted + (strange > 0 ? strange : 0);
    char why[200];
    if (c->missing == 0 && c->different == 0 && c->deleted == 0 && strange <= 0)
        return;
    (void) snprintf(why, sizeof why,
                    "it is not an index of this store: of its items it lacks %lld, has another "
                    "vector of %lld, and holds %lld that are deleted or were never there",
                    (long long) c->missing, (long long) c->different, (long long) gone);
    twi_findings_add(c->f, c->s->path, why, REBUILT);
}

/* A snapshot that is ahead of the store is of another copy of it, and is not believed. */
static void drop_if_ahead(comparison *c, snapshot *s, int64_t newest)
{
    if (s->ix == NULL || s->seq <= newest)
        return;
    twi_findings_add(c->f, s->path, "it is newer than the store", REBUILT);
    tw_index_destroy(s->ix);
    s->ix = NULL;
}

static tw_status compare_both(comparison *c, twi_generation *g, snapshot *items, snapshot *next,
                              tw_error *err)
{
    tw_status st = TW_OK;
    c->least =
        items->ix != NULL && (next->ix == NULL || items->seq < next->seq) ? items->seq : next->seq;
    c->s = items;
    if (g->towers_version > 0)
        TW_TRY(tw_store_each_vector(c->e->store, g->towers_version, 0, see_vector, c, err));
    if (c->invalid > NAMED) {
        const long long more = c->invalid - NAMED;
        char what[64];
        (void) snprintf(what, sizeof what, "%lld more items", more);
        twi_findings_add(c->f, what, "their stored vectors are damaged", "as above");
    }
    if (items->ix != NULL)
        conclude(c);
    g->items = items->ix; /* what vector_of() reads where g projects */
    items->ix = NULL;
    if (next->ix == NULL || (g->projects && g->items == NULL) || c->invalid > 0)
        goto done;
    c->s = next;
    c->known = c->missing = c->different = c->deleted = 0;
    TW_TRY(twi_each_next(c->e, g, see_next, c, err));
    conclude(c);
done:
    return st;
}

tw_status twi_check_indexes(tw_engine *e, twi_generation *g, twi_findings *f, tw_error *err)
{
    tw_status st = TW_OK;
    snapshot *s = tw_alloc(2, sizeof *s); /* items, next */
    int64_t newest = 0;
    int next_dim;
    comparison c = {.e = e, .g = g, .f = f};

    c.had = tw_alloc((size_t) TW_ENGINE_MAX_DIM, sizeof *c.had);
    if (s == NULL || c.had == NULL) {
        st = tw_fail(err, TW_ENOMEM, "comparison of the indexes");
        goto done;
    }
    TW_TRY(find_dims(&c, &c.dim, &next_dim, err));
    TW_TRY(load(&c, "items", g->towers_version, c.dim, &s[0], err));
    TW_TRY(load(&c, "next", g->seq_version, next_dim, &s[1], err));
    TW_TRY(tw_store_seq(e->store, &newest, err)); /* behind the loads: they are not behind it */
    drop_if_ahead(&c, &s[0], newest);
    drop_if_ahead(&c, &s[1], newest);
    TW_TRY(compare_both(&c, g, &s[0], &s[1], err));
done:
    if (s != NULL) {
        tw_index_destroy(s[0].ix);
        tw_index_destroy(s[1].ix);
    }
    tw_free(s);
    tw_free(c.had);
    tw_free(c.changed);
    return st;
}
