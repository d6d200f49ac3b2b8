/* Finding an item by what a person or a file calls it: an id, in whatever normal form, or a title
 * without case. */
#include <string.h>

#include "base/unicode.h"
#include "store/store_fold.h"
#include "store/store_rows.h"
#include "store/store_state.h"
#include "store/store_statement.h"

/* ---- Ids ------------------------------------------------------------------------------------- */

static tw_status exact_id(twi_conn *c, const char *id, int64_t *row, bool *live, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found;
    tw_status st;

    TW_TRY(twi_prepare(c, TWI_SQL_ITEM_ROW, &q, err));
    twi_bind_text(q, 1, id);
    TW_TRY(twi_step(c, q, &found, err));
    if (found) {
        *row = sqlite3_column_int64(q, 0);
        *live = sqlite3_column_int(q, 1) != 0;
    }
done:
    twi_done(q);
    return st;
}

/* Whether two ids are one text; nfc is the composed form of the first. */
static tw_status same_text(const tw_text *nfc, const char *id, bool *same, tw_error *err)
{
    tw_text other;
    tw_text_init(&other, TWI_NFC_MAX);
    tw_status st = tw_unicode_nfc(&other, id, strnlen(id, TW_STORE_MAX_ID), err);
    *same = st == TW_OK && strcmp(tw_text_cstr(nfc), tw_text_cstr(&other)) == 0;
    tw_text_fini(&other);
    return st;
}

/* Among several the live one, else the first. */
static tw_status hashed_id(twi_conn *c, const tw_text *nfc, int64_t hash, int64_t *row, bool *live,
                           tw_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found = true;
    tw_status st;

    TW_TRY(twi_prepare(c, TWI_SQL_ITEM_BY_NFC, &q, err));
    (void) sqlite3_bind_int64(q, 1, hash);
    while (*row == 0) {
        bool same;
        TW_TRY(twi_step(c, q, &found, err));
        if (!found)
            break;
        TW_TRY(same_text(nfc, twi_text(q, 2), &same, err));
        if (same) {
            *row = sqlite3_column_int64(q, 0);
            *live = sqlite3_column_int(q, 1) != 0;
        }
    }
done:
    twi_done(q);
    return st;
}

tw_status twi_find_id(twi_conn *c, const char *id, int64_t *row, bool *live, tw_error *err)
{
    tw_text nfc;
    int64_t hash;
    tw_status st;

    *row = 0;
    *live = false;
    tw_text_init(&nfc, TWI_NFC_MAX);
    TW_TRY(exact_id(c, id, row, live, err));
    if (*row != 0 || twi_is_ascii(id, strlen(id)) || c->format < 3)
        goto done;
    TW_TRY(tw_unicode_nfc(&nfc, id, strlen(id), err));
    TW_TRY(twi_nfc_hash(id, &hash, err));
    TW_TRY(hashed_id(c, &nfc, hash, row, live, err));
    if (*row == 0) /* composed, it may be ASCII: a Kelvin sign is a K */
        TW_TRY(exact_id(c, tw_text_cstr(&nfc), row, live, err));
done:
    tw_text_fini(&nfc);
    return st;
}

/* ---- Titles ---------------------------------------------------------------------------------- */

/* Counts the live items whose folded title is `folded`, and keeps the first `room` rows. */
static tw_status find_titled(twi_conn *c, const tw_text *folded, int64_t hash, int64_t *rows,
                             int room, int *n, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found = true;
    tw_text other;
    tw_status st;

    tw_text_init(&other, TWI_FOLD_MAX);
    TW_TRY(twi_prepare(c, TWI_SQL_ITEM_BY_FOLD, &q, err));
    (void) sqlite3_bind_int64(q, 1, hash);
    while (*n < TW_STORE_MOST_TITLED) {
        TW_TRY(twi_step(c, q, &found, err));
        if (!found)
            break;
        const char *title = twi_text(q, 1);
        TW_TRY(twi_store_fold(&other, title, strnlen(title, TW_STORE_MAX_TITLE), err));
        if (strcmp(tw_text_cstr(folded), tw_text_cstr(&other)) != 0)
            continue; /* two titles may share a hash */
        if (*n < room)
            rows[*n] = sqlite3_column_int64(q, 0);
        ++*n;
    }
done:
    tw_text_fini(&other);
    twi_done(q);
    return st;
}

tw_status tw_store_titled(tw_store *s, const char *title, int64_t *rows, int room, int *n,
                          tw_error *err)
{
    twi_conn *c;
    tw_text folded;
    int64_t hash;
    tw_status st;
    const size_t len = strlen(title);

    *n = 0;
    if (len > TW_STORE_MAX_TITLE)
        return TW_OK;
    tw_text_init(&folded, TWI_FOLD_MAX);
    TW_TRY(twi_store_fold(&folded, title, len, err));
    TW_TRY(twi_fold_hash(title, &hash, err));
    if (folded.len == 0)
        goto done;
    TW_TRY(twi_read_begin(s, &c, err));
    st = find_titled(c, &folded, hash, rows, room, n, err);
    twi_read_end(s, c);
done:
    tw_text_fini(&folded);
    return st;
}
