/* Who meets whom: the claims of tower_batches.h, each against the data itself. */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "tests/oom/torture.h"
#include "towers/train/tower_batches.h"

enum { N = 400, CLASSES = 20 };
static int32_t cls[N], group[N];

/* Class c has 4 + c items or so; class 0 has one; every tenth item has none. Groups of five. */
static void fill(void)
{
    for (int i = 0; i < N; i++) {
        cls[i] = i % 10 == 9 ? -1 : 100 + (i * i + i / 7) % (CLASSES - 1) + 1;
        group[i] = cls[i] < 0 ? -5 : (cls[i] - 100) / 5;
    }
    cls[0] = 100;
    group[0] = 0;
}

static void every_batch_is_p_classes_of_k(void **state)
{
    const twi_class_how how = {.classes = 6, .items = 4, .seed = 3};
    int32_t seen[CLASSES] = {0}, times[N] = {0};
    twi_batch_plan plan;
    (void) state;
    fill();
    assert_ok(twi_batch_plan_classes(&plan, cls, NULL, N, &how, 1, err));
    assert_int_equal(plan.left_out, 40);
    assert_int_equal(plan.n, (N - 40) / 24);
    for (int64_t b = 0; b < plan.n; b++) {
        const int32_t *rows = plan.rows + plan.offsets[b];
        unsigned char in[CLASSES] = {0};
        assert_int_equal(plan.offsets[b + 1] - plan.offsets[b], 24);
        for (int p = 0; p < 6; p++) {
            const int32_t c = cls[rows[4 * p]] - 100;
            assert_true(c >= 0 && !in[c]);
            in[c] = 1;
            seen[c]++;
            for (int k = 0; k < 4; k++) {
                assert_int_equal(cls[rows[4 * p + k]] - 100, c);
                times[rows[4 * p + k]]++;
            }
        }
    }
    /* 90 places for 20 classes in turn; a class meets itself once more at most because its turn is
     * skipped while it is in the batch. Items of a class come in turn too. */
    for (int c = 0; c < CLASSES; c++)
        assert_in_range(seen[c], 3, 6);
    for (int i = 1; i < N; i++)
        for (int j = 1; j < N; j++)
            assert_true(cls[i] != cls[j] || abs(times[i] - times[j]) <= 1);
    assert_int_equal(times[0], 4 * seen[0]); /* its class has no other */
    twi_batch_plan_fini(&plan);
}

static void the_same_seed_and_epoch_give_the_same_plan(void **state)
{
    const twi_class_how how = {.classes = 5, .items = 3, .seed = 3, .grouped = 0.5};
    const twi_class_how other = {.classes = 5, .items = 3, .seed = 4, .grouped = 0.5};
    twi_batch_plan a, b, c, d;
    (void) state;
    fill();
    assert_ok(twi_batch_plan_classes(&a, cls, group, N, &how, 1, err));
    assert_ok(twi_batch_plan_classes(&b, cls, group, N, &how, 1, err));
    assert_ok(twi_batch_plan_classes(&c, cls, group, N, &how, 2, err));
    assert_ok(twi_batch_plan_classes(&d, cls, group, N, &other, 1, err));
    const size_t bytes = (size_t) a.offsets[a.n] * sizeof *a.rows;
    assert_memory_equal(a.rows, b.rows, bytes);
    assert_memory_not_equal(a.rows, c.rows, bytes);
    assert_memory_not_equal(a.rows, d.rows, bytes);
    twi_batch_plan_fini(&a);
    twi_batch_plan_fini(&b);
    twi_batch_plan_fini(&c);
    twi_batch_plan_fini(&d);
}

