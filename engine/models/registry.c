/* Which model versions the store knows, which of them served and when, and which are kept.
 *
 * Kept are the version that serves, the one that served before it, and the newest few that never
 * served: so a mistake can be undone, and a training that was not activated can be looked at. */
#include "engine/models/registry.h"

#include <jansson.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "engine/engine_state.h"
#include "engine/json_text.h"
#include "engine/models/model_dir.h"

#define SERVED_KEY "models.served" /* meta: a JSON list of versions, the last to serve first */

static tw_status add_version(twi_registry *r, const twi_version *v, tw_error *err)
{
    tw_status st = tw_grow(&r->versions, &r->room, (size_t) r->n + 1, "model versions", err);
    if (st == TW_OK)
        r->versions[r->n++] = *v;
    return st;
}

/* An entry that cannot be read leaves its version without parts: the others are none the worse. */
static tw_status read_entry(void *ctx, const tw_store_model *m, tw_error *err)
{
    twi_registry *r = ctx;
    twi_version v = {.version = m->version};
    const char *created = "", *withheld = "";
    int format = 0, towers = 0, seq = 0, content = 0, smoothed = 0;
    json_t *root = json_loads(m->json, 0, NULL);
    const bool good =
        root != NULL &&
        json_unpack(root, "{s:i, s:i, s:i, s?i, s?b, s?s, s?s}", "format", &format,
                    "towers_version", &towers, "seq_version", &seq, "content_version", &content,
                    "smoothed", &smoothed, "created", &created, "withheld", &withheld) == 0;

    if (m->active)
        r->serves = m->version;
    if (!good || towers < 0 || seq < 0 || content < 0 || towers > m->version || seq > m->version ||
        content > seq) {
        (void) snprintf(v.problem, sizeof v.problem, "the store's entry of model %d is damaged",
                        m->version);
    } else {
        v.newer_format = format > TWI_MODEL_FORMAT ? format : 0;
        v.parts = (twi_model_parts){towers, seq, content, smoothed != 0};
        (void) snprintf(v.created, sizeof v.created, "%s", created);
        (void) snprintf(v.withheld, sizeof v.withheld, "%s", withheld);
    }
    json_decref(root);
    return add_version(r, &v, err);
}

static twi_version *find(const twi_registry *r, int version)
{
    for (int i = 0; i < r->n; i++)
        if (r->versions[i].version == version)
            return &r->versions[i];
    return NULL;
}

const twi_version *twi_registry_find(const twi_registry *r, int version)
{
    return find(r, version);
}

/* Notes that a version served, later ones first. */
static void note_served(twi_registry *r, int version, int *order)
{
    twi_version *v = find(r, version);
    if (v == NULL || v->served > 0)
        return;
    v->served = ++*order;
    if (*order == 2)
        r->before = version;
}

/* Before versions could be withheld, each one served once it was made. */
static tw_status read_served(tw_engine *e, twi_registry *r, tw_error *err)
{
    tw_text text;
    int order = 0;

    note_served(r, r->serves, &order);
    tw_text_init(&text, TW_STORE_MAX_META);
    tw_status st = tw_store_meta(e->store, SERVED_KEY, &text, err);
    json_t *list = st == TW_OK ? json_loads(tw_text_cstr(&text), 0, NULL) : NULL;
    if (json_is_array(list)) {
        for (size_t i = 0; i < json_array_size(list); i++)
            note_served(r, (int) json_integer_value(json_array_get(list, i)), &order);
    } else {
        for (int i = r->n; i-- > 0;)
            if (r->versions[i].version < r->serves)
                note_served(r, r->versions[i].version, &order);
    }
    json_decref(list);
    tw_text_fini(&text);
    return st == TW_ENOTFOUND ? TW_OK : st;
}

tw_status twi_registry_load(tw_engine *e, twi_registry *out, tw_error *err)
{
    *out = (twi_registry){0};
    tw_status st = tw_store_each_model(e->store, read_entry, out, err);
    if (st == TW_OK)
        st = read_served(e, out, err);
    if (st != TW_OK)
        twi_registry_fini(out);
    return st;
}

void twi_registry_fini(twi_registry *r)
{
    tw_free(r->versions);
    *r = (twi_registry){0};
}

bool twi_registry_keeps(const twi_registry *r, int version)
{
    int newer = 0; /* that never served */
    const twi_version *v = find(r, version);
    if (v == NULL)
        return false;
    if (v->served > 0)
        return v->served <= TWI_KEPT_SERVED;
    for (int i = 0; i < r->n; i++)
        newer += r->versions[i].served == 0 && r->versions[i].version > version;
    return newer < TWI_KEPT_WITHHELD;
}

tw_status twi_registry_parts(const twi_registry *r, int version, twi_model_parts *out,
                             tw_error *err)
{
    const twi_version *v = find(r, version);
    *out = (twi_model_parts){0};
    if (v == NULL)
        return tw_fail(err, TW_ENOTFOUND, "no model has the version %d", version);
    if (v->newer_format > 0)
        return tw_fail(err, TW_EUNSUPPORTED, "model %d was made by a newer twindex (format %d)",
                       version, v->newer_format);
    if (v->problem[0] != '\0')
        return tw_fail(err, TW_ECORRUPT, "%s", v->problem);
    *out = v->parts;
    return TW_OK;
}

/* The list of those that served, `version` first. */
static char *served_list(const twi_registry *r, int version)
{
    json_t *list = json_array();
    (void) json_array_append_new(list, json_integer(version));
    for (int order = 1; order <= r->n; order++) {
        for (int i = 0; i < r->n; i++)
            if (r->versions[i].served == order && r->versions[i].version != version)
                (void) json_array_append_new(list, json_integer(r->versions[i].version));
    }
    char *text = NULL;
    (void) !twi_json_dump(list, &text, NULL);
    json_decref(list);
    return text;
}

tw_status twi_registry_activate(tw_engine *e, int version, tw_error *err)
{
    tw_status st = TW_OK;
    twi_registry r = {0};
    char *served = NULL;

    TW_TRY(twi_registry_load(e, &r, err));
    served = served_list(&r, version);
    if (served == NULL) {
        st = tw_fail(err, TW_ENOMEM, "list of model versions");
        goto done;
    }
    TW_TRY(tw_store_set_meta(e->store, SERVED_KEY, served, err));
    TW_TRY(tw_store_activate_model(e->store, version, err));
done:
    tw_free(served);
    twi_registry_fini(&r);
    return st;
}
