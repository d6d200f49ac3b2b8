/* Any bytes: decoding ends with a status and a sentence; what is accepted can be encoded, and from
 * there on encoding and decoding are inverse. (The bytes themselves need not come back: protobuf
 * allows fields in any order, twice, and unknown ones.) */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two encodings of two decodings: equal. */
static void check_inverse(tw_wire *w, const tw_request *q)
{
    static uint8_t first[TW_WIRE_MAX_REQUEST];
    tw_error err = {0};
    tw_bytes bytes;
    tw_request again;

    if (tw_request_encode(w, q, &bytes, &err) != TW_OK)
        abort(); /* accepted, so it breaks no rule */
    size_t len = bytes.len;
    memcpy(first, bytes.data, len);
    if (tw_request_decode(w, &again, first, len, &err) != TW_OK || again.call != q->call)
        abort();
    if (tw_request_encode(w, &again, &bytes, &err) != TW_OK)
        abort();
    if (bytes.len != len || memcmp(bytes.data, first, len) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static tw_wire *w, *other; /* the decoded request lives in the one, its encoding in the other */
    tw_error err = {0};
    tw_request q;

    if (w == NULL && (tw_wire_create(&w, TW_WIRE_MAX_REQUEST, NULL) != TW_OK ||
                      tw_wire_create(&other, TW_WIRE_MAX_REQUEST, NULL) != TW_OK))
        abort();
    tw_status st = tw_request_decode(w, &q, data, size, &err);
    if ((st == TW_OK) != (err.msg[0] == '\0') || (st == TW_OK) != (q.call != TW_CALL_NONE))
        abort();
    if (st == TW_OK)
        check_inverse(other, &q);
    return 0;
}
