/* Items that nobody has consumed yet, in `next`: put, replaced, deleted, before and after
 * reopening, and when the towers that the sequential model reads are no longer there. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "engine/engine.h"
#include "engine/training.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

static const char *const CONTENT_SEQ =
    "{\"user_dim\": 0, \"item_dim\": 16, \"max_len\": 12, \"blocks\": 1, \"batch\": 16, "
    "\"epochs\": 30, \"eval_every\": 5, \"lr\": 0.01, \"id_dropout\": 0.5, \"threads\": 2}";

static tw_answer answer;
static const char *const robots[] = {"f25", "f26", "f27", "f28"};
static const tw_next_query after_robots = {.history = robots, .n_history = 4, .k = TOY_ITEMS + 5};

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

static void put(tw_engine *e, const char *id, const char *genre, int number)
{
    tw_put_kind kind;
    char title[64], attributes[64];
    (void) snprintf(title, sizeof title, "%s Story %d", genre, number);
    (void) snprintf(attributes, sizeof attributes, "{\"genres\": [\"%s\", \"Film\"]}", genre);
    const tw_item item = {.id = id, .title = title, .attributes = attributes};
    assert_ok(tw_engine_put(e, &item, &kind, err));
}

static void train_towers(tw_engine *e)
{
    toy_train_towers(e, (tw_train_options){.config_json = TOY_TOWERS,
                                           .source = TW_PAIRS_ATTRIBUTE,
                                           .path = "genres"});
}

static void train_seq(tw_engine *e, bool content)
{
    char *report = NULL;
    const tw_train_options opt = {.config_json = CONTENT_SEQ,
                                  .activate = TW_ACTIVATE_ALWAYS,
                                  .skip_eval = true,
                                  .item_features = content};
    assert_ok(tw_engine_train_seq(e, &opt, &report, err));
    json_t *r = json_loads(report, 0, NULL);
    assert_int_equal(json_is_true(json_object_get(r, "item_features")), content);
    json_decref(r);
    tw_free(report);
}

static tw_engine *trained(const char *name, bool content)
{
    tw_engine *e = toy_engine(name, true);
    train_towers(e);
    train_seq(e, content);
    return e;
}

/* Place of an item in the answer, from 0; -1: it is not there. */
static int place_of(const char *id)
{
    for (int i = 0; i < answer.n; i++)
        if (strcmp(answer.rows[i].id, id) == 0)
            return i;
    return -1;
}

static int place_after_robots(tw_engine *e, const char *id)
{
    assert_ok(tw_engine_next(e, &after_robots, &answer, err));
    return place_of(id);
}

/* The whole answer as text, to be compared. */
static const char *answers(tw_engine *e, const tw_next_query *q)
{
    static char text[2][8192];
    static int turn;
    char *to = text[turn = !turn];
    size_t at = 0;
    assert_ok(tw_engine_next(e, q, &answer, err));
    to[0] = '\0';
    for (int i = 0; i < answer.n; i++)
        at += (size_t) snprintf(to + at, sizeof text[0] - at, "%s %.9g\n", answer.rows[i].id,
                                (double) answer.rows[i].score);
    return to;
}

static void a_new_item_is_recommended_where_it_fits(void **state)
{
    (void) state;
    tw_engine *e = trained("fits", true);
    put(e, "robot", "Robot", 40);
    put(e, "western", "Western", 40);
    /* 8 of 12 robots are left to rank, and 24 other films */
    int robot = place_after_robots(e, "robot"), western = place_of("western");
    assert_in_range(robot, 0, 8);
    assert_in_range(western, 9, TOY_ITEMS);
    assert_int_equal(answer.n, TOY_ITEMS + 2 - 4);
    assert_int_equal(toy_stats(e).seq_indexed, TOY_ITEMS + 2);

    assert_ok(tw_engine_delete(e, "robot", err));
    assert_int_equal(place_after_robots(e, "robot"), -1);
    put(e, "robot", "Robot", 40);
    assert_int_equal(place_after_robots(e, "robot"), robot);
    tw_engine_close(e);
}

