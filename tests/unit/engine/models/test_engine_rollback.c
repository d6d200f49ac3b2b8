/* The way back to a version that served before. */
#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/eval/cold_start_eval.h"
#include "engine/inspection.h"
#include "engine/training.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"
#include "tests/unit/engine/models/models_toy.h"

static void first_hit(tw_engine *e, const char *text, char id[64], float *score)
{
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.text = text, .k = 1}, &answer, err));
    (void) snprintf(id, 64, "%s", answer.rows[0].id);
    *score = answer.rows[0].score;
}

static void rollback_brings_the_version_before_back_and_again_itself(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX], id[64], back[64];
    float score, again;
    int version;
    tw_put_kind kind;
    tw_engine *e = toy_engine("rollback", true);
    copy_dir(dir, "rollback");
    assert_status(tw_engine_rollback(e, NULL, &version, err), TW_ESTATE);
    train_towers(e);
    assert_status(tw_engine_rollback(e, NULL, &version, err), TW_ESTATE);
    first_hit(e, "Robot 3", id, &score);
    toy_train_towers(e, (tw_train_options){.config_json = "{\"bits\": 8, \"dim\": 8, "
                                                          "\"embed_dim\": 8, \"epochs\": 1}"});
    assert_int_equal(toy_stats(e).tower_dim, 8);
    assert_ok(tw_engine_put(e, &(tw_item){.id = "n1", .title = "Western nights"}, &kind, err));

    assert_ok(tw_engine_rollback(e, NULL, &version, err));
    assert_int_equal(version, 1);
    assert_int_equal(toy_stats(e).model, 1);
    assert_int_equal(toy_stats(e).tower_dim, 16);
    assert_int_equal(toy_stats(e).indexed, TOY_ITEMS + 1); /* n1 came under the dropped towers */
    first_hit(e, "Robot 3", back, &again);
    assert_string_equal(back, id);
    assert_near(again, score, 1e-6);
    assert_ok(tw_engine_put(e, &(tw_item){.id = "n2", .title = "Western days"}, &kind, err));
    tw_engine_close(e);

    e = toy_open(dir, TW_ENGINE_WRITE); /* it is on disk */
    assert_int_equal(toy_stats(e).model, 1);
    assert_int_equal(toy_stats(e).indexed, TOY_ITEMS + 2);
    assert_status(tw_engine_activate(e, 1, NULL, err), TW_EEXIST);
    assert_ok(tw_engine_rollback(e, NULL, &version, err));
    assert_int_equal(version, 2);
    assert_int_equal(toy_stats(e).tower_dim, 8);
    assert_int_equal(toy_stats(e).indexed, TOY_ITEMS + 2);
    tw_engine_close(e);
    assert_ok(tw_engine_check(dir, toy_collect, &(toy_findings){0}, err));
}

/* A graph is not kept, so what was smoothed over it is. */
static void smoothed_vectors_come_back_as_they_were(void **state)
{
    (void) state;
    float before[TW_ENGINE_MAX_DIM], after[TW_ENGINE_MAX_DIM];
    int dim, model, version;
    tw_engine *e = toy_engine("smoothed", true);
    toy_train_towers(e, (tw_train_options){.config_json = "{\"bits\": 10, \"embed_dim\": 16, "
                                                          "\"dim\": 16, \"epochs\": 1, "
                                                          "\"min_count\": 1, \"threads\": 1, "
                                                          "\"graph_layers\": 2}"});
    assert_ok(tw_engine_embed(e, &(tw_embed_query){.item = "f1"}, before, &dim, &model, err));
    assert_ok(tw_engine_embed(e, &(tw_embed_query){.text = "Western Story 1 Western Film"}, after,
                              &dim, &model, err));
    assert_memory_not_equal(before, after, 16 * sizeof *after); /* or the test shows nothing */
    train_towers(e);
    assert_ok(tw_engine_rollback(e, NULL, &version, err));
    assert_ok(tw_engine_embed(e, &(tw_embed_query){.item = "f1"}, after, &dim, &model, err));
    assert_int_equal(model, 1);
    assert_memory_equal(before, after, 16 * sizeof *after);
    tw_engine_close(e);
}

