/* Items and queries of which the towers read nothing: refused in one sentence, in no list, counted;
 * through puts, reopening, snapshots, exports and evaluation. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "engine/engine.h"
#include "engine/evaluation.h"
#include "engine/training.h"
#include "index/index.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

static tw_answer answer;

static int setup(void **state)
{
    (void) state;
    tw_answer_init(&answer);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    tw_answer_fini(&answer);
    return 0;
}

static void put(tw_engine *e, const char *id, const char *title)
{
    tw_put_kind kind;
    const tw_item item = {.id = id, .title = title, .attributes = "{}"};
    assert_ok(tw_engine_put(e, &item, &kind, err));
}

static tw_engine *trained(const char *name)
{
    tw_engine *e = toy_engine(name, true);
    toy_train_towers(e, (tw_train_options){.config_json = TOY_TOWERS,
                                           .source = TW_PAIRS_ATTRIBUTE,
                                           .path = "genres"});
    return e;
}

static tw_engine *reopened(tw_engine *e, const char *name)
{
    tw_engine_close(e);
    return toy_open(tw_test_path(name), TW_ENGINE_WRITE);
}

static tw_status count_row(void *ctx, const char *id, const float *vec, int dim, tw_error *err)
{
    double length = 0;
    (void) err;
    for (int d = 0; d < dim; d++)
        length += (double) vec[d] * (double) vec[d];
    assert_near(length, 1, 1e-4);
    assert_true(strcmp(id, "blank") != 0);
    ++*(int *) ctx;
    return TW_OK;
}

/* `unread` items are in no list and in no export; `read` are in all. */
static void check(tw_engine *e, int read, int unread)
{
    tw_engine_stats s;
    int rows = 0, model;
    assert_ok(tw_engine_stats_get(e, &s, err));
    assert_int_equal(s.unread, unread);
    assert_int_equal(s.indexed, read);
    assert_int_equal(s.items, read + unread);
    const tw_similar_query q = {.item = "f2", .k = read + unread + 3};
    assert_ok(tw_engine_similar(e, &q, &answer, err));
    assert_int_equal(answer.n, read - 1);
    assert_ok(tw_engine_each_vector(e, &model, count_row, &rows, err));
    assert_int_equal(rows, read);
}

static void refused(tw_engine *e, const char *item, const char *text, const char *says)
{
    static float vec[TW_ENGINE_MAX_DIM];
    tw_error why = {0};
    int dim, model;
    const tw_similar_query q = {.item = item, .text = text, .k = 3};
    const tw_embed_query m = {.item = item, .text = text};
    for (int k = 0; k < 2; k++) {
        const tw_status st = k == 0 ? tw_engine_similar(e, &q, &answer, &why)
                                    : tw_engine_embed(e, &m, vec, &dim, &model, &why);
        if (st != TW_EINVAL || strstr(why.msg, "read nothing of ") == NULL ||
            strstr(why.msg, says) == NULL || strstr(why.msg, "they read text") == NULL)
            fail_msg("%s: status %d, '%s'", item != NULL ? item : text, (int) st, why.msg);
    }
}

static void nothing_to_read_is_said_and_not_answered(void **state)
{
    static const char *const texts[] = {"", "  \t ", "!!!", "\xe2\x80\x8b", "--- \xe3\x80\x82"};
    (void) state;
    tw_engine *e = trained("said");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        refused(e, NULL, texts[i], "this text");
    put(e, "blank", " . ");
    refused(e, "blank", NULL, "the item 'blank'");
    check(e, TOY_ITEMS, 1);
    const tw_similar_query q = {.text = "! robot", .k = 3}; /* something is enough */
    assert_ok(tw_engine_similar(e, &q, &answer, err));
    tw_engine_close(e);
}

static void unread_items_are_outside_the_index_and_counted(void **state)
{
    (void) state;
    tw_engine *e = trained("outside");
    check(e, TOY_ITEMS, 0);
    put(e, "blank", "...");
    put(e, "marks", "!!!");
    check(e, TOY_ITEMS, 2);
    e = reopened(e, "outside"); /* snapshot and replay */
    check(e, TOY_ITEMS, 2);
    put(e, "marks", "Robot Story 99"); /* now there is something */
    check(e, TOY_ITEMS + 1, 1);
    put(e, "f1", "?"); /* and of this no more */
    check(e, TOY_ITEMS, 2);
    refused(e, "f1", NULL, "the item 'f1'");
    e = reopened(e, "outside");
    check(e, TOY_ITEMS, 2);
    assert_ok(tw_engine_delete(e, "blank", err));
    check(e, TOY_ITEMS, 1);
    tw_engine_close(e);
}

