/* rpc/listener.h — a listening socket from a URL; for rpc/server*.c and its tests.
 *
 * On ipc the socket is a file. Its path is claimed so that no file of anybody's is lost and no
 * second server takes it over:
 *
 * - PATH.lock is locked (flock) for as long as the listener lives, so that of servers that start at
 *   once one alone finds the path free. It is removed at the end, unless it is another's file.
 * - What is at PATH stays if it is no socket, or if a process listens on it; a socket on which no
 *   server listens is what a killed one left, and is removed.
 * - At the end PATH is removed if it is still the same file.
 *
 * The file's mode is 0660 less the umask: its owner may connect, and the group where the umask lets
 * it; others never.
 */
#ifndef TW_RPC_LISTENER_H
#define TW_RPC_LISTENER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

#define TWI_LISTENER_MAX_URL  256 /* bytes, the terminating NUL included, as TW_SERVER_MAX_URL */
#define TWI_LISTENER_MAX_PATH 108 /* likewise, of an ipc path: what the system takes */

typedef struct twi_listener {
    int fd; /* non-blocking; -1: closed */
    bool ipc;
    char url[TWI_LISTENER_MAX_URL]; /* with the port that was given; a client can connect to it */
    char path[TWI_LISTENER_MAX_PATH];
    bool bound; /* the file at path is this one: */
    dev_t dev;
    ino_t ino;
    int lock_fd;    /* -1: none */
    bool made_lock; /* it is a server's, and goes with it */
} twi_listener;

/* Listens on tcp://HOST:PORT (tcp4, tcp6: of that family only; HOST * or empty: all addresses; PORT
 * 0 or none: any) or ipc://PATH.
 *
 * TW_EINVAL: no such URL, an address that is not of this machine, a path that is too long.
 * TW_EBUSY: a process listens there. TW_EEXIST: the path is taken by something that is no socket.
 * TW_EDENIED, TW_ENOTFOUND, TW_EIO: the system refused. The message names the URL. On failure
 * nothing listens and *l needs no close, though it bears one. */
TW_NODISCARD tw_status twi_listener_open(twi_listener *l, const char *url, tw_error *err);

/* Accepts a zeroed one whose fd is -1, and one that is closed. */
void twi_listener_close(twi_listener *l);

#endif
