#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "store/internal.h"

#define TWI_TEXT(name, sql) sql,
static const char *const texts[TWI_SQL_COUNT] = {TWI_STATEMENTS(TWI_TEXT)};
#undef TWI_TEXT

static bool means_full(int code) { return code == ENOSPC || code == EDQUOT || code == EFBIG; }

/* SQLite tells a full disk apart, but no quota and no limit on a file's size: then it is the
 * system's last word, which SQLite may not have kept. */
static bool is_full(const twi_conn *c, int rc, int last_word)
{
    return (rc & 0xff) == SQLITE_FULL ||
           ((rc & 0xff) == SQLITE_IOERR &&
            (means_full(last_word) || (c->db != NULL && means_full(sqlite3_system_errno(c->db)))));
}

tw_status twi_sql_fail(const twi_conn *c, int rc, tw_error *err)
{
    const int last_word = errno;
    const char *why = c->db != NULL ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc);

    if (is_full(c, rc, last_word)) {
        return tw_fail(err, TW_ENOSPC,
                       "no space is left for '%s': this write was not done, what was acknowledged "
                       "is safe; free some space and try again",
                       c->path);
    }

    switch (rc & 0xff) {
    case SQLITE_NOMEM: return tw_fail(err, TW_ENOMEM, "out of memory in '%s'", c->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return tw_fail(err, TW_EBUSY, "another process is writing to '%s'; try again later",
                       c->path);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return tw_fail(err, TW_EDENIED, "'%s' cannot be written: %s", c->path, why);
    case SQLITE_NOTADB:
        return tw_fail(err, TW_ECORRUPT, "'%s' is not a twindex store: %s", c->path, why);
    case SQLITE_CANTOPEN:
        errno = c->db != NULL ? sqlite3_system_errno(c->db) : 0;
        if (errno != 0)
            return tw_fail_errno(err, "cannot open '%s' with its log and lock files", c->path);
        return tw_fail(err, TW_EIO, "cannot open '%s' with its log and lock files: %s", c->path,
                       why);
    case SQLITE_CORRUPT:
    case SQLITE_ERROR: /* our SQL is fixed, so the tables are not what they should be */
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_SCHEMA:
        return tw_fail(err, TW_ECORRUPT, "'%s' is damaged: %s; " TWI_FROM_COPY, c->path, why);
    default: return tw_fail(err, TW_EIO, "'%s': %s", c->path, why);
    }
}

tw_status twi_sql(twi_conn *c, const char *sql, tw_error *err)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? TW_OK : twi_sql_fail(c, rc, err);
}

tw_status twi_sql_i64(twi_conn *c, const char *sql, int64_t *value, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(q);
        if (rc == SQLITE_ROW)
            *value = sqlite3_column_int64(q, 0);
    }
    tw_status st = rc == SQLITE_ROW || rc == SQLITE_DONE ? TW_OK : twi_sql_fail(c, rc, err);
    (void) sqlite3_finalize(q);
    return st;
}

/* SQLite takes "no such folder" and "read-only file" for the same thing or opens the file for
 * reading instead, so both are told apart here. */
static tw_status open_file(twi_conn *c, const char *name, int flags, tw_error *err)
{
    int rc =
        sqlite3_open_v2(name, &c->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc != SQLITE_OK) {
        errno = c->db != NULL ? sqlite3_system_errno(c->db) : 0;
        if ((rc & 0xff) == SQLITE_CANTOPEN && errno != 0)
            return tw_fail_errno(err, "cannot open '%s'", c->path);
        return twi_sql_fail(c, rc, err);
    }
    if ((flags & SQLITE_OPEN_READONLY) == 0 && sqlite3_db_readonly(c->db, "main") == 1)
        return tw_fail(err, TW_EDENIED, "'%s' cannot be written: it is read-only", c->path);
    return TW_OK;
}

