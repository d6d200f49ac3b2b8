/* Models, meta values and marks: small tables, few writes. */
#include <stdio.h>

#include "base/crash.h"
#include "store/store_rules.h"
#include "store/store_state.h"
#include "store/store_statement.h"
#include "store/store_sum.h"
#include "store/store_totals.h"

/* The last column of these tables' statements tells whether the row is damaged. */
static tw_status check_line(const twi_conn *c, sqlite3_stmt *q, const char *what, const char *which,
                            tw_error *err)
{
    if (sqlite3_column_int(q, sqlite3_column_count(q) - 1) == 0)
        return TW_OK;
    return twi_damaged(c, err, TWI_FROM_COPY, "%s '%.100s'", what, which);
}

static tw_status check_model(const twi_conn *c, sqlite3_stmt *q, tw_error *err)
{
    return check_line(c, q, "the registration of model version", twi_text(q, 0), err);
}

/* ---- Models ---------------------------------------------------------------------------------- */

static tw_status has_model(twi_conn *c, int version, bool *found, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    tw_status st;

    TW_TRY(twi_prepare(c, TWI_SQL_MODEL_HAS, &q, err));
    (void) sqlite3_bind_int(q, 1, version);
    TW_TRY(twi_step(c, q, found, err));
done:
    twi_done(q);
    return st;
}

static tw_status add_model(tw_store *s, int version, const char *json, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    tw_status st;

    TW_TRY(twi_prepare(s->writer, TWI_SQL_MODEL_INSERT, &q, err));
    (void) sqlite3_bind_int(q, 1, version);
    twi_bind_text(q, 2, json != NULL && json[0] != '\0' ? json : "{}");
    TW_TRY(twi_run(s->writer, q, err));
    if (sqlite3_changes(s->writer->db) == 0)
        st = tw_fail(err, TW_EEXIST, "model %d is registered already", version);
    else
        s->counts.seq++;
    s->small_changed = true;
done:
    return st;
}

tw_status tw_store_add_model(tw_store *s, int version, const char *json, tw_error *err)
{
    bool own;
    char of[32];
    if (version < 1)
        return tw_fail(err, TW_EINVAL, "model version %d is not positive", version);
    (void) snprintf(of, sizeof of, "model %d", version);
    tw_status st = twi_check_object("settings", of, json, TW_STORE_MAX_META, err);
    if (st == TW_OK)
        st = twi_write_begin(s, &own, err);
    if (st != TW_OK)
        return st;
    return twi_write_end(s, own, add_model(s, version, json, err), err);
}

static tw_status activate_model(tw_store *s, int version, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found;
    tw_status st;

    TW_TRY(has_model(s->writer, version, &found, err));
    if (!found) {
        st = tw_fail(err, TW_ENOTFOUND, "no model has the version %d", version);
        goto done;
    }
    TW_TRY(twi_prepare(s->writer, TWI_SQL_MODEL_ACTIVATE, &q, err));
    (void) sqlite3_bind_int(q, 1, version);
    TW_TRY(twi_run(s->writer, q, err));
    tw_crash_point();
    s->counts.seq++;
    s->small_changed = true;
done:
    return st;
}

tw_status tw_store_activate_model(tw_store *s, int version, tw_error *err)
{
    bool own;
    tw_status st = twi_write_begin(s, &own, err);
    if (st != TW_OK)
        return st;
    return twi_write_end(s, own, activate_model(s, version, err), err);
}

typedef struct model_call {
    tw_model_fn fn;
    void *ctx;
} model_call;

static tw_status give_model(void *ctx, twi_conn *c, sqlite3_stmt *q, tw_error *err)
{
    const model_call *call = ctx;
    tw_store_model model = {
        .version = sqlite3_column_int(q, 0),
        .active = sqlite3_column_int(q, 1) != 0,
        .json = twi_text(q, 2),
    };
    tw_error why = {0};
    tw_status st = check_model(c, q, &why);
    if (st != TW_OK)
        model.json = "";
    st = twi_pass(c, st, &why, err);
    return st != TW_OK ? st : call->fn(call->ctx, &model, err);
}

