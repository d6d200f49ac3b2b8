/* The server's beginning and end; what lies between is in server_loop.c. */
#include "rpc/server.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/supplemental/util/platform.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "rpc/server_loop.h"
#include "rpc/socket.h"

/* Beyond what the queue and the workers can hold, to refuse with when the queue is full. */
#define SPARE_SLOTS 32

#define MAX_CONNECTIONS (1 << 20)

/* From when no slot receives any more until the socket closes: time for each connection to finish
 * the message that is arriving, after which nng reads no further from it. See rpc/socket.h. */
#define SETTLE_MS 20

/* ---- start ---- */

static tw_status take_number(int *n, int fallback, int most, const char *name, tw_error *err)
{
    if (*n == 0)
        *n = fallback;
    if (*n < 1 || *n > most)
        return tw_fail(err, TW_EINVAL, "%s %d is outside 1..%d", name, *n, most);
    return TW_OK;
}

int tw_server_usable_cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : n > TW_SERVER_MAX_WORKERS ? TW_SERVER_MAX_WORKERS : n;
}

static tw_status keep_bytes(char **copy, tw_bytes *b, tw_error *err)
{
    *copy = tw_alloc(b->len, 1);
    if (*copy == NULL)
        return tw_fail(err, TW_ENOMEM, "answer of %zu bytes", b->len);
    if (b->len > 0)
        memcpy(*copy, b->data, b->len);
    b->data = *copy;
    return TW_OK;
}

static tw_status take_config(tw_server *srv, const tw_server_config *cfg, tw_error *err)
{
    tw_status st = TW_OK;
    tw_server_config *c = &srv->cfg;
    *c = *cfg;
    if (c->handler == NULL || c->n_urls < 1 || c->n_urls > TW_SERVER_MAX_URLS)
        return tw_fail(err, TW_EINVAL, "%d addresses to listen on is outside 1..%d", c->n_urls,
                       TW_SERVER_MAX_URLS);
    TW_TRY(
        take_number(&c->workers, tw_server_usable_cores(), TW_SERVER_MAX_WORKERS, "workers", err));
    TW_TRY(take_number(&c->queue, TW_SERVER_QUEUE, TW_SERVER_MAX_QUEUE, "queue", err));
    TW_TRY(
        take_number(&c->send_timeout_ms, TW_SERVER_SEND_TIMEOUT_MS, 60000, "send_timeout_ms", err));
    TW_TRY(take_number(&c->drain_ms, TW_SERVER_DRAIN_MS, 600000, "drain_ms", err));
    /* Where connections that broke may never be freed, they must not count for ever by default. */
    int limit = twi_nng_closes_busy_pipes() ? TW_SERVER_CONNECTIONS : MAX_CONNECTIONS;
    TW_TRY(take_number(&c->max_connections, limit, MAX_CONNECTIONS, "max_connections", err));
    if (c->max_request_bytes == 0)
        c->max_request_bytes = TW_SERVER_REQUEST_BYTES;
    TW_TRY(keep_bytes(&srv->busy, &c->busy, err));
    TW_TRY(keep_bytes(&srv->stopping_reply, &c->stopping, err));
done:
    return st;
}

static tw_status open_socket(tw_server *srv, tw_error *err)
{
    int rv = nng_mtx_alloc(&srv->lock);
    if (rv == 0)
        rv = nng_cv_alloc(&srv->work, srv->lock);
    if (rv == 0)
        rv = nng_cv_alloc(&srv->idle, srv->lock);
    if (rv == 0)
        rv = nng_rep0_open(&srv->sock);
    if (rv != 0)
        return twi_nng_fail(err, rv, "open", "a socket");
    srv->has_sock = true;
    rv = nng_pipe_notify(srv->sock, NNG_PIPE_EV_ADD_PRE, twi_server_connection, srv);
    if (rv == 0)
        rv = nng_pipe_notify(srv->sock, NNG_PIPE_EV_REM_POST, twi_server_connection, srv);
    return rv == 0 ? TW_OK : twi_nng_fail(err, rv, "watch", "a socket");
}

static tw_status listen_on(tw_server *srv, int i, const char *url, tw_error *err)
{
    nng_listener l;
    char *bound = NULL;
    if (url == NULL || !twi_url_known(url) || strlen(url) >= TW_SERVER_MAX_URL) {
        return tw_fail(err, TW_EINVAL,
                       "cannot listen on '%.100s': give tcp://HOST:PORT, ipc://PATH or "
                       "inproc://NAME",
                       url == NULL ? "" : url);
    }
    int rv = nng_listener_create(&l, srv->sock, url);
    if (rv == 0)
        rv = nng_listener_set_size(l, NNG_OPT_RECVMAXSZ, srv->cfg.max_request_bytes);
    if (rv == NNG_ENOTSUP) /* inproc has no limit of its own */
        rv = 0;
    if (rv != 0)
        return twi_nng_fail(err, rv, "listen on", url);
    (void) nng_listener_set_bool(l, NNG_OPT_TCP_KEEPALIVE, true); /* tcp only */
    rv = nng_listener_start(l, 0);
    if (rv == 0)
        rv = nng_listener_get_string(l, NNG_OPT_URL, &bound);
    if (rv != 0)
        return twi_nng_fail(err, rv, "listen on", url);
    (void) snprintf(srv->urls[i], sizeof srv->urls[i], "%s", bound);
    nng_strfree(bound);
    return TW_OK;
}

