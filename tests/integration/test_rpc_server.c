/* The server over real sockets with a handler of the test's own. */
#include "rpc/server.h"

#include <nng/nng.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/integration/rpc_echo.h"
#include "tests/integration/rpc_raw.h"
#include "tests/support/test.h"

/* ---- the claims ------------------------------------------------------------------------------ */

static void it_answers_over_tcp_and_ipc(void **state)
{
    (void) state;
    char ipc[512];
    (void) snprintf(ipc, sizeof ipc, "ipc://%s", tw_test_path("socket"));
    const char *urls[] = {ANY, ipc};
    tw_server *srv;
    tw_server_config cfg = {.urls = urls, .n_urls = 2, .handler = echo};
    assert_ok(tw_server_start(&srv, &cfg, err));
    assert_null(strstr(tw_server_url(srv, 0), ":0"));
    assert_string_equal(tw_server_url(srv, 1), ipc);
    for (int i = 0; i < 2; i++) {
        nng_socket s = good_client(tw_server_url(srv, i));
        assert_int_equal(ask(s, "hello", "hello"), 0);
        assert_int_equal(ask(s, "", ""), 0); /* an empty request has its answer too */
        nng_close(s);
    }
    assert_true(tw_server_stop(srv));
    assert_int_not_equal(access(tw_test_path("socket"), F_OK), 0);
}

