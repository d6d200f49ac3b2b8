/* towers/image/image_prepare.h — images of any size into the square that a tower reads, and the
 * disturbances that training adds; internal to towers/.
 *
 * What twi_image_prepare does belongs to a tower and is stored with it, so that training and
 * serving see the same pixels. What twi_image_augment does is drawn anew at every step and exists
 * in training alone. Both are pure functions: no state, no allocation, any number of threads.
 *
 * Squares are bytes (side, side, channels), channels last, rows from the top.
 */
#ifndef TW_TOWERS_IMAGE_IMAGE_PREPARE_H
#define TW_TOWERS_IMAGE_IMAGE_PREPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/media.h"
#include "base/rng.h"

#define TWI_FORM_SIDE_MAX 512

typedef enum twi_aspect {
    TWI_ASPECT_PAD = 0,     /* the whole image in the middle, borders of one grey */
    TWI_ASPECT_CROP = 1,    /* the largest square in the middle */
    TWI_ASPECT_STRETCH = 2, /* the whole image, both sides scaled for themselves */
} twi_aspect;

/* How a tower looks at images. */
typedef struct twi_image_form {
    int side;     /* 1..TWI_FORM_SIDE_MAX */
    int channels; /* 1: colours become grey (BT.601 weights); 3: grey becomes three equal ones */
    twi_aspect aspect;
    unsigned char pad; /* grey of the borders, as the image has it: before inversion */
    bool contrast;     /* stretch the image's darkest and lightest sample to 0 and 255 */
    bool invert;       /* 255 - v, at last: for dark strokes on light paper */
} twi_image_form;

/* TW_EINVAL: side, channels or aspect outside what the struct says. */
TW_NODISCARD tw_status twi_image_form_check(const twi_image_form *form, tw_error *err);

/* out (side, side, channels) <- im, whose sides are 1..65535. A side that shrinks is averaged over
 * the area of each new pixel, one that grows is interpolated linearly. form must have passed its
 * check. An image whose samples span less than 16 levels keeps its contrast. */
void twi_image_prepare(unsigned char *out, const tw_image *im, const twi_image_form *form);

typedef enum twi_disturb {
    TWI_DISTURB_NONE = 0,
    TWI_DISTURB_GLYPH = 1, /* an affine map: strokes stay strokes */
    TWI_DISTURB_PHOTO = 2, /* a crop, a mirror image, other light */
} twi_disturb;

/* Each figure is the most that is drawn, evenly from both sides of nothing; 0 switches it off. */
typedef struct twi_image_jitter {
    twi_disturb kind;
    /* glyph */
    double rotate;      /* degrees, 0..180 */
    double shear;       /* 0..1: shift of a row or column by its distance from the middle */
    double scale;       /* 0..0.9: each side between 1 - scale and 1 + scale of itself */
    double shift;       /* 0..1: share of the side */
    unsigned char fill; /* grey of what comes in from outside */
    /* photo */
    double least_area; /* 0.01..1: a crop has at least this share of the area */
    double stretch;    /* 0..1: its sides' ratio within 1 / (1 + s) .. 1 + s */
    double flip;       /* 0..1: the chance of a mirror image */
    double brightness, contrast, saturation; /* 0..1: factors within 1 - x .. 1 + x */
} twi_image_jitter;

extern const twi_image_jitter TWI_JITTER_GLYPH, TWI_JITTER_PHOTO;

/* out (side, side, channels) <- in (in_side, in_side, channels), disturbed by what rng draws. in
 * may be larger than out, so that a crop need not enlarge; out must not overlap it.
 * TWI_DISTURB_NONE scales only, and copies where the sides are equal. */
void twi_image_augment(unsigned char *out, int side, const unsigned char *in, int in_side,
                       int channels, const twi_image_jitter *jitter, tw_rng *rng);

/* px (side, side, channels), left to right, in place. */
void twi_image_mirror(unsigned char *px, int side, int channels);

/* A rectangle of an image, in its pixels; fractions count. */
typedef struct twi_region {
    const unsigned char *px; /* (height, width, channels), borrowed */
    int width, height, channels;
    double x, y, w, h; /* within the image */
} twi_region;

/* The resampling beneath both: out (height, width, channels), rows `stride` bytes apart <- the
 * region. Where the channels differ, colours become grey or grey colours. */
void twi_image_resample(unsigned char *out, size_t stride, int width, int height, int channels,
                        const twi_region *from);

#endif
