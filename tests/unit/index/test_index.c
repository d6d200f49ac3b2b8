/* The handle's contract on a handful of vectors, with numbers worked out by hand. */
#include <math.h>
#include <string.h>

#include "index/index.h"
#include "tests/support/test.h"

/* Five points in the plane; with the query (1, 2) they score 1, 2, 3, 0, -3. */
static const int64_t ids5[5] = {10, 20, 30, 40, 50};
static const float vecs5[10] = {1, 0, 0, 1, 1, 1, 0, 0, -1, -1};
static const float query[2] = {1, 2};

static tw_index *five(void)
{
    tw_index *ix = NULL;
    const tw_index_config cfg = {.dim = 2};
    assert_ok(tw_index_create(&ix, &cfg, err));
    assert_ok(tw_index_build(ix, ids5, vecs5, 5, NULL, NULL, err));
    return ix;
}

static void expect(const tw_index *ix, int k, const tw_index_options *opt, int n,
                   const int64_t *ids, const float *scores)
{
    tw_hit hits[16];
    int got = -1;
    assert_ok(tw_index_search(ix, query, k, opt, hits, &got, err));
    assert_int_equal(got, n);
    for (int i = 0; i < n; i++) {
        assert_int_equal(hits[i].item, ids[i]);
        assert_near(hits[i].score, scores[i], 0);
    }
}

static void hits_come_best_first(void **state)
{
    (void) state;
    tw_index *ix = five();
    expect(ix, 3, NULL, 3, (int64_t[]){30, 20, 10}, (float[]){3, 2, 1});
    tw_index_destroy(ix);
}

static void k_above_the_number_of_rows_gives_all(void **state)
{
    (void) state;
    tw_index *ix = five();
    expect(ix, 16, NULL, 5, (int64_t[]){30, 20, 10, 40, 50}, (float[]){3, 2, 1, 0, -3});
    tw_index_destroy(ix);
}

static void an_empty_index_gives_nothing(void **state)
{
    (void) state;
    tw_index *ix = NULL;
    const tw_index_config cfg = {.dim = 2};
    assert_ok(tw_index_create(&ix, &cfg, err));
    expect(ix, 3, NULL, 0, NULL, NULL);
    assert_ok(tw_index_merge(ix, NULL, NULL, err));
    expect(ix, 3, NULL, 0, NULL, NULL);
    tw_index_destroy(ix);
    tw_index_destroy(NULL);
}

static void ties_are_ordered_by_id(void **state)
{
    (void) state;
    tw_index *ix = five();
    const float same[2] = {2, 0.5f}; /* scores 3, as id 30 does */
    assert_ok(tw_index_put(ix, 31, same, err));
    assert_ok(tw_index_put(ix, 5, same, err));
    expect(ix, 2, NULL, 2, (int64_t[]){5, 30}, (float[]){3, 3});
    expect(ix, 3, NULL, 3, (int64_t[]){5, 30, 31}, (float[]){3, 3, 3});
    tw_index_destroy(ix);
}

static void a_put_replaces_at_once(void **state)
{
    (void) state;
    tw_index *ix = five();
    const float far[2] = {0, 4}, near[2] = {0, -1};
    float back[2];
    assert_ok(tw_index_put(ix, 20, far, err));
    expect(ix, 2, NULL, 2, (int64_t[]){20, 30}, (float[]){8, 3});
    assert_ok(tw_index_put(ix, 20, near, err)); /* the delta's own row is replaced, too */
    expect(ix, 5, NULL, 5, (int64_t[]){30, 10, 40, 20, 50}, (float[]){3, 1, 0, -2, -3});
    assert_int_equal(tw_index_size(ix), 5);
    assert_ok(tw_index_get(ix, 20, back, err));
    assert_memory_equal(back, near, sizeof back);
    tw_index_destroy(ix);
}

static void a_deleted_id_is_gone_until_it_is_put_again(void **state)
{
    (void) state;
    tw_index *ix = five();
    float back[2] = {7, 7};
    assert_ok(tw_index_delete(ix, 30, err));
    expect(ix, 2, NULL, 2, (int64_t[]){20, 10}, (float[]){2, 1});
    assert_status(tw_index_delete(ix, 30, err), TW_ENOTFOUND);
    assert_status(tw_index_get(ix, 30, back, err), TW_ENOTFOUND);
    assert_near(back[0], 7, 0); /* untouched */
    assert_false(tw_index_has(ix, 30));
    assert_ok(tw_index_put(ix, 30, vecs5, err));
    assert_true(tw_index_has(ix, 30));
    expect(ix, 3, NULL, 3, (int64_t[]){20, 10, 30}, (float[]){2, 1, 1});
    assert_ok(tw_index_delete(ix, 30, err)); /* out of the delta this time */
    expect(ix, 2, NULL, 2, (int64_t[]){20, 10}, (float[]){2, 1});
    assert_int_equal(tw_index_size(ix), 4);
    tw_index_destroy(ix);
}

