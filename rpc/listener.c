#include "rpc/listener.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rpc/listener_ipc.h"

#define BACKLOG 512

/* ---- tcp ------------------------------------------------------------------------------------- */

typedef struct address {
    int family;
    char scheme[8]; /* "tcp" */
    char host[TWI_LISTENER_MAX_URL];
    char shown[TWI_LISTENER_MAX_URL]; /* the host as the bound URL has it */
    char port[32];
} address;

static tw_status no_address(const char *url, tw_error *err)
{
    return tw_fail(err, TW_EINVAL,
                   "cannot listen on '%.100s': give tcp://HOST:PORT or ipc://PATH, an IPv6 address "
                   "in brackets",
                   url);
}

static bool is_port(const char *s, size_t len)
{
    unsigned n = 0;
    bool digits = true;
    if (len >= sizeof((address *) 0)->port)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (isalnum((unsigned char) s[i]) == 0 && s[i] != '-')
            return false; /* a service may be named: http-alt */
        digits = digits && isdigit((unsigned char) s[i]) != 0;
        if (digits && n <= UINT16_MAX)
            n = 10 * n + (unsigned) (s[i] - '0');
    }
    return !digits || n <= UINT16_MAX;
}

/* "HOST:PORT" into a; false: it is none. */
static bool split(address *a, const char *rest)
{
    size_t len = strlen(rest);
    if (len > 0 && rest[len - 1] == '/')
        len--;
    const char *end = rest + len, *host = rest, *host_end, *port;
    if (*rest == '[') {
        host = rest + 1;
        host_end = memchr(host, ']', (size_t) (end - host));
        if (host_end == NULL)
            return false;
        port = host_end + 1;
    } else {
        const char *colon = memchr(rest, ':', len);
        host_end = port = colon != NULL ? colon : end;
    }
    size_t shown = (size_t) (port - rest);
    if (port < end && *port++ != ':')
        return false;
    if (!is_port(port, (size_t) (end - port)))
        return false;
    for (const char *p = host; p < host_end; p++)
        if (strchr("/?#@;[]", *p) != NULL || isgraph((unsigned char) *p) == 0)
            return false;
    (void) snprintf(a->port, sizeof a->port, "%.*s", (int) (end - port), port);
    if (end == port)
        (void) snprintf(a->port, sizeof a->port, "0");
    (void) snprintf(a->host, sizeof a->host, "%.*s", (int) (host_end - host), host);
    (void) snprintf(a->shown, sizeof a->shown, "%.*s", (int) shown, rest);
    for (char *p = a->shown; *p != '\0'; p++)
        *p = (char) tolower((unsigned char) *p);
    if (strcmp(a->host, "*") == 0)
        a->host[0] = '\0';
    if (a->host[0] == '\0') { /* every address: shown as one that a client can connect to */
        (void) snprintf(a->shown, sizeof a->shown, "%s",
                        a->family == AF_INET6 ? "[::]" : "0.0.0.0");
    }
    return true;
}

/* Listens on one address; -1 with errno. */
static int listen_at(const struct addrinfo *at)
{
    const int on = 1, off = 0;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (at->ai_family == AF_INET6) /* [::] takes IPv4, too, whatever the system's default is */
        (void) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    (void) close(fd);
    errno = why;
    return -1;
}

static tw_status refused(const char *url, tw_error *err)
{
    switch (errno) {
    case EADDRINUSE:
        return tw_fail(err, TW_EBUSY, "cannot listen on %s: the address is in use", url);
    case EADDRNOTAVAIL:
        return tw_fail(err, TW_EINVAL, "cannot listen on %s: this machine has no such address",
                       url);
    default: return tw_fail_errno(err, "cannot listen on %s", url);
    }
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage at = {0};
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    socklen_t len = sizeof at;
    if (getsockname(fd, (struct sockaddr *) &at, &len) != 0)
        return 0;
    memcpy(&in, &at, sizeof in);
    memcpy(&in6, &at, sizeof in6);
    return ntohs(at.ss_family == AF_INET ? in.sin_port : in6.sin6_port);
}

static tw_status open_tcp(twi_listener *l, const char *url, const address *a, tw_error *err)
{
    struct addrinfo hints = {
        .ai_family = a->family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *all = NULL;
    if (a->host[0] == '\0' && a->family == AF_UNSPEC)
        hints.ai_family = AF_INET; /* with tcp6 it is both families */
    int rv = getaddrinfo(a->host[0] != '\0' ? a->host : NULL, a->port, &hints, &all);
    if (rv != 0) {
        return tw_fail(err, rv == EAI_MEMORY ? TW_ENOMEM : TW_EINVAL, "cannot listen on %s: %s",
                       url, gai_strerror(rv));
    }
    int why = 0;
    for (const struct addrinfo *at = all; at != NULL && l->fd < 0; at = at->ai_next) {
        l->fd = listen_at(at);
        if (l->fd < 0 && why == 0)
            why = errno;
    }
    freeaddrinfo(all);
    if (l->fd < 0) {
        errno = why;
        return refused(url, err);
    }
    int n = snprintf(l->url, sizeof l->url, "%s://%s:%u", a->scheme, a->shown, port_of(l->fd));
    return n < (int) sizeof l->url ? TW_OK : no_address(url, err);
}

/* ---- both ------------------------------------------------------------------------------------ */

tw_status twi_listener_open(twi_listener *l, const char *url, tw_error *err)
{
    static const struct {
        const char *name;
        int family;
    } schemes[] = {{"tcp", AF_UNSPEC}, {"tcp4", AF_INET}, {"tcp6", AF_INET6}};
    tw_status st = TW_OK;
    *l = (twi_listener){.fd = -1, .lock_fd = -1};
    const char *rest = url != NULL ? strstr(url, "://") : NULL;
    if (rest == NULL || strlen(url) >= sizeof l->url)
        return no_address(url != NULL ? url : "", err);
    size_t scheme = (size_t) (rest - url);
    rest += 3;
    if (scheme == 3 && memcmp(url, "ipc", 3) == 0) {
        if (*rest == '\0')
            return no_address(url, err);
        TW_TRY(twi_ipc_open(l, url, rest, BACKLOG, err));
        goto done;
    }
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        address a = {.family = schemes[i].family};
        if (strlen(schemes[i].name) != scheme || memcmp(url, schemes[i].name, scheme) != 0)
            continue;
        (void) snprintf(a.scheme, sizeof a.scheme, "%s", schemes[i].name);
        if (!split(&a, rest))
            break;
        st = open_tcp(l, url, &a, err);
        goto done;
    }
    st = no_address(url, err);
done:
    if (st != TW_OK)
        twi_listener_close(l);
    return st;
}

void twi_listener_close(twi_listener *l)
{
    twi_ipc_remove(l);
    if (l->fd >= 0)
        (void) close(l->fd);
    l->fd = -1;
    twi_ipc_unlock(l);
}
