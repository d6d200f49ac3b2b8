/* From one format of the store to the next.
 *
 * A format is a number in the file's header (user_version). Each step below
 * makes the format it stands for out of the one before, in one transaction
 * together with the new number: a kill leaves the old store or the new one.
 * A new store goes the same way, from the first format on, so that an old and a
 * new one never differ.
 *
 * A step runs in the memory of SQLite's page cache, whatever the size of the
 * tables; what does not fit goes to the log, which may grow to the size of the
 * store until the step ends.
 */
#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "store/store_schema.h"
#include "store/store_statement.h"
#include "store/store_statement_list.h"
#include "store/store_totals.h"

static const char space_totals[] =
    "UPDATE spaces SET tot = (SELECT twi_add(twi_row(100, 3, v.sum)) FROM vectors v "
    "WHERE v.model = spaces.model)";
static const char sums_table[] =
    "CREATE TABLE sums("
    "  one INTEGER PRIMARY KEY CHECK(one = 1), store INTEGER NOT NULL, shape INTEGER NOT NULL,"
    "  commits INTEGER NOT NULL, items INTEGER NOT NULL, contents INTEGER NOT NULL,"
    "  users INTEGER NOT NULL, events INTEGER NOT NULL, small INTEGER NOT NULL,"
    "  sum INTEGER NOT NULL)";
static const char sums_line[] =
    "INSERT INTO sums SELECT 1, random(), 0, 0,"
    "  (SELECT twi_add(twi_row(100, 1, sum)) FROM items),"
    "  (SELECT twi_add(twi_row(100, 2, sum)) FROM contents),"
    "  (SELECT twi_add(twi_row(100, 4, sum)) FROM users),"
    "  (SELECT twi_add(twi_row(5, user, time, item, seq, rating, value)) FROM events),"
    "  (SELECT twi_add(x) FROM (SELECT twi_row(100, 6, sum) AS x FROM models UNION ALL"
    "    SELECT twi_row(100, 7, sum) FROM meta UNION ALL"
    "    SELECT twi_row(100, 8, sum) FROM marks)), 0";

/* Format 2: a checksum in each row, a total over each table, and what a derived file may be up to.
 */
static const char *const to_2[] = {
    "ALTER TABLE items ADD COLUMN sum INTEGER",
    "ALTER TABLE contents ADD COLUMN sum INTEGER",
    "ALTER TABLE vectors ADD COLUMN sum INTEGER",
    "ALTER TABLE spaces ADD COLUMN tot INTEGER",
    "ALTER TABLE spaces ADD COLUMN sum INTEGER",
    "ALTER TABLE users ADD COLUMN sum INTEGER",
    "ALTER TABLE events ADD COLUMN sum INTEGER",
    "ALTER TABLE models ADD COLUMN sum INTEGER",
    "ALTER TABLE meta ADD COLUMN sum INTEGER",
    "ALTER TABLE marks ADD COLUMN sum INTEGER",
    "UPDATE items SET sum = twi_sum(1, row, seq, live, id, title)",
    "UPDATE contents SET sum = twi_sum(2, row, attributes, image, audio, text)",
    "UPDATE vectors SET sum = twi_sum(3, seq, model, row, vec)",
    "UPDATE users SET sum = twi_sum(4, row, key)",
    "UPDATE events SET sum = twi_sum(5, user, time, item, seq, rating, value)",
    "UPDATE models SET sum = twi_sum(6, version, active, json)",
    "UPDATE meta SET sum = twi_sum(7, key, value)",
    "UPDATE marks SET sum = twi_sum(8, key, bytes, lines, rows, rejected, done)",
    space_totals,
    "UPDATE spaces SET sum = twi_sum(9, model, dim, vectors, tot)",
    sums_table,
    sums_line,
    NULL,
};

/* Format 3: titles folded as Unicode does, and ids found in any normal form. */
static const char *const to_3[] = {
    "UPDATE items SET fold = twi_fold(title) WHERE live = 1 AND fold IS NOT twi_fold(title)",
    "ALTER TABLE items ADD COLUMN nfc INTEGER",
    "UPDATE items SET nfc = twi_nfc(id) WHERE twi_nfc(id) IS NOT NULL",
    "CREATE INDEX items_nfc ON items(nfc) WHERE nfc IS NOT NULL",
    NULL,
};

/* Format 4: times of events in microseconds. Their order by user and time is the table's own, so
 * the table is written anew; what was damaged before is so after. Two events that were one in two
 * units become one. In logs without times the number of a row was the time; the setting row_times
 * tells the engine which of them may be taken. */
