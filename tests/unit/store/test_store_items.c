#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "store/store.h"

/* The first item with this title. */
static tw_status row_by_title(tw_store *of, const char *title, int64_t *row, tw_error *err)
{
    int n = 0;
    *row = 0;
    const tw_status st = tw_store_titled(of, title, row, 1, &n, err);
    return st == TW_OK && n == 0 ? tw_fail(err, TW_ENOTFOUND, "no item '%s'", title) : st;
}

static tw_store *s; /* a fresh store for each test */

static int open_fresh(void **state)
{
    static int n;
    char name[32];
    (void) state;
    (void) snprintf(name, sizeof name, "items%d.db", n++);
    assert_ok(tw_store_open(&s, tw_test_path(name), TW_STORE_CREATE, err));
    return 0;
}

static void no_problem(void *ctx, const char *sentence)
{
    (void) ctx;
    print_error("check: %s\n", sentence);
}

static int close_checked(void **state)
{
    (void) state;
    assert_ok(tw_store_check(s, false, no_problem, NULL, err));
    tw_store_close(s);
    return 0;
}

static tw_put_result put(const char *id, const char *title)
{
    tw_put_result r;
    tw_item item = {.id = id, .title = title};
    assert_ok(tw_store_put_item(s, &item, &r, err));
    return r;
}

/* ---- What may be stored ---------------------------------------------------------------------- */

/* `bad` is one of: id, title, text, attributes, image, audio. A length repeats the value's first
 * byte. */
static const struct {
    const char *rule;
    const char *field;
    const char *value;
    size_t length;
    tw_status want;
    const char *says;
} rows[] = {
    {"an id has a byte", "id", "", 0, TW_EINVAL, "id is empty"},
    {"an id of 512 bytes is fine", "id", "x", 512, TW_OK, ""},
    {"one of 513 is not", "id", "x", 513, TW_EINVAL, "longer than 512"},
    {"an id is UTF-8", "id", "caf\xe9", 0, TW_EINVAL, "not UTF-8"},
    {"an id may be of any script", "id", "\xe6\x98\xa0\xe7\x94\xbb", 0, TW_OK, ""},
    {"an id has no newline", "id", "a\nb", 0, TW_EINVAL, "control character"},
    {"an id has no C1 control", "id", "a\xc2\x85", 0, TW_EINVAL, "control character"},
    {"an id has no DEL", "id", "a\x7f", 0, TW_EINVAL, "control character"},
    {"a title of 4096 bytes is fine", "title", "t", 4096, TW_OK, ""},
    {"one of 4097 is not", "title", "t", 4097, TW_EINVAL, "longer than 4096"},
    {"a title is UTF-8", "title", "\xff", 0, TW_EINVAL, "not UTF-8"},
    {"a text of 1 MiB is fine", "text", "t", 1 << 20, TW_OK, ""},
    {"one byte more is not", "text", "t", (1 << 20) + 1, TW_EINVAL, "longer than 1048576"},
    {"a text has newlines", "text", "a\n\tb", 0, TW_OK, ""},
    {"attributes are an object", "attributes", "{\"a\": \"x\"}", 0, TW_OK, ""},
    {"of strings, numbers and booleans", "attributes", "{\"a\":\"x\",\"b\":1.5,\"c\":true}", 0,
     TW_OK, ""},
    {"lists of strings, lists of numbers", "attributes", "{\"a\":[\"x\"],\"b\":[1,2.5],\"c\":[]}",
     0, TW_OK, ""},
    {"null is no value", "attributes", "{\"a\":null}", 0, TW_OK, ""},
    {"an object within is none", "attributes", "{\"a\":{\"b\":1}}", 0, TW_EINVAL,
     "'a' of 'id' is an object; it may be"},
    {"a mixed list is none", "attributes", "{\"b\":1,\"a\":[1,\"x\"]}", 0, TW_EINVAL,
     "'a' of 'id' is a list of strings and numbers"},
    {"a list with a null is none", "attributes", "{\"a\":[\"x\",null]}", 0, TW_EINVAL,
     "a list with a null"},
    {"a list of lists is none", "attributes", "{\"a\":[[1]]}", 0, TW_EINVAL, "a list of lists"},
    {"a list of booleans is none", "attributes", "{\"a\":[true]}", 0, TW_EINVAL,
     "a list of booleans"},
    {"an array is none", "attributes", "[1]", 0, TW_EINVAL, "no JSON object: '[1]'"},
    {"a number is none", "attributes", "7", 0, TW_EINVAL, "no JSON object"},
    {"half an object is no JSON", "attributes", "{\"a\": 1", 0, TW_EINVAL,
     "no JSON from byte 7 on: "},
    {"nor is a comma too many", "attributes", "{\"a\": 1,}", 0, TW_EINVAL,
     "no JSON from byte 9 on: "},
    {"nor what follows it", "attributes", "{} {}", 0, TW_EINVAL, "no JSON from byte 4 on: "},
    {"a key comes once", "attributes", "{\"a\": 1, \"a\": 2}", 0, TW_EINVAL,
     "one name twice, by byte "},
    {"65536 bytes at most", "attributes", "{", 65537, TW_EINVAL, "longer than 65536"},
    {"a path of 4096 bytes is fine", "image", "p", 4096, TW_OK, ""},
    {"one of 4097 is not", "image", "p", 4097, TW_EINVAL, "longer than 4096"},
    {"the same for audio", "audio", "p", 4097, TW_EINVAL, "longer than 4096"},
};

