/* The rows of a JSON document by their brackets alone: one element of a list, one member of an
 * object, or one of the objects that stand one behind the other. */
#include <string.h>

#include "ingest/internal.h"

#define BEHIND "this stands behind the end of the JSON document"

/* What a byte is to the element that is being read. */
typedef enum verdict { INSIDE, LAST, OUTSIDE } verdict;

typedef struct json_scan {
    twi_json_shape shape;
    int depth;
    bool quoted, escaped;
    char first, last; /* bytes of it that are no space, outside strings */
    char before;      /* the byte before */
} json_scan;

/* Follows brackets and strings over one byte. */
static void follow(json_scan *j, char c)
{
    if (j->quoted) {
        j->quoted = j->escaped || c != '"';
        j->escaped = !j->escaped && c == '\\';
        return;
    }
    j->quoted = c == '"';
    j->depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    if (!twi_json_is_space(c))
        j->last = c;
}

/* Up to the comma behind the element or to the bracket that closes the document. */
static verdict step_element(json_scan *j, char c)
{
    const char bracket = j->shape == TWI_JSON_MEMBERS ? '}' : ']';
    if (!j->quoted && j->depth <= 0 && (c == ',' || c == bracket))
        return OUTSIDE;
    follow(j, c);
    j->depth = j->depth < 0 ? 0 : j->depth; /* a bracket too many belongs to the bad element */
    return INSIDE;
}

/* An object that lacks its end must not take those behind it along: where a line begins with a
 * brace, and no brace can follow what stands before it, another one begins. */
static bool begins_anew(const json_scan *j, char c)
{
    return j->before == '\n' && c == '{' && (j->quoted || strchr(":,[{", j->last) == NULL);
}

/* Up to the bracket that closes the object; what is none ends with its line. */
static verdict step_object(json_scan *j, char c)
{
    if (j->first == '\0')
        j->first = c;
    else if (c == TWI_JSON_RECORD || begins_anew(j, c))
        return OUTSIDE;
    if (j->first != '{' && j->first != '[')
        return c == '\n' ? OUTSIDE : INSIDE;
    follow(j, c);
    j->before = c;
    return !j->quoted && j->depth == 0 ? LAST : INSIDE;
}

static bool is_between(twi_json_shape shape, char c)
{
    return twi_json_is_space(c) ||
           (shape == TWI_JSON_OBJECTS && (c == ',' || c == TWI_JSON_RECORD));
}

static tw_status skip_between(twi_source *s, twi_json_shape shape, tw_error *err)
{
    for (;;) {
        tw_status st = twi_source_need(s, 1, err);
        if (st != TW_OK || s->start == s->end || !is_between(shape, s->buf[s->start]))
            return st;
        size_t n = 1;
        while (s->start + n < s->end && is_between(shape, s->buf[s->start + n]))
            n++;
        twi_source_skip(s, n);
    }
}

/* What a scan for the end of an element found. */
typedef struct json_end {
    size_t len;   /* its bytes */
    bool found;   /* false: the file ended first */
    bool dropped; /* it was too long: its bytes are gone but for s->head */
} json_end;

static tw_status find_end(twi_source *s, twi_json_shape shape, json_end *e, tw_error *err)
{
    json_scan scan = {.shape = shape};
    while (!e->found) {
        if (e->len >= TW_INGEST_MAX_LINE) {
            if (!e->dropped)
                memcpy(s->head, s->buf + s->start, sizeof s->head);
            twi_source_skip(s, e->len);
            e->len = 0;
            e->dropped = true;
        }
        if (e->len < s->end - s->start) {
            const char c = s->buf[s->start + e->len];
            const verdict v =
                shape == TWI_JSON_OBJECTS ? step_object(&scan, c) : step_element(&scan, c);
            e->found = v != INSIDE;
            e->len += v != OUTSIDE;
            continue;
        }
        if (s->ended)
            break;
        tw_status st = twi_source_need(s, e->len + 1, err);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}

/* Gives what stands behind the document as one bad row, and drops the file's rest. */
static tw_status refuse_rest(twi_source *s, twi_span *out, tw_error *err)
{
    const size_t have = s->end - s->start, most = have < sizeof s->head ? have : sizeof s->head;
    memcpy(s->head, s->buf + s->start, most);
    *out = (twi_span){.data = s->head, .got = true, .line = s->line + 1, .wrong = BEHIND};
    const char *nl = memchr(s->head, '\n', most);
    out->len = nl != NULL ? (size_t) (nl - s->head) : most;
    do {
        twi_source_skip(s, s->end - s->start);
        tw_status st = twi_source_need(s, 1, err);
        if (st != TW_OK)
            return st;
    } while (s->start < s->end);
    return TW_OK;
}

/* At the bracket that closes the document. *again: another list follows, and the window is in it.
 */
static tw_status leave(twi_source *s, twi_json_shape shape, twi_span *out, bool *again,
                       tw_error *err)
{
    *again = false;
    if (shape == TWI_JSON_INNER)
        return TW_OK; /* here for ever */
    twi_source_skip(s, 1);
    tw_status st = skip_between(s, TWI_JSON_OBJECTS, err);
    if (st != TW_OK || s->start == s->end)
        return st;
    if (shape == TWI_JSON_MEMBERS || s->buf[s->start] != '[')
        return refuse_rest(s, out, err);
    twi_source_skip(s, 1);
    *again = true;
    return TW_OK;
}

static void take(twi_source *s, twi_json_shape shape, json_end e, int64_t line, twi_span *out)
{
    if (e.dropped)
        *out = (twi_span){.data = s->head, .len = sizeof s->head, .wrong = TWI_TOO_LONG};
    else
        *out = (twi_span){.data = s->buf + s->start, .len = e.len};
    if (!e.found && (shape != TWI_JSON_OBJECTS || out->data[0] == '{' || out->data[0] == '['))
        out->wrong = "the file ends inside this element";
    out->got = true;
    out->line = line;
    const bool comma =
        e.found && shape != TWI_JSON_OBJECTS && s->buf[s->start + e.len] == ','; /* its own */
    twi_source_skip(s, e.len + comma);
}

tw_status twi_source_element(twi_source *s, twi_json_shape shape, twi_span *out, tw_error *err)
{
    bool again = true;
    while (again) {
        json_end e = {0};
        *out = (twi_span){.data = ""};
        tw_status st = skip_between(s, shape, err);
        const int64_t line = s->line + 1;
        if (st == TW_OK)
            st = find_end(s, shape, &e, err);
        if (st != TW_OK || (e.len == 0 && !e.dropped && !e.found))
            return st; /* behind the last byte */
        if (e.len > 0 || e.dropped || s->buf[s->start] == ',') {
            take(s, shape, e, line, out);
            return TW_OK;
        }
        st = leave(s, shape, out, &again, err);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}
