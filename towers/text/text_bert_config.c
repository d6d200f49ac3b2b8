/* What the JSON files of a sentence-transformers folder say, and whether we can do it. */
#include <string.h>

#include "base/text.h"
#include "towers/text/text_bert_parts.h"

/* A whole number in [min, max]. */
static tw_status take_int(const json_t *o, const char *key, int min, int max, int *out,
                          tw_error *err)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
        return tw_fail(err, TW_ECORRUPT, "config.json: %s is not a whole number in %d..%d", key,
                       min, max);
    *out = (int) json_integer_value(v);
    return TW_OK;
}

/* A number in [0, 1); `otherwise` where there is none. */
static tw_status take_share(const json_t *o, const char *key, double otherwise, double *out,
                            tw_error *err)
{
    const json_t *v = json_object_get(o, key);
    *out = v == NULL ? otherwise : json_number_value(v);
    if ((v != NULL && !json_is_number(v)) || !(*out >= 0 && *out < 1))
        return tw_fail(err, TW_ECORRUPT, "config.json: %s is not a number in [0, 1)", key);
    return TW_OK;
}

static tw_status read_config(twi_bert_about *a, const twi_bert_bytes *file, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *o = NULL;
    twi_transformer_config *c = &a->cfg;

    TW_TRY(twi_bert_json(&o, file, "config.json", 0, err));
    const json_t *act = json_object_get(o, "hidden_act");
    if (json_object_get(o, "model_type") == NULL) {
        st = tw_fail(err, TW_ECORRUPT, "config.json names no model_type");
        goto done;
    }
    TW_TRY(twi_bert_want(o, "config.json", "model_type", "bert", err));
    if (!json_is_string(act) || strcmp(json_string_value(act), "gelu_python") != 0) /* the same */
        TW_TRY(twi_bert_want(o, "config.json", "hidden_act", "gelu", err));
    TW_TRY(twi_bert_want(o, "config.json", "position_embedding_type", "absolute", err));
    if (json_is_true(json_object_get(o, "is_decoder"))) {
        st = tw_fail(err, TW_ECORRUPT, "config.json describes a decoder, not an encoder");
        goto done;
    }
    TW_TRY(take_int(o, "vocab_size", TWI_PIECES_MIN, TWI_PIECES_MAX, &a->rows, err));
    TW_TRY(take_int(o, "hidden_size", 1, TWI_TRANSFORMER_WIDTH_MAX, &c->width, err));
    TW_TRY(take_int(o, "num_attention_heads", 1, c->width, &c->heads, err));
    TW_TRY(take_int(o, "num_hidden_layers", 1, TWI_TRANSFORMER_LAYERS_MAX, &c->layers, err));
    TW_TRY(take_int(o, "intermediate_size", 1, TWI_TRANSFORMER_HIDDEN_MAX, &c->hidden, err));
    TW_TRY(take_int(o, "max_position_embeddings", 2, TWI_TRANSFORMER_POSITIONS_MAX, &c->positions,
                    err));
    TW_TRY(take_int(o, "type_vocab_size", 1, 16, &a->types, err));
    TW_TRY(take_share(o, "layer_norm_eps", 1e-12, &c->eps, err));
    TW_TRY(take_share(o, "hidden_dropout_prob", 0.1, &c->dropout, err));
    if (c->width % c->heads != 0 || c->eps <= 0)
        st = tw_fail(err, TW_ECORRUPT, "config.json: width %d, %d heads, eps %g do not go together",
                     c->width, c->heads, c->eps);
done:
    json_decref(o);
    return st;
}

/* ---- how long, and in which case ------------------------------------------------------------- */

static const char sentence_file[] = "sentence_bert_config.json";
static const char tokenizer_file[] = "tokenizer_config.json";

/* Settings that the library would pass to other programs: nothing may stand there. */
static tw_status want_nothing(const json_t *o, const char *key, tw_error *err)
{
    if (json_object_size(json_object_get(o, key)) > 0)
        return tw_fail(err, TW_ECORRUPT, "%s: %s is not empty, which cannot be imported",
                       sentence_file, key);
    return TW_OK;
}

/* max_seq_length, where it is given, and whether texts come in lower case whatever the tokenizer
 * says. */
