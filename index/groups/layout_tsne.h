/* index/groups/layout_tsne.h — exact t-SNE of a few thousand rows. Internal to index/. */
#ifndef TW_INDEX_GROUPS_LAYOUT_TSNE_H
#define TW_INDEX_GROUPS_LAYOUT_TSNE_H

#include "base/pool.h"
#include "index/groups/layout.h"

/* hits (k): the k rows, or all, with the highest of n scores, best first, without row `self` (-1:
 * with all). Returns how many. */
int twi_nearest(tw_hit *hits, int k, const float *scores, int64_t n, int64_t self);

/* Moves x, y (n), where they are, to where neighbours are near. n >= 4.
 *
 *   vecs (n,dim)  of length 1
 *   cfg           every field set; sample and threads are not read
 *
 * TW_ECANCELLED, TW_ENOMEM. The number of workers does not change a bit. */
TW_NODISCARD tw_status twi_tsne(float *x, float *y, const float *vecs, int n, int dim,
                                const tw_layout_config *cfg, tw_pool *pool, tw_error *err);

#endif
