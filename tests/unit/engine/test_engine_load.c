/* Loading files into a directory without models: what an events log does to the catalogue. */
#include "tests/support/test.h"

#include <string.h>

#include "base/file.h"
#include "engine/engine.h"

static tw_engine *open_new(const char *name)
{
    tw_engine *e = NULL;
    const char *dir = tw_test_path(name);
    assert_ok(tw_engine_create(dir, err));
    const tw_engine_options opt = {.mode = TW_ENGINE_WRITE};
    assert_ok(tw_engine_open(&e, dir, &opt, err));
    return e;
}

static void put(tw_engine *e, const char *id, const char *title)
{
    const tw_item item = {.id = id, .title = title};
    tw_put_kind kind;
    assert_ok(tw_engine_put(e, &item, &kind, err));
}

static const char log_text[] = "user,item,time\n"
                               "ann,kept,1\nann,gone,2\nbob,gone,3\nbob,also,4\nbob,new,5\n";

static void a_deleted_item_that_a_log_names_stays_deleted(void **state)
{
    (void) state;
    tw_engine *e = open_new("gone");
    tw_ingest_report r;
    tw_item item;
    tw_engine_stats stats;
    put(e, "kept", "Kept");
    put(e, "gone", "Gone");
    put(e, "also", "Also gone");
    assert_ok(tw_engine_delete(e, "gone", err));
    assert_ok(tw_engine_delete(e, "also", err));
    assert_ok(tw_engine_events(e, tw_test_file("log.csv", log_text), NULL, &r, err));
    assert_int_equal(r.created, 5);
    assert_int_equal(r.new_items, 1); /* the one that nobody had heard of */
    assert_int_equal(r.of_deleted, 3);
    assert_int_equal(r.deleted_items, 2);
    assert_status(tw_engine_get(e, "gone", &item, err), TW_ENOTFOUND);
    assert_ok(tw_engine_stats_get(e, &stats, err));
    assert_int_equal(stats.items, 2);
    assert_int_equal(stats.deleted_items, 2);

    /* The same file again: nothing new, and nothing comes back. */
    assert_ok(tw_engine_events(e, tw_test_file("log.csv", log_text), NULL, &r, err));
    assert_int_equal(r.created, 0);
    assert_int_equal(r.of_deleted, 3);
    assert_status(tw_engine_get(e, "gone", &item, err), TW_ENOTFOUND);

    /* Put again, it has its history. */
    put(e, "gone", "Back");
    assert_ok(tw_engine_get(e, "gone", &item, err));
    assert_string_equal(item.title, "Back");
    tw_item_fini(&item);
    assert_ok(tw_engine_stats_get(e, &stats, err));
    assert_int_equal(stats.events, 5);
    tw_engine_close(e);
}

static void known_items_only_leaves_deleted_ones_out(void **state)
{
    (void) state;
    tw_engine *e = open_new("known");
    tw_ingest_report r;
    const tw_ingest_options opt = {.known_only = true};
    put(e, "kept", "Kept");
    put(e, "gone", "Gone");
    assert_ok(tw_engine_delete(e, "gone", err));
    assert_ok(tw_engine_events(e, tw_test_file("log2.csv", log_text), &opt, &r, err));
    assert_int_equal(r.created, 1);
    assert_int_equal(r.rejected, 4);
    assert_int_equal(r.of_deleted, 0);
    assert_string_equal(r.first_reject, "line 3: item 'gone' was deleted");
    tw_engine_close(e);
}

