/* engine/engine.h — the whole of twindex as a library: one directory in, answers out.
 *
 *     tw_engine *e = NULL;
 *     tw_engine_create("films", &err);
 *     tw_engine_open(&e, "films", &(tw_engine_options){.mode = TW_ENGINE_WRITE}, &err);
 *     tw_engine_ingest(e, "films.csv", &(tw_ingest_options){0}, &report, &err);
 *     tw_engine_events(e, "ratings.csv", &(tw_ingest_options){0}, &report, &err);
 *     tw_engine_train_towers(e, NULL, &tower_report, &err);   // engine/training.h
 *     tw_engine_train_seq(e, NULL, &seq_report, &err);
 *
 *     tw_answer a;
 *     tw_answer_init(&a);
 *     tw_engine_similar(e, &(tw_similar_query){.item = "Toy Story (1995)", .k = 5}, &a, &err);
 *     for (int i = 0; i < a.n; i++) printf("%s\n", a.rows[i].title);
 *     tw_answer_fini(&a);
 *     tw_engine_close(e);
 *
 * Promises:
 * - An acknowledged write is on disk. Indexes are derived: a kill at any moment loses nothing that
 *   was acknowledged and the next open repairs what is derived.
 * - Queries see every write acknowledged before they began, and never wait for training or for the
 *   building of an index: they work on a *generation* (models + indexes), immutable but for
 *   the index's own delta, reference-counted and swapped whole.
 * - A vector of one tower version never meets the index of another.
 *
 * Threads: queries, put, delete, record, get and stats may be called from any thread at once.
 * ingest, events and train may run beside queries, one of them at a time.
 */
#ifndef TW_ENGINE_ENGINE_H
#define TW_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/decls.h"
#include "base/error.h"
#include "base/media_root.h"
#include "base/types.h"
#include "engine/answer.h"
#include "engine/engine_types.h"
#include "ingest/ingest.h"
#include "store/store.h"

TW_BEGIN_DECLS

typedef struct tw_engine tw_engine;

typedef enum tw_engine_mode {
    TW_ENGINE_READ = 0,  /* beside a writer or not; sees the store as of the open */
    TW_ENGINE_WRITE = 1, /* takes DIR/lock: one writer process per directory */
} tw_engine_mode;

typedef struct tw_engine_options {
    tw_engine_mode mode;
    int threads; /* for training and bulk embedding; 0: one per usable core */
    /* Indexes of fewer different vectors are scanned, larger ones get a graph; 0: index/index.h's.
     */
    int64_t exact_below;
    tw_progress_fn progress; /* of the open, which it may stop; may be NULL */
    void *progress_ctx;
} tw_engine_options;

/* Makes an empty data directory. A folder that is there and empty keeps its owner and mode; what a
 * create that was killed left is finished. TW_EEXIST: it is a data directory already, or holds
 * something else (the message names some of it), or is no folder. */
TW_NODISCARD tw_status tw_engine_create(const char *dir, tw_error *err);

/* TW_ENOTFOUND: no data directory there. TW_EBUSY: another process writes it; the message names its
 * process id. TW_ECORRUPT: the store is damaged; the message says what to do. A damaged or missing
 * index is rebuilt, not reported. Where a file of the active model is damaged or missing, the
 * directory opens without that part (stats report it): items and events are read and written, and a
 * query that needs the part gets TW_ECORRUPT with the file and the ways out. Items that are put
 * meanwhile are embedded by the next open for writing that finds the file, or when other towers
 * serve. An index that has to be built is searched exactly at first, so that opening
 * takes seconds whatever its size; its graph comes with the next merge. TW_ECANCELLED: progress. */
TW_NODISCARD tw_status tw_engine_open(tw_engine **out, const char *dir,
                                      const tw_engine_options *opt, tw_error *err);

/* Merges in the background what is due, graphs that are not built yet among it. Every write does
 * the same; this is for a process that will stay, when it has opened. In mode READ it does nothing.
 */
void tw_engine_merge_due(tw_engine *e);

/* Saves an index snapshot when there is something new to save. Does not wait for a graph that is
 * being built: the next merge begins it anew. Accepts NULL. No call may be running. */
void tw_engine_close(tw_engine *e);

/* ---- queries (engine/engine_types.h)
 * ---------------------------------------------------------------- */

/* Items whose tower vectors are nearest; score = cosine; the item itself is left out.
 * TW_ENOTFOUND: no such item; the message names near ids. TW_ESTATE: no towers are trained.
 * TW_EINVAL: k, not one of the ways to ask, something that the towers do not read or of which they
 * read nothing, such as a text of blanks or an item without anything (the sentence says what they
 * do read), an image or audio that cannot be decoded, or an image of more than
 * TW_ENGINE_SHOWN_PIXELS. */
