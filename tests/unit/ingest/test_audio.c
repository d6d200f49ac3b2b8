/* Audio files: forms of samples, channels, limits, bad bytes. */
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "ingest/audio.h"
#include "ingest/media/media_features.h"
#include "tests/support/test.h"
#include "tests/unit/ingest/image_bytes.h"

enum { PCM = 1, FLOAT = 3 };

/* A WAV file by hand: RIFF, fmt and data chunks, little-endian. samples is the data chunk. */
static blob make_wav(int code, int bits, int channels, int rate, const void *samples, size_t len)
{
    const size_t frame = (size_t) channels * (size_t) bits / 8;
    blob b = {.data = malloc(44 + len), .len = 44 + len};
    const uint32_t words[] = {(uint32_t) (36 + len),
                              16,
                              (uint32_t) code | (uint32_t) channels << 16,
                              (uint32_t) rate,
                              (uint32_t) ((size_t) rate * frame),
                              (uint32_t) frame | (uint32_t) bits << 16,
                              (uint32_t) len};
    assert_non_null(b.data);
    memcpy(b.data, "RIFF\0\0\0\0WAVEfmt ", 16);
    memcpy(b.data + 4, words, 4);
    memcpy(b.data + 16, words + 1, 20);
    memcpy(b.data + 36, "data", 4);
    memcpy(b.data + 40, words + 6, 4);
    if (len > 0)
        memcpy(b.data + 44, samples, len);
    return b;
}

static tw_audio parse(blob b, double seconds, bool *cut)
{
    tw_audio s = {0};
    assert_ok(tw_audio_parse(&s, b.data, b.len, "made.wav", &(tw_audio_options){.seconds = seconds},
                             cut, err));
    return s;
}

static void refuse(blob b, tw_status want, const char *sentence)
{
    tw_audio s;
    tw_error err = {0};
    const tw_status st = tw_audio_parse(&s, b.data, b.len, "made.wav",
                                        &(tw_audio_options){.seconds = 10}, NULL, &err);
    if (st != want || strstr(err.msg, sentence) == NULL)
        fail_msg("%d '%s', not %d '%s'", st, err.msg, want, sentence);
    assert_null(s.samples);
    free(b.data);
}

static void a_deadline_is_kept(void **state)
{
    (void) state;
    static const int16_t samples[100];
    const blob b = make_wav(PCM, 16, 1, 8000, samples, sizeof samples);
    tw_audio s;
    const tw_audio_options late = {.seconds = 1, .deadline = tw_deadline_in(-1)},
                           soon = {.seconds = 1, .deadline = tw_deadline_in(3600)};
    assert_status(tw_audio_parse(&s, b.data, b.len, "x.wav", &late, NULL, err), TW_ETIMEOUT);
    assert_null(s.samples);
    assert_ok(tw_audio_parse(&s, b.data, b.len, "x.wav", &soon, NULL, err));
    tw_free(s.samples);
    free(b.data);
}

static void channels_are_averaged(void **state)
{
    (void) state;
    const int16_t eight[16] = {8192,   8192, 8192, 8192, 0, 0, 0,     0,  /* 4 * 0.25 / 8 = 0.125 */
                               -32768, 0,    0,    0,    0, 0, 16384, 0}; /* (-1 + 0.5) / 8 */
    const blob b = make_wav(PCM, 16, 8, 192000, eight, sizeof eight);
    bool cut = true;
    const tw_audio s = parse(b, 10, &cut);
    assert_int_equal(s.rate, 192000);
    assert_int_equal(s.frames, 2);
    assert_near(s.samples[0], 0.125, 1e-7);
    assert_near(s.samples[1], -0.0625, 1e-7);
    assert_false(cut);
    tw_free(s.samples);
    free(b.data);
}

