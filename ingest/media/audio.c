/* The only file that includes sndfile.h. */
#include "ingest/audio.h"

#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/grow.h"
#include "ingest/media/audio_internal.h"
#include "ingest/media/image_internal.h"

enum { MPEG = 0x230000 }; /* a format that headers before 1.1 do not name */

/* ---- bytes as a file ------------------------------------------------------------------------- */

typedef struct bytes {
    const unsigned char *data; /* or NULL: of fd */
    int fd;
    sf_count_t len, at;
    twi_patch patch;
} bytes;

static sf_count_t bytes_len(void *user) { return ((const bytes *) user)->len; }

static sf_count_t bytes_tell(void *user) { return ((const bytes *) user)->at; }

static sf_count_t bytes_seek(sf_count_t offset, int whence, void *user)
{
    bytes *b = user;
    const sf_count_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? b->at : b->len;
    if (offset < -from || offset > b->len - from)
        return -1;
    b->at = from + offset;
    return b->at;
}

static size_t read_at(const void *ctx, int64_t at, unsigned char *out, size_t n)
{
    const bytes *b = ctx;
    size_t got = 0;
    if (at < 0 || at >= b->len)
        return 0;
    n = (int64_t) n < b->len - at ? n : (size_t) (b->len - at);
    if (b->data != NULL) {
        memcpy(out, b->data + at, n);
        return n;
    }
    while (got < n) {
        const ssize_t more = pread(b->fd, out + got, n - got, (off_t) (at + (int64_t) got));
        if (more <= 0)
            break;
        got += (size_t) more;
    }
    return got;
}

static sf_count_t bytes_read(void *out, sf_count_t count, void *user)
{
    bytes *b = user;
    unsigned char *to = out;
    const sf_count_t n = (sf_count_t) read_at(b, b->at, to, count < 0 ? 0 : (size_t) count);
    for (int i = 0; i < 4 && b->patch.at >= 0; i++) {
        const sf_count_t at = b->patch.at + i - b->at;
        if (at >= 0 && at < n)
            to[at] = b->patch.bytes[i];
    }
    b->at += n;
    return n;
}

static sf_count_t bytes_write(const void *data, sf_count_t count, void *user)
{
    (void) data;
    (void) count;
    (void) user;
    return 0; /* never asked for: files are opened to be read */
}

/* ---- reading --------------------------------------------------------------------------------- */

/* MP3 within another format would reach a decoder that talks: see audio_mpeg.c. */
static bool is_wrapped_mpeg(int format)
{
    enum { MPEG_LAYER_I = 0x0080, MPEG_LAYER_III = 0x0082 };
    const int samples = format & SF_FORMAT_SUBMASK;
    return (format & SF_FORMAT_TYPEMASK) != MPEG && samples >= MPEG_LAYER_I &&
           samples <= MPEG_LAYER_III;
}

static tw_status check(const SF_INFO *info, const char *name, tw_error *err)
{
    if (is_wrapped_mpeg(info->format))
        return tw_fail(err, TW_EUNSUPPORTED, "'%s' holds MPEG audio in another format", name);
    if (info->samplerate < TW_AUDIO_MIN_RATE || info->samplerate > TW_AUDIO_MAX_RATE)
        return tw_fail(err, TW_EINVAL, "'%s' has %d samples a second, they may be %d to %d", name,
                       info->samplerate, TW_AUDIO_MIN_RATE, TW_AUDIO_MAX_RATE);
    if (info->channels < 1 || info->channels > TW_AUDIO_MAX_CHANNELS)
        return tw_fail(err, TW_EINVAL, "'%s' has %d channels, they may be 1 to %d", name,
                       info->channels, TW_AUDIO_MAX_CHANNELS);
    return TW_OK;
}

/* The mean of each frame's channels. False where a sample is no number: *bad is its frame. */
static bool mix(float *out, const float *frames, int64_t n, int channels, int64_t *bad)
{
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int c = 0; c < channels; c++)
            sum += (double) frames[i * channels + c];
        if (!isfinite(sum)) {
            *bad = i;
            return false;
        }
        out[i] = (float) (sum / channels);
    }
    return true;
}

