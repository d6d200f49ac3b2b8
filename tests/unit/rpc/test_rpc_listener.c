/* What may be listened on, and that no file of anybody's is lost by it. */
#include "rpc/listener.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "tests/support/test.h"

static char url[512];

static const char *ipc_url(const char *name)
{
    (void) snprintf(url, sizeof url, "ipc://%s", tw_test_path(name));
    return url;
}

static void addresses_are_taken_and_reported_with_their_port(void **state)
{
    (void) state;
    static const struct {
        const char *asked, *told; /* %u is the port */
    } rows[] = {
        {"tcp://127.0.0.1:0", "tcp://127.0.0.1:%u%n"},
        {"tcp://127.0.0.1", "tcp://127.0.0.1:%u%n"},
        {"tcp://127.0.0.1:0/", "tcp://127.0.0.1:%u%n"},
        {"tcp://LocalHost:0", "tcp://localhost:%u%n"},
        {"tcp://*:0", "tcp://0.0.0.0:%u%n"},
        {"tcp://:0", "tcp://0.0.0.0:%u%n"},
        {"tcp4://127.0.0.1:0", "tcp4://127.0.0.1:%u%n"},
        {"tcp6://*:0", "tcp6://[::]:%u%n"},
        {"tcp://[::1]:0", "tcp://[::1]:%u%n"},
        {"tcp6://[::1]:0", "tcp6://[::1]:%u%n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        twi_listener l;
        tw_error e = {0};
        unsigned port = 0;
        int end = 0;
        tw_status st = twi_listener_open(&l, rows[i].asked, &e);
        if (st != TW_OK && strchr(rows[i].asked, '6') != NULL)
            continue;                                    /* a machine without IPv6 */
        (void) sscanf(l.url, rows[i].told, &port, &end); /* NOLINT(cert-err34-c) */
        if (st != TW_OK || port == 0 || l.url[end] != '\0')
            fail_msg("%s: %s (%s)", rows[i].asked, l.url, e.msg);
        twi_listener_close(&l);
    }
}

static void what_is_no_address_is_one_sentence(void **state)
{
    (void) state;
    static const struct {
        const char *url, *sentence;
    } rows[] = {
        {"", "give tcp://HOST:PORT or ipc://PATH"},
        {"127.0.0.1:80", "give tcp://HOST:PORT or ipc://PATH"},
        {"http://127.0.0.1:80", "give tcp://HOST:PORT or ipc://PATH"},
        {"inproc://x", "give tcp://HOST:PORT or ipc://PATH"},
        {"ipc://", "give tcp://HOST:PORT or ipc://PATH"},
        {"tcp://127.0.0.1:65536", "give tcp://HOST:PORT or ipc://PATH"},
        {"tcp://127.0.0.1:18446744073709551617", "give tcp://HOST:PORT or ipc://PATH"},
        {"tcp://127.0.0.1:-1", "Servname not supported"},
        {"tcp://127.0.0.1:no-such-service", "Servname not supported"},
        {"tcp://127.0.0.1:0/path", "give tcp://HOST:PORT or ipc://PATH"},
        {"tcp://me@127.0.0.1:0", "give tcp://HOST:PORT or ipc://PATH"},
        {"tcp://::1:0", "give tcp://HOST:PORT or ipc://PATH"},
        {"tcp://[::1:0", "give tcp://HOST:PORT or ipc://PATH"},
        {"tcp://127.0.0.1\n:0", "give tcp://HOST:PORT or ipc://PATH"},
        {"tcp4://[::1]:0", "family"},
        {"tcp://192.0.2.1:0", "this machine has no such address"},
    };
    twi_listener l;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_error e = {0};
        tw_status st = twi_listener_open(&l, rows[i].url, &e);
        if (st != TW_EINVAL || strstr(e.msg, rows[i].sentence) == NULL)
            fail_msg("'%s': %s", rows[i].url, e.msg);
        twi_listener_close(&l);
    }
    char longest[TWI_LISTENER_MAX_URL + 1];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    memcpy(longest, "tcp://", 6);
    assert_status(twi_listener_open(&l, longest, err), TW_EINVAL);
    longest[6 + TWI_LISTENER_MAX_PATH] = '\0';
    memcpy(longest, "ipc:///", 7);
    assert_status(twi_listener_open(&l, longest, err), TW_EINVAL);
}

