/* Deadlines: whatever is asked ends by them, and a write that missed its own was not done. */
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "engine/engine_state.h"
#include "engine/training.h"
#include "ingest/image.h"
#include "tests/support/test.h"

static tw_engine *engine;

static int open_all(void **state)
{
    (void) state;
    char *report = NULL;
    const char *dir = tw_test_path("data");
    const tw_train_options towers = {
        .config_json = "{\"text\": \"none\", \"picture\": \"conv4\", \"image_size\": 16, "
                       "\"image_width\": 8, \"dim\": 8, \"epochs\": 1, \"threads\": 1}",
        .source = TW_PAIRS_SELF,
        .activate = TW_ACTIVATE_ALWAYS,
        .skip_eval = true};
    static unsigned char px[20 * 20];
    const tw_image im = {.width = 20, .height = 20, .channels = 1, .px = px};

    assert_ok(tw_engine_create(dir, err));
    assert_ok(tw_engine_open(&engine, dir, &(tw_engine_options){.mode = TW_ENGINE_WRITE}, err));
    for (int i = 0; i < 4; i++) {
        const char *const ids[] = {"a", "b", "c", "d"};
        memset(px, 60 * i, sizeof px);
        assert_ok(tw_image_save_png(tw_test_path(ids[i]), &im, err));
        assert_ok(tw_engine_put(engine, &(tw_item){.id = ids[i], .image = tw_test_path(ids[i])},
                                &(tw_put_kind){0}, err));
    }
    assert_ok(tw_engine_train_towers(engine, &towers, &report, err));
    tw_free(report);
    return 0;
}

static int close_all(void **state)
{
    (void) state;
    tw_engine_close(engine);
    return 0;
}

static void what_has_passed_ends_every_call(void **state)
{
    (void) state;
    const tw_deadline passed = tw_deadline_in(-1);
    const tw_write_options late = {.deadline = passed};
    static float vec[TW_ENGINE_MAX_DIM];
    tw_engine_stats before, after;
    tw_answer a;
    tw_put_kind kind;
    bool added;
    int dim, model;

    tw_answer_init(&a);
    assert_ok(tw_engine_stats_get(engine, &before, err));
    const tw_similar_query similar = {.item = "a", .k = 2, .deadline = passed};
    assert_status(tw_engine_similar(engine, &similar, &a, err), TW_ETIMEOUT);
    assert_int_equal(a.n, 0);
    const tw_embed_query embed = {.item = "a", .deadline = passed};
    assert_status(tw_engine_embed(engine, &embed, vec, &dim, &model, err), TW_ETIMEOUT);
    assert_status(tw_engine_put_with(engine, &(tw_item){.id = "e"}, &late, &kind, err),
                  TW_ETIMEOUT);
    assert_status(tw_engine_delete_with(engine, "a", &late, err), TW_ETIMEOUT);
    assert_status(tw_engine_record_with(engine, "u", "a", 1, &late, &added, err), TW_ETIMEOUT);
    assert_false(added);
    assert_ok(tw_engine_stats_get(engine, &after, err));
    assert_int_equal(after.seq, before.seq); /* nothing was written */
    tw_answer_fini(&a);
}

static void a_deadline_ahead_changes_nothing(void **state)
{
    (void) state;
    const tw_write_options soon = {.deadline = tw_deadline_in(3600)};
    tw_answer a;
    tw_put_kind kind;
    bool added;
    tw_answer_init(&a);
    const tw_similar_query q = {.item = "a", .k = 2, .deadline = soon.deadline};
    assert_ok(tw_engine_similar(engine, &q, &a, err));
    assert_int_equal(a.n, 2);
    assert_ok(tw_engine_put_with(engine, &(tw_item){.id = "f"}, &soon, &kind, err));
    assert_int_equal(kind, TW_PUT_CREATED);
    assert_ok(tw_engine_record_with(engine, "u", "f", 1, &soon, &added, err));
    assert_true(added);
    assert_ok(tw_engine_delete_with(engine, "f", &soon, err));
    tw_answer_fini(&a);
}

