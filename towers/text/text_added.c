#include "towers/text/text_added.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"

typedef struct token {
    int32_t id;
    bool normalized;
    char *bytes; /* owned: as it is written (len) */
    size_t len;
    uint32_t *chars; /* owned: as it is compared when normalized (n) */
    int n;
} token;

struct twi_added {
    token *tokens; /* owned (n) */
    int n;
    int32_t largest;
    bool raw[256];        /* whether one begins with this byte */
    bool normalized[256]; /* whether one begins with a character of these lowest bits */
};

/* The characters of a text as words are compared. TW_ENOMEM. */
static tw_status normalize(token *t, twi_cutting cut, tw_error *err)
{
    const twi_words w = {.text = t->bytes, .len = t->len, .cut = cut};
    size_t used;
    t->chars = tw_alloc(TWI_LETTERS_MAX * t->len, sizeof *t->chars);
    if (t->chars == NULL)
        return tw_fail(err, TW_ENOMEM, "an added token of %zu bytes", t->len);
    for (size_t at = 0; at < t->len; at += used)
        t->n += twi_words_read(&w, at, &used, t->chars + t->n);
    return TW_OK;
}

static tw_status read_token(twi_added *a, const json_t *from, twi_cutting cut, tw_error *err)
{
    token *t = &a->tokens[a->n];
    const json_t *id = json_object_get(from, "id"), *content = json_object_get(from, "content");
    const json_int_t number = json_is_integer(id) ? json_integer_value(id) : -1;
    const size_t len = json_string_length(content);

    if (number < 0 || number >= TWI_PIECES_MAX)
        return tw_fail(err, TW_ECORRUPT, "added token %d has no id in 0..%d", a->n,
                       TWI_PIECES_MAX - 1);
    if (len == 0 || len > TWI_ADDED_CHARS_MAX)
        return tw_fail(err, TW_ECORRUPT, "added token %d has %zu bytes; 1..%d are fine", a->n, len,
                       TWI_ADDED_CHARS_MAX);
    a->n++; /* from here on the list owns what it has */
    t->id = (int32_t) number;
    t->normalized = json_is_true(json_object_get(from, "normalized"));
    t->len = len;
    t->bytes = tw_strndup(json_string_value(content), len);
    if (t->bytes == NULL)
        return tw_fail(err, TW_ENOMEM, "an added token of %zu bytes", len);
    a->largest = t->id > a->largest ? t->id : a->largest;
    if (!t->normalized) {
        a->raw[(unsigned char) t->bytes[0]] = true;
        return TW_OK;
    }
    tw_status st = normalize(t, cut, err);
    if (st == TW_OK && t->n > 0) /* one of nothing that is read is never found */
        a->normalized[t->chars[0] & 0xff] = true;
    return st;
}

tw_status twi_added_parse(twi_added **out, const char *json, size_t len, twi_cutting cut,
                          tw_error *err)
{
    tw_status st = TW_OK;
    json_error_t why;
    twi_added *a = NULL;
    json_t *list = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);

    *out = NULL;
    if (list == NULL) {
        bool memory = json_error_code(&why) == json_error_out_of_memory;
        st = tw_fail(err, memory ? TW_ENOMEM : TW_ECORRUPT, "added tokens: %.120s", why.text);
        goto done;
    }
    if (!json_is_array(list) || json_array_size(list) > TWI_ADDED_MAX) {
        st = tw_fail(err, TW_ECORRUPT, "the added tokens are no list of at most %d", TWI_ADDED_MAX);
        goto done;
    }
    a = tw_alloc(1, sizeof *a);
    if (a != NULL)
        a->tokens = tw_alloc(json_array_size(list) + 1, sizeof *a->tokens);
    if (a == NULL || a->tokens == NULL) {
        st = tw_fail(err, TW_ENOMEM, "added tokens");
        goto done;
    }
    a->largest = -1;
    for (size_t i = 0; i < json_array_size(list); i++)
        TW_TRY(read_token(a, json_array_get(list, i), cut, err));
    *out = a;
    a = NULL;
done:
    twi_added_destroy(a);
    json_decref(list);
    return st;
}

void twi_added_destroy(twi_added *a)
{
    if (a == NULL)
        return;
    for (int i = 0; a->tokens != NULL && i < a->n; i++) {
        tw_free(a->tokens[i].bytes);
        tw_free(a->tokens[i].chars);
    }
    tw_free(a->tokens);
    tw_free(a);
}

int32_t twi_added_largest(const twi_added *a) { return a->largest; }

/* Bytes of the text from `at` on that the token is; 0: it does not stand there. */
static size_t length_here(const token *t, const twi_words *w, size_t at)
{
    if (!t->normalized)
        return w->len - at >= t->len && memcmp(w->text + at, t->bytes, t->len) == 0 ? t->len : 0;
    size_t end = at;
    int n = 0;
    while (n < t->n && end < w->len) {
        uint32_t chars[TWI_LETTERS_MAX];
        size_t used;
        const int more = twi_words_read(w, end, &used, chars);
        if (n == 0 && more == 0)
            return 0; /* what is dropped belongs to no token's beginning */
        for (int k = 0; k < more; k++)
            if (n >= t->n || t->chars[n++] != chars[k])
                return 0;
        end += used;
    }
    return n == t->n ? end - at : 0;
}

/* The longest of the raw tokens at `at`, or of the normalized ones. */
static const token *longest(const twi_added *a, const twi_words *w, size_t at, bool normalized,
                            size_t *used)
{
    const token *best = NULL;
    for (int i = 0; i < a->n; i++) {
        const token *t = &a->tokens[i];
        const size_t len = t->normalized == normalized ? length_here(t, w, at) : 0;
        if (len > (best != NULL ? *used : 0)) {
            best = t;
            *used = len;
        }
    }
    return best;
}

static const token *raw_at(const twi_added *a, const twi_words *w, size_t at, size_t *used)
{
    return a->raw[(unsigned char) w->text[at]] ? longest(a, w, at, false, used) : NULL;
}

int32_t twi_added_match(const twi_added *a, const twi_words *w, size_t *used)
{
    uint32_t chars[TWI_LETTERS_MAX];
    size_t skip;
    const token *t = raw_at(a, w, w->at, used);
    if (t != NULL)
        return t->id;
    if (twi_words_read(w, w->at, &skip, chars) == 0 || !a->normalized[chars[0] & 0xff])
        return -1;
    t = longest(a, w, w->at, true, used);
    for (size_t k = 1; t != NULL && k < *used; k++)
        if (raw_at(a, w, w->at + k, &skip) != NULL)
            t = NULL; /* the raw ones are taken out of the text first */
    return t != NULL ? t->id : -1;
}
