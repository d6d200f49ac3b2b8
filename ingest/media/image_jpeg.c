/* JPEG in. The only file that includes jpeglib.h; without it, a sentence. */
#include "ingest/media/image_internal.h"

#ifndef TW_HAVE_JPEG

tw_status twi_jpeg_parse(tw_image *out, const unsigned char *data, size_t len, const char *name,
                         const tw_image_options *opt, tw_error *err)
{
    (void) out;
    (void) opt;
    return twi_image_refuse(name, data, len, err);
}

#else

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h> /* jpeglib.h wants FILE */

#include <jerror.h>
#include <jpeglib.h>

#include "base/alloc.h"

/* A progressive file may send any number of scans, each of which costs a pass over the image;
 * real ones have about ten. */
enum { MOST_SCANS = 100, EXIF = JPEG_APP0 + 1 };

/* All that a reading owns. */
typedef struct job {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    bool open;
    tw_status st;
    tw_error *err;
    const char *name;
    const unsigned char *data;
    size_t len;
    const tw_image_options *opt;
    twi_canvas canvas;
    unsigned char *row;
    int orientation;
    bool ended; /* libjpeg has asked for bytes behind the last one */
} job;

/* What is no damage, but of a kind that libjpeg does not read: a sentence, NULL for anything else.
 */
static const char *not_supported(const struct jpeg_error_mgr *e)
{
    enum { JPEG_LS = 0xf7 };
    switch (e->msg_code) {
    case JERR_BAD_PRECISION: return "a JPEG of other than 8 bits a sample";
    case JERR_ARITH_NOTIMPL: return "a JPEG with arithmetic coding";
    case JERR_SOF_UNSUPPORTED: return "a lossless or hierarchical JPEG";
    case JERR_UNKNOWN_MARKER: return e->msg_parm.i[0] == JPEG_LS ? "a JPEG-LS" : NULL;
    default: return NULL;
    }
}

_Noreturn static void give_up(j_common_ptr jpeg)
{
    job *j = jpeg->client_data;
    char what[JMSG_LENGTH_MAX];
    if (j->st == TW_OK && jpeg->err->msg_code == JERR_OUT_OF_MEMORY)
        j->st = tw_fail(j->err, TW_ENOMEM, "memory for '%s'", j->name);
    const char *kind = not_supported(jpeg->err);
    if (j->st == TW_OK && kind != NULL) {
        j->st =
            tw_fail(j->err, TW_EUNSUPPORTED,
                    "'%s' is %s, which is not supported: save it as a JPEG of 8 bits, or as PNG",
                    j->name, kind);
    }
    if (j->st == TW_OK && j->ended)
        j->st = tw_fail(j->err, TW_ECORRUPT, "'%s' is truncated: it ends after %zu bytes", j->name,
                        j->len);
    if (j->st == TW_OK) {
        jpeg->err->format_message(jpeg, what);
        j->st = tw_fail(j->err, TW_ECORRUPT, "'%s' is a damaged JPEG: %.200s", j->name, what);
    }
    longjmp(j->jump, 1);
}

/* libjpeg only warns of lost data and paints it grey. We refuse, except for what leaves the pixels
 * as they were meant. That the file ends without its end marker is such a case: where pixels lack,
 * too, JWRN_HIT_MARKER follows, but not with arithmetic coding, whose data may end anywhere. */
static void on_message(j_common_ptr jpeg, int level)
{
    job *j = jpeg->client_data;
    if (level >= 0)
        return;
    switch (jpeg->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_JFIF_MAJOR:
    case JWRN_TOO_MUCH_DATA: return;
    case JWRN_JPEG_EOF:
        j->ended = true;
        if (!j->jpeg.arith_code)
            return;
    /* fall through */
    default: give_up(jpeg);
    }
}

