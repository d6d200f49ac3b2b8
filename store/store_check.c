/* Stats and check: what the store says of itself. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/store_state.h"
#include "store/store_statement.h"
#include "store/store_statement_list.h"
#include "store/store_totals.h"
#include "store/store_wal.h"

/* ---- Stats ----------------------------------------------------------------------------------- */

/* Inside a transaction the table is behind. */
static tw_status read_counts(tw_store *s, twi_conn *c, twi_counts *n, tw_error *err)
{
    twi_sums sums;
    if (c != s->writer)
        return twi_read_counts(c, n, &sums, err);
    *n = s->counts;
    return TW_OK;
}

tw_status tw_store_seq(tw_store *s, int64_t *seq, tw_error *err)
{
    twi_counts n;
    twi_conn *c;
    *seq = 0;
    tw_status st = twi_read_begin(s, &c, err);
    if (st != TW_OK)
        return st;
    st = read_counts(s, c, &n, err);
    if (st == TW_OK)
        *seq = n.seq;
    twi_read_end(s, c);
    return st;
}

static tw_status read_spaces(tw_store *s, twi_conn *c, tw_store_stats *stats, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    tw_status st = TW_OK;

    if (c == s->writer)
        TW_TRY(twi_flush_spaces(s, err));
    TW_TRY(twi_prepare(c, TWI_SQL_SPACES, &q, err));
    while (stats->n_models < TW_STORE_STATS_MODELS) {
        bool found;
        TW_TRY(twi_step(c, q, &found, err));
        if (!found)
            break;
        int i = stats->n_models++;
        stats->models[i].model = sqlite3_column_int(q, 0);
        stats->models[i].dim = sqlite3_column_int(q, 1);
        stats->models[i].vectors = sqlite3_column_int64(q, 2);
    }
done:
    twi_done(q);
    return st;
}

static tw_status read_active(twi_conn *c, int *version, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found;
    tw_status st;

    TW_TRY(twi_prepare(c, TWI_SQL_MODEL_ACTIVE, &q, err));
    TW_TRY(twi_step(c, q, &found, err));
    if (found)
        *version = sqlite3_column_int(q, 0);
done:
    twi_done(q);
    return st;
}

static int64_t size_of(const char *path, const char *suffix)
{
    char name[TW_PATH_MAX + 8];
    struct stat info;
    (void) snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &info) == 0 ? (int64_t) info.st_size : 0;
}

/* Several statements, one moment: inside a transaction it is the writer's, outside a reader's own.
 */
static tw_status read_stats(tw_store *s, twi_conn *c, tw_store_stats *stats, tw_error *err)
{
    twi_counts n;
    tw_status st = TW_OK;

    if (c != s->writer)
        TW_TRY(twi_exec(c, TWI_SQL_BEGIN_READ, err));
    TW_TRY(read_counts(s, c, &n, err));
    TW_TRY(read_spaces(s, c, stats, err));
    TW_TRY(read_active(c, &stats->active_model, err));
    stats->seq = n.seq;
    stats->items = n.items;
    stats->deleted = n.deleted;
    stats->users = n.users;
    stats->events = n.events;
done:
    if (c != s->writer && sqlite3_get_autocommit(c->db) == 0)
        (void) !twi_exec(c, TWI_SQL_ROLLBACK, NULL); /* nothing was written */
    return st;
}

tw_status tw_store_get_stats(tw_store *s, tw_store_stats *stats, tw_error *err)
{
    twi_conn *c;
    *stats = (tw_store_stats){0};
    tw_status st = twi_read_begin(s, &c, err);
    if (st != TW_OK)
        return st;
    st = read_stats(s, c, stats, err);
    if (st == TW_OK)
        stats->file_bytes = size_of(s->path, "") + size_of(s->path, "-wal");
    twi_read_end(s, c);
    return st;
}

/* ---- Check ----------------------------------------------------------------------------------- */

typedef struct report {
    tw_problem_fn fn;
    void *ctx;
    int problems;
} report;

static void found_damage(report *r, const char *sentence)
{
    r->problems++;
    r->fn(r->ctx, sentence);
}

/* What twindex promises, as counts of what breaks it. */
typedef struct promise {
    const char *what;
    const char *sql;
} promise;

