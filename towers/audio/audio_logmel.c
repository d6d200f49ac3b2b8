/* The only file that includes FFTW's and libsamplerate's headers. */
#include "towers/audio/audio_logmel.h"

#include <fftw3.h>
#include <math.h>
#include <pthread.h>
#include <samplerate.h>
#include <string.h>

#include "base/alloc.h"

#define LOUDNESS 0.1  /* root mean square that audio files are brought to */
#define QUIETEST 1e-6 /* root mean square of what has no loudness to change */

/* Guards FFTW's planner, which keeps tables for the whole process; executing a plan needs no lock.
 */
static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;

/* The bins of the spectrum that a band sums up. */
typedef struct band {
    int first, n;
    const float *weights; /* (n), within twi_logmel.weights */
} band;

struct twi_logmel {
    twi_logmel_config cfg;
    fftwf_plan plan;
    float *window;  /* (window) Hann, periodic */
    float *weights; /* of all bands, one behind the other */
    band bands[TWI_LOGMEL_MAX_BANDS];
};

/* ---- mel ------------------------------------------------------------------------------------- */

#define SLANEY_STEP (log(6.4) / 27) /* above 1 kHz; below it 200/3 Hz are one mel */

static double to_mel(twi_mel_scale scale, double hz)
{
    if (scale == TWI_MEL_HTK)
        return 2595 * log10(1 + hz / 700);
    return hz < 1000 ? hz * 3 / 200 : 15 + log(hz / 1000) / SLANEY_STEP;
}

static double to_hz(twi_mel_scale scale, double mel)
{
    if (scale == TWI_MEL_HTK)
        return 700 * (pow(10, mel / 2595) - 1);
    return mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * SLANEY_STEP);
}

/* The weight of a frequency in band b of `bands` between two mels. */
static double weight(const twi_logmel_config *cfg, int b, double hz)
{
    const double low = to_mel(cfg->scale, cfg->low), high = to_mel(cfg->scale, cfg->high);
    const double step = (high - low) / (cfg->bands + 1);
    double left = low + b * step, middle = left + step, right = middle + step, at = hz;
    double height = 1;
    if (cfg->scale == TWI_MEL_HTK) {
        at = to_mel(cfg->scale, hz);
    } else {
        left = to_hz(cfg->scale, left);
        middle = to_hz(cfg->scale, middle);
        right = to_hz(cfg->scale, right);
        height = 2 / (right - left);
    }
    const double up = (at - left) / (middle - left), down = (right - at) / (right - middle);
    const double w = up < down ? up : down;
    return w > 0 ? w * height : 0;
}

static int bins(const twi_logmel_config *cfg) { return cfg->fft / 2 + 1; }

/* Two passes: count, then fill. */
static tw_status make_bands(twi_logmel *m, tw_error *err)
{
    const twi_logmel_config *cfg = &m->cfg;
    size_t total = 0, at = 0;
    for (int b = 0; b < cfg->bands; b++) {
        band *of = &m->bands[b];
        for (int k = 0; k < bins(cfg); k++) {
            if (weight(cfg, b, (double) k * cfg->rate / cfg->fft) <= 0)
                continue;
            of->first = of->n == 0 ? k : of->first;
            of->n = k - of->first + 1;
        }
        total += (size_t) of->n;
    }
    m->weights = tw_alloc(total, sizeof *m->weights);
    if (m->weights == NULL)
        return tw_fail(err, TW_ENOMEM, "%zu mel weights", total);
    for (int b = 0; b < cfg->bands; b++) {
        band *of = &m->bands[b];
        of->weights = m->weights + at;
        for (int k = of->first; k < of->first + of->n; k++)
            m->weights[at++] = (float) weight(cfg, b, (double) k * cfg->rate / cfg->fft);
    }
    return TW_OK;
}

/* ---- life ------------------------------------------------------------------------------------ */

static tw_status make_window(twi_logmel *m, tw_error *err)
{
    const int n = m->cfg.window;
    m->window = tw_alloc((size_t) n, sizeof *m->window);
    if (m->window == NULL)
        return tw_fail(err, TW_ENOMEM, "a window of %d samples", n);
    for (int i = 0; i < n; i++)
        m->window[i] = (float) (0.5 - 0.5 * cos(2 * M_PI * i / n));
    return TW_OK;
}

/* ESTIMATE chooses by rule, not by stopwatch, so that the same audio gives the same bits each time;
 * UNALIGNED because the buffers of a run are not those of the plan. */
