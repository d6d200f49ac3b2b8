/* What a cell is worth as a JSON value. A CSV has no types, so they are guessed, one value at a
 * time and carefully: "007", "1e999" and "+5" stay strings, because a number would not give them
 * back. */
#include <stdlib.h>
#include <string.h>

#include "ingest/internal.h"

#define LIST_PART_MAX 64 /* "a|b" is a list only if its parts are short, like genres and tags */

tw_status twi_json_escape(tw_text *out, const char *s, size_t len, tw_error *err)
{
    tw_status st = tw_text_add(out, "\"", 1, err);
    size_t from = 0;
    for (size_t i = 0; i < len && st == TW_OK; i++) {
        const unsigned char c = (unsigned char) s[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        st = tw_text_add(out, s + from, i - from, err);
        from = i + 1;
        if (st != TW_OK)
            break;
        st = c == '"' || c == '\\' ? tw_text_addf(out, err, "\\%c", c)
             : c == '\n'           ? tw_text_adds(out, "\\n", err)
             : c == '\t'           ? tw_text_adds(out, "\\t", err)
                                   : tw_text_addf(out, err, "\\u%04x", (unsigned) c);
    }
    if (st == TW_OK)
        st = tw_text_add(out, s + from, len - from, err);
    return st == TW_OK ? tw_text_add(out, "\"", 1, err) : st;
}

static size_t digits(const char *s) { return strspn(s, "0123456789"); }

/* True for what JSON calls a number (RFC 8259, section 6), of a size that a double holds exactly if
 * it is whole. */
static bool is_json_number(const char *s)
{
    double value;
    const char *p = s + (*s == '-');
    size_t whole = digits(p);
    if (whole == 0 || (whole > 1 && *p == '0'))
        return false;
    p += whole;
    if (*p == '\0')
        return whole <= 15;
    if (*p == '.') {
        size_t n = digits(p + 1);
        if (n == 0)
            return false;
        p += n + 1;
    }
    if (*p == 'e' || *p == 'E') {
        p += 1 + (p[1] == '+' || p[1] == '-');
        if (digits(p) == 0)
            return false;
        p += digits(p);
    }
    return *p == '\0' && tw_parse_f64(s, &value);
}

static bool is_boolean(const char *s) { return strcmp(s, "true") == 0 || strcmp(s, "false") == 0; }

/* "a|b|c" with short parts and no space at the bars. */
static bool is_bar_list(const char *s)
{
    if (strchr(s, '|') == NULL)
        return false;
    for (;;) {
        size_t n = strcspn(s, "|");
        if (n == 0 || n > LIST_PART_MAX || s[0] == ' ' || s[n - 1] == ' ')
            return false;
        if (s[n] == '\0')
            return true;
        s += n + 1;
    }
}

static bool is_json_list(const char *s, size_t len)
{
    if (s[0] != '[' || s[len - 1] != ']')
        return false;
    json_t *list = json_loadb(s, len, JSON_REJECT_DUPLICATES, NULL);
    bool good = json_is_array(list);
    json_decref(list);
    return good;
}

static tw_status bad_value(const char *s, const twi_column *col, const char *what, tw_error *err)
{
    char q[TWI_QUOTE_MAX], name[TWI_QUOTE_MAX];
    return tw_fail(err, TW_EINVAL, "%s in column %s is %s", twi_quote(q, s, strlen(s)),
                   twi_quote(name, col->name, strlen(col->name)), what);
}

/* A number as it is, if JSON can write it so, else (a typed column's "007" or "+5") its value. */
static tw_status add_number(tw_text *out, const char *s, const twi_column *col, tw_error *err)
{
    double value;
    if (is_json_number(s))
        return tw_text_adds(out, s, err);
    if (!tw_parse_f64(s, &value))
        return bad_value(s, col, "no number", err);
    return tw_text_addf(out, err, "%.17g", value);
}

static tw_status add_boolean(tw_text *out, const char *s, const twi_column *col, tw_error *err)
{
    if (is_boolean(s))
        return tw_text_adds(out, s, err);
    if (strcmp(s, "1") == 0 || strcmp(s, "0") == 0)
        return tw_text_adds(out, s[0] == '1' ? "true" : "false", err);
    return bad_value(s, col, "not true, false, 1 or 0", err);
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

/* The parts between bars; empty ones are none. */
static tw_status add_list(tw_text *out, const char *s, char bar, const twi_column *col,
                          tw_error *err)
{
    const char bars[2] = {bar, '\0'};
    const char *comma = "[";
    tw_status st = TW_OK;

    for (size_t n; st == TW_OK && *s != '\0'; s += n + (s[n] != '\0')) {
        n = strcspn(s, bars);
        if (n == 0)
            continue;
        st = tw_text_add(out, comma, 1, err);
        comma = ",";
        if (st == TW_OK)
            st = add_part(out, s, n, col, err);
    }
    if (st == TW_OK)
        st = tw_text_adds(out, comma[0] == '[' ? "[]" : "]", err);
    return st;
}

static tw_status add_guessed(tw_text *out, const twi_column *col, const twi_cell *c, tw_error *err)
{
    if (is_json_number(c->data) || is_boolean(c->data))
        return tw_text_add(out, c->data, c->len, err);
    if (col->type == TWI_GUESS && is_json_list(c->data, c->len))
        return tw_text_add(out, c->data, c->len, err);
    if (col->type == TWI_GUESS && is_bar_list(c->data))
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
    case TWI_LIST_SPACE:
    case TWI_LIST_NUMBER: return add_list(out, c->data, ' ', col, err);
    }
    return add_guessed(out, col, c, err);
}

typedef struct sink {
    tw_text *out;
    tw_error *err;
    tw_status st;
} sink;

static int append(const char *buffer, size_t size, void *data)
{
    sink *to = data;
    to->st = tw_text_add(to->out, buffer, size, to->err);
    return to->st == TW_OK ? 0 : -1;
}

static tw_status add_json_value(tw_text *out, const json_t *value, tw_error *err)
{
    sink to = {out, err, TW_OK};
    if (json_is_string(value))
        return twi_json_escape(out, json_string_value(value), json_string_length(value), err);
    if (json_dump_callback(value, append, &to, JSON_COMPACT | JSON_ENCODE_ANY) == 0)
        return TW_OK;
    return to.st != TW_OK ? to.st : tw_fail(err, TW_ENOMEM, "no memory to write a JSON value");
}

static bool is_empty(const twi_cell *c)
{
    if (c->json == NULL)
        return c->len == 0;
    return json_is_null(c->json) || (json_is_string(c->json) && json_string_length(c->json) == 0);
}

tw_status twi_attribute_add(tw_text *out, const twi_column *col, const twi_cell *c, tw_error *err)
{
    if (is_empty(c))
        return TW_OK;
    tw_status st = out->len > 1 ? tw_text_add(out, ",", 1, err) : TW_OK;
    if (st == TW_OK)
        st = twi_json_escape(out, col->name, strlen(col->name), err);
    if (st == TW_OK)
        st = tw_text_add(out, ":", 1, err);
    if (st != TW_OK)
        return st;
    return c->json != NULL ? add_json_value(out, c->json, err) : add_text_value(out, col, c, err);
}
