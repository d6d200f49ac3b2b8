/* cli/backend.h — a directory or a server: the same calls, the same answers. */
#ifndef TW_CLI_BACKEND_H
#define TW_CLI_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "cli/place.h"
#include "engine/engine.h"
#include "rpc/client.h"

typedef struct backend {
    tw_engine *engine; /* one of the two */
    tw_client *client;
} backend;

typedef struct backend_options {
    place at; /* one of the two is set */
    const char *api_key;
    int64_t timeout_ms;
} backend_options;

TW_NODISCARD tw_status backend_open(backend *b, const backend_options *opt, bool write,
                                    tw_error *err);
void backend_close(backend *b);

TW_NODISCARD tw_status backend_similar(backend *b, const tw_similar_query *q, tw_answer *out,
                                       tw_error *err);
TW_NODISCARD tw_status backend_next(backend *b, const tw_next_query *q, tw_answer *out,
                                    tw_error *err);
TW_NODISCARD tw_status backend_embed(backend *b, const tw_embed_query *q, float *vec, int *dim,
                                     int *model, tw_error *err);
TW_NODISCARD tw_status backend_get(backend *b, const char *item, tw_item *out,
                                   char also[TW_ALSO_MAX], tw_error *err);
TW_NODISCARD tw_status backend_put(backend *b, const tw_item *item, tw_put_kind *kind,
                                   tw_error *err);
TW_NODISCARD tw_status backend_delete(backend *b, const char *id, tw_error *err);
TW_NODISCARD tw_status backend_record(backend *b, const char *user, const char *item, double time,
                                      bool allow_future, bool *added, tw_error *err);
TW_NODISCARD tw_status backend_stats(backend *b, tw_engine_stats *out, tw_error *err);

#endif
