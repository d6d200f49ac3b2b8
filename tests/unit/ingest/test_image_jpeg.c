/* JPEG: colour spaces, orientation, reading in bounded memory, bad bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ingest/image.h"
#include "ingest/media/image_internal.h"
#include "ingest/media/media_features.h"
#include "tests/support/test.h"
#include "tests/unit/ingest/image_bytes.h"

#ifdef TW_HAVE_JPEG

enum { W = 24, H = 16 };

static tw_image parse(blob b, const tw_image_options *opt)
{
    tw_image im = {0};
    assert_ok(tw_image_parse(&im, b.data, b.len, "made.jpg", opt, err));
    return im;
}

/* The largest difference between an image and what was put in. */
static int worst(const tw_image *im, const unsigned char *want)
{
    int most = 0;
    for (int i = 0; i < im->width * im->height * im->channels; i++) {
        const int d = abs(im->px[i] - want[i]);
        most = d > most ? d : most;
    }
    return most;
}

/* Smooth, so that what the format loses is little. */
static void ramp(unsigned char *px, int w, int h, int channels)
{
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int k = 0; k < channels; k++)
                *px++ = (unsigned char) (40 + 3 * x + 5 * y * (k == 1) + 30 * k);
}

static void a_cap_and_a_deadline_are_kept(void **state)
{
    (void) state;
    unsigned char px[W * H];
    ramp(px, W, H, 1);
    for (int progressive = 0; progressive < 2; progressive++) {
        const blob b = make_jpeg(&(jpeg_order){
            .width = W, .height = H, .channels = 1, .px = px, .progressive = progressive == 1});
        tw_image_options opt = TW_IMAGE_DEFAULT;
        tw_image im;
        opt.max_source = W * H;
        opt.deadline = tw_deadline_in(3600);
        im = parse(b, &opt);
        tw_free(im.px);
        opt.max_source = W * H - 1;
        assert_status(tw_image_parse(&im, b.data, b.len, "x.jpg", &opt, err), TW_EINVAL);
        opt.max_source = 0;
        opt.deadline = tw_deadline_in(-1);
        assert_status(tw_image_parse(&im, b.data, b.len, "x.jpg", &opt, err), TW_ETIMEOUT);
        assert_null(im.px);
        free(b.data);
    }
}

static void grey_and_colour_come_back(void **state)
{
    (void) state;
    unsigned char px[W * H * 3];
    for (int form = 0; form < 4; form++) {
        const int ch = form < 2 ? 1 : 3;
        ramp(px, W, H, ch);
        const blob b = make_jpeg(&(jpeg_order){
            .width = W, .height = H, .channels = ch, .px = px, .progressive = form % 2 == 1});
        const tw_image im = parse(b, NULL);
        assert_int_equal(im.width, W);
        assert_int_equal(im.height, H);
        assert_int_equal(im.channels, ch);
        assert_in_range(worst(&im, px), 0, 3);
        tw_free(im.px);
        free(b.data);
    }
}

/* Adobe stores light, not ink: 255 is no ink. */
static void cmyk_becomes_rgb(void **state)
{
    (void) state;
    unsigned char cmyk[W * H * 4], rgb[W * H * 3];
    for (int i = 0; i < W * H; i++) {
        static const unsigned char ink[4] = {255, 128, 0, 200};
        memcpy(cmyk + 4 * i, ink, 4);
        rgb[3 * i] = 200;     /* 255 * 200 / 255 */
        rgb[3 * i + 1] = 100; /* 128 * 200 / 255 = 100.4 */
        rgb[3 * i + 2] = 0;
    }
    const blob b = make_jpeg(&(jpeg_order){.width = W, .height = H, .channels = 4, .px = cmyk});
    const tw_image im = parse(b, NULL);
    assert_int_equal(im.channels, 3);
    assert_in_range(worst(&im, rgb), 0, 2);
    tw_free(im.px);
    free(b.data);
}