TW_NODISCARD tw_status tw_engine_similar(tw_engine *e, const tw_similar_query *q, tw_answer *out,
                                         tw_error *err);

/* Items that SSE-PT expects next, among those that the model knows: items of its training, and if
 * it reads content all that have some. A user that was not there in training, or a bare history,
 * counts as the trained "unknown user"; a user without any recorded item gets the most popular
 * items (basis "popular"). Score = inner product with the query vector (for "popular": the number
 * of events), which need not fall down a diverse list. TW_ENOTFOUND: no history item exists; where
 * some do, the answer is of these, and says which were skipped. TW_ESTATE: no sequential model.
 * TW_EINVAL: a number out of its range. */
TW_NODISCARD tw_status tw_engine_next(tw_engine *e, const tw_next_query *q, tw_answer *out,
                                      tw_error *err);

/* The tower vector of what is given, or the stored one of an item. Statuses as of similar.
 *   vec (TW_ENGINE_MAX_DIM)  the first *dim are filled */
TW_NODISCARD tw_status tw_engine_embed(tw_engine *e, const tw_embed_query *q, float *vec, int *dim,
                                       int *model, tw_error *err);

/* Called once an item; id and vec (dim) live until it returns. Anything but TW_OK ends it. */
typedef tw_status (*tw_embedded_fn)(void *ctx, const char *id, const float *vec, int dim,
                                    tw_error *err);

/* The stored vectors of all items of which the towers read something, in the order in which the
 * items came; *model is set before the first. TW_ESTATE: no towers are trained. */
TW_NODISCARD tw_status tw_engine_each_vector(tw_engine *e, int *model, tw_embedded_fn fn, void *ctx,
                                             tw_error *err);

/* Where a call takes an item by its title and several have it, get and similar answer with the
 * first and give the ids of the others; the calls whose answer has no place for them (next with a
 * history, embed, record) give TW_EINVAL and name all. */

/* A copy of an item by id or exact title; release with tw_item_fini. For callers of the library
 * that have no use for the ids of others with the title: the program itself always shows them. */
TW_NODISCARD tw_status tw_engine_get(tw_engine *e, const char *item, tw_item *out, tw_error *err);
/* The same; also (TW_ALSO_MAX) <- the ids of other items with this title, see engine/answer.h. */
TW_NODISCARD tw_status tw_engine_get_also(tw_engine *e, const char *item, tw_item *out,
                                          char also[TW_ALSO_MAX], tw_error *err);

/* ---- single writes: on disk and visible to the next query when they return ------------------- */

/* Inserts or replaces by item->id; row and seq are ignored. Repeating it changes nothing. Image
 * and audio are paths of files and are decoded here: TW_EINVAL when one cannot be, with path and
 * reason, or is an address (nothing is ever fetched). What the files hold later is not noticed
 * until the item is put with something changed, or towers are trained. */
TW_NODISCARD tw_status tw_engine_put(tw_engine *e, const tw_item *item, tw_put_kind *kind,
                                     tw_error *err);
/* By id only (a title might name another item). TW_ENOTFOUND. */
TW_NODISCARD tw_status tw_engine_delete(tw_engine *e, const char *id, tw_error *err);

/* How a write is done for a client. All zero, or NULL: without a deadline, for ourselves. */
typedef struct tw_write_options {
    /* TW_ETIMEOUT: it passed, and nothing was written. Once the write is on disk it is done. */
    tw_deadline deadline;
    /* Image and audio are paths that a client gave: each must lie below media_root (NULL: none
     * may), or be what the item has already. The whole path is stored. Whatever is wrong with one,
     * TW_EINVAL has the same sentence; the reason is logged as MEDIA-REFUSED. */
    bool from_client;
    const tw_media_root *media_root;
    bool allow_future; /* record: any time is one, also negative ones and those beyond 2200 */
} tw_write_options;

TW_NODISCARD tw_status tw_engine_put_with(tw_engine *e, const tw_item *item,
                                          const tw_write_options *opt, tw_put_kind *kind,
                                          tw_error *err);
TW_NODISCARD tw_status tw_engine_delete_with(tw_engine *e, const char *id,
                                             const tw_write_options *opt, tw_error *err);

/* User consumed item at `time`, seconds since 1970, whose fraction is kept to the microsecond (0:
 * now). *added is false when exactly that event was there already, so a repeat is harmless. Users
 * come into being. TW_ENOTFOUND: no such item. TW_EINVAL: before 1970 or beyond 2200. */
TW_NODISCARD tw_status tw_engine_record(tw_engine *e, const char *user, const char *item,
                                        double time, bool *added, tw_error *err);
TW_NODISCARD tw_status tw_engine_record_with(tw_engine *e, const char *user, const char *item,
                                             double time, const tw_write_options *opt, bool *added,
                                             tw_error *err);