static void put_follows_the_table(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *value = tw_alloc(rows[i].length + strlen(rows[i].value) + 1, 1);
        tw_item item = {.id = "id"};
        const struct {
            const char *name;
            const char **at;
        } fields[] = {{"id", &item.id},       {"title", &item.title},
                      {"text", &item.text},   {"attributes", &item.attributes},
                      {"image", &item.image}, {"audio", &item.audio}};
        tw_error why = {0};

        assert_non_null(value);
        memcpy(value, rows[i].value, strlen(rows[i].value) + 1);
        memset(value, rows[i].value[0], rows[i].length);
        for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++)
            if (strcmp(fields[f].name, rows[i].field) == 0)
                *fields[f].at = value;
        tw_status st = tw_store_put_item(s, &item, NULL, &why);
        if (st != rows[i].want || strstr(why.msg, rows[i].says) == NULL)
            fail_msg("%s: got '%s' (%s)", rows[i].rule, tw_status_name(st), why.msg);
        tw_free(value);
    }
}

/* ---- Put, delete, get ------------------------------------------------------------------------ */

static void put_tells_created_replaced_unchanged(void **state)
{
    (void) state;
    tw_put_result a = put("a", "One");
    assert_int_equal(a.kind, TW_PUT_CREATED);
    assert_int_equal(a.row, 1);
    assert_int_equal(a.seq, 1);
    tw_put_result again = put("a", "One");
    assert_int_equal(again.kind, TW_PUT_UNCHANGED);
    assert_int_equal(again.seq, 1);
    tw_put_result other = put("a", "Two");
    assert_int_equal(other.kind, TW_PUT_REPLACED);
    assert_int_equal(other.row, 1);
    assert_int_equal(other.seq, 2);
}

static void each_field_alone_makes_a_replacement(void **state)
{
    (void) state;
    const tw_item variants[] = {
        {.id = "a"},
        {.id = "a", .title = "t"},
        {.id = "a", .text = "t"},
        {.id = "a", .attributes = "{\"x\":1}"},
        {.id = "a", .image = "t"},
        {.id = "a", .audio = "t"},
    };
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        tw_put_result r;
        assert_ok(tw_store_put_item(s, &variants[0], &r, err));
        assert_ok(tw_store_put_item(s, &variants[i], &r, err));
        assert_int_equal(r.kind, i == 0 ? TW_PUT_UNCHANGED : TW_PUT_REPLACED);
        assert_ok(tw_store_put_item(s, &variants[i], &r, err));
        assert_int_equal(r.kind, TW_PUT_UNCHANGED);
    }
}

static void a_row_belongs_to_its_id_for_ever(void **state)
{
    (void) state;
    int64_t row = 0;
    (void) put("a", "A");
    assert_int_equal(put("b", "B").row, 2);
    assert_ok(tw_store_delete_item(s, "b", &row, err));
    assert_int_equal(row, 2);
    assert_int_equal(put("c", "C").row, 3); /* the free row is not given away */
    tw_put_result back = put("b", "B");
    assert_int_equal(back.row, 2);
    assert_int_equal(back.kind, TW_PUT_CREATED);
}

