/* Times of events: what a column of them means, and each form that programs and people write,
 * checked against dates worked out by hand. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ingest/internal.h"
#include "tests/support/test.h"
#include "tests/unit/ingest/ingest_rows.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define S        INT64_C(1000000)
#define OCT_31   (INT64_C(1730332800) * S) /* 2024-10-31 */
#define MAY_1    (INT64_C(1714521600) * S) /* 2024-05-01 */
#define AT_21_30 (INT64_C(77400) * S)

/* Longer than any time that is read, though each part of it might be one. */
#define BLANKS    "                      "
#define LONG_TIME "2024-05-01T21:30:00" BLANKS BLANKS BLANKS BLANKS "."

/* By the rule of a column that holds this value alone; an open order is day first. */
static bool read_alone(const char *s, int64_t *us)
{
    twi_time_sample sample = {0};
    twi_time_rule rule;
    twi_time_add(&sample, s, 1);
    if (twi_time_decide(&sample, &rule, NULL) != TW_OK)
        rule = (twi_time_rule){TWI_TIME_DATES, TWI_DAY_FIRST};
    return twi_time_read(&rule, s, us, NULL) == TW_OK;
}

static void every_form_is_read(void **state)
{
    (void) state;
    static const struct {
        const char *s;
        int64_t want;
    } good[] = {
        {"0", 0},
        {"-5", -5 * S},
        {"881250949", 881250949 * S},
        {"881250949.25", 881250949 * S + 250000},
        {"881250949.9999994", 881250949 * S + 999999},
        {"12.699999999999999", 12700000},
        {"1.9", 1900000},
        {"-1.1", -1100000},
        {"8.81250949e8", 881250949 * S},
        {"1588687728923", INT64_C(1588687728923000)},
        {"1588687728923.5", INT64_C(1588687728923500)},
        {"1.588687728923E12", INT64_C(1588687728923000)},
        {"1588687728923456", INT64_C(1588687728923456)},
        {"1588687728923456789", INT64_C(1588687728923456)},
        {"20240501", MAY_1},
        {"20240501213000", MAY_1 + AT_21_30},
        {"1970-01-01", 0},
        {"1969-12-31", -86400 * S},
        {"2000-02-29", 951782400 * S},
        {"1600-03-01", -11670912000 * S},
        {"1997-12-04T15:55:49Z", 881250949 * S},
        {"1997-12-04 15:55:49", 881250949 * S},
        {"1997-12-04T15:55:49.999Z", 881250949 * S + 999000},
        {"1997-12-04T15:55:49,9999999Z", 881250949 * S + 999999},
        {"1997-12-04T16:55:49+01:00", 881250949 * S},
        {"1997-12-04T10:25:49-0530", 881250949 * S},
        {"1997-12-04 10:55:49-05", 881250949 * S},
        {"1997-12-04 15:55:49 UTC", 881250949 * S},
        {"1997-12-04 15:55:49 +0000", 881250949 * S},
        {"1997-12-04 15:55:49.000000+00:00", 881250949 * S},
        {"1997-12-04 10:55:49 EST", 881250949 * S},
        {"1997-12-04T21:25:49+05:30:00", 881250949 * S},
        {"1997-12-04  15:55:49", 881250949 * S},
        {"1997-12-04T15:55Z", 881250900 * S},
        {"31-OCT-2024", OCT_31},
        {" 1997-12-04 15:55:49 ", 881250949 * S},
        {"19971204T155549Z", 881250949 * S},
        {"1970-01-01T00:01", 60 * S},
        {"2024-05-01Z", MAY_1},
        {"2024/05/01", MAY_1},
        {"2024/5/1 0:00", MAY_1},
        {"2024.05.01", MAY_1},
        {"2024-May-01", MAY_1},
        {"01.05.2024", MAY_1},
        {"31.10.2024", OCT_31},
        {"31.10.24 21:30", OCT_31 + AT_21_30},
        {"31/10/2024", OCT_31},
        {"31-10-2024 21:30:00", OCT_31 + AT_21_30},
        {"10/31/2024", OCT_31},
        {"10/31/2024 9:30 PM", OCT_31 + AT_21_30},
        {"10/31/24, 9:30\u202fPM", OCT_31 + AT_21_30},
        {"10/31/2024 09:30:00 p.m.", OCT_31 + AT_21_30},
        {"10/31/2024 12:00 am", OCT_31},
        {"10/31/2024 12:30 PM", OCT_31 + 45000 * S},
        {"31 Oct 2024", OCT_31},
        {"31-Oct-2024", OCT_31},
        {"31 Oct 2024, 21:30", OCT_31 + AT_21_30},
        {"31/Oct/2024:21:30:00 +0000", OCT_31 + AT_21_30},
        {"Oct 31, 2024", OCT_31},
        {"October 31 2024", OCT_31},
        {"Oct 31, 2024, 9:30:00 PM UTC", OCT_31 + AT_21_30},
        {"October 31, 2024 at 9:30 PM", OCT_31 + AT_21_30},
        {"10 31, 2024", OCT_31},
        {"Thu, 31 Oct 2024 21:30:00 +0000", OCT_31 + AT_21_30},
        {"Thu, 31 Oct 2024 21:30:00 GMT", OCT_31 + AT_21_30},
        {"Thu Oct 31 21:30:00 2024", OCT_31 + AT_21_30},
        {"Thu Oct 31 21:30:00 +0000 2024", OCT_31 + AT_21_30},
        {"Thu Oct 31 2024 22:30:00 GMT+0100 (Central European Standard Time)", OCT_31 + AT_21_30},
    };
    int64_t got = 0;
    for (size_t i = 0; i < COUNT(good); i++) {
        if (!read_alone(good[i].s, &got) || got != good[i].want)
            fail_msg("'%s': expected %lld, got %lld", good[i].s, (long long) good[i].want,
                     (long long) got);
    }
}

