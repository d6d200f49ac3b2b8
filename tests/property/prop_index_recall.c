/* The graph against brute force: a floor for recall, with and without filters, and the proof that
 * the floor can be missed.
 *
 * Rows lie in clusters and their lengths vary log-normally, as a recommender's item vectors do. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "index/index.h"
#include "tests/support/test.h"

enum { N = 24000, D = 16, CLUSTERS = 60, Q = 40, K = 10, WORDS = N / 64 + 1 };
static const double floor_ = 0.95;

static int64_t ids[N];
static float vecs[N * D], queries[Q * D];
static double norms[N];
static tw_index *good;

static void fill(void)
{
    static float centres[CLUSTERS * D];
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < CLUSTERS * D; i++)
        centres[i] = (float) tw_rng_normal(&rng);
    for (int i = 0; i < N + Q; i++) {
        float *v = i < N ? vecs + i * D : queries + (i - N) * D;
        const float *c = centres + (int) tw_rng_below(&rng, CLUSTERS) * D;
        const double length = exp(0.4 * tw_rng_normal(&rng));
        double norm2 = 0;
        for (int j = 0; j < D; j++) {
            v[j] = (float) (length * ((double) c[j] + 0.7 * tw_rng_normal(&rng)));
            norm2 += (double) v[j] * (double) v[j];
        }
        if (i < N) {
            norms[i] = norm2;
            ids[i] = i + 1;
        }
    }
}

static tw_index *build(const char *factory, int ef, int ef_construction)
{
    tw_index *ix = NULL;
    const tw_index_config cfg = {
        .dim = D,
        .factory = factory,
        .ef_search = ef,
        .ef_construction = ef_construction,
        .least_recall = TW_INDEX_LOW_RECALL}; /* whatever it finds, it is the graph that is asked */
    assert_ok(tw_index_create(&ix, &cfg, err));
    assert_ok(tw_index_build(ix, ids, vecs, N, NULL, NULL, err));
    return ix;
}

/* The brute force of this file, in double, which knows nothing of the index's own exact scan. */
static double recall(const tw_index *ix, const tw_index_options *opt, const bool *may)
{
    static double scores[N];
    tw_hit hits[K];
    int found = 0, wanted = 0, n;
    for (int q = 0; q < Q; q++) {
        int matching = 0;
        for (int i = 0; i < N; i++) {
            scores[i] = 0;
            for (int j = 0; j < D; j++)
                scores[i] += (double) queries[q * D + j] * (double) vecs[i * D + j];
            matching += may[i];
        }
        assert_ok(tw_index_search(ix, queries + q * D, K, opt, hits, &n, err));
        assert_int_equal(n, matching < K ? matching : K); /* never fewer */
        for (int h = 0; h < n; h++) {
            const int64_t row = hits[h].item - 1;
            int better = 0;
            assert_true(may[row]);
            for (int i = 0; i < N; i++)
                better += may[i] && scores[i] > scores[row] + 1e-6;
            found += better < K;
        }
        wanted += n;
    }
    return (double) found / wanted;
}

static bool may[N];
static uint64_t allow[WORDS];

static void allow_where(bool (*pass)(int row, double x), double x)
{
    memset(allow, 0, sizeof allow);
    for (int i = 0; i < N; i++) {
        may[i] = pass(i, x);
        if (may[i])
            allow[(i + 1) / 64] |= UINT64_C(1) << ((i + 1) % 64);
    }
}

static bool always(int row, double x)
{
    (void) row;
    return x > 0;
}

static bool at_random(int row, double share)
{
    tw_rng rng;
    tw_rng_seed3(&rng, tw_test_seed(), 77, (uint64_t) row);
    return tw_rng_uniform(&rng) < share;
}

static bool shorter(int row, double norm2) { return norms[row] < norm2; }

static void the_graph_reaches_the_floor(void **state)
{
    (void) state;
    tw_index_stats s;
    tw_index_get_stats(good, &s);
    assert_false(s.exact);
    allow_where(always, 1);
    assert_true(recall(good, NULL, may) >= floor_);
}

static void a_starved_graph_misses_the_floor(void **state)
{
    (void) state;
    tw_index *bad = build("HNSW2", 1, 2);
    allow_where(always, 1);
    assert_true(recall(bad, NULL, may) < floor_); /* this test can tell a bad index */
    tw_index_destroy(bad);
}

