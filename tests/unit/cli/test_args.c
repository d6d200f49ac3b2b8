/* The command line: flags of each kind, words, what ends the flags, and the place that comes first.
 */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/command.h"

typedef struct values {
    basics b;
    int64_t k;
    double weight;
    const char *name;
} values;

static values got;

static const flag flags[] = {
    BACKEND_FLAGS,
    {"k", 'k', FLAG_INT, offsetof(values, k), "N", "how many", 1, 100},
    {"weight", 0, FLAG_REAL, offsetof(values, weight), "W", "0..1", 0, 1},
    {"name", 0, FLAG_TEXT, offsetof(values, name), "T", "a text", 0, 0},
    {"out", 'o', FLAG_TEXT, offsetof(values, name), "FILE", "a file", 0, 0},
    {"json", 'j', FLAG_BOOL, offsetof(basics, json), NULL, "as JSON", 0, 0},
    END_OF_FLAGS};

static const command asks = {.name = "test",
                             .synopsis = "test",
                             .about = "",
                             .example = "",
                             .flags = flags,
                             .size = sizeof(values),
                             .opens = OPENS_TO_ASK};

static int parse(const char *line, int least, int most, char **words, int *n)
{
    static char copy[512], *argv[32];
    int argc = 0;
    got = (values){.k = 10};
    (void) snprintf(copy, sizeof copy, "%s", line);
    for (char *at = NULL, *w = strtok_r(copy, " ", &at); w != NULL; w = strtok_r(NULL, " ", &at))
        argv[argc++] = w;
    const int rc = parse_args(&asks, &got, &argc, argv, least, most);
    *n = argc;
    for (int i = 0; i < argc && rc < 0; i++)
        words[i] = argv[i];
    return rc;
}

static void flags_of_every_kind_are_set_wherever_they_stand(void **state)
{
    char *words[32];
    int n;
    (void) state;
    assert_int_equal(parse("--dir d a --json -k 5 b --weight=0.25 --name x", 2, 2, words, &n), -1);
    assert_int_equal(n, 2);
    assert_string_equal(words[0], "a");
    assert_string_equal(words[1], "b");
    assert_true(got.b.json);
    assert_int_equal(got.k, 5);
    assert_near(got.weight, 0.25, 0);
    assert_string_equal(got.name, "x");
    assert_string_equal(got.b.at.at.dir, "d");
}

static void what_follows_two_dashes_is_words(void **state)
{
    char *words[32];
    int n;
    (void) state;
    assert_int_equal(parse("-d d -- --json -k", 2, 2, words, &n), -1);
    assert_false(got.b.json);
    assert_string_equal(words[0], "--json");
    assert_string_equal(words[1], "-k");
    assert_int_equal(parse("-d d -", 1, 1, words, &n), -1);
    assert_string_equal(words[0], "-");
}

static void wrong_usage_ends_with_2_and_help_with_0(void **state)
{
    static const char *const wrong[] = {
        "-d d --frob",     "-d d -x",           "-d d --json=1",      "-d d -k",
        "-d d -k 0",       "-d d -k 101",       "-d d -k 1.5",        "-d d --k=",
        "-d d --weight 2", "-d d --weight nan", "-d d one two three", "-d d",
    };
    char *words[32];
    int n;
    (void) state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(parse(wrong[i], 1, 2, words, &n), EXIT_USAGE);
    assert_int_equal(parse("--help", 1, 2, words, &n), 0);
    assert_int_equal(parse("-h", 1, 2, words, &n), 0);
}

static void an_earlier_name_of_a_flag_is_understood(void **state)
{
    char *words[32];
    int n;
    (void) state;
    assert_int_equal(parse("-d d --output f.csv", 0, 0, words, &n), -1);
    assert_string_equal(got.name, "f.csv");
}

static void the_place_comes_first_where_no_flag_says_it(void **state)
{
    char *words[32], line[512];
    int n;
    (void) state;
    (void) tw_test_file("twindex.db", "");
    (void) snprintf(line, sizeof line, "%s item", tw_test_dir());
    assert_int_equal(parse(line, 1, 1, words, &n), -1);
    assert_int_equal(n, 1);
    assert_string_equal(words[0], "item");
    assert_string_equal(got.b.at.at.dir, tw_test_dir());

    assert_int_equal(parse("tcp://127.0.0.1:7700 item", 1, 1, words, &n), -1);
    assert_string_equal(got.b.at.at.connect, "tcp://127.0.0.1:7700");
    assert_string_equal(words[0], "item");

    /* With the flag, the first word is the item, whatever it looks like. */
    (void) snprintf(line, sizeof line, "--dir elsewhere %s", tw_test_dir());
    assert_int_equal(parse(line, 1, 1, words, &n), -1);
    assert_string_equal(got.b.at.at.dir, "elsewhere");
    assert_string_equal(words[0], tw_test_dir());

    assert_int_equal(parse("nowhere item", 1, 1, words, &n), EXIT_USAGE);
    assert_int_equal(parse("item", 1, 1, words, &n), EXIT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_of_every_kind_are_set_wherever_they_stand),
        cmocka_unit_test(what_follows_two_dashes_is_words),
        cmocka_unit_test(wrong_usage_ends_with_2_and_help_with_0),
        cmocka_unit_test(an_earlier_name_of_a_flag_is_understood),
        cmocka_unit_test(the_place_comes_first_where_no_flag_says_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
