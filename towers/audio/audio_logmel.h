/* towers/audio/audio_logmel.h — audio files into log-mel spectrograms; internal to towers/.
 *
 * A log-mel is a matrix (frames, bands): how loud each band of the mel scale is, frame by frame.
 * The front end that makes it has a name and figures; both are stored with a tower, because vectors
 * of two front ends do not compare. Three are known by name:
 *
 *     fsdd     8 kHz, 25 ms Hann every 10 ms, FFT 256, 40 HTK bands 60-3800 Hz, power, ln(x + 1e-3)
 *     vggish  16 kHz, 25 ms Hann every 10 ms, FFT 512, 64 HTK bands 125-7500 Hz, magnitude,
 *             ln(x + 0.01)
 *     panns   32 kHz, 32 ms Hann every 10 ms, FFT 1024, 64 Slaney bands 50-14000 Hz, power,
 *             centred frames, 10 log10(max(x, 1e-10))
 *
 * "HTK" means mel = 2595 log10(1 + f/700) and triangles that are straight in mel, as VGGish has
 * them; "Slaney" the scale that is linear under 1 kHz and triangles that are straight in Hz and of
 * equal area, as librosa has them.
 *
 *     twi_logmel *m = NULL;
 *     twi_logmel_config cfg;
 *     twi_logmel_preset(&cfg, "vggish", &err);
 *     twi_logmel_create(&m, &cfg, &err);
 *     twi_logmel_run(m, &audio, &frames, &n, &err);      // any number of threads
 *     tw_free(frames);
 *     twi_logmel_destroy(m);
 *
 * Every audio has an answer: a shorter one than a window is padded with silence, silence gives the
 * log of the floor, samples beyond +-65536 are cut to that, all values are finite.
 *
 * Source: Hershey et al. 2017 (VGGish), Kong et al. 2020 (PANNs), Park et al. 2019 (SpecAugment).
 */
#ifndef TW_TOWERS_AUDIO_AUDIO_LOGMEL_H
#define TW_TOWERS_AUDIO_AUDIO_LOGMEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/media.h"
#include "base/rng.h"
#include "base/text.h"

#define TWI_LOGMEL_MAX_FFT    8192
#define TWI_LOGMEL_MAX_BANDS  256
#define TWI_LOGMEL_MAX_FRAMES 65536

typedef enum twi_mel_scale { TWI_MEL_HTK = 0, TWI_MEL_SLANEY = 1 } twi_mel_scale;

/* What the spectrum measures, and what the logarithm does with x. */
typedef enum twi_mel_measure { TWI_MEL_MAGNITUDE = 0, TWI_MEL_POWER = 1 } twi_mel_measure;
typedef enum twi_mel_log { TWI_MEL_LN = 0, TWI_MEL_DB = 1 } twi_mel_log;

typedef enum twi_logmel_name {
    TWI_LOGMEL_FSDD = 0,
    TWI_LOGMEL_VGGISH = 1,
    TWI_LOGMEL_PANNS = 2,
    TWI_LOGMEL_CHANGED = 3, /* the figures are no preset's */
} twi_logmel_name;

typedef struct twi_logmel_config {
    twi_logmel_name name;
    int rate;         /* audio files of another rate are resampled to it, 4000..96000 */
    int window, hop;  /* samples; window <= fft */
    int fft;          /* even, 16..TWI_LOGMEL_MAX_FFT */
    int bands;        /* 4..TWI_LOGMEL_MAX_BANDS */
    double low, high; /* Hz, 0 <= low < high <= rate / 2 */
    twi_mel_scale scale;
    twi_mel_measure measure;
    twi_mel_log log; /* ln(x + floor), or 10 log10(max(x, floor)) */
    double floor;    /* above 0 */
    bool centre; /* frame t lies around sample t * hop, the ends mirrored; else it begins there */
    int least_frames; /* shorter results are filled up with silence, 1..10000 */
    double seconds;   /* the most that is taken of an audio file, 0.1..600 */
    bool loudness;    /* every audio file is brought to the same loudness first */
} twi_logmel_config;

/* TW_EINVAL: no such name; the message lists the names there are. */
TW_NODISCARD tw_status twi_logmel_preset(twi_logmel_config *cfg, const char *name, tw_error *err);

/* TW_EINVAL with the figure: outside its range, or two that do not go together. */
TW_NODISCARD tw_status twi_logmel_config_check(const twi_logmel_config *cfg, tw_error *err);

/* As a JSON object of all figures; parse gives the same again. It starts from the preset that
 * "name" says (fsdd where it says none) and takes what else is there. TW_EINVAL: unknown key, wrong
 * type or range; cfg is then unchanged. */
TW_NODISCARD tw_status twi_logmel_config_format(const twi_logmel_config *cfg, tw_text *out,
                                                tw_error *err);
TW_NODISCARD tw_status twi_logmel_config_parse(twi_logmel_config *cfg, const char *json, size_t len,
                                               tw_error *err);

typedef struct twi_logmel twi_logmel; /* window, filters, FFT plan; immutable */

/* TW_EINVAL: as twi_logmel_config_check. TW_ENOMEM. On failure *out is NULL. Thread-safe among
 * ourselves; a program that plans FFTs of its own must not do so meanwhile. */
TW_NODISCARD tw_status twi_logmel_create(twi_logmel **out, const twi_logmel_config *cfg,
                                         tw_error *err);
void twi_logmel_destroy(twi_logmel *m); /* accepts NULL */

const twi_logmel_config *twi_logmel_config_of(const twi_logmel *m);

/* Frames that `samples` at the front end's rate give, before
 * least_frames: 1..TWI_LOGMEL_MAX_FRAMES. */
int twi_logmel_count(const twi_logmel_config *cfg, int64_t samples);

/* The log-mel of an audio file.
 *
 *   s    frames >= 1, rate 1000..768000
 *   out  (n, bands), the caller frees it with tw_free
 *
 * TW_EINVAL: no frames, or a rate outside. TW_ENOMEM. On failure *out is NULL. Thread-safe. */
TW_NODISCARD tw_status twi_logmel_run(const twi_logmel *m, const tw_audio *s, float **out, int *n,
                                      tw_error *err);

/* ---- what training does to log-mels (audio_augment.c) ---------------------------------------- */

/* Each figure is the most that is drawn; 0 switches it off. */
typedef struct twi_audio_jitter {
    double gain;    /* dB louder or softer, 0..40 */
    double shift;   /* share of the frames, earlier or later, 0..1 */
    double stretch; /* tempo within 1 / (1 + x) .. 1 + x, 0..1 */
    double warp;    /* the same of the bands, as of a longer or shorter throat, 0..1 */
    int time_masks,
        time_width; /* SpecAugment: up to so many masks, 0..10, of up to so many frames */
    int band_masks, band_width; /* the same of bands */
} twi_audio_jitter;

extern const twi_audio_jitter TWI_JITTER_AUDIO;

/* out (n, bands) <- in (n, bands), a log-mel of cfg, disturbed by what rng draws. Frames from
 * outside are silence; a mask holds the mean of `in`. The loudness is changed as if the audio had
 * been, floor included. out must not overlap in. A pure function. */
void twi_logmel_augment(float *out, const float *in, int n, const twi_logmel_config *cfg,
                        const twi_audio_jitter *jitter, tw_rng *rng);

float twi_logmel_silence(const twi_logmel_config *cfg); /* what a frame of zeros gives */

#endif
