/* engine/engine.h — the whole of twindex as a library: one directory in, answers out.
 *
 *     tw_engine *e = NULL;
 *     tw_engine_create("films", &err);
 *     tw_engine_open(&e, "films", &(tw_engine_options){.mode = TW_ENGINE_WRITE}, &err);
 *     tw_engine_ingest(e, "films.csv", &(tw_ingest_options){0}, &report, &err);
 *     tw_engine_events(e, "ratings.csv", &(tw_ingest_options){0}, &report, &err);
 *     tw_engine_train_towers(e, NULL, &tower_result, &err);
 *     tw_engine_train_seq(e, NULL, &seq_result, &err);
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
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/deadline.h"
#include "base/error.h"
#include "base/media_root.h"
#include "base/types.h"
#include "engine/answer.h"
#include "store/store.h"

#define TW_ENGINE_MAX_K        1000
#define TW_ENGINE_MAX_HISTORY  10000
#define TW_ENGINE_MAX_DIM      4096
#define TW_ENGINE_MAX_DISCOUNT 10
#define TW_ENGINE_SHOWN_PIXELS 40000000 /* of a picture that a query shows, as its file has it */
#define TW_ENGINE_POOL         500 /* candidates of a diverse list; TW_ENGINE_MAX_K for a longer one */

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
 * directory opens without that part (stats tell): items and events are read and written, and a
 * query that needs the part gets TW_ECORRUPT with the file and the ways out. Items that are put
 * meanwhile are embedded by the next open for writing that finds the file, or when other towers
 * serve. An index that has to be built is searched exactly at first, so that opening
 * takes seconds whatever its size; its graph comes with the next fold. TW_ECANCELLED: progress. */
TW_NODISCARD tw_status tw_engine_open(tw_engine **out, const char *dir,
                                      const tw_engine_options *opt, tw_error *err);

/* Folds in the background what is due, graphs that are not built yet among it. Every write does the
 * same; this is for a process that will stay, when it has opened. In mode READ it does nothing. */
void tw_engine_merge_due(tw_engine *e);

/* Saves an index snapshot when there is something new to save. Does not wait for a graph that is
 * being built: the next fold begins it anew. Accepts NULL. No call may be running. */
void tw_engine_close(tw_engine *e);

/* ---- queries --------------------------------------------------------------------------------- */

/* Either an item, or any of text, image and audio: together they are asked for as one item that
 * has them all. */
typedef struct tw_similar_query {
    const char *item;     /* id, or else exact title (case does not matter) */
    const char *text;     /* free text */
    int k;                /* 1..TW_ENGINE_MAX_K */
    bool exact;           /* scan everything instead of the index */
    tw_bytes image;       /* a picture as its file holds it: PNG or JPEG; empty: none */
    tw_bytes audio;       /* a sound likewise: WAV, FLAC, OGG ... */
    tw_deadline deadline; /* TW_ETIMEOUT: it passed before there was an answer; 0: none */
} tw_similar_query;

/* Items whose tower vectors are nearest; score = cosine; the item itself is left out.
 * TW_ENOTFOUND: no such item; the message names near ids. TW_ESTATE: no towers are trained.
 * TW_EINVAL: k, not one of the ways to ask, something that the towers do not read or of which they
 * read nothing, such as a text of blanks or an item without anything (the sentence says what they
 * do read), a picture or sound that cannot be decoded, or a picture of more than
 * TW_ENGINE_SHOWN_PIXELS. */
TW_NODISCARD tw_status tw_engine_similar(tw_engine *e, const tw_similar_query *q, tw_answer *out,
                                         tw_error *err);