/* Groups hold five classes, so 4 of 8 come from one group; all 8 of 8 from two. */
static void groups_stay_together(void **state)
{
    static const double shares[] = {0, 0.5, 1};
    static const int least[] = {0, 4, 8};
    (void) state;
    fill();
    for (int s = 0; s < 3; s++) {
        const twi_class_how how = {.classes = 8, .items = 2, .seed = 1, .grouped = shares[s]};
        unsigned char began[4] = {0};
        twi_batch_plan plan;
        assert_ok(twi_batch_plan_classes(&plan, cls, group, N, &how, 7, err));
        for (int64_t b = 0; b < plan.n; b++) {
            const int32_t *rows = plan.rows + plan.offsets[b];
            int in_first = 0, in_second = 0;
            const int32_t first = group[rows[0]];
            began[first] = 1;
            for (int p = 0; p < least[s]; p++) {
                in_first += group[rows[2 * p]] == first;
                in_second += group[rows[2 * p]] != first;
            }
            if (s == 1)
                assert_int_equal(in_first, 4);
            if (s == 2)
                assert_true(in_first == 5 && in_second == 3);
        }
        assert_true(began[0] && began[1] && began[2] && began[3]);
        twi_batch_plan_fini(&plan);
    }
}

static void odd_class_settings(void **state)
{
    static const int32_t one[3] = {1, 1, -1}, two[3] = {5, 9, 9};
    const twi_class_how how = {.classes = 8, .items = 4};
    twi_batch_plan plan;
    (void) state;
    assert_status(twi_batch_plan_classes(&plan, one, NULL, 3, &how, 0, err), TW_EINVAL);
    assert_status(twi_batch_plan_classes(&plan, one, NULL, 0, &how, 0, err), TW_EINVAL);
    assert_status(twi_batch_plan_classes(&plan, two, NULL, 3,
                                         &(twi_class_how){.classes = 1, .items = 4}, 0, err),
                  TW_EINVAL);
    assert_status(twi_batch_plan_classes(&plan, two, NULL, 3,
                                         &(twi_class_how){.classes = 2, .items = 2, .grouped = 1.5},
                                         0, err),
                  TW_EINVAL);
    assert_null(plan.rows);
    assert_ok(twi_batch_plan_classes(&plan, two, NULL, 3, &how, 0, err));
    assert_int_equal(plan.n, 1);
    assert_int_equal(plan.offsets[1], 8); /* both classes, four times each */
    twi_batch_plan_fini(&plan);
}

/* ---- pairs ----------------------------------------------------------------------------------- */

enum { PAIRS = 3000, KEYS = 1000 };

static void no_key_meets_itself(void **state)
{
    static int32_t keys[PAIRS * 3];
    static int32_t stamp[KEYS];
    static unsigned char there[PAIRS];
    const twi_pair_how how = {.batch = 32, .least = 16, .seed = 8};
    tw_rng rng;
    twi_batch_plan plan;
    (void) state;
    tw_rng_seed(&rng, tw_test_seed());
    for (int k = 0; k < PAIRS; k++) {
        keys[3 * k] = (int32_t) tw_rng_below(&rng, KEYS);
        keys[3 * k + 1] = (int32_t) tw_rng_below(&rng, KEYS);
        keys[3 * k + 2] = k % 2 == 0 ? -1 : (int32_t) tw_rng_below(&rng, KEYS);
    }
    assert_ok(twi_batch_plan_pairs(&plan, keys, 3, PAIRS, KEYS, &how, 4, err));
    memset(stamp, 0, sizeof stamp);
    memset(there, 0, sizeof there);
    for (int64_t b = 0; b < plan.n; b++) {
        assert_in_range(plan.offsets[b + 1] - plan.offsets[b], 16, 32);
        for (int64_t k = plan.offsets[b]; k < plan.offsets[b + 1]; k++) {
            const int32_t row = plan.rows[k];
            assert_false(there[row]);
            there[row] = 1;
            for (int j = 0; j < 3; j++)
                if (keys[3 * row + j] >= 0)
                    assert_true(stamp[keys[3 * row + j]] != (int32_t) b + 1);
            for (int j = 0; j < 3; j++)
                if (keys[3 * row + j] >= 0)
                    stamp[keys[3 * row + j]] = (int32_t) b + 1;
        }
    }
    assert_int_equal(plan.offsets[plan.n] + plan.left_out, PAIRS);
    assert_true(plan.left_out < PAIRS / 50);
    twi_batch_plan_fini(&plan);
}

