#include "tests/support/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "store/store.h"

static tw_store *s;

static int open_fresh(void **state)
{
    static int n;
    char name[32];
    (void) state;
    (void) snprintf(name, sizeof name, "events%d.db", n++);
    assert_ok(tw_store_open(&s, tw_test_path(name), TW_STORE_CREATE, err));
    for (int i = 0; i < 4; i++) {
        const char *const ids[] = {"a", "b", "c", "d"};
        tw_item item = {.id = ids[i]};
        assert_ok(tw_store_put_item(s, &item, NULL, err)); /* rows 1 2 3 4 */
    }
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

static bool add(const char *user, int64_t item, int64_t time)
{
    bool added;
    tw_event e = {.item = item, .time = time, .rating = NAN, .value = NAN};
    assert_ok(tw_store_add_event(s, user, &e, &added, err));
    return added;
}

static void a_repeat_is_reported_and_not_added(void **state)
{
    (void) state;
    tw_event e = {.item = 2, .time = 5, .rating = 3.5, .value = NAN};
    tw_store_stats stats;
    bool added;
    assert_ok(tw_store_add_event(s, "ann", &e, &added, err));
    assert_true(added);
    assert_int_equal(e.user, 1);
    assert_int_equal(e.seq, 5); /* after four items */
    e.rating = 1;
    assert_ok(tw_store_add_event(s, "ann", &e, &added, err));
    assert_false(added);
    assert_true(add("ann", 2, 6));
    assert_true(add("ann", 1, 5));
    assert_true(add("bob", 2, 5));
    assert_ok(tw_store_get_stats(s, &stats, err));
    assert_int_equal(stats.events, 4);
    assert_int_equal(stats.users, 2);
    assert_int_equal(stats.seq, 8);
}

static void a_refused_event_makes_no_user(void **state)
{
    (void) state;
    int64_t row;
    tw_event e = {.item = 99, .time = 1, .rating = NAN, .value = NAN};
    assert_ok(tw_store_begin(s, err));
    assert_status(tw_store_add_event(s, "ann", &e, NULL, err), TW_ENOTFOUND);
    e.item = 1;
    assert_status(tw_store_add_event(s, "", &e, NULL, err), TW_EINVAL);
    assert_status(tw_store_add_event(s, "a\tb", &e, NULL, err), TW_EINVAL);
    e.rating = INFINITY;
    assert_status(tw_store_add_event(s, "ann", &e, NULL, err), TW_EINVAL);
    assert_ok(tw_store_commit(s, err));
    assert_status(tw_store_user_row(s, "ann", &row, err), TW_ENOTFOUND);
}

static void keys_and_rows_of_users_lead_to_each_other(void **state)
{
    (void) state;
    int64_t row;
    tw_text key;
    tw_text_init(&key, 1024);
    (void) add("ann", 1, 1);
    (void) add("bob", 1, 1);
    (void) add("ann", 2, 1);
    assert_ok(tw_store_user_row(s, "bob", &row, err));
    assert_int_equal(row, 2);
    assert_ok(tw_store_user_key(s, 1, &key, err));
    assert_string_equal(tw_text_cstr(&key), "ann");
    assert_status(tw_store_user_key(s, 3, &key, err), TW_ENOTFOUND);
    tw_text_fini(&key);
}

/* The writer remembers the last user; a rolled back one must not be remembered. */
static void a_user_that_was_rolled_back_is_made_again(void **state)
{
    (void) state;
    int64_t row;
    assert_ok(tw_store_begin(s, err));
    (void) add("ghost", 1, 1);
    tw_store_rollback(s);
    (void) add("ghost", 1, 1);
    assert_ok(tw_store_user_row(s, "ghost", &row, err));
    assert_int_equal(row, 1);
}

static void history_is_the_latest_live_items_in_order(void **state)
{
    (void) state;
    tw_event got[8];
    int n;
    (void) add("ann", 3, 20);
    (void) add("ann", 1, 10);
    (void) add("ann", 4, 20); /* the same time as 3, later in the file */
    (void) add("ann", 2, 20);
    (void) add("bob", 1, 99);
    assert_ok(tw_store_history(s, 1, 8, got, &n, err));
    assert_int_equal(n, 4);
    assert_true(got[0].item == 1 && got[1].item == 3 && got[2].item == 4 && got[3].item == 2);
    assert_true(isnan(got[0].rating) && isnan(got[0].value));
    assert_ok(tw_store_history(s, 1, 2, got, &n, err));
    assert_int_equal(n, 2);
    assert_true(got[0].item == 4 && got[1].item == 2);

    assert_ok(tw_store_delete_item(s, "d", NULL, err)); /* row 4 */
    assert_ok(tw_store_history(s, 1, 2, got, &n, err));
    assert_true(n == 2 && got[0].item == 3 && got[1].item == 2);
    assert_ok(tw_store_history(s, 77, 2, got, &n, err));
    assert_int_equal(n, 0);
    assert_ok(tw_store_history(s, 1, 0, got, &n, err));
    assert_int_equal(n, 0);
    assert_status(tw_store_history(s, 1, -1, got, &n, err), TW_EINVAL);
}

static tw_status note(void *ctx, const tw_event *e, tw_error *err)
{
    char *text = ctx;
    size_t len = strlen(text);
    (void) err;
    (void) snprintf(text + len, 128 - len, "%d:%d@%d ", (int) e->user, (int) e->item,
                    (int) e->time);
    return TW_OK;
}

static void events_come_by_user_time_and_insertion(void **state)
{
    (void) state;
    char text[128] = "";
    (void) add("ann", 3, 20);
    (void) add("bob", 2, 5);
    (void) add("ann", 1, 20);
    (void) add("ann", 4, -3); /* before 1970 */
    (void) add("bob", 1, 5);
    assert_ok(tw_store_each_event(s, note, text, err));
    assert_string_equal(text, "1:4@-3 1:3@20 1:1@20 2:2@5 2:1@5 ");
    assert_ok(tw_store_delete_item(s, "c", NULL, err));
    text[0] = '\0';
    assert_ok(tw_store_each_event(s, note, text, err));
    assert_string_equal(text, "1:4@-3 1:1@20 2:2@5 2:1@5 ");
}

/* ---- Models, meta, marks --------------------------------------------------------------------- */

static tw_status note_model(void *ctx, const tw_store_model *m, tw_error *err)
{
    char *text = ctx;
    size_t len = strlen(text);
    (void) err;
    (void) snprintf(text + len, 128 - len, "%d%s%s ", m->version, m->active ? "*" : "", m->json);
    return TW_OK;
}

static void one_model_serves_at_a_time(void **state)
{
    (void) state;
    char text[128] = "";
    assert_ok(tw_store_add_model(s, 1, "{\"dim\":8}", err));
    assert_ok(tw_store_add_model(s, 2, NULL, err));
    assert_status(tw_store_add_model(s, 1, "{}", err), TW_EEXIST);
    assert_status(tw_store_add_model(s, 0, "{}", err), TW_EINVAL);
    assert_status(tw_store_add_model(s, 3, "[]", err), TW_EINVAL);
    assert_status(tw_store_activate_model(s, 9, err), TW_ENOTFOUND);
    assert_ok(tw_store_activate_model(s, 1, err));
    assert_ok(tw_store_activate_model(s, 2, err));
    assert_ok(tw_store_each_model(s, note_model, text, err));
    assert_string_equal(text, "1{\"dim\":8} 2*{} ");
}

static void meta_values_are_set_replaced_and_removed(void **state)
{
    (void) state;
    tw_text value;
    tw_text_init(&value, 1024);
    assert_status(tw_store_meta(s, "k", &value, err), TW_ENOTFOUND);
    assert_ok(tw_store_set_meta(s, "k", "v1", err));
    assert_ok(tw_store_set_meta(s, "k", "v2", err));
    assert_ok(tw_store_meta(s, "k", &value, err));
    assert_string_equal(tw_text_cstr(&value), "v2");
    assert_ok(tw_store_set_meta(s, "k", NULL, err));
    assert_status(tw_store_meta(s, "k", &value, err), TW_ENOTFOUND);
    assert_status(tw_store_set_meta(s, "", "v", err), TW_EINVAL);
    tw_text_fini(&value);
}

static void a_mark_moves_with_its_transaction(void **state)
{
    (void) state;
    tw_store_mark mark = {.bytes = 10, .lines = 2, .rows = 1, .rejected = 1};
    tw_store_mark got;
    assert_ok(tw_store_get_mark(s, "file", &got, err));
    assert_true(got.bytes == 0 && got.lines == 0 && got.rows == 0 && !got.done);
    assert_ok(tw_store_set_mark(s, "file", &mark, err));
    assert_ok(tw_store_begin(s, err));
    mark = (tw_store_mark){.bytes = 99, .lines = 9, .rows = 8, .rejected = 1, .done = true};
    assert_ok(tw_store_set_mark(s, "file", &mark, err));
    tw_store_rollback(s);
    assert_ok(tw_store_get_mark(s, "file", &got, err));
    assert_true(got.bytes == 10 && got.lines == 2 && got.rows == 1 && got.rejected == 1);
    assert_false(got.done);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_fresh, close_checked)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_repeat_is_reported_and_not_added),
        TEST(a_refused_event_makes_no_user),
        TEST(keys_and_rows_of_users_lead_to_each_other),
        TEST(a_user_that_was_rolled_back_is_made_again),
        TEST(history_is_the_latest_live_items_in_order),
        TEST(events_come_by_user_time_and_insertion),
        TEST(one_model_serves_at_a_time),
        TEST(meta_values_are_set_replaced_and_removed),
        TEST(a_mark_moves_with_its_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
