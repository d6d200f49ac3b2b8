/* JSON lines and JSON documents; one rule a row. */
#include "tests/support/test.h"
#include "tests/unit/ingest/ingest_rows.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void each_line_is_an_object(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"fields and attributes", "a.jsonl",
         "{\"id\":\"x\",\"title\":\"T\",\"text\":\"long\",\"year\":1995,\"ok\":true}\n",
         "x|T|long|{\"year\":1995,\"ok\":true}\n"},
        {"a whole number is an id", "a.jsonl", "{\"id\":7}\n", "7|||{}\n"},
        {"keys in any order, another set in each row", "a.jsonl",
         "{\"id\":1,\"title\":\"a\"}\n{\"title\":\"b\",\"id\":2}\n{\"n\":1,\"id\":3,\"name\":\"c\"}"
         "\n",
         "1|a||{}\n2|b||{}\n3|c||{\"n\":1}\n"},
        {"as many keys, others", "a.jsonl",
         "{\"id\":1,\"title\":\"a\"}\n{\"id\":2,\"text\":\"b\"}\n", "1|a||{}\n2||b|{}\n"},
        {"lists and objects stay", "a.jsonl",
         "{\"id\":1,\"g\":[\"a\",\"b\"],\"o\":{\"k\":[1.5]}}\n",
         "1|||{\"g\":[\"a\",\"b\"],\"o\":{\"k\":[1.5]}}\n"},
        {"null and empty strings are absent", "a.jsonl",
         "{\"id\":1,\"title\":null,\"a\":null,\"b\":\"\"}\n", "1|||{}\n"},
        {"an attributes object unfolds", "a.jsonl",
         "{\"id\":1,\"a\":1,\"attributes\":{\"a\":2,\"b\":\"x\"}}\n",
         "1|||{\"a\":1,\"b\":\"x\"}\n"},
        {"a list of strings is text", "a.jsonl", "{\"id\":1,\"description\":[\"a\",\"b\"]}\n",
         "1||a\nb|{}\n"},
        {"escapes", "a.jsonl", "{\"id\":1,\"a\":\"\\u00e9\\\"\\n\"}\n",
         "1|||{\"a\":\"\xc3\xa9\\\"\\n\"}\n"},
        {"CRLF, blank lines, no last end", "a.jsonl", "\n{\"id\":1}\r\n\r\n{\"id\":2}",
         "1|||{}\n2|||{}\n"},
        {"byte order mark", "a.jsonl", "\xef\xbb\xbf{\"id\":1}\n", "1|||{}\n"},
        {"bars are no list here", "a.jsonl", "{\"id\":1,\"a\":\"x|y\",\"b\":\"5\"}\n",
         "1|||{\"a\":\"x|y\",\"b\":\"5\"}\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
}

static void a_bad_line_is_reported_and_the_next_one_is_read(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"not JSON", "a.jsonl", "{\"id\":1}\n{\"id\":\n{\"id\":3}\n",
         "1|||{}\n! line 2: byte 7 of the row, at its end: a closing bracket is missing\n3|||{}\n"},
        {"key twice", "a.jsonl", "{\"id\":1,\"id\":2}\n{\"id\":3}\n",
         "! line 1: byte 9 of the row, at '\"id\"': this key stands there twice\n3|||{}\n"},
        {"a list", "a.jsonl", "{\"id\":1}\n[1]\n",
         "1|||{}\n! line 2: the row is a JSON list, not an object\n"},
        {"more behind it", "a.jsonl", "{\"id\":1} x\n{\"id\":3}\n",
         "! line 1: byte 10 of the row, at 'x': this stands behind the end of the object\n"
         "3|||{}\n"},
        {"no id", "a.jsonl", "{\"title\":\"a\"}\n{\"id\":3}\n",
         "! line 1: the row has no column for the field 'id'; it has 'title'\n3|||{}\n"},
        {"no keys", "a.jsonl", "{}\n{\"id\":3}\n",
         "! line 1: the row has no column for the field 'id'; it has nothing\n3|||{}\n"},
        {"decimal id", "a.jsonl", "{\"id\":1.5}\n",
         "! line 1: the id is neither a string nor a whole number\n"},
        {"boolean id", "a.jsonl", "{\"id\":true}\n",
         "! line 1: the id is neither a string nor a whole number\n"},
        {"null id", "a.jsonl", "{\"id\":null}\n", "! line 1: the id is empty\n"},
        {"object for a title", "a.jsonl", "{\"id\":1,\"title\":{}}\n",
         "! line 1: the title is not usable: it is a JSON object, not a string or number\n"},
        {"numbers for a text", "a.jsonl", "{\"id\":1,\"text\":[1]}\n",
         "! line 1: the text is not usable: it is a list of other things than strings\n"},
        {"NUL in a string", "a.jsonl", "{\"id\":\"a\\u0000b\"}\n",
         "! line 1: byte 7 of the row, at '\"a\\u0000b\"': this string holds the character 0, "
         "which "
         "no text may\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
}

