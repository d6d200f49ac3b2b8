/* towers/train/tower_examples.h — what a loss learns from: rows made of the pairs, triplets or
 * classes that a caller gave.
 *
 * Internal to towers/.
 */
#ifndef TW_TOWERS_TRAIN_TOWER_EXAMPLES_H
#define TW_TOWERS_TRAIN_TOWER_EXAMPLES_H

#include "base/real.h"
#include "towers/towers.h"

typedef struct twi_example {
    int32_t a, b, negative; /* negative -1: none */
    float label;
} twi_example;

typedef struct twi_examples {
    twi_example *rows; /* (n); none where classes are learnt from */
    int64_t n;
    bool classes;            /* rows are items of known class, not examples */
    tw_tower_loss loss;      /* never TW_LOSS_AUTO */
    bool labelled;           /* some labels say "not similar" */
    bool given;              /* rows name their negative */
    tw_item_pair *positives; /* (n_positives) what is known to be similar */
    int64_t n_positives;
} twi_examples;

/* Chooses the loss (TW_LOSS_AUTO) and turns data into rows that it can use. TW_EINVAL as
 * tw_tower_train's. */
TW_NODISCARD tw_status twi_examples_build(twi_examples *x, const tw_tower_data *data,
                                          tw_tower_loss loss, tw_error *err);
/* *out (n), to be freed: ln of each item's share of the sides of all pairs, which is how often it
 * is drawn as a negative. TW_ENOMEM. */
TW_NODISCARD tw_status twi_examples_logq(tw_real **out, const twi_examples *x, int64_t n,
                                         tw_error *err);
void twi_examples_fini(twi_examples *x);

#endif
