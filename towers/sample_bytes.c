/* The bytes that samples are made of. */
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/size.h"
#include "towers/encoder.h"

void *twi_bytes_more(twi_bytes *b, size_t n)
{
    const size_t at = (b->len + 7) / 8 * 8;
    size_t need;

    if (!tw_size_add(at, n, &need))
        return NULL;
    /* At least a page, so that a session meets no larger text without memory for it. */
    if (tw_grow(&b->data, &b->room, need < 4096 ? 4096 : need, "bytes", NULL) != TW_OK)
        return NULL;
    memset(b->data + b->len, 0, need - b->len);
    b->len = need;
    return b->data + at;
}

void twi_bytes_fini(twi_bytes *b)
{
    tw_free(b->data);
    *b = (twi_bytes){0};
}
