#include "ingest/ingest_sample_ids.h"

#include <string.h>

#include "ingest/internal.h"

bool twi_whole_id(const char *s, char out[24])
{
    const size_t n = strspn(s, "0123456789");
    if (n == 0 || n >= 24 || strcmp(s + n, ".0") != 0)
        return false;
    memcpy(out, s, n);
    out[n] = '\0';
    return true;
}

void twi_ids_init(twi_ids *ids, const tw_reader *r)
{
    const int item = r->plan.at[TWI_ITEM];
    const bool items = r->plan.kind == TW_INGEST_ITEMS;
    *ids = (twi_ids){.user.column = r->plan.at[items ? TWI_ID : TWI_USER], .n_items = 1};
    ids->items[0].column = item;
    if (!r->is_table || r->is_item == NULL || r->plan.mapped[TWI_ITEM] != NULL)
        return;
    for (int i = 0; i < r->plan.n && ids->n_items < TWI_ID_COLUMNS; i++) {
        const twi_role role = r->plan.columns[i].role;
        if (role >= TWI_ROLES && twi_name_score(TWI_ITEM, r->plan.columns[i].name) > 0)
            ids->items[ids->n_items++].column = i;
    }
}

static void add_unmet(twi_id_sample *s, const char *id)
{
    char cut[sizeof s->unmet[0]];
    (void) snprintf(cut, sizeof cut, "%.36s", id);
    for (int i = 0; i < s->n_unmet; i++) {
        if (strcmp(s->unmet[i], cut) == 0)
            return;
    }
    if (s->n_unmet < TWI_UNMET)
        memcpy(s->unmet[s->n_unmet++], cut, sizeof cut);
}

static void add_id(twi_id_sample *s, tw_reader *r, bool is_item)
{
    const char *id = "";
    char whole[24];
    size_t len;
    if (s->column < 0 || s->column >= r->n_cells ||
        twi_cell_text(&r->cells[s->column], &r->fields[TWI_A], &id, &len, NULL) != TW_OK ||
        len == 0)
        return;
    const bool decimal = twi_whole_id(id, whole);
    s->rows++;
    s->decimals += decimal;
    if (!is_item || r->is_item == NULL)
        return;
    const bool met = r->is_item(r->is_item_ctx, id);
    s->met += met;
    s->met_whole += decimal && r->is_item(r->is_item_ctx, whole);
    if (!met)
        add_unmet(s, id);
}

void twi_ids_add(twi_ids *ids, tw_reader *r)
{
    if (r->doc != NULL) { /* each row has columns of its own */
        ids->user.column = r->plan.at[TWI_USER];
        ids->items[0].column = r->plan.at[TWI_ITEM];
    }
    add_id(&ids->user, r, false);
    for (int i = 0; i < ids->n_items; i++)
        add_id(&ids->items[i], r, true);
}

static int64_t most_met(const twi_id_sample *s)
{
    return s->met > s->met_whole ? s->met : s->met_whole;
}

static bool is_whole(const twi_id_sample *s, const tw_reader *r)
{
    return r->is_table && s->rows > 0 && s->decimals == s->rows && s->met_whole >= s->met;
}

void twi_ids_decide(const twi_ids *ids, tw_reader *r)
{
    const twi_id_sample *best = &ids->items[0];
    for (int i = 1; i < ids->n_items; i++) {
        const twi_id_sample *s = &ids->items[i];
        if (most_met(best) * 2 < best->rows && most_met(s) * 2 >= s->rows && s->rows > 0 &&
            most_met(s) > most_met(best))
            best = s;
    }
    if (best != &ids->items[0]) {
        r->plan.columns[r->plan.at[TWI_ITEM]].role = TWI_IGNORED;
        r->plan.columns[best->column].role = TWI_ITEM;
        r->plan.at[TWI_ITEM] = best->column;
        r->by_catalogue = true;
    }
    r->whole[TWI_USER] = is_whole(&ids->user, r);
    r->whole[TWI_ITEM] = is_whole(best, r);
    r->doubts.looked = r->is_item != NULL ? best->rows : 0;
    r->doubts.met = r->whole[TWI_ITEM] ? best->met_whole : best->met;
    size_t len = 0;
    for (int i = 0; i < best->n_unmet; i++)
        len += (size_t) snprintf(r->doubts.unmet + len, sizeof r->doubts.unmet - len, "%s'%s'",
                                 i > 0 ? ", " : "", best->unmet[i]);
}

void twi_ids_decide_whole(const twi_ids *ids, tw_reader *r)
{
    r->whole[TWI_ID] = is_whole(&ids->user, r);
}
