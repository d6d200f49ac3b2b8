#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/file.h"
#include "store/store_near_index.h"
#include "store/store_schema.h"
#include "store/store_state.h"
#include "store/store_statement.h"
#include "store/store_statement_list.h"
#include "store/store_totals.h"
#include "store/store_wal.h"

/* ---- Open and close -------------------------------------------------------------------------- */

/* Reading a store needs its lock file, which SQLite cannot make in a folder that may not be
 * written. Such a store may be read without one, as long as no log waits to be merged into it. */
static bool may_read_without_lock(const char *path, tw_status st)
{
    char name[TW_PATH_MAX];
    struct stat info;
    size_t len = strlen(path);
    if ((st != TW_EIO && st != TW_EDENIED) || len + 5 > sizeof name)
        return false;
    memcpy(name, path, len + 1);
    char *slash = strrchr(name, '/');
    if (slash != NULL)
        slash[slash == name ? 1 : 0] = '\0';
    if (access(slash != NULL ? name : ".", W_OK) == 0)
        return false;
    memcpy(name, path, len);
    memcpy(name + len, "-wal", 5);
    return stat(name, &info) != 0 ? errno == ENOENT : info.st_size == 0;
}

static tw_status open_checked(twi_conn **out, tw_store *s, bool immutable, tw_error *err)
{
    twi_conn *c = NULL;
    bool damaged = false;
    tw_status st;

    if (s->mode != TW_STORE_READ)
        TW_TRY(twi_wal_keep_damaged(s->path, &damaged, err));
    TW_TRY(twi_conn_open(&c, s->path, s->mode, immutable, s->patience_ms, err));
    TW_TRY(twi_schema_ready(c, s->mode, err));
    if (damaged) /* so that what could be replayed is in the database, and the rest is reported once
                  */
        TW_TRY(twi_sql(c, "PRAGMA wal_checkpoint(TRUNCATE)", err));
    TW_TRY(twi_seq_verify(s, c, err));
    s->immutable = immutable;
    s->format = c->format;
    *out = c;
    c = NULL;
done:
    twi_conn_close(c);
    return st;
}

/* SQLite opens a journal that was left there, whatever it is, and would wait for a pipe. */
static tw_status check_companions(const char *path, tw_error *err)
{
    static const char *const ends[] = {"-journal", "-wal", "-shm", "-seq"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char name[TW_PATH_MAX + 16];
        struct stat info;
        (void) snprintf(name, sizeof name, "%s%s", path, ends[i]);
        if (stat(name, &info) == 0 && !S_ISREG(info.st_mode))
            return tw_fail(err, TW_EINVAL, "'%s' is not a file; move it away", name);
    }
    return TW_OK;
}

static tw_status check_path(const char *path, tw_store_mode mode, tw_error *err)
{
    struct stat info;
    if (strlen(path) >= TW_PATH_MAX)
        return tw_fail(err, TW_EINVAL, "a path of %zu bytes is too long", strlen(path));
    if (stat(path, &info) != 0) {
        if (errno == ENOENT && mode == TW_STORE_CREATE)
            return TW_OK;
        return tw_fail_errno(err, "cannot open '%s'", path);
    }
    if (!S_ISREG(info.st_mode))
        return tw_fail(err, TW_EINVAL, "'%s' is not a file", path);
    return check_companions(path, err);
}

static tw_status make_locks(tw_store *s, tw_error *err)
{
    if (pthread_mutex_init(&s->idle_lock, NULL) != 0)
        return tw_fail(err, TW_ENOMEM, "the locks of '%s'", s->path);
    if (pthread_mutex_init(&s->writer_lock, NULL) != 0) {
        (void) pthread_mutex_destroy(&s->idle_lock);
        return tw_fail(err, TW_ENOMEM, "the locks of '%s'", s->path);
    }
    if (pthread_cond_init(&s->writer_free, NULL) != 0) {
        (void) pthread_mutex_destroy(&s->idle_lock);
        (void) pthread_mutex_destroy(&s->writer_lock);
        return tw_fail(err, TW_ENOMEM, "the locks of '%s'", s->path);
    }
    return TW_OK;
}

