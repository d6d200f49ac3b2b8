/* The part of the wire code that requests and replies share: a bounded arena under protobuf-c. */
#include "rpc/wire.h"

#include <string.h>

#include "base/alloc.h"
#include "base/size.h"
#include "rpc/internal.h"

/* What protobuf-c needs beyond the strings themselves: for 20,000 fields its tables of scanned
 * members come to 1.5 MiB, the structs and pointers of 1,000 rows or 10,000 strings to less than
 * 0.5 MiB, and each string is padded to 16 bytes. Untouched pages cost nothing. */
#define ARENA_EXTRA ((size_t) 4 << 20)
#define ARENA_ALIGN ((size_t) 16)

static const char *const call_names[] = {"none",   "similar", "next",   "embed", "put",
                                         "delete", "get",     "record", "stats", "health"};

const char *tw_call_name(tw_call call)
{
    size_t i = (size_t) call;
    return call_names[i < sizeof call_names / sizeof call_names[0] ? i : 0];
}

static const struct {
    const char *name;
    tw_status status; /* what a client makes of it */
} codes[] = {
    [TW_RPC_OK] = {"OK", TW_OK},
    [TW_RPC_CANCELLED] = {"CANCELLED", TW_ECANCELLED},
    [TW_RPC_UNKNOWN] = {"UNKNOWN", TW_EIO},
    [TW_RPC_INVALID_ARGUMENT] = {"INVALID_ARGUMENT", TW_EINVAL},
    [TW_RPC_DEADLINE_EXCEEDED] = {"DEADLINE_EXCEEDED", TW_ETIMEOUT},
    [TW_RPC_NOT_FOUND] = {"NOT_FOUND", TW_ENOTFOUND},
    [TW_RPC_ALREADY_EXISTS] = {"ALREADY_EXISTS", TW_EEXIST},
    [TW_RPC_PERMISSION_DENIED] = {"PERMISSION_DENIED", TW_EDENIED},
    [TW_RPC_RESOURCE_EXHAUSTED] = {"RESOURCE_EXHAUSTED", TW_ENOMEM},
    [TW_RPC_FAILED_PRECONDITION] = {"FAILED_PRECONDITION", TW_ESTATE},
    [TW_RPC_ABORTED] = {"ABORTED", TW_EBUSY},
    [TW_RPC_OUT_OF_RANGE] = {"OUT_OF_RANGE", TW_EINVAL},
    [TW_RPC_UNIMPLEMENTED] = {"UNIMPLEMENTED", TW_EUNSUPPORTED},
    [TW_RPC_INTERNAL] = {"INTERNAL", TW_EIO},
    [TW_RPC_UNAVAILABLE] = {"UNAVAILABLE", TW_EBUSY},
    [TW_RPC_DATA_LOSS] = {"DATA_LOSS", TW_ECORRUPT},
    [TW_RPC_UNAUTHENTICATED] = {"UNAUTHENTICATED", TW_EDENIED},
};

static size_t known_code(tw_rpc_code code)
{
    size_t i = (size_t) code;
    return i < sizeof codes / sizeof codes[0] ? i : TW_RPC_UNKNOWN;
}

const char *tw_rpc_code_name(tw_rpc_code code) { return codes[known_code(code)].name; }
tw_status tw_rpc_status_of(tw_rpc_code code) { return codes[known_code(code)].status; }

tw_rpc_code tw_rpc_code_of(tw_status status)
{
    switch (status) {
    case TW_OK: return TW_RPC_OK;
    case TW_EINVAL:
    case TW_EDIM: return TW_RPC_INVALID_ARGUMENT;
    case TW_ENOSPC:
    case TW_ENOMEM: return TW_RPC_RESOURCE_EXHAUSTED;
    case TW_EIO: return TW_RPC_INTERNAL;
    case TW_ECORRUPT: return TW_RPC_DATA_LOSS;
    case TW_EBUSY: return TW_RPC_UNAVAILABLE;
    case TW_ENOTFOUND: return TW_RPC_NOT_FOUND;
    case TW_EEXIST: return TW_RPC_ALREADY_EXISTS;
    case TW_ESTATE: return TW_RPC_FAILED_PRECONDITION;
    case TW_ETIMEOUT: return TW_RPC_DEADLINE_EXCEEDED;
    case TW_ECANCELLED: return TW_RPC_CANCELLED;
    case TW_EDENIED: return TW_RPC_PERMISSION_DENIED;
    case TW_EUNSUPPORTED: return TW_RPC_UNIMPLEMENTED;
    }
    return TW_RPC_UNKNOWN;
}

