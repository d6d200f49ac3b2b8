/* Folding: what it keeps, what it drops, and what is written while it runs. The progress callback
 * is the clock: it is called in the middle of a fold, on its thread, while no lock is held. */
#include <string.h>

#include "index/index.h"
#include "tests/support/test.h"

enum { N = 300 };

static tw_index *numbered(const char *factory)
{
    tw_index *ix = NULL;
    int64_t ids[N];
    float vecs[N * 2];
    const tw_index_config cfg = {.dim = 2, .factory = factory};
    for (int i = 0; i < N; i++) {
        ids[i] = N - i; /* descending: a main sorts them */
        vecs[2 * i] = (float) (N - i);
        vecs[2 * i + 1] = 1;
    }
    assert_ok(tw_index_create(&ix, &cfg, err));
    assert_ok(tw_index_build(ix, ids, vecs, N, NULL, NULL, err));
    return ix;
}

/* Every id's vector begins with `value`s of it; -1: gone. */
static void holds(const tw_index *ix, int64_t id, float value)
{
    float back[2];
    tw_hit hits[1];
    int n;
    uint64_t allow[8] = {0};
    const float x[2] = {1, 0};
    allow[id / 64] = UINT64_C(1) << (id % 64);
    const tw_index_options only = {.allow = allow, .allow_words = 8};
    assert_ok(tw_index_search(ix, x, 1, &only, hits, &n, err));
    if (value < 0) {
        assert_int_equal(n, 0);
        assert_status(tw_index_get(ix, id, back, err), TW_ENOTFOUND);
        return;
    }
    assert_int_equal(n, 1);
    assert_int_equal(hits[0].item, id);
    assert_near(hits[0].score, value, 0);
    assert_ok(tw_index_get(ix, id, back, err));
    assert_near(back[0], value, 0);
}

static void put(tw_index *ix, int64_t id, float value)
{
    const float vec[2] = {value, 1};
    assert_ok(tw_index_put(ix, id, vec, err));
}

static void a_fold_leaves_only_the_living_in_main(void **state)
{
    (void) state;
    tw_index *ix = numbered(NULL);
    tw_index_stats s;
    put(ix, 5, 1000);
    put(ix, 400, 2000);
    put(ix, 401, 2001);
    assert_ok(tw_index_delete(ix, 401, err));
    assert_ok(tw_index_delete(ix, 6, err));
    assert_ok(tw_index_merge(ix, NULL, NULL, err));
    tw_index_get_stats(ix, &s);
    assert_int_equal(s.live, N);
    assert_int_equal(s.main_rows, N);
    assert_int_equal(s.delta_rows, 0);
    assert_int_equal(s.dead_rows, 0);
    assert_int_equal(s.merges, 2);
    holds(ix, 5, 1000);
    holds(ix, 400, 2000);
    holds(ix, 401, -1);
    holds(ix, 6, -1);
    holds(ix, 300, 300);
    tw_index_destroy(ix);
}

typedef struct meddler {
    tw_index *ix;
    int calls;
    int cancel_at;
} meddler;

static int meddle(void *ctx, const tw_progress *p)
{
    meddler *m = ctx;
    assert_true(p->done <= p->total);
    if (++m->calls == m->cancel_at)
        return 1;
    if (m->calls != 1)
        return 0;
    assert_status(tw_index_merge(m->ix, NULL, NULL, err), TW_EBUSY);
    assert_status(tw_index_build(m->ix, NULL, NULL, 0, NULL, NULL, err), TW_EBUSY);
    put(m->ix, 1, 5001);                       /* replaces a row that is being folded */
    assert_ok(tw_index_delete(m->ix, 2, err)); /* deletes one */
    put(m->ix, 350, 5350);                     /* brings a new one */
    put(m->ix, 351, 1);                        /* and one that is replaced at once */
    put(m->ix, 351, 5351);
    put(m->ix, 352, 1); /* and one that goes at once */
    assert_ok(tw_index_delete(m->ix, 352, err));
    assert_ok(tw_index_delete(m->ix, 3, err)); /* deletes one and brings it back */
    put(m->ix, 3, 5003);
    put(m->ix, 301, 5301); /* replaces one that was in the delta */
    return 0;
}