static void what_is_no_time_is_none(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",
        " ",
        "x",
        "1x",
        "nan",
        "inf",
        "1e19",
        "0x10",
        "--5",
        "9223372036854775808",
        "1997-13-01",
        "1997-00-01",
        "1997-02-29",
        "1900-02-29",
        "1997-04-31",
        "31.02.2024",
        "13/13/2024",
        "10/31",
        "Oct 2024",
        "Foo 31, 2024",
        "1997-12/04",
        "1997-12-04T",
        "1997-12-04T24:00",
        "1997-12-04T10:60",
        "1997-12-04T10:00:61",
        "1997-12-04T10:00+25:00",
        "1997-12-04T10:00Zx",
        "1997-12-04T10:00 XYZ",
        "1997-12-04x",
        "1997-12-04T10:00:00.",
        "10/31/2024 13:30 PM",
        "10/31/2024 0:30 AM",
        "1997-12-04T10:00:00 (unclosed",
        "1997-12-04 1997-12-04",
        LONG_TIME,
    };
    int64_t got = 0;
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (read_alone(bad[i], &got))
            fail_msg("'%s' was taken for %lld", bad[i], (long long) got);
    }
}

static void a_column_decides_what_a_value_leaves_open(void **state)
{
    (void) state;
    static const struct {
        const char *values[6];
        const char *rule; /* its name, or a part of the refusal */
    } cases[] = {
        {{"1", "2", "3"}, "numbers"},
        {{"0", "881250949"}, "seconds"},
        {{"1588687728.5", "1588687729"}, "seconds"},
        {{"0", "1588687728923"}, "milliseconds"},
        {{"1588687728923456"}, "microseconds"},
        {{"1588687728923456789", "-1"}, "nanoseconds"},
        {{"20240501", "20231231"}, "digits"},
        {{"20240501", "20241332"}, "numbers"}, /* no month 13 */
        {{"20240501103000"}, "digits"},
        {{"2024-05-01", "nonsense"}, "dates"},
        {{"01/02/2024", "13/02/2024"}, "day-first"},
        {{"01/02/2024", "01/13/2024"}, "month-first"},
        {{"01.02.2024"}, "dates"},
        {{"2/2/2024", "3/3/2024"}, "dates"}, /* the same either way */
        {{"01/02/2024", "03/02/2024"}, "'01/02/2024' in line 1"},
        {{"01/02/2024", "03/02/2024"}, "--time-format day-first or month-first"},
        {{"13/02/2024", "01/13/2024"},
         "'13/02/2024' in line 1 is day-first, '01/13/2024' in line 2"},
        {{"1588687728", "1588687728923"},
         "'1588687728' in line 1 is in seconds, '1588687728923' in line 2 is in milliseconds"},
        {{"1588687728", "2024-05-01"}, "'2024-05-01' in line 2 is a date"},
        {{"soon"}, "numbers"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        twi_time_sample sample = {0};
        twi_time_rule rule;
        tw_error why = {0};
        for (int64_t v = 0; v < 6 && cases[i].values[v] != NULL; v++)
            twi_time_add(&sample, cases[i].values[v], v + 1);
        const tw_status st = twi_time_decide(&sample, &rule, &why);
        const char *got = st == TW_OK ? twi_time_rule_name(&rule) : why.msg;
        if (st == TW_OK ? strcmp(got, cases[i].rule) != 0 : strstr(got, cases[i].rule) == NULL)
            fail_msg("'%s' ...: expected %s, got %s", cases[i].values[0], cases[i].rule, got);
    }
}

static void every_rule_is_known_by_its_name(void **state)
{
    (void) state;
    static const char *const names[] = {"seconds",     "milliseconds", "microseconds",
                                        "nanoseconds", "digits",       "dates",
                                        "day-first",   "month-first",  "numbers"};
    twi_time_rule rule;
    tw_error why = {0};
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_ok(twi_time_rule_parse(names[i], &rule, err));
        assert_string_equal(twi_time_rule_name(&rule), names[i]);
        assert_status(twi_time_rule_parse("fortnights", &rule, &why), TW_EINVAL);
        assert_non_null(strstr(why.msg, names[i]));
    }
}

