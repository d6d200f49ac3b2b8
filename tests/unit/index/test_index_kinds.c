/* The same promises whatever FAISS index is inside: compressed, inverted, graph. */
#include <string.h>

#include "base/rng.h"
#include "index/faiss_compat.h"
#include "index/internal.h"
#include "tests/support/test.h"

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
        const tw_index_config cfg = {.dim = D, .factory = kinds[i].factory, .ef_construction = 40};
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
    assert_int_equal(twi_compat_threads(), 3);
    assert_ok(tw_index_search(ix, queries, K, NULL, hits, &n, err));
    assert_int_equal(twi_compat_threads(), 3);
    tw_index_single_thread();
    assert_int_equal(twi_compat_threads(), 1);
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
    assert_ok(tw_index_fold(two, NULL, NULL, err));
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
        cmocka_unit_test(too_little_to_train_on_is_an_error_not_a_crash),
        cmocka_unit_test(openmp_is_left_as_it_was),
        cmocka_unit_test(equal_content_gives_equal_answers),
    };
    fill();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
