/* Orientation: what is read of a turned file is the image that was turned. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ingest/image.h"
#include "ingest/media/image_internal.h"
#include "tests/support/test.h"
#include "tests/unit/ingest/image_bytes.h"

enum { W = 24, H = 16, INTEGERS = 6 };

static const int integers[INTEGERS] = {1, 3, 4, 6, 8, 9};

/* What the file holds at each orientation when the scene is dark at the top left, lighter to the
 * right, lightest downward. The rule: where the scene's (x, y) lies in the file. */
static void turn_scene(int o, unsigned char file[W * H], unsigned char scene[W * H])
{
    const int w = o >= 5 ? H : W;
    for (int y = 0; y < H; y++) {
        for (int x = 0; x < W; x++) {
            const int rx = W - 1 - x, ry = H - 1 - y;
            const int fx[9] = {x, x, rx, rx, x, y, y, ry, ry};
            const int fy[9] = {y, y, y, ry, ry, x, rx, rx, x};
            scene[y * W + x] = (unsigned char) (20 + 2 * x + 10 * y);
            file[fy[o] * w + fx[o]] = scene[y * W + x];
        }
    }
}

static double cosine(const unsigned char *a, const unsigned char *b, int n)
{
    double ab = 0, aa = 0, bb = 0, ma = 0, mb = 0;
    for (int i = 0; i < n; i++) {
        ma += (double) a[i] / n;
        mb += (double) b[i] / n;
    }
    for (int i = 0; i < n; i++) {
        ab += (a[i] - ma) * (b[i] - mb);
        aa += (a[i] - ma) * (a[i] - ma);
        bb += (b[i] - mb) * (b[i] - mb);
    }
    return ab / sqrt(aa * bb);
}

static void check(blob b, const unsigned char *scene, bool exact, const char *what)
{
    tw_image im;
    tw_error err = {0};
    if (tw_image_parse(&im, b.data, b.len, what, NULL, &err) != TW_OK)
        fail_msg("%s: %s", what, err.msg);
    assert_int_equal(im.channels, 1);
    if (im.width != W || im.height != H || cosine(im.px, scene, W * H) < 0.999 ||
        (exact && memcmp(im.px, scene, W * H) != 0))
        fail_msg("%s: %d x %d, cosine %.4f", what, im.width, im.height,
                 cosine(im.px, scene, W * H));
    tw_free(im.px);
}

/* Every way to write it: before and behind the pixels, with the prefix of JPEG or without. */
static void a_turned_png_is_upright(void **state)
{
    (void) state;
    for (int i = 0; i < 8 * INTEGERS * 2 * 4; i++) {
        const int o = 1 + i % 8, type = integers[i / 8 % INTEGERS];
        const bool big = i / 8 / INTEGERS % 2 == 1;
        const int form = i / 8 / INTEGERS / 2;
        unsigned char file[W * H], scene[W * H], exif[EXIF_BYTES];
        uint16_t samples[W * H];
        char what[80];
        turn_scene(o, file, scene);
        for (int k = 0; k < W * H; k++)
            samples[k] = file[k];
        const blob bare = make_png(&(png_order){
            .width = o >= 5 ? H : W, .height = o >= 5 ? W : H, .depth = 8, .samples = samples});
        make_exif(exif, o, type, big);
        const int skip = form % 2 == 0 ? 6 : 0;
        const blob b = with_chunk(bare, form < 2 ? "IDAT" : "IEND", "eXIf", exif + skip,
                                  (size_t) (EXIF_BYTES - skip));
        (void) snprintf(what, sizeof what, "orientation %d of type %d, %s, form %d", o, type,
                        big ? "big" : "little", form);
        check(b, scene, true, what);
        free(b.data);
        free(bare.data);
    }
}

static void the_first_orientation_with_a_right_checksum_counts(void **state)
{
    (void) state;
    unsigned char file[W * H], scene[W * H], exif[EXIF_BYTES];
    uint16_t samples[W * H];
    turn_scene(6, file, scene);
    for (int k = 0; k < W * H; k++)
        samples[k] = file[k];
    const blob bare =
        make_png(&(png_order){.width = H, .height = W, .depth = 8, .samples = samples});
    make_exif(exif, 3, 3, true);
    const blob behind = with_chunk(bare, "IEND", "eXIf", exif + 6, EXIF_BYTES - 6);
    make_exif(exif, 6, 3, true);
    const blob b = with_chunk(behind, "IDAT", "eXIf", exif + 6, EXIF_BYTES - 6);
    check(b, scene, true, "two orientations");
    b.data[find_chunk(b, "eXIf") + 8 + EXIF_BYTES - 6] ^= 1;
    tw_image im;
    assert_ok(tw_image_parse(&im, b.data, b.len, "x.png", NULL, err));
    assert_int_equal(im.width, H); /* the second: upside down */
    assert_int_equal(im.px[0], file[W * H - 1]);
    tw_free(im.px);
    free(b.data);
    free(behind.data);
    free(bare.data);
}

static void a_turned_jpeg_is_upright(void **state)
{
    (void) state;
#ifndef TW_HAVE_JPEG
    skip();
#endif
    for (int i = 0; i < 8 * INTEGERS * 2; i++) {
        const int o = 1 + i % 8, type = integers[i / 8 % INTEGERS];
        const bool big = i / 8 / INTEGERS == 1;
        unsigned char file[W * H], scene[W * H],
            segment[4 + EXIF_BYTES] = {0xff, 0xe1, 0, EXIF_BYTES + 2};
        char what[80];
        turn_scene(o, file, scene);
        const blob bare = make_jpeg(&(jpeg_order){
            .width = o >= 5 ? H : W, .height = o >= 5 ? W : H, .channels = 1, .px = file});
        make_exif(segment + 4, o, type, big);
        const blob head = joined(bare.data, 2, segment, sizeof segment);
        const blob b = joined(head.data, head.len, bare.data + 2, bare.len - 2);
        (void) snprintf(what, sizeof what, "orientation %d of type %d, %s", o, type,
                        big ? "big" : "little");
        check(b, scene, false, what);
        free(b.data);
        free(head.data);
        free(bare.data);
    }
}

static void damaged_exif_means_upright(void **state)
{
    (void) state;
    unsigned char exif[] = "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0";
    assert_int_equal(twi_exif_orientation(exif, sizeof exif - 1), 6);
    assert_int_equal(twi_exif_orientation(exif + 6, sizeof exif - 7), 6);
    for (size_t len = 0; len < sizeof exif - 1; len++)
        assert_int_equal(twi_exif_orientation(exif, len), 1);
    static const struct {
        int at, value;
    } damage[] = {{0, 'e'}, {6, 'M'}, {8, 0},  {10, 0xff}, {13, 0x80}, {14, 0},
                  {16, 0},  {18, 2},  {18, 5}, {24, 0},    {24, 9},    {25, 1}};
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        const unsigned char kept = exif[damage[i].at];
        exif[damage[i].at] = (unsigned char) damage[i].value;
        assert_int_equal(twi_exif_orientation(exif, sizeof exif - 1), 1);
        exif[damage[i].at] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turned_png_is_upright),
        cmocka_unit_test(the_first_orientation_with_a_right_checksum_counts),
        cmocka_unit_test(a_turned_jpeg_is_upright),
        cmocka_unit_test(damaged_exif_means_upright),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
