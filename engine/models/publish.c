/* From a trained model in models/NNNN.tmp to the one that serves. */
#include "engine/models/publish.h"

#include "base/alloc.h"
#include "base/crash.h"
#include "base/log.h"
#include "engine/embed.h"
#include "engine/engine_state.h"
#include "engine/follow.h"
#include "engine/generation_open.h"
#include "engine/models/model_dir.h"
#include "engine/models/registry.h"
#include "engine/models/sweep.h"
#include "engine/snapshot.h"
#include "engine/training.h"

/* One transaction makes it true; a kill before it leaves the old version serving. json NULL: the
 * version is registered already. */
static tw_status activate(tw_engine *e, int version, const char *json, tw_error *err)
{
    tw_status st = TW_OK;
    TW_TRY(tw_store_begin(e->store, err));
    if (json != NULL)
        TW_TRY(tw_store_add_model(e->store, version, json, err));
    TW_TRY(twi_registry_activate(e, version, err));
    TW_TRY(tw_store_commit(e->store, err));
    tw_crash_point(); /* it serves from the next open on */
done:
    tw_store_rollback(e->store);
    return st;
}

/* What was written while the new indexes were built. The writer lock is held. */
static tw_status catch_up(tw_engine *e, twi_generation *g, int64_t since, bool new_towers,
                          const tw_train_options *opt, tw_error *err)
{
    tw_status st = TW_OK;
    if (new_towers)
        TW_TRY(twi_embed_pending(e, g->towers_version, g->tower, opt->progress, opt->progress_ctx,
                                 err));
    if (g->items != NULL)
        TW_TRY(twi_replay_items(e, g, since, err));
    if (g->next != NULL)
        TW_TRY(twi_replay_next(e, g, since, err));
done:
    return st;
}

/* Whether the vectors of g's towers are not those that puts make now. */
static bool brings_towers(tw_engine *e, const twi_generation *g)
{
    twi_generation *now = twi_acquire(e);
    const bool same = now->tower != NULL && now->towers_version == g->towers_version;
    twi_release(e, now);
    return g->tower != NULL && !same;
}

/* Loads a version that is on disk, makes it active and current. `need_towers`, `need_seq`: parts
 * without which it must not be. */
static tw_status serve(tw_engine *e, int version, twi_model_parts parts, const char *json,
                       bool need_towers, bool need_seq, const tw_train_options *opt, tw_error *err)
{
    tw_status st = TW_OK;
    int64_t since;
    twi_generation *g = NULL;

    TW_TRY(
        twi_generation_load(e, version, parts, opt->progress, opt->progress_ctx, &g, &since, err));
    if ((need_towers && g->tower == NULL) || (need_seq && g->seq == NULL)) {
        st = tw_fail(err, TW_ECORRUPT, "model %d cannot serve: %.400s", version,
                     need_towers && g->tower == NULL ? g->towers_problem : g->seq_problem);
        goto done;
    }
    const bool new_towers = brings_towers(e, g);

    (void) pthread_mutex_lock(&e->writer);
    st = catch_up(e, g, since, new_towers, opt, err);
    if (st == TW_OK)
        st = activate(e, version, json, err);
    if (st == TW_OK) {
        twi_count_unread(e, g);
        twi_generation_swap(e, g);
        g = NULL;
        st = tw_store_seq(e->store, &e->applied, err);
    }
    (void) pthread_mutex_unlock(&e->writer);
    TW_TRY(st);

    if (parts.content_version > 0 && parts.content_version != parts.towers_version)
        tw_log(TW_LOG_WARN, "SEQ-CONTENT-FROZEN", "model=%d towers=%d reads=%d", version,
               parts.towers_version, parts.content_version);
    twi_sweep(e);
    (void) !twi_snapshot(e, NULL); /* logged inside; the version serves, and indexes are derived */
done:
    twi_generation_free(g);
    return st;
}

static tw_status withhold(tw_engine *e, int version, const char *json, tw_error *err)
{
    tw_status st = tw_store_add_model(e->store, version, json, err);
    tw_crash_point(); /* registered; what served goes on */
    if (st == TW_OK)
        twi_sweep(e);
    return st;
}

tw_status twi_publish(tw_engine *e, const twi_new_version *v, const tw_train_options *opt,
                      tw_error *err)
{
    tw_status st = TW_OK;
    char *json = NULL;
    twi_model_parts parts = v->parts;

    parts.smoothed = v->tower != NULL && v->smooth != NULL;
    TW_TRY(twi_model_finish(e, v->version, v->tmp, parts, v->withheld, &json, err));
    if (v->tower != NULL && (v->withheld == NULL || parts.smoothed))
        TW_TRY(twi_embed_pending(e, v->version, v->tower, opt->progress, opt->progress_ctx, err));
    if (parts.smoothed)
        TW_TRY(twi_lightgcn_catalogue(e, v->version, tw_tower_dim(v->tower), v->smooth, err));
    if (v->withheld != NULL)
        st = withhold(e, v->version, json, err);
    else
        st = serve(e, v->version, parts, json, v->tower != NULL, v->tower == NULL, opt, err);
done:
    tw_free(json);
    return st;
}

/* ---- a version that was made earlier --------------------------------------------------------- */

static tw_status activate_again(tw_engine *e, const twi_registry *r, int version,
                                const tw_train_options *opt, tw_error *err)
{
    twi_model_parts parts;
    char dir[TW_PATH_MAX];
    tw_status st = twi_registry_parts(r, version, &parts, err);
    if (st == TW_OK)
        st = twi_model_dir(e, version, dir, err);
    if (st != TW_OK)
        return st;
    if (!tw_file_exists(dir)) {
        return tw_fail(err, TW_ENOTFOUND,
                       "model %d is not kept any more; see which are with: twindex models %s",
                       version, e->dir);
    }
    twi_generation *now = twi_acquire(e);
    const bool serves =
        now->version == version && now->towers_problem[0] == '\0' && now->seq_problem[0] == '\0';
    twi_release(e, now);
    if (serves)
        return tw_fail(err, TW_EEXIST, "model %d serves already", version);
    return serve(e, version, parts, NULL, parts.towers_version > 0, parts.seq_version > 0, opt,
                 err);
}

static tw_status change_version(tw_engine *e, int version, const tw_train_options *opt, int *made,
                                tw_error *err)
{
    static const tw_train_options silent = {0};
    twi_registry r = {0};
    tw_status st = twi_need_write(e, err);
    if (st == TW_OK)
        st = twi_bulk_begin(e, err);
    if (st != TW_OK)
        return st;
    TW_TRY(twi_registry_load(e, &r, err));
    if (version == 0)
        version = r.before;
    if (version == 0) {
        st = tw_fail(err, TW_ESTATE, "no model served before the one that does");
        goto done;
    }
    TW_TRY(activate_again(e, &r, version, opt != NULL ? opt : &silent, err));
    *made = version;
done:
    twi_registry_fini(&r);
    twi_bulk_end(e);
    return st;
}

tw_status tw_engine_activate(tw_engine *e, int version, const tw_train_options *opt, tw_error *err)
{
    int made;
    if (version < 1)
        return tw_fail(err, TW_EINVAL, "model version %d is not positive", version);
    return change_version(e, version, opt, &made, err);
}

tw_status tw_engine_rollback(tw_engine *e, const tw_train_options *opt, int *version, tw_error *err)
{
    *version = 0;
    return change_version(e, 0, opt, version, err);
}
