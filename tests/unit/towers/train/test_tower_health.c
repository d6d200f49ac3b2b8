#include "tests/support/test.h"

#include <math.h>

#include "base/rng.h"
#include "towers/train/tower_health.h"

/* Three axes and an opposite: cosines 0 0 0 -1 0 0 over six pairs, mean -1/6. Squared distances: 2
 * five times and 4 once. */
static void four_vectors_by_hand(void **state)
{
    static const float v[12] = {1, 0, 0, 0, 1, 0, 0, 0, 1, -1, 0, 0};
    static const tw_item_pair pairs[] = {{0, 1, 1, 1}, {0, 3, 1, 1}, {1, 2, 0, 1}};
    tw_health h;
    (void) state;
    assert_ok(tw_health_measure(&h, v, 4, 3, pairs, 3, err));
    assert_int_equal(h.items, 4);
    assert_near(h.spread, 1 + 1.0 / 6, 1e-12);
    assert_near(h.uniformity, log((5 * exp(-4) + exp(-8)) / 6), 1e-12);
    assert_near(h.alignment, (2 + 4) / 2.0, 1e-12);
    /* Scatter about the mean (0, 1/4, 1/4): diagonal 2, 3/4, 3/4, off 2-3: -1/4. */
    assert_near(h.directions, 3.5 * 3.5 / (4 + 2 * 0.5625 + 2 * 0.0625), 1e-9);
    assert_int_equal(tw_health_judge(&h, 3), TW_HEALTHY);
}

enum { N = 3000, D = 16 };
static float vecs[N * D];

/* Random unit vectors; `used` of the D dimensions, and `common` added to the first. */
static void fill(int used, double common)
{
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < N; i++) {
        double sq = 0;
        for (int j = 0; j < D; j++) {
            const double x = (j < used ? tw_rng_normal(&rng) : 0) + (j == 0 ? common : 0);
            vecs[i * D + j] = (float) x;
            sq += x * x;
        }
        for (int j = 0; j < D; j++)
            vecs[i * D + j] = (float) ((double) vecs[i * D + j] / sqrt(sq));
    }
}

static void each_collapse_has_its_name(void **state)
{
    tw_health h;
    (void) state;
    fill(D, 0);
    assert_ok(tw_health_measure(&h, vecs, N, D, NULL, 0, err));
    assert_near(h.spread, 1, 0.01);
    assert_true(h.directions > 15 && h.uniformity < -3.4 && isnan(h.alignment));
    assert_int_equal(tw_health_judge(&h, D), TW_HEALTHY);
    fill(D, 100);
    assert_ok(tw_health_measure(&h, vecs, N, D, NULL, 0, err));
    assert_true(h.spread < 0.01 && h.uniformity > -0.05);
    assert_int_equal(tw_health_judge(&h, D), TW_HEALTH_POINT);
    fill(1, 0); /* half on one pole, half on the other */
    assert_ok(tw_health_measure(&h, vecs, N, D, NULL, 0, err));
    assert_near(h.spread, 1, 0.01);
    assert_near(h.directions, 1, 1e-6);
    assert_int_equal(tw_health_judge(&h, D), TW_HEALTH_FLAT);
    fill(D, 0);
    vecs[17] = NAN;
    assert_ok(tw_health_measure(&h, vecs, N, D, NULL, 0, err));
    assert_int_equal(h.broken, 1);
    assert_int_equal(h.items, N - 1);
    assert_true(isfinite(h.spread));
    assert_int_equal(tw_health_judge(&h, D), TW_HEALTH_BROKEN);
    for (int k = 0; k <= TW_HEALTH_FLAT; k++)
        assert_true(tw_health_advice((tw_health_verdict) k)[0] != '\0');
}

static void nothing_to_measure_is_no_collapse(void **state)
{
    static const float v[4] = {0, 0, 1, 0};
    static const tw_item_pair bad = {0, 2, 1, 1};
    tw_health h;
    (void) state;
    assert_ok(tw_health_measure(&h, v, 0, 2, NULL, 0, err));
    assert_int_equal(tw_health_judge(&h, 2), TW_HEALTHY);
    assert_ok(tw_health_measure(&h, v, 2, 2, NULL, 0, err));
    assert_int_equal(h.items, 1); /* the zero row is an item without content */
    assert_int_equal(tw_health_judge(&h, 2), TW_HEALTHY);
    assert_status(tw_health_measure(&h, v, 2, 2, &bad, 1, err), TW_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_vectors_by_hand),
        cmocka_unit_test(each_collapse_has_its_name),
        cmocka_unit_test(nothing_to_measure_is_no_collapse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
