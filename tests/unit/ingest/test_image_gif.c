/* GIF: palettes, transparency, a place on the canvas, interlacing; bad bytes. The files are made
 * here: pixels as LZW codes of 9 bits each, with a clear code often enough that they stay so. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/support/test.h"
#include "tests/unit/ingest/image_checks.h"

#ifdef TW_HAVE_GIF

enum { W = 12, H = 10, COLOURS = 256 };

typedef struct gif_order {
    int width, height;            /* of the canvas */
    int x, y, w, h;               /* of the picture on it */
    bool interlaced, local;       /* local: the picture has the palette, not the file */
    int transparent;              /* a colour's number; -1: none */
    const unsigned char *numbers; /* (h, w) */
} gif_order;

typedef struct writer {
    unsigned char bytes[1 << 16];
    size_t len, bit, block; /* block: where the present one's length stands */
} writer;

static void put_byte(writer *to, int value) { to->bytes[to->len++] = (unsigned char) value; }

static void put_bytes(writer *to, const char *bytes, int n)
{
    for (int i = 0; i < n; i++)
        put_byte(to, bytes[i]);
}

static void put_short(writer *to, int value)
{
    put_byte(to, value & 255);
    put_byte(to, value >> 8);
}

/* Colour i of the palette. */
static void colour_of(int i, unsigned char px[3])
{
    px[0] = (unsigned char) i;
    px[1] = (unsigned char) (255 - i);
    px[2] = (unsigned char) (i * 7);
}

static void put_palette(writer *to)
{
    for (int i = 0; i < COLOURS; i++) {
        colour_of(i, to->bytes + to->len);
        to->len += 3;
    }
}

/* 9 bits, the lowest first, in blocks of at most 255 bytes. */
static void put_code(writer *to, int code)
{
    for (int i = 0; i < 9; i++, to->bit++) {
        if (to->bit % (255 * 8) == 0) {
            to->block = to->len;
            put_byte(to, 0);
        }
        if (to->bit % 8 == 0) {
            put_byte(to, 0);
            to->bytes[to->block]++;
        }
        to->bytes[to->len - 1] |= (unsigned char) ((code >> i & 1) << to->bit % 8);
    }
}

static void put_rows(writer *to, const gif_order *o)
{
    enum { CLEAR = 256, END = 257, OFTEN = 200 };
    static const int first[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
    int n = 0;
    put_byte(to, 8);
    for (int pass = 0; pass < (o->interlaced ? 4 : 1); pass++) {
        for (int y = first[pass]; y < o->h; y += o->interlaced ? step[pass] : 1) {
            for (int x = 0; x < o->w; x++) {
                if (n++ % OFTEN == 0)
                    put_code(to, CLEAR);
                put_code(to, o->numbers[y * o->w + x]);
            }
        }
    }
    put_code(to, END);
    put_byte(to, 0);
}

static blob make_gif(const gif_order *o)
{
    writer *to = calloc(1, sizeof *to);
    assert_non_null(to);
    put_bytes(to, "GIF89a", 6);
    put_short(to, o->width);
    put_short(to, o->height);
    put_byte(to, o->local ? 0 : 0x87);
    put_short(to, 0x0007); /* the background's colour, which nobody heeds */
    if (!o->local)
        put_palette(to);
    if (o->transparent >= 0) {
        put_bytes(to, "\x21\xf9\x04\x01\0\0", 6);
        put_short(to, o->transparent);
    }
    put_byte(to, ',');
    put_short(to, o->x);
    put_short(to, o->y);
    put_short(to, o->w);
    put_short(to, o->h);
    put_byte(to, (o->local ? 0x87 : 0) | (o->interlaced ? 0x40 : 0));
    if (o->local)
        put_palette(to);
    put_rows(to, o);
    put_byte(to, ';');
    const blob b = joined(to->bytes, to->len, NULL, 0);
    free(to);
    return b;
}

/* What the order should look like. */
static tw_image wanted(const gif_order *o, int width, int height, const tw_image_options *opt)
{
    unsigned char *px = malloc((size_t) width * (size_t) height * 3);
    assert_non_null(px);
    for (int i = 0; i < width * height; i++)
        memcpy(px + 3 * i, opt->background, 3);
    for (int y = 0; y < o->h; y++) {
        for (int x = 0; x < o->w; x++) {
            if (o->numbers[y * o->w + x] != o->transparent)
                colour_of(o->numbers[y * o->w + x], px + 3 * ((o->y + y) * width + o->x + x));
        }
    }
    const tw_image im = by_png(px, width, height, 3, opt);
    free(px);
    return im;
}

static void fill(unsigned char *numbers, int n)
{
    for (int i = 0; i < n; i++)
        numbers[i] = (unsigned char) (i * 37 + i / 7);
}

static void the_same_picture_as_a_png(void **state)
{
    (void) state;
    static const struct {
        int canvas[2], at[2], size[2]; /* pixels */
        int transparent, seen[2];      /* seen: the image's sides */
    } rows[] = {
        {{W, H}, {0, 0}, {W, H}, -1, {W, H}},  {{W, H}, {0, 0}, {W, H}, 37, {W, H}},
        {{W, H}, {3, 2}, {5, 6}, -1, {W, H}},  {{W, H}, {3, 2}, {5, 6}, 74, {W, H}},
        {{4, 3}, {0, 0}, {W, H}, -1, {W, H}}, /* the canvas grows */
        {{0, 0}, {1, 2}, {5, 6}, -1, {6, 8}},  {{1, 1}, {0, 0}, {1, 1}, 0, {1, 1}},
        {{W, H}, {11, 9}, {1, 1}, -1, {W, H}},
    };
    const tw_image_options opt = {.background = {200, 100, 50}, .max_pixels = 4096};
    unsigned char numbers[W * H];
    fill(numbers, W * H);
    for (size_t i = 0; i < 4 * sizeof rows / sizeof rows[0]; i++) {
        const size_t r = i / 4;
        const gif_order o = {rows[r].canvas[0],   rows[r].canvas[1],
                             rows[r].at[0],       rows[r].at[1],
                             rows[r].size[0],     rows[r].size[1],
                             i % 2 == 1,          i % 4 >= 2,
                             rows[r].transparent, numbers};
        const blob b = make_gif(&o);
        assert_images_near(read_image(b, &opt), wanted(&o, rows[r].seen[0], rows[r].seen[1], &opt),
                           0);
        assert_limits_are_kept(b, rows[r].seen[0] * rows[r].seen[1]);
        free(b.data);
    }
}

static void a_large_picture_is_reduced_while_it_is_read(void **state)
{
    (void) state;
    enum { SIDE = 150 };
    const tw_image_options opt = {.background = {9, 100, 50}, .max_pixels = 4096};
    unsigned char *numbers = malloc(SIDE * SIDE);
    assert_non_null(numbers);
    fill(numbers, SIDE * SIDE);
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        const gif_order o = {SIDE + 20, SIDE + 9,        7,     5, SIDE,
                             SIDE,      interlaced == 1, false, 3, numbers};
        const blob b = make_gif(&o);
        assert_images_near(read_image(b, &opt), wanted(&o, SIDE + 20, SIDE + 9, &opt), 0);
        free(b.data);
    }
    free(numbers);
}

