/* The worker threads, which empty the queues. */
#include "base/alloc.h"
#include "base/clock.h"
#include "rpc/server_state.h"

/* The next request and, in *from, its connection; NULL: the server stops. srv->lock is held. */
static twi_waiting *next_request(tw_server *srv, twi_connection **from)
{
    for (;;) {
        while (srv->ring == NULL && !srv->quit)
            (void) pthread_cond_wait(&srv->work, &srv->lock);
        if (srv->quit)
            return NULL;
        twi_connection *c = srv->ring;
        twi_queue_leave(c);
        if (c->out != NULL || c->held != NULL || c->broken)
            continue; /* it will be enrolled again */
        twi_waiting *w = twi_queue_take(c);
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
        twi_waiting_free(w);
        (void) pthread_mutex_lock(&srv->lock);
    }
    srv->running--;
    (void) pthread_cond_broadcast(&srv->idle);
    (void) pthread_mutex_unlock(&srv->lock);
    return NULL;
}
