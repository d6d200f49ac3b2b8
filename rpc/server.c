/* The server's beginning and end; what lies between is in server_{io,work,reply}.c. */
#include "rpc/server.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "rpc/server_state.h"

#define SPARE_FILES 64 /* descriptors that are left to the rest of the process */

_Static_assert(TW_SERVER_MAX_URL == TWI_LISTENER_MAX_URL, "a listener's URL is the server's");

/* ---- start ----------------------------------------------------------------------------------- */

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

/* As many connections as the process may have files, less some that it needs itself. */
static int affordable(int connections)
{
    struct rlimit lim;
    if (getrlimit(RLIMIT_NOFILE, &lim) != 0 || lim.rlim_cur > 2UL * TW_SERVER_MAX_CONNECTIONS)
        return connections;
    int files = (int) lim.rlim_cur;
    int most = files > 2 * SPARE_FILES ? files - SPARE_FILES : files / 2;
    if (most >= connections)
        return connections;
    tw_log(TW_LOG_INFO, "RPC-LIMIT", "connections=%d files=%d wanted=%d", most, files, connections);
    return most < 1 ? 1 : most;
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
    TW_TRY(take_number(&c->message_ms, TW_SERVER_MESSAGE_MS, 600000, "message_ms", err));
    TW_TRY(
        take_number(&c->send_timeout_ms, TW_SERVER_SEND_TIMEOUT_MS, 60000, "send_timeout_ms", err));
    TW_TRY(take_number(&c->drain_ms, TW_SERVER_DRAIN_MS, 600000, "drain_ms", err));
    TW_TRY(take_number(&c->max_connections, TW_SERVER_CONNECTIONS, TW_SERVER_MAX_CONNECTIONS,
                       "max_connections", err));
    c->max_connections = affordable(c->max_connections);
    if (c->max_request_bytes == 0)
        c->max_request_bytes = TW_SERVER_REQUEST_BYTES;
    if (c->max_partial_bytes == 0)
        c->max_partial_bytes = TW_SERVER_PARTIAL_BYTES;
    TW_TRY(keep_bytes(&srv->busy, &c->busy, err));
    TW_TRY(keep_bytes(&srv->stopping_reply, &c->stopping, err));
done:
    return st;
}

static bool init_locks(tw_server *srv)
{
    pthread_condattr_t clock;
    if (pthread_condattr_init(&clock) != 0)
        return false;
    (void) pthread_condattr_setclock(&clock, CLOCK_MONOTONIC); /* for wait_until() */
    int failed = pthread_mutex_init(&srv->lock, NULL) + pthread_cond_init(&srv->work, NULL) +
                 pthread_cond_init(&srv->idle, &clock);
    (void) pthread_condattr_destroy(&clock);
    return failed == 0; /* glibc's do not */
}

static tw_status watch(tw_server *srv, int fd, void *source, tw_error *err)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = source};
    if (epoll_ctl(srv->epoll, EPOLL_CTL_ADD, fd, &e) != 0)
        return tw_fail_errno(err, "cannot watch a socket");
    return TW_OK;
}

static tw_status open_listeners(tw_server *srv, const tw_server_config *cfg, tw_error *err)
{
    tw_status st = TW_OK;
    srv->epoll = epoll_create1(EPOLL_CLOEXEC);
    srv->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    srv->spare = eventfd(0, EFD_CLOEXEC);
    if (srv->epoll < 0 || srv->wake < 0 || srv->spare < 0)
        TW_TRY(tw_fail_errno(err, "cannot open what a server needs"));
    srv->wake_source = TWI_SOURCE_WAKE;
    TW_TRY(watch(srv, srv->wake, &srv->wake_source, err));
    for (; srv->n_listeners < cfg->n_urls; srv->n_listeners++) {
        twi_listening *d = &srv->listeners[srv->n_listeners];
        d->source = TWI_SOURCE_LISTENER;
        TW_TRY(twi_listener_open(&d->l, cfg->urls[srv->n_listeners], err));
        d->open = true;
        st = watch(srv, d->l.fd, d, err);
        if (st != TW_OK) {
            srv->n_listeners++; /* so that this one is closed, too */
            goto done;
        }
    }
done:
    return st;
}

