/* What a HEIC or AVIF announces, and what of it libheif gets to see. The files are made here, of
 * headers alone: no decoder is asked. */
#include <string.h>

#include "ingest/media/image_internal.h"
#include "tests/support/test.h"

typedef struct pen {
    unsigned char b[4096];
    size_t n;   /* bytes */
    size_t bit; /* of the last byte that are used; 0: all */
} pen;

static void put(pen *to, uint64_t value, int bytes)
{
    while (bytes-- > 0)
        to->b[to->n++] = (unsigned char) (value >> 8 * bytes);
}

static void put_bytes(pen *to, const pen *from)
{
    for (size_t i = 0; i < from->n; i++)
        put(to, from->b[i], 1);
}

static void put_bits(pen *to, uint32_t value, int bits)
{
    while (bits-- > 0) {
        if (to->bit == 0)
            put(to, 0, 1);
        to->b[to->n - 1] |= (unsigned char) ((value >> bits & 1) << (7 - to->bit));
        to->bit = (to->bit + 1) % 8;
    }
}

static void put_ue(pen *to, uint32_t value)
{
    int bits = 0;
    while ((value + 1) >> bits > 1)
        bits++;
    put_bits(to, 0, bits);
    put_bits(to, value + 1, bits + 1);
}

static size_t open_box(pen *to, const char *type)
{
    put(to, 0, 4);
    for (int i = 0; i < 4; i++)
        put(to, (unsigned char) type[i], 1);
    return to->n - 8;
}

static void close_box(pen *to, size_t at)
{
    const size_t size = to->n - at;
    for (size_t i = 0; i < 4; i++)
        to->b[at + i] = (unsigned char) (size >> 8 * (3 - i));
}

/* ---- coded headers --------------------------------------------------------------------------- */

/* A unit with its size; `full`: with clocks and operating points, as in a video. */
static pen av1_header(uint32_t width, uint32_t height, bool full)
{
    pen in = {.n = 0}, out = {.n = 0};
    put_bits(&in, 0, 4);
    put_bits(&in, full ? 0 : 1, 1);
    if (full) {
        put_bits(&in, 1, 1); /* clocks */
        put_bits(&in, 1, 32);
        put_bits(&in, 25, 32);
        put_bits(&in, 1, 1);
        put_ue(&in, 5);
        put_bits(&in, 1, 1); /* a model */
        put_bits(&in, 9, 5);
        put_bits(&in, 1, 32);
        put_bits(&in, 0, 10);
        put_bits(&in, 1, 1); /* delays of display */
        put_bits(&in, 1, 5); /* two points */
        for (int i = 0; i < 2; i++) {
            put_bits(&in, 0, 12);
            put_bits(&in, i == 0 ? 8 : 3, 5);
            put_bits(&in, 0, i == 0 ? 1 : 0);
            put_bits(&in, 1, 1);
            put_bits(&in, 0, 21);
            put_bits(&in, 1, 1);
            put_bits(&in, 7, 4);
        }
    } else {
        put_bits(&in, 0, 5);
    }
    put_bits(&in, 15, 4);
    put_bits(&in, 15, 4);
    put_bits(&in, width - 1, 16);
    put_bits(&in, height - 1, 16);
    put(&out, 0x0a, 1);
    put(&out, in.n, 1);
    put_bytes(&out, &in);
    return out;
}

/* A sequence parameter set; two zeros are never followed by less than 4. */
static pen hevc_header(uint32_t width, uint32_t height, unsigned layers)
{
    pen in = {.n = 0}, out = {.n = 0};
    int zeros = 0;
    put_bits(&in, 0, 4);
    put_bits(&in, layers, 3);
    put_bits(&in, 1, 1);
    for (int i = 0; i < 12; i++)
        put_bits(&in, 0, 8);
    for (unsigned i = 0; i < layers; i++)
        put_bits(&in, 3, 2);
    put_bits(&in, 0, layers > 0 ? 2 * (8 - (int) layers) : 0);
    for (unsigned i = 0; i < layers * 12; i++)
        put_bits(&in, 0, 8);
    put_ue(&in, 0);
    put_ue(&in, 3);
    put_bits(&in, 0, 1);
    put_ue(&in, width);
    put_ue(&in, height);
    put_bits(&in, 1, 1);
    put(&out, 0x4201, 2);
    for (size_t i = 0; i < in.n; i++) {
        if (zeros >= 2 && in.b[i] <= 3) {
            put(&out, 3, 1);
            zeros = 0;
        }
        put(&out, in.b[i], 1);
        zeros = in.b[i] == 0 ? zeros + 1 : 0;
    }
    return out;
}

