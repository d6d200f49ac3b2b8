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
#include <sys/types.h>

#include "base/file.h"
#include "store/store.h"

#define TWI_APPLICATION_ID 0x74776478 /* "twdx" in the file's header */
#define TWI_FORMAT         3          /* user_version; a newer one is refused */
#define TWI_IDLE_READERS   16         /* more are closed when they come back */
#define TWI_STATEMENT_MAX  512        /* bytes of a statement's text */
#define TWI_SPACE_SLOTS    8          /* models whose counts the writer keeps in memory */

/* The columns of an item, in the order that twi_read_item expects. */
#define TWI_ITEM_COLUMNS                                                                           \
    "i.row, i.seq, i.live, i.id, i.title, c.text, c.attributes, c.image, c.audio, i.sum, c.sum"
#define TWI_ITEM_TABLES "items i LEFT JOIN contents c ON c.row = i.row"

/* What each checksum begins with, so that a row of one table is none of another's. They are on
 * disk, as numbers, and in the statements below. */
typedef enum twi_tag {
    TWI_TAG_ITEM = 1,    /* row, seq, live, id, title */
    TWI_TAG_CONTENT = 2, /* row, attributes, image, audio, text */
    TWI_TAG_VECTOR = 3,  /* seq, model, row, vec */
    TWI_TAG_USER = 4,    /* row, key */
    TWI_TAG_EVENT = 5,   /* user, time, item, seq, rating, value; 16 bits, the others have 32 */
    TWI_TAG_MODEL = 6,   /* version, active, json */
    TWI_TAG_META = 7,    /* key, value */
    TWI_TAG_MARK = 8,    /* key, bytes, lines, rows, rejected, done */
    TWI_TAG_SPACE = 9,   /* model, dim, vectors, tot */
    TWI_TAG_SUMS = 10,   /* all of `sums`, then all of `counts` */
    TWI_TAG_SHAPE = 11,  /* type, name, tbl_name, sql of a line of sqlite_schema */
    TWI_TAG_TOTAL = 100, /* tag, sum: what a row adds to its table's total */
} twi_tag;

/* Every statement: name and text, once. A checksum is always written as one letter, a dot and "sum"
 * or "tot": in a store of the first format, which has none, twi_prepare puts NULL there. */
