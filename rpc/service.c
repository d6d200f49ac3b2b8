/* Where requests meet the engine. Each handler below is only the meaning of one call; everything
 * that all calls share is in serve(). */
#include "rpc/service.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "rpc/api_keys.h"
#include "rpc/server.h"

/* What one worker thread keeps from request to request. */
typedef struct workspace {
    tw_wire *wire;
    tw_answer answer;
    tw_item item; /* until the reply is encoded */
    char also[TW_ALSO_MAX];
    tw_deadline until; /* of the request that is being done */
    float vec[TW_ENGINE_MAX_DIM];
} workspace;

struct tw_service {
    tw_engine *engine;         /* borrowed */
    tw_api_keys *keys;         /* NULL: everybody may ask */
    tw_media_root *media_root; /* NULL: no path of a client is taken */
    int deadline_ms;
    _Atomic(tw_server *) server; /* a request may be there before start has its handle */
    workspace *workspaces;       /* (n_workspaces), one a worker */
    tw_wire *express;            /* the server's I/O thread's */
    int n_workspaces;
    double started; /* tw_clock_monotonic() */
    char no_memory[128];
    tw_bytes last_resort; /* in no_memory: the reply when none can be made */
    atomic_llong rejected, failed;
};

/* ---- the calls ------------------------------------------------------------------------------- */

static tw_status similar(tw_service *svc, workspace *d, const tw_request *q, tw_reply *r,
                         tw_error *err)
{
    tw_similar_query similar = q->similar;
    similar.deadline = d->until;
    tw_status st = tw_engine_similar(svc->engine, &similar, &d->answer, err);
    r->answer = d->answer;
    return st;
}

static tw_status next(tw_service *svc, workspace *d, const tw_request *q, tw_reply *r,
                      tw_error *err)
{
    tw_next_query next = q->next;
    next.deadline = d->until;
    tw_status st = tw_engine_next(svc->engine, &next, &d->answer, err);
    r->answer = d->answer;
    return st;
}

static tw_status embed(tw_service *svc, workspace *d, const tw_request *q, tw_reply *r,
                       tw_error *err)
{
    tw_embed_query embed = q->embed;
    embed.deadline = d->until;
    r->embed.vec = d->vec;
    return tw_engine_embed(svc->engine, &embed, d->vec, &r->embed.dim, &r->embed.model, err);
}

static tw_write_options write_options(const tw_service *svc, const workspace *d)
{
    return (tw_write_options){
        .deadline = d->until, .from_client = true, .media_root = svc->media_root};
}

static tw_status put(tw_service *svc, workspace *d, const tw_request *q, tw_reply *r, tw_error *err)
{
    const tw_write_options opt = write_options(svc, d);
    return tw_engine_put_with(svc->engine, &q->put, &opt, &r->put, err);
}

static tw_status erase(tw_service *svc, workspace *d, const tw_request *q, tw_reply *r,
                       tw_error *err)
{
    const tw_write_options opt = write_options(svc, d);
    (void) r;
    return tw_engine_delete_with(svc->engine, q->erase.id, &opt, err);
}

static tw_status get(tw_service *svc, workspace *d, const tw_request *q, tw_reply *r, tw_error *err)
{
    tw_status st = tw_engine_get_also(svc->engine, q->get.item, &d->item, d->also, err);
    r->item = d->item;
    r->also = d->also;
    if (st == TW_OK) {
        r->item.image = tw_media_root_name(svc->media_root, d->item.image);
        r->item.audio = tw_media_root_name(svc->media_root, d->item.audio);
    }
    return st;
}

static tw_status record(tw_service *svc, workspace *d, const tw_request *q, tw_reply *r,
                        tw_error *err)
{
    tw_write_options opt = write_options(svc, d);
    const double time = (double) q->record.time + 1e-6 * q->record.micros;
    opt.allow_future = q->record.allow_future;
    return tw_engine_record_with(svc->engine, q->record.user, q->record.item, time, &opt, &r->added,
                                 err);
}

static tw_status stats(tw_service *svc, workspace *d, const tw_request *q, tw_reply *r,
                       tw_error *err)
{
    (void) d;
    (void) q;
    return tw_engine_stats_get(svc->engine, &r->stats, err);
}

static tw_status health(tw_service *svc, workspace *d, const tw_request *q, tw_reply *r,
                        tw_error *err)
{
    (void) d;
    (void) q;
    (void) err;
    tw_service_health(svc, &r->health);
    return TW_OK;
}

