/* A process killed while it saves a checkpoint leaves the old one or the new one, whole. */
#include <sys/wait.h>
#include <unistd.h>

#include "base/crash.h"
#include "nn/safetensors.h"
#include "tests/support/test.h"

enum { N = 100000, POINTS = 4 };
static float numbers[N];

static tw_status save(const char *path, float value)
{
    tw_status st = TW_OK;
    tw_st_writer *w = NULL;
    for (int i = 0; i < N; i++)
        numbers[i] = value;
    TW_TRY(tw_st_writer_create(&w, NULL));
    TW_TRY(tw_st_add(w, "x", TW_F32, N, 0, numbers, NULL));
    TW_TRY(tw_st_save(w, path, NULL));
done:
    tw_st_writer_destroy(w);
    return st;
}

/* The value the file holds; the checksum says that it holds nothing else. */
static float held(const char *path)
{
    tw_st_file *f = NULL;
    tw_st_tensor t;
    assert_ok(tw_st_open(&f, path, err));
    assert_ok(tw_st_find(f, "x", TW_F32, &t, err));
    assert_int_equal(t.rows, N);
    float value = ((const float *) t.data)[N - 1];
    tw_st_close(f);
    return value;
}

static void old_or_new_but_never_a_mixture(void **state)
{
    (void) state;
    const char *path = tw_test_path("model.safetensors");
    int points = 0, status = 0;
    do {
        points++;
        assert_int_equal(save(path, 1), TW_OK);
        pid_t pid = fork();
        if (pid == 0) {
            tw_crash_arm(points);
            _exit(save(path, 2) == TW_OK ? 0 : 1);
        }
        assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
        float value = held(path);
        assert_true(value == 1 || value == 2);
    } while (WEXITSTATUS(status) == TW_CRASH_STATUS);

    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(held(path) == 2);
    assert_int_equal(points - 1, POINTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(old_or_new_but_never_a_mixture)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
