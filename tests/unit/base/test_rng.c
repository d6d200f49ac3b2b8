#include "base/rng.h"

#include <math.h>

#include "base/hash.h"
#include "tests/support/test.h"

static void the_same_seed_gives_the_same_stream(void **state)
{
    (void) state;
    tw_rng a, b;
    tw_rng_seed3(&a, 1, 2, 3);
    tw_rng_seed3(&b, 1, 2, 3);
    for (int i = 0; i < 100; i++)
        assert_true(tw_rng_u64(&a) == tw_rng_u64(&b));
    tw_rng_seed3(&b, 1, 3, 2); /* the order of a and b matters */
    assert_true(tw_rng_u64(&a) != tw_rng_u64(&b));
}

static void below_is_uniform(void **state)
{
    (void) state;
    enum { N = 7, DRAWS = 70000 };
    int count[N] = {0};
    tw_rng r;
    tw_rng_seed(&r, tw_test_seed());
    for (int i = 0; i < DRAWS; i++)
        count[tw_rng_below(&r, N)]++;
    double chi2 = 0;
    for (int i = 0; i < N; i++)
        chi2 += pow(count[i] - DRAWS / N, 2) / (DRAWS / N);
    assert_true(chi2 < 27.9); /* 6 degrees of freedom, p = 1e-4 */
    assert_int_equal(tw_rng_below(&r, 1), 0);
}

static void normal_has_mean_0_and_variance_1(void **state)
{
    (void) state;
    tw_rng r;
    double sum = 0, sq = 0;
    tw_rng_seed(&r, tw_test_seed());
    for (int i = 0; i < 100000; i++) {
        double x = tw_rng_normal(&r);
        sum += x;
        sq += x * x;
    }
    assert_near(sum / 1e5, 0, 0.015); /* nearly 5 standard errors */
    assert_near(sq / 1e5, 1, 0.025);
}

static void shuffle_permutes(void **state)
{
    (void) state;
    int32_t v[50];
    int seen[50] = {0}, moved = 0;
    tw_rng r;
    tw_rng_seed(&r, tw_test_seed());
    for (int i = 0; i < 50; i++)
        v[i] = i;
    tw_rng_shuffle(&r, v, 50);
    for (int i = 0; i < 50; i++) {
        seen[v[i]]++;
        moved += v[i] != i;
    }
    for (int i = 0; i < 50; i++)
        assert_int_equal(seen[i], 1);
    assert_true(moved > 30);
}

static void hashes_never_change(void **state)
{
    (void) state;
    /* published test vectors: they are part of every stored model and file */
    assert_true(tw_fnv1a(TW_FNV_START, "", 0) == 0xcbf29ce484222325u);
    assert_true(tw_fnv1a(TW_FNV_START, "a", 1) == 0xaf63dc4c8601ec8cu);
    assert_true(tw_fnv1a(TW_FNV_START, "foobar", 6) == 0x85944171f73967e8u);
    assert_true(tw_crc32(0, "123456789", 9) == 0xcbf43926u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_stream),
        cmocka_unit_test(below_is_uniform),
        cmocka_unit_test(normal_has_mean_0_and_variance_1),
        cmocka_unit_test(shuffle_permutes),
        cmocka_unit_test(hashes_never_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
