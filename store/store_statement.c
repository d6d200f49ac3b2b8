/* Prepared statements of a connection, and what SQLite answers as a status with a sentence. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "store/store_statement.h"
#include "store/store_statement_list.h"
#include "store/store_sum.h"

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
