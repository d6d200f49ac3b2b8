/* A vocabulary from a tokenizer.json: BERT's tokenizer or a refusal. */
#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "towers/text/text_wordpiece.h"

/* What the tokenizer has where BERT's has something else, in one sentence. */
static tw_status refuse(const char *part, const char *is, const char *want, tw_error *err)
{
    return tw_fail(err, TW_ECORRUPT, "tokenizer.json: its %s is '%.60s', only %s can be imported",
                   part, is, want);
}

/* A string, or what stands for a missing or other value. */
static const char *string_of(const json_t *o, const char *key, const char *otherwise)
{
    const json_t *v = json_object_get(o, key);
    if (v == NULL || json_is_null(v))
        return otherwise;
    return json_is_string(v) ? json_string_value(v) : "no string";
}

static tw_status check_model(const json_t *model, tw_error *err)
{
    static const struct {
        const char *key, *want;
    } members[] = {/* early files name no type of model */
                   {"type", "WordPiece"},
                   {"unk_token", "[UNK]"},
                   {"continuing_subword_prefix", "##"}};
    const json_t *longest = json_object_get(model, "max_input_chars_per_word");
    if (!json_is_object(model))
        return tw_fail(err, TW_ECORRUPT, "tokenizer.json has no model");
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const char *is = string_of(model, members[i].key, members[i].want);
        if (strcmp(is, members[i].want) != 0)
            return refuse(members[i].key, is, members[i].want, err);
    }
    if (longest != NULL && json_integer_value(longest) != TWI_WORD_CHARS_MAX) {
        return tw_fail(err, TW_ECORRUPT,
                       "tokenizer.json: max_input_chars_per_word is %lld, only %d can be imported",
                       (long long) json_integer_value(longest), TWI_WORD_CHARS_MAX);
    }
    return TW_OK;
}

/* BERT's normaliser, with or without lower case, accents, and room around Han characters. */
static tw_status read_normalizer(const json_t *norm, twi_cutting *cut, tw_error *err)
{
    const json_t *strip = json_object_get(norm, "strip_accents");
    const char *type = string_of(norm, "type", "none");
    if (strcmp(type, "BertNormalizer") != 0)
        return refuse("normalizer", type, "BertNormalizer", err);
    if (json_is_false(json_object_get(norm, "clean_text")))
        return refuse("clean_text", "false", "true", err);
    cut->lower = json_is_true(json_object_get(norm, "lowercase"));
    cut->accents = cut->lower && json_is_false(strip);
    cut->han_joined = json_is_false(json_object_get(norm, "handle_chinese_chars"));
    if (!cut->lower && json_is_true(strip))
        return refuse("strip_accents", "true without lowercase", "both or neither", err);
    return TW_OK;
}

/* The name of the i-th part of a template, "" where it is no special token, NULL past the end. */
static const char *part_of(const json_t *parts, size_t i)
{
    const json_t *token = json_object_get(json_array_get(parts, i), "SpecialToken");
    return i >= json_array_size(parts) ? NULL : string_of(token, "id", "");
}

/* [CLS] before a text and [SEP] behind. Without them the library's own versions differ: some add
 * the two, some do not. */
static tw_status check_frame(const json_t *frame, tw_error *err)
{
    static const char bert[] = "TemplateProcessing of [CLS] text [SEP]";
    const char *type = string_of(frame, "type", "none"), *parts[4] = {"", "", "", ""};
    if (strcmp(type, "BertProcessing") == 0) {
        parts[0] = json_string_value(json_array_get(json_object_get(frame, "cls"), 0));
        parts[2] = json_string_value(json_array_get(json_object_get(frame, "sep"), 0));
        parts[3] = NULL;
    } else if (strcmp(type, "TemplateProcessing") == 0) {
        for (size_t i = 0; i < 4; i++)
            parts[i] = part_of(json_object_get(frame, "single"), i);
    } else {
        return refuse("post_processor", type, bert, err);
    }
    if (parts[0] == NULL || strcmp(parts[0], "[CLS]") != 0 || parts[1] == NULL ||
        parts[1][0] != '\0' || parts[2] == NULL || strcmp(parts[2], "[SEP]") != 0 ||
        parts[3] != NULL)
        return refuse("post_processor", "one with other tokens", bert, err);
    return TW_OK;
}