/* Called for every row of blocks, of each scan. */
static void on_progress(j_common_ptr jpeg)
{
    job *j = jpeg->client_data;
    if (!jpeg->is_decompressor)
        return;
    j->st = twi_image_in_time(j->name, j->opt->deadline, j->err);
    if (j->st != TW_OK)
        give_up(jpeg);
    if (j->jpeg.input_scan_number <= MOST_SCANS)
        return;
    j->st = tw_fail(j->err, TW_ECORRUPT, "'%s' has more than %d scans", j->name, MOST_SCANS);
    give_up(jpeg);
}

static void guard(job *j, void (*step)(job *))
{
    if (setjmp(j->jump) == 0)
        step(j);
}

static void open_reading(job *j)
{
    j->jpeg.err = jpeg_std_error(&j->errors);
    j->errors.error_exit = give_up;
    j->errors.emit_message = on_message;
    j->progress.progress_monitor = on_progress;
    j->jpeg.client_data = j;
    jpeg_create_decompress(&j->jpeg); /* clears all but err and client_data */
    j->open = true;
    j->jpeg.progress = &j->progress;
    jpeg_mem_src(&j->jpeg, j->data, (unsigned long) j->len);
    jpeg_save_markers(&j->jpeg, EXIF, 0xffff);
    (void) jpeg_read_header(&j->jpeg, TRUE);
}

/* Where the file has several scans, libjpeg keeps every coefficient of the image, 2 bytes each.
 */
static tw_status check_coefficients(job *j)
{
    int64_t bytes = 0;
    if (!jpeg_has_multiple_scans(&j->jpeg))
        return TW_OK;
    for (int i = 0; i < j->jpeg.num_components; i++) {
        const jpeg_component_info *c = &j->jpeg.comp_info[i];
        bytes += (int64_t) c->width_in_blocks * (int64_t) c->height_in_blocks * DCTSIZE2 * 2;
    }
    if (bytes <= TW_IMAGE_MAX_COEFFICIENTS)
        return TW_OK;
    return tw_fail(j->err, TW_EINVAL,
                   "'%s' is a progressive JPEG of %u x %u pixels: %lld bytes to decode, the most "
                   "allowed is %d",
                   j->name, j->jpeg.image_width, j->jpeg.image_height, (long long) bytes,
                   TW_IMAGE_MAX_COEFFICIENTS);
}

/* Grey stays grey; CMYK comes as it is, since libjpeg has no way from it to RGB. */
static tw_status choose_format(job *j)
{
    if (j->jpeg.data_precision != 8) { /* newer libraries read the header of such a file */
        j->jpeg.err->msg_code = JERR_BAD_PRECISION;
        give_up((j_common_ptr) &j->jpeg);
    }
    switch (j->jpeg.jpeg_color_space) {
    case JCS_GRAYSCALE: j->jpeg.out_color_space = JCS_GRAYSCALE; break;
    case JCS_RGB:
    case JCS_YCbCr: j->jpeg.out_color_space = JCS_RGB; break;
    case JCS_CMYK:
    case JCS_YCCK: j->jpeg.out_color_space = JCS_CMYK; break;
    default:
        return tw_fail(j->err, TW_EUNSUPPORTED,
                       "'%s' is a JPEG of %d components that no rule names", j->name,
                       j->jpeg.num_components);
    }
    const int f = twi_canvas_factor((int) j->jpeg.image_width, (int) j->jpeg.image_height,
                                    j->opt->max_pixels);
    j->jpeg.scale_num = 1;
    j->jpeg.scale_denom = f >= 8 ? 8 : f >= 4 ? 4 : f >= 2 ? 2 : 1;
    return TW_OK;
}

/* Ink to light, in place. Adobe's programs, which write nearly all such files, store light. */
static void cmyk_to_rgb(unsigned char *px, int n, bool inverted)
{
    const unsigned char *from = px;
    for (int i = 0; i < n; i++, from += 4, px += 3) {
        const unsigned k = inverted ? from[3] : 255u - from[3];
        for (int c = 0; c < 3; c++) {
            const unsigned light = inverted ? from[c] : 255u - from[c];
            px[c] = (unsigned char) ((light * k + 127) / 255);
        }
    }
}