static void is_meddled(const tw_index *ix)
{
    holds(ix, 1, 5001);
    holds(ix, 2, -1);
    holds(ix, 3, 5003);
    holds(ix, 4, 4);
    holds(ix, 301, 5301);
    holds(ix, 302, 302);
    holds(ix, 350, 5350);
    holds(ix, 351, 5351);
    holds(ix, 352, -1);
    assert_int_equal(tw_index_size(ix), N + 3); /* - 2, + 301, 302, 350, 351 */
}

static void writes_during_a_fold_survive_it(void **state)
{
    (void) state;
    const char *const kinds[] = {NULL, "HNSW8"};
    for (int i = 0; i < 2; i++) {
        tw_index *ix = numbered(kinds[i]);
        meddler m = {.ix = ix};
        tw_index_stats s;
        put(ix, 301, 301);
        put(ix, 302, 302);
        assert_ok(tw_index_merge(ix, meddle, &m, err));
        is_meddled(ix);
        tw_index_get_stats(ix, &s);
        assert_int_equal(s.main_rows, N + 2);
        assert_int_equal(s.delta_rows, 7); /* of the nine writes two were deletes of old rows */
        assert_ok(tw_index_merge(ix, NULL, NULL, err));
        is_meddled(ix);
        tw_index_get_stats(ix, &s);
        assert_int_equal(s.dead_rows, 0);
        tw_index_destroy(ix);
    }
}

static void a_cancelled_fold_changes_nothing(void **state)
{
    (void) state;
    tw_index *ix = numbered("HNSW8");
    for (int at = 2; at <= 2; at++) {
        meddler m = {.ix = ix, .cancel_at = at};
        put(ix, 301, 301);
        put(ix, 302, 302);
        assert_status(tw_index_merge(ix, meddle, &m, err), TW_ECANCELLED);
        is_meddled(ix);
    }
    meddler first = {.ix = ix, .cancel_at = 1};
    assert_status(tw_index_merge(ix, meddle, &first, err), TW_ECANCELLED);
    assert_status(tw_index_build(ix, NULL, NULL, 0, meddle, &(meddler){.cancel_at = 1}, err),
                  TW_ECANCELLED);
    is_meddled(ix);
    assert_ok(tw_index_merge(ix, NULL, NULL, err)); /* the next is free to run */
    is_meddled(ix);
    tw_index_destroy(ix);
}

static void the_policy_counts_delta_and_dead(void **state)
{
    (void) state;
    tw_index *ix = NULL;
    float vec[2] = {1, 1};
    const tw_index_config cfg = {.dim = 2, .merge_rows = 10, .merge_share = 0.5};
    assert_ok(tw_index_create(&ix, &cfg, err));
    for (int i = 1; i <= 10; i++)
        put(ix, i, 1);
    assert_false(tw_index_wants_merge(ix)); /* 10 is not above 10 */
    put(ix, 11, 1);
    assert_true(tw_index_wants_merge(ix));
    for (int i = 12; i <= 40; i++)
        put(ix, i, 1);
    assert_ok(tw_index_merge(ix, NULL, NULL, err));
    assert_false(tw_index_wants_merge(ix));
    for (int i = 1; i <= 20; i++) /* 20 dead rows: above 10, not above half of 40 */
        assert_ok(tw_index_delete(ix, i, err));
    assert_false(tw_index_wants_merge(ix));
    assert_ok(tw_index_put(ix, 99, vec, err));
    assert_true(tw_index_wants_merge(ix));
    tw_index_destroy(ix);
}

