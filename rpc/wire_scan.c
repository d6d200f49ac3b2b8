/* A look at a protobuf message before protobuf-c is allowed to allocate for it.
 *
 * Encoding (protobuf.dev/programming-guides/encoding): a message is a list of
 * fields; a field is a varint tag = number << 3 | type, and then
 *
 *   type 0  varint            type 1  8 bytes
 *   type 2  varint length, bytes (string, bytes, message, packed numbers)
 *   type 5  4 bytes           types 3, 4: groups, obsolete, refused here
 */
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "rpc/internal.h"

#define MAX_DEPTH 4 /* Reply > Answer > Row is 3 */

/* A bounded cursor with a sticky error, as everywhere that bytes of peers are read. */
typedef struct cursor {
    const uint8_t *at, *end;
    bool bad;
} cursor;

typedef struct scan {
    int fields; /* seen so far in the whole message */
    tw_error *err;
} scan;

static uint64_t varint(cursor *c)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && c->at < c->end; shift += 7) {
        uint8_t byte = *c->at++;
        v |= (uint64_t) (byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return v;
    }
    c->bad = true;
    return 0;
}

static void skip(cursor *c, uint64_t n)
{
    if (n > (uint64_t) (c->end - c->at))
        c->bad = true;
    else
        c->at += n;
}

/* Moves over one field's value; the bytes of a type 2 are then c->at - *len .. c->at. */
static void value(cursor *c, unsigned type, uint64_t *len)
{
    *len = 0;
    switch (type) {
    case PROTOBUF_C_WIRE_TYPE_VARINT: (void) varint(c); break;
    case PROTOBUF_C_WIRE_TYPE_64BIT: skip(c, 8); break;
    case PROTOBUF_C_WIRE_TYPE_32BIT: skip(c, 4); break;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        *len = varint(c);
        skip(c, *len);
        break;
    default: c->bad = true;
    }
}

static tw_status scan_message(scan *s, const ProtobufCMessageDescriptor *type, const uint8_t *bytes,
                              size_t len, int depth)
{
    tw_status st = TW_OK;
    cursor c = {.at = bytes, .end = bytes + len};

    while (c.at < c.end) {
        size_t offset = (size_t) (c.at - bytes);
        uint64_t n, tag = varint(&c);
        value(&c, (unsigned) (tag & 7), &n);
        if (c.bad || tag >> 3 == 0 || tag >> 32 != 0)
            return tw_fail(s->err, TW_ECORRUPT, "the bytes are no %s: broken off or garbled at %zu",
                           type->short_name, offset);
        if (++s->fields > TW_WIRE_MAX_FIELDS)
            return tw_fail(s->err, TW_EINVAL, "the message has more than %d fields",
                           TW_WIRE_MAX_FIELDS);

        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field(type, (unsigned) (tag >> 3));
        if (f == NULL || (tag & 7) != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            continue;
        if (f->type == PROTOBUF_C_TYPE_STRING &&
            !tw_utf8_valid((const char *) c.at - n, (size_t) n))
            return tw_fail(s->err, TW_EINVAL, "%s of %s is not UTF-8 or holds a NUL byte", f->name,
                           type->short_name);
        if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
            if (depth == MAX_DEPTH)
                return tw_fail(s->err, TW_ECORRUPT, "messages are nested deeper than %d",
                               MAX_DEPTH);
            TW_TRY(scan_message(s, f->descriptor, c.at - n, (size_t) n, depth + 1));
        }
    }
done:
    return st;
}

tw_call tw_request_call(const void *bytes, size_t len)
{
    cursor c = {.at = bytes, .end = (const uint8_t *) bytes + len};
    uint64_t call = TW_CALL_NONE;
    while (c.at < c.end) {
        uint64_t n, tag = varint(&c);
        value(&c, (unsigned) (tag & 7), &n);
        if (c.bad)
            return TW_CALL_NONE;
        if (tag >> 3 >= 9 + TW_CALL_SIMILAR && tag >> 3 <= 9 + TW_CALL_HEALTH)
            call = (tag >> 3) - 9; /* of several the last counts */
    }
    return (tw_call) call;
}

tw_status twi_wire_scan(const ProtobufCMessageDescriptor *type, const void *bytes, size_t len,
                        tw_error *err)
{
    scan s = {.err = err};
    return scan_message(&s, type, bytes, len, 1);
}
