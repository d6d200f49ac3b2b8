/* Log-mels against an independent program's numbers and against a slow transform; every audio file
 * has an answer; figures go through JSON and come back. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/support/test.h"
#include "towers/audio/audio_logmel.h"

static twi_logmel_config preset(const char *name)
{
    twi_logmel_config cfg;
    assert_ok(twi_logmel_preset(&cfg, name, err));
    return cfg;
}

static twi_logmel *make(const twi_logmel_config *cfg)
{
    twi_logmel *m = NULL;
    assert_ok(twi_logmel_create(&m, cfg, err));
    return m;
}

static float *run(const twi_logmel *m, float *samples, int64_t frames, int rate, int *n)
{
    const tw_audio s = {.rate = rate, .frames = frames, .samples = samples};
    float *rows = NULL;
    assert_ok(twi_logmel_run(m, &s, &rows, n, err));
    for (int i = 0; i < *n * twi_logmel_config_of(m)->bands; i++)
        assert_true(isfinite(rows[i]));
    return rows;
}

/* Two tones and something like noise. */
static void tones(float *x, int n, int rate)
{
    for (int i = 0; i < n; i++)
        x[i] = (float) (0.5 * sin(2 * M_PI * 440 * i / rate) +
                        0.25 * sin(2 * M_PI * 1800 * i / rate + 1) +
                        0.05 * ((double) ((long) i * 7919 % 1000) / 500 - 1));
}

/* The numbers are those of a NumPy program that follows the papers' own code: VGGish's mel
 * features, librosa's filters for PANNs. A tenth of a second. */
static void the_presets_give_the_known_numbers(void **state)
{
    (void) state;
    static const struct {
        const char *name;
        int n, frame, band;
        double want;
    } rows[] = {
        {"fsdd", 8, 0, 0, -6.718687},      {"fsdd", 8, 0, 5, -4.491213},
        {"fsdd", 8, 4, 10, 2.301932},      {"fsdd", 8, 4, 20, -3.662749},
        {"fsdd", 8, 7, 31, -3.666231},     {"fsdd", 8, 7, 39, -2.884562},
        {"vggish", 8, 0, 0, -3.759067},    {"vggish", 8, 0, 8, 4.083430},
        {"vggish", 8, 4, 16, -1.857531},   {"vggish", 8, 4, 32, -0.444750},
        {"vggish", 8, 7, 55, 0.393287},    {"vggish", 8, 7, 63, -0.219933},
        {"panns", 11, 0, 0, 7.320097},     {"panns", 11, 0, 8, 15.011289},
        {"panns", 11, 5, 16, -31.455800},  {"panns", 11, 5, 32, -37.091174},
        {"panns", 11, 10, 55, -25.601202}, {"panns", 11, 10, 63, -24.172509},
    };
    static const struct {
        const char *name;
        double mean;
    } means[] = {{"fsdd", -1.760990}, {"vggish", -0.616330}, {"panns", -21.353389}};
    float x[3200];
    for (size_t p = 0; p < 3; p++) {
        const twi_logmel_config cfg = preset(means[p].name);
        twi_logmel *m = make(&cfg);
        int n, heard = 0;
        tones(x, cfg.rate / 10, cfg.rate);
        float *got = run(m, x, cfg.rate / 10, cfg.rate, &n);
        assert_int_equal(n, cfg.least_frames);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            if (strcmp(rows[i].name, means[p].name) != 0)
                continue;
            heard = rows[i].n;
            assert_near(got[rows[i].frame * cfg.bands + rows[i].band], rows[i].want, 3e-3);
        }
        assert_int_equal(twi_logmel_count(&cfg, cfg.rate / 10), heard);
        double sum = 0;
        for (int i = 0; i < heard * cfg.bands; i++)
            sum += (double) got[i];
        assert_near(sum / (heard * cfg.bands), means[p].mean, 1e-4);
        for (int i = heard * cfg.bands; i < n * cfg.bands; i++)
            assert_near(got[i], twi_logmel_silence(&cfg), 1e-6);
        tw_free(got);
        twi_logmel_destroy(m);
    }
}

/* With rectangles for triangles out of the way: bands wide enough that their sum is known. Energy
 * in one frame by a plain transform, in double. */
