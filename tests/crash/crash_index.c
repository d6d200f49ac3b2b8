/* Killed at every step of a save: the file is the old snapshot or the new one, whole either way. */
#include <sys/wait.h>
#include <unistd.h>

#include "base/crash.h"
#include "base/file.h"
#include "index/index.h"
#include "tests/support/test.h"

enum { D = 4, POINTS = 5 }; /* empty tmp; rows; written; synced; renamed */

static tw_index *with_rows(int n)
{
    tw_index *ix = NULL;
    const tw_index_config cfg = {.dim = D, .factory = "HNSW4"};
    assert_ok(tw_index_create(&ix, &cfg, err));
    for (int i = 1; i <= n; i++)
        assert_ok(tw_index_put(ix, i, (float[D]){(float) i, 1, 2, 3}, err));
    assert_ok(tw_index_merge(ix, NULL, NULL, err));
    return ix;
}

static int save_in_a_child(const tw_index *ix, const char *path, int crash_at)
{
    int status = 0;
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        tw_crash_arm(crash_at);
        _exit(tw_index_save(ix, path, "new", 2, NULL) == TW_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_killed_save_leaves_the_old_snapshot_or_the_new(void **state)
{
    (void) state;
    const char *path = tw_test_path("crash.twi");
    tw_index *old = with_rows(20), *fresh = with_rows(30);
    const tw_index_config cfg = {.dim = D};
    int points = 0, status;

    do {
        tw_index *back = NULL;
        tw_index_snapshot info;
        assert_ok(tw_index_save(old, path, "old", 1, err));
        status = save_in_a_child(fresh, path, ++points);
        assert_ok(tw_index_load(&back, &cfg, path, &info, err));
        assert_int_equal(tw_index_size(back), info.seq == 1 ? 20 : 30);
        assert_string_equal(info.tag, info.seq == 1 ? "old" : "new");
        tw_index_destroy(back);
    } while (status == TW_CRASH_STATUS);

    assert_int_equal(status, 0);
    assert_int_equal(points - 1, POINTS); /* a step added without a point would change this */
    tw_index_destroy(old);
    tw_index_destroy(fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_save_leaves_the_old_snapshot_or_the_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
