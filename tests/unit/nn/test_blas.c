#include "nn/blas.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rng.h"
#include "tests/support/test.h"

enum { M = 5, N = 4, K = 3, LD = 7 };

static void gemm_matches_the_definition_in_all_four_forms(void **state)
{
    (void) state;
    tw_rng rng;
    tw_real A[LD * LD], B[LD * LD], C[M * LD], was[M * LD];
    tw_rng_seed(&rng, tw_test_seed());
    for (int form = 0; form < 4; form++) {
        int ta = form & 1, tb = form >> 1;
        for (int i = 0; i < LD * LD; i++) {
            A[i] = (tw_real) tw_rng_normal(&rng);
            B[i] = (tw_real) tw_rng_normal(&rng);
        }
        for (int i = 0; i < M * LD; i++)
            was[i] = C[i] = (tw_real) tw_rng_normal(&rng);
        tw_gemm(ta, tb, M, N, K, 2, A, LD, B, LD, (tw_real) 0.5, C, LD);
        for (int i = 0; i < M; i++)
            for (int j = 0; j < LD; j++) {
                double sum = 0;
                for (int k = 0; k < K && j < N; k++)
                    sum += (double) (ta ? A[k * LD + i] : A[i * LD + k]) *
                           (double) (tb ? B[j * LD + k] : B[k * LD + j]);
                double old = (double) was[i * LD + j];
                assert_near(C[i * LD + j], j < N ? 2 * sum + 0.5 * old : old, 1e-5);
            }
    }
}

static void beta_zero_ignores_what_was_there(void **state)
{
    (void) state;
    const tw_real one[1] = {1};
    tw_real C[1] = {(tw_real) __builtin_nan("")};
    tw_gemm(0, 0, 1, 1, 1, 3, one, 1, one, 1, 0, C, 1);
    assert_true(C[0] == 3);
    tw_gemm(0, 0, 0, 1, 1, 3, one, 1, one, 1, 0, C, 1); /* nothing to do: no complaint */
}

/* Runs this program again as "reexec" with the given settings and returns its exit status. */
static int child(const char *threads, const char *guard)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[] = {(char[]){"test_blas"}, (char[]){"reexec"}, NULL};
        (void) unsetenv("TW_BLAS_REEXEC");
        (void) unsetenv("OPENBLAS_CORETYPE");
        (void) unsetenv("OMP_NUM_THREADS");
        (void) unsetenv("OPENBLAS_NUM_THREADS");
        if (threads != NULL)
            (void) setenv("OMP_NUM_THREADS", threads, 1);
        if (guard != NULL)
            (void) setenv("TW_BLAS_REEXEC", guard, 1);
        (void) execv("/proc/self/exe", argv);
        _exit(100);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* What the child reports: 1 OpenBLAS on one thread, 2 OpenMP on "1", 4 on what the user said. */
static int reexec_main(char **argv)
{
    tw_blas_reexec(argv);
    const char *blas = getenv("OPENBLAS_NUM_THREADS"), *omp = getenv("OMP_NUM_THREADS");
    if (tw_blas_core()[0] == '\0')
        return 99;
    return (blas != NULL && strcmp(blas, "1") == 0 ? 1 : 0) +
           (omp != NULL && strcmp(omp, "1") == 0 ? 2 : 0) +
           (omp != NULL && strcmp(omp, "7") == 0 ? 4 : 0);
}

static void reexec_sets_what_is_missing_and_nothing_else(void **state)
{
    (void) state;
    assert_int_equal(child(NULL, NULL), 1 + 2);
    assert_int_equal(child("7", NULL), 1 + 4); /* the user's own choice stays */
}

static void reexec_never_loops(void **state)
{
    (void) state;
    assert_int_equal(child(NULL, "1"), 0); /* a program executed once does not try again */
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "reexec") == 0)
        return reexec_main(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gemm_matches_the_definition_in_all_four_forms),
        cmocka_unit_test(beta_zero_ignores_what_was_there),
        cmocka_unit_test(reexec_sets_what_is_missing_and_nothing_else),
        cmocka_unit_test(reexec_never_loops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
