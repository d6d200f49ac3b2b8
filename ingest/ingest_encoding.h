/* ingest/ingest_encoding.h — text of other encodings to UTF-8, as it is read. Internal to ingest/.
 *
 * Until a byte above 0x7f is met, or zero bytes say that it is UTF-16, nothing has to be known.
 * What then comes is taken for UTF-8 if it is; else, if it looks like text of western Europe, for
 * Windows-1252; else it is refused, and the encoding has to be named.
 */
#ifndef TW_INGEST_INGEST_ENCODING_H
#define TW_INGEST_INGEST_ENCODING_H

#include <iconv.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { TWI_UNCONVERTED = 16 }; /* bytes of a character that is not complete yet, at most */

typedef struct twi_encoding {
    char name[32]; /* "utf-8", "windows-1252" ...; "" while only ASCII was met */
    bool guessed;  /* it was not named */
    bool converts; /* by `to_utf8`; else bytes are passed on as they are */
    iconv_t to_utf8;
    char rest[TWI_UNCONVERTED]; /* the start of a character whose end was not read yet */
    size_t n_rest;
} twi_encoding;

/* name NULL: to be found out. TW_EINVAL: iconv knows no such encoding. */
TW_NODISCARD tw_status twi_encoding_init(twi_encoding *e, const char *name, tw_error *err);
void twi_encoding_fini(twi_encoding *e);
void twi_encoding_restart(twi_encoding *e); /* the file is read from its start again */

/* Looks at the next bytes of the file, the first ones at its `start`, the last ones at its `end`,
 * while the encoding is not known. TW_EINVAL: neither UTF-8 nor Windows-1252; `path` is for the
 * message. TW_ENOMEM. */
TW_NODISCARD tw_status twi_encoding_look(twi_encoding *e, const char *data, size_t len, bool start,
                                         bool end, const char *path, tw_error *err);

/* Bytes that converting n of the file can become. */
size_t twi_encoding_room(size_t n);
/* Converts data (len) into to, which has twi_encoding_room(len) bytes; *got of them are written.
 * A byte that is none of the encoding becomes 0xff, which the reader of a row refuses. `last`: the
 * file ends here. */
void twi_encoding_convert(twi_encoding *e, const char *data, size_t len, bool last, char *to,
                          size_t *got);

#endif