static tw_status make_plan(twi_logmel *m, tw_error *err)
{
    const int n = m->cfg.fft;
    tw_status st = TW_OK;
    float *in = tw_alloc_aligned((size_t) n, sizeof *in);
    fftwf_complex *out = tw_alloc_aligned((size_t) bins(&m->cfg), sizeof *out);

    if (in == NULL || out == NULL) {
        st = tw_fail(err, TW_ENOMEM, "an FFT of %d samples", n);
        goto done;
    }
    (void) pthread_mutex_lock(&planner);
    m->plan = fftwf_plan_dft_r2c_1d(n, in, out, FFTW_ESTIMATE | FFTW_UNALIGNED);
    (void) pthread_mutex_unlock(&planner);
    if (m->plan == NULL)
        st = tw_fail(err, TW_ENOMEM, "no FFT of %d samples could be planned", n);
done:
    tw_free(in);
    tw_free(out);
    return st;
}

tw_status twi_logmel_create(twi_logmel **out, const twi_logmel_config *cfg, tw_error *err)
{
    tw_status st = TW_OK;
    twi_logmel *m = NULL;

    *out = NULL;
    TW_TRY(twi_logmel_config_check(cfg, err));
    m = tw_alloc(1, sizeof *m);
    if (m == NULL) {
        st = tw_fail(err, TW_ENOMEM, "a front end");
        goto done;
    }
    m->cfg = *cfg;
    TW_TRY(make_window(m, err));
    TW_TRY(make_bands(m, err));
    TW_TRY(make_plan(m, err));
    *out = m;
    m = NULL;
done:
    twi_logmel_destroy(m);
    return st;
}

void twi_logmel_destroy(twi_logmel *m)
{
    if (m == NULL)
        return;
    (void) pthread_mutex_lock(&planner);
    if (m->plan != NULL)
        fftwf_destroy_plan(m->plan);
    (void) pthread_mutex_unlock(&planner);
    tw_free(m->window);
    tw_free(m->weights);
    tw_free(m);
}

const twi_logmel_config *twi_logmel_config_of(const twi_logmel *m) { return &m->cfg; }

/* ---- audio files ----------------------------------------------------------------------------- */

/* Resampled, where it must be, and cut to cfg->seconds. *owned is the caller's to free. */
static tw_status at_rate(const twi_logmel_config *cfg, const tw_audio *s, const float **samples,
                         int64_t *n, float **owned, tw_error *err)
{
    const int64_t most = (int64_t) (cfg->seconds * s->rate);
    const int64_t take = s->frames < most ? s->frames : most;
    *samples = s->samples;
    *n = take;
    if (s->rate == cfg->rate)
        return TW_OK;
    const double ratio = (double) cfg->rate / s->rate;
    const int64_t room = (int64_t) ceil((double) take * ratio) + 1;
    *owned = tw_alloc((size_t) room, sizeof **owned);
    if (*owned == NULL)
        return tw_fail(err, TW_ENOMEM, "an audio file of %lld samples", (long long) room);
    SRC_DATA job = {.data_in = s->samples,
                    .data_out = *owned,
                    .input_frames = (long) take,
                    .output_frames = (long) room,
                    .src_ratio = ratio};
    const int rc = src_simple(&job, SRC_SINC_MEDIUM_QUALITY, 1);
    if (rc != 0)
        return tw_fail(err, TW_ENOMEM, "resampling from %d to %d: %s", s->rate, cfg->rate,
                       src_strerror(rc));
    *samples = *owned;
    *n = job.output_frames_gen; /* 0 for a sample or two: then all is silence */
    return TW_OK;
}

int twi_logmel_count(const twi_logmel_config *cfg, int64_t samples)
{
    const int64_t n = cfg->centre             ? 1 + samples / cfg->hop
                      : samples < cfg->window ? 1
                                              : 1 + (samples - cfg->window) / cfg->hop;
    return n < TWI_LOGMEL_MAX_FRAMES ? (int) n : TWI_LOGMEL_MAX_FRAMES;
}

/* Sample i of an audio file that is mirrored at its ends, or silent behind them. */
static float sample_at(const float *x, int64_t n, int64_t i, bool mirrored)
{
    if (i < 0 || i >= n) {
        if (!mirrored || n == 0)
            return 0;
        const int64_t period = n > 1 ? 2 * (n - 1) : 1;
        i = (i % period + period) % period;
        i = i < n ? i : period - i;
    }
    const float v = x[i];
    return v > -65536 ? (v < 65536 ? v : 65536) : -65536; /* NaN, too, is cut */
}

