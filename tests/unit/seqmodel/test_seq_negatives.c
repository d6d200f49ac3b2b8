/* Are the shared candidates what the loss believes they are? */
#include <math.h>
#include <string.h>

#include "seqmodel/seq_baseline.h"
#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_negatives.h"
#include "seqmodel/seq_stream.h"
#include "tests/unit/seqmodel/seq_toy.h"

enum { USERS = 3, ITEMS = 40, ROWS = 3 };

typedef struct fixture {
    tw_seq_data *data;
    twi_batch b;
    twi_proposal p;
    int32_t place[ITEMS + 1];
} fixture;

static void set_up(fixture *f, const tw_seq_config *c)
{
    const int lengths[USERS] = {20, 8, 5};
    memset(f, 0, sizeof *f);
    f->data = toy_data(USERS, ITEMS, lengths, 4);
    assert_ok(twi_seq_batch_init(&f->b, 1, ROWS, true, 0, err));
    assert_ok(twi_seq_batch_room(&f->b, ITEMS, ITEMS, err));
    assert_ok(twi_proposal_init(&f->p, c, f->data, err));
    f->b.tokens = ROWS;
}

static void tear_down(fixture *f)
{
    twi_proposal_fini(&f->p);
    twi_seq_batch_fini(&f->b);
    tw_seq_data_destroy(f->data);
}

static void collect(fixture *f, const tw_seq_config *c, uint64_t step)
{
    const int32_t targets[ROWS] = {7, 40, 7};
    tw_rng rng = twi_stream(1, TWI_STREAM_CANDIDATES, 1, step);
    memcpy(f->b.targets, targets, sizeof targets);
    twi_batch_collect(&f->b, c, &f->p, &rng, f->place);
}

static void every_item_stands_once_and_targets_find_theirs(void **state)
{
    (void) state;
    fixture f;
    tw_seq_config c = toy_config();
    c.loss = TW_SEQ_SAMPLED_CE;
    c.negatives = 12;
    set_up(&f, &c);
    for (uint64_t step = 0; step < 50; step++) {
        bool seen[ITEMS + 1] = {false};
        collect(&f, &c, step);
        assert_true(f.b.candidates >= 1 && f.b.candidates <= 12);
        assert_true(f.b.n_unique <= f.b.candidates + 2);
        for (int i = 0; i < f.b.n_unique; i++) {
            assert_in_range(f.b.unique[i], 1, ITEMS);
            assert_false(seen[f.b.unique[i]]);
            seen[f.b.unique[i]] = true;
        }
        assert_int_equal(f.b.unique[f.b.targets[0]], 7);
        assert_int_equal(f.b.unique[f.b.targets[1]], 40);
        assert_int_equal(f.b.targets[2], f.b.targets[0]);
        for (int i = 0; i <= ITEMS; i++)
            assert_int_equal(f.place[i], 0);
    }
    tear_down(&f);
}

/* By its features it would be learnt as an item that no user wants; and it is a candidate where it
 * has none.
 */
static void an_item_that_no_train_part_holds_is_no_candidate_by_its_features(void **state)
{
    (void) state;
    static const tw_seq_loss losses[] = {TW_SEQ_CE, TW_SEQ_SAMPLED_CE, TW_SEQ_GBCE};
    for (int features = 0; features < 2; features++) {
        for (size_t l = 0; l < sizeof losses / sizeof losses[0]; l++) {
            fixture f;
            tw_seq_config c = toy_config();
            bool held[ITEMS + 1] = {false}, met[ITEMS + 1] = {false};
            int unmet = 0;
            c.loss = losses[l];
            c.normalize = 1;
            c.negatives = 30;
            c.item_features_dim = features * 3;
            set_up(&f, &c);
            for (int32_t u = 1; u <= USERS; u++)
                for (int64_t i = 0; i < tw_seq_data_train_length(f.data, u); i++)
                    held[tw_seq_data_items(f.data, u)[i]] = true;
            for (uint64_t step = 0; step < 50; step++) {
                collect(&f, &c, step);
                for (int i = 0; i < f.b.candidates; i++)
                    met[f.b.unique[i]] = true;
            }
            for (int i = 1; i <= ITEMS; i++) {
                assert_int_equal(met[i], features == 0 || held[i]);
                unmet += !held[i];
            }
            assert_true(unmet > 5);
            tear_down(&f);
        }
    }
}

