/* rpc/server.h — a request/reply server that knows nothing of what is asked.
 *
 * It speaks the SP protocol REP over tcp and ipc, so that nng, nanomsg and their REQ sockets are
 * its clients; devices between are fine. It moves bytes: from a peer into its connection's queue,
 * from there to a handler on one of a fixed number of worker threads, and the handler's answer
 * back. It promises that
 *
 * - every request that arrives is answered, in any order, until its peer is gone; one that ends its
 *   sending side first still gets its answers;
 * - connections take turns, so that a flood delays another by a turn and not by its backlog. The
 *   first waiting request of each is taken (of TW_SERVER_SMALL bytes always), further ones up to
 *   TW_SERVER_PER_CONNECTION each and `queue` in all; else the answer is config.busy, at once;
 * - config.express may answer what must not wait for a worker;
 * - no peer can hold up another or make the server hold memory without end: see the limits below. A
 *   peer that breaks one loses its connection, which is the one case without an answer;
 * - a connection may be idle for as long as there is room: beyond max_connections the one that has
 *   been idle longest makes place for a new one (nng's sockets connect again by themselves), and
 *   where none is idle the new one is refused. One whose machine is gone is noticed (TCP
 *   keep-alive) within some five minutes.
 *
 *     tw_server_config cfg = {.urls = urls, .n_urls = 1, .handler = answer, .ctx = me};
 *     TW_TRY(tw_server_start(&srv, &cfg, err));
 *     printf("%s\n", tw_server_url(srv, 0));    // the real port, where 0 was asked for
 *     ...
 *     (void) tw_server_stop(srv);
 *
 * Threads: start, url and stop from one thread; counters from any. Threads do not live through
 * fork(): a process that wants to be a daemon forks before it starts a server.
 */
#ifndef TW_RPC_SERVER_H
#define TW_RPC_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/decls.h"
#include "base/error.h"

TW_BEGIN_DECLS

#define TW_SERVER_MAX_URLS        8
#define TW_SERVER_MAX_URL         256 /* bytes, the terminating NUL included */
#define TW_SERVER_MAX_WORKERS     64
#define TW_SERVER_MAX_QUEUE       4096
#define TW_SERVER_MAX_CONNECTIONS 65536
#define TW_SERVER_WORKERS         0 /* defaults; 0 workers: one per usable core */
#define TW_SERVER_QUEUE           64
#define TW_SERVER_REQUEST_BYTES   ((size_t) 1 << 20)
#define TW_SERVER_SEND_TIMEOUT_MS 5000
#define TW_SERVER_MESSAGE_MS      10000
#define TW_SERVER_DRAIN_MS        3000
#define TW_SERVER_CONNECTIONS     1024 /* fewer where the process may not open so many files */
#define TW_SERVER_PARTIAL_BYTES   ((size_t) 64 << 20)

#define TW_SERVER_PER_CONNECTION 16                  /* requests that may wait, of one peer */
#define TW_SERVER_SMALL          ((size_t) 64 << 10) /* bytes: a first request as long is taken */
#define TW_SERVER_WAITING_BYTES  ((size_t) 64 << 20) /* of requests that wait, all together */
#define TW_SERVER_UNSENT_BYTES   ((size_t) 64 << 20) /* of answers that peers did not take yet */
#define TW_SERVER_SEND_STEP      ((size_t) 64 << 10) /* bytes a peer takes in send_timeout_ms */
#define TW_SERVER_SLOWEST        (256 << 10)         /* bytes/s that lengthen message_ms */
#define TW_SERVER_GRACE_MS       1500                /* stop, for calls that are running */
#define TW_SERVER_EXPRESS_BYTES  1024                /* longer requests are never express */
#define TW_SERVER_IDLE_MS        1000 /* so long idle, a connection may have to make place */
#define TW_SERVER_SLOW_FREE      5    /* slow answers that a peer gets at once, to begin with */
#define TW_SERVER_SLOW_MS        500  /* then one each; they come back at the same rate */
#define TW_SERVER_SLOW_MOST_MS   5000 /* none is held back for longer */

