/* What training does to log-mels. */
#include <math.h>
#include <string.h>

#include "tests/support/test.h"
#include "towers/audio/audio_logmel.h"

enum { N = 30, B = 40 };

static twi_logmel_config cfg;

static int set_up(void **state)
{
    (void) state;
    return twi_logmel_preset(&cfg, "fsdd", NULL) == TW_OK ? 0 : -1;
}

static void fill(float *x, tw_rng *rng)
{
    for (int i = 0; i < N * B; i++)
        x[i] = (float) tw_rng_normal(rng);
}

static void nothing_drawn_changes_nothing(void **state)
{
    (void) state;
    float in[N * B], out[N * B];
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    fill(in, &rng);
    twi_logmel_augment(out, in, N, &cfg, &(twi_audio_jitter){0}, &rng);
    assert_memory_equal(out, in, sizeof in);
}

static void it_depends_on_the_generator_alone(void **state)
{
    (void) state;
    float in[N * B], a[N * B], b[N * B], c[N * B];
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    fill(in, &rng);
    tw_rng_seed(&rng, 5);
    twi_logmel_augment(a, in, N, &cfg, &TWI_JITTER_AUDIO, &rng);
    twi_logmel_augment(b, in, N, &cfg, &TWI_JITTER_AUDIO, &rng);
    tw_rng_seed(&rng, 5);
    twi_logmel_augment(c, in, N, &cfg, &TWI_JITTER_AUDIO, &rng);
    assert_memory_equal(a, c, sizeof a);
    assert_memory_not_equal(a, b, sizeof a);
}

/* Mel power x = 2, and silence: gain g in dB makes x 2 * 10^(g/10), and leaves silence. */
static void gain_is_that_of_the_recording(void **state)
{
    (void) state;
    float in[N * B], out[N * B];
    const twi_audio_jitter j = {.gain = 6};
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int form = 0; form < 4; form++) {
        double loudest = -100, softest = 100;
        cfg.log = form >= 2 ? TWI_MEL_DB : TWI_MEL_LN;
        cfg.measure = form % 2 == 1 ? TWI_MEL_MAGNITUDE : TWI_MEL_POWER;
        for (int i = 0; i < N * B; i++)
            in[i] = i % 2 == 0              ? (float) twi_logmel_silence(&cfg)
                    : cfg.log == TWI_MEL_DB ? (float) (10 * log10(2))
                                            : (float) log(2 + cfg.floor);
        for (int round = 0; round < 200; round++) {
            twi_logmel_augment(out, in, N, &cfg, &j, &rng);
            const double x = cfg.log == TWI_MEL_DB ? pow(10, (double) out[1] / 10)
                                                   : exp((double) out[1]) - cfg.floor;
            const double dB = (cfg.measure == TWI_MEL_POWER ? 10 : 20) * log10(x / 2);
            loudest = fmax(loudest, dB);
            softest = fmin(softest, dB);
            assert_true(out[0] >= twi_logmel_silence(&cfg) - 1e-5F);
            if (cfg.log == TWI_MEL_LN)
                assert_near(out[0], twi_logmel_silence(&cfg), 1e-4);
        }
        assert_in_range((int) (100 * loudest), 560, 601);
        assert_in_range((int) (-100 * softest), 560, 601);
    }
    (void) set_up(state);
}

/* One loud frame, one loud band: where they go. */
static void the_recording_moves_within_its_figures(void **state)
{
    (void) state;
    float in[N * B], out[N * B];
    const twi_audio_jitter shift = {.shift = 0.2}, stretch = {.stretch = 0.5}, warp = {.warp = 0.5};
    double earliest = N, latest = 0, fastest = N, slowest = 0, lowest = B, highest = 0;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    const float silence = twi_logmel_silence(&cfg);
    for (int round = 0; round < 400; round++) {
        for (int what = 0; what < 3; what++) {
            const twi_audio_jitter *j = what == 0 ? &shift : what == 1 ? &stretch : &warp;
            double sum = 0, at = 0;
            for (int i = 0; i < N * B; i++)
                in[i] = (what == 2 ? i % B == 20 : i / B == (what == 1 ? 10 : 15)) ? silence + 9
                                                                                   : silence;
            twi_logmel_augment(out, in, N, &cfg, j, &rng);
            for (int i = 0; i < N * B; i++) {
                sum += (double) (out[i] - silence);
                at += (double) (out[i] - silence) * (what == 2 ? i % B : i / B);
            }
            if (what == 0) {
                earliest = fmin(earliest, at / sum);
                latest = fmax(latest, at / sum);
            } else if (what == 1 && sum > 0) {
                fastest = fmin(fastest, at / sum);
                slowest = fmax(slowest, at / sum);
            } else if (what == 2) {
                lowest = fmin(lowest, at / sum);
                highest = fmax(highest, at / sum);
            }
        }
    }
    assert_in_range((int) (10 * earliest), 90, 95); /* 15 - 0.2 * 30 */
    assert_in_range((int) (10 * latest), 205, 210);
    assert_in_range((int) (10 * fastest), 70, 82);   /* 15 - 5 * 1.5 = 7.5 */
    assert_in_range((int) (10 * slowest), 112, 122); /* 15 - 5 / 1.5 = 11.7 */
    assert_in_range((int) (10 * lowest), 130, 138);  /* 20 / 1.5 */
    assert_in_range((int) (10 * highest), 290, 302); /* 20 * 1.5 */
}

static void masks_are_blocks_of_the_mean(void **state)
{
    (void) state;
    float in[N * B], out[N * B];
    const twi_audio_jitter j = {.time_masks = 1, .time_width = 7, .band_masks = 1, .band_width = 5};
    double mean = 0;
    int widest = 0, tallest = 0, none = 0;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    fill(in, &rng);
    for (int i = 0; i < N * B; i++)
        mean += (double) in[i] / (N * B);
    for (int round = 0; round < 300; round++) {
        int frames = 0, bands = 0, changed = 0;
        twi_logmel_augment(out, in, N, &cfg, &j, &rng);
        for (int i = 0; i < N * B; i++) {
            if (out[i] == in[i])
                continue;
            assert_near(out[i], mean, 1e-5);
            changed++;
        }
        for (int t = 0; t < N; t++) {
            int masked = 1;
            for (int b = 0; b < B; b++)
                masked &= out[t * B + b] != in[t * B + b];
            frames += masked;
        }
        for (int b = 0; b < B; b++) {
            int masked = 1;
            for (int t = 0; t < N; t++)
                masked &= out[t * B + b] != in[t * B + b];
            bands += masked;
        }
        assert_int_equal(changed, frames * B + bands * N - frames * bands);
        widest = frames > widest ? frames : widest;
        tallest = bands > tallest ? bands : tallest;
        none += changed == 0;
    }
    assert_int_equal(widest, 7);
    assert_int_equal(tallest, 5);
    assert_true(none > 0);
    const twi_audio_jitter wide = {.time_masks = 1,
                                   .time_width = 1000}; /* never beyond the audio */
    for (int round = 0; round < 100; round++)
        twi_logmel_augment(out, in, 1 + round % 3, &cfg, &wide, &rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_drawn_changes_nothing),
        cmocka_unit_test(it_depends_on_the_generator_alone),
        cmocka_unit_test(gain_is_that_of_the_recording),
        cmocka_unit_test(the_recording_moves_within_its_figures),
        cmocka_unit_test(masks_are_blocks_of_the_mean),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
