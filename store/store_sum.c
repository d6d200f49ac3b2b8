/* Checksums of rows and totals of tables.
 *
 * SQLite finds a page that makes no sense. It cannot find one that does and is
 * wrong: a bit of a title, a vector or a time, or a page that an earlier write
 * left. So each row carries a checksum of all its values, verified when it is
 * read, and each table a total over its rows, which `tw_store_check` adds up
 * again: a row that was lost, or came back, is in no checksum, but in the total.
 * The total is a sum, so that a change costs one subtraction and one addition,
 * whatever the table's size and the order of its rows.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "store/store_state.h"
#include "store/store_statement.h"
#include "store/store_statement_list.h"
#include "store/store_sum.h"
#include "store/store_totals.h"

/* ---- The hash of a row ----------------------------------------------------------------------- */

#define NULL_WORD 0x6c6c756eu /* what NULL counts as */

uint64_t twi_hash_start(twi_tag tag) { return tw_hash_word(TW_HASH_START, (uint64_t) tag); }

uint64_t twi_hash_i64(uint64_t h, int64_t v) { return tw_hash_word(h, (uint64_t) v); }

uint64_t twi_hash_text(uint64_t h, const char *s) { return tw_hash_bytes(h, s, strlen(s)); }

uint64_t twi_hash_real(uint64_t h, double v)
{
    uint64_t bits;
    if (isnan(v))
        return tw_hash_word(h, NULL_WORD);
    v += 0.0; /* SQLite keeps whole numbers as integers, so -0 comes back as 0 */
    memcpy(&bits, &v, sizeof bits);
    return tw_hash_word(h, bits);
}

uint64_t twi_hash_blob(uint64_t h, const void *blob, int bytes)
{
    return blob == NULL ? tw_hash_word(h, NULL_WORD) : tw_hash_bytes(h, blob, (size_t) bytes);
}

int64_t twi_sum_of(twi_tag tag, uint64_t h)
{
    h = tw_hash_end(h);
    return tag == TWI_TAG_EVENT ? (int64_t) (int16_t) (h & 0xffff)
                                : (int64_t) (int32_t) (h & 0xffffffff);
}

uint64_t twi_adds(twi_tag tag, int64_t sum)
{
    uint64_t h = twi_hash_i64(twi_hash_start(TWI_TAG_TOTAL), (int64_t) tag);
    return tw_hash_end(twi_hash_i64(h, sum));
}

uint64_t twi_adds_event(uint64_t h) { return tw_hash_end(h); }

uint64_t twi_hash_item(int64_t row, int64_t seq, bool live, const char *id, const char *title)
{
    uint64_t h = twi_hash_i64(twi_hash_i64(twi_hash_start(TWI_TAG_ITEM), row), seq);
    return twi_hash_text(twi_hash_text(twi_hash_i64(h, live ? 1 : 0), id), title);
}

uint64_t twi_hash_content(int64_t row, const tw_item *item)
{
    uint64_t h = twi_hash_i64(twi_hash_start(TWI_TAG_CONTENT), row);
    h = twi_hash_text(twi_hash_text(h, item->attributes), item->image);
    return twi_hash_text(twi_hash_text(h, item->audio), item->text);
}

uint64_t twi_hash_user(int64_t row, const char *key)
{
    return twi_hash_text(twi_hash_i64(twi_hash_start(TWI_TAG_USER), row), key);
}

uint64_t twi_hash_event(const tw_event *e)
{
    uint64_t h = twi_hash_i64(twi_hash_i64(twi_hash_start(TWI_TAG_EVENT), e->user), e->time);
    h = twi_hash_i64(twi_hash_i64(h, e->item), e->seq);
    return twi_hash_real(twi_hash_real(h, e->rating), e->value);
}

bool twi_is_intact(const twi_conn *c, sqlite3_stmt *q, int column, twi_tag tag, uint64_t h)
{
    return !c->summed || (sqlite3_column_type(q, column) == SQLITE_INTEGER &&
                          sqlite3_column_int64(q, column) == twi_sum_of(tag, h));
}

