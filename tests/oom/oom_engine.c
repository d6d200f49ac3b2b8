/* Every allocation of ours fails once, in turn: the caller is told, and nothing is lost or half
 * done. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "engine/inspection.h"
#include "engine/training.h"
#include "ingest/image.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

static tw_engine *engine;

static int open_engine(void **state)
{
    (void) state;
    engine = toy_engine("oom", true);
    toy_train(engine);
    return 0;
}

/* The same questions to a sequential model that reads tower vectors. */
static int open_content_engine(void **state)
{
    (void) state;
    char *report = NULL;
    const tw_train_options opt = {.config_json = TOY_SEQ, .item_features = true, .skip_eval = true};
    engine = toy_engine("oom_content", true);
    toy_train(engine);
    assert_ok(tw_engine_train_seq(engine, &opt, &report, err));
    tw_free(report);
    return 0;
}

static const char *draw(const char *name)
{
    static unsigned char px[16 * 16];
    const tw_image im = {.width = 16, .height = 16, .channels = 1, .px = px};
    for (int i = 0; i < 256; i++)
        px[i] = (unsigned char) (i * 7);
    assert_ok(tw_image_save_png(tw_test_path(name), &im, err));
    return tw_test_path(name);
}

/* Towers that read text and images. */
static int open_gallery(void **state)
{
    (void) state;
    char *report = NULL;
    tw_put_kind kind;
    const tw_train_options opt = {
        .config_json =
            "{\"bits\": 10, \"embed_dim\": 8, \"dim\": 8, \"epochs\": 1, \"threads\": 1, "
            "\"picture\": \"conv4\", \"image_size\": 16, \"image_width\": 8}",
        .source = TW_PAIRS_SELF,
        .skip_eval = true};
    const tw_item drawn = {.id = "drawn", .title = "A pattern", .image = draw("drawn.png")};
    engine = toy_engine("oom_gallery", true);
    assert_ok(tw_engine_put(engine, &drawn, &kind, err));
    assert_ok(tw_engine_train_towers(engine, &opt, &report, err));
    tw_free(report);
    return 0;
}

static int close_engine(void **state)
{
    (void) state;
    tw_engine_close(engine);
    return 0;
}

static void a_query_is_reported_and_the_next_one_works(void **state)
{
    (void) state;
    const char *const history[] = {"f25", "f26", "f27"};
    const tw_next_query next = {
        .history = history, .n_history = 3, .k = 3, .diversity = 0.3, .popularity_discount = 0.5};
    const tw_similar_query similar = {.text = "robot story", .k = 3};
    long nth = 0;
    bool fired;
    do {
        tw_answer a;
        tw_answer_init(&a);
        tw_torture_arm(++nth);
        tw_status st = tw_engine_similar(engine, &similar, &a, NULL);
        if (st == TW_OK)
            st = tw_engine_next(engine, &next, &a, NULL);
        fired = tw_torture_fired();
        tw_torture_arm(0);
        assert_int_equal(st, fired ? TW_ENOMEM : TW_OK);
        assert_true(fired || a.n == 3);
        tw_answer_fini(&a);
    } while (fired);
    assert_true(nth > 3); /* the answer's memory alone is three */
}

static void a_question_with_an_image_is_reported_and_the_next_one_works(void **state)
{
    (void) state;
    char *data;
    size_t len;
    long nth = 0;
    bool fired;
    assert_ok(tw_file_read(tw_test_path("drawn.png"), 1 << 20, &data, &len, err));
    const tw_similar_query q = {.text = "a pattern", .image = {data, len}, .k = 1};
    do {
        tw_answer a;
        tw_answer_init(&a);
        tw_torture_arm(++nth);
        tw_status st = tw_engine_similar(engine, &q, &a, NULL);
        fired = tw_torture_fired();
        tw_torture_arm(0);
        assert_int_equal(st, fired ? TW_ENOMEM : TW_OK);
        assert_true(fired || strcmp(a.rows[0].id, "drawn") == 0);
        tw_answer_fini(&a);
    } while (fired);
    assert_true(nth > 4);
    tw_free(data);
}

