#include "rpc/listener_ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"

#define LOCK_TRIES 8 /* another server may remove the file between our opening and locking it */

/* ---- the lock -------------------------------------------------------------------------------- */

static void lock_path(char out[TWI_LISTENER_MAX_PATH + 8], const twi_listener *l)
{
    (void) snprintf(out, TWI_LISTENER_MAX_PATH + 8, "%s.lock", l->path);
}

/* What our locks hold, so that one whose server was killed is known for ours, too. */
static const char mark[] = "the lock of a twindex socket\n";

static bool is_marked(int fd)
{
    char there[sizeof mark];
    return pread(fd, there, sizeof there, 0) == (ssize_t) (sizeof mark - 1) &&
           memcmp(there, mark, sizeof mark - 1) == 0;
}

static int open_lock(twi_listener *l, const char *path)
{
    const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK; /* waits for no pipe */
    int fd = open(path, flags | O_CREAT | O_EXCL, 0600);            // banned-ok: made, and no data
    l->made_lock = fd >= 0;
    if (fd < 0 && errno == EEXIST) {
        fd = open(path, flags); // banned-ok: to lock, not to read; the caller looks what it is
        if (fd < 0 && errno == ENOENT)
            errno = EAGAIN; /* it was there a moment ago */
    }
    return fd;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static tw_status is_taken(const char *url, tw_error *err)
{
    return tw_fail(err, TW_EBUSY, "cannot listen on %s: a server listens there", url);
}

static tw_status take_lock(twi_listener *l, const char *url, tw_error *err)
{
    char path[TWI_LISTENER_MAX_PATH + 8];
    lock_path(path, l);
    for (int i = 0; i < LOCK_TRIES; i++) {
        struct stat opened, there;
        int fd = open_lock(l, path);
        if (fd < 0 && errno == EAGAIN)
            continue;
        if (fd < 0)
            return tw_fail_errno(err, "cannot listen on %s: cannot open '%s'", url, path);
        if (fstat(fd, &opened) != 0 || !S_ISREG(opened.st_mode)) {
            (void) close(fd);
            return tw_fail(err, TW_EEXIST, "cannot listen on %s: '%s' is no regular file", url,
                           path);
        }
        tw_error why;
        const tw_status st = tw_file_lock(fd, path, &why);
        if (st != TW_OK) {
            (void) close(fd);
            return st == TW_EBUSY ? is_taken(url, err)
                                  : tw_fail(err, st, "cannot listen on %s: %s", url, why.msg);
        }
        if (lstat(path, &there) == 0 && same_file(&opened, &there)) {
            if (l->made_lock) { /* on a full disk it stays without, should we be killed */
                ssize_t n = write(fd, mark, sizeof mark - 1);
                (void) n;
            }
            l->made_lock = l->made_lock || is_marked(fd);
            l->lock_fd = fd;
            return TW_OK;
        }
        (void) close(fd);
    }
    return tw_fail(err, TW_EBUSY, "cannot listen on %s: other servers start and end there", url);
}

void twi_ipc_unlock(twi_listener *l)
{
    char path[TWI_LISTENER_MAX_PATH + 8];
    if (l->lock_fd < 0)
        return;
    lock_path(path, l);
    if (l->made_lock)
        (void) unlink(path);
    (void) close(l->lock_fd);
    l->lock_fd = -1;
}

/* ---- the socket ------------------------------------------------------------------------------ */

/* 0: a server listens at `at`, or may; otherwise why none does. */
static int probe(const struct sockaddr_un *at)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int why = connect(fd, (const struct sockaddr *) at, sizeof *at) == 0 ? 0 : errno;
    (void) close(fd);
    return why == EAGAIN || why == EINPROGRESS || why == EPROTOTYPE ? 0 : why;
}

/* What is at the path and may be removed is removed. */
static tw_status clear_path(const char *url, const struct sockaddr_un *at, tw_error *err)
{
    struct stat there;
    if (lstat(at->sun_path, &there) != 0) {
        return errno == ENOENT ? TW_OK : tw_fail_errno(err, "cannot listen on %s", url);
    }
    if (!S_ISSOCK(there.st_mode)) {
        return tw_fail(err, TW_EEXIST,
                       "cannot listen on %s: '%s' is there and is no socket; it stays as it is",
                       url, at->sun_path);
    }
    int why = probe(at);
    if (why == 0)
        return is_taken(url, err);
    errno = why;
    if (why != ECONNREFUSED && why != ENOENT)
        return tw_fail_errno(err, "cannot listen on %s: cannot tell whether a server does", url);
    if (unlink(at->sun_path) != 0 && errno != ENOENT)
        return tw_fail_errno(err, "cannot listen on %s: cannot remove a server's leftover", url);
    return TW_OK;
}

tw_status twi_ipc_open(twi_listener *l, const char *url, const char *path, int backlog,
                       tw_error *err)
{
    tw_status st = TW_OK;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct stat made;

    l->ipc = true;
    _Static_assert(sizeof at.sun_path <= sizeof l->path, "a path that the system takes fits");
    if (strlen(path) >= sizeof at.sun_path) {
        TW_TRY(tw_fail(err, TW_EINVAL,
                       "cannot listen on %s: a socket's path has at most %zu bytes, not %zu", url,
                       sizeof at.sun_path - 1, strlen(path)));
    }
    (void) snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    (void) snprintf(l->path, sizeof l->path, "%s", path);
    (void) snprintf(l->url, sizeof l->url, "%s", url);
    TW_TRY(take_lock(l, url, err));
    TW_TRY(clear_path(url, &at, err));
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        TW_TRY(tw_fail_errno(err, "cannot listen on %s", url));
    (void) fchmod(l->fd, 0660); /* what bind() gives the file, less the umask */
    if (bind(l->fd, (struct sockaddr *) &at, sizeof at) != 0) {
        if (errno == EADDRINUSE)
            TW_TRY(is_taken(url, err));
        TW_TRY(tw_fail_errno(err, "cannot listen on %s", url));
    }
    if (lstat(path, &made) == 0) {
        l->bound = true;
        l->dev = made.st_dev;
        l->ino = made.st_ino;
    }
    if (listen(l->fd, backlog) != 0)
        TW_TRY(tw_fail_errno(err, "cannot listen on %s", url));
done:
    return st;
}

void twi_ipc_remove(twi_listener *l)
{
    struct stat there;
    if (l->bound && lstat(l->path, &there) == 0 && there.st_dev == l->dev && there.st_ino == l->ino)
        (void) unlink(l->path);
    l->bound = false;
}
