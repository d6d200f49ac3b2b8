#include <jansson.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "store/store_rules.h"

tw_status twi_check_key(const char *what, const char *key, tw_error *err)
{
    size_t len = key != NULL ? strnlen(key, TW_STORE_MAX_ID + 1) : 0;
    if (len == 0)
        return tw_fail(err, TW_EINVAL, "%s is empty", what);
    if (len > TW_STORE_MAX_ID)
        return tw_fail(err, TW_EINVAL, "%s '%.40s...' is longer than %d bytes", what, key,
                       TW_STORE_MAX_ID);
    if (!tw_utf8_valid(key, len))
        return tw_fail(err, TW_EINVAL, "%s '%.40s' is not UTF-8", what, key);
    const uint32_t control = tw_utf8_control(key, len);
    if (control != 0)
        return tw_fail(err, TW_EINVAL, "%s holds the control character U+%04X", what,
                       (unsigned) control);
    return TW_OK;
}

tw_status twi_check_text(const char *what, const char *of, const char *s, size_t max, tw_error *err)
{
    if (s == NULL)
        return TW_OK;
    size_t len = strnlen(s, max + 1);
    if (len > max)
        return tw_fail(err, TW_EINVAL, "the %s of '%s' is longer than %zu bytes: '%.40s...'", what,
                       of, max, s);
    if (!tw_utf8_valid(s, len))
        return tw_fail(err, TW_EINVAL, "the %s of '%s' is not UTF-8: '%.40s'", what, of, s);
    return TW_OK;
}

/* *out is the object, for the caller to decref; NULL where there is none. */
static tw_status parse_object(const char *what, const char *of, const char *json, size_t max,
                              json_t **out, tw_error *err)
{
    *out = NULL;
    if (json == NULL || json[0] == '\0' || strcmp(json, "{}") == 0)
        return TW_OK;
    tw_status st = twi_check_text(what, of, json, max, err);
    if (st != TW_OK)
        return st;
    json_error_t why;
    json_t *value = json_loads(json, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (value == NULL && json_error_code(&why) == json_error_duplicate_key)
        return tw_fail(err, TW_EINVAL, "the %s of '%s' have one name twice, by byte %d: '%.60s'",
                       what, of, why.position, json);
    if (value == NULL)
        return tw_fail(err, TW_EINVAL, "the %s of '%s' are no JSON from byte %d on: '%.60s'", what,
                       of, why.position, json);
    if (!json_is_object(value)) {
        json_decref(value);
        return tw_fail(err, TW_EINVAL, "the %s of '%s' are no JSON object: '%.60s'", what, of,
                       json);
    }
    *out = value;
    return TW_OK;
}

tw_status twi_check_object(const char *what, const char *of, const char *json, size_t max,
                           tw_error *err)
{
    json_t *value;
    tw_status st = parse_object(what, of, json, max, &value, err);
    json_decref(value);
    return st;
}

/* ---- attributes ------------------------------------------------------------------------------ */

/* What a value is, where it may be no attribute; NULL where it may. */
static const char *what_is_wrong(const json_t *value)
{
    const json_t *first = json_array_get(value, 0), *part;
    size_t i;
    if (json_is_object(value))
        return "an object";
    json_array_foreach(value, i, part)
    {
        if (!json_is_string(part) && !json_is_number(part)) {
            return json_is_null(part)     ? "a list with a null"
                   : json_is_array(part)  ? "a list of lists"
                   : json_is_object(part) ? "a list of objects"
                                          : "a list of booleans";
        }
        if (json_is_string(part) != json_is_string(first))
            return "a list of strings and numbers";
    }
    return NULL;
}

static tw_status refuse(const char *key, const char *of, const char *is, tw_error *err)
{
    return tw_fail(
        err, TW_EINVAL,
        "the attribute '%.60s' of '%.60s' is %s; it may be a string, a number, a boolean, "
        "a list of strings or a list of numbers",
        key, of, is);
}

static tw_status check_attributes(const tw_item *item, tw_error *err)
{
    json_t *all, *value;
    const char *key;
    tw_status st =
        parse_object("attributes", item->id, item->attributes, TW_STORE_MAX_ATTRIBUTES, &all, err);
    json_object_foreach(all, key, value)
    {
        const char *wrong = what_is_wrong(value);
        if (st == TW_OK && wrong != NULL)
            st = refuse(key, item->id, wrong, err);
    }
    json_decref(all);
    return st;
}

tw_status tw_attributes_tidy(tw_text *out, const char *of, const char *json, int *refused,
                             tw_error *first, tw_error *err)
{
    json_t *all, *value;
    const char *key;
    void *next;
    tw_status st = parse_object("attributes", of, json, TW_STORE_MAX_ATTRIBUTES, &all, err);

    *refused = 0;
    tw_text_clear(out);
    if (st != TW_OK || all == NULL)
        return st == TW_OK ? tw_text_adds(out, "{}", err) : st;
    json_object_foreach_safe(all, next, key, value)
    {
        const char *wrong = what_is_wrong(value);
        if (wrong != NULL && (*refused)++ == 0)
            (void) !refuse(key, of, wrong, first);
        if (wrong != NULL || json_is_null(value))
            (void) json_object_del(all, key);
    }
    st = tw_text_add_json(out, all, err);
    json_decref(all);
    return st;
}

tw_status twi_check_item(const tw_item *item, tw_error *err)
{
    tw_status st;
    const char *id = item->id;

    TW_TRY(twi_check_key("an item's id", id, err));
    TW_TRY(twi_check_text("title", id, item->title, TW_STORE_MAX_TITLE, err));
    TW_TRY(twi_check_text("text", id, item->text, TW_STORE_MAX_TEXT, err));
    TW_TRY(twi_check_text("image path", id, item->image, TW_STORE_MAX_MEDIA, err));
    TW_TRY(twi_check_text("audio path", id, item->audio, TW_STORE_MAX_MEDIA, err));
    TW_TRY(check_attributes(item, err));
done:
    return st;
}
