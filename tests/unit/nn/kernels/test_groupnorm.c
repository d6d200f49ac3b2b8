#include "nn/kernels/groupnorm.h"

#include <math.h>
#include <string.h>

#include "tests/unit/nn/gradcheck.h"

enum { P = 70, C = 6, G = 3, N = P * C }; /* more pixels than one block of sums */

static struct {
    tw_real x[N], y[N], w[N], gain[C], bias[C], a[C], b[C], mean[G], rstd[G], work[3 * C];
} m;

static void set_up(void)
{
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    fill_random(&rng, m.x, N);
    fill_random(&rng, m.w, N);
    fill_random(&rng, m.gain, C);
    fill_random(&rng, m.bias, C);
}

static double loss(void *ctx)
{
    (void) ctx;
    tw_groupnorm_affine(m.a, m.b, m.mean, m.rstd, m.x, m.gain, m.bias, 1e-5, P, C, G);
    tw_affine_forward(m.y, m.x, m.a, m.b, NULL, false, P, C);
    return weighted_sum(m.w, m.y, N);
}

static void each_group_has_mean_0_and_variance_1(void **state)
{
    (void) state;
    set_up();
    for (int c = 0; c < C; c++) {
        m.gain[c] = 1;
        m.bias[c] = 0;
    }
    for (int j = 0; j < N; j++)
        m.x[j] = 1000 + 3 * m.x[j];
    (void) loss(NULL);
    for (int g = 0; g < G; g++) {
        double sum = 0, square = 0, n = P * (C / G);
        for (int p = 0; p < P; p++) {
            for (int c = g * (C / G); c < (g + 1) * (C / G); c++) {
                sum += m.y[p * C + c];
                square += m.y[p * C + c] * m.y[p * C + c];
            }
        }
        assert_near(sum / n, 0, 1e-10);
        assert_near(square / n, 1, 1e-4);
    }
}

static void by_hand(void **state)
{
    (void) state;
    /* One group of two channels, two pixels: 1 2 / 3 6: mean 3, variance 3.5. */
    const tw_real x[4] = {1, 2, 3, 6}, gain[2] = {2, 1}, bias[2] = {0, 10};
    tw_real a[2], b[2], mean[1], rstd[1], y[4];
    tw_groupnorm_affine(a, b, mean, rstd, x, gain, bias, 0.5, 2, 2, 1);
    tw_affine_forward(y, x, a, b, NULL, false, 2, 2);
    assert_near(mean[0], 3, 1e-12);
    assert_near(rstd[0], 0.5, 1e-12); /* 1 / sqrt(3.5 + 0.5) */
    assert_near(y[0], -2, 1e-12);
    assert_near(y[1], 9.5, 1e-12);
    assert_near(y[2], 0, 1e-12);
    assert_near(y[3], 11.5, 1e-12);
}

static void backward_is_its_derivative(void **state)
{
    (void) state;
    tw_real dx[N], dgain[C] = {0}, dbias[C] = {0};
    set_up();
    (void) loss(NULL);
    memcpy(dx, m.w, sizeof dx); /* in place, as the fused layer has it */
    tw_groupnorm_backward(dx, dgain, dbias, m.work, dx, m.x, m.mean, m.rstd, m.gain, P, C, G);
    check_gradient(m.x, dx, N, loss, NULL);
    check_gradient(m.gain, dgain, C, loss, NULL);
    check_gradient(m.bias, dbias, C, loss, NULL);
}

static void a_flat_image_stays_finite(void **state)
{
    (void) state;
    tw_real dx[N], dgain[C] = {0}, dbias[C] = {0};
    set_up();
    for (int j = 0; j < N; j++)
        m.x[j] = 7;
    (void) loss(NULL);
    tw_groupnorm_backward(dx, dgain, dbias, m.work, m.w, m.x, m.mean, m.rstd, m.gain, P, C, G);
    for (int j = 0; j < N; j++) {
        assert_near(m.y[j], m.bias[j % C], 1e-9);
        assert_true(isfinite(dx[j]));
    }
}

static void relu_and_skip_come_after_the_norm(void **state)
{
    (void) state;
    const tw_real x[4] = {1, 2, 3, 4}, a[2] = {1, -1}, b[2] = {0, 1}, skip[4] = {-2, 5, 1, 0};
    tw_real y[4];
    tw_affine_forward(y, x, a, b, skip, true, 2, 2);
    assert_near(y[0], 0, 0);
    assert_near(y[1], 4, 0);
    assert_near(y[2], 4, 0);
    assert_near(y[3], 0, 0);
    tw_affine_forward(y, x, a, b, skip, false, 2, 2);
    assert_near(y[0], -1, 0);
    assert_near(y[3], -3, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_group_has_mean_0_and_variance_1),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(backward_is_its_derivative),
        cmocka_unit_test(a_flat_image_stays_finite),
        cmocka_unit_test(relu_and_skip_come_after_the_norm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
