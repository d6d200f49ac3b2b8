/* Images and audio from a catalogue's paths to the towers: checked where they come in, missed
 * when they are gone, never a failed training. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/engine.h"
#include "engine/training.h"
#include "ingest/image.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

enum { SHAPES = 3, PER_SHAPE = 8, ITEMS = SHAPES * PER_SHAPE, SIDE = 24 };

static const char *const TOWERS = "{\"text\": \"none\", \"image_size\": 16, \"image_channels\": 1, "
                                  "\"image_width\": 8, \"dim\": 16, \"epochs\": 3, \"batch\": 24, "
                                  "\"threads\": 2}";

/* Black on white: a bar that lies, a bar that stands, or a block, where `variant` moves it. */
static const char *draw(const char *name, int shape, int variant)
{
    static unsigned char px[SIDE * SIDE];
    const tw_image im = {.width = SIDE, .height = SIDE, .channels = 1, .px = px};
    const int at = 4 + variant;
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            const int along = shape == 0 ? y : shape == 1 ? x : y > x ? y : x;
            px[y * SIDE + x] = along >= at && along < at + (shape == 2 ? 12 : 4) ? 0 : 255;
        }
    }
    const char *path = tw_test_path(name);
    assert_ok(tw_image_save_png(path, &im, err));
    return path;
}

/* 440 Hz, 8 bits, a tenth of a second. */
static const char *ring(const char *name)
{
    static unsigned char wav[44 + 1600] = "RIFF\x64\x06\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0"
                                          "\x40\x1f\0\0\1\0\x08\0data\x40\x06";
    for (int i = 0; i < 1600; i++)
        wav[44 + i] = i * 440 / 4000 % 2 == 0 ? 90 : 166;
    const char *path = tw_test_path(name);
    assert_ok(tw_file_replace(path, wav, sizeof wav, err));
    return path;
}

static const char *cut_off(const char *name)
{
    char *data;
    size_t len;
    const char *path = draw(name, 0, 0);
    assert_ok(tw_file_read(path, 1 << 20, &data, &len, err));
    assert_ok(tw_file_replace(path, data, len / 2, err));
    tw_free(data);
    return path;
}

static void a_row_with_bad_media_is_rejected_with_a_sentence(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("rows", false);
    tw_ingest_report r;
    tw_item item;
    char *rejected;
    size_t len;
    (void) draw("good.png", 1, 0);
    (void) cut_off("cut.png");
    (void) ring("bell.wav");
    const char *csv = tw_test_file("media.csv", "id,title,image,audio\n"
                                                "ok,A bar,good.png,bell.wav\n"
                                                "only,,good.png,\n"
                                                "cut,Cut,cut.png,\n"
                                                "gone,Gone,nowhere.png,\n"
                                                "noise,Noise,,good.png\n"
                                                "far,Far,https://example.org/a.png,\n"
                                                "plain,No media,,\n");
    assert_ok(tw_engine_ingest(e, csv, NULL, &r, err));
    assert_int_equal(r.created, 4);
    assert_int_equal(r.rejected, 3);
    assert_int_equal(r.left_out, 1);
    assert_non_null(
        strstr(r.first_left_out, "line 7: the image 'https://example.org/a.png' is an"));
    assert_non_null(strstr(r.first_reject, "line 4"));
    assert_non_null(strstr(r.first_reject, "cut.png"));
    assert_ok(tw_file_read(r.rejects_path, 1 << 20, &rejected, &len, err));
    assert_non_null(strstr(rejected, "nowhere.png"));
    assert_non_null(strstr(rejected, "is no audio file"));
    tw_free(rejected);
    assert_ok(tw_engine_get(e, "only", &item, err)); /* nothing but a picture */
    assert_non_null(strstr(item.image, "/good.png"));
    tw_item_fini(&item);

    /* A file that has gone since it was ingested is no reason to refuse a row that is there. */
    (void) unlink(tw_test_path("good.png"));
    csv = tw_test_file("again.csv", "id,title,image,audio\n"
                                    "ok,Another bar,good.png,bell.wav\n"
                                    "new,A bar,good.png,\n");
    assert_ok(tw_engine_ingest(e, csv, NULL, &r, err));
    assert_int_equal(r.replaced, 1);
    assert_int_equal(r.rejected, 1);
    tw_engine_close(e);
}

