/* What programs wrap around a row and its values when they export it: Elasticsearch puts the row
 * into "_source", MongoDB writes types that JSON lacks as objects like {"$oid": "5f..."} (Extended
 * JSON v2). */
#include <string.h>

#include "ingest/internal.h"

static json_t *number_of(json_t *v, bool whole)
{
    int64_t i;
    double d;
    if (!json_is_string(v))
        return json_is_number(v) ? json_incref(v) : json_null();
    if (whole && tw_parse_i64(json_string_value(v), &i))
        return json_integer(i);
    return tw_parse_f64(json_string_value(v), &d) ? json_real(d) : json_null();
}

/* What {"$key": v} stands for; a reference of the caller's, NULL without memory. *known is false
 * where it stands for nothing else. */
static json_t *meaning(const char *key, json_t *v, bool *known)
{
    *known = true;
    if (strcmp(key, "$numberInt") == 0 || strcmp(key, "$numberLong") == 0)
        return number_of(v, true);
    if (strcmp(key, "$numberDouble") == 0 || strcmp(key, "$numberDecimal") == 0)
        return number_of(v, false);
    if (strcmp(key, "$date") == 0 && json_is_object(v))
        return number_of(json_object_get(v, "$numberLong"), true);
    if (strcmp(key, "$undefined") == 0)
        return json_null();
    *known = strcmp(key, "$oid") == 0 || strcmp(key, "$date") == 0 || strcmp(key, "$uuid") == 0 ||
             strcmp(key, "$symbol") == 0;
    return *known ? json_incref(v) : NULL;
}

/* The same for any value. */
static json_t *plain_of(json_t *v, bool *known)
{
    *known = json_is_object(v) && json_object_size(v) == 1;
    if (!*known)
        return NULL;
    void *only = json_object_iter(v);
    return meaning(json_object_iter_key(only), json_object_iter_value(only), known);
}

/* Goes as deep as jansson parses. */
static int make_plain(json_t *v)
{
    const char *key;
    json_t *value, *plain;
    size_t i;
    bool known;
    int bad = 0;
    json_object_foreach(v, key, value)
    {
        plain = plain_of(value, &known);
        bad |= known ? json_object_set_new(v, key, plain) : make_plain(value);
    }
    json_array_foreach(v, i, value)
    {
        plain = plain_of(value, &known);
        bad |= known ? json_array_set_new(v, i, plain) : make_plain(value);
    }
    return bad;
}

/* {"_index": ..., "_id": ..., "_source": {...}}: the row is _source. */
static int take_source(json_t **row)
{
    json_t *source = json_object_get(*row, "_source"), *id = json_object_get(*row, "_id");
    if (!json_is_object(source) || (id == NULL && json_object_get(*row, "_index") == NULL))
        return 0;
    int bad = 0;
    if (id != NULL && json_object_get(source, "id") == NULL)
        bad = json_object_set(source, "id", id);
    json_incref(source);
    json_decref(*row);
    *row = source;
    return bad;
}

tw_status twi_json_unwrap(json_t **row, const char *s, size_t len, tw_error *err)
{
    int bad = 0;
    if (memmem(s, len, "\"$", 2) != NULL)
        bad = make_plain(*row);
    if (bad == 0)
        bad = take_source(row);
    return bad == 0 ? TW_OK : tw_fail(err, TW_ENOMEM, "no memory for a JSON row");
}
