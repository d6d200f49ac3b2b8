/* ingest/media/image_internal.h — what the image decoders share.
 *
 *     image.c            files
 *     image_kinds.c      magic numbers; what is not read
 *     image_png.c        libpng; image_png_chunks.c is what it does not tell
 *     image_jpeg.c       libjpeg, where the build has it
 *     image_webp.c       libwebp, likewise; image_webp_chunks.c is the file around what it decodes
 *     image_gif.c        giflib, likewise
 *     image_heif.c       libheif, likewise: HEIC and AVIF; image_heif_boxes.c bounds what it may
 *                        decode, by image_heif_coded.c
 *     image_canvas.c     pixels into the image
 *     image_orientation.c  EXIF
 *
 * libpng and libjpeg report errors by a jump. So that no variable is caught halfway, a decoder
 * keeps all it owns in a job struct, runs its steps behind one setjmp that has no locals, and
 * releases the job in one place.
 */
#ifndef TW_INGEST_IMAGE_INTERNAL_H
#define TW_INGEST_IMAGE_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "ingest/image.h"

typedef enum twi_image_format {
    TWI_NO_IMAGE,
    TWI_PNG,
    TWI_JPEG,
    TWI_WEBP,
    TWI_GIF,
    TWI_HEIF,
    TWI_OTHER_IMAGE, /* known by name, read by nothing here */
} twi_image_format;

typedef struct twi_image_kind {
    twi_image_format format;
    const char *a_name, *converter; /* "a GIF"; a command that makes a PNG of it */
} twi_image_kind;

/* What the bytes begin like; NULL: no image. */
const twi_image_kind *twi_image_kind_of(const unsigned char *data, size_t len);

/* TW_EUNSUPPORTED and what to do, of bytes that have a kind and no decoder. */
TW_NODISCARD tw_status twi_image_refuse(const char *name, const unsigned char *data, size_t len,
                                        tw_error *err);

/* Where decoded pixels go: as they are, or into boxes. */
typedef struct twi_canvas {
    int width, height;      /* of what comes in */
    int factor;             /* side of a box; 1: no boxes */
    tw_image image;         /* what goes out; px owned until twi_canvas_finish */
    uint32_t *sums;         /* (image) of the pixels that fell into a box; NULL with factor 1 */
    unsigned char under[3]; /* what twi_canvas_paint laid under them */
} twi_canvas;

/* The least box side that brings width x height under max_pixels. */
int twi_canvas_factor(int width, int height, int max_pixels);

/* Starts from a zeroed canvas. width, height within TW_IMAGE_MAX_SIDE. TW_ENOMEM. */
TW_NODISCARD tw_status twi_canvas_init(twi_canvas *c, int width, int height, int channels,
                                       int max_pixels, tw_error *err);

/* Pixels (n, channels) of row y, at columns x, x + step, ... Every pixel comes once, or at most
 * once after twi_canvas_paint. */
void twi_canvas_add(twi_canvas *c, int y, int x, int step, int n, const unsigned char *px);

/* Gives every pixel one colour, in the time of what goes out; some may then come, each once. */
void twi_canvas_paint(twi_canvas *c, const unsigned char *colour);

/* Hands the image over. Call after every pixel has come. */
void twi_canvas_finish(twi_canvas *c, tw_image *out);
void twi_canvas_fini(twi_canvas *c);

/* Lays n pixels of channels samples, with an alpha sample behind each pixel, on the background, in
 * place. */
void twi_image_flatten(unsigned char *px, int n, int channels, const unsigned char *background);

/* name, sizes -> a sentence and TW_EINVAL where a side is over the limit, or the whole over `most`
 * pixels (0: any number). */
TW_NODISCARD tw_status twi_image_check_size(const char *name, int64_t width, int64_t height,
                                            int64_t most, tw_error *err);

/* TW_EINVAL with a sentence where a decoder that keeps all pixels ("a lossless WebP") would keep
 * more than TW_IMAGE_MAX_WHOLE. */
