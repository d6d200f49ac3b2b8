/* An MP3 is a row of frames, each with a header that says its length. The decoder behind libsndfile
 * searches for them in anything, talks about it on stderr and skips what it does not like, so it is
 * given whole frames alone, in a row: no tags, no rest of a frame, no rubbish. Where frames are
 * damaged, silent ones stand in for them, so that what follows keeps its time.
 *
 * Source: ISO 11172-3, 2.4.1.3 and 2.4.1.7 (main_data_begin); ID3v2.4, 3.1; APEv2; the "Xing" frame
 * as LAME writes it, "VBRI" as Fraunhofer does. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "ingest/media/audio_internal.h"

/* What a frame's header says. */
typedef struct header {
    int kind; /* version, layer and rate: the same in all frames of a file */
    int rate, samples;
    size_t size; /* bytes, header included */
    size_t side; /* bytes of side information; a Xing frame has its name behind them */
} header;

enum { LAYER_III = 1, LONGEST_FRAME = 1441, RUN = 3, MOST_RESERVOIR = 511 };

/* Samples that an index frame may have a decoder take off the start: 12 bits, and its own 529. */
enum { MOST_DELAY = 4095 + 529 };

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
    h->side = one ? (mono ? 17 : 32) : (mono ? 9 : 17);
    return true;
}

bool twi_mpeg_suspected(const unsigned char *head)
{
    return memcmp(head, "ID3", 3) == 0 || is_sync(head);
}

/* ---- where frames are ------------------------------------------------------------------------ */

static size_t number_le(const unsigned char *p)
{
    return (size_t) p[0] | (size_t) p[1] << 8 | (size_t) p[2] << 16 | (size_t) p[3] << 24;
}

/* The bytes of the tag that begins here, as far as they are there; 0: none does. */
static size_t tag_size(const unsigned char *p, size_t left)
{
    size_t size = 0;
    if (left >= 10 && memcmp(p, "ID3", 3) == 0) {
        size = (p[5] & 0x10) != 0 ? 20 : 10; /* four bytes of 7 bits follow */
        for (int i = 6; i < 10; i++)
            size += (size_t) (p[i] & 0x7f) << 7 * (9 - i);
    } else if (left >= 32 && memcmp(p, "APETAGEX", 8) == 0) {
        size = 32 + ((p[23] & 0x20) != 0 ? number_le(p + 12) : 0);
    } else if (left >= 3 && memcmp(p, "TAG", 3) == 0) {
        size = left >= 4 && p[3] == '+' ? 227 : 128;
    } else if (left >= 4 && memcmp(p, "LYRI", 4) == 0) {
        size = left; /* it stands behind all frames */
    }
    return size < left ? size : left;
}

/* Whether several frames of one kind begin here, or the last ones of the file. One header alone is
 * found in any file. */
static bool is_run(const unsigned char *data, size_t len, size_t at, header *first)
{
    header h;
    for (int n = 0; n < RUN; n++) {
        const size_t left = len - at;
        if (n > 1 && (left < 4 || tag_size(data + at, left) > 0))
            return true;
        if (left < 4 || !read_header(data + at, &h) || h.size > left ||
            (n > 0 && h.kind != first->kind))
            return false;
        if (n == 0)
            *first = h;
        at += h.size;
    }
    return true;
}

/* The next place from `at` on where frames begin. */
static bool find_run(const unsigned char *data, size_t len, size_t *at, header *first)
{
    for (size_t i = *at; len - i >= 4; i++) {
        const unsigned char *p = memchr(data + i, 0xff, len - i);
        if (p == NULL)
            return false;
        i = (size_t) (p - data);
        if (is_run(data, len, i, first)) {
            *at = i;
            return true;
        }
    }
    return false;
}

