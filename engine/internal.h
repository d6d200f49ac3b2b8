/* engine/internal.h — what the files of engine/ share.
 *
 * Order of locks, outermost first: bulk, saving, writer, lock, pool_lock. None is held
 * across a training run or the building of an index but `bulk`, whose purpose
 * that is, nor across the writing of a snapshot but `saving`.
 */
#ifndef TW_ENGINE_INTERNAL_H
#define TW_ENGINE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/file.h"
#include "base/text.h"
#include "engine/engine.h"
#include "index/index.h"
#include "seqmodel/seqmodel.h"
#include "towers/towers.h"

struct json_t;

#define TWI_BATCH_ROWS 1000 /* rows a transaction of a bulk load */

/* Media that could not be read, counted by all readers of one job. */
typedef struct twi_unread {
    pthread_mutex_t lock; /* guards the next two */
    int64_t n;
    char first[TW_ERROR_MSG_MAX]; /* the sentence of the first; "": none */
} twi_unread;

/* What reading an item into its towers needs on one thread (item_reader.c). */
typedef struct twi_item_reader {
    tw_text text;
    unsigned modalities;  /* bits 1 << tw_modality: what the towers read */
    double seconds;       /* of a sound, as the towers read it */
    twi_unread *unread;   /* borrowed; NULL: nobody counts */
    tw_deadline deadline; /* of decoding; 0: none */
    tw_image picture;     /* owned, of the item that was read last */
    tw_audio sound;       /* likewise */
} twi_item_reader;

/* What one query needs to work in: kept from query to query so that none allocates. */
typedef struct twi_workspace {
    struct twi_workspace *next; /* in the generation's free list */
    tw_tower_session *tower;    /* NULL: no towers */
    tw_seq_session *seq;        /* NULL: no sequential model */
    float vec[TW_ENGINE_MAX_DIM];
    tw_hit hits[TW_ENGINE_MAX_K];
    int64_t rows[TW_ENGINE_MAX_K];
    tw_item_name names[TW_ENGINE_MAX_K];
    tw_event events[TW_ENGINE_MAX_HISTORY];
    int64_t seen[TW_ENGINE_MAX_HISTORY];
    int32_t items[TW_ENGINE_MAX_HISTORY];
    int64_t *out; /* (n_out) rows that the answer shall not have; owned */
    int n_out;
    size_t out_room;
    struct { /* of a diverse list: the candidates, and where the chosen stand among them */
        const float *vectors[TW_ENGINE_MAX_K];
        float scores[TW_ENGINE_MAX_K];
        int64_t counts[TW_ENGINE_MAX_K];
        int order[TW_ENGINE_MAX_K];
        tw_hit chosen[TW_ENGINE_MAX_K];
        double scratch[TW_SEQ_RERANK_SCRATCH * TW_ENGINE_MAX_K];
    } pool;
    /* Where the generation projects; else NULL. */
    float *content;     /* (max_len, towers' width) what the items of a history are now */
    const float **told; /* (max_len) of each, in content; NULL: as the model holds it */
    float *vectors;     /* (TW_ENGINE_MAX_K, seq's width) of a diverse list's candidates */
    tw_text text;
} twi_workspace;

/* Models and the indexes over their vectors. All but the free list and the indexes' own content is
 * fixed once it is current. */
typedef struct twi_generation {
    int refs;                                 /* guarded by the engine's lock */
    int version, towers_version, seq_version; /* 0: none */
    int content_version; /* the towers whose vectors seq learnt to read; 0: it reads none */
    /* Those towers serve: any item's vector says what seq thinks of it, whether seq was trained on
     * the item or not. Otherwise seq knows the items of its training alone, as they were then. */
    bool projects;
    tw_tower *tower;                       /* NULL: none, or its file cannot be used */
    tw_seq_model *seq;                     /* NULL: likewise */
    bool towers_borrowed, seq_borrowed;    /* their own file cannot be used, another version's is */
    char towers_problem[TW_ERROR_MSG_MAX]; /* why the file of towers_version cannot be used; "" */
    char seq_problem[TW_ERROR_MSG_MAX];    /* likewise */
    tw_index *items;                       /* tower vectors by item row; NULL: no towers */
    _Atomic int64_t unread; /* items of which the towers read nothing: a zero vector in the store,
                               no row of items; a counter for stats */
    tw_index *next;         /* output vectors of the sequential model by item row; NULL: no model */
    int64_t *unsound; /* (n_unsound) rows whose stored vector cannot be; owned, empty once served */
    int64_t n_unsound;
    size_t unsound_room;
    int64_t saved_items,
        saved_next;            /* seq of the snapshots on disk; guarded by the engine's writer */
    pthread_mutex_t pool_lock; /* guards workspaces */
    twi_workspace *workspaces;
} twi_generation;

