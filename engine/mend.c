/* Vectors that the active towers should have given and did not, or that are not what they gave:
 * they are derived, so a writer makes them anew, and a reader does without. */
#include "engine/mend.h"

#include "base/alloc.h"
#include "base/log.h"
#include "engine/embed.h"
#include "engine/engine_state.h"
#include "engine/item_reader.h"

/* ---- missing --------------------------------------------------------------------------------- */

/* Items that were put while their towers could not be used have no vector of them. */
#define UNEMBEDDED_KEY "models.unembedded"

static tw_status vectors_lack(tw_engine *e, int towers_version, bool *lack, tw_error *err)
{
    tw_store_stats stats;
    tw_text mark;
    int64_t have = 0;
    tw_status st = tw_store_get_stats(e->store, &stats, err);
    if (st != TW_OK)
        return st;
    for (int i = 0; i < stats.n_models; i++)
        if (stats.models[i].model == towers_version)
            have = stats.models[i].vectors;
    *lack = have != stats.items;
    if (*lack)
        return TW_OK;
    tw_text_init(&mark, TW_STORE_MAX_META);
    st = tw_store_meta(e->store, UNEMBEDDED_KEY, &mark, NULL);
    *lack = st == TW_OK;
    tw_text_fini(&mark);
    return st == TW_OK || st == TW_ENOTFOUND
               ? TW_OK
               : tw_fail(err, st, "'%s' cannot be read", UNEMBEDDED_KEY);
}

tw_status twi_mend_pending(tw_engine *e, twi_generation *g, tw_progress_fn progress, void *ctx,
                           tw_error *err)
{
    tw_status st = TW_OK;
    bool lack = true;

    if (g->tower == NULL && g->towers_version > 0 && e->mode == TW_ENGINE_WRITE)
        return tw_store_set_meta(e->store, UNEMBEDDED_KEY, "1", err);
    if (g->tower == NULL || e->mode != TW_ENGINE_WRITE)
        return TW_OK;
    if (e->current == NULL) /* opening; else a version that comes, whose vectors may be old */
        TW_TRY(vectors_lack(e, g->towers_version, &lack, err));
    if (!lack)
        goto done;
    if (e->current == NULL)
        tw_log(TW_LOG_WARN, "ITEMS-EMBEDDED", "model=%d reason=\"some had no vector of it\"",
               g->version);
    TW_TRY(twi_embed_pending(e, g->towers_version, g->tower, progress, ctx, err));
    TW_TRY(tw_store_set_meta(e->store, UNEMBEDDED_KEY, NULL, err));
done:
    return st;
}

/* ---- impossible ------------------------------------------------------------------------------ */

/* What embeds one stored item after the other. */
typedef struct mender {
    tw_engine *e;
    twi_generation *g;
    tw_tower_session *session;
    twi_item_reader reader;
    float vec[TW_ENGINE_MAX_DIM];
} mender;

static tw_status mend_row(mender *m, int64_t row, tw_error *err)
{
    tw_status st = TW_OK;
    tw_item item;
    tw_tower_item read;
    const int dim = tw_tower_dim(m->g->tower);

    TW_TRY(tw_store_item(m->e->store, row, &item, err));
    TW_TRY(twi_item_read(&m->reader, &item, &read, err));
    TW_TRY(tw_tower_embed(m->session, &read, m->vec, NULL, err));
    TW_TRY(tw_store_put_vector(m->e->store, row, m->g->towers_version, m->vec, dim, NULL, err));
    TW_TRY(tw_index_put(m->g->items, row, m->vec, err));
done:
    tw_item_fini(&item);
    return st;
}

static tw_status mend_rows(tw_engine *e, twi_generation *g, int64_t *mended, tw_error *err)
{
    tw_status st = TW_OK;
    mender *m = tw_alloc(1, sizeof *m);
    if (m == NULL)
        return tw_fail(err, TW_ENOMEM, "embedding of damaged vectors");
    m->e = e;
    m->g = g;
    twi_item_reader_init(&m->reader, g->tower, NULL);
    TW_TRY(tw_tower_session_create(&m->session, g->tower, err));
    for (int64_t i = 0; i < g->n_invalid; i++) {
        st = mend_row(m, g->invalid[i], err);
        if (st != TW_OK && st != TW_ENOTFOUND && st != TW_ECORRUPT) /* gone, or damaged itself */
            goto done;
        *mended += st == TW_OK;
    }
    st = TW_OK;
done:
    tw_tower_session_destroy(m->session);
    twi_item_reader_fini(&m->reader);
    tw_free(m);
    return st;
}

tw_status twi_mend_invalid(tw_engine *e, twi_generation *g, tw_error *err)
{
    tw_status st = TW_OK;
    int64_t mended = 0;
    if (g->n_invalid == 0)
        return TW_OK;
    if (e->mode == TW_ENGINE_WRITE)
        st = mend_rows(e, g, &mended, err);
    tw_log(TW_LOG_WARN, "VECTORS-DAMAGED",
           "model=%d vectors=%lld first_row=%lld embedded_anew=%lld", g->version,
           (long long) g->n_invalid, (long long) g->invalid[0], (long long) mended);
    g->n_invalid = 0;
    return st;
}
