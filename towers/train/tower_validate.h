/* towers/train/tower_validate.h — the one figure that chooses the epoch. Internal to towers/. */
#ifndef TW_TOWERS_TRAIN_TOWER_VALIDATE_H
#define TW_TOWERS_TRAIN_TOWER_VALIDATE_H

#include "towers/train/tower_examples.h"

typedef enum twi_valid_by {
    TWI_VALID_NONE = 0,     /* nothing is held out */
    TWI_VALID_NDCG = 1,     /* NDCG@10 of held-out partners among the whole catalogue */
    TWI_VALID_SPEARMAN = 2, /* rank correlation of cosines and scores */
    TWI_VALID_CLASS = 3,    /* share of held items whose nearest item is of their class: among those
                               learnt from where one of these is, else among all others */
    TWI_VALID_F1 = 4,       /* of labelled pairs, at the best threshold */
} twi_valid_by;

/* What the data allows to be measured. */
twi_valid_by twi_valid_choose(const tw_tower_data *data, const twi_examples *x);

/* The figure of vecs (n_items, dim), unit rows. TW_ENOMEM. */
TW_NODISCARD tw_status twi_validate(double *out, twi_valid_by by, const tw_tower_data *data,
                                    const twi_examples *x, const float *vecs, int dim,
                                    tw_pool *pool, tw_error *err);

#endif
