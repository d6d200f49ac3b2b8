/* What the tests of the wire share: one wire for the group, and tables of bytes with what must come
 * of them. */
#ifndef TW_TESTS_UNIT_RPC_WIRE_ROWS_H
#define TW_TESTS_UNIT_RPC_WIRE_ROWS_H

#include "rpc/wire.h"
#include "tests/support/test.h"

static tw_wire *wire;

static inline int make_wire(void **state)
{
    (void) state;
    assert_ok(tw_wire_create(&wire, TW_WIRE_MAX_REPLY, err));
    return 0;
}

static inline int drop_wire(void **state)
{
    (void) state;
    tw_wire_destroy(wire);
    return 0;
}

#define V1 "\x08\x01" /* version 1 */

typedef struct row {
    const char *rule, *bytes;
    size_t len;
    tw_status want;
    const char *sentence; /* part of it */
} row;

#define ROW(rule, bytes, want, sentence)                                                           \
    {                                                                                              \
        rule, bytes, sizeof(bytes) - 1, want, sentence                                             \
    }

#endif
