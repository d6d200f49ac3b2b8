#include <math.h>

#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_model.h"
#include "seqmodel/seq_stream.h"
#include "tests/unit/seqmodel/seq_toy.h"

enum { USERS = 50, ITEMS = 100, LEN = 42 }; /* 40 train items, 39 steps */

typedef struct fixture {
    tw_seq_data *data;
    tw_seq_model *m;
    twi_batch b;
    int32_t mark[ITEMS + 1];
} fixture;

static void set_up(fixture *f, tw_seq_config c)
{
    int lengths[USERS];
    for (int i = 0; i < USERS; i++)
        lengths[i] = LEN;
    f->data = toy_data(USERS, ITEMS, lengths, 5);
    f->m = toy_model(&c, USERS, ITEMS);
    for (int i = 0; i <= ITEMS; i++)
        f->mark[i] = 0;
    assert_ok(twi_seq_batch_init(&f->b, USERS, USERS * c.max_len, true,
                                 c.loss == TW_SEQ_BCE ? c.negatives : 0, err));
}

static void tear_down(fixture *f)
{
    twi_seq_batch_fini(&f->b);
    tw_seq_model_destroy(f->m);
    tw_seq_data_destroy(f->data);
}

static void add(fixture *f, int32_t user, uint64_t draw)
{
    tw_rng rng = twi_stream(1, TWI_STREAM_SEQUENCE, draw, (uint64_t) user);
    twi_batch_add_train(&f->b, f->m, f->data, user, &rng, f->mark, (int32_t) draw + 1);
}

static void the_latest_item_has_the_last_position(void **state)
{
    (void) state;
    const int32_t items[] = {9, 8, 7, 6, 5, 4};
    twi_batch b;

    assert_ok(twi_seq_batch_init(&b, 2, 8, false, 0, err));
    assert_int_equal(twi_batch_add(&b, 4, 3, items, 2), 0);
    assert_int_equal(twi_batch_add(&b, 4, 2, items, 6), 2);
    const int32_t want_items[] = {9, 8, 7, 6, 5, 4}, want_users[] = {3, 3, 2, 2, 2, 2};
    const int32_t want_positions[] = {2, 3, 0, 1, 2, 3}, want_offsets[] = {0, 2, 6};
    assert_memory_equal(b.items, want_items, sizeof want_items);
    assert_memory_equal(b.users, want_users, sizeof want_users);
    assert_memory_equal(b.positions, want_positions, sizeof want_positions);
    assert_memory_equal(b.offsets, want_offsets, sizeof want_offsets);
    assert_int_equal(b.last[0], 1);
    assert_int_equal(b.last[1], 5);
    twi_seq_batch_fini(&b);
}

static void a_training_sequence_ends_before_the_held_out_items(void **state)
{
    (void) state;
    fixture f;
    tw_seq_config c = toy_config();
    c.loss = TW_SEQ_BCE;
    set_up(&f, c);
    const int32_t *items = tw_seq_data_items(f.data, 7);

    add(&f, 7, 0);
    assert_int_equal(f.b.tokens, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(f.b.items[i], items[35 + i]);
        assert_int_equal(f.b.targets[i], items[36 + i]); /* item 39 is the last train item */
        assert_int_equal(f.b.users[i], 7);
    }
    tear_down(&f);

    c.loss = TW_SEQ_CE; /* the softmax counts from table row 1 */
    set_up(&f, c);
    add(&f, 7, 0);
    assert_int_equal(f.b.targets[3], tw_seq_data_items(f.data, 7)[39] - 1);
    tear_down(&f);
}

static void rows_of_a_sequence_are_one_less_than_items(void **state)
{
    (void) state;
    tw_seq_config c = toy_config();
    assert_int_equal(twi_train_rows(&c, 0), 0);
    assert_int_equal(twi_train_rows(&c, 1), 0);
    assert_int_equal(twi_train_rows(&c, 2), 1);
    assert_int_equal(twi_train_rows(&c, 5), 4);
    assert_int_equal(twi_train_rows(&c, 6), 4);
}