static const promise promises[] = {
    {"live items more or fewer than counted",
     "SELECT abs((SELECT items FROM counts) - (SELECT count(*) FROM items WHERE live = 1))"},
    {"deleted items more or fewer than counted",
     "SELECT abs((SELECT deleted FROM counts) - (SELECT count(*) FROM items WHERE live <> 1))"},
    {"users more or fewer than counted",
     "SELECT abs((SELECT users FROM counts) - (SELECT count(*) FROM users))"},
    {"events more or fewer than counted",
     "SELECT abs((SELECT events FROM counts) - (SELECT count(*) FROM events))"},
    {"models whose number of vectors is not the counted one",
     "SELECT count(*) FROM spaces s WHERE vectors <> "
     "(SELECT count(*) FROM vectors v WHERE v.model = s.model AND v.vec IS NOT NULL)"},
    {"changes numbered beyond the sequence counter",
     "SELECT (SELECT count(*) FROM items WHERE seq > (SELECT seq FROM counts)) + "
     "(SELECT count(*) FROM vectors WHERE seq > (SELECT seq FROM counts)) + "
     "(SELECT count(*) FROM events WHERE seq > (SELECT seq FROM counts))"},
    {"deleted items that still have content, or live ones that have lost it",
     "SELECT (SELECT count(*) FROM items i LEFT JOIN contents c ON c.row = i.row "
     "WHERE (i.live = 1) <> (c.row IS NOT NULL) OR (i.live <> 1 AND i.title <> '')) + "
     "(SELECT count(*) FROM contents WHERE row NOT IN (SELECT row FROM items))"},
    {"vectors of deleted items", "SELECT count(*) FROM vectors v JOIN items i ON i.row = v.row "
                                 "WHERE v.vec IS NOT NULL AND i.live <> 1"},
    {"vectors of another width than their model's",
     "SELECT count(*) FROM vectors v LEFT JOIN spaces s ON s.model = v.model "
     "WHERE v.vec IS NOT NULL AND (s.dim IS NULL OR length(v.vec) <> 4 * s.dim)"},
    {"vectors, users or events that name a missing item or user",
     "SELECT count(*) FROM pragma_foreign_key_check"},
    {"models that serve at the same time, beyond one",
     "SELECT max(0, count(*) - 1) FROM models WHERE active = 1"},
    {"items whose id is empty or too long",
     "SELECT count(*) FROM items WHERE length(CAST(id AS BLOB)) NOT BETWEEN 1 AND 512"},
};

/* Damage that keeps one question from being answered is a finding, and no reason not to ask the
 * others. */
static tw_status tell_damage(report *r, tw_status st, const tw_error *why, tw_error *err)
{
    if (st == TW_OK)
        return TW_OK;
    if (st != TW_ECORRUPT)
        return tw_fail(err, st, "%s", why->msg);
    found_damage(r, why->msg);
    return TW_OK;
}

static tw_status check_promises(twi_conn *c, const promise *list, size_t n, report *r,
                                tw_error *err)
{
    for (size_t i = 0; i < n; i++) {
        int64_t broken = 0;
        tw_error why = {0};
        tw_status st = twi_sql_i64(c, list[i].sql, &broken, &why);
        st = tell_damage(r, st, &why, err);
        if (st != TW_OK)
            return st;
        if (broken != 0) {
            char sentence[160];
            (void) snprintf(sentence, sizeof sentence, "%lld %s", (long long) broken, list[i].what);
            found_damage(r, sentence);
        }
    }
    return TW_OK;
}

/* What items are found by, computed anew; format 3 and later. */
static const promise names[] = {
    {"items that cannot be found by their title",
     "SELECT count(*) FROM items WHERE live = 1 AND fold IS NOT twi_fold(title)"},
    {"items that cannot be found by another form of their id",
     "SELECT count(*) FROM items WHERE nfc IS NOT twi_nfc(id)"},
};

/* ---- Checksums ------------------------------------------------------------------------------- */

#define MOST_NAMED 10 /* damaged rows of a table that are named, and not only counted */

