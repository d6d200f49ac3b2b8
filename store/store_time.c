#include "store/store_time.h"

int64_t twi_time_micros(int64_t old)
{
    const int64_t size = old == INT64_MIN ? INT64_MAX : old < 0 ? -old : old;
    if (size < 100000000000)
        return old * 1000000;
    if (size < 100000000000000)
        return old * 1000;
    return size < 100000000000000000 ? old : old / 1000;
}

static void sql_micros(sqlite3_context *to, int n, sqlite3_value **values)
{
    (void) n;
    sqlite3_result_int64(to, twi_time_micros(sqlite3_value_int64(values[0])));
}

tw_status twi_time_functions(twi_conn *c, tw_error *err)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    int rc = sqlite3_create_function_v2(c->db, "twi_micros", 1, flags, NULL, sql_micros, NULL, NULL,
                                        NULL);
    return rc == SQLITE_OK ? TW_OK : twi_sql_fail(c, rc, err);
}

tw_status twi_time_is_old(twi_conn *c, bool *old, tw_error *err)
{
    int64_t format = c->format;
    tw_status st = TW_OK;
    if (format < 4)
        st = twi_sql_i64(c, "PRAGMA user_version", &format, err);
    *old = format < 4;
    return st;
}
