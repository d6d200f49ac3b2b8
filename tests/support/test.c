#include "tests/support/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

uint64_t tw_test_seed(void)
{
    static uint64_t seed;
    static int known;
    if (!known) {
        const char *s = getenv("TW_SEED");
        seed = s != NULL ? strtoull(s, NULL, 10) : 20240607;
        known = 1;
        (void) fprintf(stderr, "TW_SEED=%llu\n", (unsigned long long) seed);
    }
    return seed;
}

static char scratch[TW_PATH_MAX];
static pid_t owner; /* a forked child must not remove its parent's folder */

static void clean_up(void)
{
    if (getpid() == owner && getenv("TW_KEEP") == NULL)
        (void) !tw_remove_tree(scratch, NULL);
}

const char *tw_test_dir(void)
{
    if (scratch[0] == '\0') {
        const char *tmp = getenv("TMPDIR");
        (void) snprintf(scratch, sizeof scratch, "%s/twindex-test-XXXXXX",
                        tmp != NULL ? tmp : "/tmp");
        if (mkdtemp(scratch) == NULL)
            fail_msg("cannot make a scratch folder at %s", scratch);
        owner = getpid();
        (void) atexit(clean_up);
    }
    return scratch;
}

const char *tw_test_path(const char *name)
{
    static char paths[16][TW_PATH_MAX];
    static int next;
    char *path = paths[next++ % 16];
    if (tw_path_join(path, tw_test_dir(), name, NULL) != TW_OK)
        fail_msg("path of %s is too long", name);
    return path;
}

const char *tw_test_file(const char *name, const char *content)
{
    const char *path = tw_test_path(name);
    assert_ok(tw_file_replace(path, content, strlen(content), err));
    return path;
}

const char *tw_test_data(void) { return getenv("TW_DATA"); }

void tw_assert_near_(double a, double b, double tol, const char *file, int line)
{
    if (!(fabs(a - b) <= tol)) {
        print_error("%.17g is not within %g of %.17g\n", a, tol, b);
        _fail(file, line);
    }
}

void tw_assert_close_(double a, double b, double tol, const char *file, int line)
{
    double scale = fmax(1.0, fmax(fabs(a), fabs(b)));
    tw_assert_near_(a, b, tol * scale, file, line);
}

void tw_assert_status_(tw_status got, tw_status want, const tw_error *err, const char *call,
                       const char *file, int line)
{
    if (got != want) {
        print_error("%s gave '%s' (%s), want '%s'\n", call, tw_status_name(got), err->msg,
                    tw_status_name(want));
        _fail(file, line);
    }
    if (got != TW_OK && err->msg[0] == '\0' && err->line != 0)
        _fail(file, line);
}
