#include <math.h>

#include "seqmodel/seq_lists.h"
#include "seqmodel/seq_sets.h"
#include "tests/unit/seqmodel/seq_toy.h"

static void a_top_list_is_the_best_that_are_not_marked(void **state)
{
    (void) state;
    const tw_real scores[8] = {9, 1, 5, 3, 5, (tw_real) NAN, -2, 8};
    const int32_t mark[8] = {0, 0, 0, 0, 0, 0, 0, 7};
    int32_t top[6];

    twi_top_list(top, 3, scores, 7, mark, 7); /* item 7 is marked, row 0 is no item */
    assert_int_equal(top[0], 2);              /* of equals the smaller */
    assert_int_equal(top[1], 4);
    assert_int_equal(top[2], 3);
    twi_top_list(top, 6, scores, 7, mark, 7); /* five are left: 5 has no number for a score */
    assert_int_equal(top[3], 1);
    assert_int_equal(top[4], 6);
    assert_int_equal(top[5], 0);
}

static void hits_never_pass_the_end_of_their_room(void **state)
{
    (void) state;
    twi_hit best[3] = {[2] = {7, 7}};
    int n = 0;
    for (int32_t i = 1; i <= 5; i++)
        twi_hit_add(best, &n, 2, (tw_real) i, i);
    assert_true(n == 2 && best[0].item == 5 && best[1].item == 4);
    assert_true(best[2].item == 7 && best[2].score == 7);
}

/* The fast scan takes runs of items: the best may stand anywhere in and behind them. */
static void a_top_list_matches_repeated_search(void **state)
{
    (void) state;
    enum { ITEMS = 150, K = TW_SEQ_TOP };
    tw_real scores[ITEMS + 1];
    int32_t mark[ITEMS + 1] = {0}, top[K];
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());

    for (int round = 0; round < 200; round++) {
        int32_t n_items = 1 + (int32_t) tw_rng_below(&rng, ITEMS);
        uint64_t levels = 1 + tw_rng_below(&rng, 60); /* few levels: many ties */
        for (int i = 0; i <= n_items; i++) {
            scores[i] = (tw_real) tw_rng_below(&rng, levels);
            mark[i] = tw_rng_below(&rng, 4) == 0 ? round + 1 : round;
        }
        twi_top_list(top, K, scores, n_items, mark, round + 1);
        bool taken[ITEMS + 1] = {false};
        for (int k = 0; k < K; k++) {
            int32_t best = 0;
            for (int32_t i = 1; i <= n_items; i++)
                if (mark[i] != round + 1 && !taken[i] && (best == 0 || scores[i] > scores[best]))
                    best = i;
            assert_int_equal(top[k], best);
            taken[best] = true;
        }
    }
}

/* Train parts: user 1 {1 2}, user 2 {1 2 3}, user 3 {1}, user 4 {4}; user 5 has none. Item 5 was
 * never met. Item 1 twice by user 3 counts once. */
static tw_seq_data *crowd(void)
{
    const int32_t users[] = {1, 1, 2, 2, 2, 2, 2, 3, 3, 4};
    const int32_t items[] = {1, 2, 1, 2, 3, 5, 5, 1, 1, 4};
    tw_seq_data *d = NULL;
    assert_ok(tw_seq_data_create(&d, 5, 5, users, items, NULL, 10, err));
    return d;
}

static void sets_hold_each_pair_once(void **state)
{
    (void) state;
    tw_seq_data *d = crowd();
    twi_sets s;
    const int64_t user_at[] = {0, 2, 5, 6, 7, 7}, item_at[] = {0, 3, 5, 6, 7, 7};
    const int32_t items[] = {1, 2, 1, 2, 3, 1, 4}, users[] = {1, 2, 3, 1, 2, 2, 4};

    assert_ok(twi_sets_init(&s, d, INT64_MAX, err));
    assert_int_equal(s.active, 4);
    assert_memory_equal(s.user_at, user_at, sizeof user_at);
    assert_memory_equal(s.item_at, item_at, sizeof item_at);
    assert_memory_equal(s.items, items, sizeof items);
    assert_memory_equal(s.users, users, sizeof users);
    twi_sets_fini(&s);
    assert_ok(twi_sets_init(&s, d, 1, err)); /* only each one's latest: 2, 3, 1, 4 */
    assert_int_equal(s.user_at[5], 4);
    assert_int_equal(s.items[1], 3);
    twi_sets_fini(&s);
    tw_seq_data_destroy(d);
}

