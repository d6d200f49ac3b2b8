/* tests/unit/towers/train/train_toy.h — eight short texts, what is similar among them, and a quick
 * training. */
#ifndef TW_TESTS_UNIT_TOWERS_TRAIN_TRAIN_TOY_H
#define TW_TESTS_UNIT_TOWERS_TRAIN_TRAIN_TOY_H

#include "tests/unit/towers/tower_toy.h"

/* The seventh is empty. */
static const char *const texts[] = {"red apple", "green apple", "red pear", "blue car",
                                    "fast car",  "blue van",    "",         "slow van"};
enum { N = sizeof texts / sizeof texts[0] };

static const tw_item_pair positives[] = {{0, 1, 1, 1}, {1, 2, 1, 1}, {3, 4, 1, 1}, {4, 5, 1, 1},
                                         {6, 7, 1, 1}, {2, 2, 1, 1}, {7, 6, 1, 1}};

static inline tw_tower *fitted(void)
{
    tw_tower_config cfg = small_bag(10, 8, 6);
    cfg.ngram_max = 4;
    return fitted_tower(&cfg, texts, N);
}

static inline tw_tower_train_config quick(void)
{
    tw_tower_train_config cfg = TW_TOWER_TRAIN_DEFAULT;
    cfg.epochs = 3;
    cfg.threads = 2;
    cfg.batch = 3;
    return cfg;
}

#define DATA(...) ((tw_tower_data){.texts = texts, .n_items = N, __VA_ARGS__})
#define PAIRS(p)  .pairs = (p), .n_pairs = sizeof(p) / sizeof(p)[0]

#endif
