/* A client, a server and a real data directory: what one writes, the other reads. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "engine/training.h"
#include "ingest/image.h"
#include "rpc/client.h"
#include "rpc/service.h"
#include "tests/support/test.h"

static tw_engine *engine;
static tw_service *service;

static int open_all(void **state)
{
    (void) state;
    const char *dir = tw_test_path("data"), *urls[] = {"tcp://127.0.0.1:0"};
    const char *media = tw_test_path("media");
    tw_service_config cfg = {.urls = urls, .n_urls = 1, .workers = 2, .media_root = media};
    assert_ok(tw_dir_create(media, err));
    assert_ok(tw_engine_create(dir, err));
    assert_ok(tw_engine_open(&engine, dir, &(tw_engine_options){.mode = TW_ENGINE_WRITE}, err));
    assert_ok(tw_service_start(&service, engine, &cfg, err));
    return 0;
}

static int close_all(void **state)
{
    (void) state;
    tw_service_stop(service);
    tw_engine_close(engine);
    return 0;
}

static tw_client *client(void)
{
    tw_client *c;
    assert_ok(tw_client_open(&c, tw_service_url(service, 0), NULL, err));
    return c;
}

static void what_is_put_can_be_read_by_both_sides(void **state)
{
    (void) state;
    tw_client *c = client();
    tw_item item = {.id = "tt1", .title = "Toy Story (1995)", .attributes = "{\"year\":1995}"}, got;
    tw_put_kind kind;
    bool added;
    tw_engine_stats there, here;

    assert_ok(tw_client_put(c, &item, &kind, err));
    assert_int_equal(kind, TW_PUT_CREATED);
    assert_ok(tw_client_put(c, &item, &kind, err));
    assert_int_equal(kind, TW_PUT_UNCHANGED);
    assert_ok(tw_client_get(c, "toy story (1995)", &got, err));
    assert_string_equal(got.id, "tt1");
    assert_string_equal(got.attributes, "{\"year\":1995}");
    assert_ok(tw_engine_get(engine, "tt1", &got, err));
    assert_string_equal(got.title, "Toy Story (1995)");
    tw_item_fini(&got);
    assert_ok(tw_client_record(c, "anna", "tt1", 1000, &added, err));
    assert_true(added);
    assert_ok(tw_client_record(c, "anna", "tt1", 1000, &added, err));
    assert_false(added);
    assert_status(tw_client_record(c, "anna", "tt1", -1000, &added, err), TW_EINVAL);
    assert_status(tw_client_record(c, "anna", "tt1", 1e12, &added, err), TW_EINVAL);
    assert_ok(tw_client_stats(c, &there, err));
    assert_ok(tw_engine_stats_get(engine, &here, err));
    assert_int_equal(there.items, 1);
    assert_int_equal(there.users, 1);
    assert_int_equal(there.events, 1);
    assert_int_equal(there.seq, here.seq);
    assert_string_equal(there.tower_index, here.tower_index);
    tw_client_close(c);
}

static void the_engines_refusals_arrive_word_for_word(void **state)
{
    (void) state;
    tw_client *c = client();
    tw_item got;
    tw_error far = {0}, near = {0};
    tw_answer a;
    tw_answer_init(&a);
    tw_status there = tw_client_get(c, "Toy Stories", &got, &far);
    tw_status here = tw_engine_get(engine, "Toy Stories", &got, &near);
    assert_int_equal(here, TW_ENOTFOUND);
    assert_int_equal(there, here);
    assert_string_equal(far.msg, near.msg);

    const tw_similar_query q = {.item = "tt1", .k = 3};
    there = tw_client_similar(c, &q, &a, &far);
    here = tw_engine_similar(engine, &q, &a, &near);
    assert_int_equal(here, TW_ESTATE); /* nothing is trained */
    assert_int_equal(there, here);
    assert_string_equal(far.msg, near.msg);
    tw_answer_fini(&a);
    tw_client_close(c);
}

