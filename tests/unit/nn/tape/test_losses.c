#include <math.h>

#include "nn/kernels/bce.h"
#include "nn/kernels/sigmoid_row.h"
#include "nn/kernels/softmax_ce.h"
#include "tests/unit/nn/gradcheck.h"

enum { N = 4, V = 45, NV = N * V };
static tw_real logits[NV], e[NV], rsum[N];
static const int32_t targets[N] = {0, 44, -1, 17};

static double ce_loss(void *ctx)
{
    double sum = 0;
    (void) ctx;
    for (int i = 0; i < NV; i++)
        e[i] = logits[i];
    tw_softmax_ce_forward(&sum, e, rsum, targets, N, V);
    return sum;
}

static void softmax_ce_backward_matches_central_difference(void **state)
{
    (void) state;
    tw_rng rng;
    tw_real dl[NV];
    tw_rng_seed(&rng, tw_test_seed());
    fill_random(&rng, logits, NV);
    (void) ce_loss(NULL);
    tw_softmax_ce_backward(e, rsum, targets, N, V);
    for (int i = 0; i < NV; i++)
        dl[i] = rsum[i / V] * e[i];
    check_gradient(logits, dl, NV, ce_loss, NULL);
    for (int c = 0; c < V; c++)
        assert_true(dl[2 * V + c] == 0); /* the skipped row */
}

static void softmax_ce_by_hand(void **state)
{
    (void) state;
    tw_real l[3] = {log(1), log(2), log(5)}, r[1];
    const int32_t target[1] = {1};
    double sum = 100;
    tw_softmax_ce_forward(&sum, l, r, target, 1, 3);
    assert_near(sum, 100 - log(2.0 / 8), 1e-13); /* added to what was there */
    assert_near(l[0] * r[0], 1.0 / 8, 1e-13);
    assert_near(l[2] * r[0], 5.0 / 8, 1e-13);
}

static void softmax_ce_survives_large_logits_and_reports_nan(void **state)
{
    (void) state;
    tw_real l[2] = {10000, -10000}, r[1], bad[2] = {(tw_real) NAN, 0};
    const int32_t target[1] = {1};
    double sum = 0, nan_sum = 0;
    tw_softmax_ce_forward(&sum, l, r, target, 1, 2);
    assert_near(sum, 20000, 1e-9);
    tw_softmax_ce_forward(&nan_sum, bad, r, target, 1, 2);
    assert_true(isnan(nan_sum));
}

enum { D = 5, K = 2, T = 6 };
static tw_real x[N * D], table[T * D], bias[N], coef[N * (1 + K)];
static const int32_t pos[N] = {1, -1, 5, 0}, neg[N * K] = {0, 3, 0, 0, 2, 2, 4, 1};

static double bce_loss(void *ctx)
{
    double sum = 0;
    (void) ctx;
    tw_bce_forward(&sum, coef, x, table, pos, neg, bias, K, N, D);
    return 0.5 * sum;
}

static void bce_backward_matches_central_difference(void **state)
{
    (void) state;
    tw_rng rng;
    tw_real dx[N * D] = {0}, dbias[N] = {0};
    tw_rng_seed(&rng, tw_test_seed());
    fill_random(&rng, x, N * D);
    fill_random(&rng, table, T * D);
    fill_random(&rng, bias, N);
    (void) bce_loss(NULL);
    tw_bce_backward(dx, dbias, coef, table, pos, neg, 0.5, K, N, D);
    check_gradient(x, dx, N * D, bce_loss, NULL);
    check_gradient(bias, dbias, N, bce_loss, NULL);
}

static void bce_by_hand(void **state)
{
    (void) state;
    const tw_real one[1] = {1}, rows[2] = {log(3), log(4)}; /* sigmoid: 3/4 and 4/5 */
    const int32_t p[1] = {0}, n[1] = {1};
    tw_real c[2];
    double sum = 0;
    tw_bce_forward(&sum, c, one, rows, p, n, NULL, 1, 1, 1);
    assert_near(sum, -log(0.75) - log(0.2), 1e-14);
    assert_near(c[0], -0.25, 1e-14);
    assert_near(c[1], 0.8, 1e-14);
}

static void bce_stays_finite_for_scores_of_any_size(void **state)
{
    (void) state;
    const tw_real one[1] = {1}, rows[2] = {-5000, 5000};
    const int32_t p[1] = {0}, n[1] = {1};
    tw_real c[2];
    double sum = 0;
    tw_bce_forward(&sum, c, one, rows, p, n, NULL, 1, 1, 1);
    assert_near(sum, 10000, 1e-9);
    assert_true(c[0] == -1 && c[1] == 1);
}

enum { S = 70 }; /* more than two chunks of the kernel */
static tw_real scores[S], slopes[S];

static double row_loss(void *ctx)
{
    double sum = 0;
    (void) ctx;
    for (int c = 0; c < S; c++)
        slopes[c] = scores[c];
    tw_sigmoid_row(&sum, slopes, 0.3, 0.6, S);
    return sum;
}

static void sigmoid_row_has_the_gradient_of_its_value(void **state)
{
    (void) state;
    tw_rng rng;
    tw_real slope[S];
    tw_rng_seed(&rng, tw_test_seed());
    fill_random(&rng, scores, S);
    (void) row_loss(NULL);
    for (int c = 0; c < S; c++)
        slope[c] = slopes[c];
    check_gradient(scores, slope, S, row_loss, NULL);
}

static void sigmoid_row_with_power_one_is_bce(void **state)
{
    (void) state;
    const tw_real one[1] = {1}, rows[3] = {log(3), log(4), -5000};
    const int32_t p[1] = {0}, n[2] = {1, 2};
    tw_real c[3], row[3] = {log(3), log(4), -5000};
    double bce = 0, sum = 0;
    tw_bce_forward(&bce, c, one, rows, p, n, NULL, 2, 1, 1);
    tw_sigmoid_row(&sum, row, 0, 1, 3);
    assert_near(sum, bce, 1e-13);
    for (int i = 0; i < 3; i++)
        assert_near(row[i], c[i], 1e-13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(softmax_ce_backward_matches_central_difference),
        cmocka_unit_test(softmax_ce_by_hand),
        cmocka_unit_test(softmax_ce_survives_large_logits_and_reports_nan),
        cmocka_unit_test(bce_backward_matches_central_difference),
        cmocka_unit_test(bce_by_hand),
        cmocka_unit_test(bce_stays_finite_for_scores_of_any_size),
        cmocka_unit_test(sigmoid_row_has_the_gradient_of_its_value),
        cmocka_unit_test(sigmoid_row_with_power_one_is_bce),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
