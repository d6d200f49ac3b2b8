/* rpc/wire.h — requests and replies as bytes: rpc/twindex.proto and its limits.
 *
 * Plain structs on this side, protobuf on the other; no socket, no engine, no
 * model. The same rules are checked before a request is sent and after one is
 * received, so a client hears of a mistake without a round trip and a server
 * trusts no peer.
 *
 * A tw_wire owns all the memory that coding needs, of a size fixed when it is
 * made: a hostile message can fill it but not make it grow. Decoded strings
 * live in it until the next decode with it; encoded bytes until the next
 * encode.
 *
 *     tw_request q = {.call = TW_CALL_SIMILAR, .similar = {.item = "7", .k = 10}};
 *     tw_bytes bytes;
 *     TW_TRY(tw_request_encode(w, &q, &bytes, err));
 *
 * Threads: a tw_wire belongs to one thread at a time.
 */
#ifndef TW_RPC_WIRE_H
#define TW_RPC_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/decls.h"
#include "base/error.h"
#include "engine/engine_types.h"

TW_BEGIN_DECLS

#define TW_WIRE_VERSION         1
#define TW_WIRE_MAX_REQUEST     (8 << 20) /* bytes: any item, a photo and a text fit */
#define TW_WIRE_MAX_MEDIA       (6 << 20) /* bytes of an image or an audio file in a query */
#define TW_WIRE_MAX_REPLY       (8 << 20) /* bytes: 1,000 rows of the longest id and title fit */
#define TW_WIRE_MAX_FIELDS      20000     /* in one message, those of its parts included */
#define TW_WIRE_MAX_REQUEST_ID  64        /* bytes */
#define TW_WIRE_MAX_API_KEY     256       /* bytes */
#define TW_WIRE_MAX_DEADLINE_MS 3600000
#define TW_WIRE_MAX_NAME        TW_STORE_MAX_TITLE /* bytes of an item named by id or title */

/* The numbers are the field numbers of Request.call and Reply.result less 9. */
typedef enum tw_call {
    TW_CALL_NONE = 0,
    TW_CALL_SIMILAR = 1,
    TW_CALL_NEXT = 2,
    TW_CALL_EMBED = 3,
    TW_CALL_PUT = 4,
    TW_CALL_DELETE = 5,
    TW_CALL_GET = 6,
    TW_CALL_RECORD = 7,
    TW_CALL_STATS = 8,
    TW_CALL_HEALTH = 9,
} tw_call;

/* "similar", ...; "none" for anything else. Never NULL. */
const char *tw_call_name(tw_call call);

/* gRPC's codes. */
typedef enum tw_rpc_code {
    TW_RPC_OK = 0,
    TW_RPC_CANCELLED = 1,
    TW_RPC_UNKNOWN = 2,
    TW_RPC_INVALID_ARGUMENT = 3,
    TW_RPC_DEADLINE_EXCEEDED = 4,
    TW_RPC_NOT_FOUND = 5,
    TW_RPC_ALREADY_EXISTS = 6,
    TW_RPC_PERMISSION_DENIED = 7,
    TW_RPC_RESOURCE_EXHAUSTED = 8,
    TW_RPC_FAILED_PRECONDITION = 9,
    TW_RPC_ABORTED = 10,
    TW_RPC_OUT_OF_RANGE = 11,
    TW_RPC_UNIMPLEMENTED = 12,
    TW_RPC_INTERNAL = 13,
    TW_RPC_UNAVAILABLE = 14,
    TW_RPC_DATA_LOSS = 15,
    TW_RPC_UNAUTHENTICATED = 16,
} tw_rpc_code;

/* "INVALID_ARGUMENT", ...; "UNKNOWN" for a number that is none. Never NULL. */
const char *tw_rpc_code_name(tw_rpc_code code);

/* How a failure of the library travels, and what the client makes of it. There and back again is
 * the same status, but TW_EDIM, which returns as TW_EINVAL. */
tw_rpc_code tw_rpc_code_of(tw_status status);
tw_status tw_rpc_status_of(tw_rpc_code code);

