/* Opening and closing a data directory. */
#include "engine/engine.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "engine/directory.h"
#include "engine/engine_state.h"
#include "engine/generation.h"
#include "engine/generation_open.h"
#include "engine/models/registry.h"
#include "engine/models/sweep.h"
#include "engine/snapshot.h"
#include "nn/blas.h"

static tw_status open_generation(tw_engine *e, const tw_engine_options *opt, tw_error *err)
{
    tw_status st = TW_OK;
    twi_registry r = {0};
    twi_model_parts parts = {0};
    tw_error why = {0};

    TW_TRY(twi_registry_load(e, &r, err));
    if (r.serves == 0) {
        st = twi_generation_empty(&e->current, err);
        goto done;
    }
    st = twi_registry_parts(&r, r.serves, &parts, &why);
    if (st == TW_ECORRUPT) { /* the store is usable without it */
        tw_log(TW_LOG_ERROR, "MODEL-UNUSABLE", "model=%d reason=\"%s\"", r.serves, why.msg);
        TW_TRY(twi_generation_empty(&e->current, err));
        e->current->version = r.serves;
        memcpy(e->current->towers_problem, why.msg, sizeof why.msg);
        memcpy(e->current->seq_problem, why.msg, sizeof why.msg);
        goto done;
    }
    if (st != TW_OK) {
        st = tw_fail(err, st, "%s", why.msg);
        goto done;
    }
    st = twi_generation_load(e, r.serves, parts, opt->progress, opt->progress_ctx, &e->current,
                             &e->applied, err);
done:
    twi_registry_fini(&r);
    return st;
}

/* Damage may show as late as when the models are looked up. */
static void add_way_out(tw_status st, tw_error *err)
{
    static const char way[] = "; put twindex.db back from a copy";
    if (st != TW_ECORRUPT || err == NULL || strstr(err->msg, "copy") != NULL)
        return;
    const size_t len = strlen(err->msg);
    (void) snprintf(err->msg + len, sizeof err->msg - len, "%s", way);
}

tw_status tw_engine_open(tw_engine **out, const char *dir, const tw_engine_options *opt,
                         tw_error *err)
{
    static const tw_engine_options defaults = {0};
    tw_status st = TW_OK;

    *out = NULL;
    if (opt == NULL)
        opt = &defaults;
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/')
        len--; /* so that messages can name its files without it */
    if (len == 0 || len >= TW_PATH_MAX - 64)
        return tw_fail(err, TW_EINVAL, "directory name of %zu bytes is outside 1..%d", len,
                       TW_PATH_MAX - 65);
    tw_engine *e = tw_alloc(1, sizeof *e);
    if (e == NULL)
        return tw_fail(err, TW_ENOMEM, "engine");
    memcpy(e->dir, dir, len); /* zeroed behind */
    e->mode = opt->mode;
    e->threads = opt->threads;
    e->exact_below = opt->exact_below;
    e->lock_fd = e->dir_fd = -1;
    twi_popularity_init(&e->popularity);
    twi_maintenance_init(&e->maintenance);
    (void) pthread_mutex_init(&e->bulk, NULL);
    (void) pthread_mutex_init(&e->writer, NULL);
    (void) pthread_mutex_init(&e->saving, NULL);
    (void) pthread_mutex_init(&e->lock, NULL);
    tw_blas_single_thread();
    tw_index_single_thread();

    TW_TRY(twi_directory_open(e, err));
    TW_TRY(twi_store_open(&e->store, e->dir,
                          e->mode == TW_ENGINE_WRITE ? TW_STORE_WRITE : TW_STORE_READ, err));
    if (e->mode == TW_ENGINE_WRITE) {
        TW_TRY(twi_directory_lock(e, err));
        TW_TRY(twi_directory_folders(e, err));
    }
    TW_TRY(open_generation(e, opt, err));
    if (e->mode == TW_ENGINE_WRITE) {
        twi_sweep(e);
        twi_maintenance_start(e);
    }
    *out = e;
    e = NULL;
done:
    tw_engine_close(e);
    add_way_out(st, err);
    return st;
}

void tw_engine_close(tw_engine *e)
{
    if (e == NULL)
        return;
    twi_maintenance_stop(e);
    if (e->current != NULL) {
        if (e->mode == TW_ENGINE_WRITE && e->lock_fd >= 0)
            (void) !twi_snapshot(e, NULL); /* derived: the next open can do without */
        twi_generation_free(e->current);
    }
    tw_store_close(e->store);
    if (e->lock_fd >= 0)
        (void) close(e->lock_fd);
    if (e->dir_fd >= 0)
        (void) close(e->dir_fd);
    twi_popularity_fini(&e->popularity);
    twi_maintenance_fini(&e->maintenance);
    (void) pthread_mutex_destroy(&e->lock);
    (void) pthread_mutex_destroy(&e->saving);
    (void) pthread_mutex_destroy(&e->writer);
    (void) pthread_mutex_destroy(&e->bulk);
    tw_free(e);
}

tw_status tw_engine_stats_get(tw_engine *e, tw_engine_stats *out, tw_error *err)
{
    tw_store_stats s;
    *out = (tw_engine_stats){0};
    tw_status st = tw_store_get_stats(e->store, &s, err);
    if (st != TW_OK)
        return st;
    *out = (tw_engine_stats){.items = s.items,
                             .deleted_items = s.deleted,
                             .users = s.users,
                             .events = s.events,
                             .seq = s.seq,
                             .store_bytes = s.file_bytes};
    twi_generation *g = twi_acquire(e);
    tw_index_stats ix;
    out->model = g->version;
    if (g->items != NULL) {
        tw_index_get_stats(g->items, &ix);
        out->has_towers = true;
        out->tower_dim = tw_index_dim(g->items);
        out->indexed = ix.live;
        out->unread = atomic_load(&g->unread);
        out->delta = ix.delta_rows;
        out->dead = ix.dead_rows;
        out->index_bytes = ix.bytes;
        out->tower_recall = ix.recall;
        out->tower_lacks_graph = ix.lacks_graph;
        (void) snprintf(out->tower_index, sizeof out->tower_index, "%s", ix.kind);
    }
    if (g->next != NULL) {
        tw_index_get_stats(g->next, &ix);
        out->has_seq = true;
        out->seq_dim = tw_index_dim(g->next);
        out->seq_items = tw_seq_model_items(g->seq);
        out->seq_users = tw_seq_model_users(g->seq);
        out->seq_indexed = ix.live;
        out->seq_item_features = g->content_version > 0;
        out->seq_item_features_live = g->projects;
        out->index_bytes += ix.bytes;
        out->seq_recall = ix.recall;
        out->seq_lacks_graph = ix.lacks_graph;
        (void) snprintf(out->seq_index, sizeof out->seq_index, "%s", ix.kind);
    }
    (void) snprintf(out->towers_problem, sizeof out->towers_problem, "%.255s", g->towers_problem);
    (void) snprintf(out->seq_problem, sizeof out->seq_problem, "%.255s", g->seq_problem);
    twi_release(e, g);
    return TW_OK;
}