/* Exactly one of user and history. */
typedef struct tw_next_query {
    const char *user;           /* id; its recorded events are the history */
    const char *const *history; /* (n_history) item ids or titles, oldest first */
    int n_history;              /* 1..TW_ENGINE_MAX_HISTORY */
    int k;
    bool include_seen; /* items of the history may come again */
    /* Diverse lists, both 0 for the plain order of scores; seqmodel/seqmodel.h has the formula.
     * They choose among the TW_ENGINE_POOL items that fit best, and say nothing of popular items.
     */
    double diversity;           /* 0..1: weight of unlikeness to what stands above */
    double popularity_discount; /* 0..TW_ENGINE_MAX_DISCOUNT: logit - discount * log(1 + events of
                                   the item) */
    tw_deadline deadline;       /* as in tw_similar_query */
} tw_next_query;

/* Items that SSE-PT expects next, among those that the model knows: items of its training, and if
 * it reads content all that have some. A user that was not there in training, or a bare history,
 * counts as the trained "unknown user"; a user without any recorded item gets the most popular
 * items (basis "popular"). Score = inner product with the query vector (for "popular": the number
 * of events), which need not fall down a diverse list. TW_ENOTFOUND: a history item does not exist.
 * TW_ESTATE: no sequential model. TW_EINVAL: a number out of its range. */
TW_NODISCARD tw_status tw_engine_next(tw_engine *e, const tw_next_query *q, tw_answer *out,
                                      tw_error *err);

/* As in tw_similar_query. */
typedef struct tw_embed_query {
    const char *item, *text;
    tw_bytes image, audio;
    tw_deadline deadline;
} tw_embed_query;

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
 * first and tell the ids of the others; the calls whose answer has no place for them (next with a
 * history, embed, record) give TW_EINVAL and name all. */

/* A copy of an item by id or exact title; release with tw_item_fini. */
TW_NODISCARD tw_status tw_engine_get(tw_engine *e, const char *item, tw_item *out, tw_error *err);
/* The same; also (TW_ALSO_MAX) <- the ids of other items with this title, see engine/answer.h. */
TW_NODISCARD tw_status tw_engine_get_also(tw_engine *e, const char *item, tw_item *out,
                                          char also[TW_ALSO_MAX], tw_error *err);

/* ---- single writes: on disk and visible to the next query when they return ------------------- */

/* Inserts or replaces by item->id; row and seq are ignored. Repeating it changes nothing. Picture
 * and sound are paths of files and are decoded here: TW_EINVAL when one cannot be, with path and
 * reason, or is an address (nothing is ever fetched). What the files hold later is not noticed
 * until the item is put with something changed, or towers are trained. */
TW_NODISCARD tw_status tw_engine_put(tw_engine *e, const tw_item *item, tw_put_kind *kind,
                                     tw_error *err);
/* By id only (a title might name another item). TW_ENOTFOUND. */
TW_NODISCARD tw_status tw_engine_delete(tw_engine *e, const char *id, tw_error *err);

/* How a write is done for somebody else. All zero, or NULL: without a deadline, by ourselves. */
typedef struct tw_write_options {
    /* TW_ETIMEOUT: it passed, and nothing was written. Once the write is on disk it is done. */
    tw_deadline deadline;
    /* Picture and sound are paths that a client gave: each must lie below media_root (NULL: none
     * may), or be what the item has already. The whole path is stored. Whatever is wrong with one,
     * TW_EINVAL has the same sentence; the reason is logged as MEDIA-REFUSED. */
    bool from_client;
    const tw_media_root *media_root;
} tw_write_options;

TW_NODISCARD tw_status tw_engine_put_with(tw_engine *e, const tw_item *item,
                                          const tw_write_options *opt, tw_put_kind *kind,
                                          tw_error *err);
TW_NODISCARD tw_status tw_engine_delete_with(tw_engine *e, const char *id,
                                             const tw_write_options *opt, tw_error *err);

/* User consumed item at `time` (unix seconds; 0: now). *added is false when exactly that event was
 * there already, so a repeat is harmless. Users come into being. TW_ENOTFOUND: no such item. */
TW_NODISCARD tw_status tw_engine_record(tw_engine *e, const char *user, const char *item,
                                        int64_t time, bool *added, tw_error *err);
