/* JSON as people export it: how rows stand in a file, and what a damaged row's sentence says. */
#include <stdio.h>
#include <string.h>

#include "tests/support/test.h"
#include "tests/unit/ingest/ingest_rows.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void the_content_decides_and_not_the_name(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"a list called jsonl", "a.jsonl", "[{\"id\":1},{\"id\":2}]", "1|||{}\n2|||{}\n"},
        {"a list called ndjson, over lines", "a.ndjson", "[\n {\n\"id\":1},\n{\"id\":2}\n]\n",
         "1|||{}\n2|||{}\n"},
        {"an object of objects called jsonl", "a.jsonl", "{\"x\":{},\n\"y\":{\"title\":\"t\"}}",
         "x|||{}\ny|t||{}\n"},
        {"one line called json", "a.json", "{\"id\":1,\"title\":\"t\",\"n\":{\"k\":2}}\n",
         "1|t||{\"n\":{\"k\":2}}\n"},
        {"one row over lines", "a.json", "{\n\"id\":1,\n\"n\":{\"k\":2}\n}\n",
         "1|||{\"n\":{\"k\":2}}\n"},
        {"lists one behind the other", "a.json", "[{\"id\":1}]\n[]\n[{\"id\":2},{\"id\":3}]",
         "1|||{}\n2|||{}\n3|||{}\n"},
        {"a list a line", "a.jsonl", "[{\"id\":1},{\"id\":2}]\n[{\"id\":3}]\n",
         "1|||{}\n2|||{}\n3|||{}\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
}

static void objects_stand_one_behind_the_other(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"each over lines", "a.jsonl",
         "{\n  \"id\": 1,\n  \"n\": {\n    \"k\": [2]\n  }\n}\n{\n  \"id\": 2\n}\n",
         "1|||{\"n\":{\"k\":[2]}}\n2|||{}\n"},
        {"with commas", "a.json", "{\n\"id\":1},\n{\n\"id\":2\n}\n,\n{\"id\":3},",
         "1|||{}\n2|||{}\n3|||{}\n"},
        {"a comma behind each line", "a.jsonl", "{\"id\":1},\n{\"id\":2},\n", "1|||{}\n2|||{}\n"},
        {"on one line", "a.json", "{\"id\":1}{\"id\":2} {\"id\":3}", "1|||{}\n2|||{}\n3|||{}\n"},
        {"RFC 7464", "a.json", "\x1e{\"id\":1}\n\x1e{\n\"id\":2\n}\n", "1|||{}\n2|||{}\n"},
        {"brackets in strings", "a.json", "{\n\"id\":\"}{\\\"\"}\n{\"id\":\"\\\\\"}",
         "}{\"|||{}\n\\|||{}\n"},
        {"a bracket that is missing takes no other row along", "a.json",
         "{\n\"id\":1,\n\"n\":{\n}\n{\n\"id\":2\n}\n",
         "! line 1: in line 4, column 2, at its end: a closing bracket is missing\n2|||{}\n"},
        {"a quote that is missing neither", "a.json", "{\n\"id\":\"1\n}\n{\n\"id\":2\n}\n",
         "! line 1: in line 2, column 6, at '\"1': this string is not closed on its line\n"
         "2|||{}\n"},
        {"a sequence goes on at its mark", "a.json", "\x1e{\"id\":\n\x1e{\"id\":2}\n",
         "! line 1: byte 7 of the row, at its end: a closing "
         "bracket is missing\n2|||{}\n"},
        {"a line between them", "a.json", "{\n\"id\":1}\n--\n{\"id\":2}",
         "1|||{}\n! line 3: this is no JSON object: it begins with '--'\n2|||{}\n"},
        {"cut off", "a.json",
         "{\n\"id\":1}\n{\n\"id\":", "1|||{}\n! line 3: the file ends inside this element\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
}