static void excluded_and_forbidden_ids_do_not_appear(void **state)
{
    (void) state;
    tw_index *ix = five();
    const float extra[2] = {3, 3};
    assert_ok(tw_index_put(ix, 60, extra, err)); /* score 9, in the delta */
    const int64_t out[4] = {60, 999, -5, 30};
    const tw_index_options exclude = {.exclude = out, .n_exclude = 4};
    expect(ix, 2, &exclude, 2, (int64_t[]){20, 10}, (float[]){2, 1});

    const uint64_t one_word[1] = {UINT64_C(1) << 10 | UINT64_C(1) << 60 | UINT64_C(1) << 3};
    const tw_index_options allow = {.allow = one_word, .allow_words = 1};
    expect(ix, 5, &allow, 2, (int64_t[]){60, 10}, (float[]){9, 1});

    const tw_index_options both = {
        .allow = one_word, .allow_words = 1, .exclude = out, .n_exclude = 1};
    expect(ix, 5, &both, 1, (int64_t[]){10}, (float[]){1});

    const tw_index_options nothing = {.allow = one_word, .allow_words = 0};
    expect(ix, 5, &nothing, 0, NULL, NULL);
    tw_index_destroy(ix);
}

static void a_batch_equals_its_single_searches(void **state)
{
    (void) state;
    tw_index *ix = five();
    float queries[2 * 70];
    tw_hit batch[70 * 3], single[3];
    int counts[70], n;
    for (int i = 0; i < 140; i++)
        queries[i] = (float) ((i * 29) % 17 - 8);
    assert_ok(tw_index_search_batch(ix, queries, 70, 3, NULL, batch, counts, err));
    for (int i = 0; i < 70; i++) {
        assert_ok(tw_index_search(ix, queries + 2 * i, 3, NULL, single, &n, err));
        assert_int_equal(n, counts[i]);
        for (int j = 0; j < n; j++) {
            assert_int_equal(single[j].item, batch[3 * i + j].item);
            assert_near(single[j].score, batch[3 * i + j].score, 0);
        }
    }
    tw_index_destroy(ix);
}

