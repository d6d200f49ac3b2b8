/* A process is killed at every crash point of a piece of work; what it had been told is done must
 * be there, what it had not been told is there wholly or not at all, and the same work run again
 * ends in the same state. */
#include "tests/support/test.h"

#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crash.h"
#include "store/store.h"
#include "tests/support/store_formats.h"

#define BATCHES                3
#define ROWS                   2
#define LEAST_POINTS           50 /* the work below passes this many; fewer means points were lost */
#define LEAST_MIGRATION_POINTS 20

static void must(tw_status st, const tw_error *err)
{
    if (st == TW_OK)
        return;
    (void) fprintf(stderr, "%s\n", err->msg);
    _exit(1);
}

/* Batch b puts five items with vectors for two models, deletes one of the batch before, records
 * events and moves the mark: in one transaction. */
static void do_batch(tw_store *s, int b)
{
    tw_error err = {0};
    char id[32];
    must(tw_store_begin(s, &err), &err);
    for (int i = 0; i < ROWS; i++) {
        tw_put_result put;
        const float vec[2] = {(float) b, (float) i};
        tw_event e = {.time = b * ROWS + i, .rating = NAN, .value = NAN};
        (void) snprintf(id, sizeof id, "%d-%d", b, i);
        const tw_item item = {.id = id, .title = "a title"};
        must(tw_store_put_item(s, &item, &put, &err), &err);
        for (int model = 1; model <= 2; model++)
            must(tw_store_put_vector(s, put.row, model, vec, 2, NULL, &err), &err);
        e.item = put.row;
        must(tw_store_add_event(s, i % 2 == 0 ? "ann" : "bob", &e, NULL, &err), &err);
    }
    if (b > 0) {
        (void) snprintf(id, sizeof id, "%d-0", b - 1);
        must(tw_store_delete_item(s, id, NULL, &err), &err);
    }
    const tw_store_mark mark = {.rows = b + 1, .done = b + 1 == BATCHES};
    must(tw_store_set_mark(s, "file", &mark, &err), &err);
    must(tw_store_commit(s, &err), &err);
}

/* Goes on from the mark; each acknowledged batch is told by one byte. */
static void work(const char *path, int told)
{
    tw_error err = {0};
    tw_store *s;
    tw_store_mark mark;
    must(tw_store_open(&s, path, TW_STORE_CREATE, &err), &err);
    must(tw_store_get_mark(s, "file", &mark, &err), &err);
    for (int b = (int) mark.rows; b < BATCHES; b++) {
        do_batch(s, b);
        if (write(told, "x", 1) != 1)
            _exit(1);
    }
    const tw_status st = tw_store_add_model(s, 1, NULL, &err);
    must(st == TW_EEXIST ? TW_OK : st, &err); /* of a run that was killed behind it */
    must(tw_store_activate_model(s, 1, &err), &err);
    must(tw_store_drop_vectors(s, 2, NULL, &err), &err);
    tw_store_close(s);
}

/* Runs the work in a child that dies at the nth point. Returns its exit status. */
static int run_until(const char *path, long nth, int *acknowledged)
{
    int ends[2];
    int status = 0;
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        (void) close(ends[0]);
        tw_crash_arm(nth);
        work(path, ends[1]);
        _exit(0);
    }
    (void) close(ends[1]);
    *acknowledged = 0;
    while (read(ends[0], &byte, 1) == 1)
        ++*acknowledged;
    (void) close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void no_problem(void *ctx, const char *sentence)
{
    (void) ctx;
    print_error("check: %s\n", sentence);
}

