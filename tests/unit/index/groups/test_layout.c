/* A map is worth looking at when neighbours stay neighbours: more of them than a plain projection
 * keeps. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "index/groups/layout.h"
#include "tests/support/test.h"

enum { N = 300, DIM = 16, GROUPS = 10 };
static float vecs[N * DIM], map[N * 2], other[N * 2];

static void scale(float *row, int dim)
{
    double sum = 0;
    for (int j = 0; j < dim; j++)
        sum += (double) row[j] * (double) row[j];
    for (int j = 0; j < dim; j++)
        row[j] = (float) ((double) row[j] / sqrt(sum));
}

/* Row i is of group i % GROUPS; two components cannot show ten directions in sixteen. */
static void make_groups(double noise)
{
    tw_rng rng;
    float centre[GROUPS * DIM];
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < GROUPS * DIM; i++)
        centre[i] = (float) tw_rng_normal(&rng);
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < DIM; j++)
            vecs[i * DIM + j] =
                centre[i % GROUPS * DIM + j] + (float) (noise * tw_rng_normal(&rng));
        scale(vecs + i * DIM, DIM);
    }
}

static double kept(const float *xy)
{
    double share = -1;
    assert_ok(tw_layout_kept(&share, xy, vecs, N, DIM, 10, err));
    return share;
}

static void neighbours_stay_better_than_in_the_components(void **state)
{
    (void) state;
    make_groups(0.3);
    assert_ok(tw_layout_pca(other, vecs, N, DIM, 1, err));
    assert_ok(tw_layout_fit(map, vecs, N, DIM, &(tw_layout_config){.seed = 1}, err));
    assert_true(kept(map) > 0.5);
    assert_true(kept(map) > 1.5 * kept(other));
}

/* Of the row nearest on the plane, how often is it of the same group? */
static double pure(const float *xy)
{
    int same = 0;
    for (int i = 0; i < N; i++) {
        double best = INFINITY;
        int at = -1;
        for (int j = 0; j < N; j++) {
            double dx = (double) (xy[2 * i] - xy[2 * j]);
            double dy = (double) (xy[2 * i + 1] - xy[2 * j + 1]);
            if (j != i && dx * dx + dy * dy < best) {
                best = dx * dx + dy * dy;
                at = j;
            }
        }
        same += i % GROUPS == at % GROUPS;
    }
    return (double) same / N;
}

static void rows_outside_the_sample_lie_among_their_own(void **state)
{
    (void) state;
    make_groups(0.2);
    const tw_layout_config cfg = {.seed = 2, .sample = 100, .perplexity = 5};
    assert_ok(tw_layout_fit(map, vecs, N, DIM, &cfg, err));
    assert_true(pure(map) > 0.97);
}

static void a_map_fills_its_frame_and_lies_down(void **state)
{
    (void) state;
    double low[2] = {9, 9}, high[2] = {-9, -9};
    make_groups(0.3);
    assert_ok(tw_layout_fit(map, vecs, N, DIM, &(tw_layout_config){.iterations = 300}, err));
    for (int i = 0; i < 2 * N; i++) {
        low[i % 2] = fmin(low[i % 2], (double) map[i]);
        high[i % 2] = fmax(high[i % 2], (double) map[i]);
    }
    assert_near(fmax(high[0], high[1]), 1, 1e-6);
    assert_near(low[0] + high[0], 0, 1e-6);
    assert_near(low[1] + high[1], 0, 1e-6);
    double xx = 0, yy = 0;
    for (int i = 0; i < N; i++) {
        xx += (double) (map[2 * i] * map[2 * i]);
        yy += (double) (map[2 * i + 1] * map[2 * i + 1]);
    }
    assert_true(xx >= 0.9 * yy); /* but for the mean, which is not at 0 */
}

static void threads_and_repetition_change_no_bit(void **state)
{
    (void) state;
    tw_layout_config cfg = {.seed = 3, .iterations = 60, .threads = 1, .sample = 200};
    make_groups(0.5);
    assert_ok(tw_layout_fit(map, vecs, N, DIM, &cfg, err));
    cfg.threads = 3;
    assert_ok(tw_layout_fit(other, vecs, N, DIM, &cfg, err));
    assert_memory_equal(map, other, sizeof map);
    cfg.seed = 4;
    assert_ok(tw_layout_fit(other, vecs, N, DIM, &cfg, err));
    assert_memory_not_equal(map, other, sizeof map);
}

