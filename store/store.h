/* store/store.h — the truth on disk: items, vectors, events, users, models.
 *
 * One SQLite file. What a call reports as done is on disk: the index, bitmaps
 * and caches above are derived from here and may be lost at any time. Every
 * change of an item, a vector, an event or a model takes the next sequence
 * number of one counter, in the same transaction, so "everything after S" is a
 * complete replay. Rows (item, user) are small positive integers that are
 * never reused.
 *
 *     tw_store *s = NULL;
 *     TW_TRY(tw_store_open(&s, "shop.db", TW_STORE_CREATE, err));
 *     TW_TRY(tw_store_begin(s, err));
 *     TW_TRY(tw_store_put_item(s, &item, &put, err));
 *     TW_TRY(tw_store_put_vector(s, put.row, 1, vec, dim, NULL, err));
 *     TW_TRY(tw_store_commit(s, err));
 *
 * Threads: every function may be called from any thread, close excepted. There
 * is one writer at a time: a transaction belongs to the thread that began it,
 * and other writers wait. Readers never wait and see the last commit;
 * only the thread inside a transaction sees what it has not yet committed.
 * A write outside a transaction is a transaction of its own.
 *
 * Every row carries a checksum, verified whenever it is read: what was not
 * written is never given. A store of an older format is brought up to date by
 * the first open that may write; opened READ it is read as it is.
 *
 * Statuses common to all calls: TW_ENOMEM; TW_EIO; TW_ECORRUPT with what SQLite
 * found, or which row is not what was written. For writes, besides: TW_EDENIED
 * (opened for reading, or the disk is read-only), TW_EBUSY (another process
 * kept the writer's lock for longer than the patience), TW_ENOSPC (the disk is
 * full: reads go on, and writes once there is space). After TW_EINVAL, TW_EDIM,
 * TW_ENOTFOUND or TW_EEXIST a transaction is as it was before the call and may
 * go on; after any other failure it can only be rolled back (commit then does
 * that).
 */
#ifndef TW_STORE_STORE_H
#define TW_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/decls.h"
#include "base/error.h"
#include "base/text.h"

TW_BEGIN_DECLS

#define TW_STORE_MAX_ID         512        /* bytes of an item's id or a user's key, at least 1 */
#define TW_STORE_MAX_TITLE      4096       /* bytes */
#define TW_STORE_MAX_TEXT       (1 << 20)  /* bytes */
#define TW_STORE_MAX_ATTRIBUTES (64 << 10) /* bytes of JSON */
#define TW_STORE_MAX_MEDIA      4096       /* bytes of an image or audio path */
#define TW_STORE_MAX_DIM        8192       /* floats in a vector */
#define TW_STORE_MAX_META       (1 << 20)  /* bytes of a meta value or a model's JSON */
#define TW_STORE_MAX_NEAR       100
#define TW_STORE_MOST_TITLED    1000 /* items of one title that are counted */
#define TW_STORE_STATS_MODELS   16
#define TW_STORE_PATIENCE_MS    5000

typedef struct tw_store tw_store;

typedef enum tw_store_mode {
    TW_STORE_READ,   /* must exist; every write gives TW_EDENIED */
    TW_STORE_WRITE,  /* must exist */
    TW_STORE_CREATE, /* made when missing or empty, otherwise as WRITE */
} tw_store_mode;

/* Before a log of writes is replayed in which commits are lost behind a damaged frame, it is copied
 * to PATH-wal.damaged, and that is logged (STORE-LOG-DAMAGED); so is the loss of acknowledged
 * commits by whatever means (STORE-LOST), as far as PATH-seq tells.
 *
 * TW_ENOTFOUND: no such file or folder, or (READ, WRITE) a file that holds nothing.
 * TW_ECORRUPT: not a database, or a damaged one. TW_EINVAL: another program's database.
 * TW_EUNSUPPORTED: written by a newer twindex. TW_EDENIED: permissions. TW_EBUSY: locked.
 * On failure *out is NULL. */
TW_NODISCARD tw_status tw_store_open(tw_store **out, const char *path, tw_store_mode mode,
                                     tw_error *err);

