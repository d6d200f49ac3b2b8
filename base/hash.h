/* base/hash.h — FNV-1a for feature hashing, CRC-32 for files, and a fast 64-bit
 * hash for rows of the store.
 *
 * All are part of files on disk, so they are fixed for ever: changing FNV's
 * constants changes every bucket of every stored text tower, changing the row
 * hash makes every stored checksum wrong. CRC-32 is zlib's. None of them keeps
 * anybody from making two inputs of one hash on purpose.
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

#define TW_HASH_START 0x74776478726f7773u

/* Continues h over one word. For a given h two words never give the same, so damage within one word
 * is always seen in 64 bits. */
static inline uint64_t tw_hash_word(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

/* Continues h over len bytes and over their number; the same on every machine. */
uint64_t tw_hash_bytes(uint64_t h, const void *data, size_t len);

/* The hash, each of whose bits depends on all of them: any part of it may be kept. */
static inline uint64_t tw_hash_end(uint64_t h)
{
    h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
    return h ^ h >> 32;
}

#endif
