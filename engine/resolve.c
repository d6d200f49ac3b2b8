/* What a user's word for an item means. */
#include "engine/resolve.h"

#include <string.h>

#include "base/text.h"
#include "engine/engine_state.h"

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

enum { MOST_ALSO = 16 };

/* Appends an id as a JSON string; false: it does not fit, and the list stays as it is. */
static bool add_also(char also[TW_ALSO_MAX], const char *id)
{
    size_t len = strlen(also);
    const size_t before = len;
    const char *from = len > 0 ? ", \"" : "\"";
    while (*from != '\0' && len < TW_ALSO_MAX)
        also[len++] = *from++;
    for (; *id != '\0' && len + 4 < TW_ALSO_MAX; id++) { /* ids hold no control characters */
        if (*id == '"' || *id == '\\')
            also[len++] = '\\';
        also[len++] = *id;
    }
    const bool fits = *id == '\0' && len + 2 <= TW_ALSO_MAX;
    if (fits)
        also[len++] = '"';
    also[fits ? len : before] = '\0';
    return fits;
}

/* The ids of rows (n), or as many as fit. */
static tw_status list_ids(tw_engine *e, const int64_t *rows, int n, char also[TW_ALSO_MAX],
                          tw_error *err)
{
    tw_item_name names[MOST_ALSO];
    tw_text text;
    also[0] = '\0';
    tw_text_init(&text, (size_t) (TW_STORE_MAX_ID + TW_STORE_MAX_TITLE + 2) * MOST_ALSO);
    tw_status st = tw_store_names(e->store, rows, n, names, &text, err);
    bool room = true;
    for (int i = 0; i < n && st == TW_OK && room; i++)
        room = add_also(also, names[i].id);
    tw_text_fini(&text);
    return st;
}

static tw_status by_title(tw_engine *e, const char *name, int64_t *row, char *also, tw_error *err)
{
    int64_t rows[MOST_ALSO];
    char ids[TW_ALSO_MAX];
    int n;
    tw_status st = tw_store_titled(e->store, name, rows, MOST_ALSO, &n, err);
    if (st != TW_OK)
        return st;
    if (n == 0)
        return not_found(e, name, err);
    *row = rows[0];
    if (n == 1)
        return TW_OK;
    const int listed = n < MOST_ALSO ? n : MOST_ALSO;
    if (also != NULL)
        return list_ids(e, rows + 1, listed - 1, also, err);
    *row = 0;
    st = list_ids(e, rows, listed, ids, err);
    return st == TW_OK ? tw_fail(err, TW_EINVAL,
                                 "%d items have the title '%.60s'; name one of them by its id: "
                                 "%.300s",
                                 n, name, ids)
                       : st;
}

tw_status twi_resolve(tw_engine *e, const char *name, int64_t *row, char *also, tw_error *err)
{
    tw_error why = {0};
    *row = 0;
    if (also != NULL)
        also[0] = '\0';
    if (name == NULL || name[0] == '\0')
        return tw_fail(err, TW_EINVAL, "the item's id or title is empty");
    tw_status st = tw_store_row_by_id(e->store, name, row, &why);
    if (st == TW_ENOTFOUND || st == TW_EINVAL)
        return by_title(e, name, row, also, err);
    return st == TW_OK ? TW_OK : tw_fail(err, st, "%s", why.msg);
}
