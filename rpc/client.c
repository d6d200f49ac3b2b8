#include "rpc/client.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <nng/supplemental/util/platform.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/event_time.h"
#include "base/hash.h"
#include "base/room.h"
#include "rpc/socket.h"
#include "rpc/wire.h"

#define URL_MAX          256
#define RECONNECT_MIN_MS 20
#define RECONNECT_MAX_MS 500

struct tw_client {
    char url[URL_MAX];
    char api_key[TW_WIRE_MAX_API_KEY + 1];
    int timeout_ms, connect_ms;
    nng_socket sock;
    bool has_sock;
    nng_dialer dialer;
    tw_wire *wire;
    nng_msg *reply; /* what the last decoded reply borrows bytes from; owned */
    uint64_t id[2]; /* a number of this client, and one that grows with each request */

    nng_mtx *lock; /* guards the fields below */
    nng_cv *changed;
    int connections; /* 0 or 1 */
    bool dialled;    /* the first attempt is over, with dial_rv */
    int dial_rv;
};

/* ---- connecting ------------------------------------------------------------------------------ */

/* nng_dialer_start() waits as long as the system does, minutes where a firewall swallows packets.
 * So a thread of its own makes the first attempt, and closing the dialer ends it early. */
static void *dial(void *arg)
{
    tw_client *c = arg;
    int rv = nng_dialer_start(c->dialer, 0);
    nng_mtx_lock(c->lock);
    c->dialled = true;
    c->dial_rv = rv;
    nng_cv_wake(c->changed);
    nng_mtx_unlock(c->lock);
    return NULL;
}

static void connection(nng_pipe p, nng_pipe_ev event, void *arg)
{
    tw_client *c = arg;
    (void) p;
    nng_mtx_lock(c->lock);
    c->connections += event == NNG_PIPE_EV_ADD_POST ? 1 : -1;
    nng_cv_wake(c->changed);
    nng_mtx_unlock(c->lock);
}

static tw_status cannot_connect(const tw_client *c, int rv, tw_error *err)
{
    if (rv == NNG_EADDRINVAL || rv == NNG_EINVAL || rv == NNG_ENOTSUP) {
        return tw_fail(err, TW_EINVAL, "'%s' is no address: give tcp://HOST:PORT or ipc://PATH",
                       c->url);
    }
    if (rv == NNG_ENOMEM)
        return tw_fail(err, TW_ENOMEM, "client");
    if (rv == NNG_ETIMEDOUT)
        return tw_fail(err, TW_ETIMEOUT, "cannot connect to %s within %d ms", c->url,
                       c->connect_ms);
    return tw_fail(err, TW_EIO, "cannot connect to %s: %s; is the server running?", c->url,
                   nng_strerror(rv));
}

static tw_status first_connection(tw_client *c, tw_error *err)
{
    pthread_t thread;
    sigset_t all, before;
    nng_time until = nng_clock() + (nng_time) c->connect_ms;

    (void) sigfillset(&all); /* signals are for the program's own threads */
    (void) pthread_sigmask(SIG_SETMASK, &all, &before);
    int rv = pthread_create(&thread, NULL, dial, c);
    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rv != 0)
        return tw_fail(err, TW_ENOMEM, "cannot start a thread to connect with");

    nng_mtx_lock(c->lock);
    while (!c->dialled && nng_cv_until(c->changed, until) == 0) {
    }
    bool early = !c->dialled;
    nng_mtx_unlock(c->lock);
    if (early)
        (void) nng_dialer_close(c->dialer);
    (void) pthread_join(thread, NULL);
    if (early)
        return cannot_connect(c, NNG_ETIMEDOUT, err);
    return c->dial_rv == 0 ? TW_OK : cannot_connect(c, c->dial_rv, err);
}

/* nng starts its threads with the first call, and crashes where one of them cannot: up to 16 for
 * its tasks, and some more for time, names, readiness. Counted with 1.5.2. */
static tw_status check_room(tw_error *err)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const int busy = cores < 1 ? 1 : cores > 8 ? 8 : (int) cores;
    return tw_room_check_threads(4 * busy + 12, "the network library", err);
}

