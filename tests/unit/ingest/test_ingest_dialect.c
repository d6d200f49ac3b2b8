/* How tables are separated, quoted, escaped and ended, in the ways that programs write them; what
 * the caller names; and what is refused with the way out. */
#include <string.h>

#include "tests/support/test.h"
#include "tests/unit/ingest/ingest_rows.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void separators_are_found(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"semicolons, commas in the texts and prices", "a.csv",
         "id;title;price\n1;Kettle, blue;4,5\n2;Pot;3\n",
         "1|Kettle, blue||{\"price\":4.5}\n2|Pot||{\"price\":3}\n"},
        {"bars", "a.txt", "id|title|year\n1|Heat|1995\n2|Casino|1995\n",
         "1|Heat||{\"year\":1995}\n2|Casino||{\"year\":1995}\n"},
        {"bars in a file called csv", "a.csv", "id|title\n1|One, two\n", "1|One, two||{}\n"},
        {"a comma more in the header than separators", "a.csv", "id;title, short;n\n1;a;2\n2;b;3\n",
         "1|a||{\"n\":2}\n2|b||{\"n\":3}\n"},
        {"lists between bars do not separate", "a.csv", "id,genres\n1,A|B\n2,B|C\n",
         "1|||{\"genres\":[\"A\",\"B\"]}\n2|||{\"genres\":[\"B\",\"C\"]}\n"},
        {"tabs in a file called csv, with commas", "a.csv", "id\ttitle\n1\tOne, two, three\n",
         "1|One, two, three||{}\n"},
        {"commas in a file called tsv", "a.tsv", "id,title\n1,One\n", "1|One||{}\n"},
        {"Hive's", "a", "id\x01title\n1\x01x, y\n", "1|x, y||{}\n"},
        {"sep= above the header", "a.csv", "sep=;\nid;title\n1;One\n", "1|One||{}\n"},
        {"sep= that the first line alone would not tell", "a.csv", "sep=|\r\nid|a,b\r\n1|x\r\n",
         "1|||{\"a,b\":\"x\"}\n"},
        {"a column called sep", "a.csv", "id,sep=x\n1,2\n", "1|||{\"sep=x\":2}\n"},
        {"blanks, names in the first line", "a.txt", "\"id\" \"title\"\n\"1\" \"Toy Story\"\n",
         "1|Toy Story||{}\n"},
        {"names of rows, as R writes them", "a.txt",
         "\"id\" \"title\"\n\"1\" \"x\" \"Toy Story\"\n\"2\" \"y\" \"Heat\"\n",
         "x|Toy Story||{}\ny|Heat||{}\n"},
        {"a separator behind the last cell", "a.csv", "id,title\n1,One,\n2,Two,\n",
         "1|One||{}\n2|Two||{}\n"},
        {"a comma too many in each text is no name of a row", "a.csv",
         "id,title\n1,Heat, The\n2,Pot, The\n",
         "! line 2: the row has 3 fields where the header has 2\n"
         "! line 3: the row has 3 fields where the header has 2\n"},
        {"RecBole between commas", "a.inter", "id:token,title:token_seq\n1,Toy Story\n",
         "1|Toy Story||{}\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
}

