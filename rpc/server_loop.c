#include "rpc/server_loop.h"

#include "base/clock.h"
#include "base/log.h"
#include "rpc/socket.h"

/* ---- the way round: nng's threads ---- */

void twi_slot_receive(twi_slot *s)
{
    tw_server *srv = s->srv;
    nng_mtx_lock(srv->lock);
    bool stop = srv->stopping;
    s->state = stop ? TWI_SLOT_IDLE : TWI_SLOT_RECEIVING;
    nng_mtx_unlock(srv->lock);
    if (stop)
        return;
    nng_aio_set_timeout(s->aio, NNG_DURATION_INFINITE);
    nng_ctx_recv(s->ctx, s->aio);
}

/* The end of a request, one way or another. */
static void finish(twi_slot *s, bool delivered)
{
    tw_server *srv = s->srv;
    nng_mtx_lock(srv->lock);
    if (!delivered)
        srv->count.unsent++;
    else if (!s->refused)
        srv->count.answered++;
    s->state = TWI_SLOT_IDLE;
    if (--srv->active == 0)
        nng_cv_wake(srv->idle);
    nng_mtx_unlock(srv->lock);
    twi_slot_receive(s);
}

/* A peer that cannot be answered should hear of it. */
static void hang_up(twi_slot *s)
{
    if (twi_nng_closes_busy_pipes())
        (void) nng_pipe_close(s->peer);
    finish(s, false);
}

/* Sends bytes as the answer to the request that came in msg, which is taken over. The slot belongs
 * to nng from here on. */
static void answer(twi_slot *s, nng_msg *msg, tw_bytes bytes, bool refused)
{
    tw_server *srv = s->srv;
    nng_msg_clear(msg);
    if (nng_msg_append(msg, bytes.data, bytes.len) != 0) {
        nng_msg_free(msg);
        hang_up(s);
        return;
    }
    nng_mtx_lock(srv->lock);
    s->state = TWI_SLOT_SENDING;
    s->refused = refused;
    nng_mtx_unlock(srv->lock);
    nng_aio_set_msg(s->aio, msg);
    nng_aio_set_timeout(s->aio, srv->cfg.send_timeout_ms);
    nng_ctx_send(s->ctx, s->aio);
}

static void sent(twi_slot *s)
{
    if (nng_aio_result(s->aio) == 0) {
        finish(s, true);
        return;
    }
    nng_msg_free(nng_aio_get_msg(s->aio)); /* unsent: still ours */
    hang_up(s);
}

static void received(twi_slot *s)
{
    tw_server *srv = s->srv;
    int rv = nng_aio_result(s->aio);
    if (rv != 0) {
        nng_mtx_lock(srv->lock);
        s->state = TWI_SLOT_IDLE;
        nng_mtx_unlock(srv->lock);
        if (rv != NNG_ECLOSED && rv != NNG_ECANCELED)
            twi_slot_receive(s); /* a peer's trouble is never the server's end */
        return;
    }

    nng_msg *msg = nng_aio_get_msg(s->aio);
    s->peer = nng_msg_get_pipe(msg);
    s->received = tw_clock_monotonic();

    nng_mtx_lock(srv->lock);
    srv->count.requests++;
    srv->active++;
    bool stopping = srv->stopping;
    bool refuse = stopping || srv->count.queued == srv->cfg.queue;
    if (refuse) {
        srv->count.busy++;
    } else {
        s->state = TWI_SLOT_QUEUED;
        s->msg = msg;
        srv->queue[(srv->head + srv->count.queued++) % srv->cfg.queue] = s;
        nng_cv_wake1(srv->work);
    }
    nng_mtx_unlock(srv->lock);
    if (refuse)
        answer(s, msg, stopping ? srv->cfg.stopping : srv->cfg.busy, true);
}

void twi_slot_ready(void *arg)
{
    twi_slot *s = arg;
    nng_mtx_lock(s->srv->lock);
    bool sending = s->state == TWI_SLOT_SENDING;
    nng_mtx_unlock(s->srv->lock);
    if (sending)
        sent(s);
    else
        received(s);
}

/* ADD_PRE comes before a connection is used and REM_POST after it is gone, refused ones included.
 */
void twi_server_connection(nng_pipe p, nng_pipe_ev event, void *arg)
{
    tw_server *srv = arg;
    nng_mtx_lock(srv->lock);
    srv->count.connections += event == NNG_PIPE_EV_ADD_PRE ? 1 : -1;
    bool refuse =
        event == NNG_PIPE_EV_ADD_PRE && srv->count.connections > (int64_t) srv->cfg.max_connections;
    nng_mtx_unlock(srv->lock);
    if (refuse)
        (void) nng_pipe_close(p);
}

/* ---- the workers ---- */

/* NULL: the server stops. */
static twi_slot *next_request(tw_server *srv)
{
    twi_slot *s = NULL;
    nng_mtx_lock(srv->lock);
    while (srv->count.queued == 0 && !srv->quit)
        nng_cv_wait(srv->work);
    if (!srv->quit) {
        s = srv->queue[srv->head];
        srv->head = (srv->head + 1) % srv->cfg.queue;
        srv->count.queued--;
        s->state = TWI_SLOT_WORKING;
    }
    nng_mtx_unlock(srv->lock);
    return s;
}

/* Told from here because a log line may block, and nng's threads must not. */
static void report(tw_server *srv)
{
    static tw_log_gate gate;
    nng_mtx_lock(srv->lock);
    int64_t busy = srv->count.busy - srv->busy_logged;
    int64_t unsent = srv->count.unsent - srv->unsent_logged;
    nng_mtx_unlock(srv->lock);

    int dropped;
    if ((busy == 0 && unsent == 0) || !tw_log_allowed(&gate, 1, &dropped))
        return;
    nng_mtx_lock(srv->lock);
    srv->busy_logged += busy;
    srv->unsent_logged += unsent;
    nng_mtx_unlock(srv->lock);
    if (busy > 0)
        tw_log(TW_LOG_WARN, "RPC-BUSY", "refused=%lld queue=%d", (long long) busy, srv->cfg.queue);
    if (unsent > 0)
        tw_log(TW_LOG_WARN, "RPC-UNSENT", "answers=%lld timeout_ms=%d", (long long) unsent,
               srv->cfg.send_timeout_ms);
}

void *twi_worker_main(void *arg)
{
    twi_worker *w = arg;
    tw_server *srv = w->srv;
    twi_slot *s;
    while ((s = next_request(srv)) != NULL) {
        nng_msg *msg = s->msg;
        tw_bytes request = {nng_msg_body(msg), nng_msg_len(msg)}, reply = {0};
        srv->cfg.handler(srv->cfg.ctx, w->number, request, tw_clock_monotonic() - s->received,
                         &reply);
        s->msg = NULL;
        answer(s, msg, reply, false);
        report(srv);
    }
    return NULL;
}
