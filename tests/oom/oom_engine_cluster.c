/* Every allocation of ours fails once, in turn, in clustering, drawing and naming. */
#include <string.h>

#include "base/alloc.h"
#include "engine/cluster/cluster.h"
#include "index/groups/kmeans.h"
#include "index/groups/layout.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

enum { N = 24, DIM = 3 };
static float vecs[N * DIM];

static void fill(void)
{
    for (int i = 0; i < N * DIM; i++)
        vecs[i] = i / DIM % DIM == i % DIM ? 1 : 0.01F * (float) (i % 7);
}

static tw_status cluster_vectors(void)
{
    tw_kmeans km;
    tw_status st = tw_kmeans_fit(&km, vecs, N, DIM, &(tw_kmeans_config){.k = 3}, NULL);
    assert_true((km.cluster != NULL) == (st == TW_OK));
    tw_kmeans_fini(&km);
    return st;
}

static tw_status lay_out_vectors(void)
{
    float xy[2 * N];
    double share;
    const tw_layout_config cfg = {.sample = 20, .iterations = 3, .threads = 2};
    tw_status st = tw_layout_fit(xy, vecs, N, DIM, &cfg, NULL);
    return st == TW_OK ? tw_layout_kept(&share, xy, vecs, N, DIM, 3, NULL) : st;
}

static tw_engine *engine;

static tw_status cluster_catalogue(void)
{
    tw_clustering c;
    const tw_cluster_options opt = {.k = 3, .against = "genres", .map = true, .threads = 1};
    tw_status st = tw_engine_cluster(engine, &opt, &c, NULL);
    assert_true((c.items != NULL) == (st == TW_OK) && (c.report != NULL) == (st == TW_OK));
    tw_clustering_fini(&c);
    return st;
}

/* Until a run needs no more. */
static void fail_each(tw_status (*call)(void), long least)
{
    long nth = 0;
    bool fired;
    do {
        tw_torture_arm(++nth);
        tw_status st = call();
        fired = tw_torture_fired();
        tw_torture_arm(0);
        assert_int_equal(st, fired ? TW_ENOMEM : TW_OK);
    } while (fired);
    assert_true(nth > least);
}

static void clustering_is_reported(void **state)
{
    (void) state;
    fill();
    fail_each(cluster_vectors, 15);
}

static void drawing_is_reported(void **state)
{
    (void) state;
    fill();
    fail_each(lay_out_vectors, 25);
}

static void a_report_is_whole_or_not_there(void **state)
{
    (void) state;
    engine = toy_engine("oom", true);
    toy_train(engine);
    fail_each(cluster_catalogue, 60);
    tw_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clustering_is_reported),
        cmocka_unit_test(drawing_is_reported),
        cmocka_unit_test(a_report_is_whole_or_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
