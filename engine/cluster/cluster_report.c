/* A clustering in figures, and beside the classes that an attribute makes. */
#include <jansson.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "engine/cluster/cluster_parts.h"
#include "engine/json_text.h"
#include "metrics/clusters.h"

/* ---- classes --------------------------------------------------------------------------------- */

struct twi_classes {
    char *name;
    int64_t items; /* that have the attribute */
    int64_t n;     /* (item, value) pairs */
    size_t room;
    int32_t *cluster, *value; /* (n) */
    json_t *known;            /* value as text -> its number */
};

tw_status twi_classes_begin(twi_classes **out, const char *name, tw_error *err)
{
    twi_classes *c = tw_alloc(1, sizeof *c);
    *out = c;
    if (c != NULL) {
        c->name = tw_strdup(name);
        c->known = json_object();
    }
    if (c != NULL && c->name != NULL && c->known != NULL)
        return TW_OK;
    twi_classes_end(c);
    *out = NULL;
    return tw_fail(err, TW_ENOMEM, "classes");
}

void twi_classes_end(twi_classes *c)
{
    if (c == NULL)
        return;
    tw_free(c->name);
    tw_free(c->cluster);
    tw_free(c->value);
    json_decref(c->known);
    tw_free(c);
}

static tw_status add_class(twi_classes *c, int cluster, const json_t *value, tw_error *err)
{
    tw_status st = TW_OK;
    char *text = NULL;
    if (!json_is_string(value) && !json_is_number(value) && !json_is_boolean(value))
        return TW_OK;
    const tw_column columns[] = {TW_COLUMN(&c->cluster), TW_COLUMN(&c->value)};
    TW_TRY(tw_grow_columns(columns, 2, &c->room, (size_t) c->n + 1, "classes of items", err));
    TW_TRY(twi_json_dump(value, &text, err));
    json_t *number = json_object_get(c->known, text);
    if (number == NULL) {
        number = json_integer((json_int_t) json_object_size(c->known));
        if (json_object_set_new(c->known, text, number) != 0) {
            st = tw_fail(err, TW_ENOMEM, "class '%.60s'", text);
            goto done;
        }
    }
    c->cluster[c->n] = cluster;
    c->value[c->n++] = (int32_t) json_integer_value(number);
done:
    tw_free(text);
    return st;
}

tw_status twi_classes_read(twi_classes *c, int cluster, const char *attributes, tw_error *err)
{
    tw_status st = TW_OK;
    const int64_t before = c->n;
    json_t *root = json_loads(attributes, 0, NULL);
    const json_t *value = json_object_get(root, c->name);
    json_t *one;
    size_t i;
    if (value != NULL)
        TW_TRY(add_class(c, cluster, value, err));
    json_array_foreach(value, i, one) TW_TRY(add_class(c, cluster, one, err));
    c->items += c->n > before;
done:
    json_decref(root);
    return st;
}

/* Fills c->against_...; *out is the same as JSON. */
static tw_status compare(const twi_classes *k, tw_clustering *c, json_t **out, tw_error *err)
{
    tw_status st = TW_OK;
    if (k->n == 0) {
        st = tw_fail(err, TW_EINVAL, "no item has an attribute '%.100s'", k->name);
        goto done;
    }
    TW_TRY(tw_clusters_nmi(&c->against_nmi, k->cluster, k->value, k->n, err));
    c->against_classes = (int) json_object_size(k->known);
    c->against_items = k->items;
    *out = json_pack("{s:s, s:i, s:I, s:f}", "attribute", k->name, "classes", c->against_classes,
                     "items", (json_int_t) c->against_items, "nmi", c->against_nmi);
done:
    return st;
}

/* ---- the report ------------------------------------------------------------------------------ */

static json_t *cluster_json(const tw_clustering *c, const twi_cluster_work *w, int a)
{
    const tw_cluster *own = &c->clusters[a];
    json_t *central = json_array();
    for (int s = 0; s < TWI_CENTRAL && w->central[a][s] >= 0; s++) {
        const tw_cluster_item *item = &c->items[w->central[a][s]];
        (void) json_array_append_new(central,
                                     json_pack("{s:s, s:s, s:f}", "id", item->id, "title",
                                               item->title, "cosine", (double) item->score));
    }
    json_t *out = json_pack("{s:i, s:s, s:I, s:f, s:f, s:o}", "id", a + 1, "name", own->name,
                            "size", (json_int_t) own->size, "cosine", own->cosine, "silhouette",
                            own->silhouette, "central", central);
    if (own->nearest >= 0)
        (void) json_object_set_new(out, "nearest", json_integer(own->nearest + 1));
    return out;
}

tw_status twi_cluster_report(tw_clustering *c, const tw_cluster_options *opt,
                             const twi_cluster_work *w, const twi_classes *classes, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *all = json_array(), *against = NULL;
    json_t *root = json_pack(
        "{s:i, s:I, s:I, s:f, s:I, s:f, s:f}", "model", c->model, "items", (json_int_t) c->n,
        "unread", (json_int_t) c->unread, "coverage", (double) (c->n - c->unread) / (double) c->n,
        "seed", (json_int_t) opt->seed, "cosine", c->cosine, "silhouette", c->silhouette);
    if (classes != NULL) {
        TW_TRY(compare(classes, c, &against, err));
        (void) json_object_set_new(root, "against", against);
    }
    if (opt->map) {
        (void) json_object_set_new(root, "map",
                                   json_pack("{s:i, s:f, s:f}", "neighbours", 10, "kept",
                                             c->map_kept, "kept_by_components",
                                             c->components_kept));
    }
    for (int a = 0; a < c->k; a++)
        (void) json_array_append_new(all, cluster_json(c, w, a));
    (void) json_object_set(root, "clusters", all);
    TW_TRY(twi_json_dump(root, &c->report, err));
done:
    json_decref(all);
    json_decref(root);
    return st;
}