static void a_large_image_is_reduced_while_it_is_read(void **state)
{
    (void) state;
    enum { SIDE = 640 };
    const tw_image_options opt = {.background = {255, 255, 255}, .max_pixels = 4096};
    unsigned char *px = malloc(SIDE * SIDE);
    assert_non_null(px);
    for (int i = 0; i < SIDE * SIDE; i++)
        px[i] = (unsigned char) (i % SIDE * 255 / SIDE);
    for (int progressive = 0; progressive < 2; progressive++) {
        const blob b = make_jpeg(&(jpeg_order){.width = SIDE,
                                               .height = SIDE,
                                               .channels = 1,
                                               .px = px,
                                               .progressive = progressive == 1});
        const tw_image im = parse(b, &opt);
        assert_int_equal(im.width, 40); /* 1/8 by the library, then boxes of 2 */
        assert_int_equal(im.height, 40);
        for (int i = 0; i < 40 * 40; i++)
            assert_in_range(abs(im.px[i] - (i % 40 * 16 + 8) * 255 / SIDE), 0, 3);
        tw_free(im.px);
        free(b.data);
    }
    free(px);
}

/* Start of image, one frame header, one scan header and nothing behind them. */
static tw_status parse_header(int marker, int width, int height, tw_error *err)
{
    unsigned char bytes[] = "\xff\xd8\xff\xc0\0\x11\x08\0\0\0\0\x03\x01\x11\0\x02\x11\0\x03\x11\0"
                            "\xff\xda\0\x0c\x03\x01\0\x02\0\x03\0\0\0\0\xff\xd9";
    tw_image im;
    bytes[3] = (unsigned char) marker;
    bytes[7] = (unsigned char) (height >> 8);
    bytes[8] = (unsigned char) height;
    bytes[9] = (unsigned char) (width >> 8);
    bytes[10] = (unsigned char) width;
    const tw_status st = tw_image_parse(&im, bytes, sizeof bytes - 1, "made.jpg", NULL, err);
    assert_null(im.px);
    return st;
}

static void what_a_header_claims_is_checked(void **state)
{
    (void) state;
    enum { BASELINE = 0xc0, PROGRESSIVE = 0xc2 };
    tw_error err = {0};
    assert_int_equal(parse_header(BASELINE, 20001, 3, &err), TW_EINVAL);
    assert_string_equal(err.msg, "'made.jpg' is 20001 x 3 pixels, a side may have 1 to 20000");
    assert_int_equal(parse_header(PROGRESSIVE, 20000, 20000, &err), TW_EINVAL);
    assert_non_null(strstr(err.msg, "progressive JPEG of 20000 x 20000 pixels"));
    assert_int_equal(parse_header(BASELINE, 0, 3, &err), TW_ECORRUPT);
    watch_stderr();
    assert_int_equal(parse_header(BASELINE, 16, 16, &err), TW_ECORRUPT);
    assert_int_equal(stderr_length(), 0);
}

/* But for the last bytes, which hold no pixel: without those the image is the same. */
static void every_cut_is_noticed(void **state)
{
    (void) state;
    unsigned char px[W * H * 3];
    ramp(px, W, H, 3);
    for (int progressive = 0; progressive < 2; progressive++) {
        const blob b = make_jpeg(&(jpeg_order){
            .width = W, .height = H, .channels = 3, .px = px, .progressive = progressive == 1});
        const tw_image whole = parse(b, NULL);
        int read = 0;
        watch_stderr();
        for (size_t len = 0; len < b.len; len++) {
            tw_image im;
            tw_error err = {0};
            unsigned char *cut = malloc(len > 0 ? len : 1);
            assert_non_null(cut);
            memcpy(cut, b.data, len);
            const tw_status st = tw_image_parse(&im, cut, len, "cut.jpg", NULL, &err);
            if (st == TW_OK) {
                assert_memory_equal(im.px, whole.px, W * H * 3);
                read++;
            } else if (st != (len < 3 ? TW_EINVAL : TW_ECORRUPT)) {
                fail_msg("%zu of %zu bytes: %d '%s'", len, b.len, st, err.msg);
            } else if (len >= 3) {
                assert_non_null(strstr(err.msg, "'cut.jpg' is truncated: it ends after "));
            }
            tw_free(im.px);
            free(cut);
        }
        assert_int_equal(stderr_length(), 0);
        assert_in_range(read, 2, 8); /* half or all of the end marker, and what precedes it */
        tw_free(whole.px);
        free(b.data);
    }
}

