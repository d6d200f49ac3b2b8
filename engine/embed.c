/* The vectors of a catalogue that towers have not embedded yet. */
#include "engine/embed.h"

#include "base/alloc.h"
#include "base/crash.h"
#include "engine/data/dataset.h"
#include "engine/data/tower_source.h"
#include "engine/engine_state.h"

typedef struct embedder {
    tw_engine *e;
    tw_progress_fn progress; /* may be NULL */
    void *progress_ctx;
    const tw_tower *tower;
    tw_pool *pool;
    int dim, model;
    int64_t done, total, last_row;
    tw_text text;
    int n; /* of the next four: what one transaction will hold */
    int64_t rows[TWI_BATCH_ROWS], seqs[TWI_BATCH_ROWS]; /* of the items as they were read */
    twi_described items[TWI_BATCH_ROWS];
    float *vecs; /* (TWI_BATCH_ROWS, dim) */
} embedder;

/* TW_ECANCELLED ends the iteration when the batch is full; a full batch distinguishes it from
 * others. */
static tw_status gather_item(void *ctx, const tw_item *item, tw_error *err)
{
    embedder *m = ctx;
    if (m->n == TWI_BATCH_ROWS)
        return TW_ECANCELLED;
    tw_status st =
        twi_describe(item, tw_tower_modalities(m->tower), &m->text, &m->items[m->n], err);
    if (st == TW_OK) {
        m->seqs[m->n] = item->seq;
        m->rows[m->n++] = m->last_row = item->row;
    }
    return st;
}

static void drop_batch(embedder *m)
{
    for (int i = 0; i < m->n; i++)
        twi_described_fini(&m->items[i]);
    m->n = 0;
}

/* Media that cannot be read are not counted here: the training or the put before did that. */
static tw_status embed_batch(embedder *m, tw_error *err)
{
    tw_status st = TW_OK;
    twi_source *source = NULL;
    TW_TRY(twi_source_create(&source, m->items, m->n, m->tower, NULL, err));
    const tw_tower_source items = twi_source_of(source);
    TW_TRY(tw_tower_embed_many(m->tower, m->pool, &items, m->vecs, NULL, NULL, err));
done:
    twi_source_destroy(source);
    return st;
}

/* In a transaction: whether item i of the batch is still what was embedded. One that was put
 * meanwhile stays pending. */
static tw_status is_current(embedder *m, int i, bool *current, tw_error *err)
{
    tw_item now;
    *current = false;
    tw_status st = tw_store_item(m->e->store, m->rows[i], &now, err);
    if (st == TW_OK) {
        *current = now.seq == m->seqs[i];
        tw_item_fini(&now);
    }
    return st == TW_ENOTFOUND ? TW_OK : st; /* deleted meanwhile */
}

static tw_status store_batch(embedder *m, tw_error *err)
{
    tw_status st = TW_OK;
    TW_TRY(tw_store_begin(m->e->store, err));
    for (int i = 0; i < m->n; i++) {
        bool current;
        TW_TRY(is_current(m, i, &current, err));
        if (current)
            TW_TRY(tw_store_put_vector(m->e->store, m->rows[i], m->model,
                                       m->vecs + (size_t) i * (size_t) m->dim, m->dim, NULL, err));
    }
    TW_TRY(tw_store_commit(m->e->store, err));
    tw_crash_point(); /* some vectors of a model that does not serve yet */
done:
    tw_store_rollback(m->e->store);
    return st;
}

static tw_status embed_pending(embedder *m, tw_error *err)
{
    tw_status st = TW_OK;
    bool full = true;
    m->last_row = 0;
    while (full) {
        drop_batch(m);
        st = tw_store_each_pending(m->e->store, m->model, m->last_row, gather_item, m, err);
        full = m->n == TWI_BATCH_ROWS;
        if (st != TW_OK && !(st == TW_ECANCELLED && full))
            goto done;
        TW_TRY(embed_batch(m, err));
        TW_TRY(store_batch(m, err));
        m->done += m->n;
        tw_progress p = {.stage = "embedding", .done = m->done, .total = m->total};
        if (m->progress != NULL && m->progress(m->progress_ctx, &p) != 0)
            TW_TRY(tw_fail(err, TW_ECANCELLED, "stopped while embedding the catalogue"));
    }
done:
    drop_batch(m);
    return st;
}

tw_status twi_embed_pending(tw_engine *e, int version, const tw_tower *tower,
                            tw_progress_fn progress, void *ctx, tw_error *err)
{
    tw_status st = TW_OK;
    tw_store_stats stats;
    embedder *m = tw_alloc(1, sizeof *m);
    if (m == NULL)
        return tw_fail(err, TW_ENOMEM, "embedding of the catalogue");
    *m = (embedder){.e = e,
                    .progress = progress,
                    .progress_ctx = ctx,
                    .tower = tower,
                    .dim = tw_tower_dim(tower),
                    .model = version};
    tw_text_init(&m->text, TW_STORE_MAX_TITLE + TW_STORE_MAX_TEXT + TW_STORE_MAX_ATTRIBUTES);
    TW_TRY(tw_store_get_stats(e->store, &stats, err));
    m->total = stats.items;
    m->vecs = tw_alloc((size_t) TWI_BATCH_ROWS * (size_t) m->dim, sizeof *m->vecs);
    if (m->vecs == NULL) {
        st = tw_fail(err, TW_ENOMEM, "vectors of a batch");
        goto done;
    }
    TW_TRY(tw_pool_create(&m->pool, e->threads, err));
    TW_TRY(embed_pending(m, err));
done:
    tw_pool_destroy(m->pool);
    tw_text_fini(&m->text);
    tw_free(m->vecs);
    tw_free(m);
    return st;
}
