/* index/index.h — nearest vectors by inner product, under change.
 *
 * An index maps ids (the store's row numbers) to vectors and answers "which k ids have the largest
 * inner product with this query?". It is put to, replaced in and deleted from while it is searched.
 * Inside: a *main* (each different vector once, with the ids of all rows that have it, and above a
 * size a FAISS graph over them), a *delta* (rows that came since, scanned exactly) and a version on
 * every row that was replaced or deleted. A merge builds a new main from what lives and swaps it
 * in. A main without a graph is scanned by a copy of seven bits a number, which rules out all but
 * some hundred vectors without ever being wrong.
 *
 * What it promises
 *   - Searching never waits for a write or a merge, and sees one moment of the index: of an id that
 *     is being replaced it finds the old or the new vector, never both, never neither.
 *   - Hits are sorted by score, best first, ties by id ascending; scores are true inner products,
 *     bit-equal however the row is stored. Equal calls on equal content give equal bytes.
 *   - A search returns min(k, matching rows) hits, whatever is excluded, filtered or deleted.
 *     What a graph may get wrong is *which* rows (recall, see tw_index_recall); `exact` never does.
 *   - The order of rows and their copies cost nothing: vectors enter a graph once, in a seeded
 * random order. What a graph finds is measured at the end of its building, on a sample; one that
 * finds too little is not used, the index scans and says so (tw_index_stats).
 *   - Vectors need not be unit length: graphs are built and walked by inner product itself.
 *   - Filters do not cost recall: when what passes is rare near the query, the graph is searched
 *     wider, or not at all and the matching rows are scanned.
 *
 *     tw_index *ix = NULL;
 *     const tw_index_config cfg = {.dim = 128};
 *     tw_index_create(&ix, &cfg, &err);
 *     tw_index_build(ix, ids, vecs, n, NULL, NULL, &err);
 *     tw_index_put(ix, 42, vec, &err);
 *     tw_index_search(ix, query, 10, NULL, hits, &n_hits, &err);
 *     if (tw_index_wants_merge(ix))               // on a background thread
 *         tw_index_merge(ix, NULL, NULL, &err);
 *     tw_index_destroy(ix);
 *
 * Threads: search, get, stats, save and recall from any number of threads at once, also while one
 * put, delete, build or merge is going on. Writers exclude each other inside. Every FAISS call runs
 * on its calling thread alone, but for builds and merges with build_threads > 1.
 */
#ifndef TW_INDEX_INDEX_H
#define TW_INDEX_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/decls.h"
#include "base/error.h"
#include "base/types.h"

TW_BEGIN_DECLS

#define TW_INDEX_MAX_DIM 4096
#define TW_INDEX_MAX_K   100000
#define TW_INDEX_MAX_ABS 1e17f /* larger values are refused: sums of their products overflow */
#define TW_INDEX_MAX_EF  65536
/* The least recall that is reported of a graph, for 0 says that there is none. */
#define TW_INDEX_LOW_RECALL 0.001
/* Ids are 1..2^31-1. They need not be dense, but memory is paid in pages of 4096 ids. */
#define TW_INDEX_MAX_ID   INT64_C(2147483647)
#define TW_INDEX_MAX_ROWS INT64_C(2147483647)
#define TW_INDEX_TAG_MAX  128 /* bytes of a snapshot's tag with its NUL */
#define TW_INDEX_KIND_MAX 64

typedef struct tw_index tw_index;

/* 0 (or NULL) in any field but dim asks for the default in brackets. */
typedef struct tw_index_config {
    int dim;             /* floats per vector, 1..TW_INDEX_MAX_DIM */
    const char *factory; /* FAISS factory string [exact below exact_below, else "HNSW32"]; "Flat" is
                            always exact; copied */
    int64_t exact_below; /* mains of fewer different vectors are exact [2^24 / dim, but at least
                            10000, which it is on a CPU without AVX2; 1 when factory is given] */
    int ef_search;       /* candidates that must match before the best k of them are taken; for IVF
                            kinds also the lists to probe; 1..TW_INDEX_MAX_EF [64] */
    int ef_construction; /* HNSW: how wide to search while building [200] */
    int64_t merge_rows;  /* wants_merge: delta and dead rows above this ... [10000] */
    double merge_share;  /* ... and above this share of main [0.1] */
    int build_threads;   /* threads of a graph build, 1..64 [1]; more makes builds irreproducible */
    double least_recall; /* a graph that finds less of the sample's nearest is given up, and main
                            scanned; above 0, at most 1 [0.9] */
    bool defer_graph;    /* tw_index_build is exact, whatever the size: it serves at once, and the
                            graph is built by the next merge, which wants_merge asks for */
} tw_index_config;

