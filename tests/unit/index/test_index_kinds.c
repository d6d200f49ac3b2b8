/* The same promises whatever FAISS index is inside: compressed, inverted, graph. */
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "index/faiss_compat.h"
#include "index/index.h"
#include "tests/support/test.h"

int omp_get_max_threads(void); /* of OpenMP; clang has no omp.h here */

enum {
    N = 4200,
    D = 16,
    Q = 20,
    K = 10
}; /* N: where a graph at ef 64 is just cheaper than a scan */
static int64_t ids[N];
static float vecs[N * D], queries[Q * D];

static void fill(void)
{
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < N * D; i++)
        vecs[i] = (float) tw_rng_normal(&rng);
    for (int i = 0; i < Q * D; i++)
        queries[i] = (float) tw_rng_normal(&rng);
    for (int i = 0; i < N; i++)
        ids[i] = i + 1;
}

static const struct {
    const char *factory;
    double floor, ceiling; /* of recall@10; PCA8 drops half of each row, which a scan would not */
} kinds[] = {
    {"Flat", 1, 1},        {"HNSW16", 0.95, 1}, {"HNSW16,SQ8", 0.95, 1},  {"IVF16,Flat", 0.95, 1},
    {"IVF8,SQ8", 0.95, 1}, {"SQ8", 0.95, 1},    {"PCA8,Flat", 0.3, 0.95},
};

static void every_kind_keeps_the_promises(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        tw_index *ix = NULL, *again = NULL;
        const tw_index_config cfg = {
            .dim = D, .factory = kinds[i].factory, .ef_construction = 40, .least_recall = 0.1};
        const char *path = tw_test_path("kind.twi");
        double recall;
        float back[D];
        tw_hit hits[K], more[K];
        int n, m;

        assert_ok(tw_index_create(&ix, &cfg, err));
        assert_ok(tw_index_build(ix, ids, vecs, N, NULL, NULL, err));
        assert_ok(tw_index_recall(ix, queries, Q, K, NULL, &recall, NULL, err));
        if (recall < kinds[i].floor || recall > kinds[i].ceiling)
            fail_msg("%s: recall %.3f is outside %.2f..%.2f", kinds[i].factory, recall,
                     kinds[i].floor, kinds[i].ceiling);

        assert_ok(tw_index_get(ix, 700, back, err)); /* exactly as put, though codes are inside */
        assert_memory_equal(back, vecs + 699 * D, sizeof back);
        for (int d = 1; d <= 200; d++)
            assert_ok(tw_index_delete(ix, d, err));
        assert_ok(tw_index_save(ix, path, NULL, 0, err));
        assert_ok(tw_index_load(&again, &cfg, path, NULL, err));
        for (int q = 0; q < Q; q++) {
            assert_ok(tw_index_search(ix, queries + q * D, K, NULL, hits, &n, err));
            assert_ok(tw_index_search(again, queries + q * D, K, NULL, more, &m, err));
            assert_int_equal(n, K);
            assert_int_equal(m, K);
            for (int j = 0; j < K; j++) {
                assert_true(hits[j].item > 200);
                assert_int_equal(hits[j].item, more[j].item);
                assert_near(hits[j].score, more[j].score, 0);
            }
        }
        tw_index_destroy(ix);
        tw_index_destroy(again);
    }
}

/* Half of each row is not there: the index scans instead, and says what the graph was worth. */
static void a_kind_that_finds_too_little_is_given_up(void **state)
{
    (void) state;
    tw_index *ix = NULL, *back = NULL;
    const tw_index_config cfg = {.dim = D, .factory = "PCA8,Flat"};
    const char *path = tw_test_path("poor.twi");
    tw_index_stats s, again;
    double recall;

    assert_ok(tw_index_create(&ix, &cfg, err));
    assert_ok(tw_index_build(ix, ids, vecs, N, NULL, NULL, err));
    tw_index_get_stats(ix, &s);
    assert_true(s.exact);
    assert_string_equal(s.kind, "exact");
    assert_true(s.recall > 0.3 && s.recall < 0.9);
    assert_false(s.lacks_graph);
    assert_false(tw_index_wants_merge(ix)); /* it would come out the same */
    assert_ok(tw_index_recall(ix, queries, Q, K, NULL, &recall, NULL, err));
    assert_near(recall, 1, 0);
    assert_ok(tw_index_save(ix, path, NULL, 0, err));
    assert_ok(tw_index_load(&back, &cfg, path, NULL, err));
    tw_index_get_stats(back, &again);
    assert_true(again.exact);
    assert_near(again.recall, s.recall, 0);
    assert_false(tw_index_wants_merge(back));
    tw_index_destroy(ix);
    tw_index_destroy(back);
}

