/* rpc/server.h — a request/reply server on nng that knows nothing of what is asked.
 *
 * It moves bytes: from a peer into a bounded queue, from there to a handler on
 * one of a fixed number of worker threads, and the handler's answer back. It
 * promises that
 *
 * - every request that arrives is answered;
 * - when the queue is full, the answer (config.busy) is sent at once;
 * - nothing of the handler ever runs on nng's own threads;
 * - a peer that does not read its answers loses them after send_timeout_ms
 *   each, and with nng >= 1.8 its connection; it holds up nobody else;
 * - no error of a peer ends the server;
 * - a message longer than max_request_bytes is never read: its connection is
 *   closed (nng's rule), which is the one case without an answer.
 *
 *     tw_server_config cfg = {.urls = urls, .n_urls = 1, .handler = answer, .ctx = me};
 *     TW_TRY(tw_server_start(&srv, &cfg, err));
 *     printf("%s\n", tw_server_url(srv, 0));    // the real port, where 0 was asked for
 *     ...
 *     tw_server_stop(srv);
 *
 * Threads: start, url and stop from one thread; counters from any. nng cannot
 * live through fork(): a process that wants to be a daemon forks before it
 * starts the first server or client, and a child may only exec.
 */
#ifndef TW_RPC_SERVER_H
#define TW_RPC_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

#define TW_SERVER_MAX_URLS        8
#define TW_SERVER_MAX_URL         256 /* bytes, the terminating NUL included */
#define TW_SERVER_MAX_WORKERS     64
#define TW_SERVER_MAX_QUEUE       4096
#define TW_SERVER_WORKERS         0 /* defaults; 0 workers: one per usable core */
#define TW_SERVER_QUEUE           64
#define TW_SERVER_REQUEST_BYTES   ((size_t) 1 << 20)
#define TW_SERVER_SEND_TIMEOUT_MS 200
#define TW_SERVER_DRAIN_MS        5000
#define TW_SERVER_CONNECTIONS     1024 /* with nng < 1.8: no limit unless one is given */

/* Answers one request.
 *
 *   worker    0..workers-1: which thread this is, so that memory can be kept for each
 *   request   borrowed for the call
 *   waited_s  seconds since it arrived
 *   reply     to be set; its bytes must stay until the next call with this worker
 *
 * Called from all workers at once with the same ctx. May block. */
typedef void (*tw_server_handler)(void *ctx, int worker, tw_bytes request, double waited_s,
                                  tw_bytes *reply);

/* 0 means the default everywhere. */
typedef struct tw_server_config {
    const char *const *urls; /* (n_urls) tcp://HOST:PORT (port 0: any), ipc://PATH, inproc://NAME */
    int n_urls;              /* 1..TW_SERVER_MAX_URLS */
    int workers;
    int queue;                /* requests that may wait for a worker */
    size_t max_request_bytes; /* of one message, on tcp and ipc */
    int send_timeout_ms;      /* for a peer to take its answer */
    int drain_ms;             /* how long stop waits for what was accepted */
    int max_connections;
    tw_server_handler handler;
    void *ctx;
    tw_bytes busy;     /* the answer when the queue is full; copied */
    tw_bytes stopping; /* the answer to what arrives after stop began; copied */
} tw_server_config;

/* What 0 workers means: the cores that this process may use, at most TW_SERVER_MAX_WORKERS. */
int tw_server_usable_cores(void);

typedef struct tw_server tw_server;

/* Binds all urls, then starts the workers; requests are taken when it returns.
 *
 * TW_EINVAL: a number out of range, or a URL that is none. TW_EBUSY: the address is in use.
 * TW_EDENIED: not allowed there. TW_EIO, TW_ENOMEM. The message names the URL. On failure *out is
 * NULL and nothing listens. */
TW_NODISCARD tw_status tw_server_start(tw_server **out, const tw_server_config *cfg, tw_error *err);

/* The bound form of urls[i]; lives as long as the server. */
const char *tw_server_url(const tw_server *srv, int i);

int tw_server_workers(const tw_server *srv);

typedef struct tw_server_counters {
    int64_t requests;    /* received since start */
    int64_t answered;    /* by the handler, and taken by the peer's connection */
    int64_t busy;        /* answered with busy or stopping */
    int64_t unsent;      /* answers that the peer did not take */
    int64_t queued;      /* waiting for a worker now */
    int64_t connections; /* now */
} tw_server_counters;

void tw_server_get_counters(const tw_server *srv, tw_server_counters *out);

/* Answers what was accepted, for at most drain_ms and then as long as the calls of the handler that
 * are running; refuses what still arrives; closes. Accepts NULL. */
void tw_server_stop(tw_server *srv);

#endif
