/* Peers that flood, lie or go away: no other peer may notice. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "rpc/server.h"
#include "tests/integration/rpc_echo.h"
#include "tests/integration/rpc_raw.h"
#include "tests/support/test.h"

#define L "\0\0\0\0\0\0\0"

static int open_files(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

static void wait_for_files(int most)
{
    double end = tw_clock_monotonic() + RAW_PATIENCE_S;
    while (open_files() > most) {
        assert_true(tw_clock_monotonic() < end);
        (void) sched_yield();
    }
}

static double cpu_seconds(void)
{
    struct rusage u;
    assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
    return (double) (u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double) (u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* A quarter of a second in which nothing happens. */
static void assert_idle(const char *url)
{
    int fd = raw_peer(url, 0);
    double before = cpu_seconds();
    raw_read_all(fd);
    assert_true(cpu_seconds() - before < 0.05);
    close(fd);
}

static const char *ipc_url(const char *name)
{
    static char url[512];
    (void) snprintf(url, sizeof url, "ipc://%s", tw_test_path(name));
    return url;
}

/* ---- peers that come and go ------------------------------------------------------------------ */

static void leave(const char *url, const char *said, size_t len)
{
    for (int i = 0; i < 100; i++) {
        int fd = raw_connect(url, 0);
        (void) raw_send(fd, said, len);
        close(fd);
    }
    int fd = raw_peer(url, 0);
    uint32_t number;
    char body[16];
    double began = tw_clock_monotonic();
    assert_true(raw_request(fd, 7, "well?", 5));
    assert_int_equal(raw_reply(fd, &number, body, sizeof body), 5);
    assert_true(tw_clock_monotonic() - began < 1);
    close(fd);
}

/* nng 1.5.2 stopped answering on ipc, now and then, and spun. */
static void peers_that_connect_and_leave_are_forgotten(void **state)
{
    (void) state;
    static const struct {
        const char *said;
        size_t tcp, ipc;
    } rows[] = {
        {"", 0, 0},
        {"\0SP", 3, 3},
        {"\0SP\0\0\x30\0\0", 8, 8},
        {"\0SP\0\0\x30\0\0" L, 15, 15},
        {"\0SP\0\0\x30\0\0\1" L "\7\x80\0\0\1abc", 0, 24},
        {"\0SP\0\0\x30\0\0" L "\7\x80\0\0\1abc", 23, 0},
        {"GET / HTTP/1.1\r\n\r\n", 18, 18},
    };
    const char *urls[] = {ANY, ipc_url("leave")};
    for (int u = 0; u < 2; u++) {
        tw_server *srv = serve(urls[u], (tw_server_config){.workers = 2});
        int files = open_files();
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            leave(tw_server_url(srv, 0), rows[i].said, u == 0 ? rows[i].tcp : rows[i].ipc);
        assert_idle(tw_server_url(srv, 0));
        WAIT_FOR(srv, connections, 0);
        wait_for_files(files);
        assert_true(tw_server_stop(srv));
    }
}

/* Each connection that nng 1.5.2 closed after one such peer kept its descriptor. */
static void descriptors_return_from_peers_that_ask_and_leave(void **state)
{
    (void) state;
    const char *urls[] = {ANY, ipc_url("descriptors")};
    for (int u = 0; u < 2; u++) {
        tw_server *srv = serve(urls[u], (tw_server_config){.workers = 2});
        int files = open_files();
        for (int i = 0; i < 100; i++) {
            int fd = raw_peer(tw_server_url(srv, 0), i % 2 == 0 ? 4096 : 0);
            for (uint32_t n = 0; n < 50 && raw_request(fd, n, "big", 3); n++) {
            }
            close(fd);
        }
        WAIT_FOR(srv, connections, 0);
        wait_for_files(files);
        assert_works(srv);
        assert_true(tw_server_stop(srv));
    }
}

