/* ingest/image.h — image files into pixels, and pixels into PNG files.
 *
 * The first bytes decide what a file is, never its name. An image is upright (EXIF orientation is
 * honoured), 8 bits a sample, grey or RGB: transparency is laid on a background, 16 bits are
 * rounded to 8, palettes and CMYK become RGB. Colour profiles and gamma are ignored: samples are
 * taken for sRGB. Of an animation the first frame is read.
 *
 * Memory is bounded whatever the file says: an image of more than `max_pixels` is averaged over
 * boxes of f x f pixels (f the least that fits; a JPEG up to 8 x 8 while it is decoded) as its rows
 * come, and never exists in full. One image takes at most the file (TW_IMAGE_MAX_BYTES), 15
 * bytes for each of max_pixels, and a few rows; of a progressive JPEG also its coefficients
 * (TW_IMAGE_MAX_COEFFICIENTS), of a lossless or transparent WebP its pixels (4 bytes each), of a
 * HEIC or AVIF its pixels in several forms (7 to 15 bytes each; both TW_IMAGE_MAX_WHOLE pixels).
 *
 *     tw_image im = {0};
 *     if (tw_image_load(&im, "cat.jpg", NULL, &err) == TW_OK) { ... }
 *     tw_free(im.px);
 *
 * All of it is thread-safe, and nothing is printed (but by libde265, of some damaged HEIC).
 */
#ifndef TW_INGEST_IMAGE_H
#define TW_INGEST_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/decls.h"
#include "base/error.h"
#include "base/media.h"

TW_BEGIN_DECLS

#define TW_IMAGE_MAX_SIDE         20000
#define TW_IMAGE_MAX_BYTES        (64 << 20)
#define TW_IMAGE_MAX_COEFFICIENTS (256 << 20) /* bytes; 44 megapixels without subsampling */
#define TW_IMAGE_MAX_WHOLE        (64 << 20)  /* pixels, where a decoder keeps all of them */

typedef struct tw_image_options {
    unsigned char background[3]; /* RGB, what transparent pixels lie on */
    int max_pixels;              /* of the result, 4096 .. 2^26 */
    int64_t max_source;          /* pixels of the file, looked at before any is decoded; 0: any */
    tw_deadline deadline;        /* looked at from row to row, and from scan to scan */
} tw_image_options;

extern const tw_image_options TW_IMAGE_DEFAULT; /* white; 2^20: a file's worth is 15 MiB */

/* The image in a file.
 *
 *   out   gets the image; the caller frees out->px with tw_free
 *   opt   NULL: TW_IMAGE_DEFAULT
 *
 * TW_ENOTFOUND, TW_EDENIED, TW_EIO: the system says so.
 * TW_EINVAL:       no regular file, empty, larger than TW_IMAGE_MAX_BYTES, no image, a side
 * over TW_IMAGE_MAX_SIDE, more than opt->max_source pixels, a progressive JPEG over
 * TW_IMAGE_MAX_COEFFICIENTS, a lossless or transparent WebP, a HEIC or AVIF over
 * TW_IMAGE_MAX_WHOLE. TW_ECORRUPT: truncated, wrong checksum, or not what the format allows.
 * TW_EUNSUPPORTED: an image of a format that this build cannot read. TW_ETIMEOUT: opt->deadline
 * passed. TW_ENOMEM. On failure *out is zeroed. */
TW_NODISCARD tw_status tw_image_load(tw_image *out, const char *path, const tw_image_options *opt,
                                     tw_error *err);

/* The same of len bytes in memory; `name` stands for them in messages. */
TW_NODISCARD tw_status tw_image_parse(tw_image *out, const void *data, size_t len, const char *name,
                                      const tw_image_options *opt, tw_error *err);

/* Writes an 8-bit PNG, replacing path atomically. TW_EINVAL: sides outside 1..TW_IMAGE_MAX_SIDE
 * or channels other than 1 and 3. TW_EIO and friends, TW_ENOMEM: path holds what it held. */
TW_NODISCARD tw_status tw_image_save_png(const char *path, const tw_image *im, tw_error *err);

TW_END_DECLS

#endif