/* Accepts NULL. Rolls back what is open. No other thread may be inside a call. */
void tw_store_close(tw_store *s);

/* How long a write waits for another process, in milliseconds (default TW_STORE_PATIENCE_MS). Call
 * it right after open. For programs whose users cannot wait so long. */
void tw_store_set_patience(tw_store *s, int ms);

/* From now on iterations, names and histories leave out rows that are not what was written, with a
 * line in the log (STORE-ROW-DAMAGED); without it they end there with TW_ECORRUPT. A model's entry
 * is then given with an empty description. Call it right after open. */
void tw_store_pass_damaged(tw_store *s);

/* ---- Transactions ---------------------------------------------------------------------------- */

/* Waits until no other thread writes, then starts. TW_ESTATE: this thread is in one already. */
TW_NODISCARD tw_status tw_store_begin(tw_store *s, tw_error *err);
/* The same, but waits no longer than until then, neither for a thread nor for another process.
 * TW_ETIMEOUT; no transaction is open. */
TW_NODISCARD tw_status tw_store_begin_by(tw_store *s, tw_deadline until, tw_error *err);

/* When this returns TW_OK, everything since begin is on disk. On failure nothing of it is, and the
 * transaction is over all the same. TW_ESTATE: none is open in this thread, or an earlier call in
 * it failed. */
TW_NODISCARD tw_status tw_store_commit(tw_store *s, tw_error *err);

/* Nothing happens when this thread has no transaction open: `done:` may call it blindly. */
void tw_store_rollback(tw_store *s);

/* ---- Items ----------------------------------------------------------------------------------- */

/* An item as given to put and as handed to callbacks: strings are borrowed, UTF-8, and may be NULL
 * on the way in; on the way out they are never NULL, and attributes is at least "{}". */
typedef struct tw_item {
    int64_t row; /* ignored by put */
    int64_t seq; /* of its last change; ignored by put */
    bool live;   /* false: deleted, only row, seq and id are left; ignored by put */
    const char *id;
    const char *title;
    const char *text;
    const char *attributes; /* a JSON object; see tw_attributes_tidy for what may be in it */
    const char *image;      /* path or URL */
    const char *audio;
    char *block; /* what tw_item_fini frees; NULL in callbacks and when given to put */
} tw_item;

/* Frees what tw_store_item and tw_store_item_by_id filled. A zeroed item is fine. */
void tw_item_fini(tw_item *item);

typedef enum tw_put_kind {
    TW_PUT_CREATED,   /* new, or deleted before: then it gets its old row back */
    TW_PUT_REPLACED,  /* content differed; its vectors stay until put_vector, see each_pending */
    TW_PUT_UNCHANGED, /* content was the same: no new sequence number */
} tw_put_kind;

typedef struct tw_put_result {
    int64_t row;
    int64_t seq; /* of the item's last change */
    tw_put_kind kind;
} tw_put_result;

/* Inserts the item, or replaces the whole content of the one with the same id.
 *
 * Here and wherever an id is looked up: the item with exactly these bytes, else the one whose id is
 * the same text in another normal form of Unicode (NFC, NFD). So an id keeps the form in which it
 * came first, and two that differ in form alone can only be in a store from before this rule.
 *
 * TW_EINVAL: a rule above is broken: an empty or long id, control characters in the id, a NUL or
 * malformed UTF-8 anywhere, a string over its limit, attributes that are no JSON object, one of
 * them a value that may be none. What was stored by earlier versions stays readable. */
TW_NODISCARD tw_status tw_store_put_item(tw_store *s, const tw_item *item, tw_put_result *put,
                                         tw_error *err);

/* The one rule of what may be an attribute, for every caller: a string, a number, a boolean, a list
 * of strings or a list of numbers. null is no value, so it is left out. Anything else,
 * tw_store_put_item refuses; a load of many items leaves it out with this, and tells.
 *
 *   out       cleared and filled: the object without what is left out
 *   of        the item's id, for the sentences
 *   *refused  how many values were left out that were not null; *first, which may be NULL, has the
 *             sentence of the first
 *
 * TW_EINVAL: json is no JSON object. TW_ENOMEM. */
