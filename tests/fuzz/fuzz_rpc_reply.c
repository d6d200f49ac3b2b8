/* As fuzz_rpc_request, for what a client believes of a server. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inverse(tw_wire *w, const tw_reply *r)
{
    static uint8_t first[TW_WIRE_MAX_REPLY];
    tw_error err = {0};
    tw_bytes bytes;
    tw_reply again;

    /* A long message is cut, so the first encoding may differ from what was read, later ones not.
     */
    if (tw_reply_encode(w, r, &bytes, &err) != TW_OK)
        abort();
    size_t len = bytes.len;
    memcpy(first, bytes.data, len);
    if (tw_reply_decode(w, &again, first, len, &err) != TW_OK || again.status != r->status)
        abort();
    if (tw_reply_encode(w, &again, &bytes, &err) != TW_OK)
        abort();
    if (bytes.len != len || memcmp(bytes.data, first, len) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static tw_wire *w, *other;
    tw_error err = {0};
    tw_reply r;

    if (w == NULL && (tw_wire_create(&w, TW_WIRE_MAX_REPLY, NULL) != TW_OK ||
                      tw_wire_create(&other, TW_WIRE_MAX_REPLY, NULL) != TW_OK))
        abort();
    tw_status st = tw_reply_decode(w, &r, data, size, &err);
    if ((st == TW_OK) != (err.msg[0] == '\0') || (st != TW_OK && st != TW_ECORRUPT))
        abort();
    if (st == TW_OK)
        check_inverse(other, &r);
    return 0;
}
