/* index/groups/layout.h — vectors on a plane, so that neighbours stay neighbours: for maps to look
 * at.
 *
 * t-SNE that begins at the first two principal components, so that equal calls give equal maps and
 * what is far apart has some meaning, too. Distances on the plane say who is near whom; the axes,
 * and how large a gap is, say nothing. Of many rows a sample is laid out, and each other row lies
 * among its nearest in the sample.
 *
 *     tw_layout_fit(xy, vecs, n, dim, &(tw_layout_config){.threads = 2}, &err);
 *     tw_layout_kept(&share, xy, vecs, n, dim, 10, &err);   // how true is it?
 *
 * Vectors are of length 1 (their cosine is what counts), or all zero: such a row is near to none
 * and lies anywhere.
 */
#ifndef TW_INDEX_GROUPS_LAYOUT_H
#define TW_INDEX_GROUPS_LAYOUT_H

#include <stdint.h>

#include "base/error.h"
#include "base/types.h"

#define TW_LAYOUT_MAX_SAMPLE     20000
#define TW_LAYOUT_MAX_PERPLEXITY 200

/* 0 in a field asks for the default in brackets. */
typedef struct tw_layout_config {
    int sample;        /* rows that are laid out, 4..TW_LAYOUT_MAX_SAMPLE [3000]; a step costs its
                          square */
    double perplexity; /* how many neighbours a row heeds, 1..TW_LAYOUT_MAX_PERPLEXITY [30]; fewer
                          where there are few */
    int iterations;    /* 1..10000 [750] */
    uint64_t seed;     /* of the sample and of where the search for the components begins */
    int threads;       /* 1..TW_POOL_MAX [1]; their number does not change the map */
    tw_progress_fn progress; /* may be NULL; stage "drawing", iterations done */
    void *progress_ctx;
} tw_layout_config;

/* Fills xy (n,2): the wide side along x, the middle at 0, the farthest coordinate at 1.
 *
 *   vecs (n,dim)  row-major, finite; borrowed
 *
 * TW_EINVAL: a field, n (below 1) or a value out of range.   TW_ECANCELLED.   TW_ENOMEM.
 * Source: van der Maaten and Hinton 2008; the beginning and the step as in Kobak and Berens 2019.
 */
TW_NODISCARD tw_status tw_layout_fit(float *xy, const float *vecs, int64_t n, int dim,
                                     const tw_layout_config *cfg, tw_error *err);

/* The first two principal components, xy (n,2), by orthogonal iteration; not scaled. TW_ENOMEM. */
TW_NODISCARD tw_status tw_layout_pca(float *xy, const float *vecs, int64_t n, int dim,
                                     uint64_t seed, tw_error *err);

/* *share, 0..1: of the k rows nearest to a row by vector, how many are among the k nearest on the
 * plane; the mean over all rows, or over 500 of them spread evenly. k is at most n - 1 (else that).
 * TW_EINVAL: n below 2, k below 1 or above 1000.   TW_ENOMEM. */
TW_NODISCARD tw_status tw_layout_kept(double *share, const float *xy, const float *vecs, int64_t n,
                                      int dim, int k, tw_error *err);

#endif