typedef tw_status (*handler)(tw_service *svc, workspace *d, const tw_request *q, tw_reply *r,
                             tw_error *err);

static const handler handlers[] = {
    [TW_CALL_SIMILAR] = similar, [TW_CALL_NEXT] = next,    [TW_CALL_EMBED] = embed,
    [TW_CALL_PUT] = put,         [TW_CALL_DELETE] = erase, [TW_CALL_GET] = get,
    [TW_CALL_RECORD] = record,   [TW_CALL_STATS] = stats,  [TW_CALL_HEALTH] = health,
};

/* ---- what they share ------------------------------------------------------------------------- */

static void log_failure(const char *id, const char *call, tw_rpc_code code, const char *why)
{
    static tw_log_gate gate;
    int dropped;
    if (tw_log_allowed(&gate, 5, &dropped))
        tw_log(TW_LOG_WARN, id, "call=%s code=%s dropped=%d reason=\"%s\"", call,
               tw_rpc_code_name(code), dropped, why);
}

/* From bytes to a request that may be done; otherwise the reason that it may not. */
static tw_rpc_code admit(tw_service *svc, workspace *d, tw_bytes bytes, double waited_s,
                         tw_request *q, tw_error *err)
{
    tw_rpc_code code = TW_RPC_OK;
    tw_status st = tw_request_decode(d->wire, q, bytes.data, bytes.len, err);
    if (st != TW_OK)
        code = st == TW_EUNSUPPORTED ? TW_RPC_UNIMPLEMENTED : TW_RPC_INVALID_ARGUMENT;
    if (svc->keys != NULL && !tw_api_keys_allow(svc->keys, q->api_key)) {
        (void) tw_fail(err, TW_EDENIED, "the API key is %s",
                       q->api_key[0] == '\0' ? "missing" : "not known");
        code = TW_RPC_UNAUTHENTICATED;
    }
    if (code != TW_RPC_OK) {
        (void) atomic_fetch_add(&svc->rejected, 1);
        log_failure("RPC-REJECT", tw_call_name(q->call), code, err->msg);
        return code;
    }
    const double allowed = q->deadline_ms > 0 ? (double) q->deadline_ms : svc->deadline_ms;
    if (waited_s * 1000 > allowed) {
        (void) tw_fail(err, TW_ETIMEOUT, "the request waited for %.0f ms, its deadline is %.0f ms",
                       waited_s * 1000, allowed);
        return TW_RPC_DEADLINE_EXCEEDED;
    }
    d->until = tw_deadline_in(allowed / 1000 - waited_s);
    return TW_RPC_OK;
}

/* A sentence that is not for the client, because it may name files of the server: what it gets
 * instead instead. NULL: it is for him. */
static const char *instead_of(tw_status st, const tw_error *err)
{
    switch (st) {
    case TW_OK: return NULL;
    case TW_ENOMEM: return "the server is out of memory; try again later";
    case TW_ENOSPC:
        return "the server's disk is full: nothing was written; it answers queries, and takes "
               "writes again once there is space";
    case TW_EBUSY: return "another write is in progress on the server; try again later";
    case TW_EDENIED: return "the server may not write its data";
    case TW_ECORRUPT: return "something on the server's disk is damaged; its log says what";
    case TW_EINVAL:
    case TW_EDIM:
    case TW_ENOTFOUND:
    case TW_EEXIST:
    case TW_ESTATE:
    case TW_ETIMEOUT:
    case TW_ECANCELLED:
    case TW_EUNSUPPORTED:
        if (!err->system)
            return NULL;
        break;
    case TW_EIO: break;
    }
    return "the server's system refused something; its log says what";
}

/* Does an admitted request. What went wrong is in err as who asks may read it. */
static tw_rpc_code perform(tw_service *svc, workspace *d, const tw_request *q, tw_reply *r,
                           tw_error *err)
{
    tw_status st = handlers[q->call](svc, d, q, r, err);
    const char *instead = instead_of(st, err);
    if (instead == NULL)
        return tw_rpc_code_of(st);
    /* A file that is not there is no item that is not there. */
    const tw_rpc_code code = st == TW_ENOTFOUND ? TW_RPC_INTERNAL : tw_rpc_code_of(st);
    log_failure("RPC-FAILED", tw_call_name(q->call), code, err->msg);
    (void) tw_fail(err, st, "%s", instead);
    return code;
}

