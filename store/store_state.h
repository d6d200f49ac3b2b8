/* store/store_state.h — an open store: readers, the writer's slot, what the writer keeps in memory.
 * Internal to store/.
 *
 * A store has one connection that writes and a stack of idle ones that read. Public functions are
 * thin: twi_read_begin .. twi_read_end or twi_write_begin .. twi_write_end around one static
 * function that does the work.
 */
#ifndef TW_STORE_STORE_STATE_H
#define TW_STORE_STORE_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/file.h"
#include "store/store_statement.h"

#define TWI_IDLE_READERS 16 /* more are closed when they come back */
#define TWI_SPACE_SLOTS  8  /* models whose counts the writer keeps in memory */

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

/* store.c: who reads, who writes. */

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

/* *highest <- the highest row of items or users, which `last` asks, unless it is known (-1: not).
 */
TW_NODISCARD tw_status twi_highest_row(tw_store *s, twi_statement last, int64_t *highest,
                                       tw_error *err);
/* The next free row of items or users, whose highest `last` asks and s keeps at `highest`. */
TW_NODISCARD tw_status twi_next_row(tw_store *s, twi_statement last, int64_t *highest, int64_t *row,
                                    tw_error *err);

/* Enters the thread's transaction or begins one (*own). */
TW_NODISCARD tw_status twi_write_begin(tw_store *s, bool *own, tw_error *err);
/* st is what the write gave: commits or rolls back an own transaction, and remembers in another one
 * that it is lost. Returns st, or why the commit failed. */
TW_NODISCARD tw_status twi_write_end(tw_store *s, bool own, tw_status st, tw_error *err);

/* store_place.c: the file that was opened. */

void twi_place_remember(tw_store *s);
void twi_place_forget(tw_store *s);
/* A path of the file that was opened, for a new connection: s->path, or `out`. */
const char *twi_place_path(const tw_store *s, char out[TW_PATH_MAX]);

#endif