static void a_filter_costs_no_recall_at_any_selectivity(void **state)
{
    (void) state;
    const double shares[] = {0.9, 0.5, 0.1, 0.01, 0.001};
    for (int i = 0; i < 5; i++) {
        const tw_index_options opt = {.allow = allow, .allow_words = WORDS};
        allow_where(at_random, shares[i]);
        const double r = recall(good, &opt, may);
        if (r < floor_)
            fail_msg("allowing %g %%: recall %.3f", 100 * shares[i], r);
    }
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

/* The nearest by inner product are long; a filter that keeps the short ones leaves next to none of
 * what the graph finds first. */
static void a_filter_against_the_grain_costs_no_recall(void **state)
{
    (void) state;
    static double sorted[N];
    memcpy(sorted, norms, sizeof norms);
    qsort(sorted, N, sizeof sorted[0], ascending);
    const tw_index_options opt = {.allow = allow, .allow_words = WORDS};
    const int ranks[] = {N * 9 / 10, N * 7 / 10};
    for (int i = 0; i < 2; i++) {
        allow_where(shorter, sorted[ranks[i]]);
        const double r = recall(good, &opt, may);
        if (r < floor_)
            fail_msg("the shortest %d of %d: recall %.3f", ranks[i], N, r);
    }
}

/* The nearest of all queries, as a user's history is: just what the graph would find first. */
static void excluding_the_nearest_costs_no_recall(void **state)
{
    (void) state;
    static int64_t out[Q * 20];
    tw_hit hits[20];
    int n, n_out = 0;
    allow_where(always, 1);
    for (int q = 0; q < Q; q++) {
        assert_ok(tw_index_search(good, queries + q * D, q % 2 ? 20 : 1, NULL, hits, &n, err));
        for (int i = 0; i < n && n_out < 100; i++) {
            out[n_out++] = hits[i].item;
            may[hits[i].item - 1] = false;
        }
    }
    const tw_index_options opt = {.exclude = out, .n_exclude = n_out};
    assert_true(recall(good, &opt, may) >= floor_);
}

/* Twice the nearest row of each query beats it; it must not matter that it is not in the graph. */
static void what_was_put_since_is_found_with_the_graph(void **state)
{
    (void) state;
    for (int q = 0; q < Q; q++) {
        tw_hit before[K], after[K];
        float twice[D];
        int n;
        assert_ok(tw_index_search(good, queries + q * D, K, NULL, before, &n, err));
        for (int j = 0; j < D; j++)
            twice[j] = 2 * vecs[(before[0].item - 1) * D + j];
        assert_ok(tw_index_put(good, N + 1, twice, err));
        assert_ok(tw_index_search(good, queries + q * D, K, NULL, after, &n, err));
        assert_int_equal(after[0].item, N + 1);
        assert_near(after[0].score, 2 * before[0].score, 0);
        assert_int_equal(after[1].item, before[0].item);
        assert_ok(tw_index_delete(good, N + 1, err));
    }
}

/* Last, for it changes `good`. */
static void deleting_the_longest_third_costs_no_recall(void **state)
{
    (void) state;
    static double sorted[N];
    memcpy(sorted, norms, sizeof norms);
    qsort(sorted, N, sizeof sorted[0], ascending);
    allow_where(shorter, sorted[N * 2 / 3]);
    for (int i = 0; i < N; i++)
        if (!may[i])
            assert_ok(tw_index_delete(good, i + 1, err));
    assert_true(recall(good, NULL, may) >= floor_);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_graph_reaches_the_floor),
        cmocka_unit_test(a_starved_graph_misses_the_floor),
        cmocka_unit_test(a_filter_costs_no_recall_at_any_selectivity),
        cmocka_unit_test(a_filter_against_the_grain_costs_no_recall),
        cmocka_unit_test(excluding_the_nearest_costs_no_recall),
        cmocka_unit_test(what_was_put_since_is_found_with_the_graph),
        cmocka_unit_test(deleting_the_longest_third_costs_no_recall),
    };
    fill();
    good = build("HNSW16", 64, 80);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tw_index_destroy(good);
    return failed;
}
