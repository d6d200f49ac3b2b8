#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/crash.h"
#include "store/store_fold.h"
#include "store/store_rows.h"
#include "store/store_rules.h"
#include "store/store_state.h"
#include "store/store_statement.h"
#include "store/store_sum.h"
#include "store/store_totals.h"

/* ---- Put and delete -------------------------------------------------------------------------- */

static const char *or_empty(const char *s) { return s != NULL ? s : ""; }

static const char *or_object(const char *s) { return s != NULL && s[0] != '\0' ? s : "{}"; }

static bool same_content(const tw_item *a, const tw_item *b)
{
    return strcmp(or_empty(a->title), or_empty(b->title)) == 0 &&
           strcmp(or_empty(a->text), or_empty(b->text)) == 0 &&
           strcmp(or_object(a->attributes), or_object(b->attributes)) == 0 &&
           strcmp(or_empty(a->image), or_empty(b->image)) == 0 &&
           strcmp(or_empty(a->audio), or_empty(b->audio)) == 0;
}

/* What a put or delete finds: the item's place, and what its lines add to the totals. */
typedef struct old_lines {
    int64_t row; /* 0: the id is new */
    int64_t seq;
    char id[TW_STORE_MAX_ID + 1]; /* as stored: the given one may be another normal form of it */
    bool live;
    bool same;        /* audio, live and equal to what is to be put */
    uint64_t item;    /* what the line of `items` adds, 0 when there is none */
    uint64_t content; /* that of `contents` */
} old_lines;

/* Steps to the item that `id` means (TWI_ITEM_COLUMNS): *q stays at its row until twi_done. */
static tw_status step_to(twi_conn *c, const char *id, sqlite3_stmt **q, bool *found, tw_error *err)
{
    int64_t row = 0;
    bool live;
    tw_status st;

    TW_TRY(twi_prepare(c, TWI_SQL_ITEM_BY_ID, q, err));
    twi_bind_text(*q, 1, id);
    TW_TRY(twi_step(c, *q, found, err));
    if (*found || twi_is_ascii(id, strlen(id)))
        goto done;
    TW_TRY(twi_find_id(c, id, &row, &live, err)); /* another form of it */
    if (row == 0)
        goto done;
    TW_TRY(twi_prepare(c, TWI_SQL_ITEM_BY_ROW, q, err));
    (void) sqlite3_bind_int64(*q, 1, row);
    TW_TRY(twi_step(c, *q, found, err));
done:
    return st;
}

/* A damaged item may be put again and deleted: that is the way out. What it added to the totals is
 * then not known, so they are added up anew. item NULL: nothing to compare with. */
static tw_status look_up(tw_store *s, const char *id, const tw_item *item, old_lines *old,
                         tw_error *err)
{
    sqlite3_stmt *q = NULL;
    tw_item was;
    bool found;
    tw_status st;

    *old = (old_lines){0};
    memcpy(old->id, id, strlen(id) + 1); /* ids are checked: it fits */
    TW_TRY(step_to(s->writer, id, &q, &found, err));
    if (!found)
        goto done;
    const bool audio = twi_read_item(s->writer, q, &was, NULL) == TW_OK;
    (void) snprintf(old->id, sizeof old->id, "%s", was.id);
    old->row = was.row;
    old->seq = was.seq;
    old->live = was.live;
    old->same = audio && was.live && item != NULL && same_content(&was, item);
    old->item = twi_adds(TWI_TAG_ITEM, sqlite3_column_int64(q, 9));
    if (sqlite3_column_type(q, 10) != SQLITE_NULL)
        old->content = twi_adds(TWI_TAG_CONTENT, sqlite3_column_int64(q, 10));
    s->recount_items = s->recount_items || !audio;
done:
    twi_done(q);
    return st;
}

/* 0 is NULL. */
static void bind_hash(sqlite3_stmt *q, int at, int64_t hash)
{
    if (hash != 0)
        (void) sqlite3_bind_int64(q, at, hash);
    else
        (void) sqlite3_bind_null(q, at);
}

