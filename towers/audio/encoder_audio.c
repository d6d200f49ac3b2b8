/* Audio files as an encoder: a log-mel by a front end that is stored with the tower,
 * then the convolutional net.
 *
 * Sample: int32 frames, int32 bands, then float (frames, bands) as the front end
 * made them. Training disturbs them anew in every step.
 *
 *   sound.conv0.w ...   the net's weights
 *   sound.level (2)     F32; the net reads level[0] * value + level[1]
 *   twindex.sound       metadata: the front end as JSON
 *
 * These names stand in files and cannot change. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "towers/audio/audio_cnn.h"
#include "towers/audio/audio_logmel.h"
#include "towers/audio/encoder_audio.h"
#include "towers/encoder.h"

#define FRONT_KEY "twindex.sound"
#define MAX_FRONT 4096 /* bytes of its JSON */

enum { BANDS_LEAST = 8, BANDS_MOST = 256 }; /* what the net takes */
enum { LONGEST_TOGETHER = 1 << 16, TOGETHER_BYTES = 1 << 17 };

typedef struct audio {
    twi_encoder base;
    twi_logmel *front;
    twi_audio_cnn net;
    float level[2]; /* the net reads level[0] * value + level[1] */
} audio;

typedef struct header {
    int32_t frames, bands;
} header;

static void set_level(audio *s, float scale, float shift)
{
    s->level[0] = scale;
    s->level[1] = shift;
    s->net.cfg.scale = (double) scale;
    s->net.cfg.shift = (double) shift;
}

static void destroy(twi_encoder *e)
{
    audio *s = (audio *) e;
    twi_logmel_destroy(s->front);
    tw_free(s);
}

static void init(twi_encoder *e, tw_rng *rng) { twi_audio_init(&((audio *) e)->net, rng); }

/* ---- preparing ------------------------------------------------------------------------------- */

/* An audio file that has no log-mel is no audio file: the item then lacks it. */
static tw_status prepare(const twi_encoder *e, void *reader, const tw_tower_item *item,
                         twi_bytes *out, tw_error *err)
{
    const audio *s = (const audio *) e;
    const int bands = s->net.cfg.bands;
    float *rows = NULL;
    int frames;
    (void) reader;
    if (item->audio == NULL)
        return TW_OK;
    tw_status st = twi_logmel_run(s->front, item->audio, &rows, &frames, err);
    if (st != TW_OK)
        return st == TW_EINVAL ? TW_OK : st;
    const size_t bytes = (size_t) frames * (size_t) bands * sizeof *rows;
    unsigned char *at = twi_bytes_more(out, sizeof(header) + bytes);
    if (at != NULL) {
        const header h = {frames, bands};
        memcpy(at, &h, sizeof h);
        memcpy(at + sizeof h, rows, bytes);
    } else {
        st = tw_fail(err, TW_ENOMEM, "a log-mel of %d frames", frames);
    }
    tw_free(rows);
    return st;
}

static const float *rows_of(twi_sample s, int *frames)
{
    *frames = ((const header *) (const void *) s.data)->frames;
    return (const float *) (const void *) (s.data + sizeof(header));
}

/* ---- fitting --------------------------------------------------------------------------------- */

/* The net reads numbers of mean 0 and deviation 1 over all frames and bands. */
static tw_status fit(twi_encoder *e, const twi_sample *samples, int64_t n, tw_error *err)
{
    audio *s = (audio *) e;
    double count = 0, sum = 0, square = 0;
    (void) err;

    for (int64_t i = 0; i < n; i++) {
        int frames = 0;
        const float *x = samples[i].len > 0 ? rows_of(samples[i], &frames) : NULL;
        const size_t all = (size_t) frames * (size_t) s->net.cfg.bands;
        for (size_t k = 0; k < all; k++) {
            sum += (double) x[k];
            square += (double) x[k] * (double) x[k];
        }
        count += (double) all;
    }
    if (count == 0)
        return TW_OK;
    const double mean = sum / count, variance = square / count - mean * mean;
    const double scale = variance > 1e-6 ? 1 / sqrt(variance) : 1;
    set_level(s, (float) scale, (float) (-mean * scale));
    return TW_OK;
}