TW_NODISCARD tw_status tw_attributes_tidy(tw_text *out, const char *of, const char *json,
                                          int *refused, tw_error *first, tw_error *err);

/* Clears the item's content, removes its vectors (each_vector reports that) and keeps its id, row
 * and events. *row may be NULL. TW_ENOTFOUND: never put, or deleted already. */
TW_NODISCARD tw_status tw_store_delete_item(tw_store *s, const char *id, int64_t *row,
                                            tw_error *err);

/* The row of a live item. TW_ENOTFOUND: as above, and the sentence says which. */
TW_NODISCARD tw_status tw_store_row_by_id(tw_store *s, const char *id, int64_t *row, tw_error *err);

/* The same, deleted items included; *live tells. TW_ENOTFOUND: never put. */
TW_NODISCARD tw_status tw_store_row_of(tw_store *s, const char *id, int64_t *row, bool *live,
                                       tw_error *err);

/* The rows of the live items with this title, ascending; *n is how many there are, up to
 * TW_STORE_MOST_TITLED. Titles are one when Unicode folds them to the same text (case, composition,
 * width) and outer spaces are left out.
 *
 *   rows (room)  the first min(*n, room); room may be 0 */
TW_NODISCARD tw_status tw_store_titled(tw_store *s, const char *title, int64_t *rows, int room,
                                       int *n, tw_error *err);

/* A copy of a live item, to be released with tw_item_fini. TW_ENOTFOUND: *out is zeroed. */
TW_NODISCARD tw_status tw_store_item(tw_store *s, int64_t row, tw_item *out, tw_error *err);
TW_NODISCARD tw_status tw_store_item_by_id(tw_store *s, const char *id, tw_item *out,
                                           tw_error *err);

/* What a result list shows of an item. */
typedef struct tw_item_name {
    int64_t row;
    bool live;         /* false: no such row, or deleted */
    float score;       /* tw_store_near: 0..1, 1 is the same; otherwise 0 */
    const char *id;    /* "" when the row was never used */
    const char *title; /* "" when there is none */
} tw_item_name;

/* Names n rows in one go.
 *
 *   rows (n), out (n)  caller's arrays
 *   text               holds the strings: cleared first, and it must outlive `out`; use the same
 * one again and a steady state allocates nothing
 *
 * TW_EINVAL: over the cap of text ((TW_STORE_MAX_ID + TW_STORE_MAX_TITLE + 2) * n is enough). */
TW_NODISCARD tw_status tw_store_names(tw_store *s, const int64_t *rows, int n, tw_item_name *out,
                                      tw_text *text, tw_error *err);

/* The live items whose id or title is like `query`, best first, for "did you mean". Only likely
 * ones are given: *n may be 0. A signature of each name in memory (24 bytes) proposes some hundred
 * candidates; they are brought up to date first, for at most 0.2 s in the first call on a store and
 * 2 ms in later ones, so the time is bounded whatever the number of items.
 *
 *   out (k)  caller's array, 1 <= k <= TW_STORE_MAX_NEAR; strings as in tw_store_names */
TW_NODISCARD tw_status tw_store_near(tw_store *s, const char *query, int k, tw_item_name *out,
                                     int *n, tw_text *text, tw_error *err);

/* Called once an item; its strings live until it returns. Anything but TW_OK ends the iteration and
 * is what the iterating call returns. Outside a transaction the iteration sees one moment of the
 * store and the callback may do what it likes, write included; inside one it may only read, and not
 * start the same iteration again (TW_ESTATE). */
typedef tw_status (*tw_item_fn)(void *ctx, const tw_item *item, tw_error *err);

/* Every live item with row > after_row, in row order. */
TW_NODISCARD tw_status tw_store_each_item(tw_store *s, int64_t after_row, tw_item_fn fn, void *ctx,
                                          tw_error *err);