static tw_status make_slots(tw_server *srv, tw_error *err)
{
    const tw_server_config *c = &srv->cfg;
    int n = c->queue + c->workers + SPARE_SLOTS;
    srv->queue = tw_alloc((size_t) c->queue, sizeof(twi_slot *));
    srv->slots = tw_alloc((size_t) n, sizeof *srv->slots);
    srv->workers = tw_alloc((size_t) c->workers, sizeof *srv->workers);
    if (srv->queue == NULL || srv->slots == NULL || srv->workers == NULL)
        return tw_fail(err, TW_ENOMEM, "server of %d slots", n);
    for (; srv->n_slots < n; srv->n_slots++) {
        twi_slot *s = &srv->slots[srv->n_slots];
        s->srv = srv;
        int rv = nng_aio_alloc(&s->aio, twi_slot_ready, s);
        if (rv == 0)
            rv = nng_ctx_open(&s->ctx, srv->sock); /* closed with the socket */
        if (rv != 0) {
            srv->n_slots++; /* so that this one is released too */
            return twi_nng_fail(err, rv, "open", "a context");
        }
    }
    return TW_OK;
}

/* Signals are for the program's main thread. */
static tw_status start_workers(tw_server *srv, tw_error *err)
{
    sigset_t all, before;
    int rv = 0;
    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int i = 0; i < srv->cfg.workers && rv == 0; i++) {
        twi_worker *w = &srv->workers[i];
        w->srv = srv;
        w->number = i;
        rv = pthread_create(&w->thread, NULL, twi_worker_main, w);
        w->started = rv == 0;
    }
    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rv == 0 ? TW_OK : tw_fail(err, TW_ENOMEM, "cannot start a worker thread");
}

tw_status tw_server_start(tw_server **out, const tw_server_config *cfg, tw_error *err)
{
    tw_status st = TW_OK;
    *out = NULL;
    tw_server *srv = tw_alloc(1, sizeof *srv);
    if (srv == NULL) {
        st = tw_fail(err, TW_ENOMEM, "server");
        goto done;
    }
    TW_TRY(take_config(srv, cfg, err));
    TW_TRY(open_socket(srv, err));
    TW_TRY(make_slots(srv, err));
    for (int i = 0; i < cfg->n_urls; i++)
        TW_TRY(listen_on(srv, i, cfg->urls[i], err));
    srv->cfg.urls = NULL;
    TW_TRY(start_workers(srv, err));
    for (int i = 0; i < srv->n_slots; i++)
        twi_slot_receive(&srv->slots[i]);
    *out = srv;
    srv = NULL;
done:
    tw_server_stop(srv);
    return st;
}

const char *tw_server_url(const tw_server *srv, int i) { return srv->urls[i]; }
int tw_server_workers(const tw_server *srv) { return srv->cfg.workers; }

void tw_server_get_counters(const tw_server *srv, tw_server_counters *out)
{
    nng_mtx_lock(srv->lock);
    *out = srv->count;
    nng_mtx_unlock(srv->lock);
}

/* ---- stop ---- */

static void drain(tw_server *srv)
{
    nng_time until = nng_clock() + (nng_time) srv->cfg.drain_ms;
    nng_mtx_lock(srv->lock);
    srv->stopping = true;
    while (srv->active > 0 && nng_cv_until(srv->idle, until) == 0) {
    }
    int left = srv->active;
    srv->quit = true;
    nng_cv_wake(srv->work);
    nng_mtx_unlock(srv->lock);
    if (left > 0)
        tw_log(TW_LOG_WARN, "RPC-CUT", "unfinished=%d drain_ms=%d", left, srv->cfg.drain_ms);
}

static void settle(tw_server *srv)
{
    nng_time until = nng_clock() + SETTLE_MS;
    nng_mtx_lock(srv->lock);
    while (nng_cv_until(srv->work, until) == 0) {
    }
    nng_mtx_unlock(srv->lock);
}

static void release(tw_server *srv)
{
    for (int i = 0; i < srv->n_slots; i++) {
        if (srv->slots[i].aio != NULL)
            nng_aio_free(srv->slots[i].aio);
        if (srv->slots[i].msg != NULL)
            nng_msg_free(srv->slots[i].msg); /* it waited in the queue when the time was over */
    }
    if (srv->idle != NULL)
        nng_cv_free(srv->idle);
    if (srv->work != NULL)
        nng_cv_free(srv->work);
    if (srv->lock != NULL)
        nng_mtx_free(srv->lock);
    tw_free(srv->queue);
    tw_free(srv->slots);
    tw_free(srv->workers);
    tw_free(srv->busy);
    tw_free(srv->stopping_reply);
    tw_free(srv);
}

/* The order matters: no worker may start a send on an aio that was stopped (nng would neither send
 * nor call back), and no callback may run when its context closes. */
void tw_server_stop(tw_server *srv)
{
    bool closed = true;
    if (srv == NULL)
        return;
    if (srv->idle != NULL)
        drain(srv);
    if (srv->has_sock)
        settle(srv);
    for (int i = 0; srv->workers != NULL && i < srv->cfg.workers; i++)
        if (srv->workers[i].started)
            (void) pthread_join(srv->workers[i].thread, NULL);
    for (int i = 0; i < srv->n_slots; i++)
        if (srv->slots[i].aio != NULL)
            nng_aio_stop(srv->slots[i].aio);
    if (srv->has_sock) {
        settle(srv);
        closed = twi_socket_close(srv->sock);
    }
    if (closed)
        release(srv);
}
