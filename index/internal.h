/* index/internal.h — what the files of index/ share.
 *
 *   tw_index ── hub ── state (counted) ─┬─ main:  nodes (different vectors), ids behind each,
 *                                       │         deletion versions, FAISS graph or none
 *                                       ├─ delta: chunks of 1024 rows (counted), append-only
 *                                       └─ map:   id -> row of main or delta
 *
 * Time. Every write takes the next version. A row carries the version at which it was created (rows
 * of main: before the state) and, once replaced or deleted, the one at which it was deleted. A
 * search takes the state and the newest version S together and sees the rows with created <= S and
 * not deleted <= S: one moment, without a lock. Writers publish in the order row, deletion of the
 * old row, map, version.
 *
 * A merge makes a new state whose main holds what lived at some version. The chunks that were
 * written since are shared by the old and the new state, so nothing written meanwhile is copied.
 *
 * Atomics: the __atomic builtins on plain integers, because the same words are read from C++.
 * Acquire and release order a row before what points to it; nothing else is ever written twice.
 */
#ifndef TW_INDEX_INTERNAL_H
#define TW_INDEX_INTERNAL_H

#include <pthread.h>
#include <stdio.h>

#include "index/index.h"

#define TWI_DEFAULT_EF            64
#define TWI_DEFAULT_CONSTRUCTION  200
#define TWI_DEFAULT_EXACT_BELOW   10000
#define TWI_DEFAULT_EXACT_NUMBERS (INT64_C(1) << 24) /* rows * dim: 131,072 rows of 128 */
#define TWI_DEFAULT_MERGE_ROWS    10000
#define TWI_DEFAULT_MERGE_SHARE   0.1
#define TWI_DEFAULT_FACTORY       "HNSW32"
#define TWI_DEFAULT_LEAST_RECALL  0.9

struct FaissIndex_H; /* FAISS's index behind its C API; only index_graph.c and faiss_compat.cpp look
                        in */
typedef struct FaissIndex_H twi_graph;

/* ---- index_kernel.c: inner products ---------------------------------------------------------- */

/* out[i] = <q, rows + i * stride> for i < n, over dim floats. Sums run in 32 fixed lanes, so a
 * row scores the same wherever it is stored. */
typedef void (*twi_scores_fn)(float *out, const float *q, const float *rows, size_t stride, int dim,
                              int n);

/* The fastest for this CPU. All give the same bits. */
twi_scores_fn twi_scores_pick(void);
/* Every variant this CPU can run, for tests: i from 0 until NULL. */
twi_scores_fn twi_scores_variant(int i);

/* Position of the first value that is not finite or too large, or -1. */
int64_t twi_first_unusable(const float *x, int64_t n);

/* ---- index_topk.c: the best k, in the caller's buffer ---------------------------------------- */

/* A heap with the worst hit at its root. (score, id) orders hits totally, so the result does not
 * depend on the order of pushing. */
typedef struct twi_topk {
    tw_hit *hits;
    int k, n;
} twi_topk;

bool twi_topk_wants(const twi_topk *t, int64_t id, float score);
void twi_topk_push(twi_topk *t, int64_t id, float score); /* only what it wants */
void twi_topk_sort(twi_topk *t);                          /* best first; ends the heap */

/* ---- index_map.c: id -> row ------------------------------------------------------------------ */

#define TWI_PAGE_IDS 4096

/* 0: no such id; r > 0: row r-1 of main; r < 0: row -r-1 of delta. */
typedef int32_t twi_loc;

typedef struct twi_map {
    twi_loc **pages; /* by id / TWI_PAGE_IDS; NULL where no id was ever */
    size_t used;     /* atomic: pages from here on are NULL */
} twi_map;

TW_NODISCARD tw_status twi_map_init(twi_map *m, tw_error *err);
void twi_map_fini(twi_map *m);
/* After it, setting id cannot fail. One writer. */
TW_NODISCARD tw_status twi_map_reserve(twi_map *m, int64_t id, tw_error *err);
void twi_map_set(twi_map *m, int64_t id, twi_loc loc); /* id is reserved */
twi_loc twi_map_get(const twi_map *m, int64_t id);     /* any id, any thread */
int64_t twi_map_bytes(const twi_map *m);

/* ---- index_delta.c: rows that came since ----------------------------------------------------- */

