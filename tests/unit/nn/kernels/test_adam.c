#include "nn/kernels/adam.h"

#include <math.h>

#include "tests/support/test.h"

static void two_steps_by_hand(void **state)
{
    (void) state;
    const tw_adam adam = {.beta1 = 0.9, .beta2 = 0.99, .eps = 1e-3};
    tw_real w[1] = {2}, m[1] = {0}, v[1] = {0}, g[1] = {0.5};

    /* m = 0.05, v = 0.0025; both corrections give back g and g^2: w -= 0.1 * 0.5 / 0.501 */
    tw_adam_step s = tw_adam_step_of(&adam, 0.1, 1, 1);
    tw_adam_apply(w, m, v, g, &s, 1, 1);
    assert_near(m[0], 0.05, 1e-7);
    assert_near(v[0], 0.0025, 1e-8);
    assert_near(w[0], 2 - 0.1 * 0.5 / 0.501, 1e-6);
    assert_true(g[0] == 0);

    /* m = 0.9*0.05 - 0.1 = -0.055, / (1-0.81); v = 0.99*0.0025 + 0.01 = 0.012475, / (1-0.9801) */
    double before = (double) w[0];
    g[0] = -1;
    s = tw_adam_step_of(&adam, 0.1, 2, 1);
    tw_adam_apply(w, m, v, g, &s, 1, 1);
    assert_near(m[0], -0.055, 1e-7);
    assert_near(v[0], 0.012475, 1e-8);
    assert_near(w[0], before + 0.1 * (0.055 / 0.19) / (sqrt(0.012475 / 0.0199) + 1e-3), 1e-6);
}

static void decay_shrinks_the_weight_and_not_the_moments(void **state)
{
    (void) state;
    const tw_adam adam = {.beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .weight_decay = 0.1};
    tw_real w[2] = {2, 2}, m[2] = {0}, v[2] = {0}, g[2] = {0};
    tw_adam_step s = tw_adam_step_of(&adam, 0.5, 1, 1);
    tw_adam_apply(w, m, v, g, &s, 1, 1);
    tw_adam_apply(w + 1, m + 1, v + 1, g + 1, &s, 0, 1); /* a tensor that asked for none */
    assert_near(w[0], 2 * (1 - 0.5 * 0.1), 1e-7);
    assert_true(w[1] == 2 && m[0] == 0 && v[0] == 0);
}

static void the_clipping_factor_scales_the_gradient(void **state)
{
    (void) state;
    const tw_adam adam = TW_ADAM_DEFAULT;
    tw_real w[1] = {0}, m[1] = {0}, v[1] = {0}, g[1] = {8};
    tw_adam_step s = tw_adam_step_of(&adam, 0.1, 1, 0.25);
    tw_adam_apply(w, m, v, g, &s, 1, 1);
    assert_near(m[0], 0.1 * 2, 1e-7);
    assert_near(v[0], 0.001 * 4, 1e-8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_steps_by_hand),
        cmocka_unit_test(decay_shrinks_the_weight_and_not_the_moments),
        cmocka_unit_test(the_clipping_factor_scales_the_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