static void serve(void *ctx, int worker, tw_bytes bytes, double waited_s, tw_server_reply *reply)
{
    tw_service *svc = ctx;
    workspace *d = &svc->workspaces[worker];
    tw_error err = {0};
    tw_request q;
    tw_reply r = {0};

    tw_rpc_code code = admit(svc, d, bytes, waited_s, &q, &err);
    bool admitted = code == TW_RPC_OK;
    r.call = q.call;
    if (admitted)
        code = perform(svc, d, &q, &r, &err);
    r.id = q.id;
    r.status = code;
    r.message = code == TW_RPC_OK ? "" : err.msg;

    reply->slow = code == TW_RPC_UNAUTHENTICATED;
    tw_status st = tw_reply_encode(d->wire, &r, &reply->bytes, &err);
    if (st != TW_OK) { /* too long, or no memory: say that instead */
        r.status = code = st == TW_ENOMEM ? TW_RPC_RESOURCE_EXHAUSTED : TW_RPC_INTERNAL;
        r.message = err.msg;
        log_failure("RPC-FAILED", tw_call_name(q.call), code, err.msg);
        st = tw_reply_encode(d->wire, &r, &reply->bytes, NULL);
    }
    if (st != TW_OK)
        reply->bytes = svc->last_resort;
    tw_item_fini(&d->item);
    d->item = (tw_item){0};
    if (admitted && code != TW_RPC_OK)
        (void) atomic_fetch_add(&svc->failed, 1);
}

/* Health is answered while all workers are busy: it asks whether the server lives. What is wrong
 * with it is for a worker to say. */
static bool serve_at_once(void *ctx, tw_bytes bytes, tw_bytes *reply)
{
    tw_service *svc = ctx;
    tw_request q;
    tw_reply r = {.call = TW_CALL_HEALTH};
    if (tw_request_call(bytes.data, bytes.len) != TW_CALL_HEALTH ||
        tw_request_decode(svc->express, &q, bytes.data, bytes.len, NULL) != TW_OK ||
        (svc->keys != NULL && !tw_api_keys_allow(svc->keys, q.api_key)))
        return false;
    r.id = q.id;
    tw_service_health(svc, &r.health);
    return tw_reply_encode(svc->express, &r, reply, NULL) == TW_OK;
}

/* ---- start and stop -------------------------------------------------------------------------- */