/* One item in every pair: each batch can hold one. With least = 1 they all stay, with 2 none. */
static void a_key_on_every_row_makes_batches_of_one(void **state)
{
    static const int32_t keys[10] = {0, 1, 0, 2, 0, 3, 0, 4, 0, 5};
    twi_batch_plan plan;
    (void) state;
    assert_ok(twi_batch_plan_pairs(&plan, keys, 2, 5, 6, &(twi_pair_how){.batch = 4, .least = 1}, 0,
                                   err));
    assert_int_equal(plan.n, 5);
    assert_int_equal(plan.left_out, 0);
    twi_batch_plan_fini(&plan);
    assert_ok(twi_batch_plan_pairs(&plan, keys, 2, 5, 6, &(twi_pair_how){.batch = 4, .least = 2}, 0,
                                   err));
    assert_int_equal(plan.n, 0);
    assert_int_equal(plan.left_out, 5);
    twi_batch_plan_fini(&plan);
    assert_status(
        twi_batch_plan_pairs(&plan, keys, 2, 5, 5, &(twi_pair_how){.batch = 4, .least = 1}, 0, err),
        TW_EINVAL);
    assert_status(
        twi_batch_plan_pairs(&plan, keys, 2, 5, 6, &(twi_pair_how){.batch = 0, .least = 1}, 0, err),
        TW_EINVAL);
    assert_ok(twi_batch_plan_pairs(&plan, keys, 2, 0, 6, &(twi_pair_how){.batch = 4, .least = 1}, 0,
                                   err));
    assert_int_equal(plan.n, 0);
    twi_batch_plan_fini(&plan);
}

static void an_epoch_has_its_own_order(void **state)
{
    int32_t keys[200];
    const twi_pair_how how = {.batch = 10, .least = 1, .seed = 8};
    twi_batch_plan a, b, c;
    (void) state;
    for (int k = 0; k < 200; k++)
        keys[k] = k;
    assert_ok(twi_batch_plan_pairs(&a, keys, 2, 100, 200, &how, 4, err));
    assert_ok(twi_batch_plan_pairs(&b, keys, 2, 100, 200, &how, 4, err));
    assert_ok(twi_batch_plan_pairs(&c, keys, 2, 100, 200, &how, 5, err));
    assert_int_equal(a.n, 10); /* nothing shared: all are full */
    assert_memory_equal(a.rows, b.rows, 100 * sizeof *a.rows);
    assert_memory_not_equal(a.rows, c.rows, 100 * sizeof *a.rows);
    twi_batch_plan_fini(&a);
    twi_batch_plan_fini(&b);
    twi_batch_plan_fini(&c);
}

static tw_status plan_both(void *ctx)
{
    static const int32_t of[6] = {1, 1, 2, 2, 3, -1}, keys[6] = {0, 1, 1, 2, 2, 3};
    twi_batch_plan classes = {0}, pairs = {0};
    (void) ctx;
    tw_status st = twi_batch_plan_classes(&classes, of, NULL, 6,
                                          &(twi_class_how){.classes = 2, .items = 2}, 0, NULL);
    if (st == TW_OK)
        st = twi_batch_plan_pairs(&pairs, keys, 2, 3, 4, &(twi_pair_how){.batch = 2, .least = 1}, 0,
                                  NULL);
    assert_true((pairs.rows == NULL) == (st != TW_OK));
    twi_batch_plan_fini(&classes);
    twi_batch_plan_fini(&pairs);
    return st;
}

static void plans_survive_every_failed_allocation(void **state)
{
    (void) state;
    torture(plan_both, NULL, 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_batch_is_p_classes_of_k),
        cmocka_unit_test(the_same_seed_and_epoch_give_the_same_plan),
        cmocka_unit_test(groups_stay_together),
        cmocka_unit_test(odd_class_settings),
        cmocka_unit_test(no_key_meets_itself),
        cmocka_unit_test(a_key_on_every_row_makes_batches_of_one),
        cmocka_unit_test(an_epoch_has_its_own_order),
        cmocka_unit_test(plans_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
