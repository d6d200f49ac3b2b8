/* One name in many spellings: ids and titles are kept as given and found as they are meant. */
#include "tests/support/test.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "store/store.h"

/* The first item with this title. */
static tw_status row_by_title(tw_store *of, const char *title, int64_t *row, tw_error *err)
{
    int n = 0;
    *row = 0;
    const tw_status st = tw_store_titled(of, title, row, 1, &n, err);
    return st == TW_OK && n == 0 ? tw_fail(err, TW_ENOTFOUND, "no item '%s'", title) : st;
}

#define E_ACUTE "\xc3\xa9"  /* é */
#define E_APART "e\xcc\x81" /* e and a combining acute */

static tw_store *s;

static int open_store(void **state)
{
    static int number;
    char name[32];
    (void) state;
    (void) snprintf(name, sizeof name, "names%d.db", ++number);
    assert_ok(tw_store_open(&s, tw_test_path(name), TW_STORE_CREATE, err));
    return 0;
}

static int close_store(void **state)
{
    (void) state;
    tw_store_close(s);
    return 0;
}

static int64_t put(const char *id, const char *title)
{
    tw_put_result r;
    const tw_item item = {.id = id, .title = title};
    assert_ok(tw_store_put_item(s, &item, &r, err));
    return r.row;
}

static void no_problem(void *ctx, const char *sentence)
{
    (void) ctx;
    print_error("check: %s\n", sentence);
}

static void a_title_is_found_in_every_spelling(void **state)
{
    (void) state;
    static const char *const pairs[][2] = {
        {"Am" E_ACUTE "lie", "AM" E_APART "LIE"}, /* macOS takes accents apart */
        {"Stra\xc3\x9f"
         "e",
         "STRASSE"},                                                          /* ß */
        {"\xe3\x82\xac\xe3\x82\xb9", "\xef\xbd\xb6\xef\xbe\x9e\xef\xbd\xbd"}, /* ガス, half width */
        {"\xea\xb0\x80", "\xe1\x84\x80\xe1\x85\xa1"},    /* 가, syllable and letters */
        {"Vi\xe1\xbb\x87t", "vi\xe1\xba\xb9\xcc\x82t"},  /* ệ: dot below first, then circumflex */
        {"\xce\x91\xce\xa3", "\xce\xb1\xcf\x82"},        /* ΑΣ, final sigma */
        {"\xef\xbc\xa1\xef\xbc\xa2\xef\xbc\xa3", "abc"}, /* full width */
        {"\xe3\x80\x80plain\xe3\x80\x80", "Plain"},      /* ideographic spaces around */
        {"soft\xc2\xadhyphen", "softhyphen"},
        {"\xd0\x99\xd0\x9e\xd0\x93\xd0\x90", "\xd0\xb8\xcc\x86\xd0\xbe\xd0\xb3\xd0\xb0"}, /* ЙОГА */
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char id[16];
        int64_t row, want;
        tw_item item;
        (void) snprintf(id, sizeof id, "%zu", i);
        want = put(id, pairs[i][0]);
        for (int form = 0; form < 2; form++) {
            tw_error why = {0};
            if (row_by_title(s, pairs[i][form], &row, &why) != TW_OK || row != want)
                fail_msg("'%s' does not find '%s': %s", pairs[i][form], pairs[i][0], why.msg);
        }
        assert_ok(tw_store_item(s, want, &item, err));
        assert_string_equal(item.title, pairs[i][0]); /* stored as given */
        tw_item_fini(&item);
    }
    int64_t row;
    assert_status(row_by_title(s, "amelie", &row, err), TW_ENOTFOUND); /* accents stay */
    assert_ok(tw_store_check(s, false, no_problem, NULL, err));
}

