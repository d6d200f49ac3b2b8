/* Every allocation of the media readers fails in turn: the status says so and nothing leaks. What
 * libjpeg, libwebp, giflib and libsndfile allocate is not ours to fail; libpng's goes through
 * base/alloc.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "ingest/audio.h"
#include "ingest/image.h"
#include "ingest/media/media_features.h"
#include "ingest/media/media_folder.h"
#include "tests/support/test.h"
#include "tests/unit/ingest/image_bytes.h"

enum { W = 90, H = 70 };

static const tw_image_options small = {.background = {255, 255, 255}, .max_pixels = 4096};
static blob png, jpeg;

static tw_status read_png(void)
{
    tw_image im;
    const tw_status st = tw_image_parse(&im, png.data, png.len, "made.png", &small, NULL);
    assert_true((im.px == NULL) == (st != TW_OK));
    tw_free(im.px);
    return st;
}

static tw_status read_jpeg(void)
{
    tw_image im;
    const tw_status st = tw_image_parse(&im, jpeg.data, jpeg.len, "made.jpg", &small, NULL);
    assert_true((im.px == NULL) == (st != TW_OK));
    tw_free(im.px);
    return st;
}

/* 2 x 1 and 1 x 1 pixels. */
static const unsigned char gif[] = "GIF89a\x02\0\x01\0\x80\0\0\x01\x02\x03\x04\x05\x06"
                                   ",\0\0\0\0\x02\0\x01\0\0\x02\x02\x5c\x0a\0;";
static const unsigned char webp[] = "RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10"
                                    "\x07\x10\x11\x11\x88\x88\xfe\x07\0";

static tw_status read_gif(void)
{
    tw_image im;
    const tw_status st = tw_image_parse(&im, gif, sizeof gif - 1, "made.gif", &small, NULL);
    assert_true((im.px == NULL) == (st != TW_OK));
    tw_free(im.px);
    return st;
}

static tw_status read_webp(void)
{
    tw_image im;
    const tw_status st = tw_image_parse(&im, webp, sizeof webp - 1, "made.webp", &small, NULL);
    assert_true((im.px == NULL) == (st != TW_OK));
    tw_free(im.px);
    return st;
}

static tw_status save_png(void)
{
    unsigned char px[12] = {0};
    const tw_image im = {.width = 2, .height = 2, .channels = 3, .px = px};
    return tw_image_save_png(tw_test_path("saved.png"), &im, NULL);
}

static tw_status load_audio(void)
{
    static const char path[] = "load.wav";
    unsigned char wav[44 + 70000] =
        "RIFF\x94\x11\x01\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x40\x1f"
        "\0\0\1\0\x08\0data\x70\x11\x01";
    tw_audio s;
    FILE *f = fopen(tw_test_path(path), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(wav, 1, sizeof wav, f), sizeof wav);
    assert_int_equal(fclose(f), 0);
    const tw_status st =
        tw_audio_load(&s, tw_test_path(path), &(tw_audio_options){.seconds = 60}, NULL, NULL);
    assert_true((s.samples == NULL) == (st != TW_OK));
    tw_free(s.samples);
    return st;
}

static tw_status list_folder(void)
{
    tw_media_folder *m;
    tw_media_file f;
    tw_row row;
    tw_media_kind kind;
    tw_status st = tw_media_folder_open(&m, tw_test_path("pics"), NULL);
    assert_true((m == NULL) == (st != TW_OK));
    while (st == TW_OK && tw_media_folder_next(m, &f))
        st = tw_media_folder_row(m, &row, &kind, NULL);
    tw_media_folder_close(m);
    return st;
}

static void make_folder(void)
{
    static const char *const names[] = {"pics/a.png", "pics/b/c.png", "pics/b/d.txt"};
    assert_ok(tw_dir_create(tw_test_path("pics"), err));
    assert_ok(tw_dir_create(tw_test_path("pics/b"), err));
    for (int i = 0; i < 3; i++)
        assert_ok(tw_file_replace(tw_test_path(names[i]), "x", 1, err));
}

static void torture(tw_status (*job)(void), long least)
{
    long nth = 0;
    assert_int_equal(job(), TW_OK);
    for (bool fired = true; fired;) {
        tw_torture_arm(++nth);
        const tw_status st = job();
        fired = tw_torture_fired();
        tw_torture_arm(0);
        assert_int_equal(st, fired ? TW_ENOMEM : TW_OK);
    }
    assert_true(nth > least);
}

static void media_survive_every_failed_allocation(void **state)
{
    (void) state;
    char features[TW_MEDIA_FEATURES_MAX];
    uint16_t *samples = calloc(W * H * 4, sizeof *samples);
    unsigned char *px = calloc(W * H, 1);
    assert_non_null(samples);
    assert_non_null(px);
    png = make_png(&(png_order){
        .width = W, .height = H, .type = 6, .depth = 8, .interlaced = true, .samples = samples});
    jpeg = make_jpeg(
        &(jpeg_order){.width = W, .height = H, .channels = 1, .px = px, .orientation = 6});
    torture(read_png, 6);
    torture(save_png, 4);
    torture(load_audio, 4); /* 70,000 frames: the samples grow */
    make_folder();
    torture(list_folder, 10);
    if (jpeg.len > 0)
        torture(read_jpeg, 4);
    if (strstr(tw_media_features(features), " gif") != NULL)
        torture(read_gif, 2);
    if (strstr(tw_media_features(features), " webp") != NULL)
        torture(read_webp, 1);
    free(jpeg.data);
    free(png.data);
    free(px);
    free(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(media_survive_every_failed_allocation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
