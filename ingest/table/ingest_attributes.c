/* What a cell is worth as a JSON value. A table has no types, so its first rows decide them, a
 * column at a time (ingest_values.h) and carefully: "007", "1e999" and "+5" stay strings, because a
 * number would not give them back. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "ingest/internal.h"

static tw_status bad_value(const char *s, const twi_column *col, const char *what, tw_error *err)
{
    char q[TWI_QUOTE_MAX], name[TWI_QUOTE_MAX];
    return tw_fail(err, TW_EINVAL, "%s in column %s is %s", twi_quote(q, s, strlen(s)),
                   twi_quote(name, col->name, strlen(col->name)), what);
}

/* A number as it is, if JSON can write it so, else (a typed column's "007" or "4,5") its value. */
static tw_status add_number(tw_text *out, const char *s, const twi_column *col, tw_error *err)
{
    char text[TWI_NUMBER_MAX];
    double value;
    if (col->style == TWI_NUMBER_POINT && twi_is_json_number(s))
        return tw_text_adds(out, s, err);
    if (!twi_number_text(col->style, s, text) || !tw_parse_f64(text, &value))
        return bad_value(s, col, "no number", err);
    if (twi_is_json_number(text))
        return tw_text_adds(out, text, err);
    return tw_text_addf(out, err, "%.17g", value);
}

static tw_status add_boolean(tw_text *out, const char *s, const twi_column *col, tw_error *err)
{
    const bool digit = strcmp(s, "1") == 0 || strcmp(s, "0") == 0;
    const int value = digit ? s[0] == '1' : twi_boolean(s);
    if (value < 0)
        return bad_value(s, col, "not true, false, 1 or 0", err);
    return tw_text_adds(out, value ? "true" : "false", err);
}

static tw_status add_part(tw_text *out, const char *s, size_t len, const twi_column *col,
                          tw_error *err)
{
    char number[64];
    if (col->type != TWI_LIST_NUMBER)
        return twi_json_escape(out, s, len, err);
    if (len >= sizeof number)
        return bad_value(s, col, "no list of numbers", err);
    memcpy(number, s, len);
    number[len] = '\0';
    return add_number(out, number, col, err);
}

/* The parts between bars, without blanks around them; empty ones are none. */
static tw_status add_list(tw_text *out, const char *s, char bar, const twi_column *col,
                          tw_error *err)
{
    const char bars[2] = {bar, '\0'};
    const char *comma = "[";
    tw_status st = TW_OK;

    for (size_t n; st == TW_OK && *s != '\0'; s += n + (s[n] != '\0')) {
        n = strcspn(s, bars);
        const size_t before = strspn(s, " "), blank = before < n ? before : n;
        size_t len = n - blank;
        while (len > 0 && s[blank + len - 1] == ' ')
            len--;
        if (len == 0)
            continue;
        st = tw_text_add(out, comma, 1, err);
        comma = ",";
        if (st == TW_OK)
            st = add_part(out, s + blank, len, col, err);
    }
    if (st == TW_OK)
        st = tw_text_adds(out, comma[0] == '[' ? "[]" : "]", err);
    return st;
}

/* Of strings and numbers as JSON or Python writes it. */
static tw_status add_list_text(tw_text *out, const twi_column *col, const twi_cell *c,
                               tw_error *err)
{
    const size_t before = out->len;
    json_t *list = json_loadb(c->data, c->len, JSON_REJECT_DUPLICATES, NULL);
    const bool is_json = json_is_array(list);
    json_decref(list);
    if (is_json)
        return tw_text_add(out, c->data, c->len, err);
    tw_status st =
        c->len > 1 && c->data[0] == '[' ? twi_python_list(c->data, c->len, out, err) : TW_EINVAL;
    if (st != TW_EINVAL)
        return st;
    out->len = before;
    return bad_value(c->data, col, "no list", err);
}

