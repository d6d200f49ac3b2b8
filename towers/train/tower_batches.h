/* towers/train/tower_batches.h — which items a batch holds. Internal to towers/.
 *
 * A plan is one epoch's batches, made at once: pure functions of data, seed and
 * epoch, so a run that is resumed meets the same batches again.
 *
 *     twi_batch_plan plan = {0};
 *     TW_TRY(twi_batch_plan_classes(&plan, cls, NULL, n, &how, epoch, err));
 *     for (int64_t b = 0; b < plan.n; b++)
 *         train(plan.rows + plan.offsets[b], plan.offsets[b + 1] - plan.offsets[b]);
 */
#ifndef TW_TOWERS_TRAIN_TOWER_BATCHES_H
#define TW_TOWERS_TRAIN_TOWER_BATCHES_H

#include <stdint.h>

#include "base/error.h"

typedef struct twi_batch_plan {
    int32_t *rows;    /* (offsets[n]) items */
    int64_t *offsets; /* (n + 1) where each batch starts */
    int64_t n;        /* batches */
    int64_t left_out; /* rows that are in no batch of this epoch */
} twi_batch_plan;

void twi_batch_plan_fini(twi_batch_plan *p); /* accepts a zeroed one */

typedef struct twi_class_how {
    int classes, items; /* P classes, K items of each; 2.. and 2.. */
    double grouped; /* share of the P classes that come from one group, or from as few as hold so
                       many; 0..1. Alike classes are the ones worth telling apart */
    uint64_t seed;
} twi_class_how;

/* P x K batches; all have min(P, number of classes) * K rows, class by class.
 *
 *   cls (n)    class of item i; below 0: it has none and is left out
 *   group (n)  the group of item i's class (that of its first item counts), or NULL: one for all
 *
 * Classes come in turn, each as often as the next whatever its size, and so do the items of a
 * class; a class of fewer than K items repeats them. An epoch has as many batches as hold each item
 * once, at least 1. TW_EINVAL: fewer than two classes, or a setting out of range. TW_ENOMEM. */
TW_NODISCARD tw_status twi_batch_plan_classes(twi_batch_plan *out, const int32_t *cls,
                                              const int32_t *group, int64_t n,
                                              const twi_class_how *how, uint64_t epoch,
                                              tw_error *err);

#endif