static void a_put_of_bad_media_is_refused_and_changes_nothing(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("puts", false);
    tw_put_kind kind;
    tw_error why = {0};
    tw_engine_stats s;
    tw_item item = {.id = "x", .image = cut_off("half.png")};
    assert_int_equal(tw_engine_put(e, &item, &kind, &why), TW_EINVAL);
    assert_non_null(strstr(why.msg, "half.png"));
    assert_int_equal(why.code, TW_EINVAL); /* the exit code is made of it */
    item = (tw_item){.id = "x", .audio = "file:///bell.wav"};
    assert_int_equal(tw_engine_put(e, &item, &kind, &why), TW_EINVAL);
    assert_non_null(strstr(why.msg, "is an address"));
    assert_ok(tw_engine_stats_get(e, &s, err));
    assert_int_equal(s.items, 0);
    item = (tw_item){.id = "x", .image = draw("whole.png", 0, 0), .audio = ring("ding.wav")};
    assert_ok(tw_engine_put(e, &item, &kind, err));
    assert_int_equal(kind, TW_PUT_CREATED);
    tw_engine_close(e);
}

/* A catalogue of nothing but pictures, and one of texts in which a few have pictures. */
static tw_engine *gallery(const char *name)
{
    tw_engine *e = toy_engine(name, false);
    tw_ingest_report r;
    tw_text t;
    char csv[64];
    tw_text_init(&t, 1 << 16);
    assert_ok(tw_text_adds(&t, "id,image,shape,wall\n", err));
    for (int i = 0; i < ITEMS; i++) {
        char file[32];
        (void) snprintf(file, sizeof file, "%s%d.png", name, i);
        (void) draw(file, i / PER_SHAPE, i % PER_SHAPE);
        assert_ok(tw_text_addf(&t, err, "p%d,%s,s%d,w%d\n", i, file, i / PER_SHAPE, i % 2));
    }
    (void) snprintf(csv, sizeof csv, "%s.csv", name);
    assert_ok(tw_engine_ingest(e, tw_test_file(csv, tw_text_cstr(&t)), NULL, &r, err));
    assert_int_equal(r.created, ITEMS);
    tw_text_fini(&t);
    return e;
}

static void images_train_the_towers_and_one_that_went_missing_is_counted(void **state)
{
    (void) state;
    tw_engine *e = gallery("gone");
    tw_answer a;
    char *report = NULL;
    const tw_train_options opt = {.activate = TW_ACTIVATE_ALWAYS,
                                  .config_json = TOWERS,
                                  .source = TW_PAIRS_CLASSES,
                                  .path = "shape"};
    (void) unlink(tw_test_path("gone5.png"));
    assert_ok(tw_engine_train_towers(e, &opt, &report, err));
    assert_non_null(strstr(report, "\"image\": \"conv4\""));
    assert_non_null(strstr(report, "\"text\": \"none\""));
    assert_non_null(strstr(report, "\"unreadable\": 1"));
    assert_non_null(strstr(report, "gone5.png"));
    assert_non_null(strstr(report, "\"classes\": 3"));
    tw_free(report);
    tw_answer_init(&a);
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.item = "p9", .k = 3}, &a, err));
    assert_int_equal(a.n, 3);
    tw_answer_fini(&a);
    tw_engine_close(e);
}

/* A net's products may end in other last digits when it is given several pictures at once. */
static void assert_same_direction(const float *a, const float *b, int dim)
{
    double cosine = 0;
    for (int d = 0; d < dim; d++)
        cosine += (double) a[d] * (double) b[d];
    assert_near(cosine, 1, 1e-5);
}

