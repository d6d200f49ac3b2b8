/* A file of the active version that is damaged or gone: what goes on, and how it comes back. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "engine/engine.h"
#include "engine/inspection.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"
#include "tests/unit/engine/models/models_toy.h"

/* Everything but `similar` goes on where the towers are damaged, in each mode. */
static void expect_without_towers(tw_engine *e, const char *dir)
{
    tw_item item;
    tw_error why = {0};
    const tw_engine_stats s = toy_stats(e);

    assert_false(s.has_towers);
    assert_true(s.has_seq);
    assert_non_null(strstr(s.towers_problem, "models/0002/towers.safetensors"));
    assert_null(strstr(s.towers_problem, dir)); /* clients are told this, too */
    assert_string_equal(s.seq_problem, "");
    assert_ok(tw_engine_get(e, "f1", &item, err));
    tw_item_fini(&item);
    assert_ok(tw_engine_next(e, &(tw_next_query){.user = "u1", .k = 3}, &answer, err));
    assert_int_equal(answer.n, 3);
    assert_int_equal(tw_engine_similar(e, &(tw_similar_query){.item = "f1", .k = 3}, &answer, &why),
                     TW_ECORRUPT);
    assert_non_null(strstr(why.msg, "models/0002/towers.safetensors"));
    assert_non_null(strstr(why.msg, "twindex rollback"));
    assert_non_null(strstr(why.msg, "twindex train towers"));
}

static void damaged_towers_stop_similar_alone(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX];
    tw_put_kind kind;
    bool added;
    tw_engine *e = toy_engine("towers_damaged", true);
    toy_train(e);
    tw_engine_close(e);
    copy_dir(dir, "towers_damaged");
    overwrite(dir, "models/0002/towers.safetensors", "garbage garbage"); /* a link of 0001's */

    e = toy_open(dir, TW_ENGINE_READ);
    expect_without_towers(e, dir);
    tw_engine_close(e);
    e = toy_open(dir, TW_ENGINE_WRITE);
    expect_without_towers(e, dir);
    assert_ok(tw_engine_put(e, &(tw_item){.id = "n1", .title = "Robot Story 99"}, &kind, err));
    assert_ok(tw_engine_record(e, "u1", "n1", 5000, &added, err));
    assert_true(added);
    train_seq(e); /* one part is trained; the towers stay what they are */
    assert_int_equal(toy_stats(e).model, 3);
    assert_true(toy_stats(e).towers_problem[0] != '\0');
    train_towers(e); /* and anew, as the sentence says */
    assert_string_equal(toy_stats(e).towers_problem, "");
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "n1", .k = 3}, &answer, err));
    assert_int_equal(answer.n, 3);
    tw_engine_close(e);
}

static void a_missing_seq_file_stops_next_alone(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX], path[TW_PATH_MAX];
    tw_error why = {0};
    tw_engine *e = toy_engine("seq_missing", true);
    toy_train(e);
    tw_engine_close(e);
    copy_dir(dir, "seq_missing");
    path_of(path, dir, "models/0002/seq.safetensors");
    assert_int_equal(unlink(path), 0);

    e = toy_open(dir, TW_ENGINE_WRITE);
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "f1", .k = 3}, &answer, err));
    assert_int_equal(tw_engine_next(e, &(tw_next_query){.user = "u1", .k = 3}, &answer, &why),
                     TW_ECORRUPT);
    assert_non_null(strstr(why.msg, "models/0002/seq.safetensors"));
    train_seq(e);
    assert_ok(tw_engine_next(e, &(tw_next_query){.user = "u1", .k = 3}, &answer, err));
    tw_engine_close(e);
}

/* What was put while the towers could not be used has its vector once they can. */
static void a_file_put_back_serves_with_what_was_put_meanwhile(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX], path[TW_PATH_MAX], away[TW_PATH_MAX];
    tw_put_kind kind;
    tw_engine *e = toy_engine("put_back", true);
    train_towers(e);
    assert_ok(tw_engine_put(e, &(tw_item){.id = "f2", .title = "Robot tale"}, &kind, err));
    tw_engine_close(e);
    copy_dir(dir, "put_back");
    path_of(path, dir, "models/0001/towers.safetensors");
    path_of(away, dir, "media/away");
    assert_int_equal(rename(path, away), 0);

    e = toy_open(dir, TW_ENGINE_WRITE);
    assert_ok(tw_engine_put(e, &(tw_item){.id = "n1", .title = "Robot Story 99"}, &kind, err));
    assert_ok(tw_engine_put(e, &(tw_item){.id = "f1", .title = "Robot Story 98"}, &kind, err));
    assert_ok(tw_engine_delete(e, "f5", err)); /* so that as many are embedded as there are items */
    tw_engine_close(e);
    assert_int_equal(rename(away, path), 0);

    e = toy_open(dir, TW_ENGINE_WRITE);
    assert_int_equal(toy_stats(e).indexed, toy_stats(e).items);
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "n1", .k = 12}, &answer, err));
    int robots = 0;
    for (int i = 0; i < answer.n; i++)
        robots += strncmp(answer.rows[i].title, "Robot", 5) == 0;
    assert_true(robots >= 10);
    bool found = false; /* f1 is a robot now */
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "f1", .k = 12}, &answer, err));
    for (int i = 0; i < answer.n; i++)
        found = found || strcmp(answer.rows[i].id, "n1") == 0;
    assert_true(found);
    tw_engine_close(e);
}

/* A damaged file whose part is kept in a second folder, too, is read there and put in order. */
static void a_part_is_taken_from_another_version(void **state)
{
    (void) state;
    char dir[TW_PATH_MAX], path[TW_PATH_MAX];
    tw_engine *e = toy_engine("borrow", true);
    toy_train(e);
    tw_engine_close(e);
    copy_dir(dir, "borrow");
    path_of(path, dir, "models/0002/towers.safetensors");
    assert_int_equal(unlink(path), 0);
    assert_ok(tw_file_replace(path, "garbage", 7, err)); /* no link of 0001's any more */

    e = toy_open(dir, TW_ENGINE_READ);
    assert_string_equal(toy_stats(e).towers_problem, "");
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "f1", .k = 3}, &answer, err));
    tw_engine_close(e);
    assert_status(tw_engine_check(dir, toy_collect, &(toy_findings){0}, err), TW_ECORRUPT);
    tw_engine_close(toy_open(dir, TW_ENGINE_WRITE));
    assert_ok(tw_engine_check(dir, toy_collect, &(toy_findings){0}, err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_towers_stop_similar_alone),
        cmocka_unit_test(a_missing_seq_file_stops_next_alone),
        cmocka_unit_test(a_file_put_back_serves_with_what_was_put_meanwhile),
        cmocka_unit_test(a_part_is_taken_from_another_version),
    };
    return cmocka_run_group_tests(tests, open_answer, close_answer);
}