static void copy_fit(twi_encoder *to, const twi_encoder *from)
{
    const audio *s = (const audio *) from;
    set_level((audio *) to, s->level[0], s->level[1]);
}

/* ---- forward --------------------------------------------------------------------------------- */

/* What is done to audio files, at a strength: 0 leaves them as they are. */
static twi_audio_jitter jitter_of(double strength)
{
    twi_audio_jitter j = TWI_JITTER_AUDIO;
#define AT_MOST(x, most) ((x) < (most) ? (x) : (most))
    j.gain = AT_MOST(j.gain * strength, 40);
    j.shift = AT_MOST(j.shift * strength, 1);
    j.stretch = AT_MOST(j.stretch * strength, 1);
    j.warp = AT_MOST(j.warp * strength, 1);
    j.time_width = (int) (j.time_width * strength + 0.5);
    j.band_width = (int) (j.band_width * strength + 0.5);
#undef AT_MOST
    return j;
}

/* The rows of n samples disturbed, one sample behind the other. */
static bool disturb(const audio *s, tw_tape *tape, const float **rows, const int32_t *frames, int n,
                    double strength)
{
    const twi_logmel_config *front = twi_logmel_config_of(s->front);
    const twi_audio_jitter jitter = jitter_of(strength);
    const size_t bands = (size_t) front->bands;
    size_t all = 0;

    for (int i = 0; i < n; i++)
        all += (size_t) frames[i];
    float *room = tw_tape_take(tape, all * bands, sizeof *room);
    for (int i = 0; i < n && room != NULL; i++) {
        twi_logmel_augment(room, rows[i], frames[i], front, &jitter, tw_tape_rng(tape));
        rows[i] = room;
        room += (size_t) frames[i] * bands;
    }
    return room != NULL;
}

static tw_tensor *forward(const twi_encoder *e, tw_tape *tape, const twi_sample *samples, int n,
                          const twi_augment *augment)
{
    const audio *s = (const audio *) e;
    const float **rows = tw_tape_take(tape, (size_t) n, sizeof *rows);
    int32_t *frames = tw_tape_take(tape, (size_t) n, sizeof *frames);

    if (rows == NULL || frames == NULL)
        return NULL;
    for (int i = 0; i < n; i++)
        rows[i] = rows_of(samples[i], &frames[i]);
    if (augment != NULL && augment->strength > 0 &&
        !disturb(s, tape, rows, frames, n, augment->strength))
        return NULL;
    return twi_audio_forward(&s->net, tape, rows, frames, n);
}

/* ---- the file -------------------------------------------------------------------------------- */

static tw_status save(const twi_encoder *e, tw_st_writer *w, tw_error *err)
{
    const audio *s = (const audio *) e;
    tw_status st = TW_OK;
    tw_text json;

    tw_text_init(&json, MAX_FRONT);
    TW_TRY(twi_logmel_config_format(twi_logmel_config_of(s->front), &json, err));
    TW_TRY(tw_st_add_meta(w, FRONT_KEY, tw_text_cstr(&json), err));
    TW_TRY(tw_st_add(w, "sound.level", TW_F32, 2, 0, s->level, err));
done:
    tw_text_fini(&json);
    return st;
}