#define TWI_STATEMENTS(X)                                                                          \
    X(BEGIN_READ, "BEGIN")                                                                         \
    X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                              \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(COUNTS_GET, "SELECT seq, items, deleted, users, events FROM counts WHERE one = 1")           \
    X(COUNTS_SET, "UPDATE counts SET seq = ?1, items = ?2, deleted = ?3, users = ?4, "             \
                  "events = ?5 WHERE one = 1")                                                     \
    X(SUMS_GET, "SELECT store, shape, commits, items, contents, users, events, small, sum "        \
                "FROM sums WHERE one = 1")                                                         \
    X(SUMS_SET, "UPDATE sums SET store = ?1, shape = ?2, commits = ?3, items = ?4, "               \
                "contents = ?5, users = ?6, events = ?7, small = ?8, sum = ?9 WHERE one = 1")      \
    X(SUM_ITEMS, "SELECT twi_add(twi_row(100, 1, sum)) FROM items")                                \
    X(SUM_CONTENTS, "SELECT twi_add(twi_row(100, 2, sum)) FROM contents")                          \
    X(SUM_SPACE, "SELECT twi_add(twi_row(100, 3, sum)) FROM vectors WHERE model = ?1")             \
    X(SUM_SMALL, "SELECT twi_add(x) FROM (SELECT twi_row(100, 6, sum) AS x FROM models UNION ALL " \
                 "SELECT twi_row(100, 7, sum) FROM meta UNION ALL "                                \
                 "SELECT twi_row(100, 8, sum) FROM marks)")                                        \
    X(ITEM_BY_ID, "SELECT " TWI_ITEM_COLUMNS " FROM " TWI_ITEM_TABLES " WHERE i.id = ?1")          \
    X(ITEM_BY_ROW, "SELECT " TWI_ITEM_COLUMNS " FROM " TWI_ITEM_TABLES " WHERE i.row = ?1")        \
    X(ITEM_ROW, "SELECT row, live FROM items WHERE id = ?1")                                       \
    X(ITEM_BY_NFC, "SELECT row, live, id FROM items WHERE nfc = ?1 ORDER BY live DESC, row")       \
    X(ITEM_LAST, "SELECT max(row) FROM items")                                                     \
    X(ITEM_LIVE, "SELECT live FROM items WHERE row = ?1")                                          \
    X(ITEM_NAME,                                                                                   \
      "SELECT i.row, i.seq, i.live, i.id, i.title, i.sum FROM items i WHERE i.row = ?1")           \
    X(NAMES_SINCE, "SELECT row, seq, live, id, title FROM items WHERE seq > ?1 "                   \
                   "ORDER BY seq LIMIT ?2")                                                        \
    X(ITEM_BY_FOLD, "SELECT row, title FROM items WHERE fold = ?1 AND live = 1 ORDER BY row")      \
    X(ITEM_INSERT, "INSERT INTO items(seq, live, title, fold, sum, row, id, nfc) "                 \
                   "VALUES(?1, 1, ?2, ?3, ?4, ?5, ?6, ?7)")                                        \
    X(ITEM_UPDATE, "UPDATE items SET seq = ?1, live = 1, title = ?2, fold = ?3, sum = ?4 "         \
                   "WHERE row = ?5")                                                               \
    X(ITEM_CLEAR, "UPDATE items SET seq = ?1, live = 0, title = '', fold = NULL, sum = ?2 "        \
                  "WHERE row = ?3")                                                                \
    X(CONTENT_SET, "INSERT OR REPLACE INTO contents(row, attributes, image, audio, text, sum) "    \
                   "VALUES(?1, ?2, ?3, ?4, ?5, ?6)")                                               \
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
    X(SPACE_GET, "SELECT s.dim, s.vectors, s.tot, s.sum FROM spaces s WHERE s.model = ?1")         \
    X(SPACE_SET, "INSERT INTO spaces(model, dim, vectors, tot, sum) VALUES(?1, ?2, ?3, ?4, ?5) "   \
                 "ON CONFLICT(model) DO UPDATE SET dim = excluded.dim, "                           \
                 "vectors = excluded.vectors, tot = excluded.tot, sum = excluded.sum")             \
    X(SPACE_DROP, "DELETE FROM spaces WHERE model = ?1")                                           \
    X(VECTOR_ONE, "SELECT v.seq, v.row, v.vec, v.sum FROM vectors v "                              \
                  "WHERE v.model = ?1 AND v.row = ?2")                                             \
    X(VECTOR_INSERT, "INSERT INTO vectors(seq, model, row, vec, sum) VALUES(?1, ?2, ?3, ?4, ?5)")  \
    X(VECTOR_UPDATE,                                                                               \
      "UPDATE vectors SET seq = ?1, vec = ?4, sum = ?5 WHERE model = ?2 AND row = ?3")             \
    X(VECTORS_SINCE,                                                                               \
      "SELECT v.seq, v.row, v.vec, v.sum FROM vectors v WHERE v.seq > ?1 AND +v.model = ?2 "       \
      "ORDER BY v.seq") /* + : read the table in order, do not sort */                             \
    X(VECTORS_DROP, "DELETE FROM vectors WHERE model = ?1")                                        \
    X(USER_ROW, "SELECT row FROM users WHERE key = ?1")                                            \
    X(USER_KEY, "SELECT u.row, u.key, u.sum FROM users u WHERE u.row = ?1")                        \
    X(USER_LAST, "SELECT max(row) FROM users")                                                     \
    X(USER_INSERT, "INSERT INTO users(row, key, sum) VALUES(?1, ?2, ?3)")                          \
    X(EVENT_INSERT, "INSERT OR IGNORE INTO events(user, time, item, seq, rating, value, sum) "     \
                    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                          \
    X(HISTORY, "SELECT e.seq, e.user, e.item, e.time, e.rating, e.value, e.sum FROM events e "     \
               "CROSS JOIN items i ON i.row = e.item WHERE e.user = ?1 AND i.live = 1 "            \
               "ORDER BY e.time DESC, e.seq DESC LIMIT ?2")                                        \
    X(EVENTS, "SELECT e.seq, e.user, e.item, e.time, e.rating, e.value, e.sum FROM events e "      \
              "CROSS JOIN items i ON i.row = e.item WHERE i.live = 1 "                             \
              "ORDER BY e.user, e.time, e.seq")                                                    \
    X(MODEL_INSERT, "INSERT OR IGNORE INTO models(version, active, json, sum) "                    \
                    "VALUES(?1, 0, ?2, twi_sum(6, ?1, 0, ?2))")                                    \
    X(MODEL_HAS, "SELECT 1 FROM models WHERE version = ?1")                                        \
    X(MODEL_ACTIVATE, "UPDATE models SET active = (version = ?1), "                                \
                      "sum = twi_sum(6, version, version = ?1, json) "                             \
                      "WHERE active <> (version = ?1)")                                            \
    X(MODEL_ACTIVE, "SELECT m.version, m.sum <> twi_sum(6, m.version, m.active, m.json) "          \
                    "FROM models m WHERE m.active = 1")                                            \
    X(MODELS, "SELECT m.version, m.active, m.json, "                                               \
              "m.sum <> twi_sum(6, m.version, m.active, m.json) FROM models m ORDER BY m.version") \
    X(META_GET,                                                                                    \
      "SELECT m.value, m.sum <> twi_sum(7, m.key, m.value) FROM meta m WHERE m.key = ?1")          \
    X(META_SET, "INSERT OR REPLACE INTO meta(key, value, sum) VALUES(?1, ?2, twi_sum(7, ?1, ?2))") \
    X(META_DROP, "DELETE FROM meta WHERE key = ?1")                                                \
    X(MARK_GET, "SELECT m.bytes, m.lines, m.rows, m.rejected, m.done, m.sum <> twi_sum(8, m.key, " \
                "m.bytes, m.lines, m.rows, m.rejected, m.done) FROM marks m WHERE m.key = ?1")     \
    X(MARK_SET, "INSERT OR REPLACE INTO marks(key, bytes, lines, rows, rejected, done, sum) "      \
                "VALUES(?1, ?2, ?3, ?4, ?5, ?6, twi_sum(8, ?1, ?2, ?3, ?4, ?5, ?6))")

#define TWI_ENUM(name, sql) TWI_SQL_##name,
typedef enum twi_statement { TWI_STATEMENTS(TWI_ENUM) TWI_SQL_COUNT } twi_statement;
#undef TWI_ENUM

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

/* What the writer knows without asking; equal to the table `counts` at begin and after commit. */
typedef struct twi_counts {
    int64_t seq;
    int64_t items;
    int64_t deleted;
    int64_t users;
    int64_t events;
} twi_counts;

/* The totals beside them. What a row adds is a hash of its checksum, so that a row that is lost, or
 * comes back from the dead, shows in its table's total. Sums wrap around. */
typedef struct twi_sums {
    uint64_t store;   /* names this store among all: random, made once */
    uint64_t shape;   /* of sqlite_schema: what the tables and indexes were made as */
    uint64_t commits; /* that wrote anything; some take no sequence number */
    uint64_t items;
    uint64_t contents;
    uint64_t users;
    uint64_t events;
    uint64_t small; /* models, meta and marks, which are few: added up anew when one changed */
} twi_sums;

typedef struct twi_space {
    int model; /* 0: free slot */
    int dim;
    int64_t vectors;
    uint64_t total; /* of the lines in `vectors`, as in twi_sums */
    bool changed;
    bool recount; /* the total has to be added up anew, for a damaged row was replaced */
} twi_space;

struct tw_store {
    char *path;
    tw_store_mode mode;
    int patience_ms;
    bool passes;   /* damaged rows are left out of what is many */
    int folder_fd; /* of the file; -1: not known */
    dev_t dev;     /* of the file that was opened, as ino */
    ino_t ino;
    bool immutable; /* READ in a folder where not even the lock file can be made */
    int format;     /* an old one only in mode READ */
    int seq_fd;     /* PATH-seq for writing, -1 until first used; the writer's */

    struct twi_names_index *names; /* its own lock */

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
    twi_sums sums;
    twi_sums sums_stored;
    bool recount_items; /* as twi_space.recount, of items and contents */
    bool small_changed; /* sums.small is behind */
    int changes_before; /* SQLite's count of changed rows at begin */
    int64_t last_item;  /* the highest row of items, -1: not known in this transaction */
    int64_t last_user;  /* of users */
    twi_space spaces[TWI_SPACE_SLOTS];
    char last_user_key[TW_STORE_MAX_ID + 1]; /* files often repeat the user; "" none */
    int64_t last_user_row;
};

/* ---- store_conn.c and store_statement.c: one connection -------------------------------------- */

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

/* ---- store_schema.c -------------------------------------------------------------------------- */

/* Makes the tables when the file is empty and mode is CREATE; otherwise checks that it is ours. */
TW_NODISCARD tw_status twi_schema_ready(twi_conn *c, tw_store_mode mode, tw_error *err);

/* ---- store_migrate.c: from one format to the next -------------------------------------------- */

/* Brings a store of an older format up to TWI_FORMAT, each step in a transaction of its own with
 * the number of the format it makes. Another process may be faster. TW_EDENIED, TW_EBUSY, TW_EIO.
 */
TW_NODISCARD tw_status twi_migrate(twi_conn *c, int64_t from, tw_error *err);
/* One step, inside the caller's transaction. */
TW_NODISCARD tw_status twi_migrate_step(twi_conn *c, int to, tw_error *err);

/* ---- store_sum.c: checksums of rows and totals of tables ------------------------------------- */

/* twi_sum(tag, ...), twi_row(tag, ...) and the aggregate twi_add(x) for SQL on this connection. */
TW_NODISCARD tw_status twi_sum_functions(twi_conn *c, tw_error *err);

/* Hash the values of a row in the order that twi_tag says; end with twi_sum_of. */
uint64_t twi_hash_start(twi_tag tag);
uint64_t twi_hash_i64(uint64_t h, int64_t v);
uint64_t twi_hash_text(uint64_t h, const char *s);
uint64_t twi_hash_real(uint64_t h, double v);                    /* NaN is NULL */
uint64_t twi_hash_blob(uint64_t h, const void *blob, int bytes); /* blob NULL: NULL */
/* What is stored in the row's column `sum`, and what the row adds to its total. */
int64_t twi_sum_of(twi_tag tag, uint64_t h);
uint64_t twi_adds(twi_tag tag, int64_t sum);
uint64_t twi_adds_event(uint64_t h); /* events are small and for ever: their whole hash counts */

uint64_t twi_hash_item(int64_t row, int64_t seq, bool live, const char *id, const char *title);
uint64_t twi_hash_content(int64_t row, const tw_item *item); /* none of its strings is NULL */
uint64_t twi_hash_user(int64_t row, const char *key);
uint64_t twi_hash_event(const tw_event *e);

/* Whether a column that holds the sum of what hashes to h says so; always when c has no sums. */
bool twi_is_intact(const twi_conn *c, sqlite3_stmt *q, int column, twi_tag tag, uint64_t h);
/* TW_ECORRUPT: "'PATH' is damaged: WHAT is not what was written; WAY OUT". */
tw_status twi_damaged(const twi_conn *c, tw_error *err, const char *way_out, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
#define TWI_FROM_COPY "restore the directory from a copy"

/* Reads and verifies the table `sums` and counts; stores them when they differ from what was read.
 * TW_ECORRUPT. */
TW_NODISCARD tw_status twi_sums_load(twi_conn *c, const twi_counts *n, twi_sums *sums,
                                     tw_error *err);
TW_NODISCARD tw_status twi_sums_store(tw_store *s, tw_error *err);
/* The total of a model's vectors, from the table. */
TW_NODISCARD tw_status twi_recount_space(tw_store *s, twi_space *space, tw_error *err);
/* The hash of sqlite_schema. */
TW_NODISCARD tw_status twi_shape(twi_conn *c, uint64_t *shape, tw_error *err);

/* ---- store_wal.c: the log of writes, seen from outside --------------------------------------- */

typedef struct twi_wal_state {
    int64_t bad;  /* the first frame that SQLite will not replay, from 1; 0: the log's header; -1 */
    int64_t lost; /* whole commits behind it */
} twi_wal_state;
/* path is the database's. lost is 0 for an audio file log, a missing one, and one whose end was
 * never written. TW_EIO, TW_ENOMEM. */
TW_NODISCARD tw_status twi_wal_scan(const char *path, twi_wal_state *out, tw_error *err);

/* Before SQLite sees the log: when commits are lost in it, copies it to PATH-wal.damaged and says
 * so in the log of the program. TW_EIO and friends: no copy could be made. */
TW_NODISCARD tw_status twi_wal_keep_damaged(const char *path, bool *damaged, tw_error *err);

/* Keeps the numbers of the last acknowledged change and commit, which are those of s->counts and
 * s->sums, outside the database. Best effort. */
void twi_seq_note(tw_store *s);

/* What was acknowledged and is not there. */
typedef struct twi_gap {
    int64_t commits; /* 0: nothing is missing */
    int64_t first;   /* changes of these numbers; none when first > last */
    int64_t last;
} twi_gap;
TW_NODISCARD tw_status twi_seq_missing(tw_store *s, twi_conn *c, twi_gap *gap, tw_error *err);
/* The same for open: logs what is missing; a store opened for writing then lets it rest. */
TW_NODISCARD tw_status twi_seq_verify(tw_store *s, twi_conn *c, tw_error *err);

/* ---- store_counts.c -------------------------------------------------------------------------- */

/* What the tables say, verified; sums are zero in the first format. TW_ECORRUPT. */
TW_NODISCARD tw_status twi_read_counts(twi_conn *c, twi_counts *n, twi_sums *sums, tw_error *err);

/* TW_OK where the failure is a damaged row that is to be left out, else st with its sentence. */
tw_status twi_pass(const twi_conn *c, tw_status st, const tw_error *why, tw_error *err);

/* ---- store_place.c: the file that was opened ------------------------------------------------- */

void twi_place_remember(tw_store *s);
void twi_place_forget(tw_store *s);
/* A path of the file that was opened, for a new connection: s->path, or `out`. */
const char *twi_place_path(const tw_store *s, char out[TW_PATH_MAX]);

/* ---- store.c: who reads, who writes ---------------------------------------------------------- */

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

/* The next free row of items or users, whose highest `last` asks and s keeps at `highest`. */
TW_NODISCARD tw_status twi_next_row(tw_store *s, twi_statement last, int64_t *highest, int64_t *row,
                                    tw_error *err);

/* Enters the thread's transaction or begins one (*own). */
TW_NODISCARD tw_status twi_write_begin(tw_store *s, bool *own, tw_error *err);
/* st is what the write gave: commits or rolls back an own transaction, and remembers in another one
 * that it is lost. Returns st, or why the commit failed. */
TW_NODISCARD tw_status twi_write_end(tw_store *s, bool own, tw_status st, tw_error *err);

/* ---- store_rules.c: what may be stored ------------------------------------------------------- */

/* 1..TW_STORE_MAX_ID bytes of UTF-8 without control characters; `what` begins the sentence. */
TW_NODISCARD tw_status twi_check_key(const char *what, const char *key, tw_error *err);
/* At most max bytes of UTF-8; NULL is fine. */
TW_NODISCARD tw_status twi_check_text(const char *what, const char *of, const char *s, size_t max,
                                      tw_error *err);
/* At most max bytes, a JSON object without repeated keys. */
TW_NODISCARD tw_status twi_check_object(const char *what, const char *of, const char *json,
                                        size_t max, tw_error *err);
TW_NODISCARD tw_status twi_check_item(const tw_item *item, tw_error *err);

/* ---- store_fold.c: what ids and titles are compared by --------------------------------------- */

#define TWI_FOLD_MAX                                                                               \
    ((size_t) 11 * TW_STORE_MAX_TITLE + 1)             /* a folded title, see base/unicode.h       \
                                                        */
#define TWI_NFC_MAX ((size_t) 3 * TW_STORE_MAX_ID + 1) /* a composed id */

bool twi_is_ascii(const char *s, size_t len);
/* Puts s into *out, cleared first, as Unicode folds it (case, width, composition), without outer
 * spaces. TW_ENOMEM; TW_EINVAL: over the cap of out. */
TW_NODISCARD tw_status twi_store_fold(tw_text *out, const char *s, size_t len, tw_error *err);
/* The hash of a folded title that the table keeps; 0 when nothing is left of it. TW_ENOMEM. */
TW_NODISCARD tw_status twi_fold_hash(const char *title, int64_t *hash, tw_error *err);
/* The hash of an id in canonical composition; 0 for an ASCII id, which has one form. TW_ENOMEM. */
TW_NODISCARD tw_status twi_nfc_hash(const char *id, int64_t *hash, tw_error *err);
/* twi_store_fold(title) and twi_nfc(id) for SQL: the hash, NULL for 0. */
TW_NODISCARD tw_status twi_fold_functions(twi_conn *c, tw_error *err);

/* ---- store_find.c ---------------------------------------------------------------------------- */

/* The item with exactly this id, else the one whose id is the same text in another normal form, the
 * live one first. *row is 0 when there is none. The line is not verified: bulk loads ask for each
 * event, and what reads the item does. */
TW_NODISCARD tw_status twi_find_id(twi_conn *c, const char *id, int64_t *row, bool *live,
                                   tw_error *err);

/* ---- store_near_index.c: candidates for "did you mean" --------------------------------------- */

typedef struct twi_names_index twi_names_index;
TW_NODISCARD tw_status twi_names_index_create(twi_names_index **out, tw_error *err);
void twi_names_index_destroy(twi_names_index *ix); /* accepts NULL */
/* The rows (room) whose ids or titles share most letters with `folded`, ascending. Follows the
 * store first, if `committed` (c sees no open transaction's rows), for a bounded time; *n is 0 when
 * others keep it busy. Thread-safe. TW_ENOMEM and what reading gives. */
TW_NODISCARD tw_status twi_names_index_candidates(twi_names_index *ix, twi_conn *c, bool committed,
                                                  const tw_text *folded, int64_t *rows, int room,
                                                  int *n, tw_error *err);

/* ---- store_vectors.c ------------------------------------------------------------------------- */

/* Marks the item's vector removed in every model. */
TW_NODISCARD tw_status twi_remove_vectors(tw_store *s, int64_t row, tw_error *err);

/* ---- store_spaces.c: the vectors of each model, counted -------------------------------------- */

/* Writes the changed spaces; for commit. */
TW_NODISCARD tw_status twi_flush_spaces(tw_store *s, tw_error *err);
/* One line of the table; dim 0 when the model has none. */
TW_NODISCARD tw_status twi_read_space(twi_conn *c, int model, twi_space *space, tw_error *err);
/* The writer's own copy, kept until commit. */
TW_NODISCARD tw_status twi_space_of(tw_store *s, int model, twi_space **out, tw_error *err);

/* ---- store_items.c --------------------------------------------------------------------------- */

/* The item under the statement's current row (TWI_ITEM_COLUMNS); strings are SQLite's until the
 * next step. TW_ECORRUPT: it is not what was written. */
TW_NODISCARD tw_status twi_read_item(const twi_conn *c, sqlite3_stmt *q, tw_item *item,
                                     tw_error *err);
/* Verifies the line of `items` under the current row: row, seq, live, id, title, ..., sum at the
 * column `sum`. TW_ECORRUPT. */
TW_NODISCARD tw_status twi_check_line(const twi_conn *c, sqlite3_stmt *q, int sum, tw_error *err);

/* ---- store_names.c --------------------------------------------------------------------------- */

/* tw_store_names on a given connection. */
TW_NODISCARD tw_status twi_names(twi_conn *c, const int64_t *rows, int n, tw_item_name *out,
                                 tw_text *text, tw_error *err);

#endif
