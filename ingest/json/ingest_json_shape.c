/* How a JSON file holds its rows: decided once, before the first is read. */
#include <string.h>

#include "ingest/internal.h"

/* The first byte that is no space, from *at on in the window; '\0' where there is none. */
static char next_byte(const twi_source *s, size_t *at)
{
    while (s->start + *at < s->end) {
        const char c = s->buf[s->start + *at];
        if (!twi_json_is_space(c))
            return c;
        (*at)++;
    }
    return '\0';
}

/* {'id': 'x', 'price': None}: what Python prints of a dict. */
static tw_status refuse_python(const tw_reader *r, tw_error *err)
{
    size_t at = 0;
    char c = next_byte(&r->src, &at);
    if (c == '[') {
        at++;
        c = next_byte(&r->src, &at);
    }
    at++;
    if (c != '{' || next_byte(&r->src, &at) != '\'')
        return TW_OK;
    return tw_fail(err, TW_EINVAL,
                   "'%.150s' holds Python dicts ('single quotes', None), not JSON; where each line "
                   "is one, this makes JSON of them: python3 -c \"import ast,json,sys; "
                   "[print(json.dumps(ast.literal_eval(l))) for l in sys.stdin]\" < FILE > "
                   "FILE.jsonl",
                   r->path);
}

/* True when the document's own members name what a row of the kind must have. */
static bool is_row(const twi_plan *p, const twi_json_outline *o)
{
    static const unsigned needed[] = {
        [TW_INGEST_ITEMS] = 1u << TWI_ID,
        [TW_INGEST_EVENTS] = 1u << TWI_USER | 1u << TWI_ITEM,
        [TW_INGEST_PAIRS] = 1u << TWI_A | 1u << TWI_B,
        [TW_INGEST_TRIPLETS] = 1u << TWI_ANCHOR | 1u << TWI_POSITIVE | 1u << TWI_NEGATIVE,
    };
    return (o->fields & needed[p->kind]) == needed[p->kind];
}

/* True when the values of rows stand together: all columns are objects of row number -> value, or
 * of row name -> value where one has a field's name, or lists of anything but objects. */
static bool is_by_columns(const twi_json_outline *o)
{
    if (o->members == 0)
        return false;
    if (o->objects < o->members)
        return o->lists_of_values == o->members;
    return (o->numbered > 0 && o->named == 0) || (o->field_objects > 0 && o->alike);
}

/* True when the document is there for the list in it, and not a row, or an object of rows, of which
 * one has a list. */
static bool is_wrapped(const twi_plan *p, const twi_json_outline *o)
{
    const bool titled =
        p->kind != TW_INGEST_ITEMS || (o->fields & (1u << TWI_TITLE | 1u << TWI_TEXT)) != 0;
    const bool rows = o->objects == o->members && o->members > 1 && o->alike;
    return o->rows.depth > 0 && !rows && !(is_row(p, o) && titled);
}

static tw_status enter_list_inside(tw_reader *r, const twi_json_outline *o, tw_error *err)
{
    if (o->others.depth > 0) {
        return tw_fail(err, TW_EINVAL,
                       "'%.150s' holds two lists that could be the rows, %.100s and %.100s; take "
                       "one out: jq -c '%.100s[]' FILE > FILE.jsonl",
                       r->path, o->rows.path + 1, o->others.path + 1, o->rows.path);
    }
    r->json.shape = TWI_JSON_INNER;
    (void) snprintf(r->json.from, sizeof r->json.from, "%s", o->rows.path + 1);
    return twi_source_forward(&r->src, o->rows.offset, o->rows.line, err);
}

static tw_status enter_object(tw_reader *r, tw_error *err)
{
    twi_json_outline o;
    size_t at = 0;
    tw_status st = twi_json_look(&r->src, &r->plan, &o, err);
    if (st != TW_OK || o.documents > 1)
        return st;
    if (o.columns.depth > 0 && o.data.depth > 0) {
        (void) snprintf(r->json.from, sizeof r->json.from, "data");
        return twi_json_split_names(r, &o.columns, &o.data, err);
    }
    if (is_by_columns(&o)) {
        (void) snprintf(r->json.from, sizeof r->json.from, "<columns>");
        return twi_json_table_open(r, err);
    }
    if (is_wrapped(&r->plan, &o))
        return enter_list_inside(r, &o, err);
    if (is_row(&r->plan, &o) || o.objects * 2 < o.members)
        return TW_OK;
    (void) next_byte(&r->src, &at);
    r->json.shape = TWI_JSON_MEMBERS;
    twi_source_skip(&r->src, at + 1);
    return TW_OK;
}

/* Behind the bracket of a list: of objects, or of lists of values. */
static tw_status enter_list(tw_reader *r, tw_error *err)
{
    size_t at = 0;
    r->json.shape = TWI_JSON_LIST;
    if (next_byte(&r->src, &at) != '[')
        return TW_OK;
    at++;
    const char c = next_byte(&r->src, &at);
    return c == '{' || c == '[' ? TW_OK : twi_json_read_names(r, err);
}

static tw_status enter(tw_reader *r, tw_error *err)
{
    size_t at = 0;
    const char c = next_byte(&r->src, &at);
    if (c == '{')
        return enter_object(r, err);
    if (c != '[')
        return TW_OK;
    twi_source_skip(&r->src, at + 1);
    return enter_list(r, err);
}

tw_status twi_json_enter(tw_reader *r, tw_error *err)
{
    const bool given = r->plan.n > 0;
    tw_status st = refuse_python(r, err);
    if (st == TW_OK && r->format == TW_FORMAT_JSON)
        st = enter(r, err);
    if (st == TW_OK && given && r->json.names == NULL) {
        return tw_fail(err, TW_EINVAL,
                       "a header can be given for JSON rows that are lists; those of '%.200s' have "
                       "names",
                       r->path);
    }
    return st;
}