/* What a handler answers. */
typedef struct tw_server_reply {
    tw_bytes bytes; /* must stay until the next call with this worker */
    bool slow; /* of a kind that its peer should not get often: a wrong key. It is held back, and
                  its connection not read meanwhile; no worker waits. All connections of a peer (an
                  IPv4 address, an IPv6 /64, an ipc user) share what it gets, so that no peer can
                  tell a good guess by its speed, answers to connections that never had a good one
                  are held back as long. Those that had are not. */
} tw_server_reply;

/* Answers one request.
 *
 *   worker    0..workers-1: which thread this is, so that memory can be kept for each
 *   request   borrowed for the call
 *   waited_s  seconds since it arrived
 *   reply     zeroed; to be set
 *
 * Called from all workers at once with the same ctx. May block. */
typedef void (*tw_server_handler)(void *ctx, int worker, tw_bytes request, double waited_s,
                                  tw_server_reply *reply);

/* True: *reply is the answer, and the handler does not see the request. For what must be answered
 * while all workers are busy. Called from one thread, on which all I/O waits meanwhile: it must be
 * quick, and never wait. *reply must stay until the next call. */
typedef bool (*tw_server_express)(void *ctx, tw_bytes request, tw_bytes *reply);

/* 0 means the default everywhere. */
typedef struct tw_server_config {
    const char *const *urls; /* (n_urls) see rpc/listener.h: tcp://HOST:PORT, ipc://PATH */
    int n_urls;              /* 1..TW_SERVER_MAX_URLS */
    int workers;
    int queue;                /* requests that may wait for a worker beside each peer's first */
    size_t max_request_bytes; /* of one message; one that announces more ends its connection */
    int message_ms;           /* from a message's first byte to its last, and a second more for each
                                 TW_SERVER_SLOWEST bytes that have come; likewise for the hello */
    int send_timeout_ms; /* for a peer to take TW_SERVER_SEND_STEP bytes of its answers, or all */
    int drain_ms;        /* how long stop waits for what was accepted */
    int max_connections;
    size_t max_partial_bytes; /* of messages that are arriving, all together; beyond, the connection
                                 whose message has been arriving longest is ended */
    tw_server_handler handler;
    tw_server_express express; /* NULL: none */
    void *ctx;
    tw_bytes busy;     /* the answer when the queue is full; copied */
    tw_bytes stopping; /* the answer to what arrives after stop began; copied */
} tw_server_config;

/* What 0 workers means: the cores that this process may use, at most TW_SERVER_MAX_WORKERS. */
int tw_server_usable_cores(void);

typedef struct tw_server tw_server;

/* Binds all urls, then starts the threads; requests are taken when it returns.
 *
 * TW_EINVAL: a number out of range, or a URL that is none. TW_EBUSY: a process listens there.
 * TW_EEXIST: an ipc path that is no socket; the file stays. TW_EDENIED: not allowed there.
 * TW_ENOTFOUND: no such folder. TW_EIO, TW_ENOMEM. The message names the URL. On failure *out is
 * NULL and nothing listens. */
TW_NODISCARD tw_status tw_server_start(tw_server **out, const tw_server_config *cfg, tw_error *err);

/* The bound form of urls[i]; lives as long as the server. */
const char *tw_server_url(const tw_server *srv, int i);

typedef struct tw_server_counters {
    int64_t requests;    /* received since start */
    int64_t answered;    /* by the handler or express, and taken by the peer's connection */
    int64_t busy;        /* answered with busy or stopping */
    int64_t unsent;      /* answers of the handler that the peer did not take */
    int64_t ended;       /* connections that broke a limit or the protocol */
    int64_t refused;     /* connections beyond max_connections */
    int64_t queued;      /* waiting for a worker now */
    int64_t connections; /* now */
} tw_server_counters;

void tw_server_get_counters(tw_server *srv, tw_server_counters *out);

/* Listens no more; answers what was accepted, for at most drain_ms, and refuses what still arrives;
 * waits TW_SERVER_GRACE_MS for calls of the handler that are running; closes everything. Accepts
 * NULL.
 *
 * False: a call has not ended. Then the server and what its handler uses must stay; it may be
 * called again, or the process end. */
bool tw_server_stop(tw_server *srv);

TW_END_DECLS

#endif
