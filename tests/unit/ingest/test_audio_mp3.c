/* MP3: whole frames alone reach the decoder, which would otherwise talk on stderr. */
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "ingest/audio.h"
#include "ingest/media/audio_internal.h"
#include "ingest/media/media_features.h"
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
    const blob front = joined(tag, sizeof tag - 1, bare.data, bare.len);
    const blob both = joined(front.data, front.len, end, sizeof end);
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
    const blob rest = joined("", 0, b.data + second, b.len - second);
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
        const blob cut = joined("", 0, b.data, len);
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

/* Each second of the made file is louder than the one before, so that what is where shows. */
enum { RATE = 16000, SECONDS = 10, PAD = 2 * 576 + 1105 /* what an encoder adds at both ends */ };

static blob make_stairs(void)
{
    SF_INFO info = {.samplerate = RATE, .channels = 1, .format = 0x230000 | 0x0082};
    const char *path = tw_test_path("stairs.mp3");
    SNDFILE *f = sf_open(path, SFM_WRITE, &info);
    blob b = {0};
    char *data = NULL;
    assert_non_null(f);
    for (int i = 0; i < RATE * SECONDS; i++) {
        const float s = (float) (0.09 * (1 + i / RATE) * sin(2 * M_PI * 440 * i / RATE));
        assert_int_equal(sf_writef_float(f, &s, 1), 1);
    }
    assert_int_equal(sf_close(f), 0);
    assert_ok(tw_file_read(path, 1 << 24, &data, &b.len, err));
    b.data = malloc(b.len);
    assert_non_null(b.data);
    memcpy(b.data, data, b.len);
    tw_free(data);
    return b;
}

static double loudness(const tw_audio *s, int second)
{
    double power = 0;
    for (int i = RATE / 4; i < RATE * 3 / 4; i++)
        power += pow((double) s->samples[second * RATE + i], 2);
    return sqrt(2 * power / (RATE / 2));
}

static blob inserted(blob b, size_t at, const void *what, size_t len)
{
    const blob head = joined(b.data, at, what, len);
    const blob all = joined(head.data, head.len, b.data + at, b.len - at);
    free(head.data);
    return all;
}

static size_t frame_from(blob b, size_t at)
{
    while (b.data[at] != b.data[0] || b.data[at + 1] != b.data[1] ||
           (b.data[at + 2] & 0x0c) != (b.data[2] & 0x0c))
        at++;
    return at;
}

/* What is odd about a file, and whether its audio is as long as it was, to some frames. */
static void damage_is_read_over_and_time_kept(void **state)
{
    (void) state;
    enum {
        ZEROS,
        RUBBISH,
        INSERTED,
        TAG_INSIDE,
        LEADING,
        LEADING_SYNCS,
        TEXT_BEFORE,
        LARGE_TAG,
        LONG_TAG,
        SHORT_TAG,
        APE_BEHIND,
        LYRICS_BEHIND,
        TAIL_OF_ZEROS,
        IN_RIFF,
        NO_INDEX,
        FORMS
    };
    if (!have_mp3())
        skip();
    const blob b = make_stairs();
    static unsigned char bulk[200000];
    for (size_t form = 0; form < FORMS; form++) {
        blob bad = joined(b.data, b.len, "", 0);
        const size_t middle = frame_from(b, b.len / 2);
        const blob old = bad;
        memset(bulk, 0, sizeof bulk);
        switch (form) {
        case ZEROS: memset(bad.data + b.len / 2, 0, 700); break;
        case RUBBISH: memset(bad.data + b.len / 2, 'x', 700); break;
        case INSERTED:
            bad = inserted(b, middle, "--boundary\r\nContent-Type: x\r\n\r\n", 32);
            break;
        case TAG_INSIDE:
            memcpy(bulk, "ID3\4\0\0\0\0\x27\x08", 10); /* 5000 bytes */
            bad = inserted(b, middle, bulk, 5010);
            break;
        case LEADING: bad = inserted(b, 0, bulk, 3000); break;
        case LEADING_SYNCS: /* each looks like a header of another rate */
            for (int i = 0; i < 4000; i += 4)
                memcpy(bulk + i, i % 8 == 0 ? "\xff\xfb\x90\x00" : "\xff\xff\xff\xff", 4);
            bad = inserted(b, 0, bulk, 4000);
            break;
        case TEXT_BEFORE: bad = inserted(b, 0, "HTTP/1.1 200 OK\r\n\r\n", 19); break;
        case LARGE_TAG:
            memcpy(bulk, "ID3\3\0\0\0\x0c\x1a\x36", 10); /* 200,000 - 10 */
            bad = inserted(b, 0, bulk, sizeof bulk);
            break;
        case LONG_TAG: /* says that it goes on to behind the file */
            memcpy(bulk, "ID3\3\0\0\x7f\x7f\x7f\x7f", 10);
            bad = inserted(b, 0, bulk, 64);
            break;
        case SHORT_TAG: /* says that it ends before it does */
            memset(bulk, 'x', 2000);
            memcpy(bulk, "ID3\3\0\0\0\0\0\x40", 10);
            bad = inserted(b, 0, bulk, 2000);
            break;
        case APE_BEHIND: {
            memset(bulk, 'x', 9000);
            memcpy(bulk, "APETAGEX\xd0\x07\0\0\x08\x23\0\0\1\0\0\0\0\0\0\xa0", 24);
            bad = inserted(b, b.len, bulk, 9000);
            break;
        }
        case LYRICS_BEHIND:
            memset(bulk, 'y', 9000);
            memcpy(bulk, "LYRICSBEGIN", 11);
            bad = inserted(b, b.len, bulk, 9000);
            break;
        case TAIL_OF_ZEROS: bad = inserted(b, b.len, bulk, 2500); break;
        case IN_RIFF: {
            unsigned char head[58] = "RIFF\0\0\0\0WAVEfmt \x1e\0\0\0\x55\0\1\0\x80\x3e\0\0"
                                     "\x40\x1f\0\0\1\0\0\0\x0c\0\1\0\2\0\0\0\x20\1\1\0\x71\5"
                                     "data";
            for (int i = 0; i < 4; i++) {
                head[4 + i] = (unsigned char) ((b.len + 50) >> 8 * i);
                head[54 + i] = (unsigned char) (b.len >> 8 * i);
            }
            bad = inserted(b, 0, head, sizeof head);
            break;
        }
        default: bad = joined(b.data + frame_from(b, 4), b.len - frame_from(b, 4), "", 0);
        }
        if (bad.data != old.data)
            free(old.data);
        tw_error err = {0};
        tw_audio s;
        const char *path = tw_test_path("odd.mp3");
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(bad.data, 1, bad.len, f), bad.len);
        assert_int_equal(fclose(f), 0);
        for (int by_path = 0; by_path < 2; by_path++) {
            const tw_audio_options opt = {.seconds = 60};
            watch_stderr();
            const tw_status st =
                by_path == 1 ? tw_audio_load(&s, path, &opt, NULL, &err)
                             : tw_audio_parse(&s, bad.data, bad.len, "odd.mp3", &opt, NULL, &err);
            const long said = stderr_length();
            if (st != TW_OK || said != 0)
                fail_msg("form %zu: '%s', %ld bytes on stderr", form, err.msg, said);
            if (llabs((long long) s.frames - RATE * SECONDS) > PAD + 576)
                fail_msg("form %zu: %lld frames", form, (long long) s.frames);
            for (int k = 0; k < SECONDS; k++) {
                const bool hurt = (form <= RUBBISH || form == INSERTED) &&
                                  (k == 4 || k == 5); /* 1.8 kB a second */
                if (fabs(loudness(&s, k) - 0.09 * (k + 1)) > (hurt ? 0.6 : 0.01))
                    fail_msg("form %zu: second %d has %.3f", form, k, loudness(&s, k));
            }
            tw_free(s.samples);
        }
        free(bad.data);
    }
    free(b.data);
}

