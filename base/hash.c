#include "base/hash.h"

#include <zlib.h>

uint32_t tw_crc32(uint32_t crc, const void *data, size_t len)
{
    return len == 0 ? crc : (uint32_t) crc32_z(crc, data, len); /* zlib starts anew on NULL */
}

static uint64_t word_at(const unsigned char *p, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++)
        word |= (uint64_t) p[i] << (8 * i); /* compilers make one load of eight */
    return word;
}

uint64_t tw_hash_bytes(uint64_t h, const void *data, size_t len)
{
    const unsigned char *p = data;
    h = tw_hash_word(h, len);
    for (; len >= 8; p += 8, len -= 8)
        h = tw_hash_word(h, word_at(p, 8));
    return len > 0 ? tw_hash_word(h, word_at(p, len)) : h;
}