#define TWI_CHUNK_BITS  10
#define TWI_CHUNK_ROWS  (1 << TWI_CHUNK_BITS)
#define TWI_PAGE_CHUNKS 1024
#define TWI_DELTA_PAGES 1024
#define TWI_DELTA_MAX   (INT64_C(1) << 30)

typedef struct twi_chunk {
    int refs; /* deltas that hold it; atomic: the last one out may be a reader */
    int32_t ids[TWI_CHUNK_ROWS];
    uint64_t created[TWI_CHUNK_ROWS];
    uint64_t deleted[TWI_CHUNK_ROWS]; /* atomic; 0: live */
    float vecs[];                     /* (TWI_CHUNK_ROWS, dim) */
} twi_chunk;

typedef struct twi_delta {
    int dim;
    int64_t first; /* rows below belong to an older state that shares the chunk */
    int64_t count; /* atomic, released after the row it counts */
    twi_chunk **pages[TWI_DELTA_PAGES];
} twi_delta;

void twi_delta_init(twi_delta *d, int dim);
void twi_delta_fini(twi_delta *d);
/* *to shares from's chunks from row `row` on, and numbers rows anew: from's row r is r - *shift. */
TW_NODISCARD tw_status twi_delta_share(twi_delta *to, const twi_delta *from, int64_t row,
                                       int64_t *shift, tw_error *err);
TW_NODISCARD tw_status twi_delta_reserve(twi_delta *d, tw_error *err); /* room for one row */
int64_t twi_delta_append(twi_delta *d, int64_t id, const float *vec,
                         uint64_t created); /* the row */
int64_t twi_delta_count(const twi_delta *d);
twi_chunk *twi_delta_chunk(const twi_delta *d, int64_t row);
const float *twi_delta_vec(const twi_delta *d, int64_t row);
bool twi_delta_sees(const twi_delta *d, int64_t row, uint64_t version);

/* ---- index_codes.c: a coarse copy of the rows, to rule most of them out ---------------------- */

#define TWI_CODE_ROWS 16 /* rows of a block */

struct twi_codes;
struct twi_asked;

/* bound: what the scores of a block's rows are at most; whether any of them is `least` or more. */
typedef bool (*twi_pass_fn)(float bound[TWI_CODE_ROWS], const struct twi_codes *c,
                            const struct twi_asked *a, int64_t block, float least);

/* Every variant this CPU can run, the fastest last: i from 0 until NULL. */
twi_pass_fn twi_pass_variant(int i);
bool twi_codes_pay(void); /* on this CPU */

typedef struct twi_codes {
    int groups;                     /* of four numbers: (dim+3)/4 */
    uint8_t *code;                  /* (blocks, groups, TWI_CODE_ROWS, 4); NULL: no codes */
    float *scale, *length, *missed; /* (rows): value of a code's step; |coded row|; |row - coded| */
    twi_pass_fn pass;
} twi_codes;

typedef struct twi_asked {
    int8_t code[TW_INDEX_MAX_DIM];
    int32_t zero;                /* what the codes' offset adds to every sum */
    float scale, length, missed; /* as for rows, but `length` of the query itself; with slack */
} twi_asked;

/* Leaves c->code NULL where codes do not pay: few rows, an old CPU. TW_ENOMEM. */
TW_NODISCARD tw_status twi_codes_build(twi_codes *c, const float *rows, int64_t n, int dim,
                                       tw_error *err);
void twi_codes_fini(twi_codes *c);
void twi_codes_ask(twi_asked *a, const twi_codes *c, const float *q, int dim);

/* ---- index_main.c: the vectors in one block, and the graph over them ------------------------- */

/* Rows with equal vectors are one node: the vector is there once, its rows follow each other, their
 * ids ascending. Where all vectors differ row i is node i and first and node are NULL. */
typedef struct twi_main {
    int64_t n;     /* rows, each an id */
    int64_t nodes; /* different vectors, at most n */
    int dim;
    int32_t *ids;      /* (n) */
    int32_t *first;    /* (nodes + 1) node j has the rows from first[j] to before first[j + 1] */
    int32_t *node;     /* (n) of each row */
    const float *vecs; /* (nodes, dim): own or inside graph */
    float *own;        /* owned, or NULL */
    twi_graph *graph;  /* owned; NULL: exact */
    twi_codes codes;   /* of an exact main of many nodes */
    uint64_t *deleted; /* (n) atomic; 0: live */
    int64_t dead;      /* atomic: how many of deleted are set */
    double recall;     /* of the graph when it was built, also of one that was given up; 0: none */
    char kind[TW_INDEX_KIND_MAX];
} twi_main;

