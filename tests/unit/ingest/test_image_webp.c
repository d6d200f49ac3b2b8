/* WebP: lossy, lossless, transparent, turned, animated; reading in bounded memory, bad bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/support/test.h"
#include "tests/unit/ingest/image_checks.h"

enum { W = 24, H = 16 };

#ifdef TW_HAVE_WEBP

#include <webp/encode.h>

static blob make_webp(const unsigned char *px, int w, int h, int channels, bool lossless)
{
    uint8_t *made = NULL;
    size_t len;
    if (lossless && channels == 4)
        len = WebPEncodeLosslessRGBA(px, w, h, 4 * w, &made);
    else if (lossless)
        len = WebPEncodeLosslessRGB(px, w, h, 3 * w, &made);
    else if (channels == 4)
        len = WebPEncodeRGBA(px, w, h, 4 * w, 95, &made);
    else
        len = WebPEncodeRGB(px, w, h, 3 * w, 95, &made);
    assert_true(len > 0);
    const blob b = joined(made, len, NULL, 0);
    WebPFree(made);
    return b;
}

static void put(unsigned char *at, size_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char) (value >> 8 * i);
}

/* A chunk behind what there is; frees that. */
static blob add(blob b, const char *name, const void *data, size_t len)
{
    unsigned char head[8];
    memcpy(head, name, 4);
    put(head + 4, len, 4);
    const blob named = joined(b.data, b.len, head, 8);
    const blob all = joined(named.data, named.len, data, len);
    const blob even = joined(all.data, all.len, "", len & 1);
    free(b.data);
    free(named.data);
    free(all.data);
    if (even.len >= 12)
        put(even.data + 4, even.len - 8, 4);
    return even;
}

/* A file of the extended kind: its header, and what a plain file has behind its own. */
static blob extended(int w, int h, int flags)
{
    unsigned char head[10] = {(unsigned char) flags};
    put(head + 4, (size_t) w - 1, 3);
    put(head + 7, (size_t) h - 1, 3);
    return add(joined("RIFF\0\0\0\0WEBP", 12, NULL, 0), "VP8X", head, sizeof head);
}

static void the_same_picture_as_a_png(void **state)
{
    (void) state;
    const tw_image_options opt = {.background = {200, 100, 50}, .max_pixels = 4096};
    unsigned char px[W * H * 4];
    for (int form = 0; form < 4; form++) {
        const int ch = form < 2 ? 3 : 4;
        const bool lossless = form % 2 == 0;
        paint_ramp(px, W, H, ch);
        const blob b = make_webp(px, W, H, ch, lossless);
        assert_images_near(read_image(b, &opt), by_png(px, W, H, ch, &opt), lossless ? 0 : 8);
        assert_limits_are_kept(b, W * H);
        free(b.data);
    }
}

static void an_orientation_is_honoured(void **state)
{
    (void) state;
    enum { EXIF = 8, LEFT_BOTTOM = 8 }; /* a flag; the first row belongs to the left side */
    unsigned char px[W * H * 3], turned[W * H * 3], exif[EXIF_BYTES];
    paint_ramp(px, W, H, 3);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            memcpy(turned + 3 * ((W - 1 - x) * H + y), px + 3 * (y * W + x), 3);
    make_exif(exif, LEFT_BOTTOM, 3, true);
    const blob plain = make_webp(px, W, H, 3, true);
    blob b = extended(W, H, EXIF);
    b = add(b, "VP8L", plain.data + 20, plain.len - 20);
    b = add(b, "EXIF", exif, sizeof exif);
    assert_images_near(read_image(b, NULL), by_png(turned, H, W, 3, NULL), 0);
    free(plain.data);
    free(b.data);
}

/* A canvas of W x H whose first frame covers (x, y) to (x + 8, y + 4), and a second one all. */
static blob make_animation(int x, int y, const unsigned char *px)
{
    enum { ANIMATION = 2, FRAME = 16 };
    unsigned char second[W * H * 3] = {0}, head[FRAME] = {0};
    const blob frames[2] = {make_webp(px, 8, 4, 3, true), make_webp(second, W, H, 3, true)};
    blob b = extended(W, H, ANIMATION);
    b = add(b, "ANIM", "\0\0\0\0\0", 6);
    for (int i = 0; i < 2; i++) {
        put(head, i == 0 ? (size_t) x / 2 : 0, 3);
        put(head + 3, i == 0 ? (size_t) y / 2 : 0, 3);
        put(head + 6, i == 0 ? 7 : W - 1, 3);
        put(head + 9, i == 0 ? 3 : H - 1, 3);
        const blob all = joined(head, FRAME, frames[i].data + 12, frames[i].len - 12);
        b = add(b, "ANMF", all.data, all.len);
        free(all.data);
        free(frames[i].data);
    }
    return b;
}

