#include "base/size.h"

#include <stdint.h>

#include "tests/support/test.h"

static void what_fits_is_counted(void **state)
{
    size_t n = 0;
    (void) state;
    assert_true(tw_size_mul(6, 7, &n));
    assert_int_equal(n, 42);
    assert_true(tw_size_mul(0, SIZE_MAX, &n));
    assert_int_equal(n, 0);
    assert_true(tw_size_mul(SIZE_MAX / 8, 8, &n));
    assert_true(n == SIZE_MAX - 7);
    assert_true(tw_size_add(SIZE_MAX - 1, 1, &n));
    assert_true(n == SIZE_MAX);
    assert_true(tw_size_add(40, 2, &n));
    assert_int_equal(n, 42);
}

static void what_does_not_fit_leaves_the_result_alone(void **state)
{
    size_t n = 5;
    (void) state;
    assert_false(tw_size_mul(SIZE_MAX / 8 + 1, 8, &n));
    assert_false(tw_size_mul((size_t) 1 << 32, (size_t) 1 << 32, &n));
    assert_false(tw_size_mul(SIZE_MAX, SIZE_MAX, &n));
    assert_false(tw_size_add(SIZE_MAX, 1, &n));
    assert_false(tw_size_add(SIZE_MAX - 5, 6, &n));
    assert_int_equal(n, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_counted),
        cmocka_unit_test(what_does_not_fit_leaves_the_result_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