static void headers_say_how_large_a_picture_is(void **state)
{
    (void) state;
    static const uint32_t sides[][2] = {
        {1, 1}, {64, 48}, {4032, 3024}, {65535, 65536}, {8192, 8193}};
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        const uint32_t w = sides[i][0], h = sides[i][1];
        const int64_t area = (int64_t) w * h;
        for (unsigned form = 0; form < 3; form++) {
            const pen av1 = av1_header(w, h, form == 1), hevc = hevc_header(w, h, form * 3);
            pen two = {.n = 0}, sized = {.n = 0};
            assert_int_equal(twi_av1_area(av1.b, av1.n), area);
            assert_int_equal(twi_hevc_unit_area(hevc.b, hevc.n), area);
            put(&two, 0x12000000, 4); /* a delimiter, and zeros */
            put_bytes(&two, &av1);
            assert_int_equal(twi_av1_area(two.b, two.n), area);
            put(&sized, 2, 4);
            put(&sized, 0x4001, 2);
            put(&sized, hevc.n, 4);
            put_bytes(&sized, &hevc);
            assert_int_equal(twi_hevc_area(sized.b, sized.n), area);
            for (size_t cut = 0; cut < sized.n; cut++) /* nothing is read behind the end */
                (void) twi_hevc_area(sized.b, cut);
        }
    }
}

/* ---- files ----------------------------------------------------------------------------------- */

typedef struct heif_order {
    const char *type[3]; /* of items 1, 2 and 3; NULL: there is none */
    pen data[3];         /* what they hold */
    int first;           /* bytes of that in the first of two extents; 0: in one */
    pen config;          /* an hvcC or av1C box of item 1 */
    int parts[6];        /* numbers of items that item 1 is put together of; 0: the end */
    int method;          /* where items lie: 1, within "idat", else as it says */
    int same_id;         /* of item 2, instead of its own */
} heif_order;

static void put_places(pen *to, const heif_order *o, int n)
{
    size_t from = 0, at = open_box(to, "iloc");
    put(to, 0x01000000, 4);
    put(to, 0x4400, 2); /* four bytes for offset and length */
    put(to, (uint64_t) n, 2);
    for (int i = 0; i < n; i++) {
        const size_t len = o->data[i].n, first = i == 0 ? (size_t) o->first : 0;
        put(to, (uint64_t) i + 1, 2);
        put(to, (uint64_t) o->method, 2);
        put(to, 0, 2);
        put(to, first > 0 ? 2 : 1, 2);
        if (first > 0) {
            put(to, from, 4);
            put(to, first, 4);
        }
        put(to, from + first, 4);
        put(to, len - first, 4);
        from += len;
    }
    close_box(to, at);
}

static void put_items(pen *to, const heif_order *o, int n)
{
    const size_t at = open_box(to, "iinf");
    put(to, 0, 4);
    put(to, (uint64_t) n, 2);
    for (int i = 0; i < n; i++) {
        const size_t one = open_box(to, "infe");
        put(to, 0x02000000, 4);
        put(to, i == 1 && o->same_id > 0 ? (uint64_t) o->same_id : (uint64_t) i + 1, 2);
        put(to, 0, 2);
        for (int k = 0; k < 4; k++)
            put(to, (unsigned char) o->type[i][k], 1);
        put(to, 0, 1);
        close_box(to, one);
    }
    close_box(to, at);
}

