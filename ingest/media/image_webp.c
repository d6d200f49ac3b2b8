/* WebP in. The only file that includes webp/decode.h; without it, a sentence.
 *
 * libwebp averages a picture over boxes itself while its rows come, so one that is over max_pixels
 * never exists in full, unless it is lossless or transparent. */
#include "ingest/media/image_internal.h"

#ifndef TW_HAVE_WEBP

tw_status twi_webp_parse(tw_image *out, const unsigned char *data, size_t len, const char *name,
                         const tw_image_options *opt, tw_error *err)
{
    (void) out;
    (void) opt;
    return twi_image_refuse(name, data, len, err);
}

#else

#include <string.h>

#include <webp/decode.h>

#include "base/alloc.h"

/* Fed by the slice, so that a deadline is looked at. */
enum { SLICE = 1 << 16, LOSSLESS = 2 };

/* All that a reading owns. */
typedef struct job {
    WebPDecoderConfig config;
    WebPIDecoder *decoder;
    twi_canvas canvas;
    unsigned char *row;
    twi_webp_facts facts;
    int factor; /* side of the boxes that libwebp averages over */
    size_t len;
    const char *name;
    const tw_image_options *opt;
    tw_error *err;
} job;

static tw_status no_memory(const job *j)
{
    return tw_fail(j->err, TW_ENOMEM, "memory for '%s'", j->name);
}

/* libwebp's status of a frame that it could not decode as a sentence. */
static tw_status explain(const job *j, VP8StatusCode code)
{
    const bool ended = code == VP8_STATUS_SUSPENDED || code == VP8_STATUS_NOT_ENOUGH_DATA;
    if (code == VP8_STATUS_OUT_OF_MEMORY)
        return no_memory(j);
    if (code == VP8_STATUS_UNSUPPORTED_FEATURE)
        return tw_fail(j->err, TW_EUNSUPPORTED, "'%s' is a WebP of a kind that libwebp lacks",
                       j->name);
    if (ended && (j->facts.truncated || j->facts.frame == NULL))
        return tw_fail(j->err, TW_ECORRUPT, "'%s' is truncated: it ends after %zu bytes", j->name,
                       j->len);
    return tw_fail(j->err, TW_ECORRUPT, "'%s' is a damaged WebP: %s", j->name,
                   ended ? "pixels are missing" : "its pixels cannot be decoded");
}

/* What the frame's header says, before anything is allocated for it. */
static tw_status read_header(job *j)
{
    const WebPBitstreamFeatures *in = &j->config.input;
    twi_webp_facts *f = &j->facts;
    if (f->frame == NULL)
        return explain(j, VP8_STATUS_NOT_ENOUGH_DATA);
    const VP8StatusCode code = WebPGetFeatures(f->frame, f->frame_len, &j->config.input);
    if (code != VP8_STATUS_OK)
        return explain(j, code);
    if (f->width == 0) {
        f->width = in->width;
        f->height = in->height;
    }
    tw_status st = twi_image_check_size(j->name, f->width, f->height, j->opt->max_source, j->err);
    if (st == TW_OK && (f->x + in->width > f->width || f->y + in->height > f->height)) {
        st = tw_fail(j->err, TW_ECORRUPT,
                     "'%s' is a damaged WebP: its first frame exceeds the canvas", j->name);
    }
    if (st == TW_OK && (in->format == LOSSLESS || in->has_alpha)) {
        const char *what = in->format == LOSSLESS ? "a lossless WebP" : "a transparent WebP";
        st = twi_image_check_whole(j->name, what, in->width, in->height, j->err);
    }
    return st;
}

static int boxes(int64_t side, int factor) { return (int) ((side + factor - 1) / factor); }

static tw_status decode(job *j)
{
    tw_status st = TW_OK;
    VP8StatusCode code = VP8_STATUS_SUSPENDED;
    WebPDecoderConfig *c = &j->config;
    c->output.colorspace = c->input.has_alpha ? MODE_RGBA : MODE_RGB;
    c->options.use_scaling = j->factor > 1;
    c->options.scaled_width = boxes(c->input.width, j->factor);
    c->options.scaled_height = boxes(c->input.height, j->factor);
    j->decoder = WebPIDecode(NULL, 0, c);
    if (j->decoder == NULL)
        return no_memory(j);
    for (size_t n = 0; st == TW_OK && code == VP8_STATUS_SUSPENDED && n < j->facts.frame_len;) {
        st = twi_image_in_time(j->name, j->opt->deadline, j->err);
        n = j->facts.frame_len - n > SLICE ? n + SLICE : j->facts.frame_len;
        if (st == TW_OK)
            code = WebPIUpdate(j->decoder, j->facts.frame, n);
    }
    if (st == TW_OK && code != VP8_STATUS_OK)
        st = explain(j, code);
    return st;
}

/* Rows of the frame, or of the canvas where it does not reach. */
static tw_status take_rows(job *j)
{
    const WebPDecBuffer *from = &j->config.output;
    const int w = boxes(j->facts.width, j->factor), h = boxes(j->facts.height, j->factor);
    const int x = j->facts.x / j->factor, y = j->facts.y / j->factor;
    const size_t n = (size_t) from->width * (j->config.input.has_alpha ? 4 : 3);
    tw_status st = twi_canvas_init(&j->canvas, w, h, 3, j->opt->max_pixels, j->err);
    if (st != TW_OK)
        return st;
    twi_canvas_paint(&j->canvas, j->opt->background);
    j->row = tw_alloc(n, 1);
    if (j->row == NULL)
        return no_memory(j);
    for (int r = 0; r < from->height; r++) {
        memcpy(j->row, from->u.RGBA.rgba + (ptrdiff_t) r * from->u.RGBA.stride, n);
        if (j->config.input.has_alpha)
            twi_image_flatten(j->row, from->width, 3, j->opt->background);
        twi_canvas_add(&j->canvas, y + r, x, 1, from->width, j->row);
    }
    return TW_OK;
}

tw_status twi_webp_parse(tw_image *out, const unsigned char *data, size_t len, const char *name,
                         const tw_image_options *opt, tw_error *err)
{
    tw_status st = TW_OK;
    job j = {.len = len, .name = name, .opt = opt, .err = err};
    if (!WebPInitDecoderConfig(&j.config))
        return tw_fail(err, TW_EUNSUPPORTED, "libwebp is not of the version of this build");
    twi_webp_survey(&j.facts, data, len);
    TW_TRY(read_header(&j));
    j.factor = twi_canvas_factor((int) j.facts.width, (int) j.facts.height, opt->max_pixels);
    TW_TRY(decode(&j));
    TW_TRY(take_rows(&j));
    twi_canvas_finish(&j.canvas, out);
    st = twi_image_upright_or_free(out, j.facts.orientation, err);
done:
    if (j.decoder != NULL)
        WebPIDelete(j.decoder);
    WebPFreeDecBuffer(&j.config.output);
    twi_canvas_fini(&j.canvas);
    tw_free(j.row);
    return st;
}

#endif