static const char *const to_4[] = {
    "CREATE TABLE timed("
    "  user INTEGER NOT NULL REFERENCES users(row), time INTEGER NOT NULL,"
    "  item INTEGER NOT NULL REFERENCES items(row), seq INTEGER NOT NULL, rating REAL, value REAL,"
    "  sum INTEGER, PRIMARY KEY(user, time, item)) WITHOUT ROWID",
    "INSERT OR IGNORE INTO timed SELECT user, twi_micros(time), item, seq, rating, value,"
    "  CASE WHEN sum IS twi_sum(5, user, time, item, seq, rating, value)"
    "  THEN twi_sum(5, user, twi_micros(time), item, seq, rating, value) END"
    "  FROM events ORDER BY user, time, item",
    "DROP TABLE events",
    "ALTER TABLE timed RENAME TO events",
    "UPDATE counts SET events = (SELECT count(*) FROM events)",
    "UPDATE sums SET events ="
    "  (SELECT twi_add(twi_row(5, user, time, item, seq, rating, value)) FROM events)",
    "INSERT INTO meta SELECT 'row_times', n, twi_sum(7, 'row_times', n) FROM"
    "  (SELECT CAST(max(rows) AS TEXT) AS n FROM marks) WHERE n IS NOT NULL",
    "UPDATE sums SET small = (SELECT twi_add(x) FROM (SELECT twi_row(100, 6, sum) AS x FROM models"
    "  UNION ALL SELECT twi_row(100, 7, sum) FROM meta"
    "  UNION ALL SELECT twi_row(100, 8, sum) FROM marks))",
    NULL,
};

static const char *const *const steps[TWI_FORMAT + 1] = {[2] = to_2, [3] = to_3, [4] = to_4};

/* The tables' shape and the checksum of the totals, after whatever a step did. */
static tw_status seal(twi_conn *c, tw_error *err)
{
    char sql[80];
    uint64_t shape;
    tw_status st;

    TW_TRY(twi_shape(c, &shape, err));
    (void) sqlite3_snprintf(sizeof sql, sql, "UPDATE sums SET shape = %lld", (long long) shape);
    TW_TRY(twi_sql(c, sql, err));
    TW_TRY(
        twi_sql(c,
                "UPDATE sums SET sum = (SELECT twi_sum(10, s.store, s.shape, s.commits, s.items, "
                "s.contents, s.users, s.events, s.small, n.seq, n.items, n.deleted, n.users, "
                "n.events) FROM sums s, counts n)",
                err));
done:
    return st;
}

tw_status twi_migrate_step(twi_conn *c, int to, tw_error *err)
{
    char sql[40];
    tw_status st = TW_OK;

    for (const char *const *one = steps[to]; *one != NULL; one++) {
        TW_TRY(twi_sql(c, *one, err));
        tw_crash_point(); /* between two formats, in a transaction that no reader sees */
    }
    TW_TRY(seal(c, err));
    (void) sqlite3_snprintf(sizeof sql, sql, "PRAGMA user_version = %d", to);
    TW_TRY(twi_sql(c, sql, err));
done:
    return st;
}

/* One step, unless another process has taken it meanwhile. */
static tw_status migrate_one(twi_conn *c, int to, tw_error *err)
{
    int64_t format = 0;
    tw_status st;

    TW_TRY(twi_sql(c, "BEGIN IMMEDIATE", err));
    TW_TRY(twi_sql_i64(c, "PRAGMA user_version", &format, err));
    if (format < to)
        TW_TRY(twi_migrate_step(c, to, err));
    tw_crash_point(); /* all is written, nothing of it counts */
    TW_TRY(twi_sql(c, "COMMIT", err));
    tw_crash_point(); /* the new format */
done:
    if (st != TW_OK && sqlite3_get_autocommit(c->db) == 0)
        (void) !twi_sql(c, "ROLLBACK", NULL);
    return st;
}

tw_status twi_migrate(twi_conn *c, int64_t from, tw_error *err)
{
    double start = tw_clock_monotonic();
    tw_status st = TW_OK;

    for (int to = (int) from + 1; to <= TWI_FORMAT; to++)
        TW_TRY(migrate_one(c, to, err));
    tw_log(TW_LOG_INFO, "STORE-MIGRATED", "path=\"%s\" from=%d to=%d seconds=%.1f", c->path,
           (int) from, TWI_FORMAT, tw_clock_monotonic() - start);
done:
    return st;
}
