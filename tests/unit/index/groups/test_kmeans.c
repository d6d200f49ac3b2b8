/* Clusters that are there are found, and numbers beside them are true. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "index/groups/kmeans.h"
#include "tests/support/test.h"

enum { DIM = 8, BLOBS = 12, EACH = 40, N = BLOBS * EACH };
static float blobs[N * DIM];

/* Row i is near the direction of blob i % BLOBS. */
static void make_blobs(double noise, uint64_t seed)
{
    tw_rng rng;
    float centre[BLOBS * DIM];
    tw_rng_seed(&rng, seed);
    for (int i = 0; i < BLOBS * DIM; i++)
        centre[i] = (float) tw_rng_normal(&rng);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < DIM; j++)
            blobs[i * DIM + j] =
                centre[i % BLOBS * DIM + j] + (float) (noise * tw_rng_normal(&rng));
}

static void separate_blobs_are_found_whole(void **state)
{
    (void) state;
    tw_kmeans km;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        make_blobs(0.05, seed);
        const tw_kmeans_config cfg = {.k = BLOBS, .seed = seed};
        assert_ok(tw_kmeans_fit(&km, blobs, N, DIM, &cfg, err));
        assert_int_equal(km.k, BLOBS);
        for (int i = BLOBS; i < N; i++)
            assert_int_equal(km.cluster[i], km.cluster[i % BLOBS]);
        for (int c = 0; c < BLOBS; c++)
            assert_int_equal(km.sizes[c], EACH);
        tw_kmeans_fini(&km);
    }
}

static double dot(const float *a, const float *b)
{
    double sum = 0;
    for (int j = 0; j < DIM; j++)
        sum += (double) a[j] * (double) b[j];
    return sum;
}

/* Noise hides the blobs: the numbers must hold all the same. */
static void the_numbers_beside_a_row_are_its_cosines(void **state)
{
    (void) state;
    tw_kmeans km;
    double sum = 0;
    make_blobs(1.0, 7);
    assert_ok(tw_kmeans_fit(&km, blobs, N, DIM, &(tw_kmeans_config){.k = 5, .seed = 3}, err));
    for (int c = 0; c < km.k; c++) {
        assert_near(dot(km.centroids + c * DIM, km.centroids + c * DIM), 1, 1e-5);
        assert_true(c == 0 || km.sizes[c] <= km.sizes[c - 1]);
    }
    for (int i = 0; i < N; i++) {
        const float *x = blobs + i * DIM;
        double length = sqrt(dot(x, x)), best = -2, next = -2;
        int at = -1;
        for (int c = 0; c < km.k; c++) {
            double cosine = dot(x, km.centroids + c * DIM) / length;
            if (cosine > best) {
                next = best;
                best = cosine;
                at = c;
            } else if (cosine > next) {
                next = cosine;
            }
        }
        assert_int_equal(km.cluster[i], at);
        assert_near(km.own[i], best, 1e-5);
        assert_near(km.next[i], next, 1e-5);
        assert_near(dot(x, km.centroids + km.second[i] * DIM) / length, next, 1e-5);
        sum += best;
    }
    assert_near(km.objective, sum / N, 1e-5);
    tw_kmeans_fini(&km);
}

static void more_beginnings_are_never_worse_and_equal_calls_are_equal(void **state)
{
    (void) state;
    tw_kmeans one, many, again;
    make_blobs(0.6, 11);
    assert_ok(tw_kmeans_fit(&one, blobs, N, DIM, &(tw_kmeans_config){.k = 9, .redos = 1}, err));
    assert_ok(tw_kmeans_fit(&many, blobs, N, DIM, &(tw_kmeans_config){.k = 9, .redos = 20}, err));
    assert_ok(tw_kmeans_fit(&again, blobs, N, DIM, &(tw_kmeans_config){.k = 9, .redos = 20}, err));
    assert_true(many.objective > one.objective);
    assert_memory_equal(many.cluster, again.cluster, N * sizeof *many.cluster);
    assert_memory_equal(many.centroids, again.centroids, 9 * DIM * sizeof(float));
    tw_kmeans_fini(&one);
    tw_kmeans_fini(&many);
    tw_kmeans_fini(&again);
}