bool twi_mpeg_find(const unsigned char *data, size_t len, size_t *start)
{
    size_t at = 0, run;
    header h;
    while (at + 10 <= len && memcmp(data + at, "ID3", 3) == 0) {
        at += tag_size(data + at, len - at);
        while (at < len && data[at] == 0) /* padding that the tag forgot to count */
            at++;
    }
    *start = run = at;
    if (at + 4 > len || !is_sync(data + at))
        return false;
    if (!is_run(data, len, at, &h) && find_run(data, len, &run, &h))
        *start = run; /* what stands there only looks like a frame */
    return true;
}

bool twi_mpeg_search(const unsigned char *data, size_t len, size_t *start)
{
    enum { TAG_HEADER = 10 }; /* behind which to look, should the tag's size be wrong */
    const size_t from[2] = {*start, TAG_HEADER};
    header h;
    for (int i = 0; i < 2; i++) {
        *start = from[i];
        if (from[i] < len && find_run(data, len, start, &h))
            return true;
    }
    return false;
}

/* ---- an index -------------------------------------------------------------------------------- */

/* An index is a frame of no audio that says how long the whole is. */
static bool is_index(const unsigned char *p, const header *h)
{
    const size_t at = 4 + h->side;
    return (h->size >= at + 16 &&
            (memcmp(p + at, "Xing", 4) == 0 || memcmp(p + at, "Info", 4) == 0)) ||
           (h->size >= 40 && memcmp(p + 36, "VBRI", 4) == 0);
}

/* Without both numbers, of frames and bytes, the decoder guesses the length, wrongly where frames
 * differ in size. */
static bool has_numbers(const unsigned char *p, const header *h)
{
    return (h->size < 40 || memcmp(p + 36, "VBRI", 4) != 0) && (p[4 + h->side + 7] & 3) == 3;
}

static size_t number(const unsigned char *p)
{
    return (size_t) p[0] << 24 | (size_t) p[1] << 16 | (size_t) p[2] << 8 | p[3];
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
        memcpy(out + 4 + h.side, xing, sizeof xing);
    }
    return h.size;
}

/* LAME notes in the index how many samples it added at the end (12 bits), for the decoder to take
 * off again; of a part the end is another. */
static void forget_padding(unsigned char *index, const header *first)
{
    enum { LAME = 120, PADDING = LAME + 22, ALL_FIELDS = 15 };
    const size_t at = 4 + first->side;
    if ((index[at + 7] & ALL_FIELDS) != ALL_FIELDS || first->size < at + PADDING + 2)
        return;
    index[at + PADDING] &= 0xf0;
    index[at + PADDING + 1] = 0;
}

/* ---- the frames ------------------------------------------------------------------------------ */

/* A walk over the frames, with out NULL to count them first. */
typedef struct walk {
    const unsigned char *data;
    size_t len, at;
    header first;
    double most;        /* frames that are wanted */
    unsigned char *out; /* or NULL */
    size_t size;        /* bytes put out */
    size_t last;        /* where the last frame begins in them */
    size_t frames;
    size_t end;       /* behind the last frame in data */
    size_t filled;    /* of frames, the silent ones between */
    double fill;      /* silent frames for an unknown byte; 0: by the mean size of frames */
    size_t unknown;   /* bytes between frames that are neither frame nor tag */
    size_t reservoir; /* bytes behind which a frame may look for the start of its audio */
    header other;     /* of the frames of another kind that end the walk, where rate is not 0 */
    bool more;        /* another frame follows */
    bool joined;      /* frames do not simply follow each other */
} walk;

static size_t side_at(const unsigned char *p) { return (p[1] & 1) != 0 ? 4 : 6; } /* a checksum */

static bool is_one(const unsigned char *p) { return (p[1] >> 3 & 3) == 3; }

/* Whether its side information is all there: only the smallest frames of a broken writer lack it.
 */
static bool is_complete(const unsigned char *p, const header *h)
{
    return h->size >= side_at(p) + h->side;
}

/* How far before a frame its audio begins, among the bytes of earlier frames. */
static size_t looks_back(const unsigned char *p, const header *h)
{
    const unsigned char *side = p + side_at(p);
    if (!is_complete(p, h))
        return 0;
    return is_one(p) ? (size_t) side[0] << 1 | side[1] >> 7 : side[0];
}