static void a_refused_factory_leaves_the_index_as_it_was(void **state)
{
    (void) state;
    tw_index *ix = NULL;
    tw_error e = {0};
    const float vec[2] = {1, 1};
    const tw_index_config cfg = {.dim = 2, .factory = "Nonsense99", .exact_below = 3};
    assert_ok(tw_index_create(&ix, &cfg, err));
    put(ix, 1, 1);
    put(ix, 2, 2);
    assert_ok(tw_index_merge(ix, NULL, NULL, err)); /* two rows are exact, whatever the factory */
    put(ix, 3, 3);
    assert_int_equal(tw_index_merge(ix, NULL, NULL, &e), TW_EINVAL);
    assert_non_null(strstr(e.msg, "Nonsense99"));
    assert_int_equal(
        tw_index_build(ix, (int64_t[]){1, 2, 3}, (float[]){1, 1, 1, 2, 1, 3}, 3, NULL, NULL, &e),
        TW_EINVAL);
    for (int i = 1; i <= 3; i++)
        holds(ix, i, (float) i);
    assert_ok(tw_index_put(ix, 4, vec, err));
    assert_ok(tw_index_build(ix, (int64_t[]){1, 2, 3}, (float[]){1, 1, 2, 1, 1, 1}, 3, NULL, NULL,
                             err)); /* two different vectors are exact, too */
    tw_index_destroy(ix);
}

static void equal_vectors_are_there_once(void **state)
{
    (void) state;
    tw_index *ix = NULL;
    tw_index_stats s;
    const tw_index_config cfg = {.dim = 2, .factory = "Flat"};
    assert_ok(tw_index_create(&ix, &cfg, err));
    assert_ok(tw_index_build(ix, (int64_t[]){9, 2, 5, 7}, (float[]){0, 1, 3, 1, -0.0F, 1, 0, 1}, 4,
                             NULL, NULL, err));
    tw_index_get_stats(ix, &s);
    assert_int_equal(s.main_rows, 4);
    assert_int_equal(s.main_vectors, 2); /* whatever a zero's sign */
    assert_int_equal(s.live, 4);
    put(ix, 3, 3); /* id 2's again, from the delta */
    assert_ok(tw_index_delete(ix, 7, err));
    assert_ok(tw_index_merge(ix, NULL, NULL, err));
    tw_index_get_stats(ix, &s);
    assert_int_equal(s.main_rows, 4);
    assert_int_equal(s.main_vectors, 2);
    holds(ix, 2, 3);
    holds(ix, 3, 3);
    holds(ix, 5, 0);
    holds(ix, 7, -1);
    holds(ix, 9, 0);
    tw_index_destroy(ix);
}

typedef struct listener {
    const char *stage;
    int calls; /* in that stage */
    int stop_at;
} listener;

static int count(void *ctx, const tw_progress *p)
{
    listener *l = ctx;
    assert_true(p->done <= p->total);
    l->calls += strcmp(p->stage, l->stage) == 0;
    return l->calls > 0 && l->calls == l->stop_at;
}

/* So that whoever stops a server waits for one step, not for all of it. */
static void a_build_is_reported_in_small_steps(void **state)
{
    (void) state;
    enum { MANY = 3000, WIDE = 64 };
    static int64_t ids[MANY];
    static float vecs[MANY * WIDE];
    tw_index *ix = NULL;
    tw_index_stats s;
    listener quiet = {.stage = "building"};
    const tw_index_config cfg = {.dim = WIDE, .factory = "HNSW8"};
    for (int i = 0; i < MANY; i++) {
        ids[i] = i + 1;
        vecs[i * WIDE + i % WIDE] = (float) i;
        vecs[i * WIDE] += 1;
    }
    assert_ok(tw_index_create(&ix, &cfg, err));
    assert_ok(tw_index_build(ix, ids, vecs, MANY / 10, NULL, NULL, err));
    const char *const stages[] = {"comparing", "building", "measuring"};
    for (int i = 0; i < 3; i++) { /* it can be stopped in each, and leaves what was there */
        listener stop = {.stage = stages[i], .stop_at = 1 + i};
        assert_status(tw_index_build(ix, ids, vecs, MANY, count, &stop, err), TW_ECANCELLED);
        assert_int_equal(tw_index_size(ix), MANY / 10);
    }
    assert_ok(tw_index_build(ix, ids, vecs, MANY, count, &quiet, err));
    assert_true(quiet.calls >= 4); /* 800 rows of 64 floats are as much work as 400 of 128 */
    tw_index_get_stats(ix, &s);
    assert_int_equal(s.live, MANY);
    tw_index_destroy(ix);
}

