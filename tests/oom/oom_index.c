/* The nth allocation fails, n = 1, 2, ...: the status is TW_ENOMEM, the index is as it was, nothing
 * leaks (ASan). Allocations inside FAISS are its own and not counted. */
#include <string.h>

#include "base/alloc.h"
#include "index/index.h"
#include "tests/support/test.h"

enum { N = 1200, D = 4, BATCH = 64 };
static int64_t ids[N];
static float vecs[N * D];
static const tw_index_config cfg = {.dim = D, .factory = "HNSW4", .ef_construction = 8};

static tw_index *built(void)
{
    tw_index *ix = NULL;
    assert_ok(tw_index_create(&ix, &cfg, err));
    assert_ok(tw_index_build(ix, ids, vecs, N, NULL, NULL, err));
    assert_ok(tw_index_put(ix, 5, vecs, err));
    assert_ok(tw_index_delete(ix, 6, err));
    return ix;
}

static void expect_untouched(const tw_index *ix)
{
    static tw_hit hits[N + 1];
    int n;
    const tw_index_options exact = {.exact = true};
    assert_ok(tw_index_search(ix, vecs + D, N + 1, &exact, hits, &n, err));
    assert_int_equal(n, N - 1);
    assert_int_equal(tw_index_size(ix), N - 1);
}

/* One operation under torture. NULL before it: it makes the index itself. */
typedef tw_status (*operation)(tw_index **ix, tw_error *err);

static void torture(operation op, bool makes, long least)
{
    long nth = 0;
    bool fired;
    do {
        tw_index *ix = makes ? NULL : built();
        tw_error err = {0};
        tw_torture_arm(++nth);
        tw_status st = op(&ix, &err);
        fired = tw_torture_fired();
        tw_torture_arm(0);
        assert_int_equal(st, fired ? TW_ENOMEM : TW_OK);
        assert_int_equal(err.msg[0] != '\0', fired);
        if (makes)
            assert_int_equal(ix == NULL, fired);
        else if (fired)
            expect_untouched(ix);
        tw_index_destroy(ix);
    } while (fired);
    assert_true(nth > least); /* so many allocations were really made to fail */
}

static tw_status create(tw_index **ix, tw_error *err) { return tw_index_create(ix, &cfg, err); }

static tw_status build(tw_index **ix, tw_error *err)
{
    return tw_index_build(*ix, ids, vecs, N, NULL, NULL, err);
}

/* A graph that finds less than all is given up for a copy of its rows. */
static tw_status give_up(tw_index **ix, tw_error *err)
{
    const tw_index_config poor = {
        .dim = D, .factory = "HNSW4", .ef_search = 1, .ef_construction = 2, .least_recall = 1};
    tw_index_stats s;
    tw_status st = tw_index_create(ix, &poor, err);
    if (st == TW_OK)
        st = tw_index_build(*ix, ids, vecs, N, NULL, NULL, err);
    if (st == TW_OK) {
        tw_index_get_stats(*ix, &s);
        assert_true(s.exact && s.recall > 0 && s.main_vectors < s.main_rows);
    } else {
        tw_index_destroy(*ix);
        *ix = NULL;
    }
    return st;
}

static tw_status put(tw_index **ix, tw_error *err)
{
    return tw_index_put(*ix, 1000000, vecs, err); /* a new page of ids */
}

static tw_status first_put(tw_index **ix, tw_error *err)
{
    tw_status st = tw_index_create(ix, &cfg, err);
    if (st == TW_OK)
        st = tw_index_put(*ix, 1, vecs, err);
    if (st != TW_OK) {
        tw_index_destroy(*ix);
        *ix = NULL;
    }
    return st;
}

static tw_status fold(tw_index **ix, tw_error *err) { return tw_index_merge(*ix, NULL, NULL, err); }

static tw_status save(tw_index **ix, tw_error *err)
{
    return tw_index_save(*ix, tw_test_path("oom.twi"), "tag", 1, err);
}

static tw_status load(tw_index **ix, tw_error *err)
{
    return tw_index_load(ix, &cfg, tw_test_path("kept.twi"), NULL, err);
}

static tw_status search(tw_index **ix, tw_error *err)
{
    int64_t many[300] = {0};
    tw_hit hits[5];
    int n;
    const tw_index_options opt = {.exclude = many, .n_exclude = 300};
    return tw_index_search(*ix, vecs, 5, &opt, hits, &n, err);
}

/* Through the graph, with more candidates than the stack has room for. */
static tw_status batch(tw_index **ix, tw_error *err)
{
    static tw_hit hits[BATCH * 8];
    int n[BATCH];
    const tw_index_options opt = {.ef = 12};
    return tw_index_search_batch(*ix, vecs, BATCH, 8, &opt, hits, n, err);
}

static tw_status recall(tw_index **ix, tw_error *err)
{
    double r;
    return tw_index_recall(*ix, vecs, 2, 5, NULL, &r, NULL, err);
}

static void every_call_survives_running_out_of_memory(void **state)
{
    (void) state;
    tw_index *ix = built();
    assert_ok(tw_index_save(ix, tw_test_path("kept.twi"), NULL, 0, err));
    tw_index_destroy(ix);

    torture(create, true, 4);
    torture(first_put, true, 7);
    torture(load, true, 12);
    torture(build, false, 16);
    torture(give_up, true, 22);
    torture(put, false, 1);
    torture(fold, false, 16);
    torture(save, false, 1);
    torture(search, false, 1);
    torture(batch, false, 1);
    torture(recall, false, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_survives_running_out_of_memory),
    };
    for (int i = 0; i < N; i++) {
        ids[i] = i + 1;
        for (int j = 0; j < D; j++)
            vecs[i * D + j] = (float) (i * (j + 3) * 7 % 997 - 498); /* the last 203 are copies */
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