TW_NODISCARD tw_status tw_engine_record_with(tw_engine *e, const char *user, const char *item,
                                             int64_t time, const tw_write_options *opt, bool *added,
                                             tw_error *err);

/* ---- bulk ------------------------------------------------------------------------------------ */

typedef struct tw_ingest_options {
    const char *format;         /* NULL: detect; else a name of ingest/ingest.h */
    const char *title_template; /* NULL, or "{column} ({other})" */
    const char *text_template;
    const char *columns; /* NULL, or "id=sku,title=name": which column is which field */
    const char *header;  /* NULL, or "user,item,timestamp": columns of a file without header line */
    bool strict;         /* stop at the first bad row; rows before it stay */
    bool known_only; /* events: reject items that are not in the catalogue instead of adding them */
    tw_progress_fn progress;
    void *progress_ctx;
} tw_ingest_options;

typedef struct tw_ingest_report {
    int64_t rows;                         /* rows read in this run */
    int64_t created, replaced, unchanged; /* items; events: created and unchanged */
    int64_t rejected;                     /* bad rows, written to FILE.rejected */
    int64_t left_out;   /* values that may be no attribute (tw_attributes_tidy): the items are in */
    int64_t new_items;  /* events: items that came into being by being consumed */
    int64_t of_deleted; /* events: those of deleted items, which are kept ... */
    int64_t deleted_items; /* ... and how many these items are, which stay deleted */
    int64_t resumed_at;    /* rows that an earlier, interrupted run of the same file had done */
    double seconds;
    char rejects_path[4096]; /* "" when nothing was rejected */
    char first_reject[512];  /* its sentence */
    char first_left_out[512];
} tw_ingest_report;

/* Catalogue rows of one file: stored, embedded when towers exist, indexed; in transactions, so that
 * the same command after a kill goes on where the last commit was. A bad row never stops the run
 * unless strict (then TW_EINVAL); a picture or sound that cannot be decoded makes its row a bad
 * one. Relative paths are taken from the file's folder. */
TW_NODISCARD tw_status tw_engine_ingest(tw_engine *e, const char *path,
                                        const tw_ingest_options *opt, tw_ingest_report *report,
                                        tw_error *err);

/* An interaction log, likewise. Items that are not in the catalogue are added by id (unless
 * known_only); deleted ones stay deleted until put or ingest brings them back, with their events.
 */
TW_NODISCARD tw_status tw_engine_events(tw_engine *e, const char *path,
                                        const tw_ingest_options *opt, tw_ingest_report *report,
                                        tw_error *err);

/* ---- training and evaluation ----------------------------------------------------------------- */

typedef enum tw_pair_source {
    TW_PAIRS_EVENTS = 0,    /* positives mined from who-consumed-what-together */
    TW_PAIRS_FILE = 1,      /* pairs a,b,label */
    TW_PAIRS_TRIPLETS = 2,  /* anchor,positive,negative */
    TW_PAIRS_ATTRIBUTE = 3, /* items that share a value of an attribute */
    TW_PAIRS_CLASSES = 4,   /* no pairs: an attribute says what each item is */
    TW_PAIRS_SELF = 5,      /* each item beside itself: its modalities, or two views of it */
} tw_pair_source;

/* Whether what a training made serves at once. */
typedef enum tw_activate {
    TW_ACTIVATE_BETTER = 0, /* if validation says that it gained something; see train_towers, seq */
    TW_ACTIVATE_ALWAYS = 1,
    TW_ACTIVATE_NEVER = 2,
} tw_activate;