static void the_first_frame_lies_on_its_canvas(void **state)
{
    (void) state;
    enum { X = 10, Y = 6 };
    unsigned char px[8 * 4 * 3], all[W * H * 3];
    paint_ramp(px, 8, 4, 3);
    memset(all, 255, sizeof all);
    for (int y = 0; y < 4; y++)
        memcpy(all + 3 * ((Y + y) * W + X), px + y * 8 * 3, 8 * 3);
    const blob b = make_animation(X, Y, px);
    assert_images_near(read_image(b, NULL), by_png(all, W, H, 3, NULL), 0);
    free(b.data);
    const blob beyond = make_animation(18, Y, px);
    assert_refused(beyond, TW_ECORRUPT, "is a damaged WebP: its first frame exceeds the canvas");
    free(beyond.data);
}

/* libwebp averages over boxes of its own; where the factor divides the sides they are ours. */
static void a_large_picture_is_reduced_while_it_is_read(void **state)
{
    (void) state;
    enum { SIDE = 320 };
    const tw_image_options opt = {.background = {200, 100, 50}, .max_pixels = 4096};
    unsigned char *px = malloc((size_t) SIDE * SIDE * 4);
    assert_non_null(px);
    for (int ch = 3; ch <= 4; ch++) {
        for (int i = 0; i < SIDE * SIDE * ch; i++)
            px[i] = (unsigned char) (i / ch % SIDE * 200 / SIDE + i % ch * 10);
        for (int lossless = 0; lossless < 2; lossless++) {
            const blob b = make_webp(px, SIDE, SIDE, ch, lossless == 1);
            assert_images_near(read_image(b, &opt), by_png(px, SIDE, SIDE, ch, &opt),
                               lossless == 1 ? 2 : 5);
            free(b.data);
        }
    }
    free(px);
}

static void what_a_header_claims_is_checked(void **state)
{
    (void) state;
    /* VP8L: a signature, then 14 bits each of width and height less one. */
    unsigned char lossless[] = "RIFF\x16\0\0\0WEBPVP8L\x0a\0\0\0\x2f\xff\xff\xff\x0f\0\0\0\0\0";
    assert_refused(
        (blob){lossless, sizeof lossless - 1}, TW_EINVAL,
        "'made' is a lossless WebP of 16384 x 16384 pixels, which is decoded as a whole: "
        "the most allowed is 67108864 pixels; scale it down first");
    const unsigned char px[8 * 4 * 3] = {0};
    blob b = make_animation(0, 0, px);
    put(b.data + 24, 0xffffff, 3);
    assert_refused(b, TW_EINVAL, "'made' is 16777216 x 16 pixels, a side may have 1 to 20000");
    free(b.data);
    b = extended(W, H, 0);
    assert_refused(b, TW_ECORRUPT, "'made' is truncated: it ends after 30 bytes");
    free(b.data);
}

static void bad_bytes_are_refused(void **state)
{
    (void) state;
    unsigned char px[W * H * 4];
    for (int form = 0; form < 4; form++) {
        const int ch = form < 2 ? 3 : 4;
        paint_ramp(px, W, H, ch);
        const blob b = make_webp(px, W, H, ch, form % 2 == 0);
        assert_cuts_are_noticed(b, 3);
        assert_flips_do_no_harm(b, 1, true);
        free(b.data);
    }
    const blob b = make_animation(2, 2, px);
    assert_cuts_are_noticed(b, 400); /* the second frame may lack */
    assert_flips_do_no_harm(b, 1, true);
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_picture_as_a_png),
        cmocka_unit_test(an_orientation_is_honoured),
        cmocka_unit_test(the_first_frame_lies_on_its_canvas),
        cmocka_unit_test(a_large_picture_is_reduced_while_it_is_read),
        cmocka_unit_test(what_a_header_claims_is_checked),
        cmocka_unit_test(bad_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void a_webp_is_refused_with_a_way_out(void **state)
{
    (void) state;
    unsigned char bytes[] = "RIFF....WEBPVP8 ";
    assert_refused((blob){bytes, sizeof bytes - 1}, TW_EUNSUPPORTED,
                   "'made' is a WebP picture, which this build cannot read; convert it to PNG, "
                   "e.g. dwebp in.webp -o out.png");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_webp_is_refused_with_a_way_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
