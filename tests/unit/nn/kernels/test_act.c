#include "nn/kernels/act.h"

#include <math.h>

#include "tests/unit/nn/gradcheck.h"

enum { N = 37 };
static tw_real x[N], w[N], y[N];
static const uint64_t key = 99;

static double relu_loss(void *ctx)
{
    (void) ctx;
    tw_relu_forward(y, x, N);
    return weighted_sum(w, y, N);
}

static double gelu_loss(void *ctx)
{
    (void) ctx;
    tw_gelu_forward(y, x, N);
    return weighted_sum(w, y, N);
}

static double dropout_loss(void *ctx)
{
    (void) ctx;
    tw_dropout_forward(y, x, 0.3, key, N);
    return weighted_sum(w, y, N);
}

static void fill(void)
{
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    fill_random(&rng, x, N);
    fill_random(&rng, w, N);
}

static void relu_backward_matches_central_difference(void **state)
{
    (void) state;
    tw_real dx[N] = {0};
    fill();
    (void) relu_loss(NULL);
    tw_relu_backward(dx, w, y, N);
    check_gradient(x, dx, N, relu_loss, NULL);
}

static void gelu_backward_matches_central_difference(void **state)
{
    (void) state;
    tw_real dx[N] = {0};
    fill();
    tw_gelu_backward(dx, w, x, N);
    check_gradient(x, dx, N, gelu_loss, NULL);
}

static void dropout_backward_throws_the_same_coins(void **state)
{
    (void) state;
    tw_real dx[N] = {0};
    fill();
    tw_dropout_backward(dx, w, 0.3, key, N);
    check_gradient(x, dx, N, dropout_loss, NULL);
}

static void values_by_hand(void **state)
{
    (void) state;
    const tw_real in[3] = {-2, 0, 3};
    tw_real out[3], d[3] = {1, 1, 1};
    const tw_real dy[3] = {5, 5, 5};
    tw_relu_forward(out, in, 3);
    assert_true(out[0] == 0 && out[1] == 0 && out[2] == 3);
    tw_relu_backward(d, dy, out, 3);
    assert_true(d[0] == 1 && d[1] == 1 && d[2] == 6);
    tw_gelu_forward(out, in, 3);
    assert_near(out[0], -2 * 0.022750131948179209, 1e-15); /* Phi(-2), from tables */
    assert_near(out[2], 3 * 0.99865010196836990, 1e-15);
}

static void relu_keeps_nan(void **state)
{
    (void) state;
    const tw_real in[1] = {(tw_real) NAN};
    tw_real out[1];
    tw_relu_forward(out, in, 1);
    assert_true(isnan(out[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relu_backward_matches_central_difference),
        cmocka_unit_test(gelu_backward_matches_central_difference),
        cmocka_unit_test(dropout_backward_throws_the_same_coins),
        cmocka_unit_test(values_by_hand),
        cmocka_unit_test(relu_keeps_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
