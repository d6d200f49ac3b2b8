/* Rows that are lists: [["id","title"],[1,"a"],[2,"b"]], and pandas' orient=split. */
#include <string.h>

#include "ingest/internal.h"

static tw_status no_memory(tw_error *err)
{
    return tw_fail(err, TW_ENOMEM, "no memory for the names of JSON columns");
}

/* The plan's columns as r->json.names; the plan is empty then, as rows of JSON find it. */
static tw_status keep_names(tw_reader *r, tw_error *err)
{
    tw_status st = TW_OK;
    r->json.names = json_array();
    if (r->json.names == NULL)
        return no_memory(err);
    for (int i = 0; i < r->plan.n && st == TW_OK; i++) {
        const char *name = r->plan.columns[i].name;
        char q[TWI_QUOTE_MAX];
        for (int k = 0; k < i && st == TW_OK; k++) {
            if (strcmp(r->plan.columns[k].name, name) == 0)
                st = tw_fail(err, TW_EINVAL, "two columns of '%.200s' are named %s", r->path,
                             twi_quote(q, name, strlen(name)));
        }
        if (st == TW_OK && json_array_append_new(r->json.names, json_string(name)) != 0)
            st = no_memory(err);
    }
    r->plan.n = 0;
    tw_text_clear(&r->plan.names);
    return st;
}

/* Makes a column of each string or number in the list; *all tells whether there is nothing else. */
static tw_status add_names(tw_reader *r, const json_t *list, bool numbers, bool *all, tw_error *err)
{
    size_t i;
    json_t *name;
    *all = json_array_size(list) > 0;
    json_array_foreach(list, i, name)
    {
        char number[32];
        const char *s = json_string_value(name);
        (void) snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(name));
        if (s == NULL && !(numbers && json_is_integer(name))) {
            *all = false;
            return TW_OK;
        }
        s = s != NULL ? s : number;
        tw_status st = twi_plan_add(&r->plan, s, strlen(s), TWI_GUESS, err);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}

/* The list that is the next element; NULL where there is none. */
static tw_status read_list(tw_reader *r, json_t **list, tw_error *err)
{
    *list = NULL;
    tw_status st = twi_source_element(&r->src, r->json.shape, &r->span, err);
    if (st != TW_OK || !r->span.got || r->span.wrong != NULL)
        return st;
    return twi_json_parse(r->span.data, r->span.len, (twi_json_where){r->span.line, 0}, list, err);
}

static tw_status first_is_no_header(const tw_reader *r, const char *why, tw_error *err)
{
    return tw_fail(err, TW_EINVAL,
                   "'%.150s' holds rows as lists, and the first does not name the columns%s%.200s; "
                   "name them as they stand with --header, as in --header id,title",
                   r->path, why[0] != '\0' ? ": " : "", why);
}

/* Takes the first list for the names where they make sense. */
static tw_status take_first(tw_reader *r, tw_error *err)
{
    json_t *first = NULL;
    tw_error why = {0};
    bool all = false;
    tw_status st = read_list(r, &first, &why);
    if (st == TW_OK)
        st = add_names(r, first, false, &all, &why);
    json_decref(first);
    if (st == TW_OK && all)
        st = twi_plan_resolve(&r->plan, true, "it", &why);
    if (st == TW_EINVAL || (st == TW_OK && !all))
        return first_is_no_header(r, why.msg, err);
    return st == TW_OK ? TW_OK : tw_fail(err, st, "%s", why.msg);
}

static tw_status resolve(tw_reader *r, tw_error *err)
{
    char whose[TW_PATH_MAX + 4];
    (void) snprintf(whose, sizeof whose, "'%s'", r->path);
    return twi_plan_resolve(&r->plan, true, whose, err);
}

tw_status twi_json_read_names(tw_reader *r, tw_error *err)
{
    tw_status st = r->plan.n > 0 ? resolve(r, err) : take_first(r, err);
    return st == TW_OK ? keep_names(r, err) : st;
}

tw_status twi_json_split_names(tw_reader *r, const twi_json_list *columns,
                               const twi_json_list *data, tw_error *err)
{
    json_t *list = NULL;
    bool all = false;
    tw_status st = TW_OK;

    twi_source_pin(&r->src);
    TW_TRY(twi_source_forward(&r->src, columns->offset - 1, columns->line, err));
    TW_TRY(read_list(r, &list, err));
    r->json.shape = TWI_JSON_INNER;
    TW_TRY(add_names(r, list, true, &all, err));
    if (!all)
        st = tw_fail(err, TW_EINVAL, "the columns of '%.200s' have names that are no strings",
                     r->path);
    TW_TRY(st);
    TW_TRY(resolve(r, err));
    TW_TRY(keep_names(r, err));
    TW_TRY(twi_source_unpin(&r->src, err));
    TW_TRY(twi_source_forward(&r->src, data->offset, data->line, err));
done:
    json_decref(list);
    return st;
}

tw_status twi_json_name_values(json_t **row, json_t *names, tw_error *err)
{
    const size_t n = json_array_size(names);
    if (!json_is_array(*row))
        return tw_fail(err, TW_EINVAL, "the row is a JSON object where the first one is a list");
    if (json_array_size(*row) != n)
        return tw_fail(err, TW_EINVAL, "the row has %zu values where there are %zu names",
                       json_array_size(*row), n);
    json_t *object = json_object();
    int bad = object == NULL;
    for (size_t i = 0; i < n && bad == 0; i++)
        bad = json_object_set(object, json_string_value(json_array_get(names, i)),
                              json_array_get(*row, i));
    json_decref(*row);
    *row = object;
    return bad == 0 ? TW_OK : tw_fail(err, TW_ENOMEM, "no memory for a JSON row");
}
