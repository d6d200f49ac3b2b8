/* Who is answered when, while others ask more than they may. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "rpc/server.h"
#include "tests/integration/rpc_echo.h"
#include "tests/integration/rpc_raw.h"
#include "tests/support/test.h"

static const char *ipc_url(const char *name)
{
    static char url[512];
    (void) snprintf(url, sizeof url, "ipc://%s", tw_test_path(name));
    return url;
}

typedef struct flood {
    const char *url;
    bool reads;
    _Atomic bool stop;
} flood;

static void *read_on(void *arg)
{
    static _Thread_local char buf[65536];
    while (recv(*(int *) arg, buf, sizeof buf, 0) > 0) {
    }
    return NULL;
}

static void *ask_without_end(void *arg)
{
    flood *f = arg;
    pthread_t reader;
    int fd = raw_peer(f->url, 0);
    if (f->reads)
        assert_int_equal(pthread_create(&reader, NULL, read_on, &fd), 0);
    for (uint32_t n = 0; !f->stop && raw_request(fd, n, "more", 4); n++) {
    }
    (void) shutdown(fd, SHUT_RDWR);
    if (f->reads)
        assert_int_equal(pthread_join(reader, NULL), 0);
    close(fd);
    return NULL;
}

static void who_asks_one_at_a_time_is_never_refused(void **state)
{
    (void) state;
    enum { FLOODS = 2 };
    tw_server *srv =
        serve(ANY, (tw_server_config){.workers = 1, .queue = 4, .send_timeout_ms = 100});
    pthread_t threads[FLOODS];
    flood floods[FLOODS];
    for (int i = 0; i < FLOODS; i++) {
        floods[i] = (flood){.url = tw_server_url(srv, 0), .reads = i > 0};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_without_end, &floods[i]), 0);
    }
    for (double end = tw_clock_monotonic() + RAW_PATIENCE_S; counters(srv).busy < 100;)
        assert_true(tw_clock_monotonic() < end);
    int fd = raw_peer(tw_server_url(srv, 0), 0);
    for (uint32_t i = 0; i < 144; i++) {
        uint32_t number;
        char body[16];
        assert_true(raw_request(fd, i, "please", 6));
        assert_int_equal(raw_reply(fd, &number, body, sizeof body), 6);
        assert_memory_equal(body, "please", 6);
    }
    close(fd);
    for (int i = 0; i < FLOODS; i++)
        floods[i].stop = true;
    for (int i = 0; i < FLOODS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(tw_server_stop(srv));
}

static void connections_take_turns(void **state)
{
    (void) state;
    tw_server *srv = serve(ANY, (tw_server_config){.workers = 1});
    int greedy = raw_peer(tw_server_url(srv, 0), 0), modest = raw_peer(tw_server_url(srv, 0), 0);
    uint32_t number;
    char body[16], order[64];
    set_open(false);
    assert_true(raw_request(greedy, 1, "hold", 4));
    wait_for_holding(1);
    for (uint32_t i = 2; i <= 6; i++)
        assert_true(raw_request(greedy, i, "greedy", 6));
    WAIT_FOR(srv, queued, 5);
    for (uint32_t i = 1; i <= 3; i++)
        assert_true(raw_request(modest, i, "modest", 6));
    WAIT_FOR(srv, queued, 8);
    set_open(true);
    for (int i = 0; i < 3; i++)
        assert_int_equal(raw_reply(modest, &number, body, sizeof body), 6);
    for (int i = 0; i < 6; i++)
        assert_true(raw_reply(greedy, &number, body, sizeof body) > 0);
    get_order(order);
    assert_string_equal(order, "hgmgmgmgg");
    close(greedy);
    close(modest);
    assert_true(tw_server_stop(srv));
}

static void the_first_request_of_a_connection_is_taken_whatever_waits(void **state)
{
    (void) state;
    tw_server *srv = serve(ANY, (tw_server_config){.workers = 1, .queue = 2});
    int greedy = raw_peer(tw_server_url(srv, 0), 0), modest = raw_peer(tw_server_url(srv, 0), 0);
    uint32_t number;
    char body[16];
    set_open(false);
    assert_true(raw_request(greedy, 1, "hold", 4));
    wait_for_holding(1);
    for (uint32_t i = 2; i <= 4; i++)
        assert_true(raw_request(greedy, i, "greedy", 6));
    assert_int_equal(raw_reply(greedy, &number, body, sizeof body), 4); /* BUSY */
    for (uint32_t i = 1; i <= 2; i++)
        assert_true(raw_request(modest, i, "modest", 6));
    assert_int_equal(raw_reply(modest, &number, body, sizeof body), 4);
    assert_int_equal(number, 2);
    assert_memory_equal(body, "BUSY", 4);
    set_open(true);
    assert_int_equal(raw_reply(modest, &number, body, sizeof body), 6);
    assert_int_equal(number, 1);
    close(greedy);
    close(modest);
    assert_true(tw_server_stop(srv));
}