/* Where a main's rows come from: row i has vector row(ctx, i), which stays where it is. */
typedef struct twi_source {
    int64_t n;
    const float *(*row)(const void *ctx, int64_t i);
    const void *ctx;
    tw_progress_fn progress; /* may be NULL */
    void *progress_ctx;
} twi_source;

/* TW_ECANCELLED when the progress function says so. */
TW_NODISCARD tw_status twi_report_progress(const twi_source *src, const char *stage, int64_t done,
                                           int64_t total, tw_error *err);

extern const char twi_exact_kind[]; /* "exact" */
/* twi_exact_kind, or the factory string of the graph that so many nodes get. Static, or cfg's. */
const char *twi_main_kind(const tw_index_config *cfg, int64_t nodes);

/* What twi_order_rows says of a source's rows (index_duplicates.c). */
typedef struct twi_order {
    int64_t nodes;
    int32_t *rows;         /* (n) row r of main is the source's row rows[r] */
    int32_t *first, *node; /* as in main, never NULL */
} twi_order;

TW_NODISCARD tw_status twi_order_rows(twi_order *o, const tw_index_config *cfg,
                                      const twi_source *src, tw_error *err);
void twi_order_fini(twi_order *o);

/* ids (n) are copied; src's rows come in o's order; o's arrays may be taken over. */
TW_NODISCARD tw_status twi_main_build(twi_main *m, const tw_index_config *cfg,
                                      const twi_source *src, twi_order *o, tw_error *err);
/* Goes on without the graph, but for its recall. TW_ENOMEM: the graph is still there. */
TW_NODISCARD tw_status twi_main_drop_graph(twi_main *m, tw_error *err);
/* Codes the nodes of a main without a graph, where that pays. TW_ENOMEM. */
TW_NODISCARD tw_status twi_main_code(twi_main *m, tw_error *err);
void twi_main_fini(twi_main *m);
const float *twi_main_vec(const twi_main *m, int64_t row);
const float *twi_main_node_vec(const twi_main *m, int64_t node);
int64_t twi_main_first(const twi_main *m, int64_t node); /* its first row; of `nodes`: n */
bool twi_main_sees(const twi_main *m, int64_t row, uint64_t version);
/* Whether the config wants a graph that is not built yet. */
bool twi_main_lacks_graph(const twi_main *m, const tw_index_config *cfg);

/* ---- index_graph.c: FAISS, status by status -------------------------------------------------- */

typedef bool (*twi_write_fn)(void *ctx, const void *data, size_t len);
typedef bool (*twi_read_fn)(void *ctx, void *data, size_t len);

TW_NODISCARD tw_status twi_graph_create(twi_graph **out, int dim, const char *factory,
                                        int ef_construction, tw_error *err);
void twi_graph_free(twi_graph *g);
bool twi_graph_trained(const twi_graph *g);
TW_NODISCARD tw_status twi_graph_train(twi_graph *g, int64_t n, const float *x, int threads,
                                       tw_error *err);
TW_NODISCARD tw_status twi_graph_add(twi_graph *g, int64_t n, const float *x, int threads,
                                     tw_error *err);
/* rows (n, k), padded with -1, in no order to rely on; distances (n, k) are FAISS's own.
 * Thread-safe. */
TW_NODISCARD tw_status twi_graph_search(const twi_graph *g, int n, const float *q, int k, int ef,
                                        float *distances, int64_t *rows, tw_error *err);
TW_NODISCARD tw_status twi_graph_write(const twi_graph *g, twi_write_fn write, void *ctx,
                                       tw_error *err);
/* TW_ECORRUPT: FAISS does not understand it, or it has not n rows of width dim. */
TW_NODISCARD tw_status twi_graph_read(twi_graph **out, int64_t n, int dim, twi_read_fn read,
                                      void *ctx, tw_error *err);
/* Whether FAISS stores the rows as given, and where: (n, dim), valid while nothing is added. */
bool twi_graph_keeps_rows(const twi_graph *g);
const float *twi_graph_vectors(const twi_graph *g);
int64_t twi_graph_link_bytes(const twi_graph *g);