/* The line of `items`. */
static tw_status write_item(tw_store *s, const tw_item *item, const old_lines *old,
                            const tw_put_result *put, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    const char *title = or_empty(item->title);
    const int64_t sum =
        twi_sum_of(TWI_TAG_ITEM, twi_hash_item(put->row, put->seq, true, old->id, title));
    const bool is_new = old->row == 0;
    int64_t fold, nfc;
    tw_status st;

    TW_TRY(twi_fold_hash(title, &fold, err));
    TW_TRY(twi_nfc_hash(old->id, &nfc, err));
    TW_TRY(twi_prepare(s->writer, is_new ? TWI_SQL_ITEM_INSERT : TWI_SQL_ITEM_UPDATE, &q, err));
    (void) sqlite3_bind_int64(q, 1, put->seq);
    twi_bind_text(q, 2, title);
    bind_hash(q, 3, fold);
    (void) sqlite3_bind_int64(q, 4, sum);
    (void) sqlite3_bind_int64(q, 5, put->row);
    if (is_new) {
        twi_bind_text(q, 6, old->id);
        bind_hash(q, 7, nfc);
    }
    TW_TRY(twi_run(s->writer, q, err));
    s->sums.items += twi_adds(TWI_TAG_ITEM, sum) - old->item;
done:
    return st;
}

static tw_status write_content(tw_store *s, const tw_item *item, const old_lines *old, int64_t row,
                               tw_error *err)
{
    sqlite3_stmt *q = NULL;
    const tw_item full = {.attributes = or_object(item->attributes),
                          .image = or_empty(item->image),
                          .audio = or_empty(item->audio),
                          .text = or_empty(item->text)};
    const int64_t sum = twi_sum_of(TWI_TAG_CONTENT, twi_hash_content(row, &full));
    tw_status st;

    TW_TRY(twi_prepare(s->writer, TWI_SQL_CONTENT_SET, &q, err));
    (void) sqlite3_bind_int64(q, 1, row);
    twi_bind_text(q, 2, full.attributes);
    twi_bind_text(q, 3, full.image);
    twi_bind_text(q, 4, full.audio);
    twi_bind_text(q, 5, full.text);
    (void) sqlite3_bind_int64(q, 6, sum);
    TW_TRY(twi_run(s->writer, q, err));
    s->sums.contents += twi_adds(TWI_TAG_CONTENT, sum) - old->content;
done:
    return st;
}

static tw_status put_item(tw_store *s, const tw_item *item, tw_put_result *put, tw_error *err)
{
    old_lines old;
    tw_status st;

    TW_TRY(look_up(s, item->id, item, &old, err));
    *put = (tw_put_result){.row = old.row, .seq = old.seq, .kind = TW_PUT_CREATED};
    if (old.live)
        put->kind = old.same ? TW_PUT_UNCHANGED : TW_PUT_REPLACED;
    if (put->kind == TW_PUT_UNCHANGED)
        goto done;
    if (old.row == 0)
        TW_TRY(twi_next_row(s, TWI_SQL_ITEM_LAST, &s->last_item, &put->row, err));
    s->counts.items += old.live ? 0 : 1;
    s->counts.deleted -= old.row != 0 && !old.live ? 1 : 0;
    put->seq = ++s->counts.seq;
    TW_TRY(write_item(s, item, &old, put, err));
    tw_crash_point(); /* an item without content, if it were ever seen */
    TW_TRY(write_content(s, item, &old, put->row, err));
    tw_crash_point(); /* written to the log at most, not committed */
done:
    return st;
}

tw_status tw_store_put_item(tw_store *s, const tw_item *item, tw_put_result *put, tw_error *err)
{
    bool own;
    tw_put_result local;
    tw_text without;
    tw_item kept = *item;
    int none;
    tw_status st = twi_check_item(item, err);
    if (st != TW_OK)
        return st;
    tw_text_init(&without, TW_STORE_MAX_ATTRIBUTES + 1);
    if (item->attributes != NULL && strstr(item->attributes, "null") != NULL) {
        TW_TRY(tw_attributes_tidy(&without, item->id, item->attributes, &none, NULL, err));
        kept.attributes = tw_text_cstr(&without);
    }
    TW_TRY(twi_write_begin(s, &own, err));
    st = twi_write_end(s, own, put_item(s, &kept, put != NULL ? put : &local, err), err);
done:
    tw_text_fini(&without);
    return st;
}

static tw_status not_there(const char *id, bool deleted, tw_error *err)
{
    return tw_fail(err, TW_ENOTFOUND, deleted ? "item '%s' was deleted" : "no item has the id '%s'",
                   id);
}