/* Grey squares of several sizes on white, each an item. */
static void train_on_images(int n)
{
    static unsigned char px[20 * 20];
    const tw_image im = {.width = 20, .height = 20, .channels = 1, .px = px};
    const tw_train_options opt = {.config_json = "{\"text\": \"none\", \"picture\": \"conv4\", "
                                                 "\"image_size\": 16, \"image_width\": 8, "
                                                 "\"dim\": 8, \"epochs\": 1, \"threads\": 1}",
                                  .source = TW_PAIRS_SELF,
                                  .activate = TW_ACTIVATE_ALWAYS,
                                  .skip_eval = true};
    char *report = NULL;
    for (int i = 0; i < n; i++) {
        char id[32];
        tw_put_kind kind;
        for (int k = 0; k < 400; k++)
            px[k] = k / 20 < 4 + 3 * i && k % 20 < 4 + 3 * i ? 64 : 255;
        (void) snprintf(id, sizeof id, "square%d.png", i);
        assert_ok(tw_image_save_png(tw_test_path(id), &im, err));
        const tw_item item = {.id = id, .image = tw_test_path(id)};
        assert_ok(tw_engine_put(engine, &item, &kind, err));
    }
    assert_ok(tw_engine_train_towers(engine, &opt, &report, err));
    tw_free(report);
}

static void an_image_travels_as_its_bytes(void **state)
{
    (void) state;
    tw_client *c = client();
    tw_answer far, near;
    tw_error there = {0}, here = {0};
    char *data;
    size_t len;
    static float a[TW_ENGINE_MAX_DIM], b[TW_ENGINE_MAX_DIM];
    int dim, model;
    train_on_images(4);
    assert_ok(tw_file_read(tw_test_path("square2.png"), 1 << 20, &data, &len, err));
    tw_similar_query q = {.image = {data, len}, .k = 4};
    tw_answer_init(&far);
    tw_answer_init(&near);
    assert_ok(tw_client_similar(c, &q, &far, err));
    assert_ok(tw_engine_similar(engine, &q, &near, err));
    assert_string_equal(far.basis, "image");
    assert_string_equal(far.rows[0].id, "square2.png");
    assert_int_equal(far.n, near.n);
    for (int i = 0; i < far.n; i++) {
        assert_string_equal(far.rows[i].id, near.rows[i].id);
        assert_true(far.rows[i].score == near.rows[i].score);
    }
    const tw_embed_query what = {.image = q.image};
    assert_ok(tw_client_embed(c, &what, a, &dim, &model, err));
    assert_ok(tw_engine_embed(engine, &what, b, &dim, &model, err));
    assert_memory_equal(a, b, (size_t) dim * sizeof *a);

    q.image.len = len / 2; /* damage is the asker's mistake, not ours */
    assert_int_equal(tw_client_similar(c, &q, &far, &there), TW_EINVAL);
    assert_int_equal(tw_engine_similar(engine, &q, &near, &here), TW_EINVAL);
    assert_string_equal(there.msg, here.msg);
    q = (tw_similar_query){.text = "square", .k = 1};
    assert_int_equal(tw_client_similar(c, &q, &far, &there), TW_EINVAL);
    assert_non_null(strstr(there.msg, "the towers read image, not text"));
    tw_free(data);
    tw_answer_fini(&far);
    tw_answer_fini(&near);
    tw_client_close(c);
}

static tw_status put_image(tw_client *c, const char *path, tw_error *why)
{
    tw_put_kind kind;
    return tw_client_put(c, &(tw_item){.id = "client's", .image = path}, &kind, why);
}

/* test_media.sh tries many more ways out. */
static void a_client_names_files_below_the_media_root_alone(void **state)
{
    (void) state;
    static unsigned char px[400];
    const tw_image im = {.width = 20, .height = 20, .channels = 1, .px = px};
    tw_client *c = client();
    tw_error first = {0}, other = {0};
    tw_put_kind kind;
    tw_item got;
    const char *inside = tw_test_path("media/in.png"), *outside = tw_test_path("out.png");

    assert_ok(tw_image_save_png(inside, &im, err));
    assert_ok(tw_image_save_png(outside, &im, err));
    assert_int_equal(symlink(outside, tw_test_path("media/link.png")), 0);
    assert_ok(put_image(c, "in.png", err));
    assert_ok(tw_client_get(c, "client's", &got, err));
    assert_string_equal(got.image, "in.png");
    assert_ok(tw_engine_get(engine, "client's", &got, err));
    assert_string_equal(strrchr(got.image, '/'), "/in.png");
    assert_int_equal(got.image[0], '/');
    tw_item_fini(&got);

    assert_int_equal(put_image(c, "none.png", &first), TW_EINVAL);
    const char *const bad[] = {outside,     "../out.png",  "link.png",    "/etc/passwd",
                               "/dev/zero", "x/../in.png", "/nowhere/at", "http://a/b.png"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(put_image(c, bad[i], &other), TW_EINVAL);
        assert_string_equal(other.msg, first.msg);
    }
    /* What the operator gave an item may be sent back with it, for it is no news. */
    assert_ok(tw_engine_put(engine, &(tw_item){.id = "client's", .image = outside}, &kind, err));
    assert_ok(tw_client_get(c, "client's", &got, err));
    assert_string_equal(got.image, outside);
    assert_ok(put_image(c, outside, err));
    assert_ok(tw_client_delete(c, "client's", err));
    tw_client_close(c);
}