static tw_status load_level(audio *s, const tw_st_file *f, tw_error *err)
{
    tw_st_tensor t;
    const tw_status st = tw_st_find(f, "sound.level", TW_F32, &t, err);
    if (st != TW_OK)
        return st;
    if (t.rows != 2 || t.cols != 0)
        return tw_fail(err, TW_ECORRUPT, "'sound.level' is %lld by %lld, expected 2",
                       (long long) t.rows, (long long) t.cols);
    float level[2];
    memcpy(level, t.data, sizeof level);
    if (!isfinite(level[0]) || !isfinite(level[1]))
        return tw_fail(err, TW_ECORRUPT, "'sound.level' holds a number that is not finite");
    set_level(s, level[0], level[1]);
    return TW_OK;
}

/* The front end is the file's, whatever this version would make of the tower's settings. */
static tw_status load_front(audio *s, const tw_st_file *f, tw_error *err)
{
    tw_error why = {0};
    twi_logmel_config cfg;
    twi_logmel *front = NULL;
    const char *json = tw_st_meta(f, FRONT_KEY);

    if (json == NULL)
        return tw_fail(err, TW_ECORRUPT, "the tower file lacks '" FRONT_KEY "'");
    tw_status st = twi_logmel_config_parse(&cfg, json, strlen(json), &why);
    if (st == TW_OK && (cfg.bands < BANDS_LEAST || cfg.bands > BANDS_MOST))
        st = tw_fail(&why, TW_EINVAL, "%d bands are outside %d..%d", cfg.bands, BANDS_LEAST,
                     BANDS_MOST);
    if (st == TW_OK)
        st = twi_logmel_create(&front, &cfg, &why);
    if (st != TW_OK)
        return tw_fail(err, st == TW_EINVAL ? TW_ECORRUPT : st,
                       "the tower's audio front end: %.300s", why.msg);
    twi_logmel_destroy(s->front);
    s->front = front;
    s->net.cfg.bands = cfg.bands;
    return TW_OK;
}

static tw_status load(twi_encoder *e, const tw_st_file *f, tw_error *err)
{
    const tw_status st = load_front((audio *) e, f, err);
    return st == TW_OK ? load_level((audio *) e, f, err) : st;
}

/* ---- making ---------------------------------------------------------------------------------- */

static const twi_encoder_class class = {
    .name = "cnn",
    .destroy = destroy,
    .init = init,
    .prepare = prepare,
    .fit = fit,
    .copy_fit = copy_fit,
    .forward = forward,
    .save = save,
    .load = load,
};

/* Short audio files are embedded some at a time, which gains 1.2 times (1 s of speech); long ones
 * have enough to do alone, and hundreds of them would be prepared before. */
static int chunk_of(const twi_logmel_config *front)
{
    const double frames = front->seconds * front->rate / front->hop;
    const double bytes = frames * front->bands * (double) sizeof(float);
    return bytes <= LONGEST_TOGETHER ? TOGETHER_BYTES : 0;
}

tw_status twi_audio_create(twi_encoder **out, const tw_tower_config *cfg, tw_params *ps,
                           tw_error *err)
{
    static const char *const presets[] = {"fsdd", "vggish", "panns"};
    tw_status st = TW_OK;
    twi_logmel_config front;
    audio *s = tw_alloc(1, sizeof *s);

    *out = NULL;
    if (s == NULL)
        return tw_fail(err, TW_ENOMEM, "audio encoder");
    TW_TRY(twi_logmel_preset(&front, presets[cfg->audio_front], err));
    front.seconds = cfg->audio_seconds;
    front.loudness = cfg->audio_loudness;
    TW_TRY(twi_logmel_create(&s->front, &front, err));
    const twi_audio_config net = {
        .bands = front.bands, .blocks = cfg->audio_depth, .width = cfg->audio_width, .scale = 1};
    TW_TRY(twi_audio_cnn_create(&s->net, &net, ps, "sound.", err));
    set_level(s, 1, 0);
    s->base = (twi_encoder){
        .class = &class, .width = twi_audio_width(&s->net), .chunk = chunk_of(&front)};
    *out = &s->base;
    s = NULL;
done:
    if (s != NULL)
        destroy(&s->base);
    return st;
}
