#include "engine/bulk_repeats.h"

#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"
#include "base/hash.h"
#include "base/json.h"

#define MAYBE_BITS (1u << 24) /* 2 MiB: what is set by chance costs one look-up */

void twi_repeats_fini(twi_repeats *r)
{
    tw_free(r->maybe);
    tw_free(r->stored);
    tw_item_fini(&r->before);
    tw_text_fini(&r->attributes);
    *r = (twi_repeats){.maybe = NULL};
}

static size_t maybe_bit(const char *id)
{
    return (size_t) (tw_fnv1a(TW_FNV_START, id, strlen(id)) % MAYBE_BITS);
}

static bool is_set(const unsigned char *bits, size_t at)
{
    return (bits[at / 8] & 1u << at % 8) != 0;
}

static void set(unsigned char *bits, size_t at)
{
    bits[at / 8] = (unsigned char) (bits[at / 8] | 1u << at % 8);
}

tw_status twi_repeats_note(twi_repeats *r, const char *id, int64_t row, tw_error *err)
{
    if (r->maybe == NULL)
        r->maybe = tw_alloc(MAYBE_BITS / 8, 1);
    if (r->maybe == NULL)
        return tw_fail(err, TW_ENOMEM, "no memory for the ids of a file");
    tw_status st = tw_grow_zeroed(&r->stored, &r->stored_room, (size_t) row / 8 + 1,
                                  "the rows of a file", err);
    if (st != TW_OK)
        return st;
    set(r->maybe, maybe_bit(id));
    set(r->stored, (size_t) row);
    return TW_OK;
}

static bool is_blank(const char *s) { return s == NULL || s[0] == '\0'; }

/* The new row's attributes, and behind them those that only the one before has. */
static tw_status merge_attributes(twi_repeats *r, tw_item *item, tw_error *err)
{
    json_t *now = json_loads(item->attributes, 0, NULL);
    json_t *before = json_loads(r->before.attributes, 0, NULL);
    tw_status st = TW_OK;
    if (json_is_object(now) && json_object_size(before) > 0) {
        if (r->attributes.cap == 0)
            tw_text_init(&r->attributes, (size_t) 2 * TW_STORE_MAX_ATTRIBUTES);
        tw_text_clear(&r->attributes);
        st = json_object_update_missing(now, before) == 0
                 ? tw_text_add_json(&r->attributes, now, err)
                 : tw_fail(err, TW_ENOMEM, "no memory for the attributes of '%.60s'", item->id);
        item->attributes = st == TW_OK ? tw_text_cstr(&r->attributes) : item->attributes;
    }
    json_decref(now);
    json_decref(before);
    return st;
}

tw_status twi_repeats_fill(twi_repeats *r, tw_store *store, tw_item *item, bool *repeated,
                           tw_error *err)
{
    tw_error why = {0};
    int64_t row;
    bool live;

    *repeated = false;
    if (r->maybe == NULL || !is_set(r->maybe, maybe_bit(item->id)))
        return TW_OK;
    tw_status st = tw_store_row_of(store, item->id, &row, &live, &why);
    if (st == TW_ENOTFOUND || st == TW_EINVAL)
        return TW_OK; /* put has the sentence */
    if (st != TW_OK)
        return tw_fail(err, st, "%s", why.msg);
    const size_t at = (size_t) row;
    if (!live || at / 8 >= r->stored_room || !is_set(r->stored, at))
        return TW_OK;
    tw_item_fini(&r->before);
    st = tw_store_item_by_id(store, item->id, &r->before, err);
    if (st != TW_OK)
        return st;
    *repeated = true;
    item->title = is_blank(item->title) ? r->before.title : item->title;
    item->text = is_blank(item->text) ? r->before.text : item->text;
    item->image = is_blank(item->image) ? r->before.image : item->image;
    item->audio = is_blank(item->audio) ? r->before.audio : item->audio;
    return merge_attributes(r, item, err);
}
