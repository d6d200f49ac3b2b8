#include "tests/unit/ingest/image_bytes.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

#ifdef TW_HAVE_JPEG

/* A directory of two entries, the second of which is the orientation. */
static void write_exif(struct jpeg_compress_struct *jpeg, const jpeg_order *o)
{
    static const unsigned char little[] = "Exif\0\0II*\0\x08\0\0\0\x02\0"
                                          "\x0f\x01\x03\0\x01\0\0\0\x05\0\0\0"
                                          "\x12\x01\x03\0\x01\0\0\0\0\0\0\0"
                                          "\0\0\0\0";
    static const unsigned char big[] = "Exif\0\0MM\0*\0\0\0\x08\0\x02"
                                       "\x01\x0f\0\x03\0\0\0\x01\0\x05\0\0"
                                       "\x01\x12\0\x03\0\0\0\x01\0\0\0\0"
                                       "\0\0\0\0";
    unsigned char exif[sizeof little - 1];
    memcpy(exif, o->big_endian ? big : little, sizeof exif);
    exif[6 + 8 + 2 + 12 + 8 + (o->big_endian ? 1 : 0)] = (unsigned char) o->orientation;
    jpeg_write_marker(jpeg, JPEG_APP0 + 1, exif, sizeof exif);
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
