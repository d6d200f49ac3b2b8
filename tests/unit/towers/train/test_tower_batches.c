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

static tw_status plan_classes(void *ctx)
{
    static const int32_t of[6] = {1, 1, 2, 2, 3, -1};
    const twi_class_how how = {.classes = 2, .items = 2};
    twi_batch_plan plan = {0};
    (void) ctx;
    const tw_status st = twi_batch_plan_classes(&plan, of, NULL, 6, &how, 0, NULL);
    assert_true((plan.rows == NULL) == (st != TW_OK));
    twi_batch_plan_fini(&plan);
    return st;
}

static void plans_survive_every_failed_allocation(void **state)
{
    (void) state;
    torture(plan_classes, NULL, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_batch_is_p_classes_of_k),
        cmocka_unit_test(the_same_seed_and_epoch_give_the_same_plan),
        cmocka_unit_test(groups_stay_together),
        cmocka_unit_test(odd_class_settings),
        cmocka_unit_test(plans_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
