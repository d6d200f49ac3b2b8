#include "nn/kernels/layernorm.h"

#include "tests/unit/nn/gradcheck.h"

/* More rows than a block of the gain's sum, more columns than a panel: both edges are crossed. */
enum { N = 66, D = 67, ND = N * D };
static tw_real x[ND], w[ND], y[ND], mean[N], rstd[N], gain[D], bias[D];
static tw_real dx[ND], dgain[D], dbias[D];

static double loss(void *ctx)
{
    (void) ctx;
    tw_layernorm_forward(y, mean, rstd, x, gain, bias, 1e-8, N, D);
    return weighted_sum(w, y, ND);
}

static void backward_matches_central_difference(void **state)
{
    (void) state;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    fill_random(&rng, x, ND);
    fill_random(&rng, w, ND);
    fill_random(&rng, gain, D);
    fill_random(&rng, bias, D);
    for (int k = 0; k < ND; k++)
        w[k] *= 0.1; /* the loss sums thousands of numbers: keep its rounding under the tolerance */
    (void) loss(NULL);
    tw_layernorm_backward(dx, dgain, dbias, w, x, mean, rstd, gain, N, D);
    check_gradient(x, dx, 3 * D, loss, NULL); /* rows are alike: three will do */
    check_gradient(x + ND - D, dx + ND - D, D, loss, NULL);
    check_gradient(gain, dgain, D, loss, NULL);
    check_gradient(bias, dbias, D, loss, NULL);
}

static void values_by_hand(void **state)
{
    (void) state;
    const tw_real a[2] = {1, 3}, g[2] = {2, 10}, b[2] = {5, 7};
    tw_real out[2], m[1], r[1];
    tw_layernorm_forward(out, m, r, a, g, b, 0, 1, 2);
    assert_near(m[0], 2, 1e-15); /* mean 2, variance ((-1)^2 + 1^2) / 2 = 1 */
    assert_near(r[0], 1, 1e-15);
    assert_near(out[0], 5 - 2, 1e-15);
    assert_near(out[1], 7 + 10, 1e-15);
}

static void backward_accumulates(void **state)
{
    (void) state;
    const tw_real a[2] = {1, 3}, g[2] = {2, 10}, b[2] = {5, 7}, dy[2] = {1, 0};
    tw_real out[2], m[1], r[1], da[2] = {1, 2}, dg[2] = {3, 4}, db[2] = {5, 6};
    tw_layernorm_forward(out, m, r, a, g, b, 0, 1, 2);
    tw_layernorm_backward(da, dg, db, dy, a, m, r, g, 1, 2);
    /* g*dy = (2,0), its mean 1, mean of g*dy*xhat = (2*-1 + 0)/2 = -1: dx = (2-1-1, 0-1+1) = 0 */
    assert_near(da[0], 1, 1e-15);
    assert_near(da[1], 2, 1e-15);
    assert_near(dg[0], 3 - 1, 1e-15);
    assert_near(dg[1], 4, 1e-15);
    assert_near(db[0], 5 + 1, 1e-15);
    assert_near(db[1], 6, 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backward_matches_central_difference),
        cmocka_unit_test(values_by_hand),
        cmocka_unit_test(backward_accumulates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
