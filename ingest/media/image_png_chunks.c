/* A PNG's chunks, walked before libpng reads them: it tells neither where an orientation stands
 * behind the pixels, nor whether a wrong checksum belongs to pixels or to a text.
 *
 * Source: PNG specification, third edition, 5.3 (chunks) and 11.3.4.2 (eXIf). */
#include <string.h>
#include <zlib.h>

#include "ingest/media/image_internal.h"

enum { SIGNATURE = 8, AROUND = 12 /* length, name and checksum */ };

static size_t number(const unsigned char *p)
{
    return (size_t) p[0] << 24 | (size_t) p[1] << 16 | (size_t) p[2] << 8 | p[3];
}

static bool is(const unsigned char *chunk, const char *name)
{
    return memcmp(chunk + 4, name, 4) == 0;
}

static void note(twi_png_facts *out, const unsigned char *chunk, size_t size)
{
    const bool header = is(chunk, "IHDR") || is(chunk, "PLTE"), pixels = is(chunk, "IDAT");
    const bool exif = is(chunk, "eXIf") && out->orientation == 1;
    out->apple = out->apple || is(chunk, "CgBI");
    if (!header && !pixels && !exif)
        return;
    const bool right = crc32_z(0, chunk + 4, size + 4) == number(chunk + 8 + size);
    out->header_damaged = out->header_damaged || (header && !right);
    out->pixels_damaged = out->pixels_damaged || (pixels && !right);
    if (exif && right)
        out->orientation = twi_exif_orientation(chunk + 8, size);
}

void twi_png_survey(twi_png_facts *out, const unsigned char *data, size_t len)
{
    *out = (twi_png_facts){.orientation = 1};
    for (size_t at = SIGNATURE; len - at >= AROUND;) {
        const unsigned char *chunk = data + at;
        const size_t size = number(chunk);
        if (size > len - at - AROUND) {
            out->short_at = is(chunk, "IDAT") ? at : 0;
            return;
        }
        note(out, chunk, size);
        at += AROUND + size;
        if (is(chunk, "IEND"))
            return;
    }
}
