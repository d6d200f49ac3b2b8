/* Scored pairs: by hand, and AUC against the double loop. */
#include "tests/support/test.h"

#include <math.h>

#include "base/rng.h"
#include "metrics/mean.h"
#include "metrics/pair_scores.h"

static void means_have_their_error(void **state)
{
    static const double x[4] = {1, 2, 3, 6};
    (void) state;
    const tw_mean m = tw_mean_of(x, 4);
    assert_near(m.mean, 3, 1e-12);
    assert_near(m.se, sqrt((4 + 1 + 0 + 9) / 3.0 / 4), 1e-12);
    assert_true(isnan(tw_mean_of(x, 0).mean) && isnan(tw_mean_of(x, 1).se));
}

static void cosines_of_pairs(void **state)
{
    static const float v[6] = {1, 0, 0, 1, 0.6F, 0.8F};
    static const tw_item_pair pairs[] = {{0, 1, 1, 1}, {1, 2, 0, 1}}, bad[] = {{0, 3, 1, 1}};
    double s[2];
    (void) state;
    assert_ok(tw_pairs_cosines(s, v, 3, 2, pairs, 2, err));
    assert_near(s[0], 0, 0);
    assert_near(s[1], 0.8, 1e-6);
    assert_status(tw_pairs_cosines(s, v, 3, 2, bad, 1, err), TW_EINVAL);
}

/* Positives 0.9, 0.5, 0.5; negatives 0.7, 0.5: wins 2 + 0 + 0, ties 0 + 1 + 1 halves: 3 of 6. */
static void auc_halves_ties(void **state)
{
    static const double s[] = {0.5, 0.9, 0.7, 0.5, 0.5};
    static const float y[] = {1, 1, 0, 0, 1}, ones[] = {1, 1, 1, 1, 1};
    double auc;
    (void) state;
    assert_ok(tw_scores_auc(&auc, s, y, 5, err));
    assert_near(auc, 0.5, 1e-12);
    assert_ok(tw_scores_auc(&auc, s, ones, 5, err));
    assert_true(isnan(auc));
    assert_ok(tw_scores_auc(&auc, s, y, 0, err));
    assert_true(isnan(auc));
}

static void auc_is_the_double_loop(void **state)
{
    enum { N = 200 };
    double s[N], auc;
    float y[N];
    tw_rng rng;
    (void) state;
    tw_rng_seed(&rng, tw_test_seed());
    for (int again = 0; again < 20; again++) {
        double wins = 0, pairs = 0;
        for (int i = 0; i < N; i++) {
            y[i] = (float) tw_rng_below(&rng, 2);
            s[i] = (double) tw_rng_below(&rng, 20) + (double) y[i];
        }
        s[3] = (double) NAN; /* the lowest */
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                const double a = i == 3 ? -1 : s[i], b = j == 3 ? -1 : s[j];
                if (y[i] < 0.5F || y[j] > 0.5F)
                    continue;
                pairs++;
                wins += a > b ? 1 : a == b ? 0.5 : 0;
            }
        assert_ok(tw_scores_auc(&auc, s, y, N, err));
        assert_near(auc, wins / pairs, 1e-12);
    }
}

/* Falling: 1, 0, then {1, 0} tied, then 1: precisions 1, at the tie 2/4, at the end 3/5; each has
 * one positive of three. */
static void average_precision_takes_ties_as_one_threshold(void **state)
{
    static const double s[] = {0.9, 0.8, 0.5, 0.5, 0.1};
    static const float y[] = {1, 0, 1, 0, 1}, none[] = {0, 0, 0, 0, 0};
    double ap;
    (void) state;
    assert_ok(tw_scores_average_precision(&ap, s, y, 5, err));
    assert_near(ap, (1 + 0.5 + 0.6) / 3, 1e-12);
    assert_ok(tw_scores_average_precision(&ap, s, none, 5, err));
    assert_true(isnan(ap));
}

/* Positives 0.9, 0.6, 0.2; negatives 0.7, 0.3, 0.1. Accuracy: above 0.8: 4/6; above 0.45: 4/6;
 * above 0.15: 4/6: the highest of equals. F1: above 0.8: 2/4; 0.45: 4/6; 0.15: 6/8. */
static void thresholds_are_chosen_and_applied(void **state)
{
    static const double s[] = {0.9, 0.7, 0.6, 0.3, 0.2, 0.1};
    static const float y[] = {1, 0, 1, 0, 1, 0}, ones[] = {1, 1, 1, 1, 1, 1}, none[6] = {0};
    double t;
    (void) state;
    assert_ok(tw_threshold_choose(&t, s, y, 6, TW_BY_ACCURACY, err));
    assert_near(t, 0.8, 1e-7);
    tw_decisions d = tw_threshold_apply(t, s, y, 6);
    assert_true(d.tp == 1 && d.fp == 0 && d.fn == 2 && d.tn == 3);
    assert_near(d.accuracy, 4 / 6.0, 1e-12);
    assert_near(d.accuracy_se, sqrt(4 / 6.0 * 2 / 6.0 / 6), 1e-12);
    assert_near(d.precision, 1, 0);
    assert_near(d.recall, 1 / 3.0, 1e-12);
    assert_near(d.f1, 0.5, 1e-12);
    assert_ok(tw_threshold_choose(&t, s, y, 6, TW_BY_F1, err));
    assert_near(t, 0.15, 1e-7);
    assert_near(tw_threshold_apply(t, s, y, 6).f1, 0.75, 1e-12);
    assert_ok(tw_threshold_choose(&t, s, ones, 6, TW_BY_ACCURACY, err));
    assert_true(t < 0 && isinf(t));
    assert_ok(tw_threshold_choose(&t, s, none, 6, TW_BY_ACCURACY, err));
    assert_true(t > 0 && isinf(t));
    d = tw_threshold_apply(t, s, none, 6); /* without a positive there is none to be found */
    assert_true(isnan(d.f1) && isnan(d.precision) && isnan(d.recall));
    assert_near(d.accuracy, 1, 0);
    assert_true(isnan(tw_threshold_apply(t, s, none, 0).accuracy));
    d = tw_threshold_apply((double) INFINITY, s, ones, 6); /* none of them was */
    assert_true(d.f1 == 0 && d.precision == 0 && d.recall == 0);
}

