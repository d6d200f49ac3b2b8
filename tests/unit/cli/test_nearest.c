/* Distances of words, and which name is offered for one that is none. */
#include "tests/support/test.h"

#include <string.h>

#include "cli/nearest.h"

static int distance(const char *a, const char *b)
{
    return word_distance(a, strlen(a), b, strlen(b));
}

static void distances_are_those_by_hand(void **state)
{
    static const struct {
        const char *a, *b;
        int d;
    } rows[] = {
        {"", "", 0},
        {"", "abc", 3},
        {"abc", "", 3},
        {"train", "train", 0},
        {"trian", "train", 1},
        {"tran", "train", 1},
        {"traain", "train", 1},
        {"brain", "train", 1},
        {"kitten", "sitting", 3},
        {"ca", "abc", 3},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(distance(rows[i].a, rows[i].b), rows[i].d);
        assert_int_equal(distance(rows[i].b, rows[i].a), rows[i].d);
    }
}

static void long_words_are_near_to_nothing(void **state)
{
    char word[NEAREST_MAX + 8];
    (void) state;
    memset(word, 'a', sizeof word);
    assert_int_equal(word_distance(word, sizeof word, word, sizeof word), NEAREST_MAX);
    nearest n = {.word = word, .len = sizeof word};
    nearest_offer(&n, "aaa");
    assert_null(n.name);
}

static void the_nearest_is_offered_and_only_a_near_one(void **state)
{
    static const char *const names[] = {"stats", "similar", "serve", "threads",
                                        "json",  "bind",    "band"};
    static const struct {
        const char *word, *name;
    } rows[] = {{"simlar", "similar"},
                {"similr", "similar"},
                {"thread", "threads"},
                {"jsno", "json"},
                {"srve", "serve"},
                {"state", "stats"},
                {"jsxx", NULL},   /* two off, where a short word may be one off */
                {"bxnd", "bind"}, /* the first of equals */
                {"simixxr", "similar"},
                {"simixxx", NULL},
                {"frob", NULL},
                {"", NULL},
                {"x", NULL}};
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        nearest n = {.word = rows[i].word, .len = strlen(rows[i].word)};
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
            nearest_offer(&n, names[k]);
        if (rows[i].name == NULL)
            assert_null(n.name);
        else
            assert_string_equal(n.name, rows[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_those_by_hand),
        cmocka_unit_test(long_words_are_near_to_nothing),
        cmocka_unit_test(the_nearest_is_offered_and_only_a_near_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
