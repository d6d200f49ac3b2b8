/* HEIC and AVIF in: the primary picture, which libheif turns upright itself (irot, imir; an EXIF
 * orientation beside these says the same again and is not applied). The only file that includes
 * libheif; without it, a sentence. */
#include "ingest/media/image_internal.h"

#ifndef TW_HAVE_HEIF

bool twi_heif_reads(bool avif)
{
    (void) avif;
    return false;
}

tw_status twi_heif_parse(tw_image *out, const unsigned char *data, size_t len, const char *name,
                         const tw_image_options *opt, tw_error *err)
{
    (void) out;
    (void) opt;
    return twi_image_refuse(name, data, len, err);
}

#else

#include <libheif/heif.h>
#include <string.h>

#include "base/alloc.h"

/* All that a reading owns. */
typedef struct job {
    struct heif_context *context;
    struct heif_image_handle *handle;
    struct heif_image *image;
    struct heif_decoding_options *options;
    twi_canvas canvas;
    unsigned char *row;
    bool see_through;
    const char *name;
    const tw_image_options *opt;
    tw_error *err;
} job;

/* libheif's error as a status and a sentence; its own ends with a line break, or does not. */
static tw_status explain(const job *j, struct heif_error e)
{
    const int n = (int) strcspn(e.message, "\n");
    if (e.code == heif_error_Ok)
        return TW_OK;
    if (e.subcode == heif_suberror_Security_limit_exceeded)
        return tw_fail(j->err, TW_EINVAL, "'%s' is a HEIC or AVIF beyond libheif's limits: %.*s",
                       j->name, n, e.message);
    if (e.code == heif_error_Memory_allocation_error)
        return tw_fail(j->err, TW_ENOMEM, "memory for '%s'", j->name);
    if (e.code == heif_error_Unsupported_feature || e.code == heif_error_Unsupported_filetype) {
        return tw_fail(j->err, TW_EUNSUPPORTED,
                       "'%s' is a HEIC or AVIF that libheif cannot read here (%.*s); convert it to "
                       "PNG or JPEG",
                       j->name, n, e.message);
    }
    return tw_fail(j->err, TW_ECORRUPT, "'%s' is a damaged HEIC or AVIF: %.*s", j->name, n,
                   e.message);
}

/* Lost pixels are an error, not a warning. Of the decoders for AV1 dav1d would print its own, and
 * forgets memory where a file is damaged; where libaom is not there it is taken all the same. */
static void set_options(job *j)
{
    j->options->convert_hdr_to_8bit = 1;
#if LIBHEIF_HAVE_VERSION(1, 15, 0)
    j->options->strict_decoding = 1;
    j->options->decoder_id = "aom";
    heif_context_set_max_decoding_threads(j->context, 0); /* the caller has threads of its own */
#endif
}

static tw_status open_reading(job *j, const unsigned char *data, size_t len)
{
    j->context = heif_context_alloc();
    j->options = heif_decoding_options_alloc();
    if (j->context == NULL || j->options == NULL)
        return tw_fail(j->err, TW_ENOMEM, "memory for '%s'", j->name);
    set_options(j);
    tw_status st =
        explain(j, heif_context_read_from_memory_without_copy(j->context, data, len, NULL));
    if (st == TW_OK)
        st = explain(j, heif_context_get_primary_image_handle(j->context, &j->handle));
    return st;
}

static tw_status decode(job *j)
{
    const int width = heif_image_handle_get_width(j->handle);
    const int height = heif_image_handle_get_height(j->handle);
    tw_status st = twi_image_check_size(j->name, width, height, j->opt->max_source, j->err);
    if (st == TW_OK)
        st = twi_image_check_whole(j->name, "a HEIC or AVIF", width, height, j->err);
    if (st == TW_OK)
        st = twi_image_in_time(j->name, j->opt->deadline, j->err);
    if (st != TW_OK)
        return st;
    j->see_through = heif_image_handle_has_alpha_channel(j->handle) != 0;
    return explain(j, heif_decode_image(j->handle, &j->image, heif_colorspace_RGB,
                                        j->see_through ? heif_chroma_interleaved_RGBA
                                                       : heif_chroma_interleaved_RGB,
                                        j->options));
}

static tw_status take_rows(job *j)
{
    int stride = 0;
    const uint8_t *px = heif_image_get_plane_readonly(j->image, heif_channel_interleaved, &stride);
    const int width = heif_image_get_primary_width(j->image);
    const int height = heif_image_get_primary_height(j->image);
    const size_t n = (size_t) width * (j->see_through ? 4 : 3);
    if (px == NULL)
        return tw_fail(j->err, TW_ECORRUPT, "'%s' is a damaged HEIC or AVIF: no pixels", j->name);
    tw_status st = twi_image_check_size(j->name, width, height, j->opt->max_source, j->err);
    if (st == TW_OK)
        st = twi_canvas_init(&j->canvas, width, height, 3, j->opt->max_pixels, j->err);
    if (st != TW_OK)
        return st;
    j->row = tw_alloc(n, 1);
    if (j->row == NULL)
        return tw_fail(j->err, TW_ENOMEM, "a row of '%s'", j->name);
    for (int y = 0; y < height; y++) {
        memcpy(j->row, px + (ptrdiff_t) y * stride, n);
        if (j->see_through)
            twi_image_flatten(j->row, width, 3, j->opt->background);
        twi_canvas_add(&j->canvas, y, 0, 1, width, j->row);
    }
    return TW_OK;
}

bool twi_heif_reads(bool avif)
{
    return heif_have_decoder_for_format(avif ? heif_compression_AV1 : heif_compression_HEVC) != 0;
}

tw_status twi_heif_parse(tw_image *out, const unsigned char *data, size_t len, const char *name,
                         const tw_image_options *opt, tw_error *err)
{
    tw_status st = TW_OK;
    job j = {.name = name, .opt = opt, .err = err};
    TW_TRY(twi_heif_check(data, len, name, err));
    TW_TRY(open_reading(&j, data, len));
    TW_TRY(decode(&j));
    TW_TRY(take_rows(&j));
    twi_canvas_finish(&j.canvas, out);
done:
    heif_image_release(j.image);
    heif_image_handle_release(j.handle);
    heif_decoding_options_free(j.options);
    heif_context_free(j.context);
    twi_canvas_fini(&j.canvas);
    tw_free(j.row);
    return st;
}

#endif