static void a_deleted_item_is_not_found_and_says_so(void **state)
{
    (void) state;
    tw_error why = {0};
    tw_item item;
    int64_t row;
    (void) put("a", "A");
    assert_status(tw_store_delete_item(s, "zz", NULL, err), TW_ENOTFOUND);
    assert_ok(tw_store_delete_item(s, "a", NULL, err));
    assert_int_equal(tw_store_item_by_id(s, "a", &item, &why), TW_ENOTFOUND);
    assert_string_equal(why.msg, "item 'a' was deleted");
    assert_null(item.block);
    assert_int_equal(tw_store_delete_item(s, "a", NULL, &why), TW_ENOTFOUND);
    assert_string_equal(why.msg, "item 'a' was deleted");
    assert_int_equal(tw_store_row_by_id(s, "q", &row, &why), TW_ENOTFOUND);
    assert_string_equal(why.msg, "no item has the id 'q'");
    assert_int_equal(tw_store_item(s, 99, &item, &why), TW_ENOTFOUND);
    assert_string_equal(why.msg, "no item has the row 99");
}

static void a_fetched_item_is_what_was_put(void **state)
{
    (void) state;
    tw_item in = {.id = "a",
                  .title = "Amélie",
                  .text = "x\ny",
                  .attributes = "{\"y\": 2001}",
                  .image = "a.png",
                  .audio = "a.wav"};
    tw_item out;
    tw_put_result r;
    assert_ok(tw_store_put_item(s, &in, &r, err));
    assert_ok(tw_store_item(s, r.row, &out, err));
    assert_true(out.live && out.row == r.row && out.seq == r.seq);
    assert_string_equal(out.id, "a");
    assert_string_equal(out.title, "Amélie");
    assert_string_equal(out.text, "x\ny");
    assert_string_equal(out.attributes, "{\"y\": 2001}");
    assert_string_equal(out.image, "a.png");
    assert_string_equal(out.audio, "a.wav");
    tw_item_fini(&out);

    assert_int_equal(put("b", NULL).row, 2);
    assert_ok(tw_store_item_by_id(s, "b", &out, err));
    assert_string_equal(out.title, "");
    assert_string_equal(out.attributes, "{}");
    tw_item_fini(&out);
    tw_item_fini(&out); /* a zeroed item is fine */
}

/* ---- Find ------------------------------------------------------------------------------------ */

static void a_title_is_found_without_case_and_the_lowest_row_wins(void **state)
{
    (void) state;
    int64_t row;
    (void) put("1", "Toy Story (1995)");
    (void) put("2", "ÉCOLE Ωμέγα ЖУК Ő");
    (void) put("3", "toy story (1995)");
    assert_ok(row_by_title(s, "  TOY STORY (1995) ", &row, err));
    assert_int_equal(row, 1);
    assert_ok(row_by_title(s, "école ΩΜΈΓΑ жук ő", &row, err));
    assert_int_equal(row, 2);
    assert_status(row_by_title(s, "Toy Story", &row, err), TW_ENOTFOUND);
    assert_status(row_by_title(s, "", &row, err), TW_ENOTFOUND);
    assert_ok(tw_store_delete_item(s, "1", NULL, err));
    assert_ok(row_by_title(s, "Toy Story (1995)", &row, err));
    assert_int_equal(row, 3);
    (void) put("3", "Another");
    assert_status(row_by_title(s, "Toy Story (1995)", &row, err), TW_ENOTFOUND);
}

/* The first and last letters of each script's range, and neighbours that have no case. */
static const char *const cases[][2] = {
    {"AZ@[", "az@["},     {"ÀÞ×", "àþ×"},   {"ĀĶŊŶŸ", "āķŋŷÿ"}, {"ĹŇŹŽ", "ĺňźž"},
    {"ΆΈΊΌΎΏ", "άέίόύώ"}, {"ΑΩΫς", "αωϋσ"}, {"ЀЏАЯ", "ѐџая"},   {"ѠҀҊӐ", "ѡҁҋӑ"},
    {"ԱՖ", "աֆ"},         {"ḀẔẠỸ", "ḁẕạỹ"}, {"ＡＺ", "ａｚ"},   {"日本 ñß", "日本 ñß"},
};

static void upper_and_lower_case_are_one_in_every_script(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t row;
        tw_error why = {0};
        tw_put_result r = put("x", cases[i][0]);
        if (row_by_title(s, cases[i][1], &row, &why) != TW_OK)
            fail_msg("'%s' is not found as '%s'", cases[i][0], cases[i][1]);
        assert_int_equal(row, r.row);
    }
}