/* What may be no attribute is left out of an item, not the item; null is no value at all. */
static void a_load_leaves_out_what_may_be_no_attribute(void **state)
{
    static const char rows[] =
        "{\"id\":\"a\",\"title\":\"A\",\"details\":{\"x\":1},\"year\":1999,\"none\":null}\n"
        "{\"id\":\"b\",\"title\":\"B\",\"mixed\":[1,\"x\"],\"sizes\":[1,2],\"tags\":[\"t\"]}\n";
    tw_engine *e = open_new("tidy");
    const tw_ingest_options strict = {.strict = true};
    tw_ingest_report r;
    tw_put_kind kind;
    tw_item out;
    (void) state;
    assert_ok(tw_file_replace(tw_test_path("odd.jsonl"), rows, sizeof rows - 1, err));
    assert_ok(tw_engine_ingest(e, tw_test_path("odd.jsonl"), NULL, &r, err));
    assert_int_equal(r.created, 2);
    assert_int_equal(r.rejected, 0);
    assert_int_equal(r.left_out, 2);
    assert_non_null(strstr(r.first_left_out, "'details' of 'a' is an object"));
    assert_ok(tw_engine_get(e, "a", &out, err));
    assert_string_equal(out.attributes, "{\"year\":1999}");
    tw_item_fini(&out);
    assert_ok(tw_engine_get(e, "b", &out, err));
    assert_string_equal(out.attributes, "{\"sizes\":[1,2],\"tags\":[\"t\"]}");
    tw_item_fini(&out);

    assert_ok(tw_file_replace(tw_test_path("strict.jsonl"), rows, sizeof rows - 1, err));
    assert_status(tw_engine_ingest(e, tw_test_path("strict.jsonl"), &strict, &r, err), TW_EINVAL);
    const tw_item bad = {.id = "c", .attributes = "{\"a\":{}}"};
    assert_status(tw_engine_put(e, &bad, &kind, err), TW_EINVAL);
    const tw_item good = {.id = "c", .attributes = "{\"a\":null,\"b\":[1.5]}"};
    assert_ok(tw_engine_put(e, &good, &kind, err));
    assert_ok(tw_engine_get(e, "c", &out, err));
    assert_string_equal(out.attributes, "{\"b\":[1.5]}");
    tw_item_fini(&out);
    tw_engine_close(e);
}

static void what_a_row_leaves_blank_stays_as_an_earlier_row_of_the_file_said(void **state)
{
    (void) state;
    tw_engine *e = open_new("repeats");
    tw_ingest_report r;
    tw_item item;
    const char *csv = tw_test_file("variants.csv", "id,title,text,size,colour\n"
                                                   "1,Kettle,Boils,S,red\n2,Pot,Cooks,,\n"
                                                   "1,,,L,\n1,Kettle XL,,,blue\n2,,,,\n");
    assert_ok(tw_engine_ingest(e, csv, NULL, &r, err));
    assert_int_equal(r.created, 2);
    assert_int_equal(r.repeated, 3);
    assert_ok(tw_engine_get(e, "1", &item, err));
    assert_string_equal(item.title, "Kettle XL");
    assert_string_equal(item.text, "Boils");
    assert_non_null(strstr(item.attributes, "\"size\":\"L\""));
    assert_non_null(strstr(item.attributes, "\"colour\":\"blue\""));
    tw_item_fini(&item);

    /* Another file says what it says: blanks are blanks. */
    csv = tw_test_file("other.csv", "id,title,text\n1,,\n");
    assert_ok(tw_engine_ingest(e, csv, NULL, &r, err));
    assert_int_equal(r.repeated, 0);
    assert_ok(tw_engine_get(e, "1", &item, err));
    assert_string_equal(item.title, "");
    assert_string_equal(item.attributes, "{}");
    tw_item_fini(&item);
    tw_engine_close(e);
}