static tw_status read_sentence(twi_bert_about *a, bool *lower, bool *given,
                               const twi_bert_bytes *file, tw_error *err)
{
    static const char *const handed[] = {"tokenizer_args", "processor_kwargs", "config_args",
                                         "config_kwargs"};
    tw_status st = TW_OK;
    json_t *o = NULL;

    a->max_tokens = a->cfg.positions;
    *lower = *given = false;
    if (file->data == NULL)
        return TW_OK;
    TW_TRY(twi_bert_json(&o, file, sentence_file, 0, err));
    for (size_t i = 0; i < sizeof handed / sizeof handed[0]; i++)
        TW_TRY(want_nothing(o, handed[i], err));
    *lower = json_is_true(json_object_get(o, "do_lower_case"));
    const json_t *most = json_object_get(o, "max_seq_length");
    if (most == NULL || json_is_null(most))
        goto done;
    *given = true;
    if (!json_is_integer(most) || json_integer_value(most) < 2)
        st = tw_fail(err, TW_ECORRUPT, "%s: max_seq_length is no length", sentence_file);
    else if (json_integer_value(most) < a->max_tokens)
        a->max_tokens = (int) json_integer_value(most);
done:
    json_decref(o);
    return st;
}

/* A token's name, as a string or as what a later version writes; `want` where there is none. */
static tw_status want_token(const json_t *o, const char *key, const char *want, tw_error *err)
{
    const json_t *v = json_object_get(o, key);
    const json_t *content = json_is_object(v) ? json_object_get(v, "content") : v;
    const char *is = json_is_string(content) ? json_string_value(content) : "no string";
    if (v == NULL || json_is_null(v) || strcmp(is, want) == 0)
        return TW_OK;
    return tw_fail(err, TW_ECORRUPT, "%s: %s is '%.60s', only '%s' can be imported", tokenizer_file,
                   key, is, want);
}

/* How the tokenizer is set up. */
typedef struct setup {
    twi_cutting cut;
    bool by_file; /* tokenizer.json's own normaliser holds, not cut */
} setup;

/* The library makes BERT's tokenizer from tokenizer_config.json and its defaults, and looks at
 * tokenizer.json for its pieces alone; only a PreTrainedTokenizerFast (TokenizersBackend since
 * transformers 5) is taken from tokenizer.json as it is. */
static tw_status read_class(setup *s, const json_t *o, tw_error *err)
{
    static const char *const berts[] = {"BertTokenizer", "BertTokenizerFast"};
    static const char *const files[] = {"PreTrainedTokenizerFast", "TokenizersBackend"};
    const json_t *v = json_object_get(o, "tokenizer_class");
    const char *is = v == NULL || json_is_null(v) ? berts[0]
                     : json_is_string(v)          ? json_string_value(v)
                                                  : "no string";
    s->by_file = strcmp(is, files[0]) == 0 || strcmp(is, files[1]) == 0;
    if (s->by_file || strcmp(is, berts[0]) == 0 || strcmp(is, berts[1]) == 0)
        return TW_OK;
    return tw_fail(err, TW_ECORRUPT, "%s: tokenizer_class '%.60s' cannot be imported, only %s",
                   tokenizer_file, is, berts[0]);
}

/* Lower case unless the file says no; accents as the case, unless it says otherwise. */
static tw_status read_case(setup *s, const json_t *o, tw_error *err)
{
    const json_t *strip = json_object_get(o, "strip_accents");
    s->cut.lower = !json_is_false(json_object_get(o, "do_lower_case"));
    s->cut.accents = s->cut.lower && json_is_false(strip);
    s->cut.han_joined = json_is_false(json_object_get(o, "tokenize_chinese_chars"));
    if (!s->cut.lower && json_is_true(strip)) {
        return tw_fail(err, TW_ECORRUPT,
                       "%s: strip_accents without do_lower_case cannot be imported",
                       tokenizer_file);
    }
    return TW_OK;
}

