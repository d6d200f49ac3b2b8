#include "tests/integration/rpc_raw.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/test.h"

static const uint8_t req_hello[8] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
static const uint8_t rep_hello[8] = {0, 'S', 'P', 0, 0, 0x31, 0, 0};

static bool is_ipc(int fd)
{
    int domain = 0;
    socklen_t len = sizeof domain;
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len), 0);
    return domain == AF_UNIX;
}

/* A server that shares our descriptors takes one for a moment where it looks for peers, also in
 * vain: where they are counted, ours may be late. */
static int patient_socket(int family)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (int i = 0; i < 1000 && fd < 0 && errno == EMFILE; i++) {
        (void) nanosleep(&moment, NULL);
        fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    }
    return fd;
}

int raw_connect(const char *url, int rcvbuf)
{
    unsigned port = 0;
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    bool ipc = strncmp(url, "ipc://", 6) == 0;
    if (!ipc && sscanf(url, "tcp://127.0.0.1:%u", &port) != 1)
        fail_msg("'%s' is no tcp://127.0.0.1:PORT", url);
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t) port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    (void) snprintf(path.sun_path, sizeof path.sun_path, "%s", url + (ipc ? 6 : 0));
    const struct sockaddr *to = ipc ? (struct sockaddr *) &path : (struct sockaddr *) &in;
    struct timeval patience = {.tv_sec = RAW_PATIENCE_S};
    int fd = patient_socket(to->sa_family);
    assert_true(fd >= 0);
    if (rcvbuf > 0)
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
    const int on = 1;
    if (!ipc) /* head and body are two writes */
        assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    assert_int_equal(connect(fd, to, ipc ? sizeof path : sizeof in), 0);
    return fd;
}

int raw_peer(const char *url, int rcvbuf)
{
    uint8_t hello[8];
    int fd = raw_connect(url, rcvbuf);
    assert_true(raw_send(fd, req_hello, sizeof req_hello));
    assert_true(raw_receive(fd, hello, sizeof hello));
    assert_memory_equal(hello, rep_hello, sizeof hello);
    return fd;
}

bool raw_send(int fd, const void *data, size_t len)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n <= 0) {
            if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
                fail_msg("the server took nothing for %d s", RAW_PATIENCE_S);
            return false;
        }
        p += n;
        len -= (size_t) n;
    }
    return true;
}

bool raw_request(int fd, uint32_t number, const void *body, size_t len)
{
    uint8_t head[13] = {1};
    size_t mark = is_ipc(fd) ? 0 : 1; /* tcp has none */
    uint64_t size = len + 4;
    for (int i = 0; i < 8; i++)
        head[1 + i] = (uint8_t) (size >> (56 - 8 * i));
    number |= 0x80000000u;
    for (int i = 0; i < 4; i++)
        head[9 + i] = (uint8_t) (number >> (24 - 8 * i));
    return raw_send(fd, head + mark, sizeof head - mark) && raw_send(fd, body, len);
}

bool raw_receive(int fd, void *data, size_t len)
{
    char *p = data;
    while (len > 0) {
        ssize_t n = recv(fd, p, len, 0);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            fail_msg("the server said nothing for %d s", RAW_PATIENCE_S);
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t) n;
    }
    return true;
}

long raw_reply(int fd, uint32_t *number, void *body, size_t room)
{
    uint8_t head[12], mark = 1;
    uint64_t size = 0;
    if (is_ipc(fd) && (!raw_receive(fd, &mark, 1) || mark != 1))
        return -1;
    if (!raw_receive(fd, head, sizeof head))
        return -1;
    for (int i = 0; i < 8; i++)
        size = size << 8 | head[i];
    assert_in_range(size, 4, room + 4);
    *number = 0;
    for (int i = 0; i < 4; i++)
        *number = *number << 8 | head[8 + i];
    *number &= 0x7fffffffu;
    return raw_receive(fd, body, (size_t) size - 4) ? (long) size - 4 : -1;
}

void raw_read_all(int fd)
{
    char buf[4096];
    const struct timeval quiet = {.tv_usec = 250000};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &quiet, sizeof quiet), 0);
    while (recv(fd, buf, sizeof buf, 0) > 0) {
    }
}

bool raw_closed(int fd)
{
    char buf[4096];
    ssize_t n;
    while ((n = recv(fd, buf, sizeof buf, 0)) > 0) {
    }
    return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

int raw_silent_listener(char *url)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *) &at, sizeof at), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *) &at, &len), 0);
    (void) snprintf(url, 64, "tcp://127.0.0.1:%u", (unsigned) ntohs(at.sin_port));
    return fd;
}
