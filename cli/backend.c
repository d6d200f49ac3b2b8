#include "cli/backend.h"

#include <stdlib.h>

tw_status backend_open(backend *b, const backend_options *opt, bool write, tw_error *err)
{
    *b = (backend){0};
    if (opt->at.dir != NULL) {
        const tw_engine_options eng = {.mode = write ? TW_ENGINE_WRITE : TW_ENGINE_READ};
        return tw_engine_open(&b->engine, opt->at.dir, &eng, err);
    }
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread yet */
    const char *key = opt->api_key != NULL ? opt->api_key : getenv("TWINDEX_API_KEY");
    const tw_client_options cl = {.timeout_ms = (int) opt->timeout_ms, .api_key = key};
    return tw_client_open(&b->client, opt->at.connect, &cl, err);
}

void backend_close(backend *b)
{
    tw_engine_close(b->engine);
    tw_client_close(b->client);
    *b = (backend){0};
}

tw_status backend_similar(backend *b, const tw_similar_query *q, tw_answer *out, tw_error *err)
{
    return b->engine != NULL ? tw_engine_similar(b->engine, q, out, err)
                             : tw_client_similar(b->client, q, out, err);
}

tw_status backend_next(backend *b, const tw_next_query *q, tw_answer *out, tw_error *err)
{
    return b->engine != NULL ? tw_engine_next(b->engine, q, out, err)
                             : tw_client_next(b->client, q, out, err);
}

tw_status backend_embed(backend *b, const tw_embed_query *q, float *vec, int *dim, int *model,
                        tw_error *err)
{
    return b->engine != NULL ? tw_engine_embed(b->engine, q, vec, dim, model, err)
                             : tw_client_embed(b->client, q, vec, dim, model, err);
}

tw_status backend_get(backend *b, const char *item, tw_item *out, char also[TW_ALSO_MAX],
                      tw_error *err)
{
    return b->engine != NULL ? tw_engine_get_also(b->engine, item, out, also, err)
                             : tw_client_get_also(b->client, item, out, also, err);
}

tw_status backend_put(backend *b, const tw_item *item, tw_put_kind *kind, tw_error *err)
{
    return b->engine != NULL ? tw_engine_put(b->engine, item, kind, err)
                             : tw_client_put(b->client, item, kind, err);
}

tw_status backend_delete(backend *b, const char *id, tw_error *err)
{
    return b->engine != NULL ? tw_engine_delete(b->engine, id, err)
                             : tw_client_delete(b->client, id, err);
}

tw_status backend_record(backend *b, const char *user, const char *item, double time,
                         bool allow_future, bool *added, tw_error *err)
{
    const tw_write_options opt = {.allow_future = allow_future};
    return b->engine != NULL
               ? tw_engine_record_with(b->engine, user, item, time, &opt, added, err)
               : tw_client_record_with(b->client, user, item, time, allow_future, added, err);
}

tw_status backend_stats(backend *b, tw_engine_stats *out, tw_error *err)
{
    return b->engine != NULL ? tw_engine_stats_get(b->engine, out, err)
                             : tw_client_stats(b->client, out, err);
}
