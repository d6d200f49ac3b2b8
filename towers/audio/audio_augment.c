/* What training does to log-mels so that a tower learns what does not matter. */
#include <math.h>
#include <string.h>

#include "towers/audio/audio_logmel.h"

/* SpecAugment's masks, made smaller for short audio files; gain, shift and warp by judgement. */
const twi_audio_jitter TWI_JITTER_AUDIO = {.gain = 6,
                                           .shift = 0.1,
                                           .stretch = 0.1,
                                           .warp = 0.1,
                                           .time_masks = 1,
                                           .time_width = 8,
                                           .band_masks = 1,
                                           .band_width = 6};

static double draw(tw_rng *rng, double most) { return (2 * tw_rng_uniform(rng) - 1) * most; }

/* A factor as often above one as its inverse is below. */
static double factor(tw_rng *rng, double most) { return exp(draw(rng, log1p(most))); }

/* Linear between two numbers of a row; behind its ends the row goes on as it ended. */
static float at_band(const float *row, int bands, double b)
{
    const double c = b < 0 ? 0 : b > bands - 1 ? bands - 1 : b;
    const int first = (int) c;
    const float f = (float) (c - first);
    return first + 1 < bands ? (1 - f) * row[first] + f * row[first + 1] : row[first];
}

/* out[t, b] = in[(t - n/2) * tempo + n/2 - shift, b * warp], linear between frames. */
static void move(float *out, const float *in, int n, int bands, double tempo, double shift,
                 double warp, float silence)
{
    for (int t = 0; t < n; t++, out += bands) {
        const double at = (t - n / 2.0) * tempo + n / 2.0 - shift, first = floor(at);
        const float f = (float) (at - first);
        for (int b = 0; b < bands; b++) {
            float v[2] = {silence, silence};
            for (int k = 0; k < 2; k++) {
                const double frame = first + k;
                if (frame >= 0 && frame < n)
                    v[k] = at_band(in + (ptrdiff_t) frame * bands, bands, b * warp);
            }
            out[b] = (1 - f) * v[0] + f * v[1];
        }
    }
}

/* The log of an audio file made louder by `gain` dB: v = ln(x + floor) becomes ln(g x + floor). */
static float louder(const twi_logmel_config *cfg, float v, double gain)
{
    if (cfg->log == TWI_MEL_DB) {
        const double power = cfg->measure == TWI_MEL_POWER ? gain : gain / 2;
        return (float) fmax(v + power, 10 * log10(cfg->floor));
    }
    const double g = pow(10, gain / (cfg->measure == TWI_MEL_POWER ? 10 : 20));
    const double x = exp((double) v) - cfg->floor;
    return (float) log((x > 0 ? x : 0) * g + cfg->floor);
}

static double mean_of(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double) x[i];
    return sum / (double) n;
}

/* Where a mask of up to `width` of `size` begins and ends. */
static void draw_mask(tw_rng *rng, int width, int size, int *from, int *to)
{
    const int most = width < size ? width : size;
    const int n = (int) tw_rng_below(rng, (uint64_t) most + 1);
    *from = (int) tw_rng_below(rng, (uint64_t) (size - n) + 1);
    *to = *from + n;
}

static void mask(float *out, int n, int bands, const twi_audio_jitter *j, float value, tw_rng *rng)
{
    int from, to;
    for (int i = 0; i < j->time_masks; i++) {
        draw_mask(rng, j->time_width, n, &from, &to);
        for (ptrdiff_t k = (ptrdiff_t) from * bands; k < (ptrdiff_t) to * bands; k++)
            out[k] = value;
    }
    for (int i = 0; i < j->band_masks; i++) {
        draw_mask(rng, j->band_width, bands, &from, &to);
        for (int t = 0; t < n; t++)
            for (int b = from; b < to; b++)
                out[(ptrdiff_t) t * bands + b] = value;
    }
}

void twi_logmel_augment(float *out, const float *in, int n, const twi_logmel_config *cfg,
                        const twi_audio_jitter *jitter, tw_rng *rng)
{
    const size_t all = (size_t) n * (size_t) cfg->bands;
    const double gain = draw(rng, jitter->gain), shift = draw(rng, jitter->shift) * n;
    const double tempo = factor(rng, jitter->stretch), warp = factor(rng, jitter->warp);

    move(out, in, n, cfg->bands, tempo, shift, warp, twi_logmel_silence(cfg));
    for (size_t i = 0; jitter->gain > 0 && i < all; i++)
        out[i] = louder(cfg, out[i], gain);
    mask(out, n, cfg->bands, jitter, (float) mean_of(in, all), rng);
}
