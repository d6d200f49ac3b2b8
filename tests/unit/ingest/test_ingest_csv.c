/* CSV and TSV: quoting, headers, typed cells; one rule a row. */
#include "tests/support/test.h"
#include "tests/unit/ingest/ingest_rows.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void csv_is_read_as_rfc_4180_says(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"plain rows", "a.csv", "id,title\n1,One\n2,Two\n", "1|One||{}\n2|Two||{}\n"},
        {"CRLF", "a.csv", "id,title\r\n1,One\r\n", "1|One||{}\n"},
        {"CRLF behind a quote", "a.csv", "id,title\r\n1,\"One\"\r\n", "1|One||{}\n"},
        {"no end on the last line", "a.csv", "id,title\n1,One", "1|One||{}\n"},
        {"byte order mark", "a.csv", "\xef\xbb\xbfid,title\n1,One\n", "1|One||{}\n"},
        {"byte order mark and a quote", "a.csv", "\xef\xbb\xbf\"id\",title\n1,x\n", "1|x||{}\n"},
        {"separator in quotes", "a.csv", "id,title\n1,\"a,b\"\n", "1|a,b||{}\n"},
        {"line end in quotes", "a.csv", "id,title\n1,\"a\nb\"\n2,c\n", "1|a\nb||{}\n2|c||{}\n"},
        {"doubled quote", "a.csv", "id,title\n1,\"a \"\"b\"\"\"\n", "1|a \"b\"||{}\n"},
        {"only quotes", "a.csv", "id,title\n1,\"\"\"\"\n", "1|\"||{}\n"},
        {"empty quotes", "a.csv", "id,title\n1,\"\"\n", "1|||{}\n"},
        {"a quote inside is text", "a.csv", "id,title\n1,5\" pipe\n", "1|5\" pipe||{}\n"},
        {"spaces around a cell are not of it", "a.csv", "id,text,a\n1, a , b \n",
         "1||a|{\"a\":\"b\"}\n"},
        {"spaces in quotes are", "a.csv", "id,text,a\n1,\" a \",\" b \"\n",
         "1|| a |{\"a\":\" b \"}\n"},
        {"but not around a title", "a.csv", "id,title\n1, a  b \n2,  \n", "1|a  b||{}\n2|||{}\n"},
        {"spaces in the header are not", "a.csv", " id , title\n1,a\n", "1|a||{}\n"},
        {"last cell empty", "a.csv", "id,title,n\n1,a,\n", "1|a||{}\n"},
        {"blank lines are no rows", "a.csv", "\nid,title\n\n1,a\n  \n\n2,b\n\n",
         "1|a||{}\n2|b||{}\n"},
        {"semicolons", "a.csv", "id;title;n\n1;a,b;2\n", "1|a,b||{\"n\":2}\n"},
        {"one column", "a.csv", "id\n1\n2\n", "1|||{}\n2|||{}\n"},
        {"header only", "a.csv", "id,title\n", ""},
        {"tab-separated file called csv", "a.csv", "id\ttitle\n1\ta,b\n", "1|a,b||{}\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
}

static void a_bad_row_is_reported_and_the_next_one_is_read(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"too few", "a.csv", "id,title\n1\n2,b\n",
         "! line 2: the row has 1 fields where the header has 2\n2|b||{}\n"},
        {"too many", "a.csv", "id,title\n1,a,x\n2,b\n",
         "! line 2: the row has 3 fields where the header has 2\n2|b||{}\n"},
        {"no id", "a.csv", "id,title\n,a\n2,b\n", "! line 2: the id is empty\n2|b||{}\n"},
        {"not UTF-8", "a.csv", "id,title\n1,caf\xe9\n2,th\xc3\xa9\n",
         "! line 2: byte 6 of the row is 0xe9, which is no UTF-8 text\n2|th\xc3\xa9||{}\n"},
        {"overlong UTF-8", "a.csv", "id,title\n1,\xc0\xaf\n2,th\xc3\xa9\n",
         "! line 2: byte 3 of the row is 0xc0, which is no UTF-8 text\n2|th\xc3\xa9||{}\n"},
        {"text behind a closing quote", "a.csv", "id,title\n1,\"a\"x\n2,b\n",
         "! line 2: text stands between a closing quote and the next separator\n2|b||{}\n"},
        {"return behind a quote", "a.csv", "id,title\n1,\"a\"\rx\n2,b\n",
         "! line 2: text stands between a closing quote and the next separator\n2|b||{}\n"},
        {"an open quote costs its own line only", "a.csv", "id,title\n1,\"a\n2,b\n3,c\n",
         "! line 2: a quote is opened and not closed in this row\n2|b||{}\n3|c||{}\n"},
        {"an open quote that meets another", "a.csv", "id,title\n1,\"a\n2,\"b\"\n3,c\n",
         "! line 2: text stands between a closing quote and the next "
         "separator\n2|b||{}\n3|c||{}\n"},
        {"line numbers count lines inside rows", "a.csv", "id,title\n1,\"a\nb\"\n,c\n",
         "1|a\nb||{}\n! line 4: the id is empty\n"},
        {"typed number", "a.csv", "id,n:number\n1,x\n2,3\n",
         "1|||{}\n2|||{\"n\":3}\n~ 1 left out, line 2: 'x' in column 'n' is no number\n"},
        {"typed boolean", "a.csv", "id,n:boolean\n1,yes\n2,1\n",
         "1|||{}\n2|||{\"n\":true}\n"
         "~ 1 left out, line 2: 'yes' in column 'n' is not true, false, 1 or 0\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
}