typedef struct tw_train_options {
    const char *config_json; /* NULL, or keys of the model's config that differ from the default */
    tw_pair_source source;   /* towers */
    const char *path;        /* towers: the pairs or triplets file; or the attribute's name */
    const char *groups;      /* towers, with classes: NULL, or the attribute that says what several
                                classes have in common, so that batches hold what is hard to tell */
    const char *hold_out; /* towers, with classes: NULL, or the attribute of which whole values are
                             kept for validation, not single items: near doubles share one (a
                             speaker, a photo session), and would make it too easy */
    const char *vocabulary; /* towers: NULL, or a vocab.txt for a text encoder that reads tokens;
                               without one it is learnt from the catalogue */
    bool further;           /* towers: begin with the weights of those that serve, whose shape they
                               keep, not with random ones; TW_ESTATE where none do */
    bool content;           /* seq: items enter by their tower vectors, too; see train_seq */
    tw_activate activate;
    bool skip_eval; /* do not measure on the test split afterwards */
    tw_progress_fn progress;
    void *progress_ctx;
} tw_train_options;

/* Trains, publishes a new model version, re-embeds the catalogue, swaps the generation. A training
 * that gained nothing publishes the version, but does not activate it: what served goes on serving,
 * nothing if nothing did. That is so if no epoch was better on validation than the towers were
 * before (epoch 0), or, where there is no validation, if the vectors collapsed at once; of zero
 * epochs nothing is expected. The report says "activated", and in "reason" why not. Encoders
 * that the config leaves at "auto" are settled by what the catalogue has: text by its bag if any
 * item has some, pictures by conv4 and sounds by the CNN if one item in ten has one; attributes
 * not. Media that cannot be read any more are missing, counted in the report ("unreadable",
 * "first_unreadable") and logged as MEDIA-UNREADABLE; they fail nothing. `*report`
 * is a JSON object, freed with tw_free: what was trained, on what, how good beside its baselines.
 * TW_ESTATE: nothing to train on; the message says what is missing. TW_ECANCELLED: progress said
 * stop; nothing was published. */
TW_NODISCARD tw_status tw_engine_train_towers(tw_engine *e, const tw_train_options *opt,
                                              char **report, tw_error *err);
/* Publishes the text tower of a sentence-transformers folder (tw_tower_import_bert), embeds the
 * catalogue with it. opt: progress alone, or NULL. TW_ECORRUPT, TW_ENOTFOUND: the folder; the
 * message names the file. */
TW_NODISCARD tw_status tw_engine_import_towers(tw_engine *e, const char *folder,
                                               const tw_train_options *opt, char **report,
                                               tw_error *err);
/* The same for the sequential model. With opt->content (or a content_dim in its config) an item is
 * its id's vector plus a projection of its tower vector: every item of the catalogue takes part,
 * with events or without, and one that is put or replaced later is recommended, and understood in a
 * history, at once. That holds as long as these towers serve. Train other ones, and the model goes
 * on with the items of its training as they were then, and without any other, until it is trained
 * again: vectors of two towers never meet (logged as SEQ-CONTENT-FROZEN; stats tell).
 * It is not activated if popularity's NDCG@10 on the validation targets is higher than its own.
 * TW_ESTATE: content without towers. TW_EINVAL: a content_dim that is not theirs. */
TW_NODISCARD tw_status tw_engine_train_seq(tw_engine *e, const tw_train_options *opt, char **report,
                                           tw_error *err);

/* ---- versions of the models ------------------------------------------------------------------ */

/* Kept are the version that serves, the one that served before it, and the newest five that never
 * served (a training that was not activated). */
typedef struct tw_engine_model {
    int version;
    int served;                      /* 1: it serves; 2: rollback brings it back; 0: it never did */
    int towers_version, seq_version; /* in which its parts were trained; 0: none */
    const char *created;             /* ISO 8601; "": unknown */
    const char *withheld;            /* why it was not activated when it was made; "" */
    const char *problem;             /* why it cannot serve; "": it can */
    const char *towers_report, *seq_report; /* JSON, as the trainings gave them; "": none */
} tw_engine_model;

/* Called once a version; its strings live until it returns. Anything but TW_OK ends it. */
typedef tw_status (*tw_engine_model_fn)(void *ctx, const tw_engine_model *m, tw_error *err);

