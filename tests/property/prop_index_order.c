/* What a catalogue is like: rows in the order of their kind, some of them many times over. The
 * graph must not care. Fed as they come, in portions, these rows gave graphs with a recall of .85
 * (order), .75 (copies) and .62 (both), however wide they were searched: rows that come in order
 * are linked within their kind, and copies fill each other's lists of neighbours. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "index/index.h"
#include "tests/support/test.h"

enum { N = 20000, D = 24, KINDS = 400, Q = 40, K = 10, WORDS = N / 64 + 1 };

static int64_t ids[N];
static float vecs[N * D];

static void unit(float *v)
{
    double sum = 0;
    for (int j = 0; j < D; j++)
        sum += (double) v[j] * (double) v[j];
    for (int j = 0; j < D; j++)
        v[j] = (float) ((double) v[j] / sqrt(sum));
}

/* Rows around KINDS middles, one kind after the other; a share of them then becomes copies of
 * `groups` rows, but for noise of that size a number. */
static void fill(double share, int groups, double noise)
{
    static float middles[KINDS * D];
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < KINDS * D; i++)
        middles[i] = (float) tw_rng_normal(&rng);
    for (int i = 0; i < N; i++) {
        const float *c = middles + (int64_t) i * KINDS / N * D;
        for (int j = 0; j < D; j++)
            vecs[i * D + j] = (float) ((double) c[j] + 0.1 * tw_rng_normal(&rng));
        unit(vecs + i * D);
        ids[i] = i + 1;
    }
    for (int i = 0; i < N && share > 0; i++) {
        if (tw_rng_uniform(&rng) >= share)
            continue;
        const int of = (int) tw_rng_below(&rng, (uint64_t) groups) * (N / groups);
        for (int j = 0; j < D; j++)
            vecs[i * D + j] =
                (float) ((double) vecs[of * D + j] + (noise > 0 ? noise * tw_rng_normal(&rng) : 0));
    }
}

static tw_index *build_as(const char *factory, double least_recall)
{
    tw_index *ix = NULL;
    const tw_index_config cfg = {
        .dim = D, .factory = factory, .ef_construction = 40, .least_recall = least_recall};
    assert_ok(tw_index_create(&ix, &cfg, err));
    assert_ok(tw_index_build(ix, ids, vecs, N, NULL, NULL, err));
    return ix;
}

/* All over the catalogue, in step with nothing. */
static int query_row(int q) { return (q * 7919 + 7) % N; }

static tw_index *build(double least_recall) { return build_as("HNSW8", least_recall); }

/* Sorted by score, ties by id ascending. */
static bool in_order(const tw_hit *a, const tw_hit *b)
{
    return a->score > b->score || (a->score == b->score && a->item < b->item);
}

static bool may[N + 1]; /* by id: what a search may give */

static void allow_all(void)
{
    for (int id = 1; id <= N; id++)
        may[id] = true;
}

/* Share of the k nearest found, by score: ties count. Brute force, in double. */
static double recall(const tw_index *ix, const tw_index_options *opt)
{
    static double scores[N + 1];
    tw_hit hits[K];
    int found = 0, wanted = 0, n;
    for (int q = 0; q < Q; q++) {
        const float *query = vecs + query_row(q) * D;
        int matching = 0;
        for (int id = 1; id <= N; id++) {
            scores[id] = 0;
            for (int j = 0; j < D; j++)
                scores[id] += (double) query[j] * (double) vecs[(id - 1) * D + j];
            matching += may[id];
        }
        assert_ok(tw_index_search(ix, query, K, opt, hits, &n, err));
        assert_int_equal(n, matching < K ? matching : K); /* never fewer */
        for (int h = 0; h < n; h++) {
            const int64_t id = hits[h].item;
            int better = 0;
            assert_true(may[id]);
            assert_near(hits[h].score, scores[id], 1e-5);
            assert_true(h == 0 || in_order(&hits[h - 1], &hits[h]));
            for (int i = 1; i <= N; i++)
                better += may[i] && scores[i] > scores[id] + 1e-6;
            found += better < K;
        }
        wanted += n;
    }
    return (double) found / wanted;
}

static void expect_recall(const tw_index *ix, const tw_index_options *opt, double least)
{
    const double r = recall(ix, opt);
    if (r < least)
        fail_msg("recall %.3f is below %.2f", r, least);
}

static void the_graph_finds(double least)
{
    tw_index *ix = build(TW_INDEX_LOW_RECALL);
    tw_index_stats s;
    tw_index_get_stats(ix, &s);
    assert_false(s.exact);
    allow_all();
    expect_recall(ix, NULL, least);
    /* what it says of itself is what is measured here, on other rows */
    assert_near(s.recall, recall(ix, NULL), 0.05);
    tw_index_destroy(ix);
}

static void rows_in_order_of_their_kind(void **state)
{
    (void) state;
    fill(0, 0, 0);
    the_graph_finds(0.97);
}

static void half_are_copies_of_twenty(void **state)
{
    (void) state;
    fill(0.5, 20, 0);
    the_graph_finds(0.97);
}