/* One request. Strings and arrays are borrowed; on the way in NULL counts as absent, on the way out
 * only the unused one of two choices is NULL. */
typedef struct tw_request {
    uint32_t version; /* encode: 0 counts as TW_WIRE_VERSION */
    tw_bytes id;      /* at most TW_WIRE_MAX_REQUEST_ID; comes back in the reply */
    uint32_t deadline_ms;
    const char *api_key;
    tw_call call;
    union {
        tw_similar_query similar;
        tw_next_query next;
        tw_embed_query embed;
        tw_item put; /* row, seq, live and block are not sent */
        struct {
            const char *id;
        } erase; /* TW_CALL_DELETE */
        struct {
            const char *item;
        } get;
        struct {
            const char *user, *item;
            int64_t time;   /* seconds since 1970 */
            int32_t micros; /* of the next second */
            bool allow_future;
        } record;
    };
} tw_request;

/* What a server says of itself. */
typedef struct tw_health {
    const char *version; /* of the program */
    double uptime_s;
    int64_t requests; /* received since start */
    int64_t rejected; /* malformed, unknown or without a valid key */
    int64_t busy;     /* refused: the queue was full, or the server was stopping */
    int64_t failed;   /* understood, but the answer was an error */
    int64_t unsent;   /* replies that could not be delivered */
    int64_t queued;   /* waiting now */
} tw_health;

/* One reply. The member of the union that `call` names is set when status is TW_RPC_OK. */
typedef struct tw_reply {
    tw_bytes id;
    tw_rpc_code status;
    const char *message; /* a sentence when status is not TW_RPC_OK, else "" */
    tw_call call;
    union {
        tw_answer answer; /* similar, next; a view: do not tw_answer_fini a decoded one */
        struct {
            const float *vec; /* (dim) */
            int dim, model;
        } embed;
        tw_put_kind put;
        tw_item item; /* get; a view likewise */
        bool added;   /* record */
        tw_engine_stats stats;
        tw_health health;
    };
    const char *also; /* get: ids of other items, as in engine/answer.h; NULL is "" */
} tw_reply;

typedef struct tw_wire tw_wire;

/*   max_message  the longest message it will decode, 1..TW_WIRE_MAX_REPLY bytes
 *
 * TW_EINVAL, TW_ENOMEM: *out is NULL. */
TW_NODISCARD tw_status tw_wire_create(tw_wire **out, size_t max_message, tw_error *err);
void tw_wire_destroy(tw_wire *w); /* accepts NULL */

/* TW_EINVAL: a rule of twindex.proto is broken, or the request has more than TW_WIRE_MAX_REQUEST
 * bytes. TW_ENOMEM. On failure *out is empty. */
TW_NODISCARD tw_status tw_request_encode(tw_wire *w, const tw_request *q, tw_bytes *out,
                                         tw_error *err);

/* TW_ECORRUPT: the bytes are no Request. TW_EINVAL: a rule is broken. TW_EUNSUPPORTED: a version or
 * call that this build does not know. On failure q->call is TW_CALL_NONE, and q->id is the
 * request's if it could be read that far. */
TW_NODISCARD tw_status tw_request_decode(tw_wire *w, tw_request *q, const void *bytes, size_t len,
                                         tw_error *err);

/* What the bytes of a request ask for, by a look at their fields alone; decoding may refuse them
 * yet. TW_CALL_NONE: nothing that this build knows, or they are no message. */
tw_call tw_request_call(const void *bytes, size_t len);

/* A message that is not UTF-8 is made so. TW_EINVAL: over TW_WIRE_MAX_REPLY bytes, or a count out
 * of range. TW_ENOMEM. On failure *out is empty. */
TW_NODISCARD tw_status tw_reply_encode(tw_wire *w, const tw_reply *r, tw_bytes *out, tw_error *err);

/* TW_ECORRUPT: the bytes are no Reply, or one that breaks a rule. On failure *r is zeroed. */
TW_NODISCARD tw_status tw_reply_decode(tw_wire *w, tw_reply *r, const void *bytes, size_t len,
                                       tw_error *err);

TW_END_DECLS

#endif
