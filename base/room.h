/* base/room.h — is there room in the address space for what a library is about to take?
 *
 * Where memory is limited (ulimit -v), some libraries do not take no for an answer: OpenBLAS tries
 * for ever to map its buffer, nng crashes when a thread of its own cannot start. So they are asked
 * for only where there is room. Without a limit nothing is looked at.
 */
#ifndef TW_BASE_ROOM_H
#define TW_BASE_ROOM_H

#include <stddef.h>

#include "base/error.h"

/* Bytes that the process may still map; SIZE_MAX without a limit. */
size_t tw_room_left(void);

/* TW_ENOMEM: they cannot be mapped now; the sentence names `what` and the limit. */
TW_NODISCARD tw_status tw_room_check(size_t bytes, const char *what, tw_error *err);

/* The same for n threads with the stacks that pthread_create gives. */
TW_NODISCARD tw_status tw_room_check_threads(int n, const char *what, tw_error *err);

#endif