static void a_writer_that_stays_is_not_waited_for(void **state)
{
    (void) state;
    tw_put_kind kind;
    tw_engine_stats before, after;
    bool added;
    assert_ok(tw_engine_stats_get(engine, &before, err));
    (void) pthread_mutex_lock(&engine->writer);
    const double start = tw_clock_monotonic();
    const tw_write_options soon = {.deadline = tw_deadline_in(0.1)};
    assert_status(tw_engine_put_with(engine, &(tw_item){.id = "g"}, &soon, &kind, err),
                  TW_ETIMEOUT);
    assert_status(tw_engine_delete_with(engine, "a", &soon, err), TW_ETIMEOUT);
    assert_true(tw_clock_monotonic() - start >= 0.09);
    (void) pthread_mutex_unlock(&engine->writer);
    assert_ok(tw_engine_stats_get(engine, &after, err));
    assert_int_equal(after.seq, before.seq);
    assert_ok(tw_engine_put_with(engine, &(tw_item){.id = "g"}, NULL, &kind, err));
    assert_ok(tw_engine_record_with(engine, "u", "g", 2, NULL, &added, err));
}

/* Holds the store's own slot, which an ingest has for a thousand rows. */
static void *hold_store(void *arg)
{
    pthread_barrier_t *at = arg;
    assert_ok(tw_store_begin(engine->store, err));
    (void) pthread_barrier_wait(at);
    (void) pthread_barrier_wait(at);
    tw_store_rollback(engine->store);
    return NULL;
}

static void nor_is_a_transaction_of_the_store(void **state)
{
    (void) state;
    pthread_barrier_t at;
    pthread_t holder;
    bool added;
    assert_int_equal(pthread_barrier_init(&at, NULL, 2), 0);
    assert_int_equal(pthread_create(&holder, NULL, hold_store, &at), 0);
    (void) pthread_barrier_wait(&at);
    const tw_write_options soon = {.deadline = tw_deadline_in(0.1)};
    assert_status(tw_engine_record_with(engine, "u", "a", 3, &soon, &added, err), TW_ETIMEOUT);
    assert_false(added);
    (void) pthread_barrier_wait(&at);
    (void) pthread_join(holder, NULL);
    assert_ok(tw_engine_record_with(engine, "u", "a", 3, NULL, &added, err));
    assert_true(added);
    (void) pthread_barrier_destroy(&at);
}

/* 48 megapixels of white, 48 KiB. */
static void an_image_is_refused_by_its_header_or_by_the_clock(void **state)
{
    (void) state;
    enum { SIDE = 6928 };
    const tw_image huge = {
        .width = SIDE, .height = SIDE, .channels = 1, .px = tw_alloc(SIDE, SIDE)};
    const char *path = tw_test_path("huge.png");
    char *data;
    size_t len;
    tw_error e = {0};
    tw_answer a;
    tw_put_kind kind;

    tw_answer_init(&a);
    assert_non_null(huge.px);
    assert_ok(tw_image_save_png(path, &huge, err));
    tw_free(huge.px);
    assert_ok(tw_file_read(path, 1 << 20, &data, &len, err));
    tw_similar_query q = {.image = {data, len}, .k = 1};
    assert_int_equal(tw_engine_similar(engine, &q, &a, &e), TW_EINVAL);
    assert_non_null(strstr(e.msg, "6928 x 6928 pixels, more than 40 megapixels"));

    const double start = tw_clock_monotonic();
    const tw_write_options soon = {.deadline = tw_deadline_in(0.005)};
    assert_status(
        tw_engine_put_with(engine, &(tw_item){.id = "huge", .image = path}, &soon, &kind, err),
        TW_ETIMEOUT);
    const double until_deadline = tw_clock_monotonic() - start;
    assert_ok(tw_engine_put_with(engine, &(tw_item){.id = "huge", .image = path}, NULL, &kind,
                                 err)); /* our own files have no cap */
    assert_true(until_deadline < (tw_clock_monotonic() - start) / 2);
    tw_free(data);
    tw_answer_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_passed_ends_every_call),
        cmocka_unit_test(a_deadline_ahead_changes_nothing),
        cmocka_unit_test(a_writer_that_stays_is_not_waited_for),
        cmocka_unit_test(nor_is_a_transaction_of_the_store),
        cmocka_unit_test(an_image_is_refused_by_its_header_or_by_the_clock),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
