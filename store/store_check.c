/* Stats and check: what the store says of itself. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/internal.h"

/* ---- Stats ---- */

static tw_status read_counts(tw_store *s, twi_conn *c, twi_counts *n, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found;
    tw_status st;

    if (c == s->writer) { /* inside a transaction the table is behind */
        *n = s->counts;
        return TW_OK;
    }
    *n = (twi_counts){0};
    TW_TRY(twi_prepare(c, TWI_SQL_COUNTS_GET, &q, err));
    TW_TRY(twi_step(c, q, &found, err));
    if (found) {
        *n = (twi_counts){
            .seq = sqlite3_column_int64(q, 0),
            .items = sqlite3_column_int64(q, 1),
            .deleted = sqlite3_column_int64(q, 2),
            .users = sqlite3_column_int64(q, 3),
            .events = sqlite3_column_int64(q, 4),
        };
    }
done:
    twi_done(q);
    return st;
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

/* ---- Check ---- */

typedef struct report {
    tw_problem_fn fn;
    void *ctx;
    int problems;
} report;

static void tell(report *r, const char *sentence)
{
    r->problems++;
    r->fn(r->ctx, sentence);
}

/* What twindex promises, as counts of what breaks it. */
static const struct {
    const char *what;
    const char *sql;
} promises[] = {
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

static tw_status check_promises(twi_conn *c, report *r, tw_error *err)
{
    for (size_t i = 0; i < sizeof promises / sizeof promises[0]; i++) {
        int64_t broken = 0;
        tw_status st = twi_sql_i64(c, promises[i].sql, &broken, err);
        if (st != TW_OK)
            return st;
        if (broken != 0) {
            char sentence[160];
            (void) snprintf(sentence, sizeof sentence, "%lld %s", (long long) broken,
                            promises[i].what);
            tell(r, sentence);
        }
    }
    return TW_OK;
}

static tw_status check_file(twi_conn *c, bool quick, report *r, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(
        c->db, quick ? "PRAGMA quick_check(50)" : "PRAGMA integrity_check(50)", -1, &q, NULL);
    if (rc == SQLITE_OK) {
        while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
            if (strcmp(twi_text(q, 0), "ok") != 0)
                tell(r, twi_text(q, 0));
        }
    }
    tw_status st = rc == SQLITE_DONE ? TW_OK : twi_sql_fail(c, rc, err);
    (void) sqlite3_finalize(q);
    return st;
}

/* A title is found by the hash of its folded form, which SQL cannot compute. */
static tw_status check_titles(twi_conn *c, report *r, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    int64_t wrong = 0;
    int rc = sqlite3_prepare_v2(c->db, "SELECT title, ifnull(fold, 0) FROM items WHERE live = 1",
                                -1, &q, NULL);
    if (rc == SQLITE_OK) {
        while ((rc = sqlite3_step(q)) == SQLITE_ROW)
            wrong += twi_fold_hash(twi_text(q, 0)) != sqlite3_column_int64(q, 1) ? 1 : 0;
    }
    tw_status st = rc == SQLITE_DONE ? TW_OK : twi_sql_fail(c, rc, err);
    (void) sqlite3_finalize(q);
    if (wrong != 0) {
        char sentence[96];
        (void) snprintf(sentence, sizeof sentence, "%lld items that cannot be found by their title",
                        (long long) wrong);
        tell(r, sentence);
    }
    return st;
}

static tw_status check_all(twi_conn *c, bool quick, report *r, tw_error *err)
{
    tw_status st;
    TW_TRY(twi_exec(c, TWI_SQL_BEGIN_READ, err));
    TW_TRY(check_file(c, quick, r, err));
    TW_TRY(check_promises(c, r, err));
    if (!quick)
        TW_TRY(check_titles(c, r, err));
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
    st = check_all(c, quick, &r, &why);
    twi_read_end(s, c);
    if (st == TW_ECORRUPT)
        tell(&r, why.msg); /* damage that kept a check from running is a finding, too */
    else if (st != TW_OK)
        return tw_fail(err, st, "%s", why.msg);
    if (r.problems > 0)
        return tw_fail(err, TW_ECORRUPT, "'%s' has %d problem%s", s->path, r.problems,
                       r.problems == 1 ? "" : "s");
    return TW_OK;
}