/* Signals are for the program's main thread. */
static tw_status start_threads(tw_server *srv, tw_error *err)
{
    sigset_t all, before;
    srv->workers = tw_alloc((size_t) srv->cfg.workers, sizeof *srv->workers);
    if (srv->workers == NULL)
        return tw_fail(err, TW_ENOMEM, "%d workers", srv->cfg.workers);
    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &before);
    int rv = pthread_create(&srv->io_thread, NULL, twi_io_main, srv);
    srv->io_started = rv == 0;
    for (int i = 0; i < srv->cfg.workers && rv == 0; i++) {
        twi_worker *w = &srv->workers[i];
        w->srv = srv;
        w->number = i;
        rv = pthread_create(&w->thread, NULL, twi_worker_main, w);
        w->started = rv == 0;
        (void) pthread_mutex_lock(&srv->lock);
        srv->running += w->started;
        (void) pthread_mutex_unlock(&srv->lock);
    }
    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rv == 0 ? TW_OK : tw_fail(err, TW_ENOMEM, "cannot start a server's threads");
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
    srv->epoll = srv->wake = srv->spare = -1;
    srv->has_lock = init_locks(srv);
    if (!srv->has_lock)
        TW_TRY(tw_fail(err, TW_ENOMEM, "server"));
    TW_TRY(take_config(srv, cfg, err));
    TW_TRY(open_listeners(srv, cfg, err));
    srv->cfg.urls = NULL;
    TW_TRY(start_threads(srv, err));
    *out = srv;
    srv = NULL;
done:
    (void) tw_server_stop(srv);
    return st;
}

const char *tw_server_url(const tw_server *srv, int i) { return srv->listeners[i].l.url; }

void tw_server_get_counters(tw_server *srv, tw_server_counters *out)
{
    (void) pthread_mutex_lock(&srv->lock);
    *out = srv->count;
    (void) pthread_mutex_unlock(&srv->lock);
}

/* ---- stop ------------------------------------------------------------------------------------ */

/* Waits for `idle` to be signalled; false: it is `until`. */
static bool wait_until(tw_server *srv, double until)
{
    struct timespec at = {.tv_sec = (time_t) until};
    at.tv_nsec = (long) ((until - (double) at.tv_sec) * 1e9);
    return pthread_cond_timedwait(&srv->idle, &srv->lock, &at) == 0;
}

/* True: all workers have ended. */
static bool drain(tw_server *srv)
{
    double until = tw_clock_monotonic() + 1e-3 * srv->cfg.drain_ms;
    (void) pthread_mutex_lock(&srv->lock);
    bool again = srv->quit; /* the second call */
    srv->stopping = true;
    if (srv->io_started)
        twi_io_wake(srv);
    while (!again && srv->active > 0 && wait_until(srv, until)) {
    }
    int left = srv->active;
    srv->quit = true;
    (void) pthread_cond_broadcast(&srv->work);
    until = tw_clock_monotonic() + 1e-3 * TW_SERVER_GRACE_MS;
    while (srv->running > 0 && wait_until(srv, until)) {
    }
    int running = srv->running;
    (void) pthread_mutex_unlock(&srv->lock);
    if (left > 0 && !again)
        tw_log(TW_LOG_WARN, "RPC-CUT", "unfinished=%d drain_ms=%d", left, srv->cfg.drain_ms);
    if (running > 0)
        tw_log(TW_LOG_ERROR, "RPC-STUCK", "calls=%d waited_ms=%d", running,
               srv->cfg.drain_ms + TW_SERVER_GRACE_MS);
    return running == 0;
}

static void end_io(tw_server *srv)
{
    (void) pthread_mutex_lock(&srv->lock);
    srv->io_quit = true;
    (void) pthread_mutex_unlock(&srv->lock);
    twi_io_wake(srv);
    (void) pthread_join(srv->io_thread, NULL);
}

static void release(tw_server *srv)
{
    for (int i = 0; i < srv->n_listeners; i++)
        if (srv->listeners[i].open)
            twi_listener_close(&srv->listeners[i].l);
    const int files[] = {srv->epoll, srv->wake, srv->spare};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (files[i] >= 0)
            (void) close(files[i]);
    if (srv->has_lock) {
        (void) pthread_cond_destroy(&srv->idle);
        (void) pthread_cond_destroy(&srv->work);
        (void) pthread_mutex_destroy(&srv->lock);
    }
    tw_free(srv->workers);
    tw_free(srv->busy);
    tw_free(srv->stopping_reply);
    tw_free(srv);
}

bool tw_server_stop(tw_server *srv)
{
    if (srv == NULL)
        return true;
    if (srv->has_lock && !drain(srv))
        return false;
    for (int i = 0; srv->workers != NULL && i < srv->cfg.workers; i++)
        if (srv->workers[i].started)
            (void) pthread_join(srv->workers[i].thread, NULL);
    if (srv->io_started)
        end_io(srv);
    release(srv);
    return true;
}
