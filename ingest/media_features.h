/* ingest/media_features.h — which images and audio files this build can read. */
#ifndef TW_INGEST_MEDIA_FEATURES_H
#define TW_INGEST_MEDIA_FEATURES_H

#define TW_MEDIA_FEATURES_MAX 64

/* Fills out with names between blanks, "png jpeg wav flac ogg mp3", and gives it back. JPEG depends
 * on the build, the last three on the audio library that is loaded. Thread-safe. */
const char *tw_media_features(char out[TW_MEDIA_FEATURES_MAX]);

#endif
