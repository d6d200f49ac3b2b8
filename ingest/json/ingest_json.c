/* JSON rows: the keys of each object are its columns. */
#include <string.h>

#include "base/alloc.h"
#include "ingest/internal.h"

static tw_status parse(tw_reader *r, const char *data, size_t len, size_t before, tw_error *err)
{
    json_decref(r->doc);
    r->doc = NULL;
    tw_status st = twi_json_parse(data, len, (twi_json_where){r->raw.line, before}, &r->doc, err);
    if (st == TW_OK && r->json.names != NULL)
        st = twi_json_name_values(&r->doc, r->json.names, err);
    if (st == TW_OK && !json_is_object(r->doc))
        return tw_fail(err, TW_EINVAL, "the row is a JSON list, not an object");
    return st;
}

/* "key": {...} of a document that is one object: the key is the id unless the object has one. */
static tw_status parse_member(tw_reader *r, tw_error *err)
{
    tw_text_clear(&r->scratch);
    tw_status st = tw_text_add(&r->scratch, "{", 1, err);
    if (st == TW_OK)
        st = tw_text_add(&r->scratch, r->span.data, r->span.len, err);
    if (st == TW_OK)
        st = tw_text_add(&r->scratch, "}", 1, err);
    if (st == TW_OK)
        st = parse(r, r->scratch.data, r->scratch.len, 1, err);
    if (st != TW_OK)
        return st;
    const char *key = json_object_iter_key(json_object_iter(r->doc));
    json_t *value = json_object_iter_value(json_object_iter(r->doc));
    if (!json_is_object(value)) {
        char q[TWI_QUOTE_MAX];
        return tw_fail(err, TW_EINVAL, "the value of %s is no JSON object",
                       key != NULL ? twi_quote(q, key, strlen(key)) : "nothing");
    }
    if (json_object_get(value, "id") == NULL &&
        json_object_set_new(value, "id", json_string(key)) != 0)
        return tw_fail(err, TW_ENOMEM, "no memory for a JSON row");
    json_incref(value);
    json_decref(r->doc);
    r->doc = value;
    return TW_OK;
}

/* Attributes may come as one object; then its members count as the row's own. */
static tw_status unfold_attributes(json_t *doc, tw_error *err)
{
    json_t *nested = json_object_get(doc, "attributes");
    if (!json_is_object(nested))
        return TW_OK;
    json_incref(nested);
    int bad =
        json_object_del(doc, "attributes") != 0 || json_object_update_missing(doc, nested) != 0;
    json_decref(nested);
    return bad ? tw_fail(err, TW_ENOMEM, "no memory for a JSON row") : TW_OK;
}

/* True when the plan was last resolved for the same keys in the same order. */
static bool same_keys(const tw_reader *r)
{
    int i = 0;
    const char *key;
    json_t *value;
    json_object_foreach(r->doc, key, value)
    {
        if (i >= r->plan.n || strcmp(r->plan.columns[i].name, key) != 0)
            return false;
        i++;
    }
    return i == r->plan.n;
}

static tw_status take_keys(tw_reader *r, tw_error *err)
{
    const char *key;
    json_t *value;
    r->plan.n = 0;
    tw_text_clear(&r->plan.names);
    json_object_foreach(r->doc, key, value)
    {
        tw_status st = twi_plan_add(&r->plan, key, strlen(key), TWI_GUESS, err);
        if (st != TW_OK)
            return st;
    }
    tw_status st = twi_plan_resolve(&r->plan, false, TWI_A_ROW, err);
    if (st != TW_OK)
        r->plan.n = 0; /* so that the next row is not taken for one like this */
    return st;
}

tw_status twi_cells_json(tw_reader *r, tw_error *err)
{
    tw_status st = r->json.shape == TWI_JSON_MEMBERS ? parse_member(r, err)
                                                     : parse(r, r->span.data, r->span.len, 0, err);
    if (st == TW_OK)
        st = twi_json_unwrap(&r->doc, r->span.data, r->span.len, err);
    if (st == TW_OK)
        st = unfold_attributes(r->doc, err);
    if (st == TW_OK && (r->plan.n == 0 || !same_keys(r)))
        st = take_keys(r, err);
    if (st == TW_OK)
        st = twi_cells_reserve(r, r->plan.n, err);
    if (st != TW_OK)
        return st;

    const char *key;
    json_t *value;
    r->n_cells = 0;
    json_object_foreach(r->doc, key, value) { r->cells[r->n_cells++] = (twi_cell){.json = value}; }
    return TW_OK;
}

static tw_status join_strings(const json_t *list, tw_text *room, tw_error *err)
{
    size_t i;
    json_t *value;
    json_array_foreach(list, i, value)
    {
        if (!json_is_string(value))
            return tw_fail(err, TW_EINVAL, "it is a list of other things than strings");
        tw_status st = tw_text_add(room, "\n", i > 0, err);
        if (st == TW_OK)
            st = tw_text_add(room, json_string_value(value), json_string_length(value), err);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}

tw_status twi_cell_text(const twi_cell *c, tw_text *room, const char **s, size_t *len,
                        tw_error *err)
{
    tw_status st = TW_OK;

    if (c->json == NULL) {
        *s = c->data;
        *len = c->len;
        return TW_OK;
    }
    tw_text_clear(room);
    switch (json_typeof(c->json)) {
    case JSON_STRING:
        *s = json_string_value(c->json);
        *len = json_string_length(c->json);
        return TW_OK;
    case JSON_INTEGER:
        st = tw_text_addf(room, err, "%" JSON_INTEGER_FORMAT, json_integer_value(c->json));
        break;
    case JSON_REAL: st = tw_text_addf(room, err, "%.17g", json_real_value(c->json)); break;
    case JSON_TRUE:
    case JSON_FALSE: st = tw_text_adds(room, json_is_true(c->json) ? "true" : "false", err); break;
    case JSON_ARRAY: st = join_strings(c->json, room, err); break;
    case JSON_OBJECT:
        st = tw_fail(err, TW_EINVAL, "it is a JSON object, not a string or number");
        break;
    case JSON_NULL: break;
    }
    *s = tw_text_cstr(room);
    *len = room->len;
    return st;
}