/* Side information of zeros says: no bit of audio. But the decoder keeps no more bytes for later
 * frames than this one says it looks back. */
static void silence(unsigned char *p, const header *h, size_t back)
{
    unsigned char *side = p + side_at(p);
    if (!is_complete(p, h))
        return;
    memset(side, 0, h->side);
    side[0] = (unsigned char) (is_one(p) ? back >> 1 : back);
    if (is_one(p))
        side[1] = (unsigned char) (back << 7);
}

static void put_frame(walk *w, const unsigned char *p, const header *h)
{
    if (w->out != NULL)
        memcpy(w->out + w->size, p, h->size);
    w->last = w->size;
    w->size += h->size;
    w->frames++;
}

/* A frame whose audio begins in frames that are lost is silent, but its bytes serve later ones. */
static void take_frame(walk *w, const header *h)
{
    const unsigned char *p = w->data + w->at;
    const size_t most = is_one(p) ? MOST_RESERVOIR : MOST_RESERVOIR / 2;
    const size_t room = is_complete(p, h) ? h->size - side_at(p) - h->side : 0;
    size_t back = looks_back(p, h);
    w->joined = w->joined || (w->frames > 0 && w->at != w->end);
    if (is_index(p, h)) { /* of a file that was joined to the first */
        w->reservoir = 0;
    } else {
        put_frame(w, p, h);
        if (back > w->reservoir) {
            back = w->reservoir < most ? w->reservoir : most;
            if (w->out != NULL)
                silence(w->out + w->last, h, back);
        }
        w->reservoir = back + room;
    }
    w->at += h->size;
    w->end = w->at;
}

/* Silent frames for the bytes in between; the frame before them may be cut off. */
static void fill_gap(walk *w, size_t gap)
{
    header h;
    const unsigned char *p = w->data + w->at - gap;
    const double fill = w->fill > 0 ? w->fill : (double) w->frames / (double) w->size;
    if (w->out != NULL && read_header(w->out + w->last, &h))
        silence(w->out + w->last, &h, 0);
    /* The frames behind the gap serve as a pattern. */
    if (!read_header(p + gap, &h))
        return;
    const double lost = round((double) gap * fill);
    for (size_t n = 0; (double) n < lost && (double) w->frames < w->most && w->size < 2 * w->len;
         n++) {
        put_frame(w, p + gap, &h);
        w->filled++;
        if (w->out != NULL)
            silence(w->out + w->last, &h, 0);
    }
}

/* Whether the walk can go on behind what is no frame. */
static bool cross(walk *w)
{
    const size_t tag = tag_size(w->data + w->at, w->len - w->at);
    size_t next = w->at;
    header h;
    if (tag > 0) {
        w->at += tag;
        return true;
    }
    if (w->frames == 0 || !find_run(w->data, w->len, &next, &h))
        return false;
    if (h.kind != w->first.kind) {
        w->other = h;
        w->at = next;
        return false;
    }
    const size_t gap = next - w->at;
    w->unknown += gap;
    w->at = next;
    w->reservoir = 0;
    fill_gap(w, gap);
    return true;
}

static void walk_frames(walk *w)
{
    header h;
    for (;;) {
        const size_t left = w->len - w->at;
        const bool frame = left >= 4 && read_header(w->data + w->at, &h) && h.kind == w->first.kind;
        w->more = frame && (double) w->frames >= w->most;
        if (w->more || (frame && h.size > left) || left < 4)
            return;
        if (frame)
            take_frame(w, &h);
        else if (!cross(w))
            return;
    }
}

static bool is_zero(const unsigned char *p, size_t n)
{
    while (n > 0 && *p == 0) {
        p++;
        n--;
    }
    return n == 0;
}

/* Whether so much is lost that what is left should not be taken for the whole. `promised` is how
 * many frames the file's index counts, 0 without one. */
