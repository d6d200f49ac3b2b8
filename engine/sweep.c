/* What a data directory holds that nobody needs any more: removed at every open for writing and
 * whenever another version begins to serve. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "engine/internal.h"

static struct dirent *next_entry(DIR *d)
{
    return readdir(d); /* NOLINT(concurrency-mt-unsafe): the stream is ours alone */
}

/* The version of "0007.tmp", or -1 for any other name. */
static int unfinished_version(const char *name)
{
    char stem[16];
    const size_t len = strlen(name);
    if (len < 5 || len >= sizeof stem || strcmp(name + len - 4, ".tmp") != 0)
        return -1;
    memcpy(stem, name, len - 4);
    stem[len - 4] = '\0';
    return twi_folder_version(stem);
}

static void sweep_models(tw_engine *e, const twi_registry *r)
{
    char path[TW_PATH_MAX], one[TW_PATH_MAX];
    if (tw_path_join(path, e->dir, "models", NULL) != TW_OK)
        return;
    DIR *d = opendir(path);
    if (d == NULL)
        return;
    for (struct dirent *at = next_entry(d); at != NULL; at = next_entry(d)) {
        const int v = twi_folder_version(at->d_name);
        if ((unfinished_version(at->d_name) > 0 || (v > 0 && !twi_registry_keeps(r, v))) &&
            tw_path_join(one, path, at->d_name, NULL) == TW_OK)
            (void) !tw_remove_tree(one, NULL); /* harmless litter if it stays */
    }
    (void) closedir(d);
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
    sweep_models(e, &r);
    sweep_vectors(e, &r);
    twi_registry_fini(&r);
}
