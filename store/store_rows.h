/* store/store_rows.h — items and names read from a connection, and vectors removed. Internal to
 * store/.
 */
#ifndef TW_STORE_STORE_ROWS_H
#define TW_STORE_STORE_ROWS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "store/store_state.h"

/* The item under the statement's current row (TWI_ITEM_COLUMNS); strings are SQLite's until the
 * next step. TW_ECORRUPT: it is not what was written. */
TW_NODISCARD tw_status twi_read_item(const twi_conn *c, sqlite3_stmt *q, tw_item *item,
                                     tw_error *err);
/* Verifies the line of `items` under the current row: row, seq, live, id, title, ..., sum at the
 * column `sum`. TW_ECORRUPT. */
TW_NODISCARD tw_status twi_check_line(const twi_conn *c, sqlite3_stmt *q, int sum, tw_error *err);

/* tw_store_names on a given connection. */
TW_NODISCARD tw_status twi_names(twi_conn *c, const int64_t *rows, int n, tw_item_name *out,
                                 tw_text *text, tw_error *err);

/* The item with exactly this id, else the one whose id is the same text in another normal form, the
 * live one first. *row is 0 when there is none. The line is not verified: bulk loads ask for each
 * event, and what reads the item does. */
TW_NODISCARD tw_status twi_find_id(twi_conn *c, const char *id, int64_t *row, bool *live,
                                   tw_error *err);

/* Marks the item's vector removed in every model. */
TW_NODISCARD tw_status twi_remove_vectors(tw_store *s, int64_t row, tw_error *err);

#endif