/* The oracle is the C library's calendar. */
static void every_day_of_four_centuries_agrees_with_timegm(void **state)
{
    (void) state;
    static const char *const forms[] = {"%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y %H:%M:%S",
                                        "%a, %d %b %Y %H:%M:%S +0000"};
    for (int64_t day = -25567; day < 120531; day++) { /* 1900 to 2299 */
        char text[64];
        const time_t want = (time_t) (day * 86400);
        struct tm tm;
        int64_t got = 0;
        assert_non_null(gmtime_r(&want, &tm));
        (void) strftime(text, sizeof text, forms[day & 3], &tm);
        assert_true(read_alone(text, &got));
        if (got != want * S)
            fail_msg("'%s': %lld", text, (long long) got);
    }
}

/* ---- whole files ----------------------------------------------------------------------------- */

static void logs_are_read_in_the_unit_of_their_column(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"milliseconds", "a.csv", "user,item,time\nu,i,1588687728923\nu,j,0\n",
         "u|i|1588687728.923|-\nu|j|0|-\n"},
        {"nanoseconds", "a.csv", "user,item,time\nu,i,1588687728923456789\n",
         "u|i|1588687728.923456|-\n"},
        {"fractions of ISO dates", "a.csv",
         "user,item,time\nu,i,2024-01-01T10:51:09.900Z\nu,j,2024-01-01T10:51:09.100Z\n",
         "u|i|1704106269.9|-\nu|j|1704106269.1|-\n"},
        {"day first", "a.csv", "user,item,date\nu,i,01/02/2024\nu,j,31/01/2024\n",
         "u|i|1706745600|-\nu|j|1706659200|-\n"},
        {"month first", "a.csv", "user,item,date\nu,i,01/02/2024 9:30 PM\nu,j,1/31/2024\n",
         "u|i|1704231000|-\nu|j|1706659200|-\n"},
        {"open", "a.csv", "user,item,date\nu,i,01/02/2024\n",
         "? 'a.csv': no value of the column tells whether '01/02/2024' in line 2 has the day or "
         "the "
         "month first; say --time-format day-first or month-first\n"},
        {"one of another unit is a bad row", "a.csv",
         "user,item,time\nu,a,1588687728\nu,b,1588687729\nu,c,1588687730\nu,d,1588687731\n"
         "u,e,1588687732\nu,f,1588687733\nu,g,1588687734\nu,h,1588687735\nu,i,1588687736\n"
         "u,j,1588687737923\n",
         "u|a|1588687728|-\nu|b|1588687729|-\nu|c|1588687730|-\nu|d|1588687731|-\n"
         "u|e|1588687732|-\nu|f|1588687733|-\nu|g|1588687734|-\nu|h|1588687735|-\n"
         "u|i|1588687736|-\n! line 11: the time '1588687737923' is in milliseconds, and the column "
         "holds seconds\n"},
        {"one before 1970, one beyond 2200", "a.csv",
         "user,item,time\nu,i,-5\nu,j,7258118400\nu,k,5\n",
         "! line 2: the time '-5' is before 1970; an event's time lies from 1970 to 2199 "
         "(--allow-future takes any)\n! line 3: the time '7258118400' is beyond 2200; an event's "
         "time lies from 1970 to 2199 (--allow-future takes any)\nu|k|5|-\n"},
        {"a date before 1970", "a.csv", "user,item,time\nu,i,1969-12-31\n",
         "! line 2: the time '1969-12-31' is before 1970; an event's time lies from 1970 to 2199 "
         "(--allow-future takes any)\n"},
        {"the hours in a column of their own", "a.csv",
         "date,time,user,item\n01/12/2024,21:30,u,i\n01/13/2024,9:30 PM,u,j\n01/13/2024,,u,k\n",
         "u|i|1705095000|-\nu|j|1705181400|-\nu|k|1705104000|-\n"},
        {"lines of JSON", "a.jsonl",
         "{\"user\":\"u\",\"item\":\"i\",\"time\":1588687728923}\n"
         "{\"user\":\"u\",\"item\":\"j\",\"rating\":1}\n",
         "u|i|1588687728.923|-\n! line 2: the row has no time, unlike the first ones of the "
         "file\n"},
        {"lines of JSON without times", "a.jsonl",
         "{\"user\":\"u\",\"item\":\"i\"}\n{\"user\":\"u\",\"item\":\"j\"}\n",
         "u|i|1|-\nu|j|2|-\n"},
        {"an array of JSON", "a.json",
         "[{\"user\":\"u\",\"item\":\"i\",\"time\":\"2024-01-01T10:51:09.5+00:00\"}]",
         "u|i|1704106269.5|-\n"},
    };
    check_rows(TW_INGEST_EVENTS, cases, COUNT(cases));
}