static void a_file_that_is_no_socket_stays(void **state)
{
    (void) state;
    twi_listener l;
    tw_error e = {0};
    char *data;
    size_t len;
    const char *path = tw_test_file("precious", "precious");
    assert_int_equal(twi_listener_open(&l, ipc_url("precious"), &e), TW_EEXIST);
    assert_non_null(strstr(e.msg, "is there and is no socket; it stays as it is"));
    assert_ok(tw_file_read(path, 100, &data, &len, err));
    assert_string_equal(data, "precious");
    tw_free(data);
    assert_int_equal(symlink("nowhere", tw_test_path("link")), 0);
    assert_status(twi_listener_open(&l, ipc_url("link"), err), TW_EEXIST);
    assert_int_equal(mkdir(tw_test_path("folder"), 0700), 0);
    assert_status(twi_listener_open(&l, ipc_url("folder"), err), TW_EEXIST);
    assert_int_equal(mkfifo(tw_test_path("fifo"), 0600), 0);
    assert_status(twi_listener_open(&l, ipc_url("fifo"), err), TW_EEXIST);
    (void) tw_test_file("other.lock", "somebody's");
    assert_int_equal(chmod(tw_test_path("other.lock"), 0600), 0);
    assert_ok(twi_listener_open(&l, ipc_url("other"), err));
    twi_listener_close(&l);
    assert_true(tw_file_exists(tw_test_path("other.lock"))); /* it was there before */
    assert_int_equal(mkfifo(tw_test_path("odd.lock"), 0600), 0);
    assert_status(twi_listener_open(&l, ipc_url("odd"), err), TW_EEXIST);
}

/* A socket file on which no server listens, as a killed server leaves it. */
static void leave_socket(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void) snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *) &at, sizeof at), 0);
    close(fd);
}

static void a_leftover_is_replaced_and_a_live_socket_is_not(void **state)
{
    (void) state;
    twi_listener l, second;
    tw_error e = {0};
    struct stat first, now;
    leave_socket(tw_test_path("s"));
    (void) tw_test_file("s.lock", "the lock of a twindex socket\n");
    mode_t before = umask(0);
    assert_ok(twi_listener_open(&l, ipc_url("s"), err));
    (void) umask(before);
    assert_int_equal(stat(tw_test_path("s"), &first), 0);
    assert_int_equal(first.st_mode & 0777, 0660); /* nobody else's, whatever the umask */
    for (int i = 0; i < 4; i++) {
        assert_int_equal(twi_listener_open(&second, url, &e), TW_EBUSY);
        assert_non_null(strstr(e.msg, "a server listens there"));
    }
    assert_int_equal(stat(tw_test_path("s"), &now), 0);
    assert_int_equal(now.st_ino, first.st_ino);
    twi_listener_close(&l);
    assert_false(tw_file_exists(tw_test_path("s")));
    assert_false(tw_file_exists(tw_test_path("s.lock")));
    twi_listener_close(&l); /* again, harmlessly */

    /* a program that knows nothing of the lock */
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void) snprintf(at.sun_path, sizeof at.sun_path, "%s", tw_test_path("s"));
    assert_int_equal(bind(fd, (struct sockaddr *) &at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_status(twi_listener_open(&l, url, err), TW_EBUSY);
    assert_true(tw_file_exists(tw_test_path("s")));
    close(fd);
}

static void a_file_that_came_in_its_place_stays(void **state)
{
    (void) state;
    twi_listener l;
    assert_ok(twi_listener_open(&l, ipc_url("moved"), err));
    assert_int_equal(unlink(tw_test_path("moved")), 0);
    (void) tw_test_file("moved", "another's");
    twi_listener_close(&l);
    assert_true(tw_file_exists(tw_test_path("moved")));
}

enum { RACERS = 8, ROUNDS = 40 };

static void *race(void *arg)
{
    twi_listener *l = arg;
    tw_error e = {0};
    if (twi_listener_open(l, url, &e) != TW_OK)
        assert_int_equal(e.code, TW_EBUSY);
    return NULL;
}

static void of_many_that_start_at_once_one_listens(void **state)
{
    (void) state;
    (void) ipc_url("race");
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[RACERS];
        twi_listener all[RACERS];
        int won = 0;
        if (round % 2 == 0)
            leave_socket(tw_test_path("race"));
        for (int i = 0; i < RACERS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, race, &all[i]), 0);
        for (int i = 0; i < RACERS; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (int i = 0; i < RACERS; i++)
            won += all[i].fd >= 0;
        assert_int_equal(won, 1);
        for (int i = 0; i < RACERS; i++)
            twi_listener_close(&all[i]);
        assert_false(tw_file_exists(tw_test_path("race")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_taken_and_reported_with_their_port),
        cmocka_unit_test(what_is_no_address_is_one_sentence),
        cmocka_unit_test(a_file_that_is_no_socket_stays),
        cmocka_unit_test(a_leftover_is_replaced_and_a_live_socket_is_not),
        cmocka_unit_test(a_file_that_came_in_its_place_stays),
        cmocka_unit_test(of_many_that_start_at_once_one_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