static void quotes_and_escapes_are_found(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"a quote behind a blank", "a.csv", "id, title, n\n1, \"Kettle, blue\", 2\n",
         "1|Kettle, blue||{\"n\":2}\n"},
        {"blanks behind a quote", "a.csv", "id,title,n\n1,\"Kettle\" ,2\n",
         "1|Kettle||{\"n\":2}\n"},
        {"blanks around an id", "a.csv", "id,title\n 1\t,One\n", "1|One||{}\n"},
        {"escaped quotes", "a.csv", "id,title\n1,\"a \\\"b\\\", c\"\n2,\"d\"\n",
         "1|a \"b\", c||{}\n2|d||{}\n"},
        {"and what else is escaped with them", "a.csv",
         "id,title\n1,\"a \\\"b\\\\c\\n\\\", d\"\n2,\"d\"\n", "1|a \"b\\c\\n\", d||{}\n2|d||{}\n"},
        {"a folder's name ends in one", "a.csv", "id,title\n1,\"C:\\dir\\\"\n2,\"d\"\n",
         "1|C:\\dir\\||{}\n2|d||{}\n"},
        {"doubled behind a backslash", "a.csv", "id,title\n1,\"\\\"\"x\\\"\"\"\n2,\"d, e\"\n",
         "1|\\\"x\\\"||{}\n2|d, e||{}\n"},
        {"quotes between tabs around each cell", "a.tsv",
         "\"id\"\t\"title\"\n\"1\"\t\"One\"\n\"2\"\t\"Two\"\n", "1|One||{}\n2|Two||{}\n"},
        {"around what needs them", "a.tsv", "id\ttitle\n1\t\"a\tb\"\n2\tTwo\n3\tx\n",
         "1|a\tb||{}\n2|Two||{}\n3|x||{}\n"},
        {"doubled in them", "a.tsv", "id\ttitle\n1\t\"say \"\"hi\"\"\"\n2\tTwo\n",
         "1|say \"hi\"||{}\n2|Two||{}\n"},
        {"but one title in quotes is text", "a.tsv",
         "id\ttitle\n1\t\"Heroes\"\n2\tTwo\n3\t\"Hi\" he said\n",
         "1|\"Heroes\"||{}\n2|Two||{}\n3|\"Hi\" he said||{}\n"},
        {"inches between tabs", "a.tsv", "id\ttitle\n1\t5\" nail\n2\t\"odd\n",
         "1|5\" nail||{}\n2|\"odd||{}\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
}

static void lines_end_as_on_any_machine(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"old Macs", "a.csv", "id,title\r1,One\r2,\"a\rb\"\r\r3,Three",
         "1|One||{}\n2|a\rb||{}\n3|Three||{}\n"},
        {"of JSON", "a.jsonl", "{\"id\":1}\r{\"id\":2}\r", "1|||{}\n2|||{}\n"},
        {"and of a bad row the number of its line", "a.csv", "id,title\r1\r2,b\r",
         "! line 2: the row has 1 fields where the header has 2\n2|b||{}\n"},
        {"a return inside a line that ends otherwise", "a.csv", "id,title\n1,a\rb\n",
         "1|a\rb||{}\n"},
    };
    static const rows_case logs[] = {
        {"of a log", "a.txt", "1 5\r1 6\r", "1|5|1|-\n1|6|2|-\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
    check_rows(TW_INGEST_EVENTS, logs, COUNT(logs));
}

static void logs_between_blanks_are_read(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"with a time", "a.txt", "1 5 978300760\n1 6 978302109\n",
         "1|5|978300760|-\n1|6|978302109|-\n"},
        {"with a time, between tabs", "events.tsv", "1\t7873\t1318896000\n1\t12\t1318896000\n",
         "1|7873|1318896000|-\n1|12|1318896000|-\n"},
        {"with both, between tabs", "events.tsv", "1\t5\t4\t978300760\n", "1|5|978300760|4\n"},
        {"with a rating", "a.txt", "1 5 4\n1 6 3\n", "1|5|1|4\n1|6|2|3\n"},
        {"with both", "a.txt", "1 5 4 978300760\n1 6 3 978302109\n",
         "1|5|978300760|4\n1|6|978302109|3\n"},
        {"ids that are words", "a.txt", "u1 i5 4.5 978300760\nu1 i6 3.0 978302109\n",
         "u1|i5|978300760|4.5\nu1|i6|978302109|3\n"},
        {"under a header of two names", "a.txt", "user_id item_id\n1 5\n1 6\n",
         "1|5|1|-\n1|6|2|-\n"},
        {"under a header of four", "a.txt", "item user rating timestamp\n5 1 4 978300760\n",
         "1|5|978300760|4\n"},
        {"between several blanks", "a.txt", "user  item time\n 1   5\t978300760 \n",
         "1|5|978300760|-\n"},
        {"a row too long", "a.txt", "1 5 4\n1 6\n1 7 2\n",
         "1|5|1|4\n! line 2: the row has 2 fields where the first has 3\n1|7|3|2\n"},
        {"a user's items on a line", "train.txt", "0 1 2 3 4 5\n1 7 8\n2 9 3 4\n",
         "? 'train.txt' has a user and all items of it on a line, '0 1 2 3 4 5'; write an event a "
         "line: awk '{for (i = 2; i <= NF; i++) print $1, $i}' FILE > FILE.txt\n"},
        {"RecBole between bars", "a.inter", "user_id:token|item_id:token|timestamp:float\nu|i|5\n",
         "u|i|5|-\n"},
    };
    check_rows(TW_INGEST_EVENTS, cases, COUNT(cases));
}