/* Each statement names the rows whose checksum is not that of their values. */
static const char *const damaged[] = {
    "SELECT printf('item ''%.100s'' (row %d)', id, row) FROM items "
    "WHERE sum IS NOT twi_sum(1, row, seq, live, id, title)",
    "SELECT printf('the content of item row %d', row) FROM contents "
    "WHERE sum IS NOT twi_sum(2, row, attributes, image, audio, text)",
    "SELECT printf('the vector of item row %d and model %d', row, model) FROM vectors "
    "WHERE sum IS NOT twi_sum(3, seq, model, row, vec)",
    "SELECT printf('user ''%.100s'' (row %d)', key, row) FROM users "
    "WHERE sum IS NOT twi_sum(4, row, key)",
    "SELECT printf('the event of user row %d with item row %d at %d', user, item, time) "
    "FROM events WHERE sum IS NOT twi_sum(5, user, time, item, seq, rating, value)",
    "SELECT printf('the registration of model %d', version) FROM models "
    "WHERE sum IS NOT twi_sum(6, version, active, json)",
    "SELECT printf('the value of ''%.100s''', key) FROM meta "
    "WHERE sum IS NOT twi_sum(7, key, value)",
    "SELECT printf('the mark of file ''%.100s''', key) FROM marks "
    "WHERE sum IS NOT twi_sum(8, key, bytes, lines, rows, rejected, done)",
    "SELECT printf('the line of the vectors of model %d', model) FROM spaces "
    "WHERE sum IS NOT twi_sum(9, model, dim, vectors, tot)",
    "SELECT 'the line of its counters and totals' "
    "FROM (SELECT 1) LEFT JOIN counts n LEFT JOIN sums s "
    "WHERE s.sum IS NOT twi_sum(10, s.store, s.shape, s.commits, s.items, s.contents, s.users, "
    "s.events, s.small, n.seq, n.items, n.deleted, n.users, n.events)",
};

/* Rows that were lost, or came back, or stand beside their checksum as it never was written. */
static const promise totals[] = {
    {"total of the items that is not the kept one",
     "SELECT (SELECT items FROM sums) IS NOT "
     "(SELECT twi_add(twi_row(100, 1, sum)) FROM items)"},
    {"total of the items' contents that is not the kept one",
     "SELECT (SELECT contents FROM sums) IS NOT "
     "(SELECT twi_add(twi_row(100, 2, sum)) FROM contents)"},
    {"total of the users that is not the kept one",
     "SELECT (SELECT users FROM sums) IS NOT "
     "(SELECT twi_add(twi_row(100, 4, sum)) FROM users)"},
    {"total of the events that is not the kept one",
     "SELECT (SELECT events FROM sums) IS NOT "
     "(SELECT twi_add(twi_row(5, user, time, item, seq, rating, value)) FROM events)"},
    {"total of models, settings and marks that is not the kept one",
     "SELECT (SELECT small FROM sums) IS NOT (SELECT twi_add(x) FROM "
     "(SELECT twi_row(100, 6, sum) AS x FROM models UNION ALL "
     "SELECT twi_row(100, 7, sum) FROM meta UNION ALL "
     "SELECT twi_row(100, 8, sum) FROM marks))"},
    {"totals of a model's vectors that are not the kept ones",
     "SELECT (SELECT count(*) FROM spaces s WHERE tot IS NOT (SELECT "
     "twi_add(twi_row(100, 3, v.sum)) FROM vectors v WHERE v.model = s.model)) + "
     "(SELECT count(*) FROM (SELECT DISTINCT model FROM vectors) "
     "WHERE model NOT IN (SELECT model FROM spaces))"},
};

static tw_status name_damaged(twi_conn *c, const char *sql, report *r, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    int64_t n = 0;
    char sentence[240];
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK) {
        while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
            if (n++ >= MOST_NAMED)
                continue;
            (void) snprintf(sentence, sizeof sentence, "%.200s is not what was written",
                            twi_text(q, 0));
            found_damage(r, sentence);
        }
    }
    tw_status st = rc == SQLITE_DONE ? TW_OK : twi_sql_fail(c, rc, err);
    (void) sqlite3_finalize(q);
    if (n > MOST_NAMED) {
        (void) snprintf(sentence, sizeof sentence, "and %lld more rows like the last one",
                        (long long) n - MOST_NAMED);
        found_damage(r, sentence);
    }
    return st;
}

static tw_status check_shape(twi_conn *c, report *r, tw_error *err)
{
    uint64_t shape;
    int64_t kept = 0;
    tw_status st;
    TW_TRY(twi_shape(c, &shape, err));
    TW_TRY(twi_sql_i64(c, "SELECT shape FROM sums", &kept, err));
    if ((uint64_t) kept != shape)
        found_damage(r, "the definitions of its tables are not those it was made with");
done:
    return st;
}

