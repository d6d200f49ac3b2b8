/* How often each item was consumed: the order, the counts, and when they are counted again. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>

#include "engine/engine.h"
#include "engine/popularity.h"
#include "store/store.h"
#include "tests/support/test.h"

enum { ITEMS = 5 };

static tw_store *store;
static twi_popularity popularity;
static int64_t rows[ITEMS];
static int64_t next_time; /* so that no two events are the same */

static int open_store(void **state)
{
    (void) state;
    tw_put_result put;
    assert_ok(tw_remove_tree(tw_test_path("popular.db"), err));
    assert_ok(tw_store_open(&store, tw_test_path("popular.db"), TW_STORE_CREATE, err));
    for (int i = 0; i < ITEMS; i++) {
        const char id[2] = {(char) ('a' + i), '\0'};
        assert_ok(tw_store_put_item(store, &(tw_item){.id = id, .attributes = "{}"}, &put, err));
        rows[i] = put.row;
    }
    twi_popularity_init(&popularity);
    return 0;
}

static int close_store(void **state)
{
    (void) state;
    twi_popularity_fini(&popularity);
    tw_store_close(store);
    return 0;
}

static void consume(int item, int times)
{
    bool added;
    assert_ok(tw_store_begin(store, err));
    for (int i = 0; i < times; i++) {
        tw_event ev = {.item = rows[item], .time = ++next_time, .rating = NAN, .value = NAN};
        assert_ok(tw_store_add_event(store, "u", &ev, &added, err));
    }
    assert_ok(tw_store_commit(store, err));
}

/* The most popular items as a word: "ba" for b before a. */
static void expect_top(const char *want)
{
    tw_hit hits[TW_ENGINE_MAX_K];
    char got[ITEMS + 1] = "";
    int n;
    assert_ok(twi_popularity_top(&popularity, store, 0, hits, &n, err));
    assert_in_range(n, 0, ITEMS);
    for (int i = 0; i < n; i++)
        for (int item = 0; item < ITEMS; item++)
            if (rows[item] == hits[i].item)
                got[i] = (char) ('a' + item);
    assert_string_equal(got, want);
}

static void expect_count(int item, int64_t want)
{
    const tw_hit hits[] = {{.item = rows[item]}, {.item = rows[ITEMS - 1] + 1000}};
    int64_t counts[2] = {-1, -1};
    assert_ok(twi_popularity_counts(&popularity, store, 0, hits, 2, counts, err));
    assert_int_equal(counts[0], want);
    assert_int_equal(counts[1], 0); /* an item behind all that were counted */
}

static void the_most_consumed_come_first_and_of_equals_the_older(void **state)
{
    (void) state;
    expect_top("");
    consume(3, 2);
    consume(1, 5);
    consume(2, 2);
    expect_top("bcd");
    expect_count(1, 5);
    expect_count(2, 2);
    expect_count(0, 0);
}

static void they_are_counted_again_once_the_log_grew_by_a_tenth(void **state)
{
    (void) state;
    consume(0, 20);
    expect_top("a");
    consume(1, 2); /* a tenth of 20 is not more than a tenth */
    expect_top("a");
    expect_count(1, 0);
    consume(1, 1);
    expect_top("ab");
    expect_count(1, 3);
}

static void a_list_that_is_full_drops_the_least(void **state)
{
    (void) state;
    tw_hit hits[TW_ENGINE_MAX_K];
    tw_put_result put;
    bool added;
    int n;
    assert_ok(tw_store_begin(store, err));
    for (int i = 0; i < TW_ENGINE_MAX_K; i++) {
        char id[16];
        (void) snprintf(id, sizeof id, "x%d", i);
        assert_ok(tw_store_put_item(store, &(tw_item){.id = id, .attributes = "{}"}, &put, err));
        tw_event ev = {.item = put.row, .time = ++next_time, .rating = NAN, .value = NAN};
        assert_ok(tw_store_add_event(store, "u", &ev, &added, err));
    }
    for (int i = 0; i < 2; i++) { /* the newest of all, and twice */
        tw_event ev = {.item = put.row, .time = ++next_time, .rating = NAN, .value = NAN};
        assert_ok(tw_store_add_event(store, "v", &ev, &added, err));
    }
    tw_event ev = {.item = rows[0], .time = ++next_time, .rating = NAN, .value = NAN};
    assert_ok(tw_store_add_event(store, "v", &ev, &added, err));
    assert_ok(tw_store_commit(store, err));
    assert_ok(twi_popularity_top(&popularity, store, 0, hits, &n, err));
    assert_int_equal(n, TW_ENGINE_MAX_K);
    assert_int_equal(hits[0].item, put.row);
    assert_int_equal((int) hits[0].score, 3);
    assert_int_equal(hits[1].item, rows[0]);
    assert_int_equal(hits[n - 1].item, put.row - 2); /* the last but one has no place */
}

static void a_deadline_ends_the_wait_and_leaves_the_lock(void **state)
{
    (void) state;
    tw_hit hits[TW_ENGINE_MAX_K];
    int n = 7;
    consume(0, 1);
    assert_int_equal(pthread_mutex_lock(&popularity.lock), 0);
    assert_status(twi_popularity_top(&popularity, store, tw_deadline_in(0.01), hits, &n, err),
                  TW_ETIMEOUT);
    assert_int_equal(n, 0);
    assert_int_equal(pthread_mutex_unlock(&popularity.lock), 0);
    expect_top("a");
    assert_int_equal(pthread_mutex_trylock(&popularity.lock), 0); /* nothing holds it */
    assert_int_equal(pthread_mutex_unlock(&popularity.lock), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_most_consumed_come_first_and_of_equals_the_older,
                                        open_store, close_store),
        cmocka_unit_test_setup_teardown(they_are_counted_again_once_the_log_grew_by_a_tenth,
                                        open_store, close_store),
        cmocka_unit_test_setup_teardown(a_list_that_is_full_drops_the_least, open_store,
                                        close_store),
        cmocka_unit_test_setup_teardown(a_deadline_ends_the_wait_and_leaves_the_lock, open_store,
                                        close_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
