#include "base/rng.h"

#include <math.h>

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

void tw_rng_seed(tw_rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        r->s[i] = splitmix(&seed);
}

void tw_rng_seed3(tw_rng *r, uint64_t seed, uint64_t a, uint64_t b)
{
    uint64_t x = seed;
    x = splitmix(&x) ^ a;
    x = splitmix(&x) ^ b;
    tw_rng_seed(r, x);
}

uint64_t tw_rng_u64(tw_rng *r)
{
    uint64_t *s = r->s;
    uint64_t out = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return out;
}

/* Lemire 2019, "Fast random integer generation in an interval", algorithm 5. */
uint64_t tw_rng_below(tw_rng *r, uint64_t n)
{
    __uint128_t m = (__uint128_t) tw_rng_u64(r) * n;
    if ((uint64_t) m < n) {
        uint64_t floor = (0 - n) % n;
        while ((uint64_t) m < floor)
            m = (__uint128_t) tw_rng_u64(r) * n;
    }
    return (uint64_t) (m >> 64);
}

double tw_rng_uniform(tw_rng *r) { return (double) (tw_rng_u64(r) >> 11) * 0x1p-53; }

double tw_rng_normal(tw_rng *r)
{
    double u = 1.0 - tw_rng_uniform(r); /* (0, 1]: the logarithm stays finite */
    double v = tw_rng_uniform(r);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

void tw_rng_shuffle(tw_rng *r, int32_t *values, int64_t n)
{
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t) tw_rng_below(r, (uint64_t) i + 1);
        int32_t keep = values[i];
        values[i] = values[j];
        values[j] = keep;
    }
}