static void a_document_is_read_element_by_element(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"a list", "a.json", "[{\"id\":1,\"title\":\"a\"},\n {\"id\":2}]\n", "1|a||{}\n2|||{}\n"},
        {"an object of objects", "a.json",
         "{\n \"x\": {\"title\":\"a\"},\n \"y\": {\"title\":\"b\"}}", "x|a||{}\ny|b||{}\n"},
        {"an id of its own wins", "a.json", "{\"x\": {\"id\":\"z\"}}", "z|||{}\n"},
        {"on one line", "a.txt", "{\"x\": {\"n\":1}, \"y\": {}}", "x|||{\"n\":1}\ny|||{}\n"},
        {"spread over lines", "a.txt", "{\n\"x\":\n{\n\"n\":1\n}\n}", "x|||{\"n\":1}\n"},
        {"brackets and commas in strings", "a.json", "[{\"id\":\"a,]}\\\"{\"},{\"id\":2}]",
         "a,]}\"{|||{}\n2|||{}\n"},
        {"cut behind its first line", "a.txt", "{\"x\": {\"n\":1},", "x|||{\"n\":1}\n"},
        {"empty", "a.json", "[ ]", ""},
        {"what stands behind it is no row", "a.json", "[{\"id\":1}] {\"id\":2}\n{\"id\":3}",
         "1|||{}\n! line 1: this stands behind the end of the JSON document\n"},
        {"a bad element", "a.json", "[{\"id\":1},\n5,\n{\"id\":2}]",
         "1|||{}\n! line 2: this is no JSON object: it begins with '5'\n2|||{}\n"},
        {"a bad member", "a.json", "{\"x\": {},\n\"y\": 5,\n\"z\": {}}",
         "x|||{}\n! line 2: the value of 'y' is no JSON object\nz|||{}\n"},
        {"cut off", "a.json",
         "[{\"id\":1},\n{\"id\":", "1|||{}\n! line 2: the file ends inside this element\n"},
        {"JSON lines that are called json", "a.json", "{\"id\":1}\n{\"id\":2}\n",
         "1|||{}\n2|||{}\n"},
        {"JSON lines whose first is damaged", "a.json", "{\"id\":1\n{\"id\":2}\n",
         "! line 1: byte 8 of the row, at its end: a closing bracket is missing\n2|||{}\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
}

static void events_and_pairs_come_as_json_too(void **state)
{
    (void) state;
    static const rows_case events[] = {
        {"an event", "a.jsonl", "{\"user\":1,\"item\":\"i\",\"timestamp\":12.7,\"rating\":3}\n",
         "1|i|12.7|3\n"},
        {"a date", "a.jsonl", "{\"user\":1,\"item\":2,\"date\":\"1970-01-01T00:01:00Z\"}\n",
         "1|2|60|-\n"},
        {"no user", "a.jsonl", "{\"item\":2}\n",
         "! line 1: the row has no column for the field 'user'; it has 'item'\n"},
    };
    static const rows_case pairs[] = {
        {"labels", "a.jsonl",
         "{\"a\":1,\"b\":2,\"label\":false}\n{\"a\":1,\"b\":2,\"label\":0.5}\n",
         "1|2|0\n1|2|0.5\n"},
    };
    check_rows(TW_INGEST_EVENTS, events, COUNT(events));
    check_rows(TW_INGEST_PAIRS, pairs, COUNT(pairs));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_an_object),
        cmocka_unit_test(a_bad_line_is_reported_and_the_next_one_is_read),
        cmocka_unit_test(a_document_is_read_element_by_element),
        cmocka_unit_test(events_and_pairs_come_as_json_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
