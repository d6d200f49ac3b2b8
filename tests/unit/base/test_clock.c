#include "base/clock.h"

#include <stdlib.h>
#include <time.h>

#include "tests/support/test.h"

static void durations_never_go_back(void **state)
{
    double before = tw_clock_monotonic();
    (void) state;
    for (int i = 0; i < 1000; i++) {
        const double now = tw_clock_monotonic();
        assert_true(now >= before && now - before < 60);
        before = now;
    }
}

static void durations_are_finer_than_a_second(void **state)
{
    const double start = tw_clock_monotonic();
    double now = start;
    (void) state;
    while (now <= start)
        now = tw_clock_monotonic();
    assert_true(now - start < 0.9);
}

/* 2020-01-01 lies behind every clock that is set. */
static void the_date_is_of_this_century(void **state)
{
    (void) state;
    assert_true(tw_clock_unix() > 1577836800);
}

static void dates_are_written_in_utc(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z"},          {951782400, "2000-02-29T00:00:00Z"},
        {1777636800, "2026-05-01T12:00:00Z"}, {-1, "1969-12-31T23:59:59Z"},
        {4102444799, "2099-12-31T23:59:59Z"},
    };
    char buf[24];
    (void) state;
    assert_int_equal(setenv("TZ", "EST5EDT", 1), 0); /* a zone must not matter */
    tzset();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(tw_clock_iso8601(buf, sizeof buf, rows[i].seconds), rows[i].text);
}

/* A time that no calendar has gives an empty text, not what was there before. */
static void an_impossible_time_gives_nothing(void **state)
{
    char buf[24] = "before";
    (void) state;
    assert_string_equal(tw_clock_iso8601(buf, sizeof buf, INT64_MAX), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_never_go_back),
        cmocka_unit_test(durations_are_finer_than_a_second),
        cmocka_unit_test(the_date_is_of_this_century),
        cmocka_unit_test(dates_are_written_in_utc),
        cmocka_unit_test(an_impossible_time_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