typedef struct twi_model_parts {
    int towers_version, seq_version; /* the version in which each was trained; 0: none */
    int content_version;             /* the towers whose vectors seq reads; 0: it reads none */
    bool smoothed; /* what the towers gave was smoothed over a graph that a put cannot see */
} twi_model_parts;

struct tw_engine {
    char dir[TW_PATH_MAX];
    tw_engine_mode mode;
    int threads;
    int64_t exact_below; /* of every index; 0: the default */
    int dir_fd;          /* the directory that was opened, whatever `dir` means later */
    char dir_by_fd[32];
    bool told_moved; /* guarded by lock */
    int lock_fd;     /* DIR/lock, held while writing; -1 when reading */
    tw_store *store;

    pthread_mutex_t bulk;   /* held by the one ingest, events or train */
    pthread_mutex_t writer; /* store commit + index update happen in one order; guards applied */
    int64_t applied;        /* sequence number up to which the current indexes are */

    pthread_mutex_t saving; /* held while snapshots are written, or swept; outside of writer */

    pthread_mutex_t lock; /* guards current and every refs */
    twi_generation *current;

    pthread_mutex_t popular_lock; /* guards the next five */
    tw_hit *popular;              /* items by number of events, most first */
    int n_popular;
    int64_t *event_counts; /* (n_event_counts) events of each item by row */
    int64_t n_event_counts;
    int64_t popular_events; /* events in the store when it was made; -1: never */

    pthread_t maintenance; /* merges indexes in the background */
    bool maintenance_runs;
    pthread_mutex_t
        maintenance_lock; /* guards maintenance_quit, maintenance_wanted, maintenance_until */
    pthread_cond_t maintenance_due;
    bool maintenance_quit, maintenance_wanted;
    double maintenance_until; /* once it shall quit: when the fold under way has to end */
};

/* ---- engine.c -------------------------------------------------------------------------------- */
/* The path of the directory that was opened: its name, or where that leads elsewhere by now,
 * another path of it. For each use anew. */
const char *twi_root(tw_engine *e);
/* Opens DIR/twindex.db; a sentence that has the way out. Statuses as of tw_store_open. */
TW_NODISCARD tw_status twi_store_open(tw_store **out, const char *dir, tw_store_mode mode,
                                      tw_error *err);

/* ---- generation.c ---------------------------------------------------------------------------- */

/* Whether a vector is that of an item of which the towers read nothing. */
bool twi_reads_nothing(const float *vec, int dim);
/* Brings g->unread up to date with store and index. */
void twi_count_unread(tw_engine *e, twi_generation *g);

twi_generation *twi_acquire(tw_engine *e); /* the current one, counted; never NULL */
void twi_release(tw_engine *e, twi_generation *g);
TW_NODISCARD tw_status twi_generation_empty(twi_generation **out, tw_error *err);
/* ---- generation_open.c ----------------------------------------------------------------------- */
/* Opens models/NNNN and its indexes, from snapshots where they are good. A part whose file cannot
 * be used is left out and told of in the log and in *_problem. A writer embeds the items that the
 * towers have no vector of. *since: the sequence number up to which the indexes certainly are. */
TW_NODISCARD tw_status twi_generation_load(tw_engine *e, int version, twi_model_parts parts,
                                           tw_progress_fn progress, void *ctx, twi_generation **out,
                                           int64_t *since, tw_error *err);
void twi_generation_free(twi_generation *g);
/* ---- generation.c ---------------------------------------------------------------------------- */

/* Makes g current (takes the reference) and drops the old one. */
void twi_generation_swap(tw_engine *e, twi_generation *g);
/* Brings g's indexes from `since` up to the store's present. The writer lock is held, or g is not
 * current yet. */
TW_NODISCARD tw_status twi_replay_items(tw_engine *e, twi_generation *g, int64_t since,
                                        tw_error *err);
TW_NODISCARD tw_status twi_replay_next(tw_engine *e, twi_generation *g, int64_t since,
                                       tw_error *err);
/* After a commit: brings g's indexes up to it. The writer lock is held. On failure (memory) the
 * change is on disk all the same, and the next write or open follows it. */