/* The line of `items` as a tombstone. */
static tw_status clear_item(tw_store *s, const old_lines *old, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    const int64_t seq = ++s->counts.seq;
    const int64_t sum = twi_sum_of(TWI_TAG_ITEM, twi_hash_item(old->row, seq, false, old->id, ""));
    tw_status st = twi_prepare(s->writer, TWI_SQL_ITEM_CLEAR, &q, err);
    if (st != TW_OK)
        return st;
    (void) sqlite3_bind_int64(q, 1, seq);
    (void) sqlite3_bind_int64(q, 2, sum);
    (void) sqlite3_bind_int64(q, 3, old->row);
    s->sums.items += twi_adds(TWI_TAG_ITEM, sum) - old->item;
    return twi_run(s->writer, q, err);
}

static tw_status delete_item(tw_store *s, const char *id, int64_t *row, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    old_lines old;
    tw_status st;

    *row = 0;
    TW_TRY(twi_check_key("an item's id", id, err));
    TW_TRY(look_up(s, id, NULL, &old, err));
    if (!old.live) {
        st = not_there(id, old.row != 0, err);
        goto done;
    }
    *row = old.row;
    TW_TRY(clear_item(s, &old, err));
    tw_crash_point(); /* the item is gone, its content and vectors are not: must never be seen */
    TW_TRY(twi_prepare(s->writer, TWI_SQL_CONTENT_DROP, &q, err));
    (void) sqlite3_bind_int64(q, 1, *row);
    TW_TRY(twi_run(s->writer, q, err));
    s->sums.contents -= old.content;
    tw_crash_point();
    TW_TRY(twi_remove_vectors(s, *row, err));
    s->counts.items--;
    s->counts.deleted++;
done:
    return st;
}

tw_status tw_store_delete_item(tw_store *s, const char *id, int64_t *row, tw_error *err)
{
    bool own;
    int64_t local;
    tw_status st = twi_write_begin(s, &own, err);
    if (st != TW_OK)
        return st;
    return twi_write_end(s, own, delete_item(s, id, row != NULL ? row : &local, err), err);
}

/* ---- Get ------------------------------------------------------------------------------------- */

tw_status twi_check_line(const twi_conn *c, sqlite3_stmt *q, int sum, tw_error *err)
{
    const int64_t row = sqlite3_column_int64(q, 0);
    const char *id = twi_text(q, 3);
    const uint64_t h = twi_hash_item(row, sqlite3_column_int64(q, 1), sqlite3_column_int(q, 2) != 0,
                                     id, twi_text(q, 4));
    if (twi_is_intact(c, q, sum, TWI_TAG_ITEM, h))
        return TW_OK;
    return twi_damaged(c, err, "put it again, or " TWI_FROM_COPY, "item '%.100s' (row %lld)", id,
                       (long long) row);
}

tw_status twi_read_item(const twi_conn *c, sqlite3_stmt *q, tw_item *item, tw_error *err)
{
    *item = (tw_item){
        .row = sqlite3_column_int64(q, 0),
        .seq = sqlite3_column_int64(q, 1),
        .live = sqlite3_column_int(q, 2) != 0,
        .id = twi_text(q, 3),
        .title = twi_text(q, 4),
        .text = twi_text(q, 5),
        .attributes = or_object(twi_text(q, 6)), /* a deleted item has none */
        .image = twi_text(q, 7),
        .audio = twi_text(q, 8),
    };
    tw_status st = twi_check_line(c, q, 9, err);
    if (st != TW_OK || !item->live ||
        twi_is_intact(c, q, 10, TWI_TAG_CONTENT, twi_hash_content(item->row, item)))
        return st;
    return twi_damaged(c, err, "put it again, or " TWI_FROM_COPY,
                       "the content of item '%.100s' (row %lld)", item->id, (long long) item->row);
}

void tw_item_fini(tw_item *item)
{
    tw_free(item->block);
    *item = (tw_item){0};
}

/* Moves one string into the block and returns where the next one goes. */
static char *move(const char **s, char *to)
{
    size_t size = strlen(*s) + 1;
    memcpy(to, *s, size);
    *s = to;
    return to + size;
}

