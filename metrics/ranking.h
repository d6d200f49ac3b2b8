/* metrics/ranking.h — the nearest of every query over a whole pool, and how good such rankings are.
 *
 * Nothing here knows a tower: scores come from a callback, so vectors, raw features and tf-idf are
 * measured by the same code. Rankings are made in blocks, so memory is O(queries * k).
 *
 *     tw_dense_create(&dense, vecs, vecs, n, dim, TW_NEAR_INNER, 2, &err);
 *     tw_rank(&lists, &task, tw_dense_score, dense, pool, &err);
 *     tw_ranking_measure(&r, &lists, 10, &err);          // recall@10, ndcg@10, ...
 *     tw_knn_measure(&acc, &lists, &task, 1, &err);      // 1-NN accuracy
 *
 * Ties count against us: what is wrong stands before what is right when the two score the same to
 * within TW_TIE. A score that is no number counts as the lowest. Every mean has its standard error
 * beside it (NAN where there are fewer than two).
 */
#ifndef TW_METRICS_RANKING_H
#define TW_METRICS_RANKING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/error.h"
#include "base/pool.h"
#include "base/types.h"
#include "metrics/mean.h"

TW_BEGIN_DECLS

/* What the right item at this rank (from 1) adds to DCG: 1 / log2(1 + rank). Source: Jarvelin and
 * Kekalainen 2002. */
double tw_rank_gain(double rank);

/* A score that is in no list: what is right and has it counts as not found, where -INFINITY would
 * take it out of what is to be found. */
#define TW_SCORE_NEVER (-1e30F)

/* Scores of nq queries against pool places first .. first+n-1; higher is nearer.
 *
 *   scores (nq, n)  to be filled
 *   worker          0..workers-1: names its scratch, for several run at once */
typedef tw_status (*tw_score_fn)(void *ctx, int worker, const int32_t *queries, int nq,
                                 int64_t first, int n, float *scores, tw_error *err);

typedef enum tw_nearness { TW_NEAR_INNER = 0, TW_NEAR_EUCLID = 1 } tw_nearness;

typedef struct tw_dense tw_dense;

/* Scores of rows of queries (any number, dim) against rows of pool (n, dim), both borrowed: inner
 * products, or minus the squared distance ("raw 1-NN" of raw features). workers: of the tw_pool it
 * will run on. TW_ENOMEM. */
TW_NODISCARD tw_status tw_dense_create(tw_dense **out, const float *queries, const float *pool,
                                       int64_t n, int dim, tw_nearness nearness, int workers,
                                       tw_error *err);
void tw_dense_destroy(tw_dense *d); /* accepts NULL */
tw_status tw_dense_score(void *ctx, int worker, const int32_t *queries, int nq, int64_t first,
                         int n, float *scores, tw_error *err);

/* Who asks, and what is right. Give `right` or the classes. All borrowed. */
typedef struct tw_rank_task {
    int64_t queries, pool;
    int k;                        /* length of the lists, 1..TW_RANK_MAX_K */
    const int32_t *own;           /* (queries) the query's own place in the pool, never found, or
                                     -1; NULL: no query is in the pool */
    const int64_t *right_offsets; /* (queries + 1) */
    const int32_t *right;         /* places, rising for each query */
    const int32_t *query_class;   /* (queries); below 0: nothing is right */
    const int32_t *pool_class;    /* (pool) */
    const int64_t *hide_offsets;  /* (queries + 1), or NULL */
    const int32_t *hide;          /* places that may not stand in the way (known positives) */
} tw_rank_task;

#define TW_RANK_MAX_K 1000

/* The nearest k of each query. */
typedef struct tw_ranked {
    int64_t queries, pool;
    int k;
    int32_t *place;     /* (queries, k) nearest first; -1: no more */
    unsigned char *hit; /* (queries, k) 1: it is right */
    int64_t *n_right;   /* (queries) how many were to be found */
} tw_ranked;

/* pool NULL: on the calling thread. TW_EINVAL: k, a place or an own out of range, neither `right`
 * nor classes. TW_ENOMEM, or what score returned. */
TW_NODISCARD tw_status tw_rank(tw_ranked *out, const tw_rank_task *task, tw_score_fn score,
                               void *ctx, tw_pool *pool, tw_error *err);
void tw_ranked_fini(tw_ranked *r); /* accepts a zeroed one */

/* Pairs to be found; the arrays are borrowed for the call. */
typedef struct tw_retrieval_task {
    const tw_item_pair *held; /* (n_held) positives to be found, in both directions; those with a
                                 label below 0.5 are skipped */
    int64_t n_held;
    const tw_item_pair
        *known; /* (n_known) positives that may not stand in the way; NULL for none */
    int64_t n_known;
    int64_t max_queries; /* 0 = all; else the queries whose item hashes lowest */
} tw_retrieval_task;

/* The same for pairs of items: every item with held-out partners asks, all n items are
 * the pool, known partners are hidden; a pair that is both held and known is hidden. Queries and
 * places that score sees are item numbers. TW_EINVAL: an item out of range, or k.
 * (rank_pairs.c) */
TW_NODISCARD tw_status tw_rank_pairs(tw_ranked *out, int64_t n, int k,
                                     const tw_retrieval_task *pairs, tw_score_fn score, void *ctx,
                                     tw_pool *pool, tw_error *err);

/* TW_EINVAL: the lists hold no k. */
TW_NODISCARD tw_status tw_ranked_check_k(const tw_ranked *lists, int k, tw_error *err);

/* Means over the queries that have something to find. */
typedef struct tw_ranking {
    int k;
    tw_mean recall;    /* found of what was to be found */
    tw_mean precision; /* right among k */
    tw_mean hit_rate;  /* at least one is right */
    tw_mean ndcg;      /* gain 1 / log2(1 + rank), against the best possible first k */
    tw_mean mrr;       /* 1 / rank of the first that is right, 0 beyond k */
    tw_mean map;       /* sum of precision at each hit, over min(k, what was to be found) */
} tw_ranking;

/* At any k up to the lists'. TW_EINVAL: k. TW_ENOMEM. */
TW_NODISCARD tw_status tw_ranking_measure(tw_ranking *out, const tw_ranked *lists, int k,
                                          tw_error *err);

/* The class that most of the first k have; of equals, the one whose nearest comes first. Over the
 * queries with a class. The lists were ranked with the task's classes. TW_EINVAL: k, no classes. */
TW_NODISCARD tw_status tw_knn_measure(tw_mean *out, const tw_ranked *lists,
                                      const tw_rank_task *task, int k, tw_error *err);

TW_END_DECLS

#endif
