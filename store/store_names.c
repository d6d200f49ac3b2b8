/* What a result list shows of its items: many ids and titles in one go. */
#include <string.h>

#include "store/store_rows.h"
#include "store/store_state.h"
#include "store/store_statement.h"
#include "store/store_totals.h"

/* The strings move while the text grows, so the pointers are set when it is complete: id, NUL,
 * title, NUL for each row in turn. */
static void point_into(tw_item_name *out, int n, const char *p)
{
    for (int i = 0; i < n; i++) {
        out[i].id = p;
        p += strlen(p) + 1;
        out[i].title = p;
        p += strlen(p) + 1;
    }
}

static tw_status add_string(tw_text *text, const char *s, tw_error *err)
{
    return tw_text_add(text, s, strlen(s) + 1, err);
}

static tw_status add_name(twi_conn *c, int64_t row, tw_item_name *out, tw_text *text, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found;
    tw_status st;

    *out = (tw_item_name){.row = row};
    TW_TRY(twi_prepare(c, TWI_SQL_ITEM_NAME, &q, err));
    (void) sqlite3_bind_int64(q, 1, row);
    TW_TRY(twi_step(c, q, &found, err));
    if (found) {
        tw_error why = {0};
        st = twi_check_line(c, q, 5, &why);
        found = st == TW_OK; /* else as if the row had never been used */
        TW_TRY(twi_pass(c, st, &why, err));
    }
    out->live = found && sqlite3_column_int(q, 2) != 0;
    TW_TRY(add_string(text, found ? twi_text(q, 3) : "", err));
    TW_TRY(add_string(text, found ? twi_text(q, 4) : "", err));
done:
    twi_done(q);
    return st;
}

/* One read transaction for all: each statement on its own would take and drop the lock, which costs
 * more than the look-up. */
tw_status twi_names(twi_conn *c, const int64_t *rows, int n, tw_item_name *out, tw_text *text,
                    tw_error *err)
{
    bool own = n > 1 && sqlite3_get_autocommit(c->db) != 0;
    tw_status st = own ? twi_exec(c, TWI_SQL_BEGIN_READ, err) : TW_OK;
    tw_text_clear(text);
    for (int i = 0; i < n && st == TW_OK; i++)
        st = add_name(c, rows[i], &out[i], text, err);
    if (st == TW_OK)
        point_into(out, n, tw_text_cstr(text));
    if (own && sqlite3_get_autocommit(c->db) == 0)
        (void) !twi_exec(c, TWI_SQL_ROLLBACK, NULL); /* nothing was written */
    return st;
}

tw_status tw_store_names(tw_store *s, const int64_t *rows, int n, tw_item_name *out, tw_text *text,
                         tw_error *err)
{
    twi_conn *c;
    tw_status st = twi_read_begin(s, &c, err);
    if (st != TW_OK)
        return st;
    st = twi_names(c, rows, n, out, text, err);
    twi_read_end(s, c);
    return st;
}
