/* A stored vector that no tower can have given: it costs its item's place in the index for as long
 * as nobody may write, and nothing else. */
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/engine_state.h"
#include "engine/inspection.h"
#include "engine/training.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

static const tw_engine_options write_mode = {.mode = TW_ENGINE_WRITE, .threads = 1};
static const tw_engine_options read_mode = {.mode = TW_ENGINE_READ, .threads = 1};
static char dir[TW_PATH_MAX];
static tw_answer answer;

/* Opened and trained once; its store is damaged anew by each test and mended by it. */
static int make_directory(void **state)
{
    (void) state;
    tw_log_set_level(TW_LOG_ERROR + 1);
    tw_answer_init(&answer);
    tw_engine *e = toy_engine("vectors", true);
    toy_train(e);
    (void) snprintf(dir, sizeof dir, "%s", tw_test_path("vectors"));
    tw_engine_close(e);
    return 0;
}

static int end(void **state)
{
    (void) state;
    tw_answer_fini(&answer);
    return 0;
}

/* Writes `bytes` in the place of the vector of f1. */
static void spoil(const void *bytes, int n)
{
    sqlite3 *db;
    sqlite3_stmt *q;
    char path[TW_PATH_MAX];
    assert_ok(tw_path_join(path, dir, "twindex.db", err));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "UPDATE vectors SET vec = ?1 WHERE model = 1 AND row = "
                                        "(SELECT row FROM items WHERE id = 'f1')",
                                        -1, &q, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_bind_blob(q, 1, bytes, n, SQLITE_STATIC), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_DONE);
    assert_int_equal(sqlite3_changes(db), 1);
    assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    /* The snapshot would still have the good one. */
    assert_ok(tw_remove_tree(tw_test_path("vectors/index/items-0001.twx"), err));
}

static tw_status keep_vector(void *ctx, const char *id, const float *vec, int dim, tw_error *err)
{
    (void) err;
    (void) id;
    ++*(int *) ctx;
    for (int i = 0; i < dim; i++)
        assert_true(fabsf(vec[i]) <= 1.001F);
    return TW_OK;
}

static void expect_one_item_less(tw_engine *e)
{
    tw_item item;
    int model, n = 0;
    assert_int_equal(toy_stats(e).indexed, TOY_ITEMS - 1);
    assert_ok(tw_engine_get(e, "f1", &item, err));
    tw_item_fini(&item);
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "f2", .k = 50}, &answer, err));
    assert_int_equal(answer.n, TOY_ITEMS - 2);
    assert_ok(tw_engine_next(e, &(tw_next_query){.user = "u1", .k = 3}, &answer, err));
    assert_int_equal(answer.n, 3);
    tw_error why = {0};
    assert_int_equal(tw_engine_similar(e, &(tw_similar_query){.item = "f1", .k = 3}, &answer, &why),
                     TW_ECORRUPT);
    assert_non_null(strstr(why.msg, "f1"));
    assert_ok(tw_engine_each_vector(e, &model, keep_vector, &n, err));
    assert_int_equal(n, TOY_ITEMS - 1);
}

static void expect_mended(void)
{
    tw_engine *e;
    assert_ok(tw_engine_open(&e, dir, &write_mode, err));
    assert_int_equal(toy_stats(e).indexed, TOY_ITEMS);
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "f1", .k = 3}, &answer, err));
    assert_int_equal(answer.n, 3);
    assert_int_equal(strncmp(answer.rows[0].title, "Western", 7), 0);
    tw_engine_close(e);
    toy_findings f = {0};
    assert_ok(tw_engine_check(dir, toy_collect, &f, err));
    assert_ok(tw_engine_open(&e, dir, &read_mode, err)); /* and it stays so */
    assert_int_equal(toy_stats(e).indexed, TOY_ITEMS);
    tw_engine_close(e);
}

static void damage(const void *bytes, int n)
{
    tw_engine *e;
    toy_findings f = {0};
    spoil(bytes, n);
    assert_ok(tw_engine_open(&e, dir, &read_mode, err));
    expect_one_item_less(e);
    tw_engine_close(e);
    assert_status(tw_engine_check(dir, toy_collect, &f, err), TW_ECORRUPT);
    assert_non_null(strstr(f.all, "f1"));
    expect_mended();
}

static void a_number_that_is_none(void **state)
{
    (void) state;
    float v[16] = {0};
    v[3] = NAN;
    damage(v, sizeof v);
}

static void an_infinite_number(void **state)
{
    (void) state;
    float v[16] = {0};
    v[15] = -INFINITY;
    damage(v, sizeof v);
}

static void a_huge_number(void **state)
{
    (void) state;
    float v[16] = {0};
    v[0] = 1e30F;
    damage(v, sizeof v);
}

