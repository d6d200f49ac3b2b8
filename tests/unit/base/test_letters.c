#include "tests/support/test.h"

#include "base/letters.h"

static void folding_follows_the_table(void **state)
{
    static const uint32_t rows[][2] = {
        {'A', 'a'},       {'z', 'z'},         {'0', '0'},     {0xc0, 0xe0},  /* A grave */
        {0xde, 0xfe},     {0xd7, 0xd7},       {0xdf, 0xdf},   {0xb5, 0x3bc}, /* micro */
        {0x100, 0x101},   {0x101, 0x101},     {0x130, 'i'},   {0x131, 0x131}, {0x139, 0x13a},
        {0x13a, 0x13a},   {0x147, 0x148},     {0x14a, 0x14b}, {0x160, 0x161}, {0x178, 0xff},
        {0x179, 0x17a},   {0x17d, 0x17e},     {0x17e, 0x17e}, {0x17f, 's'},   {0x391, 0x3b1},
        {0x3a9, 0x3c9},   {0x386, 0x3ac},     {0x389, 0x3ae}, {0x38c, 0x3cc}, {0x38f, 0x3ce},
        {0x3c2, 0x3c3},   {0x3b1, 0x3b1},     {0x410, 0x430}, {0x42f, 0x44f}, {0x401, 0x451},
        {0x430, 0x430},   {0x451, 0x451},     {0x460, 0x461}, {0x48a, 0x48b}, {0x483, 0x483},
        {0x4c0, 0x4cf},   {0x4c1, 0x4c2},     {0x4cf, 0x4cf}, {0x4d0, 0x4d1}, {0x52e, 0x52f},
        {0x4e2d, 0x4e2d}, {0x1f600, 0x1f600},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (tw_letter_fold(rows[i][0]) != rows[i][1])
            fail_msg("U+%04X folds to U+%04X, want U+%04X", rows[i][0], tw_letter_fold(rows[i][0]),
                     rows[i][1]);
}

static void folding_twice_changes_nothing(void **state)
{
    (void) state;
    for (uint32_t cp = 0; cp < 0x3000; cp++)
        assert_int_equal(tw_letter_fold(tw_letter_fold(cp)), tw_letter_fold(cp));
}

static void letters_stand_inside_words_and_signs_do_not(void **state)
{
    static const uint32_t letters[] = {'a',    'Z',    '0',    '9',    0xaa,   0xb5,  0xba,
                                       0xc0,   0xff,   0x301,  0x3a9,  0x42f,  0xe01, 0x3005,
                                       0x3042, 0x4e2d, 0xff21, 0xfffd, 0x1f600};
    static const uint32_t signs[] = {0,      ' ',    '-',    '_',    '@',    '[',    '`',
                                     '{',    0x7f,   0xa0,   0xab,   0xbf,   0xd7,   0xf7,
                                     0x1680, 0x2000, 0x206f, 0x3000, 0x3003, 0x3008, 0x3020,
                                     0x3030, 0xff01, 0xff20, 0xfeff};
    (void) state;
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
        if (!tw_letter_is(letters[i]))
            fail_msg("U+%04X is no letter", letters[i]);
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (tw_letter_is(signs[i]))
            fail_msg("U+%04X is a letter", signs[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folding_follows_the_table),
        cmocka_unit_test(folding_twice_changes_nothing),
        cmocka_unit_test(letters_stand_inside_words_and_signs_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
