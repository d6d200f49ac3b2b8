/* What cells are worth: the type is the column's, words for no value are none, and what cannot be
 * read is left out of a row that stays. */
#include "tests/support/test.h"
#include "tests/unit/ingest/ingest_rows.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void the_type_is_the_columns(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"one genre is a list where others are several", "a.csv",
         "id,kinds\n1,Comedy\n2,Drama|War\n3,\n",
         "1|||{\"kinds\":[\"Comedy\"]}\n2|||{\"kinds\":[\"Drama\",\"War\"]}\n3|||{}\n"},
        {"a bar in a sentence makes no lists of all", "a.csv", "id,note\n1,this | that\n2,a|b\n",
         "1|||{\"note\":\"this | that\"}\n"
         "2|||{\"note\":\"a|b\"}\n"},
        {"genres are lists by their name", "a.csv", "id,genres\n1,Comedy\n2,War\n",
         "1|||{\"genres\":[\"Comedy\"]}\n2|||{\"genres\":[\"War\"]}\n"},
        {"between commas", "a.csv", "id,genres\n1,\"Action, Comedy\"\n2,War\n",
         "1|||{\"genres\":[\"Action\",\"Comedy\"]}\n2|||{\"genres\":[\"War\"]}\n"},
        {"between semicolons", "a.csv", "id,tags\n1,Indie; 2D, old\n2,3D\n",
         "! line 2: the row has 3 fields where the header has 2\n2|||{\"tags\":[\"3D\"]}\n"},
        {"between semicolons, quoted", "a.csv", "id,Tags\n1,\"Indie;2D, old\"\n2,3D\n",
         "1|||{\"Tags\":[\"Indie\",\"2D, old\"]}\n2|||{\"Tags\":[\"3D\"]}\n"},
        {"commas in what is no list of things", "a.csv", "id,city\n1,\"Paris, France\"\n",
         "1|||{\"city\":\"Paris, France\"}\n"},
        {"Python's", "a.csv", "id,cast\n1,\"['Al', \"\"O'Neil\"\"]\"\n2,[]\n3,\"[1, 2.5]\"\n",
         "1|||{\"cast\":[\"Al\",\"O'Neil\"]}\n2|||{\"cast\":[]}\n3|||{\"cast\":[1, 2.5]}\n"},
        {"Python's None is no part", "a.csv", "id,t\n1,\"['a', None]\"\n2,\"[None]\"\n",
         "1|||{\"t\":[\"a\"]}\n2|||{\"t\":[]}\n"},
        {"not quite Python's", "a.csv", "id,t\n1,\"['a' 'b']\"\n2,\"['a'\"\n3,\"['a']]\"\n",
         "1|||{\"t\":\"['a' 'b']\"}\n2|||{\"t\":\"['a'\"}\n3|||{\"t\":\"['a']]\"}\n"},
        {"one code makes codes of all", "a.csv", "id,zip\n1,02460\n2,12345\n",
         "1|||{\"zip\":\"02460\"}\n2|||{\"zip\":\"12345\"}\n"},
        {"a spreadsheet's formula around a code", "a.csv",
         "id,isbn\n1,\"=\"\"0439023483\"\"\"\n2,=\"12\"\n3,=\"\"\n",
         "1|||{\"isbn\":\"0439023483\"}\n2|||{\"isbn\":\"12\"}\n3|||{}\n"},
        {"sizes", "a.csv", "id,size\n1,38\n2,M\n", "1|||{\"size\":\"38\"}\n2|||{\"size\":\"M\"}\n"},
        {"Python's booleans", "a.csv", "id,new\n1,True\n2,False\n3,NA\n",
         "1|||{\"new\":true}\n2|||{\"new\":false}\n3|||{}\n~ 1 missing\n"},
        {"a boolean among words", "a.csv", "id,new\n1,true\n2,maybe\n",
         "1|||{\"new\":\"true\"}\n2|||{\"new\":\"maybe\"}\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
}

static void numbers_are_read_as_the_column_writes_them(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"decimal commas", "a.csv", "id;p\n1;4,5\n2;1.234,56\n3;7\n4;-0,25\n",
         "1|||{\"p\":4.5}\n2|||{\"p\":1234.56}\n3|||{\"p\":7}\n4|||{\"p\":-0.25}\n"},
        {"thousands", "a.csv", "id;p\n1;1,234.5\n2;1,234\n3;12,345,678\n",
         "1|||{\"p\":1234.5}\n2|||{\"p\":1234}\n3|||{\"p\":12345678}\n"},
        {"commas that could be either stay text", "a.csv", "id;p\n1;1,234\n2;5\n",
         "1|||{\"p\":\"1,234\"}\n2|||{\"p\":\"5\"}\n"},
        {"a point elsewhere decides", "a.csv", "id;p\n1;1,234\n2;5.5\n",
         "1|||{\"p\":1234}\n2|||{\"p\":5.5}\n"},
        {"two styles stay text", "a.csv", "id;p\n1;4,5\n2;4.5\n",
         "1|||{\"p\":\"4,5\"}\n2|||{\"p\":\"4.5\"}\n"},
        {"words for none", "a.csv", "id,p\n1,-\n2,NaN\n3,N/A\n4,\xe2\x80\x94\n5,3\n6,None\n",
         "1|||{}\n2|||{}\n3|||{}\n4|||{}\n5|||{\"p\":3}\n6|||{}\n~ 5 missing\n"},
        {"a date is none", "a.csv", "id,p\n1,2024-01-02\n", "1|||{\"p\":\"2024-01-02\"}\n"},
        {"typed ones too", "a.csv", "id;p:number\n1;4,5\n2;NULL\n3;007\n",
         "1|||{\"p\":4.5}\n2|||{}\n3|||{\"p\":7}\n~ 1 missing\n"},
        {"one in twenty may be something else", "a.csv",
         "id,p\n1,1\n2,2\n3,3\n4,4\n5,5\n6,6\n7,7\n8,8\n9,9\n10,1\n11,1\n12,2\n13,3\n14,4\n15,5\n"
         "16,6\n17,7\n18,8\n19,9\n20,free\n",
         "1|||{\"p\":1}\n2|||{\"p\":2}\n3|||{\"p\":3}\n4|||{\"p\":4}\n5|||{\"p\":5}\n"
         "6|||{\"p\":6}\n7|||{\"p\":7}\n8|||{\"p\":8}\n9|||{\"p\":9}\n10|||{\"p\":1}\n"
         "11|||{\"p\":1}\n12|||{\"p\":2}\n13|||{\"p\":3}\n14|||{\"p\":4}\n15|||{\"p\":5}\n"
         "16|||{\"p\":6}\n17|||{\"p\":7}\n18|||{\"p\":8}\n19|||{\"p\":9}\n20|||{\"p\":\"free\"}\n"
         "~ 1 as text, line 21: 'free' in column 'p' is no number\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
}

