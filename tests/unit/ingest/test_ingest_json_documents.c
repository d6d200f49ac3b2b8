/* Documents of JSON that hold their rows deeper, by columns, or as lists; and what exports wrap
 * around rows and values. */
#include <string.h>

#include "tests/support/test.h"
#include "tests/unit/ingest/ingest_rows.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void rows_are_found_inside_a_document(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"a list beside a count", "a.json",
         "{\"count\":2,\"items\":[{\"id\":1,\"title\":\"a\"},\n{\"id\":2,\"title\":\"b\"}],"
         "\"next\":null}",
         "1|a||{}\n2|b||{}\n"},
        {"deeper", "a.json", "{\"result\":{\"products\":[{\"id\":1,\"title\":\"a\"}]},\"ok\":true}",
         "1|a||{}\n"},
        {"Elasticsearch's", "a.json",
         "{\"took\":3,\"hits\":{\"total\":{\"value\":2},\"hits\":[{\"_index\":\"p\",\"_id\":\"x1\","
         "\"_source\":{\"title\":\"a\",\"price\":4.8}},{\"_index\":\"p\",\"_id\":\"x2\",\"_"
         "source\":{"
         "\"id\":\"own\",\"title\":\"b\"}}]}}",
         "x1|a||{\"price\":4.8}\nown|b||{}\n"},
        {"and a line each", "a.jsonl",
         "{\"_index\":\"p\",\"_id\":\"x1\",\"_source\":{\"title\":\"a\"}}\n"
         "{\"_index\":\"p\",\"_id\":\"x2\",\"_source\":{\"title\":\"b\"}}\n",
         "x1|a||{}\nx2|b||{}\n"},
        {"MongoDB's types", "a.jsonl",
         "{\"_id\":{\"$oid\":\"5f\"},\"title\":\"a\",\"n\":{\"$numberInt\":\"5\"},\"p\":{"
         "\"$numberDouble\":\"4.5\"},\"at\":{\"$date\":\"2024-01-01T00:00:00Z\"}}\n"
         "{\"_id\":{\"$oid\":\"60\"},\"title\":\"b\"}\n",
         "5f|a||{\"n\":5,\"p\":4.5,\"at\":\"2024-01-01T00:00:00Z\"}\n60|b||{}\n"},
        {"an item with a list of objects is an item", "a.json",
         "{\"id\":1,\"title\":\"a\",\"images\":[{\"u\":1}]}", "1|a||{\"images\":[{\"u\":1}]}\n"},
        {"id -> object, as ever", "a.json", "{\"x\":{\"title\":\"a\"},\"y\":{\"title\":\"b\"}}",
         "x|a||{}\ny|b||{}\n"},
        {"two lists", "a.json", "{\"films\":[{\"id\":1}],\"books\":[{\"id\":2}]}",
         "? 'a.json' holds two lists that could be the rows, films and books; take one out: jq -c "
         "'.films[]' FILE > FILE.jsonl\n"},
        {"a bad row inside", "a.json", "{\"data\":[{\"id\":1},{\"title\":\"b\"},{\"id\":3}]}",
         "1|||{}\n! line 1: the row has no column for the field 'id'; it has 'title'\n3|||{}\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
}

static void rows_that_stand_by_columns_are_read(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"pandas' default", "a.json",
         "{\"id\":{\"0\":1,\"1\":2},\"title\":{\"0\":\"a\",\"1\":\"b\"}}", "1|a||{}\n2|b||{}\n"},
        {"an index of ids", "a.json",
         "{\"title\":{\"tt1\":\"a\",\"tt2\":\"b\"},\"year\":{\"tt1\":1,\"tt2\":2}}",
         "tt1|a||{\"year\":1}\ntt2|b||{\"year\":2}\n"},
        {"an index of names beside an id", "a.json",
         "{\"id\":{\"x\":1,\"y\":2},\"title\":{\"x\":\"a\",\"y\":\"b\"}}", "1|a||{}\n2|b||{}\n"},
        {"an index with holes", "a.json",
         "{\"id\":{\"5\":1,\"9\":2},\"title\":{\"9\":\"b\",\"5\":\"a\"}}", "1|a||{}\n2|b||{}\n"},
        {"orient=list", "a.json", "{\"id\":[1,2],\"price\":[4.8,NaN]}",
         "1|||{\"price\":4.8}\n2|||{}\n"},
        {"orient=split", "a.json",
         "{\"columns\":[\"id\",\"title\"],\"index\":[0,1],\"data\":[[1,\"a\"],[2,\"b\"]]}",
         "1|a||{}\n2|b||{}\n"},
        {"orient=table", "a.json",
         "{\"schema\":{\"fields\":[{\"name\":\"id\"}]},\"data\":[{\"id\":1,\"title\":\"a\"}]}",
         "1|a||{}\n"},
        {"columns of two lengths", "a.json", "{\"id\":[1,2],\"title\":[\"a\"]}",
         "? 'a.json' holds its rows by columns, and 'title' has 1 values where the first has 2\n"},
        {"a bad row", "a.json", "{\"id\":[1,null],\"title\":[\"a\",\"b\"]}",
         "1|a||{}\n! row 2: the id is empty\n"},
    };
    static const rows_case events[] = {
        {"events", "a.json", "{\"user\":[\"u\",\"v\"],\"item\":[\"i\",\"j\"],\"time\":[5,6]}",
         "u|i|5|-\nv|j|6|-\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
    check_rows(TW_INGEST_EVENTS, events, COUNT(events));
}

static void rows_that_are_lists_are_read(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"under a list of names", "a.json", "[[\"id\",\"title\"],[1,\"a\"],\n[2,\"b\"]]",
         "1|a||{}\n2|b||{}\n"},
        {"one of another length", "a.json", "[[\"id\",\"title\"],[1],[2,\"b\"]]",
         "! line 1: the row has 1 values where there are 2 names\n2|b||{}\n"},
        {"without names", "a.json", "[[1,\"a\"],[2,\"b\"]]",
         "? 'a.json' holds rows as lists, and the first does not name the columns; name them as "
         "they stand with --header, as in --header id,title\n"},
    };
    static const rows_case named = {"named by the caller", "a.json", "[[1,\"a\"],[2,\"b\"]]",
                                    "1|a||{}\n2|b||{}\n"};
    static const rows_case objects = {"names for rows that have some", "a.json", "[{\"id\":1}]",
                                      "? a header can be given for JSON rows that are lists; those "
                                      "of 'a.json' have names\n"};
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
    check_rows_with(TW_INGEST_ITEMS, &(tw_reader_options){.header = "id,title"}, &named);
    check_rows_with(TW_INGEST_ITEMS, &(tw_reader_options){.header = "id,title"}, &objects);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_found_inside_a_document),
        cmocka_unit_test(rows_that_stand_by_columns_are_read),
        cmocka_unit_test(rows_that_are_lists_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
