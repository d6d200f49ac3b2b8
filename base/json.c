#include "base/json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct sink {
    tw_text *text;
    tw_error *err;
    tw_status st;
} sink;

static int append(const char *bytes, size_t n, void *ctx)
{
    sink *to = ctx;
    to->st = tw_text_add(to->text, bytes, n, to->err);
    return to->st == TW_OK ? 0 : -1;
}

static tw_status add_dumped(tw_text *t, const json_t *value, tw_error *err)
{
    sink to = {t, err, TW_OK};
    if (json_dump_callback(value, append, &to, JSON_COMPACT | JSON_ENCODE_ANY) == 0)
        return TW_OK;
    return to.st != TW_OK ? to.st : tw_fail(err, TW_ENOMEM, "no memory to write a JSON value");
}

/* Fifteen digits are always right, seventeen always enough. A whole one keeps its ".0", or it would
 * read back as an integer. */
static tw_status add_real(tw_text *t, double x, tw_error *err)
{
    char s[32];
    size_t n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = (size_t) snprintf(s, sizeof s, "%.*g", digits, x);
        if (strtod(s, NULL) == x)
            break;
    }
    tw_status st = tw_text_add(t, s, n, err);
    for (const char *p = s; st == TW_OK; p++) {
        if (*p == '\0')
            return tw_text_adds(t, ".0", err);
        if (*p == '.' || *p == 'e')
            break;
    }
    return st;
}

static tw_status add_scalar(tw_text *t, const json_t *value, tw_error *err)
{
    return json_is_real(value) ? add_real(t, json_real_value(value), err)
                               : add_dumped(t, value, err);
}

/* A scalar, or a list of some. */
static tw_status add_flat(tw_text *t, const json_t *value, tw_error *err)
{
    size_t i;
    const json_t *part;
    if (!json_is_array(value))
        return add_scalar(t, value, err);
    tw_status st = tw_text_adds(t, "[", err);
    json_array_foreach(value, i, part)
    {
        if (st == TW_OK && i > 0)
            st = tw_text_adds(t, ",", err);
        if (st == TW_OK)
            st = add_scalar(t, part, err);
    }
    return st == TW_OK ? tw_text_adds(t, "]", err) : st;
}

tw_status tw_text_add_json(tw_text *t, json_t *value, tw_error *err)
{
    const char *key, *before = "{";
    json_t *member;
    tw_status st = TW_OK;
    if (!json_is_object(value))
        return add_flat(t, value, err);
    json_object_foreach(value, key, member)
    {
        json_t *name = json_string(key);
        if (st == TW_OK)
            st = tw_text_adds(t, before, err);
        if (st == TW_OK)
            st = add_dumped(t, name, err);
        if (st == TW_OK)
            st = tw_text_adds(t, ":", err);
        if (st == TW_OK)
            st = add_flat(t, member, err);
        json_decref(name);
        before = ",";
    }
    if (st == TW_OK)
        st = tw_text_adds(t, before[0] == '{' ? "{}" : "}", err);
    return st;
}
