/* The coins of dropout: fair, independent of place and key, the same when thrown again. */
#include <math.h>
#include <string.h>

#include "nn/kernels/act.h"
#include "nn/kernels/attention.h"
#include "nn/kernels/hash_rng.h"
#include "tests/support/test.h"

enum { N = 200000 };
static tw_real x[N], y[N], z[N];

/* The share of places where dropping at p left zero. */
static double dropped(double p, uint64_t key)
{
    int zeros = 0;
    for (int i = 0; i < N; i++)
        x[i] = 1;
    tw_dropout_forward(y, x, p, key, N);
    for (int i = 0; i < N; i++)
        zeros += y[i] == 0;
    return (double) zeros / N;
}

static void as_many_are_dropped_as_asked(void **state)
{
    (void) state;
    static const double ps[] = {0.01, 0.2, 0.5, 0.9};
    for (size_t i = 0; i < sizeof ps / sizeof ps[0]; i++) {
        double sigma = sqrt(ps[i] * (1 - ps[i]) / N);
        assert_near(dropped(ps[i], tw_test_seed() + i), ps[i], 5 * sigma);
    }
}

static void the_mean_is_kept(void **state)
{
    (void) state;
    double sum = 0;
    (void) dropped(0.3, tw_test_seed());
    for (int i = 0; i < N; i++)
        sum += (double) y[i];
    assert_near(sum / N, 1, 5 * sqrt(0.3 / 0.7 / N));
}

/* Correlation of the coins of two throws, `lag` places apart. */
static double correlation(const tw_real *a, const tw_real *b, int lag)
{
    double sum = 0; /* coins are 0 or 2 at p = 1/2: minus 1 gives -1 or 1 */
    for (int i = 0; i + lag < N; i++)
        sum += ((double) a[i] - 1) * ((double) b[i + lag] - 1);
    return sum / (N - lag);
}

static void places_and_keys_are_independent(void **state)
{
    (void) state;
    const double bound = 5 / sqrt(N);
    uint64_t key = tw_test_seed();
    (void) dropped(0.5, key + 1);
    memcpy(z, y, sizeof y);
    (void) dropped(0.5, key);
    static const int lags[] = {1, 2, 16, 64, 1000, 4096};
    for (size_t i = 0; i < sizeof lags / sizeof lags[0]; i++)
        assert_true(fabs(correlation(y, y, lags[i])) < bound);
    for (int lag = 0; lag < 20; lag++)
        assert_true(fabs(correlation(y, z, lag)) < bound);
}

/* Two chunks whose keys agree in one half are still not copies of each other. */
static void both_halves_of_a_key_count(void **state)
{
    (void) state;
    const double bound = 5 / sqrt(N);
    for (uint64_t chunk = 0; chunk < 20; chunk++) {
        uint64_t a = tw_coin_key(tw_test_seed(), chunk), b = tw_coin_key(tw_test_seed() + 1, chunk);
        uint32_t lo = (uint32_t) a, hi = (uint32_t) (a >> 32);
        double by_hi = 0, by_lo = 0;
        for (uint32_t i = 0; i < N; i++) {
            int coin = tw_coin(lo, hi, i) >> 31 ? 1 : -1;
            by_hi += coin * (tw_coin(lo, (uint32_t) (b >> 32), i) >> 31 ? 1 : -1);
            by_lo += coin * (tw_coin((uint32_t) b, hi, i) >> 31 ? 1 : -1);
        }
        assert_true(fabs(by_hi / N) < bound);
        assert_true(fabs(by_lo / N) < bound);
    }
}

static void the_same_key_drops_the_same_places_in_backward(void **state)
{
    (void) state;
    (void) dropped(0.4, 77);
    memset(z, 0, sizeof z);
    tw_dropout_backward(z, x, 0.4, 77, N);
    assert_memory_equal(y, z, sizeof y);
    (void) dropped(0.4, 78);
    assert_true(memcmp(y, z, sizeof y) != 0);
}

/* Where row i of the first sequence begins: whole blocks before it, each a block of keys wider. */
static const tw_real *weights_of(const tw_real *P, int i)
{
    const int B = TW_ATTENTION_BLOCK, block = i / B;
    return P + B * B * block * (block + 1) / 2 + (i % B) * (block + 1) * B;
}

/* With v = 1 a row's output is the weight that dropout left it: 1 on average. */
static void attention_drops_as_many_weights_as_asked(void **state)
{
    (void) state;
    enum { L = 190 };
    static tw_real q[L], o[L], P[L * L], work[(2 * TW_ATTENTION_BLOCK + 1) * L];
    static const int32_t offsets[2] = {0, L};
    int negative = 0, weights = 0;
    tw_attention a = {.offsets = offsets, .S = 1, .heads = 1, .D = 1, .dropout = 0.3, .key = 5};
    for (int i = 0; i < L; i++)
        q[i] = 1;
    assert_true(tw_attention_kept(&a) <= L * L);
    assert_true(tw_attention_work(&a) <= sizeof work / sizeof work[0]);
    tw_attention_forward(o, P, work, q, q, q, &a);
    for (size_t i = 0; i < tw_attention_kept(&a); i++) {
        negative += P[i] < 0;
        weights += P[i] != 0;
    }
    assert_int_equal(weights, L * (L + 1) / 2); /* the triangle, the rest is zero */
    /* Two blocks of queries do not drop alike: rows 63 and 127 see the same first 64 keys. */
    const tw_real *first = weights_of(P, 63), *second = weights_of(P, 127);
    int alike = 0;
    for (int j = 0; j < 64; j++)
        alike += (first[j] < 0) == (second[j] < 0);
    assert_true(alike < 60);
    assert_near((double) negative / weights, 0.3, 5 * sqrt(0.21 / weights));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_are_dropped_as_asked),
        cmocka_unit_test(the_mean_is_kept),
        cmocka_unit_test(places_and_keys_are_independent),
        cmocka_unit_test(both_halves_of_a_key_count),
        cmocka_unit_test(the_same_key_drops_the_same_places_in_backward),
        cmocka_unit_test(attention_drops_as_many_weights_as_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
