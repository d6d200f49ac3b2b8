#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "towers/towers.h"

enum { N = 4, D = 2 };

static void start(float v[N * D])
{
    static const float first[N * D] = {1, 0, 0, 1, -1, 0, 0, -1};
    memcpy(v, first, sizeof first);
}

/* 0 - 1 with weight 1, 1 - 2 with weight 3: degrees 1, 4, 3; 3 stands alone. */
static const tw_item_pair pairs[] = {{0, 1, 1, 1}, {2, 1, 1, 3}, {3, 0, 0, 1}, {3, 3, 1, 1}};
enum { PAIRS = sizeof pairs / sizeof pairs[0] };

static void one_step_is_that_by_hand(void **state)
{
    const double a = 1 / sqrt(1.0 * 4), b = 3 / sqrt(4.0 * 3);
    float v[N * D];
    (void) state;
    start(v);
    assert_ok(tw_lightgcn(v, N, D, pairs, PAIRS, 1, err));
    /* item 0: (1, 0) + a (0, 1) */
    assert_near(v[0], 1 / sqrt(1 + a * a), 1e-6);
    assert_near(v[1], a / sqrt(1 + a * a), 1e-6);
    /* item 1: (0, 1) + a (1, 0) + b (-1, 0) */
    const double x = a - b, length = sqrt(x * x + 1);
    assert_near(v[2], x / length, 1e-6);
    assert_near(v[3], 1 / length, 1e-6);
    assert_near(v[6], 0, 0);
    assert_near(v[7], -1, 0);
}

/* The second step brings what is two edges away: item 2 hears of item 0. */
static void two_steps_reach_two_edges_far(void **state)
{
    float one[N * D], two[N * D], far[N * D];
    (void) state;
    start(one);
    start(two);
    start(far);
    far[0] = 0;
    far[1] = 1;
    assert_ok(tw_lightgcn(one, N, D, pairs, PAIRS, 1, err));
    float near_far[N * D];
    memcpy(near_far, far, sizeof far);
    assert_ok(tw_lightgcn(near_far, N, D, pairs, PAIRS, 1, err));
    assert_near(one[4], near_far[4], 0);
    assert_ok(tw_lightgcn(two, N, D, pairs, PAIRS, 2, err));
    assert_ok(tw_lightgcn(far, N, D, pairs, PAIRS, 2, err));
    assert_true(fabs((double) two[4] - (double) far[4]) > 1e-3);
}

static void no_step_changes_nothing_and_bad_pairs_are_refused(void **state)
{
    static const tw_item_pair bad[] = {{0, N, 1, 1}};
    float v[N * D], w[N * D];
    (void) state;
    start(v);
    start(w);
    assert_ok(tw_lightgcn(v, N, D, pairs, PAIRS, 0, err));
    assert_memory_equal(v, w, sizeof v);
    assert_status(tw_lightgcn(v, N, D, bad, 1, 1, err), TW_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_step_is_that_by_hand),
        cmocka_unit_test(two_steps_reach_two_edges_far),
        cmocka_unit_test(no_step_changes_nothing_and_bad_pairs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
