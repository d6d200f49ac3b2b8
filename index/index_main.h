/* index/index_main.h — the vectors in one block, and the graph over them. Internal to index/.
 *
 * A main is made from a source in two steps, and does not change but for its deletion versions:
 *
 *     twi_order_rows(&order, cfg, &src, err)          equal vectors beside each other
 *     twi_main_build(&main, cfg, &src, &order, err)
 */
#ifndef TW_INDEX_INDEX_MAIN_H
#define TW_INDEX_INDEX_MAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "index/index.h"
#include "index/index_codes.h"
#include "index/index_graph.h"

#define TWI_DEFAULT_FACTORY "HNSW32"

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

#endif
