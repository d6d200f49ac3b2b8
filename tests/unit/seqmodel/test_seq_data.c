#include "tests/unit/seqmodel/seq_toy.h"

static void events_become_histories_by_user_and_time(void **state)
{
    (void) state;
    const int32_t users[] = {3, 1, 3, 1, 3};
    const int32_t items[] = {5, 2, 4, 1, 6};
    const int64_t times[] = {30, 9, 10, -4, 20};
    tw_seq_data *d = NULL;

    assert_ok(tw_seq_data_create(&d, 3, 6, users, items, times, 5, err));
    assert_int_equal(tw_seq_data_length(d, 1), 2);
    assert_int_equal(tw_seq_data_length(d, 2), 0);
    assert_int_equal(tw_seq_data_length(d, 3), 3);
    const int32_t want[] = {1, 2, 4, 6, 5};
    assert_memory_equal(d->items, want, sizeof want);
    assert_int_equal(d->offsets[0], 0);
    assert_int_equal(d->offsets[1], 2);
    assert_int_equal(d->offsets[2], 2);
    assert_int_equal(d->offsets[3], 5);
    assert_ptr_equal(tw_seq_data_items(d, 3), d->items + 2);
    tw_seq_data_destroy(d);
}

static void equal_times_keep_the_order_given(void **state)
{
    (void) state;
    enum { N = 1000 };
    static int32_t users[N], items[N];
    static int64_t times[N];
    tw_seq_data *d = NULL;

    for (int i = 0; i < N; i++) {
        users[i] = 1;
        items[i] = i + 1;
        times[i] = i / 250 == 3 ? -1 : 7; /* the last quarter comes first */
    }
    assert_ok(tw_seq_data_create(&d, 1, N, users, items, times, N, err));
    for (int i = 0; i < N; i++)
        assert_int_equal(d->items[i], i < 250 ? 751 + i : i - 249);
    tw_seq_data_destroy(d);
}

static void items_of_equal_time_are_marked_as_tied(void **state)
{
    (void) state;
    const int32_t users[] = {1, 1, 1, 1, 2, 2, 3}, items[] = {1, 2, 3, 4, 5, 6, 1};
    const int64_t times[] = {9, 5, 5, 9, 9, 8, 9}; /* sorted: 5 5 9 9 | 8 9 | 9 */
    const bool want[] = {false, true, false, true, false, false, false};
    tw_seq_data *d = NULL;
    assert_ok(tw_seq_data_create(&d, 3, 6, users, items, times, 7, err));
    assert_memory_equal(d->tied, want, sizeof want);
    tw_seq_data_destroy(d);
}

static void repeats_are_counted_by_user(void **state)
{
    (void) state;
    const int32_t users[] = {1, 1, 1, 1, 2, 2, 3, 1}, items[] = {4, 2, 4, 3, 4, 4, 2, 1};
    tw_seq_data *d = NULL;
    double share = -1;

    assert_ok(tw_seq_data_create(&d, 4, 4, users, items, NULL, 8, err));
    assert_ok(tw_seq_data_repeats(d, &share, err));
    assert_true(share == 0.25);
    tw_seq_data_destroy(d);

    assert_ok(tw_seq_data_create(&d, 1, 1, users, items, NULL, 0, err));
    assert_ok(tw_seq_data_repeats(d, &share, err));
    assert_true(share == 0);
    tw_seq_data_destroy(d);
}

static void without_times_the_order_given_is_time(void **state)
{
    (void) state;
    const int32_t users[] = {1, 1, 1}, items[] = {3, 1, 2};
    tw_seq_data *d = NULL;
    assert_ok(tw_seq_data_create(&d, 1, 3, users, items, NULL, 3, err));
    assert_memory_equal(d->items, items, sizeof items);
    assert_false(d->tied[0] || d->tied[1] || d->tied[2]);
    tw_seq_data_destroy(d);
}

static void two_items_are_held_out_from_three_on(void **state)
{
    (void) state;
    const int lengths[] = {0, 1, 2, 3, 4, 9};
    const int want[] = {0, 1, 2, 1, 2, 7};
    tw_seq_data *d = toy_data(6, 9, lengths, 1);
    for (int32_t u = 1; u <= 6; u++)
        assert_int_equal(tw_seq_data_train_length(d, u), want[u - 1]);
    tw_seq_data_destroy(d);
}

static void events_out_of_range_are_named(void **state)
{
    (void) state;
    const int32_t one[] = {1, 1}, zero[] = {1, 0}, high[] = {1, 4};
    tw_seq_data *d = NULL;
    tw_error why = {0};

    assert_int_equal(tw_seq_data_create(&d, 3, 3, one, zero, NULL, 2, &why), TW_EINVAL);
    assert_string_equal(why.msg, "event 1: item 0 is outside 1..3");
    assert_null(d);
    assert_int_equal(tw_seq_data_create(&d, 3, 3, high, one, NULL, 2, &why), TW_EINVAL);
    assert_string_equal(why.msg, "event 1: user 4 is outside 1..3");
    assert_status(tw_seq_data_create(&d, 3, 3, zero, one, NULL, 2, err), TW_EINVAL);
    assert_status(tw_seq_data_create(&d, 3, 3, one, high, NULL, 2, err), TW_EINVAL);
    assert_status(tw_seq_data_create(&d, 0, 3, one, one, NULL, 2, err), TW_EINVAL);
    assert_status(tw_seq_data_create(&d, 3, 0, one, one, NULL, 2, err), TW_EINVAL);
    assert_status(tw_seq_data_create(&d, 3, 3, one, one, NULL, -1, err), TW_EINVAL);
    assert_null(d);
    assert_ok(tw_seq_data_create(&d, 3, 3, one, one, NULL, 0, err)); /* no event is fine */
    tw_seq_data_destroy(d);
    tw_seq_data_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_become_histories_by_user_and_time),
        cmocka_unit_test(equal_times_keep_the_order_given),
        cmocka_unit_test(items_of_equal_time_are_marked_as_tied),
        cmocka_unit_test(repeats_are_counted_by_user),
        cmocka_unit_test(without_times_the_order_given_is_time),
        cmocka_unit_test(two_items_are_held_out_from_three_on),
        cmocka_unit_test(events_out_of_range_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
