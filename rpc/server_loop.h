/* rpc/server_loop.h — how a request goes through the server; for rpc/server*.c only.
 *
 * A fixed set of slots, each an nng context with its aio, goes round:
 *
 *   RECEIVING -> QUEUED -> WORKING -> SENDING -> RECEIVING      the usual way
 *   RECEIVING -> SENDING                                        refused: queue full, or stopping
 *
 * There are more slots than the queue and the workers can hold, so that a full queue still leaves
 * some to refuse with. nng takes waiting connections in turn: a peer that fills slots faster than
 * others delays them by one turn, not by its whole backlog.
 *
 * Why sending has a time limit: nng parks an answer in its context while the peer's connection is
 * still writing the one before, without a limit of its own. Measured with 16 contexts: one peer
 * that sent 200 requests and read nothing kept every other from being answered. */
#ifndef TW_RPC_SERVER_LOOP_H
#define TW_RPC_SERVER_LOOP_H

#include <nng/nng.h>
#include <nng/supplemental/util/platform.h>
#include <pthread.h>
#include <stdbool.h>

#include "rpc/server.h"

typedef enum twi_slot_state {
    TWI_SLOT_IDLE,
    TWI_SLOT_RECEIVING,
    TWI_SLOT_QUEUED,
    TWI_SLOT_WORKING,
    TWI_SLOT_SENDING,
} twi_slot_state;

typedef struct twi_slot {
    tw_server *srv;
    nng_ctx ctx;
    nng_aio *aio;
    twi_slot_state state; /* guarded by srv->lock */
    bool refused;         /* guarded by srv->lock: what is being sent is not the handler's */
    nng_msg *msg;         /* owned while QUEUED or WORKING */
    nng_pipe peer;        /* who sent it */
    double received;      /* tw_clock_monotonic() */
} twi_slot;

typedef struct twi_worker {
    tw_server *srv;
    int number;
    pthread_t thread;
    bool started;
} twi_worker;

struct tw_server {
    tw_server_config cfg;        /* urls is not kept; busy and stopping are the copies below */
    char *busy, *stopping_reply; /* owned */
    char urls[TW_SERVER_MAX_URLS][TW_SERVER_MAX_URL];
    nng_socket sock;
    bool has_sock;
    twi_slot *slots;
    int n_slots;
    twi_worker *workers;

    nng_mtx *lock; /* guards everything below and what is said so in slot; held for a few lines */
    nng_cv *work;  /* the queue is not empty, or `quit` */
    nng_cv *idle;  /* `active` has become 0 */
    twi_slot **queue; /* (cfg.queue) ring */
    int head;         /* the oldest */
    int active;       /* slots that are QUEUED, WORKING or SENDING */
    bool stopping;    /* refuse what arrives */
    bool quit;        /* workers end */
    int64_t busy_logged, unsent_logged;
    tw_server_counters count;
};

/* Makes the slot wait for its next request, unless the server is stopping. */
void twi_slot_receive(twi_slot *s);

/* The callback of every slot's aio; arg is the slot. */
void twi_slot_ready(void *arg);

/* The callback for connections that come and go; arg is the server. */
void twi_server_connection(nng_pipe p, nng_pipe_ev event, void *arg);

/* The body of a worker thread; arg is the twi_worker. */
void *twi_worker_main(void *arg);

#endif