/* The data directory is moved away, so that the store cannot be opened for another reader: what the
 * system says then has paths in it. */
static void no_sentence_tells_a_path_of_the_server(void **state)
{
    (void) state;
    tw_client *c = client();
    tw_error e = {0};
    tw_item got;
    tw_engine_stats stats;
    tw_answer a;
    tw_put_kind kind;
    tw_answer_init(&a);
    const tw_similar_query q = {.item = "tt1", .k = 3};
    (void) !tw_client_similar(c, &q, &a, &e);
    assert_null(strstr(e.msg, tw_test_dir()));
    (void) !tw_client_get(c, "/etc", &got, &e);
    assert_null(strstr(e.msg, tw_test_dir()));
    (void) !tw_client_put(c, &(tw_item){.id = "x", .attributes = "["}, &kind, &e);
    assert_null(strstr(e.msg, tw_test_dir()));
    tw_service_stop(service);
    tw_engine_close(engine);
    /* Read-only, and a store that breaks while it is read. */
    const char *dir = tw_test_path("data"), *urls[] = {"tcp://127.0.0.1:0"};
    tw_service_config cfg = {.urls = urls, .n_urls = 1, .workers = 1};
    assert_ok(tw_engine_open(&engine, dir, NULL, err));
    assert_ok(tw_service_start(&service, engine, &cfg, err));
    tw_client_close(c);
    c = client();
    assert_int_equal(tw_client_put(c, &(tw_item){.id = "x"}, &kind, &e), TW_EDENIED);
    assert_null(strstr(e.msg, tw_test_dir()));
    assert_int_equal(truncate(tw_test_path("data/twindex.db"), 8192), 0);
    for (int i = 0; i < 3; i++) {
        const tw_status st = i == 0   ? tw_client_get(c, "tt1", &got, &e)
                             : i == 1 ? tw_client_stats(c, &stats, &e)
                                      : tw_client_similar(c, &q, &a, &e);
        if (st != TW_OK)
            assert_null(strstr(e.msg, tw_test_dir()));
    }
    tw_answer_fini(&a);
    tw_client_close(c);
}

static void *put_and_read(void *arg)
{
    tw_client *c = client();
    for (int i = 0; i < 25; i++) {
        char id[32];
        tw_item got;
        (void) snprintf(id, sizeof id, "%s-%d", (const char *) arg, i);
        assert_ok(tw_client_put(c, &(tw_item){.id = id, .title = id}, NULL, err));
        assert_ok(tw_client_get(c, id, &got, err)); /* visible at once */
        assert_string_equal(got.title, id);
        if (i % 2 == 1) {
            assert_ok(tw_client_delete(c, id, err));
            assert_status(tw_client_get(c, id, &got, err), TW_ENOTFOUND);
        }
    }
    tw_client_close(c);
    return NULL;
}

static void many_clients_write_at_once(void **state)
{
    (void) state;
    static char names[4][2] = {"a", "b", "c", "d"};
    pthread_t threads[4];
    tw_engine_stats before, after;
    assert_ok(tw_engine_stats_get(engine, &before, err));
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, put_and_read, names[i]), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_ok(tw_engine_stats_get(engine, &after, err));
    assert_int_equal(after.items - before.items, 4 * 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_can_be_read_by_both_sides),
        cmocka_unit_test(the_engines_refusals_arrive_word_for_word),
        cmocka_unit_test(many_clients_write_at_once),
        cmocka_unit_test(an_image_travels_as_its_bytes),
        cmocka_unit_test(a_client_names_files_below_the_media_root_alone),
        cmocka_unit_test(no_sentence_tells_a_path_of_the_server), /* last: it breaks the store */
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
