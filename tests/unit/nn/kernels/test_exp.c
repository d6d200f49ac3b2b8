#include "nn/kernels/exp.h"

#include <float.h>

#include "base/rng.h"
#include "tests/support/test.h"

/* In units of the last place of the true value. */
static double error_ulp(float x)
{
    double want = exp((double) x), got = (double) tw_exp_lane(x);
    return fabs(got - want) / (want * (double) FLT_EPSILON);
}

static void within_two_units_of_the_last_place_of_libm(void **state)
{
    (void) state;
    double worst = 0;
    for (int i = -86999; i <= 87999; i++)
        worst = fmax(worst, error_ulp((float) i * 1e-3f));
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < 100000; i++)
        worst = fmax(worst, error_ulp((float) (174 * tw_rng_uniform(&rng) - 87)));
    print_message("  worst error %.2f\n", worst);
    assert_true(worst < 2);
    assert_true(tw_exp_lane(0) == 1);
}

static void the_ends_are_clamped_and_nan_stays(void **state)
{
    (void) state;
    assert_true(tw_exp_lane(-INFINITY) == tw_exp_lane(TW_EXP_MIN));
    assert_true(tw_exp_lane(-1e30f) < 2e-38f);
    assert_true(tw_exp_lane(INFINITY) == tw_exp_lane(TW_EXP_MAX));
    assert_true(tw_exp_lane(1e30f) > 1e38f && isfinite(tw_exp_lane(1e30f)));
    assert_true(isnan(tw_exp_lane(NAN)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(within_two_units_of_the_last_place_of_libm),
        cmocka_unit_test(the_ends_are_clamped_and_nan_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