static void rollback_gives_next_back_too(void **state)
{
    (void) state;
    int version;
    tw_engine *e = toy_engine("rollback_seq", true);
    toy_train(e);
    assert_ok(tw_engine_next(e, &(tw_next_query){.user = "u1", .k = 1}, &answer, err));
    char id[64];
    (void) snprintf(id, sizeof id, "%s", answer.rows[0].id);
    const float score = answer.rows[0].score;
    train_seq(e);
    assert_ok(tw_engine_rollback(e, NULL, &version, err));
    assert_ok(tw_engine_next(e, &(tw_next_query){.user = "u1", .k = 1}, &answer, err));
    assert_string_equal(answer.rows[0].id, id);
    assert_near(answer.rows[0].score, score, 1e-6);
    assert_int_equal(answer.model, 2);
    tw_engine_close(e);
}

/* Puts once, between the first round of embedding and the building of the index. */
static int put_once(void *ctx, const tw_progress *p)
{
    tw_engine **e = ctx;
    tw_put_kind kind;
    if (*e == NULL || strcmp(p->stage, "embedding") != 0)
        return 0;
    assert_ok(tw_engine_put(*e, &(tw_item){.id = "n1", .title = "Robot dawn"}, &kind, err));
    assert_ok(tw_engine_put(*e, &(tw_item){.id = "f1", .title = "Robot dawn"}, &kind, err));
    *e = NULL;
    return 0;
}

static void what_is_put_while_a_version_comes_is_in_it(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("meanwhile", true), *once = e;
    train_towers(e);
    train_towers(e);
    const tw_train_options opt = {.progress = put_once, .progress_ctx = &once};
    assert_ok(tw_engine_activate(e, 1, &opt, err));
    assert_null(once);
    assert_int_equal(toy_stats(e).indexed, TOY_ITEMS + 1);
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "f1", .k = 1}, &answer, err));
    assert_string_equal(answer.rows[0].id, "n1");
    tw_engine_close(e);
}

/* Whatever else takes long is refused while a training runs, and says why. */
static int try_the_others(void *ctx, const tw_progress *p)
{
    tw_engine **e = ctx;
    (void) p;
    if (*e == NULL)
        return 0;
    tw_engine *busy = *e;
    char *report = NULL;
    tw_ingest_report r;
    int version;
    tw_error why[7] = {0};
    const tw_status st[] = {
        tw_engine_ingest(busy, toy_catalogue(), NULL, &r, &why[0]),
        tw_engine_events(busy, toy_log(), NULL, &r, &why[1]),
        tw_engine_train_towers(busy, NULL, &report, &why[2]),
        tw_engine_train_seq(busy, NULL, &report, &why[3]),
        tw_engine_activate(busy, 1, NULL, &why[4]),
        tw_engine_rollback(busy, NULL, &version, &why[5]),
        tw_engine_cold_start_eval(
            busy, &(tw_cold_start_options){.item_features = true, .hold_out_items = 0.1}, &report,
            &why[6]),
    };
    for (int i = 0; i < 7; i++) {
        assert_int_equal(st[i], TW_EBUSY);
        assert_string_equal(why[i].msg, "another ingest, events or train is running");
    }
    *e = NULL;
    return 0;
}

static void one_long_work_runs_at_a_time(void **state)
{
    (void) state;
    tw_ingest_report r;
    tw_engine *e = toy_engine("one_at_a_time", true), *once = e;
    toy_train_towers(e, (tw_train_options){.config_json = TOY_TOWERS,
                                           .progress = try_the_others,
                                           .progress_ctx = &once});
    assert_null(once);
    assert_ok(tw_engine_ingest(e, toy_catalogue(), NULL, &r, err)); /* and then the next may */
    tw_engine_close(e);
}

static void a_damaged_version_is_not_activated(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX];
    tw_error why = {0};
    int version;
    tw_engine *e = toy_engine("no_way_back", true);
    copy_dir(dir, "no_way_back");
    train_towers(e);
    train_towers(e);
    overwrite(dir, "models/0001/towers.safetensors", "garbage garbage");
    assert_int_equal(tw_engine_rollback(e, NULL, &version, &why), TW_ECORRUPT);
    assert_non_null(strstr(why.msg, "models/0001/towers.safetensors"));
    assert_int_equal(toy_stats(e).model, 2);
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "f1", .k = 3}, &answer, err));
    assert_status(tw_engine_activate(e, 77, NULL, err), TW_ENOTFOUND);
    tw_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rollback_brings_the_version_before_back_and_again_itself),
        cmocka_unit_test(smoothed_vectors_come_back_as_they_were),
        cmocka_unit_test(rollback_gives_next_back_too),
        cmocka_unit_test(what_is_put_while_a_version_comes_is_in_it),
        cmocka_unit_test(one_long_work_runs_at_a_time),
        cmocka_unit_test(a_damaged_version_is_not_activated),
    };
    return cmocka_run_group_tests(tests, open_answer, close_answer);
}