/* All versions that are kept, oldest first. Each is opened to see whether it can serve. */
TW_NODISCARD tw_status tw_engine_each_model(tw_engine *e, tw_engine_model_fn fn, void *ctx,
                                            tw_error *err);

/* Lets a version serve that was made earlier: embeds the catalogue with its towers where they are
 * not those that serve, builds the indexes, swaps. A kill leaves the old or the new one.
 *
 *   opt  progress alone, or NULL
 *
 * TW_ENOTFOUND: no such version, or not kept. TW_EEXIST: it serves already. TW_ECORRUPT: one of its
 * files cannot be used; the one before goes on. TW_ECANCELLED: likewise. */
TW_NODISCARD tw_status tw_engine_activate(tw_engine *e, int version, const tw_train_options *opt,
                                          tw_error *err);
/* The same with the version that served before the one that does; twice is none. *version: which.
 * TW_ESTATE: none did. */
TW_NODISCARD tw_status tw_engine_rollback(tw_engine *e, const tw_train_options *opt, int *version,
                                          tw_error *err);

#define TW_EVAL_MAX_K       1000   /* of a cut-off */
#define TW_EVAL_MAX_QUERIES 100000 /* each takes 5 bytes for each place of its list */

typedef struct tw_eval_options {
    const char *protocol; /* seq: "full" (NULL), "sampled100" or "authors" */
    const char *split;    /* seq: "test" (NULL) or "valid" */
    uint64_t seed;        /* seq: of sampled lists, 0: 42; towers: of the split
                             that is made here, 0: the training's */
    bool seen; /* seq: rank what people had before, too, as tw_next_query.seen shows it; else a
                  target that they had before counts as missed ("repeats" in the report) */
    double diversity, popularity_discount; /* seq: as in tw_next_query, for the model's lists */
    bool chosen;            /* towers: measure on `source`, not on what their training kept apart */
    tw_pair_source source;  /* TW_PAIRS_EVENTS, TW_PAIRS_FILE or TW_PAIRS_CLASSES */
    const char *path;       /* the pairs file, or the attribute's name */
    const char *valid_path; /* pairs that choose the threshold; NULL: half of those in `path` */
    const int *k;           /* (n_k) towers: cut-offs, 1..TW_EVAL_MAX_K; n_k 0: 1, 10, 100 */
    int n_k;
    int64_t max_queries; /* towers: items that ask, 0: 2000, at most TW_EVAL_MAX_QUERIES */
    tw_progress_fn progress;
    void *progress_ctx;
} tw_eval_options;

/* Measures the active towers beside their baselines, unless told otherwise on what their own
 * training kept apart; the report (docs/formats.md) is as in training. Classes that the training
 * knew are measured on the items that it held out, others on all items, each left out in turn.
 * TW_ESTATE: there are no towers, or the training kept nothing apart (imported ones: nothing at
 * all) and nothing is chosen. TW_EINVAL: an option out of range. TW_ENOTFOUND, TW_EIO: a file of
 * pairs; TW_ECORRUPT: the model's report; TW_ECANCELLED; TW_ENOMEM. On failure *report is NULL. */
TW_NODISCARD tw_status tw_engine_eval_towers(tw_engine *e, const tw_eval_options *opt,
                                             char **report, tw_error *err);
/* Measures the active sequential model on what the store holds, but never on an event that its
 * training saw, whatever came and went since; the report (docs/formats.md) is as in training, with
 * who is left out. TW_ESTATE: there is no model. TW_ENOTFOUND: nobody has a target left. TW_EINVAL:
 * an option out of range. TW_ECORRUPT: the record of what the training saw. */
TW_NODISCARD tw_status tw_engine_eval_seq(tw_engine *e, const tw_eval_options *opt, char **report,
                                          tw_error *err);
