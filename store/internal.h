/* store/internal.h — connections, statements and the writer's slot.
 *
 * A store has one connection that writes and a stack of idle ones that read;
 * a connection is used by one thread at a time, so SQLite's own mutexes are
 * off. Each connection prepares a statement when it first needs it and keeps
 * it. Whoever fetches a statement binds, steps and resets it before another
 * call may use it.
 *
 * Public functions are thin: twi_read_begin .. twi_read_end or twi_write_begin
 * .. twi_write_end around one static function that does the work.
 */
#ifndef TW_STORE_INTERNAL_H
#define TW_STORE_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>
#include <stddef.h>

#include "store/store.h"

#define TWI_APPLICATION_ID 0x74776478 /* "twdx" in the file's header */
#define TWI_FORMAT         1          /* user_version; a newer one is refused */
#define TWI_IDLE_READERS   16         /* more are closed when they come back */
#define TWI_SPACE_SLOTS    8          /* models whose counts the writer keeps at hand */

/* The columns of an item, in the order that twi_read_item expects. */
#define TWI_ITEM_COLUMNS                                                                           \
    "i.row, i.seq, i.live, i.id, i.title, c.text, c.attributes, c.image, c.audio"
#define TWI_ITEM_TABLES "items i LEFT JOIN contents c ON c.row = i.row"

