#include "tests/integration/rpc_echo.h"

#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "tests/integration/rpc_raw.h"
#include "tests/support/test.h"

typedef struct stage {
    pthread_mutex_t lock; /* guards the fields below */
    pthread_cond_t changed;
    int holding;    /* calls that wait now */
    bool open;      /* let them go */
    char order[64]; /* first letters of the requests since calls last began to hold */
    size_t n_order;
} stage;

static stage the_stage;
static char big[ECHO_BIG];
static char echoed[TW_SERVER_MAX_WORKERS][1 << 16];

void set_open(bool open)
{
    pthread_mutex_lock(&the_stage.lock);
    the_stage.open = open;
    if (!open)
        the_stage.n_order = 0;
    pthread_cond_broadcast(&the_stage.changed);
    pthread_mutex_unlock(&the_stage.lock);
}

void get_order(char out[64])
{
    pthread_mutex_lock(&the_stage.lock);
    memcpy(out, the_stage.order, the_stage.n_order);
    out[the_stage.n_order] = '\0';
    pthread_mutex_unlock(&the_stage.lock);
}

void wait_for_holding(int n)
{
    pthread_mutex_lock(&the_stage.lock);
    while (the_stage.holding != n)
        pthread_cond_wait(&the_stage.changed, &the_stage.lock);
    pthread_mutex_unlock(&the_stage.lock);
}

void echo(void *ctx, int worker, tw_bytes request, double waited_s, tw_server_reply *reply)
{
    stage *s = &the_stage;
    (void) ctx;
    (void) waited_s;
    pthread_mutex_lock(&s->lock);
    if (request.len > 0 && s->n_order < sizeof s->order - 1)
        s->order[s->n_order++] = *(const char *) request.data;
    pthread_mutex_unlock(&s->lock);
    if (request.len >= 4 && memcmp(request.data, "hold", 4) == 0) {
        pthread_mutex_lock(&s->lock);
        s->holding++;
        pthread_cond_broadcast(&s->changed);
        while (!s->open)
            pthread_cond_wait(&s->changed, &s->lock);
        s->holding--;
        pthread_cond_broadcast(&s->changed);
        pthread_mutex_unlock(&s->lock);
    }
    reply->bytes = (tw_bytes){big, ECHO_BIG};
    if (request.len >= 3 && memcmp((const char *) request.data + request.len - 3, "big", 3) == 0)
        return;
    if (request.len == 5 && memcmp(request.data, "wrong", 5) == 0)
        reply->slow = true;
    size_t len = request.len < sizeof echoed[0] ? request.len : sizeof echoed[0];
    if (len > 0)
        memcpy(echoed[worker], request.data, len);
    reply->bytes = (tw_bytes){echoed[worker], len};
}

static bool at_once(void *ctx, tw_bytes request, tw_bytes *reply)
{
    (void) ctx;
    *reply = (tw_bytes){"alive", 5};
    return request.len == 6 && memcmp(request.data, "alive?", 6) == 0;
}

tw_server *serve(const char *url, tw_server_config cfg)
{
    tw_server *srv;
    cfg.urls = &url;
    cfg.n_urls = 1;
    cfg.handler = echo;
    cfg.express = at_once;
    cfg.ctx = &the_stage;
    cfg.busy = (tw_bytes){"BUSY", 4};
    cfg.stopping = (tw_bytes){"STOPPING", 8};
    assert_ok(tw_server_start(&srv, &cfg, err));
    return srv;
}

tw_server_counters counters(tw_server *srv)
{
    tw_server_counters c;
    tw_server_get_counters(srv, &c);
    return c;
}

static nng_socket undialled_client(void)
{
    nng_socket s;
    assert_int_equal(nng_req0_open(&s), 0);
    assert_int_equal(nng_socket_set_ms(s, NNG_OPT_RECVTIMEO, RAW_PATIENCE_S * 1000), 0);
    assert_int_equal(nng_socket_set_ms(s, NNG_OPT_SENDTIMEO, RAW_PATIENCE_S * 1000), 0);
    assert_int_equal(nng_socket_set_ms(s, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE), 0);
    return s;
}

nng_socket good_client(const char *url)
{
    nng_socket s = undialled_client();
    assert_int_equal(nng_dial(s, url, NULL, 0), 0);
    return s;
}

int ask(nng_socket s, const char *text, const char *want)
{
    nng_msg *msg;
    int rv = nng_msg_alloc(&msg, 0);
    if (rv == 0)
        rv = nng_msg_append(msg, text, strlen(text));
    if (rv == 0) {
        rv = nng_sendmsg(s, msg, 0);
        if (rv != 0)
            nng_msg_free(msg);
    }
    if (rv == 0)
        rv = nng_recvmsg(s, &msg, 0);
    if (rv != 0)
        return rv;
    size_t len = nng_msg_len(msg);
    bool same = len == strlen(want) && (len == 0 || memcmp(nng_msg_body(msg), want, len) == 0);
    nng_msg_free(msg);
    return same ? 0 : -1;
}

void assert_works(tw_server *srv)
{
    nng_socket s = good_client(tw_server_url(srv, 0));
    int rv = ask(s, "still there?", "still there?");
    for (int again = 0; rv == -1 && again < 1000; again++)
        rv = ask(s, "still there?", "still there?"); /* BUSY with what came before */
    assert_int_equal(rv, 0);
    nng_close(s);
}

void wait_for_counter(tw_server *srv, size_t offset, int64_t want)
{
    double end = tw_clock_monotonic() + RAW_PATIENCE_S;
    for (;;) {
        tw_server_counters c = counters(srv);
        int64_t now;
        memcpy(&now, (const char *) &c + offset, sizeof now);
        if (now == want)
            return;
        if (tw_clock_monotonic() > end)
            fail_msg("the counter is %lld, not %lld", (long long) now, (long long) want);
        (void) sched_yield();
    }
}

crowd one_of(tw_server *srv, int number, bool until_refused)
{
    crowd c = {.number = number, .until_refused = until_refused};
    (void) snprintf(c.url, sizeof c.url, "%s", tw_server_url(srv, 0));
    return c;
}

void *many_questions(void *arg)
{
    crowd *c = arg;
    nng_socket s = undialled_client();
    if (c->until_refused) /* the server is gone then: do not wait for it */
        assert_int_equal(nng_socket_set_ms(s, NNG_OPT_RECVTIMEO, 200) +
                             nng_socket_set_ms(s, NNG_OPT_SENDTIMEO, 200),
                         0);
    const bool there = nng_dial(s, c->url, NULL, 0) == 0;
    assert_true(there || c->until_refused); /* it may have stopped before this thread ran */
    for (int i = 0; there && (c->until_refused || i < 200); i++) {
        char text[64];
        (void) snprintf(text, sizeof text, "client %d asks %d", c->number, i);
        int rv = ask(s, text, text);
        if (rv == 0)
            c->answered++;
        else if (c->until_refused && rv != -1)
            break; /* -1: BUSY or STOPPING, which is an answer */
    }
    nng_close(s);
    return NULL;
}

int echo_setup(void **state)
{
    (void) state;
    pthread_mutex_init(&the_stage.lock, NULL);
    pthread_cond_init(&the_stage.changed, NULL);
    the_stage.open = true;
    return 0;
}