static void a_history_of_new_items_alone_is_understood(void **state)
{
    (void) state;
    static const char *const fresh[] = {"n1", "n2"};
    const tw_next_query q = {.history = fresh, .n_history = 2, .k = 6};
    tw_engine *e = trained("understood", true);
    put(e, "n1", "Romance", 40);
    put(e, "n2", "Romance", 41);
    assert_ok(tw_engine_next(e, &q, &answer, err));
    assert_string_equal(answer.basis, "history");
    int romances = 0;
    for (int i = 0; i < answer.n; i++)
        romances += strncmp(answer.rows[i].title, "Romance", 7) == 0;
    assert_true(romances >= 5);
    tw_engine_close(e);

    e = trained("not_understood", false);
    put(e, "n1", "Romance", 40);
    put(e, "n2", "Romance", 41);
    assert_ok(tw_engine_next(e, &q, &answer, err));
    assert_string_equal(answer.basis, "popular");
    assert_int_equal(place_after_robots(e, "n1"), -1);
    assert_int_equal(toy_stats(e).seq_indexed, TOY_ITEMS);
    assert_false(toy_stats(e).seq_item_features);
    tw_engine_close(e);
}

static void a_replaced_item_is_what_it_is_now(void **state)
{
    (void) state;
    tw_engine *e = trained("replaced", true);
    put(e, "new", "Western", 40);
    int as_western = place_after_robots(e, "new"), known = place_of("f3");
    put(e, "new", "Robot", 40);
    assert_true(place_after_robots(e, "new") < as_western - 5);
    put(e, "f3", "Robot", 41); /* with an id's vector, which stays */
    assert_true(place_after_robots(e, "f3") < known);

    static const char *const one[] = {"f30"};
    const tw_next_query q = {.history = one, .n_history = 1, .k = 10};
    char before[8192];
    (void) snprintf(before, sizeof before, "%s", answers(e, &q));
    put(e, "f30", "Romance", 42); /* and it is read as what it is now */
    assert_string_not_equal(answers(e, &q), before);
    tw_engine_close(e);
}

static void the_same_list_comes_from_snapshots_replay_and_rebuilding(void **state)
{
    (void) state;
    tw_engine *e = trained("same", true), *reader = NULL;
    char before[8192];
    assert_ok(tw_engine_snapshot(e, err));
    put(e, "n1", "Robot", 40);
    put(e, "n2", "Western", 41);
    put(e, "f3", "Robot", 43);
    assert_ok(tw_engine_delete(e, "f29", err));
    (void) snprintf(before, sizeof before, "%s", answers(e, &after_robots));

    /* what a process that was killed here would find: the old snapshot and the store */
    assert_ok(tw_engine_open(&reader, tw_test_path("same"), NULL, err));
    assert_string_equal(answers(reader, &after_robots), before);
    tw_engine_close(reader);
    tw_engine_close(e);
    for (int round = 0; round < 2; round++) {
        e = toy_open(tw_test_path("same"), TW_ENGINE_WRITE);
        assert_string_equal(answers(e, &after_robots), before);
        tw_engine_close(e);
        assert_ok(tw_remove_tree(tw_test_path("same/index"), err));
        assert_ok(tw_dir_create(tw_test_path("same/index"), err));
    }
}

static void an_ingest_brings_new_items_into_next(void **state)
{
    (void) state;
    tw_engine *e = trained("bulk", true);
    tw_ingest_report r;
    const char *path = tw_test_file("more.csv", "id,title,genres\nn1,Robot Story 40,Robot|Film\n"
                                                "n2,Robot Story 41,Robot|Film\n");
    assert_ok(tw_engine_ingest(e, path, NULL, &r, err));
    assert_in_range(place_after_robots(e, "n1"), 0, 9);
    assert_in_range(place_of("n2"), 0, 9);
    tw_engine_close(e);
}

/* Vectors of two towers never meet: the model goes on with what it learnt from. */
static void other_towers_freeze_what_the_model_reads(void **state)
{
    (void) state;
    tw_engine *e = trained("frozen", true);
    const tw_next_query known = {.history = robots, .n_history = 4, .k = 20};
    char before[8192];
    (void) snprintf(before, sizeof before, "%s", answers(e, &known));
    put(e, "new", "Robot", 40);
    assert_true(place_after_robots(e, "new") >= 0);
    assert_true(toy_stats(e).seq_item_features && toy_stats(e).seq_item_features_live);
    put(e, "f36", "Western", 44); /* read as it is now, until it is frozen as it was */
    assert_string_not_equal(answers(e, &known), before);
    assert_ok(tw_engine_snapshot(e, err)); /* with vectors that the towers after cannot make */

    train_towers(e);
    for (int round = 0; round < 2; round++) { /* at once, and after reopening */
        assert_true(toy_stats(e).seq_item_features && !toy_stats(e).seq_item_features_live);
        assert_int_equal(toy_stats(e).seq_indexed, TOY_ITEMS);
        assert_int_equal(place_after_robots(e, "new"), -1);
        assert_string_equal(answers(e, &known), before);
        put(e, round == 0 ? "newer" : "newest", "Robot", 41 + round);
        assert_int_equal(place_after_robots(e, "newer"), -1);
        put(e, "f3", "Robot", 50);
        tw_engine_close(e);
        e = toy_open(tw_test_path("frozen"), TW_ENGINE_WRITE);
    }
    train_seq(e, true);
    assert_true(toy_stats(e).seq_item_features_live);
    assert_true(place_after_robots(e, "new") >= 0 && place_of("newest") >= 0);
    tw_engine_close(e);
}

