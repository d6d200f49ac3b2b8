/* The modules of a sentence-transformers folder: which there are, and what those behind the
 * transformer do. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "towers/text/text_bert_parts.h"

tw_status twi_bert_json(json_t **out, const twi_bert_bytes *file, const char *name, size_t flags,
                        tw_error *err)
{
    json_error_t why;
    *out = json_loadb(file->data, file->len, JSON_REJECT_DUPLICATES | flags, &why);
    if (*out != NULL)
        return TW_OK;
    bool memory = json_error_code(&why) == json_error_out_of_memory;
    return tw_fail(err, memory ? TW_ENOMEM : TW_ECORRUPT, "%s: %.120s at line %d", name, why.text,
                   why.line);
}

tw_status twi_bert_want(const json_t *o, const char *file, const char *key, const char *want,
                        tw_error *err)
{
    const json_t *v = json_object_get(o, key);
    const char *s = json_string_value(v);
    if (v == NULL || json_is_null(v) || (s != NULL && strcmp(s, want) == 0))
        return TW_OK;
    return tw_fail(err, TW_ECORRUPT, "%s: %s is '%.60s', only '%s' can be imported", file, key,
                   s != NULL ? s : "no string", want);
}

/* ---- modules.json ---------------------------------------------------------------------------- */

/* The name of a class of the library's own; what others wrote may do anything. */
static const char *class_of(const json_t *module)
{
    static const char library[] = "sentence_transformers.";
    const char *type = json_string_value(json_object_get(module, "type"));
    const char *dot = type != NULL ? strrchr(type, '.') : NULL;
    if (type == NULL)
        return "nothing";
    return strncmp(type, library, sizeof library - 1) == 0 ? dot + 1 : type;
}

/* A folder inside the model's: a plain relative path. */
static tw_status take_folder(char out[TWI_BERT_FOLDER_MAX], const json_t *module, tw_error *err)
{
    const char *path = json_string_value(json_object_get(module, "path"));
    if (path == NULL)
        path = "";
    if (strlen(path) >= TWI_BERT_FOLDER_MAX || path[0] == '/' || strstr(path, "..") != NULL ||
        strchr(path, '\\') != NULL)
        return tw_fail(err, TW_ECORRUPT, "modules.json: '%.60s' is no folder inside the model's",
                       path);
    (void) snprintf(out, TWI_BERT_FOLDER_MAX, "%s", path);
    return TW_OK;
}

/* The modules in the order that can be read. Dropout does nothing outside training. */
enum { TRANSFORMER, POOLING, DENSE, NORMALIZE, KINDS };

static tw_status read_module(twi_bert_modules *m, const json_t *module, int *after, size_t i,
                             tw_error *err)
{
    static const char *const names[KINDS] = {"Transformer", "Pooling", "Dense", "Normalize"};
    char *const folders[KINDS] = {m->transformer, m->pooling, m->dense, NULL};
    const char *is = class_of(module);
    int kind = 0;

    if (strcmp(is, "Dropout") == 0 && *after >= POOLING)
        return TW_OK;
    while (kind < KINDS && strcmp(is, names[kind]) != 0)
        kind++;
    if (kind == KINDS)
        return tw_fail(err, TW_ECORRUPT,
                       "modules.json: module %zu is a '%.60s', which cannot be imported", i, is);
    if (kind <= *after || (kind > *after + 1 && *after < POOLING)) {
        return tw_fail(
            err, TW_ECORRUPT,
            "modules.json: module %zu is '%s', but only Transformer, Pooling, at most one "
            "Dense and Normalize can be imported, in this order",
            i, is);
    }
    *after = kind;
    m->has_dense |= kind == DENSE;
    m->normalizes |= kind == NORMALIZE;
    return folders[kind] != NULL ? take_folder(folders[kind], module, err) : TW_OK;
}

tw_status twi_bert_read_modules(twi_bert_modules *m, const twi_bert_bytes *file, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *list = NULL, *module;
    int after = -1;
    size_t i;

    *m = (twi_bert_modules){0};
    if (file->data == NULL)
        return TW_OK;
    TW_TRY(twi_bert_json(&list, file, "modules.json", 0, err));
    m->listed = true;
    json_array_foreach(list, i, module) TW_TRY(read_module(m, module, &after, i, err));
    if (after < POOLING)
        st = tw_fail(err, TW_ECORRUPT, "modules.json does not list a Transformer and a Pooling");
done:
    json_decref(list);
    return st;
}

/* ---- pooling --------------------------------------------------------------------------------- */

static const struct {
    const char *name, *flag; /* of a later and of an earlier version of the file */
    int bit;
} poolings[] = {
    {"cls", "pooling_mode_cls_token", TWI_POOL_FIRST},
    {"max", "pooling_mode_max_tokens", TWI_POOL_LARGEST},
    {"mean", "pooling_mode_mean_tokens", TWI_POOL_MEAN},
    {"mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", TWI_POOL_ROOT},
    {"weightedmean", "pooling_mode_weightedmean_tokens", TWI_POOL_WEIGHTED},
    {"lasttoken", "pooling_mode_lasttoken", TWI_POOL_LAST},
};
enum { POOLINGS = sizeof poolings / sizeof poolings[0] };

/* One more way; in the order of the columns, each once. */
static tw_status add_pooling(int *set, const json_t *name, tw_error *err)
{
    const char *is = json_is_string(name) ? json_string_value(name) : "no string";
    int i = 0;
    while (i < POOLINGS && strcmp(is, poolings[i].name) != 0)
        i++;
    if (i == POOLINGS)
        return tw_fail(err, TW_ECORRUPT, "pooling_mode '%.60s' cannot be imported", is);
    if (*set >= poolings[i].bit)
        return tw_fail(err, TW_ECORRUPT,
                       "pooling_mode has '%s' behind another that only follows it here", is);
    *set |= poolings[i].bit;
    return TW_OK;
}