TW_NODISCARD tw_status twi_follow(tw_engine *e, twi_generation *g, tw_error *err);
/* Builds an index from everything the store or the model holds. */
TW_NODISCARD tw_status twi_build_items(tw_engine *e, twi_generation *g, tw_progress_fn progress,
                                       void *ctx, tw_error *err);
TW_NODISCARD tw_status twi_build_next(tw_engine *e, twi_generation *g, tw_progress_fn progress,
                                      void *ctx, tw_error *err);
/* Called for every item, deleted ones too, with the vector by which queries meet it in g->next;
 * NULL: it is not to be found there. g->items is as the store is. */
typedef tw_status (*twi_next_fn)(void *ctx, int64_t row, int64_t seq, const float *vec, int dim,
                                 tw_error *err);
TW_NODISCARD tw_status twi_each_next(tw_engine *e, twi_generation *g, twi_next_fn fn, void *ctx,
                                     tw_error *err);
TW_NODISCARD tw_status twi_workspace_take(twi_generation *g, twi_workspace **out, tw_error *err);
void twi_workspace_give(twi_generation *g, twi_workspace *ws);
/* TW_ESTATE: none is trained; TW_ECORRUPT: its file cannot be used. With what to run. */
TW_NODISCARD tw_status twi_no_towers(tw_engine *e, tw_error *err);
TW_NODISCARD tw_status twi_no_seq(tw_engine *e, tw_error *err);

/* ---- mend.c ---------------------------------------------------------------------------------- */
/* Whether a vector can be one that towers gave. */
bool twi_vector_sound(const float *vec, int dim);
/* Remembers an item that the index has to do without. TW_ENOMEM. */
TW_NODISCARD tw_status twi_note_unsound(twi_generation *g, int64_t row, tw_error *err);
/* Embeds what the towers have no vector of, when writing. */
TW_NODISCARD tw_status twi_mend_pending(tw_engine *e, twi_generation *g, tw_progress_fn progress,
                                        void *ctx, tw_error *err);
/* Embeds the items that were noted, when writing, and logs how many there were. */
TW_NODISCARD tw_status twi_mend_unsound(tw_engine *e, twi_generation *g, tw_error *err);

/* ---- snapshot.c ------------------------------------------------------------------------------ */
TW_NODISCARD tw_status twi_index_path(tw_engine *e, const char *kind, int version,
                                      char out[TW_PATH_MAX], tw_error *err);
/* What a snapshot says of itself, so that vectors of other models are never taken for ours. */
void twi_index_tag(const twi_generation *g, const char *kind, int version,
                   char out[TW_INDEX_TAG_MAX]);
#define TWI_SNAPSHOT_NAME_MAX 17 /* 16 hex digits */
#define TWI_OF_OTHER_MODELS   "of other models"
/* *why: NULL where a snapshot with this tag is of these models, and one that the store has seen
 * written: not one of a later state than that of a store which was put back from a copy, nor of
 * another store. Otherwise in a few words; static. */
TW_NODISCARD tw_status twi_snapshot_unfit(tw_engine *e, const twi_generation *g, const char *kind,
                                          int version, const char *tag, const char **why,
                                          tw_error *err);
TW_NODISCARD tw_status twi_snapshot(tw_engine *e, tw_error *err);
/* One line in the log when the graph that was just built is not used. */
void twi_index_tell(const tw_index *ix, const char *kind);
void twi_maintenance_start(tw_engine *e); /* a thread that merges; without it nobody does */
void twi_maintenance_stop(tw_engine *e);  /* within seconds: a graph under way is given up */
void twi_maintenance_wake(tw_engine *e);  /* cheap: wakes it when an index wants a fold */

/* ---- the catalogue in memory (dataset.c) ----------------------------------------------------- */
/* What towers may read of one item; a string that is not there, or was not asked for, is NULL. */
typedef struct twi_described {
    char *text, *attributes, *image, *audio; /* owned */
} twi_described;

/* The catalogue as arrays: position i is item `rows[i]`. */
typedef struct twi_catalogue {
    int64_t n;
    int64_t *rows;        /* (n) ascending */
    twi_described *items; /* (n) owned; empty when nothing was asked for */
    int32_t *position;    /* (max_row+1) of each row, -1: none */
    int64_t max_row;
} twi_catalogue;

