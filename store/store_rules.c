#include <jansson.h>
#include <string.h>

#include "store/internal.h"

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

tw_status twi_check_object(const char *what, const char *of, const char *json, size_t max,
                           tw_error *err)
{
    if (json == NULL || json[0] == '\0' || strcmp(json, "{}") == 0)
        return TW_OK;
    tw_status st = twi_check_text(what, of, json, max, err);
    if (st != TW_OK)
        return st;
    json_error_t why;
    json_t *value = json_loads(json, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (value == NULL) {
        st = tw_fail(err, TW_EINVAL, "the %s of '%s' are no JSON (%s): '%.60s'", what, of, why.text,
                     json);
    } else if (!json_is_object(value)) {
        st = tw_fail(err, TW_EINVAL, "the %s of '%s' are no JSON object: '%.60s'", what, of, json);
    }
    json_decref(value);
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
    TW_TRY(twi_check_object("attributes", id, item->attributes, TW_STORE_MAX_ATTRIBUTES, err));
done:
    return st;
}