static tw_status check_sums(twi_conn *c, report *r, tw_error *err)
{
    tw_status st = TW_OK;
    if (!c->summed) /* the first format: they come when it is opened for writing */
        return TW_OK;
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0] && st == TW_OK; i++) {
        tw_error why = {0};
        st = name_damaged(c, damaged[i], r, &why);
        st = tell_damage(r, st, &why, err);
    }
    if (st == TW_OK)
        st = check_promises(c, totals, sizeof totals / sizeof totals[0], r, err);
    if (st == TW_OK) {
        tw_error why = {0};
        st = check_shape(c, r, &why);
        st = tell_damage(r, st, &why, err);
    }
    return st;
}

static tw_status check_file(twi_conn *c, bool quick, report *r, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(
        c->db, quick ? "PRAGMA quick_check(50)" : "PRAGMA integrity_check(50)", -1, &q, NULL);
    if (rc == SQLITE_OK) {
        while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
            if (strcmp(twi_text(q, 0), "ok") != 0)
                found_damage(r, twi_text(q, 0));
        }
    }
    tw_status st = rc == SQLITE_DONE ? TW_OK : twi_sql_fail(c, rc, err);
    (void) sqlite3_finalize(q);
    return st;
}

/* Commits that cannot be replayed. Inside the read transaction, so that no checkpoint begins the
 * log anew meanwhile. */
static tw_status check_log(const char *path, report *r, tw_error *err)
{
    twi_wal_state log;
    tw_status st = twi_wal_scan(path, &log, err);
    if (st == TW_OK && log.lost > 0) {
        char sentence[200];
        (void) snprintf(sentence, sizeof sentence,
                        "the log of writes is damaged at frame %lld: %lld later commit%s cannot be "
                        "replayed; keep a copy of it before anything is written",
                        (long long) log.bad, (long long) log.lost, log.lost == 1 ? "" : "s");
        found_damage(r, sentence);
    }
    return st;
}

/* Changes whose numbers are known outside the database, and not in it. Outside a transaction: the
 * number is read first, and then how far the store is. */
static tw_status check_numbers(tw_store *s, twi_conn *c, report *r, tw_error *err)
{
    twi_gap gap;
    tw_status st = twi_seq_missing(s, c, &gap, err);
    if (st == TW_OK && gap.commits > 0) {
        char sentence[120];
        (void) snprintf(sentence, sizeof sentence,
                        "%lld commit%s acknowledged and not in the store (changes %lld to %lld)",
                        (long long) gap.commits, gap.commits == 1 ? " was" : "s were",
                        (long long) gap.first, (long long) gap.last);
        if (gap.first > gap.last)
            *strrchr(sentence, '(') = '\0';
        found_damage(r, sentence);
    }
    return st == TW_ECORRUPT ? TW_OK : st; /* the counters: check_sums reports it */
}

static tw_status check_all(tw_store *s, twi_conn *c, bool quick, report *r, tw_error *err)
{
    tw_status st;
    tw_error why = {0};
    TW_TRY(check_numbers(s, c, r, err));
    TW_TRY(twi_exec(c, TWI_SQL_BEGIN_READ, err));
    st = check_file(c, quick, r, &why);
    TW_TRY(tell_damage(r, st, &why, err));
    TW_TRY(check_log(s->path, r, err));
    TW_TRY(check_promises(c, promises, sizeof promises / sizeof promises[0], r, err));
    TW_TRY(check_sums(c, r, err));
    if (!quick && c->format >= 3)
        TW_TRY(check_promises(c, names, sizeof names / sizeof names[0], r, err));
done:
    if (sqlite3_get_autocommit(c->db) == 0)
        (void) !twi_exec(c, TWI_SQL_ROLLBACK, NULL); /* nothing was written */
    return st;
}

tw_status tw_store_check(tw_store *s, bool quick, tw_problem_fn fn, void *ctx, tw_error *err)
{
    tw_error why = {0};
    report r = {.fn = fn, .ctx = ctx};
    twi_conn *c;

    tw_status st = twi_read_begin(s, &c, err);
    if (st != TW_OK)
        return st;
    if (c == s->writer)
        return tw_fail(err, TW_ESTATE, "a check cannot run inside a transaction");
    st = check_all(s, c, quick, &r, &why);
    twi_read_end(s, c);
    if (st == TW_ECORRUPT)
        found_damage(&r, why.msg); /* damage that kept a check from running is a finding, too */
    else if (st != TW_OK)
        return tw_fail(err, st, "%s", why.msg);
    if (r.problems > 0)
        return tw_fail(err, TW_ECORRUPT, "'%s' has %d problem%s", s->path, r.problems,
                       r.problems == 1 ? "" : "s");
    return TW_OK;
}
