/* rpc/internal.h — what the files of the wire code share. */
#ifndef TW_RPC_INTERNAL_H
#define TW_RPC_INTERNAL_H

#include <protobuf-c/protobuf-c.h>

#include "rpc/twindex.pb-c.h"
#include "rpc/wire.h"

struct tw_wire {
    char *arena; /* (room) owned: what decoding and encoding take */
    size_t room, used;
    bool exhausted;
    size_t max_message;
    uint8_t *out; /* (out_room) owned: the last encoded message */
    size_t out_room;
};

/* n*size zeroed bytes of the arena, aligned for any scalar; NULL when it is used up. */
void *twi_wire_take(tw_wire *w, size_t n, size_t size);

/* Clears the arena, checks the bytes (twi_wire_scan) and unpacks them into it. Nothing is to be
 * freed. TW_ECORRUPT, TW_EINVAL: as twi_wire_scan, and a message that needs more than the arena. */
TW_NODISCARD tw_status twi_wire_unpack(tw_wire *w, const ProtobufCMessageDescriptor *type,
                                       const void *bytes, size_t len, ProtobufCMessage **out,
                                       tw_error *err);

/* Packs m into w->out. `what` names it in messages. TW_EINVAL: over max bytes. TW_ENOMEM. */
TW_NODISCARD tw_status twi_wire_pack(tw_wire *w, const ProtobufCMessage *m, size_t max,
                                     const char *what, tw_bytes *out, tw_error *err);

/* Walks the bytes without allocating: every field ends inside its message, every string is UTF-8
 * without NUL (protobuf-c would cut it there), and there are at most TW_WIRE_MAX_FIELDS.
 *
 * TW_ECORRUPT: not a message of this type. TW_EINVAL: a bad string, or too many fields. */
TW_NODISCARD tw_status twi_wire_scan(const ProtobufCMessageDescriptor *type, const void *bytes,
                                     size_t len, tw_error *err);

/* An Item both ways; strings are shared, not copied. The first initialises *m. */
void twi_item_to_message(Twindex__V1__Item *m, const tw_item *item);
void twi_item_from_message(tw_item *item, const Twindex__V1__Item *m);

/* protobuf-c's structs hold char * for what they only read. NULL becomes "". */
char *twi_lend(const char *s);
uint8_t *twi_lend_bytes(const void *data);

#endif
