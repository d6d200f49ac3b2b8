/* The counters of the whole store, as the file has them. */
#include "store/store_state.h"
#include "store/store_statement.h"
#include "store/store_sum.h"
#include "store/store_totals.h"

tw_status twi_read_counts(twi_conn *c, twi_counts *n, twi_sums *sums, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found;
    tw_status st;

    *n = (twi_counts){0};
    TW_TRY(twi_prepare(c, TWI_SQL_COUNTS_GET, &q, err));
    TW_TRY(twi_step(c, q, &found, err));
    if (!found) {
        st = tw_fail(err, TW_ECORRUPT, "'%s' is damaged: it has lost its counters; " TWI_FROM_COPY,
                     c->path);
        goto done;
    }
    *n = (twi_counts){
        .seq = sqlite3_column_int64(q, 0),
        .items = sqlite3_column_int64(q, 1),
        .deleted = sqlite3_column_int64(q, 2),
        .users = sqlite3_column_int64(q, 3),
        .events = sqlite3_column_int64(q, 4),
    };
    TW_TRY(twi_sums_load(c, n, sums, err));
done:
    twi_done(q);
    return st;
}