tw_status twi_bert_read_pooling(twi_bert_about *a, const twi_bert_bytes *file, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *o = NULL, *name;
    int *set = &a->cfg.pooling;
    size_t i;

    *set = 0;
    a->prompt_pooled = true;
    if (file->data == NULL)
        goto done;
    TW_TRY(twi_bert_json(&o, file, "the pooling's config.json", 0, err));
    json_t *mode = json_object_get(o, "pooling_mode");
    if (json_is_array(mode)) {
        json_array_foreach(mode, i, name) TW_TRY(add_pooling(set, name, err));
    } else if (mode != NULL) {
        TW_TRY(add_pooling(set, mode, err));
    }
    for (i = 0; mode == NULL && i < POOLINGS; i++)
        if (json_is_true(json_object_get(o, poolings[i].flag)))
            *set |= poolings[i].bit;
    a->prompt_pooled = !json_is_false(json_object_get(o, "include_prompt"));
    if (!a->prompt_pooled && (*set & TWI_POOL_FIRST) != 0) /* the library's versions differ */
        st = tw_fail(err, TW_ECORRUPT,
                     "pooling_mode 'cls' without include_prompt cannot be imported");
done:
    *set = *set != 0 ? *set : TWI_POOL_MEAN;
    json_decref(o);
    return st;
}

/* ---- the layer behind it --------------------------------------------------------------------- */

static tw_status read_end(twi_activation *end, const json_t *o, tw_error *err)
{
    static const struct {
        const char *name;
        twi_activation end;
    } ends[] = {
        {"torch.nn.modules.linear.Identity", TWI_LINEAR},
        {"torch.nn.modules.activation.Tanh", TWI_TANH},
        {"torch.nn.modules.activation.ReLU", TWI_RELU},
        {"torch.nn.modules.activation.GELU", TWI_GELU},
        {"torch.nn.modules.activation.Sigmoid", TWI_SIGMOID},
    };
    const json_t *v = json_object_get(o, "activation_function");
    const char *is = v == NULL ? ends[1].name : json_is_string(v) ? json_string_value(v) : "none";
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (strcmp(is, ends[i].name) == 0) {
            *end = ends[i].end;
            return TW_OK;
        }
    }
    return tw_fail(err, TW_ECORRUPT,
                   "the Dense layer's activation_function '%.80s' cannot be imported", is);
}

tw_status twi_bert_read_dense(twi_bert_about *a, const twi_bert_bytes *file, tw_error *err)
{
    static const char name[] = "the Dense layer's config.json";
    tw_status st = TW_OK;
    json_t *o = NULL;
    const json_int_t columns = (json_int_t) a->cfg.width * twi_pool_parts(a->cfg.pooling);

    a->dense = 0;
    if (!a->modules.has_dense)
        return TW_OK;
    if (file->data == NULL) {
        return tw_fail(err, TW_ECORRUPT,
                       "modules.json lists a Dense layer, '%s/config.json' is not "
                       "there",
                       a->modules.dense);
    }
    TW_TRY(twi_bert_json(&o, file, name, 0, err));
    const json_t *in = json_object_get(o, "in_features"), *out = json_object_get(o, "out_features");
    if (!json_is_integer(in) || json_integer_value(in) != columns || !json_is_integer(out) ||
        json_integer_value(out) < 1 || json_integer_value(out) > TWI_DENSE_MAX) {
        st = tw_fail(err, TW_ECORRUPT,
                     "%s: in_features and out_features are not %lld and a number in 1..%d", name,
                     (long long) columns, TWI_DENSE_MAX);
        goto done;
    }
    a->dense = (int) json_integer_value(out);
    a->dense_bias = !json_is_false(json_object_get(o, "bias"));
    TW_TRY(twi_bert_want(o, name, "module_input_name", "sentence_embedding", err));
    TW_TRY(twi_bert_want(o, name, "module_output_name", "sentence_embedding", err));
    TW_TRY(read_end(&a->dense_end, o, err));
done:
    json_decref(o);
    return st;
}

/* ---- prompts --------------------------------------------------------------------------------- */

tw_status twi_bert_read_prompts(twi_bert_about *a, const twi_bert_bytes *file, tw_error *err)
{
    static const char file_name[] = "config_sentence_transformers.json";
    tw_status st = TW_OK;
    json_t *o = NULL;

    a->prompt[0] = '\0';
    if (file->data == NULL)
        return TW_OK;
    TW_TRY(twi_bert_json(&o, file, file_name, 0, err));
    TW_TRY(twi_bert_want(o, file_name, "model_type", "SentenceTransformer", err));
    const json_t *chosen = json_object_get(o, "default_prompt_name");
    if (chosen == NULL || json_is_null(chosen))
        goto done;
    const char *name = json_is_string(chosen) ? json_string_value(chosen) : "";
    const json_t *prompt = json_object_get(json_object_get(o, "prompts"), name);
    if (!json_is_string(prompt)) {
        st = tw_fail(err, TW_ECORRUPT, "%s: default_prompt_name '%.60s' is none of its prompts",
                     file_name, name);
        goto done;
    }
    if (json_string_length(prompt) >= TWI_BERT_PROMPT_MAX) {
        st = tw_fail(err, TW_ECORRUPT, "%s: the prompt '%.60s' has %zu bytes, the most is %d",
                     file_name, name, json_string_length(prompt), TWI_BERT_PROMPT_MAX - 1);
        goto done;
    }
    (void) snprintf(a->prompt, sizeof a->prompt, "%s", json_string_value(prompt));
done:
    json_decref(o);
    return st;
}
