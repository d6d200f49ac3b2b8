/* What an image is, and what happens to pixels on their way from a decoder to a tw_image. */
#include "ingest/image.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "ingest/image_internal.h"

const tw_image_options TW_IMAGE_DEFAULT = {.background = {255, 255, 255}, .max_pixels = 1 << 20};

enum { LEAST_PIXELS = 4096, MOST_PIXELS = 1 << 26 };

static const struct {
    const char *name, *magic;
    size_t offset, len;
} known[] = {
    {"GIF", "GIF8", 0, 4},     {"WebP", "WEBP", 8, 4},        {"BMP", "BM", 0, 2},
    {"TIFF", "II*\0", 0, 4},   {"TIFF", "MM\0*", 0, 4},       {"AVIF", "ftypavif", 4, 8},
    {"HEIC", "ftyphei", 4, 7}, {"JPEG XL", "\xff\x0a", 0, 2}, {"JPEG 2000", "\0\0\0\x0cjP", 0, 6},
    {"SVG", "<svg", 0, 4},     {"PDF", "%PDF", 0, 4},
};

/* Says in one sentence why these bytes are no image that we read. */
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
    return tw_fail(err, TW_EINVAL, "'%s' is no image: it begins with %s", name, begins);
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
