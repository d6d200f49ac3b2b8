#include "nn/kernels/l2norm.h"

#include <math.h>

#include "tests/unit/nn/gradcheck.h"

enum { N = 3, D = 5, ND = N * D };
static tw_real x[ND], w[ND], y[ND], rnorm[N], dx[ND];

static double loss(void *ctx)
{
    (void) ctx;
    tw_l2norm_forward(y, rnorm, x, N, D);
    return weighted_sum(w, y, ND);
}

static void backward_matches_central_difference(void **state)
{
    (void) state;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    fill_random(&rng, x, ND);
    fill_random(&rng, w, ND);
    (void) loss(NULL);
    tw_l2norm_backward(dx, w, y, rnorm, N, D);
    check_gradient(x, dx, ND, loss, NULL);
}

static void backward_accumulates(void **state)
{
    (void) state;
    tw_real a[2] = {3, 4}, b[2], r[1], db[2] = {1, 0}, da[2] = {10, 20};
    tw_l2norm_forward(b, r, a, 1, 2);
    tw_l2norm_backward(da, db, b, r, 1, 2);
    assert_near(da[0], 10 + 0.2 * (1 - 0.6 * 0.6), 1e-12); /* by hand: |a| = 5 */
    assert_near(da[1], 20 + 0.2 * (0 - 0.8 * 0.6), 1e-12);
}

static void a_zero_row_stays_zero_and_gets_no_gradient(void **state)
{
    (void) state;
    tw_real a[2] = {0, 0}, b[2], r[1], db[2] = {1, 1}, da[2] = {7, 8};
    tw_l2norm_forward(b, r, a, 1, 2);
    tw_l2norm_backward(da, db, b, r, 1, 2);
    assert_true(b[0] == 0 && b[1] == 0);
    assert_true(da[0] == 7 && da[1] == 8);
}

static void nan_stays_nan(void **state)
{
    (void) state;
    tw_real a[2] = {(tw_real) NAN, 1}, b[2], r[1];
    tw_l2norm_forward(b, r, a, 1, 2);
    assert_true(isnan(b[0]) && isnan(b[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backward_matches_central_difference),
        cmocka_unit_test(backward_accumulates),
        cmocka_unit_test(a_zero_row_stays_zero_and_gets_no_gradient),
        cmocka_unit_test(nan_stays_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
