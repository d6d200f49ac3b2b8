/* rpc/socket.h — what server and client share of nng; for rpc/ only. */
#ifndef TW_RPC_SOCKET_H
#define TW_RPC_SOCKET_H

#include <nng/nng.h>
#include <stdbool.h>

#include "base/error.h"

/* True for tcp://, ipc:// and inproc:// (ws:// needs an nng without 1.5's faults in HTTP, and TLS a
 * certificate that nobody gives yet). */
bool twi_url_known(const char *url);

/* "cannot WHAT NAME: why", with the status that fits nng's number. */
tw_status twi_nng_fail(tw_error *err, int rv, const char *what, const char *name);

/* False where nng may hang for ever when a connection ends in the very moment in which it moves
 * data: before 1.8. Measured with 1.5.2: of 100 peers that sent 50 requests and left without
 * reading, one was enough; peers with one request under way never did it (0 of 4,000). One thread
 * of nng's frees all closed connections of a process, so the first that hangs is also the last: the
 * server goes on to answer, but each connection that ends later keeps its file descriptor.
 *
 * Source: nng's issues 1543 and 1813. */
bool twi_nng_closes_busy_pipes(void);

/* nng_close(), for at most CLOSE_MS. False: it hangs, see above; then whatever its callbacks use
 * must stay. */
bool twi_socket_close(nng_socket sock);

#endif
