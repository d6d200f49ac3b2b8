/* What the JSON files of a sentence-transformers folder say, and whether we can do it. */
#include <jansson.h>
#include <string.h>

#include "towers/text_bert.h"

static tw_status read_json(json_t **out, const twi_bert_bytes *file, const char *name,
                           tw_error *err)
{
    json_error_t why;
    *out = json_loadb(file->data, file->len, JSON_REJECT_DUPLICATES, &why);
    if (*out != NULL)
        return TW_OK;
    bool memory = json_error_code(&why) == json_error_out_of_memory;
    return tw_fail(err, memory ? TW_ENOMEM : TW_ECORRUPT, "%s: %.120s at line %d", name, why.text,
                   why.line);
}

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

/* A missing member means the default, which is what we want. */
static tw_status want_string(const json_t *o, const char *key, const char *want, tw_error *err)
{
    const json_t *v = json_object_get(o, key);
    const char *s = json_string_value(v);
    if (v == NULL || (s != NULL && strcmp(s, want) == 0))
        return TW_OK;
    return tw_fail(err, TW_ECORRUPT, "config.json: %s is '%.60s', only '%s' can be imported", key,
                   s != NULL ? s : "no string", want);
}

static tw_status read_config(twi_bert_about *a, const twi_bert_bytes *file, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *o = NULL;
    twi_transformer_config *c = &a->cfg;

    TW_TRY(read_json(&o, file, "config.json", err));
    if (json_object_get(o, "model_type") == NULL) {
        st = tw_fail(err, TW_ECORRUPT, "config.json names no model_type");
        goto done;
    }
    TW_TRY(want_string(o, "model_type", "bert", err));
    TW_TRY(want_string(o, "hidden_act", "gelu", err));
    TW_TRY(want_string(o, "position_embedding_type", "absolute", err));
    if (json_is_true(json_object_get(o, "is_decoder"))) {
        st = tw_fail(err, TW_ECORRUPT, "config.json describes a decoder, not an encoder");
        goto done;
    }
    TW_TRY(take_int(o, "vocab_size", TWI_PIECES_MIN, TWI_PIECES_MAX, &c->vocab, err));
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

/* The last part of a dotted class name. */
static const char *class_of(const json_t *module)
{
    const char *type = json_string_value(json_object_get(module, "type"));
    const char *dot = type != NULL ? strrchr(type, '.') : NULL;
    return dot != NULL ? dot + 1 : type != NULL ? type : "";
}

/* Transformer, Pooling, perhaps Normalize; without the file the library takes the first two. */
static tw_status read_modules(twi_bert_about *a, const twi_bert_bytes *file,
                              const twi_bert_bytes *pooling, tw_error *err)
{
    static const char *const want[] = {"Transformer", "Pooling", "Normalize"};
    tw_status st = TW_OK;
    json_t *list = NULL;

    a->normalizes = false;
    if (file->data == NULL)
        return TW_OK;
    if (pooling->data == NULL)
        return tw_fail(err, TW_ECORRUPT, "modules.json is there, 1_Pooling/config.json is not");
    TW_TRY(read_json(&list, file, "modules.json", err));
    size_t n = json_array_size(list);
    if (n < 2 || n > 3) {
        st = tw_fail(err, TW_ECORRUPT, "modules.json does not list two or three modules");
        goto done;
    }
    for (size_t i = 0; i < n; i++) {
        const char *is = class_of(json_array_get(list, i));
        if (strcmp(is, want[i]) != 0) {
            st = tw_fail(err, TW_ECORRUPT, "modules.json: module %zu is '%.60s', not %s", i, is,
                         want[i]);
            goto done;
        }
    }
    a->normalizes = n == 3;
done:
    json_decref(list);
    return st;
}

/* Mean over tokens and nothing beside: as flags, or as a word in files of later versions. */
static tw_status read_pooling(const twi_bert_bytes *file, tw_error *err)
{
    static const char *const others[] = {
        "pooling_mode_cls_token",
        "pooling_mode_max_tokens",
        "pooling_mode_mean_sqrt_len_tokens",
        "pooling_mode_weightedmean_tokens",
        "pooling_mode_lasttoken",
    };
    tw_status st = TW_OK;
    json_t *o = NULL;

    if (file->data == NULL)
        return TW_OK;
    TW_TRY(read_json(&o, file, "pooling", err));
    const char *mode = json_string_value(json_object_get(o, "pooling_mode"));
    bool mean = mode != NULL ? strcmp(mode, "mean") == 0
                             : json_is_true(json_object_get(o, "pooling_mode_mean_tokens"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        mean = mean && !json_is_true(json_object_get(o, others[i]));
    if (!mean)
        st = tw_fail(err, TW_ECORRUPT, "the pooling is not the mean over tokens alone");
done:
    json_decref(o);
    return st;
}

static tw_status read_sentence(twi_bert_about *a, const twi_bert_bytes *file, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *o = NULL;

    a->max_tokens = a->cfg.positions;
    if (file->data == NULL)
        return TW_OK;
    TW_TRY(read_json(&o, file, "sentence_bert_config.json", err));
    const json_t *most = json_object_get(o, "max_seq_length");
    if (most == NULL || json_is_null(most))
        goto done;
    if (!json_is_integer(most) || json_integer_value(most) < 2)
        st = tw_fail(err, TW_ECORRUPT, "sentence_bert_config.json: max_seq_length is no length");
    else if (json_integer_value(most) < a->max_tokens)
        a->max_tokens = (int) json_integer_value(most);
done:
    json_decref(o);
    return st;
}

/* vocab.txt says nothing of the letters' case: tokenizer_config.json does, else it is uncased. */
static tw_status read_vocab(twi_wordpiece **words, const twi_bert_files *f, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *o = NULL;
    bool lower = true;

    if (f->tokenizer_config.data != NULL) {
        TW_TRY(read_json(&o, &f->tokenizer_config, "tokenizer_config.json", err));
        lower = !json_is_false(json_object_get(o, "do_lower_case"));
        const json_t *strip = json_object_get(o, "strip_accents");
        if (json_is_false(json_object_get(o, "tokenize_chinese_chars")) ||
            (json_is_boolean(strip) && json_is_true(strip) != lower)) {
            st = tw_fail(err, TW_ECORRUPT, "tokenizer_config.json leaves out a step of BERT's");
            goto done;
        }
    }
    TW_TRY(twi_wordpiece_parse(words, f->vocab.data, f->vocab.len, lower, err));
done:
    json_decref(o);
    return st;
}

tw_status twi_bert_parse(twi_bert_about *about, twi_wordpiece **words, const twi_bert_files *f,
                         tw_error *err)
{
    tw_status st = TW_OK;

    *words = NULL;
    if (f->config.data == NULL || (f->tokenizer.data == NULL && f->vocab.data == NULL))
        return tw_fail(err, TW_ENOTFOUND,
                       "no config.json, or neither tokenizer.json nor vocab.txt");
    TW_TRY(read_config(about, &f->config, err));
    TW_TRY(read_modules(about, &f->modules, &f->pooling, err));
    TW_TRY(read_pooling(&f->pooling, err));
    TW_TRY(read_sentence(about, &f->sentence, err));
    if (f->tokenizer.data != NULL)
        TW_TRY(twi_wordpiece_parse_json(words, f->tokenizer.data, f->tokenizer.len, err));
    else
        TW_TRY(read_vocab(words, f, err));
    if (twi_wordpiece_size(*words) > about->cfg.vocab)
        st = tw_fail(err, TW_ECORRUPT, "%d word pieces, but the model has %d",
                     twi_wordpiece_size(*words), about->cfg.vocab);
done:
    if (st != TW_OK) {
        twi_wordpiece_destroy(*words);
        *words = NULL;
    }
    return st;
}
