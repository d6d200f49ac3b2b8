/* The handle: its life, single writes, what it knows of itself. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "index/index_codes.h"
#include "index/index_delta.h"
#include "index/index_graph.h"
#include "index/index_kernel.h"
#include "index/index_main.h"
#include "index/index_map.h"
#include "index/index_state.h"

/* ---- configuration --------------------------------------------------------------------------- */

static tw_status in_range(const char *name, int64_t value, int64_t low, int64_t high, tw_error *err)
{
    if (value >= low && value <= high)
        return TW_OK;
    return tw_fail(err, TW_EINVAL, "%s %lld is outside %lld..%lld", name, (long long) value,
                   (long long) low, (long long) high);
}

/* A coded scan of that many numbers takes a fraction of a millisecond and misses nothing, which a
 * graph of trained vectors does, and takes minutes to build. */
static int64_t exact_below(int dim)
{
    const int64_t rows = dim > 0 && twi_codes_pay() ? TWI_DEFAULT_EXACT_NUMBERS / dim : 0;
    return rows > TWI_DEFAULT_EXACT_BELOW ? rows : TWI_DEFAULT_EXACT_BELOW;
}

static void fill_defaults(tw_index_config *cfg)
{
    if (cfg->exact_below == 0)
        cfg->exact_below = cfg->factory != NULL ? 1 : exact_below(cfg->dim);
    if (cfg->ef_search == 0)
        cfg->ef_search = TWI_DEFAULT_EF;
    if (cfg->ef_construction == 0)
        cfg->ef_construction = TWI_DEFAULT_CONSTRUCTION;
    if (cfg->merge_rows == 0)
        cfg->merge_rows = TWI_DEFAULT_MERGE_ROWS;
    if (cfg->merge_share == 0)
        cfg->merge_share = TWI_DEFAULT_MERGE_SHARE;
    if (cfg->build_threads == 0)
        cfg->build_threads = 1;
    if (cfg->least_recall == 0)
        cfg->least_recall = TWI_DEFAULT_LEAST_RECALL;
}

static tw_status check_config(const tw_index_config *cfg, tw_error *err)
{
    tw_status st = TW_OK;

    TW_TRY(in_range("dim", cfg->dim, 1, TW_INDEX_MAX_DIM, err));
    TW_TRY(in_range("exact_below", cfg->exact_below, 1, INT64_MAX, err));
    TW_TRY(in_range("ef_search", cfg->ef_search, 1, TW_INDEX_MAX_EF, err));
    TW_TRY(in_range("ef_construction", cfg->ef_construction, 1, TW_INDEX_MAX_EF, err));
    TW_TRY(in_range("merge_rows", cfg->merge_rows, 1, INT64_MAX, err));
    TW_TRY(in_range("build_threads", cfg->build_threads, 1, 64, err));
    if (!(cfg->least_recall > 0 && cfg->least_recall <= 1))
        st = tw_fail(err, TW_EINVAL, "least_recall %g is outside 0..1", cfg->least_recall);
    else if (!(cfg->merge_share > 0))
        st = tw_fail(err, TW_EINVAL, "merge_share %g is not above 0", cfg->merge_share);
    else if (cfg->factory != NULL && strlen(cfg->factory) >= TW_INDEX_KIND_MAX)
        st = tw_fail(err, TW_EINVAL, "factory string has %zu characters, the most is %d",
                     strlen(cfg->factory), TW_INDEX_KIND_MAX - 1);
done:
    return st;
}

/* ---- states ---------------------------------------------------------------------------------- */

tw_status twi_state_create(twi_state **out, int dim, tw_error *err)
{
    *out = NULL;
    twi_state *s = tw_alloc(1, sizeof *s);
    if (s == NULL)
        return tw_fail(err, TW_ENOMEM, "index state");
    s->refs = 1;
    s->main.dim = dim;
    (void) snprintf(s->main.kind, sizeof s->main.kind, "exact");
    twi_delta_init(&s->delta, dim);
    tw_status st = twi_map_init(&s->map, err);
    if (st != TW_OK) {
        twi_state_destroy(s);
        return st;
    }
    *out = s;
    return TW_OK;
}

void twi_state_destroy(twi_state *s)
{
    if (s == NULL)
        return;
    twi_main_fini(&s->main);
    twi_delta_fini(&s->delta);
    twi_map_fini(&s->map);
    tw_free(s);
}

tw_status twi_state_map_main(twi_state *s, tw_error *err)
{
    for (int64_t i = 0; i < s->main.n; i++) {
        const int64_t id = s->main.ids[i];
        if (s->main.deleted[i] != 0)
            continue;
        tw_status st = twi_map_reserve(&s->map, id, err);
        if (st != TW_OK)
            return st;
        if (twi_map_get(&s->map, id) != 0)
            return tw_fail(err, TW_EINVAL, "id %lld is there twice", (long long) id);
        twi_map_set(&s->map, id, (twi_loc) (i + 1));
        s->live++;
    }
    return TW_OK;
}

