#include "tests/support/test.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "store/store.h"
#include "tests/support/store_formats.h"

/* The first item with this title. */
static tw_status row_by_title(tw_store *of, const char *title, int64_t *row, tw_error *err)
{
    int n = 0;
    *row = 0;
    const tw_status st = tw_store_titled(of, title, row, 1, &n, err);
    return st == TW_OK && n == 0 ? tw_fail(err, TW_ENOTFOUND, "no item '%s'", title) : st;
}

static const char *old_store(const char *name)
{
    const char *path = tw_test_path(name);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, store_format_1, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return path;
}

static int64_t ask(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(q, 0);
    assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return value;
}

static void no_problem(void *ctx, const char *sentence)
{
    (void) ctx;
    print_error("check: %s\n", sentence);
}

static tw_status count(void *ctx, const tw_item *item, tw_error *err)
{
    (void) item;
    (void) err;
    ++*(int *) ctx;
    return TW_OK;
}

static tw_status count_vector(void *ctx, const tw_store_vector_change *v, tw_error *err)
{
    (void) err;
    assert_false(v->damaged);
    *(int *) ctx += v->live ? 1 : 0;
    return TW_OK;
}

static tw_status count_model(void *ctx, const tw_store_model *m, tw_error *err)
{
    (void) err;
    assert_string_equal(m->json, m->version == 1 ? "{\"towers\":1}" : "{}");
    ++*(int *) ctx;
    return TW_OK;
}

/* What the old store holds, through every kind of read. */
static void holds_what_was_written(tw_store *s)
{
    tw_item item;
    tw_event e[4];
    tw_text text;
    tw_store_mark mark;
    tw_store_stats stats;
    float vec[2];
    int64_t row;
    int n = 0;
    tw_text_init(&text, 1 << 16);
    assert_ok(tw_store_item_by_id(s, "1", &item, err));
    assert_int_equal(item.row, 1);
    assert_string_equal(item.title, "Toy Story");
    assert_string_equal(item.text, "Toys come alive.");
    assert_string_equal(item.attributes, "{\"year\":1995}");
    assert_string_equal(item.image, "media/1.png");
    tw_item_fini(&item);
    assert_status(tw_store_item_by_id(s, "gone", &item, err), TW_ENOTFOUND);
    assert_ok(row_by_title(s, "toy story", &row, err));
    assert_int_equal(row, 1);
    assert_ok(tw_store_row_by_id(s, "s-3", &row, err));
    assert_int_equal(row, 3);
    tw_item_name name;
    assert_ok(tw_store_names(s, &row, 1, &name, &text, err));
    assert_string_equal(name.title, "Stra\xc3\x9f"
                                    "e");
    assert_ok(tw_store_vector(s, 3, 1, vec, 2, err));
    assert_true(vec[0] == 0 && vec[1] == 1);
    assert_status(tw_store_vector(s, 2, 1, vec, 2, err), TW_ENOTFOUND);
    assert_ok(tw_store_user_row(s, "ann", &row, err));
    assert_ok(tw_store_history(s, row, 4, e, &n, err));
    assert_int_equal(n, 2); /* of live items */
    assert_true(e[0].time == 100000000 && e[0].rating == 4.5 && isnan(e[0].value));
    assert_true(e[1].time == 300000000 && isnan(e[1].rating) && e[1].value == 12.25);
    assert_ok(tw_store_user_key(s, 2, &text, err));
    assert_string_equal(tw_text_cstr(&text), "bob");
    assert_ok(tw_store_meta(s, "k", &text, err));
    assert_string_equal(tw_text_cstr(&text), "v");
    assert_ok(tw_store_get_mark(s, "file", &mark, err));
    assert_true(mark.bytes == 100 && mark.rejected == 1 && mark.done);
    n = 0;
    assert_ok(tw_store_each_change(s, 0, count, &n, err));
    assert_int_equal(n, 3);
    n = 0;
    assert_ok(tw_store_each_vector(s, 1, 0, count_vector, &n, err));
    assert_int_equal(n, 2);
    n = 0;
    assert_ok(tw_store_each_model(s, count_model, &n, err));
    assert_int_equal(n, 2);
    assert_ok(tw_store_get_stats(s, &stats, err));
    assert_true(stats.items == 2 && stats.deleted == 1 && stats.users == 2 && stats.events == 4);
    assert_true(stats.seq == 15 && stats.active_model == 1 && stats.models[0].dim == 2);
    tw_text_fini(&text);
}