/* Before, zero vectors were rows of the index, and stand in snapshots. */
static void a_snapshot_of_before_is_built_anew(void **state)
{
    (void) state;
    tw_engine *e = trained("before");
    tw_engine_stats s;
    tw_index *ix = NULL;
    float zero[TW_ENGINE_MAX_DIM] = {0};
    char path[TW_PATH_MAX];
    put(e, "blank", "...");
    assert_ok(tw_engine_stats_get(e, &s, err));
    tw_engine_close(e);

    const tw_index_config cfg = {.dim = s.tower_dim};
    assert_ok(tw_index_create(&ix, &cfg, err));
    assert_ok(tw_index_put(ix, TOY_ITEMS + 1, zero, err));
    assert_ok(tw_path_join(path, tw_test_path("before"), "index/items-0001.twx", err));
    assert_true(tw_file_exists(path));
    assert_ok(tw_index_save(ix, path, "items:1", s.seq, err));
    tw_index_destroy(ix);

    const tw_engine_options opt = {.mode = TW_ENGINE_WRITE, .threads = 2};
    assert_ok(tw_engine_open(&e, tw_test_path("before"), &opt, err));
    check(e, TOY_ITEMS, 1);
    tw_engine_close(e);
}

static void the_catalogue_is_built_without_them(void **state)
{
    char *report = NULL;
    (void) state;
    tw_engine *e = toy_engine("built", true);
    put(e, "blank", "...");
    put(e, "marks", "!!!");
    const tw_train_options opt = {.config_json = TOY_TOWERS,
                                  .activate = TW_ACTIVATE_ALWAYS,
                                  .skip_eval = true,
                                  .source = TW_PAIRS_ATTRIBUTE,
                                  .path = "genres"};
    assert_ok(tw_engine_train_towers(e, &opt, &report, err));
    tw_free(report);
    check(e, TOY_ITEMS, 2);
    tw_engine_close(e);
}

static json_t *figures(json_t *root, const char *baseline)
{
    return json_object_get(json_object_get(root, "test"), baseline);
}

/* Queries: blank (wants f1), f1 (blank and f2), f2 (f1). blank finds nothing, f1 one of two, and so
 * in lists that hold everything: (0 + 1/2 + 1) / 3. With zero vectors as answers it was 1. */
static void evaluation_finds_nothing_where_nothing_is_read(void **state)
{
    char path[TW_PATH_MAX], *report = NULL;
    static const char rows[] = "a,b,label\nblank,f1,1\nf1,f2,1\n";
    (void) state;
    tw_engine *e = trained("evaluated");
    put(e, "blank", "...");
    (void) snprintf(path, sizeof path, "%s", tw_test_path("unread_pairs.csv"));
    assert_ok(tw_file_replace(path, rows, sizeof rows - 1, err));
    const tw_eval_options opt = {.source = TW_PAIRS_FILE, .path = path, .chosen = true};
    assert_ok(tw_engine_eval_towers(e, &opt, &report, err));
    assert_null(strstr(report, "nan"));
    json_t *root = json_loads(report, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(root, "unread")), 1);
    static const char *const baselines[] = {"towers", "untrained", "tfidf"};
    for (int k = 0; k < 3; k++) {
        const json_t *row = figures(root, baselines[k]);
        assert_int_equal(json_integer_value(json_object_get(row, "queries")), 3);
        assert_near(json_number_value(json_object_get(row, "recall_at_100")), 0.5, 1e-9);
    }
    json_decref(root);
    tw_free(report);
    tw_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_read_is_said_and_not_answered),
        cmocka_unit_test(unread_items_are_outside_the_index_and_counted),
        cmocka_unit_test(a_snapshot_of_before_is_built_anew),
        cmocka_unit_test(the_catalogue_is_built_without_them),
        cmocka_unit_test(evaluation_finds_nothing_where_nothing_is_read),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