/* How to search; NULL or all zero: everything, as the config says. */
typedef struct tw_index_options {
    bool exact;             /* scan every row that matches */
    int ef;                 /* 0: the config's; else 1..TW_INDEX_MAX_EF */
    const int64_t *exclude; /* (n_exclude) ids not to return; any order, unknown ones ignored */
    int n_exclude;
    const uint64_t *allow; /* (allow_words) bitmap of the only ids to return: id is allowed if bit
                              id % 64 of word id / 64 is set; ids past the end are not. NULL: all */
    size_t allow_words;
    tw_deadline deadline; /* TW_ETIMEOUT: a scan was not done by then */
} tw_index_options;

typedef struct tw_index_stats {
    int64_t live;         /* ids that a search can find */
    int64_t main_rows;    /* rows in main, dead ones too */
    int64_t main_vectors; /* different vectors among them */
    int64_t delta_rows;
    int64_t dead_rows; /* rows in main and delta that were replaced or deleted */
    int64_t bytes;     /* estimate of memory held */
    int64_t merges;    /* builds and merges swapped in so far */
    bool exact;        /* main is scanned, not a graph */
    bool lacks_graph;  /* it is scanned because its graph is not built yet */
    double recall; /* of main's graph on a sample of its own vectors (@10, ef_search), when it was
                      built: TW_INDEX_LOW_RECALL..1. 0: it has none. Where exact is true, that graph
                      was given up */
    char kind[TW_INDEX_KIND_MAX]; /* "exact" or main's factory string */
} tw_index_stats;

/* What a snapshot says of itself. */
typedef struct tw_index_snapshot {
    int dim;
    int64_t live;               /* vectors a load will give */
    int64_t seq;                /* the caller's number: what the content is up to */
    char tag[TW_INDEX_TAG_MAX]; /* the caller's word: which model made the vectors */
} tw_index_snapshot;

/* Sets OpenMP to one thread for the calling thread and, where it is the first to use OpenMP, for
 * those it starts. Call at program start. The index itself does not depend on it. */
void tw_index_single_thread(void);

/* An empty index.
 *
 * TW_EINVAL: a field of cfg is out of range (an unknown factory shows at the first build).
 * TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status tw_index_create(tw_index **out, const tw_index_config *cfg, tw_error *err);

/* Accepts NULL. No call may be running. */
void tw_index_destroy(tw_index *ix);

/* Replaces the whole content at one instant: searches see all of the old until they see all of the
 * new. n == 0 empties the index.
 *
 *   ids   (n)       distinct, 1..TW_INDEX_MAX_ID, any order
 *   vecs  (n, dim)  row-major, finite, magnitude up to TW_INDEX_MAX_ABS; copied
 *   progress        may be NULL; stages "comparing" (rows), "copying" or "building" (different
 *                   vectors), "measuring" (queries); it may search this index but not write to it.
 *                   It is asked every half second or more often: to cancel takes no longer
 *
 * TW_EINVAL: an id out of range or twice; a value that is not finite (says where); FAISS refuses
 * the factory string.   TW_ECANCELLED: progress said so.   TW_EBUSY: a merge is running. On failure
 * the index is as it was. Other writers wait until it ends. */
TW_NODISCARD tw_status tw_index_build(tw_index *ix, const int64_t *ids, const float *vecs,
                                      int64_t n, tw_progress_fn progress, void *ctx, tw_error *err);

/* Inserts, or replaces what id had. When it returns, every later search sees vec (dim) and no older
 * one.   TW_EINVAL: id out of range, a value not finite.   TW_ENOMEM: nothing has changed. */
TW_NODISCARD tw_status tw_index_put(tw_index *ix, int64_t id, const float *vec, tw_error *err);

/* TW_ENOTFOUND: there is no such id, nothing has changed. */
TW_NODISCARD tw_status tw_index_delete(tw_index *ix, int64_t id, tw_error *err);

/* Copies id's vector, exactly as put, to vec (dim); but a zero's sign may be that of an equal
 * vector. TW_ENOTFOUND: vec is untouched. */
