/* Times of events: numbers and ISO 8601 dates, checked against dates worked out by hand. */
#include <stdio.h>
#include <time.h>

#include "ingest/internal.h"
#include "tests/support/test.h"

static void a_time_is_a_number_or_a_date(void **state)
{
    (void) state;
    static const struct {
        const char *s;
        int64_t want;
    } good[] = {
        {"0", 0},
        {"-5", -5},
        {"881250949", 881250949},
        {"1.9", 1},
        {"-1.1", -2},
        {"8.81250949e8", 881250949},
        {"9223372036854775807", INT64_MAX},
        {"1970-01-01", 0},
        {"1969-12-31", -86400},
        {"2000-02-29", 951782400},
        {"1997-12-04T15:55:49Z", 881250949},
        {"1997-12-04 15:55:49", 881250949},
        {"1997-12-04T15:55:49.999Z", 881250949},
        {"1997-12-04T16:55:49+01:00", 881250949},
        {"1997-12-04T10:25:49-0530", 881250949},
        {"1970-01-01T00:01", 60},
        {"1600-03-01", -11670912000},
    };
    static const char *const bad[] = {
        "",
        "x",
        "1x",
        " 1",
        "nan",
        "inf",
        "1e19",
        "0x10",
        "1997-13-01",
        "1997-00-01",
        "1997-02-29",
        "1900-02-29",
        "1997-04-31",
        "1997-1-1",
        "1997-12-04T",
        "1997-12-04T24:00",
        "1997-12-04T10:60",
        "1997-12-04T10:00:61",
        "1997-12-04T10:00+25:00",
        "1997-12-04T10:00Zx",
        "1997-12-04x",
        "1997-12-04T10:00:00.",
        "9223372036854775808",
        "--5",
    };
    int64_t got = 0;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!twi_parse_time(good[i].s, &got) || got != good[i].want)
            fail_msg("'%s': expected %lld, got %lld", good[i].s, (long long) good[i].want,
                     (long long) got);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (twi_parse_time(bad[i], &got))
            fail_msg("'%s' was taken for %lld", bad[i], (long long) got);
    }
}

/* The oracle is the C library's calendar. */
static void every_day_of_four_centuries_agrees_with_timegm(void **state)
{
    (void) state;
    for (int64_t day = -25567; day < 120531; day++) { /* 1900 to 2299 */
        char text[40];
        const time_t want = (time_t) (day * 86400);
        struct tm tm;
        int64_t got = 0;
        assert_non_null(gmtime_r(&want, &tm));
        (void) strftime(text, sizeof text, "%Y-%m-%d", &tm);
        assert_true(twi_parse_time(text, &got));
        assert_int_equal(got, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_a_number_or_a_date),
        cmocka_unit_test(every_day_of_four_centuries_agrees_with_timegm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
