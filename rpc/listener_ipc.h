/* rpc/listener_ipc.h — the file of an ipc socket; for rpc/listener*.c only. */
#ifndef TW_RPC_LISTENER_IPC_H
#define TW_RPC_LISTENER_IPC_H

#include "rpc/listener.h"

/* Claims path and listens there. Statuses as twi_listener_open; on failure what was claimed is
 * released by the two below. */
TW_NODISCARD tw_status twi_ipc_open(twi_listener *l, const char *url, const char *path, int backlog,
                                    tw_error *err);

void twi_ipc_remove(twi_listener *l); /* the file, if it is still ours */
void twi_ipc_unlock(twi_listener *l);

#endif
