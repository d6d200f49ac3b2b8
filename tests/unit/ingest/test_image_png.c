/* PNG: every form of pixels, reading in bounded memory, bad bytes, writing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "ingest/image.h"
#include "tests/support/test.h"
#include "tests/unit/ingest/image_bytes.h"

enum { W = 13, H = 11, MOST = W * H * 4 };

static uint16_t samples[MOST];

static void fill(tw_rng *rng, int depth)
{
    for (int i = 0; i < MOST; i++)
        samples[i] = (uint16_t) tw_rng_below(rng, (uint64_t) 1 << depth);
}

/* Depth d to 8 bits: the nearest of 256 levels. */
static int to8(uint16_t s, int depth)
{
    const int most = (1 << depth) - 1;
    return (s * 255 + most / 2) / most;
}

static tw_image parse(blob b, const tw_image_options *opt)
{
    tw_image im = {0};
    assert_ok(tw_image_parse(&im, b.data, b.len, "made.png", opt, err));
    return im;
}

/* Types and depths that the PNG standard allows. */
static const struct {
    int type, depth;
} forms[] = {
    {0, 1}, {0, 2}, {0, 4}, {0, 8}, {0, 16}, {2, 8}, {2, 16}, {3, 1},
    {3, 2}, {3, 4}, {3, 8}, {4, 8}, {4, 16}, {6, 8}, {6, 16},
};

static void every_form_of_pixels_gives_the_same_image(void **state)
{
    (void) state;
    static const unsigned char paper[3] = {200, 100, 50};
    const tw_image_options opt = {.background = {200, 100, 50}, .max_pixels = 4096};
    unsigned char palette[256 * 3], palette_alpha[256];
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < 256 * 3; i++)
        palette[i] = (unsigned char) tw_rng_below(&rng, 256);
    for (int i = 0; i < 256; i++)
        palette_alpha[i] = (unsigned char) tw_rng_below(&rng, 256);

    for (size_t f = 0; f < 2 * sizeof forms / sizeof forms[0]; f++) {
        const int type = forms[f / 2].type, depth = forms[f / 2].depth;
        const int ch = png_channels(type), colours = type == 0 || type == 4 ? 1 : 3;
        const bool alpha = type >= 3;
        fill(&rng, depth);
        const blob b = make_png(&(png_order){.width = W,
                                             .height = H,
                                             .type = type,
                                             .depth = depth,
                                             .interlaced = f % 2 == 1,
                                             .samples = samples,
                                             .palette = type == 3 ? palette : NULL,
                                             .palette_alpha = type == 3 ? palette_alpha : NULL,
                                             .palette_size = 1 << (depth <= 8 ? depth : 8)});
        const tw_image im = parse(b, &opt);
        assert_int_equal(im.width, W);
        assert_int_equal(im.height, H);
        assert_int_equal(im.channels, type == 0 ? 1 : 3);
        for (int i = 0; i < W * H; i++) {
            for (int k = 0; k < im.channels; k++) {
                const uint16_t *s = samples + i * ch;
                int c = type == 3 ? palette[3 * s[0] + k] : to8(s[colours == 3 ? k : 0], depth);
                const int a = type == 3 ? palette_alpha[s[0]] : alpha ? to8(s[ch - 1], depth) : 255;
                c = (c * a + paper[k] * (255 - a) + 127) / 255;
                if (im.px[i * im.channels + k] != c)
                    fail_msg("type %d depth %d pixel %d sample %d: %d, not %d", type, depth, i, k,
                             im.px[i * im.channels + k], c);
            }
        }
        tw_free(im.px);
        free(b.data);
    }
}

static void a_colour_may_be_named_transparent(void **state)
{
    (void) state;
    const uint16_t grey[4] = {7, 8, 9, 7}, rgb[6] = {1, 2, 3, 1, 2, 4};
    blob b = make_png(&(png_order){
        .width = 4, .height = 1, .type = 0, .depth = 4, .samples = grey, .transparent = grey});
    tw_image im = parse(b, NULL);
    assert_int_equal(im.channels, 1); /* white is grey enough */
    assert_memory_equal(im.px, "\xff\x88\x99\xff", 4);
    tw_free(im.px);
    free(b.data);

    b = make_png(&(png_order){
        .width = 2, .height = 1, .type = 2, .depth = 8, .samples = rgb, .transparent = rgb});
    im = parse(b, NULL);
    assert_memory_equal(im.px, "\xff\xff\xff\1\2\4", 6);
    tw_free(im.px);
    free(b.data);
}