static void the_spectrum_agrees_with_a_slow_transform(void **state)
{
    (void) state;
    enum { WINDOW = 20, FFT = 62, RATE = 8000 };
    twi_logmel_config cfg = {.rate = RATE,
                             .window = WINDOW,
                             .hop = 13,
                             .fft = FFT,
                             .bands = 7,
                             .low = 100,
                             .high = 4000,
                             .measure = TWI_MEL_MAGNITUDE,
                             .floor = 1e-9,
                             .least_frames = 1,
                             .seconds = 1};
    float x[200];
    tw_rng rng;
    twi_logmel *m = make(&cfg);
    int n;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < 200; i++)
        x[i] = (float) tw_rng_normal(&rng);
    float *got = run(m, x, 200, RATE, &n);
    assert_int_equal(n, 1 + (200 - WINDOW) / 13);
    for (int t = 0; t < n; t++) {
        double want[7] = {0};
        for (int k = 0; k <= FFT / 2; k++) {
            double re = 0, im = 0;
            for (int i = 0; i < WINDOW; i++) {
                const double v = x[t * 13 + i] * (0.5 - 0.5 * cos(2 * M_PI * i / WINDOW));
                re += v * cos(2 * M_PI * k * i / FFT);
                im -= v * sin(2 * M_PI * k * i / FFT);
            }
            const double low = 2595 * log10(1 + 100 / 700.0), high = 2595 * log10(1 + 4000 / 700.0);
            const double mel = 2595 * log10(1 + (double) k * RATE / FFT / 700);
            for (int b = 0; b < 7; b++)
                want[b] +=
                    hypot(re, im) *
                    fmax(0, 1 - fabs(mel - low - (b + 1) * (high - low) / 8) / (high - low) * 8);
        }
        for (int b = 0; b < 7; b++)
            assert_near(got[t * 7 + b], log(want[b] + 1e-9), 1e-4);
    }
    twi_logmel_destroy(m);

    float *other; /* in decibels, with a floor that some bands do not reach */
    int floored = 0;
    cfg.log = TWI_MEL_DB;
    cfg.floor = 5;
    m = make(&cfg);
    other = run(m, x, 200, RATE, &n);
    for (int i = 0; i < n * 7; i++) {
        floored += exp((double) got[i]) < 5;
        assert_near(other[i], 10 * log10(fmax(exp((double) got[i]), 5)), 1e-4);
    }
    assert_in_range(floored, 1, n * 7 - 1);
    tw_free(other);
    tw_free(got);
    twi_logmel_destroy(m);
}

static void every_recording_has_an_answer(void **state)
{
    (void) state;
    static const char *const names[] = {"fsdd", "vggish", "panns"};
    static const int rates[] = {1000, 8000, 11025, 44100, 192000, 768000};
    static const int lengths[] = {1, 2, 3, 159, 399, 1023, 5000};
    static float x[5000];
    for (size_t p = 0; p < 3; p++) {
        const twi_logmel_config cfg = preset(names[p]);
        twi_logmel *m = make(&cfg);
        for (size_t i = 0; i < 6 * 7 * 3; i++) {
            const int frames = lengths[i % 7], rate = rates[i / 7 % 6], kind = (int) (i / 42);
            int n;
            for (int k = 0; k < frames; k++)
                x[k] = kind == 0 ? 0 : kind == 1 ? 1 : (k % 2 == 0 ? 3e38F : -3e38F);
            float *got = run(m, x, frames, rate, &n);
            assert_true(n >= cfg.least_frames);
            for (int k = 0; kind == 0 && k < n * cfg.bands; k++)
                assert_near(got[k], twi_logmel_silence(&cfg), 1e-6);
            tw_free(got);
        }
        tw_audio bad = {.rate = 8000, .frames = 0, .samples = x};
        float *got = x;
        int n;
        assert_status(twi_logmel_run(m, &bad, &got, &n, err), TW_EINVAL);
        assert_null(got);
        bad = (tw_audio){.rate = 999, .frames = 1, .samples = x};
        assert_status(twi_logmel_run(m, &bad, &got, &n, err), TW_EINVAL);
        twi_logmel_destroy(m);
    }
}

/* A short audio is not lost: one sample of a centred window, one padded window. */
static void a_short_recording_is_read(void **state)
{
    (void) state;
    float x[10] = {0.5F, 0.5F, 0.5F, 0.5F, 0.5F, 0.5F, 0.5F, 0.5F, 0.5F, 0.5F};
    for (int centred = 0; centred < 2; centred++) {
        twi_logmel_config cfg = preset("fsdd");
        int n;
        cfg.centre = centred == 1;
        cfg.low = 0;
        twi_logmel *m = make(&cfg);
        float *got = run(m, x, 10, 8000, &n);
        assert_true(got[0] > twi_logmel_silence(&cfg) + 0.1F);
        tw_free(got);
        twi_logmel_destroy(m);
    }
}