static void every_form_of_samples_is_read(void **state)
{
    (void) state;
    static const int forms[] = {
        SF_FORMAT_WAV | SF_FORMAT_PCM_U8,
        SF_FORMAT_WAV | SF_FORMAT_PCM_16,
        SF_FORMAT_WAV | SF_FORMAT_PCM_24,
        SF_FORMAT_WAV | SF_FORMAT_PCM_32,
        SF_FORMAT_WAV | SF_FORMAT_FLOAT,
        SF_FORMAT_WAV | SF_FORMAT_DOUBLE,
        SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
        SF_FORMAT_OGG | SF_FORMAT_VORBIS,
        0x230000 | 0x0082 /* MPEG layer III, which older headers do not name */
    };
    enum { RATE = 16000, FRAMES = 8000 };
    char features[TW_MEDIA_FEATURES_MAX];
    float in[FRAMES * 2];
    (void) tw_media_features(features);
    for (int i = 0; i < FRAMES; i++) {
        in[2 * i] = (float) (0.5 * sin(2 * M_PI * 440 * i / RATE));
        in[2 * i + 1] = 0.5F * in[2 * i];
    }
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        SF_INFO info = {.samplerate = RATE, .channels = 2, .format = forms[f]};
        char path[4200];
        tw_audio s = {0};
        (void) snprintf(path, sizeof path, "%s", tw_test_path("form.any"));
        SNDFILE *out = sf_open(path, SFM_WRITE, &info);
        if (out == NULL) {
            print_message("form %x cannot be written here\n", (unsigned) forms[f]);
            continue;
        }
        assert_int_equal(sf_writef_float(out, in, FRAMES), FRAMES);
        assert_int_equal(sf_close(out), 0);
        assert_ok(tw_audio_load(&s, path, &(tw_audio_options){.seconds = 10}, NULL, err));
        assert_int_equal(s.rate, RATE);
        assert_in_range(s.frames, FRAMES, FRAMES + 2304); /* MP3 adds silence at its ends */
        double power = 0;
        for (int64_t i = 0; i < s.frames; i++)
            power += (double) s.samples[i] * (double) s.samples[i];
        assert_near(power / FRAMES, 0.375 * 0.375 / 2, 0.01);
        tw_free(s.samples);
    }
    assert_int_equal(strncmp(strstr(features, "wav"), "wav flac ogg", 12), 0);
}

static void what_is_longer_than_wanted_is_cut(void **state)
{
    (void) state;
    int16_t ramp[2000];
    for (int i = 0; i < 2000; i++)
        ramp[i] = (int16_t) i;
    const blob b = make_wav(PCM, 16, 1, 1000, ramp, sizeof ramp);
    bool cut = false;
    tw_audio s = parse(b, 1.5, &cut);
    assert_int_equal(s.frames, 1500);
    assert_near(s.samples[1499], 1499.0 / 32768, 1e-7);
    assert_true(cut);
    tw_free(s.samples);
    s = parse(b, 2, &cut);
    assert_int_equal(s.frames, 2000);
    assert_false(cut);
    tw_free(s.samples);
    free(b.data);
}

/* 17 million frames of nothing: a sparse file costs no disk. */
static void several_channels_are_cut_likewise(void **state)
{
    (void) state;
    static const short samples[400] = {0};
    const blob b = make_wav(1, 16, 2, 1000, samples, sizeof samples);
    bool cut = false;
    tw_audio s = parse(b, 0.1, &cut);
    assert_int_equal(s.frames, 100);
    assert_true(cut);
    tw_free(s.samples);
    s = parse(b, 0.2, &cut);
    assert_int_equal(s.frames, 200);
    assert_false(cut);
    tw_free(s.samples);
    free(b.data);
}

static void no_recording_takes_more_than_the_bound(void **state)
{
    (void) state;
    const blob b = make_wav(PCM, 8, 1, 768000, NULL, 0);
    const long frames = TW_AUDIO_MAX_FRAMES + 1000L;
    const char *path = tw_test_path("long.wav");
    const uint32_t len = (uint32_t) frames, riff = len + 36;
    FILE *f = fopen(path, "wb");
    tw_audio s = {0};
    bool cut = false;
    assert_non_null(f);
    memcpy(b.data + 4, &riff, 4);
    memcpy(b.data + 40, &len, 4);
    assert_int_equal(fwrite(b.data, 1, b.len, f), b.len);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(truncate(path, 44 + frames), 0);
    assert_ok(tw_audio_load(&s, path, &(tw_audio_options){.seconds = 1e9}, &cut, err));
    assert_int_equal(s.frames, TW_AUDIO_MAX_FRAMES);
    assert_true(cut);
    tw_free(s.samples);
    free(b.data);
}

