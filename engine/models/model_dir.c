/* models/NNNN: immutable folders, written beside and published by rename; the
 * store says which one serves. */
#include "engine/models/model_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/crash.h"
#include "engine/engine_state.h"
#include "engine/json_text.h"
#include "engine/models/registry.h"

tw_status twi_model_dir(tw_engine *e, int version, char out[TW_PATH_MAX], tw_error *err)
{
    char name[64];
    (void) snprintf(name, sizeof name, "models/%04d", version);
    return tw_path_join(out, twi_root(e), name, err);
}

int twi_folder_version(const char *name)
{
    int64_t v;
    return tw_parse_i64(name, &v) && v > 0 && v < 1000000 ? (int) v : -1;
}

static bool note_newest(void *ctx, const char *name)
{
    int *newest = ctx;
    const int v = twi_folder_version(name);
    *newest = v > *newest ? v : *newest;
    return true;
}

static tw_status newest_folder(tw_engine *e, int *newest, tw_error *err)
{
    char path[TW_PATH_MAX];
    tw_error why = {0};
    tw_status st = tw_path_join(path, twi_root(e), "models", err);
    if (st != TW_OK)
        return st;
    st = tw_dir_each(path, note_newest, newest, &why);
    return st == TW_OK
               ? st
               : tw_fail(err, st, "models cannot be kept: %.440s; put a folder in its place",
                         why.msg);
}

/* A second name for an immutable file; a copy where the file system has no links. */
static tw_status link_or_copy(const char *from, const char *to, tw_error *err)
{
    char *data = NULL;
    size_t len;
    if (link(from, to) == 0)
        return TW_OK;
    tw_status st = tw_file_read(from, SIZE_MAX / 2, &data, &len, err);
    if (st == TW_OK)
        st = tw_file_replace(to, data, len, err);
    tw_free(data);
    return st;
}

bool twi_model_restore(const char *from, const char *to)
{
    char tmp[TW_PATH_MAX];
    const int n = snprintf(tmp, sizeof tmp, "%s.tmp", to);
    if (n < 0 || (size_t) n >= sizeof tmp)
        return false;
    (void) unlink(tmp); /* left by a kill */
    if (link_or_copy(from, tmp, NULL) != TW_OK)
        return false;
    if (rename(tmp, to) == 0 && tw_sync_parent(to, NULL) == TW_OK)
        return true;
    (void) unlink(tmp);
    return false;
}

static bool is_file(const char *path)
{
    struct stat sb;
    return stat(path, &sb) == 0 && S_ISREG(sb.st_mode);
}

/* The part that is not trained anew moves on with what is known of its training: names[0] is the
 * model itself, which is written out where its own file is not what was loaded. */
static tw_status keep_part(const char *from_dir, const char *tmp, const char *const names[],
                           const twi_generation *base, bool towers, tw_error *err)
{
    tw_status st = TW_OK;
    const bool borrowed = towers ? base->towers_borrowed : base->seq_borrowed;
    for (int i = 0; names[i] != NULL; i++) {
        char from[TW_PATH_MAX], to[TW_PATH_MAX];
        TW_TRY(tw_path_join(from, from_dir, names[i], err));
        TW_TRY(tw_path_join(to, tmp, names[i], err));
        if (is_file(from) && !(i == 0 && borrowed))
            TW_TRY(link_or_copy(from, to, err));
        else if (i == 0)
            TW_TRY(towers ? tw_tower_save(base->tower, to, err)
                          : tw_seq_model_save(base->seq, to, err));
    }
done:
    return st;
}

tw_status twi_model_begin(tw_engine *e, const twi_generation *base, bool new_towers, int *version,
                          char tmp[TW_PATH_MAX], tw_error *err)
{
    twi_registry r = {0};
    char dir[TW_PATH_MAX];
    tw_status st = TW_OK;
    static const char *const towers[] = {TWI_TOWERS_FILE, TWI_TOWERS_REPORT, TWI_TOWERS_METRICS,
                                         NULL};
    static const char *const seq[] = {TWI_SEQ_FILE, TWI_SEQ_CUT, TWI_SEQ_REPORT, TWI_SEQ_METRICS,
                                      NULL};

    TW_TRY(twi_registry_load(e, &r, err));
    int newest = r.n > 0 ? r.versions[r.n - 1].version : 0;
    TW_TRY(newest_folder(e, &newest, err));
    *version = newest + 1;
    TW_TRY(twi_model_dir(e, *version, dir, err));
    int n = snprintf(tmp, TW_PATH_MAX, "%s.tmp", dir);
    if (n < 0 || n >= TW_PATH_MAX) {
        st = tw_fail(err, TW_EINVAL, "path of '%s' is too long", e->dir);
        goto done;
    }
    TW_TRY(tw_remove_tree(tmp, err)); /* left by a run that was killed */
    TW_TRY(tw_dir_create(tmp, err));
    tw_crash_point(); /* an empty models/NNNN.tmp */

    if (new_towers ? base->seq != NULL : base->tower != NULL) {
        TW_TRY(twi_model_dir(e, base->version, dir, err));
        TW_TRY(keep_part(dir, tmp, new_towers ? seq : towers, base, !new_towers, err));
    }
done:
    twi_registry_fini(&r);
    return st;
}

tw_status twi_open_metrics(FILE **out, const char *tmp, const char *name, tw_error *err)
{
    char path[TW_PATH_MAX];
    tw_status st = tw_path_join(path, tmp, name, err);
    if (st != TW_OK)
        return st;
    *out = fopen(path, "we"); // banned-ok: to write
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

tw_status twi_model_finish(tw_engine *e, int version, const char *tmp, twi_model_parts parts,
                           const char *withheld, char **json, tw_error *err)
{
    tw_status st = TW_OK;
    char path[TW_PATH_MAX], dir[TW_PATH_MAX], when[32];
    char *text = NULL;

    *json = NULL;
    json_t *root =
        json_pack("{s:i, s:i, s:i, s:i, s:i, s:s, s:s*}", "format", TWI_MODEL_FORMAT, "version",
                  version, "towers_version", parts.towers_version, "seq_version", parts.seq_version,
                  "content_version", parts.content_version, "created",
                  tw_clock_iso8601(when, sizeof when, tw_clock_unix()), "withheld", withheld);
    if (parts.smoothed)
        (void) json_object_set_new(root, "smoothed", json_true());
    TW_TRY(twi_json_dump(root, &text, err));
    TW_TRY(tw_path_join(path, tmp, "model.json", err));
    TW_TRY(tw_file_replace(path, text, strlen(text), err));
    TW_TRY(tw_sync_dir(tmp, err));
    tw_crash_point(); /* complete under the wrong name */
    TW_TRY(twi_model_dir(e, version, dir, err));
    if (rename(tmp, dir) != 0) {
        st = tw_fail_errno(err, "cannot rename '%s' to '%s'", tmp, dir);
        goto done;
    }
    TW_TRY(tw_sync_parent(dir, err));
    tw_crash_point(); /* published, but the store does not know it yet */
    *json = text;
    text = NULL;
done:
    tw_free(text);
    json_decref(root);
    return st;
}

tw_status twi_model_report(const char *tmp, const char *name, const char *json, tw_error *err)
{
    char path[TW_PATH_MAX];
    tw_status st = tw_path_join(path, tmp, name, err);
    return st == TW_OK ? tw_file_replace(path, json, strlen(json), err) : st;
}
