/* Opening and closing a data directory. */
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/models/versions.h"
#include "nn/blas.h"

static bool is_where_it_was(const tw_engine *e)
{
    struct stat named, held;
    return e->dir_fd < 0 || fstat(e->dir_fd, &held) != 0 ||
           (stat(e->dir, &named) == 0 && named.st_dev == held.st_dev &&
            named.st_ino == held.st_ino);
}

/* By the name as long as it leads there, for people read it in messages; else by the descriptor,
 * where the system has such names, and to nowhere, where it has none. */
const char *twi_root(tw_engine *e)
{
    if (is_where_it_was(e))
        return e->dir;
    (void) pthread_mutex_lock(&e->lock);
    const bool told = e->told_moved;
    e->told_moved = true;
    (void) pthread_mutex_unlock(&e->lock);
    if (!told) {
        tw_log(TW_LOG_WARN, "DIR-MOVED",
               "dir=\"%s\" reason=\"renamed or replaced; this process goes on in the one that it "
               "opened\"",
               e->dir);
    }
    return e->dir_by_fd;
}

/* The directory stays the one that was opened, whatever its name means later. */
static tw_status open_dir(tw_engine *e, tw_error *err)
{
    e->dir_fd = open(e->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC); // banned-ok: a folder
    if (e->dir_fd < 0 && errno == ENOENT) {
        return tw_fail(err, TW_ENOTFOUND,
                       "'%s' is no twindex directory; make one with: twindex init %s", e->dir,
                       e->dir);
    }
    (void) snprintf(e->dir_by_fd, sizeof e->dir_by_fd, "/proc/self/fd/%d", e->dir_fd);
    return e->dir_fd >= 0 ? TW_OK : tw_fail_errno(err, "cannot open '%s'", e->dir);
}

static tw_status is_busy(const tw_engine *e, tw_error *err)
{
    char pid[32] = "";
    const ssize_t n = e->lock_fd < 0 ? 0 : pread(e->lock_fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? n : 0] = '\0';
    pid[strcspn(pid, "\n")] = '\0';
    return tw_fail(err, TW_EBUSY,
                   "'%s' is being written by process %s; stop it, or ask it with --connect", e->dir,
                   pid[0] != '\0' ? pid : "(unknown)");
}

/* One writer process per directory: the kernel drops the lock with the process, however it ends.
 * The folder itself is locked, for a file in it may be removed by somebody who tidies up; and the
 * file, which holds the process id for the message, because earlier programs lock that. */
static tw_status take_lock(tw_engine *e, tw_error *err)
{
    char path[TW_PATH_MAX], pid[32];
    struct stat sb;
    tw_status st = tw_path_join(path, e->dir, "lock", err);
    if (st != TW_OK)
        return st;
    /* banned-ok: to write; a pipe is not waited for */
    e->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644); // banned-ok: as above
    if (flock(e->dir_fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return is_busy(e, err);
    if (e->lock_fd < 0 || fstat(e->lock_fd, &sb) != 0 || !S_ISREG(sb.st_mode)) {
        return tw_fail(err, TW_EIO,
                       "'%s' is no file that can be opened; remove it, twindex makes a new one",
                       path);
    }
    if (flock(e->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return is_busy(e, err);
    const int len = snprintf(pid, sizeof pid, "%ld\n", (long) getpid());
    if (ftruncate(e->lock_fd, 0) != 0 || pwrite(e->lock_fd, pid, (size_t) len, 0) != len)
        return tw_fail_errno(err, "cannot write '%s'", path);
    return TW_OK;
}

/* Derived folders that somebody removed come back. */
static tw_status make_folders(const tw_engine *e, tw_error *err)
{
    static const char *const folders[] = {"models", "index"};
    for (int i = 0; i < 2; i++) {
        char path[TW_PATH_MAX];
        struct stat sb;
        tw_status st = tw_path_join(path, e->dir, folders[i], err);
        if (st != TW_OK)
            return st;
        if (stat(path, &sb) != 0 && errno == ENOENT && lstat(path, &sb) != 0)
            (void) !tw_dir_create(path, NULL); /* whoever needs it says what is wrong */
    }
    return TW_OK;
}

static tw_status store_missing(const char *dir, const char *path, tw_error *err)
{
    char models[TW_PATH_MAX];
    struct stat sb;
    if (lstat(path, &sb) == 0)
        return tw_fail(err, TW_EIO,
                       "'%s' is a link that leads to no file; put the store in its place", path);
    if (tw_path_join(models, dir, "models", NULL) == TW_OK && tw_file_exists(models)) {
        return tw_fail(err, TW_ENOTFOUND,
                       "'%s' is missing, though '%s' is there; put it back from a copy", path,
                       models);
    }
    return tw_fail(err, TW_ENOTFOUND,
                   "'%s' is no twindex directory; make one with: twindex init %s", dir, dir);
}

tw_status twi_store_open(tw_store **out, const char *dir, tw_store_mode mode, tw_error *err)
{
    char path[TW_PATH_MAX];
    tw_error why = {0};
    tw_status st = tw_path_join(path, dir, "twindex.db", err);
    if (st != TW_OK)
        return st;
    if (!tw_file_exists(path))
        return store_missing(dir, path, err);
    st = tw_store_open(out, path, mode, &why);
    if (st == TW_OK)
        tw_store_pass_damaged(*out); /* one row must not keep the others from being used */
    if (st != TW_ECORRUPT && st != TW_EINVAL && st != TW_ENOTFOUND)
        return st == TW_OK ? st : tw_fail(err, st, "%s", why.msg);
    return tw_fail(err, st, "%.440s%s", why.msg,
                   strstr(why.msg, "copy") != NULL ? "" : "; put the file back from a copy");
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
        len--; /* so that what is said of its files can be said without it */
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
    e->popular_events = -1;
    (void) pthread_mutex_init(&e->bulk, NULL);
    (void) pthread_mutex_init(&e->writer, NULL);
    (void) pthread_mutex_init(&e->saving, NULL);
    (void) pthread_mutex_init(&e->lock, NULL);
    (void) pthread_mutex_init(&e->popular_lock, NULL);
    (void) pthread_mutex_init(&e->maintenance_lock, NULL);
    (void) pthread_cond_init(&e->maintenance_due, NULL);
    tw_blas_single_thread();
    tw_index_single_thread();

    TW_TRY(open_dir(e, err));
    TW_TRY(twi_store_open(&e->store, e->dir,
                          e->mode == TW_ENGINE_WRITE ? TW_STORE_WRITE : TW_STORE_READ, err));
    if (e->mode == TW_ENGINE_WRITE) {
        TW_TRY(take_lock(e, err));
        TW_TRY(make_folders(e, err));
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
    tw_free(e->popular);
    tw_free(e->event_counts);
    (void) pthread_cond_destroy(&e->maintenance_due);
    (void) pthread_mutex_destroy(&e->maintenance_lock);
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