/* The file is decoded in three places: training's embedding, put and ingest. */
static void the_same_image_has_the_same_vector_however_it_came_in(void **state)
{
    (void) state;
    tw_engine *e = gallery("ways");
    tw_ingest_report r;
    tw_put_kind kind;
    char *report = NULL;
    static float trained[TW_ENGINE_MAX_DIM], put[TW_ENGINE_MAX_DIM], read[TW_ENGINE_MAX_DIM];
    int dim, model;
    const tw_train_options opt = {.activate = TW_ACTIVATE_ALWAYS,
                                  .config_json = TOWERS,
                                  .source = TW_PAIRS_SELF,
                                  .skip_eval = true};
    assert_ok(tw_engine_train_towers(e, &opt, &report, err));
    tw_free(report);
    const tw_item item = {.id = "put", .image = tw_test_path("ways3.png")};
    assert_ok(tw_engine_put(e, &item, &kind, err));
    const char *csv = tw_test_file("one.csv", "id,image\nread,ways3.png\n");
    assert_ok(tw_engine_ingest(e, csv, NULL, &r, err));
    assert_ok(tw_engine_embed(e, &(tw_embed_query){.item = "p3"}, trained, &dim, &model, err));
    assert_ok(tw_engine_embed(e, &(tw_embed_query){.item = "put"}, put, &dim, &model, err));
    assert_ok(tw_engine_embed(e, &(tw_embed_query){.item = "read"}, read, &dim, &model, err));
    assert_int_equal(dim, 16);
    double length = 0;
    for (int i = 0; i < dim; i++)
        length += (double) trained[i] * (double) trained[i];
    assert_near(length, 1, 1e-5);
    assert_same_direction(trained, put, dim);
    assert_same_direction(trained, read, dim);
    tw_engine_close(e);
}

static void check_refused(tw_engine *e, tw_similar_query q, const char *sentence)
{
    tw_answer a;
    tw_error why = {0};
    tw_answer_init(&a);
    q.k = 3;
    assert_int_equal(tw_engine_similar(e, &q, &a, &why), TW_EINVAL);
    assert_int_equal(why.code, TW_EINVAL);
    if (strstr(why.msg, sentence) == NULL)
        fail_msg("'%s' does not say '%s'", why.msg, sentence);
    tw_answer_fini(&a);
}

static void an_image_finds_the_item_that_has_it(void **state)
{
    (void) state;
    tw_engine *e = gallery("asked");
    char *report = NULL, *data, *sound;
    size_t len, n_sound;
    tw_answer a;
    const tw_train_options opt = {.activate = TW_ACTIVATE_ALWAYS,
                                  .config_json = TOWERS,
                                  .source = TW_PAIRS_SELF,
                                  .skip_eval = true};
    assert_ok(tw_file_read(tw_test_path("asked10.png"), 1 << 20, &data, &len, err));
    assert_ok(tw_file_read(ring("asked.wav"), 1 << 20, &sound, &n_sound, err));
    const tw_bytes image = {data, len}, audio = {sound, n_sound};
    tw_answer_init(&a);
    assert_status(tw_engine_similar(e, &(tw_similar_query){.image = image, .k = 3}, &a, err),
                  TW_ESTATE);
    assert_ok(tw_engine_train_towers(e, &opt, &report, err));
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.image = image, .k = 3}, &a, err));
    assert_string_equal(a.rows[0].id, "p10");
    assert_near(a.rows[0].score, 1, 1e-5);
    assert_string_equal(a.basis, "image");
    check_refused(e, (tw_similar_query){.text = "bar"}, "the towers read image, not text");
    check_refused(e, (tw_similar_query){.text = "bar", .image = image}, "read image, not text");
    check_refused(e, (tw_similar_query){.audio = audio, .text = "x"}, "not text and audio");
    check_refused(e, (tw_similar_query){.item = "p1", .image = image}, "not both");
    check_refused(e, (tw_similar_query){0}, "either an item");
    check_refused(e, (tw_similar_query){.image = {data, len / 2}}, "the image of the query");
    check_refused(e, (tw_similar_query){.image = audio}, "the image of the query");
    tw_free(data);
    tw_free(sound);
    tw_free(report);
    tw_answer_fini(&a);
    tw_engine_close(e);
}

static tw_status count_vector(void *ctx, const char *id, const float *vec, int dim, tw_error *err)
{
    int *n = ctx;
    char want[16];
    double length = 0;
    (void) err;
    (void) snprintf(want, sizeof want, "p%d", *n);
    assert_string_equal(id, want);
    for (int i = 0; i < dim; i++)
        length += (double) vec[i] * (double) vec[i];
    assert_near(length, 1, 1e-5);
    return ++*n == 5 ? TW_ECANCELLED : TW_OK;
}

