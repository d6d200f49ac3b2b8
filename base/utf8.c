#include "base/utf8.h"

uint32_t tw_utf8_next(const char *s, size_t len, size_t *used)
{
    const unsigned char *p = (const unsigned char *) s;
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;

    *used = 1;
    if (n == 1)
        return p[0];
    if (n == 0 || n > len || p[0] > 0xf4)
        return 0xfffd;
    uint32_t cp = p[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0xfffd;
        cp = (cp << 6) | (p[i] & 0x3fu);
    }
    if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
        return 0xfffd;
    *used = n;
    return cp;
}

bool tw_utf8_valid(const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t used;
        uint32_t cp = tw_utf8_next(s + i, len - i, &used);
        if (cp == 0 || (cp == 0xfffd && used == 1))
            return false;
        i += used;
    }
    return true;
}

uint32_t tw_utf8_control(const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t used;
        const uint32_t cp = tw_utf8_next(s + i, len - i, &used);
        if (cp != 0 && (cp < 0x20 || (cp >= 0x7f && cp < 0xa0)))
            return cp;
        i += used;
    }
    return 0;
}

size_t tw_utf8_put(char out[4], uint32_t cp)
{
    if (cp < 0x80) {
        out[0] = (char) cp;
        return 1;
    }
    size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    static const unsigned char lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char) (0x80 | (cp & 0x3f));
        cp >>= 6;
    }
    out[0] = (char) (lead[n] | cp);
    return n;
}