static void bad_audio_gets_a_sentence(void **state)
{
    (void) state;
    const int16_t fine[4] = {1, 2, 3, 4};
    const float nan[3] = {0, NAN, 0}, inf[4] = {0, 0, 0, -INFINITY},
                opposite[2] = {INFINITY, -INFINITY};
    const char *text = "hello, this is no audio file at all, but a text of some length ..........";
    blob empty = {.data = malloc(1), .len = 0}, words = {.data = NULL, .len = strlen(text)};
    words.data = malloc(words.len);
    assert_non_null(words.data);
    memcpy(words.data, text, words.len);
    watch_stderr();
    refuse(empty, TW_EINVAL, "'made.wav' is empty");
    refuse(words, TW_EINVAL, "'made.wav' is no audio file that can be read: ");
    refuse(make_wav(PCM, 16, 1, 8000, fine, 0), TW_EINVAL,
           "'made.wav' holds no audio file: it has 0 frames");
    refuse(make_wav(PCM, 16, 1, 999, fine, 8), TW_EINVAL,
           "999 samples a second, they may be 1000 to");
    refuse(make_wav(PCM, 16, 1, 768001, fine, 8), TW_EINVAL, "768001 samples a second");
    refuse(make_wav(FLOAT, 32, 1, 8000, nan, sizeof nan), TW_EINVAL,
           "has a sample that is no finite number, in frame 1");
    refuse(make_wav(FLOAT, 32, 2, 8000, inf, sizeof inf), TW_EINVAL,
           "no finite number, in frame 1");
    refuse(make_wav(FLOAT, 32, 2, 8000, opposite, sizeof opposite), TW_EINVAL, "in frame 0");
    assert_int_equal(stderr_length(), 0);
}

static void sixty_five_channels_are_too_many(void **state)
{
    (void) state;
    int16_t frame[65];
    for (int c = 0; c < 65; c++)
        frame[c] = 3277;
    const blob b = make_wav(PCM, 16, 64, 8000, frame, 128);
    const tw_audio s = parse(b, 1, NULL);
    assert_int_equal(s.frames, 1);
    assert_near(s.samples[0], 3277.0 / 32768, 1e-7);
    tw_free(s.samples);
    free(b.data);
    refuse(make_wav(PCM, 16, 65, 8000, frame, 130), TW_EINVAL, "65 channels, they may be 1 to 64");
}

static void a_path_that_is_no_audio_is_named(void **state)
{
    (void) state;
    tw_audio s;
    assert_status(
        tw_audio_load(&s, tw_test_path("none.wav"), &(tw_audio_options){.seconds = 1}, NULL, err),
        TW_ENOTFOUND);
    tw_error folder = {0};
    assert_int_equal(
        tw_audio_load(&s, tw_test_dir(), &(tw_audio_options){.seconds = 1}, NULL, &folder),
        TW_EINVAL);
    assert_non_null(strstr(folder.msg, "is no regular file"));
    assert_status(tw_audio_load(&s, tw_test_file("empty.wav", ""),
                                &(tw_audio_options){.seconds = 1}, NULL, err),
                  TW_EINVAL);
    assert_status(tw_audio_load(&s, tw_test_file("text.wav", "text"),
                                &(tw_audio_options){.seconds = 1}, NULL, err),
                  TW_EINVAL);
    assert_status(tw_audio_load(&s, tw_test_file("text.wav", "text"),
                                &(tw_audio_options){.seconds = 0}, NULL, err),
                  TW_EINVAL);
    assert_null(s.samples);
}