static void what_is_not_supported_is_not_called_damaged(void **state)
{
    (void) state;
    static const struct {
        unsigned char marker, bits;
        const char *says;
    } rows[] = {
        {0xc1, 12, "'x.jpg' is a JPEG of other than 8 bits a sample, which is not supported"},
        {0xc0, 12, "a JPEG of other than 8 bits a sample"},
        {0xc2, 12, "a JPEG of other than 8 bits a sample"},
        {0xc3, 8, "a lossless or hierarchical JPEG"},
        {0xc5, 8, "a lossless or hierarchical JPEG"},
        {0xf7, 8, "a JPEG-LS"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned char bytes[] = "\xff\xd8\xff\xc0\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0"
                                "\xff\xda\0\x08\x01\x01\0\0\0\0\xff\xd9";
        tw_image im;
        tw_error err = {0};
        bytes[3] = rows[i].marker;
        bytes[6] = rows[i].bits;
        const tw_status st = tw_image_parse(&im, bytes, sizeof bytes - 1, "x.jpg", NULL, &err);
        if (st != TW_EUNSUPPORTED || strstr(err.msg, rows[i].says) == NULL)
            fail_msg("row %zu: %d '%s'", i, st, err.msg);
    }
}

/* There is no checksum, so some damage is a different image; but never a crash or a word. */
static void flipped_bits_do_no_harm(void **state)
{
    (void) state;
    unsigned char px[W * H * 3];
    ramp(px, W, H, 3);
    const blob b = make_jpeg(&(jpeg_order){
        .width = W, .height = H, .channels = 3, .px = px, .progressive = true, .orientation = 6});
    int refused = 0;
    watch_stderr();
    for (size_t bit = 0; bit < 8 * b.len; bit++) {
        tw_image im;
        b.data[bit / 8] ^= (unsigned char) (1 << bit % 8);
        const tw_status st = tw_image_parse(&im, b.data, b.len, "flipped.jpg", NULL, NULL);
        b.data[bit / 8] ^= (unsigned char) (1 << bit % 8);
        assert_true((st == TW_OK) == (im.px != NULL));
        refused += st != TW_OK;
        tw_free(im.px);
    }
    assert_int_equal(stderr_length(), 0);
    assert_true(refused > 0);
    free(b.data);
}

static void the_name_does_not_matter(void **state)
{
    (void) state;
    unsigned char px[W * H];
    ramp(px, W, H, 1);
    const blob b = make_jpeg(&(jpeg_order){.width = W, .height = H, .channels = 1, .px = px});
    tw_image im;
    assert_ok(tw_image_parse(&im, b.data, b.len, "cat.png", NULL, err));
    tw_free(im.px);
    free(b.data);
}

static void the_build_says_that_it_reads_jpeg(void **state)
{
    (void) state;
    char features[TW_MEDIA_FEATURES_MAX];
    assert_int_equal(strncmp(tw_media_features(features), "png jpeg ", 9), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cap_and_a_deadline_are_kept),
        cmocka_unit_test(grey_and_colour_come_back),
        cmocka_unit_test(cmyk_becomes_rgb),
        cmocka_unit_test(a_large_image_is_reduced_while_it_is_read),
        cmocka_unit_test(what_a_header_claims_is_checked),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(what_is_not_supported_is_not_called_damaged),
        cmocka_unit_test(flipped_bits_do_no_harm),
        cmocka_unit_test(the_name_does_not_matter),
        cmocka_unit_test(the_build_says_that_it_reads_jpeg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void a_jpeg_is_refused_in_a_sentence(void **state)
{
    (void) state;
    char features[TW_MEDIA_FEATURES_MAX];
    tw_image im;
    assert_status(tw_image_parse(&im, "\xff\xd8\xff\xe0", 4, "x.jpg", NULL, err), TW_EUNSUPPORTED);
    assert_null(strstr(tw_media_features(features), "jpeg"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_jpeg_is_refused_in_a_sentence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
