/* ingest/ingest_unpack.h — the bytes of a file, unpacked as they are read. Internal to ingest/. */
#ifndef TW_INGEST_INGEST_UNPACK_H
#define TW_INGEST_INGEST_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A file, plain or packed with gzip, zstd or xz; which of them its first bytes say. */
typedef struct twi_unpacker twi_unpacker;

/* Takes fd over, also on failure. path is for messages, borrowed for the life of *out.
 * TW_EUNSUPPORTED: a container that is not read (zip, Parquet, a spreadsheet ...); the message
 * names it and the command that makes text of it. TW_EIO, TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status twi_unpacker_open(twi_unpacker **out, int fd, const char *path,
                                         tw_error *err);

/* Reads up to `room` > 0 bytes; *got 0 is the end. TW_ECORRUPT: damaged, or it ends too early. */
TW_NODISCARD tw_status twi_unpacker_read(twi_unpacker *u, char *to, size_t room, size_t *got,
                                         tw_error *err);

/* Begins anew. TW_EIO: a pipe. */
TW_NODISCARD tw_status twi_unpacker_rewind(twi_unpacker *u, tw_error *err);

/* Goes to a byte of a file that is not packed, at once; false: it is packed, or a pipe. */
bool twi_unpacker_jump(twi_unpacker *u, int64_t offset);

/* Bytes of the file on disk that were read. */
int64_t twi_unpacker_taken(const twi_unpacker *u);

void twi_unpacker_close(twi_unpacker *u); /* accepts NULL */

/* What a file that is no text is called, by its first bytes, and the command that makes text of it;
 * NULL: none that is known. */
typedef struct twi_container {
    const char *name, *how;
} twi_container;
const twi_container *twi_container_of(const unsigned char *head, size_t n);

#endif
