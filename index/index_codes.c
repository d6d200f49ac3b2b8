/* Exact search at a quarter of the memory: seven bits a number rule out most rows, the rest is
 * scored in full.
 *
 * A scan of many rows waits for memory. So main keeps a coarse copy of its rows, and what a coarse
 * score can be wrong by is known: with q = Q + e and v = V + m, where Q and V are what the codes
 * say,
 *
 *     <q,v> = <Q,V> + <e,V> + <q,m>  <=  <Q,V> + |e| |V| + |q| |m|
 *
 * A row whose bound is below the worst hit so far cannot become one; all others are scored from the
 * row itself. The answer is that of a full scan, bit for bit (the sums' own rounding is in SLACK).
 *
 * A row's codes are (v[j] / scale + 64), 1 to 127, with a scale of its own; a query's are -127 to
 * 127. Seven bits, because AVX2 adds pairs of products in 16 bits (2 * 127 * 127 just fits), and
 * all instruction sets shall give the same sums. 16 rows lie interleaved, four numbers of each in
 * turn, so that a register of sums holds 16 rows and nothing is added across lanes. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "index/index_codes.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2")))
#define VNNI __attribute__((target("avx512f,avx512vnni")))
#endif

enum { ROWS = TWI_CODE_ROWS, ZERO = 64, MOST = 63, MOST_ASKED = 127, GROUP = 4 };

/* GNU vectors: any width of register will do, and the arithmetic is the same. */
typedef int32_t sums_of_rows __attribute__((vector_size(ROWS * sizeof(int32_t))));
typedef float bounds_of_rows __attribute__((vector_size(ROWS * sizeof(float))));

/* Fewer rows are in the caches anyway. */
#define LEAST_ROWS 4096

/* Below it a row's step would not be a normal float. */
#define TINY 1e-30F

/* Of |q| |v|: more than all roundings of float sums of up to 4096 products. */
#define SLACK 2e-5

/* ---- sums of products of 16 rows ------------------------------------------------------------- */

/* out[r] = sum over g < groups, i < 4 of code[(16 g + r) 4 + i] * asked[4 g + i]; out is cleared.
 */
static inline void sums_plain(int32_t out[ROWS], const uint8_t *code, const int8_t *asked,
                              int groups)
{
    memset(out, 0, ROWS * sizeof *out);
    for (int g = 0; g < groups; g++) {
        for (int r = 0; r < ROWS; r++) {
            for (int i = 0; i < GROUP; i++)
                out[r] += code[((size_t) g * ROWS + (size_t) r) * GROUP + (size_t) i] *
                          asked[(size_t) g * GROUP + (size_t) i];
        }
    }
}

#if defined(__x86_64__)
static int32_t four_of(const int8_t *asked, int g)
{
    int32_t four;
    memcpy(&four, asked + (size_t) g * GROUP, sizeof four);
    return four;
}

AVX2 static inline void sums_avx2(int32_t out[ROWS], const uint8_t *code, const int8_t *asked,
                                  int groups)
{
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i low = _mm256_setzero_si256(), high = low;

    for (int g = 0; g < groups; g++) {
        const __m256i *c = (const void *) (code + (size_t) g * ROWS * GROUP);
        const __m256i q = _mm256_set1_epi32(four_of(asked, g));
        low = _mm256_add_epi32(
            low, _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_loadu_si256(c), q), ones));
        high = _mm256_add_epi32(
            high, _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_loadu_si256(c + 1), q), ones));
    }
    _mm256_storeu_si256((void *) out, low);
    _mm256_storeu_si256((void *) (out + ROWS / 2), high);
}

/* Two sums in turn: the next of one need not wait for the last. */
VNNI static inline void sums_vnni(int32_t out[ROWS], const uint8_t *code, const int8_t *asked,
                                  int groups)
{
    __m512i even = _mm512_setzero_si512(), odd = even;
    int g = 0;

    for (; g + 1 < groups; g += 2) {
        const uint8_t *c = code + (size_t) g * ROWS * GROUP;
        even =
            _mm512_dpbusd_epi32(even, _mm512_loadu_si512(c), _mm512_set1_epi32(four_of(asked, g)));
        odd = _mm512_dpbusd_epi32(odd, _mm512_loadu_si512(c + (size_t) ROWS * GROUP),
                                  _mm512_set1_epi32(four_of(asked, g + 1)));
    }
    if (g < groups)
        even = _mm512_dpbusd_epi32(even, _mm512_loadu_si512(code + (size_t) g * ROWS * GROUP),
                                   _mm512_set1_epi32(four_of(asked, g)));
    _mm512_storeu_si512(out, _mm512_add_epi32(even, odd));
}
#endif

/* One body for every set of instructions, its sums inside: going through memory for them costs as
 * much as they do. */
