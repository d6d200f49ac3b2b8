/* How large the pictures in coded bytes are, by the headers that a decoder obeys. What the file
 * around them says is another thing: a file of 700 bytes may say 16 x 16 and have 20 gigabytes
 * decoded.
 *
 * Sources: ITU-T H.265, 7.3.1 (units), 7.3.2.2 (sequence parameter set), 7.3.3 (profile); AV1
 * bitstream specification, 5.3 and 5.5 (units, sequence header). */
#include <string.h>

#include "ingest/media/image_internal.h"

/* Bits, the highest of a byte first. Behind the end come zeros: `over` tells. */
typedef struct bits {
    const unsigned char *data;
    size_t len, at; /* at: in bits */
    bool over;
} bits;

static uint32_t take(bits *b, int n)
{
    uint32_t v = 0;
    for (; n > 0; n--, b->at++) {
        b->over = b->over || b->at / 8 >= b->len;
        v = v << 1 | (b->over ? 0 : (unsigned) b->data[b->at / 8] >> (7 - b->at % 8) & 1u);
    }
    return v;
}

static void skip(bits *b, size_t n) { b->at += n; }

/* Exp-Golomb: zeros, a one, and as many bits as there were zeros. */
static uint32_t take_ue(bits *b)
{
    int zeros = 0;
    while (zeros < 32 && !b->over && take(b, 1) == 0)
        zeros++;
    return zeros >= 32 ? UINT32_MAX : (1u << zeros) - 1 + take(b, zeros);
}

static int64_t area(uint32_t width, uint32_t height)
{
    const uint64_t w = width, h = height; /* of 32 bits each, so the product may not fit */
    return w > 0 && h > INT64_MAX / w ? INT64_MAX : (int64_t) (w * h);
}

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* ---- HEVC ------------------------------------------------------------------------------------ */

/* profile_tier_level of a sequence with that many sub-layers less one. */
static void skip_profile(bits *b, unsigned layers)
{
    static const size_t PROFILE = 88, LEVEL = 8;
    bool profile[8] = {false}, level[8] = {false};
    skip(b, PROFILE + LEVEL);
    for (unsigned i = 0; i < layers; i++) {
        profile[i] = take(b, 1) == 1;
        level[i] = take(b, 1) == 1;
    }
    if (layers > 0)
        skip(b, (size_t) 2 * (8 - layers));
    for (unsigned i = 0; i < layers; i++)
        skip(b, (profile[i] ? PROFILE : 0) + (level[i] ? LEVEL : 0));
}

/* A sequence parameter set, behind the unit's two bytes. */
static int64_t set_area(const unsigned char *unit, size_t len)
{
    enum { ROOM = 256 }; /* sizes stand within far less */
    unsigned char plain[ROOM];
    size_t n = 0;
    for (size_t i = 2, zeros = 0; i < len && n < ROOM; i++) {
        const bool stuffed = zeros >= 2 && unit[i] == 3; /* 00 00 03 is 00 00 */
        zeros = unit[i] == 0 ? zeros + 1 : 0;
        if (!stuffed)
            plain[n++] = unit[i];
    }
    bits b = {.data = plain, .len = n};
    skip(&b, 4);
    const unsigned layers = take(&b, 3);
    skip(&b, 1);
    skip_profile(&b, layers);
    (void) take_ue(&b);
    if (take_ue(&b) == 3)
        skip(&b, 1);
    const uint32_t width = take_ue(&b), height = take_ue(&b);
    return area(width, height);
}

int64_t twi_hevc_unit_area(const unsigned char *unit, size_t len)
{
    enum { SEQUENCE = 33 };
    return len > 2 && (unit[0] >> 1 & 63) == SEQUENCE ? set_area(unit, len) : 0;
}

int64_t twi_hevc_area(const unsigned char *data, size_t len)
{
    int64_t most = 0;
    for (size_t at = 0; len - at >= 4;) {
        const size_t n = (size_t) data[at] << 24 | (size_t) data[at + 1] << 16 |
                         (size_t) data[at + 2] << 8 | data[at + 3];
        at += 4;
        const size_t room = n < len - at ? n : len - at;
        most = larger(most, twi_hevc_unit_area(data + at, room));
        at += room;
    }
    return most;
}

/* ---- AV1 ------------------------------------------------------------------------------------- */

/* Counters of time, which a picture has no use for. Returns the length of a buffer delay; 0: there
 * is no model of decoders. */
static unsigned skip_timing(bits *b)
{
    if (take(b, 1) == 0)
        return 0;
    skip(b, 64);
    if (take(b, 1) == 1)
        (void) take_ue(b);
    if (take(b, 1) == 0)
        return 0;
    const unsigned delay = take(b, 5) + 1;
    skip(b, 32 + 5 + 5);
    return delay;
}

static void skip_points(bits *b, unsigned delay)
{
    const bool display = take(b, 1) == 1;
    const unsigned points = take(b, 5) + 1;
    for (unsigned i = 0; i < points && !b->over; i++) {
        skip(b, 12);
        if (take(b, 5) > 7)
            skip(b, 1);
        if (delay > 0 && take(b, 1) == 1)
            skip(b, (size_t) 2 * delay + 1);
        if (display && take(b, 1) == 1)
            skip(b, 4);
    }
}

static int64_t header_area(const unsigned char *data, size_t len)
{
    bits b = {.data = data, .len = len};
    skip(&b, 4);
    if (take(&b, 1) == 1) /* the reduced header of a still picture */
        skip(&b, 5);
    else
        skip_points(&b, skip_timing(&b));
    const int wide = (int) take(&b, 4) + 1, high = (int) take(&b, 4) + 1;
    const uint32_t width = take(&b, wide), height = take(&b, high);
    return area(width + 1, height + 1);
}

/* A number in bytes of 7 bits, the lowest first. */
static size_t take_size(const unsigned char *data, size_t len, size_t *at)
{
    uint64_t v = 0;
    for (int i = 0; i < 8 && *at < len; i++) {
        const unsigned byte = data[(*at)++];
        v |= (uint64_t) (byte & 127) << 7 * i;
        if (byte < 128)
            break;
    }
    return v < len ? (size_t) v : len;
}

int64_t twi_av1_area(const unsigned char *data, size_t len)
{
    enum { SEQUENCE = 1, EXTENDED = 4, SIZED = 2 };
    int64_t most = 0;
    for (size_t at = 0; at < len;) {
        const unsigned head = data[at++];
        if (head == 0) /* decoders pass over zeros between units */
            continue;
        at += (head & EXTENDED) != 0 && at < len;
        size_t n = (head & SIZED) != 0 ? take_size(data, len, &at) : len - at;
        n = n < len - at ? n : len - at;
        if ((head >> 3 & 15) == SEQUENCE)
            most = larger(most, header_area(data + at, n));
        at += n;
    }
    return most;
}