static void a_named_format_and_any_time_are_taken(void **state)
{
    (void) state;
    static const tw_reader_options month = {.time_format = "month-first"};
    static const rows_case open = {"month first", "a.csv", "user,item,date\nu,i,01/02/2024\n",
                                   "u|i|1704153600|-\n"};
    check_rows_with(TW_INGEST_EVENTS, &month, &open);
    static const tw_reader_options any = {.allow_future = true};
    static const rows_case far = {"any", "a.csv", "user,item,time\nu,i,-5\nu,j,7258118400\n",
                                  "u|i|-5|-\nu|j|7258118400|-\n"};
    check_rows_with(TW_INGEST_EVENTS, &any, &far);
    static const tw_reader_options weeks = {.time_format = "weeks"};
    static const rows_case unknown = {"unknown", "a.csv", "user,item,time\nu,i,5\n",
                                      "? there is no time format 'weeks'; there are seconds, "
                                      "milliseconds, microseconds, nanoseconds, digits, dates, "
                                      "day-first, month-first, numbers\n"};
    check_rows_with(TW_INGEST_EVENTS, &weeks, &unknown);
    static const rows_case items = {"items", "a.csv", "id,title\n1,x\n",
                                    "? items have no time that a time format could be for\n"};
    check_rows_with(TW_INGEST_ITEMS, &month, &items);
}

/* A log in order of time, whose first value that decides is far behind the head; after the look
 * ahead every row is still given. */
static void the_order_of_day_and_month_may_be_decided_late(void **state)
{
    (void) state;
    const int n = 60000;
    tw_text log;
    tw_reader *r = NULL;
    tw_row row;
    bool got = true;
    tw_text_init(&log, 4 << 20);
    assert_ok(tw_text_adds(&log, "user,item,date\n", err));
    for (int i = 0; i < n; i++)
        assert_ok(tw_text_addf(&log, err, "user%d,item%d,%02d/01/2024\n", i, i,
                               1 + i * 13 / n)); /* the 13th at the end */
    const char *path = tw_test_path("late.csv");
    assert_ok(tw_file_replace(path, log.data, log.len, err));
    assert_ok(tw_reader_open(&r, path, TW_INGEST_EVENTS, NULL, err));
    for (int i = 0; i < n; i++) {
        assert_ok(tw_reader_next(r, &row, &got, err));
        assert_true(got && row.line == i + 2);
        assert_int_equal(row.time, (INT64_C(1704067200) + i * 13 / n * 86400) * S);
    }
    assert_ok(tw_reader_next(r, &row, &got, err));
    assert_false(got);
    tw_reader_close(r);
    tw_text_fini(&log);
}

static void one_time_is_read_as_a_person_gives_it(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int64_t want;
        const char *refusal;
    } cases[] = {
        {"1588687728", 1588687728 * S, NULL},
        {"1588687728.25", 1588687728 * S + 250000, NULL},
        {"2024-05-01", MAY_1, NULL},
        {"2024-05-01 21:30 +0000", MAY_1 + AT_21_30, NULL},
        {"1588687728923", 0, "'1588687728923' is beyond 2200"},
        {"-1", 0, "'-1' is before 1970"},
        {"01/02/2024", 0, "'01/02/2024' has the day or the month first"},
        {"31/10/2024", OCT_31, NULL},
        {"soon", 0, "'soon' is neither a number nor a date"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        tw_error why = {0};
        int64_t us;
        const tw_status st = tw_ingest_parse_time(cases[i].text, false, &us, &why);
        if (cases[i].refusal == NULL ? st != TW_OK || us != cases[i].want
                                     : st != TW_EINVAL || strstr(why.msg, cases[i].refusal) == NULL)
            fail_msg("'%s': %lld, %s", cases[i].text, (long long) us, why.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(what_is_no_time_is_none),
        cmocka_unit_test(a_column_decides_what_a_value_leaves_open),
        cmocka_unit_test(every_rule_is_known_by_its_name),
        cmocka_unit_test(every_day_of_four_centuries_agrees_with_timegm),
        cmocka_unit_test(logs_are_read_in_the_unit_of_their_column),
        cmocka_unit_test(a_named_format_and_any_time_are_taken),
        cmocka_unit_test(the_order_of_day_and_month_may_be_decided_late),
        cmocka_unit_test(one_time_is_read_as_a_person_gives_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