static void an_address_in_use_or_wrong_is_one_sentence(void **state)
{
    (void) state;
    tw_server *srv = serve(ANY, (tw_server_config){.workers = 1});
    const struct {
        const char *url, *sentence;
        tw_status want;
    } rows[] = {
        {tw_server_url(srv, 0), "the address is in use", TW_EBUSY},
        {"http://127.0.0.1:0", "cannot listen on 'http://127.0.0.1:0'", TW_EINVAL},
        {"nonsense", "cannot listen on 'nonsense'", TW_EINVAL},
        {"tcp://127.0.0.1:99999", "cannot listen on 'tcp://127.0.0.1:99999'", TW_EINVAL},
        {"ipc:///no/such/folder/s", "cannot listen on ipc:///no/such/folder/s", TW_ENOTFOUND},
        {"", "cannot listen on ''", TW_EINVAL},
        {"inproc://name", "cannot listen on 'inproc://name'", TW_EINVAL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_server *second;
        tw_error e = {0};
        tw_server_config cfg = {.urls = &rows[i].url, .n_urls = 1, .handler = echo};
        tw_status st = tw_server_start(&second, &cfg, &e);
        assert_null(second);
        if (strstr(e.msg, rows[i].sentence) == NULL || st != rows[i].want)
            fail_msg("row %zu: '%s' (%s)", i, tw_status_name(st), e.msg);
    }
    assert_works(srv);
    assert_true(tw_server_stop(srv));
}

static void numbers_out_of_range_are_refused(void **state)
{
    (void) state;
    const char *url = ANY;
    tw_server *srv;
    tw_server_config good = {.urls = &url, .n_urls = 1, .handler = echo};
    tw_server_config bad[6] = {good, good, good, good, good, good};
    bad[0].workers = TW_SERVER_MAX_WORKERS + 1;
    bad[1].queue = -1;
    bad[2].n_urls = 0;
    bad[3].handler = NULL;
    bad[4].send_timeout_ms = -1;
    bad[5].n_urls = TW_SERVER_MAX_URLS + 1;
    for (int i = 0; i < 6; i++)
        assert_status(tw_server_start(&srv, &bad[i], err), TW_EINVAL);
    assert_null(srv);
}

static void a_full_queue_is_answered_at_once_and_what_waits_afterwards(void **state)
{
    (void) state;
    tw_server *srv = serve(ANY, (tw_server_config){.workers = 1, .queue = 2});
    int fd = raw_peer(tw_server_url(srv, 0), 0);
    char body[64];
    uint32_t number;

    set_open(false);
    assert_true(raw_request(fd, 1, "hold", 4));
    wait_for_holding(1);
    assert_true(raw_request(fd, 2, "two", 3));
    assert_true(raw_request(fd, 3, "three", 5));
    WAIT_FOR(srv, queued, 2);
    assert_true(raw_request(fd, 4, "four", 4));
    assert_int_equal(raw_reply(fd, &number, body, sizeof body), 4);
    assert_memory_equal(body, "BUSY", 4);
    assert_int_equal(number, 4);
    assert_int_equal(counters(srv).busy, 1);

    set_open(true);
    static const char *const want[] = {"", "hold", "two", "three"};
    for (uint32_t i = 0, seen = 0; i < 3; i++) { /* in any order, each once */
        long len = raw_reply(fd, &number, body, sizeof body);
        assert_in_range(number, 1, 3);
        assert_int_equal(len, strlen(want[number]));
        assert_memory_equal(body, want[number], (size_t) len);
        assert_int_equal(seen & 1u << number, 0);
        seen |= 1u << number;
    }
    close(fd);
    assert_works(srv);
    assert_true(tw_server_stop(srv));
}

/* facts: without a limit on sending, 0 of 5 answers reached the good client. */
static void a_peer_that_never_reads_stops_no_other(void **state)
{
    (void) state;
    tw_server *srv = serve(ANY, (tw_server_config){.workers = 2, .send_timeout_ms = 50});
    int hostile = raw_peer(tw_server_url(srv, 0), 4096);
    int sent = 0;
    while (sent < 300 && raw_request(hostile, (uint32_t) sent, "big", 3))
        sent++; /* or cut off already */
    nng_socket good = good_client(tw_server_url(srv, 0));
    for (int i = 0; i < 5; i++) {
        int rv = ask(good, "five times", "five times");
        for (int again = 0; rv == -1 && again < 1000; again++)
            rv = ask(good, "five times", "five times"); /* BUSY while the flood lasts */
        assert_int_equal(rv, 0);
    }
    nng_close(good);
    for (double end = tw_clock_monotonic() + RAW_PATIENCE_S; counters(srv).unsent == 0;) {
        assert_true(tw_clock_monotonic() < end);
        (void) sched_yield();
    }
    assert_true(raw_closed(hostile));
    close(hostile);
    WAIT_FOR(srv, connections, 0);
    assert_works(srv);
    assert_true(tw_server_stop(srv));
}

static void an_oversized_message_ends_only_its_connection(void **state)
{
    (void) state;
    tw_server *srv = serve(ANY, (tw_server_config){.max_request_bytes = 1000});
    static const char body[1001];
    uint32_t number;
    char back[1000];
    int fd = raw_peer(tw_server_url(srv, 0), 0);
    assert_true(raw_request(fd, 1, body, 996)); /* 4 more are the number's */
    assert_int_equal(raw_reply(fd, &number, back, sizeof back), 996);
    (void) raw_request(fd, 2, body, 997);
    assert_true(raw_closed(fd));
    close(fd);

    fd = raw_peer(tw_server_url(srv, 0), 0);
    (void) raw_send(fd, "\xff\xff\xff\xff\xff\xff\xff\xff", 8); /* 16 exabytes to come */
    assert_true(raw_closed(fd));
    close(fd);
    assert_works(srv);
    assert_int_equal(counters(srv).requests, 2);
    assert_true(tw_server_stop(srv));
}

static void garbage_and_half_a_message_disturb_no_other(void **state)
{
    (void) state;
    tw_server *srv = serve(ANY, (tw_server_config){0});
    const char *url = tw_server_url(srv, 0);

    int silent = raw_connect(url, 0);
    int mute = raw_peer(url, 0);
    int half = raw_peer(url, 0);
    assert_true(raw_send(half, "\0\0\0\0\0\0\0\x64half", 12)); /* 100 bytes announced, 4 sent */
    int wrong = raw_connect(url, 0);
    assert_true(raw_send(wrong, "GET / HTTP/1.1\r\n\r\n", 18));
    assert_true(raw_closed(wrong));
    int short_one = raw_peer(url, 0);
    assert_true(raw_send(short_one, "\0\0\0\0\0\0\0\x02hi", 10)); /* no room for a number */
    assert_true(raw_closed(short_one));
    int unnumbered = raw_peer(url, 0);
    /* 4 bytes of number without the bit that ends it: a path that goes on, and nothing behind */
    (void) raw_send(unnumbered, "\0\0\0\0\0\0\0\x04\0\0\0\x01", 12);
    assert_works(srv);
    assert_int_equal(counters(srv).requests, 1);
    const int all[] = {silent, mute, half, wrong, short_one, unnumbered};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        close(all[i]);
    assert_works(srv);
    assert_true(tw_server_stop(srv));
}

static void a_peer_that_leaves_before_its_answer_disturbs_no_other(void **state)
{
    (void) state;
    tw_server *srv = serve(ANY, (tw_server_config){.workers = 1});
    for (int i = 0; i < 20; i++) {
        set_open(false);
        int fd = raw_peer(tw_server_url(srv, 0), 0);
        assert_true(raw_request(fd, 1, "hold", 4));
        wait_for_holding(1);
        close(fd); /* its sending side has ended; that it is not read shows when it is answered */
        set_open(true);
        WAIT_FOR(srv, connections, 0);
        assert_works(srv);
        WAIT_FOR(srv, connections, 0);
    }
    assert_int_equal(counters(srv).requests, 40);
    assert_true(tw_server_stop(srv));
}

static void connections_beyond_the_limit_are_refused(void **state)
{
    (void) state;
    tw_server *srv = serve(ANY, (tw_server_config){.max_connections = 2});
    int a = raw_peer(tw_server_url(srv, 0), 0);
    int b = raw_peer(tw_server_url(srv, 0), 0);
    WAIT_FOR(srv, connections, 2);
    int c = raw_connect(tw_server_url(srv, 0), 0);
    assert_true(raw_closed(c));
    close(c);
    close(a);
    WAIT_FOR(srv, connections, 1);
    assert_works(srv);
    close(b);
    assert_true(tw_server_stop(srv));
}

static void every_one_of_many_clients_gets_its_own_answers(void **state)
{
    (void) state;
    enum { CLIENTS = 8 };
    tw_server *srv = serve(ANY, (tw_server_config){.workers = 2});
    pthread_t threads[CLIENTS];
    crowd crowds[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        crowds[i] = one_of(srv, i, false);
        assert_int_equal(pthread_create(&threads[i], NULL, many_questions, &crowds[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(crowds[i].answered, 200);
    }
    WAIT_FOR(srv, answered, 200 * CLIENTS); /* counted when sent: a client may be quicker */
    assert_int_equal(counters(srv).unsent, 0);
    assert_true(tw_server_stop(srv));
}

static void *stop_it(void *arg)
{
    assert_true(tw_server_stop(arg));
    return NULL;
}

static void what_was_accepted_is_answered_before_stopping(void **state)
{
    (void) state;
    tw_server *srv = serve(ANY, (tw_server_config){.workers = 1, .queue = 4, .drain_ms = 60000});
    int fd = raw_peer(tw_server_url(srv, 0), 0);
    int late = raw_peer(tw_server_url(srv, 0), 0);
    char body[64];
    uint32_t number;
    pthread_t stopper;

    set_open(false);
    assert_true(raw_request(fd, 1, "hold", 4));
    wait_for_holding(1);
    for (uint32_t i = 2; i <= 5; i++)
        assert_true(raw_request(fd, i, "hold", 4));
    WAIT_FOR(srv, queued, 4);
    assert_int_equal(pthread_create(&stopper, NULL, stop_it, srv), 0);
    do { /* the queue is full, so this is refused; the reason tells when stopping has begun */
        assert_true(raw_request(fd, 9, "late", 4));
        assert_true(raw_reply(fd, &number, body, sizeof body) > 0);
        assert_int_equal(number, 9);
    } while (memcmp(body, "BUSY", 4) == 0);
    assert_memory_equal(body, "STOPPING", 8);
    assert_true(raw_request(late, 1, "late", 4)); /* a first one, which would be taken otherwise */
    assert_int_equal(raw_reply(late, &number, body, sizeof body), 8);

    set_open(true);
    for (uint32_t i = 1; i <= 5; i++) {
        assert_int_equal(raw_reply(fd, &number, body, sizeof body), 4);
        assert_in_range(number, 1, 5);
    }
    assert_int_equal(pthread_join(stopper, NULL), 0);
    assert_true(raw_closed(fd));
    close(fd);
    close(late);
}

static void stopping_does_not_wait_for_ever(void **state)
{
    (void) state;
    tw_server *srv = serve(ANY, (tw_server_config){.workers = 1, .drain_ms = 1});
    int fd = raw_peer(tw_server_url(srv, 0), 0);
    pthread_t stopper;
    set_open(false);
    assert_true(raw_request(fd, 1, "hold", 4));
    wait_for_holding(1);
    assert_true(raw_request(fd, 2, "queued", 6));
    WAIT_FOR(srv, queued, 1);
    assert_int_equal(pthread_create(&stopper, NULL, stop_it, srv), 0);
    for (double end = tw_clock_monotonic() + 0.1; tw_clock_monotonic() < end;)
        (void) sched_yield(); /* long past the limit: what is queued is lost, what runs may end */
    set_open(true);
    assert_int_equal(pthread_join(stopper, NULL), 0);
    assert_true(raw_closed(fd));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_answers_over_tcp_and_ipc),
        cmocka_unit_test(an_address_in_use_or_wrong_is_one_sentence),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(a_full_queue_is_answered_at_once_and_what_waits_afterwards),
        cmocka_unit_test(a_peer_that_never_reads_stops_no_other),
        cmocka_unit_test(an_oversized_message_ends_only_its_connection),
        cmocka_unit_test(garbage_and_half_a_message_disturb_no_other),
        cmocka_unit_test(a_peer_that_leaves_before_its_answer_disturbs_no_other),
        cmocka_unit_test(connections_beyond_the_limit_are_refused),
        cmocka_unit_test(every_one_of_many_clients_gets_its_own_answers),
        cmocka_unit_test(what_was_accepted_is_answered_before_stopping),
        cmocka_unit_test(stopping_does_not_wait_for_ever),
    };
    return cmocka_run_group_tests(tests, echo_setup, NULL);
}