tw_status tw_store_open(tw_store **out, const char *path, tw_store_mode mode, tw_error *err)
{
    twi_conn *c = NULL;
    tw_status st;

    *out = NULL;
    if (sqlite3_threadsafe() == 0)
        return tw_fail(err, TW_EUNSUPPORTED, "this SQLite was built without threads");
    st = check_path(path, mode, err);
    if (st != TW_OK)
        return st;
    tw_store *s = tw_alloc(1, sizeof *s);
    if (s == NULL || (s->path = tw_strdup(path)) == NULL) {
        tw_free(s);
        return tw_fail(err, TW_ENOMEM, "a store");
    }
    s->mode = mode;
    s->folder_fd = -1;
    s->patience_ms = TW_STORE_PATIENCE_MS;
    s->seq_fd = -1;
    st = twi_names_index_create(&s->names, err);
    if (st == TW_OK)
        st = make_locks(s, err);
    if (st != TW_OK) {
        twi_names_index_destroy(s->names);
        tw_free(s->path);
        tw_free(s);
        return st;
    }

    st = open_checked(&c, s, false, err);
    if (st != TW_OK && mode == TW_STORE_READ && may_read_without_lock(path, st))
        st = open_checked(&c, s, true, err);
    if (st != TW_OK) {
        tw_store_close(s);
        return st;
    }
    if (mode == TW_STORE_READ)
        twi_read_end(s, c);
    else
        s->writer = c;
    twi_place_remember(s);
    *out = s;
    return TW_OK;
}

void tw_store_close(tw_store *s)
{
    if (s == NULL)
        return;
    tw_store_rollback(s);
    while (s->idle != NULL) {
        twi_conn *c = s->idle;
        s->idle = c->next;
        twi_conn_close(c);
    }
    twi_conn_close(s->writer); /* last: the connection that may merge the log and remove it */
    if (s->seq_fd >= 0)
        (void) close(s->seq_fd);
    twi_place_forget(s);
    twi_names_index_destroy(s->names);
    (void) pthread_cond_destroy(&s->writer_free);
    (void) pthread_mutex_destroy(&s->writer_lock);
    (void) pthread_mutex_destroy(&s->idle_lock);
    tw_free(s->path);
    tw_free(s);
}

void tw_store_set_patience(tw_store *s, int ms)
{
    s->patience_ms = ms;
    if (s->writer != NULL)
        (void) sqlite3_busy_timeout(s->writer->db, ms);
}

void tw_store_pass_damaged(tw_store *s)
{
    s->passes = true;
    if (s->writer != NULL)
        s->writer->passes = true;
    for (twi_conn *c = s->idle; c != NULL; c = c->next)
        c->passes = true;
}

/* ---- Readers --------------------------------------------------------------------------------- */

static bool is_writing(tw_store *s)
{
    (void) pthread_mutex_lock(&s->writer_lock);
    bool mine = s->writing && pthread_equal(s->owner, pthread_self());
    (void) pthread_mutex_unlock(&s->writer_lock);
    return mine;
}

tw_status twi_read_begin(tw_store *s, twi_conn **c, tw_error *err)
{
    if (is_writing(s)) {
        *c = s->writer;
        return TW_OK;
    }
    (void) pthread_mutex_lock(&s->idle_lock);
    *c = s->idle;
    if (*c != NULL) {
        s->idle = (*c)->next;
        s->n_idle--;
    }
    (void) pthread_mutex_unlock(&s->idle_lock);
    if (*c != NULL)
        return TW_OK;
    /* Never a wait for another reader: one that iterates may be waiting for us. */
    char where[TW_PATH_MAX];
    tw_status st = twi_conn_open(c, twi_place_path(s, where), TW_STORE_READ, s->immutable,
                                 s->patience_ms, err);
    if (st == TW_OK) {
        (*c)->passes = s->passes;
        (*c)->path = s->path;
        (*c)->format = s->format;
        (*c)->summed = s->format >= 2;
    }
    return st;
}

void twi_read_end(tw_store *s, twi_conn *c)
{
    if (c == s->writer)
        return;
    (void) pthread_mutex_lock(&s->idle_lock);
    bool keep = s->n_idle < TWI_IDLE_READERS;
    if (keep) {
        c->next = s->idle;
        s->idle = c;
        s->n_idle++;
    }
    (void) pthread_mutex_unlock(&s->idle_lock);
    if (!keep)
        twi_conn_close(c);
}

