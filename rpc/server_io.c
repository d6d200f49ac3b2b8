/* The I/O thread: bytes arrive, time passes, connections end. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "rpc/server_state.h"

#define TICK_MS     25  /* how exactly time limits are kept */
#define SETTLE_MS   100 /* for peers to close their side, at the end */
#define MOST_EVENTS 64  /* in a turn */
#define MOST_ACCEPT 32  /* likewise, of a listener */

static void free_ended(tw_server *srv)
{
    (void) pthread_mutex_lock(&srv->lock);
    while (srv->ended_list != NULL) {
        twi_connection *c = srv->ended_list;
        srv->ended_list = c->after;
        twi_connection_unref(c);
    }
    (void) pthread_mutex_unlock(&srv->lock);
}

/* The message that has been arriving longest, of those that hold more than a chunk if there is one,
 * makes room for the others. */
static bool end_longest(tw_server *srv)
{
    twi_connection *longest = NULL;
    for (twi_connection *c = srv->all; c != NULL; c = c->after) {
        bool large = c->in.room > TWI_CHUNK;
        bool other = longest != NULL && longest->in.room > TWI_CHUNK;
        if (c->in.room > 0 &&
            (longest == NULL || (large && !other) || (large == other && c->began < longest->began)))
            longest = c;
    }
    if (longest != NULL)
        twi_connection_end(longest,
                           "half-sent requests hold too much memory, this one for longest");
    return longest != NULL;
}

/* ---- bytes arrive ---------------------------------------------------------------------------- */

/* The request that is complete: answered at once, queued, or refused. */
static void receive(twi_connection *c)
{
    tw_server *srv = c->srv;
    tw_bytes reply = {0};
    (void) pthread_mutex_lock(&srv->lock);
    srv->count.requests++;
    bool slowed = twi_reply_is_slowed(c, tw_clock_monotonic());
    (void) pthread_mutex_unlock(&srv->lock);
    srv->partial -= c->in.room;
    twi_sp_request req = twi_sp_message(&c->in);
    const tw_bytes body = {req.bytes + req.path, req.len - req.path};
    bool express = !slowed && srv->cfg.express != NULL && body.len <= TW_SERVER_EXPRESS_BYTES &&
                   srv->cfg.express(srv->cfg.ctx, body, &reply);
    twi_waiting *w = express ? NULL : tw_alloc(1, sizeof *w);
    if (w != NULL)
        *w = (twi_waiting){.req = req, .received = tw_clock_monotonic()};

    (void) pthread_mutex_lock(&srv->lock);
    bool queued = w != NULL && !srv->stopping && twi_queue_put(c, w);
    if (express) {
        srv->active++;
        c->trusted = true;
        twi_reply_append(c, &req, reply, 1);
    } else if (!queued) {
        srv->count.busy++;
        c->refused++;
        twi_reply_append(c, &req, srv->stopping ? srv->cfg.stopping : srv->cfg.busy, 0);
    }
    (void) pthread_mutex_unlock(&srv->lock);
    if (!queued) {
        tw_free(req.bytes);
        tw_free(w);
    }
}

/* NULL, or why the connection must end. */
static const char *feed(twi_connection *c, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        size_t used, room = c->in.room;
        twi_sp_event e = twi_sp_take(&c->in, bytes, len, &used);
        c->srv->partial += c->in.room;
        c->srv->partial -= room;
        bytes += used;
        len -= used;
        switch (e) {
        case TWI_SP_MORE: break;
        case TWI_SP_MESSAGE:
            receive(c);
            c->began = 0;
            break;
        case TWI_SP_GREETED: c->began = 0; break;
        case TWI_SP_FOREIGN: return "the peer is no REQ socket";
        case TWI_SP_TOO_LONG: return "a request is too long";
        case TWI_SP_PATHLESS: return "a request has no number";
        case TWI_SP_NO_MEMORY: return "no memory for a request";
        }
    }
    return NULL;
}

static void read_some(twi_connection *c)
{
    tw_server *srv = c->srv;
    ssize_t n = recv(c->fd, srv->chunk, sizeof srv->chunk, MSG_DONTWAIT);
    if (n < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            twi_connection_end(c, NULL);
        return;
    }
    c->heard = tw_clock_monotonic();
    const char *why = feed(c, srv->chunk, (size_t) n);
    (void) pthread_mutex_lock(&srv->lock);
    c->ended = n == 0;
    c->resting = c->refused > TW_SERVER_PER_CONNECTION;
    srv->timed = srv->timed || c->refused > 0;
    twi_reply_flush(c);
    (void) pthread_mutex_unlock(&srv->lock);
    if (why != NULL) {
        twi_connection_end(c, why);
        return;
    }
    if (n > 0 && c->began == 0 && twi_sp_is_amid(&c->in)) {
        c->began = tw_clock_monotonic();
        srv->timed = true;
    }
    while (srv->partial > srv->cfg.max_partial_bytes && end_longest(srv)) {
    }
}

static void connection_event(twi_connection *c, uint32_t events)
{
    tw_server *srv = c->srv;
    if (c->dead)
        return;
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        twi_connection_end(c, NULL);
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        (void) pthread_mutex_lock(&srv->lock);
        twi_reply_flush(c);
        (void) pthread_mutex_unlock(&srv->lock);
    }
    if ((events & EPOLLIN) != 0)
        read_some(c);
}

/* ---- time passes ----------------------------------------------------------------------------- */

