/* A process killed at any step of a file's replacement leaves the old file or the new one. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/crash.h"
#include "base/file.h"
#include "tests/support/test.h"

enum { BIG = 100000, POINTS = 4 };
static char old_bytes[BIG], new_bytes[BIG];

static bool holds(const char *path, const char *want)
{
    char *data;
    size_t len;
    assert_ok(tw_file_read(path, BIG, &data, &len, err));
    bool same = len == BIG && memcmp(data, want, BIG) == 0;
    tw_free(data);
    return same;
}

static void old_or_new_but_never_a_mixture(void **state)
{
    (void) state;
    const char *path = tw_test_path("f");
    int points = 0, status = 0;

    memset(old_bytes, 'o', BIG);
    memset(new_bytes, 'n', BIG);
    do {
        points++;
        assert_ok(tw_file_replace(path, old_bytes, BIG, err));
        pid_t pid = fork();
        if (pid == 0) {
            tw_crash_arm(points);
            _exit(tw_file_replace(path, new_bytes, BIG, NULL) == TW_OK ? 0 : 1);
        }
        assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
        assert_true(holds(path, old_bytes) || holds(path, new_bytes));
    } while (WEXITSTATUS(status) == TW_CRASH_STATUS); /* until the child outruns every point */

    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(holds(path, new_bytes));
    assert_int_equal(points - 1, POINTS); /* a point added without a test would change this */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(old_or_new_but_never_a_mixture)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
