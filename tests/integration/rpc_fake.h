/* An engine that answers what the test wants: rpc_fake.c defines the tw_engine_* functions that
 * rpc/service.c calls, so a test that links it must not link the real ones. */
#ifndef TW_TESTS_INTEGRATION_RPC_FAKE_H
#define TW_TESTS_INTEGRATION_RPC_FAKE_H

#include <stdatomic.h>

#include "engine/engine.h"
#include "rpc/client.h"
#include "rpc/service.h"

struct tw_engine {
    atomic_int fail;      /* the status that every call ends with */
    atomic_bool system;   /* its sentence is the system's */
    atomic_int items_out; /* tw_item handed out and not yet released */
    atomic_int calls;
    atomic_llong last_time; /* of record */
};

extern tw_engine fake;

/* A service over it, on a free port if cfg names no URL; the fake's failure is taken back. */
tw_service *start_service(tw_service_config cfg);

/* Of that service. timeout_ms 0: the default; key may be NULL. */
tw_client *connect_to(const char *url, int timeout_ms, const char *key);

/* A thread that keeps a worker busy: the fake's next() for the user "hold" ends when the stage is
 * opened (rpc_echo.h). */
void *hold_the_worker(void *client);

#endif
