/* MP3: whole frames alone reach the decoder, which would otherwise talk on stderr. */
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "ingest/audio.h"
#include "ingest/audio_internal.h"
#include "ingest/media_features.h"
#include "tests/support/test.h"
#include "tests/unit/ingest/image_bytes.h"

static bool have_mp3(void)
{
    char features[TW_MEDIA_FEATURES_MAX];
    return strstr(tw_media_features(features), "mp3") != NULL;
}

/* A tone of so many frames, encoded. */
static blob make_mp3(int rate, int channels, int frames)
{
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = 0x230000 | 0x0082};
    const char *path = tw_test_path("made.mp3");
    SNDFILE *f = sf_open(path, SFM_WRITE, &info);
    float frame[2];
    blob b = {0};
    char *data = NULL;
    assert_non_null(f);
    for (int i = 0; i < frames; i++) {
        frame[0] = frame[1] = (float) (0.5 * sin(2 * M_PI * 440 * i / rate));
        assert_int_equal(sf_writef_float(f, frame, 1), 1);
    }
    assert_int_equal(sf_close(f), 0);
    assert_ok(tw_file_read(path, 1 << 24, &data, &b.len, err));
    b.data = malloc(b.len); /* a block of its very size, so that reading too far is seen */
    assert_non_null(b.data);
    memcpy(b.data, data, b.len);
    tw_free(data);
    return b;
}

static blob join(const void *a, size_t a_len, const void *b, size_t b_len)
{
    const blob all = {.data = malloc(a_len + b_len), .len = a_len + b_len};
    assert_non_null(all.data);
    if (a_len > 0)
        memcpy(all.data, a, a_len);
    memcpy(all.data + a_len, b, b_len);
    return all;
}

static tw_audio parse(blob b, double seconds, bool *cut)
{
    tw_audio s = {0};
    assert_ok(tw_audio_parse(&s, b.data, b.len, "made.mp3", &(tw_audio_options){.seconds = seconds},
                             cut, err));
    return s;
}

static void frames_of_every_rate_are_found(void **state)
{
    (void) state;
    static const int rates[] = {8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000};
    if (!have_mp3())
        skip();
    for (size_t i = 0; i < 2 * sizeof rates / sizeof rates[0]; i++) {
        const int rate = rates[i / 2];
        const blob b = make_mp3(rate, 1 + (int) i % 2, rate);
        bool cut = true;
        watch_stderr();
        tw_audio s = parse(b, 10, &cut);
        assert_int_equal(stderr_length(), 0);
        assert_int_equal(s.rate, rate);
        assert_false(cut);
        assert_in_range(s.frames, rate - 1152, rate + 3 * 1152);
        double power = 0;
        for (int64_t k = 0; k < s.frames; k++)
            power += (double) s.samples[k] * (double) s.samples[k];
        assert_near(power / rate, 0.125, 0.01);
        tw_free(s.samples);

        watch_stderr();
        s = parse(b, 0.5, &cut);
        assert_int_equal(stderr_length(), 0);
        assert_int_equal(s.frames, (rate + 1) / 2);
        assert_true(cut);
        tw_free(s.samples);
        free(b.data);
    }
}

static void tags_change_nothing(void **state)
{
    (void) state;
    static const unsigned char tag[] = "ID3\4\0\0\0\0\0\x05title\0\0\0", end[128] = "TAG";
    size_t start = 0;
    if (!have_mp3())
        skip();
    const blob bare = make_mp3(16000, 1, 8000);
    const blob front = join(tag, sizeof tag - 1, bare.data, bare.len);
    const blob both = join(front.data, front.len, end, sizeof end);
    assert_true(twi_mpeg_find(both.data, both.len, &start));
    assert_int_equal(start, sizeof tag - 1);
    watch_stderr();
    const tw_audio want = parse(bare, 10, NULL), got = parse(both, 10, NULL);
    assert_int_equal(stderr_length(), 0);
    assert_int_equal(got.frames, want.frames);
    assert_memory_equal(got.samples, want.samples, (size_t) want.frames * sizeof(float));
    tw_free(want.samples);
    tw_free(got.samples);

    free(both.data);
    free(front.data);
    free(bare.data);
}

/* An encoder's index is the first frame; the next one begins with the same two bytes. */
static void the_length_is_known_without_an_index(void **state)
{
    (void) state;
    if (!have_mp3())
        skip();
    const blob b = make_mp3(16000, 1, 48000);
    size_t second = 4;
    while (memcmp(b.data + second, b.data, 2) != 0)
        second++;
    const blob rest = join("", 0, b.data + second, b.len - second);
    watch_stderr();
    const tw_audio s = parse(rest, 10, NULL);
    assert_int_equal(stderr_length(), 0);
    assert_in_range(s.frames, 48000, 48000 + 1105 + 2 * 576);
    tw_free(s.samples);
    free(rest.data);
    free(b.data);
}

