/* PNG in and out. The only file that includes png.h. */
#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "ingest/media/image_internal.h"

/* All that a reading or a writing owns. */
typedef struct job {
    jmp_buf jump;
    tw_status st; /* what went wrong first */
    tw_error *err;
    const char *name;
    bool no_memory;
    png_structp png;
    png_infop info;

    /* reading */
    const unsigned char *data;
    size_t len, at;
    const tw_image_options *opt;
    twi_canvas canvas;
    int y, x, step, n; /* where the pixels of the next row belong */
    int rows;          /* that are still to come */
    twi_png_facts facts;
    bool complete;    /* every pixel has come: what is wrong behind them is of no account ... */
    bool sum_differs; /* ... but that their sum is another one */

    /* writing */
    FILE *file;
    const tw_image *image;
} job;

static png_voidp get_memory(png_structp png, png_alloc_size_t size)
{
    job *j = png_get_mem_ptr(png);
    void *p = tw_alloc(1, size);
    j->no_memory = j->no_memory || p == NULL;
    return p;
}

static void give_memory(png_structp png, png_voidp p)
{
    (void) png;
    tw_free(p);
}

/* libpng's word for it, unless a callback of ours has said something better. */
static void on_error(png_structp png, png_const_charp what)
{
    job *j = png_get_error_ptr(png);
    if (j->st == TW_OK && j->no_memory)
        j->st = tw_fail(j->err, TW_ENOMEM, "memory for '%s'", j->name);
    if (j->st == TW_OK && j->facts.apple) {
        j->st = tw_fail(j->err, TW_EUNSUPPORTED,
                        "'%s' is a PNG as Apple packs them into programs, which is not supported: "
                        "convert it with pngcrush -revert-iphone-optimizations",
                        j->name);
    }
    if (j->st == TW_OK && !j->complete)
        j->st = tw_fail(j->err, TW_ECORRUPT, "'%s' is a damaged PNG: %s", j->name, what);
    longjmp(j->jump, 1);
}

static void on_warning(png_structp png, png_const_charp what)
{
    job *j =
        png_get_error_ptr(png); /* an image is read or refused: there is no third thing to say */
    j->sum_differs = j->sum_differs || strstr(what, "incorrect data check") != NULL;
}

/* Of a chunk of pixels that is cut off libpng gets what is there, for it may be enough. */
static void give_bytes(png_structp png, png_bytep out, size_t n)
{
    job *j = png_get_io_ptr(png);
    if (n > j->len - j->at) {
        if (!j->complete)
            j->st = tw_fail(j->err, TW_ECORRUPT, "'%s' is truncated: it ends after %zu bytes",
                            j->name, j->len);
        png_error(png, "truncated");
    }
    memcpy(out, j->data + j->at, n);
    if (j->at == j->facts.short_at && n == 8 && j->at > 0)
        png_save_uint_32(out, (png_uint_32) (j->len - j->at - n));
    j->at += n;
}

