/* The fixed formats, how a file's format is found, and what is said of files that are none of them.
 */
#include <string.h>

#include "tests/support/test.h"
#include "tests/unit/ingest/ingest_rows.h"

#define COUNT(a)    (sizeof(a) / sizeof(a)[0])
#define FLAGS_5_6_7 "0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0"
#define NO_FLAGS    "0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0"

static void u_item_is_read(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"genres, date, year, url", "u.item",
         "1|Toy Story (1995)|01-Jan-1995||http://x/|" FLAGS_5_6_7 "\n",
         "1|Toy Story (1995)||{\"release_date\":\"01-Jan-1995\",\"url\":\"http://x/\","
         "\"genres\":[\"Animation\",\"Children's\",\"Comedy\"],\"year\":1995}\n"},
        {"without a date the title tells the year", "u.item", "1|Heat (1995)||||" NO_FLAGS "\n",
         "1|Heat (1995)||{\"year\":1995}\n"},
        {"no year at all", "u.item", "267|unknown||||1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0\n",
         "267|unknown||{}\n"},
        {"ISO-8859-1", "u.item", "5|Caf\xe9 (1995)||||" NO_FLAGS "\n",
         "5|Caf\xc3\xa9 (1995)||{\"year\":1995}\n"},
        {"UTF-8", "u.item", "5|Caf\xc3\xa9 (1995)||||" NO_FLAGS "\n",
         "5|Caf\xc3\xa9 (1995)||{\"year\":1995}\n"},
        {"the last genre", "u.item", "1|W||||0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|1\n",
         "1|W||{\"genres\":[\"Western\"]}\n"},
        {"a bad flag", "u.item",
         "1|W||||" NO_FLAGS "\n2|W||||2|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0\n",
         "1|W||{}\n! line 2: genre flag 0 is '2', neither 0 nor 1\n"},
        {"too few", "u.item", "1|W||||" NO_FLAGS "\n2|W\n",
         "1|W||{}\n! line 2: the row has 2 fields where u.item has 24\n"},
        {"found by its bars", "films", "1|W||||" NO_FLAGS "\n", "1|W||{}\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
}

static void movielens_files_are_read(void **state)
{
    (void) state;
    static const rows_case items[] = {
        {"movies.dat", "movies.dat", "1::Toy Story (1995)::Animation|Children's\n",
         "1|Toy Story (1995)||{\"genres\":[\"Animation\",\"Children's\"],\"year\":1995}\n"},
        {"one genre is a list too", "movies.dat", "1::Heat (1995)::Action\n",
         "1|Heat (1995)||{\"genres\":[\"Action\"],\"year\":1995}\n"},
        {"ISO-8859-1", "movies.dat", "1::Caf\xe9::Drama\n",
         "1|Caf\xc3\xa9||{\"genres\":[\"Drama\"]}\n"},
        {"colons in a title", "movies.dat", "1::a::b\n2::Face::Off: x::Drama\n",
         "1|a||{\"genres\":[\"b\"]}\n2|Face::Off: x||{\"genres\":[\"Drama\"]}\n"},
        {"four digits in brackets, the last ones", "movies.dat",
         "1::(1984) is (not) 2000 (1956)::x\n",
         "1|(1984) is (not) 2000 (1956)||{\"genres\":[\"x\"],\"year\":1956}\n"},
        {"a bad row", "movies.dat", "1::a::b\n2::c\n",
         "1|a||{\"genres\":[\"b\"]}\n! line 2: the row is not 'id::title::genres'\n"},
        {"ratings given as items", "ratings.dat", "1::2::3::4\n",
         "? 'ratings.dat' holds no items in the format movielens (id::title::genres); it begins "
         "with "
         "'1::2::3::4'\n"},
    };
    static const rows_case events[] = {
        {"ratings.dat", "ratings.dat", "1::1193::5::978300760\n", "1|1193|978300760|5\n"},
        {"a bad row", "ratings.dat", "1::2::3::4\n1::2::3\n",
         "1|2|4|3\n! line 2: the row has 3 fields where ratings.dat has 4\n"},
        {"u.data", "u.data", "196\t242\t3\t881250949\n", "196|242|881250949|3\n"},
        {"u.data by content", "x.test", "1\t2\t3\t4\n", "1|2|4|3\n"},
        {"u.data, too few", "u.data", "1\t2\t3\t4\n1\t2\t3\n",
         "1|2|4|3\n! line 2: the row has 3 fields where u.data has 4\n"},
        {"movies given as events", "movies.dat", "1::a::b\n",
         "? 'movies.dat' holds no events in the format movielens (user::item::rating::time); it "
         "begins with '1::a::b'\n"},
    };
    check_rows(TW_INGEST_ITEMS, items, COUNT(items));
    check_rows(TW_INGEST_EVENTS, events, COUNT(events));
}

