/* Where a data directory may be made, and whose folder it stays. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "engine/engine.h"
#include "tests/support/test.h"

static char dir[TW_PATH_MAX];

static const char *in(const char *name)
{
    static char path[TW_PATH_MAX];
    assert_ok(tw_path_join(path, dir, name, err));
    return path;
}

static void choose(const char *name) { (void) snprintf(dir, sizeof dir, "%s", tw_test_path(name)); }

static void expect_usable(void)
{
    tw_engine *e;
    tw_put_kind kind;
    assert_ok(tw_engine_open(&e, dir, &(tw_engine_options){.mode = TW_ENGINE_WRITE}, err));
    assert_ok(tw_engine_put(e, &(tw_item){.id = "a", .title = "A"}, &kind, err));
    tw_engine_close(e);
    assert_true(tw_file_exists(in("models")) && tw_file_exists(in("index")));
    assert_status(tw_engine_create(dir, err), TW_EEXIST);
}

static void an_empty_folder_keeps_its_mode_and_identity(void **state)
{
    (void) state;
    struct stat before, after;
    choose("private");
    assert_int_equal(mkdir(dir, 0700), 0);
    if (geteuid() == 0)
        assert_int_equal(chown(dir, 12345, 23456), 0);
    assert_int_equal(stat(dir, &before), 0);
    assert_ok(tw_engine_create(dir, err));
    assert_int_equal(stat(dir, &after), 0);
    assert_int_equal(after.st_mode & 07777, 0700);
    assert_int_equal(after.st_uid, before.st_uid);
    assert_int_equal(after.st_gid, before.st_gid);
    assert_int_equal(after.st_ino, before.st_ino);
    expect_usable();
}

/* The folder of a link is used, not the link replaced. */
static void a_link_to_an_empty_folder_stays_one(void **state)
{
    (void) state;
    struct stat sb;
    choose("linked");
    assert_int_equal(mkdir(tw_test_path("target"), 0750), 0);
    assert_int_equal(symlink(tw_test_path("target"), dir), 0);
    assert_ok(tw_engine_create(dir, err));
    assert_int_equal(lstat(dir, &sb), 0);
    assert_true(S_ISLNK(sb.st_mode));
    expect_usable();
}

static void expect_refused(const char *word)
{
    tw_error why = {0};
    assert_int_equal(tw_engine_create(dir, &why), TW_EEXIST);
    if (strstr(why.msg, word) == NULL)
        fail_msg("'%s' is not in: %s", word, why.msg);
}

static void what_is_there_is_named_and_left_alone(void **state)
{
    (void) state;
    static const char *const names[] = {"photo.jpg", ".git", "twindex.db.bak", "models.old", "lock",
                                        "index.txt", "-"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char folder[32];
        (void) snprintf(folder, sizeof folder, "taken%zu", i);
        choose(folder);
        assert_int_equal(mkdir(dir, 0755), 0);
        assert_ok(tw_file_replace(in(names[i]), "mine", 4, err));
        expect_refused(names[i]);
        assert_false(tw_file_exists(in("models")));
        assert_false(tw_file_exists(in("twindex.db")));
    }
    choose("taken");
    assert_ok(tw_dir_create(in("models/0001"), err)); /* somebody's models without their store */
    expect_refused("'models'");
    choose("many");
    assert_int_equal(mkdir(dir, 0755), 0);
    for (int i = 0; i < 9; i++) {
        char name[16];
        (void) snprintf(name, sizeof name, "f%d", i);
        assert_ok(tw_file_replace(in(name), "mine", 4, err));
    }
    expect_refused("and more");
}

static void a_name_that_is_taken_by_no_folder(void **state)
{
    (void) state;
    choose("file");
    assert_ok(tw_file_replace(dir, "mine", 4, err));
    expect_refused("no folder");
    choose("loop");
    assert_int_equal(symlink(dir, dir), 0);
    tw_error why = {0};
    assert_true(tw_engine_create(dir, &why) != TW_OK);
    assert_non_null(strstr(why.msg, "loop"));
}

static void another_store_is_not_taken_over(void **state)
{
    (void) state;
    choose("foreign");
    assert_int_equal(mkdir(dir, 0755), 0);
    assert_ok(
        tw_file_replace(in("twindex.db"), "no database at all, but somebody's file", 39, err));
    expect_refused("twindex.db");
    choose("folder");
    assert_ok(tw_dir_create(in("twindex.db"), err));
    expect_refused("twindex.db");
}

/* Each state that a kill may leave; the crash test goes through them for real. */
static void what_a_killed_create_left_is_finished(void **state)
{
    (void) state;
    choose("half");
    assert_ok(tw_dir_create(in("models"), err));
    assert_ok(tw_dir_create(in("index"), err));
    assert_ok(tw_engine_create(dir, err));
    expect_usable();
    choose("empty_store");
    assert_ok(tw_dir_create(in("media"), err));
    assert_ok(tw_file_replace(in("twindex.db"), "", 0, err));
    assert_ok(tw_engine_create(dir, err));
    expect_usable();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_folder_keeps_its_mode_and_identity),
        cmocka_unit_test(a_link_to_an_empty_folder_stays_one),
        cmocka_unit_test(what_is_there_is_named_and_left_alone),
        cmocka_unit_test(a_name_that_is_taken_by_no_folder),
        cmocka_unit_test(another_store_is_not_taken_over),
        cmocka_unit_test(what_a_killed_create_left_is_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