/* With probability p over n draws the count lies within 5 standard deviations. */
static void assert_rate(double count, double n, double p)
{
    double sd = sqrt(n * p * (1 - p));
    assert_near(count, n * p, 5 * sd + 1e-9);
}

static void replacement_rates_are_the_configured_ones(void **state)
{
    (void) state;
    fixture f;
    tw_seq_config c = toy_config();
    c.max_len = 39;
    c.loss = TW_SEQ_BCE;
    c.sse_user = 0.6;
    c.unknown_user = 0.25;
    c.sse_item_input = 0.3;
    c.sse_item_target = 0.1;
    set_up(&f, c);

    double sequences = 0, rows = 0, unknown = 0, moved = 0, inputs = 0, targets = 0, both = 0;
    for (uint64_t draw = 0; draw < 40; draw++) {
        twi_batch_clear(&f.b);
        for (int32_t u = 1; u <= USERS; u++) {
            int begin = f.b.tokens;
            add(&f, u, draw);
            sequences++;
            unknown += f.b.users[begin] == 0;
            moved += f.b.users[begin] != 0 && f.b.users[begin] != u;
            const int32_t *items = tw_seq_data_items(f.data, u);
            for (int i = 0; i < 39; i++) {
                bool in = f.b.items[begin + i] != items[i];
                bool out = f.b.targets[begin + i] != items[i + 1];
                assert_int_equal(f.b.users[begin + i], f.b.users[begin]);
                rows++;
                inputs += in;
                targets += out;
                both += in && out;
            }
        }
    }
    /* A uniform draw falls on the old value once in n. */
    assert_rate(unknown, sequences, 0.25);
    assert_rate(moved, sequences, 0.75 * 0.6 * (1 - 1.0 / USERS));
    assert_rate(inputs, rows, 0.3 * (1 - 1.0 / ITEMS));
    assert_rate(targets, rows, 0.1 * (1 - 1.0 / ITEMS));
    assert_rate(both, rows, 0.03 * (1 - 1.0 / ITEMS) * (1 - 1.0 / ITEMS)); /* independent */
    tear_down(&f);
}

static void windows_reach_every_start_and_no_further(void **state)
{
    (void) state;
    fixture f;
    tw_seq_config c = toy_config();
    c.window = 1;
    c.loss = TW_SEQ_BCE;
    set_up(&f, c);
    const int32_t *items = tw_seq_data_items(f.data, 3);
    int starts[36] = {0};

    for (uint64_t draw = 0; draw < 2000; draw++) {
        twi_batch_clear(&f.b);
        add(&f, 3, draw);
        int start = 0;
        while (items[start] != f.b.items[0])
            start++;
        assert_true(start <= 35); /* 39 steps, 4 a window */
        for (int i = 0; i < 4; i++) {
            assert_int_equal(f.b.items[i], items[start + i]);
            assert_int_equal(f.b.targets[i], items[start + i + 1]);
            assert_int_equal(f.b.positions[i], i);
        }
        starts[start]++;
    }
    for (int s = 0; s < 36; s++)
        assert_rate(starts[s], 2000, 1.0 / 36);
    tear_down(&f);
}

