/* What the object at a file's start holds, by one pass over its bytes that parses nothing: its
 * members, and the lists that are reached through objects alone. */
#include <string.h>

#include "base/hash.h"
#include "ingest/internal.h"

#define MOST_BYTES (32u << 20) /* a pipe keeps them to go back to, as for the sample of times */
#define SOME_BYTES (256u << 10)

enum { DEPTH_MAX = 6, ALIKE_MAX = 16 };

typedef struct scan {
    twi_json_outline *o;
    const twi_plan *plan;
    int64_t offset, line; /* of the next byte */
    int depth;            /* open objects that are reached through objects alone */
    int inside;           /* open brackets in a list or too deep to follow */
    bool quoted, escaped;
    bool keyed;   /* a string here is a key */
    bool awaits;  /* the next byte begins the value of one of the document's members */
    bool pending; /* the next byte is the first of `list` */
    twi_json_list list;
    char keys[DEPTH_MAX + 1][TWI_JSON_KEY]; /* the last one at each depth */
    size_t key_len;
    uint64_t first[ALIKE_MAX]; /* keys of the first member that is an object, hashed */
    int n_first;
} scan;

/* ---- what is noted --------------------------------------------------------------------------- */

/* The keys down to a list, as jq has them: .hits.hits, ."odd key". */
static void put_path(scan *j)
{
    char *out = j->list.path;
    size_t len = 0;
    for (int d = 1; d <= j->depth; d++) {
        const char *key = j->keys[d];
        const size_t plain = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
                                         "0123456789");
        const bool odd = key[plain] != '\0' || key[0] == '\0' || (key[0] >= '0' && key[0] <= '9');
        const int n = snprintf(out + len, sizeof j->list.path - len, odd ? ".\"%s\"" : ".%s", key);
        len += (size_t) n;
        if (len >= sizeof j->list.path)
            return;
    }
}

static void note_list(scan *j, char holds)
{
    twi_json_outline *o = j->o;
    put_path(j);
    if (holds == '{' && (o->rows.depth == 0 || j->list.depth < o->rows.depth)) {
        o->rows = j->list;
        o->others = (twi_json_list){.depth = 0};
    } else if (holds == '{' && j->list.depth == o->rows.depth && o->others.depth == 0) {
        o->others = j->list;
    }
    if (j->list.depth > 1)
        return;
    o->lists++;
    o->lists_of_values += holds != '{' && holds != ']';
    if (strcmp(j->keys[1], "columns") == 0 && holds == '"')
        o->columns = j->list;
    else if (strcmp(j->keys[1], "data") == 0 && holds == '[')
        o->data = j->list;
}

static bool says(const twi_plan *p, twi_role role, const char *key)
{
    const char *mapped = p->mapped[role];
    if (mapped != NULL && mapped[0] != '\0')
        return strcmp(mapped, key) == 0;
    return twi_name_score(role, key) > TWI_SCORE_PREFIXED;
}

static void note_value(scan *j, char c)
{
    twi_role first, last;
    unsigned fields = 0;
    j->o->objects += c == '{';
    if (c == '[')
        return;
    twi_roles_of(j->plan->kind, &first, &last);
    for (twi_role role = first; role <= last; role++)
        fields |= says(j->plan, role, j->keys[1]) ? 1u << role : 0;
    j->o->fields |= c == '{' ? 0 : fields;
    j->o->field_objects += c == '{' && fields != 0;
}

/* A key of a member that is an object: rows of a document have keys in common; columns have the
 * numbers of rows. */
static void note_inner_key(scan *j)
{
    const char *key = j->keys[2];
    const uint64_t hash = tw_fnv1a(TW_FNV_START, key, strlen(key));
    const bool number = key[0] != '\0' && key[strspn(key, "0123456789")] == '\0';
    j->o->numbered += number;
    j->o->named += !number;
    if (j->o->objects == 1 && j->n_first < ALIKE_MAX)
        j->first[j->n_first++] = hash;
    for (int i = 0; j->o->objects > 1 && i < j->n_first; i++)
        j->o->alike = j->o->alike || j->first[i] == hash;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static void add_quoted(scan *j, char c)
{
    j->quoted = j->escaped || c != '"';
    j->escaped = !j->escaped && c == '\\';
    if (!j->keyed || j->inside > 0)
        return;
    char *key = j->keys[j->depth];
    if (j->quoted && j->key_len + 1 < TWI_JSON_KEY)
        key[j->key_len++] = c;
    key[j->key_len] = '\0';
}

static void open_bracket(scan *j, char c)
{
    if (c == '{' && j->inside == 0 && j->depth < DEPTH_MAX) {
        j->depth++;
        j->keyed = true;
        return;
    }
    j->pending = c == '[' && j->inside == 0;
    if (j->pending)
        j->list = (twi_json_list){.offset = j->offset + 1, .line = j->line, .depth = j->depth};
    j->inside++;
}

static void close_bracket(scan *j)
{
    if (j->inside > 0)
        j->inside--;
    else if (j->depth > 0)
        j->depth--;
    j->keyed = false;
}

static void add_colon(scan *j)
{
    if (j->inside > 0)
        return;
    j->keyed = false;
    j->awaits = j->depth == 1;
    j->o->members += j->awaits;
    if (j->depth == 2)
        note_inner_key(j);
}

static void add_mark(scan *j, char c)
{
    if (j->awaits)
        note_value(j, c);
    if (j->pending)
        note_list(j, c);
    j->awaits = j->pending = false;
    if (j->depth == 0 && j->inside == 0)
        j->o->documents += c == '{' || c == TWI_JSON_RECORD;
    j->quoted = c == '"';
    if (c == '"')
        j->key_len = 0;
    else if (c == '{' || c == '[')
        open_bracket(j, c);
    else if (c == '}' || c == ']')
        close_bracket(j);
    else if (c == ',')
        j->keyed = true;
    else if (c == ':')
        add_colon(j);
}

static void add_byte(scan *j, char c)
{
    if (j->quoted)
        add_quoted(j, c);
    else if (!twi_json_is_space(c))
        add_mark(j, c);
    j->offset++;
    j->line += c == '\n';
}

/* A sequence is seen as soon as its second object is; a document of id -> object by its start. */
static bool is_enough(const scan *j, int64_t bytes)
{
    const twi_json_outline *o = j->o;
    return o->documents > 1 || bytes >= MOST_BYTES ||
           (bytes >= SOME_BYTES && o->alike && o->objects == o->members && o->named > 0);
}

tw_status twi_json_look(twi_source *s, const twi_plan *plan, twi_json_outline *out, tw_error *err)
{
    scan j = {.o = out, .plan = plan, .offset = s->offset, .line = s->line};
    const int64_t from = s->offset;
    tw_status st = TW_OK;

    *out = (twi_json_outline){.documents = 0};
    twi_source_pin(s);
    while (!is_enough(&j, s->offset - from)) {
        st = twi_source_need(s, 1, err);
        const size_t have = s->end - s->start;
        if (st != TW_OK || have == 0)
            break;
        for (size_t i = 0; i < have && out->documents < 2; i++)
            add_byte(&j, s->buf[s->start + i]);
        twi_source_skip(s, have);
    }
    return st == TW_OK ? twi_source_unpin(s, err) : st;
}
