#include "base/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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

/* Of each kind that an open() could wait for, or that never ends. */
typedef struct names {
    int n, most; /* how many came, and how many shall */
    char all[64];
} names;

static bool add_name(void *ctx, const char *name)
{
    names *s = ctx;
    const size_t len = strlen(s->all);
    (void) snprintf(s->all + len, sizeof s->all - len, "%s", name);
    return ++s->n < s->most;
}

static void a_locked_file_is_busy_until_it_is_closed(void **state)
{
    (void) state;
    const char *const paths[] = {tw_test_file("locked", "x"), tw_test_dir()};
    for (int i = 0; i < 2; i++) {
        tw_error why = {0};
        const int first = open(paths[i], O_RDONLY), second = open(paths[i], O_RDONLY);
        assert_true(first >= 0 && second >= 0);
        assert_ok(tw_file_lock(first, paths[i], err));
        assert_ok(tw_file_lock(first, paths[i], err)); /* its own does not stand in its way */
        assert_int_equal(tw_file_lock(second, paths[i], &why), TW_EBUSY);
        assert_non_null(strstr(why.msg, paths[i]));
        assert_int_equal(close(first), 0);
        assert_ok(tw_file_lock(second, paths[i], err));
        assert_int_equal(close(second), 0);
        assert_int_equal(tw_file_lock(second, paths[i], &why), TW_EIO); /* no lock, but not taken */
        assert_non_null(strstr(why.msg, "cannot lock"));
    }
}

static void each_name_of_a_folder_comes_once(void **state)
{
    (void) state;
    const char *dir = tw_test_path("listed");
    char path[TW_PATH_MAX];
    names all = {.most = 9}, one = {.most = 1}, none = {.most = 9};
    assert_ok(tw_dir_create(dir, err));
    assert_ok(tw_dir_each(dir, add_name, &none, err));
    assert_int_equal(none.n, 0);
    assert_ok(tw_path_join(path, dir, "...", err)); /* a name like any other */
    assert_ok(tw_dir_create(path, err));
    assert_ok(tw_path_join(path, dir, "file", err));
    assert_ok(tw_file_replace(path, "x", 1, err));
    assert_ok(tw_dir_each(dir, add_name, &all, err));
    assert_int_equal(all.n, 2);
    assert_true(strcmp(all.all, "...file") == 0 || strcmp(all.all, "file...") == 0);
    assert_ok(tw_dir_each(dir, add_name, &one, err));
    assert_int_equal(one.n, 1);
    tw_error why = {0};
    assert_int_equal(tw_dir_each(path, add_name, &none, &why), TW_EIO); /* a file */
    assert_non_null(strstr(why.msg, path));
    assert_status(tw_dir_each(tw_test_path("nowhere"), add_name, &none, err), TW_ENOTFOUND);
}

static void only_regular_files_are_opened_and_nothing_is_waited_for(void **state)
{
    (void) state;
    const char *pipe = tw_test_path("pipe"), *link = tw_test_path("to-pipe"),
               *listens = tw_test_path("socket");
    const char *const odd[] = {pipe, link, listens, tw_test_dir(), "/dev/zero", "/dev/ptmx"};
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char *data;
    size_t len;
    int fd;

    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_int_equal(symlink(pipe, link), 0);
    const int s = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(strlen(listens) < sizeof at.sun_path);
    memcpy(at.sun_path, listens, strlen(listens) + 1);
    assert_int_equal(bind(s, (const struct sockaddr *) &at, sizeof at), 0);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        tw_error e = {0};
        (void) alarm(5); /* ends the test where the open waits */
        assert_int_equal(tw_file_read(odd[i], 99, &data, &len, &e), TW_EINVAL);
        (void) alarm(0);
        assert_non_null(strstr(e.msg, "no regular file"));
        assert_non_null(strstr(e.msg, odd[i]));
        assert_status(tw_file_open(&fd, odd[i], err), TW_EINVAL);
        assert_int_equal(fd, -1);
    }
    (void) close(s);
    assert_ok(tw_file_open(&fd, tw_test_file("plain-one", "x"), err));
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    (void) close(fd);
    FILE *f;
    assert_ok(tw_file_open_stream(&f, tw_test_path("plain-one"), err));
    assert_int_equal(fgetc(f), 'x');
    (void) fclose(f);
    assert_status(tw_file_open_stream(&f, pipe, err), TW_EINVAL);
    assert_null(f);
}

static void a_path_below_a_folder_never_leaves_it(void **state)
{
    (void) state;
    static const char *const good[] = {"in.txt", "sub/in.txt", "./sub//in.txt", "sub/./in.txt"};
    static const char *const bad[] = {
        "",           "/etc/passwd", "..",       "../out.txt", "sub/../in.txt", "sub/../../out.txt",
        "link",       "sub/link",    "folder/x", "sub",        "pipe",          "none",
        "sub/none/x", "in.txt/x",    "sub/",     ".",          "dangling"};
    char *data;
    size_t len;
    int fd;
    assert_ok(tw_dir_create(tw_test_path("below/sub"), err));
    assert_ok(tw_dir_create(tw_test_path("beside"), err));
    (void) tw_test_file("out.txt", "out");
    (void) tw_test_file("beside/x", "out");
    (void) tw_test_file("below/in.txt", "in");
    (void) tw_test_file("below/sub/in.txt", "in");
    assert_int_equal(symlink("../out.txt", tw_test_path("below/link")), 0);
    assert_int_equal(symlink("../in.txt", tw_test_path("below/sub/link")), 0);
    assert_int_equal(symlink("../beside", tw_test_path("below/folder")), 0);
    assert_int_equal(symlink("nowhere", tw_test_path("below/dangling")), 0);
    assert_int_equal(mkfifo(tw_test_path("below/pipe"), 0600), 0);
    const int folder = open(tw_test_path("below"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder >= 0);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_ok(tw_file_open_below(&fd, folder, good[i], err));
        assert_ok(tw_file_read_open(fd, good[i], 9, &data, &len, err));
        assert_string_equal(data, "in");
        tw_free(data);
        (void) close(fd);
    }
    (void) alarm(5);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (tw_file_open_below(&fd, folder, bad[i], NULL) == TW_OK)
            fail_msg("'%s' was opened", bad[i]);
        assert_int_equal(fd, -1);
    }
    (void) alarm(0);
    (void) close(folder);
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
        cmocka_unit_test(a_locked_file_is_busy_until_it_is_closed),
        cmocka_unit_test(each_name_of_a_folder_comes_once),
        cmocka_unit_test(only_regular_files_are_opened_and_nothing_is_waited_for),
        cmocka_unit_test(a_path_below_a_folder_never_leaves_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
