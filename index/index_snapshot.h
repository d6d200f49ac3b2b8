/* index/index_snapshot.h — a snapshot's header, between the file that writes and the one that
 * reads.
 *
 * The file (all little-endian, no padding; v1):
 *
 *   offset  size            what
 *   0       8               "TWINDEX\n"
 *   8       u32             format version, 1
 *   12      u32             header size, 320
 *   16      u32             dim
 *   20      u32             flags: 1 graph, 2 main's rows are stored beside it
 *   24      i64             seq, the caller's
 *   32      i64             main rows n
 *   40      i64             delta rows m
 *   48      i64             live ids
 *   56      64              kind: "exact" or FAISS's factory string, padded with zeros
 *   120     128             tag, the caller's, padded with zeros
 *   248     68              zeros
 *   316     u32             CRC-32 of bytes 0..315
 *   320     i32 * n         main ids
 *           u64 * ceil(n/64) bit i % 64 of word i / 64: main row i is dead (none without a graph)
 *           f32 * n*dim     main rows, if flag 2
 *           i32 * m         delta ids (live rows only)
 *           f32 * m*dim     delta rows
 *           g bytes         FAISS's own serialisation of the graph, if flag 1
 *   end-28  u64             g
 *   end-20  u64             size of the whole file
 *   end-12  8               "TWIXEND\n"
 *   end-4   u32             CRC-32 of all before it
 *
 * Without a graph flag 2 is always set and only live rows are stored. Everything is written in one
 * pass; g is known only at the end, hence the trailer.
 */
#ifndef TW_INDEX_INDEX_SNAPSHOT_H
#define TW_INDEX_INDEX_SNAPSHOT_H

#include "index/internal.h"

#define TWI_SNAP_MAGIC   "TWINDEX\n"
#define TWI_SNAP_END     "TWIXEND\n"
#define TWI_SNAP_VERSION 1
#define TWI_SNAP_HEADER  320
#define TWI_SNAP_TRAILER 28

enum { TWI_SNAP_GRAPH = 1, TWI_SNAP_ROWS = 2 };

/* Arrays are written as they lie in memory. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "snapshots are little-endian");
_Static_assert(sizeof(float) == 4, "snapshots hold IEEE floats");

typedef struct twi_snap_header {
    uint32_t dim, flags;
    int64_t seq, n, m, live;
    char kind[TW_INDEX_KIND_MAX];
    char tag[TW_INDEX_TAG_MAX];
} twi_snap_header;

/* To and from bytes; no check but those of decode: magic, version, CRC, ranges of every field. */
void twi_snap_encode(uint8_t out[TWI_SNAP_HEADER], const twi_snap_header *h);
TW_NODISCARD tw_status twi_snap_decode(twi_snap_header *h, const uint8_t in[TWI_SNAP_HEADER],
                                       const char *path, tw_error *err);

#endif