/* Every statement: name and text, once. */
#define TWI_STATEMENTS(X)                                                                          \
    X(BEGIN_READ, "BEGIN")                                                                         \
    X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                              \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(COUNTS_GET, "SELECT seq, items, deleted, users, events FROM counts WHERE one = 1")           \
    X(COUNTS_SET, "UPDATE counts SET seq = ?1, items = ?2, deleted = ?3, users = ?4, "             \
                  "events = ?5 WHERE one = 1")                                                     \
    X(ITEM_BY_ID, "SELECT " TWI_ITEM_COLUMNS " FROM " TWI_ITEM_TABLES " WHERE i.id = ?1")          \
    X(ITEM_BY_ROW, "SELECT " TWI_ITEM_COLUMNS " FROM " TWI_ITEM_TABLES " WHERE i.row = ?1")        \
    X(ITEM_ROW, "SELECT row, live FROM items WHERE id = ?1")                                       \
    X(ITEM_LIVE, "SELECT live FROM items WHERE row = ?1")                                          \
    X(ITEM_NAME, "SELECT live, id, title FROM items WHERE row = ?1")                               \
    X(ITEM_NAMES, "SELECT row, id, title FROM items WHERE live = 1 ORDER BY row")                  \
    X(ITEM_BY_FOLD, "SELECT row, title FROM items WHERE fold = ?1 AND live = 1 ORDER BY row")      \
    X(ITEM_INSERT, "INSERT INTO items(seq, live, title, fold, id) VALUES(?1, 1, ?2, ?3, ?4)")      \
    X(ITEM_UPDATE, "UPDATE items SET seq = ?1, live = 1, title = ?2, fold = ?3 WHERE row = ?4")    \
    X(ITEM_CLEAR, "UPDATE items SET seq = ?1, live = 0, title = '', fold = NULL WHERE row = ?2")   \
    X(CONTENT_SET, "INSERT OR REPLACE INTO contents(row, attributes, image, audio, text) "         \
                   "VALUES(?1, ?2, ?3, ?4, ?5)")                                                   \
    X(CONTENT_DROP, "DELETE FROM contents WHERE row = ?1")                                         \
    X(ITEMS_LIVE, "SELECT " TWI_ITEM_COLUMNS " FROM " TWI_ITEM_TABLES                              \
                  " WHERE i.row > ?1 AND i.live = 1 ORDER BY i.row")                               \
    X(ITEMS_SINCE,                                                                                 \
      "SELECT " TWI_ITEM_COLUMNS " FROM " TWI_ITEM_TABLES " WHERE i.seq > ?1 ORDER BY i.seq")      \
    X(ITEMS_PENDING, "SELECT " TWI_ITEM_COLUMNS " FROM " TWI_ITEM_TABLES                           \
                     " LEFT JOIN vectors v ON v.model = ?2 AND v.row = i.row "                     \
                     "WHERE i.row > ?1 AND i.live = 1 AND (v.seq IS NULL OR v.seq < i.seq) "       \
                     "ORDER BY i.row")                                                             \
    X(SPACES, "SELECT model, dim, vectors FROM spaces ORDER BY model DESC")                        \
    X(SPACE_GET, "SELECT dim, vectors FROM spaces WHERE model = ?1")                               \
    X(SPACE_SET, "INSERT INTO spaces(model, dim, vectors) VALUES(?1, ?2, ?3) "                     \
                 "ON CONFLICT(model) DO UPDATE SET vectors = excluded.vectors")                    \
    X(SPACE_DROP, "DELETE FROM spaces WHERE model = ?1")                                           \
    X(VECTOR_HAS, "SELECT vec IS NOT NULL FROM vectors WHERE model = ?1 AND row = ?2")             \
    X(VECTOR_GET, "SELECT vec FROM vectors WHERE model = ?1 AND row = ?2 AND vec IS NOT NULL")     \
    X(VECTOR_INSERT, "INSERT INTO vectors(seq, model, row, vec) VALUES(?1, ?2, ?3, ?4)")           \
    X(VECTOR_UPDATE, "UPDATE vectors SET seq = ?1, vec = ?4 WHERE model = ?2 AND row = ?3")        \
    X(VECTOR_REMOVE, "UPDATE vectors SET seq = ?1, vec = NULL WHERE model = ?2 AND row = ?3 "      \
                     "AND vec IS NOT NULL")                                                        \
    X(VECTORS_SINCE, "SELECT row, seq, vec FROM vectors WHERE seq > ?1 AND +model = ?2 "           \
                     "ORDER BY seq") /* + : read the table in order, do not sort */                \
    X(VECTORS_DROP, "DELETE FROM vectors WHERE model = ?1")                                        \
    X(USER_ROW, "SELECT row FROM users WHERE key = ?1")                                            \
    X(USER_KEY, "SELECT key FROM users WHERE row = ?1")                                            \
    X(USER_INSERT, "INSERT INTO users(key) VALUES(?1)")                                            \
    X(EVENT_INSERT, "INSERT OR IGNORE INTO events(user, time, item, seq, rating, value) "          \
                    "VALUES(?1, ?2, ?3, ?4, ?5, ?6)")                                              \
    X(HISTORY, "SELECT e.seq, e.user, e.item, e.time, e.rating, e.value FROM events e "            \
               "CROSS JOIN items i ON i.row = e.item WHERE e.user = ?1 AND i.live = 1 "            \
               "ORDER BY e.time DESC, e.seq DESC LIMIT ?2")                                        \
    X(EVENTS, "SELECT e.seq, e.user, e.item, e.time, e.rating, e.value FROM events e "             \
              "CROSS JOIN items i ON i.row = e.item WHERE i.live = 1 "                             \
              "ORDER BY e.user, e.time, e.seq")                                                    \
    X(MODEL_INSERT, "INSERT OR IGNORE INTO models(version, active, json) VALUES(?1, 0, ?2)")       \
    X(MODEL_HAS, "SELECT 1 FROM models WHERE version = ?1")                                        \
    X(MODEL_ACTIVATE, "UPDATE models SET active = (version = ?1) "                                 \
                      "WHERE active <> (version = ?1)")                                            \
    X(MODEL_ACTIVE, "SELECT version FROM models WHERE active = 1")                                 \
    X(MODELS, "SELECT version, active, json FROM models ORDER BY version")                         \
    X(META_GET, "SELECT value FROM meta WHERE key = ?1")                                           \
    X(META_SET, "INSERT OR REPLACE INTO meta(key, value) VALUES(?1, ?2)")                          \
    X(META_DROP, "DELETE FROM meta WHERE key = ?1")                                                \
    X(MARK_GET, "SELECT bytes, lines, rows, rejected, done FROM marks WHERE key = ?1")             \
    X(MARK_SET, "INSERT OR REPLACE INTO marks(key, bytes, lines, rows, rejected, done) "           \
                "VALUES(?1, ?2, ?3, ?4, ?5, ?6)")

#define TWI_ENUM(name, sql) TWI_SQL_##name,
typedef enum twi_statement { TWI_STATEMENTS(TWI_ENUM) TWI_SQL_COUNT } twi_statement;
#undef TWI_ENUM

typedef struct twi_conn {
    sqlite3 *db;
    sqlite3_stmt *stmts[TWI_SQL_COUNT]; /* NULL until first used */
    const char *path;                   /* the store's */
    float *floats;                      /* (TW_STORE_MAX_DIM), NULL until first used */
    bool iterating;                     /* a callback is running on this connection */
    struct twi_conn *next;              /* in the stack of idle readers */
} twi_conn;

/* What the writer knows without asking; equal to the table `counts` at begin and after commit. */
typedef struct twi_counts {
    int64_t seq;
    int64_t items;
    int64_t deleted;
    int64_t users;
    int64_t events;
} twi_counts;