static tw_status check_walk(const walk *w, size_t start, size_t promised, const char *name,
                            tw_error *err)
{
    enum { PART = 4 };
    const size_t behind = w->len - w->at;
    if (w->frames == 0)
        return tw_fail(err, TW_EINVAL, "'%s' begins like an MP3 but holds no whole frame", name);
    if (w->other.rate != 0) {
        return tw_fail(err, TW_EUNSUPPORTED,
                       "'%s' is an MP3 that goes on in another format at byte %zu (%d, then %d "
                       "samples a second), which is not supported: cut it there",
                       name, w->at, w->first.rate, w->other.rate);
    }
    if (w->unknown > (w->end - start) / PART)
        return tw_fail(err, TW_ECORRUPT, "'%s' is a damaged MP3: %zu of %zu bytes are no frames",
                       name, w->unknown, w->end - start);
    if (w->more || behind <= LONGEST_FRAME || (promised > 0 && w->frames + RUN >= promised))
        return TW_OK;
    /* The audio ends here, and something else is behind it: padding, or what was lost? */
    if (promised > 0 || behind > (w->len - start) / PART || !is_zero(w->data + w->at, behind)) {
        return tw_fail(err, TW_ECORRUPT,
                       "'%s' is a damaged MP3: no frame follows at byte %zu, %zu before its end",
                       name, w->at, behind);
    }
    return TW_OK;
}

/* Whether the index's number tells how many frames were lost: not where the file ends early. */
static bool knows_lost(const walk *w, size_t promised)
{
    const size_t real = w->frames - w->filled;
    return !w->more && w->filled > 0 && promised > real && promised - real <= 2 * w->filled + RUN;
}

static tw_status refuse_layer(unsigned layer, const char *name, tw_error *err)
{
    if (layer == 0)
        return tw_fail(err, TW_EUNSUPPORTED,
                       "'%s' is AAC, which is not supported: " TWI_CONVERT_AUDIO, name);
    return tw_fail(err, TW_EUNSUPPORTED,
                   "'%s' is MPEG audio, but not of layer III (MP3), which is not "
                   "supported: " TWI_CONVERT_AUDIO,
                   name);
}

tw_status twi_mpeg_frames(unsigned char **out, size_t *size, bool *cut, const unsigned char *data,
                          size_t len, size_t start, const char *name, double seconds, tw_error *err)
{
    const unsigned char *p = data + start;
    walk w = {.data = data, .len = len, .at = start, .end = start};
    header first = {0};

    *out = NULL;
    if ((p[1] >> 1 & 3) != LAYER_III)
        return refuse_layer(p[1] >> 1 & 3, name, err);
    const bool whole = read_header(p, &first) && first.size <= len - start;
    const bool index = whole && is_index(p, &first), own = index && has_numbers(p, &first);
    w.first = first;
    w.at = w.end = start + (index ? first.size : 0);
    if (whole) /* and as many as the decoder may take off the start, and two for the end */
        w.most = ceil((seconds * first.rate + MOST_DELAY) / first.samples) + 2;
    walk counted = w;
    if (whole)
        walk_frames(&counted);
    const size_t promised = own ? number(p + 4 + first.side + 8) : 0;
    const tw_status st = check_walk(&counted, start, promised, name, err);
    if (st != TW_OK)
        return st;
    if (knows_lost(&counted, promised)) { /* better than what sizes say, where they vary */
        w.fill = (double) (promised - (counted.frames - counted.filled)) / (double) counted.unknown;
        counted = w;
        walk_frames(&counted);
    }
    *size = counted.size;

    *out = tw_alloc(INDEX_ROOM + *size, 1);
    if (*out == NULL)
        return tw_fail(err, TW_ENOMEM, "%zu bytes of '%s'", *size, name);
    const size_t head = make_index(*out, p, &first, own);
    w.out = *out + head;
    walk_frames(&w);
    *size = head + w.size;
    *cut = w.more;
    if (own && (w.more || w.joined))
        forget_padding(*out, &first);
    put_number(*out + 4 + first.side + 8, w.frames);
    put_number(*out + 4 + first.side + 12, *size);
    return TW_OK;
}