/* The oracle is the mean of each box, in plain loops. */
static void a_large_image_is_averaged_over_boxes(void **state)
{
    (void) state;
    enum { BIG_W = 301, BIG_H = 97, BOX = 3, OUT_W = 101, OUT_H = 33 };
    const tw_image_options opt = {.background = {255, 255, 255}, .max_pixels = 4096};
    uint16_t *big = calloc(BIG_W * BIG_H * 3, sizeof *big);
    tw_rng rng;
    assert_non_null(big);
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < BIG_W * BIG_H * 3; i++)
        big[i] = (uint16_t) tw_rng_below(&rng, 256);

    for (int interlaced = 0; interlaced < 2; interlaced++) {
        const blob b = make_png(&(png_order){.width = BIG_W,
                                             .height = BIG_H,
                                             .type = 2,
                                             .depth = 8,
                                             .interlaced = interlaced == 1,
                                             .samples = big});
        const tw_image im = parse(b, &opt);
        assert_int_equal(im.width, OUT_W);
        assert_int_equal(im.height, OUT_H);
        for (int at = 0; at < OUT_W * OUT_H * 3; at++) {
            const int x = at / 3 % OUT_W, y = at / 3 / OUT_W;
            int sum = 0, n = 0;
            for (int yy = y * BOX; yy < (y + 1) * BOX && yy < BIG_H; yy++)
                for (int xx = x * BOX; xx < (x + 1) * BOX && xx < BIG_W; xx++, n++)
                    sum += big[(yy * BIG_W + xx) * 3 + at % 3];
            assert_int_equal(im.px[at], (sum + n / 2) / n);
        }
        tw_free(im.px);
        free(b.data);
    }
    free(big);
}

static void twenty_thousand_pixels_are_wide_enough(void **state)
{
    (void) state;
    uint16_t *row = calloc(20001, sizeof *row);
    assert_non_null(row);
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        png_order o = {.width = 20000,
                       .height = 1,
                       .type = 0,
                       .depth = 16,
                       .interlaced = interlaced == 1,
                       .samples = row};
        blob b = make_png(&o);
        tw_image im = parse(b, &(tw_image_options){.background = {0, 0, 0}, .max_pixels = 4096});
        assert_int_equal(im.width, 4000);
        assert_int_equal(im.height, 1);
        tw_free(im.px);
        free(b.data);

        o.width = 20001;
        b = make_png(&o);
        tw_error err = {0};
        assert_int_equal(tw_image_parse(&im, b.data, b.len, "wide.png", NULL, &err), TW_EINVAL);
        assert_string_equal(err.msg, "'wide.png' is 20001 x 1 pixels, a side may have 1 to 20000");
        assert_null(im.px);
        free(b.data);
    }
    free(row);
}

/* The number of pixels is known before one of them is decoded, and time is looked at in between. */
static void a_cap_and_a_deadline_are_kept(void **state)
{
    (void) state;
    enum { WIDE = 80, HIGH = 60 };
    static uint16_t px[WIDE * HIGH];
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        const blob b = make_png(&(png_order){.width = WIDE,
                                             .height = HIGH,
                                             .depth = 8,
                                             .interlaced = interlaced == 1,
                                             .samples = px});
        tw_image_options opt = TW_IMAGE_DEFAULT;
        tw_error err = {0};
        tw_image im;
        opt.max_source = WIDE * HIGH;
        opt.deadline = tw_deadline_in(3600);
        im = parse(b, &opt);
        tw_free(im.px);
        opt.max_source = WIDE * HIGH - 1;
        assert_int_equal(tw_image_parse(&im, b.data, b.len, "x.png", &opt, &err), TW_EINVAL);
        assert_string_equal(err.msg, "'x.png' is 80 x 60 pixels, more than 0 megapixels");
        opt.max_source = 0;
        opt.deadline = tw_deadline_in(-1);
        assert_int_equal(tw_image_parse(&im, b.data, b.len, "x.png", &opt, &err), TW_ETIMEOUT);
        assert_string_equal(err.msg, "the deadline passed before 'x.png' was decoded");
        assert_null(im.px);
        free(b.data);
    }
}

static blob small_png(void)
{
    tw_rng rng;
    tw_rng_seed(&rng, 1);
    fill(&rng, 8);
    return make_png(
        &(png_order){.width = W, .height = H, .type = 6, .depth = 8, .samples = samples});
}

