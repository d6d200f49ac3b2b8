/* A document of column -> values, as pandas writes it by default: {"id":{"0":1,"1":2},"title":...},
 * or with orient=list {"id":[1,2],"title":[...]}. A row's values are far apart in it, so it is held
 * in memory, and a row is made a text of its own. */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "ingest/internal.h"

struct twi_json_table {
    json_t *doc;        /* owned */
    const char **index; /* the rows' keys in each column; NULL: columns are lists; in doc */
    size_t n;           /* rows */
    bool index_is_id;   /* no column is the item's id, and the keys of rows are names */
};

int64_t twi_json_table_rows(const twi_json_table *t) { return (int64_t) t->n; }

void twi_json_table_close(twi_json_table *t)
{
    if (t == NULL)
        return;
    json_decref(t->doc);
    tw_free(t->index);
    tw_free(t);
}

/* The source's rest. */
static tw_status read_text(tw_reader *r, tw_text *text, tw_error *err)
{
    twi_source *s = &r->src;
    for (;;) {
        tw_status st = twi_source_need(s, 1, err);
        const size_t have = s->end - s->start;
        if (st != TW_OK || have == 0)
            return st;
        st = tw_text_add(text, s->buf + s->start, have, NULL);
        if (st == TW_EINVAL) {
            return tw_fail(err, st,
                           "'%.150s' holds its rows by columns, and is longer than the %u bytes "
                           "that are held in memory for that; write it by rows: python3 -c "
                           "\"import pandas,sys; pandas.read_json(sys.argv[1]).to_csv(sys.argv[2],"
                           "index=False)\" FILE FILE.csv",
                           r->path, TWI_JSON_TABLE_MAX);
        }
        if (st != TW_OK)
            return tw_fail(err, st, "no memory to read '%.300s'", r->path);
        twi_source_skip(s, have);
    }
}

static size_t length_of(const json_t *column)
{
    return json_is_object(column) ? json_object_size(column) : json_array_size(column);
}

/* Every column must have a value for each row of the first. */
static tw_status check_column(const tw_reader *r, const twi_json_table *t, const char *name,
                              const json_t *column, tw_error *err)
{
    char q[TWI_QUOTE_MAX];
    (void) twi_quote(q, name, strlen(name));
    const bool same = t->index != NULL ? json_is_object(column) : json_is_array(column);
    if (!same || length_of(column) != t->n) {
        return tw_fail(err, TW_EINVAL,
                       "'%.200s' holds its rows by columns, and %s has %zu values where the first "
                       "has %zu",
                       r->path, q, length_of(column), t->n);
    }
    for (size_t i = 0; t->index != NULL && i < t->n; i++) {
        if (json_object_get(column, t->index[i]) == NULL) {
            return tw_fail(err, TW_EINVAL,
                           "'%.200s' holds its rows by columns, and %s has no value for the row "
                           "%.40s",
                           r->path, q, t->index[i]);
        }
    }
    return TW_OK;
}

static tw_status find_rows(const tw_reader *r, twi_json_table *t, tw_error *err)
{
    json_t *first = json_object_iter_value(json_object_iter(t->doc)), *value;
    const char *key;

    t->n = length_of(first);
    if (json_is_object(first)) {
        size_t i = 0;
        t->index = tw_alloc(t->n + 1, sizeof *t->index);
        if (t->index == NULL)
            return tw_fail(err, TW_ENOMEM, "no memory to read '%.300s'", r->path);
        json_object_foreach(first, key, value) { t->index[i++] = key; }
    }
    json_object_foreach(t->doc, key, value)
    {
        tw_status st = check_column(r, t, key, value, err);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}

/* pandas' set_index("sku"): the rows' keys are the ids. */
static bool index_is_id(const tw_reader *r, const twi_json_table *t)
{
    const char *column;
    json_t *value;
    bool named = false;
    for (size_t i = 0; t->index != NULL && i < t->n; i++)
        named = named || t->index[i][strspn(t->index[i], "0123456789")] != '\0';
    if (r->plan.kind != TW_INGEST_ITEMS || !named || r->plan.mapped[TWI_ID] != NULL)
        return false;
    json_object_foreach(t->doc, column, value)
    {
        if (twi_name_score(TWI_ID, column) > 0)
            return false;
    }
    return true;
}

static tw_status parse(tw_reader *r, json_t **doc, tw_error *err)
{
    tw_text text;
    tw_error why = {0};
    tw_text_init(&text, TWI_JSON_TABLE_MAX);
    tw_status st = read_text(r, &text, err);
    if (st == TW_OK) {
        st = twi_json_parse(tw_text_cstr(&text), text.len, (twi_json_where){1, 0}, doc, &why);
        if (st != TW_OK)
            (void) tw_fail(err, st, "'%.200s' is damaged: %.300s", r->path, why.msg);
    }
    tw_text_fini(&text);
    return st;
}

tw_status twi_json_table_open(tw_reader *r, tw_error *err)
{
    twi_json_table *t = tw_alloc(1, sizeof *t);
    if (t == NULL)
        return tw_fail(err, TW_ENOMEM, "no memory to read '%.300s'", r->path);
    r->json.table = t;
    r->json.shape = TWI_JSON_TABLE;
    tw_status st = parse(r, &t->doc, err);
    r->src.line = 0; /* rows are counted instead */
    if (st == TW_OK)
        st = find_rows(r, t, err);
    t->index_is_id = st == TW_OK && index_is_id(r, t);
    return st;
}

static json_t *make_row(const twi_json_table *t, size_t i)
{
    const char *name;
    json_t *column, *row = json_object();
    int bad = row == NULL;
    if (t->index_is_id)
        bad |= json_object_set_new(row, "id", json_string(t->index[i]));
    json_object_foreach(t->doc, name, column)
    {
        json_t *value =
            t->index != NULL ? json_object_get(column, t->index[i]) : json_array_get(column, i);
        bad |= bad == 0 ? json_object_set(row, name, value) : 0;
    }
    if (bad == 0)
        return row;
    json_decref(row);
    return NULL;
}

/* The row's text in r->converted. */
static tw_status write_row(tw_reader *r, size_t i, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *row = make_row(r->json.table, i);
    tw_text_clear(&r->converted);
    st = row != NULL ? tw_text_add_json(&r->converted, row, err)
                     : tw_fail(err, TW_ENOMEM, "no memory for a JSON row");
    json_decref(row);
    return st;
}

tw_status twi_json_table_next(tw_reader *r, tw_error *err)
{
    const int64_t row = r->place.row;
    r->raw = (twi_span){.data = ""};
    if (row >= twi_json_table_rows(r->json.table))
        return TW_OK;
    const tw_status st = write_row(r, (size_t) row, err);
    if (st != TW_OK && st != TW_EINVAL)
        return st;
    r->raw = (twi_span){
        .data = tw_text_cstr(&r->converted), .len = r->converted.len, .got = true, .line = row + 1};
    if (st == TW_EINVAL || r->raw.len >= TW_INGEST_MAX_LINE) {
        r->raw.len = r->raw.len < sizeof r->src.head ? r->raw.len : sizeof r->src.head;
        r->raw.wrong = TWI_TOO_LONG;
    }
    r->place.line = row + 1;
    r->place.row = row + 1;
    return TW_OK;
}
