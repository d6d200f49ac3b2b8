/* What a picture is, and what happens to pixels on their way from a decoder to a tw_image. */
#include "ingest/image.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "ingest/image_internal.h"

const tw_image_options TW_IMAGE_DEFAULT = {.background = {255, 255, 255}, .max_pixels = 1 << 20};

enum { LEAST_PIXELS = 4096, MOST_PIXELS = 1 << 26 };

/* ---- canvas ---------------------------------------------------------------------------------- */

static int over(int side, int factor) { return (side + factor - 1) / factor; }

int twi_canvas_factor(int width, int height, int max_pixels)
{
    int f = 1;
    while ((int64_t) over(width, f) * over(height, f) > max_pixels)
        f++;
    return f;
}

static size_t samples(const tw_image *im)
{
    return (size_t) im->width * (size_t) im->height * (size_t) im->channels;
}

tw_status twi_canvas_init(twi_canvas *c, int width, int height, int channels, int max_pixels,
                          tw_error *err)
{
    const int f = twi_canvas_factor(width, height, max_pixels);
    *c = (twi_canvas){.width = width, .height = height, .factor = f};
    c->image = (tw_image){.width = over(width, f), .height = over(height, f), .channels = channels};
    c->image.px = tw_alloc(samples(&c->image), 1);
    if (f > 1)
        c->sums = tw_alloc(samples(&c->image), sizeof *c->sums);
    if (c->image.px == NULL || (f > 1 && c->sums == NULL))
        return tw_fail(err, TW_ENOMEM, "a picture of %d x %d pixels", c->image.width,
                       c->image.height);
    return TW_OK;
}

void twi_canvas_add(twi_canvas *c, int y, int x, int step, int n, const unsigned char *px)
{
    const size_t ch = (size_t) c->image.channels;
    const size_t row = (size_t) (y / c->factor) * (size_t) c->image.width;
    if (c->factor == 1 && step == 1) {
        memcpy(c->image.px + (row + (size_t) x) * ch, px, (size_t) n * ch);
        return;
    }
    for (int i = 0; i < n; i++, x += step, px += ch) {
        const size_t at = (row + (size_t) (x / c->factor)) * ch;
        for (size_t k = 0; k < ch; k++) {
            if (c->factor == 1)
                c->image.px[at + k] = px[k];
            else /* cannot overflow: LEAST_PIXELS keeps a box under 313 x 313 pixels */
                c->sums[at + k] += px[k];
        }
    }
}

/* Boxes at the right and lower edge may be smaller. */
static void divide_sums(twi_canvas *c)
{
    const int f = c->factor, ch = c->image.channels;
    size_t at = 0;
    for (int y = 0; y < c->image.height; y++) {
        const int rows = c->height - y * f < f ? c->height - y * f : f;
        for (int x = 0; x < c->image.width; x++) {
            const int cols = c->width - x * f < f ? c->width - x * f : f;
            const uint32_t n = (uint32_t) rows * (uint32_t) cols;
            for (int k = 0; k < ch; k++, at++)
                c->image.px[at] = (unsigned char) ((c->sums[at] + n / 2) / n);
        }
    }
}

void twi_canvas_finish(twi_canvas *c, tw_image *out)
{
    if (c->sums != NULL)
        divide_sums(c);
    tw_free(c->sums);
    c->sums = NULL;
    *out = c->image;
    c->image.px = NULL;
}

void twi_canvas_fini(twi_canvas *c)
{
    tw_free(c->image.px);
    tw_free(c->sums);
    *c = (twi_canvas){0};
}

tw_status twi_image_check_size(const char *name, int64_t width, int64_t height, int64_t most,
                               tw_error *err)
{
    if (width < 1 || width > TW_IMAGE_MAX_SIDE || height < 1 || height > TW_IMAGE_MAX_SIDE)
        return tw_fail(err, TW_EINVAL, "'%s' is %lld x %lld pixels, a side may have 1 to %d", name,
                       (long long) width, (long long) height, TW_IMAGE_MAX_SIDE);
    if (most > 0 && width * height > most)
        return tw_fail(err, TW_EINVAL, "'%s' is %lld x %lld pixels, more than %lld megapixels",
                       name, (long long) width, (long long) height, (long long) (most / 1000000));
    return TW_OK;
}

tw_status twi_image_in_time(const char *name, tw_deadline until, tw_error *err)
{
    if (!tw_deadline_passed(until))
        return TW_OK;
    return tw_fail(err, TW_ETIMEOUT, "the deadline passed before '%s' was decoded", name);
}

/* ---- orientation ----------------------------------------------------------------------------- */

static unsigned number(const unsigned char *p, int bytes, bool big)
{
    unsigned v = 0;
    for (int i = 0; i < bytes; i++)
        v |= (unsigned) p[i] << 8 * (big ? bytes - 1 - i : i);
    return v;
}

