/* index/index_snapshot.h — a snapshot's header, between the file that writes and the one that
 * reads. Internal to index/.
 *
 * The file (all little-endian, no padding; v2):
 *
 *   offset  size            what
 *   0       8               "TWINDEX\n"
 *   8       u32             format version, 2
 *   12      u32             header size, 320
 *   16      u32             dim
 *   20      u32             flags: 1 graph, 2 main's vectors are stored beside it, 4 equal rows
 *   24      i64             seq, the caller's
 *   32      i64             main rows n
 *   40      i64             delta rows m
 *   48      i64             live ids
 *   56      64              kind: "exact" or FAISS's factory string, padded with zeros
 *   120     128             tag, the caller's, padded with zeros
 *   248     i64             main's different vectors v; n without flag 4, fewer with it
 *   256     f64             recall of the graph when it was built, also of one given up; or 0
 *   264     52              zeros
 *   316     u32             CRC-32 of bytes 0..315
 *   320     i32 * n         main ids; those of one vector follow each other, ascending
 *           u64 * ceil(n/64)  bit i % 64 of word i / 64: main row i is deleted (with flag 1 or 4)
 *           u32 * v         rows of each vector, 1 or more (with flag 4)
 *           f32 * v*dim     main's vectors (with flag 2)
 *           i32 * m         delta ids, live rows only
 *           f32 * m*dim     delta rows
 *           g bytes         FAISS's own serialisation of the graph (with flag 1)
 *   end-28  u64             g
 *   end-20  u64             size of the whole file
 *   end-12  8               "TWIXEND\n"
 *   end-4   u32             CRC-32 of all before it
 *
 * Without a graph flag 2 is always set; without a graph and equal rows only live rows are stored.
 * Everything is written in one pass; g is known only at the end, hence the trailer.
 *
 * v1 ended its header with the tag: v is n, and its graphs were built in the order of ids, which
 * may have cost them any part of their recall. It is measured when they are read.
 */
#ifndef TW_INDEX_INDEX_SNAPSHOT_H
#define TW_INDEX_INDEX_SNAPSHOT_H

#include "index/index.h"

#define TWI_SNAP_MAGIC   "TWINDEX\n"
#define TWI_SNAP_END     "TWIXEND\n"
#define TWI_SNAP_VERSION 2
#define TWI_SNAP_HEADER  320
#define TWI_SNAP_TRAILER 28

enum { TWI_SNAP_GRAPH = 1, TWI_SNAP_ROWS = 2, TWI_SNAP_EQUAL = 4 };

/* Arrays are written as they lie in memory. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "snapshots are little-endian");
_Static_assert(sizeof(float) == 4 && sizeof(double) == 8, "snapshots hold IEEE numbers");

typedef struct twi_snap_header {
    uint32_t dim, flags;
    int64_t seq, n, m, live;
    char kind[TW_INDEX_KIND_MAX];
    char tag[TW_INDEX_TAG_MAX];
    int64_t nodes;
    double recall;
    uint32_t version; /* of the file; to write: set by encode */
} twi_snap_header;

/* To and from bytes; no check but those of decode: magic, version, CRC, ranges of every field. */
void twi_snap_encode(uint8_t out[TWI_SNAP_HEADER], const twi_snap_header *h);
TW_NODISCARD tw_status twi_snap_decode(twi_snap_header *h, const uint8_t in[TWI_SNAP_HEADER],
                                       const char *path, tw_error *err);

#endif