/* Rows along (3,4)/5 in the plane of columns 2 and 5, and a little along column 0. */
static void the_components_are_where_the_rows_spread(void **state)
{
    (void) state;
    enum { M = 41, WIDE = 7 };
    float x[M * WIDE] = {0}, xy[M * 2];
    for (int i = 0; i < M; i++) {
        double t = i - 20, u = i % 2 == 0 ? 0.5 : -0.5;
        x[i * WIDE + 2] = (float) (0.6 * t + 3);
        x[i * WIDE + 5] = (float) (0.8 * t);
        x[i * WIDE] = (float) u;
    }
    assert_ok(tw_layout_pca(xy, x, M, WIDE, 5, err));
    for (int i = 0; i < M; i++) {
        double mean = 0.5 / M;
        assert_near(xy[2 * i], i - 20, 1e-4);
        assert_near(xy[2 * i + 1], (i % 2 == 0 ? 0.5 : -0.5) - mean, 1e-2);
    }
}

/* Five rows on a line, and a plane that has the first two changed over. Two neighbours of each:
 * by vector {1,2} {0,2} {1,3} {2,4} {3,2}; on the plane {1,2} {0,2} {0,3} {2,4} {3,2}: 9 of 10. */
static void what_is_kept_is_counted(void **state)
{
    (void) state;
    float x[5 * 2], xy[5 * 2] = {0};
    const float along[] = {1, 0, 2, 3, 4};
    double share;
    for (int i = 0; i < 5; i++) {
        x[2 * i] = (float) cos(0.1 * i + 0.004 * i * i);
        x[2 * i + 1] = (float) sin(0.1 * i + 0.004 * i * i);
        xy[2 * i] = along[i] + 0.01F * along[i] * along[i];
    }
    assert_ok(tw_layout_kept(&share, xy, x, 5, 2, 2, err));
    assert_near(share, 0.9, 1e-12);
    assert_ok(tw_layout_kept(&share, xy, x, 5, 2, 99, err));
    assert_near(share, 1, 0); /* everybody is a neighbour */
    assert_status(tw_layout_kept(&share, xy, x, 1, 2, 2, err), TW_EINVAL);
    assert_status(tw_layout_kept(&share, xy, x, 5, 2, 0, err), TW_EINVAL);
}

static void few_rows_and_equal_rows_have_a_map(void **state)
{
    (void) state;
    float x[40 * 3] = {0}, xy[80];
    for (int i = 0; i < 40; i++)
        x[3 * i + i % 3] = 1;
    for (int n = 1; n <= 40; n++) {
        assert_ok(tw_layout_fit(xy, x, n, 3, &(tw_layout_config){.iterations = 20}, err));
        for (int i = 0; i < 2 * n; i++)
            assert_true(fabsf(xy[i]) <= 1.0001F);
    }
    memset(x, 0, sizeof x);
    assert_ok(tw_layout_fit(xy, x, 40, 3, &(tw_layout_config){.iterations = 20}, err));
    for (int i = 0; i < 80; i++)
        assert_true(isfinite(xy[i]));
}

static int stop(void *ctx, const tw_progress *p)
{
    (void) ctx;
    return p->done == 7;
}

static void bad_settings_are_said_and_it_stops_when_asked(void **state)
{
    (void) state;
    make_groups(0.3);
    const tw_layout_config bad[] = {{.sample = 3},        {.sample = TW_LAYOUT_MAX_SAMPLE + 1},
                                    {.perplexity = 0.5},  {.perplexity = NAN},
                                    {.perplexity = 1000}, {.iterations = -1},
                                    {.threads = -1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_status(tw_layout_fit(map, vecs, N, DIM, &bad[i], err), TW_EINVAL);
    assert_status(tw_layout_fit(map, vecs, 0, DIM, &(tw_layout_config){0}, err), TW_EINVAL);
    assert_status(tw_layout_fit(map, vecs, N, DIM, &(tw_layout_config){.progress = stop}, err),
                  TW_ECANCELLED);
    vecs[5] = NAN;
    assert_status(tw_layout_fit(map, vecs, N, DIM, &(tw_layout_config){0}, err), TW_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_stay_better_than_in_the_components),
        cmocka_unit_test(rows_outside_the_sample_lie_among_their_own),
        cmocka_unit_test(a_map_fills_its_frame_and_lies_down),
        cmocka_unit_test(threads_and_repetition_change_no_bit),
        cmocka_unit_test(the_components_are_where_the_rows_spread),
        cmocka_unit_test(what_is_kept_is_counted),
        cmocka_unit_test(few_rows_and_equal_rows_have_a_map),
        cmocka_unit_test(bad_settings_are_said_and_it_stops_when_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
