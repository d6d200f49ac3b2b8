/* engine/data/train_set.h — what towers learn from, gathered from where the caller wants it.
 * Internal to engine/. */
#ifndef TW_ENGINE_DATA_TRAIN_SET_H
#define TW_ENGINE_DATA_TRAIN_SET_H

#include "engine/data/dataset.h"
#include "engine/data/mining.h"
#include "engine/training.h"

/* By tw_pair_source: what a training report calls them. */
extern const char *const twi_source_names[TW_PAIRS_SELF + 1];

/* Pairs, triplets or classes; what is not there is NULL and 0. Owned. */
typedef struct twi_train_set {
    twi_tower_split split;     /* pairs: train, valid, test */
    tw_item_triplet *triplets; /* (n_triplets) */
    int64_t n_triplets;
    tw_split triplet_parts;
    int32_t *classes, *groups; /* (items of the catalogue) as in tw_tower_data */
    unsigned char *held;       /* (items) one in ten is kept for validation */
    int64_t n_classes;
    bool self;                            /* pairs of an item with itself */
    int64_t skipped;                      /* rows of the file that could not be used */
    char first_skipped[TW_ERROR_MSG_MAX]; /* why not, of the first; "": none */
} twi_train_set;

/* Pairs and triplets are split, items of classes held out; items beside themselves are all for
 * training.
 *
 *   log  read for TW_PAIRS_EVENTS
 *
 * TW_ESTATE: there is nothing to learn from; the sentence says what is missing. TW_EINVAL,
 * TW_ENOMEM, and what reading the file returns. Release *out with twi_train_set_fini in any case.
 */
TW_NODISCARD tw_status twi_train_set_gather(tw_engine *e, const tw_train_options *opt,
                                            const tw_tower_recipe *recipe, const twi_catalogue *c,
                                            const twi_events *log, twi_train_set *out,
                                            tw_error *err);
/* Pairs to measure on, none of them for training: those of the file `valid`, then those of `path`
 * for test. valid NULL: half of path's, by a hash of (seed, pair); or none of them, where no label
 * says anything but "similar" and there is no threshold to choose. Else as above. */
TW_NODISCARD tw_status twi_test_set_gather(tw_engine *e, const char *path, const char *valid,
                                           int64_t seed, const twi_catalogue *c, twi_train_set *out,
                                           tw_error *err);
void twi_train_set_fini(twi_train_set *x);

#endif