/* Whatever the size, one vector is no graph; and every row of it can be asked for. */
static void a_catalogue_of_one_vector_is_a_list(void **state)
{
    (void) state;
    enum { SAME = 20000 };
    static int64_t ids[SAME];
    static float vecs[SAME]; /* one number wide, all zeros */
    static tw_hit hits[SAME];
    static uint64_t allow[SAME / 64 + 1];
    tw_index *ix = NULL;
    tw_index_stats s;
    const float one = 1;
    int n;
    const tw_index_config cfg = {.dim = 1, .factory = "HNSW8", .exact_below = 100};
    for (int i = 0; i < SAME; i++)
        ids[i] = SAME - i;
    assert_ok(tw_index_create(&ix, &cfg, err));
    assert_ok(tw_index_build(ix, ids, vecs, SAME, NULL, NULL, err));
    tw_index_get_stats(ix, &s);
    assert_true(s.exact);
    assert_int_equal(s.main_vectors, 1);
    assert_false(tw_index_wants_merge(ix));
    assert_ok(tw_index_search(ix, &one, SAME, NULL, hits, &n, err));
    assert_int_equal(n, SAME);
    for (int i = 0; i < n; i++)
        assert_int_equal(hits[i].item, i + 1);
    for (int i = 1; i < SAME; i++)
        assert_ok(tw_index_delete(ix, i, err));
    assert_ok(tw_index_search(ix, &one, 5, NULL, hits, &n, err));
    assert_int_equal(n, 1);
    assert_int_equal(hits[0].item, SAME);
    allow[0] = 2;
    const tw_index_options dead_alone = {.allow = allow, .allow_words = 1};
    assert_ok(tw_index_search(ix, &one, 5, &dead_alone, hits, &n, err));
    assert_int_equal(n, 0);
    tw_index_destroy(ix);
}

/* Serves at once; the graph comes with the fold that it asks for, and is not asked for again. */
static void a_deferred_graph_is_built_by_the_next_fold(void **state)
{
    (void) state;
    tw_index *ix = NULL, *back = NULL;
    int64_t ids[N];
    float vecs[N * 2];
    tw_index_stats s;
    const char *path = tw_test_path("deferred.twi");
    const tw_index_config cfg = {.dim = 2, .factory = "HNSW8", .defer_graph = true};
    for (int i = 0; i < N; i++) {
        ids[i] = i + 1;
        vecs[2 * i] = (float) (i + 1);
        vecs[2 * i + 1] = 1;
    }
    assert_ok(tw_index_create(&ix, &cfg, err));
    assert_ok(tw_index_build(ix, ids, vecs, N, NULL, NULL, err));
    tw_index_get_stats(ix, &s);
    assert_true(s.exact);
    assert_true(s.lacks_graph);
    assert_true(tw_index_wants_merge(ix));
    holds(ix, 7, 7);
    assert_ok(tw_index_save(ix, path, NULL, 0, err));
    assert_ok(tw_index_load(&back, &cfg, path, NULL, err));
    assert_true(tw_index_wants_merge(back)); /* after a restart, too */
    tw_index_destroy(back);
    assert_ok(tw_index_merge(ix, NULL, NULL, err));
    tw_index_get_stats(ix, &s);
    assert_false(s.exact);
    assert_false(s.lacks_graph);
    assert_true(s.recall > 0.9);
    assert_false(tw_index_wants_merge(ix));
    holds(ix, 7, 7);
    tw_index_destroy(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fold_leaves_only_the_living_in_main),
        cmocka_unit_test(writes_during_a_fold_survive_it),
        cmocka_unit_test(a_cancelled_fold_changes_nothing),
        cmocka_unit_test(the_policy_counts_delta_and_dead),
        cmocka_unit_test(a_refused_factory_leaves_the_index_as_it_was),
        cmocka_unit_test(equal_vectors_are_there_once),
        cmocka_unit_test(a_build_is_reported_in_small_steps),
        cmocka_unit_test(a_catalogue_of_one_vector_is_a_list),
        cmocka_unit_test(a_deferred_graph_is_built_by_the_next_fold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