/* ---- bulk ------------------------------------------------------------------------------------ */

typedef struct tw_ingest_options {
    const char *format;         /* NULL: detect; else a name of ingest/ingest.h */
    const char *title_template; /* NULL, or "{column} ({other})" */
    const char *text_template;
    const char *columns; /* NULL, or "id=sku,title=name": which column is which field */
    const char *header;  /* NULL, or "user,item,timestamp": columns of a file without header line */
    const char *encoding; /* NULL: UTF-8, UTF-16 or Windows-1252, found out; else a name of iconv */
    /* how a table's cells are separated, quoted and escaped, as in ingest/ingest.h; NULL: found
     * out */
    const char *separator, *quote, *escape;
    /* events: how times are written, a name of ingest/ingest.h; NULL: found out from the first rows
     * of the log, and refused where they leave it open (01/02/2024) */
    const char *time_format;
    bool allow_future; /* events: take times before 1970 and beyond 2200, else bad rows */
    bool strict;       /* stop at the first bad row; rows before it stay */
    bool known_only; /* events: reject items that are not in the catalogue instead of adding them */
    tw_progress_fn progress;
    void *progress_ctx;
} tw_ingest_options;

typedef struct tw_ingest_report {
    int64_t rows;                         /* rows read in this run */
    int64_t created, replaced, unchanged; /* items; events: created and unchanged */
    int64_t rejected;                     /* bad rows, written to FILE.rejected */
    int64_t left_out;   /* values that may be no attribute (tw_attributes_tidy), or that their
                           column does not take: the rows are in */
    int64_t repeated;   /* items: rows with the id of an earlier one of the file, of which what they
                           leave blank stays */
    int64_t as_text;    /* items: attributes unlike the first rows of their column, kept as text */
    int64_t missing;    /* words for no value, as NULL and NaN */
    int64_t odd_ids;    /* ids that look like such a word; taken as they are */
    int64_t new_items;  /* events: items that came into being by being consumed */
    int64_t of_deleted; /* events: those of deleted items, which are kept ... */
    int64_t deleted_items; /* ... and how many these items are, which stay deleted */
    int64_t resumed_at;    /* rows that an earlier, interrupted run of the same file had done */
    int64_t looked, met;   /* events: of so many first rows, the items that the catalogue had; 0, 0:
                              it was empty */
    char unmet[128];       /* up to three items that it had not, in quotes */
    double seconds;
    tw_field_source fields[TW_READER_FIELDS]; /* what each column was taken for */
    int n_fields;
    bool untimed;            /* events: the log has no times, so the order of its rows counts */
    char encoding[32];       /* of the file, where it was converted; "" where it was UTF-8 */
    bool encoding_guessed;   /* it was not named */
    char rejects_path[4096]; /* "" when nothing was rejected */
    char first_reject[512];  /* its sentence */
    char first_left_out[512];
    char first_as_text[256];
    char first_odd_id[256];
    bool folder;          /* a folder was read: rows are its image and audio files ... */
    int64_t others;       /* ... beside so many files that are neither ... */
    int64_t links;        /* ... and links, which are not followed */
    char catalogue[4096]; /* the one CSV, TSV or JSON file in it, which was not read; "": none */
} tw_ingest_report;

/* Catalogue rows of one file: stored, embedded when towers exist, indexed; in transactions, so that
 * the same command after a kill goes on where the last commit was. A bad row never stops the run
 * unless strict (then TW_EINVAL); an image or audio that cannot be decoded makes its row a bad
 * one. Relative paths are taken from the file's folder.
 *
 * Where path is a folder, the image and audio files below it are items
 * (ingest/media/media_folder.h: an id is the path from there): a file that has not changed since
 * (size, time of change) is passed over without a look into it, one that cannot be decoded is a bad
 * row, in PATH.rejected beside the folder. What says how to read a file of rows (format, columns,
 * templates ...): TW_EINVAL. */
TW_NODISCARD tw_status tw_engine_ingest(tw_engine *e, const char *path,
                                        const tw_ingest_options *opt, tw_ingest_report *report,
                                        tw_error *err);

/* An interaction log, likewise. Items that are not in the catalogue are added by id (unless
 * known_only); deleted ones stay deleted until put or ingest brings them back, with their events.
 */
TW_NODISCARD tw_status tw_engine_events(tw_engine *e, const char *path,
                                        const tw_ingest_options *opt, tw_ingest_report *report,
                                        tw_error *err);

/* ---- housekeeping ---------------------------------------------------------------------------- */

TW_NODISCARD tw_status tw_engine_stats_get(tw_engine *e, tw_engine_stats *out, tw_error *err);

/* Writes index snapshots now. */
TW_NODISCARD tw_status tw_engine_snapshot(tw_engine *e, tw_error *err);

TW_END_DECLS

#endif
