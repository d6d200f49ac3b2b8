/* An engine that answers what the test wants: rpc_fake.c defines the tw_engine_* functions that
 * rpc/service.c calls, so a test that links it must not link the real ones. */
#ifndef TW_TESTS_INTEGRATION_RPC_FAKE_H
#define TW_TESTS_INTEGRATION_RPC_FAKE_H

#include <stdatomic.h>

#include "engine/engine.h"

struct tw_engine {
    atomic_int fail;      /* the status that every call ends with */
    atomic_bool system;   /* its sentence is the system's */
    atomic_int items_out; /* tw_item handed out and not yet released */
    atomic_int calls;
    atomic_llong last_time; /* of record */
};

extern tw_engine fake;

#endif
