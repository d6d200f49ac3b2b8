/* engine/train/hard_negatives.h — the search that finds hard negatives while towers train: our own
 * index over the vectors of the moment. Internal to engine/.
 */
#ifndef TW_ENGINE_TRAIN_HARD_NEGATIVES_H
#define TW_ENGINE_TRAIN_HARD_NEGATIVES_H

#include "index/index.h"
#include "towers/towers.h"

typedef struct twi_hard_search {
    tw_tower_search search; /* for a training; borrows this struct */
    tw_index *index;        /* NULL before the first open */
    const float *vecs;      /* of the last open, borrowed */
    int dim, threads;
} twi_hard_search;
/* threads: of a graph's building, 1: repeatable. */
void twi_hard_search_init(twi_hard_search *s, int threads);
void twi_hard_search_fini(twi_hard_search *s);

#endif