/* BERT's tokenizer in all its parts, or a refusal of the one that is another's. */
static tw_status check_kind(const json_t *root, twi_cutting *cut, tw_error *err)
{
    tw_status st = TW_OK;
    const char *splitter = string_of(json_object_get(root, "pre_tokenizer"), "type", "none");
    TW_TRY(check_model(json_object_get(root, "model"), err));
    TW_TRY(read_normalizer(json_object_get(root, "normalizer"), cut, err));
    if (strcmp(splitter, "BertPreTokenizer") != 0)
        return refuse("pre_tokenizer", splitter, "BertPreTokenizer", err);
    TW_TRY(check_frame(json_object_get(root, "post_processor"), err));
done:
    return st;
}

/* ---- the pieces and what was added ----------------------------------------------------------- */

/* BERT's own marks are no tokens that a text may hold: none can be forged. */
static bool is_mark(const char *content)
{
    static const char *const marks[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (strcmp(content, marks[i]) == 0)
            return true;
    return false;
}

/* The added tokens but the marks, for w. One that is a piece has the piece's id, as in the
 * library. */
static tw_status add_tokens(twi_wordpiece *w, const json_t *root, tw_error *err)
{
    tw_status st = TW_OK;
    const json_t *tokens = json_object_get(root, "added_tokens");
    const json_t *vocab = json_object_get(json_object_get(root, "model"), "vocab");
    json_t *kept = json_array(), *token;
    char *text = NULL;
    size_t i;

    json_array_foreach(tokens, i, token)
    {
        const char *content = string_of(token, "content", "");
        if (is_mark(content))
            continue;
        if (json_is_true(json_object_get(token, "single_word"))) {
            st = refuse("added token with single_word", content, "ones without", err);
            goto done;
        }
        json_t *id = json_object_get(vocab, content);
        json_t *one = json_pack("{s:O?, s:s, s:b}", "id",
                                id != NULL ? id : json_object_get(token, "id"), "content", content,
                                "normalized", json_is_true(json_object_get(token, "normalized")));
        if (json_array_append_new(kept, one) != 0) {
            st = tw_fail(err, TW_ENOMEM, "added tokens");
            goto done;
        }
    }
    if (kept != NULL && json_array_size(kept) == 0)
        goto done;
    const size_t len = kept != NULL ? json_dumpb(kept, NULL, 0, JSON_COMPACT) : 0;
    text = len > 0 ? tw_alloc(len, 1) : NULL;
    if (text == NULL || json_dumpb(kept, text, len, JSON_COMPACT) != len)
        st = tw_fail(err, TW_ENOMEM, "added tokens");
    else
        st = twi_wordpiece_add(w, text, len, err);
done:
    tw_free(text);
    json_decref(kept);
    return st;
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

tw_status twi_wordpiece_parse_json(twi_wordpiece **out, const char *data, size_t len,
                                   const twi_cutting *cut, tw_error *err)
{
    tw_status st = TW_OK;
    json_error_t why;
    const char **names = NULL;
    twi_cutting own = {0};
    twi_wordpiece *w = NULL;
    tw_text text;

    *out = NULL;
    tw_text_init(&text, TWI_VOCAB_FILE_MAX);
    json_t *root = json_loadb(data, len, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL) {
        bool memory = json_error_code(&why) == json_error_out_of_memory;
        st = tw_fail(err, memory ? TW_ENOMEM : TW_ECORRUPT, "tokenizer.json: %.120s at line %d",
                     why.text, why.line);
        goto done;
    }
    TW_TRY(check_kind(root, &own, err));
    json_t *vocab = json_object_get(json_object_get(root, "model"), "vocab");
    size_t n = json_object_size(vocab);
    names = tw_alloc(n, sizeof *names);
    if (names == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%zu pieces", n);
        goto done;
    }
    TW_TRY(order_by_id(vocab, names, n, err));
    TW_TRY(join_lines(names, n, &text, err));
    TW_TRY(twi_wordpiece_parse(&w, tw_text_cstr(&text), text.len, cut != NULL ? *cut : own, err));
    TW_TRY(add_tokens(w, root, err));
    *out = w;
    w = NULL;
done:
    twi_wordpiece_destroy(w);
    tw_free(names);
    tw_text_fini(&text);
    json_decref(root);
    return st;
}
