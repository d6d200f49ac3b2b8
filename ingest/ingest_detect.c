/* What kind of file this is, from its name and its first lines. */
#include <string.h>

#include "ingest/internal.h"

#define LOOK_LINES 20

static int count(twi_head_line l, const char *what)
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

static char first_char(twi_head_line l)
{
    size_t i = 0;
    while (i < l.len && (l.s[i] == ' ' || l.s[i] == '\t'))
        i++;
    return i < l.len ? l.s[i] : '\0';
}

static bool ends_with(const char *s, size_t len, const char *end)
{
    const size_t n = strlen(end);
    return len >= n && memcmp(s + len - n, end, n) == 0;
}

/* True when each column between separators has one of RecBole's types behind a colon. */
static bool is_recbole_header(twi_head_line l, char separator)
{
    static const char *const types[] = {":token", ":token_seq", ":float", ":float_seq"};
    size_t at = 0;
    while (at <= l.len) {
        const char *next = at < l.len ? memchr(l.s + at, separator, l.len - at) : NULL;
        size_t end = next != NULL ? (size_t) (next - l.s) : l.len;
        bool typed = false;
        for (size_t i = 0; i < 4; i++)
            typed =
                typed || (end - at > strlen(types[i]) && ends_with(l.s + at, end - at, types[i]));
        if (!typed)
            return false;
        at = end + 1;
    }
    return true;
}