static void all_vectors_come_in_order_until_they_are_enough(void **state)
{
    (void) state;
    tw_engine *e = gallery("all");
    char *report = NULL;
    int n = 0, model;
    const tw_train_options opt = {.activate = TW_ACTIVATE_ALWAYS,
                                  .config_json = TOWERS,
                                  .source = TW_PAIRS_SELF,
                                  .skip_eval = true};
    assert_status(tw_engine_each_vector(e, &model, count_vector, &n, err), TW_ESTATE);
    assert_ok(tw_engine_train_towers(e, &opt, &report, err));
    assert_status(tw_engine_each_vector(e, &model, count_vector, &n, err), TW_ECANCELLED);
    assert_int_equal(n, 5);
    assert_int_equal(model, 1);
    tw_free(report);
    tw_engine_close(e);
}

/* Put and ingest decode a minute of audio to check it; the towers hear what training heard. */
static void the_same_audio_has_the_same_vector_however_it_came_in(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("heard", false);
    tw_put_kind kind;
    tw_ingest_report r;
    char *report = NULL;
    static float trained[TW_ENGINE_MAX_DIM], put[TW_ENGINE_MAX_DIM], read[TW_ENGINE_MAX_DIM],
        asked[TW_ENGINE_MAX_DIM];
    int dim, model;
    const tw_train_options opt = {
        .activate = TW_ACTIVATE_ALWAYS,
        .config_json = "{\"audio_seconds\": 0.1, \"audio_width\": 8, \"dim\": 8, \"epochs\": 1, "
                       "\"threads\": 1}",
        .source = TW_PAIRS_SELF,
        .skip_eval = true};
    for (int i = 0; i < 4; i++) {
        char id[16];
        (void) snprintf(id, sizeof id, "s%d", i);
        assert_ok(tw_engine_put(e, &(tw_item){.id = id, .audio = ring("tone.wav")}, &kind, err));
    }
    assert_ok(tw_engine_train_towers(e, &opt, &report, err));
    assert_non_null(strstr(report, "\"audio\": \"cnn\""));
    tw_free(report);
    const tw_item item = {.id = "put", .audio = tw_test_path("tone.wav")};
    assert_ok(tw_engine_put(e, &item, &kind, err));
    assert_ok(
        tw_engine_ingest(e, tw_test_file("heard.csv", "id,audio\nread,tone.wav\n"), NULL, &r, err));
    char *data;
    size_t len;
    assert_ok(tw_file_read(item.audio, 1 << 20, &data, &len, err));
    assert_ok(tw_engine_embed(e, &(tw_embed_query){.item = "s2"}, trained, &dim, &model, err));
    assert_ok(tw_engine_embed(e, &(tw_embed_query){.item = "put"}, put, &dim, &model, err));
    assert_ok(tw_engine_embed(e, &(tw_embed_query){.item = "read"}, read, &dim, &model, err));
    assert_ok(
        tw_engine_embed(e, &(tw_embed_query){.audio = {data, len}}, asked, &dim, &model, err));
    assert_same_direction(trained, put, dim);
    assert_same_direction(trained, read, dim);
    assert_same_direction(trained, asked, dim);
    tw_free(data);
    tw_engine_close(e);
}