/* Several workers write to one connection that takes little at a time. */
static void answers_of_several_workers_do_not_mix(void **state)
{
    (void) state;
    enum { WORKERS = 4, TIMES = 20 };
    static char body[ECHO_BIG];
    const char *urls[] = {ANY, ipc_url("mix")};
    for (int u = 0; u < 2; u++) {
        tw_server *srv = serve(urls[u], (tw_server_config){.workers = WORKERS});
        int fd = raw_peer(tw_server_url(srv, 0), 4096);
        for (int round = 0; round < TIMES; round++) {
            uint32_t number, seen = 0;
            set_open(false);
            for (uint32_t i = 0; i < WORKERS; i++)
                assert_true(raw_request(fd, i, "hold big", 8));
            wait_for_holding(WORKERS);
            set_open(true);
            for (int i = 0; i < WORKERS; i++) {
                assert_int_equal(raw_reply(fd, &number, body, sizeof body), (long) ECHO_BIG);
                assert_in_range(number, 0, WORKERS - 1);
                seen |= 1u << number;
            }
            assert_int_equal(seen, (1u << WORKERS) - 1);
        }
        assert_int_equal(counters(srv).unsent, 0);
        close(fd);
        assert_true(tw_server_stop(srv));
    }
}

static void express_is_answered_while_all_workers_are_busy(void **state)
{
    (void) state;
    tw_server *srv = serve(ANY, (tw_server_config){.workers = 2});
    int fd = raw_peer(tw_server_url(srv, 0), 0), other = raw_peer(tw_server_url(srv, 0), 0);
    uint32_t number;
    char body[16];
    set_open(false);
    for (uint32_t i = 0; i < 2; i++)
        assert_true(raw_request(fd, i, "hold", 4));
    wait_for_holding(2);
    for (uint32_t i = 2; i < 2 + TW_SERVER_PER_CONNECTION; i++)
        assert_true(raw_request(fd, i, "hold", 4));
    WAIT_FOR(srv, queued, TW_SERVER_PER_CONNECTION);
    assert_true(raw_request(fd, 90, "alive?", 6));
    assert_int_equal(raw_reply(fd, &number, body, sizeof body), 5);
    assert_int_equal(number, 90);
    assert_true(raw_request(other, 1, "alive?", 6));
    assert_int_equal(raw_reply(other, &number, body, sizeof body), 5);
    set_open(true);
    for (int i = 0; i < 2 + TW_SERVER_PER_CONNECTION; i++)
        assert_int_equal(raw_reply(fd, &number, body, sizeof body), 4);
    WAIT_FOR(srv, answered, 4 + TW_SERVER_PER_CONNECTION);
    close(fd);
    close(other);
    assert_true(tw_server_stop(srv));
}

