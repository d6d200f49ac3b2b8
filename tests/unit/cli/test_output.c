/* Answers as a table and as JSON; errors as one line and an exit code. */
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "tests/unit/cli/captured.h"

static captured out;

static const char *failure(tw_status code, const char *sentence, int exit_code)
{
    tw_error err = {.code = code};
    (void) snprintf(err.msg, sizeof err.msg, "%s", sentence);
    captured_begin(&out, stderr);
    const int rc = failed(&err);
    const char *line = captured_end(&out);
    assert_int_equal(rc, exit_code);
    return line;
}

static void an_error_is_one_line_and_corrupt_data_exits_with_3(void **state)
{
    (void) state;
    assert_string_equal(failure(TW_ENOTFOUND, "no item '9'", EXIT_FAILURE),
                        "twindex: no item '9'\n");
    assert_string_equal(failure(TW_ECORRUPT, "bad checksum", EXIT_CORRUPT),
                        "twindex: bad checksum\n");
    assert_string_equal(failure(TW_EINVAL, "a\033[2Jb\nc", EXIT_FAILURE),
                        "twindex: a\\x1b[2Jb\\nc\n");
}

static void an_error_without_a_sentence_is_named_by_its_status(void **state)
{
    char line[128];
    (void) state;
    (void) snprintf(line, sizeof line, "twindex: %s\n", tw_status_name(TW_EIO));
    assert_string_equal(failure(TW_EIO, "", EXIT_FAILURE), line);
}

static void a_lack_of_memory_is_called_so_once(void **state)
{
    (void) state;
    assert_string_equal(failure(TW_ENOMEM, "400 bytes for a table", EXIT_FAILURE),
                        "twindex: not enough memory: 400 bytes for a table\n");
    assert_string_equal(failure(TW_ENOMEM, "no memory for a table", EXIT_FAILURE),
                        "twindex: no memory for a table\n");
    assert_string_equal(failure(TW_ENOMEM, "the server is busy", EXIT_FAILURE),
                        "twindex: the server is busy\n");
}

static const char *answer(const tw_answer *a, const char *what, bool json)
{
    captured_begin(&out, stdout);
    print_answer(a, what, json);
    return captured_end(&out);
}

static tw_answer_row rows[] = {
    {"7", "Blue kettle", 0.75F}, {"zoë", "\"Red\"\tpot", -1.5F}, {"a\033b", "", 0.1234567F}};

static tw_answer some(void)
{
    return (tw_answer){.rows = rows,
                       .n = 3,
                       .query_id = "1",
                       .query_title = "Kettle",
                       .basis = "item",
                       .model = 4};
}

static void a_table_is_aligned_by_what_a_terminal_shows(void **state)
{
    const tw_answer a = some();
    (void) state;
    assert_string_equal(answer(&a, "like", false), "like 1  Kettle\n"
                                                   "   1    0.750  7       Blue kettle\n"
                                                   "   2   -1.500  zoë     \"Red\"\\tpot\n"
                                                   "   3    0.123  a\\x1bb  \n");
}

static void json_has_what_the_table_has_and_the_model(void **state)
{
    tw_answer a = some();
    (void) state;
    a.n = 2;
    assert_string_equal(
        answer(&a, "like", true),
        "{\"basis\": \"item\", \"model\": 4, \"query\": {\"id\": \"1\", \"title\": \"Kettle\"}, "
        "\"results\": [\n"
        "  {\"rank\": 1, \"id\": \"7\", \"title\": \"Blue kettle\", \"score\": 0.75},\n"
        "  {\"rank\": 2, \"id\": \"zoë\", \"title\": \"\\\"Red\\\"\\u0009pot\", \"score\": "
        "-1.5}]}\n");
}

static void the_first_line_says_what_the_answer_is_based_on(void **state)
{
    tw_answer a = {.query_id = "", .query_title = "", .basis = "popular"};
    (void) state;
    assert_string_equal(answer(&a, "for user 9", false),
                        "for user 9 (nothing is known of this user: the most popular items)\n"
                        "  nothing found\n");
    a.basis = "history";
    assert_string_equal(answer(&a, "next", false),
                        "next (user not seen in training)\n  nothing found\n");
    a.basis = "user";
    assert_string_equal(answer(&a, "next", false), "next\n  nothing found\n");
    assert_string_equal(answer(&a, "next", true),
                        "{\"basis\": \"user\", \"model\": 0, \"results\": []}\n");
}

static void other_items_of_the_same_title_are_named(void **state)
{
    tw_answer a = some();
    (void) state;
    a.n = 0;
    a.query_title = "";
    (void) snprintf(a.also, sizeof a.also, "\"2\", \"3\"");
    assert_string_equal(answer(&a, "like", false),
                        "like 1\nalso called so: \"2\", \"3\"\n  nothing found\n");
    assert_non_null(strstr(answer(&a, "like", true), ", \"also\": [\"2\", \"3\"], \"results\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_one_line_and_corrupt_data_exits_with_3),
        cmocka_unit_test(an_error_without_a_sentence_is_named_by_its_status),
        cmocka_unit_test(a_lack_of_memory_is_called_so_once),
        cmocka_unit_test(a_table_is_aligned_by_what_a_terminal_shows),
        cmocka_unit_test(json_has_what_the_table_has_and_the_model),
        cmocka_unit_test(the_first_line_says_what_the_answer_is_based_on),
        cmocka_unit_test(other_items_of_the_same_title_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
