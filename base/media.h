/* base/media.h — an image and an audio file as plain arrays: what decoders give and towers take. */
#ifndef TW_BASE_MEDIA_H
#define TW_BASE_MEDIA_H

#include <stdint.h>

#include "base/decls.h"

TW_BEGIN_DECLS

/* Pixels in rows from the top, samples of a pixel side by side, 8 bits each, sRGB. */
typedef struct tw_image {
    int width, height;
    int channels;      /* 1 grey, 3 RGB; never alpha: decoders lay an image on a background */
    unsigned char *px; /* (height, width, channels), owned: tw_free */
} tw_image;

/* One channel; several are averaged by the decoder. */
typedef struct tw_audio {
    int rate; /* samples a second */
    int64_t frames;
    float *samples; /* (frames) finite, mostly within [-1, 1], owned: tw_free */
} tw_audio;

TW_END_DECLS

#endif
