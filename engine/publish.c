/* From a trained model in models/NNNN.tmp to the one that serves. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/crash.h"
#include "base/log.h"
#include "engine/internal.h"

tw_status twi_open_metrics(FILE **out, const char *tmp, const char *name, tw_error *err)
{
    char path[TW_PATH_MAX];
    tw_status st = tw_path_join(path, tmp, name, err);
    if (st != TW_OK)
        return st;
    *out = fopen(path, "we");
    return *out != NULL ? TW_OK : tw_fail_errno(err, "cannot create '%s'", path);
}

tw_status twi_close_metrics(FILE **f, tw_error *err)
{
    FILE *closing = *f;
    *f = NULL;
    bool bad = ferror(closing) != 0;
    if (fclose(closing) != 0 || bad)
        return tw_fail_errno(err, "cannot write the training's metrics");
    return TW_OK;
}

typedef struct embedder {
    tw_engine *e;
    const tw_train_options *opt;
    const tw_tower *tower;
    tw_pool *pool;
    int dim, model;
    int64_t done, total, last_row;
    tw_text text;
    int n; /* of the next three: what one transaction will hold */
    int64_t rows[TWI_BATCH_ROWS];
    twi_described items[TWI_BATCH_ROWS];
    float *vecs; /* (TWI_BATCH_ROWS, dim) */
} embedder;

/* TW_ECANCELLED ends the iteration when the batch is full; a full batch tells it from others. */
static tw_status gather_item(void *ctx, const tw_item *item, tw_error *err)
{
    embedder *m = ctx;
    if (m->n == TWI_BATCH_ROWS)
        return TW_ECANCELLED;
    tw_status st =
        twi_describe(item, tw_tower_modalities(m->tower), &m->text, &m->items[m->n], err);
    if (st == TW_OK)
        m->rows[m->n++] = m->last_row = item->row;
    return st;
}

static void drop_batch(embedder *m)
{
    for (int i = 0; i < m->n; i++)
        twi_described_fini(&m->items[i]);
    m->n = 0;
}

/* Nobody counts media that cannot be read: the training or the put that came before did. */
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

static tw_status store_batch(embedder *m, tw_error *err)
{
    tw_status st = TW_OK;
    TW_TRY(tw_store_begin(m->e->store, err));
    for (int i = 0; i < m->n; i++) {
        st = tw_store_put_vector(m->e->store, m->rows[i], m->model,
                                 m->vecs + (size_t) i * (size_t) m->dim, m->dim, NULL, err);
        if (st != TW_OK && st != TW_ENOTFOUND) /* deleted meanwhile */
            goto done;
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
        if (m->opt->progress != NULL && m->opt->progress(m->opt->progress_ctx, &p) != 0)
            TW_TRY(tw_fail(err, TW_ECANCELLED, "stopped while embedding the catalogue"));
    }
done:
    drop_batch(m);
    return st;
}

static tw_status embed_catalogue(tw_engine *e, int version, const tw_tower *tower,
                                 const tw_train_options *opt, tw_error *err)
{
    tw_status st = TW_OK;
    tw_store_stats stats;
    embedder *m = tw_alloc(1, sizeof *m);
    if (m == NULL)
        return tw_fail(err, TW_ENOMEM, "embedding of the catalogue");
    *m = (embedder){
        .e = e, .opt = opt, .tower = tower, .dim = tw_tower_dim(tower), .model = version};
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

tw_status twi_publish_apart(tw_engine *e, int version, const char *tmp, twi_model_parts parts,
                            const tw_tower *tower, const twi_smoothing *smooth,
                            const tw_train_options *opt, tw_error *err)
{
    tw_status st = TW_OK;
    char *json = NULL;

    TW_TRY(twi_model_finish(e, version, tmp, parts, &json, err));
    if (tower != NULL && smooth != NULL) { /* nobody could smooth them later: the pairs are gone */
        TW_TRY(embed_catalogue(e, version, tower, opt, err));
        TW_TRY(twi_smooth_catalogue(e, version, tw_tower_dim(tower), smooth, err));
    }
    TW_TRY(tw_store_add_model(e->store, version, json, err));
    tw_crash_point(); /* registered; what served goes on */
done:
    tw_free(json);
    return st;
}

/* One transaction makes it true; a kill before it leaves the old version serving. */
static tw_status activate(tw_engine *e, int version, const char *json, tw_error *err)
{
    tw_status st = TW_OK;
    TW_TRY(tw_store_begin(e->store, err));
    TW_TRY(tw_store_add_model(e->store, version, json, err));
    TW_TRY(tw_store_activate_model(e->store, version, err));
    TW_TRY(tw_store_commit(e->store, err));
    tw_crash_point(); /* it serves from the next open on */
done:
    tw_store_rollback(e->store);
    return st;
}

/* What was written while the new indexes were built. The writer lock is held. */
static tw_status catch_up(tw_engine *e, twi_generation *g, int64_t since, const tw_tower *tower,
                          const tw_train_options *opt, tw_error *err)
{
    tw_status st = TW_OK;
    if (tower != NULL)
        TW_TRY(embed_catalogue(e, g->towers_version, tower, opt, err));
    if (g->items != NULL)
        TW_TRY(twi_replay_items(e, g, since, err));
    if (g->next != NULL)
        TW_TRY(twi_replay_next(e, g, since, err));
done:
    return st;
}

tw_status twi_publish(tw_engine *e, int version, const char *tmp, twi_model_parts parts,
                      const tw_tower *tower, const twi_smoothing *smooth,
                      const tw_train_options *opt, tw_error *err)
{
    tw_status st = TW_OK;
    char *json = NULL;
    int64_t since;
    twi_generation *g = NULL, *old = twi_acquire(e);
    const int old_towers = old->towers_version;

    twi_release(e, old);
    TW_TRY(twi_model_finish(e, version, tmp, parts, &json, err));
    if (tower != NULL)
        TW_TRY(embed_catalogue(e, version, tower, opt, err));
    if (tower != NULL && smooth != NULL)
        TW_TRY(twi_smooth_catalogue(e, version, tw_tower_dim(tower), smooth, err));
    TW_TRY(
        twi_generation_load(e, version, parts, opt->progress, opt->progress_ctx, &g, &since, err));

    (void) pthread_mutex_lock(&e->writer);
    st = catch_up(e, g, since, tower, opt, err);
    if (st == TW_OK)
        st = activate(e, version, json, err);
    if (st == TW_OK) {
        twi_generation_swap(e, g);
        g = NULL;
        st = tw_store_seq(e->store, &e->applied, err);
    }
    (void) pthread_mutex_unlock(&e->writer);
    TW_TRY(st);

    if (parts.content_version > 0 && parts.content_version != parts.towers_version)
        tw_log(TW_LOG_WARN, "SEQ-CONTENT-FROZEN", "model=%d towers=%d reads=%d", version,
               parts.towers_version, parts.content_version);
    if (old_towers > 0 && old_towers != parts.towers_version)
        (void) !tw_store_drop_vectors(e->store, old_towers, NULL, NULL); /* space only */
    twi_model_sweep(e, version);
    st = twi_snapshot(e, err);
done:
    twi_generation_free(g);
    tw_free(json);
    return st;
}
