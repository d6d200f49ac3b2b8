/* A tower on disk: one safetensors file that holds weights, what encoders learnt
 * besides, and, as metadata, everything that turns an item into samples, so
 * training and serving cannot differ.
 *
 *   text.table (V,E)  text.proj.w (D,E)  text.proj.b (1,D)  text.idf (V)   F32
 *   twindex.kind "tower" | twindex.version "2" | twindex.text "fnv1a-nfkc-2"
 *   twindex.tower {"text": "bag", "bits": 16, ...} | twindex.vocabulary "[PAD]\n..."
 *   twindex.added [{"id": 30522, ...}] | twindex.prompt "query: "
 *
 * Version 3 is that of towers that read tokens: version 2 knew one pooling, no tokens added to a
 * vocabulary and no prompt. Version 1 knew the bag of words alone. All are read. */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pieces.h"
#include "nn/model_file.h"
#include "nn/safetensors.h"
#include "towers/tower.h"
#include "towers/tower_config.h"

#define FILE_KIND "tower"

enum { FILE_VERSION = 2, FILE_TOKENS = 3 };

/* Hashing, folding, what words are (pieces.h): by rules - 1. Any change is a new name. */
static const char *const rules_names[TW_PIECES_RULES] = {"fnv1a-fold-1", "fnv1a-nfkc-2"};

static tw_status write_meta(tw_st_writer *w, const tw_tower *t, tw_error *err)
{
    tw_status st = TW_OK;
    tw_text json;

    tw_text_init(&json, 4096);
    TW_TRY(twi_tower_config_format(&t->cfg, &json, err));
    TW_TRY(tw_model_file_begin(w, FILE_KIND, twi_reads_tokens(&t->cfg) ? FILE_TOKENS : FILE_VERSION,
                               err));
    TW_TRY(tw_st_add_meta(w, "twindex.text", rules_names[t->cfg.text_rules - 1], err));
    TW_TRY(tw_st_add_meta(w, "twindex.tower", tw_text_cstr(&json), err));
    if (t->vocabulary != NULL)
        TW_TRY(tw_st_add_meta(w, "twindex.vocabulary", t->vocabulary, err));
    if (t->added != NULL)
        TW_TRY(tw_st_add_meta(w, "twindex.added", t->added, err));
    if (t->prompt != NULL)
        TW_TRY(tw_st_add_meta(w, "twindex.prompt", t->prompt, err));
done:
    tw_text_fini(&json);
    return st;
}

tw_status tw_tower_save(const tw_tower *t, const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    tw_st_writer *w = NULL;

    TW_TRY(tw_st_writer_create(&w, err));
    TW_TRY(write_meta(w, t, err));
    TW_TRY(tw_st_add_params(w, t->params, false, err));
    for (int m = 0; m < TW_MODALITIES; m++)
        if (t->encoders[m] != NULL && t->encoders[m]->class->save != NULL)
            TW_TRY(t->encoders[m]->class->save(t->encoders[m], w, err));
    TW_TRY(tw_st_save(w, path, err));
done:
    tw_st_writer_destroy(w);
    return st;
}

/* How texts are read is said twice: here for readers that know none of the settings, and in them.
 * *rules <- 1..TW_PIECES_RULES. */
static tw_status read_rules(int *rules, const tw_st_file *f, tw_error *err)
{
    const char *text;
    const tw_status st = tw_model_file_meta(f, "twindex.text", &text, err);
    if (st != TW_OK)
        return st;
    *rules = 1;
    while (*rules < TW_PIECES_RULES && strcmp(text, rules_names[*rules - 1]) != 0)
        ++*rules;
    return strcmp(text, rules_names[*rules - 1]) == 0
               ? TW_OK
               : tw_fail(err, TW_EUNSUPPORTED,
                         "the tower's text is '%.40s', this program knows '%s'", text,
                         rules_names[TW_PIECES_RULES - 1]);
}

static tw_status read_config(tw_tower_config *cfg, const tw_st_file *f, tw_error *err)
{
    tw_status st = TW_OK;
    tw_error why = {0};
    const char *json;
    int rules;

    TW_TRY(tw_model_file_check(f, FILE_KIND, FILE_TOKENS, err));
    TW_TRY(read_rules(&rules, f, err));
    TW_TRY(tw_model_file_meta(f, "twindex.tower", &json, err));
    st = twi_tower_config_parse(cfg, json, strlen(json), &why);
    if (st == TW_OK)
        st = twi_tower_config_check(cfg, &why);
    TW_TRY(tw_model_file_settings(st, &why, err));
    if (cfg->text_rules != rules) {
        st = tw_fail(err, TW_ECORRUPT,
                     "the model's settings: text_rules %d, and the file's text is '%s'",
                     cfg->text_rules, rules_names[rules - 1]);
    }
done:
    return st;
}

static tw_status shape_of(tw_tower **out, const tw_tower_config *cfg, const tw_st_file *f,
                          tw_error *err)
{
    tw_error why = {0};
    const twi_texts texts = {.vocabulary = tw_st_meta(f, "twindex.vocabulary"),
                             .added = tw_st_meta(f, "twindex.added"),
                             .prompt = tw_st_meta(f, "twindex.prompt")};
    return tw_model_file_settings(twi_tower_shape(out, cfg, &texts, &why), &why, err);
}

static tw_status from_file(tw_tower **out, const tw_st_file *f, tw_error *err)
{
    tw_status st = TW_OK;
    tw_tower *t = NULL;
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;

    TW_TRY(read_config(&cfg, f, err));
    TW_TRY(shape_of(&t, &cfg, f, err));
    assert(t != NULL);
    TW_TRY(tw_model_file_load(f, t->params, err));
    TW_TRY(twi_tower_allocate(t, err));
    for (int m = 0; m < TW_MODALITIES; m++)
        if (t->encoders[m] != NULL && t->encoders[m]->class->load != NULL)
            TW_TRY(t->encoders[m]->class->load(t->encoders[m], f, err));
    twi_tower_refresh(t);
    *out = t;
    t = NULL;
done:
    tw_tower_destroy(t);
    return st;
}

/* Closes f, which is NULL where st says why. */
static tw_status read_and_close(tw_tower **out, tw_status st, tw_st_file *f, tw_error *err)
{
    *out = NULL;
    if (st == TW_OK)
        st = from_file(out, f, err);
    tw_st_close(f);
    return st;
}

tw_status tw_tower_parse(tw_tower **out, const void *data, size_t len, tw_error *err)
{
    tw_st_file *f = NULL;
    const tw_status st = tw_st_parse(&f, data, len, err);
    return read_and_close(out, st, f, err);
}

tw_status tw_tower_load(tw_tower **out, const char *path, tw_error *err)
{
    tw_st_file *f = NULL;
    const tw_status st = tw_st_open(&f, path, err);
    return read_and_close(out, st, f, err);
}
