/* base/hash.h — FNV-1a for feature hashing and CRC-32 for files.
 *
 * The FNV constants are part of every stored text tower: changing them changes
 * every bucket, so they are fixed for ever. CRC-32 is zlib's.
 */
#ifndef TW_BASE_HASH_H
#define TW_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define TW_FNV_START 0xcbf29ce484222325u

/* Continues h over len bytes; start with TW_FNV_START.
 * Source: Fowler, Noll, Vo, 64-bit FNV-1a. */
static inline uint64_t tw_fnv1a(uint64_t h, const void *data, size_t len)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

/* Continues crc over len bytes; start with 0. */
uint32_t tw_crc32(uint32_t crc, const void *data, size_t len);

#endif
