/* base/bytes.h — bytes that the caller owns. */
#ifndef TW_BASE_BYTES_H
#define TW_BASE_BYTES_H

#include <stddef.h>

#include "base/decls.h"

TW_BEGIN_DECLS

typedef struct tw_bytes {
    const void *data; /* (len); may be NULL when len is 0 */
    size_t len;
} tw_bytes;

TW_END_DECLS

#endif
