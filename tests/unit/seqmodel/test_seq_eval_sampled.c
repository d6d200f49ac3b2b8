/* Protocols that rank a target among drawn items: which are drawn, and that nothing else depends on
 * it. */
#include <string.h>

#include "tests/unit/seqmodel/eval_toy.h"

static void sampled_lists_are_frozen_by_the_seed(void **state)
{
    (void) state;
    tw_seq_data *d = larger();
    tw_seq_model *m = model();
    tw_seq_metrics a, b, other;
    tw_seq_eval_config c = {.protocol = TW_SEQ_SAMPLED100, .threads = 1, .seed = 3};

    assert_ok(tw_seq_eval(m, d, &c, &a, err));
    assert_ok(tw_seq_eval(m, d, &c, &b, err));
    c.seed = 4;
    assert_ok(tw_seq_eval(m, d, &c, &other, err));
    assert_memory_equal(&a, &b, sizeof a);
    assert_memory_not_equal(&a, &other, sizeof a);
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(d);
}

/* 99 of 103 items are outside the history of 4: the list is all of them, and none of them was ever
 * counted while the target was. */
static void a_short_catalogue_is_sampled_whole(void **state)
{
    (void) state;
    const int32_t users[] = {1, 1, 1, 1, 2, 2}, items[] = {1, 2, 3, 4, 3, 4};
    tw_seq_data *d = NULL;
    tw_seq_metrics x;
    tw_seq_eval_config c = {.split = TW_SEQ_TEST, .protocol = TW_SEQ_SAMPLED100, .threads = 1};
    assert_ok(tw_seq_data_create(&d, 2, 103, users, items, NULL, 6, err));
    assert_ok(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err));
    assert_true(x.users == 1 && x.hr[0] == 1 && x.auc == 1);
    tw_seq_data_destroy(d);
}

/* 101 items are outside the history, 30 of them as popular as the target. 100 distinct draws miss
 * exactly one of the 101, so 29 or 30 stand above; draws with replacement would scatter by 5. */
static void sampled_negatives_are_distinct(void **state)
{
    (void) state;
    enum { HERE = 17, ALL = 105 };
    int32_t users[4 + 16 * 2], items[4 + 16 * 2];
    tw_seq_data *d = NULL;
    tw_seq_metrics x;
    tw_seq_eval_config c = {.split = TW_SEQ_TEST, .protocol = TW_SEQ_SAMPLED100, .threads = 1};
    int n = 0;

    for (int i = 0; i < 4; i++, n++) {
        users[n] = 1;
        items[n] = i + 1;
    }
    for (int u = 2; u <= HERE; u++) { /* two items each, so that none of them is ranked */
        for (int i = 0; i < 2; i++, n++) {
            users[n] = u;
            items[n] = u < HERE ? 5 + (u - 2) * 2 + i : 4 - 3 * i; /* 5..34, then 4 and 1 */
        }
    }
    assert_ok(tw_seq_data_create(&d, HERE, ALL, users, items, NULL, n, err));
    for (c.seed = 0; c.seed < 20; c.seed++) {
        assert_ok(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err));
        assert_int_equal(x.users, 1);
        assert_near(x.auc, 0.705, 0.0051); /* 29 or 30 ties stand above */
    }
    tw_seq_data_destroy(d);
}

/* The authors avoid the train part alone, so a target can meet itself (a tie, against us), and
 * never wins at rank 1 when it is drawn; with 3 items left of 4 it always is. */
static void the_authors_protocol_may_draw_the_target_itself(void **state)
{
    (void) state;
    tw_seq_data *d = small();
    tw_seq_metrics x;
    tw_seq_eval_config c = {.split = TW_SEQ_TEST, .protocol = TW_SEQ_AS_AUTHORS, .threads = 1};
    assert_ok(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err));
    assert_true(x.hr[0] == 0); /* user 2's target is first in truth */
    c.protocol = TW_SEQ_FULL;
    assert_ok(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err));
    assert_near(x.hr[0], 0.5, 1e-12);
    tw_seq_data_destroy(d);
}

/* Lists are of the full ranking whatever the protocol ranks, and asking for them moves no figure.
 */
static void lists_are_the_same_under_every_protocol(void **state)
{
    (void) state;
    tw_seq_data *d = larger();
    tw_seq_model *m = model();
    tw_seq_metrics plain, x, full;
    tw_seq_eval_config c = {.split = TW_SEQ_TEST, .threads = 2, .lists = true, .seed = 3};

    assert_ok(tw_seq_eval(m, d, &c, &full, err));
    assert_true(full.top.lists == full.users && full.top.coverage > 0 && full.lists_hash == 0);
    for (int protocol = 0; protocol < 3; protocol++) {
        c.protocol = (tw_seq_protocol) protocol;
        c.lists = true;
        assert_ok(tw_seq_eval(m, d, &c, &x, err));
        assert_memory_equal(&x.top, &full.top, sizeof full.top);
        assert_true((x.lists_hash != 0) == (protocol > 0));
        c.lists = false;
        assert_ok(tw_seq_eval(m, d, &c, &plain, err));
        assert_true(plain.top.lists == 0);
        x.top = plain.top;
        assert_memory_equal(&x, &plain, sizeof x);
    }
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(d);
}

/* The hash is of lists, not of models: it moves with the seed, the split and the users. */
static void the_hash_is_of_the_lists_alone(void **state)
{
    (void) state;
    tw_seq_data *d = larger();
    tw_seq_model *m = model();
    tw_seq_metrics a, b;
    bool only[USERS + 1] = {[20] = true};
    tw_seq_eval_config c = {.protocol = TW_SEQ_SAMPLED100, .threads = 1, .seed = 3};
    const tw_seq_eval_config first = c;

    assert_ok(tw_seq_eval(m, d, &c, &a, err));
    for (int kind = 0; kind < 3; kind++) {
        c.threads = 1 + kind;
        assert_ok(tw_seq_eval_baseline((tw_seq_baseline) kind, d, &c, &b, err));
        assert_int_equal(a.lists_hash, b.lists_hash);
    }
    for (int change = 0; change < 4; change++) {
        c = first;
        c.seed += change == 0;
        c.split = change == 1 ? TW_SEQ_TEST : TW_SEQ_VALID;
        c.only_users = change == 2 ? only : NULL;
        c.protocol = change == 3 ? TW_SEQ_AS_AUTHORS : TW_SEQ_SAMPLED100;
        assert_ok(tw_seq_eval(m, d, &c, &b, err));
        assert_int_not_equal(a.lists_hash, b.lists_hash);
    }
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sampled_lists_are_frozen_by_the_seed),
        cmocka_unit_test(a_short_catalogue_is_sampled_whole),
        cmocka_unit_test(sampled_negatives_are_distinct),
        cmocka_unit_test(the_authors_protocol_may_draw_the_target_itself),
        cmocka_unit_test(lists_are_the_same_under_every_protocol),
        cmocka_unit_test(the_hash_is_of_the_lists_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
