/* Opening and closing a data directory. */
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/versions.h"
#include "nn/blas.h"

/* One writer process per directory: the kernel drops the lock with the process, however it ends.
 * The process id inside is for the message only. */
static tw_status take_lock(tw_engine *e, tw_error *err)
{
    char path[TW_PATH_MAX], pid[32] = "";
    tw_status st = tw_path_join(path, e->dir, "lock", err);
    if (st != TW_OK)
        return st;
    e->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644); // banned-ok: to write
    if (e->lock_fd < 0)
        return tw_fail_errno(err, "cannot open '%s'", path);
    if (flock(e->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = pread(e->lock_fd, pid, sizeof pid - 1, 0);
        pid[n > 0 ? n : 0] = '\0';
        pid[strcspn(pid, "\n")] = '\0';
        return tw_fail(err, TW_EBUSY,
                       "'%s' is being written by process %s; stop it, or ask it with --connect",
                       e->dir, pid[0] != '\0' ? pid : "(unknown)");
    }
    int len = snprintf(pid, sizeof pid, "%ld\n", (long) getpid());
    if (ftruncate(e->lock_fd, 0) != 0 || pwrite(e->lock_fd, pid, (size_t) len, 0) != len)
        return tw_fail_errno(err, "cannot write '%s'", path);
    return TW_OK;
}

static tw_status open_store(tw_engine *e, tw_error *err)
{
    char path[TW_PATH_MAX];
    tw_status st = tw_path_join(path, e->dir, "twindex.db", err);
    if (st != TW_OK)
        return st;
    if (!tw_file_exists(path)) {
        return tw_fail(err, TW_ENOTFOUND,
                       "'%s' is no twindex directory; make one with: twindex init %s", e->dir,
                       e->dir);
    }
    return tw_store_open(&e->store, path,
                         e->mode == TW_ENGINE_WRITE ? TW_STORE_WRITE : TW_STORE_READ, err);
}

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
    if (st == TW_ECORRUPT) { /* the store is sound without it */
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

tw_status tw_engine_open(tw_engine **out, const char *dir, const tw_engine_options *opt,
                         tw_error *err)
{
    static const tw_engine_options defaults = {0};
    tw_status st = TW_OK;

    *out = NULL;
    if (opt == NULL)
        opt = &defaults;
    size_t len = strlen(dir);
    if (len == 0 || len >= TW_PATH_MAX - 64)
        return tw_fail(err, TW_EINVAL, "directory name of %zu bytes is outside 1..%d", len,
                       TW_PATH_MAX - 65);
    tw_engine *e = tw_alloc(1, sizeof *e);
    if (e == NULL)
        return tw_fail(err, TW_ENOMEM, "engine");
    memcpy(e->dir, dir, len + 1);
    e->mode = opt->mode;
    e->threads = opt->threads;
    e->exact_below = opt->exact_below;
    e->lock_fd = -1;
    e->popular_events = -1;
    (void) pthread_mutex_init(&e->bulk, NULL);
    (void) pthread_mutex_init(&e->writer, NULL);
    (void) pthread_mutex_init(&e->saving, NULL);
    (void) pthread_mutex_init(&e->lock, NULL);
    (void) pthread_mutex_init(&e->popular_lock, NULL);
    (void) pthread_mutex_init(&e->keeper_lock, NULL);
    (void) pthread_cond_init(&e->keeper_wake, NULL);
    tw_blas_single_thread();
    tw_index_single_thread();

    TW_TRY(open_store(e, err));
    if (e->mode == TW_ENGINE_WRITE)
        TW_TRY(take_lock(e, err));
    TW_TRY(open_generation(e, opt, err));
    if (e->mode == TW_ENGINE_WRITE) {
        twi_sweep(e);
        twi_keeper_start(e);
    }
    *out = e;
    e = NULL;
done:
    tw_engine_close(e);
    return st;
}

void tw_engine_close(tw_engine *e)
{
    if (e == NULL)
        return;
    twi_keeper_stop(e);
    if (e->current != NULL) {
        if (e->mode == TW_ENGINE_WRITE && e->lock_fd >= 0)
            (void) !twi_snapshot(e, NULL); /* derived: the next open can do without */
        twi_generation_free(e->current);
    }
    tw_store_close(e->store);
    if (e->lock_fd >= 0)
        (void) close(e->lock_fd);
    tw_free(e->popular);
    tw_free(e->event_counts);
    (void) pthread_cond_destroy(&e->keeper_wake);
    (void) pthread_mutex_destroy(&e->keeper_lock);
    (void) pthread_mutex_destroy(&e->popular_lock);
    (void) pthread_mutex_destroy(&e->lock);
    (void) pthread_mutex_destroy(&e->saving);
    (void) pthread_mutex_destroy(&e->writer);
    (void) pthread_mutex_destroy(&e->bulk);
    tw_free(e);
}

tw_status twi_need_write(const tw_engine *e, tw_error *err)
{
    if (e->mode == TW_ENGINE_WRITE)
        return TW_OK;
    return tw_fail(err, TW_EDENIED, "'%s' was opened for reading only", e->dir);
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
        out->seq_content = g->content_version > 0;
        out->seq_content_live = g->projects;
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
