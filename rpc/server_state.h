/* rpc/server_state.h — what the server's threads share; for rpc/server*.c only.
 *
 * One thread does the I/O (server_io.c, server_accept.c): it accepts, reads what has come, cuts it
 * into requests (rpc/sp.h), and ends connections. Workers (server_work.c) take requests from the
 * queues (server_queue.c) and call the handler. The thread that has an answer writes it at once if
 * its connection takes it (server_reply.c); what it does not take waits in blocks, and the I/O
 * thread goes on when it does.
 *
 *   bytes -> request -> waits in its connection -> worker -> answer -> socket     the usual way
 *                    -> busy or stopping -> socket                                refused
 *                    -> express -> socket                                         answered at once
 *
 * Fairness: each connection has its own queue, and those that have a request waiting stand in a
 * ring; a worker takes the first connection's oldest request and sends the connection to the ring's
 * end. So a peer that asks a thousand times gets every second worker's turn beside one that asks
 * once. A connection whose answers are not taken, or held back, is neither read nor in the ring:
 * the peer's own kernel then holds up what it sends. One that got more refusals since the last tick
 * than it may have requests waiting is not read until the next: a refusal costs little, not
 * nothing.
 *
 * A connection lives as long as there is a reference to it: the I/O thread has one until it is
 * dead, a worker during a call. The last one closes the descriptor (server_connection.c). */
#ifndef TW_RPC_SERVER_STATE_H
#define TW_RPC_SERVER_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "rpc/listener.h"
#include "rpc/server.h"
#include "rpc/sp.h"

#define TWI_CHUNK ((size_t) 16384) /* bytes read from a connection in its turn */
#define TWI_PEERS 256 /* rows of the table of slowed peers; unrelated peers may share one */

typedef struct twi_connection twi_connection;

/* What stands first in everything that epoll points at. */
typedef enum twi_source { TWI_SOURCE_WAKE, TWI_SOURCE_LISTENER, TWI_SOURCE_CONNECTION } twi_source;

/* Bytes that a connection did not take yet. */
typedef struct twi_block {
    struct twi_block *next;
    double due;  /* of one that is held back: not before */
    int answers; /* of the handler, in it */
    size_t len, sent, room;
    uint8_t data[];
} twi_block;

typedef struct twi_waiting {
    struct twi_waiting *next;
    twi_sp_request req; /* owned */
    double received;    /* tw_clock_monotonic() */
} twi_waiting;

struct twi_connection {
    twi_source source;
    tw_server *srv;
    int fd;
    bool ipc;
    unsigned peer; /* its row in srv->peers */

    /* the I/O thread's alone */
    twi_connection *before, *after; /* all connections */
    twi_sp in;
    double began; /* when what is arriving began; 0: nothing is */
    double heard; /* when something came last */
    int refused;  /* requests, since the last tick */

    /* guarded by srv->lock */
    int refs;
    bool dead;    /* no longer among the connections */
    bool broken;  /* writing failed: the I/O thread will hear of it and end it */
    bool ended;   /* the peer will send no more */
    bool resting; /* it asked for more than it may, and is not read until the next tick */
    bool writing; /* a thread writes, without the lock: no other may, nor free out */
    bool trusted; /* it had an answer that was not slow */
    bool in_ring;
    uint32_t interest; /* what epoll watches */
    twi_connection *ring_before, *ring_after;
    twi_waiting *first, *last;
    int waiting; /* requests from first to last */
    int working; /* calls of the handler */
    twi_block *out, *out_last;
    twi_block *held; /* answers that are held back, by due */
    double progress; /* when the peer last took enough of out, or out began */
    size_t took;     /* bytes since then */
};

typedef struct twi_worker {
    tw_server *srv;
    int number;
    pthread_t thread;
    bool started;
} twi_worker;

typedef struct twi_listening { /* a listener in epoll */
    twi_source source;
    twi_listener l;
    bool open;
} twi_listening;

struct tw_server {
    tw_server_config cfg;        /* urls is not kept; busy and stopping are the copies below */
    char *busy, *stopping_reply; /* owned */
    twi_listening listeners[TW_SERVER_MAX_URLS];
    int n_listeners;
    twi_worker *workers;
    pthread_t io_thread;
    bool io_started;
    int epoll, wake, spare; /* descriptors, or -1; spare is given up to refuse a connection with */
    twi_source wake_source;