/* EXIF 2.3, 4.5: "Exif\0\0", then a TIFF header and a first directory of 12-byte entries. */
int twi_exif_orientation(const unsigned char *data, size_t len)
{
    enum { TIFF = 6, ENTRY = 12, ORIENTATION = 0x0112, SHORT = 3 };
    if (len < TIFF + 8 || memcmp(data, "Exif\0\0", TIFF) != 0)
        return 1;
    const unsigned char *tiff = data + TIFF;
    const size_t room = len - TIFF;
    const bool big = tiff[0] == 'M';
    const size_t at = number(tiff + 4, 4, big);
    if (memcmp(tiff, big ? "MM\0*" : "II*\0", 4) != 0 || at > room - 2)
        return 1;
    const size_t n = number(tiff + at, 2, big);
    for (size_t i = 0, e = at + 2; i < n && e + ENTRY <= room; i++, e += ENTRY) {
        if (number(tiff + e, 2, big) != ORIENTATION || number(tiff + e + 2, 2, big) != SHORT)
            continue;
        const unsigned value = number(tiff + e + 8, 2, big);
        return value >= 1 && value <= 8 ? (int) value : 1;
    }
    return 1;
}

tw_status twi_image_upright(tw_image *im, int orientation, tw_error *err)
{
    /* From 5 on rows and columns are exchanged. Where the first row and column of the file belong:
     * 1 top left, 2 top right, 3 bottom right, 4 bottom left, 5 left top, 6 right top, 7 right
     * bottom, 8 left bottom. */
    const bool swap = orientation >= 5;
    const bool right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    const bool down = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    if (orientation <= 1)
        return TW_OK;

    tw_image to = {.width = swap ? im->height : im->width,
                   .height = swap ? im->width : im->height,
                   .channels = im->channels};
    const size_t ch = (size_t) im->channels;
    const unsigned char *px = im->px;
    to.px = tw_alloc(samples(im), 1);
    if (to.px == NULL)
        return tw_fail(err, TW_ENOMEM, "turning a picture of %d x %d pixels", im->width,
                       im->height);
    for (int y = 0; y < im->height; y++) {
        for (int x = 0; x < im->width; x++, px += ch) {
            int tx = swap ? y : x, ty = swap ? x : y;
            tx = right ? to.width - 1 - tx : tx;
            ty = down ? to.height - 1 - ty : ty;
            memcpy(to.px + ((size_t) ty * (size_t) to.width + (size_t) tx) * ch, px, ch);
        }
    }
    tw_free(im->px);
    *im = to;
    return TW_OK;
}

/* ---- what it is ------------------------------------------------------------------------------ */

static const struct {
    const char *name, *magic;
    size_t offset, len;
} known[] = {
    {"GIF", "GIF8", 0, 4},     {"WebP", "WEBP", 8, 4},        {"BMP", "BM", 0, 2},
    {"TIFF", "II*\0", 0, 4},   {"TIFF", "MM\0*", 0, 4},       {"AVIF", "ftypavif", 4, 8},
    {"HEIC", "ftyphei", 4, 7}, {"JPEG XL", "\xff\x0a", 0, 2}, {"JPEG 2000", "\0\0\0\x0cjP", 0, 6},
    {"SVG", "<svg", 0, 4},     {"PDF", "%PDF", 0, 4},
};

/* Says in one sentence why these bytes are no picture that we read. */
static tw_status refuse(const unsigned char *data, size_t len, const char *name, tw_error *err)
{
    char begins[4 * 8 + 1];
    size_t at = 0;

    if (len == 0)
        return tw_fail(err, TW_EINVAL, "'%s' is empty", name);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (len >= known[i].offset + known[i].len &&
            memcmp(data + known[i].offset, known[i].magic, known[i].len) == 0)
            return tw_fail(err, TW_EUNSUPPORTED, "'%s' looks like a %s, which cannot be read here",
                           name, known[i].name);
    }
    for (size_t i = 0; i < len && i < 8; i++) {
        if (data[i] > ' ' && data[i] < 127 && data[i] != '\\')
            begins[at++] = (char) data[i];
        else
            at += (size_t) snprintf(begins + at, sizeof begins - at, "\\x%02x", data[i]);
    }
    begins[at] = '\0';
    return tw_fail(err, TW_EINVAL, "'%s' is no picture: it begins with %s", name, begins);
}

tw_status tw_image_parse(tw_image *out, const void *data, size_t len, const char *name,
                         const tw_image_options *opt, tw_error *err)
{
    const unsigned char *bytes = data;
    if (opt == NULL)
        opt = &TW_IMAGE_DEFAULT;
    *out = (tw_image){0};
    if (opt->max_pixels < LEAST_PIXELS || opt->max_pixels > MOST_PIXELS)
        return tw_fail(err, TW_EINVAL, "max_pixels %d is outside %d..%d", opt->max_pixels,
                       LEAST_PIXELS, MOST_PIXELS);
    if (len > TW_IMAGE_MAX_BYTES)
        return tw_fail(err, TW_EINVAL, "'%s' has %zu bytes, the most allowed is %d", name, len,
                       TW_IMAGE_MAX_BYTES);
    if (len >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0)
        return twi_png_parse(out, bytes, len, name, opt, err);
    if (len >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0)
        return twi_jpeg_parse(out, bytes, len, name, opt, err);
    return refuse(bytes, len, name, err);
}

tw_status tw_image_load(tw_image *out, const char *path, const tw_image_options *opt, tw_error *err)
{
    char *data = NULL;
    size_t len = 0;

    *out = (tw_image){0};
    tw_status st = tw_file_read(path, TW_IMAGE_MAX_BYTES, &data, &len, err);
    if (st == TW_OK)
        st = tw_image_parse(out, data, len, path, opt, err);
    tw_free(data);
    return st;
}