/* Drops one reference; the last one out frees, outside the lock. */
static void state_drop(twi_hub *hub, twi_state *s)
{
    (void) pthread_mutex_lock(&hub->swap_lock);
    const bool last = --s->refs == 0;
    (void) pthread_mutex_unlock(&hub->swap_lock);
    if (last)
        twi_state_destroy(s);
}

void twi_state_swap(tw_index *ix, twi_state *s)
{
    twi_hub *hub = ix->hub;
    (void) pthread_mutex_lock(&hub->swap_lock);
    twi_state *old = hub->state;
    hub->state = s;
    (void) pthread_mutex_unlock(&hub->swap_lock);
    (void) __atomic_add_fetch(&hub->merges, 1, __ATOMIC_RELAXED);
    state_drop(hub, old);
}

twi_view twi_view_take(const tw_index *ix)
{
    twi_hub *hub = ix->hub;
    (void) pthread_mutex_lock(&hub->swap_lock);
    /* Both under the lock: a version newer than a swap must not meet the state before it. */
    twi_view v = {.state = hub->state, .version = __atomic_load_n(&hub->version, __ATOMIC_ACQUIRE)};
    v.state->refs++;
    (void) pthread_mutex_unlock(&hub->swap_lock);
    return v;
}

void twi_view_drop(const tw_index *ix, twi_view v) { state_drop(ix->hub, v.state); }

/* ---- life ------------------------------------------------------------------------------------ */

static tw_status hub_create(twi_hub **out, int dim, tw_error *err)
{
    *out = NULL;
    twi_hub *hub = tw_alloc(1, sizeof *hub);
    if (hub == NULL)
        return tw_fail(err, TW_ENOMEM, "index handle");
    tw_status st = twi_state_create(&hub->state, dim, err);
    if (st != TW_OK) {
        tw_free(hub);
        return st;
    }
    (void) pthread_mutex_init(&hub->write_lock, NULL);
    (void) pthread_mutex_init(&hub->swap_lock, NULL);
    *out = hub;
    return TW_OK;
}

tw_status tw_index_create(tw_index **out, const tw_index_config *cfg, tw_error *err)
{
    tw_status st = TW_OK;
    tw_index *ix = NULL;
    tw_index_config full = *cfg;

    *out = NULL;
    fill_defaults(&full);
    TW_TRY(check_config(&full, err));
    ix = tw_alloc(1, sizeof *ix);
    if (ix == NULL) {
        st = tw_fail(err, TW_ENOMEM, "index handle");
        goto done;
    }
    ix->cfg = full;
    if (full.factory != NULL) {
        memcpy(ix->factory, full.factory, strlen(full.factory) + 1);
        ix->cfg.factory = ix->factory;
    }
    ix->scores = twi_scores_pick();
    TW_TRY(hub_create(&ix->hub, full.dim, err));

    *out = ix;
    ix = NULL;
done:
    tw_index_destroy(ix);
    return st;
}

void tw_index_destroy(tw_index *ix)
{
    if (ix == NULL)
        return;
    if (ix->hub != NULL) {
        assert(ix->hub->state->refs == 1);
        twi_state_destroy(ix->hub->state);
        (void) pthread_mutex_destroy(&ix->hub->write_lock);
        (void) pthread_mutex_destroy(&ix->hub->swap_lock);
        tw_free(ix->hub);
    }
    tw_free(ix);
}

/* ---- single writes --------------------------------------------------------------------------- */

static tw_status check_id(int64_t id, tw_error *err)
{
    return in_range("id", id, 1, TW_INDEX_MAX_ID, err);
}

/* Marks the row at loc deleted as of `version`. The caller holds write_lock. */
static void mark_deleted(twi_state *s, twi_loc loc, uint64_t version)
{
    if (loc > 0) {
        __atomic_store_n(&s->main.deleted[loc - 1], version, __ATOMIC_RELAXED);
        (void) __atomic_add_fetch(&s->main.dead, 1, __ATOMIC_RELAXED);
    } else if (loc < 0) {
        const int64_t row = -(int64_t) loc - 1;
        twi_chunk *c = twi_delta_chunk(&s->delta, row);
        __atomic_store_n(&c->deleted[row & (TWI_CHUNK_ROWS - 1)], version, __ATOMIC_RELAXED);
    }
}