static const char *overdue(twi_connection *c, double now)
{
    const tw_server_config *cfg = &c->srv->cfg;
    (void) pthread_mutex_lock(&c->srv->lock);
    bool paused = c->resting;
    c->resting = false;
    c->refused = 0;
    twi_reply_release(c, now);
    twi_reply_flush(c);
    bool sending = c->out != NULL;
    paused = paused || sending || c->held != NULL;
    double progress = c->progress;
    (void) pthread_mutex_unlock(&c->srv->lock);

    if (sending && now - progress > 1e-3 * cfg->send_timeout_ms)
        return "the peer does not take its answers";
    if (paused && c->began != 0)
        c->began = now; /* it was we who did not read */
    double most = 1e-3 * cfg->message_ms + (double) c->in.have / TW_SERVER_SLOWEST;
    if (c->began != 0 && now - c->began > most)
        return c->in.greeted ? "a request did not arrive in time" : "the peer says nothing";
    c->srv->timed = c->srv->timed || paused || c->began != 0;
    return NULL;
}

static void tick(tw_server *srv, double now)
{
    srv->timed = false;
    if (srv->accept_paused)
        twi_listeners_watch(srv, true);
    for (twi_connection *c = srv->all, *after; c != NULL; c = after) {
        after = c->after;
        const char *why = overdue(c, now);
        if (why != NULL)
            twi_connection_end(c, why);
    }
}

static void report(tw_server *srv)
{
    static tw_log_gate gate;
    int dropped;
    (void) pthread_mutex_lock(&srv->lock);
    int64_t busy = srv->count.busy - srv->busy_logged;
    int64_t unsent = srv->count.unsent - srv->unsent_logged;
    bool logged = (busy > 0 || unsent > 0) && tw_log_allowed(&gate, 1, &dropped);
    if (logged) {
        srv->busy_logged += busy;
        srv->unsent_logged += unsent;
    }
    (void) pthread_mutex_unlock(&srv->lock);
    if (logged && busy > 0)
        tw_log(TW_LOG_WARN, "RPC-BUSY", "refused=%lld queue=%d", (long long) busy, srv->cfg.queue);
    if (logged && unsent > 0)
        tw_log(TW_LOG_WARN, "RPC-UNSENT", "answers=%lld timeout_ms=%d", (long long) unsent,
               srv->cfg.send_timeout_ms);
    if (!logged && busy + unsent > 0)
        srv->timed = true; /* it is logged in a second */
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void wake_event(tw_server *srv)
{
    uint64_t n;
    ssize_t got = read(srv->wake, &n, sizeof n);
    (void) got;
    (void) pthread_mutex_lock(&srv->lock);
    bool stopping = srv->stopping;
    (void) pthread_mutex_unlock(&srv->lock);
    if (stopping)
        twi_listeners_close(srv);
    srv->timed = true;
}

/* Reads and forgets. */
static void discard(twi_connection *c)
{
    ssize_t n = recv(c->fd, c->srv->chunk, sizeof c->srv->chunk, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        twi_connection_end(c, NULL);
}

/* A socket that is closed with bytes unread takes back what its peer has not read yet. So each is
 * closed on our side first, and read until its peer does the same, for SETTLE_MS at most. */
static void end_all(tw_server *srv)
{
    struct epoll_event events[MOST_EVENTS];
    double now = tw_clock_monotonic(), until = now + 1e-3 * SETTLE_MS;
    for (twi_connection *c = srv->all; c != NULL; c = c->after) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        (void) shutdown(c->fd, SHUT_WR);
        (void) epoll_ctl(srv->epoll, EPOLL_CTL_MOD, c->fd, &e);
    }
    while (srv->all != NULL && now < until) {
        int n = epoll_wait(srv->epoll, events, MOST_EVENTS, 1 + (int) (1e3 * (until - now)));
        for (int i = 0; i < n; i++) {
            if (*(const twi_source *) events[i].data.ptr == TWI_SOURCE_CONNECTION)
                discard(events[i].data.ptr);
            else
                wake_event(srv);
        }
        now = tw_clock_monotonic();
    }
    while (srv->all != NULL)
        twi_connection_end(srv->all, NULL);
    free_ended(srv);
}

void *twi_io_main(void *arg)
{
    tw_server *srv = arg;
    struct epoll_event events[MOST_EVENTS];
    double next_tick = 0;
    bool quit = false;
    while (!quit) {
        int n = epoll_wait(srv->epoll, events, MOST_EVENTS, srv->timed ? TICK_MS : -1);
        for (int i = 0; i < n; i++) {
            const twi_source *s = events[i].data.ptr;
            switch (*s) {
            case TWI_SOURCE_WAKE: wake_event(srv); break;
            case TWI_SOURCE_LISTENER: twi_listeners_accept(srv, events[i].data.ptr); break;
            case TWI_SOURCE_CONNECTION:
                connection_event(events[i].data.ptr, events[i].events);
                break;
            }
        }
        double now = srv->timed ? tw_clock_monotonic() : 0;
        if (srv->timed && now >= next_tick) {
            tick(srv, now);
            next_tick = now + 1e-3 * TICK_MS;
        }
        free_ended(srv);
        report(srv);
        (void) pthread_mutex_lock(&srv->lock);
        quit = srv->io_quit;
        (void) pthread_mutex_unlock(&srv->lock);
    }
    twi_listeners_close(srv);
    end_all(srv);
    return NULL;
}