/* The separator of a header of RecBole's; '\0': it is none. */
static char recbole_separator(twi_head_line l, char named)
{
    static const char candidates[] = {'\t', ',', ';', '|', ' '};
    if (named != '\0')
        return is_recbole_header(l, named) ? named : '\0';
    for (size_t i = 0; i < sizeof candidates; i++) {
        if (memchr(l.s, candidates[i], l.len) != NULL && is_recbole_header(l, candidates[i]))
            return candidates[i];
    }
    return is_recbole_header(l, '\t') ? '\t' : '\0'; /* one column */
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
static bool is_sequence(twi_head_line l, const json_error_t *why)
{
    const size_t behind = why->position > 0 ? (size_t) why->position : 1;
    return json_error_code(why) == json_error_end_of_input_expected && behind <= l.len &&
           (l.s[behind - 1] == ',' || l.s[behind - 1] == '{');
}

/* One object a line, or anything else that is JSON? */
static tw_ingest_format which_json(const twi_source *s, twi_head_line first)
{
    size_t at = 0;
    twi_head_line second = {"", 0};
    json_error_t why;
    int lines = 0;
    if (first_char(first) != '{')
        return TW_FORMAT_JSON;
    if (first.s + first.len == s->buf + s->end && !s->ended)
        return TW_FORMAT_JSON; /* a first line that fills the head */
    while (lines < 2 && twi_head_next(s, &at, &second))
        lines++;
    json_t *doc = json_loadb(first.s, first.len, 0, &why);
    /* Without one it is damaged, or begins what goes on: then no line begins with a brace. */
    const bool more = lines == 2 && second.s[0] == '{';
    json_t *next = more ? json_loadb(second.s, second.len, 0, NULL) : NULL;
    const bool rows =
        doc != NULL ? more || !holds_more(doc) : next != NULL && !is_sequence(first, &why);
    json_decref(next);
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

/* MovieLens' 24 columns between bars end with a flag, other tables' headers with a name. */
static bool is_u_item(twi_head_line l)
{
    return count(l, "|") == 23 && (l.s[l.len - 1] == '0' || l.s[l.len - 1] == '1');
}

/* TW_FORMAT_AUTO: the first line does not tell. */
static tw_ingest_format by_content(const twi_source *s, tw_ingest_kind kind, twi_dialect *d,
                                   twi_head_line l)
{
    bool numbers = false;
    const int tabs = count(l, "\t"), n_words = twi_words(l, &numbers);
    const bool others = count(l, ",") > 0 || count(l, ";") > 0 || count(l, "|") > 0 ||
                        memchr(l.s, TWI_HIVE_SEPARATOR, l.len) != NULL;
    const char c = first_char(l);

    if (d->separator != '\0')
        return d->separator == '\t' ? TW_FORMAT_TSV : TW_FORMAT_CSV;
    if (c == '{' || c == '[' || c == TWI_JSON_RECORD)
        return which_json(s, l);
    if (count(l, "::") >= 2)
        return TW_FORMAT_MOVIELENS;
    if (is_u_item(l))
        return TW_FORMAT_U_ITEM;
    if (tabs == 3 && n_words == 4 && numbers)
        return TW_FORMAT_U_DATA;
    if (!others) {
        const tw_ingest_format found = twi_detect_blanks(s, kind, l);
        d->separator = found == TW_FORMAT_CSV ? ' ' : '\0';
        if (found != TW_FORMAT_AUTO)
            return found;
    }
    if (others)
        return TW_FORMAT_CSV;
    return tabs > 0 ? TW_FORMAT_TSV : TW_FORMAT_AUTO;
}

/* What the file's name adds to what its first line looks like. */
static tw_ingest_format by_name(const char *path, tw_ingest_format found, twi_head_line l)
{
    size_t len;
    const char *base = base_name(path, &len);
    const bool table = found == TW_FORMAT_CSV || found == TW_FORMAT_TSV ||
                       found == TW_FORMAT_SASREC || found == TW_FORMAT_U_DATA;
    if (found != TW_FORMAT_JSON &&
        (ends_with(base, len, ".jsonl") || ends_with(base, len, ".ndjson")))
        return TW_FORMAT_JSONL;
    if (ends_with(base, len, ".csv") && !table)
        return TW_FORMAT_CSV;
    if (ends_with(base, len, ".tsv") && !table)
        return count(l, "\t") > 0 ? TW_FORMAT_TSV : TW_FORMAT_CSV;
    return found;
}

tw_status twi_detect(const twi_source *s, tw_ingest_kind kind, twi_dialect *d,
                     tw_ingest_format *out, tw_error *err)
{
    size_t at = 0;
    twi_head_line l = {"", 0};
    char q[TWI_QUOTE_MAX];

    (void) twi_head_next(s, &at, &l);
    const char recbole = recbole_separator(l, d->separator);
    if (recbole != '\0') {
        d->separator = recbole;
        *out = TW_FORMAT_RECBOLE;
        return TW_OK;
    }
    *out = by_name(s->path, by_content(s, kind, d, l), l);
    if (kind == TW_INGEST_EVENTS && d->separator == '\0' && twi_is_list_a_line(s)) {
        return tw_fail(err, TW_EINVAL,
                       "'%.150s' has a user and all items of it on a line, %s; write an event a "
                       "line: awk '{for (i = 2; i <= NF; i++) print $1, $i}' FILE > FILE.txt",
                       s->path, twi_quote(q, l.s, l.len));
    }
    if (*out != TW_FORMAT_AUTO)
        return TW_OK;
    return tw_fail(err, TW_EINVAL,
                   "the format of '%.150s' cannot be recognised from its first line %s; name one "
                   "of " TWI_ALL_FORMATS ", or its --separator",
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
        odd +=
            c < ' ' && c != TWI_HIVE_SEPARATOR && c != TWI_JSON_RECORD && !(c >= '\t' && c <= '\r');
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
static const char *shape(tw_ingest_format format, tw_ingest_kind kind, twi_head_line l, bool *fits)
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
    case TW_FORMAT_SASREC:
        *fits = twi_words(l, &numbers) >= 2 && twi_words(l, &numbers) <= 4;
        return "user item, perhaps rating and time";
    case TW_FORMAT_RECBOLE:
        *fits = recbole_separator(l, '\0') != '\0';
        return "name:type TAB name:type ...";
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
    twi_head_line l, first = {"", 0};
    bool fits = false;
    char q[TWI_QUOTE_MAX];
    const bool header = format == TW_FORMAT_RECBOLE || format == TW_FORMAT_JSON;
    const char *like = NULL;

    if (!holds(format, kind))
        return tw_fail(err, TW_EINVAL, "'%.200s' is of the format %s, which has no %s", s->path,
                       tw_ingest_format_name(format), tw_ingest_kind_name(kind));
    for (int i = 0; i < (header ? 1 : LOOK_LINES) && !fits && twi_head_next(s, &at, &l); i++) {
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