#define DEFINE_PASS(name, attribute, sums_of)                                                      \
    attribute static bool name(float bound[ROWS], const twi_codes *c, const twi_asked *a,          \
                               int64_t block, float least)                                         \
    {                                                                                              \
        sums_of_rows sums, passed;                                                                 \
        bounds_of_rows scale, length, missed, all;                                                 \
        const size_t first = (size_t) block * ROWS;                                                \
        uint64_t some[sizeof passed / sizeof(uint64_t)], any = 0;                                  \
                                                                                                   \
        sums_of((int32_t *) &sums, c->code + first * (size_t) c->groups * GROUP, a->code,          \
                c->groups);                                                                        \
        memcpy(&scale, c->scale + first, sizeof scale);                                            \
        memcpy(&length, c->length + first, sizeof length);                                         \
        memcpy(&missed, c->missed + first, sizeof missed);                                         \
        all = __builtin_convertvector(sums - a->zero, bounds_of_rows) * (scale * a->scale) +       \
              length * a->missed + missed * a->length;                                             \
        memcpy(bound, &all, sizeof all);                                                           \
        passed = all >= least;                                                                     \
        memcpy(some, &passed, sizeof some);                                                        \
        for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)                                  \
            any |= some[i];                                                                        \
        return any != 0;                                                                           \
    }

DEFINE_PASS(pass_plain, , sums_plain)
#if defined(__x86_64__)
DEFINE_PASS(pass_avx2, AVX2, sums_avx2)
DEFINE_PASS(pass_vnni, VNNI, sums_vnni)
#endif

twi_pass_fn twi_pass_variant(int i)
{
    twi_pass_fn all[3] = {pass_plain};
    int n = 1;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        all[n++] = pass_avx2;
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512f"))
        all[n++] = pass_vnni;
#endif
    return i < n ? all[i] : NULL;
}

/* Plain C is slower at codes than at floats. */
bool twi_codes_pay(void) { return twi_pass_variant(1) != NULL; }

/* ---- rows ------------------------------------------------------------------------------------ */

/* What one step of a code is worth: a float, as it will be kept; 0 where v is next to nothing, and
 * all of it is missed. */
static double step(const float *v, int dim, int most)
{
    float largest = 0;
    for (int j = 0; j < dim; j++)
        largest = fabsf(v[j]) > largest ? fabsf(v[j]) : largest;
    return largest < TINY ? 0 : (double) (largest / (float) most);
}

static int nearest(float v, double scale, int most)
{
    const double near = scale > 0 ? nearbyint((double) v / scale) : 0;
    return near > most ? most : near < -most ? -most : (int) near;
}

/* Codes row v as the r-th of its block. */
static void encode(twi_codes *c, int64_t row, const float *v, int dim)
{
    const size_t r = (size_t) (row % ROWS);
    uint8_t *block = c->code + (size_t) (row / ROWS) * (size_t) c->groups * ROWS * GROUP;
    const double scale = step(v, dim, MOST);
    double length = 0, missed = 0;

    for (int j = 0; j < dim; j++) {
        const int near = nearest(v[j], scale, MOST);
        const double said = near * scale, miss = (double) v[j] - said;
        block[((size_t) (j / GROUP) * ROWS + r) * GROUP + (size_t) (j % GROUP)] =
            (uint8_t) (near + ZERO);
        length += said * said;
        missed += miss * miss;
    }
    c->scale[row] = (float) scale;
    c->length[row] = (float) sqrt(length);
    c->missed[row] = (float) sqrt(missed) + FLT_MIN;
}

tw_status twi_codes_build(twi_codes *c, const float *rows, int64_t n, int dim, tw_error *err)
{
    *c = (twi_codes){.groups = (dim + GROUP - 1) / GROUP};
    if (n < LEAST_ROWS || !twi_codes_pay())
        return TW_OK;
    const size_t blocks = ((size_t) n + ROWS - 1) / ROWS, room = blocks * ROWS;
    int best = 0;

    while (twi_pass_variant(best + 1) != NULL)
        best++;
    c->pass = twi_pass_variant(best);
    c->code = tw_alloc_aligned(room, (size_t) c->groups * GROUP);
    c->scale = tw_alloc(room, 3 * sizeof *c->scale);
    if (c->code == NULL || c->scale == NULL) {
        twi_codes_fini(c);
        return tw_fail(err, TW_ENOMEM, "codes of %lld rows of %d floats", (long long) n, dim);
    }
    c->length = c->scale + room;
    c->missed = c->length + room;
    for (int64_t i = 0; i < n; i++)
        encode(c, i, rows + (size_t) i * (size_t) dim, dim);
    return TW_OK;
}

void twi_codes_fini(twi_codes *c)
{
    tw_free(c->code);
    tw_free(c->scale);
    *c = (twi_codes){0};
}

/* ---- queries --------------------------------------------------------------------------------- */

void twi_codes_ask(twi_asked *a, const twi_codes *c, const float *q, int dim)
{
    const double scale = step(q, dim, MOST_ASKED);
    double length = 0, missed = 0;
    int sum = 0;

    memset(a->code, 0, (size_t) c->groups * GROUP);
    for (int j = 0; j < dim; j++) {
        const int near = nearest(q[j], scale, MOST_ASKED);
        const double miss = (double) q[j] - near * scale;
        a->code[j] = (int8_t) near;
        sum += near;
        length += (double) q[j] * (double) q[j];
        missed += miss * miss;
    }
    a->zero = ZERO * sum;
    a->scale = (float) scale;
    a->length = (float) (sqrt(length) * (1 + SLACK));
    a->missed = (float) (sqrt(missed) * (1 + SLACK) + sqrt(length) * SLACK);
}