TW_NODISCARD tw_status twi_image_check_whole(const char *name, const char *what, int64_t width,
                                             int64_t height, tw_error *err);

/* TW_ETIMEOUT, with the name. */
TW_NODISCARD tw_status twi_image_in_time(const char *name, tw_deadline until, tw_error *err);

/* The EXIF orientation (1..8) in an APP1 segment's or an eXIf chunk's bytes; 1 where there is none
 * or it is damaged. */
int twi_exif_orientation(const unsigned char *data, size_t len);

/* Turns and mirrors an image that was stored in the given EXIF orientation. TW_ENOMEM: im as it
 * was. */
TW_NODISCARD tw_status twi_image_upright(tw_image *im, int orientation, tw_error *err);

/* twi_image_upright of an image that is released where there is no memory for it. */
TW_NODISCARD tw_status twi_image_upright_or_free(tw_image *im, int orientation, tw_error *err);

/* What a PNG's chunks say before libpng reads them. */
typedef struct twi_png_facts {
    int orientation;     /* of an eXIf chunk, wherever it stands; else 1 */
    bool header_damaged; /* a checksum of IHDR or PLTE is wrong */
    bool pixels_damaged; /* a checksum of IDAT is wrong */
    bool apple;          /* CgBI: the variant that Apple's tools write into programs */
    size_t short_at;     /* where an IDAT begins that the file's end cuts off; 0: none does */
} twi_png_facts;

void twi_png_survey(twi_png_facts *out, const unsigned char *data, size_t len);

/* A WebP's first frame, and what stands around it. */
typedef struct twi_webp_facts {
    int64_t width, height;      /* of an animation's canvas; 0: the frame is all there is */
    int x, y;                   /* where the frame lies on it */
    const unsigned char *frame; /* from the first chunk of its pixels; NULL: there is none */
    size_t frame_len;
    int orientation; /* of an EXIF chunk; else 1 */
    bool truncated;  /* a chunk is longer than the rest of the file */
} twi_webp_facts;

/* Of data that begins with RIFF and WEBP, 12 bytes at least. */
void twi_webp_survey(twi_webp_facts *out, const unsigned char *data, size_t len);

TW_NODISCARD tw_status twi_png_parse(tw_image *out, const unsigned char *data, size_t len,
                                     const char *name, const tw_image_options *opt, tw_error *err);
TW_NODISCARD tw_status twi_jpeg_parse(tw_image *out, const unsigned char *data, size_t len,
                                      const char *name, const tw_image_options *opt, tw_error *err);
TW_NODISCARD tw_status twi_webp_parse(tw_image *out, const unsigned char *data, size_t len,
                                      const char *name, const tw_image_options *opt, tw_error *err);
TW_NODISCARD tw_status twi_gif_parse(tw_image *out, const unsigned char *data, size_t len,
                                     const char *name, const tw_image_options *opt, tw_error *err);
TW_NODISCARD tw_status twi_heif_parse(tw_image *out, const unsigned char *data, size_t len,
                                      const char *name, const tw_image_options *opt, tw_error *err);

/* Pixels of the largest picture that headers in coded bytes announce; 0: there is no header.
 * twi_hevc_area's have units with four bytes of length before each, twi_hevc_unit_area's are one.
 */
int64_t twi_hevc_unit_area(const unsigned char *unit, size_t len);
int64_t twi_hevc_area(const unsigned char *data, size_t len);
int64_t twi_av1_area(const unsigned char *data, size_t len);

/* Whether libheif may decode what is in the file. TW_EINVAL, TW_ECORRUPT, TW_EUNSUPPORTED: not,
 * with the reason. TW_ENOMEM. */
TW_NODISCARD tw_status twi_heif_check(const unsigned char *data, size_t len, const char *name,
                                      tw_error *err);

/* Whether libheif is there with a decoder for AVIF, or for HEIC. */
bool twi_heif_reads(bool avif);

#endif