/* Whether a file that ended without its end marker may lack scans: each one of a progressive JPEG
 * sends bits of coefficients, and all of them have come where none is left to send. */
static bool lacks_scans(struct jpeg_decompress_struct *jpeg)
{
    if (!jpeg_has_multiple_scans(jpeg))
        return false;
    for (int c = 0; jpeg->coef_bits != NULL && c < jpeg->num_components; c++) {
        for (int k = 0; k < DCTSIZE2; k++) {
            if (jpeg->coef_bits[c][k] != 0)
                return true;
        }
    }
    return jpeg->coef_bits == NULL;
}

static int find_orientation(const struct jpeg_decompress_struct *jpeg)
{
    for (const struct jpeg_marker_struct *m = jpeg->marker_list; m != NULL; m = m->next) {
        const int orientation =
            m->marker == EXIF ? twi_exif_orientation(m->data, m->data_length) : 1;
        if (orientation != 1)
            return orientation;
    }
    return 1;
}

static void read_pixels(job *j)
{
    struct jpeg_decompress_struct *jpeg = &j->jpeg;

    j->st = twi_image_check_size(j->name, jpeg->image_width, jpeg->image_height, j->opt->max_source,
                                 j->err);
    if (j->st == TW_OK)
        j->st = choose_format(j);
    if (j->st == TW_OK)
        j->st = check_coefficients(j);
    if (j->st != TW_OK)
        return;
    j->orientation = find_orientation(jpeg); /* finishing forgets the markers */
    (void) jpeg_start_decompress(jpeg);
    if (j->ended && lacks_scans(jpeg)) {
        jpeg->err->msg_code = JWRN_JPEG_EOF;
        give_up((j_common_ptr) jpeg);
    }
    const int width = (int) jpeg->output_width, height = (int) jpeg->output_height;
    const bool cmyk = jpeg->out_color_space == JCS_CMYK;
    j->st = twi_canvas_init(&j->canvas, width, height, jpeg->output_components == 1 ? 1 : 3,
                            j->opt->max_pixels, j->err);
    if (j->st != TW_OK)
        return;
    j->row = tw_alloc((size_t) width, (size_t) jpeg->output_components);
    if (j->row == NULL) {
        j->st = tw_fail(j->err, TW_ENOMEM, "a row of '%s'", j->name);
        return;
    }
    for (int y = 0; y < height; y++) {
        (void) jpeg_read_scanlines(jpeg, &j->row, 1);
        if (cmyk)
            cmyk_to_rgb(j->row, width, jpeg->saw_Adobe_marker);
        twi_canvas_add(&j->canvas, y, 0, 1, width, j->row);
    }
    (void) jpeg_finish_decompress(jpeg);
}

tw_status twi_jpeg_parse(tw_image *out, const unsigned char *data, size_t len, const char *name,
                         const tw_image_options *opt, tw_error *err)
{
    tw_status st = TW_OK;
    job *j = tw_alloc(1, sizeof *j);
    if (j == NULL)
        return tw_fail(err, TW_ENOMEM, "memory for '%s'", name);
    j->err = err;
    j->name = name;
    j->data = data;
    j->len = len;
    j->opt = opt;

    guard(j, open_reading);
    if (j->st == TW_OK)
        guard(j, read_pixels);
    TW_TRY(j->st);
    twi_canvas_finish(&j->canvas, out);
    st = twi_image_upright_or_free(out, j->orientation, err);
done:
    if (j->open)
        jpeg_destroy_decompress(&j->jpeg);
    twi_canvas_fini(&j->canvas);
    tw_free(j->row);
    tw_free(j);
    return st;
}

#endif
