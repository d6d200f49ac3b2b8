/* Any bytes in any portions, on both transports: each message is within its limits, memory stays
 * within what has come, and the same bytes in other portions lead to the same messages.
 *
 * The first byte chooses the transport and the size of portions. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "rpc/sp.h"

#define MOST 4096 /* bytes of a message */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t take_message(twi_sp *sp, uint64_t hash)
{
    uint8_t head[TWI_SP_MAX_HEAD];
    twi_sp_request r = twi_sp_message(sp);
    if (r.len > MOST || r.path < 4 || r.path > TWI_SP_MAX_PATH || r.path > r.len)
        abort();
    size_t n = twi_sp_reply_head(head, sp->ipc, r.bytes, r.path, 0);
    if (n != (sp->ipc ? 9 : 8) + r.path || memcmp(head + n - r.path, r.bytes, r.path) != 0)
        abort();
    hash = tw_fnv1a(hash, r.bytes, r.len);
    tw_free(r.bytes);
    return hash;
}

/* A hash of everything that happened. */
static uint64_t run(const uint8_t *data, size_t size, bool ipc, size_t step)
{
    uint64_t hash = TW_FNV_START;
    twi_sp sp;
    twi_sp_init(&sp, ipc, MOST);
    for (size_t at = 0; at < size;) {
        size_t used, n = step < size - at ? step : size - at;
        twi_sp_event e = twi_sp_take(&sp, data + at, n, &used);
        if (used > n || (e == TWI_SP_MORE && used != n) || sp.room > 2 * sp.have + 256)
            abort();
        at += used;
        if (e != TWI_SP_MORE)
            hash = tw_fnv1a(hash, &e, sizeof e);
        if (e == TWI_SP_MESSAGE)
            hash = take_message(&sp, hash);
        else if (e != TWI_SP_MORE && e != TWI_SP_GREETED)
            break;
    }
    twi_sp_fini(&sp);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool ipc = (data[0] & 1) != 0;
    size_t step = 1 + (data[0] >> 1);
    if (run(data + 1, size - 1, ipc, step) != run(data + 1, size - 1, ipc, size))
        abort();
    return 0;
}
