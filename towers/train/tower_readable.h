/* towers/train/tower_readable.h — what a training can learn and be measured on: what it was given
 * without the items that hold nothing which the tower reads.
 *
 * A vector of zeros is near to nothing: a pair with one says nothing of a tower. Internal to
 * towers/.
 */
#ifndef TW_TOWERS_TRAIN_TOWER_READABLE_H
#define TW_TOWERS_TRAIN_TOWER_READABLE_H

#include "towers/towers.h"
#include "towers/train/tower_examples.h"

/* What a training was given, without validation pairs and classes of items of which the samples
 * hold nothing. */
typedef struct twi_readable {
    tw_tower_data data;  /* the rest is the caller's */
    tw_item_pair *valid; /* owned */
    int32_t *classes;    /* owned */
} twi_readable;

/* *r can be given to fini in any case. TW_ENOMEM. */
TW_NODISCARD tw_status twi_readable_init(twi_readable *r, const tw_tower_data *data,
                                         const tw_tower_samples *s, tw_error *err);
void twi_readable_fini(twi_readable *r);

/* Leaves out the examples with an item of which the samples hold nothing. TW_EINVAL: none is left.
 */
TW_NODISCARD tw_status twi_readable_examples(twi_examples *x, const tw_tower_samples *s,
                                             tw_error *err);

#endif