/* ---- smoothing.c ----------------------------------------------------------------------------- */
/* Over which pairs of the catalogue's items, how far. Borrowed. */
typedef struct twi_smoothing {
    const twi_catalogue *c;
    const tw_item_pair *pairs; /* (n_pairs) */
    int64_t n_pairs;
    int layers;
} twi_smoothing;
/* Smooths the stored vectors of a model that does not serve yet (tw_lightgcn), in one
 * transaction. TW_ENOMEM, and what the store returns. */
TW_NODISCARD tw_status twi_lightgcn_catalogue(tw_engine *e, int model, int dim,
                                              const twi_smoothing *how, tw_error *err);

/* ---- query.c --------------------------------------------------------------------------------- */
/* Fills ws->seen (*n) with the rows of the history, oldest first. A stranger has user 0, n 0. */
TW_NODISCARD tw_status twi_history_of(tw_engine *e, const tw_next_query *q, twi_workspace *ws,
                                      int64_t *user, int *n, tw_error *err);
TW_NODISCARD tw_status twi_check_next(const tw_next_query *q, tw_error *err);

/* ---- query_hits.c ---------------------------------------------------------------------------- */
typedef struct twi_search {
    const tw_index *ix;
    bool exact;
    int k, pool; /* rows of the answer; hits to search for, at least k */
    tw_deadline deadline;
    /* NULL, or what leaves k of *n hits in ws->hits, or as many as there are. */
    tw_status (*choose)(void *ctx, twi_workspace *ws, int *n, tw_error *err);
    void *ctx;
} twi_search;
/* Adds n rows to what the next search leaves out. TW_ENOMEM. */
TW_NODISCARD tw_status twi_leave_out(twi_workspace *ws, const int64_t *rows, int n, tw_error *err);
/* Searches what is near ws->vec and adds the k best that live to the answer, or all that do.
 * Those that are gone from the store end up in ws->out. TW_ETIMEOUT. */
TW_NODISCARD tw_status twi_answer_search(tw_engine *e, twi_workspace *ws, const twi_search *s,
                                         tw_answer *out, tw_error *err);
/* Adds the first k that live of the n in ws->hits. */
TW_NODISCARD tw_status twi_answer_listed(tw_engine *e, twi_workspace *ws, int n, int k,
                                         tw_answer *out, tw_error *err);

/* ---- query_vector.c -------------------------------------------------------------------------- */
/* Either an item, or something else. */
TW_NODISCARD tw_status twi_query_check(const tw_embed_query *q, tw_error *err);
/* ws->vec <- the stored vector of item `row` when q names one, else the towers' of what q holds.
 * TW_EINVAL: the towers do not read it, or it cannot be decoded. TW_ETIMEOUT. */
TW_NODISCARD tw_status twi_query_vector(tw_engine *e, const twi_generation *g, twi_workspace *ws,
                                        const tw_embed_query *q, int64_t row, tw_error *err);
/* "item", "text", "picture", "sound", or "mixed". Static. */
const char *twi_query_basis(const tw_embed_query *q);

/* ---- resolve.c ------------------------------------------------------------------------------- */
/* The row of the item that `name` means: an id, else a title. TW_ENOTFOUND names near ones. Where
 * several items have the title, the first is meant and `also` (TW_ALSO_MAX) gets the ids of the
 * others, else "". also NULL, where an answer has no place for them: then TW_EINVAL, which names
 * all. */
TW_NODISCARD tw_status twi_resolve(tw_engine *e, const char *name, int64_t *row, char *also,
                                   tw_error *err);
/* Appends what the text tower reads of an item: title, text, and string-list attributes. */
TW_NODISCARD tw_status twi_item_text(const tw_item *item, tw_text *out, tw_error *err);
TW_NODISCARD tw_status twi_need_write(const tw_engine *e, tw_error *err);

/* ---- item_reader.c --------------------------------------------------------------------------- */
#define TWI_AUDIO_SECONDS 60 /* the most that any tower reads, so nothing behind it is decoded */

void twi_unread_init(twi_unread *u);
void twi_unread_fini(twi_unread *u);
/* One line in the log when anything was unreadable. */
void twi_unread_tell(const twi_unread *u, const char *during);

/*   tower   NULL: none; the media that it reads are decoded, others are not
 *   unread  NULL, or where media that cannot be read are counted; borrowed */
