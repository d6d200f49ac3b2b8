/* rpc/client.h — the calls of the engine, made over the wire.
 *
 *     tw_client *c = NULL;
 *     TW_TRY(tw_client_open(&c, "tcp://127.0.0.1:7700", NULL, err));
 *     TW_TRY(tw_client_similar(c, &(tw_similar_query){.item = "7", .k = 10}, &answer, err));
 *     tw_client_close(c);
 *
 * Links neither engine nor models. Every call ends within timeout_ms, whether
 * the server answers, is gone or hangs. A connection that breaks is made again
 * by itself; the request that was under way then ends with TW_EIO and may be
 * sent again: all of them bear that (a second delete gives TW_ENOTFOUND).
 *
 * Statuses of every call, beside those of the engine's function of the same
 * name: TW_ETIMEOUT (no answer in time; the message says whether there is a
 * connection), TW_EBUSY (the server's queue is full: try again), TW_EDENIED
 * (the API key), TW_EINVAL (a limit of rpc/twindex.proto; found before
 * anything is sent), TW_ECORRUPT (the answer makes no sense), TW_EIO (the
 * connection broke). The message is the server's sentence where there is one.
 *
 * Threads: one call at a time for each client; several threads each open their
 * own. As rpc/server.h says, none of this lives through fork().
 */
#ifndef TW_RPC_CLIENT_H
#define TW_RPC_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/error.h"
#include "engine/engine_types.h"
#include "rpc/wire.h"

TW_BEGIN_DECLS

#define TW_CLIENT_TIMEOUT_MS 10000
#define TW_CLIENT_CONNECT_MS 5000

typedef struct tw_client tw_client;

typedef struct tw_client_options {
    int timeout_ms;      /* for each call; 0: TW_CLIENT_TIMEOUT_MS */
    int connect_ms;      /* for opening; 0: TW_CLIENT_CONNECT_MS */
    const char *api_key; /* NULL: none; copied */
} tw_client_options;

/* Connects.
 *
 *   url  as in rpc/server.h, port given; copied
 *   opt  NULL: defaults
 *
 * TW_EIO: no connection (refused, unreachable); TW_ETIMEOUT: none in time; the message names url.
 * TW_EINVAL: no such kind of URL, or an option out of range. On failure *out is NULL. */
TW_NODISCARD tw_status tw_client_open(tw_client **out, const char *url,
                                      const tw_client_options *opt, tw_error *err);
void tw_client_close(tw_client *c); /* accepts NULL */

/* *out holds copies, which live as long as it does. */
TW_NODISCARD tw_status tw_client_similar(tw_client *c, const tw_similar_query *q, tw_answer *out,
                                         tw_error *err);
TW_NODISCARD tw_status tw_client_next(tw_client *c, const tw_next_query *q, tw_answer *out,
                                      tw_error *err);

/*   vec (TW_ENGINE_MAX_DIM)  the first *dim are filled */
TW_NODISCARD tw_status tw_client_embed(tw_client *c, const tw_embed_query *q, float *vec, int *dim,
                                       int *model, tw_error *err);

/* The strings of *out live in the client until its next call; row and seq are 0, block is NULL, so
 * that tw_item_fini may be called and does nothing. also (TW_ALSO_MAX) may be NULL. */
TW_NODISCARD tw_status tw_client_get(tw_client *c, const char *item, tw_item *out, tw_error *err);
TW_NODISCARD tw_status tw_client_get_also(tw_client *c, const char *item, tw_item *out,
                                          char also[TW_ALSO_MAX], tw_error *err);

/* *kind and, below, *added may be NULL. */
TW_NODISCARD tw_status tw_client_put(tw_client *c, const tw_item *item, tw_put_kind *kind,
                                     tw_error *err);
TW_NODISCARD tw_status tw_client_delete(tw_client *c, const char *id, tw_error *err);

/* As tw_engine_record. time 0 becomes this machine's clock before it is sent, so that sending again
 * adds nothing. */
TW_NODISCARD tw_status tw_client_record(tw_client *c, const char *user, const char *item,
                                        double time, bool *added, tw_error *err);
TW_NODISCARD tw_status tw_client_record_with(tw_client *c, const char *user, const char *item,
                                             double time, bool allow_future, bool *added,
                                             tw_error *err);

TW_NODISCARD tw_status tw_client_stats(tw_client *c, tw_engine_stats *out, tw_error *err);

/* out->version lives in the client until its next call. */
TW_NODISCARD tw_status tw_client_health(tw_client *c, tw_health *out, tw_error *err);

TW_END_DECLS

#endif