/* One damaged row between two good ones; the sentence without "line 2: ". */
static void a_damaged_row_says_what_is_wrong_where(void **state)
{
    (void) state;
    static const struct {
        const char *row, *sentence;
    } cases[] = {
        {"{\"id\":1,}", "byte 9 of the row, at '}': a comma stands before the bracket"},
        {"{\"a\":[1,],\"id\":1}", "byte 9 of the row, at ']': a comma stands before the bracket"},
        {"{\"id\":1, // x", "byte 10 of the row, at '//': this is a comment, and JSON has none"},
        {"{\"id\":1, /* x */ \"a\":1}",
         "byte 10 of the row, at '/*': this is a comment, and JSON has none"},
        {"{\"id\":1 \"a\":2}",
         "byte 9 of the row, at '\"a\"': a quote, bracket, colon or comma is missing before this"},
        {"{\"id\" 1}",
         "byte 7 of the row, at '1': a quote, bracket, colon or comma is missing before this"},
        {"{\"id\":\"a\" b\"}",
         "byte 11 of the row, at 'b': a quote, bracket, colon or comma is missing before this"},
        {"{\"id\":}", "byte 7 of the row, at '}': a value is missing before this"},
        {"{\"id\":1,,\"a\":2}", "byte 9 of the row, at ',': a value is missing before this"},
        {"{id:1}", "byte 2 of the row, at 'id': this key has no quotes"},
        {"{\"id\":None}",
         "byte 7 of the row, at 'None': this is no JSON value (are quotes missing?)"},
        {"{\"id\":'x'}", "byte 7 of the row, at ''x'': JSON has double quotes alone"},
        {"{\"id\":\"a\\q\"}", "byte 7 of the row, at '\"a\\q\"': a backslash in this string begins "
                              "no escape that JSON has"},
        {"{\"id\":\"\\ud800\"}", "byte 7 of the row, at '\"\\ud800\"': a backslash in this string "
                                 "begins no escape that JSON has"},
        {"{\"id\":\"a\tb\"}", "byte 7 of the row, at '\"a': this string holds a control character "
                              "that is not escaped"},
        {"{\"id\":\"abc}", "byte 7 of the row, at '\"abc}': this string is not closed"},
        {"{\"id\":12345678901234567890}", "byte 7 of the row, at '12345678901234567890': this "
                                          "number is too large; in quotes it is kept as it is"},
        {"{\"id\":1e999}", "byte 7 of the row, at '1e999': this number is too large; in quotes it "
                           "is kept as it is"},
        {"{\"id\":1,\"a\":NaN,}", "byte 18 of the row, at '}': a comma stands before the bracket"},
        {"\"id\"", "this is no JSON object: it begins with '\"id\"'"},
    };
    char content[256], want[512];
    for (size_t i = 0; i < COUNT(cases); i++) {
        (void) snprintf(content, sizeof content, "{\"id\":0}\n%s\n{\"id\":9}\n", cases[i].row);
        (void) snprintf(want, sizeof want, "0|||{}\n! line 2: %s\n9|||{}\n", cases[i].sentence);
        const rows_case one = {cases[i].row, "a.jsonl", content, want};
        check_rows_with(TW_INGEST_ITEMS, NULL, &one);
    }
}

static void a_row_of_several_lines_is_told_the_line_and_column(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"in a list", "a.json", "[{\"id\":0},\n{\n\"id\":1,\n},\n{\"id\":9}]",
         "0|||{}\n! line 2: in line 4, column 1, at '}': a comma stands before the bracket\n"
         "9|||{}\n"},
        {"in an object", "a.json", "{\"x\":{},\n\"y\":{\"n\":1,},\n\"z\":{\n\"n\" 1}}",
         "x|||{}\n! line 2: byte 12 of the row, at '}': a comma stands before the bracket\n"
         "! line 3: in line 4, column 5, at '1': a quote, bracket, colon or comma is missing "
         "before this\n"},
        {"nothing between commas", "a.json", "[{\"id\":1}, ,{\"id\":2}]",
         "1|||{}\n! line 1: this is no JSON object: it is empty\n2|||{}\n"},
        {"a bracket too many", "a.json", "[{\"id\":1}}, {\"id\":2}]",
         "! line 1: byte 9 of the row, at '}': this stands behind the end of the object\n"
         "2|||{}\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
}

static void a_bare_nan_is_no_value(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"as Python writes them", "a.jsonl",
         "{\"id\":1,\"a\":NaN,\"b\":-Infinity,\"c\":\"NaN\",\"d\":2}\n{\"id\":2,\"a\":Infinity}\n",
         "1|||{\"c\":\"NaN\",\"d\":2}\n2|||{}\n"},
        {"in a list", "a.json", "[{\"id\":1,\"a\":NaN},{\"id\":\"\\\"NaN\",\"b\":NaN}]",
         "1|||{}\n\"NaN|||{}\n"},
        {"in an object", "a.json", "{\"x\":{\"a\":NaN,\"n\":1}}", "x|||{\"n\":1}\n"},
        {"an id is needed", "a.jsonl", "{\"id\":NaN}\n", "! line 1: the id is empty\n"},
    };
    static const rows_case events[] = {
        {"a rating", "a.jsonl", "{\"user\":1,\"item\":2,\"timestamp\":1500000000,\"rating\":NaN}\n",
         "1|2|1500000000|-\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
    check_rows(TW_INGEST_EVENTS, events, COUNT(events));
}

static void python_dicts_are_refused_as_a_whole(void **state)
{
    (void) state;
    static const struct {
        const char *name, *content;
    } files[] = {
        {"a.json", "{'asin': '01', 'price': None, 'tags': ['a']}\n{'asin': '02'}\n"},
        {"a.jsonl", "\n{ 'asin': \"it's\"}\n"},
        {"b.json", "[{'asin': '01'}]"},
    };
    for (size_t i = 0; i < COUNT(files); i++) {
        const char *rows = rows_of(files[i].name, files[i].content, strlen(files[i].content),
                                   TW_INGEST_ITEMS, NULL);
        assert_true(strncmp(rows, "? ", 2) == 0);
        assert_non_null(strstr(rows, "Python dicts"));
        assert_non_null(strstr(rows, "python3 -c"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_content_decides_and_not_the_name),
        cmocka_unit_test(objects_stand_one_behind_the_other),
        cmocka_unit_test(a_damaged_row_says_what_is_wrong_where),
        cmocka_unit_test(a_row_of_several_lines_is_told_the_line_and_column),
        cmocka_unit_test(a_bare_nan_is_no_value),
        cmocka_unit_test(python_dicts_are_refused_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
