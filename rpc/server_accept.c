/* The listeners: connections come, or are refused. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "rpc/server_state.h"

#define MOST_ACCEPT 32 /* in a turn, of a listener */

/* Whom slow answers are counted for. */
static unsigned peer_row(int fd, const struct sockaddr_storage *at)
{
    uint64_t h = TW_FNV_START;
    if (at->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *) at;
        h = tw_fnv1a(h, &in->sin_addr, sizeof in->sin_addr);
    } else if (at->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *) at;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&in->sin6_addr);
        h = tw_fnv1a(h, in->sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 8);
    } else {
        struct ucred who = {0};
        socklen_t len = sizeof who;
        (void) getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len);
        h = tw_fnv1a(h, &who.uid, sizeof who.uid);
    }
    return (unsigned) (h % TWI_PEERS);
}

static void set_tcp_options(int fd)
{
    const int on = 1, idle = 120, interval = 30, count = 6; /* seconds */
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void) setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

/* Takes fd over. */
static void begin(tw_server *srv, bool ipc, int fd, const struct sockaddr_storage *at)
{
    twi_connection *c = tw_alloc(1, sizeof *c);
    if (c == NULL) {
        (void) close(fd);
        return;
    }
    const double now = tw_clock_monotonic();
    *c = (twi_connection){.source = TWI_SOURCE_CONNECTION,
                          .srv = srv,
                          .fd = fd,
                          .ipc = ipc,
                          .peer = peer_row(fd, at),
                          .began = now,
                          .heard = now,
                          .refs = 1,
                          .interest = EPOLLIN};
    twi_sp_init(&c->in, ipc, srv->cfg.max_request_bytes);
    if (!ipc)
        set_tcp_options(fd);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    if (send(fd, twi_sp_rep_hello, TWI_SP_HELLO, MSG_NOSIGNAL | MSG_DONTWAIT) != TWI_SP_HELLO ||
        epoll_ctl(srv->epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
        (void) close(fd);
        tw_free(c);
        return;
    }
    c->after = srv->all;
    if (c->after != NULL)
        c->after->before = c;
    srv->all = c;
    srv->timed = true;
    (void) pthread_mutex_lock(&srv->lock);
    srv->count.connections++;
    (void) pthread_mutex_unlock(&srv->lock);
}

/* Without a free descriptor the connection would stay in the backlog, and epoll call for ever. */
static bool refuse_with_spare(tw_server *srv, int listening)
{
    if (srv->spare >= 0)
        (void) close(srv->spare);
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        (void) close(fd);
    srv->spare = eventfd(0, EFD_CLOEXEC);
    return fd >= 0; /* accept() fails for want of a descriptor even where no peer waits */
}

void twi_listeners_watch(tw_server *srv, bool on)
{
    for (int i = 0; i < srv->n_listeners; i++) {
        struct epoll_event e = {.events = on ? EPOLLIN : 0, .data.ptr = &srv->listeners[i]};
        if (srv->listeners[i].open)
            (void) epoll_ctl(srv->epoll, EPOLL_CTL_MOD, srv->listeners[i].l.fd, &e);
    }
    srv->accept_paused = !on;
    srv->timed = srv->timed || !on;
}

static void log_refused(tw_server *srv, const char *why)
{
    static tw_log_gate gate;
    int dropped;
    (void) pthread_mutex_lock(&srv->lock);
    srv->count.refused++;
    (void) pthread_mutex_unlock(&srv->lock);
    if (tw_log_allowed(&gate, 1, &dropped))
        tw_log(TW_LOG_WARN, "RPC-FULL", "reason=\"%s\" connections=%d dropped=%d", why,
               srv->cfg.max_connections, dropped);
}

static bool is_full(tw_server *srv)
{
    (void) pthread_mutex_lock(&srv->lock);
    bool full = srv->count.connections >= srv->cfg.max_connections;
    (void) pthread_mutex_unlock(&srv->lock);
    return full;
}

static bool has_work(twi_connection *c)
{
    (void) pthread_mutex_lock(&c->srv->lock);
    bool work = c->waiting > 0 || c->working > 0 || c->out != NULL || c->held != NULL;
    (void) pthread_mutex_unlock(&c->srv->lock);
    return work;
}

/* Ends the connection that has been idle longest, if one has been long enough; false: none. */
static bool make_place(tw_server *srv)
{
    double latest = tw_clock_monotonic() - 1e-3 * TW_SERVER_IDLE_MS;
    twi_connection *longest = NULL;
    for (twi_connection *c = srv->all; c != NULL; c = c->after) {
        if (c->heard <= latest && (longest == NULL || c->heard < longest->heard) && !has_work(c))
            longest = c;
    }
    if (longest != NULL)
        twi_connection_end(longest, "it was idle, and another needed its place");
    return longest != NULL;
}

void twi_listeners_accept(tw_server *srv, const twi_listening *d)
{
    for (int i = 0; i < MOST_ACCEPT && d->open; i++) {
        struct sockaddr_storage at = {0};
        socklen_t len = sizeof at;
        int fd = accept4(d->l.fd, (struct sockaddr *) &at, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && (!is_full(srv) || make_place(srv))) {
            begin(srv, d->l.ipc, fd, &at);
        } else if (fd >= 0) {
            (void) close(fd);
            log_refused(srv, "the limit of connections");
        } else if (errno == EMFILE || errno == ENFILE) {
            bool refused = refuse_with_spare(srv, d->l.fd);
            if (refused)
                log_refused(srv, "no file descriptor is left");
            if (!refused || srv->spare < 0)
                break;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            break;
        }
    }
    if (srv->spare < 0) {
        srv->spare = eventfd(0, EFD_CLOEXEC);
        if (srv->spare < 0)
            twi_listeners_watch(srv, false); /* until the next tick */
    }
}

void twi_listeners_close(tw_server *srv)
{
    for (int i = 0; i < srv->n_listeners; i++) {
        if (!srv->listeners[i].open)
            continue;
        srv->listeners[i].open = false;
        twi_listener_close(&srv->listeners[i].l); /* epoll forgets it */
    }
}
