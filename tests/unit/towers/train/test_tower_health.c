#include "tests/oom/torture.h"
#include "tests/support/test.h"

#include <math.h>

#include "base/rng.h"
#include "towers/train/tower_health.h"

/* Three axes and an opposite: cosines 0 0 0 -1 0 0 over six pairs, mean -1/6. Squared distances: 2
 * five times and 4 once. */
static void four_vectors_by_hand(void **state)
{
    static const float v[12] = {1, 0, 0, 0, 1, 0, 0, 0, 1, -1, 0, 0};
    twi_health h;
    (void) state;
    assert_ok(twi_health_measure(&h, v, 4, 3, err));
    assert_int_equal(h.items, 4);
    assert_near(h.spread, 1 + 1.0 / 6, 1e-12);
    assert_near(h.uniformity, log((5 * exp(-4) + exp(-8)) / 6), 1e-12);
    /* Scatter about the mean (0, 1/4, 1/4): diagonal 2, 3/4, 3/4, off 2-3: -1/4. */
    assert_near(h.directions, 3.5 * 3.5 / (4 + 2 * 0.5625 + 2 * 0.0625), 1e-9);
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

static void each_collapse_shows_in_its_figure(void **state)
{
    twi_health h;
    (void) state;
    fill(D, 0);
    assert_ok(twi_health_measure(&h, vecs, N, D, err));
    assert_near(h.spread, 1, 0.01);
    assert_true(h.directions > 15 && h.uniformity < -3.4);
    fill(D, 100);
    assert_ok(twi_health_measure(&h, vecs, N, D, err));
    assert_true(h.spread < 0.01 && h.uniformity > -0.05);
    fill(1, 0); /* half on one pole, half on the other */
    assert_ok(twi_health_measure(&h, vecs, N, D, err));
    assert_near(h.spread, 1, 0.01);
    assert_near(h.directions, 1, 1e-6);
    fill(D, 0);
    vecs[17] = NAN;
    assert_ok(twi_health_measure(&h, vecs, N, D, err));
    assert_int_equal(h.broken, 1);
    assert_int_equal(h.items, N - 1);
    assert_true(isfinite(h.spread));
}

static void nothing_to_measure_is_no_failure(void **state)
{
    static const float v[4] = {0, 0, 1, 0};
    twi_health h;
    (void) state;
    assert_ok(twi_health_measure(&h, v, 0, 2, err));
    assert_true(h.items == 0 && h.spread == 0 && h.uniformity == 0 && h.directions == 0);
    assert_ok(twi_health_measure(&h, v, 2, 2, err));
    assert_true(h.items == 1 && h.spread == 0); /* the zero row is an item without content */
}

static tw_status measure(void *ctx)
{
    static const float v[4] = {1, 0, 0, 1};
    twi_health h;
    (void) ctx;
    const tw_status st = twi_health_measure(&h, v, 2, 2, NULL);
    assert_int_equal(h.items, st == TW_OK ? 2 : 0);
    return st;
}

static void measuring_survives_every_failed_allocation(void **state)
{
    (void) state;
    torture(measure, NULL, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_vectors_by_hand),
        cmocka_unit_test(each_collapse_shows_in_its_figure),
        cmocka_unit_test(nothing_to_measure_is_no_failure),
        cmocka_unit_test(measuring_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