static void names_come_for_many_rows_at_once(void **state)
{
    (void) state;
    const int64_t want[] = {2, 77, 1, 3, 2};
    tw_item_name got[5];
    tw_text text;
    tw_text_init(&text, 1 << 16);
    (void) put("a", "A");
    (void) put("b", "");
    (void) put("c", "C");
    assert_ok(tw_store_delete_item(s, "c", NULL, err));
    for (int round = 0; round < 2; round++) { /* the second one writes into the same block */
        assert_ok(tw_store_names(s, want, 5, got, &text, err));
        assert_true(got[0].live && !got[1].live && got[2].live && !got[3].live && got[4].live);
        assert_string_equal(got[0].id, "b");
        assert_string_equal(got[0].title, "");
        assert_string_equal(got[1].id, "");
        assert_string_equal(got[2].title, "A");
        assert_string_equal(got[3].id, "c");
        assert_int_equal(got[4].row, 2);
    }
    assert_ok(tw_store_names(s, want, 0, got, &text, err));
    tw_text_fini(&text);
    tw_text_init(&text, 3); /* a cap too small is an error, not an overflow */
    assert_status(tw_store_names(s, want, 5, got, &text, err), TW_EINVAL);
    tw_text_fini(&text);
}

/* query -> the id that must come first, or NULL when nothing may come at all */
static const struct {
    const char *query;
    const char *first;
} near[] = {
    {"toy stroy", "1"},
    {"Toy Story", "1"},
    {"toy story (1995)", "1"},
    {"jumanjji (1995)", "2"},
    {"heatt", "3"},
    {"tt0114709", "tt0114708"},
    {"1683", "1682"},
    {"grumpier", "4"},
    {"zzzzqqqq", NULL},
    {"", NULL},
    {"a", NULL},
};

static void near_finds_what_was_meant(void **state)
{
    (void) state;
    tw_item_name got[3];
    tw_text text;
    int n;
    tw_text_init(&text, 1 << 16);
    (void) put("1", "Toy Story (1995)");
    (void) put("2", "Jumanji (1995)");
    (void) put("3", "Heat (1995)");
    (void) put("4", "Grumpier Old Men (1995)");
    (void) put("tt0114708", "Something else entirely");
    (void) put("683", "Number");
    (void) put("1682", "Scream of Stone (1991)");
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
        assert_ok(tw_store_near(s, near[i].query, 3, got, &n, &text, err));
        if (near[i].first == NULL ? n != 0 : n < 1 || strcmp(got[0].id, near[i].first) != 0)
            fail_msg("near '%s': %d found, first '%s' %.2f", near[i].query, n,
                     n > 0 ? got[0].id : "", n > 0 ? (double) got[0].score : 0.0);
        for (int j = 1; j < n; j++)
            assert_true(got[j - 1].score >= got[j].score);
    }
    assert_ok(tw_store_near(s, "toy story (1995)", 1, got, &n, &text, err));
    assert_near(got[0].score, 1, 0);
    assert_status(tw_store_near(s, "x", 0, got, &n, &text, err), TW_EINVAL);
    assert_status(tw_store_near(s, "x", TW_STORE_MAX_NEAR + 1, got, &n, &text, err), TW_EINVAL);
    tw_text_fini(&text);
}

/* ---- Each ------------------------------------------------------------------------------------ */

typedef struct seen {
    char ids[64];
    int stop_at;
} seen;

static tw_status note(void *ctx, const tw_item *item, tw_error *err)
{
    seen *v = ctx;
    if (v->stop_at > 0 && --v->stop_at == 0)
        return tw_fail(err, TW_ECANCELLED, "enough");
    size_t len = strlen(v->ids);
    (void) snprintf(v->ids + len, sizeof v->ids - len, "%s%s ", item->live ? "" : "-", item->id);
    return TW_OK;
}

