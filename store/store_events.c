#include <math.h>
#include <string.h>

#include "base/crash.h"
#include "store/store_rules.h"
#include "store/store_state.h"
#include "store/store_statement.h"
#include "store/store_sum.h"
#include "store/store_time.h"
#include "store/store_totals.h"

/* ---- Users ----------------------------------------------------------------------------------- */

/* Verifies the user under the statement's current row. */
static tw_status check_user(twi_conn *c, sqlite3_stmt *q, tw_error *err)
{
    const int64_t row = sqlite3_column_int64(q, 0);
    if (twi_is_intact(c, q, 2, TWI_TAG_USER, twi_hash_user(row, twi_text(q, 1))))
        return TW_OK;
    return twi_damaged(c, err, TWI_FROM_COPY, "user '%.100s' (row %lld)", twi_text(q, 1),
                       (long long) row);
}

/* *row is 0 when no user has the key. The line is not verified, as in find_id of store_items.c. */
static tw_status find_user(twi_conn *c, const char *key, int64_t *row, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found;
    tw_status st;

    *row = 0;
    TW_TRY(twi_prepare(c, TWI_SQL_USER_ROW, &q, err));
    twi_bind_text(q, 1, key);
    TW_TRY(twi_step(c, q, &found, err));
    if (found)
        *row = sqlite3_column_int64(q, 0);
done:
    twi_done(q);
    return st;
}

static tw_status add_user(tw_store *s, const char *key, int64_t *row, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    tw_status st;

    TW_TRY(twi_next_row(s, TWI_SQL_USER_LAST, &s->last_user, row, err));
    const int64_t sum = twi_sum_of(TWI_TAG_USER, twi_hash_user(*row, key));
    TW_TRY(twi_prepare(s->writer, TWI_SQL_USER_INSERT, &q, err));
    (void) sqlite3_bind_int64(q, 1, *row);
    twi_bind_text(q, 2, key);
    (void) sqlite3_bind_int64(q, 3, sum);
    TW_TRY(twi_run(s->writer, q, err));
    tw_crash_point(); /* a user without an event, if it were ever seen */
    s->counts.users++;
    s->sums.users += twi_adds(TWI_TAG_USER, sum);
done:
    return st;
}

static tw_status find_or_add_user(tw_store *s, const char *key, int64_t *row, tw_error *err)
{
    tw_status st = TW_OK;

    if (strcmp(key, s->last_user_key) == 0) {
        *row = s->last_user_row;
        return TW_OK;
    }
    TW_TRY(find_user(s->writer, key, row, err));
    if (*row == 0)
        TW_TRY(add_user(s, key, row, err));
    memcpy(s->last_user_key, key, strlen(key) + 1); /* keys are checked: it fits */
    s->last_user_row = *row;
done:
    return st;
}

tw_status tw_store_user_row(tw_store *s, const char *user_key, int64_t *row, tw_error *err)
{
    twi_conn *c;
    *row = 0;
    tw_status st = twi_check_key("a user's key", user_key, err);
    if (st == TW_OK)
        st = twi_read_begin(s, &c, err);
    if (st != TW_OK)
        return st;
    st = find_user(c, user_key, row, err);
    twi_read_end(s, c);
    if (st == TW_OK && *row == 0)
        st = tw_fail(err, TW_ENOTFOUND, "no user has the key '%s'", user_key);
    return st;
}

tw_status tw_store_user_key(tw_store *s, int64_t row, tw_text *key, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    twi_conn *c;
    bool found;

    tw_text_clear(key);
    tw_status st = twi_read_begin(s, &c, err);
    if (st != TW_OK)
        return st;
    TW_TRY(twi_prepare(c, TWI_SQL_USER_KEY, &q, err));
    (void) sqlite3_bind_int64(q, 1, row);
    TW_TRY(twi_step(c, q, &found, err));
    if (!found) {
        st = tw_fail(err, TW_ENOTFOUND, "no user has the row %lld", (long long) row);
        goto done;
    }
    TW_TRY(check_user(c, q, err));
    TW_TRY(twi_text_column(key, q, 1, err));
done:
    twi_done(q);
    twi_read_end(s, c);
    return st;
}

/* ---- Add ------------------------------------------------------------------------------------- */

/* A row is never taken away, so all up to the highest are there. */
static tw_status check_item_row(tw_store *s, int64_t row, tw_error *err)
{
    tw_status st = twi_highest_row(s, TWI_SQL_ITEM_LAST, &s->last_item, err);
    if (st == TW_OK && (row < 1 || row > s->last_item))
        st = tw_fail(err, TW_ENOTFOUND, "no item has the row %lld", (long long) row);
    return st;
}