void twi_item_reader_init(twi_item_reader *r, const tw_tower *tower, twi_unread *unread);
void twi_item_reader_fini(twi_item_reader *r);
/* TW_EINVAL for whatever is wrong with media that somebody gives: it is the giver's mistake,
 * neither damage of ours nor a disk's. TW_OK and TW_ENOMEM stay. */
TW_NODISCARD tw_status twi_blame(tw_status st, const tw_error *why, tw_error *err);
/* From now on r reads for this tower; NULL: for none. What it holds stays. */
void twi_item_reader_serve(twi_item_reader *r, const tw_tower *tower);

/* Decodes all media of an item that is to be stored, whatever the towers read, into r. TW_EINVAL:
 * one cannot be read; the sentence names path and reason. TW_ENOMEM. */
TW_NODISCARD tw_status twi_item_check(twi_item_reader *r, const tw_item *item, tw_error *err);
/* The same of an item whose paths a client gave (tw_write_options). *stored: the item with the
 * paths to be stored, which lie in it. TW_ETIMEOUT, besides. */
typedef struct twi_client_item {
    tw_item item;
    char image[TW_PATH_MAX], audio[TW_PATH_MAX];
} twi_client_item;
TW_NODISCARD tw_status twi_item_check_client(tw_engine *e, twi_item_reader *r, const tw_item *item,
                                             const tw_media_root *root, twi_client_item *stored,
                                             tw_error *err);
/* What towers can read of an item whose media r holds (after twi_item_check): *out borrows from r
 * and item until the next call. TW_ENOMEM. */
TW_NODISCARD tw_status twi_item_compose(twi_item_reader *r, const tw_item *item, tw_tower_item *out,
                                        tw_error *err);
/* The same for an item that is stored already: decodes what the towers read. A file that has gone
 * or changed since is a modality that the item lacks, counted in r->unread. TW_ENOMEM. */
TW_NODISCARD tw_status twi_item_read(twi_item_reader *r, const tw_item *item, tw_tower_item *out,
                                     tw_error *err);

/* ---- dataset.c ------------------------------------------------------------------------------- */
#define TWI_READ_ALL ((1U << TW_MODALITIES) - 1)
/*   modalities  bits 1 << tw_modality: what of the items is kept; 0: rows alone */
TW_NODISCARD tw_status twi_catalogue_load(tw_engine *e, unsigned modalities, twi_catalogue *out,
                                          tw_error *err);
void twi_catalogue_fini(twi_catalogue *c);
/* One item's description; release with twi_described_fini. On failure *out is empty. */
TW_NODISCARD tw_status twi_describe(const tw_item *item, unsigned modalities, tw_text *scratch,
                                    twi_described *out, tw_error *err);
void twi_described_fini(twi_described *d);

/* Described items for towers to read, with a reader for each worker, so that media are decoded in
 * parallel (item_reader.c). Opaque. */
typedef struct twi_source twi_source;
/* items (n), tower and unread are borrowed for its life. TW_ENOMEM. */
TW_NODISCARD tw_status twi_source_create(twi_source **out, const twi_described *items, int64_t n,
                                         const tw_tower *tower, twi_unread *unread, tw_error *err);
void twi_source_destroy(twi_source *s); /* accepts NULL */
tw_tower_source twi_source_of(twi_source *s);
/* The catalogue as samples of the tower, made on all of the engine's threads; c was loaded with
 * what the tower reads. As tw_tower_prepare. */
TW_NODISCARD tw_status twi_catalogue_samples(tw_engine *e, const tw_tower *tower,
                                             const twi_catalogue *c, twi_unread *unread,
                                             tw_progress_fn progress, void *ctx,
                                             tw_tower_samples **out, tw_error *err);

/* ---- hard_negatives.c ------------------------------------------------------------------------ */
typedef struct twi_hard_search {
    tw_tower_search door; /* what a training is given; borrows this struct */
    tw_index *index;      /* NULL before the first open */
    const float *vecs;    /* of the last open, borrowed */
    int dim, threads;
} twi_hard_search;
/* threads: of a graph's building, 1: repeatable. */
void twi_hard_search_init(twi_hard_search *s, int threads);
void twi_hard_search_fini(twi_hard_search *s);

/* ---- make_tower.c ---------------------------------------------------------------------------- */
/* Settles what the recipe leaves to the catalogue (encoders that are AUTO), finds or learns the
 * vocabulary where the text encoder needs one, and makes the tower, untrained.
 *
 *   c           loaded with TWI_READ_ALL but the attributes, which are not counted
 *   vocabulary  path of a vocab.txt; NULL: learn one
 *
 * TW_ESTATE: the items have nothing that a tower could read. */