static tw_status read_frames(tw_audio *out, SNDFILE *file, int channels, int64_t most,
                             tw_deadline until, const char *name, tw_error *err)
{
    enum { BLOCK = 16384 }; /* floats: room for 256 frames of the most channels */
    tw_status st = TW_OK;
    float *block = tw_alloc(BLOCK, sizeof *block);
    int64_t bad = 0;
    size_t room = 0;

    if (block == NULL) {
        st = tw_fail(err, TW_ENOMEM, "memory for '%s'", name);
        goto done;
    }
    while (out->frames < most) {
        const int64_t fits = BLOCK / channels, left = most - out->frames;
        if (tw_deadline_passed(until)) {
            st = tw_fail(err, TW_ETIMEOUT, "the deadline passed before '%s' was decoded", name);
            goto done;
        }
        const int64_t n = sf_readf_float(file, block, fits < left ? fits : left);
        if (n <= 0)
            break;
        /* By doubling, since a header may promise what the file does not hold. */
        TW_TRY(tw_grow(&out->samples, &room, (size_t) (out->frames + n), "samples of audio", err));
        if (!mix(out->samples + out->frames, block, n, channels, &bad)) {
            st =
                tw_fail(err, TW_EINVAL, "'%s' has a sample that is no finite number, in frame %lld",
                        name, (long long) (out->frames + bad));
            goto done;
        }
        out->frames += n;
    }
    if (sf_error(file) != SF_ERR_NO_ERROR) {
        st = tw_fail(err, TW_ECORRUPT, "'%s' cannot be read behind frame %lld: %s", name,
                     (long long) out->frames, sf_strerror(file));
    } else if (out->frames == 0) {
        st = tw_fail(err, TW_EINVAL, "'%s' holds no audio file: it has 0 frames", name);
    }
done:
    tw_free(block);
    return st;
}

static tw_status refuse(const bytes *b, const char *name, tw_error *err)
{
    unsigned char head[32];
    const size_t n = read_at(b, 0, head, sizeof head);
    const char *kind = twi_audio_kind(head, n);
    const twi_image_kind *image = twi_image_kind_of(head, n);
    if (image != NULL)
        return tw_fail(err, TW_EINVAL, "'%s' is no audio file but %s picture", name, image->a_name);
    if (kind != NULL)
        return tw_fail(err, TW_EUNSUPPORTED,
                       "'%s' is %s, which is not supported: " TWI_CONVERT_AUDIO, name, kind);
    return tw_fail(err, TW_EINVAL, "'%s' is no audio file that can be read: %s", name,
                   sf_strerror(NULL));
}

static int64_t frames_wanted(double seconds, int rate)
{
    const double wanted = ceil(seconds * rate);
    return wanted < TW_AUDIO_MAX_FRAMES ? (int64_t) wanted : TW_AUDIO_MAX_FRAMES;
}

/* *unknown: libsndfile does not know what it is, or would hand it to a decoder that talks. */
static tw_status decode(tw_audio *out, bytes *b, const char *name, const tw_audio_options *opt,
                        bool *cut, bool *unknown, tw_error *err)
{
    SF_VIRTUAL_IO io = {bytes_len, bytes_seek, bytes_read, bytes_write, bytes_tell};
    SF_INFO info = {0};
    tw_status st = TW_OK;
    tw_audio s = {0};
    float next[TW_AUDIO_MAX_CHANNELS];

    b->at = 0;
    b->patch = twi_wav_patch(read_at, b, b->len);
    SNDFILE *file = sf_open_virtual(&io, SFM_READ, &info, b);
    *unknown = file == NULL || is_wrapped_mpeg(info.format);
    if (file == NULL) {
        st = refuse(b, name, err);
        goto done;
    }
    TW_TRY(check(&info, name, err));
    s.rate = info.samplerate;
    const int64_t most = frames_wanted(opt->seconds, info.samplerate);
    TW_TRY(read_frames(&s, file, info.channels, most, opt->deadline, name, err));
    if (cut != NULL)
        *cut = s.frames == most && sf_readf_float(file, next, 1) == 1;
    *out = s;
    s.samples = NULL;
done:
    tw_free(s.samples);
    if (file != NULL)
        (void) sf_close(file);
    return st;
}

