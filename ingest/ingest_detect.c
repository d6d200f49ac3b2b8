/* What kind of file this is, from its name and its first lines. */
#include <string.h>

#include "ingest/internal.h"

#define LOOK_LINES 20

static const char *const format_names[] = {
    [TW_FORMAT_AUTO] = "auto",       [TW_FORMAT_CSV] = "csv",
    [TW_FORMAT_TSV] = "tsv",         [TW_FORMAT_JSONL] = "jsonl",
    [TW_FORMAT_JSON] = "json",       [TW_FORMAT_U_ITEM] = "u.item",
    [TW_FORMAT_U_DATA] = "u.data",   [TW_FORMAT_MOVIELENS] = "movielens",
    [TW_FORMAT_RECBOLE] = "recbole", [TW_FORMAT_SASREC] = "sasrec",
};
#define FORMATS     (sizeof format_names / sizeof format_names[0])
#define ALL_FORMATS "csv, tsv, jsonl, json, u.item, u.data, movielens, recbole, sasrec"

const char *tw_ingest_format_name(tw_ingest_format format)
{
    return (size_t) format < FORMATS ? format_names[format] : "?";
}

const char *tw_ingest_kind_name(tw_ingest_kind kind)
{
    static const char *const names[] = {"items", "events", "pairs", "triplets"};
    return (size_t) kind < 4 ? names[kind] : "?";
}

tw_status tw_ingest_format_parse(const char *name, tw_ingest_format *out, tw_error *err)
{
    for (size_t i = 0; i < FORMATS; i++) {
        if (strcmp(name, format_names[i]) == 0) {
            *out = (tw_ingest_format) i;
            return TW_OK;
        }
    }
    char q[TWI_QUOTE_MAX];
    return tw_fail(err, TW_EINVAL, "there is no format %s; there are auto, " ALL_FORMATS,
                   twi_quote(q, name, strlen(name)));
}

/* ---- lines of the head ----------------------------------------------------------------------- */

typedef struct head_line {
    const char *s;
    size_t len;
} head_line;

/* The next line of the window that is not blank, from *at on. */
static bool next_line(const twi_source *s, size_t *at, head_line *out)
{
    while (s->start + *at < s->end) {
        const char *from = s->buf + s->start + *at;
        size_t left = s->end - s->start - *at;
        const char *nl = memchr(from, '\n', left);
        size_t len = nl != NULL ? (size_t) (nl - from) : left;
        *at += len + (nl != NULL);
        if (len > 0 && from[len - 1] == '\r')
            len--;
        *out = (head_line){from, len};
        for (size_t i = 0; i < len; i++) {
            if (from[i] != ' ' && from[i] != '\t')
                return true;
        }
    }
    return false;
}

static int count(head_line l, const char *what)
{
    int n = 0;
    const size_t len = strlen(what);
    const char *p = l.s, *end = l.s + l.len;
    while (p < end && (p = memmem(p, (size_t) (end - p), what, len)) != NULL) {
        n++;
        p += len;
    }
    return n;
}

static char first_char(head_line l)
{
    size_t i = 0;
    while (i < l.len && (l.s[i] == ' ' || l.s[i] == '\t'))
        i++;
    return i < l.len ? l.s[i] : '\0';
}

/* The number of words between spaces and tabs; *numbers tells whether all are made of digits. */
static int words(head_line l, bool *numbers)
{
    int n = 0;
    *numbers = true;
    for (size_t i = 0; i < l.len; i++) {
        const bool space = l.s[i] == ' ' || l.s[i] == '\t';
        n += !space && (i == 0 || l.s[i - 1] == ' ' || l.s[i - 1] == '\t');
        *numbers = *numbers && (space || (l.s[i] >= '0' && l.s[i] <= '9'));
    }
    return n;
}

/* True when each column between tabs has one of RecBole's types behind a colon. */
static bool is_recbole_header(head_line l)
{
    static const char *const types[] = {":token", ":token_seq", ":float", ":float_seq"};
    size_t at = 0;
    while (at <= l.len) {
        const char *tab = at < l.len ? memchr(l.s + at, '\t', l.len - at) : NULL;
        size_t end = tab != NULL ? (size_t) (tab - l.s) : l.len;
        bool typed = false;
        for (size_t i = 0; i < 4; i++) {
            size_t n = strlen(types[i]);
            typed = typed || (end - at > n && memcmp(l.s + end - n, types[i], n) == 0);
        }
        if (!typed)
            return false;
        at = end + 1;
    }
    return true;
}

