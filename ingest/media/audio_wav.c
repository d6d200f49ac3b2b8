/* A program that writes WAV into a pipe does not know how long the samples will be, and cannot go
 * back: it leaves 0, or 0xffffffff, or the size of the first block. libsndfile reads on to the end
 * where the size is too large, but believes one that is too small.
 *
 * Source: RIFF as Microsoft described it in 1991; AIFF 1.3 is the same with the other byte order.
 */
#include <string.h>

#include "ingest/media/audio_internal.h"

static int64_t number(const unsigned char *p, bool big)
{
    return big ? (int64_t) p[0] << 24 | (int64_t) p[1] << 16 | (int64_t) p[2] << 8 | p[3]
               : (int64_t) p[3] << 24 | (int64_t) p[2] << 16 | (int64_t) p[1] << 8 | p[0];
}

/* Whether a chunk may begin here: four letters, and a size that the file has. */
static bool is_chunk(const unsigned char *p, int64_t left, bool big)
{
    for (int i = 0; i < 4; i++) {
        if (p[i] < ' ' || p[i] > '~')
            return false;
    }
    return number(p + 4, big) <= left - 8;
}

/* Whether more is behind the samples than in them, and no chunk begins there. */
static bool is_wrong(twi_read_fn read, const void *ctx, int64_t end, int64_t size, int64_t len,
                     bool big)
{
    unsigned char next[8];
    const int64_t at = end + (size & 1), left = len - at;
    if (left <= size || left < (int64_t) sizeof next)
        return false;
    return read(ctx, at, next, sizeof next) == sizeof next && !is_chunk(next, left, big);
}

static twi_patch put_size(int64_t at, int64_t size, bool big)
{
    twi_patch p = {.at = at};
    for (int i = 0; i < 4; i++)
        p.bytes[i] = (unsigned char) (size >> 8 * (big ? 3 - i : i));
    return p;
}

twi_patch twi_wav_patch(twi_read_fn read, const void *ctx, int64_t len)
{
    enum { MOST_CHUNKS = 1000 };
    const twi_patch none = {.at = -1};
    unsigned char head[12], chunk[8];
    if (read(ctx, 0, head, sizeof head) != sizeof head)
        return none;
    const bool aiff = memcmp(head, "FORM", 4) == 0 && memcmp(head + 8, "AIF", 3) == 0;
    const bool big = aiff || memcmp(head, "RIFX", 4) == 0;
    if (!aiff && ((!big && memcmp(head, "RIFF", 4) != 0) || memcmp(head + 8, "WAVE", 4) != 0))
        return none;
    int64_t at = sizeof head;
    for (int i = 0; i < MOST_CHUNKS && read(ctx, at, chunk, sizeof chunk) == sizeof chunk; i++) {
        const int64_t size = number(chunk + 4, big), rest = len - at - 8;
        if (memcmp(chunk, aiff ? "SSND" : "data", 4) == 0) {
            const bool wrong = size < rest && rest <= UINT32_MAX &&
                               is_wrong(read, ctx, at + 8 + size, size, len, big);
            return wrong ? put_size(at + 4, rest, big) : none;
        }
        at += 8 + size + (size & 1);
    }
    return none;
}