/* Recall at 10 of each index against an exact scan, and microseconds a query on one thread. */
TW_NODISCARD tw_status tw_engine_eval_index(tw_engine *e, const tw_eval_options *opt, char **report,
                                            tw_error *err);

/* ---- a look inside the models ---------------------------------------------------------------- */

/* Exactly one of user and history, as in tw_next_query. */
typedef struct tw_attention_query {
    const char *user;
    const char *const *history; /* (n_history) */
    int n_history;
    int block; /* 1..blocks; 0: the last */
    int head;  /* 1..heads; 0: the mean of all */
} tw_attention_query;

/* Which earlier items each position of a history looks at. */
typedef struct tw_attention_map {
    tw_answer items; /* the n items that the model reads, oldest first; score: the last row */
    float *weights;  /* (n,n) row i: what item i gives to items 0..i, summing to 1; 0 after i */
    int n;
    int block, blocks, head, heads; /* from 1; head 0: the mean of all */
} tw_attention_map;

void tw_attention_map_init(tw_attention_map *m);
void tw_attention_map_fini(tw_attention_map *m);

/* Ids and titles are the store's, by the item's own row, never by the model's number for it. Items
 * that were not there in training are left out, also where `next` reads their content.
 *
 *   out  initialised; what it held is replaced, by nothing on failure
 *
 * TW_ENOTFOUND: a history item does not exist, or the model knows none of them. TW_ESTATE: no
 * sequential model. TW_EINVAL: a number out of range. TW_ENOMEM. */
TW_NODISCARD tw_status tw_engine_attention(tw_engine *e, const tw_attention_query *q,
                                           tw_attention_map *out, tw_error *err);

/* The log of a model's training: one JSON object a line (docs/formats.md).
 *
 *   model        in: the version, 0: the active one; out: which it is
 *   text (*len)  NUL-terminated; tw_free it
 *
 * TW_ESTATE: the active one was asked for, and nothing is trained. TW_ENOTFOUND: there is no such
 * version, or it came without its log. */
TW_NODISCARD tw_status tw_engine_training_log(tw_engine *e, bool towers, int *model, char **text,
                                              size_t *len, tw_error *err);

/* ---- housekeeping ---------------------------------------------------------------------------- */

typedef struct tw_engine_stats {
    int64_t items, deleted_items, users, events, seq, store_bytes;
    int model; /* active version; 0: none */
    bool has_towers, has_seq;
    bool seq_content;      /* the sequential model reads tower vectors ... */
    bool seq_content_live; /* ... of the towers that serve, so new items enter it */
    int tower_dim, seq_dim;
    int64_t seq_items, seq_users;        /* of the sequential model's training */
    int64_t seq_indexed;                 /* items that next can recommend */
    char tower_index[64], seq_index[64]; /* kinds: "exact", "HNSW32" */
    /* What share of the nearest the graph found on a sample when it was built; 0: it has none. With
     * kind "exact" that was too little, so it is not used. */
    double tower_recall, seq_recall;
    bool tower_lacks_graph, seq_lacks_graph; /* exact until a server has built its graph */
    int64_t indexed, delta, dead;            /* of the item index */
    int64_t unread; /* items of which the towers read nothing: in no list, outside the index */
    int64_t index_bytes;
    char towers_problem[256], seq_problem[256]; /* why a part's file cannot be used; "": it can */
} tw_engine_stats;

TW_NODISCARD tw_status tw_engine_stats_get(tw_engine *e, tw_engine_stats *out, tw_error *err);

/* Writes index snapshots now. */
TW_NODISCARD tw_status tw_engine_snapshot(tw_engine *e, tw_error *err);

/* Verifies every checksum and invariant of a directory and calls found(ctx, sentence) for each
 * problem, with what to do about it. TW_ECORRUPT when there was any. */
TW_NODISCARD tw_status tw_engine_check(const char *dir, void (*found)(void *ctx, const char *what),
                                       void *ctx, tw_error *err);

#endif
