/* Which formats the libraries of this build and this machine can read. */
#include "ingest/media/media_features.h"

#include <sndfile.h>
#include <stdbool.h>
#include <stdio.h>

#include "ingest/media/image_internal.h"

#ifdef TW_HAVE_JPEG
#define JPEG " jpeg"
#else
#define JPEG ""
#endif
#ifdef TW_HAVE_WEBP
#define WEBP " webp"
#else
#define WEBP ""
#endif
#ifdef TW_HAVE_GIF
#define GIF " gif"
#else
#define GIF ""
#endif

enum { MPEG = 0x230000 }; /* a format that headers before 1.1 do not name */

static bool reads(int format)
{
    int count = 0;
    (void) sf_command(NULL, SFC_GET_FORMAT_MAJOR_COUNT, &count, sizeof count);
    for (int i = 0; i < count; i++) {
        SF_FORMAT_INFO info = {.format = i};
        if (sf_command(NULL, SFC_GET_FORMAT_MAJOR, &info, sizeof info) == 0 &&
            info.format == format)
            return true;
    }
    return false;
}

const char *tw_media_features(char out[TW_MEDIA_FEATURES_MAX])
{
    (void) snprintf(out, TW_MEDIA_FEATURES_MAX, "png" JPEG WEBP GIF "%s%s wav%s%s%s",
                    twi_heif_reads(false) ? " heic" : "", twi_heif_reads(true) ? " avif" : "",
                    reads(SF_FORMAT_FLAC) ? " flac" : "", reads(SF_FORMAT_OGG) ? " ogg" : "",
                    reads(MPEG) ? " mp3" : "");
    return out;
}