static tw_status add_guessed(tw_text *out, const twi_column *col, const twi_cell *c, tw_error *err)
{
    const bool token = col->type == TWI_TOKEN;
    if (twi_is_json_number(c->data))
        return tw_text_add(out, c->data, c->len, err);
    if (twi_boolean(c->data) >= 0)
        return add_boolean(out, c->data, col, err);
    if (!token && twi_is_list_text(c->data, c->len))
        return add_list_text(out, col, c, err);
    if (!token && twi_is_bar_list(c->data))
        return add_list(out, c->data, '|', col, err);
    return twi_json_escape(out, c->data, c->len, err);
}

static tw_status add_text_value(tw_text *out, const twi_column *col, const twi_cell *c,
                                tw_error *err)
{
    switch (col->type) {
    case TWI_GUESS:
    case TWI_TOKEN: break;
    case TWI_STRING: return twi_json_escape(out, c->data, c->len, err);
    case TWI_NUMBER: return add_number(out, c->data, col, err);
    case TWI_BOOLEAN: return add_boolean(out, c->data, col, err);
    case TWI_LIST_BAR: return add_list(out, c->data, '|', col, err);
    case TWI_LIST_COMMA: return add_list(out, c->data, ',', col, err);
    case TWI_LIST_SEMI: return add_list(out, c->data, ';', col, err);
    case TWI_LIST_SPACE:
    case TWI_LIST_NUMBER: return add_list(out, c->data, ' ', col, err);
    case TWI_LIST_JSON: return add_list_text(out, col, c, err);
    }
    return add_guessed(out, col, c, err);
}

static bool is_empty(const twi_cell *c)
{
    if (c->json == NULL)
        return c->len == 0;
    return json_is_null(c->json) || (json_is_string(c->json) && json_string_length(c->json) == 0);
}

/* Words for no value are none where the column has values of another kind. */
static bool is_word_for_none(const twi_column *col, const twi_cell *c)
{
    if (c->json != NULL || col->type == TWI_TOKEN || (col->type == TWI_STRING && col->typed))
        return false;
    return col->type == TWI_NUMBER || col->type == TWI_BOOLEAN ? twi_may_be_missing(c->data)
                                                               : twi_is_missing(c->data);
}

static tw_status add_json_string(tw_text *out, const twi_column *col, const json_t *value,
                                 tw_error *err)
{
    twi_column as = *col;
    const twi_cell c = {.data = json_string_value(value), .len = json_string_length(value)};
    as.type = twi_list_by_name(col->name, c.data);
    return add_text_value(out, &as, &c, err);
}

/* The value behind `out`, or as text where the first rows decided a type that it is not of: then
 * *fate says so, and err why. */
static tw_status add_value(tw_text *out, const twi_column *col, const twi_cell *c,
                           twi_attribute_fate *fate, tw_error *err)
{
    const size_t before = out->len;
    if (json_is_string(c->json))
        return add_json_string(out, col, c->json, err);
    if (c->json != NULL)
        return tw_text_add_json(out, c->json, err);
    tw_status st = add_text_value(out, col, c, err);
    if (st != TW_EINVAL || col->typed)
        return st;
    out->len = before;
    *fate = TWI_AS_TEXT;
    return twi_json_escape(out, c->data, c->len, NULL);
}

tw_status twi_attribute_add(tw_text *out, const twi_column *col, const twi_cell *c,
                            twi_attribute_fate *fate, tw_error *err)
{
    const size_t before = out->len;
    *fate = is_word_for_none(col, c) ? TWI_MISSING : TWI_TAKEN;
    if (is_empty(c) || *fate == TWI_MISSING)
        return TW_OK;
    tw_status st = out->len > 1 ? tw_text_add(out, ",", 1, err) : TW_OK;
    if (st == TW_OK)
        st = twi_json_escape(out, col->name, strlen(col->name), err);
    if (st == TW_OK)
        st = tw_text_add(out, ":", 1, err);
    if (st == TW_OK)
        st = add_value(out, col, c, fate, err);
    if (st == TW_EINVAL) { /* the object is as it was */
        out->len = before;
        out->data[before] = '\0';
    }
    return st;
}
