#include "base/text.h"

#include <string.h>

#include "base/size.h"
#include "base/utf8.h"
#include "tests/support/test.h"

static void text_grows_up_to_its_cap_and_no_further(void **state)
{
    (void) state;
    tw_text t;
    tw_text_init(&t, 5);
    assert_string_equal(tw_text_cstr(&t), "");
    assert_ok(tw_text_adds(&t, "abc", err));
    assert_status(tw_text_adds(&t, "def", err), TW_EINVAL);
    assert_string_equal(tw_text_cstr(&t), "abc"); /* a refused append changes nothing */
    assert_ok(tw_text_addf(&t, err, "%d", 42));
    assert_string_equal(tw_text_cstr(&t), "abc42");
    assert_status(tw_text_add(&t, "x", 1, err), TW_EINVAL);
    tw_text_clear(&t);
    assert_ok(tw_text_adds(&t, "12345", err));
    tw_text_fini(&t);
}

static void utf8_rules(void **state)
{
    (void) state;
    static const struct {
        const char *rule, *bytes;
        bool valid;
    } rows[] = {
        {"ASCII", "abc", true},
        {"empty", "", true},
        {"two bytes", "\xc3\xa9", true},
        {"three bytes", "\xe2\x82\xac", true},
        {"four bytes", "\xf0\x9f\x8e\xac", true},
        {"the last code point", "\xf4\x8f\xbf\xbf", true},
        {"U+FFFD itself is a character", "\xef\xbf\xbd", true},
        {"past the last code point", "\xf4\x90\x80\x80", false},
        {"overlong slash", "\xc0\xaf", false},
        {"overlong in three", "\xe0\x80\xaf", false},
        {"surrogate", "\xed\xa0\x80", false},
        {"lone continuation", "\x80", false},
        {"cut short", "\xe2\x82", false},
        {"wrong continuation", "\xc3(", false},
        {"0xff", "\xff", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (tw_utf8_valid(rows[i].bytes, strlen(rows[i].bytes)) != rows[i].valid)
            fail_msg("rule: %s", rows[i].rule);
    assert_false(tw_utf8_valid("a\0b", 3));
}

static void utf8_put_and_next_are_inverse(void **state)
{
    (void) state;
    for (uint32_t cp = 1; cp <= 0x10ffff; cp += 7) {
        char out[4];
        size_t used, n;
        if (cp >= 0xd800 && cp <= 0xdfff)
            continue;
        n = tw_utf8_put(out, cp);
        assert_int_equal(tw_utf8_next(out, n, &used), cp);
        assert_int_equal(used, n);
    }
}

static void latin1_becomes_utf8(void **state)
{
    (void) state;
    tw_text t;
    tw_text_init(&t, 100);
    assert_ok(tw_text_add_latin1(&t, "caf\xe9", 4, err));
    assert_string_equal(tw_text_cstr(&t), "caf\xc3\xa9");
    tw_text_fini(&t);
}

static void numbers_are_parsed_whole_or_not_at_all(void **state)
{
    (void) state;
    int64_t i = 7;
    double d = 7;
    assert_true(tw_parse_i64("-42", &i));
    assert_int_equal(i, -42);
    assert_true(tw_parse_i64("9223372036854775807", &i));
    static const char *const bad_ints[] = {"",     "-",  " 1",  "1 ",  "1x",
                                           "0x10", "+1", "1.0", "--1", "9223372036854775808"};
    for (size_t k = 0; k < sizeof bad_ints / sizeof bad_ints[0]; k++)
        assert_false(tw_parse_i64(bad_ints[k], &i));
    assert_true(tw_parse_f64("-1.5e3", &d));
    assert_near(d, -1500, 0);
    static const char *const bad_floats[] = {"", " 1", "1 ", "nan", "inf", "1e999", "1,5", "x"};
    for (size_t k = 0; k < sizeof bad_floats / sizeof bad_floats[0]; k++)
        assert_false(tw_parse_f64(bad_floats[k], &d));
    assert_near(d, -1500, 0);
}

static void sizes_that_do_not_fit_are_refused(void **state)
{
    (void) state;
    size_t out = 3;
    assert_true(tw_size_mul(6, 7, &out) && out == 42);
    assert_false(tw_size_mul(SIZE_MAX / 2 + 1, 2, &out));
    assert_true(tw_size_add(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
    assert_false(tw_size_add(SIZE_MAX, 1, &out));
    assert_true(out == SIZE_MAX);
}

static void control_characters_are_found(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        uint32_t want;
    } rows[] = {{"", 0},
                {"plain \xc3\xa9 \xe2\x80\x8f \xf0\x9f\x98\x80", 0}, /* U+200F marks a direction */
                {"a\tb", 9},
                {"\x1b[31m", 0x1b},
                {"x\x7f", 0x7f},
                {"\xc2\x85", 0x85},
                {"\xc2\xa0", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(tw_utf8_control(rows[i].text, strlen(rows[i].text)), rows[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_are_found),
        cmocka_unit_test(text_grows_up_to_its_cap_and_no_further),
        cmocka_unit_test(utf8_rules),
        cmocka_unit_test(utf8_put_and_next_are_inverse),
        cmocka_unit_test(latin1_becomes_utf8),
        cmocka_unit_test(numbers_are_parsed_whole_or_not_at_all),
        cmocka_unit_test(sizes_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
