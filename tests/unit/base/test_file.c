#include "base/file.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tests/support/test.h"

static void paths_join_with_one_slash(void **state)
{
    (void) state;
    char out[TW_PATH_MAX], big[TW_PATH_MAX];
    assert_ok(tw_path_join(out, "a", "b", err));
    assert_string_equal(out, "a/b");
    assert_ok(tw_path_join(out, "a/", "b", err));
    assert_string_equal(out, "a/b");
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    assert_status(tw_path_join(out, big, "b", err), TW_EINVAL);
}

static void a_file_is_read_whole_or_refused(void **state)
{
    (void) state;
    char *data;
    size_t len;
    const char *path = tw_test_file("small", "hello");
    assert_ok(tw_file_read(path, 5, &data, &len, err));
    assert_int_equal(len, 5);
    assert_string_equal(data, "hello");
    tw_free(data);
    assert_status(tw_file_read(path, 4, &data, &len, err), TW_EINVAL);
    assert_null(data);
    assert_status(tw_file_read(tw_test_path("none"), 9, &data, &len, err), TW_ENOTFOUND);
    assert_status(tw_file_read(tw_test_dir(), 9, &data, &len, err), TW_EINVAL);
}

static void the_message_names_path_and_reason(void **state)
{
    (void) state;
    tw_error e = {0};
    char *data;
    size_t len;
    assert_int_equal(tw_file_read("/nowhere/x", 9, &data, &len, &e), TW_ENOTFOUND);
    assert_non_null(strstr(e.msg, "'/nowhere/x'"));
    assert_non_null(strstr(e.msg, "No such file"));
}

static void replace_leaves_no_temporary_file(void **state)
{
    (void) state;
    char *data;
    size_t len;
    const char *path = tw_test_path("r");
    assert_ok(tw_file_replace(path, "one", 3, err));
    assert_ok(tw_file_replace(path, "two!", 4, err));
    assert_ok(tw_file_read(path, 99, &data, &len, err));
    assert_string_equal(data, "two!");
    tw_free(data);
    assert_false(tw_file_exists(tw_test_path("r.tmp")));
    assert_status(tw_file_replace("/nowhere/x", "x", 1, err), TW_ENOTFOUND);
}

static void an_aborted_file_leaves_the_old_one(void **state)
{
    (void) state;
    FILE *f;
    const char *path = tw_test_file("a", "old");
    assert_ok(tw_file_begin(&f, path, err));
    assert_true(fputs("new", f) >= 0);
    tw_file_abort(f, path);
    char *data;
    size_t len;
    assert_ok(tw_file_read(path, 99, &data, &len, err));
    assert_string_equal(data, "old");
    tw_free(data);
    assert_false(tw_file_exists(tw_test_path("a.tmp")));
}

static void folders_are_made_and_removed_with_all_they_hold(void **state)
{
    (void) state;
    const char *deep = tw_test_path("d/e/f");
    assert_ok(tw_dir_create(deep, err));
    assert_ok(tw_dir_create(deep, err)); /* again is fine */
    (void) tw_test_file("d/e/f/x", "1");
    assert_int_equal(symlink("/etc", tw_test_path("d/link")), 0);
    assert_ok(tw_remove_tree(tw_test_path("d"), err));
    assert_false(tw_file_exists(tw_test_path("d")));
    assert_true(tw_file_exists("/etc")); /* the link went, not what it named */
    assert_ok(tw_remove_tree(tw_test_path("d"), err));
    assert_status(tw_dir_create(tw_test_file("plain", ""), err), TW_EEXIST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_join_with_one_slash),
        cmocka_unit_test(a_file_is_read_whole_or_refused),
        cmocka_unit_test(the_message_names_path_and_reason),
        cmocka_unit_test(replace_leaves_no_temporary_file),
        cmocka_unit_test(an_aborted_file_leaves_the_old_one),
        cmocka_unit_test(folders_are_made_and_removed_with_all_they_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
