/* What is asked of every image decoder alike. */
#ifndef TW_TESTS_IMAGE_CHECKS_H
#define TW_TESTS_IMAGE_CHECKS_H

#include "ingest/image.h"
#include "tests/unit/ingest/image_bytes.h"

/* Smooth colours, with an alpha ramp where channels is 4, so that what a lossy format loses is
 * little. px (h, w, channels). */
void paint_ramp(unsigned char *px, int w, int h, int channels);

/* The image in a blob, which must have one; free its px with tw_free. */
tw_image read_image(blob b, const tw_image_options *opt);

/* The same picture by way of a PNG file: px (h, w, 3 or 4). */
tw_image by_png(const unsigned char *px, int w, int h, int channels, const tw_image_options *opt);

/* Sizes must be equal and no sample farther off than `off`. Frees both. */
void assert_images_near(tw_image got, tw_image want, int off);

/* Every shorter file is refused as truncated or damaged, or is the whole picture; at most `most`
 * of them are. */
void assert_cuts_are_noticed(blob b, int most);

/* No bit that is flipped, of every `nth` one, makes more than another image or a refusal, and,
 * where the library can be kept from it, nothing is printed. */
void assert_flips_do_no_harm(blob b, size_t nth, bool quiet);

/* A cap of the file's pixels and a deadline are kept. */
void assert_limits_are_kept(blob b, int pixels);

/* The bytes are refused with a status and a sentence that holds `says`. */
void assert_refused(blob b, tw_status want, const char *says);

#endif
