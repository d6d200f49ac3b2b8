#include "tests/unit/ingest/image_bytes.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#ifdef TW_HAVE_JPEG
#include <jpeglib.h>
#endif

#include "tests/support/test.h"

int png_channels(int type)
{
    return (type & PNG_COLOR_MASK_PALETTE) != 0 ? 1
                                                : ((type & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1) +
                                                      ((type & PNG_COLOR_MASK_ALPHA) != 0);
}

static void set_transparency(png_structp png, png_infop info, const png_order *o)
{
    if (o->palette_alpha != NULL)
        png_set_tRNS(png, info, o->palette_alpha, o->palette_size, NULL);
    if (o->transparent != NULL) {
        png_color_16 c = {.gray = o->transparent[0], .red = o->transparent[0]};
        if (o->type == PNG_COLOR_TYPE_RGB) {
            c.green = o->transparent[1];
            c.blue = o->transparent[2];
        }
        png_set_tRNS(png, info, NULL, 0, &c);
    }
}

blob make_png(const png_order *o)
{
    blob b = {0};
    const size_t per_row = (size_t) o->width * (size_t) png_channels(o->type);
    unsigned char *rows = malloc((size_t) o->height * per_row * 2);
    unsigned char **row = malloc((size_t) o->height * sizeof *row);
    FILE *f = open_memstream((char **) &b.data, &b.len);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    const size_t bytes = o->depth == 16 ? 2 : 1;

    assert_non_null(f);
    for (int y = 0; y < o->height; y++) {
        row[y] = rows + (size_t) y * per_row * bytes;
        for (size_t i = 0; i < per_row; i++) {
            const uint16_t s = o->samples[(size_t) y * per_row + i];
            if (bytes == 2)
                row[y][2 * i] = (unsigned char) (s >> 8);
            row[y][bytes * i + bytes - 1] = (unsigned char) s;
        }
    }
    png_init_io(png, f);
    png_set_IHDR(png, info, (png_uint_32) o->width, (png_uint_32) o->height, o->depth, o->type,
                 o->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (o->palette != NULL) {
        png_color colors[256];
        for (int i = 0; i < o->palette_size; i++)
            colors[i] =
                (png_color){o->palette[3 * i], o->palette[3 * i + 1], o->palette[3 * i + 2]};
        png_set_PLTE(png, info, colors, o->palette_size);
    }
    set_transparency(png, info, o);
    png_write_info(png, info);
    png_set_packing(png);
    png_write_image(png, row);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    assert_int_equal(fclose(f), 0);
    free(row);
    free(rows);
    return b;
}

blob joined(const void *a, size_t a_len, const void *b, size_t b_len)
{
    const blob all = {.data = malloc(a_len + b_len + 1), .len = a_len + b_len};
    assert_non_null(all.data);
    if (a_len > 0)
        memcpy(all.data, a, a_len);
    if (b_len > 0)
        memcpy(all.data + a_len, b, b_len);
    return all;
}

static void put_number(unsigned char *at, size_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char) (value >> 8 * (3 - i));
}

size_t find_chunk(blob png, const char *name)
{
    for (size_t at = 8; at + 12 <= png.len;) {
        const unsigned char *p = png.data + at;
        if (memcmp(p + 4, name, 4) == 0)
            return at;
        at += 12 + ((size_t) p[0] << 24 | (size_t) p[1] << 16 | (size_t) p[2] << 8 | p[3]);
    }
    fail_msg("there is no chunk %s", name);
    return 0;
}

blob with_chunk(blob png, const char *before, const char *name, const void *data, size_t len)
{
    const size_t at = find_chunk(png, before);
    blob b = {.data = malloc(png.len + 12 + len), .len = png.len + 12 + len};
    assert_non_null(b.data);
    memcpy(b.data, png.data, at);
    put_number(b.data + at, len);
    memcpy(b.data + at + 4, name, 4);
    memcpy(b.data + at + 8, data, len);
    put_number(b.data + at + 8 + len, crc32(0, b.data + at + 4, (unsigned) len + 4));
    memcpy(b.data + at + 12 + len, png.data + at, png.len - at);
    return b;
}

/* A directory of two entries, the second of which is the orientation. */
void make_exif(unsigned char out[EXIF_BYTES], int orientation, int type, bool big)
{
    static const unsigned char little[] = "Exif\0\0II*\0\x08\0\0\0\x02\0"
                                          "\x0f\x01\x03\0\x01\0\0\0\x05\0\0\0"
                                          "\x12\x01\0\0\x01\0\0\0\0\0\0\0"
                                          "\0\0\0\0";
    static const unsigned char large[] = "Exif\0\0MM\0*\0\0\0\x08\0\x02"
                                         "\x01\x0f\0\x03\0\0\0\x01\0\x05\0\0"
                                         "\x01\x12\0\0\0\0\0\x01\0\0\0\0"
                                         "\0\0\0\0";
    enum { ENTRY = 6 + 8 + 2 + 12 };
    const int bytes = type == 1 || type == 6 ? 1 : type == 3 || type == 8 ? 2 : 4;
    memcpy(out, big ? large : little, EXIF_BYTES);
    out[ENTRY + (big ? 3 : 2)] = (unsigned char) type;
    out[ENTRY + 8 + (big ? bytes - 1 : 0)] = (unsigned char) orientation;
}

#ifdef TW_HAVE_JPEG

static void write_exif(struct jpeg_compress_struct *jpeg, const jpeg_order *o)
{
    unsigned char exif[EXIF_BYTES];
    make_exif(exif, o->orientation, 3, o->big_endian);
    jpeg_write_marker(jpeg, JPEG_APP0 + 1, exif, EXIF_BYTES);
}

blob make_jpeg(const jpeg_order *o)
{
    blob b = {0};
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    FILE *f = open_memstream((char **) &b.data, &b.len);

    assert_non_null(f);
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, f);
    jpeg.image_width = (JDIMENSION) o->width;
    jpeg.image_height = (JDIMENSION) o->height;
    jpeg.input_components = o->channels;
    jpeg.in_color_space = o->channels == 1 ? JCS_GRAYSCALE : o->channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    jpeg.comp_info[0].h_samp_factor = jpeg.comp_info[0].v_samp_factor = 1;
    jpeg.write_Adobe_marker = o->channels == 4;
    if (o->progressive)
        jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    if (o->orientation != 0)
        write_exif(&jpeg, o);
    for (int y = 0; y < o->height; y++) {
        unsigned char row[3 * 1024];
        JSAMPROW at = row;
        const size_t n = (size_t) o->width * (size_t) o->channels;
        assert_true(n <= sizeof row);
        memcpy(row, o->px + (size_t) y * n, n);
        (void) jpeg_write_scanlines(&jpeg, &at, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    assert_int_equal(fclose(f), 0);
    return b;
}

#else

blob make_jpeg(const jpeg_order *o)
{
    (void) o;
    return (blob){0};
}

#endif

static int real_stderr = -1;

void watch_stderr(void)
{
    FILE *f = fopen(tw_test_path("stderr"), "w");
    assert_non_null(f);
    (void) fflush(stderr);
    real_stderr = dup(STDERR_FILENO);
    assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
    (void) fclose(f);
}

long stderr_length(void)
{
    (void) fflush(stderr);
    const long length = (long) lseek(STDERR_FILENO, 0, SEEK_END);
    assert_true(dup2(real_stderr, STDERR_FILENO) >= 0);
    (void) close(real_stderr);
    return length;
}