static void cuts_and_flipped_bits_do_no_harm(void **state)
{
    (void) state;
    int16_t samples[64];
    for (int i = 0; i < 64; i++)
        samples[i] = (int16_t) (i * 500);
    const blob b = make_wav(PCM, 16, 2, 8000, samples, sizeof samples);
    tw_audio s;
    watch_stderr();
    for (size_t len = 1; len <= b.len; len++) {
        unsigned char *cut = malloc(len);
        assert_non_null(cut);
        memcpy(cut, b.data, len);
        const tw_status st =
            tw_audio_parse(&s, cut, len, "cut.wav", &(tw_audio_options){.seconds = 1}, NULL, NULL);
        assert_true((st == TW_OK) == (s.samples != NULL));
        assert_true(st == TW_OK ? len >= 48 : len < 48); /* whole frames behind 44 bytes */
        tw_free(s.samples);
        free(cut);
    }
    for (size_t bit = 0; bit < 8 * b.len; bit++) {
        b.data[bit / 8] ^= (unsigned char) (1 << bit % 8);
        const tw_status st = tw_audio_parse(&s, b.data, b.len, "flipped.wav",
                                            &(tw_audio_options){.seconds = 1}, NULL, NULL);
        b.data[bit / 8] ^= (unsigned char) (1 << bit % 8);
        assert_true((st == TW_OK) == (s.samples != NULL));
        tw_free(s.samples);
    }
    assert_int_equal(stderr_length(), 0);
    free(b.data);
}

static void put32(unsigned char *p, uint32_t value, bool big)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char) (value >> 8 * (big ? 3 - i : i));
}

/* What programs that write into a pipe leave in a WAV: the samples go on to the end of the file. */
static void sizes_that_were_left_wrong_are_mended(void **state)
{
    (void) state;
    enum { FRAMES = 8000, BYTES = 2 * FRAMES };
    static const struct {
        const char *who;
        uint32_t riff, data;
        const char *before, *behind; /* chunks of 8 bytes */
        int frames;
    } rows[] = {
        {"as it should be", 36 + BYTES, BYTES, NULL, NULL, FRAMES},
        {"ffmpeg into a pipe", UINT32_MAX, UINT32_MAX, NULL, NULL, FRAMES},
        {"ffmpeg, with a list", UINT32_MAX, UINT32_MAX, "LIST", NULL, FRAMES},
        {"sox into a pipe", 0x7ffff024, 0x7ffff000, NULL, NULL, FRAMES},
        {"zeros", 0, 0, NULL, NULL, FRAMES},
        {"a header without samples", 36, 0, NULL, NULL, FRAMES},
        {"zeros, with a list", 0, 0, "LIST", NULL, FRAMES},
        {"the first block alone", 36 + 512, 512, NULL, NULL, FRAMES},
        {"the sign bit", 0x80000024, 0x80000000, NULL, NULL, FRAMES},
        {"an odd size that is too large", 36, BYTES + 7, NULL, NULL, FRAMES},
        {"a chunk behind the samples", 44 + BYTES, BYTES, NULL, "id3 ", FRAMES},
    };
    int16_t samples[FRAMES];
    for (int i = 0; i < FRAMES; i++)
        samples[i] = (int16_t) (8000 * sin(i / 5.0));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const blob plain = make_wav(PCM, 16, 1, 8000, samples, BYTES);
        unsigned char chunk[16] = {0};
        put32(chunk + 4, 8, false);
        blob b = joined(plain.data, plain.len, "", 0);
        put32(b.data + 4, rows[i].riff, false);
        put32(b.data + 40, rows[i].data, false);
        if (rows[i].before != NULL) {
            memcpy(chunk, rows[i].before, 4);
            const blob head = joined(b.data, 36, chunk, 16), old = b;
            b = joined(head.data, head.len, old.data + 36, old.len - 36);
            free(head.data);
            free(old.data);
        }
        if (rows[i].behind != NULL) {
            memcpy(chunk, rows[i].behind, 4);
            const blob old = b;
            b = joined(old.data, old.len, chunk, 16);
            free(old.data);
        }
        const char *path = tw_test_path("sizes.wav");
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(b.data, 1, b.len, f), b.len);
        assert_int_equal(fclose(f), 0);
        tw_audio s = parse(b, 10, NULL), t = {0};
        assert_ok(tw_audio_load(&t, path, &(tw_audio_options){.seconds = 10}, NULL, err));
        if (s.frames != rows[i].frames || t.frames != rows[i].frames)
            fail_msg("%s: %lld and %lld frames", rows[i].who, (long long) s.frames,
                     (long long) t.frames);
        assert_near(s.samples[FRAMES - 1], samples[FRAMES - 1] / 32768.0, 1e-6);
        tw_free(s.samples);
        tw_free(t.samples);
        free(b.data);
        free(plain.data);
    }
}

