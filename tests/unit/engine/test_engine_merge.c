/* Graphs are built in the background: an open does not wait for one, nor does a close. */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "engine/engine_state.h"
#include "engine/evaluation.h"
#include "engine/follow.h"
#include "engine/generation.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

enum { FEW = 600, MANY = 12000 }; /* MANY: more than a fold waits for */

static const tw_engine_options write_mode = {
    .mode = TW_ENGINE_WRITE, .threads = 1, .exact_below = FEW / 2};

/* A catalogue of n rows whose texts differ. */
static const char *catalogue(const char *name, int n)
{
    const char *path = tw_test_path(name);
    FILE *f = fopen(path, "w");
    tw_rng rng;
    tw_rng_seed(&rng, 3);
    assert_non_null(f);
    (void) fprintf(f, "id,title\n");
    for (int i = 0; i < n; i++) {
        (void) fprintf(f, "r%d,", i);
        for (int word = 0; word < 4; word++)
            (void) fprintf(f, "%s%03x", word > 0 ? " " : "", (int) tw_rng_below(&rng, 4096));
        (void) fprintf(f, "\n");
    }
    assert_int_equal(fclose(f), 0);
    return path;
}

/* A directory with towers, and n rows more than those were trained on; closed. */
static void make(const char *name, int n, char dir[TW_PATH_MAX])
{
    tw_engine *e = toy_engine(name, true);
    tw_ingest_report report;
    (void) snprintf(dir, TW_PATH_MAX, "%s", tw_test_path(name));
    toy_train(e);
    if (n > 0)
        assert_ok(tw_engine_ingest(e, catalogue("some.csv", n), NULL, &report, err));
    tw_engine_close(e);
}

static void drop_snapshots(const char *dir)
{
    char path[TW_PATH_MAX];
    assert_ok(tw_path_join(path, dir, "index/items-0001.twx", err));
    assert_int_equal(remove(path), 0);
}

/* Until its graph is there, or a minute has passed. */
static tw_engine_stats wait_for_graph(tw_engine *e)
{
    const double end = tw_clock_monotonic() + 60;
    while (toy_stats(e).tower_lacks_graph && tw_clock_monotonic() < end)
        (void) sched_yield();
    return toy_stats(e);
}

static void an_open_builds_no_graph_and_one_that_stays_does(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX];
    tw_engine *e = NULL;
    make("stays", FEW, dir);
    drop_snapshots(dir);

    assert_ok(tw_engine_open(&e, dir, &write_mode, err));
    tw_engine_close(e); /* without a graph, and so is its snapshot */
    assert_ok(tw_engine_open(&e, dir, &write_mode, err));
    tw_engine_stats s = toy_stats(e);
    assert_string_equal(s.tower_index, "exact");
    assert_true(s.tower_lacks_graph);
    assert_near(s.tower_recall, 0, 0);
    tw_engine_merge_due(e);
    s = wait_for_graph(e);
    assert_string_equal(s.tower_index, "HNSW32");
    assert_true(s.tower_recall > 0.9);
    tw_engine_close(e);

    assert_ok(tw_engine_open(&e, dir, &write_mode, err)); /* it was kept, though nothing changed */
    s = toy_stats(e);
    assert_string_equal(s.tower_index, "HNSW32");
    assert_true(s.tower_recall > 0.9);
    tw_engine_close(e);
}

/* Building this graph takes a second; it is given up, nothing else is. */
static void a_close_does_not_wait_for_a_graph(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX];
    tw_engine *e = NULL;
    tw_ingest_report report;
    make("closes", 0, dir);

    assert_ok(tw_engine_open(&e, dir, &write_mode, err));
    assert_ok(tw_engine_ingest(e, catalogue("many.csv", MANY), NULL, &report, err));
    const double start = tw_clock_monotonic();
    tw_engine_close(e);
    const double took = tw_clock_monotonic() - start;
    assert_ok(tw_engine_open(&e, dir, &write_mode, err));
    tw_engine_stats s = toy_stats(e);
    assert_int_equal(s.indexed, MANY + TOY_ITEMS);
    assert_int_equal(s.delta, MANY); /* not folded: no graph was waited for */
    assert_true(took < 5);
    tw_engine_merge_due(e); /* and begins anew; stopped in its middle */
    tw_engine_close(e);
    assert_ok(tw_engine_open(&e, dir, &write_mode, err));
    assert_int_equal(toy_stats(e).indexed, MANY + TOY_ITEMS);
    tw_engine_close(e);
}

static int stop_in(void *ctx, const tw_progress *p) { return strcmp(p->stage, ctx) == 0; }

static void an_open_can_be_stopped(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX];
    tw_engine *e = NULL;
    make("opens", FEW, dir);
    drop_snapshots(dir);
    char *const stages[] = {"reading", "comparing", "copying"};
    for (int i = 0; i < 3; i++) {
        tw_engine_options opt = write_mode;
        opt.progress = stop_in;
        opt.progress_ctx = stages[i];
        assert_status(tw_engine_open(&e, dir, &opt, err), TW_ECANCELLED);
        assert_null(e);
    }
    assert_ok(tw_engine_open(&e, dir, &write_mode, err)); /* nothing is left of it, no lock */
    assert_int_equal(toy_stats(e).indexed, FEW + TOY_ITEMS);
    tw_engine_close(e);
}

/* An index that cannot tell half of its vectors apart: what stats and `eval index` say of it. */
static void a_graph_that_was_given_up_is_reported(void **state)
{
    (void) state;
    enum { N = 1200, D = 16 };
    static int64_t ids[N];
    static float vecs[N * D];
    char dir[TW_PATH_MAX], *report = NULL;
    tw_engine *e = NULL;
    tw_index *poor = NULL;
    tw_rng rng;
    const tw_index_config cfg = {.dim = D, .factory = "PCA2,Flat", .ef_search = 1};
    make("poor", 0, dir);
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < N * D; i++)
        vecs[i] = (float) tw_rng_normal(&rng);
    for (int i = 0; i < N; i++)
        ids[i] = i + 1;
    assert_ok(tw_index_create(&poor, &cfg, err));
    assert_ok(tw_index_build(poor, ids, vecs, N, NULL, NULL, err));
    twi_log_unused_graph(poor, "items"); /* one line, below this test's level */

    assert_ok(tw_engine_open(&e, dir, &(tw_engine_options){.mode = TW_ENGINE_READ}, err));
    twi_generation *g = twi_acquire(e);
    tw_index_destroy(g->items);
    g->items = poor;
    twi_release(e, g);
    const tw_engine_stats s = toy_stats(e);
    assert_string_equal(s.tower_index, "exact");
    assert_true(s.tower_recall > 0 && s.tower_recall < 0.9);
    assert_false(s.tower_lacks_graph);
    assert_near(s.seq_recall, 0, 0);
    assert_ok(tw_engine_eval_index(e, NULL, &report, err));
    assert_non_null(strstr(report, "\"recall_at_10\": 1.0"));
    assert_non_null(strstr(report, "\"graph_recall\": 0."));
    assert_non_null(strstr(report, "is searched exactly"));
    assert_non_null(strstr(report, "\"graph_recall\": null")); /* of next, which has no graph */
    tw_free(report);
    tw_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_builds_no_graph_and_one_that_stays_does),
        cmocka_unit_test(a_close_does_not_wait_for_a_graph),
        cmocka_unit_test(an_open_can_be_stopped),
        cmocka_unit_test(a_graph_that_was_given_up_is_reported),
    };
    tw_log_set_level(TW_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
