#include <math.h>

#include "cli/plot/plot.h"
#include "tests/support/test.h"

static void ticks_are_round_and_few(void **state)
{
    (void) state;
    static const struct {
        double least, most;
        int wanted;
        double step;
    } rows[] = {
        {0, 100, 5, 20},     {0, 117, 8, 20},      {0, 10, 10, 1},
        {5.9, 7.05, 5, 0.5}, {0, 0.13, 5, 0.05},   {-1, 1, 4, 0.5},
        {0, 0.001, 5, 2e-4}, {0, 86400, 8, 20000}, {3, 3, 5, 1}, /* no width: any step will do */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_close(plot_step(rows[i].least, rows[i].most, rows[i].wanted), rows[i].step, 1e-12);
}

/* CIE L* of an sRGB colour: another measure of lightness than the one the scale was made with. */
static double lightness(const double rgb[3])
{
    static const double weight[] = {0.2126, 0.7152, 0.0722};
    double y = 0;
    for (int i = 0; i < 3; i++)
        y += weight[i] * (rgb[i] <= 0.04045 ? rgb[i] / 12.92 : pow((rgb[i] + 0.055) / 1.055, 2.4));
    return y > 0.008856 ? 116 * cbrt(y) - 16 : 903.3 * y;
}

static void equal_steps_of_value_are_equal_steps_of_lightness(void **state)
{
    (void) state;
    enum { STEPS = 20 };
    double first[3], last[3], before[3];
    plot_colour(0, first);
    plot_colour(1, last);
    double mean = (lightness(first) - lightness(last)) / STEPS;
    assert_true(lightness(first) > 94); /* fades into the paper */
    assert_true(mean > 3);
    for (int i = 0; i <= STEPS; i++) {
        double rgb[3];
        plot_colour((double) i / STEPS, rgb);
        for (int c = 0; c < 3; c++) /* a colour cut off at the screen's edge would show as a seam */
            assert_true(rgb[c] > 0.005 && rgb[c] < 0.995);
        if (i > 0)
            assert_in_range((int) (100 * (lightness(before) - lightness(rgb)) / mean), 75, 125);
        for (int c = 0; c < 3; c++)
            before[c] = rgb[c];
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_round_and_few),
        cmocka_unit_test(equal_steps_of_value_are_equal_steps_of_lightness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