/* What brings x to the loudness that all audio files get; 1 where they keep their own. */
static float gain_of(const twi_logmel_config *cfg, const float *x, int64_t n)
{
    double square = 0;
    for (int64_t i = 0; i < n && cfg->loudness; i++)
        square += (double) sample_at(x, n, i, false) * (double) sample_at(x, n, i, false);
    const double rms = n > 0 ? sqrt(square / (double) n) : 0;
    return rms > QUIETEST ? (float) (LOUDNESS / rms) : 1;
}

static void spectrum_of(const twi_logmel *m, const float *x, int64_t n, int64_t start, float gain,
                        float *in, fftwf_complex *out)
{
    for (int i = 0; i < m->cfg.window; i++)
        in[i] = gain * m->window[i] * sample_at(x, n, start + i, m->cfg.centre);
    memset(in + m->cfg.window, 0, (size_t) (m->cfg.fft - m->cfg.window) * sizeof *in);
    fftwf_execute_dft_r2c(m->plan, in, out);
    for (int k = 0; k < bins(&m->cfg); k++) {
        const float power = out[k][0] * out[k][0] + out[k][1] * out[k][1];
        in[k] = m->cfg.measure == TWI_MEL_POWER ? power : sqrtf(power);
    }
}

static float log_of(const twi_logmel_config *cfg, double x)
{
    if (cfg->log == TWI_MEL_LN)
        return (float) log(x + cfg->floor);
    return (float) (10 * log10(x > cfg->floor ? x : cfg->floor));
}

float twi_logmel_silence(const twi_logmel_config *cfg) { return log_of(cfg, 0); }

/* row (bands) <- spectrum (bins) */
static void sum_bands(const twi_logmel *m, float *row, const float *spectrum)
{
    for (int b = 0; b < m->cfg.bands; b++) {
        const band *of = &m->bands[b];
        double sum = 0;
        for (int i = 0; i < of->n; i++)
            sum += (double) (of->weights[i] * spectrum[of->first + i]);
        row[b] = log_of(&m->cfg, sum);
    }
}

tw_status twi_logmel_run(const twi_logmel *m, const tw_audio *s, float **out, int *n, tw_error *err)
{
    const twi_logmel_config *cfg = &m->cfg;
    tw_status st = TW_OK;
    const float *samples = NULL;
    float *owned = NULL, *in = NULL, *rows = NULL;
    fftwf_complex *spectrum = NULL;
    int64_t length = 0;

    *out = NULL;
    *n = 0;
    if (s->frames < 1 || s->rate < 1000 || s->rate > 768000) {
        st = tw_fail(err, TW_EINVAL, "an audio file of %lld samples at %d a second has no log-mel",
                     (long long) s->frames, s->rate);
        goto done;
    }
    TW_TRY(at_rate(cfg, s, &samples, &length, &owned, err));
    const int heard = twi_logmel_count(cfg, length);
    const int all = heard > cfg->least_frames ? heard : cfg->least_frames;
    in = tw_alloc_aligned((size_t) cfg->fft + 2, sizeof *in);
    spectrum = tw_alloc_aligned((size_t) bins(cfg), sizeof *spectrum);
    rows = tw_alloc((size_t) all * (size_t) cfg->bands, sizeof *rows);
    if (in == NULL || spectrum == NULL || rows == NULL) {
        st = tw_fail(err, TW_ENOMEM, "a log-mel of %d frames", all);
        goto done;
    }
    const float gain = gain_of(cfg, samples, length);
    for (int t = 0; t < heard; t++) {
        const int64_t start = (int64_t) t * cfg->hop - (cfg->centre ? cfg->window / 2 : 0);
        spectrum_of(m, samples, length, start, gain, in, spectrum);
        sum_bands(m, rows + (size_t) t * (size_t) cfg->bands, in);
    }
    for (size_t i = (size_t) heard * (size_t) cfg->bands; i < (size_t) all * (size_t) cfg->bands;
         i++)
        rows[i] = twi_logmel_silence(cfg);
    *out = rows;
    *n = all;
    rows = NULL;
done:
    tw_free(rows);
    tw_free(spectrum);
    tw_free(in);
    tw_free(owned);
    return st;
}
