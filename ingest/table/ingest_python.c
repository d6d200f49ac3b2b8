/* Lists as Python prints them: ['a', "it's", 3, None]. */
#include <string.h>

#include "ingest/internal.h"

/* A part that is being read. */
typedef struct parts {
    const char *s;
    size_t at, len;
    tw_text *out; /* NULL: only looked at */
    tw_error *err;
    bool first;
} parts;

static char peek(const parts *p) { return p->at < p->len ? p->s[p->at] : '\0'; }

static void skip_blanks(parts *p)
{
    while (peek(p) == ' ' || peek(p) == '\n' || peek(p) == '\t')
        p->at++;
}

static tw_status add(parts *p, const char *s, size_t len)
{
    return p->out != NULL ? tw_text_add(p->out, s, len, p->err) : TW_OK;
}

/* A string between ' or "; of the escapes only quotes and backslashes, the others stay text. */
static tw_status add_string(parts *p)
{
    const char quote = p->s[p->at++];
    char held[2 * TWI_NUMBER_MAX];
    size_t n = 0;
    while (p->at < p->len && p->s[p->at] != quote && n + 1 < sizeof held) {
        const bool escape =
            p->s[p->at] == '\\' && p->at + 1 < p->len && strchr("'\"\\", p->s[p->at + 1]) != NULL;
        p->at += escape;
        held[n++] = p->s[p->at++];
    }
    if (peek(p) != quote)
        return TW_EINVAL; /* not closed, or long: no name of a thing */
    p->at++;
    return p->out != NULL ? twi_json_escape(p->out, held, n, p->err) : TW_OK;
}

static tw_status add_bare(parts *p)
{
    char word[TWI_NUMBER_MAX];
    size_t n = 0;
    while (p->at < p->len && strchr(",] \n\t", p->s[p->at]) == NULL && n + 1 < sizeof word)
        word[n++] = p->s[p->at++];
    word[n] = '\0';
    if (strcmp(word, "True") == 0 || strcmp(word, "False") == 0)
        return add(p, word[0] == 'T' ? "\"true\"" : "\"false\"", word[0] == 'T' ? 6 : 7);
    return twi_is_json_number(word) ? add(p, word, n) : TW_EINVAL;
}

/* None is no part. */
static bool skip_none(parts *p)
{
    if (p->len - p->at < 4 || memcmp(p->s + p->at, "None", 4) != 0)
        return false;
    p->at += 4;
    return true;
}

static tw_status add_part(parts *p)
{
    if (skip_none(p))
        return TW_OK;
    tw_status st = p->first ? TW_OK : add(p, ",", 1);
    p->first = false;
    if (st != TW_OK)
        return st;
    return peek(p) == '\'' || peek(p) == '"' ? add_string(p) : add_bare(p);
}

tw_status twi_python_list(const char *s, size_t len, tw_text *out, tw_error *err)
{
    parts p = {.s = s, .at = 1, .len = len, .out = out, .err = err, .first = true};
    tw_status st = add(&p, "[", 1);
    skip_blanks(&p);
    while (st == TW_OK && peek(&p) != ']') {
        st = add_part(&p);
        skip_blanks(&p);
        if (st == TW_OK && peek(&p) != ',' && peek(&p) != ']')
            return TW_EINVAL;
        p.at += peek(&p) == ',';
        skip_blanks(&p);
    }
    if (st == TW_OK && p.at + 1 != len)
        return TW_EINVAL;
    return st == TW_OK ? add(&p, "]", 1) : st;
}