static blob small_gif(bool interlaced)
{
    static unsigned char numbers[W * H];
    fill(numbers, W * H);
    return make_gif(&(gif_order){W, H, 0, 0, W, H, interlaced, false, 5, numbers});
}

static void what_a_header_claims_is_checked(void **state)
{
    (void) state;
    enum { WIDTH = 6, PALETTE = 10, PICTURE = 13 + 768 + 8 };
    blob b = small_gif(false);
    memcpy(b.data + WIDTH, "\xff\xff\xff\xff", 4);
    assert_refused(b, TW_EINVAL, "'made' is 65535 x 65535 pixels, a side may have 1 to 20000");
    memcpy(b.data + WIDTH, "\x0c\0\x0a\0", 4);
    memcpy(b.data + PICTURE + 5, "\0\0", 2);
    assert_refused(b, TW_ECORRUPT, "is a damaged GIF: its first picture has no pixels");
    free(b.data);
    unsigned char empty[] = "GIF89a\x01\0\x01\0\0\0\0;";
    assert_refused((blob){empty, sizeof empty - 1}, TW_ECORRUPT,
                   "is a damaged GIF: it holds no picture");
    unsigned char plain[] = "GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0;";
    assert_refused((blob){plain, sizeof plain - 1}, TW_ECORRUPT,
                   "is a damaged GIF: it has no colours");
}

/* A colour that the palette lacks is taken for transparent. */
static void a_number_without_a_colour_is_seen_through(void **state)
{
    (void) state;
    unsigned char bytes[] = "GIF89a\x02\0\x01\0\x80\0\0\x01\x02\x03\x04\x05\x06"
                            ",\0\0\0\0\x02\0\x01\0\0\x02\x02\x5c\x0a\0;"; /* clear, 3, 1, end */
    const unsigned char px[6] = {255, 255, 255, 4, 5, 6};
    assert_images_near(read_image((blob){bytes, sizeof bytes - 1}, NULL), by_png(px, 2, 1, 3, NULL),
                       0);
}

/* Without the end code, the empty block or the trailer every pixel is there. */
static void bad_bytes_are_refused(void **state)
{
    (void) state;
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        const blob b = small_gif(interlaced == 1);
        assert_cuts_are_noticed(b, 4);
        const blob early = joined(b.data, b.len - 20, NULL, 0);
        assert_refused(early, TW_ECORRUPT, "'made' is truncated: it ends after ");
        assert_flips_do_no_harm(b, 1, true);
        free(early.data);
        free(b.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_picture_as_a_png),
        cmocka_unit_test(a_large_picture_is_reduced_while_it_is_read),
        cmocka_unit_test(what_a_header_claims_is_checked),
        cmocka_unit_test(a_number_without_a_colour_is_seen_through),
        cmocka_unit_test(bad_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void a_gif_is_refused_with_a_way_out(void **state)
{
    (void) state;
    unsigned char bytes[] = "GIF89a..";
    assert_refused((blob){bytes, sizeof bytes - 1}, TW_EUNSUPPORTED,
                   "'made' is a GIF picture, which this build cannot read; convert it to PNG, e.g. "
                   "ffmpeg -i in.gif -frames:v 1 out.png");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_gif_is_refused_with_a_way_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