static void cells_become_typed_attributes(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"whole number", "a.csv", "id,n\n1,1995\n", "1|||{\"n\":1995}\n"},
        {"negative, decimal, exponent", "a.csv", "id,a,b,c\n1,-3,0.5,1e3\n",
         "1|||{\"a\":-3,\"b\":0.5,\"c\":1e3}\n"},
        {"leading zero is a code", "a.csv", "id,zip\n1,02460\n", "1|||{\"zip\":\"02460\"}\n"},
        {"no JSON number", "a.csv", "id,a,b,c,d\n1,+5,.5,5.,0x10\n",
         "1|||{\"a\":\"+5\",\"b\":\".5\",\"c\":\"5.\",\"d\":\"0x10\"}\n"},
        {"infinite", "a.csv", "id,a,b\n1,1e999,inf\n", "1|||{\"a\":\"1e999\",\"b\":\"inf\"}\n"},
        {"more digits than a double holds", "a.csv", "id,a,b\n1,999999999999999,1234567890123456\n",
         "1|||{\"a\":999999999999999,\"b\":\"1234567890123456\"}\n"},
        {"booleans", "a.csv", "id,a,b,c\n1,true,false,True\n",
         "1|||{\"a\":true,\"b\":false,\"c\":true}\n"},
        {"bars make a list", "a.csv", "id,g\n1,Drama|War\n", "1|||{\"g\":[\"Drama\",\"War\"]}\n"},
        {"bars with spaces are prose", "a.csv", "id,g\n1,this | that\n",
         "1|||{\"g\":\"this | that\"}\n"},
        {"an empty part is no list", "a.csv", "id,g\n1,a||b\n", "1|||{\"g\":\"a||b\"}\n"},
        {"JSON list", "a.csv", "id,g\n1,\"[\"\"a\"\",2]\"\n", "1|||{\"g\":[\"a\",2]}\n"},
        {"Python's list", "a.csv", "id,g\n1,\"['a']\"\n", "1|||{\"g\":[\"a\"]}\n"},
        {"empty cell", "a.csv", "id,a,b\n1,,2\n", "1|||{\"b\":2}\n"},
        {"escapes", "a.csv", "id,a\n1,\"q\"\" b\\ n\n t\t x\x01\"\n",
         "1|||{\"a\":\"q\\\" b\\\\ n\\n t\\t x\\u0001\"}\n"},
        {"typed string", "a.csv", "id,n:string\n1,1995\n", "1|||{\"n\":\"1995\"}\n"},
        {"typed list with one part", "a.csv", "id,g:list\n1,War\n", "1|||{\"g\":[\"War\"]}\n"},
        {"typed number that JSON would not take", "a.csv", "id,n:number\n1,007\n",
         "1|||{\"n\":7}\n"},
        {"an unknown type is part of the name", "a.csv", "id,n:colour\n1,red\n",
         "1|||{\"n:colour\":\"red\"}\n"},
        {"a column without a name is dropped", "a.csv", ",id,a\n0,1,x\n", "1|||{\"a\":\"x\"}\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
}

static void columns_are_known_by_many_names(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"case and separators", "a.csv", "Movie ID,Movie-Title\n1,a\n", "1|a||{}\n"},
        {"the best name wins", "a.csv", "name,item_id,title,id\nn,i,t,1\n",
         "1|t||{\"name\":\"n\",\"item_id\":\"i\"}\n"},
        {"any name with title in it", "a.csv", "id,german_title_1\n1,a\n", "1|a||{}\n"},
        {"text", "a.csv", "id,description\n1,long\n", "1||long|{}\n"},
        {"no id", "a.csv", "code,title\nx,y\n",
         "? the header of 'a.csv' has no column for the field 'id'; it has 'code', 'title'; if "
         "one of them is, say --columns id=NAME\n"},
        {"no header", "a.csv", "x1,Toy Story,1995\n",
         "? the header of 'a.csv' has no column for the field 'id'; it has 'x1', 'Toy Story', "
         "'1995'; is the header line missing? then name its columns with --header\n"},
        {"twice", "a.csv", "id,a,a\n1,2,3\n", "? the header of 'a.csv' has the column 'a' twice\n"},
        {"events given as items", "a.csv", "user_id,item_id,title\n1,2,3\n",
         "? the header of 'a.csv' has the columns 'user_id' and 'item_id', so these are events, "
         "not "
         "items\n"},
        {"an item may have a user", "a.csv", "id,user\n1,2\n", "1|||{\"user\":2}\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
}

