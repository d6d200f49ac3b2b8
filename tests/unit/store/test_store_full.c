/* A disk without room: told as that, harmless to reads and to what was acknowledged, over when
 * there is room again. The limit on the size of files stands for the disk. */
#include "tests/support/test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/store.h"

static void limit_files(rlim_t bytes)
{
    struct rlimit r;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
    r.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static void no_problem(void *ctx, const char *sentence)
{
    (void) ctx;
    print_error("check: %s\n", sentence);
}

static tw_status put(tw_store *s, int i, tw_error *err)
{
    char id[16], text[2000];
    (void) snprintf(id, sizeof id, "%d", i);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    const tw_item item = {.id = id, .title = "A title", .text = text};
    return tw_store_put_item(s, &item, NULL, err);
}

static void a_full_disk_is_reported_and_over_when_there_is_space(void **state)
{
    (void) state;
    const char *path = tw_test_path("full.db");
    tw_store *s;
    tw_error why = {0};
    tw_store_stats stats;
    tw_item item;
    tw_status st = TW_OK;
    int done = 0;
    (void) signal(SIGXFSZ, SIG_IGN);
    assert_ok(tw_store_open(&s, path, TW_STORE_CREATE, err));
    limit_files(2000000);
    while (done < 1000 && (st = put(s, done, &why)) == TW_OK)
        done++;
    assert_int_equal(st, TW_ENOSPC);
    assert_non_null(strstr(why.msg, "no space is left for"));
    assert_true(done > 10);

    /* Reads go on, a transaction that met it is lost as a whole, and it is told each time. */
    assert_ok(tw_store_item_by_id(s, "5", &item, err));
    tw_item_fini(&item);
    assert_ok(tw_store_begin(s, err));
    while ((st = put(s, done, &why)) == TW_OK)
        done++;
    if (st == TW_ENOSPC)
        assert_int_not_equal(tw_store_commit(s, NULL), TW_OK);
    assert_ok(tw_store_get_stats(s, &stats, err));
    const int64_t acknowledged = stats.items;
    assert_int_equal(stats.seq, acknowledged);
    assert_status(put(s, 2000, err), TW_ENOSPC);

    limit_files(RLIM_INFINITY);
    assert_ok(put(s, 2000, err));
    assert_ok(tw_store_get_stats(s, &stats, err));
    assert_int_equal(stats.items, acknowledged + 1);
    assert_ok(tw_store_check(s, false, no_problem, NULL, err));
    tw_store_close(s);
    assert_ok(tw_store_open(&s, path, TW_STORE_READ, err));
    assert_ok(tw_store_check(s, false, no_problem, NULL, err));
    tw_store_close(s);
}

static void a_file_that_does_not_fit_leaves_none_behind(void **state)
{
    (void) state;
    static char data[200000];
    const char *path = tw_test_path("large.bin");
    char tmp[TW_PATH_MAX];
    (void) signal(SIGXFSZ, SIG_IGN);
    limit_files(100000);
    assert_status(tw_file_replace(path, data, sizeof data, err), TW_ENOSPC);
    limit_files(RLIM_INFINITY);
    (void) snprintf(tmp, sizeof tmp, "%s.tmp", path);
    assert_false(tw_file_exists(path));
    assert_false(tw_file_exists(tmp));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_is_reported_and_over_when_there_is_space),
        cmocka_unit_test(a_file_that_does_not_fit_leaves_none_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
