/* seqmodel/seq_stream.c — one seed into many streams. */
#include "seqmodel/seq_stream.h"

tw_rng twi_stream(int64_t seed, enum twi_stream purpose, uint64_t a, uint64_t b)
{
    tw_rng key, out;
    tw_rng_seed3(&key, (uint64_t) seed, (uint64_t) purpose, 0);
    tw_rng_seed3(&out, tw_rng_u64(&key), a, b);
    return out;
}
