/* The end of a connection, and the last reference to it. */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "rpc/server_state.h"

void twi_connection_end(twi_connection *c, const char *why)
{
    static tw_log_gate gate;
    tw_server *srv = c->srv;
    int dropped;
    if (c->dead)
        return; /* only this thread sets it */
    (void) pthread_mutex_lock(&srv->lock);
    c->dead = true;
    twi_queue_drop(c);
    twi_reply_drop(c);
    srv->count.connections--;
    srv->count.ended += why != NULL;
    (void) pthread_mutex_unlock(&srv->lock);
    (void) epoll_ctl(srv->epoll, EPOLL_CTL_DEL, c->fd, NULL);
    (void) shutdown(c->fd, SHUT_RDWR);

    srv->partial -= c->in.room;
    twi_sp_fini(&c->in);
    if (c->before != NULL)
        c->before->after = c->after;
    else
        srv->all = c->after;
    if (c->after != NULL)
        c->after->before = c->before;
    c->after = srv->ended_list;
    srv->ended_list = c;
    if (why != NULL && tw_log_allowed(&gate, 5, &dropped))
        tw_log(TW_LOG_WARN, "RPC-ENDED", "reason=\"%s\" dropped=%d", why, dropped);
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
