/* ingest/media/media_kind.h — whether a file is an image or an audio file, by its first bytes.
 *
 * So for what nothing here reads, too (a TIFF, an M4A): who wants those gets the decoder's sentence
 * that says how to convert them. Videos are neither.
 */
#ifndef TW_INGEST_MEDIA_KIND_H
#define TW_INGEST_MEDIA_KIND_H

#include <stddef.h>

typedef enum tw_media_kind {
    TW_MEDIA_NEITHER = 0,
    TW_MEDIA_IMAGE = 1,
    TW_MEDIA_AUDIO = 2,
} tw_media_kind;

#define TW_MEDIA_HEAD 64 /* bytes that tell */

/* What the first n bytes of a file are those of. */
tw_media_kind tw_media_kind_of(const void *head, size_t n);

/* What a file name's ending promises ("cat.JPG"), where the bytes do not keep it. */
tw_media_kind tw_media_kind_named(const char *name);

#endif
