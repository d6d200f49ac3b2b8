/* ingest/media/media_features.h — which images and audio files this build can read. */
#ifndef TW_INGEST_MEDIA_FEATURES_H
#define TW_INGEST_MEDIA_FEATURES_H

#define TW_MEDIA_FEATURES_MAX 64

/* Fills out with names between blanks, "png jpeg webp gif heic avif wav flac ogg mp3", and gives it
 * back. All but png and wav depend on the build, or on the libraries that are loaded. Thread-safe.
 */
const char *tw_media_features(char out[TW_MEDIA_FEATURES_MAX]);

#endif
