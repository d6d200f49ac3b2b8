/* Which way up an image is, and turning it. */
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "ingest/media/image_internal.h"

static unsigned number(const unsigned char *p, int bytes, bool big)
{
    unsigned v = 0;
    for (int i = 0; i < bytes; i++)
        v |= (unsigned) p[i] << 8 * (big ? bytes - 1 - i : i);
    return v;
}

/* The value of a directory's entry, of whatever integer type its writer chose; 0 where it has none.
 */
static unsigned entry_value(const unsigned char *entry, bool big)
{
    enum { BYTE = 1, SHORT = 3, LONG = 4, SBYTE = 6, SSHORT = 8, SLONG = 9 };
    switch (number(entry + 2, 2, big)) {
    case BYTE:
    case SBYTE: return entry[8];
    case SHORT:
    case SSHORT: return number(entry + 8, 2, big);
    case LONG:
    case SLONG: return number(entry + 8, 4, big);
    default: return 0;
    }
}

/* EXIF 2.3, 4.5: a TIFF header and a first directory of 12-byte entries. Before it JPEG, and some
 * writers of WebP and PNG, too, have "Exif\0\0". */
int twi_exif_orientation(const unsigned char *data, size_t len)
{
    enum { PREFIX = 6, ENTRY = 12, ORIENTATION = 0x0112 };
    const size_t skip = len >= PREFIX && memcmp(data, "Exif\0\0", PREFIX) == 0 ? PREFIX : 0;
    const unsigned char *tiff = data + skip;
    const size_t room = len - skip;
    if (room < 8)
        return 1;
    const bool big = tiff[0] == 'M';
    const size_t at = number(tiff + 4, 4, big);
    if (memcmp(tiff, big ? "MM\0*" : "II*\0", 4) != 0 || at > room - 2)
        return 1;
    const size_t n = number(tiff + at, 2, big);
    for (size_t i = 0, e = at + 2; i < n && e + ENTRY <= room; i++, e += ENTRY) {
        if (number(tiff + e, 2, big) != ORIENTATION)
            continue;
        const unsigned value = entry_value(tiff + e, big);
        if (value >= 1 && value <= 8)
            return (int) value;
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
    to.px = tw_alloc((size_t) im->width * (size_t) im->height, ch);
    if (to.px == NULL)
        return tw_fail(err, TW_ENOMEM, "turning an image of %d x %d pixels", im->width, im->height);
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

tw_status twi_image_upright_or_free(tw_image *im, int orientation, tw_error *err)
{
    const tw_status st = twi_image_upright(im, orientation, err);
    if (st != TW_OK) {
        tw_free(im->px);
        *im = (tw_image){0};
    }
    return st;
}
