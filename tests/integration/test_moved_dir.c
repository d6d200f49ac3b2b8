/* A directory that is renamed while it is open, and another one put in its place: what is written
 * goes where it was opened, and nothing into the other. And two writers never share one.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/training.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

static const tw_engine_options write_mode = {.mode = TW_ENGINE_WRITE, .threads = 1};
static const tw_engine_options read_mode = {.mode = TW_ENGINE_READ, .threads = 1};
static char name[TW_PATH_MAX], away[TW_PATH_MAX];
static tw_answer answer;

static int begin(void **state)
{
    (void) state;
    tw_log_set_level(TW_LOG_ERROR + 1);
    tw_answer_init(&answer);
    return 0;
}

static int end(void **state)
{
    (void) state;
    tw_answer_fini(&answer);
    return 0;
}

/* An engine on `name`, which then leads to another directory; the one that is open lies `away`. */
static tw_engine *replaced(const char *what)
{
    char other[64];
    (void) snprintf(name, sizeof name, "%s", tw_test_path(what));
    (void) snprintf(other, sizeof other, "%s_other", what);
    tw_engine *e = toy_engine(other, false);
    tw_put_kind kind;
    assert_ok(tw_engine_put(e, &(tw_item){.id = "theirs", .title = "Theirs"}, &kind, err));
    tw_engine_close(e);
    e = toy_engine(what, true);
    toy_train(e);
    (void) snprintf(other, sizeof other, "%s_away", what);
    (void) snprintf(away, sizeof away, "%s", tw_test_path(other));
    assert_int_equal(rename(name, away), 0);
    (void) snprintf(other, sizeof other, "%s_other", what);
    assert_int_equal(rename(tw_test_path(other), name), 0);
    return e;
}

typedef struct nested {
    tw_engine *e;
    int n;
} nested;

/* While an iteration holds one reader of the store, another one has to be opened. */
static tw_status ask_within(void *ctx, const char *id, const float *vec, int dim, tw_error *unused)
{
    nested *n = ctx;
    tw_item item;
    (void) vec;
    (void) dim;
    assert_ok(tw_engine_get(n->e, id, &item, err));
    assert_string_equal(item.id, id);
    tw_item_fini(&item);
    n->n++;
    (void) unused;
    return TW_OK;
}

static void *ask_in_thread(void *arg)
{
    nested *n = arg;
    int model;
    assert_ok(tw_engine_each_vector(n->e, &model, ask_within, n, err));
    return NULL;
}

static void expect_theirs_untouched(void)
{
    tw_engine *e;
    tw_engine_stats s;
    tw_item item;
    char path[TW_PATH_MAX];
    assert_ok(tw_path_join(path, name, "models/0001", err));
    assert_false(tw_file_exists(path));
    assert_ok(tw_path_join(path, name, "index/items-0001.twx", err));
    assert_false(tw_file_exists(path));
    assert_ok(tw_engine_open(&e, name, &read_mode, err));
    assert_ok(tw_engine_stats_get(e, &s, err));
    assert_int_equal(s.items, 1);
    assert_int_equal(s.model, 0);
    assert_ok(tw_engine_get(e, "theirs", &item, err));
    tw_item_fini(&item);
    tw_engine_close(e);
}

static void what_is_written_goes_where_it_was_opened(void **state)
{
    (void) state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    nested n[THREADS];
    tw_put_kind kind;
    char *report = NULL;
    tw_engine_stats s;
    tw_engine *e = replaced("replaced");

    for (int i = 0; i < THREADS; i++) { /* more readers than are open */
        n[i] = (nested){.e = e};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_in_thread, &n[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(n[i].n, TOY_ITEMS);
    }
    assert_ok(tw_engine_put(e, &(tw_item){.id = "mine", .title = "Robot Story 99"}, &kind, err));
    assert_ok(tw_engine_snapshot(e, err));
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "mine", .k = 3}, &answer, err));
    const tw_train_options opt = {
        .config_json = TOY_TOWERS, .activate = TW_ACTIVATE_ALWAYS, .skip_eval = true};
    assert_ok(tw_engine_train_towers(e, &opt, &report, err));
    tw_free(report);
    tw_engine_close(e);

    expect_theirs_untouched();
    assert_ok(tw_engine_open(&e, away, &write_mode, err));
    assert_ok(tw_engine_stats_get(e, &s, err));
    assert_int_equal(s.items, TOY_ITEMS + 1);
    assert_int_equal(s.model, 3);
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "mine", .k = 3}, &answer, err));
    tw_engine_close(e);
}

/* SQLite removes a log by its name at the end; another process may be writing to the one that has
 * this name now. */
static void the_end_leaves_the_log_of_the_other_alone(void **state)
{
    (void) state;
    tw_engine *e = replaced("log"), *theirs;
    tw_put_kind kind;
    struct stat sb;
    char path[TW_PATH_MAX];
    assert_ok(tw_engine_open(&theirs, name, &write_mode, err));
    assert_ok(tw_engine_put(theirs, &(tw_item){.id = "late", .title = "Late"}, &kind, err));
    assert_ok(tw_engine_put(e, &(tw_item){.id = "mine", .title = "Mine"}, &kind, err));
    tw_engine_close(e);
    assert_ok(tw_path_join(path, name, "twindex.db-wal", err));
    assert_int_equal(stat(path, &sb), 0);
    assert_true(sb.st_size > 0);
    tw_engine_close(theirs);
    tw_item item;
    assert_ok(tw_engine_open(&e, name, &read_mode, err));
    assert_ok(tw_engine_get(e, "late", &item, err));
    tw_item_fini(&item);
    tw_engine_close(e);
    assert_ok(tw_engine_open(&e, away, &read_mode, err)); /* merges what was left in the log */
    assert_ok(tw_engine_get(e, "mine", &item, err));
    tw_item_fini(&item);
    tw_engine_close(e);
}

static void a_directory_that_was_removed_is_not_made_again(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("removed", true);
    toy_train(e);
    (void) snprintf(name, sizeof name, "%s", tw_test_path("removed"));
    assert_ok(tw_remove_tree(name, err));
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "f1", .k = 3}, &answer, err));
    (void) !tw_engine_snapshot(e, NULL);
    tw_engine_close(e);
    assert_false(tw_file_exists(name));
}

static void a_lock_file_that_was_removed_lets_no_second_writer_in(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("locked", false), *second = NULL;
    tw_error why = {0};
    char path[TW_PATH_MAX];
    (void) snprintf(name, sizeof name, "%s", tw_test_path("locked"));
    assert_ok(tw_path_join(path, name, "lock", err));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(tw_engine_open(&second, name, &write_mode, &why), TW_EBUSY);
    assert_null(second);
    tw_engine_close(e);
    assert_ok(tw_engine_open(&e, name, &write_mode, err));
    tw_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_goes_where_it_was_opened),
        cmocka_unit_test(the_end_leaves_the_log_of_the_other_alone),
        cmocka_unit_test(a_directory_that_was_removed_is_not_made_again),
        cmocka_unit_test(a_lock_file_that_was_removed_lets_no_second_writer_in),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