tw_status tw_wire_create(tw_wire **out, size_t max_message, tw_error *err)
{
    tw_status st = TW_OK;
    tw_wire *w = NULL;

    *out = NULL;
    if (max_message < 1 || max_message > TW_WIRE_MAX_REPLY)
        return tw_fail(err, TW_EINVAL, "a message limit of %zu bytes is outside 1..%d", max_message,
                       TW_WIRE_MAX_REPLY);
    w = tw_alloc(1, sizeof *w);
    if (w == NULL) {
        st = tw_fail(err, TW_ENOMEM, "wire");
        goto done;
    }
    w->max_message = max_message;
    w->room = max_message + ARENA_EXTRA;
    w->arena = tw_alloc(w->room, 1);
    if (w->arena == NULL) {
        st = tw_fail(err, TW_ENOMEM, "wire of %zu bytes", w->room);
        goto done;
    }
    *out = w;
    w = NULL;
done:
    tw_wire_destroy(w);
    return st;
}

void tw_wire_destroy(tw_wire *w)
{
    if (w == NULL)
        return;
    tw_free(w->arena);
    tw_free(w->out);
    tw_free(w);
}

/* As twi_wire_take, but not zeroed: protobuf-c does that itself where it matters. */
static void *take(tw_wire *w, size_t bytes)
{
    size_t padded;
    if (!tw_size_add(bytes, ARENA_ALIGN - 1, &padded))
        return NULL;
    padded = padded / ARENA_ALIGN * ARENA_ALIGN;
    if (padded > w->room - w->used) {
        w->exhausted = true;
        return NULL;
    }
    char *p = w->arena + w->used;
    w->used += padded;
    return p;
}

void *twi_wire_take(tw_wire *w, size_t n, size_t size)
{
    size_t bytes;
    if (!tw_size_mul(n, size, &bytes))
        return NULL;
    void *p = take(w, bytes);
    if (p != NULL)
        memset(p, 0, bytes);
    return p;
}

static void *arena_alloc(void *data, size_t size) { return take(data, size); }

static void arena_free(void *data, void *p)
{
    (void) data; /* the arena is cleared as a whole */
    (void) p;
}

tw_status twi_wire_unpack(tw_wire *w, const ProtobufCMessageDescriptor *type, const void *bytes,
                          size_t len, ProtobufCMessage **out, tw_error *err)
{
    tw_status st = TW_OK;
    *out = NULL;
    w->used = 0;
    if (bytes == NULL)
        bytes = ""; /* of length 0 */
    w->exhausted = false;
    if (len > w->max_message)
        return tw_fail(err, TW_EINVAL, "the %s has %zu bytes, at most %zu are allowed",
                       type->short_name, len, w->max_message);
    TW_TRY(twi_wire_scan(type, bytes, len, err));

    ProtobufCAllocator arena = {.alloc = arena_alloc, .free = arena_free, .allocator_data = w};
    *out = protobuf_c_message_unpack(type, &arena, len, bytes);
    if (*out == NULL && w->exhausted) {
        st = tw_fail(err, TW_EINVAL, "the %s needs more than %zu bytes of memory to read",
                     type->short_name, w->room);
    } else if (*out == NULL) {
        st = tw_fail(err, TW_ECORRUPT, "the %zu bytes are no %s: a field has the wrong type", len,
                     type->short_name);
    }
done:
    return st;
}

tw_status twi_wire_pack(tw_wire *w, const ProtobufCMessage *m, size_t max, const char *what,
                        tw_bytes *out, tw_error *err)
{
    *out = (tw_bytes){0};
    size_t len = protobuf_c_message_get_packed_size(m);
    if (len > max)
        return tw_fail(err, TW_EINVAL, "the %s has %zu bytes, at most %zu are allowed", what, len,
                       max);
    if (len > w->out_room || w->out == NULL) {
        uint8_t *more = tw_realloc(w->out, len, 1);
        if (more == NULL)
            return tw_fail(err, TW_ENOMEM, "%s of %zu bytes", what, len);
        w->out = more;
        w->out_room = len;
    }
    (void) protobuf_c_message_pack(m, w->out);
    *out = (tw_bytes){w->out, len};
    return TW_OK;
}

/* memcpy, because a cast that drops const is what -Wcast-qual is for. */
char *twi_lend(const char *s)
{
    const char *from = s == NULL ? "" : s;
    char *p;
    memcpy(&p, &from, sizeof p);
    return p;
}

uint8_t *twi_lend_bytes(const void *data)
{
    uint8_t *p;
    memcpy(&p, &data, sizeof p);
    return p;
}
