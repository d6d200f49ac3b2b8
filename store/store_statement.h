/* store/store_statement.h — one connection and its prepared statements. Internal to store/.
 *
 * A connection is used by one thread at a time, so SQLite's own mutexes are off. It prepares a
 * statement when it first needs it and keeps it. Whoever fetches a statement binds, steps and
 * resets it before another call may use it.
 *
 *     sqlite3_stmt *q = NULL;
 *     bool row = false;
 *     st = twi_prepare(c, TWI_SQL_ITEM_ROW, &q, err);
 *     twi_bind_text(q, 1, id);
 *     st = twi_step(c, q, &row, err);      then columns, then twi_done(q)
 */
#ifndef TW_STORE_STORE_STATEMENT_H
#define TW_STORE_STORE_STATEMENT_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "store/store.h"
#include "store/store_statement_list.h"

#define TWI_STATEMENT_MAX 512 /* bytes of a statement's text */

typedef struct twi_conn {
    sqlite3 *db;
    sqlite3_stmt *stmts[TWI_SQL_COUNT]; /* NULL until first used */
    const char *path;                   /* the store's */
    float *floats;                      /* (TW_STORE_MAX_DIM), NULL until first used */
    int format;                         /* of the store when this was opened */
    bool summed;                        /* the rows have checksums: format 2 and later */
    bool passes;                        /* s->passes of its store */
    bool iterating;                     /* a callback is running on this connection */
    struct twi_conn *next;              /* in the stack of idle readers */
} twi_conn;

/* With mode READ the connection cannot write. TW_ENOTFOUND and friends with the path. */
TW_NODISCARD tw_status twi_conn_open(twi_conn **out, const char *path, tw_store_mode mode,
                                     bool immutable, int patience_ms, tw_error *err);
void twi_conn_close(twi_conn *c); /* accepts NULL */

/* A statement, reset and ready to be bound. */
TW_NODISCARD tw_status twi_prepare(twi_conn *c, twi_statement which, sqlite3_stmt **out,
                                   tw_error *err);

/* One step. *row tells whether there is one to read; without one the statement is reset. */
TW_NODISCARD tw_status twi_step(twi_conn *c, sqlite3_stmt *q, bool *row, tw_error *err);

/* Steps a statement that gives no row, and resets it. */
TW_NODISCARD tw_status twi_run(twi_conn *c, sqlite3_stmt *q, tw_error *err);
/* As twi_run for a statement without parameters. */
TW_NODISCARD tw_status twi_exec(twi_conn *c, twi_statement which, tw_error *err);

/* Any SQL, for schema and pragmas. */
TW_NODISCARD tw_status twi_sql(twi_conn *c, const char *sql, tw_error *err);
/* The first column of the first row of any SQL; *value is untouched without a row. */
TW_NODISCARD tw_status twi_sql_i64(twi_conn *c, const char *sql, int64_t *value, tw_error *err);

/* Turns what SQLite says into a status and a sentence. */
tw_status twi_sql_fail(const twi_conn *c, int rc, tw_error *err);

void twi_bind_text(sqlite3_stmt *q, int at, const char *s); /* borrowed until reset; NULL is "" */
const char *twi_text(sqlite3_stmt *q, int column);          /* never NULL */
void twi_done(sqlite3_stmt *q);                             /* resets; accepts NULL */

/* Copies a column into out, cleared first. */
TW_NODISCARD tw_status twi_text_column(tw_text *out, sqlite3_stmt *q, int column, tw_error *err);

#endif