static void a_peer_that_has_said_all_still_gets_its_answers(void **state)
{
    (void) state;
    const char *urls[] = {ANY, ipc_url("half")};
    for (int u = 0; u < 2; u++) {
        tw_server *srv = serve(urls[u], (tw_server_config){.workers = 1});
        int fd = raw_peer(tw_server_url(srv, 0), 0);
        uint32_t number;
        static char body[ECHO_BIG];
        set_open(false);
        assert_true(raw_request(fd, 1, "hold", 4));
        assert_true(raw_request(fd, 2, "two", 3));
        assert_true(raw_request(fd, 3, "big", 3));
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        wait_for_holding(1);
        assert_idle(tw_server_url(srv, 0)); /* its end is not heard over and over */
        set_open(true);
        assert_int_equal(raw_reply(fd, &number, body, sizeof body), 4);
        assert_int_equal(raw_reply(fd, &number, body, sizeof body), 3);
        assert_int_equal(raw_reply(fd, &number, body, sizeof body), (long) ECHO_BIG);
        assert_true(raw_closed(fd));
        close(fd);
        WAIT_FOR(srv, connections, 0);
        assert_true(tw_server_stop(srv));
    }
}

/* ---- peers that hold on ---------------------------------------------------------------------- */

static void a_message_that_does_not_end_is_given_up(void **state)
{
    (void) state;
    tw_server *srv = serve(ANY, (tw_server_config){.message_ms = 100});
    const char *url = tw_server_url(srv, 0);
    int idle = raw_peer(url, 0);
    int silent = raw_connect(url, 0);
    int half = raw_peer(url, 0);
    int trickle = raw_peer(url, 0);
    assert_true(raw_send(half, L "\x64half", 12));
    assert_true(raw_send(trickle, "\0\0\0\0\0\x0f\0\0", 8));
    double began = tw_clock_monotonic(), next = began;
    while (raw_send(trickle, "x", 1)) { /* a byte now and then does not help */
        assert_true(tw_clock_monotonic() - began < 5);
        for (next += 0.002; tw_clock_monotonic() < next;)
            (void) sched_yield();
    }
    assert_true(raw_closed(silent));
    assert_true(raw_closed(half));
    char body[16];
    uint32_t number;
    assert_true(raw_request(idle, 1, "idle", 4)); /* it may be, for as long as it likes */
    assert_int_equal(raw_reply(idle, &number, body, sizeof body), 4);
    assert_int_equal(counters(srv).ended, 3);
    const int all[] = {idle, silent, half, trickle};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        close(all[i]);
    assert_true(tw_server_stop(srv));
}

static void half_sent_messages_hold_so_much_memory_and_no_more(void **state)
{
    (void) state;
    enum { PEERS = 12, SENT = 200000 };
    static char much[SENT];
    tw_server *srv =
        serve(ANY, (tw_server_config){.max_request_bytes = 1 << 20, .max_partial_bytes = 1 << 20});
    int peers[PEERS];
    for (int i = 0; i < PEERS; i++) {
        peers[i] = raw_peer(tw_server_url(srv, 0), 0);
        assert_true(raw_send(peers[i], "\0\0\0\0\0\x10\0\0\x80\0\0\1", 12));
        (void) raw_send(peers[i], much, sizeof much);
    }
    nng_socket s = good_client(tw_server_url(srv, 0));
    assert_int_equal(ask(s, "small", "small"), 0);
    nng_close(s);
    assert_true(raw_closed(peers[0])); /* the longest goes first */
    for (double end = tw_clock_monotonic() + RAW_PATIENCE_S; counters(srv).ended < PEERS - 5;)
        assert_true(tw_clock_monotonic() < end);
    assert_true(counters(srv).ended <= PEERS - 2);
    static char rest[(1 << 20) - 4 - SENT];
    uint32_t number;
    static char body[1 << 17];
    assert_true(raw_send(peers[PEERS - 1], rest, sizeof rest)); /* the last may go on */
    assert_true(raw_reply(peers[PEERS - 1], &number, body, sizeof body) > 0);
    for (int i = 0; i < PEERS; i++)
        close(peers[i]);
    assert_true(tw_server_stop(srv));
}

/* ---- limits of the process, and the end ------------------------------------------------------ */