/* But for the last bytes, which hold no pixel: without those the image is the same. */
static void every_cut_is_noticed(void **state)
{
    (void) state;
    const blob b = small_png();
    const tw_image whole = parse(b, NULL);
    int read = 0;
    watch_stderr();
    for (size_t len = 0; len < b.len; len++) {
        tw_image im;
        tw_error err = {0};
        const blob cut = joined("", 0, b.data, len);
        const tw_status st = tw_image_parse(&im, cut.data, len, "cut.png", NULL, &err);
        if (st == TW_OK) {
            assert_memory_equal(im.px, whole.px, W * H * 3);
            read++;
        } else {
            assert_int_equal(st, len < 8 ? TW_EINVAL : TW_ECORRUPT);
            assert_non_null(strstr(err.msg, len == 0 ? "'cut.png' is empty" : "'cut.png' is "));
            assert_true(len < 60 || strstr(err.msg, "truncated") != NULL);
        }
        tw_free(im.px);
        free(cut.data);
    }
    assert_int_equal(stderr_length(), 0);
    assert_in_range(read, 12 + 4 + 4, 12 + 4 + 4 + 4); /* IEND, checksum, sum, the last bits */
    tw_free(whole.px);
    free(b.data);
}

/* Each fault lets every pixel through: what every browser shows. */
static void small_faults_are_read_over(void **state)
{
    (void) state;
    static const char *const names[] = {
        "a text's checksum", "the end's checksum", "bytes behind the end", "the pixels' checksum",
        "the pixels' sum",   "a short gamma",      "an empty profile",
    };
    const blob b = small_png();
    const tw_image whole = parse(b, NULL);
    const size_t pixels = find_chunk(b, "IDAT");
    const size_t size = find_chunk(b, "IEND") - pixels - 12;
    watch_stderr();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        blob bad = i == 0   ? with_chunk(b, "IDAT", "tEXt", "Title\0x", 7)
                   : i == 2 ? joined(b.data, b.len, "<html> and much more", 20)
                   : i == 5 ? with_chunk(b, "IDAT", "gAMA", "\0\0", 2)
                   : i == 6 ? with_chunk(b, "IDAT", "iCCP", "", 0)
                            : joined(b.data, b.len, "", 0);
        if (i == 0)
            bad.data[find_chunk(bad, "tEXt") + 8 + 7] ^= 1;
        if (i == 1)
            bad.data[bad.len - 1] ^= 1;
        if (i == 3)
            bad.data[pixels + 8 + size] ^= 1;
        if (i == 4) { /* of the checksums one alone is wrong */
            bad.data[pixels + 8 + size - 1] ^= 1;
            const uint32_t crc = (uint32_t) crc32(0, bad.data + pixels + 4, (unsigned) size + 4);
            for (int k = 0; k < 4; k++)
                bad.data[pixels + 8 + size + (size_t) k] = (unsigned char) (crc >> 8 * (3 - k));
        }
        tw_image im;
        tw_error err = {0};
        if (tw_image_parse(&im, bad.data, bad.len, "x.png", NULL, &err) != TW_OK)
            fail_msg("%s: '%s'", names[i], err.msg);
        assert_memory_equal(im.px, whole.px, W * H * 3);
        tw_free(im.px);
        free(bad.data);
    }
    assert_int_equal(stderr_length(), 0);
    tw_free(whole.px);
    free(b.data);
}

static void the_variant_of_apple_is_named(void **state)
{
    (void) state;
    const blob b = small_png(), apple = with_chunk(b, "IHDR", "CgBI", "\x50\0\x20\2", 4);
    tw_image im;
    tw_error err = {0};
    assert_int_equal(tw_image_parse(&im, apple.data, apple.len, "x.png", NULL, &err),
                     TW_EUNSUPPORTED);
    assert_non_null(strstr(err.msg, "as Apple packs them into programs"));
    free(apple.data);
    free(b.data);
}

static void every_flipped_bit_is_noticed_or_harmless(void **state)
{
    (void) state;
    const blob b = small_png();
    const tw_image whole = parse(b, NULL);
    int refused = 0;
    watch_stderr();
    for (size_t bit = 0; bit < 8 * b.len; bit++) {
        tw_image im;
        b.data[bit / 8] ^= (unsigned char) (1 << bit % 8);
        const tw_status st = tw_image_parse(&im, b.data, b.len, "flipped.png", NULL, NULL);
        b.data[bit / 8] ^= (unsigned char) (1 << bit % 8);
        if (st == TW_OK)
            assert_memory_equal(im.px, whole.px, W * H * 3);
        refused += st != TW_OK;
        tw_free(im.px);
    }
    assert_int_equal(stderr_length(), 0);
    assert_true(refused > (int) (8 * b.len) * 9 / 10);
    tw_free(whole.px);
    free(b.data);
}

