/* The figures of a front end: presets, their ranges, and their JSON. */
#include <assert.h>

#include "nn/settings.h"
#include "towers/audio/audio_logmel.h"

static_assert(sizeof(twi_logmel_name) == sizeof(int) && sizeof(twi_mel_scale) == sizeof(int) &&
                  sizeof(twi_mel_measure) == sizeof(int) && sizeof(twi_mel_log) == sizeof(int),
              "an enum is read and written as an int");

static const twi_logmel_config presets[] = {
    {.name = TWI_LOGMEL_FSDD,
     .rate = 8000,
     .window = 200,
     .hop = 80,
     .fft = 256,
     .bands = 40,
     .low = 60,
     .high = 3800,
     .scale = TWI_MEL_HTK,
     .measure = TWI_MEL_POWER,
     .log = TWI_MEL_LN,
     .floor = 1e-3,
     .least_frames = 64,
     .seconds = 10},
    {.name = TWI_LOGMEL_VGGISH,
     .rate = 16000,
     .window = 400,
     .hop = 160,
     .fft = 512,
     .bands = 64,
     .low = 125,
     .high = 7500,
     .scale = TWI_MEL_HTK,
     .measure = TWI_MEL_MAGNITUDE,
     .log = TWI_MEL_LN,
     .floor = 0.01,
     .least_frames = 96,
     .seconds = 10},
    {.name = TWI_LOGMEL_PANNS,
     .rate = 32000,
     .window = 1024,
     .hop = 320,
     .fft = 1024,
     .bands = 64,
     .low = 50,
     .high = 14000,
     .scale = TWI_MEL_SLANEY,
     .measure = TWI_MEL_POWER,
     .log = TWI_MEL_DB,
     .floor = 1e-10,
     .centre = true,
     .least_frames = 100,
     .seconds = 10},
};

static const char *const names[] = {"fsdd", "vggish", "panns", NULL};
static const char *const scales[] = {"htk", "slaney", NULL};
static const char *const measures[] = {"magnitude", "power", NULL};
static const char *const logs[] = {"ln", "db", NULL};

/* The name comes first; the figures are behind it. */
static const tw_setting list[] = {
    TW_CHOICE(twi_logmel_config, name, names, "fsdd, vggish or panns: where the figures start"),
    TW_WHOLE(twi_logmel_config, rate, 4000, 96000, "samples a second"),
    TW_WHOLE(twi_logmel_config, window, 8, TWI_LOGMEL_MAX_FFT, "samples of a frame"),
    TW_WHOLE(twi_logmel_config, hop, 1, TWI_LOGMEL_MAX_FFT, "samples between frames"),
    TW_WHOLE(twi_logmel_config, fft, 16, TWI_LOGMEL_MAX_FFT, "length of the transform"),
    TW_WHOLE(twi_logmel_config, bands, 4, TWI_LOGMEL_MAX_BANDS, "bands of the mel scale"),
    TW_NUMBER(twi_logmel_config, low, 0, 48000, "Hz where the bands begin"),
    TW_NUMBER(twi_logmel_config, high, 0, 48000, "Hz where the bands end"),
    TW_CHOICE(twi_logmel_config, scale, scales, "htk or slaney"),
    TW_CHOICE(twi_logmel_config, measure, measures, "magnitude or power"),
    TW_CHOICE(twi_logmel_config, log, logs, "ln or db"),
    TW_NUMBER(twi_logmel_config, floor, 1e-12, 1e3, "below it the logarithm stops"),
    TW_YES_NO(twi_logmel_config, centre, "frames lie around their place"),
    TW_WHOLE(twi_logmel_config, least_frames, 1, 10000, "shorter ones are filled with silence"),
    TW_NUMBER(twi_logmel_config, seconds, 0.1, 600, "the most that is read"),
    TW_YES_NO(twi_logmel_config, loudness, "bring all audio files to one loudness"),
};

static const tw_settings settings = {"an audio front end", list, sizeof list / sizeof list[0], NULL,
                                     0};

tw_status twi_logmel_preset(twi_logmel_config *cfg, const char *name, tw_error *err)
{
    const int i = tw_choices_find(names, name);
    if (i < 0)
        return tw_choices_refuse("audio front end", name, names, err);
    *cfg = presets[i];
    return TW_OK;
}

tw_status twi_logmel_config_check(const twi_logmel_config *cfg, tw_error *err)
{
    for (int i = 1; i < settings.n; i++) {
        const tw_status st = tw_setting_check(&list[i], cfg, err);
        if (st != TW_OK)
            return st;
    }
    if (cfg->fft % 2 != 0)
        return tw_fail(err, TW_EINVAL, "fft %d is odd", cfg->fft);
    if (cfg->window > cfg->fft)
        return tw_fail(err, TW_EINVAL, "window %d is longer than fft %d", cfg->window, cfg->fft);
    if (!(cfg->low < cfg->high) || cfg->high > cfg->rate / 2.0)
        return tw_fail(err, TW_EINVAL, "bands from %g to %g Hz do not fit a rate of %d", cfg->low,
                       cfg->high, cfg->rate);
    return TW_OK;
}

/* A preset's name holds for its own figures only. */
static bool is_preset(const twi_logmel_config *cfg)
{
    bool same = cfg->name != TWI_LOGMEL_CHANGED;
    for (int i = 1; same && i < settings.n; i++)
        same = tw_setting_get(&list[i], &presets[cfg->name]) == tw_setting_get(&list[i], cfg);
    return same;
}

static bool is_written(const tw_setting *of, const void *config)
{
    return of != &list[0] || is_preset(config);
}

tw_status twi_logmel_config_format(const twi_logmel_config *cfg, tw_text *out, tw_error *err)
{
    return tw_settings_format(&settings, cfg, is_written, out, err);
}

/* Read twice: the name, wherever it stands, says what the other figures start from. */
tw_status twi_logmel_config_parse(twi_logmel_config *cfg, const char *json, size_t len,
                                  tw_error *err)
{
    tw_status st = TW_OK;
    twi_logmel_config named = presets[TWI_LOGMEL_FSDD], read;

    TW_TRY(tw_settings_parse(&settings, &named, json, len, err));
    read = presets[named.name];
    TW_TRY(tw_settings_parse(&settings, &read, json, len, err));
    TW_TRY(twi_logmel_config_check(&read, err));
    if (!is_preset(&read))
        read.name = TWI_LOGMEL_CHANGED;
    *cfg = read;
done:
    return st;
}