static void what_cannot_be_the_whole_is_refused(void **state)
{
    (void) state;
    if (!have_mp3())
        skip();
    const blob b = make_stairs(), other = make_mp3(22050, 1, 22050);
    static const struct {
        const char *says;
        tw_status want;
    } rows[] = {
        {"bytes are no frames", TW_ECORRUPT},
        {"no frame follows at byte ", TW_ECORRUPT},
        {"no frame follows at byte ", TW_ECORRUPT},
        {"goes on in another format at byte ", TW_EUNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        blob bad =
            i == 3 ? joined(b.data, b.len, other.data, other.len) : joined(b.data, b.len, "", 0);
        if (i == 0)
            memset(bad.data + b.len / 3, 0, b.len / 3);
        if (i == 1)
            memset(bad.data + b.len / 2, 0, b.len - b.len / 2);
        if (i == 2)
            memset(bad.data + b.len * 9 / 10, 'x', b.len - b.len * 9 / 10);
        tw_audio s;
        tw_error why = {0};
        watch_stderr();
        const tw_status st = tw_audio_parse(&s, bad.data, bad.len, "bad.mp3",
                                            &(tw_audio_options){.seconds = 60}, NULL, &why);
        assert_int_equal(stderr_length(), 0);
        if (st != rows[i].want || strstr(why.msg, rows[i].says) == NULL || s.samples != NULL)
            fail_msg("row %zu: %d '%s'", i, st, why.msg);
        bool cut = false; /* what is not wanted is not looked at */
        assert_ok(tw_audio_parse(&s, bad.data, bad.len, "bad.mp3",
                                 &(tw_audio_options){.seconds = 0.2}, &cut, err));
        assert_int_equal(s.frames, RATE / 5);
        assert_true(cut);
        tw_free(s.samples);
        free(bad.data);
    }
    free(b.data);
    free(other.data);
}

static void files_joined_to_one_are_read_to_the_end(void **state)
{
    (void) state;
    if (!have_mp3())
        skip();
    const blob b = make_mp3(16000, 1, 32000), two = joined(b.data, b.len, b.data, b.len);
    watch_stderr();
    const tw_audio s = parse(two, 60, NULL);
    assert_int_equal(stderr_length(), 0);
    assert_in_range(s.frames, 64000 - 576, 64000 + 2 * PAD);
    tw_free(s.samples);
    free(two.data);
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
        {"\xff\xf9\x90\x00........", 12, TW_EUNSUPPORTED, "is AAC, which is not supported"},
    };
    watch_stderr();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const blob b = joined("", 0, rows[i].bytes, rows[i].len);
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
        cmocka_unit_test(damage_is_read_over_and_time_kept),
        cmocka_unit_test(what_cannot_be_the_whole_is_refused),
        cmocka_unit_test(files_joined_to_one_are_read_to_the_end),
        cmocka_unit_test(what_only_begins_like_an_mp3_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