/* Also just before the end, where the encoder's padding lies. */
static void what_is_cut_is_as_long_as_was_asked(void **state)
{
    (void) state;
    if (!have_mp3())
        skip();
    const blob b = make_mp3(16000, 1, 16000);
    for (int tenth = 1; tenth <= 100; tenth++) {
        bool cut = false;
        const tw_audio s = parse(b, tenth / 100.0, &cut);
        assert_int_equal(s.frames, 160 * tenth);
        assert_true(cut || tenth == 100);
        tw_free(s.samples);
    }
    free(b.data);
}

static void every_cut_is_quiet(void **state)
{
    (void) state;
    if (!have_mp3())
        skip();
    const blob b = make_mp3(16000, 1, 4000);
    int read = 0;
    watch_stderr();
    for (size_t len = 1; len < b.len; len++) {
        const blob cut = join("", 0, b.data, len);
        tw_audio s;
        const tw_status st = tw_audio_parse(&s, cut.data, len, "cut.mp3",
                                            &(tw_audio_options){.seconds = 1}, NULL, NULL);
        assert_true((st == TW_OK) == (s.samples != NULL));
        read += st == TW_OK;
        tw_free(s.samples);
        free(cut.data);
    }
    assert_int_equal(stderr_length(), 0);
    assert_true(read > 0);
    free(b.data);
}

static void damage_in_the_middle_is_told_quietly(void **state)
{
    (void) state;
    if (!have_mp3())
        skip();
    const blob b = make_mp3(16000, 1, 160000);
    tw_error err = {0};
    tw_audio s;
    memset(b.data + b.len / 2, 'x', 500);
    watch_stderr();
    assert_int_equal(tw_audio_parse(&s, b.data, b.len, "bad.mp3",
                                    &(tw_audio_options){.seconds = 10}, NULL, &err),
                     TW_ECORRUPT);
    assert_non_null(strstr(err.msg, "'bad.mp3' is a damaged MP3: no frame follows at byte "));
    assert_null(s.samples);
    FILE *f = fopen(tw_test_path("bad.mp3"), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b.data, 1, b.len, f), b.len);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(
        tw_audio_load(&s, tw_test_path("bad.mp3"), &(tw_audio_options){.seconds = 10}, NULL, NULL),
        TW_ECORRUPT);
    bool cut = false; /* what is not wanted is not looked at */
    assert_int_equal(tw_audio_parse(&s, b.data, b.len, "bad.mp3",
                                    &(tw_audio_options){.seconds = 0.2}, &cut, &err),
                     TW_OK);
    assert_int_equal(s.frames, 3200);
    assert_true(cut);
    tw_free(s.samples);
    assert_int_equal(stderr_length(), 0);
    free(b.data);
}

static void what_only_begins_like_an_mp3_is_refused(void **state)
{
    (void) state;
    static const struct {
        const char *bytes;
        size_t len;
        tw_status want;
        const char *says;
    } rows[] = {
        {"\xff\xfd\x90\x00........", 12, TW_EUNSUPPORTED, "not of layer III"},
        {"\xff\xfb\x90\x00........", 12, TW_EINVAL, "holds no whole frame"},
        {"\xff\xfb\xf0\x00........", 12, TW_EINVAL, "holds no whole frame"},
        {"\xff\xfb\x90", 3, TW_EINVAL, "is no audio file that can be read"},
        {"ID3\4\0\0\0\0\0\1xy", 12, TW_EINVAL, "is no audio file that can be read"},
        {"ID3\4\0\0\0\0\0\x7fxy", 12, TW_EINVAL, "is no audio file that can be read"},
        {"\xff\xeb\x90\x00........", 12, TW_EINVAL, "holds no whole frame"},
        {"\xff\xf9\x90\x00........", 12, TW_EUNSUPPORTED, "not of layer III"},
    };
    watch_stderr();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const blob b = join("", 0, rows[i].bytes, rows[i].len);
        tw_error err = {0};
        tw_audio s;
        const tw_status st = tw_audio_parse(&s, b.data, b.len, "x.mp3",
                                            &(tw_audio_options){.seconds = 1}, NULL, &err);
        if (st != rows[i].want || strstr(err.msg, rows[i].says) == NULL)
            fail_msg("row %zu: %d '%s'", i, st, err.msg);
        free(b.data);
    }
    assert_int_equal(stderr_length(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_every_rate_are_found),
        cmocka_unit_test(tags_change_nothing),
        cmocka_unit_test(the_length_is_known_without_an_index),
        cmocka_unit_test(what_is_cut_is_as_long_as_was_asked),
        cmocka_unit_test(every_cut_is_quiet),
        cmocka_unit_test(damage_in_the_middle_is_told_quietly),
        cmocka_unit_test(what_only_begins_like_an_mp3_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