static void slow_answers_are_few_a_peer_and_delay_no_known_peer(void **state)
{
    (void) state;
    enum {
        ASKED = TW_SERVER_SLOW_FREE + 2,
        GUESSERS = ASKED
    }; /* one each: none waits for another */
    tw_server *srv = serve(ANY, (tw_server_config){.workers = 1});
    int guess[GUESSERS], known = raw_peer(tw_server_url(srv, 0), 0);
    uint32_t number;
    char body[16];
    assert_true(raw_request(known, 1, "good", 4));
    assert_int_equal(raw_reply(known, &number, body, sizeof body), 4);
    double began = tw_clock_monotonic();
    for (int i = 0; i < GUESSERS; i++)
        guess[i] = raw_peer(tw_server_url(srv, 0), 0);
    for (int i = 0; i < ASKED; i++)
        assert_true(raw_request(guess[i % GUESSERS], (uint32_t) i, "wrong", 5));
    for (int i = 0; i < 20; i++) { /* the same address, nothing wrong so far: at once */
        assert_true(raw_request(known, 1, i % 2 == 0 ? "good" : "alive?", i % 2 == 0 ? 4 : 6));
        assert_in_range(raw_reply(known, &number, body, sizeof body), 4, 5);
    }
    assert_true(tw_clock_monotonic() - began < 0.4);
    for (int i = 0; i < ASKED - 1; i++)
        assert_int_equal(raw_reply(guess[i % GUESSERS], &number, body, sizeof body), 5);

    static const char *const right[] = {"alive?", "good"};
    int lucky[2]; /* a good guess is no quicker than the wrong one before it */
    for (int i = 0; i < 2; i++) {
        lucky[i] = raw_peer(tw_server_url(srv, 0), 0);
        assert_true(raw_request(lucky[i], 1, right[i], strlen(right[i])));
    }
    for (int i = 0; i < 2; i++) {
        assert_true(raw_reply(lucky[i], &number, body, sizeof body) >= 4);
        assert_true(tw_clock_monotonic() - began > 1.9e-3 * TW_SERVER_SLOW_MS);
        close(lucky[i]);
    }
    for (int i = 0; i < GUESSERS; i++)
        close(guess[i]);
    close(known);
    assert_true(tw_server_stop(srv));
}

/* However many are held back, none is for longer than the limit; and stopping lets them go. */
static void many_guesses_end_with_the_server(void **state)
{
    (void) state;
    enum { GUESSERS = 40 };
    tw_server *srv = serve(ANY, (tw_server_config){.workers = 1});
    int late[GUESSERS];
    char body[16];
    uint32_t number;
    double began = tw_clock_monotonic();
    for (uint32_t i = 0; i < GUESSERS; i++) {
        late[i] = raw_peer(tw_server_url(srv, 0), 0);
        assert_true(raw_request(late[i], i, "wrong", 5));
    }
    WAIT_FOR(srv, requests, GUESSERS);
    WAIT_FOR(srv, queued, 0);
    assert_in_range(counters(srv).answered, TW_SERVER_SLOW_FREE - 1, TW_SERVER_SLOW_FREE + 2);
    assert_true(tw_server_stop(srv));
    for (int i = 0; i < GUESSERS; i++) {
        assert_int_equal(raw_reply(late[i], &number, body, sizeof body), 5);
        close(late[i]);
    }
    assert_true(tw_clock_monotonic() - began < 1e-3 * TW_SERVER_SLOW_MOST_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_one_at_a_time_is_never_refused),
        cmocka_unit_test(connections_take_turns),
        cmocka_unit_test(the_first_request_of_a_connection_is_taken_whatever_waits),
        cmocka_unit_test(answers_of_several_workers_do_not_mix),
        cmocka_unit_test(express_is_answered_while_all_workers_are_busy),
        cmocka_unit_test(slow_answers_are_few_a_peer_and_delay_no_known_peer),
        cmocka_unit_test(many_guesses_end_with_the_server),
    };
    return cmocka_run_group_tests(tests, echo_setup, NULL);
}
