/* Matrix products where memory is limited: refused, or taken in turns and right. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/room.h"
#include "nn/blas.h"
#include "tests/support/test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 }; /* it maps terabytes, which no limit allows */
#else
enum { SANITIZED = 0 };
#endif

enum { N = 320, THREADS = 6, ROUNDS = 30 };

/* So that `more` bytes may still be mapped. */
static void leave(size_t more)
{
    struct rlimit lim;
    assert_int_equal(getrlimit(RLIMIT_AS, &lim), 0);
    lim.rlim_cur = lim.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_AS, &lim), 0);
    if (more == SIZE_MAX)
        return;
    lim.rlim_cur = (rlim_t) 1 << 46;
    assert_int_equal(setrlimit(RLIMIT_AS, &lim), 0);
    const size_t taken = (size_t) lim.rlim_cur - tw_room_left();
    lim.rlim_cur = taken + more;
    assert_int_equal(setrlimit(RLIMIT_AS, &lim), 0);
}

static void room_is_distinguished_from_none(void **state)
{
    (void) state;
    if (SANITIZED)
        skip();
    tw_error e = {0};
    assert_int_equal(tw_room_left(), SIZE_MAX);
    assert_ok(tw_room_check((size_t) 1 << 45, "a test", err));
    leave((size_t) 64 << 20);
    assert_in_range(tw_room_left(), (uintmax_t) 60 << 20, (uintmax_t) 64 << 20);
    assert_ok(tw_room_check((size_t) 32 << 20, "a test", err));
    assert_int_equal(tw_room_check((size_t) 128 << 20, "a test", &e), TW_ENOMEM);
    assert_non_null(strstr(e.msg, "a test takes 128 MiB of memory, and the limit of "));
    assert_ok(tw_room_check_threads(1, "a test", err));
    assert_status(tw_room_check_threads(1000, "a test", err), TW_ENOMEM);
    leave(SIZE_MAX);
}

static void *multiply(void *arg)
{
    static float a[N * N], b[N * N]; /* zero but for the diagonals: 2 and 3 */
    float *wrong = arg, *c = calloc((size_t) N * N, sizeof *c);
    assert_non_null(c);
    for (int i = 0; i < N; i++)
        a[i * N + i] = 2, b[i * N + i] = 3;
    for (int r = 0; r < ROUNDS; r++) {
        tw_gemm(0, 0, N, N, N, 1, a, N, b, N, 0, c, N);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                if (c[i * N + j] < (i == j ? 6 : 0) || c[i * N + j] > (i == j ? 6 : 0))
                    *wrong += 1;
    }
    free(c);
    return NULL;
}

/* One buffer fits, so six threads share it; without turns all but one would try for ever. */
static void products_are_refused_or_take_turns(void **state)
{
    (void) state;
    if (SANITIZED)
        skip();
    pthread_t threads[THREADS];
    float wrong[THREADS] = {0};
    leave((size_t) 100 << 20);
    assert_status(tw_blas_ready(err), TW_ENOMEM);
    leave((size_t) 220 << 20);
    assert_ok(tw_blas_ready(err));
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, multiply, &wrong[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        (void) pthread_join(threads[i], NULL);
        assert_near(wrong[i], 0, 0);
    }
    leave(SIZE_MAX);
}

int main(int argc, char **argv)
{
    (void) argc;
    tw_blas_reexec(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_is_distinguished_from_none),
        cmocka_unit_test(products_are_refused_or_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