static tw_status copy_item(const tw_item *from, tw_item *out, tw_error *err)
{
    tw_item copy = *from;
    const char **strings[] = {&copy.id,         &copy.title, &copy.text,
                              &copy.attributes, &copy.image, &copy.audio};
    const size_t n = sizeof strings / sizeof strings[0];
    size_t size = 0;
    for (size_t i = 0; i < n; i++)
        size += strlen(*strings[i]) + 1;
    copy.block = tw_alloc(size, 1);
    if (copy.block == NULL)
        return tw_fail(err, TW_ENOMEM, "an item of %zu bytes", size);
    char *to = copy.block;
    for (size_t i = 0; i < n; i++)
        to = move(strings[i], to);
    *out = copy;
    return TW_OK;
}

/* By id when it is given, else by row. */
static tw_status get_item(tw_store *s, const char *id, int64_t row, tw_item *out, tw_error *err)
{
    sqlite3_stmt *q = NULL;
    twi_conn *c;
    tw_item item = {0};
    bool found;

    *out = (tw_item){0};
    tw_status st = twi_read_begin(s, &c, err);
    if (st != TW_OK)
        return st;
    if (id != NULL) {
        TW_TRY(step_to(c, id, &q, &found, err));
    } else {
        TW_TRY(twi_prepare(c, TWI_SQL_ITEM_BY_ROW, &q, err));
        (void) sqlite3_bind_int64(q, 1, row);
        TW_TRY(twi_step(c, q, &found, err));
    }
    if (found)
        TW_TRY(twi_read_item(c, q, &item, err));
    if (!found && id != NULL)
        st = tw_fail(err, TW_ENOTFOUND, "no item has the id '%s'", id);
    else if (!found)
        st = tw_fail(err, TW_ENOTFOUND, "no item has the row %lld", (long long) row);
    else if (!item.live)
        st = tw_fail(err, TW_ENOTFOUND, "item '%s' was deleted", item.id);
    else
        st = copy_item(&item, out, err);
done:
    twi_done(q);
    twi_read_end(s, c);
    return st;
}

tw_status tw_store_item(tw_store *s, int64_t row, tw_item *out, tw_error *err)
{
    return get_item(s, NULL, row, out, err);
}

tw_status tw_store_item_by_id(tw_store *s, const char *id, tw_item *out, tw_error *err)
{
    *out = (tw_item){0};
    tw_status st = twi_check_key("an item's id", id, err);
    return st == TW_OK ? get_item(s, id, 0, out, err) : st;
}

tw_status tw_store_row_of(tw_store *s, const char *id, int64_t *row, bool *live, tw_error *err)
{
    twi_conn *c;
    *row = 0;
    *live = false;
    tw_status st = twi_check_key("an item's id", id, err);
    if (st == TW_OK)
        st = twi_read_begin(s, &c, err);
    if (st != TW_OK)
        return st;
    st = twi_find_id(c, id, row, live, err);
    twi_read_end(s, c);
    return st == TW_OK && *row == 0 ? not_there(id, false, err) : st;
}

tw_status tw_store_row_by_id(tw_store *s, const char *id, int64_t *row, tw_error *err)
{
    bool live;
    tw_status st = tw_store_row_of(s, id, row, &live, err);
    if (st != TW_OK || live)
        return st;
    *row = 0;
    return not_there(id, true, err);
}

/* ---- Each ------------------------------------------------------------------------------------ */

typedef struct item_call {
    tw_item_fn fn;
    void *ctx;
} item_call;

static tw_status give_item(void *ctx, twi_conn *c, sqlite3_stmt *q, tw_error *err)
{
    const item_call *call = ctx;
    tw_item item;
    tw_error why = {0};
    tw_status st = twi_read_item(c, q, &item, &why);
    return st == TW_OK ? call->fn(call->ctx, &item, err) : twi_pass(c, st, &why, err);
}

tw_status tw_store_each_item(tw_store *s, int64_t after_row, tw_item_fn fn, void *ctx,
                             tw_error *err)
{
    item_call call = {fn, ctx};
    return twi_each(s, TWI_SQL_ITEMS_LIVE, after_row, 0, give_item, &call, err);
}

tw_status tw_store_each_change(tw_store *s, int64_t since, tw_item_fn fn, void *ctx, tw_error *err)
{
    item_call call = {fn, ctx};
    return twi_each(s, TWI_SQL_ITEMS_SINCE, since, 0, give_item, &call, err);
}

tw_status tw_store_each_pending(tw_store *s, int model, int64_t after_row, tw_item_fn fn, void *ctx,
                                tw_error *err)
{
    item_call call = {fn, ctx};
    return twi_each(s, TWI_SQL_ITEMS_PENDING, after_row, model, give_item, &call, err);
}
