/* rpc/service.h — the engine, served: rpc/wire.h and rpc/server.h bound to engine/engine.h.
 *
 *     tw_service *svc = NULL;
 *     const char *urls[] = {"tcp://127.0.0.1:7700"};
 *     TW_TRY(tw_service_start(&svc, engine, &(tw_service_config){.urls = urls, .n_urls = 1}, err));
 *     ... wait for a signal ...
 *     if (tw_service_stop(svc))
 *         tw_engine_close(engine);
 *
 * Every request is answered with a status and a sentence, see rpc/twindex.proto. No sentence names
 * a file of the server or tells what it holds: one that would is logged, and a plain one sent.
 *
 * Threads: start, url, reload and stop from one thread; health from any. See rpc/server.h on
 * fork().
 */
#ifndef TW_RPC_SERVICE_H
#define TW_RPC_SERVICE_H

#include <stdbool.h>

#include "base/error.h"
#include "engine/engine.h"
#include "rpc/wire.h"

#define TW_SERVICE_DEADLINE_MS 30000

/* 0 and NULL mean the default; what they mean is in rpc/server.h. */
typedef struct tw_service_config {
    const char *const *urls; /* (n_urls) borrowed for the call to start */
    int n_urls;
    int workers;
    int queue;
    int send_timeout_ms;
    int drain_ms;
    int max_connections;
    int deadline_ms; /* for requests that bring none; 1..TW_WIRE_MAX_DEADLINE_MS */
    /* A folder: files below it may be named in a put, by their paths from it. NULL: none may. */
    const char *media_root;
    const char *api_keys; /* a file for rpc/api_keys.h; NULL: no key is asked for */
} tw_service_config;

typedef struct tw_service tw_service;

/* Serves `engine`, which is borrowed until stop returns, when it returns TW_OK.
 *
 * Statuses: those of tw_server_start, tw_media_root_open and tw_api_keys_load. On failure *out is
 * NULL. */
TW_NODISCARD tw_status tw_service_start(tw_service **out, tw_engine *engine,
                                        const tw_service_config *cfg, tw_error *err);

/* The bound form of urls[i]; lives as long as the service. */
const char *tw_service_url(const tw_service *svc, int i);

int tw_service_workers(const tw_service *svc);

/* What Health answers. out->version is static. */
void tw_service_health(const tw_service *svc, tw_health *out);

/* Reads the file of API keys again; without one nothing is done. On failure, which is logged, the
 * keys that were loaded last stay in force. Statuses: those of tw_api_keys_reload. */
TW_NODISCARD tw_status tw_service_reload(tw_service *svc, tw_error *err);

/* As tw_server_stop: when it returns false, a call is still in the engine, which must stay as well.
 * Accepts NULL. */
bool tw_service_stop(tw_service *svc);

#endif
