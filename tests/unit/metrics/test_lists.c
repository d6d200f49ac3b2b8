/* Variety of lists, one-shot trials, clusters: by hand. */
#include "tests/support/test.h"

#include <math.h>

#include "metrics/clusters.h"
#include "metrics/lists.h"
#include "metrics/mean.h"
#include "metrics/ranking.h"
#include "metrics/trials.h"

/* Two lists of a pool of 4: {0, 1} and {0}. Shown 2, 1, 0, 0 times. */
static void variety_by_hand(void **state)
{
    static int32_t place[4] = {0, 1, 0, -1};
    static const float v[8] = {1, 0, 0.6F, 0.8F, 0, 1, 0, -1};
    const tw_ranked lists = {.queries = 2, .pool = 4, .k = 2, .place = place};
    tw_variety x;
    (void) state;
    assert_ok(tw_variety_measure(&x, &lists, 2, v, 2, err));
    assert_near(x.coverage, 0.5, 0);
    /* sorted 0 0 1 2: (-3 * 0 - 1 * 0 + 1 * 1 + 3 * 2) / (4 * 3) */
    assert_near(x.gini, 7 / 12.0, 1e-12);
    assert_int_equal(x.diversity.n, 1);
    assert_near(x.diversity.mean, 0.4, 1e-6);
    assert_ok(tw_variety_measure(&x, &lists, 1, NULL, 0, err));
    assert_near(x.coverage, 0.25, 0);
    assert_near(x.gini, 0.75, 1e-12);
    assert_int_equal(x.diversity.n, 0);
    assert_status(tw_variety_measure(&x, &lists, 3, NULL, 0, err), TW_EINVAL);
}

/* On a circle, in degrees: supports of class 1 at 0 and 80, of class 2 at 90. */
static void put(float *v, int i, double degrees)
{
    v[2 * i] = (float) cos(degrees * 0.017453292519943295);
    v[2 * i + 1] = (float) sin(degrees * 0.017453292519943295);
}

static void trials_by_hand(void **state)
{
    static const int32_t support[3] = {0, 1, 2}, support_class[3] = {1, 1, 2};
    static const int32_t query[3] = {3, 4, 5}, query_class[3] = {1, 2, 1}, bad[1] = {7};
    float v[14];
    tw_mean m;
    (void) state;
    put(v, 0, 0);
    put(v, 1, 80);
    put(v, 2, 90);
    put(v, 3, 82); /* nearest to 80: class 1; means at 40 and 90: class 2 */
    put(v, 4, 95); /* class 2 by both */
    put(v, 5, 85); /* as near to 80 as to 90: a tie, which counts against */
    put(v, 6, 0);
    tw_trial trials[2] = {{support, support_class, 3, query, query_class, 3},
                          {support, support_class, 3, query + 1, query_class + 1, 1}};
    assert_ok(tw_trials_measure(&m, v, 7, 2, trials, 2, false, err));
    assert_int_equal(m.n, 2);
    assert_near(m.mean, (2 / 3.0 + 1) / 2, 1e-12);
    assert_near(m.se, 1 / 6.0, 1e-12);
    assert_ok(tw_trials_measure(&m, v, 7, 2, trials, 2, true, err));
    assert_near(m.mean, (1 / 3.0 + 1) / 2, 1e-12);
    trials[1].query = bad;
    assert_status(tw_trials_measure(&m, v, 7, 2, trials, 2, true, err), TW_EINVAL);
    assert_ok(tw_trials_measure(&m, v, 7, 2, trials, 0, true, err));
    assert_true(isnan(m.mean));
}

/* The mean of three supports, two of one class: classes are kept apart, lengths do not count. */
static void class_means_are_of_length_one(void **state)
{
    static const int32_t support[4] = {0, 1, 2, 0}, support_class[4] = {5, 6, 5, 5};
    static const int32_t query[1] = {3}, query_class[1] = {6};
    float v[8];
    tw_mean m;
    (void) state;
    put(v, 0, 0);
    put(v, 1, 30);
    put(v, 2, -10);
    put(v, 3, 14); /* mean of class 5 lies at -3.3: 17.3 away against 16 */
    const tw_trial t = {support, support_class, 4, query, query_class, 1};
    assert_ok(tw_trials_measure(&m, v, 4, 2, &t, 1, true, err));
    assert_near(m.mean, 1, 0);
    assert_ok(tw_trials_measure(&m, v, 4, 2, &t, 1, false, err));
    assert_near(m.mean, 0, 0);
}

/* Supports on one point tie; and what one trial's means were does not leak into the next. */
static void trials_do_not_touch_each_other(void **state)
{
    static const int32_t same[2] = {0, 0}, straight[2] = {0, 1}, crossed[2] = {1, 0};
    static const int32_t classes[2] = {1, 2}, first[1] = {0}, last[1] = {2}, one[1] = {1};
    float v[6];
    tw_mean m;
    (void) state;
    put(v, 0, 0);
    put(v, 1, 80);
    put(v, 2, 85);
    const tw_trial tie = {same, classes, 2, first, one, 1};
    const tw_trial two[2] = {{straight, classes, 2, first, one, 1},
                             {crossed, classes, 2, last, one, 1}};
    assert_ok(tw_trials_measure(&m, v, 3, 2, &tie, 1, false, err));
    assert_near(m.mean, 0, 0);
    assert_ok(tw_trials_measure(&m, v, 3, 2, two, 2, true, err));
    assert_near(m.mean, 1, 0);
}

static void nmi_by_hand(void **state)
{
    static const int32_t a[6] = {0, 0, 1, 1, 2, 2}, named[6] = {9, 9, 4, 4, -1, -1};
    static const int32_t half[4] = {0, 0, 1, 1}, cross[4] = {0, 1, 0, 1},
                         one[6] = {3, 3, 3, 3, 3, 3};
    static const int32_t part[6] = {0, 0, 0, 0, 1, 1};
    double nmi;
    (void) state;
    assert_ok(tw_clusters_nmi(&nmi, a, named, 6, err));
    assert_near(nmi, 1, 1e-12);
    assert_ok(tw_clusters_nmi(&nmi, half, cross, 4, err));
    assert_near(nmi, 0, 1e-12);
    assert_ok(tw_clusters_nmi(&nmi, a, one, 6, err));
    assert_near(nmi, 0, 1e-12);
    assert_ok(tw_clusters_nmi(&nmi, one, one, 6, err));
    assert_near(nmi, 1, 0);
    /* part is a function of a: the information is part's entropy. */
    const double h = -(2 / 3.0 * log(2 / 3.0) + 1 / 3.0 * log(1 / 3.0));
    assert_ok(tw_clusters_nmi(&nmi, a, part, 6, err));
    assert_near(nmi, 2 * h / (h + log(3)), 1e-12);
    assert_ok(tw_clusters_nmi(&nmi, a, part, 0, err));
    assert_true(isnan(nmi));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variety_by_hand),
        cmocka_unit_test(trials_by_hand),
        cmocka_unit_test(class_means_are_of_length_one),
        cmocka_unit_test(trials_do_not_touch_each_other),
        cmocka_unit_test(nmi_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
