#include "rpc/sp.h"

#include <string.h>

#include "base/alloc.h"

#define FIRST_ROOM ((size_t) 256) /* bytes; most requests are shorter */
#define IPC_MARK   1

const uint8_t twi_sp_rep_hello[TWI_SP_HELLO] = {0, 'S', 'P', 0, 0, 0x31, 0, 0};
static const uint8_t req_hello[TWI_SP_HELLO] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};

void twi_sp_init(twi_sp *sp, bool ipc, size_t max_message)
{
    *sp = (twi_sp){.ipc = ipc, .max_message = max_message};
}

void twi_sp_fini(twi_sp *sp)
{
    tw_free(sp->body);
    sp->body = NULL;
}

bool twi_sp_is_amid(const twi_sp *sp) { return !sp->greeted || sp->in_body || sp->n_head > 0; }

/* Fills sp->head up to `size`; false when more is needed. */
static bool fill_head(twi_sp *sp, size_t size, const uint8_t *bytes, size_t len, size_t *used)
{
    size_t n = size - sp->n_head < len ? size - sp->n_head : len;
    if (n > 0)
        memcpy(sp->head + sp->n_head, bytes, n);
    sp->n_head += n;
    *used += n;
    return sp->n_head == size;
}

static twi_sp_event begin_body(twi_sp *sp)
{
    size_t at = sp->ipc ? 1 : 0;
    uint64_t want = 0;
    if (sp->ipc && sp->head[0] != IPC_MARK)
        return TWI_SP_FOREIGN;
    for (size_t i = at; i < at + 8; i++)
        want = want << 8 | sp->head[i];
    if (want > sp->max_message)
        return TWI_SP_TOO_LONG;
    if (want < 4)
        return TWI_SP_PATHLESS;
    sp->want = (size_t) want;
    sp->have = sp->n_head = 0;
    sp->in_body = true;
    return TWI_SP_MORE;
}

static bool make_room(twi_sp *sp, size_t n)
{
    if (n <= sp->room)
        return true;
    size_t room = sp->room < FIRST_ROOM ? FIRST_ROOM : 2 * sp->room;
    if (room < n)
        room = n;
    if (room > sp->want)
        room = sp->want;
    uint8_t *body = tw_realloc(sp->body, room, 1);
    if (body == NULL)
        return false;
    sp->body = body;
    sp->room = room;
    return true;
}

/* Bytes of the path at the beginning of a message; 0: there is none that ends. */
static size_t path_of(const uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at + 4 <= len && at < TWI_SP_MAX_PATH; at += 4)
        if ((bytes[at] & 0x80) != 0)
            return at + 4;
    return 0;
}

static twi_sp_event take_body(twi_sp *sp, const uint8_t *bytes, size_t len, size_t *used)
{
    size_t n = sp->want - sp->have < len ? sp->want - sp->have : len;
    if (n == 0)
        return TWI_SP_MORE;
    if (!make_room(sp, sp->have + n))
        return TWI_SP_NO_MEMORY;
    memcpy(sp->body + sp->have, bytes, n);
    sp->have += n;
    *used += n;
    if (sp->have < sp->want)
        return TWI_SP_MORE;
    return path_of(sp->body, sp->have) > 0 ? TWI_SP_MESSAGE : TWI_SP_PATHLESS;
}

twi_sp_event twi_sp_take(twi_sp *sp, const uint8_t *bytes, size_t len, size_t *used)
{
    *used = 0;
    if (!sp->greeted) {
        if (!fill_head(sp, TWI_SP_HELLO, bytes, len, used))
            return TWI_SP_MORE;
        if (memcmp(sp->head, req_hello, TWI_SP_HELLO) != 0)
            return TWI_SP_FOREIGN;
        sp->greeted = true;
        sp->n_head = 0;
        return TWI_SP_GREETED;
    }
    if (!sp->in_body) {
        if (!fill_head(sp, sp->ipc ? 9 : 8, bytes, len, used))
            return TWI_SP_MORE;
        twi_sp_event e = begin_body(sp);
        if (e != TWI_SP_MORE)
            return e;
    }
    return take_body(sp, bytes + *used, len - *used, used);
}

twi_sp_request twi_sp_message(twi_sp *sp)
{
    twi_sp_request r = {.bytes = sp->body, .path = path_of(sp->body, sp->have), .len = sp->have};
    sp->body = NULL;
    sp->room = sp->have = sp->want = 0;
    sp->in_body = false;
    return r;
}

size_t twi_sp_reply_head(uint8_t head[TWI_SP_MAX_HEAD], bool ipc, const uint8_t *path,
                         size_t path_len, size_t len)
{
    size_t at = 0;
    uint64_t size = (uint64_t) path_len + len;
    if (ipc)
        head[at++] = IPC_MARK;
    for (int i = 0; i < 8; i++)
        head[at++] = (uint8_t) (size >> (56 - 8 * i));
    memcpy(head + at, path, path_len);
    return at + path_len;
}