/* One user, train part 1 | 2 3 4 | 5 | 6 7 by time, then two held out that tie with 6 and 7. */
static void tied_items_change_places_among_themselves(void **state)
{
    (void) state;
    const int32_t users[] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, items[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const int64_t times[] = {1, 2, 2, 2, 3, 4, 4, 4, 4};
    tw_seq_config c = toy_config();
    tw_seq_data *d = NULL;
    twi_batch b;
    int seen[8][8] = {{0}}; /* [place][item] */

    c.max_len = 10;
    c.loss = TW_SEQ_BCE;
    c.shuffle_ties = 0.5;
    tw_seq_model *m = toy_model(&c, 1, 9);
    int32_t mark[10] = {0};
    assert_ok(tw_seq_data_create(&d, 1, 9, users, items, times, 9, err));
    assert_ok(twi_seq_batch_init(&b, 1, 10, true, 1, err));
    for (uint64_t draw = 0; draw < 1200; draw++) {
        tw_rng rng = twi_stream(1, TWI_STREAM_SEQUENCE, draw, 1);
        twi_batch_clear(&b);
        twi_batch_add_train(&b, m, d, 1, &rng, mark, (int32_t) draw + 1);
        assert_int_equal(b.tokens, 6);
        for (int i = 0; i < 6; i++) {
            seen[i][b.items[i]]++;
            if (i > 0)
                assert_int_equal(b.items[i], b.targets[i - 1]); /* still one sequence */
        }
        seen[6][b.targets[5]]++;
    }
    assert_int_equal(seen[0][1], 1200);
    assert_int_equal(seen[4][5], 1200);
    for (int i = 1; i <= 3; i++)
        for (int item = 2; item <= 4; item++)
            assert_rate(seen[i][item], 1200, i == item - 1 ? 0.5 + 0.5 / 3 : 0.5 / 3);
    assert_rate(seen[5][7], 1200, 0.25);
    assert_int_equal(seen[5][6] + seen[5][7], 1200); /* never a held-out item */
    assert_int_equal(seen[6][6], seen[5][7]);
    twi_seq_batch_fini(&b);
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(d);
}

static void negatives_avoid_the_train_part_only(void **state)
{
    (void) state;
    fixture f;
    tw_seq_config c = toy_config();
    c.loss = TW_SEQ_BCE;
    c.negatives = 25;
    set_up(&f, c);
    int drawn[ITEMS + 1] = {0};
    const int32_t *items = tw_seq_data_items(f.data, 9);

    for (uint64_t draw = 0; draw < 100; draw++) {
        twi_batch_clear(&f.b);
        add(&f, 9, draw);
        for (int i = 0; i < f.b.tokens * c.negatives; i++)
            drawn[f.b.negatives[i]]++;
    }
    for (int i = 0; i < 40; i++)
        assert_int_equal(drawn[items[i]], 0);
    assert_true(drawn[items[40]] > 0 && drawn[items[41]] > 0); /* held out: a negative may be it */
    for (int i = 40; i < LEN; i++)
        assert_rate(drawn[items[i]], 10000, 1.0 / (ITEMS - 40));
    tear_down(&f);
}

static void a_user_who_saw_everything_still_gets_negatives(void **state)
{
    (void) state;
    const int lengths[] = {8};
    tw_seq_config c = toy_config();
    c.loss = TW_SEQ_BCE;
    tw_seq_data *d = toy_data(1, 8, lengths, 2);
    tw_seq_model *m = toy_model(&c, 1, 6);
    int32_t mark[9] = {0};
    twi_batch b;

    m->n_items = 6;
    for (int64_t i = 0; i < 8; i++)
        d->items[i] = (int32_t) (1 + i % 6);
    tw_rng rng;
    tw_rng_seed(&rng, 1);
    assert_ok(twi_seq_batch_init(&b, 1, 4, true, 1, err));
    twi_batch_add_train(&b, m, d, 1, &rng, mark, 1);
    for (int i = 0; i < b.tokens; i++)
        assert_in_range(b.negatives[i], 1, 6);
    twi_seq_batch_fini(&b);
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_latest_item_has_the_last_position),
        cmocka_unit_test(a_training_sequence_ends_before_the_held_out_items),
        cmocka_unit_test(rows_of_a_sequence_are_one_less_than_items),
        cmocka_unit_test(replacement_rates_are_the_configured_ones),
        cmocka_unit_test(windows_reach_every_start_and_no_further),
        cmocka_unit_test(tied_items_change_places_among_themselves),
        cmocka_unit_test(negatives_avoid_the_train_part_only),
        cmocka_unit_test(a_user_who_saw_everything_still_gets_negatives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
