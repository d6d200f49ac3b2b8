/* tests/unit/towers/tower_toy.h — what several tests of towers make or look at in the same way. */
#ifndef TW_TESTS_UNIT_TOWERS_TOWER_TOY_H
#define TW_TESTS_UNIT_TOWERS_TOWER_TOY_H

#include "tests/support/test.h"
#include "towers/text/encoder_bag.h"
#include "towers/tower.h"

/* The tower's bag; only for towers whose text encoder it is. */
static inline twi_bag *bag_of(const tw_tower *t)
{
    return (twi_bag *) t->encoders[TW_MODALITY_TEXT];
}

/* A bag of words: 2^bits buckets, features of width E, vectors of width D. */
static inline tw_tower_config small_bag(int bits, int E, int D)
{
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
    cfg.bits = bits;
    cfg.embed_dim = E;
    cfg.dim = D;
    return cfg;
}

/* A tower that has learnt its idf from texts (n). */
static inline tw_tower *fitted_tower(const tw_tower_config *cfg, const char *const *texts,
                                     int64_t n)
{
    tw_tower *t = NULL;
    assert_ok(tw_tower_create(&t, cfg, NULL, err));
    assert_ok(tw_tower_fit_texts(t, texts, NULL, n, err));
    return t;
}

#endif
