#include "ingest/media/media_kind.h"

#include <string.h>
#include <strings.h>

#include "ingest/media/audio_internal.h"
#include "ingest/media/image_internal.h"

/* Containers that libsndfile opens. */
static const struct {
    const char *magic;
    size_t offset, len;
} audio[] = {
    {"WAVE", 8, 4}, {"fLaC", 0, 4}, {"OggS", 0, 4}, {"AIFF", 8, 4},
    {"AIFC", 8, 4}, {".snd", 0, 4}, {"caff", 0, 4}, {"riff\x2e\x91\xcf\x11", 0, 8},
};

static bool is_audio(const unsigned char *head, size_t n)
{
    for (size_t i = 0; i < sizeof audio / sizeof audio[0]; i++) {
        if (n >= audio[i].offset + audio[i].len &&
            memcmp(head + audio[i].offset, audio[i].magic, audio[i].len) == 0)
            return true;
    }
    const bool text = n >= 2 && memcmp(head, "\xff\xfe", 2) == 0; /* the mark of UTF-16 */
    return twi_audio_named(head, n) || (n >= 4 && !text && twi_mpeg_suspected(head));
}

tw_media_kind tw_media_kind_of(const void *head, size_t n)
{
    const twi_image_kind *image = twi_image_kind_of(head, n);
    if (image != NULL)
        return strcmp(image->a_name, "a PDF") != 0 ? TW_MEDIA_IMAGE : TW_MEDIA_NEITHER;
    return is_audio(head, n) ? TW_MEDIA_AUDIO : TW_MEDIA_NEITHER;
}

tw_media_kind tw_media_kind_named(const char *name)
{
    static const char *const images[] = {"png",  "jpg", "jpeg", "webp", "gif", "heic", "heif",
                                         "avif", "bmp", "tif",  "tiff", "jxl", "jp2"};
    static const char *const sounds[] = {"wav", "flac", "ogg", "oga",  "opus", "mp3",
                                         "m4a", "aac",  "aif", "aiff", "wma"};
    const char *dot = strrchr(name, '.');
    if (dot == NULL)
        return TW_MEDIA_NEITHER;
    for (size_t i = 0; i < sizeof images / sizeof images[0]; i++) {
        if (strcasecmp(dot + 1, images[i]) == 0)
            return TW_MEDIA_IMAGE;
    }
    for (size_t i = 0; i < sizeof sounds / sizeof sounds[0]; i++) {
        if (strcasecmp(dot + 1, sounds[i]) == 0)
            return TW_MEDIA_AUDIO;
    }
    return TW_MEDIA_NEITHER;
}
