/* rpc/socket.h — what the client needs around nng; for rpc/ only. */
#ifndef TW_RPC_SOCKET_H
#define TW_RPC_SOCKET_H

#include <nng/nng.h>
#include <stdbool.h>

/* True for tcp:// and ipc:// (ws:// needs an nng without 1.5's faults in HTTP, and TLS a
 * certificate that is not given yet). */
bool twi_url_known(const char *url);

/* nng_close(), for at most CLOSE_MS. False: it hangs; then whatever its callbacks use must stay.
 * nng before 1.8 may do so for ever when a connection ends in the very moment in which it moves
 * data (its issues 1543 and 1813), which is why rpc/server.h does without it. */
bool twi_socket_close(nng_socket sock);

#endif
