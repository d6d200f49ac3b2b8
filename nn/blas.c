/* The only file that includes a BLAS header. */
#include "nn/blas.h"

#include <cblas.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Set on the program that we execute, so that it never does so again. */
#define GUARD "TW_BLAS_REEXEC"

/* NOLINTNEXTLINE(readability-function-size): BLAS has these parameters */
void tw_gemm(int ta, int tb, int M, int N, int K, tw_real alpha, const tw_real *A, int lda,
             const tw_real *B, int ldb, tw_real beta, tw_real *C, int ldc)
{
    if (M == 0 || N == 0)
        return;
#ifdef TW_REAL_DOUBLE
    cblas_dgemm(
#else
    cblas_sgemm(
#endif
        CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, M, N, K,
        alpha, A, lda, B, ldb, beta, C, ldc);
}

void tw_blas_single_thread(void) { openblas_set_num_threads(1); }

const char *tw_blas_core(void) { return openblas_get_corename(); }

/* The kernel set this CPU deserves, or NULL where OpenBLAS's own choice is as good. */
static const char *better_core(void)
{
#if defined(__x86_64__)
    static const char *const avx512[] = {"SkylakeX", "Cooperlake", "SapphireRapids"};
    static const char *const avx2[] = {"Haswell", "Zen", "Excavator"};
    const char *core = tw_blas_core();

    for (size_t i = 0; i < sizeof avx512 / sizeof avx512[0]; i++)
        if (strcasecmp(core, avx512[i]) == 0)
            return NULL;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return "SkylakeX";
    for (size_t i = 0; i < sizeof avx2 / sizeof avx2[0]; i++)
        if (strcasecmp(core, avx2[i]) == 0)
            return NULL;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return "Haswell";
#endif
    return NULL;
}

/* Main's first act, so no other thread reads the environment meanwhile. */
static bool set_if_lacking(const char *name, const char *value)
{
    if (value == NULL || getenv(name) != NULL) /* NOLINT(concurrency-mt-unsafe): see above */
        return false;
    return setenv(name, value, 0) == 0; /* NOLINT(concurrency-mt-unsafe): see above */
}

void tw_blas_reexec(char **argv)
{
    if (getenv(GUARD) != NULL) /* NOLINT(concurrency-mt-unsafe): before any thread */
        return;
    bool changed = set_if_lacking("OPENBLAS_NUM_THREADS", "1");
    changed = set_if_lacking("OMP_NUM_THREADS", "1") || changed;
    changed = set_if_lacking("OPENBLAS_CORETYPE", better_core()) || changed;
    if (!changed || !set_if_lacking(GUARD, "1"))
        return;
    char self[4096]; /* the link's target, not the link: under valgrind they differ */
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len > 0) {
        self[len] = '\0';
        (void) execv(self, argv); /* comes back only where it failed */
    }
    tw_blas_single_thread();
}
