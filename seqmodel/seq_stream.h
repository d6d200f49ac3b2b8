/* seqmodel/seq_stream.h — streams of randomness, kept apart by what they are for.
 *
 * Internal to seqmodel/.
 */
#ifndef TW_SEQMODEL_SEQ_STREAM_H
#define TW_SEQMODEL_SEQ_STREAM_H

#include "base/rng.h"

enum twi_stream {
    TWI_STREAM_INIT = 1,
    TWI_STREAM_ORDER = 2,    /* of users in an epoch */
    TWI_STREAM_SEQUENCE = 3, /* of one user's training sequence in an epoch */
    TWI_STREAM_SAMPLED = 4,
    TWI_STREAM_AUTHORS = 5,
    TWI_STREAM_TRAINER = 6,    /* dropout */
    TWI_STREAM_CANDIDATES = 7, /* of one step of an epoch */
    TWI_STREAM_HELD = 8,       /* users and items held out */
    TWI_STREAM_FOLD = 9,       /* candidates of a fold-in */
};

/* The stream (purpose, a, b) of a run with `seed`; independent of threads. */
tw_rng twi_stream(int64_t seed, enum twi_stream purpose, uint64_t a, uint64_t b);

#endif
