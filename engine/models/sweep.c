/* What a data directory holds that is not needed any more: removed at every open for writing and
 * whenever another version begins to serve. */
#include "engine/models/sweep.h"

#include <string.h>

#include "base/file.h"
#include "engine/engine_state.h"
#include "engine/models/model_dir.h"
#include "engine/models/registry.h"

/* Whether the entry of this name is not needed. */
typedef bool (*stale_fn)(const twi_registry *r, const char *name);

typedef struct sweep {
    const twi_registry *r;
    stale_fn is_stale;
    char path[TW_PATH_MAX]; /* of the folder */
} sweep;

static bool sweep_entry(void *ctx, const char *name)
{
    const sweep *s = ctx;
    char one[TW_PATH_MAX];
    if (s->is_stale(s->r, name) && tw_path_join(one, s->path, name, NULL) == TW_OK)
        (void) !tw_remove_tree(one, NULL);
    return true;
}

/* What stays does no harm. */
static void sweep_folder(tw_engine *e, const twi_registry *r, const char *folder, stale_fn is_stale)
{
    sweep s = {.r = r, .is_stale = is_stale};
    if (tw_path_join(s.path, twi_root(e), folder, NULL) == TW_OK)
        (void) !tw_dir_each(s.path, sweep_entry, &s, NULL);
}

/* Cuts `end` off the name into stem (size bytes). False: the name does not end so, or is too long
 * to be one of ours. */
static bool cut_end(const char *name, const char *end, char *stem, size_t size)
{
    const size_t len = strlen(name), tail = strlen(end);
    if (len <= tail || len - tail >= size || strcmp(name + len - tail, end) != 0)
        return false;
    memcpy(stem, name, len - tail);
    stem[len - tail] = '\0';
    return true;
}

/* "0007" of a version that is not kept, "0007.tmp" */
static bool is_stale_model(const twi_registry *r, const char *name)
{
    char stem[16];
    if (cut_end(name, ".tmp", stem, sizeof stem))
        return twi_folder_version(stem) > 0;
    const int version = twi_folder_version(name);
    return version > 0 && !twi_registry_keeps(r, version);
}

/* "items-0001.twx" or "next-0002.twx" of parts that do not serve: what was dropped from the store
 * since would be found in them. And any of these with ".tmp" behind. */
static bool is_stale_index(const twi_registry *r, const char *name)
{
    char file[32], stem[32];
    const twi_version *v = twi_registry_find(r, r->serves);
    const bool unfinished = cut_end(name, ".tmp", file, sizeof file);
    if (!cut_end(unfinished ? file : name, ".twx", stem, sizeof stem))
        return false;
    const bool items = strncmp(stem, "items-", 6) == 0;
    if (!items && strncmp(stem, "next-", 5) != 0)
        return false;
    const int version = twi_folder_version(stem + (items ? 6 : 5));
    const int serves = v == NULL ? 0 : items ? v->parts.towers_version : v->parts.seq_version;
    return version > 0 && (unfinished || version != serves);
}

/* What a killed training was writing; its finished checkpoint stays, for it goes on from there. */
static bool is_stale_top(const twi_registry *r, const char *name)
{
    (void) r;
    return strcmp(name, TWI_SEQ_CHECKPOINT ".tmp") == 0 ||
           strcmp(name, TWI_TOWERS_CHECKPOINT ".tmp") == 0;
}

/* Those of the towers that serve, and what was smoothed over a graph that is not kept: all others
 * are made again when their version is activated. */
static bool needs_vectors(const twi_registry *r, int model)
{
    const twi_version *made = twi_registry_find(r, model);
    for (int i = 0; i < r->n; i++) {
        const twi_version *v = &r->versions[i];
        if (v->parts.towers_version == model &&
            (v->version == r->serves ||
             (made != NULL && made->parts.smoothed && twi_registry_keeps(r, v->version))))
            return true;
    }
    return false;
}

static void sweep_vectors(tw_engine *e, const twi_registry *r)
{
    tw_store_stats stats;
    if (tw_store_get_stats(e->store, &stats, NULL) != TW_OK)
        return;
    for (int i = 0; i < stats.n_models; i++)
        if (!needs_vectors(r, stats.models[i].model))
            (void) !tw_store_drop_vectors(e->store, stats.models[i].model, NULL, NULL);
}

void twi_sweep(tw_engine *e)
{
    twi_registry r;
    if (twi_registry_load(e, &r, NULL) != TW_OK)
        return;
    sweep_folder(e, &r, "models", is_stale_model);
    sweep_folder(e, &r, "", is_stale_top);
    (void) pthread_mutex_lock(&e->saving);
    sweep_folder(e, &r, "index", is_stale_index);
    (void) pthread_mutex_unlock(&e->saving);
    sweep_vectors(e, &r);
    twi_registry_fini(&r);
}