static tw_status each_row(twi_conn *c, sqlite3_stmt *q, twi_row_fn fn, void *ctx, tw_error *err)
{
    bool row = true;
    tw_status st = TW_OK;
    while (row && st == TW_OK) {
        st = twi_step(c, q, &row, err);
        if (row)
            st = fn(ctx, c, q, err);
    }
    return st;
}

tw_status twi_each(tw_store *s, twi_statement which, int64_t a, int64_t b, twi_row_fn fn, void *ctx,
                   tw_error *err)
{
    sqlite3_stmt *q = NULL;
    twi_conn *c;
    tw_status st = twi_read_begin(s, &c, err);
    if (st != TW_OK)
        return st;
    if (c == s->writer && c->iterating)
        return tw_fail(err, TW_ESTATE, "an iteration is running in this transaction already");
    c->iterating = true;
    TW_TRY(twi_prepare(c, which, &q, err));
    (void) sqlite3_bind_int64(q, 1, a); /* out of range, and so nothing, where it has no such */
    (void) sqlite3_bind_int64(q, 2, b);
    TW_TRY(each_row(c, q, fn, ctx, err));
done:
    twi_done(q);
    c->iterating = false;
    twi_read_end(s, c);
    return st;
}

/* ---- The writer ------------------------------------------------------------------------------ */

static void release_writer(tw_store *s)
{
    (void) pthread_mutex_lock(&s->writer_lock);
    s->writing = false;
    (void) pthread_cond_signal(&s->writer_free);
    (void) pthread_mutex_unlock(&s->writer_lock);
}

static tw_status load_counts(tw_store *s, tw_error *err)
{
    tw_status st = twi_read_counts(s->writer, &s->counts, &s->sums, err);
    s->counts_stored = s->counts;
    s->sums_stored = s->sums;
    return st;
}

static tw_status store_counts(tw_store *s, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    const twi_counts *n = &s->counts;

    if (memcmp(n, &s->counts_stored, sizeof *n) == 0)
        return TW_OK;
    tw_status st = twi_prepare(s->writer, TWI_SQL_COUNTS_SET, &q, err);
    if (st != TW_OK)
        return st;
    (void) sqlite3_bind_int64(q, 1, n->seq);
    (void) sqlite3_bind_int64(q, 2, n->items);
    (void) sqlite3_bind_int64(q, 3, n->deleted);
    (void) sqlite3_bind_int64(q, 4, n->users);
    (void) sqlite3_bind_int64(q, 5, n->events);
    return twi_run(s->writer, q, err);
}

static tw_status too_late(tw_error *err)
{
    return tw_fail(err, TW_ETIMEOUT, "the deadline passed before the writes before this one ended");
}

/* The slot of the one that writes. */
static tw_status take_slot(tw_store *s, tw_deadline until, tw_error *err)
{
    tw_status st = TW_OK;
    int rc = 0;

    (void) pthread_mutex_lock(&s->writer_lock);
    if (s->writing && pthread_equal(s->owner, pthread_self())) {
        st = tw_fail(err, TW_ESTATE, "this thread is in a transaction already");
        goto done;
    }
    while (s->writing && rc == 0) {
        const struct timespec at = tw_deadline_timespec(until);
        rc = until > 0
                 ? pthread_cond_clockwait(&s->writer_free, &s->writer_lock, CLOCK_MONOTONIC, &at)
                 : pthread_cond_wait(&s->writer_free, &s->writer_lock);
    }
    if (s->writing) {
        st = too_late(err);
        goto done;
    }
    s->writing = true;
    s->owner = pthread_self();
done:
    (void) pthread_mutex_unlock(&s->writer_lock);
    return st;
}

/* BEGIN IMMEDIATE, which waits for other processes: for the store's patience, or until then. */
static tw_status begin_writing(tw_store *s, tw_deadline until, tw_error *err)
{
    const double left = until > 0 ? (until - tw_clock_monotonic()) * 1000 : s->patience_ms;
    const bool patient = left >= s->patience_ms;
    if (!patient)
        (void) sqlite3_busy_timeout(s->writer->db, left > 1 ? (int) left : 1);
    tw_status st = twi_exec(s->writer, TWI_SQL_BEGIN_WRITE, err);
    if (!patient)
        (void) sqlite3_busy_timeout(s->writer->db, s->patience_ms);
    return st == TW_EBUSY && tw_deadline_passed(until) ? too_late(err) : st;
}

