/* One JSON text into values. */
#include <string.h>

#include "ingest/internal.h"

#define FLAGS  JSON_REJECT_DUPLICATES
#define LONGER 2 /* "null" for "NaN" makes a text longer, by a third at most */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '+' || c == '-';
}

/* The bytes of the string that begins at s[0], a quote. */
static size_t string_length(const char *s, size_t len)
{
    size_t i = 1;
    while (i < len && s[i] != '"')
        i += s[i] == '\\' ? 2 : 1;
    return i < len ? i + 1 : len;
}

static size_t word_length(const char *s, size_t len)
{
    size_t i = 0;
    while (i < len && is_word(s[i]))
        i++;
    return i;
}

static bool is_nan_word(const char *s, size_t len)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity", "-NaN"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i]) == len && memcmp(words[i], s, len) == 0)
            return true;
    }
    return false;
}

/* s[0, len) with null for each bare NaN and Infinity; *found tells whether there was one. */
static tw_status without_nan(const char *s, size_t len, tw_text *out, bool *found, tw_error *err)
{
    tw_status st = TW_OK;
    *found = false;
    for (size_t i = 0, n = 0; i < len && st == TW_OK; i += n) {
        const bool quoted = s[i] == '"';
        n = quoted ? string_length(s + i, len - i) : word_length(s + i, len - i);
        if (!quoted && is_nan_word(s + i, n)) {
            st = tw_text_adds(out, "null", err);
            *found = true;
        } else {
            n = n > 0 ? n : 1;
            st = tw_text_add(out, s + i, n, err);
        }
    }
    return st;
}

/* Python and pandas write NaN where JSON has null. */
static tw_status parse_without_nan(const char *s, size_t len, twi_json_where where, json_t **out,
                                   const json_error_t *first, tw_error *err)
{
    tw_text text;
    json_error_t why;
    bool found;

    tw_text_init(&text, LONGER * len + 1);
    tw_status st = without_nan(s, len, &text, &found, err);
    if (st == TW_OK && !found)
        st = twi_json_refuse(s, len, where, first, err);
    else if (st == TW_OK && (*out = json_loadb(text.data, text.len, FLAGS, &why)) == NULL)
        st = twi_json_refuse(text.data, text.len, where, &why, err);
    tw_text_fini(&text);
    return st;
}

tw_status twi_json_parse(const char *s, size_t len, twi_json_where where, json_t **out,
                         tw_error *err)
{
    json_error_t why;
    *out = json_loadb(s, len, FLAGS, &why);
    if (*out != NULL)
        return TW_OK;
    if (json_error_code(&why) == json_error_invalid_syntax)
        return parse_without_nan(s, len, where, out, &why, err);
    return twi_json_refuse(s, len, where, &why, err);
}