static void a_put_that_failed_can_be_repeated_and_is_then_found(void **state)
{
    (void) state;
    const char *image = draw("put.png");
    long nth = 0;
    bool fired;
    do {
        char id[32], title[64];
        tw_put_kind kind;
        tw_answer a;
        (void) snprintf(id, sizeof id, "new%ld", ++nth);
        (void) snprintf(title, sizeof title, "Unheard of %s", id);
        const tw_item item = {.id = id, .title = title, .image = image};
        tw_torture_arm(nth);
        tw_status st = tw_engine_put(engine, &item, &kind, NULL);
        fired = tw_torture_fired();
        tw_torture_arm(0);
        assert_int_equal(st, fired ? TW_ENOMEM : TW_OK);

        assert_ok(tw_engine_put(engine, &item, &kind, err));
        tw_answer_init(&a);
        assert_ok(tw_engine_similar(engine, &(tw_similar_query){.text = title, .k = 1}, &a, err));
        assert_string_equal(a.rows[0].id, id);
        tw_answer_fini(&a);
        tw_engine_stats s;
        assert_ok(tw_engine_stats_get(engine, &s, err));
        assert_int_equal(s.seq_indexed, s.seq_item_features ? s.items : TOY_ITEMS);
        assert_ok(tw_engine_delete(engine, id, err));
    } while (fired);
    assert_true(nth > 1);
}

static void an_open_that_failed_holds_no_lock(void **state)
{
    (void) state;
    long nth = 0;
    bool fired;
    tw_engine_close(toy_engine("reopened", true));
    do {
        tw_engine *e = NULL;
        const tw_engine_options opt = {.mode = TW_ENGINE_WRITE};
        tw_torture_arm(++nth);
        tw_status st = tw_engine_open(&e, tw_test_path("reopened"), &opt, NULL);
        fired = tw_torture_fired();
        tw_torture_arm(0);
        assert_int_equal(st, fired ? TW_ENOMEM : TW_OK);
        assert_true((e == NULL) == fired);
        tw_engine_close(e);
    } while (fired);
    assert_true(nth > 2);
}

static void ignore(void *ctx, const char *what)
{
    (void) ctx;
    print_error("%s\n", what);
}

static void a_check_is_reported_and_calls_nothing_damaged(void **state)
{
    (void) state;
    long nth = 0;
    bool fired;
    do {
        tw_torture_arm(++nth);
        tw_status st = tw_engine_check(tw_test_path("oom"), ignore, NULL, NULL);
        fired = tw_torture_fired();
        tw_torture_arm(0);
        assert_int_equal(st, fired ? TW_ENOMEM : TW_OK);
    } while (fired);
    assert_true(nth > 20);
}

static tw_status count_model(void *ctx, const tw_engine_model *m, tw_error *err)
{
    (void) err;
    assert_string_equal(m->problem, "");
    ++*(int *) ctx;
    return TW_OK;
}

static void a_list_of_models_is_reported(void **state)
{
    (void) state;
    long nth = 0;
    bool fired;
    do {
        int n = 0;
        tw_torture_arm(++nth);
        tw_status st = tw_engine_each_model(engine, count_model, &n, NULL);
        fired = tw_torture_fired();
        tw_torture_arm(0);
        assert_int_equal(st, fired ? TW_ENOMEM : TW_OK);
        assert_true(fired || n == 2);
    } while (fired);
    assert_true(nth > 10);
}

static void a_rollback_that_failed_can_be_repeated(void **state)
{
    (void) state;
    long nth = 0;
    bool fired;
    do {
        tw_engine_stats s;
        tw_torture_arm(++nth);
        tw_status st = tw_engine_activate(engine, 1, NULL, NULL);
        fired = tw_torture_fired();
        tw_torture_arm(0);
        assert_true(st == TW_OK || (fired && st == TW_ENOMEM));
        assert_ok(tw_engine_stats_get(engine, &s, err));
        if (s.model == 1) /* what failed behind it was the snapshot, or the sweep */
            assert_ok(tw_engine_activate(engine, 2, NULL, err));
    } while (fired);
    assert_true(nth > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_is_reported_and_the_next_one_works),
        cmocka_unit_test(a_put_that_failed_can_be_repeated_and_is_then_found),
        cmocka_unit_test(an_open_that_failed_holds_no_lock),
        cmocka_unit_test(a_check_is_reported_and_calls_nothing_damaged),
        cmocka_unit_test(a_list_of_models_is_reported),
        cmocka_unit_test(a_rollback_that_failed_can_be_repeated),
    };
    const struct CMUnitTest content[] = {
        cmocka_unit_test(a_query_is_reported_and_the_next_one_works),
        cmocka_unit_test(a_put_that_failed_can_be_repeated_and_is_then_found),
    };
    const struct CMUnitTest gallery[] = {
        cmocka_unit_test(a_question_with_an_image_is_reported_and_the_next_one_works),
    };
    return cmocka_run_group_tests(gallery, open_gallery, close_engine) +
           cmocka_run_group_tests(tests, open_engine, close_engine) +
           cmocka_run_group_tests(content, open_content_engine, close_engine);
}