static void what_is_no_image_is_named(void **state)
{
    (void) state;
    static const struct {
        const char *bytes;
        size_t len;
        tw_status want;
        const char *says;
    } rows[] = {
        {"", 0, TW_EINVAL, "is empty"},
        {"hello, world", 12, TW_EINVAL, "'x.png' is no image: it begins with hello,\\x20w"},
        {"\0\1\2", 3, TW_EINVAL, "begins with \\x00\\x01\\x02"},
        {"II*\0....", 8, TW_EUNSUPPORTED,
         "'x.png' is a TIFF picture, which this build cannot read; convert it to PNG, e.g. ffmpeg "
         "-i in.tif out.png"},
        {"BM\1\2\3\4\0\0\0\0", 10, TW_EUNSUPPORTED, "is a BMP picture"},
        {"BM is a firm", 12, TW_EINVAL, "is no image"},
        {"<svg xmlns", 10, TW_EUNSUPPORTED, "is an SVG picture"},
        {"\x89PNG\r\n\x1a\n", 8, TW_ECORRUPT, "truncated"},
        {"\x89PNG\r\n\x1a\nhello, world", 20, TW_ECORRUPT, "damaged"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_image im;
        tw_error err = {0};
        const tw_status st = tw_image_parse(&im, rows[i].bytes, rows[i].len, "x.png", NULL, &err);
        if (st != rows[i].want || strstr(err.msg, rows[i].says) == NULL)
            fail_msg("row %zu: %d '%s'", i, st, err.msg);
        assert_null(im.px);
    }
}

static void a_path_that_is_no_file_is_named(void **state)
{
    (void) state;
    tw_image im;
    assert_status(tw_image_load(&im, tw_test_path("none.png"), NULL, err), TW_ENOTFOUND);
    assert_status(tw_image_load(&im, tw_test_dir(), NULL, err), TW_EINVAL);
    assert_null(im.px);
    const char *path = tw_test_file("huge.png", "x");
    assert_int_equal(truncate(path, TW_IMAGE_MAX_BYTES + 1L), 0);
    assert_status(tw_image_load(&im, path, NULL, err), TW_EINVAL);
    assert_status(tw_image_parse(&im, "x", 1, "x",
                                 &(tw_image_options){.background = {0}, .max_pixels = 4095}, err),
                  TW_EINVAL);
}

static void what_is_saved_is_read_again(void **state)
{
    (void) state;
    unsigned char px[W * H * 3];
    for (int i = 0; i < W * H * 3; i++)
        px[i] = (unsigned char) (i * 7);
    for (int ch = 1; ch <= 3; ch += 2) {
        const tw_image im = {.width = W, .height = H, .channels = ch, .px = px};
        tw_image again = {0};
        const char *path = tw_test_path("saved.png");
        assert_ok(tw_image_save_png(path, &im, err));
        assert_ok(tw_image_load(&again, path, NULL, err));
        assert_int_equal(again.channels, ch);
        assert_int_equal(again.width, W);
        assert_memory_equal(again.px, px, (size_t) (W * H * ch));
        tw_free(again.px);
    }
    const tw_image two = {.width = W, .height = H, .channels = 2, .px = px};
    const tw_image none = {.width = 0, .height = H, .channels = 3, .px = px};
    const tw_image fine = {.width = W, .height = H, .channels = 3, .px = px};
    assert_status(tw_image_save_png(tw_test_path("a.png"), &two, err), TW_EINVAL);
    assert_status(tw_image_save_png(tw_test_path("a.png"), &none, err), TW_EINVAL);
    assert_status(tw_image_save_png(tw_test_path("no/a.png"), &fine, err), TW_ENOTFOUND);
}

static void a_full_disk_is_reported(void **state)
{
    (void) state;
    unsigned char px[W * H] = {0};
    const tw_image im = {.width = W, .height = H, .channels = 1, .px = px};
    const char *path = tw_test_path("full.png");
    char beside[4200];
    (void) snprintf(beside, sizeof beside, "%s.tmp", path);
    if (symlink("/dev/full", beside) != 0)
        skip();
    assert_status(tw_image_save_png(path, &im, err), TW_ENOSPC);
    assert_int_not_equal(access(path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cap_and_a_deadline_are_kept),
        cmocka_unit_test(every_form_of_pixels_gives_the_same_image),
        cmocka_unit_test(a_colour_may_be_named_transparent),
        cmocka_unit_test(a_large_image_is_averaged_over_boxes),
        cmocka_unit_test(twenty_thousand_pixels_are_wide_enough),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(small_faults_are_read_over),
        cmocka_unit_test(the_variant_of_apple_is_named),
        cmocka_unit_test(every_flipped_bit_is_noticed_or_harmless),
        cmocka_unit_test(what_is_no_image_is_named),
        cmocka_unit_test(a_path_that_is_no_file_is_named),
        cmocka_unit_test(what_is_saved_is_read_again),
        cmocka_unit_test(a_full_disk_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
