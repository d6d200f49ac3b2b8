/* From a version's files to a generation: models, and indexes out of snapshots or anew. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "engine/models/versions.h"

/* ---- models ---------------------------------------------------------------------------------- */

typedef tw_status (*part_load_fn)(void *out, const char *path, tw_error *err);

static tw_status load_towers(void *out, const char *path, tw_error *err)
{
    return tw_tower_load(&((twi_opened *) out)->tower, path, err);
}

static tw_status load_seq(void *out, const char *path, tw_error *err)
{
    return tw_seq_model_load(&((twi_opened *) out)->seq, path, err);
}

/* One of the two parts of a version. */
typedef struct part {
    const char *file;
    bool towers;
    int trained; /* the version in which it was trained; 0: there is none */
    part_load_fn load;
    char *problem; /* (TW_ERROR_MSG_MAX) */
} part;

/* What is said of a file of the directory is said to clients, too: they learn its name in the
 * directory, not where that is. */
static void say_without_folder(const tw_engine *e, const char *why, char out[TW_ERROR_MSG_MAX])
{
    const size_t len = strlen(e->dir);
    size_t n = 0;
    while (*why != '\0' && n + 1 < TW_ERROR_MSG_MAX) {
        if (strncmp(why, e->dir, len) == 0 && why[len] == '/')
            why += len + 1;
        else
            out[n++] = *why++;
    }
    out[n] = '\0';
}

/* The same part lies in every folder since the one in which it was trained. from <- the one that is
 * good; "": none is. TW_ENOMEM. */
static tw_status load_from_another(tw_engine *e, int version, const part *p, twi_opened *out,
                                   char from[TW_PATH_MAX])
{
    twi_registry r;
    char dir[TW_PATH_MAX];
    bool found = false;

    tw_status st = twi_registry_load(e, &r, NULL);
    for (int i = r.n; st != TW_ENOMEM && i-- > 0 && !found;) {
        const twi_version *v = &r.versions[i];
        if (v->version == version ||
            (p->towers ? v->parts.towers_version : v->parts.seq_version) != p->trained ||
            twi_model_dir(e, v->version, dir, NULL) != TW_OK ||
            tw_path_join(from, dir, p->file, NULL) != TW_OK || !tw_file_exists(from))
            continue;
        st = p->load(out, from, NULL);
        found = st == TW_OK;
    }
    if (!found)
        from[0] = '\0';
    twi_registry_fini(&r);
    return st == TW_ENOMEM ? st : TW_OK;
}

static tw_status open_part(tw_engine *e, int version, const part *p, bool serve, twi_opened *out,
                           tw_error *err)
{
    char dir[TW_PATH_MAX], path[TW_PATH_MAX], from[TW_PATH_MAX] = "";
    tw_error why = {0};

    if (p->trained == 0)
        return TW_OK;
    tw_status st = twi_model_dir(e, version, dir, err);
    if (st == TW_OK)
        st = tw_path_join(path, dir, p->file, err);
    if (st != TW_OK)
        return st;
    st = p->load(out, path, &why);
    if (st == TW_OK)
        return TW_OK;
    if (st != TW_ENOMEM && serve)
        st = load_from_another(e, version, p, out, from);
    if (st == TW_ENOMEM)
        return tw_fail(err, TW_ENOMEM, "model %d of '%s'", version, e->dir);
    if (from[0] != '\0') {
        const bool mended = e->mode == TW_ENGINE_WRITE && twi_model_restore(from, path);
        *(p->towers ? &out->towers_borrowed : &out->seq_borrowed) = !mended;
        tw_log(TW_LOG_WARN, "MODEL-COPY-USED", "model=%d path=\"%s\" restored=%s reason=\"%s\"",
               version, from, mended ? "yes" : "no", why.msg);
        return TW_OK;
    }
    say_without_folder(e, why.msg, p->problem);
    if (serve)
        tw_log(TW_LOG_ERROR, "MODEL-UNUSABLE", "model=%d reason=\"%s\"", version, why.msg);
    return TW_OK;
}

tw_status twi_models_open(tw_engine *e, int version, twi_model_parts parts, bool serve,
                          twi_opened *out, tw_error *err)
{
    *out = (twi_opened){0};
    const part towers = {TWI_TOWERS_FILE, true, parts.towers_version, load_towers,
                         out->towers_problem};
    const part seq = {TWI_SEQ_FILE, false, parts.seq_version, load_seq, out->seq_problem};
    tw_status st = open_part(e, version, &towers, serve, out, err);
    if (st == TW_OK)
        st = open_part(e, version, &seq, serve, out, err);
    /* The registry and the files must agree on how wide content is, or a query would read past it.
     */
    const int width = out->seq == NULL ? 0 : tw_seq_model_config(out->seq)->content_dim;
    const bool projects =
        parts.content_version > 0 && parts.content_version == parts.towers_version;
    if (st == TW_OK && out->seq != NULL &&
        ((parts.content_version > 0) != (width > 0) ||
         (projects && out->tower != NULL && width != tw_tower_dim(out->tower)))) {
        (void) snprintf(out->seq_problem, sizeof out->seq_problem,
                        "the sequential model reads content %d wide, which is not what the version "
                        "was registered with",
                        width);
        tw_seq_model_destroy(out->seq);
        out->seq = NULL;
        if (serve)
            tw_log(TW_LOG_ERROR, "MODEL-UNUSABLE", "model=%d reason=\"%s\"", version,
                   out->seq_problem);
    }
    if (st != TW_OK)
        twi_opened_fini(out);
    return st;
}

void twi_opened_fini(twi_opened *o)
{
    tw_tower_destroy(o->tower);
    tw_seq_model_destroy(o->seq);
    *o = (twi_opened){0};
}

/* ---- indexes --------------------------------------------------------------------------------- */

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

/* An open builds no graph: content is served at once, and whoever stays merges (defer_graph). A
 * version that is published comes with its own. */
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

/* ---- both ------------------------------------------------------------------------------------ */

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
        TW_TRY(twi_mend_unsound(e, g, err));
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
