/* rpc/api_keys.h — the keys that a server accepts, from a file.
 *
 * One key a line; spaces around it, empty lines and lines that begin with #
 * do not count. Keys are compared in a time that does not depend on where they
 * differ or which one it is, and are never logged.
 */
#ifndef TW_RPC_API_KEYS_H
#define TW_RPC_API_KEYS_H

#include <stdbool.h>

#include "base/error.h"
#include "rpc/wire.h"

#define TW_API_KEYS_MAX     1000
#define TW_API_KEY_MIN_SIZE 16 /* bytes; at most TW_WIRE_MAX_API_KEY */

typedef struct tw_api_keys tw_api_keys;

/* TW_EINVAL: a key that is too short, too long or not UTF-8, with its line; no key at all; too
 * many. TW_ENOTFOUND, TW_EDENIED, TW_EIO: the file. TW_ENOMEM. On failure *out is NULL. */
TW_NODISCARD tw_status tw_api_keys_load(tw_api_keys **out, const char *path, tw_error *err);
void tw_api_keys_free(tw_api_keys *k); /* accepts NULL; wipes them */

/* Reads the file again: from now on its keys count and no others. Statuses as tw_api_keys_load; on
 * failure the keys stay as they are. Beside tw_api_keys_allow in other threads. */
TW_NODISCARD tw_status tw_api_keys_reload(tw_api_keys *k, tw_error *err);

/* Any thread. */
int tw_api_keys_count(tw_api_keys *k);
bool tw_api_keys_allow(tw_api_keys *k, const char *key);

#endif