static void the_caller_may_say_what_a_column_is(void **state)
{
    (void) state;
    static const tw_column_map map[] = {{"id", "code"}, {"title", "label"}};
    static const tw_column_map wrong[] = {{"id", "kode"}};
    static const tw_column_map no_field[] = {{"colour", "code"}};
    static const tw_column_map taken[] = {{"id", "title"}};
    static const struct {
        tw_reader_options opt;
        rows_case one;
    } cases[] = {
        {{.columns = map, .n_columns = 2},
         {"mapped", "a.csv", "id,code,label\n1,c,l\n", "c|l||{\"id\":1}\n"}},
        {{.columns = taken, .n_columns = 1},
         {"what is mapped has one use", "a.csv", "title,n\nx,1\n", "x|||{\"n\":1}\n"}},
        {{.columns = wrong, .n_columns = 1},
         {"mapped to nothing", "a.csv", "id,code,label\n1,c,l\n",
          "? the header of 'a.csv' has no column 'kode'; it has 'id', 'code', 'label'\n"}},
        {{.columns = wrong, .n_columns = 1},
         {"mapped to nothing in JSON", "a.jsonl", "{\"id\":1}\n",
          "! line 1: the row has no column 'kode'; it has 'id'\n"}},
        {{.columns = no_field, .n_columns = 1},
         {"mapped from nothing", "a.csv", "id,code\n1,c\n",
          "? items have no field 'colour'; they have id, title, text, image, audio\n"}},
        {{.header = "id,title"}, {"given header", "a.csv", "1,a\n2,b\n", "1|a||{}\n2|b||{}\n"}},
        {{.header = "id,title"},
         {"given header of a TSV", "a.tsv", "1\ta\n2\tb\n", "1|a||{}\n2|b||{}\n"}},
        {{.header = "id,title"},
         {"JSON has no header", "a.jsonl", "{\"id\":1}\n",
          "? a header can be given for csv, tsv and logs, not for jsonl\n"}},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_rows_with(TW_INGEST_ITEMS, &cases[i].opt, &cases[i].one);
}

static void tsv_has_no_quotes(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"quotes are text", "a.tsv", "id\ttitle\n1\t\"a\n2\tb\"\n", "1|\"a||{}\n2|b\"||{}\n"},
        {"commas are text", "a.tsv", "id\ttitle\n1\ta,b\n", "1|a,b||{}\n"},
        {"found by content", "a.txt", "id\ttitle\n1\ta\n", "1|a||{}\n"},
        {"typed header", "a.tsv", "id\tn:string\n1\t5\n", "1|||{\"n\":\"5\"}\n"},
        {"an empty line end cell", "a.tsv", "id\ta\tb\n1\t\t\n", "1|||{}\n"},
        {"too many", "a.tsv", "id\ttitle\n1\ta\tb\n",
         "! line 2: the row has 3 fields where the header has 2\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
}

static void templates_join_columns(void **state)
{
    (void) state;
    static const struct {
        const char *title;
        rows_case one;
    } cases[] = {
        {"{name} ({year})",
         {"two columns", "a.csv", "id,name,year\n1,Heat,1995\n",
          "1|Heat (1995)||{\"year\":1995}\n"}},
        {"{name} ({year})",
         {"empty brackets go", "a.csv", "id,name,year\n1,Heat,\n", "1|Heat||{}\n"}},
        {"{name} [{year}]!",
         {"square ones too", "a.csv", "id,name,year\n1,Heat,\n", "1|Heat!||{}\n"}},
        {"{name} (of {year})",
         {"text in brackets stays", "a.csv", "id,name,year\n1,Heat,\n", "1|Heat (of )||{}\n"}},
        {"{{{name}}}", {"braces", "a.csv", "id,name\n1,Heat\n", "1|{Heat}||{}\n"}},
        {"{name}-{name}", {"a column twice", "a.csv", "id,name\n1,H\n", "1|H-H||{}\n"}},
        {"{titel}",
         {"unknown column", "a.csv", "id,name\n1,H\n",
          "? the header of 'a.csv' has no column for the template's part 'titel'; it has 'id', "
          "'name'\n"}},
        {"title",
         {"no column", "a.csv", "id\n1\n",
          "? the template 'title' names no column; write a name in braces\n"}},
        {"{id",
         {"open brace", "a.csv", "id\n1\n",
          "? the template '{id' has no column name between braces\n"}},
        {"} {id}",
         {"closing brace", "a.csv", "id\n1\n",
          "? the template '} {id}' closes a brace that is not open\n"}},
        {"{name} ({year})",
         {"JSON", "a.jsonl",
          "{\"id\":1,\"name\":\"Heat\",\"year\":1995}\n{\"id\":2,\"name\":\"Ran\"}\n",
          "1|Heat (1995)||{\"year\":1995}\n2|Ran||{}\n"}},
        {"{nam}",
         {"unknown key", "a.jsonl", "{\"id\":1,\"name\":\"Heat\"}\n",
          "! line 1: the row has no column for the template's part 'nam'; it has 'id', 'name'\n"}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const tw_reader_options opt = {.title_template = cases[i].title};
        check_rows_with(TW_INGEST_ITEMS, &opt, &cases[i].one);
    }
    static const tw_reader_options text = {.text_template = "{a}: {b}"};
    static const rows_case one = {"the text too", "a.csv", "id,a,b\n1,x,y\n",
                                  "1||x: y|{\"a\":\"x\",\"b\":\"y\"}\n"};
    check_rows_with(TW_INGEST_ITEMS, &text, &one);
    static const rows_case event = {"events have no title", "a.csv", "user,item\n1,2\n",
                                    "? events have no title and text to make from a template\n"};
    check_rows_with(TW_INGEST_EVENTS, &text, &event);
}

static void events_are_read(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"all columns", "a.csv", "user,item,timestamp,rating\nu,i,7,4.5\n", "u|i|7|4.5\n"},
        {"row order is the time", "a.csv", "user,item\nu,i\nu,j\n\nu,k\n",
         "u|i|1|-\nu|j|2|-\nu|k|3|-\n"},
        {"a bad row counts", "a.csv", "user,item\nu,i\nu\nu,k\n",
         "u|i|1|-\n! line 3: the row has 1 fields where the header has 2\nu|k|3|-\n"},
        {"decimal time", "a.csv", "user,item,ts\nu,i,881250949.9\n", "u|i|881250949.9|-\n"},
        {"dates", "a.csv", "user,item,date\nu,i,1970-01-02\nu,j,1970-01-01T01:00:00+01:00\n",
         "u|i|86400|-\nu|j|0|-\n"},
        {"empty rating", "a.csv", "user,item,rating\nu,i,\n", "u|i|1|-\n"},
        {"no time", "a.csv", "user,item,time\nu,i,\n", "! line 2: the time is empty\n"},
        {"bad time", "a.csv", "user,item,time\nu,i,soon\n",
         "! line 2: the time 'soon' is neither a number nor a date like 2024-05-01T12:30:00Z\n"},
        {"bad rating", "a.csv", "user,item,rating\nu,i,nan\n", "u|i|1|-\n~ 1 missing\n"},
        {"no user", "a.csv", "item,time\ni,1\n",
         "? the header of 'a.csv' has no column for the field 'user'; it has 'item', 'time'; "
         "if one of them is, say --columns user=NAME\n"},
    };
    check_rows(TW_INGEST_EVENTS, cases, COUNT(cases));
}

