/* Whole contents: the bulk build, and the merge of delta into a new main.
 *
 * A merge notes the version, builds without any lock from the rows that lived then, and swaps under
 * the write lock: what was deleted meanwhile is marked dead in the new main, what was created
 * meanwhile lies in chunks that the new state shares.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "index/index_delta.h"
#include "index/index_kernel.h"
#include "index/index_main.h"
#include "index/index_map.h"
#include "index/index_state.h"

/* ---- build ----------------------------------------------------------------------------------- */

typedef struct entry {
    int32_t id;
    twi_loc loc; /* where the row is now, as in the map; in a build: its number + 1 */
} entry;

static int by_id(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* In order of id, so that a main does not depend on how its content came about. */
static void sort_entries(entry *e, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        if (e[i - 1].id > e[i].id) {
            qsort(e, (size_t) n, sizeof *e, by_id);
            return;
        }
    }
}

typedef struct given_rows {
    const entry *entries;
    const float *vecs;
    size_t dim;
} given_rows;

static const float *given_row(const void *ctx, int64_t i)
{
    const given_rows *g = ctx;
    return g->vecs + (size_t) (g->entries[i].loc - 1) * g->dim;
}

static tw_status check_rows(const int64_t *ids, const float *vecs, int64_t n, int dim,
                            tw_error *err)
{
    if (n < 0 || n > TW_INDEX_MAX_ROWS)
        return tw_fail(err, TW_EINVAL, "%lld rows are outside 0..%lld", (long long) n,
                       (long long) TW_INDEX_MAX_ROWS);
    for (int64_t i = 0; i < n; i++) {
        if (ids[i] < 1 || ids[i] > TW_INDEX_MAX_ID)
            return tw_fail(err, TW_EINVAL, "id %lld of row %lld is outside 1..%lld",
                           (long long) ids[i], (long long) i, (long long) TW_INDEX_MAX_ID);
    }
    const int64_t bad = twi_first_unusable(vecs, n * dim);
    if (bad >= 0) {
        return tw_fail(err, TW_EINVAL, "vector of id %lld (row %lld) has %g at position %lld",
                       (long long) ids[bad / dim], (long long) (bad / dim), (double) vecs[bad],
                       (long long) (bad % dim));
    }
    return TW_OK;
}

/* main of s from n sorted entries, which are put in the order of main's rows. */
static tw_status build_main(twi_state *s, const tw_index_config *cfg, entry *entries,
                            const twi_source *src, tw_error *err)
{
    tw_status st = TW_OK;
    twi_order order = {0};
    entry *sorted = tw_alloc((size_t) src->n, sizeof *sorted);

    s->main.ids = tw_alloc((size_t) src->n, sizeof *s->main.ids);
    if (sorted == NULL || s->main.ids == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld ids", (long long) src->n);
        goto done;
    }
    TW_TRY(twi_order_rows(&order, cfg, src, err));
    memcpy(sorted, entries, (size_t) src->n * sizeof *sorted);
    for (int64_t i = 0; i < src->n; i++) {
        entries[i] = sorted[order.rows[i]];
        s->main.ids[i] = entries[i].id;
    }
    TW_TRY(twi_main_build(&s->main, cfg, src, &order, err));
done:
    tw_free(sorted);
    twi_order_fini(&order);
    return st;
}

static tw_status build_state(const tw_index *ix, twi_state **out, const int64_t *ids,
                             const float *vecs, const twi_source *how, tw_error *err)
{
    tw_status st = TW_OK;
    twi_state *s = NULL;
    twi_source src = *how;
    tw_index_config cfg = ix->cfg;

    if (cfg.defer_graph)
        cfg.factory = "Flat";
    entry *entries = tw_alloc((size_t) src.n, sizeof *entries);
    if (entries == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld rows", (long long) src.n);
        goto done;
    }
    for (int64_t i = 0; i < src.n; i++)
        entries[i] = (entry){.id = (int32_t) ids[i], .loc = (twi_loc) (i + 1)};
    sort_entries(entries, src.n);
    for (int64_t i = 1; i < src.n; i++) {
        if (entries[i - 1].id == entries[i].id) {
            st = tw_fail(err, TW_EINVAL, "id %d is there twice", entries[i].id);
            goto done;
        }
    }

    const given_rows given = {.entries = entries, .vecs = vecs, .dim = (size_t) cfg.dim};
    src.row = given_row;
    src.ctx = &given;
    TW_TRY(twi_state_create(&s, cfg.dim, err));
    TW_TRY(build_main(s, &cfg, entries, &src, err));
    TW_TRY(twi_check_graph(ix, s, &src, err));
    TW_TRY(twi_state_map_main(s, err));
    *out = s;
    s = NULL;
done:
    tw_free(entries);
    twi_state_destroy(s);
    return st;
}

tw_status tw_index_build(tw_index *ix, const int64_t *ids, const float *vecs, int64_t n,
                         tw_progress_fn progress, void *ctx, tw_error *err)
{
    tw_status st = check_rows(ids, vecs, n, ix->cfg.dim, err);
    if (st != TW_OK)
        return st;

    twi_hub *hub = ix->hub;
    twi_state *s = NULL;
    twi_source src = {.n = n, .progress = progress, .progress_ctx = ctx};
    (void) pthread_mutex_lock(&hub->write_lock);
    if (hub->merging) {
        st = tw_fail(err, TW_EBUSY, "a merge is running");
        goto done;
    }
    TW_TRY(build_state(ix, &s, ids, vecs, &src, err));
    twi_state_swap(ix, s);
done:
    (void) pthread_mutex_unlock(&hub->write_lock);
    return st;
}

/* ---- merge ------------------------------------------------------------------------------------
 */