static void put_properties(pen *to, const heif_order *o)
{
    const size_t at = open_box(to, "iprp"), in = open_box(to, "ipco");
    put_bytes(to, &o->config);
    close_box(to, in);
    const size_t joins = open_box(to, "ipma");
    put(to, 0, 4);
    put(to, 1, 4);
    put(to, 1, 2);
    put(to, 1, 1);
    put(to, 0x81, 1);
    close_box(to, joins);
    close_box(to, at);
}

static void put_parts(pen *to, const heif_order *o)
{
    int n = 0;
    const size_t at = open_box(to, "iref");
    put(to, 0, 4);
    const size_t one = open_box(to, "dimg");
    while (n < 6 && o->parts[n] > 0)
        n++;
    put(to, 1, 2);
    put(to, (uint64_t) n, 2);
    for (int i = 0; i < n; i++)
        put(to, (uint64_t) o->parts[i], 2);
    close_box(to, one);
    close_box(to, at);
}

static pen make_file(const heif_order *o)
{
    pen f = {.n = 0};
    int n = 0;
    while (n < 3 && o->type[n] != NULL)
        n++;
    size_t at = open_box(&f, "ftyp");
    put(&f, 0x61766966, 4);
    put(&f, 0, 4);
    close_box(&f, at);
    at = open_box(&f, "meta");
    put(&f, 0, 4);
    put_items(&f, o, n);
    put_places(&f, o, n);
    if (o->config.n > 0)
        put_properties(&f, o);
    if (o->parts[0] > 0)
        put_parts(&f, o);
    const size_t held = open_box(&f, "idat");
    for (int i = 0; i < n; i++)
        put_bytes(&f, &o->data[i]);
    close_box(&f, held);
    close_box(&f, at);
    return f;
}

static void expect(const heif_order *o, tw_status want, const char *says)
{
    tw_error err = {0};
    const pen f = make_file(o);
    const tw_status st = twi_heif_check(f.b, f.n, "made", &err);
    if (st != want || strstr(err.msg, says) == NULL)
        fail_msg("%d '%s', not %d '%s'", (int) st, err.msg, (int) want, says);
}

static pen canvas(uint32_t width, uint32_t height)
{
    pen p = {.n = 0};
    put(&p, 0x00010000, 4); /* sides of four bytes; one row and one column */
    put(&p, width, 4);
    put(&p, height, 4);
    return p;
}

static void a_picture_may_be_as_large_as_one_is_decoded(void **state)
{
    (void) state;
    const pen small = av1_header(8192, 8192, false), large = av1_header(8192, 8193, false);
    expect(&(heif_order){.type = {"av01"}, .data = {small}, .method = 1}, TW_OK, "");
    expect(&(heif_order){.type = {"av01"}, .data = {large}, .method = 1}, TW_EINVAL,
           "'made' holds a picture of 67117056 pixels, which is decoded as a whole: the most "
           "allowed is 67108864; scale it down first");
    expect(&(heif_order){.type = {"av01"}, .data = {large}, .method = 1, .first = 5}, TW_EINVAL,
           "67117056 pixels");
    expect(&(heif_order){.type = {"av01", "av01"}, .data = {small, large}, .method = 1}, TW_EINVAL,
           "67117056 pixels"); /* as its transparency, say */
    expect(
        &(heif_order){.type = {"grid", "av01"}, .data = {canvas(20000, 20000), small}, .method = 1},
        TW_EINVAL, "400000000 pixels");
}