static void a_width_of_others(void **state)
{
    (void) state;
    float v[24] = {1};
    damage(v, 8 * sizeof *v);
    damage(v, 24 * sizeof *v);
}

/* All of them: a reader has an empty index, a writer embeds the catalogue anew. */
static void every_vector_at_once(void **state)
{
    (void) state;
    sqlite3 *db;
    char path[TW_PATH_MAX];
    tw_engine *e;
    assert_ok(tw_path_join(path, dir, "twindex.db", err));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE vectors SET vec = zeroblob(32)", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_ok(tw_remove_tree(tw_test_path("vectors/index/items-0001.twx"), err));
    assert_ok(tw_engine_open(&e, dir, &read_mode, err));
    assert_int_equal(toy_stats(e).indexed, 0);
    tw_engine_close(e);
    expect_mended();
}

/* A model that reads tower vectors must not be trained on what was read past the end of one. */
static void a_training_with_content_passes_over_it(void **state)
{
    (void) state;
    float v[24] = {NAN};
    char *report = NULL;
    tw_engine *e;
    assert_ok(tw_engine_open(&e, dir, &write_mode, err));
    spoil(v, sizeof v);
    const tw_train_options opt = {
        .config_json = "{\"user_dim\": 0, \"item_dim\": 8, \"max_len\": 6, \"blocks\": 1, "
                       "\"heads\": 1, \"epochs\": 1, \"threads\": 1}",
        .item_features = true,
        .activate = TW_ACTIVATE_ALWAYS,
        .skip_eval = true};
    assert_ok(tw_engine_train_seq(e, &opt, &report, err));
    tw_free(report);
    assert_ok(tw_engine_next(e, &(tw_next_query){.user = "u1", .k = 3}, &answer, err));
    for (int i = 0; i < answer.n; i++)
        assert_true(isfinite(answer.rows[i].score));
    tw_engine_close(e);
}

/* ---- other rows: one that is damaged is left out, and nothing else --------------------------- */

static void sql(const char *text)
{
    sqlite3 *db;
    char path[TW_PATH_MAX];
    assert_ok(tw_path_join(path, dir, "twindex.db", err));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_true(sqlite3_changes(db) > 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_ok(tw_remove_tree(tw_test_path("vectors/index"), err)); /* so that all rows are read */
}

static void expect_all_but_one(const tw_engine_options *mode)
{
    tw_engine *e;
    tw_put_kind kind;
    bool added;
    char *report = NULL;
    assert_ok(tw_engine_open(&e, dir, mode, err));
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "f2", .k = 50}, &answer, err));
    assert_in_range(answer.n, TOY_ITEMS - 2, TOY_ITEMS - 1);
    assert_ok(tw_engine_next(e, &(tw_next_query){.user = "u1", .k = 3}, &answer, err));
    assert_ok(tw_engine_next(e, &(tw_next_query){.user = "nobody", .k = 3}, &answer, err));
    if (mode->mode == TW_ENGINE_WRITE) {
        assert_ok(tw_engine_record(e, "u1", "f9", 77777, &added, err));
        assert_ok(tw_engine_put(e, &(tw_item){.id = "f8", .title = "Western"}, &kind, err));
        const tw_train_options opt = {
            .config_json = TOY_SEQ, .activate = TW_ACTIVATE_ALWAYS, .skip_eval = true};
        assert_ok(tw_engine_train_seq(e, &opt, &report, err));
        tw_free(report);
    }
    tw_engine_close(e);
}

static void a_damaged_row_of_any_table_is_left_out(void **state)
{
    (void) state;
    static const struct {
        const char *damage, *named;
    } cases[] = {
        {"UPDATE contents SET text = 'no' WHERE row = (SELECT row FROM items WHERE id = 'f1')",
         "content of item row 1"},
        {"UPDATE events SET rating = 4711 WHERE time = 1003000000 AND user = 2", "event"},
        {"UPDATE items SET title = 'not written' WHERE id = 'f3'", "row 3"},
        {"UPDATE models SET json = '{}' WHERE active = 0", "model"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        toy_findings f = {0};
        sql(cases[i].damage);
        expect_all_but_one(&read_mode);
        expect_all_but_one(&write_mode);
        assert_status(tw_engine_check(dir, toy_collect, &f, err), TW_ECORRUPT);
        if (strstr(f.all, cases[i].named) == NULL)
            fail_msg("'%s' is not in: %s", cases[i].named, f.all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_that_is_none),
        cmocka_unit_test(an_infinite_number),
        cmocka_unit_test(a_huge_number),
        cmocka_unit_test(a_width_of_others),
        cmocka_unit_test(every_vector_at_once),
        cmocka_unit_test(a_training_with_content_passes_over_it),
        cmocka_unit_test(a_damaged_row_of_any_table_is_left_out),
    };
    return cmocka_run_group_tests(tests, make_directory, end);
}