static void a_row_outlives_a_value(void **state)
{
    (void) state;
    static const rows_case items[] = {
        {"words for none in title and text", "a.csv",
         "id,title,text,b\n1,nan,NULL,\\N\n2,None,-,NA\n",
         "1|||{}\n2|None|-|{\"b\":\"NA\"}\n~ 3 missing\n"},
        {"an address instead of an image", "a.csv",
         "id,title,image\n1,a,https://x/y.jpg\n2,b,http://z\n",
         "1|a||{}\n2|b||{}\n~ 2 left out, line 2: the image 'https://x/y.jpg' is an address, and "
         "nothing is ever fetched\n"},
        {"ids that look like none", "a.csv", "id,title\nNA,a\nnull,b\n",
         "NA|a||{}\nnull|b||{}\n~ 2 odd ids, line 2: the id is 'NA'\n"},
    };
    static const rows_case events[] = {
        {"a rating with a comma", "a.csv", "user;item;rating\nu;i;4,5\nv;i;3\n",
         "u|i|1|4.5\nv|i|2|3\n"},
        {"ratings that are none", "a.csv",
         "user,item,rating\nu,i,NaN\nv,i,-\nw,i,liked it\nx,i,5\n",
         "u|i|1|-\nv|i|2|-\nw|i|3|-\nx|i|4|5\n~ 2 missing\n"
         "~ 1 left out, line 4: the rating 'liked it' is no number\n"},
        {"users that look like none", "a.csv", "user,item\nNA,i\nu,j\n",
         "NA|i|1|-\nu|j|2|-\n~ 1 odd ids, line 2: the user is 'NA'\n"},
    };
    static const rows_case pairs[] = {
        {"Python's labels", "a.csv", "a,b,label\nx,y,True\nx,z,FALSE\n", "x|y|1\nx|z|0\n"},
        {"no label", "a.csv", "a,b,label\nx,y,similar\nx,z,1\n",
         "! line 2: the label 'similar' is neither a number nor true or false\nx|z|1\n"},
    };
    check_rows(TW_INGEST_ITEMS, items, COUNT(items));
    check_rows(TW_INGEST_EVENTS, events, COUNT(events));
    check_rows(TW_INGEST_PAIRS, pairs, COUNT(pairs));
}

static void an_image_can_be_switched_off(void **state)
{
    (void) state;
    static const tw_column_map off[] = {{"image", ""}};
    static const rows_case one = {"off", "a.csv", "id,title,image\n1,a,https://x/y.jpg\n",
                                  "1|a||{\"image\":\"https://x/y.jpg\"}\n"};
    check_rows_with(TW_INGEST_ITEMS, &(tw_reader_options){.columns = off, .n_columns = 1}, &one);
}

static void lists_by_name_are_lists_in_json_too(void **state)
{
    (void) state;
    static const rows_case cases[] = {
        {"genres", "a.jsonl",
         "{\"id\":1,\"genres\":\"Comedy\"}\n{\"id\":2,\"genres\":\"A|B\"}\n"
         "{\"id\":3,\"categories\":\"Diners, Food\"}\n{\"id\":4,\"tags\":\"a; b,c\"}\n"
         "{\"id\":5,\"genres\":[\"A\"]}\n{\"id\":6,\"note\":\"A|B\",\"tags\":\"\"}\n",
         "1|||{\"genres\":[\"Comedy\"]}\n2|||{\"genres\":[\"A\",\"B\"]}\n"
         "3|||{\"categories\":[\"Diners\",\"Food\"]}\n4|||{\"tags\":[\"a\",\"b,c\"]}\n"
         "5|||{\"genres\":[\"A\"]}\n6|||{\"note\":\"A|B\"}\n"},
    };
    check_rows(TW_INGEST_ITEMS, cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_type_is_the_columns),
        cmocka_unit_test(numbers_are_read_as_the_column_writes_them),
        cmocka_unit_test(a_row_outlives_a_value),
        cmocka_unit_test(an_image_can_be_switched_off),
        cmocka_unit_test(lists_by_name_are_lists_in_json_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