TW_NODISCARD tw_status twi_make_tower(tw_tower_config *cfg, const twi_catalogue *c,
                                      const char *vocabulary, tw_tower **out, tw_error *err);

/* The recipe as JSON; a new reference (train_towers.c). */
struct json_t *twi_recipe_json(const tw_tower_recipe *recipe);

/* All events in order (user, time, insertion). */
typedef struct twi_events {
    int64_t n;
    size_t room;
    int64_t *users, *items, *times; /* (n) rows */
    int64_t *seqs;                  /* (n) sequence numbers, which name events for ever */
    double *ratings;                /* (n) NaN: none */
    double most;                    /* the highest rating; 0 when there is none */
} twi_events;
TW_NODISCARD tw_status twi_events_load(tw_engine *e, twi_events *out, tw_error *err);
void twi_events_fini(twi_events *log);

/* ---- eval_index.c ---------------------------------------------------------------------------- */
typedef struct twi_tower_split {
    tw_item_pair *pairs; /* owned: those of train, valid, test one after the other */
    int64_t n;
    tw_split parts;
    bool apart; /* valid and test come from people that train has not seen, not from other pairs */
} twi_tower_split;
/* Positives from what people liked (a rating of at least 0.8 of the highest, or any event where
 * there are no ratings). A fifth of the people each are kept for validation and test. */
TW_NODISCARD tw_status twi_mine(const twi_catalogue *c, const twi_events *log,
                                const tw_mine_config *cfg, int64_t seed, twi_tower_split *out,
                                tw_error *err);
/* The value as text; tw_free it. */
TW_NODISCARD tw_status twi_json_dump(const struct json_t *value, char **out, tw_error *err);

/* ---- seq_cut.c ------------------------------------------------------------------------------- */
/* Which events a training of the sequential model saw: all that it read, up to a sequence number,
 * but the two of each person that it held out. */
typedef struct twi_cut_row {
    int64_t user, valid, test; /* the user's row; sequence numbers of the two events */
} twi_cut_row;
typedef struct twi_cut {
    int64_t seq; /* of the newest event that it read */
    int64_t n;
    twi_cut_row *held; /* (n) owned, by rising user */
} twi_cut;
enum { TWI_CUT_EXAMPLES = 3 };
/* What that means for the log of today. */
typedef struct twi_cut_effect {
    int64_t left_out; /* people who had a target, and of whom nothing unseen is left */
    int64_t later;    /* targets that were recorded after the training */
    int64_t examples[TWI_CUT_EXAMPLES]; /* rows of some who are left out; 0: no more */
} twi_cut_effect;
/* Of a model that was trained on this log; into its folder. */
TW_NODISCARD tw_status twi_cut_save(const tw_seq_model *m, const twi_events *log, const char *dir,
                                    tw_error *err);
/* Release with twi_cut_fini. TW_ENOTFOUND: the model is older than such records. */
TW_NODISCARD tw_status twi_cut_load(twi_cut *out, const char *dir, tw_error *err);
void twi_cut_fini(twi_cut *c);
/* Cuts the histories of `data`, which came from this log by twi_seq_data: a target is behind all
 * that was trained on, and a test target behind what chose the weights, too. TW_ENOMEM. */
TW_NODISCARD tw_status twi_cut_apply(const twi_cut *c, const tw_seq_model *m, const twi_events *log,
                                     tw_seq_split split, tw_seq_data *data, twi_cut_effect *out,
                                     tw_error *err);

/* ---- eval_seq.c ------------------------------------------------------------------------------ */
/* The log as the model's own indices. */
TW_NODISCARD tw_status twi_seq_data(const tw_seq_model *m, const twi_events *log, tw_seq_data **out,
                                    tw_error *err);
/* The model to known and to unknown users, and popularity: {"name", "seq", "as_unknown_user",
 * "popularity"}. */
TW_NODISCARD tw_status twi_eval_seq(const tw_seq_model *m, const tw_seq_data *data,
                                    const tw_seq_eval_config *cfg, struct json_t **out,
                                    tw_error *err);
/* What the literature calls this member of the family: "SSE-PT". Static. */
const char *twi_seq_name(const tw_seq_config *cfg);
TW_NODISCARD tw_status twi_metrics_json(const tw_seq_metrics *m, struct json_t **out,
                                        tw_error *err);

#endif
