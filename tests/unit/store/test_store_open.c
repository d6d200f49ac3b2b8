#include "tests/support/test.h"

#include <grp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "store/store.h"

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A closed store with one item, and its path. */
static const char *make_store(const char *name)
{
    const char *path = tw_test_path(name);
    const tw_item item = {.id = "a", .title = "A"};
    tw_store *s;
    assert_ok(tw_store_open(&s, path, TW_STORE_CREATE, err));
    assert_ok(tw_store_put_item(s, &item, NULL, err));
    tw_store_close(s);
    return path;
}

/* Opens, which must fail so, with one sentence that has these words. */
static void refuse(const char *path, tw_store_mode mode, tw_status want, const char *words)
{
    tw_error why = {0};
    tw_store *s = NULL;
    tw_status st = tw_store_open(&s, path, mode, &why);
    if (st != want || strstr(why.msg, words) == NULL || s != NULL)
        fail_msg("'%s' gave '%s' (%s), want '%s' with '%s'", path, tw_status_name(st), why.msg,
                 tw_status_name(want), words);
    assert_null(strchr(why.msg, '\n'));
}

static void no_problem(void *ctx, const char *sentence)
{
    (void) ctx;
    print_error("check: %s\n", sentence);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void) state;
    refuse(tw_test_path("none.db"), TW_STORE_WRITE, TW_ENOTFOUND, "No such file");
    refuse(tw_test_path("none.db"), TW_STORE_READ, TW_ENOTFOUND, "No such file");
    assert_false(tw_file_exists(tw_test_path("none.db"))); /* and not made on the way */
    refuse(tw_test_path("no/folder.db"), TW_STORE_CREATE, TW_ENOTFOUND, "No such file");
    refuse(tw_test_dir(), TW_STORE_CREATE, TW_EINVAL, "is not a file");
}

static void other_files_are_refused_and_left_alone(void **state)
{
    (void) state;
    char *data;
    size_t len;
    const char *text =
        tw_test_file("text.db", "id,title\n1,Toy Story, a film long enough to be read "
                                "as the hundred bytes of a header of SQLite's\n");
    refuse(text, TW_STORE_CREATE, TW_ECORRUPT, "is not a twindex store");
    assert_ok(tw_file_read(text, 1000, &data, &len, err));
    assert_memory_equal(data, "id,title", 8);
    tw_free(data);

    const char *foreign = tw_test_path("foreign.db");
    run_sql(foreign, "CREATE TABLE t(x); PRAGMA application_id = 17");
    refuse(foreign, TW_STORE_CREATE, TW_EINVAL, "another program (application id 0x00000011)");
    run_sql(foreign, "PRAGMA application_id = 0");
    refuse(foreign, TW_STORE_CREATE, TW_EINVAL, "another program");

    const char *newer = make_store("newer.db");
    run_sql(newer, "PRAGMA user_version = 9");
    refuse(newer, TW_STORE_WRITE, TW_EUNSUPPORTED, "newer twindex (format 9");
    refuse(newer, TW_STORE_READ, TW_EUNSUPPORTED, "newer twindex (format 9");
    run_sql(newer, "PRAGMA user_version = 0");
    refuse(newer, TW_STORE_WRITE, TW_ECORRUPT, "unknown format 0");

    const char *empty = tw_test_file("empty.db", "");
    refuse(empty, TW_STORE_WRITE, TW_ENOTFOUND, "no store was made in it");
    refuse(empty, TW_STORE_READ, TW_ENOTFOUND, "no store was made in it");
    tw_store *s;
    assert_ok(tw_store_open(&s, empty, TW_STORE_CREATE, err));
    tw_store_close(s);
}

static void a_truncated_store_is_corrupt(void **state)
{
    (void) state;
    struct stat info;
    const char *path = make_store("short.db");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, info.st_size / 2), 0);
    refuse(path, TW_STORE_WRITE, TW_ECORRUPT, "is damaged");
    refuse(path, TW_STORE_READ, TW_ECORRUPT, "is damaged");
    assert_int_equal(truncate(path, 50), 0);
    refuse(path, TW_STORE_WRITE, TW_ECORRUPT, "is damaged");
}

static void a_locked_store_is_busy(void **state)
{
    (void) state;
    const char *path = make_store("locked.db");
    const tw_item item = {.id = "b"};
    tw_error why = {0};
    tw_store *s;
    int64_t row;
    sqlite3 *db = NULL;
    assert_ok(tw_store_open(&s, path, TW_STORE_WRITE, err));
    tw_store_set_patience(s, 50);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(tw_store_put_item(s, &item, NULL, &why), TW_EBUSY);
    assert_non_null(strstr(why.msg, "another process is writing"));
    assert_ok(tw_store_row_by_id(s, "a", &row, err)); /* readers do not care */
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_ok(tw_store_put_item(s, &item, NULL, err)); /* and the next write works */
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    tw_store_close(s);
}

/* Another process moved the counter on: the next transaction must not hand out its numbers again.
 */
static void numbers_of_another_process_are_respected(void **state)
{
    (void) state;
    const char *path = make_store("shared.db");
    tw_store *one;
    tw_store *two;
    tw_put_result r;
    const tw_item b = {.id = "b"};
    const tw_item c = {.id = "c"};
    const tw_item d = {.id = "d"};
    assert_ok(tw_store_open(&one, path, TW_STORE_WRITE, err));
    assert_ok(tw_store_open(&two, path, TW_STORE_WRITE, err));
    assert_ok(tw_store_put_item(one, &b, &r, err));
    assert_int_equal(r.seq, 2);
    assert_ok(tw_store_put_item(two, &c, &r, err));
    assert_int_equal(r.seq, 3);
    assert_ok(tw_store_put_item(one, &d, &r, err));
    assert_int_equal(r.seq, 4);
    tw_store_close(one);
    tw_store_close(two);
}

