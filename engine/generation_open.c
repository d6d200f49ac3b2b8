/* From a version's files to a generation: models, and indexes out of snapshots or anew. */
#include "engine/generation_open.h"

#include <string.h>

#include "base/log.h"
#include "engine/engine_state.h"
#include "engine/follow.h"
#include "engine/mend.h"
#include "engine/models/model_open.h"
#include "engine/snapshot.h"

/* Loads the snapshot of `kind` when it is good and of these models; otherwise leaves *ix NULL. */
static tw_status load_snapshot(tw_engine *e, const twi_generation *g, const char *kind, int version,
                               const tw_index_config *cfg, int64_t newest, tw_index **ix,
                               int64_t *seq, tw_error *err)
{
    char path[TW_PATH_MAX];
    tw_index_snapshot info;
    tw_error why = {0};

    *ix = NULL;
    *seq = -1;
    tw_status st = twi_index_path(e, kind, version, path, err);
    if (st != TW_OK || !tw_file_exists(path))
        return st;
    st = tw_index_load(ix, cfg, path, &info, &why);
    if (st == TW_ENOMEM)
        return tw_fail(err, TW_ENOMEM, "index of '%s'", e->dir);
    if (st != TW_OK) {
        tw_log(TW_LOG_WARN, "INDEX-REBUILD", "path=\"%s\" reason=\"%s\"", path, why.msg);
        return TW_OK;
    }
    const char *unfit = NULL;
    st = twi_snapshot_unfit(e, g, kind, version, info.tag, &unfit, err);
    if (unfit == NULL && info.seq > newest) /* the store was put back from an older copy */
        unfit = "newer than the store";
    if (st != TW_OK || unfit != NULL) {
        if (st == TW_OK)
            tw_log(TW_LOG_WARN, "INDEX-REBUILD", "path=\"%s\" reason=\"%s\"", path, unfit);
        tw_index_destroy(*ix);
        *ix = NULL;
        return st;
    }
    *seq = info.seq;
    return TW_OK;
}

/* An open builds no graph: what is there is served at once, and a process that stays merges
 * (defer_graph). A version that is published comes with its own. */
static tw_status open_items(tw_engine *e, twi_generation *g, int64_t newest,
                            tw_progress_fn progress, void *ctx, tw_error *err)
{
    const tw_index_config cfg = {.dim = tw_tower_dim(g->tower),
                                 .exact_below = e->exact_below,
                                 .defer_graph = e->current == NULL};
    tw_status st = load_snapshot(e, g, "items", g->towers_version, &cfg, newest, &g->items,
                                 &g->saved_items, err);
    if (st != TW_OK)
        return st;
    if (g->items != NULL)
        return twi_replay_items(e, g, g->saved_items, err);
    st = tw_index_create(&g->items, &cfg, err);
    return st == TW_OK ? twi_build_items(e, g, progress, ctx, err) : st;
}

static tw_status open_next(tw_engine *e, twi_generation *g, int64_t newest, tw_progress_fn progress,
                           void *ctx, tw_error *err)
{
    int64_t rows;
    tw_index_config cfg = {.exact_below = e->exact_below, .defer_graph = e->current == NULL};
    (void) tw_seq_item_vectors(g->seq, &rows, &cfg.dim);
    tw_status st =
        load_snapshot(e, g, "next", g->seq_version, &cfg, newest, &g->next, &g->saved_next, err);
    if (st != TW_OK)
        return st;
    if (g->next != NULL)
        return twi_replay_next(e, g, g->saved_next, err);
    st = tw_index_create(&g->next, &cfg, err);
    return st == TW_OK ? twi_build_next(e, g, progress, ctx, err) : st;
}

static tw_status open_models(tw_engine *e, twi_generation *g, twi_model_parts parts, tw_error *err)
{
    twi_opened o;
    tw_status st = twi_models_open(e, g->version, parts, true, &o, err);
    if (st != TW_OK)
        return st;
    g->tower = o.tower;
    g->seq = o.seq;
    g->towers_borrowed = o.towers_borrowed;
    g->seq_borrowed = o.seq_borrowed;
    memcpy(g->towers_problem, o.towers_problem, sizeof g->towers_problem);
    memcpy(g->seq_problem, o.seq_problem, sizeof g->seq_problem);
    g->projects = g->tower != NULL && parts.content_version > 0 &&
                  parts.content_version == parts.towers_version;
    return TW_OK;
}

tw_status twi_generation_load(tw_engine *e, int version, twi_model_parts parts,
                              tw_progress_fn progress, void *ctx, twi_generation **out,
                              int64_t *since, tw_error *err)
{
    tw_status st = TW_OK;
    twi_generation *g = NULL;

    *out = NULL;
    TW_TRY(twi_generation_empty(&g, err));
    g->version = version;
    g->towers_version = parts.towers_version;
    g->seq_version = parts.seq_version;
    g->content_version = parts.content_version;
    TW_TRY(open_models(e, g, parts, err));
    TW_TRY(twi_mend_pending(e, g, progress, ctx, err));
    TW_TRY(tw_store_seq(e->store, since, err));
    if (g->tower != NULL) {
        TW_TRY(open_items(e, g, *since, progress, ctx, err));
        TW_TRY(twi_mend_invalid(e, g, err));
    }
    if (g->seq != NULL)
        TW_TRY(open_next(e, g, *since, progress, ctx, err));
    twi_count_unread(e, g);
    *out = g;
    g = NULL;
done:
    twi_generation_free(g);
    return st;
}