/* The sum of e^log_weight over the candidates estimates the number of items, times its weight. */
static void check_unbiased(double power, double weight)
{
    enum { STEPS = 20000 };
    fixture f;
    double sum = 0;
    tw_seq_config c = toy_config();
    c.loss = TW_SEQ_SAMPLED_CE;
    c.negatives = 12;
    c.negative_power = power;
    c.logq = 1;
    c.negative_weight = weight;
    set_up(&f, &c);
    for (uint64_t step = 0; step < STEPS; step++) {
        collect(&f, &c, step);
        for (int i = 0; i < f.b.candidates; i++)
            sum += exp((double) f.b.log_weight[i]);
    }
    assert_near(sum / weight / STEPS, ITEMS, 0.3); /* some six standard errors */
    tear_down(&f);
}

static void weights_make_the_sample_stand_for_all_items(void **state)
{
    (void) state;
    check_unbiased(0, 1);
    check_unbiased(0.7, 1);
    check_unbiased(0.7, 0.02);
}

static void all_items_as_candidates_weigh_what_is_asked(void **state)
{
    (void) state;
    fixture f;
    tw_seq_config c = toy_config();
    c.loss = TW_SEQ_CE;
    c.negative_weight = 0.25;
    assert_true(twi_has_candidates(&c));
    set_up(&f, &c);
    collect(&f, &c, 1);
    assert_int_equal(f.b.candidates, ITEMS);
    for (int i = 0; i < ITEMS; i++)
        assert_near(f.b.log_weight[i], log(0.25), 1e-6);
    tear_down(&f);
}

static void popular_items_are_drawn_more_often(void **state)
{
    (void) state;
    fixture f;
    int64_t popular = 0, unseen = 0, n_popular = 0, n_unseen = 0;
    tw_real counts[ITEMS + 1];
    tw_seq_config c = toy_config();
    c.loss = TW_SEQ_GBCE;
    c.negatives = 4;
    c.negative_power = 1;
    set_up(&f, &c);
    twi_popularity(counts, f.data);
    for (int i = 1; i <= ITEMS; i++) {
        n_popular += counts[i] >= 2;
        n_unseen += counts[i] == 0;
    }
    for (uint64_t step = 0; step < 5000; step++) {
        collect(&f, &c, step);
        for (int i = 0; i < f.b.candidates; i++) {
            popular += counts[f.b.unique[i]] >= 2;
            unseen += counts[f.b.unique[i]] == 0;
            assert_true(f.b.log_weight[i] == 0); /* gBCE has none */
        }
    }
    assert_true(n_popular > 0 && n_unseen > 0);
    assert_true(2 * popular * n_unseen > 3 * unseen * n_popular);
    tear_down(&f);
}

static void as_many_draws_as_items_take_all_of_them(void **state)
{
    (void) state;
    fixture f;
    tw_seq_config c = toy_config();
    c.loss = TW_SEQ_SAMPLED_CE;
    c.negatives = ITEMS;
    c.logq = 1;
    set_up(&f, &c);
    collect(&f, &c, 1);
    assert_int_equal(f.b.candidates, ITEMS);
    assert_int_equal(f.b.n_unique, ITEMS);
    for (int i = 0; i < ITEMS; i++)
        assert_true(f.b.log_weight[i] == 0);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_stands_once_and_targets_find_theirs),
        cmocka_unit_test(an_item_that_no_train_part_holds_is_no_candidate_by_its_features),
        cmocka_unit_test(weights_make_the_sample_stand_for_all_items),
        cmocka_unit_test(all_items_as_candidates_weigh_what_is_asked),
        cmocka_unit_test(popular_items_are_drawn_more_often),
        cmocka_unit_test(as_many_draws_as_items_take_all_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