/* Not equal, so each is a node, and five hundred such nodes link to each other first. The shuffle
 * helps, and the sample watches: the graph finds .88 to .97, by seed, or the index scans. */
static void half_are_nearly_copies_of_twenty(void **state)
{
    (void) state;
    fill(0.5, 20, 1e-7);
    tw_index *ix = build(0);
    allow_all();
    expect_recall(ix, NULL, 0.85);
    tw_index_destroy(ix);
}

/* Each of 4,000 rows some three times over: a search meets many small groups. */
static void variants_under_every_rule(void **state)
{
    (void) state;
    static uint64_t allow[WORDS];
    static int64_t out[Q * 6];
    tw_hit hits[6];
    tw_index_stats s;
    int n_out = 0, n;

    fill(0.6, 4000, 0);
    tw_index *ix = build(TW_INDEX_LOW_RECALL);
    tw_index_get_stats(ix, &s);
    assert_int_equal(s.main_rows, N);
    assert_true((double) s.main_vectors < N * 0.55);
    allow_all();
    expect_recall(ix, NULL, 0.97);

    for (int id = 1; id <= N; id++) {
        may[id] = id % 3 == 0;
        if (may[id])
            allow[id / 64] |= UINT64_C(1) << (id % 64);
    }
    const tw_index_options thirds = {.allow = allow, .allow_words = WORDS};
    expect_recall(ix, &thirds, 0.97);

    allow_all();
    for (int q = 0; q < Q; q++) { /* what each query finds first, whole groups and halves */
        assert_ok(tw_index_search(ix, vecs + query_row(q) * D, 1 + q % 6, NULL, hits, &n, err));
        for (int i = 0; i < n; i++) {
            out[n_out++] = hits[i].item;
            may[hits[i].item] = false;
        }
    }
    const tw_index_options without = {.exclude = out, .n_exclude = n_out};
    expect_recall(ix, &without, 0.97);

    for (int id = 1; id <= N; id++) { /* half of all is deleted, first ids of groups, too */
        may[id] = id % 2 == 0;
        if (!may[id])
            assert_ok(tw_index_delete(ix, id, err));
    }
    expect_recall(ix, NULL, 0.97);
    assert_ok(tw_index_merge(ix, NULL, NULL, err));
    expect_recall(ix, NULL, 0.97);
    tw_index_destroy(ix);
}

/* A quarter of the catalogue is one vector ("Add your description here"). */
static void one_vector_five_thousand_times(void **state)
{
    (void) state;
    enum { ONE = 5000, OTHER = 1000 }; /* ids 1..5000; row OTHER's own vector comes second */
    static tw_hit hits[ONE + 10];
    static int64_t out[ONE];
    int n;

    fill(0, 0, 0);
    for (int i = 0; i < ONE; i++)
        memcpy(vecs + i * D, vecs, D * sizeof *vecs);
    tw_index *ix = build_as("HNSW32", TW_INDEX_LOW_RECALL); /* which misses no node */

    assert_ok(tw_index_search(ix, vecs, K, NULL, hits, &n, err));
    assert_int_equal(n, K);
    for (int i = 0; i < K; i++)
        assert_int_equal(hits[i].item, i + 1); /* ties by id */
    for (int id = 2; id <= 8; id++)
        assert_ok(tw_index_delete(ix, id, err));
    assert_ok(tw_index_search(ix, vecs, 2, NULL, hits, &n, err));
    assert_int_equal(hits[0].item, 1);
    assert_int_equal(hits[1].item, 9);
    assert_ok(tw_index_put(ix, 3, vecs, err)); /* one comes back, to the delta */
    assert_ok(tw_index_search(ix, vecs, 3, NULL, hits, &n, err));
    assert_int_equal(hits[1].item, 3);
    assert_int_equal(hits[2].item, 9);

    /* Behind all of them come the others: asked for, or because these are excluded. */
    assert_ok(tw_index_search(ix, vecs, ONE + 10, NULL, hits, &n, err));
    assert_int_equal(n, ONE + 10);
    for (int i = 0; i < n; i++) {
        assert_true(i == 0 || in_order(&hits[i - 1], &hits[i]));
        assert_int_equal(hits[i].item <= ONE, i < ONE - 6);
    }
    for (int i = 0; i < ONE; i++)
        out[i] = i + 1;
    const tw_index_options without = {.exclude = out, .n_exclude = ONE};
    tw_hit rest[16];
    assert_ok(tw_index_search(ix, vecs, 16, &without, rest, &n, err));
    assert_int_equal(n, 16);
    int found = 0;
    for (int i = 0; i < n; i++) {
        assert_true(rest[i].item > ONE);
        found += rest[i].score >= hits[ONE + 9].score;
    }
    assert_true(found >= 14);
    tw_index_destroy(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_in_order_of_their_kind),
        cmocka_unit_test(half_are_copies_of_twenty),
        cmocka_unit_test(half_are_nearly_copies_of_twenty),
        cmocka_unit_test(variants_under_every_rule),
        cmocka_unit_test(one_vector_five_thousand_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
