/* index/index_delta.h — the rows that came since the last merge: chunks, append-only. Internal to
 * index/.
 */
#ifndef TW_INDEX_INDEX_DELTA_H
#define TW_INDEX_INDEX_DELTA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define TWI_CHUNK_BITS  10
#define TWI_CHUNK_ROWS  (1 << TWI_CHUNK_BITS)
#define TWI_PAGE_CHUNKS 1024
#define TWI_DELTA_PAGES 1024
#define TWI_DELTA_MAX   (INT64_C(1) << 30)

typedef struct twi_chunk {
    int refs; /* deltas that hold it; atomic: the last one out may be a reader */
    int32_t ids[TWI_CHUNK_ROWS];
    uint64_t created[TWI_CHUNK_ROWS];
    uint64_t deleted[TWI_CHUNK_ROWS]; /* atomic; 0: live */
    float vecs[];                     /* (TWI_CHUNK_ROWS, dim) */
} twi_chunk;

typedef struct twi_delta {
    int dim;
    int64_t first; /* rows below belong to an older state that shares the chunk */
    int64_t count; /* atomic, released after the row it counts */
    twi_chunk **pages[TWI_DELTA_PAGES];
} twi_delta;

void twi_delta_init(twi_delta *d, int dim);
void twi_delta_fini(twi_delta *d);
/* *to shares from's chunks from row `row` on, and numbers rows anew: from's row r is r - *shift. */
TW_NODISCARD tw_status twi_delta_share(twi_delta *to, const twi_delta *from, int64_t row,
                                       int64_t *shift, tw_error *err);
TW_NODISCARD tw_status twi_delta_reserve(twi_delta *d, tw_error *err); /* room for one row */
int64_t twi_delta_append(twi_delta *d, int64_t id, const float *vec,
                         uint64_t created); /* the row */
int64_t twi_delta_count(const twi_delta *d);
twi_chunk *twi_delta_chunk(const twi_delta *d, int64_t row);
const float *twi_delta_vec(const twi_delta *d, int64_t row);
bool twi_delta_sees(const twi_delta *d, int64_t row, uint64_t version);

#endif
