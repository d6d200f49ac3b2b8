/* A WebP's chunks, walked before libwebp decodes pixels: where those of the first frame are, on
 * which canvas, and which way up.
 *
 * Source: WebP Container Specification; RIFF: a name, a size (little-endian), as many bytes, and
 * one more where they are odd. Sizes of pictures are stored less one, in 24 bits. */
#include <string.h>

#include "ingest/media/image_internal.h"

enum { HEADER = 12 /* RIFF, size, WEBP */, AROUND = 8, CANVAS = 10, FRAME = 16, ANIMATION = 2 };

static size_t number(const unsigned char *p, int bytes)
{
    size_t v = 0;
    for (int i = 0; i < bytes; i++)
        v |= (size_t) p[i] << 8 * i;
    return v;
}

static bool is(const unsigned char *chunk, const char *name) { return memcmp(chunk, name, 4) == 0; }

/* The transparency of lossy pixels (ALPH) precedes them. */
static bool has_pixels(const unsigned char *chunk)
{
    return is(chunk, "ALPH") || is(chunk, "VP8 ") || is(chunk, "VP8L");
}

/* A frame of an animation: where it lies, and chunks of its own. */
static void note_frame(twi_webp_facts *out, const unsigned char *p, size_t size)
{
    if (size < FRAME)
        return;
    out->x = (int) number(p, 3) * 2;
    out->y = (int) number(p + 3, 3) * 2;
    for (size_t at = FRAME; size - at >= AROUND && out->frame == NULL;) {
        const size_t n = number(p + at + 4, 4);
        if (has_pixels(p + at)) {
            out->frame = p + at;
            out->frame_len = size - at;
        }
        if (n >= size - at - AROUND)
            return;
        at += AROUND + n + (n & 1);
    }
}

/* A chunk of which `size` bytes are there; `rest` follow in the file from its name on. */
static void note(twi_webp_facts *out, const unsigned char *chunk, size_t size, size_t rest)
{
    const unsigned char *p = chunk + AROUND;
    if (is(chunk, "VP8X") && size >= CANVAS && (p[0] & ANIMATION) != 0) {
        out->width = (int64_t) number(p + 4, 3) + 1;
        out->height = (int64_t) number(p + 7, 3) + 1;
    } else if (is(chunk, "ANMF") && out->frame == NULL && out->width > 0) {
        note_frame(out, p, size);
    } else if (has_pixels(chunk) && out->frame == NULL && out->width == 0) {
        out->frame = chunk;
        out->frame_len = rest;
    } else if (is(chunk, "EXIF") && out->orientation == 1) {
        out->orientation = twi_exif_orientation(p, size);
    }
}

void twi_webp_survey(twi_webp_facts *out, const unsigned char *data, size_t len)
{
    *out = (twi_webp_facts){.orientation = 1};
    for (size_t at = HEADER; len - at >= AROUND;) {
        const size_t size = number(data + at + 4, 4), room = len - at - AROUND;
        out->truncated = size > room;
        note(out, data + at, out->truncated ? room : size, len - at);
        if (size >= room)
            return;
        at += AROUND + size + (size & 1);
    }
}