static void bad_configurations_are_named_by_field(void **state)
{
    (void) state;
    const struct {
        tw_index_config cfg;
        const char *says;
    } rows[] = {
        {{.dim = 0}, "dim 0 is outside 1..4096"},
        {{.dim = 4097}, "dim 4097 is outside"},
        {{.dim = 2, .ef_search = -1}, "ef_search -1"},
        {{.dim = 2, .ef_search = 65537}, "ef_search 65537"},
        {{.dim = 2, .ef_construction = -1}, "ef_construction -1"},
        {{.dim = 2, .exact_below = -1}, "exact_below -1"},
        {{.dim = 2, .merge_rows = -1}, "merge_rows -1"},
        {{.dim = 2, .merge_share = -0.5}, "merge_share -0.5"},
        {{.dim = 2, .merge_share = (double) NAN}, "merge_share"},
        {{.dim = 2, .build_threads = 65}, "build_threads 65"},
        {{.dim = 2, .factory = "0123456789012345678901234567890123456789012345678901234567890123"},
         "factory string has 64"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_error e = {0};
        tw_index *ix = (tw_index *) &e;
        assert_int_equal(tw_index_create(&ix, &rows[i].cfg, &e), TW_EINVAL);
        assert_null(ix);
        assert_non_null(strstr(e.msg, rows[i].says));
    }
}

static void bad_rows_are_refused_with_their_place(void **state)
{
    (void) state;
    tw_index *ix = five();
    const float nan2[2] = {0, NAN}, inf2[2] = {-INFINITY, 0}, huge2[2] = {0, 2e17f};
    float bad5[10];
    tw_error e = {0};

    assert_int_equal(tw_index_put(ix, 7, nan2, &e), TW_EINVAL);
    assert_non_null(strstr(e.msg, "id 7 has nan at position 1"));
    assert_int_equal(tw_index_put(ix, 7, inf2, &e), TW_EINVAL);
    assert_non_null(strstr(e.msg, "position 0"));
    assert_int_equal(tw_index_put(ix, 7, huge2, &e), TW_EINVAL);
    assert_status(tw_index_put(ix, 0, vecs5, err), TW_EINVAL);
    assert_status(tw_index_put(ix, TW_INDEX_MAX_ID + 1, vecs5, err), TW_EINVAL);

    memcpy(bad5, vecs5, sizeof bad5);
    bad5[7] = NAN;
    assert_int_equal(tw_index_build(ix, ids5, bad5, 5, NULL, NULL, &e), TW_EINVAL);
    assert_non_null(strstr(e.msg, "id 40 (row 3) has nan at position 1"));
    assert_int_equal(tw_index_build(ix, (int64_t[]){3, 1, 3}, vecs5, 3, NULL, NULL, &e), TW_EINVAL);
    assert_non_null(strstr(e.msg, "id 3 is there twice"));
    assert_status(tw_index_build(ix, (int64_t[]){0}, vecs5, 1, NULL, NULL, err), TW_EINVAL);
    assert_status(tw_index_build(ix, ids5, vecs5, -1, NULL, NULL, err), TW_EINVAL);

    /* after all that, what was there is there */
    expect(ix, 3, NULL, 3, (int64_t[]){30, 20, 10}, (float[]){3, 2, 1});
    tw_index_destroy(ix);
}

static void bad_searches_give_a_status_and_no_hits(void **state)
{
    (void) state;
    tw_index *ix = five();
    tw_hit hits[4];
    const float bad[2] = {1, INFINITY};
    const tw_index_options wide = {.ef = TW_INDEX_MAX_EF + 1}, negative = {.ef = -1},
                           minus = {.n_exclude = -1};
    int n = 9;

    assert_status(tw_index_search(ix, bad, 3, NULL, hits, &n, err), TW_EINVAL);
    assert_int_equal(n, 0);
    assert_status(tw_index_search(ix, query, 0, NULL, hits, &n, err), TW_EINVAL);
    assert_status(tw_index_search(ix, query, TW_INDEX_MAX_K + 1, NULL, hits, &n, err), TW_EINVAL);
    assert_status(tw_index_search(ix, query, 3, &wide, hits, &n, err), TW_EINVAL);
    assert_status(tw_index_search(ix, query, 3, &negative, hits, &n, err), TW_EINVAL);
    assert_status(tw_index_search(ix, query, 3, &minus, hits, &n, err), TW_EINVAL);
    assert_ok(tw_index_search_batch(ix, NULL, 0, 3, NULL, NULL, NULL, err)); /* no query is fine */
    tw_index_destroy(ix);
}

static void building_replaces_everything(void **state)
{
    (void) state;
    tw_index *ix = five();
    tw_index_stats s;
    assert_ok(tw_index_put(ix, 77, vecs5, err));
    assert_ok(tw_index_build(ix, (int64_t[]){8, 4}, vecs5, 2, NULL, NULL, err));
    expect(ix, 5, NULL, 2, (int64_t[]){4, 8}, (float[]){2, 1});
    assert_ok(tw_index_build(ix, NULL, NULL, 0, NULL, NULL, err));
    expect(ix, 5, NULL, 0, NULL, NULL);
    tw_index_get_stats(ix, &s);
    assert_int_equal(s.live, 0);
    assert_int_equal(s.merges, 3);
    tw_index_destroy(ix);
}

static void stats_count_rows_and_the_dead(void **state)
{
    (void) state;
    tw_index *ix = five();
    tw_index_stats s;
    assert_ok(tw_index_put(ix, 10, query, err)); /* kills a row of main */
    assert_ok(tw_index_put(ix, 10, query, err)); /* and one of delta */
    assert_ok(tw_index_put(ix, 60, query, err));
    assert_ok(tw_index_delete(ix, 20, err));
    tw_index_get_stats(ix, &s);
    assert_int_equal(s.live, 5);
    assert_int_equal(s.main_rows, 5);
    assert_int_equal(s.delta_rows, 3);
    assert_int_equal(s.dead_rows, 3);
    assert_true(s.exact);
    assert_string_equal(s.kind, "exact");
    assert_true(s.bytes > 5 * 8);
    assert_int_equal(tw_index_dim(ix), 2);
    tw_index_destroy(ix);
}

static void recall_of_an_exact_index_is_one(void **state)
{
    (void) state;
    tw_index *ix = five();
    double recall = 0, us = -1;
    assert_ok(tw_index_recall(ix, vecs5, 5, 3, NULL, &recall, &us, err));
    assert_near(recall, 1, 0);
    assert_true(us >= 0);
    assert_status(tw_index_recall(ix, vecs5, 0, 3, NULL, &recall, NULL, err), TW_EINVAL);
    assert_status(tw_index_recall(ix, vecs5, 1, 0, NULL, &recall, NULL, err), TW_EINVAL);
    tw_index_destroy(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hits_come_best_first),
        cmocka_unit_test(k_above_the_number_of_rows_gives_all),
        cmocka_unit_test(an_empty_index_gives_nothing),
        cmocka_unit_test(ties_are_ordered_by_id),
        cmocka_unit_test(a_put_replaces_at_once),
        cmocka_unit_test(a_deleted_id_is_gone_until_it_is_put_again),
        cmocka_unit_test(excluded_and_forbidden_ids_do_not_appear),
        cmocka_unit_test(a_batch_equals_its_single_searches),
        cmocka_unit_test(bad_configurations_are_named_by_field),
        cmocka_unit_test(bad_rows_are_refused_with_their_place),
        cmocka_unit_test(bad_searches_give_a_status_and_no_hits),
        cmocka_unit_test(building_replaces_everything),
        cmocka_unit_test(stats_count_rows_and_the_dead),
        cmocka_unit_test(recall_of_an_exact_index_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
