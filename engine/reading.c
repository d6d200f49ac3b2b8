/* An item of the store as its towers read it: text put together, attributes, media. */
#include <string.h>

#include "base/alloc.h"
#include "engine/internal.h"

void twi_item_reader_init(twi_item_reader *r)
{
    *r = (twi_item_reader){0};
    tw_text_init(&r->text, TW_STORE_MAX_TITLE + TW_STORE_MAX_TEXT + TW_STORE_MAX_ATTRIBUTES);
}

void twi_item_reader_fini(twi_item_reader *r) { tw_text_fini(&r->text); }

tw_status twi_item_read(twi_item_reader *r, const tw_item *item, tw_tower_item *out, tw_error *err)
{
    tw_text_clear(&r->text);
    tw_status st = twi_item_text(item, &r->text, err);
    *out = (tw_tower_item){
        .text = tw_text_cstr(&r->text), .text_len = r->text.len, .attributes = item->attributes};
    return st;
}

/* ---- the catalogue as a source ----------------------------------------------------------------
 */

static tw_status load_item(void *ctx, int worker, int64_t i, tw_tower_item *out, tw_error *err)
{
    const twi_catalogue *c = ctx;
    (void) worker;
    (void) err;
    out->text = c->texts[i];
    out->text_len = strlen(c->texts[i]);
    return TW_OK;
}

tw_tower_source twi_catalogue_source(twi_catalogue *c)
{
    return (tw_tower_source){.n = c->n, .load = load_item, .ctx = c};
}