static tw_status read_tokenizer(setup *s, twi_bert_about *a, bool length_given,
                                const twi_bert_bytes *file, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *o = NULL;

    *s = (setup){.cut = TWI_UNCASED};
    if (file->data == NULL)
        return TW_OK;
    /* As reals: model_max_length is often 10^30, which says that there is none. */
    TW_TRY(twi_bert_json(&o, file, tokenizer_file, JSON_DECODE_INT_AS_REAL, err));
    TW_TRY(read_class(s, o, err));
    TW_TRY(read_case(s, o, err));
    TW_TRY(twi_bert_want(o, tokenizer_file, "truncation_side", "right", err));
    TW_TRY(want_token(o, "unk_token", "[UNK]", err));
    TW_TRY(want_token(o, "cls_token", "[CLS]", err));
    TW_TRY(want_token(o, "sep_token", "[SEP]", err));
    const json_t *most = json_object_get(o, "model_max_length");
    if (most == NULL || json_is_null(most) || length_given)
        goto done;
    if (!json_is_number(most) || json_number_value(most) < 2)
        st = tw_fail(err, TW_ECORRUPT, "%s: model_max_length is no length", tokenizer_file);
    else if (json_number_value(most) < a->max_tokens)
        a->max_tokens = (int) json_number_value(most);
done:
    json_decref(o);
    return st;
}

/* Texts in lower case keep their accents, unless the tokenizer takes them off itself. */
static void lower_first(twi_cutting *cut)
{
    cut->accents = cut->accents || !cut->lower;
    cut->lower = true;
}

static tw_status read_words(twi_wordpiece **words, const twi_bert_files *f, const setup *s,
                            bool lower, tw_error *err)
{
    twi_cutting cut = s->cut;
    if (lower)
        lower_first(&cut);
    if (f->tokenizer.data != NULL && s->by_file && lower) {
        return tw_fail(err, TW_ECORRUPT,
                       "%s: do_lower_case beside a tokenizer_class that is not BERT's cannot be "
                       "imported",
                       sentence_file);
    }
    if (f->tokenizer.data != NULL)
        return twi_wordpiece_parse_json(words, f->tokenizer.data, f->tokenizer.len,
                                        s->by_file ? NULL : &cut, err);
    if (s->by_file)
        return tw_fail(err, TW_ECORRUPT, "%s names a tokenizer_class that needs tokenizer.json",
                       tokenizer_file);
    if (f->added.data != NULL) {
        return tw_fail(err, TW_ECORRUPT,
                       "added_tokens.json is there and tokenizer.json is not; save "
                       "the folder again with the library");
    }
    return twi_wordpiece_parse(words, f->vocab.data, f->vocab.len, cut, err);
}

/* What stands behind the transformer, and how long texts may be. Without modules.json the library
 * takes the mean and looks at none of these files. */
static tw_status read_behind(twi_bert_about *a, bool *lower, bool *given, const twi_bert_files *f,
                             tw_error *err)
{
    static const twi_bert_bytes none = {0};
    tw_status st = TW_OK;
    const bool listed = a->modules.listed;

    if (listed && f->pooling.data == NULL) {
        return tw_fail(err, TW_ECORRUPT,
                       "modules.json lists a Pooling, '%s/config.json' is not there",
                       a->modules.pooling);
    }
    TW_TRY(twi_bert_read_pooling(a, listed ? &f->pooling : &none, err));
    TW_TRY(twi_bert_read_dense(a, &f->dense, err));
    TW_TRY(twi_bert_read_prompts(a, listed ? &f->prompts : &none, err));
    TW_TRY(read_sentence(a, lower, given, listed ? &f->sentence : &none, err));
done:
    return st;
}

tw_status twi_bert_parse(twi_bert_about *about, twi_wordpiece **words, const twi_bert_files *f,
                         tw_error *err)
{
    tw_status st = TW_OK;
    bool lower = false, given = false;
    setup s;

    *words = NULL;
    *about = (twi_bert_about){0};
    if (f->config.data == NULL)
        return tw_fail(err, TW_ENOTFOUND, "there is no config.json");
    TW_TRY(read_config(about, &f->config, err));
    if (f->tokenizer.data == NULL && f->vocab.data == NULL)
        return tw_fail(err, TW_ENOTFOUND, "there is neither tokenizer.json nor vocab.txt");
    TW_TRY(twi_bert_read_modules(&about->modules, &f->modules, err));
    TW_TRY(read_behind(about, &lower, &given, f, err));
    TW_TRY(read_tokenizer(&s, about, given, &f->tokenizer_config, err));
    TW_TRY(read_words(words, f, &s, lower, err));
    about->cfg.vocab = twi_wordpiece_size(*words);
    if (about->cfg.vocab > about->rows)
        st = tw_fail(err, TW_ECORRUPT, "%d word pieces, but the model has %d", about->cfg.vocab,
                     about->rows);
done:
    if (st != TW_OK) {
        twi_wordpiece_destroy(*words);
        *words = NULL;
    }
    return st;
}