tw_status tw_index_put(tw_index *ix, int64_t id, const float *vec, tw_error *err)
{
    tw_status st = TW_OK;
    twi_hub *hub = ix->hub;

    int64_t bad = twi_first_unusable(vec, ix->cfg.dim);
    if (bad >= 0)
        return tw_fail(err, TW_EINVAL, "vector of id %lld has %g at position %lld", (long long) id,
                       (double) vec[bad], (long long) bad);
    st = check_id(id, err);
    if (st != TW_OK)
        return st;

    (void) pthread_mutex_lock(&hub->write_lock);
    twi_state *s = hub->state;
    TW_TRY(twi_map_reserve(&s->map, id, err));
    TW_TRY(twi_delta_reserve(&s->delta, err));

    /* From here nothing fails, and no reader sees it before the version is out. */
    const uint64_t version = hub->version + 1;
    const twi_loc old = twi_map_get(&s->map, id);
    const int64_t row = twi_delta_append(&s->delta, id, vec, version);
    mark_deleted(s, old, version);
    twi_map_set(&s->map, id, (twi_loc) (-row - 1));
    if (old == 0)
        (void) __atomic_add_fetch(&s->live, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&hub->version, version, __ATOMIC_RELEASE);
done:
    (void) pthread_mutex_unlock(&hub->write_lock);
    return st;
}

tw_status tw_index_delete(tw_index *ix, int64_t id, tw_error *err)
{
    tw_status st = TW_OK;
    twi_hub *hub = ix->hub;

    (void) pthread_mutex_lock(&hub->write_lock);
    twi_state *s = hub->state;
    const twi_loc old = twi_map_get(&s->map, id);
    if (old == 0) {
        st = tw_fail(err, TW_ENOTFOUND, "the index has no id %lld", (long long) id);
        goto done;
    }
    const uint64_t version = hub->version + 1;
    mark_deleted(s, old, version);
    twi_map_set(&s->map, id, 0);
    (void) __atomic_sub_fetch(&s->live, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&hub->version, version, __ATOMIC_RELEASE);
done:
    (void) pthread_mutex_unlock(&hub->write_lock);
    return st;
}

/* ---- what it knows --------------------------------------------------------------------------- */

tw_status tw_index_get(const tw_index *ix, int64_t id, float *vec, tw_error *err)
{
    tw_status st = TW_OK;
    twi_view v = twi_view_take(ix);
    const twi_loc loc = twi_map_get(&v.state->map, id);

    if (loc == 0)
        st = tw_fail(err, TW_ENOTFOUND, "the index has no id %lld", (long long) id);
    else {
        memcpy(vec,
               loc > 0 ? twi_main_vec(&v.state->main, loc - 1)
                       : twi_delta_vec(&v.state->delta, -(int64_t) loc - 1),
               (size_t) ix->cfg.dim * sizeof *vec);
    }
    twi_view_drop(ix, v);
    return st;
}

int tw_index_dim(const tw_index *ix) { return ix->cfg.dim; }

int64_t tw_index_size(const tw_index *ix)
{
    twi_view v = twi_view_take(ix);
    const int64_t live = __atomic_load_n(&v.state->live, __ATOMIC_RELAXED);
    twi_view_drop(ix, v);
    return live;
}

bool tw_index_has(const tw_index *ix, int64_t id)
{
    twi_view v = twi_view_take(ix);
    const bool has = twi_map_get(&v.state->map, id) != 0;
    twi_view_drop(ix, v);
    return has;
}

static int64_t rows_of(const twi_delta *d) { return twi_delta_count(d) - d->first; }

void tw_index_get_stats(const tw_index *ix, tw_index_stats *out)
{
    twi_view v = twi_view_take(ix);
    const twi_main *m = &v.state->main;
    const int64_t width = (int64_t) sizeof(float);
    const int64_t chunks = (twi_delta_count(&v.state->delta) + TWI_CHUNK_ROWS - 1) / TWI_CHUNK_ROWS;

    memset(out, 0, sizeof *out);
    out->live = __atomic_load_n(&v.state->live, __ATOMIC_RELAXED);
    out->main_rows = m->n;
    out->main_vectors = m->nodes;
    out->delta_rows = rows_of(&v.state->delta);
    out->dead_rows = out->main_rows + out->delta_rows - out->live;
    out->bytes = m->nodes * m->dim * width + m->n * (m->node != NULL ? 20 : 12) +
                 twi_map_bytes(&v.state->map) + chunks * (TWI_CHUNK_ROWS * (m->dim * width + 20));
    if (m->graph != NULL)
        out->bytes += twi_graph_link_bytes(m->graph);
    else if (m->codes.code != NULL)
        out->bytes += m->nodes * (m->codes.groups * 4 + 12);
    out->merges = __atomic_load_n(&ix->hub->merges, __ATOMIC_RELAXED);
    out->exact = m->graph == NULL;
    out->recall = m->recall;
    out->lacks_graph = twi_main_lacks_graph(m, &ix->cfg);
    memcpy(out->kind, m->kind, sizeof out->kind);
    twi_view_drop(ix, v);
}

bool tw_index_wants_merge(const tw_index *ix)
{
    twi_view v = twi_view_take(ix);
    const twi_main *m = &v.state->main;
    const int64_t loose = rows_of(&v.state->delta) + __atomic_load_n(&m->dead, __ATOMIC_RELAXED);
    const bool wants =
        twi_main_lacks_graph(m, &ix->cfg) ||
        (loose > ix->cfg.merge_rows && (double) loose > ix->cfg.merge_share * (double) m->n);
    twi_view_drop(ix, v);
    return wants;
}