static void pairs_and_triplets_are_read(void **state)
{
    (void) state;
    static const rows_case pairs[] = {
        {"labels", "a.csv", "a,b,label\nx,y,0\nx,z,0.75\nx,w,true\n", "x|y|0\nx|z|0.75\nx|w|1\n"},
        {"without a label they are similar", "a.csv", "item1,item2\nx,y\n", "x|y|1\n"},
        {"bad label", "a.csv", "a,b,label\nx,y,maybe\n",
         "! line 2: the label 'maybe' is neither a number nor true or false\n"},
    };
    static const rows_case triplets[] = {
        {"an empty one", "a.csv", "anchor,positive,negative\nx,y,z\nx,y,\n",
         "x|y|z\n! line 3: the negative is empty\n"},
        {"they need three", "a.csv", "anchor,positive\nx,y\n",
         "? the header of 'a.csv' has no column for the field 'negative'; it has 'anchor', "
         "'positive'\n"},
    };
    check_rows(TW_INGEST_PAIRS, pairs, COUNT(pairs));
    check_rows(TW_INGEST_TRIPLETS, triplets, COUNT(triplets));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_is_read_as_rfc_4180_says),
        cmocka_unit_test(a_bad_row_is_reported_and_the_next_one_is_read),
        cmocka_unit_test(cells_become_typed_attributes),
        cmocka_unit_test(columns_are_known_by_many_names),
        cmocka_unit_test(the_caller_may_say_what_a_column_is),
        cmocka_unit_test(tsv_has_no_quotes),
        cmocka_unit_test(templates_join_columns),
        cmocka_unit_test(events_are_read),
        cmocka_unit_test(pairs_and_triplets_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