static void the_caller_names_them(void **state)
{
    (void) state;
    static const struct {
        const char *separator, *quote, *escape;
        rows_case one;
    } cases[] = {
        {"~", NULL, NULL, {"any separator", "a.csv", "id~title\n1~a,b\n", "1|a,b||{}\n"}},
        {"tab", NULL, NULL, {"by name", "a.csv", "id\ttitle\n1\tx\n", "1|x||{}\n"}},
        {"\\t", NULL, NULL, {"as a shell passes it", "a", "id\ttitle\n1\tx\n", "1|x||{}\n"}},
        {",",
         NULL,
         NULL,
         {"against the look of it", "a", "id,a;b;c\n1,2;3;4\n", "1|||{\"a;b;c\":\"2;3;4\"}\n"}},
        {NULL, "none", NULL, {"no quotes", "a.csv", "id,title\n1,\"a\n", "1|\"a||{}\n"}},
        {NULL, "'", NULL, {"single quotes", "a.csv", "id,title\n1,'a,''b'\n", "1|a,'b||{}\n"}},
        {NULL, "\"", NULL, {"between tabs", "a.tsv", "id\ttitle\n1\t\"a\"\n", "1|a||{}\n"}},
        {NULL,
         NULL,
         "\\",
         {"an escape without quotes", "a.csv", "id,title\n1,a\\, b\n2,c\\\nd\n",
          "1|a, b||{}\n2|c\nd||{}\n"}},
        {NULL, NULL, "none", {"no escape", "a.csv", "id,title\n1,\"a\\\"\n", "1|a\\||{}\n"}},
        {"ab",
         NULL,
         NULL,
         {"two characters", "a.csv", "id\n1\n",
          "? the separator 'ab' is not one character of ASCII, tab or space\n"}},
        {NULL,
         "\xe2\x80\x9c",
         NULL,
         {"not of ASCII", "a.csv", "id\n1\n",
          "? the quote '\xe2\x80\x9c' is not one character of ASCII or none\n"}},
        {"\"",
         "\"",
         NULL,
         {"one for two", "a.csv", "id\n1\n", "? '\"' cannot be the separator and the quote\n"}},
        {";",
         NULL,
         NULL,
         {"for what has none", "a.jsonl", "{\"id\":1}\n",
          "? a separator, quote or escape can be given for csv, tsv and recbole, "
          "not for jsonl\n"}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const tw_reader_options opt = {.separator = cases[i].separator,
                                       .quote = cases[i].quote,
                                       .escape = cases[i].escape,
                                       .format = strstr(cases[i].one.name, "jsonl") != NULL
                                                     ? TW_FORMAT_JSONL
                                                     : TW_FORMAT_AUTO};
        check_rows_with(TW_INGEST_ITEMS, &opt, &cases[i].one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(separators_are_found),
        cmocka_unit_test(quotes_and_escapes_are_found),
        cmocka_unit_test(lines_end_as_on_any_machine),
        cmocka_unit_test(logs_between_blanks_are_read),
        cmocka_unit_test(the_caller_names_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
