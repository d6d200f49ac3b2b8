/* nn/kernels/hash_rng.h — coins for dropout: a function of (key, chunk, place), so a mask
 * is made again instead of kept, and a loop over places vectorises.
 *
 * A chunk's 64-bit key comes from SplitMix64's mixing; a place in it is mixed
 * into 32 bits by MurmurHash3's finaliser, the second half of the key going in
 * between the two multiplications, so that two chunks are not shifted copies.
 */
#ifndef TW_NN_KERNELS_HASH_RNG_H
#define TW_NN_KERNELS_HASH_RNG_H

#include <stdint.h>

#include "nn/kernels/simd.h"

TW_BODY uint64_t tw_coin_key(uint64_t key, uint64_t chunk)
{
    uint64_t z = key + (chunk + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 32 uniform bits. */
TW_BODY uint32_t tw_coin(uint32_t lo, uint32_t hi, uint32_t place)
{
    uint32_t x = place + lo;
    x ^= x >> 16;
    x *= 0x85ebca6bu;
    x ^= hi;
    x ^= x >> 13;
    x *= 0xc2b2ae35u;
    return x ^ (x >> 16);
}

/* tw_coin() < tw_coin_threshold(p) with probability p, p in [0, 1). */
TW_BODY uint32_t tw_coin_threshold(double p) { return (uint32_t) (p * 4294967296.0); }

#endif