static void a_store_opened_for_reading_refuses_writes(void **state)
{
    (void) state;
    const tw_item item = {.id = "b"};
    tw_error why = {0};
    tw_store *s;
    assert_ok(tw_store_open(&s, make_store("read.db"), TW_STORE_READ, err));
    assert_int_equal(tw_store_put_item(s, &item, NULL, &why), TW_EDENIED);
    assert_non_null(strstr(why.msg, "opened for reading only"));
    assert_status(tw_store_begin(s, err), TW_EDENIED);
    tw_store_close(s);
}

/* What a user without rights sees. Returns 0 when all is as it should be. */
static int as_unprivileged(const char *path)
{
    tw_error why = {0};
    tw_store *s = NULL;
    tw_item item;
    if (getuid() == 0 && (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
        return 2;
    if (tw_store_open(&s, path, TW_STORE_WRITE, &why) != TW_EDENIED)
        return 3;
    if (tw_store_open(&s, path, TW_STORE_READ, &why) != TW_OK) {
        (void) fprintf(stderr, "%s\n", why.msg);
        return 4;
    }
    if (tw_store_item_by_id(s, "a", &item, &why) != TW_OK)
        return 5;
    tw_item_fini(&item);
    tw_store_close(s);
    return 0;
}

static void a_read_only_folder_can_be_read_and_not_written(void **state)
{
    (void) state;
    char inside[TW_PATH_MAX];
    const char *folder = tw_test_path("ro? #%41"); /* a name that a URI would misread */
    int status = 0;
    assert_ok(tw_dir_create(folder, err));
    assert_ok(tw_path_join(inside, "ro? #%41", "store.db", err));
    const char *path = make_store(inside);
    assert_int_equal(chmod(tw_test_dir(), 0755), 0);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(as_unprivileged(path));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void an_acknowledged_commit_is_in_the_file_of_a_second_opening(void **state)
{
    (void) state;
    const char *path = tw_test_path("reopen.db");
    const tw_item item = {.id = "a", .title = "A"};
    const float vec[2] = {1, 2};
    tw_store *s;
    tw_store_stats stats;
    tw_put_result r;
    assert_ok(tw_store_open(&s, path, TW_STORE_CREATE, err));
    assert_ok(tw_store_put_item(s, &item, &r, err));
    assert_ok(tw_store_put_vector(s, r.row, 1, vec, 2, NULL, err));
    assert_ok(tw_store_begin(s, err)); /* left open: close takes it back */
    assert_ok(tw_store_delete_item(s, "a", NULL, err));
    tw_store_close(s);
    assert_ok(tw_store_open(&s, path, TW_STORE_CREATE, err)); /* CREATE keeps what is there */
    assert_ok(tw_store_get_stats(s, &stats, err));
    assert_true(stats.items == 1 && stats.deleted == 0 && stats.seq == 2 && stats.n_models == 1);
    assert_true(stats.models[0].model == 1 && stats.models[0].dim == 2);
    assert_int_equal(stats.models[0].vectors, 1);
    assert_true(stats.file_bytes > 0);
    tw_store_close(s);
    tw_store_close(NULL);
}

/* The table that a put writes second takes nothing: what it wrote first must not stay. */
static void a_write_that_fails_half_way_leaves_nothing(void **state)
{
    (void) state;
    const char *path = make_store("half.db");
    const tw_item item = {.id = "b"};
    tw_store *s;
    tw_store_stats stats;
    run_sql(path, "CREATE TRIGGER broken BEFORE INSERT ON contents "
                  "BEGIN SELECT raise(ABORT, 'no'); END");
    assert_ok(tw_store_open(&s, path, TW_STORE_WRITE, err));
    assert_status(tw_store_put_item(s, &item, NULL, err), TW_ECORRUPT);
    assert_ok(tw_store_begin(s, err));
    assert_status(tw_store_put_item(s, &item, NULL, err), TW_ECORRUPT);
    assert_status(tw_store_set_meta(s, "k", "v", err), TW_ESTATE); /* only rollback is left */
    assert_status(tw_store_commit(s, err), TW_ESTATE);
    assert_ok(tw_store_set_meta(s, "k", "v", err)); /* and the next transaction works */
    assert_ok(tw_store_get_stats(s, &stats, err));
    assert_true(stats.items == 1 && stats.seq == 1);
    tw_store_close(s);
    run_sql(path, "DROP TRIGGER broken");
    assert_ok(tw_store_open(&s, path, TW_STORE_READ, err));
    assert_ok(tw_store_check(s, false, no_problem, NULL, err));
    tw_store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(other_files_are_refused_and_left_alone),
        cmocka_unit_test(a_truncated_store_is_corrupt),
        cmocka_unit_test(a_locked_store_is_busy),
        cmocka_unit_test(numbers_of_another_process_are_respected),
        cmocka_unit_test(a_write_that_fails_half_way_leaves_nothing),
        cmocka_unit_test(a_store_opened_for_reading_refuses_writes),
        cmocka_unit_test(a_read_only_folder_can_be_read_and_not_written),
        cmocka_unit_test(an_acknowledged_commit_is_in_the_file_of_a_second_opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