/* Every item changed after `since` (0: all), tombstones included, in order of its last change. */
TW_NODISCARD tw_status tw_store_each_change(tw_store *s, int64_t since, tw_item_fn fn, void *ctx,
                                            tw_error *err);

/* Every live item with row > after_row that `model` has no vector of, or one older than the item's
 * content, in row order. */
TW_NODISCARD tw_status tw_store_each_pending(tw_store *s, int model, int64_t after_row,
                                             tw_item_fn fn, void *ctx, tw_error *err);

/* ---- Vectors --------------------------------------------------------------------------------- */

/* Sets the item's vector of a model (>= 1); the first one fixes the model's width.
 *
 *   vec (dim)  finite; copied
 *   seq        may be NULL
 *
 * TW_EINVAL: model, dim or a value out of range. TW_EDIM: the model's vectors have another width.
 * TW_ENOTFOUND: no live item has the row. */
TW_NODISCARD tw_status tw_store_put_vector(tw_store *s, int64_t row, int model, const float *vec,
                                           int dim, int64_t *seq, tw_error *err);

/* vec (dim) is filled. TW_ENOTFOUND: none is stored. TW_EDIM: the model's width is not dim. */
TW_NODISCARD tw_status tw_store_vector(tw_store *s, int64_t row, int model, float *vec, int dim,
                                       tw_error *err);

/* The width of a model's vectors, 0 when it has none. */
TW_NODISCARD tw_status tw_store_vector_dim(tw_store *s, int model, int *dim, tw_error *err);

typedef struct tw_store_vector_change {
    int64_t row; /* the item's */
    int64_t seq; /* greater than that of the change before */
    bool live;   /* false: the vector was removed with its item; vec is NULL */
    bool
        damaged; /* it is not what was written: all its values are NaN, and a new one has to come */
    int dim;
    const float *vec; /* (dim), aligned for float, until the callback returns */
} tw_store_vector_change;

/* As tw_item_fn. */
typedef tw_status (*tw_vector_fn)(void *ctx, const tw_store_vector_change *change, tw_error *err);

/* The last change of each vector of `model` that came after `since`, in order: applied to a state
 * at `since` they give the present state, and the last `seq` seen is its number. Damage of one
 * vector does not end the iteration. */
TW_NODISCARD tw_status tw_store_each_vector(tw_store *s, int model, int64_t since, tw_vector_fn fn,
                                            void *ctx, tw_error *err);

/* Forgets all vectors of a model without a trace in each_vector: for models that serve no longer.
 * *dropped may be NULL. */
TW_NODISCARD tw_status tw_store_drop_vectors(tw_store *s, int model, int64_t *dropped,
                                             tw_error *err);

/* ---- Users and events ------------------------------------------------------------------------ */

typedef struct tw_event {
    int64_t seq;   /* also the order of insertion, which settles equal times */
    int64_t user;  /* row */
    int64_t item;  /* row */
    int64_t time;  /* microseconds since 1970 */
    double rating; /* NaN: none */
    double value;  /* another number of the source's (price, seconds watched); NaN: none */
} tw_event;

/* Records that the user (made when new) met the item (live or deleted).
 *
 *   e  item, time, rating and value are read; seq and user are filled
 *
 * *added is false, and nothing changed, when this user has an event with the same item and time: so
 * a file may be read twice. It may be NULL. TW_EINVAL: a broken key, an infinite number.
 * TW_ENOTFOUND: no item has the row. */
TW_NODISCARD tw_status tw_store_add_event(tw_store *s, const char *user_key, tw_event *e,
                                          bool *added, tw_error *err);

/* TW_ENOTFOUND: no user has this key. */
TW_NODISCARD tw_status tw_store_user_row(tw_store *s, const char *user_key, int64_t *row,
                                         tw_error *err);

/* The key is put into *key, which is cleared first. TW_ENOTFOUND. */
TW_NODISCARD tw_status tw_store_user_key(tw_store *s, int64_t row, tw_text *key, tw_error *err);

/* The user's last `limit` events whose items are live, oldest first.
 *
 *   out (limit)  *n are filled; an unknown user has none */