tw_status tw_store_each_model(tw_store *s, tw_model_fn fn, void *ctx, tw_error *err)
{
    model_call call = {fn, ctx};
    return twi_each(s, TWI_SQL_MODELS, 0, 0, give_model, &call, err);
}

/* ---- Meta ------------------------------------------------------------------------------------ */

static tw_status set_meta(tw_store *s, const char *key, const char *value, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    s->small_changed = true;
    tw_status st =
        twi_prepare(s->writer, value != NULL ? TWI_SQL_META_SET : TWI_SQL_META_DROP, &q, err);
    if (st != TW_OK)
        return st;
    twi_bind_text(q, 1, key);
    if (value != NULL)
        twi_bind_text(q, 2, value);
    return twi_run(s->writer, q, err);
}

tw_status tw_store_set_meta(tw_store *s, const char *key, const char *value, tw_error *err)
{
    bool own;
    tw_status st;

    TW_TRY(twi_check_key("a meta key", key, err));
    TW_TRY(twi_check_text("value", key, value, TW_STORE_MAX_META, err));
    TW_TRY(twi_write_begin(s, &own, err));
    st = twi_write_end(s, own, set_meta(s, key, value, err), err);
done:
    return st;
}

tw_status tw_store_meta(tw_store *s, const char *key, tw_text *value, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    twi_conn *c;
    bool found;

    tw_text_clear(value);
    tw_status st = twi_check_key("a meta key", key, err);
    if (st == TW_OK)
        st = twi_read_begin(s, &c, err);
    if (st != TW_OK)
        return st;
    TW_TRY(twi_prepare(c, TWI_SQL_META_GET, &q, err));
    twi_bind_text(q, 1, key);
    TW_TRY(twi_step(c, q, &found, err));
    if (!found) {
        st = tw_fail(err, TW_ENOTFOUND, "nothing is stored under '%s'", key);
        goto done;
    }
    TW_TRY(check_line(c, q, "the value of", key, err));
    TW_TRY(twi_text_column(value, q, 0, err));
done:
    twi_done(q);
    twi_read_end(s, c);
    return st;
}

/* ---- Marks ----------------------------------------------------------------------------------- */

static tw_status set_mark(tw_store *s, const char *key, const tw_store_mark *m, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    s->small_changed = true;
    tw_status st = twi_prepare(s->writer, TWI_SQL_MARK_SET, &q, err);
    if (st != TW_OK)
        return st;
    twi_bind_text(q, 1, key);
    (void) sqlite3_bind_int64(q, 2, m->bytes);
    (void) sqlite3_bind_int64(q, 3, m->lines);
    (void) sqlite3_bind_int64(q, 4, m->rows);
    (void) sqlite3_bind_int64(q, 5, m->rejected);
    (void) sqlite3_bind_int(q, 6, m->done ? 1 : 0);
    return twi_run(s->writer, q, err);
}

tw_status tw_store_set_mark(tw_store *s, const char *key, const tw_store_mark *mark, tw_error *err)
{
    bool own;
    tw_status st;

    TW_TRY(twi_check_key("a mark's key", key, err));
    TW_TRY(twi_write_begin(s, &own, err));
    st = twi_write_end(s, own, set_mark(s, key, mark, err), err);
done:
    return st;
}

tw_status tw_store_get_mark(tw_store *s, const char *key, tw_store_mark *mark, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    twi_conn *c;
    bool found;

    *mark = (tw_store_mark){0};
    tw_status st = twi_check_key("a mark's key", key, err);
    if (st == TW_OK)
        st = twi_read_begin(s, &c, err);
    if (st != TW_OK)
        return st;
    TW_TRY(twi_prepare(c, TWI_SQL_MARK_GET, &q, err));
    twi_bind_text(q, 1, key);
    TW_TRY(twi_step(c, q, &found, err));
    if (!found)
        goto done;
    TW_TRY(check_line(c, q, "the mark of file", key, err));
    *mark = (tw_store_mark){
        .bytes = sqlite3_column_int64(q, 0),
        .lines = sqlite3_column_int64(q, 1),
        .rows = sqlite3_column_int64(q, 2),
        .rejected = sqlite3_column_int64(q, 3),
        .done = sqlite3_column_int(q, 4) != 0,
    };
done:
    twi_done(q);
    twi_read_end(s, c);
    return st;
}