tw_status twi_pass(const twi_conn *c, tw_status st, const tw_error *why, tw_error *err)
{
    static tw_log_gate gate;
    int dropped;
    if (st != TW_ECORRUPT || !c->passes)
        return st == TW_OK ? st : tw_fail(err, st, "%s", why->msg);
    if (tw_log_allowed(&gate, 5, &dropped))
        tw_log(TW_LOG_WARN, "STORE-ROW-DAMAGED", "left_out=\"%s\" more=%d", why->msg, dropped);
    return TW_OK;
}

tw_status twi_damaged(const twi_conn *c, tw_error *err, const char *way_out, const char *fmt, ...)
{
    char what[256];
    va_list args;
    va_start(args, fmt);
    (void) vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    return tw_fail(err, TW_ECORRUPT, "'%.200s' is damaged: %s is not what was written; %s", c->path,
                   what, way_out);
}

/* ---- The same for SQL ------------------------------------------------------------------------ */

static uint64_t hash_value(uint64_t h, sqlite3_value *v)
{
    switch (sqlite3_value_type(v)) {
    case SQLITE_INTEGER: return twi_hash_i64(h, sqlite3_value_int64(v));
    case SQLITE_FLOAT: return twi_hash_real(h, sqlite3_value_double(v));
    case SQLITE_TEXT: {
        const unsigned char *text = sqlite3_value_text(v);
        return tw_hash_bytes(h, text, text != NULL ? (size_t) sqlite3_value_bytes(v) : 0);
    }
    case SQLITE_BLOB: {
        const void *blob = sqlite3_value_blob(v); /* NULL when it is empty */
        return twi_hash_blob(h, blob != NULL ? blob : "", sqlite3_value_bytes(v));
    }
    default: return tw_hash_word(h, NULL_WORD);
    }
}

static uint64_t hash_values(int n, sqlite3_value **values)
{
    uint64_t h = twi_hash_start((twi_tag) sqlite3_value_int(values[0]));
    for (int i = 1; i < n; i++)
        h = hash_value(h, values[i]);
    return h;
}

static void sql_sum(sqlite3_context *to, int n, sqlite3_value **values)
{
    sqlite3_result_int64(
        to, twi_sum_of((twi_tag) sqlite3_value_int(values[0]), hash_values(n, values)));
}

static void sql_row(sqlite3_context *to, int n, sqlite3_value **values)
{
    sqlite3_result_int64(to, (int64_t) tw_hash_end(hash_values(n, values)));
}

/* SQL's own sum refuses to wrap around. */
static void sql_add_step(sqlite3_context *to, int n, sqlite3_value **values)
{
    uint64_t *total = sqlite3_aggregate_context(to, sizeof *total);
    (void) n;
    if (total != NULL)
        *total += (uint64_t) sqlite3_value_int64(values[0]);
    else
        sqlite3_result_error_nomem(to);
}

static void sql_add_end(sqlite3_context *to)
{
    const uint64_t *total = sqlite3_aggregate_context(to, 0);
    sqlite3_result_int64(to, total != NULL ? (int64_t) *total : 0);
}