static void an_old_store_opened_for_reading_is_read_and_left_alone(void **state)
{
    (void) state;
    const char *path = old_store("read.db");
    tw_store *s;
    assert_ok(tw_store_open(&s, path, TW_STORE_READ, err));
    holds_what_was_written(s);
    assert_ok(tw_store_check(s, false, no_problem, NULL, err));
    tw_store_close(s);
    assert_int_equal(ask(path, "PRAGMA user_version"), 1);
}

static void an_old_store_opened_for_writing_is_brought_up_to_date(void **state)
{
    (void) state;
    const char *path = old_store("write.db");
    const tw_item item = {.id = "gone", .title = "Back"};
    const float vec[2] = {3, 4};
    tw_put_result put;
    tw_event e = {.item = 1, .time = 400, .rating = 1, .value = NAN};
    tw_store *s;
    assert_ok(tw_store_open(&s, path, TW_STORE_WRITE, err));
    holds_what_was_written(s);
    assert_ok(tw_store_check(s, false, no_problem, NULL, err));
    int64_t row;
    assert_ok(row_by_title(s, "STRASSE", &row, err)); /* folded anew */
    assert_int_equal(row, 3);
    assert_ok(tw_store_put_item(s, &item, &put, err));
    assert_true(put.row == 2 && put.seq == 16);
    assert_ok(tw_store_put_vector(s, 2, 1, vec, 2, NULL, err));
    assert_ok(tw_store_add_event(s, "cy", &e, NULL, err));
    assert_int_equal(e.user, 3);
    assert_ok(tw_store_delete_item(s, "1", NULL, err));
    assert_ok(tw_store_activate_model(s, 2, err));
    assert_ok(tw_store_check(s, false, no_problem, NULL, err));
    tw_store_close(s);
    assert_ok(tw_store_open(&s, path, TW_STORE_READ, err));
    assert_ok(tw_store_check(s, false, no_problem, NULL, err));
    tw_store_close(s);
}

static void ids_of_an_old_store_are_found_in_every_normal_form(void **state)
{
    (void) state;
    const char *path = old_store("forms.db");
    sqlite3 *db = NULL;
    tw_store *s;
    int64_t row;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE items SET id = 'e' || char(769) WHERE row = 3", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_ok(tw_store_open(&s, path, TW_STORE_WRITE, err));
    assert_ok(tw_store_row_by_id(s, "\xc3\xa9", &row, err));
    assert_int_equal(row, 3);
    assert_ok(tw_store_check(s, false, no_problem, NULL, err));
    tw_store_close(s);
}

/* A process that reads the old store goes on while another one brings it up to date. */
static void a_reader_outlives_the_migration(void **state)
{
    (void) state;
    const char *path = old_store("both.db");
    tw_store *reader;
    tw_store *writer;
    assert_ok(tw_store_open(&reader, path, TW_STORE_READ, err));
    holds_what_was_written(reader);
    assert_ok(tw_store_open(&writer, path, TW_STORE_WRITE, err));
    holds_what_was_written(reader);
    holds_what_was_written(writer);
    assert_ok(tw_store_check(reader, false, no_problem, NULL, err));
    tw_store_close(reader);
    tw_store_close(writer);
}

/* Columns, indexes and their order: an old store and a new one must never differ. */
static void an_old_store_ends_as_a_new_one_begins(void **state)
{
    (void) state;
    static const char shape[] =
        "SELECT group_concat(m.name || '.' || p.name || ':' || p.type, ' ') "
        "FROM sqlite_schema m, pragma_table_info(m.name) p";
    const char *path = old_store("ends.db");
    const char *fresh = tw_test_path("begins.db");
    sqlite3 *db[2] = {NULL, NULL};
    sqlite3_stmt *q[2] = {NULL, NULL};
    tw_store *s;
    assert_ok(tw_store_open(&s, path, TW_STORE_WRITE, err));
    tw_store_close(s);
    assert_ok(tw_store_open(&s, fresh, TW_STORE_CREATE, err));
    tw_store_close(s);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sqlite3_open(i == 0 ? path : fresh, &db[i]), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db[i], shape, -1, &q[i], NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(q[i]), SQLITE_ROW);
    }
    assert_string_equal(sqlite3_column_text(q[0], 0), sqlite3_column_text(q[1], 0));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sqlite3_finalize(q[i]), SQLITE_OK);
        assert_int_equal(sqlite3_close(db[i]), SQLITE_OK);
    }
}

