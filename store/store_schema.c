#include "store/store_schema.h"
#include "base/crash.h"
#include "store/store_statement.h"

/* The tables of the first format, and why they look so; store_migrate.c makes the present one out
 * of it, in a new store as in an old one.
 *
 * items    a deleted item keeps its row and id (live = 0), so a row never goes to another item.
 * `text` is the last column, so that a list of names never reads it. `fold` hashes the title
 * without case. vectors  the sequence number is the key: a new vector is appended, and "all since
 * S" is one sequential read. vec is float32, little-endian; NULL marks one that was removed. spaces
 * one line a model: the width of its vectors and how many there are. events   one tree for
 * uniqueness, history and training order: equal times are few, so their order of insertion (seq) is
 * sorted on the way out. counts   the sequence counter, and what stats would otherwise have to
 * count. */
static const char schema[] =
    "CREATE TABLE counts("
    "  one INTEGER PRIMARY KEY CHECK(one = 1), seq INTEGER NOT NULL, items INTEGER NOT NULL,"
    "  deleted INTEGER NOT NULL, users INTEGER NOT NULL, events INTEGER NOT NULL);"
    "INSERT INTO counts VALUES(1, 0, 0, 0, 0, 0);"
    "CREATE TABLE items("
    "  row INTEGER PRIMARY KEY, seq INTEGER NOT NULL, live INTEGER NOT NULL,"
    "  id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, fold INTEGER);"
    "CREATE TABLE contents("
    "  row INTEGER PRIMARY KEY, attributes TEXT NOT NULL, image TEXT NOT NULL,"
    "  audio TEXT NOT NULL, text TEXT NOT NULL);"
    "CREATE UNIQUE INDEX items_seq ON items(seq);"
    "CREATE INDEX items_fold ON items(fold) WHERE live = 1;"
    "CREATE TABLE vectors("
    "  seq INTEGER PRIMARY KEY, model INTEGER NOT NULL,"
    "  row INTEGER NOT NULL REFERENCES items(row), vec BLOB);"
    "CREATE UNIQUE INDEX vectors_row ON vectors(model, row);"
    "CREATE TABLE spaces(model INTEGER PRIMARY KEY, dim INTEGER NOT NULL, vectors INTEGER NOT "
    "NULL);"
    "CREATE TABLE users(row INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);"
    "CREATE TABLE events("
    "  user INTEGER NOT NULL REFERENCES users(row), time INTEGER NOT NULL,"
    "  item INTEGER NOT NULL REFERENCES items(row), seq INTEGER NOT NULL, rating REAL, value REAL,"
    "  PRIMARY KEY(user, time, item)) WITHOUT ROWID;"
    "CREATE TABLE models("
    "  version INTEGER PRIMARY KEY, active INTEGER NOT NULL, json TEXT NOT NULL);"
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE marks("
    "  key TEXT PRIMARY KEY, bytes INTEGER NOT NULL, lines INTEGER NOT NULL, rows INTEGER NOT NULL,"
    "  rejected INTEGER NOT NULL, done INTEGER NOT NULL) WITHOUT ROWID;";

typedef struct header {
    int64_t application;
    int64_t format;
    int64_t tables;
} header;

static tw_status read_header(twi_conn *c, header *h, tw_error *err)
{
    tw_status st;
    *h = (header){0};
    TW_TRY(twi_sql_i64(c, "PRAGMA application_id", &h->application, err));
    TW_TRY(twi_sql_i64(c, "PRAGMA user_version", &h->format, err));
    TW_TRY(twi_sql_i64(c, "SELECT count(*) FROM sqlite_schema", &h->tables, err));
done:
    return st;
}

/* Nothing was ever stored: a new file, or one whose maker was killed before its first commit. */
static bool is_empty(const header *h)
{
    return h->application == 0 && h->format == 0 && h->tables == 0;
}

static tw_status check_header(const twi_conn *c, const header *h, tw_error *err)
{
    if (h->application != TWI_APPLICATION_ID) {
        return tw_fail(err, TW_EINVAL,
                       "'%s' is a database of another program (application id 0x%08llx), not a "
                       "twindex store",
                       c->path, (unsigned long long) h->application);
    }
    if (h->format > TWI_FORMAT) {
        return tw_fail(err, TW_EUNSUPPORTED,
                       "'%s' was written by a newer twindex (format %lld, this one reads up to %d)",
                       c->path, (long long) h->format, TWI_FORMAT);
    }
    if (h->format < 1)
        return tw_fail(err, TW_ECORRUPT, "'%s' has the unknown format %lld", c->path,
                       (long long) h->format);
    return TW_OK;
}

/* In one transaction, so that a kill leaves an empty file or a whole store. Another process may
 * have been faster. */
static tw_status create_tables(twi_conn *c, tw_error *err)
{
    header h;
    tw_status st;

    TW_TRY(twi_sql(c, "BEGIN IMMEDIATE", err));
    TW_TRY(read_header(c, &h, err));
    if (is_empty(&h)) {
        TW_TRY(twi_sql(c, schema, err));
        TW_TRY(twi_sql(c, "PRAGMA application_id = 0x74776478; PRAGMA user_version = 1", err));
        for (int to = 2; to <= TWI_FORMAT; to++)
            TW_TRY(twi_migrate_step(c, to, err));
    }
    tw_crash_point(); /* the log exists, nothing in it counts */
    TW_TRY(twi_sql(c, "COMMIT", err));
    tw_crash_point(); /* the store exists */
done:
    if (st != TW_OK && sqlite3_get_autocommit(c->db) == 0)
        (void) !twi_sql(c, "ROLLBACK", NULL);
    return st;
}

static tw_status use_log(twi_conn *c, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    tw_status st = TW_OK;
    int rc = sqlite3_prepare_v2(c->db, "PRAGMA journal_mode = WAL", -1, &q, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(q);
    if (rc != SQLITE_ROW)
        st = twi_sql_fail(c, rc, err);
    else if (sqlite3_stricmp(twi_text(q, 0), "wal") != 0)
        st = tw_fail(err, TW_EIO, "the file system of '%s' cannot hold a write-ahead log", c->path);
    (void) sqlite3_finalize(q);
    if (st == TW_OK)
        st = twi_sql(c, "PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864",
                     err);
    return st;
}

/* The header of a file that may be used: ours, or empty when it is to be made. */
static tw_status look_at(twi_conn *c, tw_store_mode mode, bool *empty, int64_t *format,
                         tw_error *err)
{
    header h;
    tw_status st = read_header(c, &h, err);
    *empty = is_empty(&h);
    *format = h.format;
    if (st != TW_OK)
        return st;
    if (!*empty)
        return check_header(c, &h, err);
    if (mode != TW_STORE_CREATE)
        return tw_fail(err, TW_ENOTFOUND, "'%s' is empty: no store was made in it", c->path);
    return TW_OK;
}

tw_status twi_schema_ready(twi_conn *c, tw_store_mode mode, tw_error *err)
{
    bool empty;
    int64_t format;
    tw_status st;

    TW_TRY(look_at(c, mode, &empty, &format, err));
    if (mode == TW_STORE_READ)
        goto done;
    TW_TRY(use_log(c, err)); /* after the check: it writes, and only to what is ours */
    tw_crash_point();        /* at most an empty database */
    if (empty) {
        TW_TRY(create_tables(c, err));
        TW_TRY(look_at(c, TW_STORE_WRITE, &empty, &format, err));
    }
    if (format < TWI_FORMAT) {
        TW_TRY(twi_migrate(c, format, err));
        format = TWI_FORMAT;
    }
done:
    c->format = st == TW_OK ? (int) format : 0;
    c->summed = c->format >= 2;
    return st;
}
