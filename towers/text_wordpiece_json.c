/* A vocabulary from a tokenizer.json: BERT's tokenizer or a refusal. */
#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "towers/text_wordpiece.h"

/* True where the member is absent, null or this string. */
static bool is_or_unset(const json_t *o, const char *key, const char *want)
{
    const json_t *v = json_object_get(o, key);
    return v == NULL || json_is_null(v) ||
           (json_is_string(v) && strcmp(json_string_value(v), want) == 0);
}

static bool type_is(const json_t *o, const char *want)
{
    const char *type = json_string_value(json_object_get(o, "type"));
    return type != NULL && strcmp(type, want) == 0;
}

/* What we do: BERT's normaliser with every step on, its splitter, WordPiece with its defaults. */
static tw_status check_kind(const json_t *root, bool *lower, tw_error *err)
{
    const json_t *model = json_object_get(root, "model");
    const json_t *norm = json_object_get(root, "normalizer");
    const json_t *longest = json_object_get(model, "max_input_chars_per_word");
    /* Early files name no type of model. */
    if (!json_is_object(model) || !is_or_unset(model, "type", "WordPiece") ||
        !is_or_unset(model, "unk_token", "[UNK]") ||
        !is_or_unset(model, "continuing_subword_prefix", "##") ||
        (longest != NULL && json_integer_value(longest) != TWI_WORD_CHARS_MAX))
        return tw_fail(err, TW_ECORRUPT, "the tokenizer's model is not BERT's WordPiece");
    if (!type_is(norm, "BertNormalizer") ||
        !type_is(json_object_get(root, "pre_tokenizer"), "BertPreTokenizer"))
        return tw_fail(err, TW_ECORRUPT, "the tokenizer does not cut texts as BERT's does");
    *lower = json_is_true(json_object_get(norm, "lowercase"));
    const json_t *strip = json_object_get(norm, "strip_accents");
    if (json_is_false(json_object_get(norm, "clean_text")) ||
        json_is_false(json_object_get(norm, "handle_chinese_chars")) ||
        (json_is_boolean(strip) && json_is_true(strip) != *lower))
        return tw_fail(err, TW_ECORRUPT, "the tokenizer's normaliser leaves out a step of BERT's");
    return TW_OK;
}

/* names (n) by id. The strings belong to vocab. */
static tw_status order_by_id(json_t *vocab, const char **names, size_t n, tw_error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach(vocab, name, value)
    {
        json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
        if (id < 0 || (size_t) id >= n || names[id] != NULL)
            return tw_fail(err, TW_ECORRUPT, "the ids of the vocabulary are not 0..%zu, once each",
                           n - 1);
        if (strpbrk(name, "\r\n") != NULL)
            return tw_fail(err, TW_ECORRUPT, "piece %lld of the vocabulary holds a line's end",
                           (long long) id);
        names[id] = name;
    }
    return TW_OK;
}

static tw_status join_lines(const char *const *names, size_t n, tw_text *text, tw_error *err)
{
    tw_status st = TW_OK;
    for (size_t i = 0; i < n; i++) {
        TW_TRY(tw_text_adds(text, names[i], err));
        TW_TRY(tw_text_add(text, "\n", 1, err));
    }
done:
    return st;
}

tw_status twi_wordpiece_parse_json(twi_wordpiece **out, const char *data, size_t len, tw_error *err)
{
    tw_status st = TW_OK;
    json_error_t why;
    const char **names = NULL;
    bool lower = false;
    tw_text text;

    *out = NULL;
    tw_text_init(&text, TWI_VOCAB_FILE_MAX);
    json_t *root = json_loadb(data, len, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL) {
        bool memory = json_error_code(&why) == json_error_out_of_memory;
        st = tw_fail(err, memory ? TW_ENOMEM : TW_ECORRUPT, "tokenizer: %.120s at line %d",
                     why.text, why.line);
        goto done;
    }
    TW_TRY(check_kind(root, &lower, err));
    json_t *vocab = json_object_get(json_object_get(root, "model"), "vocab");
    size_t n = json_object_size(vocab);
    names = tw_alloc(n, sizeof *names);
    if (names == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%zu pieces", n);
        goto done;
    }
    TW_TRY(order_by_id(vocab, names, n, err));
    TW_TRY(join_lines(names, n, &text, err));
    TW_TRY(twi_wordpiece_parse(out, tw_text_cstr(&text), text.len, lower, err));
done:
    tw_free(names);
    tw_text_fini(&text);
    json_decref(root);
    return st;
}