    /* the I/O thread's alone */
    twi_connection *all, *ended_list; /* connections; those that deleted in this turn */
    size_t partial;                   /* bytes held by messages that are arriving */
    bool timed;                       /* something waits for a moment in time */
    bool accept_paused; /* until the next tick: no descriptor is left even to refuse with */
    uint8_t chunk[TWI_CHUNK];

    pthread_mutex_t
        lock; /* guards what follows, and what is said so in connection; for a few lines */
    pthread_cond_t work; /* the ring is not empty, or `quit` */
    pthread_cond_t idle; /* `active` has become 0, or `running` smaller */
    bool has_lock;
    twi_connection *ring; /* the first; a circle */
    size_t waiting_bytes, unsent_bytes;
    int active;    /* requests taken and not yet answered */
    int running;   /* worker threads */
    bool stopping; /* refuse what arrives */
    bool quit;     /* workers end */
    bool io_quit;  /* the I/O thread ends */
    int64_t busy_logged, unsent_logged;
    tw_server_counters count;
    double peers[TWI_PEERS]; /* of such a peer: TW_SERVER_SLOW_FREE steps after its next slow answer
                                is due */
};

/* ---- server_io.c ----------------------------------------------------------------------------- */

/* The body of the I/O thread; arg is the server. */
void *twi_io_main(void *arg);

/* ---- server_accept.c; the I/O thread --------------------------------------------------------- */

void twi_listeners_accept(tw_server *srv, const twi_listening *d);

/* Off: connections wait in the backlog until the next tick. */
void twi_listeners_watch(tw_server *srv, bool on);

void twi_listeners_close(tw_server *srv);

/* ---- server_queue.c; srv->lock is held ------------------------------------------------------- */

/* Takes the request over and queues it; false: it may not wait, and stays the caller's. */
bool twi_queue_put(twi_connection *c, twi_waiting *w);

/* Puts c into the ring if it belongs there, or takes it out. */
void twi_queue_enroll(twi_connection *c);
void twi_queue_leave(twi_connection *c);

/* Takes the oldest request of c, which has one; release with twi_waiting_free, without the lock. */
twi_waiting *twi_queue_take(twi_connection *c);
void twi_waiting_free(twi_waiting *w);

/* Drops what c has waiting. */
void twi_queue_drop(twi_connection *c);

/* One of `active` is over. */
void twi_queue_done(tw_server *srv, int n);

/* Makes the I/O thread look at the time and whether the server stops. Needs no lock. */
void twi_io_wake(tw_server *srv);

/* ---- server_work.c --------------------------------------------------------------------------- */

/* The body of a worker thread; arg is the twi_worker. */
void *twi_worker_main(void *arg);

/* ---- server_reply.c; srv->lock is held, and given up while bytes are written ----------------- */

/* One answer of the handler, whole or in part from `reply` itself. It may be held back. */
void twi_reply_send(twi_connection *c, const twi_sp_request *to, const tw_server_reply *reply);

/* True where even a good answer to c would be held back, and so none may be given at once. */
bool twi_reply_is_slowed(const twi_connection *c, double now);

/* The I/O thread's answer, which waits for twi_reply_flush; `answers` of `active` it ends, 0 or 1.
 */
void twi_reply_append(twi_connection *c, const twi_sp_request *to, tw_bytes bytes, int answers);

/* Writes what waits, as far as the connection takes it, and sets what epoll watches. */
void twi_reply_flush(twi_connection *c);

/* Lets held answers go that are due; they wait for twi_reply_flush. */
void twi_reply_release(twi_connection *c, double now);

/* Forgets what c has to send. */
void twi_reply_drop(twi_connection *c);

/* ---- server_connection.c --------------------------------------------------------------------- */

/* Ends c; its memory stays until the turn is over. `why` is NULL when no rule was broken. For the
 * I/O thread. */
void twi_connection_end(twi_connection *c, const char *why);

/* Gives up one reference to c; srv->lock is held, and given up when it was the last. */
void twi_connection_unref(twi_connection *c);

#endif