/* "file:PATH?immutable=1", with what a URI would misread escaped. */
static tw_status open_immutable(twi_conn *c, tw_error *err)
{
    tw_text uri;
    tw_status st = TW_OK;

    tw_text_init(&uri, 3 * TW_PATH_MAX + 32);
    TW_TRY(tw_text_adds(&uri, "file:", err));
    for (const char *p = c->path; *p != '\0'; p++) {
        if (*p == '?' || *p == '#' || *p == '%')
            TW_TRY(tw_text_addf(&uri, err, "%%%02X", (unsigned) *p));
        else
            TW_TRY(tw_text_add(&uri, p, 1, err));
    }
    TW_TRY(tw_text_adds(&uri, "?immutable=1", err));
    TW_TRY(open_file(c, tw_text_cstr(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err));
done:
    tw_text_fini(&uri);
    return st;
}

tw_status twi_conn_open(twi_conn **out, const char *path, tw_store_mode mode, bool immutable,
                        int patience_ms, tw_error *err)
{
    static const int flags[] = {
        [TW_STORE_READ] = SQLITE_OPEN_READONLY,
        [TW_STORE_WRITE] = SQLITE_OPEN_READWRITE,
        [TW_STORE_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
    };
    tw_status st = TW_OK;

    *out = NULL;
    twi_conn *c = tw_alloc(1, sizeof *c);
    if (c == NULL)
        return tw_fail(err, TW_ENOMEM, "a connection to '%s'", path);
    c->path = path;
    if (immutable)
        TW_TRY(open_immutable(c, err));
    else
        TW_TRY(open_file(c, path, flags[mode], err));
    (void) sqlite3_busy_timeout(c->db, patience_ms);
    (void) sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* FULL: the log is synced at each commit. The writer's cache holds the inner pages of a store
     * of some millions of rows. */
    TW_TRY(twi_sql(c,
                   "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                   "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;",
                   err));
    TW_TRY(twi_sql(
        c, mode == TW_STORE_READ ? "PRAGMA cache_size = -16384" : "PRAGMA cache_size = -65536",
        err));
    TW_TRY(twi_sum_functions(c, err));
    TW_TRY(twi_fold_functions(c, err));
    *out = c;
    c = NULL;
done:
    twi_conn_close(c);
    return st;
}

void twi_conn_close(twi_conn *c)
{
    if (c == NULL)
        return;
    for (int i = 0; i < TWI_SQL_COUNT; i++)
        (void) sqlite3_finalize(c->stmts[i]);
    (void) sqlite3_close(c->db);
    tw_free(c->floats);
    tw_free(c);
}

/* The text of a statement for the first format, whose tables have no checksums: NULL in their
 * place, of the same length. */
static void without_sums(char *sql)
{
    for (char *p = strchr(sql, '.'); p != NULL; p = strchr(p + 1, '.'))
        if (strncmp(p, ".sum", 4) == 0 || strncmp(p, ".tot", 4) == 0)
            memcpy(p - 1, "NULL ", 5);
}

static tw_status prepare(twi_conn *c, twi_statement which, tw_error *err)
{
    char old[TWI_STATEMENT_MAX];
    const char *sql = texts[which];
    if (!c->summed) {
        (void) snprintf(old, sizeof old, "%s", sql);
        without_sums(old);
        sql = old;
    }
    int rc = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &c->stmts[which], NULL);
    return rc == SQLITE_OK ? TW_OK : twi_sql_fail(c, rc, err);
}

tw_status twi_prepare(twi_conn *c, twi_statement which, sqlite3_stmt **out, tw_error *err)
{
    *out = NULL;
    if (c->stmts[which] == NULL) {
        tw_status st = prepare(c, which, err);
        if (st != TW_OK)
            return st;
    }
    *out = c->stmts[which];
    return TW_OK;
}

tw_status twi_step(twi_conn *c, sqlite3_stmt *q, bool *row, tw_error *err)
{
    int rc = sqlite3_step(q);
    *row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW)
        return TW_OK;
    tw_status st = rc == SQLITE_DONE ? TW_OK : twi_sql_fail(c, rc, err);
    twi_done(q);
    return st;
}

tw_status twi_run(twi_conn *c, sqlite3_stmt *q, tw_error *err)
{
    bool row;
    tw_status st = twi_step(c, q, &row, err);
    twi_done(q);
    return st;
}

tw_status twi_exec(twi_conn *c, twi_statement which, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    tw_status st = twi_prepare(c, which, &q, err);
    return st == TW_OK ? twi_run(c, q, err) : st;
}

void twi_bind_text(sqlite3_stmt *q, int at, const char *s)
{
    (void) sqlite3_bind_text(q, at, s != NULL ? s : "", -1, SQLITE_STATIC);
}

const char *twi_text(sqlite3_stmt *q, int column)
{
    const unsigned char *s = sqlite3_column_text(q, column);
    return s != NULL ? (const char *) s : "";
}

void twi_done(sqlite3_stmt *q)
{
    (void) sqlite3_reset(q); /* repeats the status of the last step, which was read there */
}

tw_status twi_text_column(tw_text *out, sqlite3_stmt *q, int column, tw_error *err)
{
    tw_text_clear(out);
    return tw_text_adds(out, twi_text(q, column), err);
}
