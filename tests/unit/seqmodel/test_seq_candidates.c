#include "base/hash.h"
#include "seqmodel/seq_candidates.h"
#include "tests/unit/seqmodel/seq_toy.h"

enum { USERS = 30, ITEMS = 250 };

static tw_seq_data *histories(void)
{
    int lengths[USERS];
    for (int i = 0; i < USERS; i++)
        lengths[i] = 3 + i;
    return toy_data(USERS, ITEMS, lengths, 5);
}

static bool has(const int32_t *items, int64_t n, int32_t item)
{
    for (int64_t i = 0; i < n; i++)
        if (items[i] == item)
            return true;
    return false;
}

static void sampled_lists_are_101_distinct_ids_outside_the_history(void **state)
{
    (void) state;
    tw_seq_data *d = histories();
    int32_t mark[ITEMS + 1] = {0}, list[1 + TWI_NEGATIVES];
    const tw_seq_eval_config c = {.protocol = TW_SEQ_SAMPLED100, .split = TW_SEQ_TEST, .seed = 9};

    for (int32_t u = 1; u <= USERS; u++) {
        const int32_t *items = tw_seq_data_items(d, u);
        int64_t n = tw_seq_data_length(d, u);
        assert_int_equal(twi_candidates(list, d, &c, u, mark, u), 101);
        assert_int_equal(list[0], items[n - 1]);
        for (int i = 1; i < 101; i++) {
            assert_in_range(list[i], 1, ITEMS);
            assert_false(has(list, i, list[i]));
            assert_false(has(items, n, list[i]));
        }
    }
    tw_seq_data_destroy(d);
}

/* With what was met before, everything but the target is drawn: lists hold parts of histories. */
static void with_seen_items_lists_avoid_the_target_alone(void **state)
{
    (void) state;
    tw_seq_data *d = histories();
    int32_t mark[ITEMS + 1] = {0}, list[1 + TWI_NEGATIVES];
    tw_seq_eval_config c = {
        .protocol = TW_SEQ_SAMPLED100, .split = TW_SEQ_TEST, .seed = 9, .seen = true};
    int met = 0, stamp = 0;

    for (int32_t u = 1; u <= USERS; u++) {
        const int32_t *items = tw_seq_data_items(d, u);
        int64_t n = tw_seq_data_length(d, u);
        assert_int_equal(twi_candidates(list, d, &c, u, mark, ++stamp), 101);
        assert_int_equal(list[0], items[n - 1]);
        for (int i = 1; i < 101; i++) {
            assert_false(has(list, i, list[i]));
            met += has(items, n, list[i]);
        }
    }
    assert_true(met > 0);
    c.protocol = TW_SEQ_AS_AUTHORS;
    met = 0;
    for (int32_t u = 1; u <= USERS; u++) {
        assert_int_equal(twi_candidates(list, d, &c, u, mark, ++stamp), 101);
        for (int i = 1; i < 101; i++)
            met += has(tw_seq_data_items(d, u), tw_seq_data_train_length(d, u), list[i]);
    }
    assert_true(met > 0);
    tw_seq_data_destroy(d);
}

/* The rest of the world does not reach a user's list: other users, other splits, the order. */
static void a_list_depends_on_the_seed_and_the_user_alone(void **state)
{
    (void) state;
    tw_seq_data *d = histories(), *alone = NULL;
    int32_t mark[ITEMS + 1] = {0}, list[101], again[101], who[33], what[33];
    int64_t n = tw_seq_data_length(d, USERS);
    tw_seq_eval_config c = {.protocol = TW_SEQ_SAMPLED100, .split = TW_SEQ_TEST, .seed = 9};

    for (int64_t i = 0; i < n; i++) {
        who[i] = USERS;
        what[i] = tw_seq_data_items(d, USERS)[i];
    }
    assert_ok(tw_seq_data_create(&alone, USERS, ITEMS, who, what, NULL, n, err));
    assert_int_equal(twi_candidates(list, d, &c, USERS, mark, 1), 101);
    assert_int_equal(twi_candidates(again, alone, &c, USERS, mark, 2), 101);
    assert_memory_equal(list, again, sizeof list);
    c.split = TW_SEQ_VALID;
    assert_int_equal(twi_candidates(again, d, &c, USERS, mark, 3), 101);
    assert_int_not_equal(list[0], again[0]); /* another target among the same competitors */
    assert_memory_equal(list + 1, again + 1, 100 * sizeof *list);
    c.seed = 10;
    assert_int_equal(twi_candidates(again, d, &c, USERS, mark, 4), 101);
    assert_memory_not_equal(list + 1, again + 1, 100 * sizeof *list);
    tw_seq_data_destroy(alone);
    tw_seq_data_destroy(d);
}

static void any_change_of_a_list_changes_its_hash(void **state)
{
    (void) state;
    int32_t list[5] = {7, 1, 2, 3, 4};
    uint64_t h = twi_hash_list(TW_FNV_START, 6, list, 5);

    /* Written down, so that reports of other machines and versions stay comparable. */
    assert_int_equal(h, 0x6fe7e2e73f03ec45u);
    for (int i = 0; i < 5; i++) {
        for (int32_t bit = 1; bit < 1 << 20; bit <<= 1) {
            list[i] ^= bit;
            assert_int_not_equal(twi_hash_list(TW_FNV_START, 6, list, 5), h);
            list[i] ^= bit;
        }
    }
    assert_int_not_equal(twi_hash_list(TW_FNV_START, 6, list, 4), h);
    assert_int_not_equal(twi_hash_list(TW_FNV_START, 5, list, 5), h);
    const int32_t swapped[5] = {7, 2, 1, 3, 4};
    assert_int_not_equal(twi_hash_list(TW_FNV_START, 6, swapped, 5), h);

    const uint64_t two[2] = {h, h >> 32}, other[2] = {h >> 32, h},
                   high[2] = {h ^ 1ull << 40, h >> 32};
    assert_int_not_equal(twi_hash_hashes(two, 2), twi_hash_hashes(other, 2));
    assert_int_not_equal(twi_hash_hashes(two, 2), twi_hash_hashes(two, 1));
    assert_int_not_equal(twi_hash_hashes(two, 2), twi_hash_hashes(high, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sampled_lists_are_101_distinct_ids_outside_the_history),
        cmocka_unit_test(with_seen_items_lists_avoid_the_target_alone),
        cmocka_unit_test(a_list_depends_on_the_seed_and_the_user_alone),
        cmocka_unit_test(any_change_of_a_list_changes_its_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