static void what_is_longer_than_the_limit_is_left_out(void **state)
{
    (void) state;
    enum { RATE = 16000, SECONDS = 3 };
    twi_logmel_config cfg = preset("vggish");
    float *x = calloc(RATE * SECONDS, sizeof *x);
    int n, n_short;
    assert_non_null(x);
    tones(x, RATE * SECONDS, RATE);
    cfg.seconds = 1.5;
    twi_logmel *m = make(&cfg);
    float *got = run(m, x, RATE * SECONDS, RATE, &n);
    float *same = run(m, x, RATE * SECONDS / 2, RATE, &n_short);
    assert_int_equal(n, 1 + (RATE * SECONDS / 2 - 400) / 160);
    assert_int_equal(n, n_short);
    assert_memory_equal(got, same, (size_t) (n * cfg.bands) * sizeof *got);
    tw_free(got);
    tw_free(same);
    twi_logmel_destroy(m);
    free(x);
}

/* A tone at another rate is the same tone; one above the new limit is gone. */
static void another_rate_is_resampled(void **state)
{
    (void) state;
    static const int rates[] = {11025, 22050, 44100, 48000, 192000};
    static float here[16000], there[192000];
    const twi_logmel_config cfg = preset("vggish");
    twi_logmel *m = make(&cfg);
    int n, n_there;
    for (int i = 0; i < 16000; i++)
        here[i] = (float) (0.5 * sin(2 * M_PI * 1000 * i / 16000));
    float *want = run(m, here, 16000, 16000, &n);
    for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
        const double high = rates[r] > 20000 ? 9000 : 1000; /* 9 kHz would come back as 7 kHz */
        for (int i = 0; i < rates[r]; i++)
            there[i] = (float) (0.5 * sin(2 * M_PI * 1000 * i / rates[r]) +
                                (high > 1000 ? 0.5 * sin(2 * M_PI * high * i / rates[r]) : 0));
        float *got = run(m, there, rates[r], rates[r], &n_there);
        assert_in_range(n_there, n - 1, n + 1);
        for (int t = 10; t < n - 10; t++)
            for (int b = 0; b < cfg.bands; b++)
                assert_near(got[t * cfg.bands + b], want[t * cfg.bands + b], 0.1);
        tw_free(got);
    }
    tw_free(want);
    twi_logmel_destroy(m);
}

/* Ten times as loud is a hundred times the power: without loudness ln 100 more, with it the same as
 * an audio file of that loudness. Silence has none to change. */
static void loudness_can_be_taken_off(void **state)
{
    (void) state;
    twi_logmel_config cfg = preset("fsdd");
    float x[800], loud[800], silence[800] = {0};
    double square = 0;
    int n;
    cfg.floor = 1e-9;
    tones(x, 800, cfg.rate);
    for (int i = 0; i < 800; i++)
        square += (double) x[i] * (double) x[i];
    for (int i = 0; i < 800; i++) { /* root mean square 0.1 and 1 */
        x[i] *= (float) (0.1 / sqrt(square / 800));
        loud[i] = 10 * x[i];
    }
    twi_logmel *kept = make(&cfg);
    cfg.loudness = true;
    twi_logmel *taken = make(&cfg);
    float *a = run(kept, x, 800, cfg.rate, &n), *b = run(kept, loud, 800, cfg.rate, &n);
    float *c = run(taken, loud, 800, cfg.rate, &n), *d = run(taken, silence, 800, cfg.rate, &n);
    for (int i = 0; i < 8 * cfg.bands; i++) {
        assert_near(b[i] - a[i], log(100), 1e-3);
        assert_near(c[i], a[i], 1e-3);
        assert_near(d[i], twi_logmel_silence(&cfg), 1e-6);
    }
    tw_free(a);
    tw_free(b);
    tw_free(c);
    tw_free(d);
    twi_logmel_destroy(kept);
    twi_logmel_destroy(taken);
}

