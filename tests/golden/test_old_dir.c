/* A data directory that an earlier version wrote: its store, models, snapshots and the settings in
 * them, with the names of then. old_dir.sh made old_dir.tar.gz and what that version answered. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/engine.h"
#include "engine/inspection.h"
#include "engine/training.h"
#include "tests/support/test.h"

static json_t *golden;
static tw_answer answer;

/* A fresh copy of the directory. */
static const char *unpack(const char *name)
{
    char command[4096];
    const char *dir = tw_test_path(name);
    (void) snprintf(command, sizeof command,
                    "mkdir '%s' && tar -xzf '%s/old_dir.tar.gz' -C '%s' --strip-components=1 dir",
                    dir, TW_GOLDEN_DIR, dir);
    assert_int_equal(system(command), 0);
    return dir;
}

static void open_dir(tw_engine **e, const char *dir, tw_engine_mode mode)
{
    assert_ok(tw_engine_open(e, dir, &(tw_engine_options){.mode = mode, .threads = 1}, err));
}

static int setup(void **state)
{
    (void) state;
    char path[4096];
    json_error_t why;
    (void) snprintf(path, sizeof path, "%s/old_answers.json", TW_GOLDEN_DIR);
    golden = json_load_file(path, 0, &why);
    tw_answer_init(&answer);
    return golden == NULL;
}

static int teardown(void **state)
{
    (void) state;
    tw_answer_fini(&answer);
    json_decref(golden);
    return 0;
}

static const json_t *wanted(const char *key)
{
    const json_t *of = json_object_get(golden, key);
    if (of == NULL)
        fail_msg("old_answers.json has no '%s'", key);
    return of;
}

/* The same items in the same order; the scores may differ as sums do between processors. */
static void assert_answer(const char *key)
{
    const json_t *results = json_object_get(wanted(key), "results");
    assert_int_equal(answer.n, (int) json_array_size(results));
    assert_true(answer.n > 0);
    for (int i = 0; i < answer.n; i++) {
        const json_t *row = json_array_get(results, (size_t) i);
        assert_string_equal(answer.rows[i].id, json_string_value(json_object_get(row, "id")));
        assert_string_equal(answer.rows[i].title, json_string_value(json_object_get(row, "title")));
        assert_near(answer.rows[i].score, json_number_value(json_object_get(row, "score")), 2e-4);
    }
}

static void similar_as_before(tw_engine *e, const char *item)
{
    char key[256];
    (void) snprintf(key, sizeof key, "similar %s", item);
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = item, .k = 5}, &answer, err));
    assert_answer(key);
}

static void next_as_before(tw_engine *e, const char *user)
{
    char key[256];
    (void) snprintf(key, sizeof key, "next %s", user);
    assert_ok(tw_engine_next(e, &(tw_next_query){.user = user, .k = 5}, &answer, err));
    assert_answer(key);
}

static void answers_as_before(tw_engine *e)
{
    static const char *const items[] = {"r0", "c3", "Wörterbuch 2", "Книга 3", "ring 4"};
    static const char *const history[] = {"w1", "w2", "j3"};
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++)
        similar_as_before(e, items[i]);
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.text = "東京の夜", .k = 3}, &answer, err));
    assert_answer("text");
    next_as_before(e, "u0");
    next_as_before(e, "u1");
    next_as_before(e, "u2");
    assert_ok(tw_engine_next(e, &(tw_next_query){.history = history, .n_history = 3, .k = 5},
                             &answer, err));
    assert_answer("history");
}

static void an_old_directory_answers_as_it_did(void **state)
{
    (void) state;
    tw_engine *e = NULL;
    tw_engine_stats stats;
    open_dir(&e, unpack("read"), TW_ENGINE_READ);
    assert_ok(tw_engine_stats_get(e, &stats, err));
    const json_t *before = wanted("stats");
    assert_int_equal(stats.items, json_integer_value(json_object_get(before, "items")));
    assert_int_equal(stats.events, json_integer_value(json_object_get(before, "events")));
    assert_int_equal(stats.users, json_integer_value(json_object_get(before, "users")));
    assert_int_equal(stats.seq, json_integer_value(json_object_get(before, "seq")));
    assert_int_equal(stats.indexed, json_integer_value(json_object_get(before, "indexed")));
    assert_int_equal(stats.model, 2);
    assert_true(stats.has_towers && stats.has_seq);
    answers_as_before(e);

    static float vec[TW_ENGINE_MAX_DIM];
    int dim = 0, model = 0;
    assert_ok(
        tw_engine_embed(e, &(tw_embed_query){.text = "a round thing"}, vec, &dim, &model, err));
    const json_t *vector = json_object_get(wanted("embed"), "vector");
    assert_int_equal(dim, (int) json_array_size(vector));
    for (int i = 0; i < dim; i++)
        assert_near(vec[i], json_number_value(json_array_get(vector, (size_t) i)), 1e-5);
    tw_engine_close(e);
}

static void print_problem(void *ctx, const char *sentence)
{
    ++*(int *) ctx;
    print_error("check: %s\n", sentence);
}

static void it_is_written_to_and_checks_out(void **state)
{
    (void) state;
    const char *dir = unpack("write");
    tw_engine *e = NULL;
    tw_put_kind kind;
    bool added = false;
    open_dir(&e, dir, TW_ENGINE_WRITE);
    answers_as_before(e);
    const tw_item item = {.id = "new", .title = "Ring new", .text = "a round thing of silver"};
    assert_ok(tw_engine_put(e, &item, &kind, err));
    assert_ok(tw_engine_record(e, "u1", "new", 3000000, &added, err));
    assert_true(added);
    tw_engine_close(e);

    open_dir(&e, dir, TW_ENGINE_WRITE);
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "new", .k = 40}, &answer, err));
    assert_int_equal(answer.n, 39);
    tw_engine_close(e);
    int problems = 0;
    assert_ok(tw_engine_check(dir, print_problem, &problems, err));
    assert_int_equal(problems, 0);
}

/* Its settings, under their names of then, are where a training goes on from. */
static void training_goes_on_from_old_models(void **state)
{
    (void) state;
    const char *dir = unpack("train");
    tw_engine *e = NULL;
    char *report = NULL;
    open_dir(&e, dir, TW_ENGINE_WRITE);
    const tw_train_options towers = {.config_json = "{\"epochs\": 1, \"threads\": 1}",
                                     .activate = TW_ACTIVATE_ALWAYS,
                                     .skip_eval = true,
                                     .warm_start = true,
                                     .source = TW_PAIRS_ATTRIBUTE,
                                     .path = "genres"};
    assert_ok(tw_engine_train_towers(e, &towers, &report, err));
    tw_free(report);
    tw_engine_stats stats;
    assert_ok(tw_engine_stats_get(e, &stats, err));
    assert_int_equal(stats.model, 3);
    assert_int_equal(stats.tower_dim, 16);
    tw_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_old_directory_answers_as_it_did),
        cmocka_unit_test(it_is_written_to_and_checks_out),
        cmocka_unit_test(training_goes_on_from_old_models),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
