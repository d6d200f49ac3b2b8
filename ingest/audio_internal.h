/* ingest/audio_internal.h — the frames of an MP3, found before a decoder sees them. */
#ifndef TW_INGEST_AUDIO_INTERNAL_H
#define TW_INGEST_AUDIO_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Whether the first bytes of a file (at least 4) may be those of an MP3. */
bool twi_mpeg_suspected(const unsigned char *head);

/* Whether the bytes are MPEG audio behind ID3 tags and zeros, if any; *start is what is behind
 * those, in every case. */
bool twi_mpeg_find(const unsigned char *data, size_t len, size_t *start);

/* An MP3 made of the whole frames of another, with an index frame before them that says how many
 * there are.
 *
 *   start       of the first header in data, as twi_mpeg_find gave it
 *   out (size)  the frames that `seconds` need; one that is cut off at the end is left out; the
 *               caller frees it with tw_free
 *   cut         whether frames follow in data
 *
 * TW_EUNSUPPORTED: layer I or II.   TW_EINVAL: not one whole frame.   TW_ENOMEM.
 * TW_ECORRUPT: behind some frame neither a frame nor a tag follows.
 * On failure *out is NULL. */
TW_NODISCARD tw_status twi_mpeg_frames(unsigned char **out, size_t *size, bool *cut,
                                       const unsigned char *data, size_t len, size_t start,
                                       const char *name, double seconds, tw_error *err);

#endif