static void recbole_atomic_files_are_read(void **state)
{
    (void) state;
    static const rows_case items[] = {
        {"title and genres", "ml.item",
         "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
         "1\tToy Story\t1995\tAnimation Comedy\n",
         "1|Toy Story||{\"release_year\":1995,\"class\":[\"Animation\",\"Comedy\"]}\n"},
        {"numbers", "ml.item", "item_id:token\tp:float\tv:float_seq\n1\t2.5\t1 -2.5\n",
         "1|||{\"p\":2.5,\"v\":[1,-2.5]}\n"},
        {"a token is no list", "ml.item", "item_id:token\tz:token\ty:token\n1\t007\ta|b\n",
         "1|||{\"z\":\"007\",\"y\":\"a|b\"}\n"},
        {"an empty cell", "ml.item", "item_id:token\tc:token_seq\n1\t\n", "1|||{}\n"},
        {"a bad number", "ml.item", "item_id:token\tp:float\n1\tx\n",
         "1|||{}\n~ 1 left out, line 2: 'x' in column 'p' is no number\n"},
        {"a bad number in a list", "ml.item", "item_id:token\tp:float_seq\n1\t1 x\n",
         "1|||{}\n~ 1 left out, line 2: 'x' in column 'p' is no number\n"},
        {"events given as items", "ml.inter", "user_id:token\titem_id:token\n1\t2\n",
         "? the header of 'ml.inter' has the columns 'user_id' and 'item_id', so these are events, "
         "not items\n"},
    };
    static const rows_case events[] = {
        {"all columns", "ml.inter",
         "user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949.0\n",
         "196|242|881250949|3\n"},
        {"row order", "ml.inter", "user_id:token\titem_id:token\n1\t2\n1\t3\n",
         "1|2|1|-\n1|3|2|-\n"},
    };
    check_rows(TW_INGEST_ITEMS, items, COUNT(items));
    check_rows(TW_INGEST_EVENTS, events, COUNT(events));
}

static void sasrec_text_is_read_with_row_order_as_time(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"numbers", "ml-1m.txt", "1 5\n1 6\n2 5\n", "1|5|1|-\n1|6|2|-\n2|5|3|-\n"},
        {"words and tabs", "x.txt", "u 5\nu\t6\n", "u|5|1|-\nu|6|2|-\n"},
        {"a bad row", "x.txt", "1 5\n1\n1 6 7\n2 5\n",
         "1|5|1|-\n! line 2: the row has 1 fields where 'user item' has 2\n"
         "! line 3: the row has 3 fields where 'user item' has 2\n2|5|4|-\n"},
    };
    check_rows(TW_INGEST_EVENTS, cases, COUNT(cases));
}

static void a_file_that_is_none_of_them_gets_one_sentence(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"empty", "a.csv", "", "? 'a.csv' is empty\n"},
        {"byte order mark only", "a.csv", "\xef\xbb\xbf", "? 'a.csv' is empty\n"},
        {"blank", "a.csv", " \n\n\t\n", "? 'a.csv' holds nothing but white space\n"},
        {"control characters", "a.csv", "\x01\x02id,title\n",
         "? 'a.csv' is no text file: 1 of its first 11 bytes are control characters\n"},
        {"prose", "README", "Once upon a time\nthere was\n",
         "? the format of 'README' cannot be recognised from its first line 'Once upon a time'; "
         "name one "
         "of "
         "csv, tsv, jsonl, json, u.item, u.data, movielens, recbole, sasrec, or its --separator\n"},
        {"events given as items", "u.data", "1\t2\t3\t4\n",
         "? 'u.data' is of the format u.data, which has no items\n"},
        {"the same without times", "x.txt", "1 5\n",
         "? 'x.txt' is of the format sasrec, which has no items\n"},
        {"CSV called jsonl", "a.jsonl", "id,title\n1,a\n",
         "? 'a.jsonl' holds no items in the format jsonl ({...}); it begins with 'id,title'\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
    assert_string_equal(rows_of("a.bin", "ab\0c", 4, TW_INGEST_ITEMS, NULL),
                        "? 'a.bin' is no text file: byte 2 is 0\n");
}

static void a_wrong_format_gets_one_sentence(void **state)
{
    (void) state;
    static const struct {
        tw_ingest_format format;
        const char *said;
    } cases[] = {
        {TW_FORMAT_U_ITEM, "in the format u.item (id|title|date|date|URL|19 genre flags)"},
        {TW_FORMAT_MOVIELENS, "in the format movielens (id::title::genres)"},
        {TW_FORMAT_RECBOLE, "in the format recbole (name:type TAB name:type ...)"},
        {TW_FORMAT_JSONL, "in the format jsonl ({...})"},
        {TW_FORMAT_JSON, "in the format json ([ or {)"},
        {TW_FORMAT_U_DATA, "is of the format u.data, which has no items"},
        {TW_FORMAT_SASREC, "is of the format sasrec, which has no items"},
        {TW_FORMAT_TSV, "has no column for the field 'id'; it has 'id,title'"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const tw_reader_options opt = {.format = cases[i].format};
        const char *rows = rows_of("a.csv", "id,title\n1,a\n", 13, TW_INGEST_ITEMS, &opt);
        if (rows[0] != '?' || strstr(rows, cases[i].said) == NULL)
            fail_msg("expected ...%s..., got %s", cases[i].said, rows);
    }
    const tw_reader_options right = {.format = TW_FORMAT_CSV};
    assert_string_equal(rows_of("u.data", "id,title\n1,a\n", 13, TW_INGEST_ITEMS, &right),
                        "1|a||{}\n");
}

static void formats_have_names(void **state)
{
    (void) state;
    for (int i = TW_FORMAT_AUTO; i <= TW_FORMAT_SASREC; i++) {
        tw_ingest_format f = TW_FORMAT_CSV;
        assert_ok(tw_ingest_format_parse(tw_ingest_format_name((tw_ingest_format) i), &f, err));
        assert_int_equal(f, i);
    }
    tw_ingest_format f = TW_FORMAT_CSV;
    assert_status(tw_ingest_format_parse("xls", &f, err), TW_EINVAL);
    assert_string_equal(tw_ingest_kind_name(TW_INGEST_TRIPLETS), "triplets");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(u_item_is_read),
        cmocka_unit_test(movielens_files_are_read),
        cmocka_unit_test(recbole_atomic_files_are_read),
        cmocka_unit_test(sasrec_text_is_read_with_row_order_as_time),
        cmocka_unit_test(a_file_that_is_none_of_them_gets_one_sentence),
        cmocka_unit_test(a_wrong_format_gets_one_sentence),
        cmocka_unit_test(formats_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
