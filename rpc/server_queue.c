/* The requests of each connection, and the ring of connections that have some. */
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "rpc/server_state.h"

void twi_queue_leave(twi_connection *c)
{
    tw_server *srv = c->srv;
    if (!c->in_ring)
        return;
    c->in_ring = false;
    if (c->ring_after == c) {
        srv->ring = NULL;
        return;
    }
    c->ring_before->ring_after = c->ring_after;
    c->ring_after->ring_before = c->ring_before;
    if (srv->ring == c)
        srv->ring = c->ring_after;
}

void twi_queue_enroll(twi_connection *c)
{
    tw_server *srv = c->srv;
    bool belongs = c->waiting > 0 && !c->dead && !c->broken && c->out == NULL && c->held == NULL;
    if (c->in_ring || !belongs)
        return;
    c->in_ring = true;
    if (srv->ring == NULL) {
        srv->ring = c->ring_before = c->ring_after = c;
    } else {
        c->ring_after = srv->ring;
        c->ring_before = srv->ring->ring_before;
        c->ring_before->ring_after = c->ring_after->ring_before = c;
    }
    (void) pthread_cond_signal(&srv->work);
}

static bool may_wait(const twi_connection *c, size_t len)
{
    const tw_server *srv = c->srv;
    bool first = c->waiting == 0;
    if (first && len <= TW_SERVER_SMALL)
        return true;
    if (srv->waiting_bytes + len > TW_SERVER_WAITING_BYTES)
        return false;
    return first || (c->waiting < TW_SERVER_PER_CONNECTION && srv->count.queued < srv->cfg.queue);
}

bool twi_queue_put(twi_connection *c, twi_waiting *w)
{
    tw_server *srv = c->srv;
    if (!may_wait(c, w->req.len))
        return false;
    w->next = NULL;
    if (c->first == NULL)
        c->first = w;
    else
        c->last->next = w;
    c->last = w;
    c->waiting++;
    srv->count.queued++;
    srv->waiting_bytes += w->req.len;
    srv->active++;
    twi_queue_enroll(c);
    return true;
}

/* The oldest request of c, which has one. */
twi_waiting *twi_queue_take(twi_connection *c)
{
    twi_waiting *w = c->first;
    c->first = w->next;
    if (c->first == NULL)
        c->last = NULL;
    c->waiting--;
    c->srv->count.queued--;
    c->srv->waiting_bytes -= w->req.len;
    return w;
}

void twi_waiting_free(twi_waiting *w)
{
    tw_free(w->req.bytes);
    tw_free(w);
}

void twi_queue_drop(twi_connection *c)
{
    int n = c->waiting;
    twi_queue_leave(c);
    while (c->first != NULL)
        twi_waiting_free(twi_queue_take(c));
    twi_queue_done(c->srv, n);
}

void twi_queue_done(tw_server *srv, int n)
{
    srv->active -= n;
    if (srv->active == 0)
        (void) pthread_cond_broadcast(&srv->idle);
}

void twi_io_wake(tw_server *srv)
{
    const uint64_t one = 1;
    ssize_t n = write(srv->wake, &one, sizeof one);
    (void) n; /* full: it is awake */
}