static tw_seq_list_metrics measure(const int32_t *lists, int64_t n, int threads)
{
    tw_seq_data *d = crowd();
    tw_pool *pool = NULL;
    tw_seq_list_metrics x;
    assert_ok(tw_pool_create(&pool, threads, err));
    assert_ok(twi_measure_lists(&x, lists, n, d, pool, err));
    tw_pool_destroy(pool);
    tw_seq_data_destroy(d);
    return x;
}

static void list_measures_match_a_hand_calculation(void **state)
{
    (void) state;
    /* Three lists: 1 2 3 | 1 5 | 1. Counts of users 3 2 1 1 0 of 4. */
    const int32_t lists[3 * TW_SEQ_TOP] = {1, 2, 3, [TW_SEQ_TOP] = 1, 5, [2 * TW_SEQ_TOP] = 1};

    for (int threads = 1; threads <= 3; threads++) {
        tw_seq_list_metrics x = measure(lists, 3, threads);
        assert_int_equal(x.lists, 3);
        assert_near(x.coverage, 4 / 5.0, 1e-12); /* all but item 4 */
        /* Listed 0 1 1 1 3 times, ascending: (-4*0 -2*1 +0*1 +2*1 +4*3) / (5 * 6) */
        assert_near(x.gini, 12 / 30.0, 1e-12);
        assert_near(x.popularity, (3 + 2 + 1 + 3 + 0 + 3) / 4.0 / 6, 1e-12);
        /* -log2 of 3/4, 2/4, 1/4, 3/4, and 1/4 for the item without users, 3/4 */
        assert_near(x.novelty, (3 * log2(4 / 3.0) + 1 + 2 + 2) / 6, 1e-12);
        /* cos(1,2) = 2/sqrt(6), cos(1,3) = 1/sqrt(3), cos(2,3) = 1/sqrt(2); cos(1,5) = 0; the third
         * list has no pair. */
        double first = 1 - (2 / sqrt(6) + 1 / sqrt(3) + 1 / sqrt(2)) / 3;
        assert_near(x.diversity, (first + 1) / 2, 1e-12);
    }
}

static void gini_is_0_for_alike_and_near_1_for_one_item(void **state)
{
    (void) state;
    const int32_t alike[TW_SEQ_TOP] = {1, 2, 3, 4, 5}, one[2 * TW_SEQ_TOP] = {3, [TW_SEQ_TOP] = 3};
    assert_near(measure(alike, 1, 1).gini, 0, 1e-12);
    assert_near(measure(one, 2, 1).gini, 1 - 1 / 5.0, 1e-12);
}

static void empty_lists_measure_as_nothing(void **state)
{
    (void) state;
    const int32_t none[TW_SEQ_TOP] = {0};
    tw_seq_list_metrics x = measure(none, 1, 2);
    assert_true(x.lists == 1 && x.coverage == 0 && x.gini == 0 && x.popularity == 0);
    assert_true(x.novelty == 0 && x.diversity == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_top_list_is_the_best_that_are_not_marked),
        cmocka_unit_test(hits_never_pass_the_end_of_their_room),
        cmocka_unit_test(a_top_list_matches_repeated_search),
        cmocka_unit_test(sets_hold_each_pair_once),
        cmocka_unit_test(list_measures_match_a_hand_calculation),
        cmocka_unit_test(gini_is_0_for_alike_and_near_1_for_one_item),
        cmocka_unit_test(empty_lists_measure_as_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