typedef struct twi_space {
    int model; /* 0: free slot */
    int dim;
    int64_t vectors;
    bool changed;
} twi_space;

struct tw_store {
    char *path;
    tw_store_mode mode;
    int patience_ms;
    bool immutable; /* READ in a folder where not even the lock file can be made */

    pthread_mutex_t idle_lock; /* guards idle, n_idle */
    twi_conn *idle;
    int n_idle;

    pthread_mutex_t writer_lock; /* guards writing, owner; never held while SQLite works */
    pthread_cond_t writer_free;
    bool writing;
    pthread_t owner;

    /* What follows belongs to the thread that is `owner` while `writing`. */
    twi_conn *writer; /* NULL in mode READ */
    bool failed;      /* the transaction can only be rolled back */
    twi_counts counts;
    twi_counts counts_stored;
    twi_space spaces[TWI_SPACE_SLOTS];
    char last_user_key[TW_STORE_MAX_ID + 1]; /* files often repeat the user; "" none */
    int64_t last_user_row;
};

/* ---- store_conn.c: one connection ---- */

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

/* ---- store_schema.c ---- */

/* Makes the tables when the file is empty and mode is CREATE; otherwise checks that it is ours. */
TW_NODISCARD tw_status twi_schema_ready(twi_conn *c, tw_store_mode mode, tw_error *err);

/* ---- store.c: who reads, who writes ---- */

/* The connection for a read: an idle or new reader, or the writer when this thread is inside a
 * transaction. */
TW_NODISCARD tw_status twi_read_begin(tw_store *s, twi_conn **c, tw_error *err);
void twi_read_end(tw_store *s, twi_conn *c);

/* Runs a statement with ?1 = a and ?2 = b, where it has them, on a connection for reading, and
 * gives each of its rows to fn, whose first failure ends it. TW_ESTATE: in this thread's
 * transaction an iteration is running already. */
typedef tw_status (*twi_row_fn)(void *ctx, twi_conn *c, sqlite3_stmt *q, tw_error *err);
TW_NODISCARD tw_status twi_each(tw_store *s, twi_statement which, int64_t a, int64_t b,
                                twi_row_fn fn, void *ctx, tw_error *err);

/* Enters the thread's transaction or begins one (*own). */
TW_NODISCARD tw_status twi_write_begin(tw_store *s, bool *own, tw_error *err);
/* st is what the write gave: commits or rolls back an own transaction, and remembers in another one
 * that it is lost. Returns st, or why the commit failed. */
TW_NODISCARD tw_status twi_write_end(tw_store *s, bool own, tw_status st, tw_error *err);

/* ---- store_rules.c: what may be stored ---- */

/* 1..TW_STORE_MAX_ID bytes of UTF-8 without control characters; `what` begins the sentence. */
TW_NODISCARD tw_status twi_check_key(const char *what, const char *key, tw_error *err);
/* At most max bytes of UTF-8; NULL is fine. */
TW_NODISCARD tw_status twi_check_text(const char *what, const char *of, const char *s, size_t max,
                                      tw_error *err);
/* At most max bytes, a JSON object without repeated keys. */
TW_NODISCARD tw_status twi_check_object(const char *what, const char *of, const char *json,
                                        size_t max, tw_error *err);
TW_NODISCARD tw_status twi_check_item(const tw_item *item, tw_error *err);

/* ---- store_fold.c: titles without case ---- */

/* Writes s (len bytes, cut at size - 1) with upper case made lower and outer spaces left out, and
 * returns its length, which is at most len. */
size_t twi_store_fold(const char *s, size_t len, char *out, size_t size);
/* The hash of a folded title that the table keeps; 0 when nothing is left of it. */
int64_t twi_fold_hash(const char *title);

/* ---- store_vectors.c ---- */

/* Marks the item's vector removed in every model. */
TW_NODISCARD tw_status twi_remove_vectors(tw_store *s, int64_t row, tw_error *err);
/* Writes the changed spaces; for commit. */
TW_NODISCARD tw_status twi_flush_spaces(tw_store *s, tw_error *err);

/* ---- store_items.c ---- */

/* The item under the statement's current row; strings are SQLite's until the next step. */
void twi_read_item(sqlite3_stmt *q, tw_item *item);
/* tw_store_names on a given connection. */
TW_NODISCARD tw_status twi_names(twi_conn *c, const int64_t *rows, int n, tw_item_name *out,
                                 tw_text *text, tw_error *err);

#endif
