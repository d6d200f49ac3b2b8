#include "base/hash.h"

#include <zlib.h>

uint32_t tw_crc32(uint32_t crc, const void *data, size_t len)
{
    return len == 0 ? crc : (uint32_t) crc32_z(crc, data, len); /* zlib starts anew on NULL */
}