static int open_socket(tw_client *c)
{
    int rv = nng_mtx_alloc(&c->lock);
    if (rv == 0)
        rv = nng_cv_alloc(&c->changed, c->lock);
    if (rv == 0)
        rv = nng_req0_open(&c->sock);
    if (rv != 0)
        return rv;
    c->has_sock = true;
    /* Never send again by itself: a slow server would get more to do. A connection that breaks then
     * ends the request that was under way with NNG_ECONNRESET. */
    rv = nng_socket_set_ms(c->sock, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
    if (rv == 0)
        rv = nng_socket_set_ms(c->sock, NNG_OPT_RECONNMINT, RECONNECT_MIN_MS);
    if (rv == 0)
        rv = nng_socket_set_ms(c->sock, NNG_OPT_RECONNMAXT, RECONNECT_MAX_MS);
    if (rv == 0)
        rv = nng_socket_set_size(c->sock, NNG_OPT_RECVMAXSZ, TW_WIRE_MAX_REPLY);
    if (rv == 0)
        rv = nng_pipe_notify(c->sock, NNG_PIPE_EV_ADD_POST, connection, c);
    if (rv == 0)
        rv = nng_pipe_notify(c->sock, NNG_PIPE_EV_REM_POST, connection, c);
    if (rv == 0)
        rv = nng_dialer_create(&c->dialer, c->sock, c->url);
    return rv;
}

static tw_status take_options(tw_client *c, const char *url, const tw_client_options *opt,
                              tw_error *err)
{
    const char *key = opt != NULL && opt->api_key != NULL ? opt->api_key : "";
    c->timeout_ms = opt != NULL && opt->timeout_ms != 0 ? opt->timeout_ms : TW_CLIENT_TIMEOUT_MS;
    c->connect_ms = opt != NULL && opt->connect_ms != 0 ? opt->connect_ms : TW_CLIENT_CONNECT_MS;
    const int times[] = {c->timeout_ms, c->connect_ms};
    for (int i = 0; i < 2; i++) {
        if (times[i] < 1 || times[i] > TW_WIRE_MAX_DEADLINE_MS)
            return tw_fail(err, TW_EINVAL, "a timeout of %d ms is outside 1..%d", times[i],
                           TW_WIRE_MAX_DEADLINE_MS);
    }
    if (url == NULL || strlen(url) >= sizeof c->url)
        return tw_fail(err, TW_EINVAL, "a URL is at most %zu bytes long", sizeof c->url - 1);
    if (strlen(key) >= sizeof c->api_key)
        return tw_fail(err, TW_EINVAL, "an API key is at most %d bytes long", TW_WIRE_MAX_API_KEY);
    (void) snprintf(c->url, sizeof c->url, "%s", url);
    (void) snprintf(c->api_key, sizeof c->api_key, "%s", key);

    /* Only to tell answers apart, so it need not be hard to guess. */
    const struct {
        double now;
        pid_t pid;
        const void *self;
    } self = {.now = tw_clock_monotonic(), .pid = getpid(), .self = c};
    c->id[0] = tw_fnv1a(TW_FNV_START, &self.now, sizeof self.now);
    c->id[0] = tw_fnv1a(c->id[0], &self.pid, sizeof self.pid);
    c->id[0] = tw_fnv1a(c->id[0], &self.self, sizeof self.self);
    return TW_OK;
}

tw_status tw_client_open(tw_client **out, const char *url, const tw_client_options *opt,
                         tw_error *err)
{
    tw_status st = TW_OK;
    *out = NULL;
    tw_client *c = tw_alloc(1, sizeof *c);
    if (c == NULL) {
        st = tw_fail(err, TW_ENOMEM, "client");
        goto done;
    }
    TW_TRY(take_options(c, url, opt, err));
    TW_TRY(tw_wire_create(&c->wire, TW_WIRE_MAX_REPLY, err));
    TW_TRY(check_room(err));
    int rv = twi_url_known(url) ? open_socket(c) : NNG_EADDRINVAL;
    if (rv != 0) {
        st = cannot_connect(c, rv, err);
        goto done;
    }
    TW_TRY(first_connection(c, err));
    *out = c;
    c = NULL;
done:
    tw_client_close(c);
    return st;
}

void tw_client_close(tw_client *c)
{
    if (c == NULL)
        return;
    if (c->has_sock && !twi_socket_close(c->sock))
        return; /* nng hangs and may yet call back: c must stay */
    if (c->reply != NULL)
        nng_msg_free(c->reply);
    if (c->changed != NULL)
        nng_cv_free(c->changed);
    if (c->lock != NULL)
        nng_mtx_free(c->lock);
    tw_wire_destroy(c->wire);
    tw_free(c);
}

/* ---- one call -------------------------------------------------------------------------------- */

static tw_status no_answer(tw_client *c, int rv, tw_error *err)
{
    nng_mtx_lock(c->lock);
    bool connected = c->connections > 0;
    nng_mtx_unlock(c->lock);
    if (rv == NNG_ETIMEDOUT && connected)
        return tw_fail(err, TW_ETIMEOUT, "%s did not answer within %d ms", c->url, c->timeout_ms);
    if (rv == NNG_ETIMEDOUT) {
        return tw_fail(err, TW_ETIMEOUT,
                       "the connection to %s is lost and did not come back within %d ms", c->url,
                       c->timeout_ms);
    }
    if (rv == NNG_ECONNRESET)
        return tw_fail(err, TW_EIO, "the connection to %s broke before the answer came", c->url);
    return tw_fail(err, rv == NNG_ENOMEM ? TW_ENOMEM : TW_EIO, "cannot ask %s: %s", c->url,
                   nng_strerror(rv));
}

/* Sends bytes and waits for the answer, which the client then owns. */
static int exchange(tw_client *c, tw_bytes bytes)
{
    nng_msg *msg = NULL;
    nng_time end = nng_clock() + (nng_time) c->timeout_ms;

    if (c->reply != NULL)
        nng_msg_free(c->reply);
    c->reply = NULL;
    int rv = nng_msg_alloc(&msg, 0);
    if (rv == 0)
        rv = nng_msg_append(msg, bytes.data, bytes.len);
    if (rv == 0)
        rv = nng_socket_set_ms(c->sock, NNG_OPT_SENDTIMEO, c->timeout_ms);
    if (rv == 0)
        rv = nng_sendmsg(c->sock, msg, 0);
    if (rv != 0) {
        if (msg != NULL)
            nng_msg_free(msg);
        return rv;
    }
    nng_time now = nng_clock();
    rv = nng_socket_set_ms(c->sock, NNG_OPT_RECVTIMEO, now < end ? (nng_duration) (end - now) : 1);
    if (rv == 0)
        rv = nng_recvmsg(c->sock, &c->reply, 0);
    return rv;
}

/* Fills in what all requests share, asks, and decodes. */
static tw_status ask(tw_client *c, tw_request *q, tw_reply *r, tw_error *err)
{
    tw_status st = TW_OK;
    tw_bytes bytes = {0};

    c->id[1]++;
    q->id = (tw_bytes){c->id, sizeof c->id};
    q->deadline_ms = (uint32_t) c->timeout_ms;
    q->api_key = c->api_key;
    TW_TRY(tw_request_encode(c->wire, q, &bytes, err));
    int rv = exchange(c, bytes);
    if (rv != 0) {
        st = no_answer(c, rv, err);
        goto done;
    }
    TW_TRY(tw_reply_decode(c->wire, r, nng_msg_body(c->reply), nng_msg_len(c->reply), err));

    /* A server that could not read the request, or was too busy to, does not know its id. */
    bool ours = r->id.len == sizeof c->id && memcmp(r->id.data, c->id, sizeof c->id) == 0;
    if (!ours && !(r->id.len == 0 && r->status != TW_RPC_OK)) {
        st = tw_fail(err, TW_ECORRUPT, "%s answered another request", c->url);
    } else if (r->status != TW_RPC_OK) {
        st = tw_fail(err, tw_rpc_status_of(r->status), "%s",
                     r->message[0] != '\0' ? r->message : tw_rpc_code_name(r->status));
    } else if (r->call != q->call) {
        st = tw_fail(err, TW_ECORRUPT, "%s answered '%s' to '%s'", c->url, tw_call_name(r->call),
                     tw_call_name(q->call));
    }
done:
    return st;
}

static tw_status ask_answer(tw_client *c, tw_request *q, tw_answer *out, tw_error *err)
{
    tw_status st = TW_OK;
    tw_reply r = {0};
    TW_TRY(ask(c, q, &r, err));
    TW_TRY(tw_answer_clear(out, r.answer.n, err));
    for (int i = 0; i < r.answer.n; i++) {
        const tw_answer_row *row = &r.answer.rows[i];
        TW_TRY(tw_answer_add(out, row->id, row->title, row->score, err));
    }
    TW_TRY(tw_answer_set_query(out, r.answer.query_id, r.answer.query_title, err));
    out->basis = tw_answer_basis(r.answer.basis);
    out->model = r.answer.model;
    memcpy(out->also, r.answer.also, sizeof out->also);
    memcpy(out->skipped, r.answer.skipped, sizeof out->skipped);
done:
    return st;
}

/* ---- the calls ------------------------------------------------------------------------------- */

tw_status tw_client_similar(tw_client *c, const tw_similar_query *q, tw_answer *out, tw_error *err)
{
    tw_request request = {.call = TW_CALL_SIMILAR, .similar = *q};
    return ask_answer(c, &request, out, err);
}

tw_status tw_client_next(tw_client *c, const tw_next_query *q, tw_answer *out, tw_error *err)
{
    tw_request request = {.call = TW_CALL_NEXT, .next = *q};
    return ask_answer(c, &request, out, err);
}

tw_status tw_client_embed(tw_client *c, const tw_embed_query *q, float *vec, int *dim, int *model,
                          tw_error *err)
{
    tw_request request = {.call = TW_CALL_EMBED, .embed = *q};
    tw_reply r = {0};
    tw_status st = ask(c, &request, &r, err);
    if (st != TW_OK)
        return st;
    if (r.embed.dim > 0)
        memcpy(vec, r.embed.vec, (size_t) r.embed.dim * sizeof *vec);
    *dim = r.embed.dim;
    *model = r.embed.model;
    return TW_OK;
}

tw_status tw_client_get(tw_client *c, const char *item, tw_item *out, tw_error *err)
{
    return tw_client_get_also(c, item, out, NULL, err);
}

tw_status tw_client_get_also(tw_client *c, const char *item, tw_item *out, char also[TW_ALSO_MAX],
                             tw_error *err)
{
    tw_request q = {.call = TW_CALL_GET, .get = {.item = item}};
    tw_reply r = {0};
    tw_status st = ask(c, &q, &r, err);
    *out = st == TW_OK ? r.item : (tw_item){0};
    if (also != NULL)
        (void) snprintf(also, TW_ALSO_MAX, "%s", st == TW_OK ? r.also : "");
    return st;
}

tw_status tw_client_put(tw_client *c, const tw_item *item, tw_put_kind *kind, tw_error *err)
{
    tw_request q = {.call = TW_CALL_PUT, .put = *item};
    tw_reply r = {0};
    tw_status st = ask(c, &q, &r, err);
    if (st == TW_OK && kind != NULL)
        *kind = r.put;
    return st;
}

tw_status tw_client_delete(tw_client *c, const char *id, tw_error *err)
{
    tw_request q = {.call = TW_CALL_DELETE, .erase = {.id = id}};
    tw_reply r = {0};
    return ask(c, &q, &r, err);
}

tw_status tw_client_record_with(tw_client *c, const char *user, const char *item, double time,
                                bool allow_future, bool *added, tw_error *err)
{
    int64_t us = tw_clock_micros();
    tw_reply r = {0};
    tw_status st = time == 0 ? TW_OK : tw_time_of_seconds(time, allow_future, &us, err);
    if (st != TW_OK)
        return st;
    tw_request q = {.call = TW_CALL_RECORD,
                    .record = {.user = user,
                               .item = item,
                               .time = us / TW_TIME_SECOND,
                               .micros = (int32_t) (us % TW_TIME_SECOND),
                               .allow_future = allow_future}};
    st = ask(c, &q, &r, err);
    if (st == TW_OK && added != NULL)
        *added = r.added;
    return st;
}

tw_status tw_client_record(tw_client *c, const char *user, const char *item, double time,
                           bool *added, tw_error *err)
{
    return tw_client_record_with(c, user, item, time, false, added, err);
}

tw_status tw_client_stats(tw_client *c, tw_engine_stats *out, tw_error *err)
{
    tw_request q = {.call = TW_CALL_STATS};
    tw_reply r = {0};
    tw_status st = ask(c, &q, &r, err);
    if (st == TW_OK)
        *out = r.stats;
    return st;
}

tw_status tw_client_health(tw_client *c, tw_health *out, tw_error *err)
{
    tw_request q = {.call = TW_CALL_HEALTH};
    tw_reply r = {0};
    tw_status st = ask(c, &q, &r, err);
    if (st == TW_OK)
        *out = r.health;
    return st;
}
