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
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pieces.h"
#include "nn/safetensors.h"
#include "towers/tower.h"
#include "towers/tower_config.h"

#define FILE_KIND    "tower"
#define FILE_VERSION "2"
#define FILE_TOKENS  "3"
#define FILE_BEFORE  "1"

/* Hashing, folding, what words are (pieces.h): by rules - 1. Any change is a new name. */
static const char *const rules_names[TW_PIECES_RULES] = {"fnv1a-fold-1", "fnv1a-nfkc-2"};

static tw_status write_meta(tw_st_writer *w, const tw_tower *t, tw_error *err)
{
    tw_status st = TW_OK;
    tw_text json;

    tw_text_init(&json, 4096);
    TW_TRY(twi_tower_config_format(&t->cfg, &json, err));
    TW_TRY(tw_st_add_meta(w, "twindex.kind", FILE_KIND, err));
    TW_TRY(tw_st_add_meta(w, "twindex.version",
                          twi_reads_tokens(&t->cfg) ? FILE_TOKENS : FILE_VERSION, err));
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

static tw_status check_meta(const tw_st_file *f, const char *key, const char *want,
                            tw_status otherwise, tw_error *err)
{
    const char *have = tw_st_meta(f, key);
    if (have == NULL)
        return tw_fail(err, TW_ECORRUPT, "no tower: the file lacks '%s'", key);
    if (strcmp(have, want) != 0)
        return tw_fail(err, otherwise, "the tower file's %s is '%.40s', this program knows '%s'",
                       key, have, want);
    return TW_OK;
}

/* How texts are read is said twice: here for who knows none of the settings, and in them. *rules <-
 * 1..TW_PIECES_RULES. */
static tw_status read_rules(int *rules, const tw_st_file *f, tw_error *err)
{
    const char *text = tw_st_meta(f, "twindex.text");
    *rules = text != NULL && strcmp(text, rules_names[0]) == 0 ? 1 : TW_PIECES_RULES;
    return *rules == 1 ? TW_OK
                       : check_meta(f, "twindex.text", rules_names[TW_PIECES_RULES - 1],
                                    TW_EUNSUPPORTED, err);
}

static tw_status read_config(tw_tower_config *cfg, const tw_st_file *f, tw_error *err)
{
    tw_status st = TW_OK;
    tw_error why = {0};
    int rules;

    TW_TRY(check_meta(f, "twindex.kind", FILE_KIND, TW_ECORRUPT, err));
    const char *version = tw_st_meta(f, "twindex.version");
    if (version == NULL ||
        (strcmp(version, FILE_BEFORE) != 0 && strcmp(version, FILE_VERSION) != 0))
        TW_TRY(check_meta(f, "twindex.version", FILE_TOKENS, TW_EUNSUPPORTED, err));
    TW_TRY(read_rules(&rules, f, err));
    const char *json = tw_st_meta(f, "twindex.tower");
    if (json == NULL)
        return tw_fail(err, TW_ECORRUPT, "no tower: the file lacks 'twindex.tower'");
    st = twi_tower_config_parse(cfg, json, strlen(json), &why);
    if (st == TW_OK)
        st = twi_tower_config_check(cfg, &why);
    if (st == TW_EINVAL) {
        st = tw_fail(err, TW_ECORRUPT, "the tower's settings: %.300s", why.msg);
    } else if (st != TW_OK) {
        st = tw_fail(err, st, "%.300s", why.msg);
    } else if (cfg->text_rules != rules) {
        st = tw_fail(err, TW_ECORRUPT,
                     "the tower's settings: text_rules %d, and the file's text is '%s'",
                     cfg->text_rules, rules_names[rules - 1]);
    }
done:
    return st;
}

/* Shapes first: a short file with large numbers in it must not make us allocate by them. */
static tw_status check_shapes(const tw_st_file *f, const tw_params *ps, tw_error *err)
{
    for (int i = 0; i < tw_params_count(ps); i++) {
        const tw_param *p = tw_params_at(ps, i);
        int k = 0;
        while (k < tw_st_count(f) && strcmp(tw_st_at(f, k).name, p->name) != 0)
            k++;
        if (k == tw_st_count(f))
            return tw_fail(err, TW_ECORRUPT, "the tower file lacks '%s'", p->name);
        const tw_st_tensor found = tw_st_at(f, k);
        if (found.rows == p->rows && found.cols == p->cols)
            continue;
        return tw_fail(err, TW_ECORRUPT, "'%s' is %lld by %lld, its settings say %lld by %d",
                       p->name, (long long) found.rows, (long long) found.cols, (long long) p->rows,
                       p->cols);
    }
    return TW_OK;
}

static tw_status check_finite(const tw_tower *t, tw_error *err)
{
    for (int i = 0; i < tw_params_count(t->params); i++) {
        const tw_param *p = tw_params_at(t->params, i);
        const size_t n = (size_t) p->rows * (size_t) p->cols;
        size_t k = 0;
        while (k < n && isfinite(p->value[k]))
            k++;
        if (k < n)
            return tw_fail(err, TW_ECORRUPT, "'%s' holds a number that is not finite", p->name);
    }
    return TW_OK;
}

/* What is wrong with settings that a file holds is wrong with the file. */
static tw_status shape_of(tw_tower **out, const tw_tower_config *cfg, const tw_st_file *f,
                          tw_error *err)
{
    tw_error why = {0};
    const twi_texts texts = {.vocabulary = tw_st_meta(f, "twindex.vocabulary"),
                             .added = tw_st_meta(f, "twindex.added"),
                             .prompt = tw_st_meta(f, "twindex.prompt")};
    tw_status st = twi_tower_shape(out, cfg, &texts, &why);
    if (st == TW_EINVAL)
        return tw_fail(err, TW_ECORRUPT, "the tower's settings: %.300s", why.msg);
    return st == TW_OK ? st : tw_fail(err, st, "%.300s", why.msg);
}

static tw_status from_file(tw_tower **out, const tw_st_file *f, tw_error *err)
{
    tw_status st = TW_OK;
    tw_tower *t = NULL;
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;

    TW_TRY(read_config(&cfg, f, err));
    TW_TRY(shape_of(&t, &cfg, f, err));
    assert(t != NULL);
    TW_TRY(check_shapes(f, t->params, err));
    TW_TRY(twi_tower_allocate(t, err));
    TW_TRY(tw_st_load_params(f, t->params, false, err));
    for (int m = 0; m < TW_MODALITIES; m++)
        if (t->encoders[m] != NULL && t->encoders[m]->class->load != NULL)
            TW_TRY(t->encoders[m]->class->load(t->encoders[m], f, err));
    TW_TRY(check_finite(t, err));
    twi_tower_refresh(t);
    *out = t;
    t = NULL;
done:
    tw_tower_destroy(t);
    return st;
}

tw_status tw_tower_parse(tw_tower **out, const void *data, size_t len, tw_error *err)
{
    tw_status st = TW_OK;
    tw_st_file *f = NULL;

    *out = NULL;
    TW_TRY(tw_st_parse(&f, data, len, err));
    TW_TRY(from_file(out, f, err));
done:
    tw_st_close(f);
    return st;
}

tw_status tw_tower_load(tw_tower **out, const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    tw_st_file *f = NULL;

    *out = NULL;
    TW_TRY(tw_st_open(&f, path, err));
    TW_TRY(from_file(out, f, err));
done:
    tw_st_close(f);
    return st;
}
