/* The line that shows how far a command is. */
#include "tests/support/test.h"

#include <string.h>

#include "cli/meter.h"

static const meter_state half = {.stage = "training",
                                 .unit = "users",
                                 .done = 600,
                                 .total = 1200,
                                 .started = 100,
                                 .reported = 110,
                                 .note = "epoch 3/6  loss 5.1250"};

static void a_line_says_stage_share_speed_and_time_left(void **state)
{
    char out[METER_LINE];
    (void) state;
    meter_line(out, "seq", &half, 110, false, 0);
    assert_string_equal(out, "seq  training  50 %  60 users/s  10 s left  epoch 3/6  loss 5.1250");
    meter_line(out, "seq", &half, 110, true, 0);
    assert_string_equal(out,
                        "seq  training [############............]  50 %  60 users/s  10 s left  "
                        "epoch 3/6  loss 5.1250");
}

static void what_was_there_before_is_no_speed(void **state)
{
    char out[METER_LINE];
    meter_state s = half;
    (void) state;
    s.first = 590; /* a checkpoint had these */
    s.note[0] = '\0';
    meter_line(out, "seq", &s, 110, false, 0);
    assert_string_equal(out, "seq  training  50 %  1.0 users/s  10 min left");
    s.first = s.done;
    meter_line(out, "seq", &s, 110, false, 0);
    assert_string_equal(out, "seq  training  50 %");
}

static void times_are_in_the_unit_that_fits(void **state)
{
    static const struct {
        int64_t total;
        const char *left;
    } rows[] = {{601, "0 s left"},
                {6540, "99 s left"},
                {6600, "2 min left"},
                {600 + 359000, "100 min left"},
                {600 + 360000, "1.7 h left"}};
    char out[METER_LINE];
    meter_state s = half;
    (void) state;
    s.note[0] = '\0';
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        s.total = rows[i].total;
        meter_line(out, "seq", &s, 110, false, 0);
        assert_non_null(strstr(out, rows[i].left));
    }
}

static void a_hundred_is_what_is_done(void **state)
{
    char out[METER_LINE];
    meter_state s = half;
    (void) state;
    s.done = 1199;
    meter_line(out, "seq", &s, 110, false, 0);
    assert_non_null(strstr(out, " 99 %"));
    s.done = 1200;
    meter_line(out, "seq", &s, 110, false, 0);
    assert_non_null(strstr(out, "100 %"));
    assert_null(strstr(out, "left"));
}

static void without_a_total_it_counts(void **state)
{
    char out[METER_LINE];
    const meter_state s = {
        .stage = "reading", .done = 12345, .unit = "rows", .started = 1, .reported = 3};
    (void) state;
    meter_line(out, "films", &s, 3, true, 0);
    assert_string_equal(out, "films  reading 12345  6172 rows/s");
}

static void an_old_report_shows_its_age(void **state)
{
    char out[METER_LINE];
    meter_state s = half;
    (void) state;
    s.note[0] = '\0';
    meter_line(out, "seq", &s, 111.9, true, 0);
    assert_null(strchr(out, '('));
    meter_line(out, "seq", &s, 117.5, true, 0);
    assert_non_null(strstr(out, " (7 s)"));
    meter_line(out, "seq", &s, 117.5, false, 0);
    assert_null(strchr(out, '(')); /* off a terminal there is a line a report, not a clock */
    const meter_state none = {.started = 1, .reported = 1};
    meter_line(out, "seq", &none, 4, true, 0);
    assert_string_equal(out, "seq  starting   (3 s)");
}

static void a_line_fits_the_terminal(void **state)
{
    char out[METER_LINE];
    meter_state s = half;
    (void) state;
    meter_line(out, "seq", &s, 110, true, 40);
    assert_string_equal(out, "seq  training [############............]");
    memset(s.note, 'x', sizeof s.note - 1);
    meter_line(out, "seq", &s, 110, true, 0);
    assert_true(strlen(out) > sizeof s.note && strlen(out) < METER_LINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_says_stage_share_speed_and_time_left),
        cmocka_unit_test(what_was_there_before_is_no_speed),
        cmocka_unit_test(times_are_in_the_unit_that_fits),
        cmocka_unit_test(a_hundred_is_what_is_done),
        cmocka_unit_test(without_a_total_it_counts),
        cmocka_unit_test(an_old_report_shows_its_age),
        cmocka_unit_test(a_line_fits_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