/* Runs a step; a jump out of it ends here. No locals that could be clobbered. */
static void guard(job *j, void (*step)(job *))
{
    if (setjmp(j->jump) == 0)
        step(j);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* What the decoder wants of the chunks between header and pixels is tRNS and PLTE alone: the others
 * (texts, profiles) could unpack to any size. */
static void open_reading(job *j)
{
    j->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, j, on_error, on_warning, j, get_memory,
                                      give_memory);
    if (j->png != NULL)
        j->info = png_create_info_struct(j->png);
    if (j->info == NULL) {
        j->st = tw_fail(j->err, TW_ENOMEM, "memory for '%s'", j->name);
        return;
    }
    static const png_byte skipped[] = "tEXt\0zTXt\0iTXt\0iCCP\0sPLT\0eXIf\0hIST";
    png_set_keep_unknown_chunks(j->png, PNG_HANDLE_CHUNK_NEVER, skipped, sizeof skipped / 5);
    png_set_user_limits(j->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* we have a better sentence */
    if (!j->facts.header_damaged) /* the survey has looked at the other checksums */
        png_set_crc_action(j->png, PNG_CRC_QUIET_USE, PNG_CRC_DEFAULT);
    if (!j->facts.pixels_damaged) /* checksums of all bytes are enough */
        png_set_option(j->png, PNG_IGNORE_ADLER32, PNG_OPTION_ON);
    png_set_option(j->png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON); /* some say a smaller one */
    png_set_read_fn(j->png, j, give_bytes);
    png_read_info(j->png, j->info);
}

/* Called by libpng as soon as a row is decoded; with the last one it then reads on to the end of
 * the pixels' chunks, which may be damaged. */
static void take_row(png_structp png, png_row_infop info, png_bytep px)
{
    job *j = png_get_user_transform_ptr(png);
    const int channels = j->canvas.image.channels;
    if (info->channels != channels)
        twi_image_flatten(px, j->n, channels, j->opt->background);
    twi_canvas_add(&j->canvas, j->y, j->x, j->step, j->n, px);
    j->complete = --j->rows == 0;
}

static void choose_format(job *j)
{
    const unsigned char *bg = j->opt->background;
    const int type = png_get_color_type(j->png, j->info);
    const bool grey = type == PNG_COLOR_TYPE_GRAY || type == PNG_COLOR_TYPE_GRAY_ALPHA;
    const bool see_through =
        (type & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(j->png, j->info, PNG_INFO_tRNS) != 0;
    png_set_expand(j->png);
    png_set_scale_16(j->png);
    png_set_read_user_transform_fn(j->png, take_row);
    png_set_user_transform_info(j->png, j, 0, 0);
    if (grey && see_through && (bg[0] != bg[1] || bg[1] != bg[2]))
        png_set_gray_to_rgb(j->png);
    png_read_update_info(j->png, j->info);
}

/* One row of n pixels that belong to row y at x, x + step, ... */
static void read_row(job *j, int y, int x, int step, int n)
{
    j->st = twi_image_in_time(j->name, j->opt->deadline, j->err);
    if (j->st != TW_OK)
        png_error(j->png, "late");
    j->y = y;
    j->x = x;
    j->step = step;
    j->n = n;
    png_read_row(j->png, NULL, NULL);
}

static int rows_of_pass(int w, int h, int pass)
{
    return PNG_PASS_COLS(w, pass) > 0 ? PNG_PASS_ROWS(h, pass) : 0;
}

/* Adam7 without libpng's help, which would need the whole image in memory: each of seven passes
 * holds some pixels of some rows, and every pixel is in one pass. */
static void read_passes(job *j)
{
    const int w = j->canvas.width, h = j->canvas.height;
    for (int pass = 0; pass < PNG_INTERLACE_ADAM7_PASSES; pass++)
        j->rows += rows_of_pass(w, h, pass);
    for (int pass = 0; pass < PNG_INTERLACE_ADAM7_PASSES; pass++) {
        for (int r = 0; r < rows_of_pass(w, h, pass); r++)
            read_row(j, PNG_ROW_FROM_PASS_ROW(r, pass), PNG_PASS_START_COL(pass),
                     1 << PNG_PASS_COL_SHIFT(pass), PNG_PASS_COLS(w, pass));
    }
}

static void read_pixels(job *j)
{
    const int64_t width = png_get_image_width(j->png, j->info);
    const int64_t height = png_get_image_height(j->png, j->info);
    const bool passes = png_get_interlace_type(j->png, j->info) != PNG_INTERLACE_NONE;

    j->st = twi_image_check_size(j->name, width, height, j->opt->max_source, j->err);
    if (j->st != TW_OK)
        return;
    choose_format(j);
    const int channels = png_get_channels(j->png, j->info); /* 2 and 4: the last is alpha */
    j->st = twi_canvas_init(&j->canvas, (int) width, (int) height, channels <= 2 ? 1 : 3,
                            j->opt->max_pixels, j->err);
    if (j->st != TW_OK)
        return;
    if (passes) {
        read_passes(j);
        return;
    }
    j->rows = (int) height;
    for (int y = 0; y < (int) height; y++)
        read_row(j, y, 0, 1, (int) width);
}

tw_status twi_png_parse(tw_image *out, const unsigned char *data, size_t len, const char *name,
                        const tw_image_options *opt, tw_error *err)
{
    job j = {.err = err, .name = name, .data = data, .len = len, .opt = opt};

    twi_png_survey(&j.facts, data, len);
    guard(&j, open_reading);
    if (j.st == TW_OK)
        guard(&j, read_pixels);
    if (j.st == TW_OK && j.facts.pixels_damaged && j.sum_differs)
        j.st = tw_fail(err, TW_ECORRUPT, "'%s' is a damaged PNG: checksums of its pixels are wrong",
                       name);
    if (j.st == TW_OK) {
        twi_canvas_finish(&j.canvas, out);
        j.st = twi_image_upright_or_free(out, j.facts.orientation, err);
    }
    png_destroy_read_struct(&j.png, &j.info, NULL);
    twi_canvas_fini(&j.canvas);
    return j.st;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void take_bytes(png_structp png, png_bytep data, size_t n)
{
    job *j = png_get_io_ptr(png);
    if (fwrite(data, 1, n, j->file) == n)
        return;
    j->st = tw_fail_errno(j->err, "cannot write '%s'", j->name);
    png_error(png, "cannot write");
}

static void flush_nothing(png_structp png) { (void) png; }

static void write_all(job *j)
{
    const tw_image *im = j->image;
    const size_t stride = (size_t) im->width * (size_t) im->channels;

    j->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, j, on_error, on_warning, j,
                                       get_memory, give_memory);
    if (j->png != NULL)
        j->info = png_create_info_struct(j->png);
    if (j->info == NULL) {
        j->st = tw_fail(j->err, TW_ENOMEM, "memory for '%s'", j->name);
        return;
    }
    png_set_write_fn(j->png, j, take_bytes, flush_nothing);
    png_set_IHDR(j->png, j->info, (png_uint_32) im->width, (png_uint_32) im->height, 8,
                 im->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(j->png, j->info);
    for (int y = 0; y < im->height; y++)
        png_write_row(j->png, im->px + (size_t) y * stride);
    png_write_end(j->png, NULL);
}

tw_status tw_image_save_png(const char *path, const tw_image *im, tw_error *err)
{
    job j = {.err = err, .name = path, .image = im};
    FILE *file = NULL;
    tw_status st = twi_image_check_size(path, im->width, im->height, 0, err);

    if (st == TW_OK && im->channels != 1 && im->channels != 3)
        st = tw_fail(err, TW_EINVAL, "an image has 1 or 3 channels, not %d", im->channels);
    if (st == TW_OK)
        st = tw_file_begin(&file, path, err);
    if (st != TW_OK)
        return st;
    j.file = file;
    guard(&j, write_all);
    png_destroy_write_struct(&j.png, &j.info);
    if (j.st == TW_OK)
        return tw_file_commit(file, path, err);
    tw_file_abort(file, path);
    return j.st;
}
