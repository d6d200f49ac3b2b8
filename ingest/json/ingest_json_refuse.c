/* What is wrong with a JSON text, for a person to mend: jansson tells the kind of failure and the
 * byte behind which it stopped; the words around that byte tell the rest. */
#include <inttypes.h>
#include <string.h>

#include "ingest/internal.h"

/* A bracket, comma or colon is its own kind. */
enum { END = 0, STRING = '"', OPEN_STRING = 'o', COMMENT = '/', WORD = 'w' };

typedef struct token {
    size_t from, to;
    int kind; /* one of these, or the byte itself */
} token;

static token read_string(const char *s, size_t len, size_t from)
{
    size_t i = from + 1;
    while (i < len && s[i] != '"' && (unsigned char) s[i] >= ' ')
        i += s[i] == '\\' && i + 1 < len && (unsigned char) s[i + 1] >= ' ' ? 2 : 1;
    const bool closed = i < len && s[i] == '"';
    return (token){from, i + closed, closed ? STRING : OPEN_STRING};
}

static token next_token(const char *s, size_t len, size_t from)
{
    size_t at = from;
    while (at < len && twi_json_is_space(s[at]))
        at++;
    if (at == len)
        return (token){from, from, END};
    if (s[at] == '"')
        return read_string(s, len, at);
    if (strchr("{}[],:", s[at]) != NULL && s[at] != '\0')
        return (token){at, at + 1, s[at]};
    size_t to = at + 1;
    while (to < len && !twi_json_is_space(s[to]) &&
           (s[to] == '\0' || strchr("{}[],:\"", s[to]) == NULL))
        to++;
    const bool comment = s[at] == '#' || (s[at] == '/' && to > at + 1);
    return (token){at, to, comment ? COMMENT : WORD};
}

/* The word in which jansson stopped and the one before it. */
static void find_words(const char *s, size_t len, size_t stopped, token *before, token *at)
{
    *before = (token){0, 0, END};
    *at = next_token(s, len, 0);
    while (at->kind != END && at->kind != OPEN_STRING && at->to < stopped) {
        *before = *at;
        *at = next_token(s, len, at->to);
    }
}

/* A line end inside the text means that a byte's number helps nobody. */
static void put_place(char out[64], const char *s, size_t at, twi_json_where where)
{
    int64_t line = where.line;
    size_t start = 0;
    for (const char *nl; (nl = memchr(s + start, '\n', at - start)) != NULL;) {
        line++;
        start = (size_t) (nl - s) + 1;
    }
    if (line > where.line) {
        (void) snprintf(out, 64, "in line %" PRId64 ", column %zu", line, at - start + 1);
        return;
    }
    const size_t byte = at < where.before ? 1 : at + 1 - where.before;
    (void) snprintf(out, 64, "byte %zu of the row", byte);
}

static bool ends_value(int kind)
{
    return kind == STRING || kind == WORD || kind == '}' || kind == ']';
}

static const char *in_string(const char *s, size_t len, int code, size_t stopped, token before,
                             token at)
{
    if (code == json_error_null_character || code == json_error_null_byte_in_key)
        return "this string holds the character 0, which no text may";
    if (at.kind == OPEN_STRING && at.to < len)
        return s[at.to] == '\n' ? "this string is not closed on its line"
                                : "this string holds a control character that is not escaped";
    if (at.kind == STRING && memchr(s + at.from, '\\', at.to - at.from) != NULL &&
        (stopped < at.to || !ends_value(before.kind)))
        return "a backslash in this string begins no escape that JSON has";
    return NULL;
}

/* What comes here cannot come behind what stands before. */
static const char *out_of_place(int before, int at, char first)
{
    if (first == '\'')
        return "JSON has double quotes alone";
    if (at == COMMENT)
        return "this is a comment, and JSON has none";
    if (before == ',' && (at == '}' || at == ']'))
        return "a comma stands before the bracket";
    if (before == ':' || before == ',' || before == '[')
        return at == WORD ? "this is no JSON value (are quotes missing?)"
                          : "a value is missing before this";
    if (at == WORD && before == '{')
        return "this key has no quotes";
    if (ends_value(before) && at != END)
        return "a quote, bracket, colon or comma is missing before this";
    return "this cannot stand here";
}

static const char *sentence(const char *s, size_t len, int code, size_t stopped, token before,
                            token at)
{
    if (code == json_error_duplicate_key)
        return "this key stands there twice";
    const char *text = at.kind == STRING || at.kind == OPEN_STRING
                           ? in_string(s, len, code, stopped, before, at)
                           : NULL;
    if (text != NULL)
        return text;
    if (code == json_error_numeric_overflow)
        return "this number is too large; in quotes it is kept as it is";
    if (code == json_error_stack_overflow)
        return "brackets are nested deeper than 2048";
    if (code == json_error_end_of_input_expected)
        return "this stands behind the end of the object";
    if (code == json_error_premature_end_of_input || at.kind == END)
        return at.kind == OPEN_STRING ? "this string is not closed"
                                      : "a closing bracket is missing";
    return out_of_place(before.kind, at.kind, s[at.from]);
}

tw_status twi_json_refuse(const char *s, size_t len, twi_json_where where, const json_error_t *why,
                          tw_error *err)
{
    enum { SHOWN = 24 };
    const int code = (int) json_error_code(why);
    const bool cut = code == json_error_premature_end_of_input;
    const size_t stopped = cut ? len + 1 : why->position > 0 ? (size_t) why->position : 1;
    token before, at;
    char place[64], q[TWI_QUOTE_MAX];

    if (code == json_error_out_of_memory)
        return tw_fail(err, TW_ENOMEM, "no memory for a JSON row");
    find_words(s, len, stopped, &before, &at);
    if (before.kind == END && at.kind != '{' && at.kind != '[') {
        return tw_fail(err, TW_EINVAL, "this is no JSON object: it %s%s",
                       at.kind == END ? "is empty" : "begins with ",
                       at.kind == END ? "" : twi_quote(q, s + at.from, at.to - at.from));
    }
    put_place(place, s, at.from, where);
    const size_t shown = at.to - at.from < SHOWN ? at.to - at.from : SHOWN;
    return tw_fail(err, TW_EINVAL, "%s, at %s: %s", place,
                   at.kind == END ? "its end" : twi_quote(q, s + at.from, shown),
                   sentence(s, len, code, stopped, before, at));
}
