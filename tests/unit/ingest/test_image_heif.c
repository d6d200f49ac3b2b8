/* HEIC and AVIF, as far as the libheif at hand can write them. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ingest/media/image_internal.h"
#include "tests/support/test.h"
#include "tests/unit/ingest/image_checks.h"

#ifdef TW_HAVE_HEIF

#include <libheif/heif.h>

enum { W = 96, H = 64 };

static const enum heif_compression_format formats[2] = {heif_compression_HEVC,
                                                        heif_compression_AV1};

static struct heif_error keep(struct heif_context *context, const void *data, size_t size,
                              void *out)
{
    (void) context;
    *(blob *) out = joined(data, size, NULL, 0);
    return (struct heif_error){.code = heif_error_Ok, .message = ""};
}

static void encode(struct heif_context *context, struct heif_encoder *encoder,
                   const unsigned char *px, int w, int h, int channels)
{
    struct heif_image *image = NULL;
    struct heif_image_handle *handle = NULL;
    const size_t n = (size_t) w * (size_t) channels;
    int stride;
    assert_int_equal(heif_image_create(w, h, heif_colorspace_RGB,
                                       channels == 4 ? heif_chroma_interleaved_RGBA
                                                     : heif_chroma_interleaved_RGB,
                                       &image)
                         .code,
                     heif_error_Ok);
    assert_int_equal(heif_image_add_plane(image, heif_channel_interleaved, w, h, 8).code,
                     heif_error_Ok);
    uint8_t *plane = heif_image_get_plane(image, heif_channel_interleaved, &stride);
    for (int y = 0; y < h; y++)
        memcpy(plane + y * stride, px + (size_t) y * n, n);
    assert_int_equal(heif_encoder_set_lossy_quality(encoder, 95).code, heif_error_Ok);
    assert_int_equal(heif_context_encode_image(context, image, encoder, NULL, &handle).code,
                     heif_error_Ok);
    heif_image_handle_release(handle);
    heif_image_release(image);
}

/* No bytes where libheif cannot write, or not read, the format. */
static blob make_heif(enum heif_compression_format format, const unsigned char *px, int w, int h,
                      int channels)
{
    blob b = {0};
    struct heif_context *context = heif_context_alloc();
    struct heif_encoder *encoder = NULL;
    struct heif_writer writer = {.writer_api_version = 1, .write = keep};
    if (heif_have_decoder_for_format(format) &&
        heif_context_get_encoder_for_format(context, format, &encoder).code == heif_error_Ok) {
        encode(context, encoder, px, w, h, channels);
        assert_int_equal(heif_context_write(context, &writer, &b).code, heif_error_Ok);
    }
    heif_encoder_release(encoder);
    heif_context_free(context);
    return b;
}

static void the_same_picture_as_a_png(void **state)
{
    (void) state;
    const tw_image_options opt = {.background = {200, 100, 50}, .max_pixels = 4096};
    unsigned char px[W * H * 4];
    int made = 0;
    for (int i = 0; i < 4; i++) {
        const int ch = i < 2 ? 3 : 4;
        paint_ramp(px, W, H, ch);
        const blob b = make_heif(formats[i % 2], px, W, H, ch);
        if (b.len == 0)
            continue;
        made++;
        assert_images_near(read_image(b, NULL), by_png(px, W, H, ch, NULL), 12);
        assert_images_near(read_image(b, &opt), by_png(px, W, H, ch, &opt), 12);
        assert_limits_are_kept(b, W * H);
        free(b.data);
    }
    if (made == 0)
        skip(); /* a libheif without encoders */
}

static size_t find(blob b, const char *name)
{
    for (size_t at = 0; at + 4 <= b.len; at++)
        if (memcmp(b.data + at, name, 4) == 0)
            return at;
    fail_msg("there is no box %s", name);
    return 0;
}

static void put_sides(unsigned char *at, int width, int height)
{
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char) ((i < 4 ? width : height) >> 8 * (3 - i % 4));
}

static void what_a_header_claims_is_checked(void **state)
{
    (void) state;
    unsigned char px[W * H * 3];
    paint_ramp(px, W, H, 3);
    const blob b = make_heif(heif_compression_AV1, px, W, H, 3);
    if (b.data == NULL) {
        skip(); /* does not come back, which the analyzer cannot know */
        return;
    }
    const size_t at = find(b, "ispe") + 8; /* behind the version and flags */
    put_sides(b.data + at, 20001, 64);
    assert_refused(b, TW_EINVAL, "'made' is 20001 x 64 pixels, a side may have 1 to 20000");
    put_sides(b.data + at, 20000, 20000);
    assert_refused(b, TW_EINVAL, "'made' is a HEIC or AVIF of 20000 x 20000 pixels, which is");
    free(b.data);
}

/* By the headers that the encoders wrote. */
static void coded_sizes_are_read(void **state)
{
    (void) state;
    unsigned char px[W * H * 3];
    int64_t area = 0;
    paint_ramp(px, W, H, 3);
    blob b = make_heif(heif_compression_AV1, px, W, H, 3);
    if (b.data != NULL) {
        const size_t at = find(b, "mdat") + 4;
        assert_int_equal(twi_av1_area(b.data + at, b.len - at), W * H);
    }
    free(b.data);
    b = make_heif(heif_compression_HEVC, px, W, H, 3);
    for (size_t at = 0; at + 2 < b.len && area == 0; at++) {
        if (memcmp(b.data + at, "\x42\x01", 2) == 0)
            area = twi_hevc_unit_area(b.data + at, b.len - at);
    }
    assert_true(b.data == NULL || area == W * H);
    free(b.data);
}

static void bad_bytes_are_refused(void **state)
{
    (void) state;
    enum { SIDE = 16 };
    unsigned char px[W * H * 3];
    paint_ramp(px, SIDE, SIDE, 3);
    for (int i = 0; i < 2; i++) {
        const blob b = make_heif(formats[i], px, SIDE, SIDE, 3);
        if (b.len == 0)
            continue;
        assert_cuts_are_noticed(b, 3);
        assert_flips_do_no_harm(b, 5, formats[i] == heif_compression_AV1);
        free(b.data);
    }
    unsigned char empty[] = "\0\0\0\x14"
                            "ftypavif\0\0\0\0mif1";
    assert_refused((blob){empty, sizeof empty - 1}, TW_ECORRUPT, "is truncated: it ends after 20");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_picture_as_a_png),
        cmocka_unit_test(what_a_header_claims_is_checked),
        cmocka_unit_test(coded_sizes_are_read),
        cmocka_unit_test(bad_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void both_are_refused_with_a_way_out(void **state)
{
    (void) state;
    unsigned char heic[] = "\0\0\0\x14"
                           "ftypmif1\0\0\0\0heic";
    unsigned char avif[] = "\0\0\0\x14"
                           "ftypmif1\0\0\0\0avif";
    assert_refused((blob){heic, sizeof heic - 1}, TW_EUNSUPPORTED,
                   "'made' is a HEIC picture, which this build cannot read; convert it to PNG, "
                   "e.g. heif-convert in.heic out.png");
    assert_refused((blob){avif, sizeof avif - 1}, TW_EUNSUPPORTED, "e.g. avifdec in.avif out.png");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_are_refused_with_a_way_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