static void figures_go_through_json_and_come_back(void **state)
{
    (void) state;
    static const char *const names[] = {"fsdd", "vggish", "panns"};
    tw_text text;
    tw_text_init(&text, 4096);
    for (int i = 0; i < 6; i++) {
        twi_logmel_config cfg = preset(names[i / 2]), again = {0};
        if (i % 2 == 1) {
            cfg.floor = 0.1 / 3;
            cfg.name = TWI_LOGMEL_CHANGED;
        }
        tw_text_clear(&text);
        assert_ok(twi_logmel_config_format(&cfg, &text, err));
        assert_true((strstr(text.data, "\"name\"") != NULL) == (i % 2 == 0));
        assert_ok(twi_logmel_config_parse(&again, text.data, text.len, err));
        assert_memory_equal(&again, &cfg, sizeof cfg);
    }
    tw_text_fini(&text);
}

static void json_starts_from_a_preset(void **state)
{
    (void) state;
    static const struct {
        const char *json, *says;
    } bad[] = {
        {"[]", "the settings of an audio front end must be a JSON object"},
        {"{", "the settings of an audio front end, line 1, column 1: it ends too early"},
        {"{\"bands\": 40, \"bands\": 41}", "line 1, column 21: a name stands twice"},
        {"{\"name\": \"mfcc\"}", "name is 'mfcc'; give fsdd, vggish or panns"},
        {"{\"name\": 1}", "name must be a string (fsdd, vggish or panns"},
        {"{\"bands\": 3}", "bands 3 is outside 4..256"},
        {"{\"bands\": 40.5}", "bands 40.5 is not a whole number"},
        {"{\"scale\": \"bark\"}", "scale is 'bark'; give htk or slaney"},
        {"{\"scale\": 1}", "scale must be a string (htk or slaney)"},
        {"{\"centre\": 1}", "centre must be true or false"},
        {"{\"width\": 1}", "an audio front end has no setting 'width'"},
        {"{\"fft\": 257}", "fft 257 is odd"},
        {"{\"fft\": 128}", "window 200 is longer than fft 128"},
        {"{\"high\": 4001}", "do not fit a rate of 8000"},
        {"{\"low\": 3800}", "do not fit a rate of 8000"},
    };
    twi_logmel_config cfg = preset("panns");
    const twi_logmel_config before = cfg;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tw_error err = {0};
        assert_int_equal(twi_logmel_config_parse(&cfg, bad[i].json, strlen(bad[i].json), &err),
                         TW_EINVAL);
        if (strstr(err.msg, bad[i].says) == NULL)
            fail_msg("%s: '%s'", bad[i].json, err.msg);
        assert_memory_equal(&cfg, &before, sizeof cfg);
    }
    static const char json[] = "{\"name\": \"vggish\", \"bands\": 32, \"log\": \"db\"}";
    assert_ok(twi_logmel_config_parse(&cfg, json, sizeof json - 1, err));
    assert_int_equal(cfg.rate, 16000);
    assert_int_equal(cfg.bands, 32);
    assert_int_equal(cfg.log, TWI_MEL_DB);
    assert_int_equal(cfg.name, TWI_LOGMEL_CHANGED); /* no longer vggish */

    twi_logmel *m = NULL;
    cfg.hop = 0;
    assert_status(twi_logmel_create(&m, &cfg, err), TW_EINVAL);
    assert_null(m);
    cfg.hop = 1;
    cfg.floor = NAN;
    assert_status(twi_logmel_create(&m, &cfg, err), TW_EINVAL);
}

static void *make_and_run(void *arg)
{
    float x[800], **out = arg;
    const twi_logmel_config cfg = preset("fsdd");
    int n;
    tones(x, 800, 8000);
    for (int i = 0; i < 20; i++) {
        twi_logmel *m = make(&cfg);
        tw_free(*out);
        *out = run(m, x, 800, 8000, &n);
        twi_logmel_destroy(m);
    }
    return NULL;
}

static void threads_plan_and_run_at_once(void **state)
{
    (void) state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    float *out[THREADS] = {NULL};
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_and_run, &out[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_memory_equal(out[i], out[0], 64 * 40 * sizeof(float));
        if (i > 0)
            tw_free(out[i]);
    }
    tw_free(out[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_presets_give_the_known_numbers),
        cmocka_unit_test(the_spectrum_agrees_with_a_slow_transform),
        cmocka_unit_test(every_recording_has_an_answer),
        cmocka_unit_test(a_short_recording_is_read),
        cmocka_unit_test(what_is_longer_than_the_limit_is_left_out),
        cmocka_unit_test(another_rate_is_resampled),
        cmocka_unit_test(loudness_can_be_taken_off),
        cmocka_unit_test(figures_go_through_json_and_come_back),
        cmocka_unit_test(json_starts_from_a_preset),
        cmocka_unit_test(threads_plan_and_run_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