/* A tie cannot be cut: 0.5 holds one of each, so F1 is best with both. */
static void thresholds_do_not_cut_ties(void **state)
{
    static const double s[] = {0.5, 0.5, 0.1};
    static const float y[] = {1, 0, 0};
    double t;
    (void) state;
    assert_ok(tw_threshold_choose(&t, s, y, 3, TW_BY_F1, err));
    assert_near(t, 0.3, 1e-7);
    const tw_decisions d = tw_threshold_apply(t, s, y, 3);
    assert_true(d.tp == 1 && d.fp == 1 && d.tn == 1);
}

/* pair_scores_golden.py says where the figures come from. */
static void figures_are_those_of_scikit_learn_and_scipy(void **state)
{
    enum { N = 500 };
    static double score[N], grade[N], value[N];
    static float label[N];
    uint64_t x = 1;
    double got;
    (void) state;
    for (int k = 0; k < N; k++) {
        x = (1103515245 * x + 12345) % (1U << 31);
        const double s = (double) ((x >> 8) % 97) / 97;
        score[k] = s + (k % 2 == 1 ? 1e-9 : 0);
        label[k] = (double) ((x >> 16) % 100) < 20 + 40 * s ? 1 : 0;
        value[k] = (double) label[k];
        grade[k] = (double) ((x >> 20) % 4 + (s > 0.5 ? 2 : 0)) / 5;
    }
    assert_ok(tw_scores_auc(&got, score, label, N, err));
    assert_near(got, 0.618470404, 1e-9);
    assert_ok(tw_scores_average_precision(&got, score, label, N, err));
    assert_near(got, 0.489647912, 1e-9);
    assert_ok(tw_scores_spearman(&got, score, grade, N, err));
    assert_near(got, 0.569547185, 1e-9);
    assert_ok(tw_scores_spearman(&got, score, value, N, err));
    assert_near(got, 0.198802691, 1e-9);
    assert_near(tw_scores_pearson(score, grade, N), 0.571643437, 1e-8);
}

/* Unit vectors of float32 are not of unit length: the same two have squares above and below 1. */
static void the_same_vectors_have_the_same_cosine(void **state)
{
    enum { N = 400, DIM = 24 };
    static float v[N * DIM], label[N / 2];
    static tw_item_pair pairs[N / 2];
    static double score[N / 2];
    double ap;
    tw_rng rng;
    (void) state;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < N / 2; i++) { /* each twice */
        double square = 0;
        for (int j = 0; j < DIM; j++) {
            v[i * DIM + j] = (float) tw_rng_normal(&rng);
            square += (double) v[i * DIM + j] * (double) v[i * DIM + j];
        }
        for (int j = 0; j < DIM; j++)
            v[(i + N / 2) * DIM + j] = v[i * DIM + j] /= (float) sqrt(square);
        label[i] = (float) (i % 4 == 0);
        pairs[i] = (tw_item_pair){i, i + N / 2, label[i], 1};
    }
    assert_ok(tw_pairs_cosines(score, v, N, DIM, pairs, N / 2, err));
    assert_ok(tw_scores_average_precision(&ap, score, label, N / 2, err));
    assert_near(ap, 0.25, 0); /* one threshold, and a quarter is right */
}

/* x falls where y rises, but for a tie: ranks 4, 2.5, 2.5, 1 against 1, 2, 3, 4. */
static void correlations_by_hand(void **state)
{
    static const double x[] = {9, 3, 3, 1}, y[] = {1, 2, 3, 40}, flat[] = {2, 2, 2, 2};
    double rho;
    (void) state;
    assert_near(tw_scores_pearson(x, x, 4), 1, 1e-12);
    assert_near(tw_scores_pearson(x, y, 4), -120 / sqrt(36 * 1085), 1e-12);
    double sevenths[7];
    for (int k = 0; k < 7; k++)
        sevenths[k] = 0.7; /* of which the mean is not 0.7 */
    assert_true(isnan(tw_scores_pearson(sevenths, sevenths, 7)));
    assert_ok(tw_scores_spearman(&rho, (const double[]){1, 2, 3, 4, 5, 6, 7}, sevenths, 7, err));
    assert_true(isnan(rho));
    assert_true(isnan(tw_scores_pearson(x, flat, 4)));
    assert_ok(tw_scores_spearman(&rho, x, y, 4, err));
    assert_near(rho, -4.5 / sqrt(4.5 * 5), 1e-12);
    assert_ok(tw_scores_spearman(&rho, x, flat, 4, err));
    assert_true(isnan(rho));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_have_their_error),
        cmocka_unit_test(cosines_of_pairs),
        cmocka_unit_test(auc_halves_ties),
        cmocka_unit_test(auc_is_the_double_loop),
        cmocka_unit_test(average_precision_takes_ties_as_one_threshold),
        cmocka_unit_test(thresholds_are_chosen_and_applied),
        cmocka_unit_test(thresholds_do_not_cut_ties),
        cmocka_unit_test(figures_are_those_of_scikit_learn_and_scipy),
        cmocka_unit_test(the_same_vectors_have_the_same_cosine),
        cmocka_unit_test(correlations_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