static void what_a_config_announces_counts(void **state)
{
    (void) state;
    for (uint32_t height = 8192; height <= 8193; height++) {
        const pen av1 = av1_header(8192, height, true), hevc = hevc_header(8192, height, 0);
        pen a = {.n = 0}, h = {.n = 0}, slice = {.n = 0};
        size_t at = open_box(&a, "av1C");
        put(&a, 0x81000000, 4);
        put_bytes(&a, &av1);
        close_box(&a, at);
        at = open_box(&h, "hvcC");
        for (int i = 0; i < 22; i++)
            put(&h, 0, 1);
        put(&h, 0x01210001, 4); /* one array, of units of type 33, of which one */
        put(&h, hevc.n, 2);
        put_bytes(&h, &hevc);
        close_box(&h, at);
        put(&slice, 4, 4);
        put(&slice, 0x26010000, 4);
        const tw_status want = height > 8192 ? TW_EINVAL : TW_OK;
        expect(
            &(heif_order){
                .type = {"av01"}, .data = {av1_header(16, 16, false)}, .config = a, .method = 1},
            want, height > 8192 ? "67117056 pixels" : "");
        expect(&(heif_order){.type = {"hvc1"}, .data = {slice}, .config = h, .method = 1}, want,
               height > 8192 ? "67117056 pixels" : "");
    }
}

static void what_is_put_together_has_its_bounds(void **state)
{
    (void) state;
    const pen tile = av1_header(8192, 8192, false), whole = canvas(16, 16);
    heif_order o = {
        .type = {"grid", "av01"}, .data = {whole, tile}, .method = 1, .parts = {2, 2, 2, 2}};
    expect(&o, TW_OK, "");
    o.parts[4] = 2;
    expect(&o, TW_EINVAL,
           "'made' is put together of pictures with more than 268435456 pixels in all");
    o.data[1] = av1_header(8192, 4096, false);
    expect(&o, TW_OK, "");
    o = (heif_order){.type = {"grid", "av01", "grid"},
                     .data = {whole, tile, whole},
                     .method = 1,
                     .parts = {2, 3}};
    expect(&o, TW_ECORRUPT, "a picture is put together of others that are");
    o.parts[1] = 9;
    expect(&o, TW_ECORRUPT, "a picture is put together of others that are");
}

static void what_is_not_understood_is_refused(void **state)
{
    (void) state;
    const pen small = av1_header(16, 16, false);
    pen empty = {.n = 0};
    put(&empty, 0x1200, 2);
    expect(&(heif_order){.type = {"av01"}, .data = {empty}, .method = 1}, TW_ECORRUPT,
           "'made' is a damaged HEIC or AVIF: a picture has no header");
    expect(&(heif_order){.type = {"jpeg"}, .data = {small}, .method = 1}, TW_EUNSUPPORTED,
           "'made' holds pictures of the type 'jpeg', which are not supported");
    expect(&(heif_order){.type = {"av01"}, .data = {small}, .method = 2}, TW_ECORRUPT,
           "an item lies within another");
    expect(
        &(heif_order){.type = {"av01", "av01"}, .data = {small, small}, .method = 1, .same_id = 1},
        TW_ECORRUPT, "an item comes twice");
    expect(
        &(heif_order){.type = {"Exif", "mime", "av01"}, .data = {empty, empty, small}, .method = 1},
        TW_OK, "");
}

/* A reader that goes on where ours stops would see what we did not. */
static void boxes_that_do_not_fit_are_refused(void **state)
{
    (void) state;
    const pen good = make_file(
        &(heif_order){.type = {"av01"}, .data = {av1_header(16, 16, false)}, .method = 1});
    enum { META = 16 };
    for (size_t at = META; at + 8 <= good.n; at++) {
        static const char *const names[] = {"meta", "iinf", "iloc", "idat", "infe"};
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            pen bad = good;
            tw_error err = {0};
            if (memcmp(good.b + at + 4, names[i], 4) != 0)
                continue;
            bad.b[at] = 1; /* 16 MiB more */
            assert_int_equal(twi_heif_check(bad.b, bad.n, "made", &err), TW_ECORRUPT);
        }
    }
    pen twice = good;
    for (size_t i = META; i < good.n; i++)
        put(&twice, good.b[i], 1);
    assert_status(twi_heif_check(twice.b, twice.n, "made", err), TW_ECORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_say_how_large_a_picture_is),
        cmocka_unit_test(a_picture_may_be_as_large_as_one_is_decoded),
        cmocka_unit_test(what_a_config_announces_counts),
        cmocka_unit_test(what_is_put_together_has_its_bounds),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(boxes_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
