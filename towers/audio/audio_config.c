/* The figures of a front end: presets, and one list of ranges for checks and JSON. */
#include <jansson.h>
#include <stddef.h>
#include <string.h>

#include "towers/audio/audio_logmel.h"

static const twi_logmel_config presets[] = {
    {.name = "fsdd",
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
    {.name = "vggish",
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
    {.name = "panns",
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

typedef enum kind { INT, REAL, BOOL, WORD } kind;

/* Words stand for their place in the list. */
static const struct figure {
    const char *key;
    kind kind;
    size_t offset;
    double least, most;
    const char *words[2];
} figures[] = {
#define AT(field)      #field, INT, offsetof(twi_logmel_config, field)
#define REAL_AT(field) #field, REAL, offsetof(twi_logmel_config, field)
#define WORD_AT(field) #field, WORD, offsetof(twi_logmel_config, field)
    {AT(rate), 4000, 96000, {NULL}},
    {AT(window), 8, TWI_LOGMEL_MAX_FFT, {NULL}},
    {AT(hop), 1, TWI_LOGMEL_MAX_FFT, {NULL}},
    {AT(fft), 16, TWI_LOGMEL_MAX_FFT, {NULL}},
    {AT(bands), 4, TWI_LOGMEL_MAX_BANDS, {NULL}},
    {REAL_AT(low), 0, 48000, {NULL}},
    {REAL_AT(high), 0, 48000, {NULL}},
    {WORD_AT(scale), TWI_MEL_HTK, TWI_MEL_SLANEY, {"htk", "slaney"}},
    {WORD_AT(measure), TWI_MEL_MAGNITUDE, TWI_MEL_POWER, {"magnitude", "power"}},
    {WORD_AT(log), TWI_MEL_LN, TWI_MEL_DB, {"ln", "db"}},
    {REAL_AT(floor), 1e-12, 1e3, {NULL}},
    {"centre", BOOL, offsetof(twi_logmel_config, centre), 0, 1, {NULL}},
    {AT(least_frames), 1, 10000, {NULL}},
    {REAL_AT(seconds), 0.1, 600, {NULL}},
    {"loudness", BOOL, offsetof(twi_logmel_config, loudness), 0, 1, {NULL}},
#undef WORD_AT
#undef REAL_AT
#undef AT
};

enum { FIGURES = sizeof figures / sizeof figures[0] };

static double get(const twi_logmel_config *cfg, const struct figure *f)
{
    const char *at = (const char *) cfg + f->offset;
    double real;
    int whole;
    bool flag;
    switch (f->kind) {
    case REAL: memcpy(&real, at, sizeof real); return real;
    case BOOL: memcpy(&flag, at, sizeof flag); return flag;
    default: memcpy(&whole, at, sizeof whole); return whole;
    }
}

static void put(twi_logmel_config *cfg, const struct figure *f, double value)
{
    char *at = (char *) cfg + f->offset;
    const int whole = f->kind == REAL ? 0 : (int) value;
    const bool flag = whole != 0;
    if (f->kind == REAL)
        memcpy(at, &value, sizeof value);
    else if (f->kind == BOOL)
        memcpy(at, &flag, sizeof flag);
    else
        memcpy(at, &whole, sizeof whole);
}

tw_status twi_logmel_preset(twi_logmel_config *cfg, const char *name, tw_error *err)
{
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++) {
        if (strcmp(name, presets[i].name) == 0) {
            *cfg = presets[i];
            return TW_OK;
        }
    }
    return tw_fail(err, TW_EINVAL,
                   "there is no audio file front end '%.40s', but fsdd, vggish, panns", name);
}

static tw_status check_range(const struct figure *f, double value, tw_error *err)
{
    if (value >= f->least && value <= f->most) /* NaN fails */
        return TW_OK;
    return tw_fail(err, TW_EINVAL, "%s %g is outside %g..%g", f->key, value, f->least, f->most);
}

tw_status twi_logmel_config_check(const twi_logmel_config *cfg, tw_error *err)
{
    for (int i = 0; i < FIGURES; i++) {
        const tw_status st = check_range(&figures[i], get(cfg, &figures[i]), err);
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
    twi_logmel_config preset;
    bool same = twi_logmel_preset(&preset, cfg->name, NULL) == TW_OK;
    for (int i = 0; same && i < FIGURES; i++)
        same = get(&preset, &figures[i]) == get(cfg, &figures[i]);
    return same;
}

tw_status twi_logmel_config_format(const twi_logmel_config *cfg, tw_text *out, tw_error *err)
{
    tw_status st = TW_OK;
    const char *between = "{";

    if (is_preset(cfg)) {
        TW_TRY(tw_text_addf(out, err, "{\"name\": \"%s\"", cfg->name));
        between = ", ";
    }
    for (int i = 0; i < FIGURES; i++, between = ", ") {
        const struct figure *f = &figures[i];
        const double value = get(cfg, f);
        TW_TRY(tw_text_addf(out, err, "%s\"%s\": ", between, f->key));
        if (f->kind == WORD)
            TW_TRY(tw_text_addf(out, err, "\"%s\"", f->words[value > 0]));
        else if (f->kind == BOOL)
            TW_TRY(tw_text_adds(out, value > 0 ? "true" : "false", err));
        else
            TW_TRY(tw_text_addf(out, err, "%.17g", value));
    }
    TW_TRY(tw_text_adds(out, "}", err));
done:
    return st;
}

static tw_status set(twi_logmel_config *cfg, const struct figure *f, const json_t *v, tw_error *err)
{
    double value = json_is_true(v) ? 1 : json_number_value(v);
    bool fits = f->kind == BOOL  ? json_is_boolean(v)
                : f->kind == INT ? json_is_integer(v)
                                 : json_is_number(v);
    for (int i = 0; f->kind == WORD && json_is_string(v) && i < 2; i++) {
        if (strcmp(json_string_value(v), f->words[i]) == 0) {
            value = i;
            fits = true;
        }
    }
    if (f->kind == WORD && !(fits && json_is_string(v)))
        return tw_fail(err, TW_EINVAL, "%s is %s or %s", f->key, f->words[0], f->words[1]);
    if (!fits)
        return tw_fail(err, TW_EINVAL, "%s has the wrong type", f->key);
    const tw_status st = check_range(f, value, err);
    if (st == TW_OK)
        put(cfg, f, value);
    return st;
}

static tw_status set_named(twi_logmel_config *cfg, const char *key, const json_t *v, tw_error *err)
{
    if (strcmp(key, "name") == 0)
        return TW_OK; /* it was the start */
    for (int i = 0; i < FIGURES; i++) {
        if (strcmp(key, figures[i].key) == 0)
            return set(cfg, &figures[i], v, err);
    }
    return tw_fail(err, TW_EINVAL, "an audio file front end has no figure '%.40s'", key);
}

tw_status twi_logmel_config_parse(twi_logmel_config *cfg, const char *json, size_t len,
                                  tw_error *err)
{
    tw_status st = TW_OK;
    twi_logmel_config read = {0};
    json_error_t why;
    json_t *value, *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
    const char *key;

    if (!json_is_object(root)) {
        st = tw_fail(err, TW_EINVAL, "an audio file front end is a JSON object%s%s",
                     root == NULL ? ": " : "", root == NULL ? why.text : "");
        goto done;
    }
    const json_t *name = json_object_get(root, "name");
    if (name != NULL && !json_is_string(name)) {
        st = tw_fail(err, TW_EINVAL, "name has the wrong type");
        goto done;
    }
    TW_TRY(twi_logmel_preset(&read, name != NULL ? json_string_value(name) : "fsdd", err));
    json_object_foreach(root, key, value) TW_TRY(set_named(&read, key, value, err));
    TW_TRY(twi_logmel_config_check(&read, err));
    if (!is_preset(&read))
        memset(read.name, 0, sizeof read.name);
    *cfg = read;
done:
    json_decref(root);
    return st;
}
