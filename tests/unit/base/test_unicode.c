#include "base/unicode.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/test.h"

enum { ROOM = 1 << 22 };

typedef tw_status (*change)(tw_text *out, const char *s, size_t len, tw_error *err);

static void check(change f, const char *what, const char *in, size_t len, const char *want)
{
    tw_text out;
    tw_text_init(&out, ROOM);
    assert_ok(f(&out, in, len, err));
    if (out.len != strlen(want) || strcmp(tw_text_cstr(&out), want) != 0)
        fail_msg("%s: '%s' became '%s', not '%s'", what, in, tw_text_cstr(&out), want);
    tw_text_fini(&out);
}

typedef struct row {
    const char *what, *in, *want;
} row;

static void composition(void **state)
{
    (void) state;
    static const row rows[] = {
        {"ASCII stays", "Toy Story (1995)", "Toy Story (1995)"},
        {"nothing stays nothing", "", ""},
        {"e and acute: U+0065 U+0301 is U+00E9", "cafe\xcc\x81", "caf\xc3\xa9"},
        {"what is composed stays", "caf\xc3\xa9", "caf\xc3\xa9"},
        /* U+1EC7: e, dot below (220), circumflex (230), in either order */
        {"Vietnamese", "Vie\xcc\xa3\xcc\x82t", "Vi\xe1\xbb\x87t"},
        {"Vietnamese, marks the other way round", "Vie\xcc\x82\xcc\xa3t", "Vi\xe1\xbb\x87t"},
        /* U+1112 U+1161 U+11AB: 0xAC00 + (18 * 21 + 0) * 28 + 4 = 0xD55C */
        {"Korean", "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c"},
        {"Japanese: U+30CF U+309A is U+30D1", "\xe3\x83\x8f\xe3\x82\x9a", "\xe3\x83\x91"},
        {"the angstrom sign U+212B is U+00C5", "\xe2\x84\xab", "\xc3\x85"},
        /* U+0958 is excluded from composition: U+0915 U+093C */
        {"Hindi qa", "\xe0\xa5\x98", "\xe0\xa4\x95\xe0\xa4\xbc"},
        {"compatible forms stay: U+FF21, U+FB01", "\xef\xbc\xa1\xef\xac\x81",
         "\xef\xbc\xa1\xef\xac\x81"},
        {"a lone mark stays", "\xcc\x81", "\xcc\x81"},
        {"emoji with a joiner stays", "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x92",
         "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x92"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(tw_unicode_nfc, rows[i].what, rows[i].in, strlen(rows[i].in), rows[i].want);
}

static void folding(void **state)
{
    (void) state;
    static const row rows[] = {
        {"ASCII in lower case", "Toy STORY [1995]", "toy story [1995]"},
        {"nothing stays nothing", "", ""},
        {"sharp s",
         "Stra\xc3\x9f"
         "e",
         "strasse"},
        {"capital sharp s U+1E9E",
         "STRA\xe1\xba\x9e"
         "E",
         "strasse"},
        {"accents stay", "R\xc3\x89SUM\xc3\x89", "r\xc3\xa9sum\xc3\xa9"},
        {"accents apart", "RE\xcc\x81SUME\xcc\x81", "r\xc3\xa9sum\xc3\xa9"},
        {"full-width A B 1", "\xef\xbc\xa1\xef\xbc\xa2\xef\xbc\x91", "ab1"},
        {"half-width ka and voice mark are ga U+30AC", "\xef\xbd\xb6\xef\xbe\x9e", "\xe3\x82\xac"},
        {"ligature fi", "\xef\xac\x81lm", "film"},
        {"a one in a circle U+2460", "\xe2\x91\xa0", "1"},
        {"square kg U+338F", "5\xe3\x8e\x8f", "5kg"},
        {"no-break space is a space", "a\xc2\xa0z", "a z"},
        /* U+03A3 U+03C2 U+03C3 -> U+03C3 thrice */
        {"sigmas", "\xce\xa3\xcf\x82\xcf\x83", "\xcf\x83\xcf\x83\xcf\x83"},
        {"Cyrillic", "\xd0\x9c\xd0\x98\xd0\xa0", "\xd0\xbc\xd0\xb8\xd1\x80"},
        /* U+1F82 = alpha, psili, varia, iota below -> U+1F02 U+03B9 */
        {"Greek iota below", "\xe1\xbe\x82", "\xe1\xbc\x82\xce\xb9"},
        {"the same with the iota before the accents", "\xce\xb1\xcd\x85\xcc\x93\xcc\x80",
         "\xe1\xbc\x82\xce\xb9"},
        {"soft hyphen, joiners, BOM", "so\xc2\xadup \xe2\x80\x8c\xe2\x80\x8d\xef\xbb\xbf", "soup "},
        {"heart with and without its selector", "\xe2\x9d\xa4\xef\xb8\x8f", "\xe2\x9d\xa4"},
        {"nothing but the invisible", "\xe2\x80\x8b\xc2\xad", ""},
        {"dotted capital I", "\xc4\xb0", "i\xcc\x87"},
        {"dotless i stays", "\xc4\xb1", "\xc4\xb1"},
        {"Korean letters", "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c"},
        {"Georgian capital U+1C90 is U+10D0", "\xe1\xb2\x90", "\xe1\x83\x90"},
        {"Cherokee: U+AB70 folds to the capital U+13A0", "\xea\xad\xb0", "\xe1\x8e\xa0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(tw_unicode_fold, rows[i].what, rows[i].in, strlen(rows[i].in), rows[i].want);
}

static void malformed_bytes_become_the_replacement(void **state)
{
    (void) state;
    static const row rows[] = {
        {"cut short", "a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd"},
        {"a surrogate", "\xed\xa0\x80z", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"},
        {"0xff", "\xff", "\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(tw_unicode_nfc, rows[i].what, rows[i].in, strlen(rows[i].in), rows[i].want);
        check(tw_unicode_fold, rows[i].what, rows[i].in, strlen(rows[i].in), rows[i].want);
    }
    tw_text out;
    tw_text_init(&out, 9);
    assert_ok(tw_unicode_fold(&out, "A\0\xc3\x89", 4, err));
    assert_int_equal(out.len, 4);
    assert_memory_equal(out.data, "a\0\xc3\xa9", 5);
    tw_text_fini(&out);
}

static void a_failed_call_leaves_the_text_as_it_was(void **state)
{
    (void) state;
    tw_text out;
    tw_text_init(&out, 5);
    assert_ok(tw_text_adds(&out, "abc", err));
    assert_status(tw_unicode_fold(&out, "\xc3\x89\xc3\x89", 4, err), TW_EINVAL);
    assert_string_equal(tw_text_cstr(&out), "abc");
    assert_status(tw_unicode_nfc(&out, "e\xcc\x81\xe3\x81\x82", 6, err), TW_EINVAL);
    assert_string_equal(tw_text_cstr(&out), "abc");
    assert_ok(tw_unicode_nfc(&out, "e\xcc\x81", 3, err));
    assert_string_equal(tw_text_cstr(&out), "abc\xc3\xa9");
    tw_text_fini(&out);
}

/* Every character: composing twice is composing once, folding twice is folding once, and taking it
 * apart (by way of what NFC is defined by) changes neither. */
static void both_are_idempotent_for_every_character(void **state)
{
    (void) state;
    tw_text once, twice;
    tw_text_init(&once, ROOM);
    tw_text_init(&twice, ROOM);
    for (uint32_t cp = 1; cp <= 0x10ffff; cp++) {
        static const change both[] = {tw_unicode_nfc, tw_unicode_fold};
        char s[5] = "";
        if (cp >= 0xd800 && cp <= 0xdfff)
            continue;
        const size_t len = tw_utf8_put(s, cp);
        for (int k = 0; k < 2; k++) {
            tw_text_clear(&once);
            tw_text_clear(&twice);
            assert_ok(both[k](&once, s, len, err));
            assert_ok(both[k](&twice, tw_text_cstr(&once), once.len, err));
            if (once.len > (k == 0 ? 3U : 11U) * len || twice.len != once.len ||
                strcmp(tw_text_cstr(&once), tw_text_cstr(&twice)) != 0)
                fail_msg("U+%04X: '%s', then '%s'", cp, tw_text_cstr(&once), tw_text_cstr(&twice));
        }
    }
    tw_text_fini(&once);
    tw_text_fini(&twice);
}

/* 1,000,000 marks in the wrong order: by exchange of neighbours that were 10^11 steps, minutes. */
static void piled_up_marks_take_linear_time(void **state)
{
    (void) state;
    enum { PAIRS = 500000, BYTES = 1 + 4 * PAIRS };
    char *s = malloc(BYTES);
    tw_text out;
    assert_non_null(s);
    tw_text_init(&out, ROOM);
    s[0] = 'x'; /* no mark joins it, so all stay */
    for (size_t i = 0; i < PAIRS; i++)
        memcpy(s + 1 + 4 * i, "\xcc\x8e\xcc\xa5", 4); /* U+030E above (230), U+0325 below (220) */
    assert_ok(tw_unicode_nfc(&out, s, BYTES, err));
    assert_int_equal(out.len, BYTES);
    for (size_t i = 0; i < PAIRS; i++) {
        assert_memory_equal(out.data + 1 + 2 * i, "\xcc\xa5", 2);
        assert_memory_equal(out.data + 1 + 2 * (PAIRS + i), "\xcc\x8e", 2);
    }
    tw_text_fini(&out);
    free(s);
}

static void characters_have_kinds(void **state)
{
    static const struct {
        uint32_t cp;
        tw_unicode_kind kind;
    } rows[] = {
        {'a', TW_UNICODE_LETTER},    {'7', TW_UNICODE_LETTER},      {0x732b, TW_UNICODE_LETTER},
        {0x30fc, TW_UNICODE_LETTER}, {0xe000, TW_UNICODE_LETTER},   {0x378, TW_UNICODE_LETTER},
        {0x301, TW_UNICODE_MARK},    {0xe31, TW_UNICODE_MARK},      {0x903, TW_UNICODE_MARK},
        {0x20e3, TW_UNICODE_FRAME},  {0x20ac, TW_UNICODE_SIGN},     {0x1f3ac, TW_UNICODE_SIGN},
        {0x2192, TW_UNICODE_SIGN},   {' ', TW_UNICODE_OTHER},       {'!', TW_UNICODE_OTHER},
        {0x30fb, TW_UNICODE_OTHER},  {0x200d, TW_UNICODE_OTHER},    {0, TW_UNICODE_OTHER},
        {0x964, TW_UNICODE_OTHER},   {0x10ffff, TW_UNICODE_LETTER}, /* never assigned */
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (tw_unicode_kind_of(rows[i].cp) != rows[i].kind)
            fail_msg("U+%04X is %d", rows[i].cp, (int) tw_unicode_kind_of(rows[i].cp));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(composition),
        cmocka_unit_test(folding),
        cmocka_unit_test(malformed_bytes_become_the_replacement),
        cmocka_unit_test(a_failed_call_leaves_the_text_as_it_was),
        cmocka_unit_test(both_are_idempotent_for_every_character),
        cmocka_unit_test(characters_have_kinds),
        cmocka_unit_test(piled_up_marks_take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
