/* Values from outside: what steers a terminal or forges a line becomes visible. */
#include "base/printable.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "tests/support/test.h"

static size_t format(char *out, size_t room, bool quoted, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static size_t format(char *out, size_t room, bool quoted, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const size_t n = tw_printable_vsnprintf(out, room, quoted, fmt, ap);
    va_end(ap);
    assert_int_equal(n, strlen(out));
    return n;
}

static const struct {
    const char *value, *shown;
} values[] = {
    {"plain text \\ \"quoted\"", "plain text \\ \"quoted\""},
    {"two\nlines\ttab\rback", "two\\nlines\\ttab\\rback"},
    {"\x1b[31mred\x07\x7f", "\\x1b[31mred\\x07\\x7f"},
    {"\xc2\x9b"
     "31m\xc2\x85",
     "\\u009b31m\\u0085"}, /* C1: CSI and next line */
    {"\xe2\x80\xae"
     "exe.txt",
     "\\u202eexe.txt"}, /* right-to-left override */
    {"\xe2\x81\xa6x\xe2\x81\xa9\xe2\x80\x8f\xd8\x9c", "\\u2066x\\u2069\\u200f\\u061c"},
    {"\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf\xe2\x80\x8b", "\\u2028\\u2029\\ufeff\\u200b"},
    {"\xf3\xa0\x81\x81", "\\U000e0041"}, /* a tag character */
    {"\xff\xc3", "\\xff\\xc3"},          /* no UTF-8 */
    {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* a surrogate */
    {"caf\xc3\xa9 \xe4\xb8\xad \xef\xbf\xbd", "caf\xc3\xa9 \xe4\xb8\xad \xef\xbf\xbd"},
    {"\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9",
     "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9"},
    {"\xd8\xb9\xd8\xb1\xd8\xa8\xd9\x8a", "\xd8\xb9\xd8\xb1\xd8\xa8\xd9\x8a"},
    {"", ""},
};

static void what_steers_a_terminal_becomes_visible(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char out[200], again[200];
        format(out, sizeof out, false, "<%s>", values[i].value);
        assert_int_equal(strlen(out), strlen(values[i].shown) + 2);
        assert_memory_equal(out + 1, values[i].shown, strlen(values[i].shown));
        format(again, sizeof again, false, "%s", out); /* once is enough */
        assert_string_equal(out, again);
        assert_int_equal(tw_printable_columns(values[i].value, strlen(values[i].value)),
                         tw_printable_columns(values[i].shown, strlen(values[i].shown)));
    }
}

static void a_quoted_value_cannot_end_itself(void **state)
{
    char out[100];
    (void) state;
    format(out, sizeof out, true, "a=\"%s\" b=%c", "x\" b=\\1", '"');
    assert_string_equal(out, "a=\"x\\\" b=\\\\1\" b=\\\"");
}

/* Every other conversion gives what printf gives. */
#define SAME(...)                                                                                  \
    do {                                                                                           \
        char ours[700], theirs[700];                                                               \
        (void) snprintf(theirs, sizeof theirs, __VA_ARGS__);                                       \
        format(ours, sizeof ours, false, __VA_ARGS__);                                             \
        assert_string_equal(ours, theirs);                                                         \
    } while (0)

static void numbers_are_as_printf_has_them(void **state)
{
    char out[1];
    (void) state;
    SAME("%d %5d|%-5d|%05d|%+d|% d|%i", 7, 7, 7, 7, 7, 7, -7);
    SAME("%ld %lld %zu %zd %jd %td", LONG_MIN, LLONG_MIN, SIZE_MAX, (ssize_t) -1, INTMAX_MIN,
         (ptrdiff_t) -3);
    SAME("%u %lu %llu %x %#X %o %04x", UINT_MAX, ULONG_MAX, ULLONG_MAX, 255u, 255u, 8u, 10u);
    SAME("%hhd %hd %hhu", (signed char) 3, (short) 4, (unsigned char) 5);
    SAME("%f %.3f %8.2f|%-8.1f|%g %.9g %e %G", 1.5, 2.0 / 3, 3.14159, 2.5, 1e-9, 1.0 / 3, 12345.678,
         1e20);
    SAME("%f %Lg", 1e300, (long double) 2.5);
    SAME("%.0f %5.1f %%", 2.5, 99.95);
    SAME("%*d|%-*d|%.*f", 6, 42, 6, 42, 2, 1.0 / 3);
    SAME("%s %10s|%-10s|%.2s|%*s|%-*s|%.*s", "ab", "ab", "ab", "abcdef", 5, "ab", 5, "ab", 3,
         "abcdef");
    SAME("%c%c", 'a', 'b');
    SAME("%p", (void *) out);
    SAME("no conversion at all");
    SAME("%s", "");
}

static void widths_count_columns_and_cuts_respect_characters(void **state)
{
    char out[100];
    const char not_ended[3] = {'a', '\xc3', '\xa9'};
    (void) state;
    format(out, sizeof out, false, "%-6s|", "\xc3\xa9\xc3\xa9");
    assert_string_equal(out, "\xc3\xa9\xc3\xa9    |");
    format(out, sizeof out, false, "%6s|", "a\nb");
    assert_string_equal(out, "  a\\nb|");
    format(out, sizeof out, false, "%.3s|%.2s|", "\xc3\xa9\xc3\xa9", "\xe4\xb8\xad");
    assert_string_equal(out, "\xc3\xa9||");
    format(out, sizeof out, false, "%.*s|", 3, not_ended);
    assert_string_equal(out, "a\xc3\xa9|");
    for (size_t room = 1; room < 9; room++) {
        format(out, room, false, "%s\xe4\xb8\xad", "a\x1b");
        assert_true(strlen(out) < room);
        assert_true(strcmp(out, room < 2 ? "" : room < 6 ? "a" : room < 9 ? "a\\x1b" : "") == 0);
    }
}

static void an_error_holds_no_control_character(void **state)
{
    tw_error why = {0};
    (void) state;
    assert_int_equal(tw_fail(&why, TW_EINVAL, "no item '%s'", "a\n\x1b[2J\xe2\x80\xae"), TW_EINVAL);
    assert_string_equal(why.msg, "no item 'a\\n\\x1b[2J\\u202e'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_steers_a_terminal_becomes_visible),
        cmocka_unit_test(a_quoted_value_cannot_end_itself),
        cmocka_unit_test(numbers_are_as_printf_has_them),
        cmocka_unit_test(widths_count_columns_and_cuts_respect_characters),
        cmocka_unit_test(an_error_holds_no_control_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