static tw_status make_workspaces(tw_service *svc, int n, tw_error *err)
{
    svc->workspaces = tw_alloc((size_t) n, sizeof *svc->workspaces);
    if (svc->workspaces == NULL)
        return tw_fail(err, TW_ENOMEM, "%d workers", n);
    for (; svc->n_workspaces < n; svc->n_workspaces++) {
        workspace *d = &svc->workspaces[svc->n_workspaces];
        tw_answer_init(&d->answer);
        tw_status st = tw_wire_create(&d->wire, TW_WIRE_MAX_REQUEST, err);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}

/* An encoded refusal in buf. */
static tw_status refusal(tw_wire *w, tw_rpc_code code, const char *sentence, char *buf, size_t room,
                         tw_bytes *out, tw_error *err)
{
    tw_status st = TW_OK;
    tw_bytes bytes;
    TW_TRY(tw_reply_encode(w, &(tw_reply){.status = code, .message = sentence}, &bytes, err));
    if (bytes.len > room)
        TW_TRY(tw_fail(err, TW_EINVAL, "a refusal of %zu bytes is too long", bytes.len));
    memcpy(buf, bytes.data, bytes.len);
    *out = (tw_bytes){buf, bytes.len};
done:
    return st;
}

tw_status tw_service_start(tw_service **out, tw_engine *engine, const tw_service_config *cfg,
                           tw_error *err)
{
    tw_status st = TW_OK;
    char busy[128], stopping[128];
    tw_server *server = NULL;
    tw_server_config sc = {
        .urls = cfg->urls,
        .n_urls = cfg->n_urls,
        .workers = cfg->workers != 0 ? cfg->workers : tw_server_usable_cores(),
        .queue = cfg->queue != 0 ? cfg->queue : TW_SERVER_QUEUE,
        /* More than is allowed: one that is somewhat too long still gets that answer. */
        .max_request_bytes = (size_t) TW_WIRE_MAX_REQUEST + TW_WIRE_MAX_REQUEST / 4,
        .send_timeout_ms = cfg->send_timeout_ms,
        .drain_ms = cfg->drain_ms,
        .max_connections = cfg->max_connections,
        .handler = serve,
        .express = serve_at_once,
    };

    *out = NULL;
    tw_service *svc = tw_alloc(1, sizeof *svc);
    if (svc == NULL) {
        st = tw_fail(err, TW_ENOMEM, "service");
        goto done;
    }
    if (sc.workers < 1 || sc.workers > TW_SERVER_MAX_WORKERS)
        TW_TRY(tw_fail(err, TW_EINVAL, "workers %d is outside 1..%d", sc.workers,
                       TW_SERVER_MAX_WORKERS));
    svc->engine = engine;
    svc->started = tw_clock_monotonic();
    svc->deadline_ms = cfg->deadline_ms != 0 ? cfg->deadline_ms : TW_SERVICE_DEADLINE_MS;
    if (svc->deadline_ms < 1 || svc->deadline_ms > TW_WIRE_MAX_DEADLINE_MS)
        TW_TRY(tw_fail(err, TW_EINVAL, "deadline_ms %d is outside 1..%d", svc->deadline_ms,
                       TW_WIRE_MAX_DEADLINE_MS));
    if (cfg->media_root != NULL)
        TW_TRY(tw_media_root_open(&svc->media_root, cfg->media_root, err));
    if (cfg->api_keys != NULL)
        TW_TRY(tw_api_keys_load(&svc->keys, cfg->api_keys, err));
    TW_TRY(make_workspaces(svc, sc.workers, err));
    TW_TRY(tw_wire_create(&svc->express, TW_SERVER_EXPRESS_BYTES, err));
    tw_wire *w = svc->workspaces[0].wire;
    TW_TRY(refusal(w, TW_RPC_UNAVAILABLE, "too many requests are waiting; try again", busy,
                   sizeof busy, &sc.busy, err));
    TW_TRY(refusal(w, TW_RPC_UNAVAILABLE, "the server is stopping", stopping, sizeof stopping,
                   &sc.stopping, err));
    TW_TRY(refusal(w, TW_RPC_RESOURCE_EXHAUSTED, "the server is out of memory", svc->no_memory,
                   sizeof svc->no_memory, &svc->last_resort, err));
    sc.ctx = svc;
    TW_TRY(tw_server_start(&server, &sc, err));
    atomic_store(&svc->server, server);
    *out = svc;
    svc = NULL;
done:
    (void) tw_service_stop(svc);
    return st;
}

const char *tw_service_url(const tw_service *svc, int i)
{
    return tw_server_url(atomic_load(&svc->server), i);
}

int tw_service_workers(const tw_service *svc) { return svc->n_workspaces; }

tw_status tw_service_reload(tw_service *svc, tw_error *err)
{
    tw_error own = {0};
    if (svc->keys == NULL)
        return TW_OK;
    tw_status st = tw_api_keys_reload(svc->keys, err != NULL ? err : &own);
    if (st == TW_OK)
        tw_log(TW_LOG_INFO, "RPC-KEYS", "keys=%d", tw_api_keys_count(svc->keys));
    else
        tw_log(TW_LOG_ERROR, "RPC-KEYS-KEPT", "keys=%d reason=\"%s\"", tw_api_keys_count(svc->keys),
               err != NULL ? err->msg : own.msg);
    return st;
}

void tw_service_health(const tw_service *svc, tw_health *out)
{
    tw_server *server = atomic_load(&svc->server);
    tw_server_counters n = {0};
    if (server != NULL)
        tw_server_get_counters(server, &n);
    *out = (tw_health){
        .version = TW_VERSION,
        .uptime_s = tw_clock_monotonic() - svc->started,
        .requests = n.requests,
        .rejected = (int64_t) atomic_load(&svc->rejected),
        .busy = n.busy,
        .failed = (int64_t) atomic_load(&svc->failed),
        .unsent = n.unsent,
        .queued = n.queued,
    };
}

bool tw_service_stop(tw_service *svc)
{
    if (svc == NULL)
        return true;
    if (!tw_server_stop(atomic_load(&svc->server)))
        return false;
    for (int i = 0; svc->workspaces != NULL && i < svc->n_workspaces; i++) {
        tw_wire_destroy(svc->workspaces[i].wire);
        tw_answer_fini(&svc->workspaces[i].answer);
    }
    tw_wire_destroy(svc->express);
    tw_api_keys_free(svc->keys);
    tw_media_root_close(svc->media_root);
    tw_free(svc->workspaces);
    tw_free(svc);
    return true;
}
