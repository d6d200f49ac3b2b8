/* What an image is, and what happens to pixels on their way from a decoder to a tw_image. */
#include "ingest/image.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "ingest/media/image_internal.h"

const tw_image_options TW_IMAGE_DEFAULT = {.background = {255, 255, 255}, .max_pixels = 1 << 20};

enum { LEAST_PIXELS = 4096, MOST_PIXELS = 1 << 26 };

/* Says in one sentence why these bytes are no image. */
static tw_status refuse(const unsigned char *data, size_t len, const char *name, tw_error *err)
{
    char begins[4 * 8 + 1];
    size_t at = 0;

    if (len == 0)
        return tw_fail(err, TW_EINVAL, "'%s' is empty", name);
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
    const twi_image_kind *kind = twi_image_kind_of(bytes, len);
    switch (kind == NULL ? TWI_NO_IMAGE : kind->format) {
    case TWI_PNG: return twi_png_parse(out, bytes, len, name, opt, err);
    case TWI_JPEG: return twi_jpeg_parse(out, bytes, len, name, opt, err);
    case TWI_WEBP: return twi_webp_parse(out, bytes, len, name, opt, err);
    case TWI_GIF: return twi_gif_parse(out, bytes, len, name, opt, err);
    case TWI_HEIF: return twi_heif_parse(out, bytes, len, name, opt, err);
    case TWI_OTHER_IMAGE: return twi_image_refuse(name, bytes, len, err);
    case TWI_NO_IMAGE: break;
    }
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
