/* Opening and closing a connection. */
#include <errno.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "store/store_fold.h"
#include "store/store_statement.h"
#include "store/store_statement_list.h"
#include "store/store_sum.h"
#include "store/store_time.h"

/* SQLite takes "no such folder" and "read-only file" for the same thing or opens the file for
 * reading instead, so both are checked here. */
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
    TW_TRY(twi_time_functions(c, err));
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