static void without_descriptors_peers_are_refused_and_nothing_spins(void **state)
{
    (void) state;
    enum { REFUSED = 6 };
    struct rlimit before, few;
    int kept[REFUSED];
    tw_server *srv = serve(ANY, (tw_server_config){.workers = 1});
    int good = raw_peer(tw_server_url(srv, 0), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    for (int i = 0; i < REFUSED; i++)
        kept[i] = dup(good); /* places for the peers' own sides; the server's will be missing */
    few.rlim_cur = (rlim_t) kept[REFUSED - 1] + 1;
    for (int fd = 0; fd < kept[0]; fd++)
        assert_true(fcntl(fd, F_GETFD) >= 0); /* no holes */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int i = 0; i < REFUSED; i++) {
        close(kept[i]);
        kept[i] = raw_connect(tw_server_url(srv, 0), 0);
        assert_true(raw_closed(kept[i]));
    }
    WAIT_FOR(srv, refused, REFUSED);
    double cpu = cpu_seconds();
    raw_read_all(good);
    assert_true(cpu_seconds() - cpu < 0.05);
    for (int i = 0; i < REFUSED; i++)
        close(kept[i]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    close(good);
    assert_works(srv);
    assert_true(tw_server_stop(srv));
}

static void a_limit_of_files_lowers_the_limit_of_connections(void **state)
{
    (void) state;
    struct rlimit before, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 140;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    tw_server *srv = serve(ANY, (tw_server_config){.workers = 1});
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    int peers[90];
    for (int i = 0; i < 90; i++)
        peers[i] = raw_connect(tw_server_url(srv, 0), 0);
    WAIT_FOR(srv, refused, 90 - (140 - 64));
    for (int i = 0; i < 90; i++)
        close(peers[i]);
    assert_works(srv);
    assert_true(tw_server_stop(srv));
}

/* One peer that opens all the connections there may be must not keep everybody else out. */
static void the_longest_idle_connection_makes_place(void **state)
{
    (void) state;
    tw_server *srv = serve(ANY, (tw_server_config){.workers = 1, .max_connections = 4});
    const char *url = tw_server_url(srv, 0);
    uint32_t number;
    char body[16];
    int busy = raw_peer(url, 0), idle = raw_peer(url, 0), later = raw_peer(url, 0);
    set_open(false);
    assert_true(raw_request(busy, 1, "hold", 4));
    wait_for_holding(1);
    double began = tw_clock_monotonic();
    int fresh = -1;
    while (tw_clock_monotonic() - began < 1.1e-3 * TW_SERVER_IDLE_MS)
        (void) sched_yield();
    fresh = raw_peer(url, 0);
    nng_socket s = good_client(url);
    assert_int_equal(ask(s, "alive?", "alive"), 0);
    nng_close(s);
    assert_true(raw_closed(idle)); /* not a fresher one, and not the one with a call under way */
    WAIT_FOR(srv, connections, 3);
    set_open(true);
    assert_int_equal(raw_reply(busy, &number, body, sizeof body), 4);
    assert_true(raw_request(later, 1, "later", 5));
    assert_int_equal(raw_reply(later, &number, body, sizeof body), 5);
    assert_true(raw_request(fresh, 1, "fresh", 5));
    assert_int_equal(raw_reply(fresh, &number, body, sizeof body), 5);
    assert_int_equal(counters(srv).refused, 0);
    const int all[] = {busy, idle, later, fresh};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        close(all[i]);
    assert_true(tw_server_stop(srv));
}

static void stopping_does_not_wait_for_a_call_that_never_ends(void **state)
{
    (void) state;
    tw_server *srv = serve(ANY, (tw_server_config){.workers = 2, .drain_ms = 50});
    int fd = raw_peer(tw_server_url(srv, 0), 0);
    set_open(false);
    assert_true(raw_request(fd, 1, "hold", 4));
    wait_for_holding(1);
    double began = tw_clock_monotonic();
    assert_false(tw_server_stop(srv));
    assert_true(tw_clock_monotonic() - began < 1 + 1e-3 * TW_SERVER_GRACE_MS);
    set_open(true);
    assert_true(tw_server_stop(srv));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_that_connect_and_leave_are_forgotten),
        cmocka_unit_test(descriptors_return_from_peers_that_ask_and_leave),
        cmocka_unit_test(a_peer_that_has_said_all_still_gets_its_answers),
        cmocka_unit_test(a_message_that_does_not_end_is_given_up),
        cmocka_unit_test(half_sent_messages_hold_so_much_memory_and_no_more),
        cmocka_unit_test(without_descriptors_peers_are_refused_and_nothing_spins),
        cmocka_unit_test(a_limit_of_files_lowers_the_limit_of_connections),
        cmocka_unit_test(the_longest_idle_connection_makes_place),
        cmocka_unit_test(stopping_does_not_wait_for_a_call_that_never_ends),
    };
    return cmocka_run_group_tests(tests, echo_setup, NULL);
}