static void an_id_is_found_in_every_normal_form(void **state)
{
    (void) state;
    int64_t row;
    bool live;
    tw_item item;
    tw_put_result r;
    const int64_t want = put("caf" E_ACUTE, "One");
    assert_ok(tw_store_row_by_id(s, "caf" E_APART, &row, err));
    assert_int_equal(row, want);
    assert_ok(tw_store_item_by_id(s, "caf" E_APART, &item, err));
    assert_string_equal(item.id, "caf" E_ACUTE);
    tw_item_fini(&item);
    assert_status(tw_store_row_by_id(s, "CAF" E_APART, &row, err), TW_ENOTFOUND); /* case counts */

    /* A put in another form is a put of the same item, whose id stays. */
    const tw_item again = {.id = "caf" E_APART, .title = "Two"};
    assert_ok(tw_store_put_item(s, &again, &r, err));
    assert_true(r.row == want && r.kind == TW_PUT_REPLACED);
    assert_ok(tw_store_put_item(s, &again, &r, err));
    assert_int_equal(r.kind, TW_PUT_UNCHANGED);
    assert_ok(tw_store_delete_item(s, "caf" E_APART, &row, err));
    assert_int_equal(row, want);
    assert_ok(tw_store_row_of(s, "caf" E_APART, &row, &live, err));
    assert_true(row == want && !live);
    assert_status(tw_store_row_by_id(s, "caf" E_ACUTE, &row, err), TW_ENOTFOUND);
    assert_ok(tw_store_put_item(s, &again, &r, err));
    assert_true(r.row == want && r.kind == TW_PUT_CREATED);

    /* It came apart, and is asked for composed. */
    const int64_t apart = put("th" E_APART, "Tea");
    assert_ok(tw_store_row_by_id(s, "th" E_ACUTE, &row, err));
    assert_int_equal(row, apart);
    assert_ok(tw_store_item_by_id(s, "th" E_ACUTE, &item, err));
    assert_string_equal(item.id, "th" E_APART);
    tw_item_fini(&item);

    assert_int_equal(put("\xe2\x84\xaa", "A Kelvin sign, which composes to a K"), want + 2);
    assert_int_equal(put("K", "A letter"), want + 3);
    assert_ok(tw_store_row_by_id(s, "\xe2\x84\xaa", &row, err));
    assert_int_equal(row, want + 2);
    assert_ok(tw_store_check(s, false, no_problem, NULL, err));
}

/* Only an old store can hold them; each is found by its own bytes. */
static void of_two_ids_that_differ_in_form_the_exact_one_wins(void **state)
{
    (void) state;
    const char *path = tw_test_path("two.db");
    sqlite3 *db = NULL;
    tw_store *two;
    int64_t row;
    assert_ok(tw_store_open(&two, path, TW_STORE_CREATE, err));
    const tw_item one = {.id = E_ACUTE, .title = "composed"};
    const tw_item other = {.id = "x", .title = "apart"};
    assert_ok(tw_store_put_item(two, &one, NULL, err));
    assert_ok(tw_store_put_item(two, &other, NULL, err));
    tw_store_close(two);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE items SET id = 'e' || char(769), "
                                  "nfc = (SELECT nfc FROM items WHERE row = 1) WHERE row = 2",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_ok(tw_store_open(&two, path, TW_STORE_READ, err));
    assert_ok(tw_store_row_by_id(two, E_ACUTE, &row, err));
    assert_int_equal(row, 1);
    assert_ok(tw_store_row_by_id(two, E_APART, &row, err));
    assert_int_equal(row, 2);
    tw_store_close(two);
}

static void all_items_of_a_title_are_reported(void **state)
{
    (void) state;
    int64_t rows[2];
    int n;
    assert_int_equal(put("12", "The Thing"), 1);
    assert_int_equal(put("x", "Another"), 2);
    assert_int_equal(put("873", "the thing "), 3);
    assert_int_equal(put("99", "THE THING"), 4);
    assert_ok(tw_store_titled(s, "The thing", rows, 2, &n, err));
    assert_int_equal(n, 3);
    assert_true(rows[0] == 1 && rows[1] == 3);
    assert_ok(tw_store_delete_item(s, "12", NULL, err));
    assert_ok(tw_store_titled(s, "The thing", rows, 2, &n, err));
    assert_true(n == 2 && rows[0] == 3 && rows[1] == 4);
    assert_ok(tw_store_titled(s, "nothing", NULL, 0, &n, err));
    assert_int_equal(n, 0);
    assert_ok(tw_store_titled(s, "\xe2\x80\x8d", NULL, 0, &n, err)); /* folds to nothing */
    assert_int_equal(n, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_title_is_found_in_every_spelling),
        TEST(an_id_is_found_in_every_normal_form),
        cmocka_unit_test(of_two_ids_that_differ_in_form_the_exact_one_wins),
        TEST(all_items_of_a_title_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
