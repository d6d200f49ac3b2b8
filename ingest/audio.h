/* ingest/audio.h — audio files into one channel of floats.
 *
 * The first bytes decide what a file is, never its name. Channels are averaged; the rate is the
 * file's own (towers resample). Memory is bounded whatever the file says: at most `seconds` are
 * read, and at most TW_AUDIO_MAX_FRAMES (4 bytes each, so 64 MiB); the rest is ignored, and
 * *cut says so. A file that ends early is read as far as it goes; where the middle of an MP3 is
 * damaged, silence stands in for it, and a size of samples that a writer left wrong is mended.
 *
 *     tw_audio s = {0};
 *     bool cut;
 *     if (tw_audio_load(&s, "bell.wav", &(tw_audio_options){.seconds = 30}, &cut, &err) == TW_OK) {
 * ... } tw_free(s.samples);
 *
 * All of it is thread-safe. Nothing is printed, but for one case that is not ours to mend: where
 * the contents of a whole MP3 frame are damaged, the decoder beneath libsndfile may say so on
 * stderr.
 */
#ifndef TW_INGEST_AUDIO_H
#define TW_INGEST_AUDIO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/deadline.h"
#include "base/decls.h"
#include "base/error.h"
#include "base/media.h"

TW_BEGIN_DECLS

#define TW_AUDIO_MIN_RATE     1000
#define TW_AUDIO_MAX_RATE     768000
#define TW_AUDIO_MAX_CHANNELS 64
#define TW_AUDIO_MAX_FRAMES   (16 << 20)
#define TW_AUDIO_MAX_BYTES    (64 << 20) /* of tw_audio_parse and of MP3 files */

typedef struct tw_audio_options {
    double seconds;       /* the most that is wanted, above 0 */
    tw_deadline deadline; /* looked at from block to block */
} tw_audio_options;

/* The audio in a file.
 *
 *   out      gets the audio; the caller frees out->samples with tw_free
 *   cut      may be NULL; whether the file goes on behind what was read
 *
 * TW_ENOTFOUND, TW_EDENIED, TW_EIO: the system says so.
 * TW_EINVAL:   no regular file, empty, no audio file, no frames, a rate or a number of channels
 * outside the limits above, a sample that is no finite number; seconds not above 0. TW_ETIMEOUT:
 * opt->deadline passed. TW_ECORRUPT: the library cannot read on, or much of an MP3 is no frames.
 * TW_EUNSUPPORTED: MPEG audio of layer I or II, an MP3 that changes its rate, a format that is
 * known but not read (the sentence has the way out).   TW_ENOMEM.
 * On failure *out is zeroed. */
TW_NODISCARD tw_status tw_audio_load(tw_audio *out, const char *path, const tw_audio_options *opt,
                                     bool *cut, tw_error *err);

/* The same of len bytes in memory; `name` stands for them in messages. */
TW_NODISCARD tw_status tw_audio_parse(tw_audio *out, const void *data, size_t len, const char *name,
                                      const tw_audio_options *opt, bool *cut, tw_error *err);

TW_END_DECLS

#endif
