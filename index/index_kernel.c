/* Inner products of one query with many rows: the whole cost of exact search.
 *
 * Sums run in float, in 32 lanes that are added in a fixed order at the end: with at most 128
 * products a lane the error is that of a pairwise sum, and double would halve the speed. The lanes
 * are GNU vectors, so one body gives code for any width of register, and the same bits: plain C
 * never joins a multiplication and an addition here (-std=c17 of gcc), and the order is ours.
 */
#include <math.h>
#include <string.h>

#include "index/index.h"
#include "index/index_kernel.h"

typedef float lanes __attribute__((vector_size(64)));
/* The same at any address: rows of an odd width are aligned to nothing. */
typedef float loose_lanes __attribute__((vector_size(64), aligned(4), may_alias));

#define LANES 16

#define DEFINE_SCORES(name, attribute)                                                             \
    attribute static void name(float *out, const float *q, const float *rows, size_t stride,       \
                               int dim, int n)                                                     \
    {                                                                                              \
        const int whole = dim / LANES * LANES;                                                     \
        for (int i = 0; i < n; i++) {                                                              \
            const float *x = rows + (size_t) i * stride;                                           \
            lanes even = {0}, odd = {0};                                                           \
            int j = 0;                                                                             \
            for (; j + LANES < whole; j += 2 * LANES) {                                            \
                even += *(const loose_lanes *) (q + j) * *(const loose_lanes *) (x + j);           \
                odd += *(const loose_lanes *) (q + j + LANES) *                                    \
                       *(const loose_lanes *) (x + j + LANES);                                     \
            }                                                                                      \
            if (j < whole)                                                                         \
                even += *(const loose_lanes *) (q + j) * *(const loose_lanes *) (x + j);           \
            even += odd;                                                                           \
            float sum = 0;                                                                         \
            for (int l = 0; l < LANES; l++)                                                        \
                sum += even[l];                                                                    \
            for (j = whole; j < dim; j++)                                                          \
                sum += q[j] * x[j];                                                                \
            out[i] = sum;                                                                          \
        }                                                                                          \
    }

DEFINE_SCORES(scores_plain, )
#if defined(__x86_64__)
DEFINE_SCORES(scores_avx2, __attribute__((target("avx2"))))
DEFINE_SCORES(scores_avx512, __attribute__((target("avx512f"))))
#endif

twi_scores_fn twi_scores_variant(int i)
{
    twi_scores_fn all[4] = {scores_plain};
    int n = 1;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        all[n++] = scores_avx2;
    if (__builtin_cpu_supports("avx512f"))
        all[n++] = scores_avx512;
#endif
    return i < n ? all[i] : NULL;
}

twi_scores_fn twi_scores_pick(void)
{
    int best = 0;
    while (twi_scores_variant(best + 1) != NULL)
        best++;
    return twi_scores_variant(best);
}

int64_t twi_first_unusable(const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!(fabsf(x[i]) <= TW_INDEX_MAX_ABS)) /* so that NaN is caught too */
            return i;
    return -1;
}
