/* tests/unit/towers/tower_toy.h — what several tests of towers make or look at in the same way. */
#ifndef TW_TESTS_UNIT_TOWERS_TOWER_TOY_H
#define TW_TESTS_UNIT_TOWERS_TOWER_TOY_H

#include "towers/text/encoder_bag.h"
#include "towers/tower.h"

/* The tower's bag; only for towers whose text encoder it is. */
static inline twi_bag *bag_of(const tw_tower *t)
{
    return (twi_bag *) t->encoders[TW_MODALITY_TEXT];
}

#endif
