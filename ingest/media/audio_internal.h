/* ingest/media/audio_internal.h — what the files that read audio share.
 *
 *     audio.c        libsndfile, and which way a file goes
 *     audio_mpeg.c   the frames of an MP3, found before a decoder sees them
 *     audio_wav.c    sizes that a writer left wrong
 *     audio_kinds.c  what a file is that cannot be read
 */
#ifndef TW_INGEST_AUDIO_INTERNAL_H
#define TW_INGEST_AUDIO_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TWI_CONVERT_AUDIO "convert it, as with: ffmpeg -i FILE FILE.flac"

/* Whether the first bytes of a file (at least 4) may be those of an MP3. */
bool twi_mpeg_suspected(const unsigned char *head);

/* Whether the bytes are MPEG audio behind ID3 tags and zeros, if any; *start is what is behind
 * those, or where the first frame begins, in every case. */
bool twi_mpeg_find(const unsigned char *data, size_t len, size_t *start);

/* The same of any bytes that nothing else can read: several frames in a row, at *start or behind
 * it, or within a tag before it whose size is wrong. */
bool twi_mpeg_search(const unsigned char *data, size_t len, size_t *start);

/* An MP3 made of the whole frames of another, with an index frame before them that says how many
 * there are.
 *
 *   start       of the first header in data, as twi_mpeg_find gave it
 *   out (size)  the frames that `seconds` need, silent ones in place of damaged ones; one that is
 *               cut off at the end is left out; the caller frees it with tw_free
 *   cut         whether frames follow in data
 *
 * TW_EUNSUPPORTED: layer I or II, AAC, another rate further on.   TW_EINVAL: not one whole frame.
 * TW_ECORRUPT: too much of it is no frames.   TW_ENOMEM.   On failure *out is NULL. */
TW_NODISCARD tw_status twi_mpeg_frames(unsigned char **out, size_t *size, bool *cut,
                                       const unsigned char *data, size_t len, size_t start,
                                       const char *name, double seconds, tw_error *err);

/* Four bytes of a file that are to be read as others; at < 0: none. */
typedef struct twi_patch {
    int64_t at;
    unsigned char bytes[4];
} twi_patch;

/* Reads up to n bytes of a file from `at` on; how many they were. */
typedef size_t (*twi_read_fn)(const void *ctx, int64_t at, unsigned char *out, size_t n);

/* The right size of the samples of a WAV or AIFF file of len bytes, where the writer could not go
 * back and left another. */
twi_patch twi_wav_patch(twi_read_fn read, const void *ctx, int64_t len);

/* What a file is by its first bytes, with its article, if it is audio (or a video) of a kind that
 * is not read here; else NULL. */
const char *twi_audio_kind(const unsigned char *head, size_t n);

/* Whether it is one of those, and no video, list of files or score. */
bool twi_audio_named(const unsigned char *head, size_t n);

#endif
