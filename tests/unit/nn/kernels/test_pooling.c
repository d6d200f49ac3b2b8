#include "nn/kernels/pooling.h"

#include <math.h>
#include <string.h>

#include "tests/unit/nn/gradcheck.h"

enum { MOST = 7 * 7 * 5 };

static const int sides[][2] = {{4, 4}, {5, 3}, {1, 6}, {6, 1}, {1, 1}, {7, 7}, {2, 3}, {1, 3}};
static struct {
    tw_real x[MOST], y[MOST], w[MOST], dx[MOST], a[5], b[5], work[10];
    int32_t best[5];
    int H, W, C;
    bool relu;
} m;

static void set_up(int side, tw_rng *rng)
{
    m.H = sides[side][0];
    m.W = sides[side][1];
    m.C = 5;
    fill_random(rng, m.x, MOST);
    fill_random(rng, m.w, MOST);
    fill_random(rng, m.a, 5);
    fill_random(rng, m.b, 5);
    memset(m.dx, 0, sizeof m.dx);
}

static size_t numbers(void) { return (size_t) (m.H * m.W * m.C); }
static size_t made(void) { return (size_t) (tw_pool2_extent(m.H) * tw_pool2_extent(m.W) * m.C); }

static void max_is_its_definition(void **state)
{
    (void) state;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int side = 0; side < (int) (sizeof sides / sizeof sides[0]); side++) {
        for (int relu = 0; relu < 2; relu++) {
            set_up(side, &rng);
            tw_maxpool2_forward(m.y, m.x, m.a, m.b, relu, m.H, m.W, m.C);
            int w = tw_pool2_extent(m.W);
            for (size_t j = 0; j < made(); j++) {
                int c = (int) j % m.C, u = (int) j / m.C % w, v = (int) j / m.C / w;
                double most = relu ? 0 : -INFINITY;
                for (int q = 2 * v; q < 2 * v + 2 && q < m.H; q++)
                    for (int p = 2 * u; p < 2 * u + 2 && p < m.W; p++)
                        most = fmax(most, m.a[c] * m.x[(q * m.W + p) * m.C + c] + m.b[c]);
                assert_near(m.y[j], most, 1e-12);
            }
        }
    }
}

/* As a function of x + h: the affine's b is shared, so x alone moves. */
static double max_loss(void *ctx)
{
    static const tw_real one[5] = {1, 1, 1, 1, 1}, zero[5] = {0};
    (void) ctx;
    tw_maxpool2_forward(m.y, m.x, one, zero, m.relu, m.H, m.W, m.C);
    return weighted_sum(m.w, m.y, made());
}

static void max_backward_is_its_derivative(void **state)
{
    (void) state;
    static const tw_real one[5] = {1, 1, 1, 1, 1}, zero[5] = {0};
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int side = 0; side < (int) (sizeof sides / sizeof sides[0]); side++) {
        for (int relu = 0; relu < 2; relu++) {
            set_up(side, &rng);
            m.relu = relu;
            for (size_t j = 0; j < MOST; j++)
                m.dx[j] = NAN; /* overwritten, every number of it */
            tw_maxpool2_backward(m.dx, m.w, m.x, one, zero, relu, m.H, m.W, m.C);
            check_gradient(m.x, m.dx, numbers(), max_loss, NULL);
        }
    }
}

static void of_equals_the_first_gets_the_gradient(void **state)
{
    (void) state;
    const tw_real x[4] = {2, 2, 2, 2}, dy[1] = {3}, one[1] = {1}, zero[1] = {0};
    tw_real g[4];
    tw_maxpool2_backward(g, dy, x, one, zero, true, 2, 2, 1);
    assert_near(g[0], 3, 0);
    assert_near(g[1] + g[2] + g[3], 0, 0);
}

static void nan_is_not_lost(void **state)
{
    (void) state;
    const tw_real one[1] = {1}, zero[1] = {0};
    tw_real x[1] = {NAN}, y[1];
    tw_maxpool2_forward(y, x, one, zero, true, 1, 1, 1);
    assert_true(isnan(y[0]));
}

static double mean_loss(void *ctx)
{
    (void) ctx;
    tw_meanpool_forward(m.y, m.x, m.H * m.W, m.C);
    return weighted_sum(m.w, m.y, (size_t) m.C);
}

static double audio_loss(void *ctx)
{
    (void) ctx;
    tw_audiopool_forward(m.y, m.best, m.work, m.x, m.H, m.W, m.C);
    return weighted_sum(m.w, m.y, (size_t) m.C);
}

static void global_pools_by_hand_and_their_derivatives(void **state)
{
    (void) state;
    /* Three frames of two bands: means 2, -3, 4; largest 4, mean 1. */
    const tw_real x[6] = {1, 3, -2, -4, 8, 0};
    tw_real y[1], work[2];
    int32_t best[1];
    tw_audiopool_forward(y, best, work, x, 3, 2, 1);
    assert_near(y[0], 5, 1e-12);
    assert_int_equal(best[0], 2);
    tw_meanpool_forward(y, x, 6, 1);
    assert_near(y[0], 1, 1e-12);

    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int side = 0; side < (int) (sizeof sides / sizeof sides[0]); side++) {
        set_up(side, &rng);
        tw_meanpool_backward(m.dx, m.w, m.H * m.W, m.C);
        check_gradient(m.x, m.dx, numbers(), mean_loss, NULL);
        set_up(side, &rng);
        (void) audio_loss(NULL);
        tw_audiopool_backward(m.dx, m.w, m.best, m.H, m.W, m.C);
        check_gradient(m.x, m.dx, numbers(), audio_loss, NULL);
    }
}

static void audio_below_zero_has_a_maximum_too(void **state)
{
    (void) state;
    const tw_real x[2] = {-3, -1};
    tw_real y[1], work[2];
    int32_t best[1];
    tw_audiopool_forward(y, best, work, x, 2, 1, 1);
    assert_near(y[0], -3, 1e-12); /* -1 + (-2) */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(max_is_its_definition),
        cmocka_unit_test(max_backward_is_its_derivative),
        cmocka_unit_test(of_equals_the_first_gets_the_gradient),
        cmocka_unit_test(nan_is_not_lost),
        cmocka_unit_test(global_pools_by_hand_and_their_derivatives),
        cmocka_unit_test(audio_below_zero_has_a_maximum_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
