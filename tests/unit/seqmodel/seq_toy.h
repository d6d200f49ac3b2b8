/* tests/unit/seqmodel/seq_toy.h — small models and histories for the tests of seqmodel/. */
#ifndef TW_TESTS_SEQ_TOY_H
#define TW_TESTS_SEQ_TOY_H

#include <string.h>

#include "seqmodel/seq_model.h"
#include "tests/support/test.h"

/* du 2, di 4, T 4, one block, no dropout, no SSE: everything that draws is off; the plain losses.
 */
static inline tw_seq_config toy_config(void)
{
    tw_seq_config c = tw_seq_config_default();
    c.user_dim = 2;
    c.item_dim = 4;
    c.max_len = 4;
    c.blocks = 1;
    c.heads = 1;
    c.dropout = 0;
    c.sse_user = c.sse_item_input = c.sse_item_target = 0;
    c.unknown_user = 0;
    c.window = 0;
    c.shuffle_ties = 0;
    c.exclude_seen = 0;
    c.average = 0;
    c.batch = 4;
    c.epochs = 3;
    c.threads = 1;
    return c;
}

static inline tw_seq_model *toy_model(const tw_seq_config *cfg, int32_t users, int32_t items)
{
    tw_seq_model *m = NULL;
    assert_ok(tw_seq_model_create(&m, cfg, users, items, err));
    return m;
}

/* All tensors but item row 0 take random values, gains and biases too, so that nothing hides. */
static inline void toy_scramble(tw_seq_model *m, double std)
{
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < tw_params_count(m->params); i++)
        tw_param_init_normal(tw_params_at(m->params, i), std, &rng);
    for (int j = 0; j < m->items->cols; j++)
        m->items->value[j] = 0;
}

/* Every weight, bit for bit. */
static inline bool toy_same(const tw_seq_model *a, const tw_seq_model *b)
{
    for (int i = 0; i < tw_params_count(a->params); i++) {
        const tw_param *p = tw_params_at(a->params, i), *q = tw_params_at(b->params, i);
        if (memcmp(p->value, q->value, (size_t) p->rows * (size_t) p->cols * sizeof(tw_real)) != 0)
            return false;
    }
    return true;
}

/* lengths (users) distinct items a user, drawn by seed. */
static inline tw_seq_data *toy_data(int32_t users, int32_t items, const int *lengths, uint64_t seed)
{
    tw_seq_data *d = NULL;
    int32_t who[4096], what[4096], deck[256];
    int64_t n = 0;
    tw_rng rng;

    tw_rng_seed(&rng, seed);
    assert_true(items <= 256);
    for (int32_t i = 0; i < items; i++)
        deck[i] = i + 1;
    for (int32_t u = 1; u <= users; u++) {
        tw_rng_shuffle(&rng, deck, items);
        for (int i = 0; i < lengths[u - 1]; i++, n++) {
            assert_true(n < 4096 && i < items);
            who[n] = u;
            what[n] = deck[i];
        }
    }
    assert_ok(tw_seq_data_create(&d, users, items, who, what, NULL, n, err));
    return d;
}

#endif