/* The bytes of a snapshot as the first format had them: no vectors' number, no recall. */
static void to_first_format(const char *path)
{
    char *bytes;
    size_t len;
    const uint32_t version = 1;
    assert_ok(tw_file_read(path, 1 << 24, &bytes, &len, err));
    memcpy(bytes + 8, &version, 4);
    memset(bytes + 248, 0, 16);
    uint32_t crc = tw_crc32(0, bytes, 316);
    memcpy(bytes + 316, &crc, 4);
    crc = tw_crc32(0, bytes, len - 4);
    memcpy(bytes + len - 4, &crc, 4);
    assert_ok(tw_file_replace(path, bytes, len, err));
    tw_free(bytes);
}

/* Graphs of that format may find next to nothing: those are not believed, the others are. */
static void a_graph_of_the_first_format_is_measured_when_it_is_read(void **state)
{
    (void) state;
    const char *const factories[] = {"HNSW2", "HNSW16"};
    for (int i = 0; i < 2; i++) {
        tw_index *ix = NULL, *back = NULL;
        const tw_index_config any = {.dim = D,
                                     .factory = factories[i],
                                     .ef_construction = 4 + 36 * i,
                                     .least_recall = TW_INDEX_LOW_RECALL};
        const tw_index_config good = {.dim = D, .factory = "HNSW16", .ef_construction = 40};
        const char *path = tw_test_path("first.twi");
        tw_index_stats s;
        double recall;

        assert_ok(tw_index_create(&ix, &any, err));
        assert_ok(tw_index_build(ix, ids, vecs, N, NULL, NULL, err));
        assert_ok(tw_index_recall(ix, queries, Q, K, NULL, &recall, NULL, err));
        assert_int_equal(recall > 0.9, i);
        assert_ok(tw_index_save(ix, path, NULL, 0, err));
        to_first_format(path);
        assert_ok(tw_index_load(&back, &good, path, NULL, err));
        tw_index_get_stats(back, &s);
        assert_int_equal(s.exact, i == 0);
        assert_int_equal(s.lacks_graph, i == 0);
        assert_int_equal(tw_index_wants_merge(back), i == 0);
        assert_int_equal(s.recall > 0.9, i);
        assert_ok(tw_index_merge(back, NULL, NULL, err));
        tw_index_get_stats(back, &s);
        assert_false(s.exact);
        assert_true(s.recall > 0.9);
        tw_index_destroy(ix);
        tw_index_destroy(back);
    }
}

static void too_little_to_train_on_is_an_error_not_a_crash(void **state)
{
    (void) state;
    tw_index *ix = NULL;
    const tw_index_config cfg = {.dim = D, .factory = "IVF64,Flat"};
    assert_ok(tw_index_create(&ix, &cfg, err));
    assert_status(tw_index_build(ix, ids, vecs, 10, NULL, NULL, err), TW_EINVAL);
    assert_int_equal(tw_index_size(ix), 0);
    tw_index_destroy(ix);
}

static void openmp_is_left_as_it_was(void **state)
{
    (void) state;
    tw_index *ix = NULL;
    tw_hit hits[K];
    int n;
    const tw_index_config cfg = {.dim = D, .factory = "HNSW8", .build_threads = 2};
    assert_ok(tw_index_create(&ix, &cfg, err));
    twi_compat_set_threads(3);
    assert_ok(tw_index_build(ix, ids, vecs, N, NULL, NULL, err));
    assert_int_equal(omp_get_max_threads(), 3);
    assert_ok(tw_index_search(ix, queries, K, NULL, hits, &n, err));
    assert_int_equal(omp_get_max_threads(), 3);
    tw_index_single_thread();
    assert_int_equal(omp_get_max_threads(), 1);
    tw_index_destroy(ix);
}

static void equal_content_gives_equal_answers(void **state)
{
    (void) state;
    tw_index *one = NULL, *two = NULL;
    const tw_index_config cfg = {.dim = D, .factory = "HNSW8"};
    tw_hit a[Q * K], b[Q * K];
    int na[Q], nb[Q];
    assert_ok(tw_index_create(&one, &cfg, err));
    assert_ok(tw_index_create(&two, &cfg, err));
    assert_ok(tw_index_build(one, ids, vecs, N, NULL, NULL, err));
    for (int i = N - 1; i >= 0; i--) /* the same, put one by one from the end */
        assert_ok(tw_index_put(two, ids[i], vecs + i * D, err));
    assert_ok(tw_index_merge(two, NULL, NULL, err));
    assert_ok(tw_index_search_batch(one, queries, Q, K, NULL, a, na, err));
    assert_ok(tw_index_search_batch(two, queries, Q, K, NULL, b, nb, err));
    for (int i = 0; i < Q * K; i++) {
        assert_int_equal(a[i].item, b[i].item);
        assert_near(a[i].score, b[i].score, 0);
    }
    tw_index_destroy(one);
    tw_index_destroy(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_keeps_the_promises),
        cmocka_unit_test(a_kind_that_finds_too_little_is_given_up),
        cmocka_unit_test(a_graph_of_the_first_format_is_measured_when_it_is_read),
        cmocka_unit_test(too_little_to_train_on_is_an_error_not_a_crash),
        cmocka_unit_test(openmp_is_left_as_it_was),
        cmocka_unit_test(equal_content_gives_equal_answers),
    };
    fill();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
