/* Described items for towers to read, a reader for each worker. */
#include "engine/data/tower_source.h"

#include "base/alloc.h"
#include "engine/engine_state.h"

struct twi_source {
    const twi_described *items;
    int64_t n;
    twi_item_reader readers[TW_POOL_MAX]; /* one a worker */
};

tw_status twi_source_create(twi_source **out, const twi_described *items, int64_t n,
                            const tw_tower *tower, twi_unreadable *unread, tw_error *err)
{
    twi_source *s = tw_alloc(1, sizeof *s);
    *out = s;
    if (s == NULL)
        return tw_fail(err, TW_ENOMEM, "readers of %lld items", (long long) n);
    s->items = items;
    s->n = n;
    for (int w = 0; w < TW_POOL_MAX; w++)
        twi_item_reader_init(&s->readers[w], tower, unread);
    return TW_OK;
}

void twi_source_destroy(twi_source *s)
{
    for (int w = 0; s != NULL && w < TW_POOL_MAX; w++)
        twi_item_reader_fini(&s->readers[w]);
    tw_free(s);
}

static tw_status load_described(void *ctx, int worker, int64_t i, tw_tower_item *out, tw_error *err)
{
    twi_source *s = ctx;
    return twi_described_read(&s->readers[worker], &s->items[i], out, err);
}

tw_tower_source twi_source_of(twi_source *s)
{
    return (tw_tower_source){.n = s->n, .load = load_described, .ctx = s};
}

tw_status twi_catalogue_samples(tw_engine *e, const tw_tower *tower, const twi_catalogue *c,
                                twi_unreadable *unread, tw_progress_fn progress, void *ctx,
                                tw_tower_samples **out, tw_error *err)
{
    tw_status st = TW_OK;
    tw_pool *pool = NULL;
    twi_source *source = NULL;

    *out = NULL;
    TW_TRY(twi_source_create(&source, c->items, c->n, tower, unread, err));
    TW_TRY(tw_pool_create(&pool, e->threads, err));
    const tw_tower_source items = twi_source_of(source);
    TW_TRY(tw_tower_prepare(out, tower, pool, &items, progress, ctx, err));
done:
    tw_pool_destroy(pool);
    twi_source_destroy(source);
    return st;
}
