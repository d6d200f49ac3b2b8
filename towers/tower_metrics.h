/* towers/tower_metrics.h — how good scores, rankings, lists and clusters are.
 *
 * Nothing here knows a tower: scores come from a callback, so vectors, raw
 * features and tf-idf are measured by the same code. Rankings are over the whole
 * pool, in blocks, so memory is O(queries * k).
 *
 *     tw_dense_create(&dense, vecs, vecs, n, dim, TW_NEAR_INNER, 2, &err);
 *     tw_rank(&lists, &task, tw_dense_score, dense, pool, &err);
 *     tw_ranking_measure(&r, &lists, 10, &err);          // recall@10, ndcg@10, ...
 *     tw_knn_measure(&acc, &lists, &task, 1, &err);      // 1-NN accuracy
 *
 * Scores of pairs are compared as float32, which is what vectors are made of: two
 * that differ in their last digits as double are one threshold and share a rank.
 * Ties count against us in rankings: what is wrong stands before what is right
 * when the two score the same to within TW_TIE. A score that is no number counts
 * as the lowest. Every mean over queries or trials has its standard error beside
 * it (NAN where there are fewer than two).
 */
#ifndef TW_TOWERS_TOWER_METRICS_H
#define TW_TOWERS_TOWER_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"
#include "towers/towers.h"

#define TW_TIE                                                                                     \
    1e-6 /* of scores up to 1, and relative above: the same two vectors may get another            \
            last bit from another place in a matrix product */

/* A mean and its standard error: sample standard deviation / sqrt(n). */
typedef struct tw_mean {
    double mean, se;
    int64_t n;
} tw_mean;

tw_mean tw_mean_of(const double *x, int64_t n); /* n 0: NAN */

/* ---- scored pairs (tower_metrics.c): label at least 0.5 is a positive ------------------------ */

/* out (n_pairs): cosines. Rows need not be of unit length, and those of float32 never quite are: so
 * the same two vectors have cosine 1, whatever they are. 0 of a zero row. TW_EINVAL: a pair names
 * no item. */
TW_NODISCARD tw_status tw_pairs_cosines(double *out, const float *vecs, int64_t n, int dim,
                                        const tw_item_pair *pairs, int64_t n_pairs, tw_error *err);

/* P(score of a positive > score of a negative) + half the ties. NAN without both kinds. TW_ENOMEM.
 * Source: Mann and Whitney 1947. */
TW_NODISCARD tw_status tw_scores_auc(double *out, const double *score, const float *label,
                                     int64_t n, tw_error *err);

/* Sum over thresholds of (rise of recall) * precision; equal scores are one threshold. NAN without
 * positives. TW_ENOMEM. */
TW_NODISCARD tw_status tw_scores_average_precision(double *out, const double *score,
                                                   const float *label, int64_t n, tw_error *err);

/* NAN when either side is constant. Spearman: equal values share the mean of their ranks. */
double tw_scores_pearson(const double *x, const double *y, int64_t n);
TW_NODISCARD tw_status tw_scores_spearman(double *out, const double *x, const double *y, int64_t n,
                                          tw_error *err);

typedef enum tw_threshold_by { TW_BY_ACCURACY = 0, TW_BY_F1 = 1 } tw_threshold_by;

/* The threshold with the highest accuracy or F1: halfway between two neighbouring scores, or
 * infinite where one answer for all is best; the highest of equals. Choose it on validation pairs
 * and apply it to test pairs. n 0: INFINITY. TW_ENOMEM. */
TW_NODISCARD tw_status tw_threshold_choose(double *threshold, const double *score,
                                           const float *label, int64_t n, tw_threshold_by by,
                                           tw_error *err);

typedef struct tw_decisions {
    int64_t tp, fp, fn, tn;
    double accuracy, accuracy_se; /* se: sqrt(a (1 - a) / n); NAN where n is 0 */
    double precision, recall, f1; /* 0 where no positive was called so, NAN where there is none */
} tw_decisions;

/* Calls positive what scores above the threshold. */
tw_decisions tw_threshold_apply(double threshold, const double *score, const float *label,
                                int64_t n);

/* ---- rankings (tower_ranking.c) -------------------------------------------------------------- */

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
 * (tower_rank_pairs.c) */
TW_NODISCARD tw_status tw_rank_pairs(tw_ranked *out, int64_t n, int k,
                                     const tw_retrieval_task *pairs, tw_score_fn score, void *ctx,
                                     tw_pool *pool, tw_error *err);

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

/* ---- lists, trials, clusters (tower_lists.c) ------------------------------------------------- */

typedef struct tw_variety {
    double coverage;   /* share of the pool that is in some list */
    double gini;       /* of how often each is: 0 all alike, towards 1 a few take all */
    tw_mean diversity; /* over lists of two and more: mean of 1 - cosine over their pairs */
} tw_variety;

/* The first k of each list; pool_vecs (pool, dim) unit rows, NULL: no diversity. TW_EINVAL: k.
 * TW_ENOMEM. */
TW_NODISCARD tw_status tw_variety_measure(tw_variety *out, const tw_ranked *lists, int k,
                                          const float *pool_vecs, int dim, tw_error *err);

/* One trial of one-shot (few-shot) classification. */
typedef struct tw_trial {
    const int32_t *support, *support_class; /* (n_support) rows of vecs, and what they are */
    int n_support;
    const int32_t *query, *query_class; /* (n_query) */
    int n_query;
} tw_trial;

/* The mean over trials of the share of queries whose nearest support is of their class;
 * class_mean: nearest mean of a class's supports, at length 1 (prototype).
 *
 *   vecs (n, dim)  unit rows
 *
 * TW_EINVAL: a row out of range. TW_ENOMEM. */
TW_NODISCARD tw_status tw_trials_measure(tw_mean *out, const float *vecs, int64_t n, int dim,
                                         const tw_trial *trials, int64_t n_trials, bool class_mean,
                                         tw_error *err);

/* Mutual information of two labellings over the mean of their entropies: 1 the same up to names, 0
 * independent. Both constant: 1. n 0: NAN. TW_ENOMEM. Source: Strehl and Ghosh 2002, with the
 * arithmetic mean. */
TW_NODISCARD tw_status tw_clusters_nmi(double *out, const int32_t *a, const int32_t *b, int64_t n,
                                       tw_error *err);

#endif