TW_NODISCARD tw_status tw_store_history(tw_store *s, int64_t user, int limit, tw_event *out, int *n,
                                        tw_error *err);

/* As tw_item_fn. */
typedef tw_status (*tw_event_fn)(void *ctx, const tw_event *e, tw_error *err);

/* Every event whose item is live, ordered by user row, then time, then insertion. */
TW_NODISCARD tw_status tw_store_each_event(tw_store *s, tw_event_fn fn, void *ctx, tw_error *err);

/* ---- Models ---------------------------------------------------------------------------------- */

/* Registers a version (>= 1) with its description, any JSON object. TW_EEXIST: it is there.
 * TW_EINVAL. */
TW_NODISCARD tw_status tw_store_add_model(tw_store *s, int version, const char *json,
                                          tw_error *err);

/* Makes it the one that serves. TW_ENOTFOUND. */
TW_NODISCARD tw_status tw_store_activate_model(tw_store *s, int version, tw_error *err);

typedef struct tw_store_model {
    int version;
    bool active;
    const char *json; /* until the callback returns */
} tw_store_model;

/* As tw_item_fn; in order of version. */
typedef tw_status (*tw_model_fn)(void *ctx, const tw_store_model *model, tw_error *err);
TW_NODISCARD tw_status tw_store_each_model(tw_store *s, tw_model_fn fn, void *ctx, tw_error *err);

/* ---- Small things ---------------------------------------------------------------------------- */

/* A value under a key of 1..TW_STORE_MAX_ID bytes; NULL removes it. TW_EINVAL. */
TW_NODISCARD tw_status tw_store_set_meta(tw_store *s, const char *key, const char *value,
                                         tw_error *err);

/* The value is put into *value, which is cleared first. TW_ENOTFOUND. */
TW_NODISCARD tw_status tw_store_meta(tw_store *s, const char *key, tw_text *value, tw_error *err);

/* How far a file has been read. Written in the transaction that holds its rows, so a run that was
 * killed goes on exactly where its last commit was. */
typedef struct tw_store_mark {
    int64_t bytes;    /* offset behind the last row that is stored */
    int64_t lines;    /* lines up to there */
    int64_t rows;     /* rows stored */
    int64_t rejected; /* rows refused */
    bool done;        /* the end of the file was reached */
} tw_store_mark;

/* `key` names the file by its content: the caller's fingerprint, 1..TW_STORE_MAX_ID bytes. */
TW_NODISCARD tw_status tw_store_set_mark(tw_store *s, const char *key, const tw_store_mark *mark,
                                         tw_error *err);

/* All zero when the key is new. */
TW_NODISCARD tw_status tw_store_get_mark(tw_store *s, const char *key, tw_store_mark *mark,
                                         tw_error *err);

/* The number of the last change; 0 in a new store. */
TW_NODISCARD tw_status tw_store_seq(tw_store *s, int64_t *seq, tw_error *err);

typedef struct tw_store_stats {
    int64_t seq;
    int64_t items;   /* live */
    int64_t deleted; /* tombstones */
    int64_t users;
    int64_t events;
    int64_t file_bytes; /* database and write-ahead log */
    int active_model;   /* 0: none */
    int n_models;       /* of the next line: models with vectors, newest first */
    struct {
        int model;
        int dim;
        int64_t vectors;
    } models[TW_STORE_STATS_MODELS];
} tw_store_stats;

/* Kept up to date with every change, so it costs a few microseconds at any size. */
TW_NODISCARD tw_status tw_store_get_stats(tw_store *s, tw_store_stats *stats, tw_error *err);

/* Called once for each thing wrong, with one sentence. */
typedef void (*tw_problem_fn)(void *ctx, const char *sentence);

/* Verifies the file (every page and index; with `quick`, without comparing indexes to tables), its
 * log, every row's checksum, every table's total, and what twindex promises about its content.
 * TW_ECORRUPT: fn was called at least once. Reads only. */
TW_NODISCARD tw_status tw_store_check(tw_store *s, bool quick, tw_problem_fn fn, void *ctx,
                                      tw_error *err);

TW_END_DECLS

#endif
