/* index/groups/kmeans.h — groups of vectors that point the same way: spherical k-means by FAISS.
 *
 * Only directions count: rows are scaled to length 1, centroids are, and "near" is the cosine. A
 * row of length 0 points nowhere and is in no cluster.
 *
 *     tw_kmeans km;
 *     const tw_kmeans_config cfg = {.k = tw_kmeans_default_k(n)};
 *     tw_kmeans_fit(&km, vecs, n, dim, &cfg, &err);
 *     for (i < n) printf("%d %.3f\n", km.cluster[i], km.own[i]);
 *     tw_kmeans_fini(&km);
 *
 * k-means ends in the optimum that is near where it began, so it begins several times, each time
 * from rows that are far apart (k-means++), and the best end is kept. Equal calls give equal bits.
 * Everything runs on the calling thread.
 */
#ifndef TW_INDEX_GROUPS_KMEANS_H
#define TW_INDEX_GROUPS_KMEANS_H

#include <stdint.h>

#include "base/error.h"
#include "base/types.h"

#define TW_KMEANS_MAX_K 4096

/* 0 in a field asks for the default in brackets. */
typedef struct tw_kmeans_config {
    int k;          /* clusters, 1..TW_KMEANS_MAX_K [tw_kmeans_default_k] */
    int iterations; /* of one beginning, 1..1000 [25] */
    int redos;      /* beginnings, 1..100 [5] */
    uint64_t seed;
    tw_progress_fn progress; /* may be NULL; stage "clustering", beginnings done of redos */
    void *progress_ctx;
} tw_kmeans_config;

/* Clusters are numbered from 0 by size, largest first, ties by their first row. */
typedef struct tw_kmeans {
    int k; /* clusters that have a row: fewer than asked for where rows are the same */
    int dim;
    int64_t n;
    int64_t unread;   /* rows of length 0 */
    float *centroids; /* (k,dim) of length 1 */
    int64_t *sizes;   /* (k) */
    int32_t *cluster; /* (n) 0..k-1; -1: length 0 */
    float *own;       /* (n) cosine to the own centroid; 0 for cluster -1 */
    float *next;      /* (n) cosine to the nearest other one, <= own; -1 when k is 1 */
    int32_t *second;  /* (n) which one that is; -1: none */
    double objective; /* mean of own over the rows that are in a cluster */
} tw_kmeans;

/* About sqrt(n / 2), an old rule of thumb, within 2..256 and at most n; 1 for n below 2. */
int tw_kmeans_default_k(int64_t n);

/* Groups n rows.
 *
 *   vecs (n,dim)  row-major, finite; borrowed for the call
 *
 * TW_EINVAL: no row has a length, k is above the number of rows that have one, a field is out of
 * range, a value not finite.   TW_ECANCELLED: progress said so.   TW_ENOMEM.
 * On failure *out is zeroed.
 * Source: Dhillon and Modha 2001 (spherical k-means); Arthur and Vassilvitskii 2007 (k-means++). */
TW_NODISCARD tw_status tw_kmeans_fit(tw_kmeans *out, const float *vecs, int64_t n, int dim,
                                     const tw_kmeans_config *cfg, tw_error *err);
void tw_kmeans_fini(tw_kmeans *km); /* accepts a zeroed one */

#endif