static void a_vocabulary_is_read_or_learnt(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("tokens", true);
    char *report = NULL;
    tw_answer a;
    tw_train_options opt = {
        .activate = TW_ACTIVATE_ALWAYS,
        .config_json = "{\"text\": \"transformer\", \"vocabulary\": 300, \"text_width\": 16, "
                       "\"text_heads\": 2, \"text_layers\": 1, \"text_ffn\": 16, \"dim\": 16, "
                       "\"epochs\": 2, \"batch\": 16, \"threads\": 2}",
        .source = TW_PAIRS_ATTRIBUTE,
        .path = "genres",
        .vocabulary = tw_test_path("none.txt")};
    assert_status(tw_engine_train_towers(e, &opt, &report, err), TW_ENOTFOUND);
    opt.vocabulary = NULL;
    assert_ok(tw_engine_train_towers(e, &opt, &report, err));
    tw_free(report);
    report = NULL;
    opt.vocabulary =
        tw_test_file("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nwestern\nromance\n"
                                  "robot\nfilm\nstory\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    assert_ok(tw_engine_train_towers(e, &opt, &report, err));
    tw_answer_init(&a);
    assert_ok(tw_engine_similar(e, &(tw_similar_query){.text = "robot story 3 robot film", .k = 1},
                                &a, err));
    assert_int_equal(a.n, 1);
    tw_answer_fini(&a);
    tw_free(report);
    tw_engine_close(e);
}

static void items_without_anything_cannot_be_trained_on(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("nothing", false);
    tw_put_kind kind;
    tw_error why = {0};
    char *report = NULL;
    const tw_train_options opt = {.activate = TW_ACTIVATE_ALWAYS, .source = TW_PAIRS_SELF};
    assert_ok(tw_engine_put(e, &(tw_item){.id = "a"}, &kind, err));
    assert_ok(tw_engine_put(e, &(tw_item){.id = "b"}, &kind, err));
    assert_int_equal(tw_engine_train_towers(e, &opt, &report, &why), TW_ESTATE);
    assert_non_null(strstr(why.msg, "nothing for towers to read"));
    tw_engine_close(e);
}

static void what_is_not_said_is_settled_by_what_there_is(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("auto", true); /* texts */
    tw_put_kind kind;
    char *report = NULL;
    const tw_train_options opt = {.activate = TW_ACTIVATE_ALWAYS,
                                  .config_json = TOY_TOWERS,
                                  .source = TW_PAIRS_ATTRIBUTE,
                                  .path = "genres"};
    const tw_item item = {.id = "drawn", .image = draw("drawn.png", 0, 0)};
    assert_ok(tw_engine_put(e, &item, &kind, err));
    assert_ok(tw_engine_train_towers(e, &opt, &report, err));
    assert_non_null(strstr(report, "\"text\": \"bag\""));
    assert_non_null(strstr(report, "\"image\": \"none\"")); /* one in 37 */
    assert_non_null(strstr(report, "\"audio\": \"none\""));
    assert_non_null(strstr(report, "\"attributes\": \"none\""));
    assert_non_null(strstr(report, "\"unreadable\": 0"));
    tw_free(report);
    report = NULL;
    for (int i = 0; i < 4; i++) {
        char id[16];
        (void) snprintf(id, sizeof id, "d%d", i);
        assert_ok(tw_engine_put(e, &(tw_item){.id = id, .image = item.image}, &kind, err));
    }
    assert_ok(tw_engine_train_towers(e, &opt, &report, err));
    assert_non_null(strstr(report, "\"image\": \"conv4\"")); /* 5 of 41 */
    tw_free(report);
    tw_engine_close(e);
}

static void classes_must_be_there_and_tell_something_apart(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("classes", true);
    char *report = NULL;
    tw_train_options opt = {.activate = TW_ACTIVATE_ALWAYS,
                            .config_json = TOY_TOWERS,
                            .source = TW_PAIRS_CLASSES,
                            .path = "colour"};
    assert_status(tw_engine_train_towers(e, &opt, &report, err), TW_ESTATE);
    opt.path = "genres";
    opt.groups = "colour";
    assert_status(tw_engine_train_towers(e, &opt, &report, err), TW_ESTATE);
    opt.source = TW_PAIRS_ATTRIBUTE;
    assert_status(tw_engine_train_towers(e, &opt, &report, err), TW_EINVAL);
    opt = (tw_train_options){.activate = TW_ACTIVATE_ALWAYS,
                             .config_json = TOY_TOWERS,
                             .source = TW_PAIRS_CLASSES,
                             .path = "genres"};
    assert_ok(tw_engine_train_towers(e, &opt, &report, err));
    assert_non_null(strstr(report, "\"classes\": 3"));
    assert_non_null(strstr(report, "\"valid\":")); /* some items were held out */
    tw_free(report);
    tw_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_with_bad_media_is_rejected_with_a_sentence),
        cmocka_unit_test(a_put_of_bad_media_is_refused_and_changes_nothing),
        cmocka_unit_test(images_train_the_towers_and_one_that_went_missing_is_counted),
        cmocka_unit_test(the_same_image_has_the_same_vector_however_it_came_in),
        cmocka_unit_test(an_image_finds_the_item_that_has_it),
        cmocka_unit_test(all_vectors_come_in_order_until_they_are_enough),
        cmocka_unit_test(the_same_audio_has_the_same_vector_however_it_came_in),
        cmocka_unit_test(a_vocabulary_is_read_or_learnt),
        cmocka_unit_test(items_without_anything_cannot_be_trained_on),
        cmocka_unit_test(what_is_not_said_is_settled_by_what_there_is),
        cmocka_unit_test(classes_must_be_there_and_tell_something_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