TW_NODISCARD tw_status tw_index_get(const tw_index *ix, int64_t id, float *vec, tw_error *err);

/* Finds the k ids with the largest inner product.
 *
 *   query (dim)  finite, any length; zero makes all scores tie
 *   k            1..TW_INDEX_MAX_K; more than there are gives all
 *   opt          NULL: everything
 *   hits (k)     caller's; the first *n_hits are filled
 *
 * A graph is searched unless `exact` is set or so few ids are allowed that scanning them is faster;
 * when too few of its candidates match it is searched wider, and at last what is allowed is
 * scanned. TW_EINVAL: k, ef or query out of range.   TW_ETIMEOUT.   TW_ENOMEM.   On failure *n_hits
 * is 0. */
TW_NODISCARD tw_status tw_index_search(const tw_index *ix, const float *query, int k,
                                       const tw_index_options *opt, tw_hit *hits, int *n_hits,
                                       tw_error *err);

/* The same for n queries at one moment of the index: hits (n, k), n_hits (n); row i's hits begin at
 * hits + i * k. The results equal those of n single searches. On failure all n_hits are 0. */
TW_NODISCARD tw_status tw_index_search_batch(const tw_index *ix, const float *queries, int n, int k,
                                             const tw_index_options *opt, tw_hit *hits, int *n_hits,
                                             tw_error *err);

/* Builds a new main of all that lives and swaps it in. Searches and writes go on meanwhile, and
 * what is written during the merge is kept; at the end writers wait for the swap (microseconds per
 * thousand rows). Give it a thread of its own.
 * TW_EBUSY: a merge is running.   TW_ECANCELLED, TW_ENOMEM, TW_EINVAL (factory): nothing changed.
 */
TW_NODISCARD tw_status tw_index_merge(tw_index *ix, tw_progress_fn progress, void *ctx,
                                      tw_error *err);

/* Whether delta and dead rows have grown past the config's thresholds. Cheap. */
bool tw_index_wants_merge(const tw_index *ix);

int tw_index_dim(const tw_index *ix);
int64_t tw_index_size(const tw_index *ix); /* live ids */
bool tw_index_has(const tw_index *ix, int64_t id);
void tw_index_get_stats(const tw_index *ix, tw_index_stats *out);

/* Writes one moment of the index to path, atomically (base/file.h). The graph goes with it: loading
 * does not build. No caller waits for it.
 *
 *   tag   NULL or a string shorter than TW_INDEX_TAG_MAX, e.g. the model's version
 *   seq   the store's sequence number up to which every change was put before this call
 *
 * TW_EINVAL: tag or path is too long.   TW_EIO and friends: path holds what it held. */
TW_NODISCARD tw_status tw_index_save(const tw_index *ix, const char *path, const char *tag,
                                     int64_t seq, tw_error *err);

/* A new index from a snapshot.
 *
 *   cfg   as for create; dim 0 takes the file's. Its factory applies from the next merge on.
 *   info  NULL, or filled from the file
 *
 * Every byte is checked against the file's checksum before any of it is believed. The checksum
 * guards against accidents, not against forgers: load only files of one's own data directory.
 * TW_ENOTFOUND: no such file.   TW_ECORRUPT: it is damaged, cut short or no snapshot (says which).
 * TW_EUNSUPPORTED: written by a later format.   TW_EDIM: cfg->dim differs.   TW_EINVAL, TW_ENOMEM.
 * On failure *out is NULL. */
TW_NODISCARD tw_status tw_index_load(tw_index **out, const tw_index_config *cfg, const char *path,
                                     tw_index_snapshot *info, tw_error *err);

/* Reads and checks the header alone: quick, for choosing among snapshots. Statuses as for load. */
TW_NODISCARD tw_status tw_index_peek(const char *path, tw_index_snapshot *info, tw_error *err);

/* Measures the index against itself scanned exactly.
 *
 *   queries (n, dim), n >= 1
 *   opt      NULL or as for search; `exact` in it is ignored
 *   recall   share of the true k nearest found, 0..1; a tie with the k-th counts as found
 *   us       mean microseconds of one search on this thread; may be NULL
 *
 * Statuses as for search. */
TW_NODISCARD tw_status tw_index_recall(const tw_index *ix, const float *queries, int n, int k,
                                       const tw_index_options *opt, double *recall, double *us,
                                       tw_error *err);

TW_END_DECLS

#endif