/* A chunk behind few samples is no sample, however large it is. */
static void a_cover_behind_a_click_is_no_audio(void **state)
{
    (void) state;
    int16_t samples[50] = {1, 2, 3};
    unsigned char cover[8 + 3000] = "id3 ";
    put32(cover + 4, 3000, false);
    const blob wav = make_wav(PCM, 16, 1, 8000, samples, sizeof samples);
    const blob b = joined(wav.data, wav.len, cover, sizeof cover);
    const tw_audio s = parse(b, 10, NULL);
    assert_int_equal(s.frames, 50);
    tw_free(s.samples);
    free(b.data);
    free(wav.data);
}

static void an_aiff_that_was_piped_is_read_to_its_end(void **state)
{
    (void) state;
    enum { FRAMES = 500 };
    unsigned char b[54 + 2 * FRAMES] = "FORM\0\0\0\0AIFFCOMM\0\0\0\x12\0\1\0\0\0\0\0\x10"
                                       "\x40\x0b\xfa\0\0\0\0\0\0\0SSND\0\0\0\x08";
    for (int i = 0; i < FRAMES; i++)
        b[54 + 2 * i] = 0x81; /* no letter */
    static const uint32_t sizes[] = {8, 0x7fffffff, UINT32_MAX, 8 + 2 * FRAMES};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        put32(b + 42, sizes[i], true);
        const tw_audio s = parse((blob){.data = b, .len = sizeof b}, 10, NULL);
        assert_int_equal(s.frames, FRAMES);
        tw_free(s.samples);
    }
}

static void what_is_not_read_is_named_with_a_way_out(void **state)
{
    (void) state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *says;
    } rows[] = {
        {"\0\0\0\x20"
         "ftypM4A \0\0\0\0",
         16, "is M4A (AAC or ALAC in MP4), which is not supported"},
        {"\0\0\0\x20"
         "ftypisom\0\0\0\0",
         16, "is MP4 or MOV"},
        {"\x30\x26\xb2\x75\x8e\x66\xcf\x11....", 12, "is WMA or WMV"},
        {"#!AMR\n......", 12, "is AMR"},
        {"\x1a\x45\xdf\xa3........", 12, "is Matroska or WebM"},
        {"MAC \x96\x0f......", 12, "is Monkey's Audio"},
        {"wvpk........", 12, "is WavPack"},
        {"MThd\0\0\0\6....", 12, "is MIDI"},
        {"#EXTM3U\nx.mp3", 13, "is a playlist"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_audio s;
        tw_error err = {0};
        const tw_status st = tw_audio_parse(&s, rows[i].bytes, rows[i].len, "x.bin",
                                            &(tw_audio_options){.seconds = 1}, NULL, &err);
        if (st != TW_EUNSUPPORTED || strstr(err.msg, rows[i].says) == NULL ||
            strstr(err.msg, "ffmpeg -i FILE FILE.flac") == NULL)
            fail_msg("row %zu: %d '%s'", i, st, err.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_is_kept),
        cmocka_unit_test(channels_are_averaged),
        cmocka_unit_test(every_form_of_samples_is_read),
        cmocka_unit_test(what_is_longer_than_wanted_is_cut),
        cmocka_unit_test(several_channels_are_cut_likewise),
        cmocka_unit_test(no_recording_takes_more_than_the_bound),
        cmocka_unit_test(bad_audio_gets_a_sentence),
        cmocka_unit_test(sixty_five_channels_are_too_many),
        cmocka_unit_test(a_path_that_is_no_audio_is_named),
        cmocka_unit_test(cuts_and_flipped_bits_do_no_harm),
        cmocka_unit_test(sizes_that_were_left_wrong_are_mended),
        cmocka_unit_test(a_cover_behind_a_click_is_no_audio),
        cmocka_unit_test(an_aiff_that_was_piped_is_read_to_its_end),
        cmocka_unit_test(what_is_not_read_is_named_with_a_way_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
