/* An MP3 is a row of frames, each with a header that says its length. The decoder behind libsndfile
 * searches for them in anything and talks about it on stderr, so it is given whole frames alone, in
 * a row: no tags, no rest of a frame, no rubbish.
 *
 * Source: ISO 11172-3, 2.4.1.3; ID3v2.4, 3.1; the "Xing" frame as LAME writes it. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "ingest/audio_internal.h"

/* What a frame's header says. */
typedef struct header {
    int kind; /* version, layer and rate: the same in all frames of a file */
    int rate, samples;
    size_t size;  /* bytes, header included */
    size_t extra; /* where a Xing frame has its name */
} header;

enum { LAYER_III = 1, LONGEST_FRAME = 1441 };

static bool is_sync(const unsigned char *p) { return p[0] == 0xff && (p[1] & 0xe0) == 0xe0; }

/* False: these four bytes are no header of layer III. */
static bool read_header(const unsigned char *p, header *h)
{
    static const int rates[3] = {44100, 48000, 32000};
    static const int full[15] = {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320};
    static const int half[15] = {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160};
    const int version = p[1] >> 3 & 3; /* 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5 */
    const int bits = p[2] >> 4, rate = p[2] >> 2 & 3;
    if (!is_sync(p) || version == 1 || (p[1] >> 1 & 3) != LAYER_III || bits == 0 || bits == 15 ||
        rate == 3)
        return false;
    const bool one = version == 3, mono = p[3] >> 6 == 3;
    h->kind = version << 2 | rate;
    h->rate = rates[rate] >> (one ? 0 : version == 2 ? 1 : 2);
    h->samples = one ? 1152 : 576;
    const int bytes = h->samples / 8 * 1000 * (one ? full : half)[bits] / h->rate;
    h->size = (size_t) bytes + (size_t) (p[2] >> 1 & 1);
    h->extra = 4 + (one ? (mono ? 17 : 32) : (mono ? 9 : 17));
    return true;
}

bool twi_mpeg_suspected(const unsigned char *head)
{
    return memcmp(head, "ID3", 3) == 0 || is_sync(head);
}

bool twi_mpeg_find(const unsigned char *data, size_t len, size_t *start)
{
    size_t at = 0;
    while (at + 10 <= len && memcmp(data + at, "ID3", 3) == 0) {
        size_t size = 10; /* four bytes of 7 bits follow */
        for (int i = 6; i < 10; i++)
            size += (size_t) (data[at + (size_t) i] & 0x7f) << 7 * (9 - i);
        at += size < len - at ? size : len - at;
        while (at < len && data[at] == 0) /* padding that the tag forgot to count */
            at++;
    }
    *start = at;
    return at + 4 <= len && is_sync(data + at);
}

static bool is_tag(const unsigned char *p, size_t left)
{
    return left < 4 || memcmp(p, "TAG", 3) == 0 || memcmp(p, "ID3", 3) == 0 ||
           memcmp(p, "APET", 4) == 0 || memcmp(p, "LYRI", 4) == 0 || memcmp(p, "\0\0\0", 4) == 0;
}

/* An index is a frame of no audio file that says how long the whole is; without one the decoder
 * guesses the length, wrongly where frames differ in size. */
static bool is_index(const unsigned char *p, const header *h)
{
    return h->size >= h->extra + 16 &&
           (memcmp(p + h->extra, "Xing", 4) == 0 || memcmp(p + h->extra, "Info", 4) == 0) &&
           (p[h->extra + 7] & 3) == 3; /* both numbers are there */
}

static void put_number(unsigned char *p, size_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char) (value >> 8 * (3 - i));
}

enum { INDEX_ROOM = LONGEST_FRAME + 1 };

/* The file's own index, for it knows what an encoder added at both ends, else one of ours: a silent
 * frame of 64 kbit/s. Returns its size. */
static size_t make_index(unsigned char *out, const unsigned char *p, const header *first, bool own)
{
    static const unsigned char xing[8] = {'X', 'i', 'n', 'g', 0, 0, 0, 3};
    header h = *first;
    memcpy(out, p, own ? h.size : 4);
    if (!own) {
        const bool one = (p[1] >> 3 & 3) == 3;
        out[1] |= 1; /* no checksum */
        out[2] = (unsigned char) ((p[2] & 0x0c) | (one ? 5 : 8) << 4);
        (void) read_header(out, &h);
        memset(out + 4, 0, h.size - 4);
        memcpy(out + h.extra, xing, sizeof xing);
    }
    return h.size;
}

/* LAME notes in the index how many samples it added at the end (12 bits), for the decoder to take
 * off again; of a part the end is another. */
static void forget_padding(unsigned char *index, const header *first)
{
    enum { LAME = 120, PADDING = LAME + 22, ALL_FIELDS = 15 };
    if ((index[first->extra + 7] & ALL_FIELDS) != ALL_FIELDS ||
        first->size < first->extra + PADDING + 2)
        return;
    index[first->extra + PADDING] &= 0xf0;
    index[first->extra + PADDING + 1] = 0;
}

typedef struct run {
    size_t begin, end; /* of whole frames */
    size_t frames;
    bool more; /* another one follows */
} run;

static run find_frames(const unsigned char *data, size_t len, size_t at, const header *first,
                       double most)
{
    run r = {.begin = at};
    header h;
    while (len - at >= 4 && read_header(data + at, &h) && h.kind == first->kind) {
        r.more = (double) r.frames >= most;
        if (r.more || h.size > len - at)
            break;
        at += h.size;
        r.frames++;
    }
    r.end = at;
    return r;
}

tw_status twi_mpeg_frames(unsigned char **out, size_t *size, bool *cut, const unsigned char *data,
                          size_t len, size_t start, const char *name, double seconds, tw_error *err)
{
    const unsigned char *p = data + start;
    header first;

    *out = NULL;
    if ((p[1] >> 1 & 3) != LAYER_III)
        return tw_fail(err, TW_EUNSUPPORTED, "'%s' is MPEG audio, but not of layer III (MP3)",
                       name);
    const bool whole = read_header(p, &first) && first.size <= len - start;
    const bool own = whole && is_index(p, &first);
    run r = {0};
    if (whole) /* and three, for what the decoder takes off both ends */
        r = find_frames(data, len, start + (own ? first.size : 0), &first,
                        ceil(seconds * first.rate / first.samples) + 3);
    if (r.frames == 0)
        return tw_fail(err, TW_EINVAL, "'%s' begins like an MP3 but holds no whole frame", name);
    if (!r.more && len - r.end > LONGEST_FRAME && !is_tag(data + r.end, len - r.end))
        return tw_fail(err, TW_ECORRUPT, "'%s' is a damaged MP3: no frame follows at byte %zu",
                       name, r.end);

    *out = tw_alloc(INDEX_ROOM + r.end - r.begin, 1);
    if (*out == NULL)
        return tw_fail(err, TW_ENOMEM, "%zu bytes of '%s'", r.end - r.begin, name);
    const size_t index = make_index(*out, p, &first, own);
    *size = index + r.end - r.begin;
    *cut = r.more;
    if (own && r.more)
        forget_padding(*out, &first);
    put_number(*out + first.extra + 8, r.frames);
    put_number(*out + first.extra + 12, *size);
    memcpy(*out + index, data + r.begin, r.end - r.begin);
    return TW_OK;
}