tw_status twi_sum_functions(twi_conn *c, tw_error *err)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    int rc =
        sqlite3_create_function_v2(c->db, "twi_sum", -1, flags, NULL, sql_sum, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function_v2(c->db, "twi_row", -1, flags, NULL, sql_row, NULL, NULL,
                                        NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function_v2(c->db, "twi_add", 1, flags, NULL, NULL, sql_add_step,
                                        sql_add_end, NULL);
    return rc == SQLITE_OK ? TW_OK : twi_sql_fail(c, rc, err);
}

/* ---- The totals ------------------------------------------------------------------------------ */

static int64_t sum_of_sums(const twi_sums *t, const twi_counts *n)
{
    const uint64_t totals[] = {t->store,    t->shape, t->commits, t->items,
                               t->contents, t->users, t->events,  t->small};
    const int64_t counts[] = {n->seq, n->items, n->deleted, n->users, n->events};
    uint64_t h = twi_hash_start(TWI_TAG_SUMS);
    for (size_t i = 0; i < sizeof totals / sizeof totals[0]; i++)
        h = tw_hash_word(h, totals[i]);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        h = twi_hash_i64(h, counts[i]);
    return twi_sum_of(TWI_TAG_SUMS, h);
}

tw_status twi_sums_load(twi_conn *c, const twi_counts *n, twi_sums *sums, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found;
    tw_status st = TW_OK;

    *sums = (twi_sums){0};
    if (!c->summed)
        return TW_OK;
    TW_TRY(twi_prepare(c, TWI_SQL_SUMS_GET, &q, err));
    TW_TRY(twi_step(c, q, &found, err));
    if (found) {
        *sums = (twi_sums){
            .store = (uint64_t) sqlite3_column_int64(q, 0),
            .shape = (uint64_t) sqlite3_column_int64(q, 1),
            .commits = (uint64_t) sqlite3_column_int64(q, 2),
            .items = (uint64_t) sqlite3_column_int64(q, 3),
            .contents = (uint64_t) sqlite3_column_int64(q, 4),
            .users = (uint64_t) sqlite3_column_int64(q, 5),
            .events = (uint64_t) sqlite3_column_int64(q, 6),
            .small = (uint64_t) sqlite3_column_int64(q, 7),
        };
    }
    if (!found || sqlite3_column_int64(q, 8) != sum_of_sums(sums, n))
        st = twi_damaged(c, err, TWI_FROM_COPY, "the line of its counters and totals");
done:
    twi_done(q);
    return st;
}

/* Adds up anew, for what could not be kept up to date. */
static tw_status recount(twi_conn *c, twi_statement which, int64_t model, uint64_t *total,
                         tw_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found;
    tw_status st;

    TW_TRY(twi_prepare(c, which, &q, err));
    (void) sqlite3_bind_int64(q, 1, model); /* out of range, and so nothing, where it has none */
    TW_TRY(twi_step(c, q, &found, err));
    if (found)
        *total = (uint64_t) sqlite3_column_int64(q, 0);
done:
    twi_done(q);
    return st;
}

tw_status twi_recount_space(tw_store *s, twi_space *space, tw_error *err)
{
    space->recount = false;
    return recount(s->writer, TWI_SQL_SUM_SPACE, space->model, &space->total, err);
}

static tw_status write_sums(tw_store *s, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    const twi_sums *t = &s->sums;
    tw_status st = twi_prepare(s->writer, TWI_SQL_SUMS_SET, &q, err);
    if (st != TW_OK)
        return st;
    const uint64_t values[] = {t->store,    t->shape, t->commits, t->items,
                               t->contents, t->users, t->events,  t->small};
    int at = 1;
    for (; at <= (int) (sizeof values / sizeof values[0]); at++)
        (void) sqlite3_bind_int64(q, at, (int64_t) values[at - 1]);
    (void) sqlite3_bind_int64(q, at, sum_of_sums(t, &s->counts));
    return twi_run(s->writer, q, err);
}

tw_status twi_sums_store(tw_store *s, tw_error *err)
{
    tw_status st = TW_OK;
    if (s->recount_items) {
        TW_TRY(recount(s->writer, TWI_SQL_SUM_ITEMS, 0, &s->sums.items, err));
        TW_TRY(recount(s->writer, TWI_SQL_SUM_CONTENTS, 0, &s->sums.contents, err));
    }
    if (s->small_changed)
        TW_TRY(recount(s->writer, TWI_SQL_SUM_SMALL, 0, &s->sums.small, err));
    if (memcmp(&s->sums, &s->sums_stored, sizeof s->sums) != 0 ||
        memcmp(&s->counts, &s->counts_stored, sizeof s->counts) != 0)
        TW_TRY(write_sums(s, err));
done:
    return st;
}

tw_status twi_shape(twi_conn *c, uint64_t *shape, tw_error *err)
{
    int64_t value = 0;
    tw_status st = twi_sql_i64(c,
                               "SELECT twi_add(twi_row(11, type, name, tbl_name, sql)) "
                               "FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'",
                               &value, err);
    *shape = (uint64_t) value;
    return st;
}