static void a_row_of_no_length_is_in_no_cluster(void **state)
{
    (void) state;
    const float x[] = {1, 0, 0, 0, 3, 0.1F, 0, 1, 0, 0, 0, 5}; /* rows 1 and 4 are nothing */
    const int32_t want[] = {0, -1, 0, 1, -1, 1};
    tw_kmeans km;
    assert_ok(tw_kmeans_fit(&km, x, 6, 2, &(tw_kmeans_config){.k = 2}, err));
    assert_int_equal(km.unread, 2);
    assert_memory_equal(km.cluster, want, sizeof want);
    assert_near(km.own[1], 0, 0);
    assert_near(km.own[3], 1, 1e-6);
    tw_kmeans_fini(&km);
}

static void equal_rows_share_a_cluster_and_no_cluster_is_empty(void **state)
{
    (void) state;
    float x[20 * 2];
    tw_kmeans km;
    for (int i = 0; i < 20; i++) {
        x[2 * i] = i % 2 == 0 ? 1 : -1;
        x[2 * i + 1] = 0;
    }
    assert_ok(tw_kmeans_fit(&km, x, 20, 2, &(tw_kmeans_config){.k = 4}, err));
    assert_in_range(km.k, 2, 4);
    for (int c = 0; c < km.k; c++)
        assert_true(km.sizes[c] > 0);
    for (int i = 0; i < 20; i++)
        assert_in_range(km.second[i], 0, km.k - 1);
    tw_kmeans_fini(&km);
    assert_ok(tw_kmeans_fit(&km, x, 20, 2, &(tw_kmeans_config){.k = 1}, err));
    assert_int_equal(km.sizes[0], 20);
    assert_int_equal(km.second[3], -1);
    tw_kmeans_fini(&km);
}

static void what_cannot_be_clustered_is_said(void **state)
{
    (void) state;
    const float x[] = {1, 0, 0, 1, 0, 0}, nothing[4] = {0}, bad[] = {1, NAN};
    tw_kmeans km;
    tw_error e = {0};
    assert_int_equal(tw_kmeans_fit(&km, x, 3, 2, &(tw_kmeans_config){.k = 3}, &e), TW_EINVAL);
    assert_string_equal(e.msg, "3 clusters of 2 vectors: ask for fewer");
    assert_null(km.cluster);
    assert_status(tw_kmeans_fit(&km, nothing, 2, 2, &(tw_kmeans_config){0}, err), TW_EINVAL);
    assert_status(tw_kmeans_fit(&km, bad, 1, 2, &(tw_kmeans_config){0}, err), TW_EINVAL);
    assert_status(tw_kmeans_fit(&km, x, 0, 2, &(tw_kmeans_config){0}, err), TW_EINVAL);
    assert_status(tw_kmeans_fit(&km, x, 3, 2, &(tw_kmeans_config){.k = -1}, err), TW_EINVAL);
    assert_status(tw_kmeans_fit(&km, x, 3, 2, &(tw_kmeans_config){.redos = 101}, err), TW_EINVAL);
    assert_status(tw_kmeans_fit(&km, x, 3, 2, &(tw_kmeans_config){.iterations = 1001}, err),
                  TW_EINVAL);
}

static int stop(void *ctx, const tw_progress *p)
{
    (void) ctx;
    return p->done == 2;
}

static void it_stops_when_asked(void **state)
{
    (void) state;
    tw_kmeans km;
    make_blobs(0.1, 1);
    const tw_kmeans_config cfg = {.k = 3, .progress = stop};
    assert_status(tw_kmeans_fit(&km, blobs, N, DIM, &cfg, err), TW_ECANCELLED);
    assert_null(km.centroids);
}

static void the_default_k_grows_with_the_root(void **state)
{
    (void) state;
    const int64_t n[] = {0, 1, 2, 7, 8, 50, 1682, 131072, INT64_C(1) << 40};
    const int want[] = {1, 1, 2, 2, 2, 5, 29, 256, 256};
    for (int i = 0; i < 9; i++)
        assert_int_equal(tw_kmeans_default_k(n[i]), want[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(separate_blobs_are_found_whole),
        cmocka_unit_test(the_numbers_beside_a_row_are_its_cosines),
        cmocka_unit_test(more_beginnings_are_never_worse_and_equal_calls_are_equal),
        cmocka_unit_test(a_row_of_no_length_is_in_no_cluster),
        cmocka_unit_test(equal_rows_share_a_cluster_and_no_cluster_is_empty),
        cmocka_unit_test(what_cannot_be_clustered_is_said),
        cmocka_unit_test(it_stops_when_asked),
        cmocka_unit_test(the_default_k_grows_with_the_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