/* Whatever unit a source had, what was one moment is one afterwards; a damaged event stays so. */
static void times_of_an_old_store_become_microseconds(void **state)
{
    (void) state;
    static const int64_t want[] = {-1000000,         1588687728000000, 1588687728923000,
                                   1588687728923456, 1588687728923457, INT64_MAX / 1000};
    const char *path = old_store("units.db");
    sqlite3 *db = NULL;
    tw_store *s;
    tw_store_stats stats;
    tw_event e[8];
    int64_t row;
    int n = 0;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "INSERT INTO users VALUES(3, 'cy');"
                     "INSERT INTO events VALUES(3, -1, 1, 11, NULL, NULL),"
                     " (3, 1588687728, 1, 12, 2, NULL), (3, 1588687728000, 1, 13, NULL, NULL),"
                     " (3, 1588687728923, 1, 14, NULL, NULL),"
                     " (3, 1588687728923456, 1, 15, NULL, NULL),"
                     " (3, 1588687728923457890, 1, 16, NULL, NULL),"
                     " (3, 9223372036854775807, 1, 17, NULL, NULL);"
                     "UPDATE counts SET seq = 17, events = 11, users = 3;",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_ok(tw_store_open(&s, path, TW_STORE_WRITE, err));
    assert_ok(tw_store_user_row(s, "cy", &row, err));
    assert_ok(tw_store_history(s, row, 8, e, &n, err));
    assert_int_equal(n, 6);
    for (int i = 0; i < n; i++)
        assert_int_equal(e[i].time, want[i]);
    assert_true(e[1].rating == 2); /* the first of two that were one */
    assert_ok(tw_store_get_stats(s, &stats, err));
    assert_int_equal(stats.events, 10);
    assert_ok(tw_store_check(s, false, no_problem, NULL, err));
    tw_store_close(s);
    assert_int_equal(ask(path, "SELECT value FROM meta WHERE key = 'row_times'"), 9);
}

/* Makes a store of format 3 out of one of the first, one event of which is damaged. */
static const char *third_format_with_damage(const char *name)
{
    const char *path = old_store(name);
    sqlite3 *db = NULL;
    tw_store *s;
    assert_ok(tw_store_open(&s, path, TW_STORE_WRITE, err));
    tw_store_close(s);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE events SET time = 2000 WHERE user = 1 AND item = 1;"
                                  "DELETE FROM meta WHERE key = 'row_times';"
                                  "PRAGMA user_version = 3",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return path;
}

static void a_damaged_event_is_none_that_a_migration_mends(void **state)
{
    (void) state;
    const char *path = third_format_with_damage("damaged.db");
    tw_store *s;
    tw_event e[4];
    int n = 0;
    for (int mode = TW_STORE_READ; mode <= TW_STORE_WRITE; mode++) {
        assert_ok(tw_store_open(&s, path, (tw_store_mode) mode, err));
        assert_status(tw_store_history(s, 1, 4, e, &n, err), TW_ECORRUPT);
        tw_store_close(s);
    }
    assert_int_equal(ask(path, "PRAGMA user_version"), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_old_store_opened_for_reading_is_read_and_left_alone),
        cmocka_unit_test(an_old_store_opened_for_writing_is_brought_up_to_date),
        cmocka_unit_test(ids_of_an_old_store_are_found_in_every_normal_form),
        cmocka_unit_test(a_reader_outlives_the_migration),
        cmocka_unit_test(times_of_an_old_store_become_microseconds),
        cmocka_unit_test(a_damaged_event_is_none_that_a_migration_mends),
        cmocka_unit_test(an_old_store_ends_as_a_new_one_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