static void the_item_is_the_column_that_meets_the_catalogue(void **state)
{
    (void) state;
    static const struct {
        const char *log;
        int64_t new_items, looked, met;
        const char *how, *column;
    } cases[] = {
        {"user_id,asin,parent_asin,rating,timestamp\nu,B1,P1,5,1\nv,B2,P1,4,2\nw,B3,P2,3,3\n", 0, 3,
         3, "", "parent_asin"},
        {"user,product_id,sku\nu,77,P1\nv,78,P2\nw,79,P3\n", 0, 3, 3, "by catalogue", "sku"},
        {"user,item\nu,1.0\nv,2.0\nv,2.0\n", 0, 3, 3, "17.0 is 17", "item"},
        {"user,item\nu,P1 \nv,P2  \n", 0, 2, 2, "", "item"},
        {"user,item,sku\nu,P1,x\nv,P9,y\n", 1, 2, 1, "", "item"},
        {"user,item\nu,X1\nv,X2\nw,P1\n", 2, 3, 1, "", "item"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[16];
        tw_ingest_report r;
        (void) snprintf(name, sizeof name, "meet%zu", i);
        tw_engine *e = open_new(name);
        for (int k = 1; k <= 3; k++) {
            char id[16];
            (void) snprintf(id, sizeof id, "P%d", k);
            put(e, id, "Pot");
            (void) snprintf(id, sizeof id, "%d", k);
            put(e, id, "Pan");
        }
        assert_ok(tw_engine_events(e, tw_test_file("log.csv", cases[i].log), NULL, &r, err));
        assert_int_equal(r.new_items, cases[i].new_items);
        assert_int_equal(r.looked, cases[i].looked);
        assert_int_equal(r.met, cases[i].met);
        assert_string_equal(r.fields[1].column, cases[i].column);
        assert_string_equal(r.fields[1].how, cases[i].how);
        assert_true((strstr(r.unmet, "'X1', 'X2'") != NULL) == (i == 5));
        tw_engine_close(e);
    }
}

static void of_several_items_of_a_title_the_others_are_reported(void **state)
{
    (void) state;
    tw_engine *e = open_new("titles");
    tw_item item;
    char also[TW_ALSO_MAX];
    bool added;
    tw_error why = {0};
    put(e, "12", "The Thing");
    put(e, "x", "Another");
    put(e, "8\"73", "the thing");
    put(e, "9", "THE THING ");
    assert_ok(tw_engine_get_also(e, "The thing", &item, also, err));
    assert_string_equal(item.id, "12");
    assert_string_equal(also, "\"8\\\"73\", \"9\"");
    tw_item_fini(&item);
    assert_ok(tw_engine_get_also(e, "Another", &item, also, err));
    assert_string_equal(also, "");
    tw_item_fini(&item);
    assert_ok(tw_engine_get_also(e, "12", &item, also, err)); /* an id is an id */
    assert_string_equal(also, "");
    tw_item_fini(&item);
    assert_int_equal(tw_engine_record(e, "ann", "the thing", 5, &added, &why), TW_EINVAL);
    assert_non_null(strstr(why.msg, "3 items have the title 'the thing'"));
    assert_non_null(strstr(why.msg, "\"12\", \"8\\\"73\", \"9\""));
    assert_ok(tw_engine_record(e, "ann", "12", 5, &added, err));
    assert_true(added);

    /* Long ids, as many as fit. */
    for (int i = 0; i < 20; i++) {
        char id[200];
        memset(id, 'a' + i, sizeof id - 1);
        id[sizeof id - 1] = '\0';
        put(e, id, "Long");
    }
    assert_ok(tw_engine_get_also(e, "long", &item, also, err));
    assert_int_equal(strlen(also), 5 * 201 + 4 * 2);
    tw_item_fini(&item);
    tw_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_leaves_out_what_may_be_no_attribute),
        cmocka_unit_test(what_a_row_leaves_blank_stays_as_an_earlier_row_of_the_file_said),
        cmocka_unit_test(the_item_is_the_column_that_meets_the_catalogue),
        cmocka_unit_test(of_several_items_of_a_title_the_others_are_reported),
        cmocka_unit_test(a_deleted_item_that_a_log_names_stays_deleted),
        cmocka_unit_test(known_items_only_leaves_deleted_ones_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