/* The frames of an MP3 that begin at `start`. */
static tw_status decode_mpeg(tw_audio *out, const unsigned char *data, size_t len, size_t start,
                             const char *name, const tw_audio_options *opt, bool *cut,
                             tw_error *err)
{
    unsigned char *frames = NULL;
    size_t size = 0;
    bool more = false, unknown;
    tw_status st = TW_OK;

    TW_TRY(twi_mpeg_frames(&frames, &size, &more, data, len, start, name, opt->seconds, err));
    bytes b = {.data = frames, .len = (sf_count_t) size};
    TW_TRY(decode(out, &b, name, opt, cut, &unknown, err));
    if (cut != NULL) /* a decoder that gave less than was asked has met damage, and gives no more */
        *cut = *cut || (more && out->frames == frames_wanted(opt->seconds, out->rate));
done:
    tw_free(frames);
    return st;
}

static tw_status check_seconds(double seconds, tw_error *err)
{
    if (seconds > 0)
        return TW_OK;
    return tw_fail(err, TW_EINVAL, "seconds %g is not above 0", seconds);
}

/* What libsndfile did not know may be an MP3 behind something else; else its word stands. */
static tw_status try_mpeg(tw_audio *out, const unsigned char *data, size_t len, size_t start,
                          const char *name, const tw_audio_options *opt, bool *cut, tw_status was,
                          tw_error *err)
{
    size_t at = start;
    return twi_mpeg_search(data, len, &at) ? decode_mpeg(out, data, len, at, name, opt, cut, err)
                                           : was;
}

/* As try_mpeg, of a file that may be too large for that; one that may be an MP3 is read whole. */
static tw_status load_whole(tw_audio *out, const char *path, const tw_audio_options *opt, bool *cut,
                            bool known, tw_status was, tw_error *err)
{
    char *data = NULL;
    size_t len = 0;
    tw_status st = tw_file_read(path, TW_AUDIO_MAX_BYTES, &data, &len, known ? err : NULL);
    if (known && st == TW_OK)
        st = tw_audio_parse(out, data, len, path, opt, cut, err);
    else if (st == TW_OK)
        st = try_mpeg(out, (const unsigned char *) data, len, 0, path, opt, cut, was, err);
    else if (!known)
        st = st == TW_ENOMEM ? tw_fail(err, st, "memory for '%s'", path) : was;
    tw_free(data);
    return st;
}

tw_status tw_audio_load(tw_audio *out, const char *path, const tw_audio_options *opt, bool *cut,
                        tw_error *err)
{
    tw_status st = TW_OK;
    unsigned char head[4];
    bool unknown = false;
    bytes b = {0};

    *out = (tw_audio){0};
    st = tw_file_open(&b.fd, path, err);
    if (st != TW_OK)
        return st;
    b.len = lseek(b.fd, 0, SEEK_END);
    if (b.len == 0) {
        st = tw_fail(err, TW_EINVAL, "'%s' is empty", path);
        goto done;
    }
    TW_TRY(check_seconds(opt->seconds, err));
    if (pread(b.fd, head, sizeof head, 0) == (ssize_t) sizeof head && twi_mpeg_suspected(head)) {
        st = load_whole(out, path, opt, cut, true, TW_OK, err);
        goto done;
    }
    st = decode(out, &b, path, opt, cut, &unknown, err);
    if (st != TW_OK && unknown && b.len <= TW_AUDIO_MAX_BYTES)
        st = load_whole(out, path, opt, cut, false, st, err);
done:
    (void) close(b.fd);
    return st;
}

tw_status tw_audio_parse(tw_audio *out, const void *data, size_t len, const char *name,
                         const tw_audio_options *opt, bool *cut, tw_error *err)
{
    const unsigned char *at = data;
    size_t start;
    bool unknown = false;
    tw_status st = TW_OK;

    *out = (tw_audio){0};
    if (len == 0)
        return tw_fail(err, TW_EINVAL, "'%s' is empty", name);
    if (len > TW_AUDIO_MAX_BYTES)
        return tw_fail(err, TW_EINVAL, "'%s' has %zu bytes, the most allowed is %d", name, len,
                       TW_AUDIO_MAX_BYTES);
    st = check_seconds(opt->seconds, err);
    if (st != TW_OK)
        return st;
    if (twi_mpeg_find(data, len, &start))
        return decode_mpeg(out, data, len, start, name, opt, cut, err);
    bytes b = {.data = at + start,
               .len = (sf_count_t) (len - start)}; /* FLAC may be behind a tag */
    st = decode(out, &b, name, opt, cut, &unknown, err);
    if (st != TW_OK && unknown)
        st = try_mpeg(out, data, len, start, name, opt, cut, st, err);
    return st;
}