/* True when some value of the line's object may hold rows itself. */
static bool holds_more(json_t *doc)
{
    const char *key;
    json_t *value;
    json_object_foreach(doc, key, value)
    {
        if (json_is_object(value) || json_is_array(value))
            return true;
    }
    return false;
}

/* An object, and behind it on the same line a comma or another one. */
static bool is_sequence(head_line l, const json_error_t *why)
{
    const size_t behind = why->position > 0 ? (size_t) why->position : 1;
    return json_error_code(why) == json_error_end_of_input_expected && behind <= l.len &&
           (l.s[behind - 1] == ',' || l.s[behind - 1] == '{');
}

/* One object a line, or anything else that is JSON? */
static tw_ingest_format which_json(const twi_source *s, head_line first)
{
    size_t at = 0;
    head_line second = {"", 0};
    json_error_t why;
    int lines = 0;
    if (first_char(first) != '{')
        return TW_FORMAT_JSON;
    if (first.s + first.len == s->buf + s->end && !s->ended)
        return TW_FORMAT_JSON; /* a first line that fills the head */
    while (lines < 2 && next_line(s, &at, &second))
        lines++;
    json_t *doc = json_loadb(first.s, first.len, 0, &why);
    /* Without one it is damaged, or begins what goes on: then no line begins with a brace. */
    const bool more = lines == 2 && second.s[0] == '{';
    const bool rows = doc != NULL ? more || !holds_more(doc) : more && !is_sequence(first, &why);
    json_decref(doc);
    return rows ? TW_FORMAT_JSONL : TW_FORMAT_JSON;
}

/* The name without its folder; *len leaves ".gz" and its like off. */
static const char *base_name(const char *path, size_t *len)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    *len = strlen(base);
    static const char *const packed[] = {".gz", ".zst", ".xz"};
    for (size_t i = 0; i < sizeof packed / sizeof packed[0]; i++) {
        const size_t n = strlen(packed[i]);
        if (*len > n && strcmp(base + *len - n, packed[i]) == 0) {
            *len -= n;
            break;
        }
    }
    return base;
}

static bool ends_with(const char *s, size_t len, const char *end)
{
    const size_t n = strlen(end);
    return len >= n && memcmp(s + len - n, end, n) == 0;
}

/* TW_FORMAT_AUTO: the first line does not tell. */
static tw_ingest_format by_content(const twi_source *s, tw_ingest_kind kind, head_line l)
{
    bool numbers = false;
    const int tabs = count(l, "\t"), n_words = words(l, &numbers), commas = count(l, ",");
    const char c = first_char(l);

    if (is_recbole_header(l))
        return TW_FORMAT_RECBOLE;
    if (c == '{' || c == '[' || c == TWI_JSON_RECORD)
        return which_json(s, l);
    if (count(l, "::") >= 2)
        return TW_FORMAT_MOVIELENS;
    if (count(l, "|") == 23)
        return TW_FORMAT_U_ITEM;
    if (tabs == 3 && n_words == 4 && numbers)
        return TW_FORMAT_U_DATA;
    if (n_words == 2 && commas == 0 && (numbers || (kind == TW_INGEST_EVENTS && tabs == 0)))
        return TW_FORMAT_SASREC;
    if (tabs > 0)
        return TW_FORMAT_TSV;
    return commas > 0 || count(l, ";") > 0 ? TW_FORMAT_CSV : TW_FORMAT_AUTO;
}

tw_status twi_detect(const twi_source *s, tw_ingest_kind kind, tw_ingest_format *out, tw_error *err)
{
    size_t at = 0, len;
    head_line l = {"", 0};
    char q[TWI_QUOTE_MAX];
    const char *base = base_name(s->path, &len);

    (void) next_line(s, &at, &l);
    *out = by_content(s, kind, l);
    if (*out != TW_FORMAT_JSON &&
        (ends_with(base, len, ".jsonl") || ends_with(base, len, ".ndjson")))
        *out = TW_FORMAT_JSONL;
    else if (ends_with(base, len, ".csv") && (count(l, "\t") == 0 || count(l, ",") > 0))
        *out = TW_FORMAT_CSV;
    else if (ends_with(base, len, ".tsv") && *out != TW_FORMAT_RECBOLE)
        *out = TW_FORMAT_TSV;
    if (*out != TW_FORMAT_AUTO)
        return TW_OK;
    return tw_fail(err, TW_EINVAL,
                   "the format of '%.150s' cannot be recognised from its first line %s; name one "
                   "of " ALL_FORMATS,
                   s->path, twi_quote(q, l.s, l.len));
}

