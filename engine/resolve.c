/* What a user's word for an item means. */
#include "engine/resolve.h"

#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
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

/* Appends a string of UTF-8 as one of JSON; false: it does not fit, and the list stays as it is. */
static bool append(char list[TW_ALSO_MAX], const char *s, size_t n)
{
    size_t len = strlen(list);
    const size_t before = len;
    const char *from = len > 0 ? ", \"" : "\"";
    bool fits = true;
    while (*from != '\0' && len < TW_ALSO_MAX)
        list[len++] = *from++;
    for (size_t i = 0; i < n && fits; i++) {
        char one[8] = {s[i]};
        if (s[i] == '"' || s[i] == '\\')
            (void) snprintf(one, sizeof one, "\\%c", s[i]);
        else if ((unsigned char) s[i] < 0x20)
            (void) snprintf(one, sizeof one, "\\u%04x", (unsigned) (unsigned char) s[i]);
        const size_t more = strlen(one);
        fits = len + more + 2 <= TW_ALSO_MAX;
        if (fits)
            memcpy(list + len, one, more);
        len += fits ? more : 0;
    }
    fits = fits && len + 2 <= TW_ALSO_MAX;
    if (fits)
        list[len++] = '"';
    list[fits ? len : before] = '\0';
    return fits;
}

enum { NAME_SHOWN = 120 }; /* bytes */

void twi_list_name(char list[TW_ALSO_MAX], const char *name)
{
    size_t len = strlen(name);
    if (!tw_utf8_valid(name, len)) {
        (void) append(list, "(not UTF-8)", 11);
        return;
    }
    if (len > NAME_SHOWN)
        for (len = NAME_SHOWN; len > 0 && ((unsigned char) name[len] & 0xc0) == 0x80; len--) {
        } /* between two characters */
    (void) append(list, name, len);
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
        room = append(also, names[i].id, strlen(names[i].id));
    tw_text_fini(&text);
    return st;
}

/* err NULL: a title that is none is not compared with those that are near. */
static tw_status by_title(tw_engine *e, const char *name, int64_t *row, char *also, tw_error *err)
{
    int64_t rows[MOST_ALSO];
    char ids[TW_ALSO_MAX];
    int n;
    tw_status st = tw_store_titled(e->store, name, rows, MOST_ALSO, &n, err);
    if (st != TW_OK)
        return st;
    if (n == 0)
        return err != NULL ? not_found(e, name, err) : TW_ENOTFOUND;
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
