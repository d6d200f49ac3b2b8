/* The queues, and the threads that empty them. */
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "rpc/server_state.h"

/* ---- queues ---------------------------------------------------------------------------------- */

static void leave_ring(twi_connection *c)
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
static twi_waiting *take_first(twi_connection *c)
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

static void free_waiting(twi_waiting *w)
{
    tw_free(w->req.bytes);
    tw_free(w);
}

void twi_queue_drop(twi_connection *c)
{
    int n = c->waiting;
    leave_ring(c);
    while (c->first != NULL)
        free_waiting(take_first(c));
    twi_queue_done(c->srv, n);
}

void twi_queue_done(tw_server *srv, int n)
{
    srv->active -= n;
    if (srv->active == 0)
        (void) pthread_cond_broadcast(&srv->idle);
}

void twi_connection_unref(twi_connection *c)
{
    tw_server *srv = c->srv;
    if (--c->refs > 0)
        return;
    (void) pthread_mutex_unlock(&srv->lock);
    (void) close(c->fd);
    tw_free(c);
    (void) pthread_mutex_lock(&srv->lock);
}

/* ---- workers --------------------------------------------------------------------------------- */

/* The next request and, in *from, its connection; NULL: the server stops. srv->lock is held. */
static twi_waiting *next_request(tw_server *srv, twi_connection **from)
{
    for (;;) {
        while (srv->ring == NULL && !srv->quit)
            (void) pthread_cond_wait(&srv->work, &srv->lock);
        if (srv->quit)
            return NULL;
        twi_connection *c = srv->ring;
        leave_ring(c);
        if (c->out != NULL || c->held != NULL || c->broken)
            continue; /* it will be enrolled again */
        twi_waiting *w = take_first(c);
        c->working++;
        c->refs++;
        twi_queue_enroll(c);
        *from = c;
        return w;
    }
}

void *twi_worker_main(void *arg)
{
    const twi_worker *me = arg;
    tw_server *srv = me->srv;
    twi_connection *c;
    twi_waiting *w;
    (void) pthread_mutex_lock(&srv->lock);
    while ((w = next_request(srv, &c)) != NULL) {
        (void) pthread_mutex_unlock(&srv->lock);
        tw_bytes request = {w->req.bytes + w->req.path, w->req.len - w->req.path};
        tw_server_reply reply = {0};
        srv->cfg.handler(srv->cfg.ctx, me->number, request, tw_clock_monotonic() - w->received,
                         &reply);
        (void) pthread_mutex_lock(&srv->lock);
        c->working--;
        twi_reply_send(c, &w->req, &reply);
        twi_connection_unref(c);
        (void) pthread_mutex_unlock(&srv->lock);
        free_waiting(w);
        (void) pthread_mutex_lock(&srv->lock);
    }
    srv->running--;
    (void) pthread_cond_broadcast(&srv->idle);
    (void) pthread_mutex_unlock(&srv->lock);
    return NULL;
}
