#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "store/internal.h"

/* Lower case by Unicode's simple mappings, for the scripts that have case and where the lower form
 * is no longer in UTF-8 than the upper one. Not all of Unicode: what is not folded is merely
 * compared as it is. In the order of code points. */
enum { ADD, EVEN, ODD }; /* EVEN, ODD: pairs whose upper case is the even, the odd number */

static const struct {
    uint32_t first;
    uint32_t last;
    int how;
    uint32_t add;
} ranges[] = {
    {0x41, 0x5a, ADD, 32}, /* ASCII */
    {0xc0, 0xd6, ADD, 32}, /* Latin-1, around the multiplication sign */
    {0xd8, 0xde, ADD, 32},
    {0x100, 0x12f, EVEN, 0}, /* Latin Extended-A, without the Turkish i */
    {0x132, 0x137, EVEN, 0},
    {0x139, 0x148, ODD, 0},
    {0x14a, 0x177, EVEN, 0},
    {0x179, 0x17e, ODD, 0},
    {0x386, 0x386, ADD, 38}, /* Greek: with accents, then plain */
    {0x388, 0x38a, ADD, 37},
    {0x38c, 0x38c, ADD, 64},
    {0x38e, 0x38f, ADD, 63},
    {0x391, 0x3a1, ADD, 32},
    {0x3a3, 0x3ab, ADD, 32},
    {0x3c2, 0x3c2, ADD, 1},  /* the sigma that ends a word */
    {0x400, 0x40f, ADD, 80}, /* Cyrillic */
    {0x410, 0x42f, ADD, 32},
    {0x460, 0x481, EVEN, 0},
    {0x48a, 0x4bf, EVEN, 0},
    {0x4d0, 0x52f, EVEN, 0},
    {0x531, 0x556, ADD, 48},   /* Armenian */
    {0x1e00, 0x1e95, EVEN, 0}, /* Vietnamese and others */
    {0x1ea0, 0x1eff, EVEN, 0},
    {0xff21, 0xff3a, ADD, 32}, /* full-width Latin */
};

static uint32_t lower(uint32_t c)
{
    if (c == 0x178) /* the one that goes back to Latin-1 */
        return 0xff;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0] && c >= ranges[i].first; i++) {
        if (c > ranges[i].last)
            continue;
        return ranges[i].how == ADD    ? c + ranges[i].add
               : ranges[i].how == EVEN ? c | 1
                                       : c + (c & 1);
    }
    return c;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

size_t twi_store_fold(const char *s, size_t len, char *out, size_t size)
{
    size_t n = 0;

    while (len > 0 && is_space(s[0])) {
        s++;
        len--;
    }
    while (len > 0 && is_space(s[len - 1]))
        len--;
    for (size_t i = 0; i < len;) {
        char buf[4];
        size_t used;
        uint32_t c = tw_utf8_next(s + i, len - i, &used);
        size_t put = tw_utf8_put(buf, lower(c));
        if (c == 0xfffd && used == 1) { /* malformed: kept as it is */
            buf[0] = s[i];
            put = 1;
        }
        if (n + put + 1 > size)
            break;
        for (size_t j = 0; j < put; j++)
            out[n++] = buf[j];
        i += used;
    }
    out[n] = '\0';
    return n;
}

int64_t twi_fold_hash(const char *title)
{
    char folded[TW_STORE_MAX_TITLE + 1];
    size_t len = twi_store_fold(title, strnlen(title, TW_STORE_MAX_TITLE), folded, sizeof folded);
    if (len == 0)
        return 0;
    /* The top bit is dropped so that the value is a plain positive integer in every language. */
    int64_t hash = (int64_t) (tw_fnv1a(TW_FNV_START, folded, len) >> 1);
    return hash != 0 ? hash : 1;
}