/* Whole batches, at least those acknowledged and at most one more. */
static void look_at(const char *path, int acknowledged)
{
    tw_store *s;
    tw_store_mark mark;
    tw_store_stats stats;
    assert_ok(tw_store_open(&s, path, TW_STORE_CREATE, err));
    assert_ok(tw_store_check(s, false, no_problem, NULL, err));
    assert_ok(tw_store_get_mark(s, "file", &mark, err));
    assert_ok(tw_store_get_stats(s, &stats, err));
    assert_true(mark.rows >= acknowledged && mark.rows <= acknowledged + 1);
    int64_t deleted = mark.rows > 0 ? mark.rows - 1 : 0;
    assert_int_equal(stats.deleted, deleted);
    assert_int_equal(stats.items, mark.rows * ROWS - deleted);
    assert_int_equal(stats.events, mark.rows * ROWS);
    tw_store_close(s);
}

static void a_kill_at_any_point_loses_nothing_acknowledged(void **state)
{
    (void) state;
    long points = 0;
    for (long nth = 1;; nth++) {
        char name[32];
        int acknowledged;
        (void) snprintf(name, sizeof name, "crash%ld.db", nth);
        const char *path = tw_test_path(name);
        int status = run_until(path, nth, &acknowledged);
        if (status == 0)
            break;
        assert_int_equal(status, TW_CRASH_STATUS);
        points++;
        look_at(path, acknowledged);
    }
    assert_true(points >= LEAST_POINTS);
}

/* Killed, started again and killed further on, until it gets through. */
static void work_killed_again_and_again_comes_to_the_same_end(void **state)
{
    (void) state;
    const char *path = tw_test_path("again.db");
    tw_store *s;
    tw_store_stats stats;
    int acknowledged;
    long nth = 1;
    while (run_until(path, nth, &acknowledged) == TW_CRASH_STATUS && nth < 1000)
        nth += 7;
    assert_ok(tw_store_open(&s, path, TW_STORE_WRITE, err));
    assert_ok(tw_store_check(s, false, no_problem, NULL, err));
    assert_ok(tw_store_get_stats(s, &stats, err));
    assert_int_equal(stats.items, BATCHES * ROWS - (BATCHES - 1));
    assert_int_equal(stats.deleted, BATCHES - 1);
    assert_int_equal(stats.events, BATCHES * ROWS);
    assert_int_equal(stats.users, 2);
    assert_int_equal(stats.n_models, 1);
    assert_int_equal(stats.models[0].vectors, stats.items);
    tw_store_close(s);
}

static void make_old_store(const char *path)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, store_format_1, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Killed at each point of a migration, the store is the old or the new one and can be read as it
 * is; the next opening for writing ends the migration. */
static void a_migration_killed_anywhere_is_taken_up_again(void **state)
{
    (void) state;
    int status = TW_CRASH_STATUS;
    long points = 0;
    for (long nth = 1; status == TW_CRASH_STATUS; nth++) {
        char name[32];
        tw_store *s;
        tw_store_stats stats;
        (void) snprintf(name, sizeof name, "old%ld.db", nth);
        const char *path = tw_test_path(name);
        make_old_store(path);
        pid_t child = fork();
        if (child == 0) {
            tw_error err = {0};
            tw_crash_arm(nth);
            must(tw_store_open(&s, path, TW_STORE_WRITE, &err), &err);
            tw_crash_arm(0);
            tw_store_close(s);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        status = WEXITSTATUS(status);
        assert_true(status == 0 || status == TW_CRASH_STATUS);
        points += status != 0 ? 1 : 0;
        for (int mode = TW_STORE_READ; mode <= TW_STORE_WRITE; mode++) {
            assert_ok(tw_store_open(&s, path, (tw_store_mode) mode, err));
            assert_ok(tw_store_get_stats(s, &stats, err));
            assert_true(stats.items == 2 && stats.deleted == 1 && stats.events == 4);
            assert_ok(tw_store_check(s, false, no_problem, NULL, err));
            tw_store_close(s);
        }
    }
    assert_true(points >= LEAST_MIGRATION_POINTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_migration_killed_anywhere_is_taken_up_again),
        cmocka_unit_test(a_kill_at_any_point_loses_nothing_acknowledged),
        cmocka_unit_test(work_killed_again_and_again_comes_to_the_same_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