tw_status tw_store_begin(tw_store *s, tw_error *err) { return tw_store_begin_by(s, 0, err); }

tw_status tw_store_begin_by(tw_store *s, tw_deadline until, tw_error *err)
{
    if (s->writer == NULL)
        return tw_fail(err, TW_EDENIED, "'%s' was opened for reading only", s->path);
    tw_status st = take_slot(s, until, err);
    if (st != TW_OK)
        return st;

    s->failed = false;
    /* Another process may have written since our last transaction. */
    memset(s->spaces, 0, sizeof s->spaces);
    s->last_user_key[0] = '\0';
    s->last_item = s->last_user = -1;
    s->recount_items = s->small_changed = false;
    s->changes_before = sqlite3_total_changes(s->writer->db);
    st = begin_writing(s, until, err);
    if (st == TW_OK)
        st = load_counts(s, err);
    if (st != TW_OK)
        tw_store_rollback(s);
    return st;
}

tw_status tw_store_commit(tw_store *s, tw_error *err)
{
    tw_status st;

    if (!is_writing(s))
        return tw_fail(err, TW_ESTATE, "this thread has no transaction to commit");
    if (s->writer->iterating)
        return tw_fail(err, TW_ESTATE, "an iteration is running in this transaction");
    if (s->failed) {
        tw_store_rollback(s);
        return tw_fail(err, TW_ESTATE, "an earlier write failed, so nothing was committed");
    }
    TW_TRY(twi_flush_spaces(s, err));
    TW_TRY(store_counts(s, err));
    const bool wrote = sqlite3_total_changes(s->writer->db) != s->changes_before;
    s->sums.commits += wrote ? 1 : 0;
    TW_TRY(twi_sums_store(s, err));
    tw_crash_point(); /* nothing of this transaction is on disk for good */
    TW_TRY(twi_exec(s->writer, TWI_SQL_COMMIT, err));
    tw_crash_point(); /* it is on disk, and no caller knows */
    if (wrote)
        twi_seq_note(s);
    release_writer(s);
    return TW_OK;
done:
    tw_store_rollback(s);
    return st;
}

void tw_store_rollback(tw_store *s)
{
    if (!is_writing(s))
        return;
    if (sqlite3_get_autocommit(s->writer->db) == 0) /* SQLite itself gives up on a full disk */
        (void) !twi_exec(s->writer, TWI_SQL_ROLLBACK, NULL);
    release_writer(s);
}

tw_status twi_highest_row(tw_store *s, twi_statement last, int64_t *highest, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found;
    tw_status st = TW_OK;

    if (*highest >= 0)
        return TW_OK;
    TW_TRY(twi_prepare(s->writer, last, &q, err));
    TW_TRY(twi_step(s->writer, q, &found, err));
    *highest = found ? sqlite3_column_int64(q, 0) : 0; /* NULL, and so 0, without a row */
done:
    twi_done(q);
    return st;
}

tw_status twi_next_row(tw_store *s, twi_statement last, int64_t *highest, int64_t *row,
                       tw_error *err)
{
    tw_status st = twi_highest_row(s, last, highest, err);
    if (st == TW_OK)
        *row = ++*highest;
    return st;
}

tw_status twi_write_begin(tw_store *s, bool *own, tw_error *err)
{
    *own = !is_writing(s);
    if (*own)
        return tw_store_begin(s, err);
    if (s->failed)
        return tw_fail(err, TW_ESTATE, "an earlier write of this transaction failed");
    if (s->writer->iterating)
        return tw_fail(err, TW_ESTATE, "an iteration of this transaction may not write");
    return TW_OK;
}

tw_status twi_write_end(tw_store *s, bool own, tw_status st, tw_error *err)
{
    if (own) {
        if (st == TW_OK)
            return tw_store_commit(s, err);
        tw_store_rollback(s);
    } else if (st != TW_OK && st != TW_EINVAL && st != TW_EDIM && st != TW_ENOTFOUND &&
               st != TW_EEXIST) {
        s->failed = true;
    }
    return st;
}
