/* base/rng.h — seeded randomness, passed to what needs it.
 *
 * xoshiro256** (Blackman and Vigna 2018), seeded through SplitMix64, so that
 * neighbouring seeds give unrelated streams. Not for secrets.
 */
#ifndef TW_BASE_RNG_H
#define TW_BASE_RNG_H

#include <stdint.h>

typedef struct tw_rng {
    uint64_t s[4];
} tw_rng;

void tw_rng_seed(tw_rng *r, uint64_t seed);

/* The stream of (seed, a, b): one per worker and step, independent of how many there are. */
void tw_rng_seed3(tw_rng *r, uint64_t seed, uint64_t a, uint64_t b);

uint64_t tw_rng_u64(tw_rng *r);
uint64_t tw_rng_below(tw_rng *r, uint64_t n); /* uniform in [0, n), n >= 1, without bias */
double tw_rng_uniform(tw_rng *r);             /* [0, 1) with 53 bits */
double tw_rng_normal(tw_rng *r);              /* mean 0, variance 1 (Box-Muller) */

/* Fisher-Yates over n int32 values. */
void tw_rng_shuffle(tw_rng *r, int32_t *values, int64_t n);

#endif