typedef struct live_rows {
    const twi_state *state;
    const entry *entries;
} live_rows;

static const float *live_row(const void *ctx, int64_t i)
{
    const live_rows *l = ctx;
    const twi_loc loc = l->entries[i].loc;
    return loc > 0 ? twi_main_vec(&l->state->main, loc - 1)
                   : twi_delta_vec(&l->state->delta, -(int64_t) loc - 1);
}

/* The version at which the row at loc was deleted; 0: it lives. */
static uint64_t deletion_of(const twi_state *s, twi_loc loc)
{
    if (loc > 0)
        return __atomic_load_n(&s->main.deleted[loc - 1], __ATOMIC_RELAXED);
    const int64_t row = -(int64_t) loc - 1;
    const twi_chunk *c = twi_delta_chunk(&s->delta, row);
    return __atomic_load_n(&c->deleted[row & (TWI_CHUNK_ROWS - 1)], __ATOMIC_RELAXED);
}

/* What the view sees, in order of id. entries has room for all rows of main and delta up to count.
 */
static int64_t collect(entry *entries, twi_view v, int64_t count)
{
    const twi_main *m = &v.state->main;
    const twi_delta *d = &v.state->delta;
    int64_t n = 0;

    for (int64_t i = 0; i < m->n; i++)
        if (twi_main_sees(m, i, v.version))
            entries[n++] = (entry){.id = m->ids[i], .loc = (twi_loc) (i + 1)};
    for (int64_t i = d->first; i < count; i++) {
        if (twi_delta_sees(d, i, v.version))
            entries[n++] = (entry){.id = twi_delta_chunk(d, i)->ids[i & (TWI_CHUNK_ROWS - 1)],
                                   .loc = (twi_loc) (-i - 1)};
    }
    sort_entries(entries, n);
    return n;
}

/* A merge under way. */
typedef struct merge {
    twi_view view; /* what it merges; count is delta's at that version */
    int64_t count;
    entry *entries; /* (n) in the order of next's main once that is built */
    int64_t n;
    twi_state *next;
} merge;

/* Brings next up to now: deletions since the view, and the rows of delta created since. The caller
 * holds write_lock. On failure next is of no use. */
static tw_status catch_up(merge *f, tw_error *err)
{
    twi_state *s = f->next;
    const twi_state *old = f->view.state;
    int64_t shift;

    for (int64_t i = 0; i < f->n; i++) {
        const uint64_t deleted = deletion_of(old, f->entries[i].loc);
        if (deleted == 0)
            continue;
        s->main.deleted[i] = deleted;
        s->main.dead++;
        twi_map_set(&s->map, f->entries[i].id, 0);
        s->live--;
    }
    tw_status st = twi_delta_share(&s->delta, &old->delta, f->count, &shift, err);
    if (st != TW_OK)
        return st;
    for (int64_t row = s->delta.first; row < s->delta.count; row++) {
        if (deletion_of(s, (twi_loc) (-row - 1)) != 0)
            continue;
        const int64_t id = twi_delta_chunk(&s->delta, row)->ids[row & (TWI_CHUNK_ROWS - 1)];
        st = twi_map_reserve(&s->map, id, err);
        if (st != TW_OK)
            return st;
        twi_map_set(&s->map, id, (twi_loc) (-row - 1));
        s->live++;
    }
    return TW_OK;
}

/* Takes a view, and the right to merge it unless another merge has that. */
static tw_status begin(tw_index *ix, merge *f, tw_error *err)
{
    tw_status st = TW_OK;
    twi_hub *hub = ix->hub;

    (void) pthread_mutex_lock(&hub->write_lock);
    f->view = twi_view_take(ix);
    f->count = twi_delta_count(&f->view.state->delta);
    if (hub->merging)
        st = tw_fail(err, TW_EBUSY, "a merge is running");
    hub->merging = true;
    (void) pthread_mutex_unlock(&hub->write_lock);
    return st;
}

static tw_status finish(tw_index *ix, merge *f, tw_error *err)
{
    (void) pthread_mutex_lock(&ix->hub->write_lock);
    tw_status st = catch_up(f, err);
    if (st == TW_OK) {
        twi_state_swap(ix, f->next);
        f->next = NULL;
    }
    (void) pthread_mutex_unlock(&ix->hub->write_lock);
    return st;
}

tw_status tw_index_merge(tw_index *ix, tw_progress_fn progress, void *ctx, tw_error *err)
{
    tw_status st = TW_OK;
    merge f = {0};

    st = begin(ix, &f, err);
    if (st != TW_OK) {
        twi_view_drop(ix, f.view);
        return st;
    }

    const size_t room = (size_t) (f.view.state->main.n + f.count);
    f.entries = tw_alloc(room, sizeof *f.entries);
    if (f.entries == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%zu rows", room);
        goto done;
    }
    f.n = collect(f.entries, f.view, f.count);
    const live_rows live = {.state = f.view.state, .entries = f.entries};
    twi_source src = {
        .n = f.n, .row = live_row, .ctx = &live, .progress = progress, .progress_ctx = ctx};
    TW_TRY(twi_state_create(&f.next, ix->cfg.dim, err));
    TW_TRY(build_main(f.next, &ix->cfg, f.entries, &src, err));
    TW_TRY(twi_check_graph(ix, f.next, &src, err));
    TW_TRY(twi_state_map_main(f.next, err));
    TW_TRY(finish(ix, &f, err));
done:
    tw_free(f.entries);
    twi_state_destroy(f.next);
    twi_view_drop(ix, f.view);
    (void) pthread_mutex_lock(&ix->hub->write_lock);
    ix->hub->merging = false;
    (void) pthread_mutex_unlock(&ix->hub->write_lock);
    return st;
}
