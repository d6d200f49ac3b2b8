/* towers/train/tower_hard_negatives.h — pairs get negatives that are hard for the tower as it is.
 * Internal to towers/.
 *
 * Before an epoch each pair (a, b) is given one item that lies near a and is no partner of it, as
 * one more column of the batch. Where none is to be had, it is b again, which is masked.
 */
#ifndef TW_TOWERS_TRAIN_TOWER_HARD_NEGATIVES_H
#define TW_TOWERS_TRAIN_TOWER_HARD_NEGATIVES_H

#include "base/pool.h"
#include "metrics/partners.h"
#include "towers/train/tower_examples.h"

typedef struct twi_hard_negatives_how {
    int draw_from; /* nearest negatives of a pair, of which one is drawn, 1.. */
    double margin; /* twi_hard_config's relative_margin */
    uint64_t seed, epoch;
    const tw_tower_search *search; /* NULL: all with all */
    tw_pool *pool;                 /* for that */
} twi_hard_negatives_how;

/* Makes room for negatives: every pair's is its own partner, so none. */
void twi_hard_negatives_begin(twi_examples *x);

/* vecs (n, dim): all items. TW_ENOMEM, or what the search returned. */
TW_NODISCARD tw_status twi_hard_negatives_draw(twi_examples *x, const tw_partners *partners,
                                               const float *vecs, int64_t n, int dim,
                                               const twi_hard_negatives_how *how, tw_error *err);

#endif
