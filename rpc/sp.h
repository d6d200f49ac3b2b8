/* rpc/sp.h — the Scalability Protocols' wire format, from bytes to messages; for rpc/ and its
 * tests.
 *
 * Both sides of a connection say
 *
 *     00 'S' 'P' 00  PP PP  00 00            PP PP: the protocol, REQ 0x0030, REP 0x0031
 *
 * and then send messages: on ipc a byte 01, then
 *
 *     LL LL LL LL LL LL LL LL  ...           LL: the length of what follows, big-endian
 *
 * A request begins with its path: words of four bytes, one for each device on the way and one for
 * the request itself, whose highest bit is set and which is the last. The reply begins with the
 * same words.
 *
 * twi_sp is one direction of one connection: it takes bytes in any portions and gives messages. It
 * knows no sockets and no time. A length alone allocates nothing: memory grows with the bytes that
 * have come, to at most twice their number.
 *
 * Source: the SP RFCs (sp-tcp-mapping-01, sp-request-reply-01); ipc's byte is as nng sends it.
 */
#ifndef TW_RPC_SP_H
#define TW_RPC_SP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TWI_SP_HELLO    8  /* bytes */
#define TWI_SP_MAX_HOPS 16 /* words in a path: nng sends at most 15 */
#define TWI_SP_MAX_PATH (4 * (size_t) TWI_SP_MAX_HOPS)
#define TWI_SP_MAX_HEAD (9 + TWI_SP_MAX_PATH) /* what stands before a reply's body */

typedef enum twi_sp_event {
    TWI_SP_MORE,     /* all bytes are taken; no message is complete */
    TWI_SP_GREETED,  /* the peer's first eight bytes are right */
    TWI_SP_MESSAGE,  /* one is complete: twi_sp_message */
    TWI_SP_FOREIGN,  /* the peer does not speak SP, or is no REQ. This and the rest end it all. */
    TWI_SP_TOO_LONG, /* a message of more than max_message bytes is announced */
    TWI_SP_PATHLESS, /* a message whose path is missing or longer than TWI_SP_MAX_HOPS */
    TWI_SP_NO_MEMORY,
} twi_sp_event;

typedef struct twi_sp {
    bool ipc;
    size_t max_message;
    bool greeted;
    uint8_t head[9]; /* the hello, or what stands before a message */
    size_t n_head;
    bool in_body;
    size_t want;   /* bytes of the message that is arriving */
    size_t have;   /* of these have come */
    size_t room;   /* of `body` */
    uint8_t *body; /* owned */
} twi_sp;

/* A complete request. The block is tw_free()d by what takes it. */
typedef struct twi_sp_request {
    uint8_t *bytes; /* (path + body) owned */
    size_t path;    /* bytes of the path, a multiple of four */
    size_t len;     /* bytes in all */
} twi_sp_request;

/* In the state before the peer's hello. Nothing is allocated. */
void twi_sp_init(twi_sp *sp, bool ipc, size_t max_message);
void twi_sp_fini(twi_sp *sp);

/* Takes at most len bytes and says what they led to; *used are taken. After TWI_SP_GREETED and
 * TWI_SP_MESSAGE it is to be called again with the rest. */
twi_sp_event twi_sp_take(twi_sp *sp, const uint8_t *bytes, size_t len, size_t *used);

/* The message that is complete; right after TWI_SP_MESSAGE, once. */
twi_sp_request twi_sp_message(twi_sp *sp);

/* True when a hello or a message has begun and not ended. */
bool twi_sp_is_amid(const twi_sp *sp);

/* What a REP says first. */
extern const uint8_t twi_sp_rep_hello[TWI_SP_HELLO];

/* What stands before a reply's body of len bytes: the number of bytes in `head`. */
size_t twi_sp_reply_head(uint8_t head[TWI_SP_MAX_HEAD], bool ipc, const uint8_t *path,
                         size_t path_len, size_t len);

#endif
