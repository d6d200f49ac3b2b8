/* The pieces of index/, one by one: they are seen through internal.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "index/index_delta.h"
#include "index/index_kernel.h"
#include "index/index_map.h"
#include "index/index_topk.h"
#include "tests/support/test.h"

static void every_variant_gives_the_same_bits_and_the_right_sum(void **state)
{
    (void) state;
    enum { ROWS = 3, MAX = 300 };
    float q[MAX], rows[ROWS * MAX], want[ROWS], got[ROWS];
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < MAX; i++)
        q[i] = (float) tw_rng_normal(&rng);
    for (int i = 0; i < ROWS * MAX; i++)
        rows[i] = (float) tw_rng_normal(&rng);

    for (int dim = 1; dim < MAX; dim++) {
        twi_scores_variant(0)(want, q, rows, (size_t) dim, dim, ROWS);
        for (int r = 0; r < ROWS; r++) {
            double sum = 0;
            for (int j = 0; j < dim; j++)
                sum += (double) q[j] * (double) rows[r * dim + j];
            assert_near(want[r], sum, 1e-4);
        }
        for (int v = 1; twi_scores_variant(v) != NULL; v++) {
            twi_scores_variant(v)(got, q, rows, (size_t) dim, dim, ROWS);
            assert_memory_equal(got, want, sizeof got);
        }
    }
}

static void a_stride_skips_what_lies_between_rows(void **state)
{
    (void) state;
    const float q[2] = {1, 10}, rows[6] = {1, 2, 99, 3, 4, 99};
    float got[2];
    twi_scores_pick()(got, q, rows, 3, 2, 2);
    assert_near(got[0], 21, 0);
    assert_near(got[1], 43, 0);
}

static void the_first_unusable_value_is_named(void **state)
{
    (void) state;
    float x[5] = {1, -2, 0, 1e17f, -1e17f};
    assert_int_equal(twi_first_unusable(x, 5), -1);
    x[4] = 2e17f;
    assert_int_equal(twi_first_unusable(x, 5), 4);
    x[3] = -INFINITY;
    assert_int_equal(twi_first_unusable(x, 5), 3);
    x[1] = NAN;
    assert_int_equal(twi_first_unusable(x, 5), 1);
}

static int best_first(const void *a, const void *b)
{
    const tw_hit *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

static void topk_equals_sorting_everything(void **state)
{
    (void) state;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int round = 0; round < 300; round++) {
        tw_hit all[60], kept[60];
        const int n = (int) tw_rng_below(&rng, 60), k = 1 + (int) tw_rng_below(&rng, 59);
        twi_topk top = {.hits = kept, .k = k};
        for (int i = 0; i < n; i++) {
            /* few values, so that ties are many; ids in no order */
            all[i] = (tw_hit){.item = (i * 37) % 61, .score = (float) tw_rng_below(&rng, 5)};
            if (twi_topk_wants(&top, all[i].item, all[i].score))
                twi_topk_push(&top, all[i].item, all[i].score);
        }
        twi_topk_sort(&top);
        qsort(all, (size_t) n, sizeof all[0], best_first);
        assert_int_equal(top.n, n < k ? n : k);
        for (int i = 0; i < top.n; i++) {
            assert_int_equal(kept[i].item, all[i].item);
            assert_near(kept[i].score, all[i].score, 0);
        }
    }
}

static void the_map_knows_what_was_set_and_nothing_else(void **state)
{
    (void) state;
    const int64_t ids[] = {1, 4095, 4096, 4097, 1 << 20, TW_INDEX_MAX_ID};
    twi_map m;
    assert_ok(twi_map_init(&m, err));
    for (int i = 0; i < 6; i++) {
        assert_int_equal(twi_map_get(&m, ids[i]), 0);
        assert_ok(twi_map_reserve(&m, ids[i], err));
        twi_map_set(&m, ids[i], i % 2 ? i + 1 : -i - 1);
    }
    for (int i = 0; i < 6; i++)
        assert_int_equal(twi_map_get(&m, ids[i]), i % 2 ? i + 1 : -i - 1);
    assert_int_equal(twi_map_get(&m, 2), 0);
    assert_int_equal(twi_map_get(&m, 0), 0);
    assert_int_equal(twi_map_get(&m, -1), 0);
    assert_int_equal(twi_map_get(&m, TW_INDEX_MAX_ID + 1), 0);
    assert_int_equal(twi_map_get(&m, INT64_MIN), 0);
    assert_int_equal(twi_map_bytes(&m), 4 * 4096 * 4); /* pages 0, 1, 256 and the last */
    twi_map_fini(&m);
}

static void append(twi_delta *d, int64_t id)
{
    const float vec[2] = {(float) id, 0};
    assert_ok(twi_delta_reserve(d, err));
    (void) twi_delta_append(d, id, vec, (uint64_t) id);
}

/* Rows created at stamps 1, 2, ...: row r holds id r + 1. */
static void a_row_is_seen_from_its_birth_until_its_death(void **state)
{
    (void) state;
    twi_delta d;
    twi_delta_init(&d, 2);
    for (int64_t id = 1; id <= 2000; id++)
        append(&d, id);
    assert_int_equal(twi_delta_count(&d), 2000);
    assert_near(twi_delta_vec(&d, 1024)[0], 1025, 0); /* the first of the second chunk */
    assert_false(twi_delta_sees(&d, 9, 9));
    assert_true(twi_delta_sees(&d, 9, 10));
    twi_delta_chunk(&d, 9)->deleted[9] = 15;
    assert_true(twi_delta_sees(&d, 9, 14));
    assert_false(twi_delta_sees(&d, 9, 15));
    twi_delta_fini(&d);
}

static void sharing_keeps_rows_from_the_given_one_on(void **state)
{
    (void) state;
    const struct {
        int64_t count, from, first, new_count, shift;
    } rows[] = {
        {0, 0, 0, 0, 0},
        {10, 0, 0, 10, 0},
        {10, 10, 0, 0, 1024},          /* nothing left: the chunk is not shared */
        {1024, 1024, 0, 0, 1024},      /* a full chunk, nothing left */
        {1025, 1024, 0, 1, 1024},      /* begins with a chunk */
        {3000, 1500, 476, 1976, 1024}, /* 1500 - 1024; 3000 - 1024 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        twi_delta old, fresh;
        int64_t shift;
        twi_delta_init(&old, 2);
        for (int64_t id = 1; id <= rows[i].count; id++)
            append(&old, id);
        assert_ok(twi_delta_share(&fresh, &old, rows[i].from, &shift, err));
        twi_delta_fini(&old); /* the chunks outlive it */
        assert_int_equal(shift, rows[i].shift);
        assert_int_equal(fresh.first, rows[i].first);
        assert_int_equal(fresh.count, rows[i].new_count);
        for (int64_t r = fresh.first; r < fresh.count; r++)
            assert_near(twi_delta_vec(&fresh, r)[0], (double) (r + shift + 1), 0);
        append(&fresh, 7777); /* and it goes on growing */
        assert_near(twi_delta_vec(&fresh, rows[i].new_count)[0], 7777, 0);
        twi_delta_fini(&fresh);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variant_gives_the_same_bits_and_the_right_sum),
        cmocka_unit_test(a_stride_skips_what_lies_between_rows),
        cmocka_unit_test(the_first_unusable_value_is_named),
        cmocka_unit_test(topk_equals_sorting_everything),
        cmocka_unit_test(the_map_knows_what_was_set_and_nothing_else),
        cmocka_unit_test(a_row_is_seen_from_its_birth_until_its_death),
        cmocka_unit_test(sharing_keeps_rows_from_the_given_one_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
