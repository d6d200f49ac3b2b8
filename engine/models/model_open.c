/* The files of a version, opened. */
#include "engine/models/model_open.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "engine/engine_state.h"
#include "engine/models/model_dir.h"
#include "engine/models/registry.h"

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

/* A message about a file of the directory reaches clients, too: they learn its name in the
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
    const int width = out->seq == NULL ? 0 : tw_seq_model_config(out->seq)->item_features_dim;
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