/* ---- index.c: the handle --------------------------------------------------------------------- */

typedef struct twi_state {
    int refs; /* guarded by hub.swap_lock */
    twi_main main;
    twi_delta delta;
    twi_map map;
    int64_t live; /* atomic: written by the writer, read by all */
} twi_state;

typedef struct twi_hub {
    pthread_mutex_t write_lock; /* guards writes to state's content, version, merging, merges */
    pthread_mutex_t swap_lock;  /* guards state (the pointer) and every state's refs */
    twi_state *state;
    uint64_t version; /* atomic: of the last finished write */
    bool merging;
    int64_t merges; /* atomic */
} twi_hub;

struct tw_index {
    tw_index_config cfg; /* defaults filled in; factory points to `factory` or is NULL */
    char factory[TW_INDEX_KIND_MAX];
    twi_scores_fn scores;
    twi_hub *hub; /* what changes, behind a pointer, so that searching takes a const index */
};

/* One moment: a counted state and the newest version that belongs to it. */
typedef struct twi_view {
    twi_state *state;
    uint64_t version;
} twi_view;

twi_view twi_view_take(const tw_index *ix);
void twi_view_drop(const tw_index *ix, twi_view v);

TW_NODISCARD tw_status twi_state_create(twi_state **out, int dim, tw_error *err);
void twi_state_destroy(twi_state *s); /* accepts NULL; refs are not looked at */
/* Maps every row of main and sets live, on a state that no other thread sees.
 * TW_EINVAL: an id is there twice. */
TW_NODISCARD tw_status twi_state_map_main(twi_state *s, tw_error *err);
/* Puts s (owned) in place of the current state. The caller holds write_lock. */
void twi_state_swap(tw_index *ix, twi_state *s);

/* ---- index_search.c -------------------------------------------------------------------------- */

/* A search's rules, checked and made quick to ask. */
typedef struct twi_rules {
    const tw_index_options *opt;
    int64_t *excluded; /* (n_excluded) ascending; owned unless it is `few` */
    int n_excluded;
    int64_t few[256];
} twi_rules;

TW_NODISCARD tw_status twi_rules_init(twi_rules *r, const tw_index_options *opt, tw_error *err);
void twi_rules_fini(twi_rules *r);
bool twi_rules_allow(const twi_rules *r, int64_t id);    /* by the bitmap */
bool twi_rules_excluded(const twi_rules *r, int64_t id); /* by the list */

/* tw_index_search_batch on a view, which need not be of ix's own state. */
TW_NODISCARD tw_status twi_search_view(const tw_index *ix, twi_view v, const float *queries, int n,
                                       int k, const tw_index_options *opt, tw_hit *hits,
                                       int *n_hits, tw_error *err);

/* ---- index_recall.c -------------------------------------------------------------------------- */

/* Measures the graph of a state that no other thread sees on a sample of its own nodes, and gives
 * it up where it finds less than the config's least. src: whose progress is reported. TW_ENOMEM,
 * TW_ECANCELLED. */
TW_NODISCARD tw_status twi_check_graph(const tw_index *ix, twi_state *s, const twi_source *src,
                                       tw_error *err);

/* ---- index_scan.c: exact search -------------------------------------------------------------- */

/* Offers the rows behind a node, which all have this score, and returns whether any of them passes
 * the rules. Costs what passes and is wanted, and the rows before that which do not pass. */
bool twi_offer_node(twi_view v, const twi_rules *r, int64_t node, float score, twi_topk *top);
/* Every row of main, or of delta, that the view and the rules let pass, for n queries (n, dim). */
void twi_scan_main(const tw_index *ix, twi_view v, const twi_rules *r, const float *q, int n,
                   twi_topk *tops);
void twi_scan_delta(const tw_index *ix, twi_view v, const twi_rules *r, const float *q, int n,
                    twi_topk *tops);
/* The same over main and delta at once, by walking the allow bitmap. */
void twi_scan_allowed(const tw_index *ix, twi_view v, const twi_rules *r, const float *q, int n,
                      twi_topk *tops);
/* Whichever of the above is due. */
void twi_scan_all(const tw_index *ix, twi_view v, const twi_rules *r, const float *q, int n,
                  twi_topk *tops);

#endif
