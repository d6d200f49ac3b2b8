/* What a user's word for an item means, and what the text tower reads of one. */
#include <jansson.h>
#include <string.h>

#include "engine/internal.h"

enum { NEAR = 3 };

static tw_status not_found(tw_engine *e, const char *name, tw_error *err)
{
    tw_item_name near[NEAR];
    int n = 0;
    tw_text text, list;
    tw_text_init(&text, (size_t) (TW_STORE_MAX_ID + TW_STORE_MAX_TITLE + 2) * NEAR);
    tw_text_init(&list, 400);

    if (tw_store_near(e->store, name, NEAR, near, &n, &text, NULL) != TW_OK)
        n = 0;
    for (int i = 0; i < n; i++) {
        const char *comma = i > 0 ? ", " : "; near: ";
        tw_status st =
            near[i].title[0] == '\0'
                ? tw_text_addf(&list, NULL, "%s'%.60s'", comma, near[i].id)
                : tw_text_addf(&list, NULL, "%s'%.60s' (%.60s)", comma, near[i].id, near[i].title);
        if (st != TW_OK)
            break; /* long enough */
    }
    tw_status st = tw_fail(err, TW_ENOTFOUND, "no item has the id or title '%.120s'%s", name,
                           tw_text_cstr(&list));
    tw_text_fini(&list);
    tw_text_fini(&text);
    return st;
}

tw_status twi_resolve(tw_engine *e, const char *name, int64_t *row, tw_error *err)
{
    *row = 0;
    if (name == NULL || name[0] == '\0')
        return tw_fail(err, TW_EINVAL, "the item's id or title is empty");
    tw_status st = tw_store_row_by_id(e->store, name, row, err);
    if (st != TW_ENOTFOUND && st != TW_EINVAL)
        return st;
    st = tw_store_row_by_title(e->store, name, row, err);
    return st == TW_ENOTFOUND || st == TW_EINVAL ? not_found(e, name, err) : st;
}

static tw_status add_word(tw_text *out, const char *word, tw_error *err)
{
    if (word == NULL || word[0] == '\0')
        return TW_OK;
    tw_status st = out->len > 0 ? tw_text_add(out, " ", 1, err) : TW_OK;
    return st == TW_OK ? tw_text_adds(out, word, err) : st;
}

/* Numbers, dates and links say little as words, so of the attributes only lists of strings (genres,
 * tags) count. */
tw_status twi_item_text(const tw_item *item, tw_text *out, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *root = NULL;

    TW_TRY(add_word(out, item->title, err));
    TW_TRY(add_word(out, item->text, err));
    if (item->attributes == NULL || strchr(item->attributes, '[') == NULL)
        goto done;
    root = json_loads(item->attributes, 0, NULL);
    const char *key;
    json_t *value, *word;
    size_t i;
    json_object_foreach(root, key, value) json_array_foreach(value, i, word)
        TW_TRY(add_word(out, json_string_value(word), err));
done:
    json_decref(root);
    return st;
}