tw_status twi_check_is_text(const twi_source *s, tw_error *err)
{
    const char *head = s->buf + s->start;
    const size_t len = s->end - s->start;
    size_t odd = 0, space = 0;

    if (len == 0)
        return tw_fail(err, TW_EINVAL, "'%.300s' is empty", s->path);
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char) head[i];
        if (c == 0)
            return tw_fail(err, TW_EINVAL, "'%.300s' is no text file: byte %zu is 0", s->path, i);
        space += c == ' ' || (c >= '\t' && c <= '\r');
        odd += c < ' ' && !(c >= '\t' && c <= '\r') && c != TWI_JSON_RECORD;
    }
    if (space == len && s->ended)
        return tw_fail(err, TW_EINVAL, "'%.300s' holds nothing but white space", s->path);
    if (odd * 20 > len) {
        return tw_fail(
            err, TW_EINVAL,
            "'%.300s' is no text file: %zu of its first %zu bytes are control characters", s->path,
            odd, len);
    }
    return TW_OK;
}

/* What a line of the format looks like, and whether this one does. NULL: the header tells. */
static const char *shape(tw_ingest_format format, tw_ingest_kind kind, head_line l, bool *fits)
{
    bool numbers;
    switch (format) {
    case TW_FORMAT_U_ITEM:
        *fits = count(l, "|") == 23;
        return "id|title|date|date|URL|19 genre flags";
    case TW_FORMAT_U_DATA: *fits = count(l, "\t") == 3; return "user TAB item TAB rating TAB time";
    case TW_FORMAT_MOVIELENS:
        *fits = count(l, "::") == (kind == TW_INGEST_ITEMS ? 2 : 3);
        return kind == TW_INGEST_ITEMS ? "id::title::genres" : "user::item::rating::time";
    case TW_FORMAT_SASREC: *fits = words(l, &numbers) == 2; return "user item";
    case TW_FORMAT_RECBOLE: *fits = is_recbole_header(l); return "name:type TAB name:type ...";
    case TW_FORMAT_JSONL: *fits = first_char(l) == '{'; return "{...}";
    case TW_FORMAT_JSON:
        *fits = first_char(l) != '\0' && strchr("{[\x1e", first_char(l)) != NULL;
        return "[ or {";
    case TW_FORMAT_AUTO:
    case TW_FORMAT_CSV:
    case TW_FORMAT_TSV: break;
    }
    *fits = true;
    return NULL;
}

static bool holds(tw_ingest_format format, tw_ingest_kind kind)
{
    switch (format) {
    case TW_FORMAT_U_ITEM: return kind == TW_INGEST_ITEMS;
    case TW_FORMAT_U_DATA:
    case TW_FORMAT_SASREC: return kind == TW_INGEST_EVENTS;
    case TW_FORMAT_MOVIELENS:
    case TW_FORMAT_RECBOLE: return kind == TW_INGEST_ITEMS || kind == TW_INGEST_EVENTS;
    case TW_FORMAT_AUTO:
    case TW_FORMAT_CSV:
    case TW_FORMAT_TSV:
    case TW_FORMAT_JSONL:
    case TW_FORMAT_JSON: break;
    }
    return true;
}

tw_status twi_check_format(const twi_source *s, tw_ingest_kind kind, tw_ingest_format format,
                           tw_error *err)
{
    size_t at = 0;
    head_line l, first = {"", 0};
    bool fits = false;
    char q[TWI_QUOTE_MAX];
    const bool header = format == TW_FORMAT_RECBOLE || format == TW_FORMAT_JSON;
    const char *like = NULL;

    if (!holds(format, kind))
        return tw_fail(err, TW_EINVAL, "'%.200s' is of the format %s, which has no %s", s->path,
                       tw_ingest_format_name(format), tw_ingest_kind_name(kind));
    for (int i = 0; i < (header ? 1 : LOOK_LINES) && !fits && next_line(s, &at, &l); i++) {
        like = shape(format, kind, l, &fits);
        if (i == 0)
            first = l;
    }
    if (fits)
        return TW_OK;
    return tw_fail(err, TW_EINVAL, "'%.150s' holds no %s in the format %s (%s); it begins with %s",
                   s->path, tw_ingest_kind_name(kind), tw_ingest_format_name(format), like,
                   twi_quote(q, first.s, first.len));
}