static void a_diverse_list_has_new_items_among_it(void **state)
{
    (void) state;
    tw_engine *e = trained("diverse", true);
    put(e, "n1", "Robot", 40);
    tw_next_query q = after_robots;
    q.diversity = 1; /* likeness decides alone, after the first: a twin in vector comes last */
    char title[64];
    assert_int_equal(place_after_robots(e, "n1") >= 0, 1);
    (void) snprintf(title, sizeof title, "%s", answer.rows[0].title);
    assert_ok(tw_engine_next(e, &q, &answer, err));
    assert_int_equal(answer.n, TOY_ITEMS + 1 - 4);
    assert_string_equal(answer.rows[0].title, title);
    assert_true(strncmp(answer.rows[1].title, "Robot", 5) != 0);
    assert_true(place_of("n1") > 2); /* were it a zero vector, it would be like nothing: second */
    tw_engine_close(e);
}

static void content_wants_towers_and_their_width(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("wants", true);
    char *report = NULL;
    tw_error why = {0};
    assert_int_equal(
        tw_engine_train_seq(e, &(tw_train_options){.item_features = true}, &report, &why),
        TW_ESTATE);
    assert_non_null(strstr(why.msg, "twindex train towers"));
    assert_null(report);
    train_towers(e);
    assert_int_equal(
        tw_engine_train_seq(e, &(tw_train_options){.config_json = "{\"item_features_dim\": 5}"},
                            &report, &why),
        TW_EINVAL);
    assert_string_equal(why.msg, "item_features_dim 5 is not the 16 of the towers; leave it out");
    assert_int_equal(tw_engine_train_seq(e,
                                         &(tw_train_options){.item_features = true,
                                                             .config_json = "{\"loss\": \"bce\"}"},
                                         &report, &why),
                     TW_EINVAL);
    assert_non_null(strstr(why.msg, "item_features_dim above 0 needs the loss"));
    tw_engine_close(e);
}

/* An item that has neither events nor words: no score is better than 0. */
static void an_item_without_events_or_words_is_not_recommended(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("mute", true);
    tw_put_kind kind;
    char *report = NULL;
    assert_ok(tw_engine_put(e, &(tw_item){.id = "mute"}, &kind, err));
    put(e, "alone", "Robot", 40);
    train_towers(e);
    const tw_train_options opt = {
        .config_json = CONTENT_SEQ, .skip_eval = true, .item_features = true};
    assert_ok(tw_engine_train_seq(e, &opt, &report, err));
    json_t *r = json_loads(report, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(r, "items")), TOY_ITEMS + 2);
    assert_int_equal(json_integer_value(json_object_get(r, "items_without_events")), 2);
    json_decref(r);
    tw_free(report);
    assert_int_equal(place_after_robots(e, "mute"), -1);
    assert_true(place_of("alone") >= 0);
    assert_ok(tw_engine_put(e, &(tw_item){.id = "mute2"}, &kind, err));
    assert_int_equal(place_after_robots(e, "mute2"), -1);
    tw_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_item_is_recommended_where_it_fits),
        cmocka_unit_test(a_history_of_new_items_alone_is_understood),
        cmocka_unit_test(a_replaced_item_is_what_it_is_now),
        cmocka_unit_test(the_same_list_comes_from_snapshots_replay_and_rebuilding),
        cmocka_unit_test(an_ingest_brings_new_items_into_next),
        cmocka_unit_test(other_towers_freeze_what_the_model_reads),
        cmocka_unit_test(a_diverse_list_has_new_items_among_it),
        cmocka_unit_test(content_wants_towers_and_their_width),
        cmocka_unit_test(an_item_without_events_or_words_is_not_recommended),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
