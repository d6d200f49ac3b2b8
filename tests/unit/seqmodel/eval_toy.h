/* tests/unit/seqmodel/eval_toy.h — histories and a model for the tests of an evaluation. */
#ifndef TW_TESTS_UNIT_SEQMODEL_EVAL_TOY_H
#define TW_TESTS_UNIT_SEQMODEL_EVAL_TOY_H

#include "tests/unit/seqmodel/seq_toy.h"

/* Users 1..3 hold 1 2 3 4 | 1 3 4 2 | 1 2; items 5 and 6 are never met. Train parts: 1 2, 1 3, 1 2.
 */
static inline tw_seq_data *small(void)
{
    const int32_t users[] = {1, 1, 1, 1, 2, 2, 2, 2, 3, 3};
    const int32_t items[] = {1, 2, 3, 4, 1, 3, 4, 2, 1, 2};
    tw_seq_data *d = NULL;
    assert_ok(tw_seq_data_create(&d, 3, 6, users, items, NULL, 10, err));
    return d;
}

enum { USERS = 40, ITEMS = 200 };

static inline tw_seq_data *larger(void)
{
    int lengths[USERS];
    for (int i = 0; i < USERS; i++)
        lengths[i] = 1 + i % 30;
    return toy_data(USERS, ITEMS, lengths, 11);
}

static inline tw_seq_model *model(void)
{
    tw_seq_config c = toy_config();
    tw_seq_model *m = toy_model(&c, USERS, ITEMS);
    toy_scramble(m, 0.5);
    return m;
}

#endif
