#include "base/event_time.h"
#include "tests/support/test.h"

#include <math.h>
#include <string.h>

static void seconds_become_microseconds_or_are_refused_with_the_value(void **state)
{
    (void) state;
    static const struct {
        double seconds;
        bool any;
        int64_t us;         /* where it is one */
        const char *refuse; /* else */
    } cases[] = {
        {0.000001, false, 1, NULL},
        {1588687728, false, 1588687728000000, NULL},
        {1588687728.923456, false, 1588687728923456, NULL},
        {7258118399.999999, false, 7258118399999999, NULL},
        {7258118400, false, 0, "the time 7258118400 is beyond 2200"},
        {7258118400, true, 7258118400000000, NULL},
        {1588687728923, false, 0, "the time 1588687728923 is beyond 2200"},
        {1e12, true, 1000000000000000000, NULL},
        {-1, false, 0, "the time -1 is before 1970"},
        {-1.5, true, -1500000, NULL},
        {1e300, false, 0, "beyond 2200"},
        {1e300, true, 0, "too far away"},
        {-INFINITY, false, 0, "before 1970"},
        {-INFINITY, true, 0, "too far away"},
        {NAN, true, 0, "not a number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tw_error why = {0};
        int64_t us = 0;
        const tw_status st = tw_time_of_seconds(cases[i].seconds, cases[i].any, &us, &why);
        print_message("%.17g\n", cases[i].seconds);
        assert_int_equal(st, cases[i].refuse == NULL ? TW_OK : TW_EINVAL);
        if (cases[i].refuse == NULL)
            assert_int_equal(us, cases[i].us);
        else
            assert_non_null(strstr(why.msg, cases[i].refuse));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seconds_become_microseconds_or_are_refused_with_the_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
