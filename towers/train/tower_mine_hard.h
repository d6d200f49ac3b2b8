/* towers/train/tower_mine_hard.h — hard negatives from a search in the vectors that a
 * tower gives by now. Internal to towers/.
 *
 * What is nearest to an anchor and is not known to be similar teaches most, and
 * is most often a positive without a label. So a negative counts only
 * when it is clearly farther than the positive (the relative margin).
 * Anchors are searched in blocks: memory is O(block * k) and the result, never
 * (items x items). The search is the caller's: towers/ knows no index.
 */
#ifndef TW_TOWERS_TRAIN_TOWER_MINE_HARD_H
#define TW_TOWERS_TRAIN_TOWER_MINE_HARD_H

#include "metrics/partners.h"
#include "towers/towers.h"

/* The k nearest of each anchor, nearest first.
 *
 *   anchors (n)           items
 *   items, cosines (n,k)  to be filled; item -1: there are no more. The anchor itself may be among
 *                         them */
typedef tw_status (*twi_neighbours_fn)(void *ctx, const int32_t *anchors, int n, int k,
                                       int32_t *items, float *cosines, tw_error *err);

typedef struct twi_hard_config {
    int k;                  /* neighbours looked at, 1..TWI_HARD_MAX_K */
    int skip;               /* the nearest so many candidates are passed over, 0 .. k - 1 */
    int per_pair;           /* negatives kept for each (anchor, positive), 1 .. k */
    double relative_margin; /* kept when cos(a,n) <= cos(a,p) - relative_margin |cos(a,p)|; 0..1 */
    double most_cosine;     /* candidates nearer than this are duplicates; 1 keeps all */
    bool at_random;         /* draw per_pair of those that qualify, else take the nearest */
    uint64_t seed;          /* of that draw, for each anchor apart */
} twi_hard_config;

#define TWI_HARD_MAX_K 1000

/* The strongest setting in the survey that sentence-transformers' documentation cites
 * (NV-Retriever: at most 95 % as similar as the positive, the nearest ten or fewer). */
#define TWI_HARD_DEFAULT                                                                           \
    ((twi_hard_config){.k = 50, .per_pair = 3, .relative_margin = 0.05, .most_cosine = 1})

/* Triplets (anchor, positive, negative), anchors rising, each anchor's positives rising, negatives
 * nearest first (drawn ones in the order of their draw).
 *
 *   vecs (n, dim)  unit rows: cos(a,p) is taken from them
 *   positives      known partners of every item: never a negative; an item with none is no anchor
 *   cls (n)        or NULL; an item of the anchor's class (not below 0) is no negative either
 *   *out (*n_out)  the caller frees it with tw_free
 *
 * TW_EINVAL: a setting out of range, or a neighbour that is no item. TW_ENOMEM, or what the search
 * returned. On failure *out is NULL. Source: Moreira et al. 2024 (NV-Retriever), TopK-PercPos. */
TW_NODISCARD tw_status twi_mine_hard(tw_item_triplet **out, int64_t *n_out, const float *vecs,
                                     int64_t n, int dim, const tw_partners *positives,
                                     const int32_t *cls, const twi_hard_config *cfg,
                                     twi_neighbours_fn search, void *ctx, tw_error *err);

#endif