static tw_status add_event(tw_store *s, const char *key, tw_event *e, bool *added, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    tw_status st;

    TW_TRY(check_item_row(s, e->item, err)); /* before a user is made for it */
    TW_TRY(find_or_add_user(s, key, &e->user, err));
    TW_TRY(twi_prepare(s->writer, TWI_SQL_EVENT_INSERT, &q, err));
    e->seq = s->counts.seq + 1;
    (void) sqlite3_bind_int64(q, 1, e->user);
    (void) sqlite3_bind_int64(q, 2, e->time);
    (void) sqlite3_bind_int64(q, 3, e->item);
    (void) sqlite3_bind_int64(q, 4, e->seq);
    (void) sqlite3_bind_double(q, 5, e->rating); /* SQLite keeps NaN as NULL */
    (void) sqlite3_bind_double(q, 6, e->value);
    const uint64_t hash = twi_hash_event(e);
    (void) sqlite3_bind_int64(q, 7, twi_sum_of(TWI_TAG_EVENT, hash));
    TW_TRY(twi_run(s->writer, q, err));
    tw_crash_point();
    *added = sqlite3_changes(s->writer->db) == 1;
    if (*added) {
        s->counts.seq++;
        s->counts.events++;
        s->sums.events += twi_adds_event(hash);
    } else {
        e->seq = 0;
    }
done:
    return st;
}

tw_status tw_store_add_event(tw_store *s, const char *user_key, tw_event *e, bool *added,
                             tw_error *err)
{
    bool own;
    bool local;
    if (added == NULL)
        added = &local;
    *added = false;
    tw_status st = twi_check_key("a user's key", user_key, err);
    if (st == TW_OK && (isinf(e->rating) || isinf(e->value)))
        st = tw_fail(err, TW_EINVAL, "an event of user '%s' has an infinite rating or value",
                     user_key);
    if (st == TW_OK)
        st = twi_write_begin(s, &own, err);
    if (st != TW_OK)
        return st;
    st = twi_write_end(s, own, add_event(s, user_key, e, added, err), err);
    *added = *added && st == TW_OK;
    return st;
}

/* ---- Read ------------------------------------------------------------------------------------ */

static double number_or_nan(sqlite3_stmt *q, int column)
{
    return sqlite3_column_type(q, column) == SQLITE_NULL ? (double) NAN
                                                         : sqlite3_column_double(q, column);
}

/* old_times: see twi_time_is_old. */
static tw_status read_event(const twi_conn *c, sqlite3_stmt *q, bool old_times, tw_event *e,
                            tw_error *err)
{
    *e = (tw_event){
        .seq = sqlite3_column_int64(q, 0),
        .user = sqlite3_column_int64(q, 1),
        .item = sqlite3_column_int64(q, 2),
        .time = sqlite3_column_int64(q, 3),
        .rating = number_or_nan(q, 4),
        .value = number_or_nan(q, 5),
    };
    const bool intact = twi_is_intact(c, q, 6, TWI_TAG_EVENT, twi_hash_event(e));
    if (old_times)
        e->time = twi_time_micros(e->time);
    if (intact)
        return TW_OK;
    return twi_damaged(c, err, TWI_FROM_COPY,
                       "the event of user row %lld with item row %lld at %lld", (long long) e->user,
                       (long long) e->item, (long long) e->time);
}

static void reverse(tw_event *e, int n)
{
    for (int i = 0, j = n - 1; i < j; i++, j--) {
        tw_event keep = e[i];
        e[i] = e[j];
        e[j] = keep;
    }
}

tw_status tw_store_history(tw_store *s, int64_t user, int limit, tw_event *out, int *n,
                           tw_error *err)
{
    sqlite3_stmt *q = NULL;
    twi_conn *c;
    bool old_times;

    *n = 0;
    if (limit < 0)
        return tw_fail(err, TW_EINVAL, "a limit of %d events", limit);
    tw_status st = twi_read_begin(s, &c, err);
    if (st != TW_OK)
        return st;
    TW_TRY(twi_time_is_old(c, &old_times, err));
    TW_TRY(twi_prepare(c, TWI_SQL_HISTORY, &q, err));
    (void) sqlite3_bind_int64(q, 1, user);
    (void) sqlite3_bind_int(q, 2, limit);
    while (*n < limit) {
        bool found;
        TW_TRY(twi_step(c, q, &found, err));
        if (!found)
            break;
        tw_error why = {0};
        st = read_event(c, q, old_times, &out[*n], &why);
        *n += st == TW_OK;
        TW_TRY(twi_pass(c, st, &why, err));
    }
    reverse(out, *n);
done:
    twi_done(q);
    twi_read_end(s, c);
    if (st != TW_OK)
        *n = 0;
    return st;
}

typedef struct event_call {
    tw_event_fn fn;
    void *ctx;
    bool asked, old_times;
} event_call;

static tw_status give_event(void *ctx, twi_conn *c, sqlite3_stmt *q, tw_error *err)
{
    event_call *call = ctx;
    tw_event e;
    tw_error why = {0};
    tw_status st = call->asked ? TW_OK : twi_time_is_old(c, &call->old_times, err);
    if (st != TW_OK)
        return st;
    call->asked = true;
    st = read_event(c, q, call->old_times, &e, &why);
    return st == TW_OK ? call->fn(call->ctx, &e, err) : twi_pass(c, st, &why, err);
}

tw_status tw_store_each_event(tw_store *s, tw_event_fn fn, void *ctx, tw_error *err)
{
    event_call call = {.fn = fn, .ctx = ctx};
    return twi_each(s, TWI_SQL_EVENTS, 0, 0, give_event, &call, err);
}