static void each_goes_in_its_order(void **state)
{
    (void) state;
    seen v = {0};
    (void) put("a", "1");
    (void) put("b", "1");
    (void) put("c", "1");
    (void) put("a", "2");                               /* seq 4 */
    assert_ok(tw_store_delete_item(s, "b", NULL, err)); /* seq 5 */
    assert_ok(tw_store_each_item(s, 0, note, &v, err));
    assert_string_equal(v.ids, "a c ");
    v = (seen){0};
    assert_ok(tw_store_each_item(s, 1, note, &v, err));
    assert_string_equal(v.ids, "c ");
    v = (seen){0};
    assert_ok(tw_store_each_change(s, 0, note, &v, err));
    assert_string_equal(v.ids, "c a -b ");
    v = (seen){0};
    assert_ok(tw_store_each_change(s, 4, note, &v, err));
    assert_string_equal(v.ids, "-b ");
    v = (seen){.stop_at = 2};
    assert_status(tw_store_each_item(s, 0, note, &v, err), TW_ECANCELLED);
    assert_string_equal(v.ids, "a ");
}

static tw_status put_from_callback(void *ctx, const tw_item *item, tw_error *err)
{
    (void) ctx;
    tw_item copy = {.id = item->id, .title = "changed"};
    return tw_store_put_item(s, &copy, NULL, err);
}

static tw_status iterate_from_callback(void *ctx, const tw_item *item, tw_error *err)
{
    (void) item;
    return tw_store_each_item(s, 0, note, ctx, err);
}

static void a_callback_may_write_outside_a_transaction_only(void **state)
{
    (void) state;
    seen v = {0};
    (void) put("a", "1");
    (void) put("b", "1");
    assert_ok(tw_store_each_change(s, 0, put_from_callback, NULL, err)); /* and ends: one moment */
    assert_ok(tw_store_each_item(s, 0, iterate_from_callback, &v, err));
    assert_string_equal(v.ids, "a b a b ");

    assert_ok(tw_store_begin(s, err));
    assert_status(tw_store_each_item(s, 0, put_from_callback, NULL, err), TW_ESTATE);
    assert_status(tw_store_each_item(s, 0, iterate_from_callback, &v, err), TW_ESTATE);
    assert_ok(tw_store_commit(s, err));
}

/* ---- Transactions ---------------------------------------------------------------------------- */

static void a_transaction_is_seen_by_its_thread_and_undone_by_rollback(void **state)
{
    (void) state;
    int64_t row;
    int64_t seq;
    assert_ok(tw_store_begin(s, err));
    assert_status(tw_store_begin(s, err), TW_ESTATE);
    (void) put("a", "A");
    assert_ok(tw_store_row_by_id(s, "a", &row, err));
    assert_ok(tw_store_seq(s, &seq, err));
    assert_int_equal(seq, 1);
    tw_store_rollback(s);
    tw_store_rollback(s); /* blindly */
    assert_status(tw_store_row_by_id(s, "a", &row, err), TW_ENOTFOUND);
    assert_ok(tw_store_seq(s, &seq, err));
    assert_int_equal(seq, 0);
    assert_status(tw_store_commit(s, err), TW_ESTATE);
    assert_int_equal(put("a", "A").seq, 1);
}

static void a_bad_row_does_not_spoil_its_transaction(void **state)
{
    (void) state;
    const tw_item bad = {.id = "b", .attributes = "nonsense"};
    tw_store_stats stats;
    assert_ok(tw_store_begin(s, err));
    (void) put("a", "A");
    assert_status(tw_store_put_item(s, &bad, NULL, err), TW_EINVAL);
    assert_status(tw_store_delete_item(s, "zz", NULL, err), TW_ENOTFOUND);
    (void) put("c", "C");
    assert_ok(tw_store_commit(s, err));
    assert_ok(tw_store_get_stats(s, &stats, err));
    assert_int_equal(stats.items, 2);
    assert_int_equal(stats.seq, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_fresh, close_checked)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(put_follows_the_table),
        TEST(put_tells_created_replaced_unchanged),
        TEST(each_field_alone_makes_a_replacement),
        TEST(a_row_belongs_to_its_id_for_ever),
        TEST(a_deleted_item_is_not_found_and_says_so),
        TEST(a_fetched_item_is_what_was_put),
        TEST(a_title_is_found_without_case_and_the_lowest_row_wins),
        TEST(upper_and_lower_case_are_one_in_every_script),
        TEST(names_come_for_many_rows_at_once),
        TEST(near_finds_what_was_meant),
        TEST(each_goes_in_its_order),
        TEST(a_callback_may_write_outside_a_transaction_only),
        TEST(a_transaction_is_seen_by_its_thread_and_undone_by_rollback),
        TEST(a_bad_row_does_not_spoil_its_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
