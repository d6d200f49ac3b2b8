/* The only file that includes a BLAS header. */
#include "nn/blas.h"

#include <cblas.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/room.h"

/* Set on the program that we execute, so that it never does so again. */
#define GUARD "TW_BLAS_REEXEC"

/* ---- buffers where memory is limited --------------------------------------------------------- */

enum { MOST_BUFFERS = 64 };
static const size_t BUFFER_BYTES = (size_t) 128 << 20;

/* OpenBLAS's own, which other libraries of that interface lack. */
__attribute__((weak)) void *blas_memory_alloc(int where);
__attribute__((weak)) void blas_memory_free(void *buffer);

static pthread_mutex_t ready_lock = PTHREAD_MUTEX_INITIALIZER; /* guards the making of the rest */
static atomic_bool ready;   /* flags, each set once: so that no product waits for the lock ... */
static atomic_bool limited; /* ... and, where memory is limited, each takes its turn */
static sem_t turns;         /* free buffers, where limited */

/* What is given back stays mapped. */
static void map_buffers(int n)
{
    void *buffers[MOST_BUFFERS];
    for (int i = 0; i < n; i++)
        buffers[i] = blas_memory_alloc(0);
    for (int i = 0; i < n; i++)
        blas_memory_free(buffers[i]);
}

static tw_status prepare(tw_error *err)
{
    const size_t left = tw_room_left();
    if (left == SIZE_MAX || blas_memory_alloc == NULL || blas_memory_free == NULL)
        return TW_OK;
    const size_t fit = left / 4 / BUFFER_BYTES;
    const int n = fit < 1 ? 1 : fit > MOST_BUFFERS ? MOST_BUFFERS : (int) fit;
    tw_status st = tw_room_check((size_t) n * BUFFER_BYTES, "a matrix product", err);
    if (st != TW_OK)
        return st;
    map_buffers(n);
    if (sem_init(&turns, 0, (unsigned) n) != 0)
        return tw_fail_errno(err, "cannot make a semaphore");
    atomic_store(&limited, true);
    return TW_OK;
}

tw_status tw_blas_ready(tw_error *err)
{
    if (atomic_load(&ready))
        return TW_OK;
    (void) pthread_mutex_lock(&ready_lock);
    tw_status st = atomic_load(&ready) ? TW_OK : prepare(err);
    atomic_store(&ready, st == TW_OK);
    (void) pthread_mutex_unlock(&ready_lock);
    return st;
}

static bool take_turn(void)
{
    if (!atomic_load_explicit(&limited, memory_order_relaxed))
        return false;
    while (sem_wait(&turns) != 0) { /* a signal came */
    }
    return true;
}

/* NOLINTNEXTLINE(readability-function-size): BLAS has these parameters */
void tw_gemm(int ta, int tb, int M, int N, int K, tw_real alpha, const tw_real *A, int lda,
             const tw_real *B, int ldb, tw_real beta, tw_real *C, int ldc)
{
    if (M == 0 || N == 0)
        return;
    const bool turn = take_turn();
#ifdef TW_REAL_DOUBLE
    cblas_dgemm(
#else
    cblas_sgemm(
#endif
        CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, M, N, K,
        alpha, A, lda, B, ldb, beta, C, ldc);
    if (turn)
        (void) sem_post(&turns);
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
