/* What an image file is by its first bytes, and with what one that is not read becomes one that is.
 */
#include <string.h>

#include "ingest/media/image_internal.h"

static const struct {
    twi_image_kind kind;
    const char *magic;
    size_t offset, len;
} known[] = {
    {{TWI_PNG, "a PNG", NULL}, "\x89PNG\r\n\x1a\n", 0, 8},
    {{TWI_JPEG, "a JPEG", "ffmpeg -i in.jpg out.png"}, "\xff\xd8\xff", 0, 3},
    {{TWI_WEBP, "a WebP", "dwebp in.webp -o out.png"}, "WEBP", 8, 4},
    {{TWI_GIF, "a GIF", "ffmpeg -i in.gif -frames:v 1 out.png"}, "GIF8", 0, 4},
    {{TWI_OTHER_IMAGE, "a BMP", "ffmpeg -i in.bmp out.png"}, "\0\0\0\0", 6, 4}, /* and "BM" */
    {{TWI_OTHER_IMAGE, "a TIFF", "ffmpeg -i in.tif out.png"}, "II*\0", 0, 4},
    {{TWI_OTHER_IMAGE, "a TIFF", "ffmpeg -i in.tif out.png"}, "MM\0*", 0, 4},
    {{TWI_OTHER_IMAGE, "a JPEG XL", "djxl in.jxl out.png"}, "\xff\x0a", 0, 2},
    {{TWI_OTHER_IMAGE, "a JPEG XL", "djxl in.jxl out.png"}, "\0\0\0\x0cJXL ", 0, 8},
    {{TWI_OTHER_IMAGE, "a JPEG 2000", "opj_decompress -i in.jp2 -o out.png"}, "\0\0\0\x0cjP", 0, 6},
    {{TWI_OTHER_IMAGE, "an SVG", "rsvg-convert in.svg -o out.png"}, "<svg", 0, 4},
    {{TWI_OTHER_IMAGE, "a PDF", "pdftoppm -png -singlefile in.pdf out"}, "%PDF", 0, 4},
};

/* ISO/IEC 14496-12, 4.3: the size of the box, "ftyp", the brand, its version, and the brands that
 * the file is compatible with, 4 bytes each. */
static bool has_brand(const unsigned char *data, size_t len, const char *brands)
{
    enum { BRAND = 8, COMPATIBLE = 16 };
    if (len < COMPATIBLE || memcmp(data + 4, "ftyp", 4) != 0)
        return false;
    const size_t box = (size_t) data[2] << 8 | data[3]; /* no such box has 64 KiB */
    for (size_t at = BRAND; at + 4 <= len && at + 4 <= box; at += at == BRAND ? 8 : 4) {
        for (const char *b = brands; *b != '\0'; b += 4) {
            if (memcmp(data + at, b, 4) == 0)
                return true;
        }
    }
    return false;
}

/* A brand names the coding, but for mif1 and msf1: an image, whatever it is coded with. */
static const twi_image_kind *high_efficiency(const unsigned char *data, size_t len)
{
    static const twi_image_kind avif = {TWI_HEIF, "an AVIF", "avifdec in.avif out.png"};
    static const twi_image_kind heic = {TWI_HEIF, "a HEIC", "heif-convert in.heic out.png"};
    if (has_brand(data, len, "avifavis"))
        return &avif;
    return has_brand(data, len, "heicheixheimheishevchevxhevmhevsmif1msf1") ? &heic : NULL;
}

const twi_image_kind *twi_image_kind_of(const unsigned char *data, size_t len)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (len < known[i].offset + known[i].len ||
            memcmp(data + known[i].offset, known[i].magic, known[i].len) != 0)
            continue;
        const char *begins = known[i].offset == 6 ? "BM" : known[i].offset == 8 ? "RIFF" : "";
        if (memcmp(data, begins, strlen(begins)) == 0)
            return &known[i].kind;
    }
    return high_efficiency(data, len);
}

tw_status twi_image_refuse(const char *name, const unsigned char *data, size_t len, tw_error *err)
{
    const twi_image_kind *kind = twi_image_kind_of(data, len);
    return tw_fail(err, TW_EUNSUPPORTED,
                   "'%s' is %s picture, which this build cannot read; convert it to PNG, e.g. %s",
                   name, kind->a_name, kind->converter);
}
