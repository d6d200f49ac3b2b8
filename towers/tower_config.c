/* What can be set, in one list: defaults, ranges, help, JSON in and out, flags
 * and the file's metadata all expand OPTIONS, so a new key is one new line. */
#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "towers/internal.h"

#define MAX_SEED 9007199254740991 /* 2^53 - 1: the integers that every JSON reader keeps */

/* Chosen on MovieLens-100K's validation pairs (NDCG@10, standard error 0.007): dropout 0.3 took it
 * from 0.119 to 0.135, logq from 0.087 to 0.119; temperatures 0.07 and 0.1, widths 128 and 256,
 * 2^16 and 2^18 buckets were equal; width 64 and 2^14 buckets lost 0.01. That catalogue has 1,682
 * titles: a large one wants more bits. */
#define TOWER_DEFAULT                                                                              \
    {                                                                                              \
        .bits = 16, .embed_dim = 128, .dim = 128, .ngram_min = 3, .ngram_max = 5,                  \
        .max_features = 4096, .seed = 1                                                            \
    }
#define TRAIN_DEFAULT                                                                              \
    {                                                                                              \
        .loss = TW_LOSS_AUTO, .temperature = 0.1, .logq = true, .dropout = 0.3, .lr = 0.002,       \
        .batch = 256, .epochs = 20, .patience = 4, .seed = 1                                       \
    }
#define MINE_DEFAULT                                                                               \
    {                                                                                              \
        .window = 1000, .neighbours = 10, .shrinkage = 10, .power = 0.95, .min_count = 5           \
    }

const tw_tower_config TW_TOWER_CONFIG_DEFAULT = TOWER_DEFAULT;
const tw_tower_train_config TW_TOWER_TRAIN_DEFAULT = TRAIN_DEFAULT;
const tw_mine_config TW_MINE_DEFAULT = MINE_DEFAULT;
const tw_tower_recipe TW_TOWER_RECIPE_DEFAULT = {TOWER_DEFAULT, TRAIN_DEFAULT, MINE_DEFAULT};

/* X(group, field, kind, default as text, least, most, help) */
#define OPTIONS(X)                                                                                 \
    X(tower, bits, INT, "16", 8, TW_TOWER_MAX_BITS, "2^bits hash buckets for text features")       \
    X(tower, embed_dim, INT, "128", 1, TW_TOWER_MAX_DIM, "width of one feature's embedding")       \
    X(tower, dim, INT, "128", 1, TW_TOWER_MAX_DIM, "width of the item vectors")                    \
    X(tower, ngram_min, INT, "3", 1, TW_TOWER_MAX_NGRAM, "shortest character n-gram")              \
    X(tower, ngram_max, INT, "5", 0, TW_TOWER_MAX_NGRAM, "longest one; 0: whole words only")       \
    X(tower, max_features, INT, "4096", 1, TW_TOWER_MAX_FEATURES, "most features of one text")     \
    X(tower, seed, I64, "1", 0, MAX_SEED, "seed of weights, order and splits")                     \
    X(train, loss, LOSS, "auto", 0, 4, "auto, triplet, contrastive, infonce or cosine")            \
    X(train, temperature, REAL, "0.1", 0.001, 10, "of InfoNCE; lower = harder negatives")          \
    X(train, margin, REAL, "0", 0, 4, "of triplet and contrastive; 0: 0.2 and 0.5")                \
    X(train, logq, BOOL, "true", 0, 1, "InfoNCE: correct for how often an item is drawn")          \
    X(train, dropout, REAL, "0.3", 0, 0.9, "share of a text's features hidden in each step")       \
    X(train, lr, REAL, "0.002", 1e-8, 1, "highest step of Adam")                                   \
    X(train, weight_decay, REAL, "0", 0, 1, "decoupled, on the projection")                        \
    X(train, batch, INT, "256", 2, TW_TOWER_MAX_BATCH, "pairs in a step")                          \
    X(train, epochs, INT, "20", 0, 10000, "at most this many passes over the pairs")               \
    X(train, patience, INT, "4", 0, 10000, "epochs without gain before it stops; 0: never")        \
    X(train, threads, INT, "0", 0, TW_POOL_MAX, "workers; 0: one per core")                        \
    X(mine, window, INT, "1000", 1, 1000, "events at most this far apart meet")                    \
    X(mine, neighbours, INT, "10", 1, 1000, "strongest partners kept per item")                    \
    X(mine, shrinkage, REAL, "10", 0, 1e9, "distrust of rare meetings")                            \
    X(mine, power, REAL, "0.95", 0, 1, "discount of popular items; 0.5: cosine")                   \
    X(mine, min_count, INT, "5", 1, 1000000, "meetings that a pair needs")

typedef enum kind { INT, I64, REAL, BOOL, LOSS } kind;

typedef struct option {
    tw_tower_option shown;
    kind kind;
    size_t offset; /* in tw_tower_recipe */
    double least, most;
    bool of_tower; /* part of what a tower is: stands in its file */
} option;

enum { GROUP_tower = 1, GROUP_train = 0, GROUP_mine = 0 };

#define X(group, field, knd, dflt, lo, hi, text)                                                   \
    {{#field, text, dflt}, knd, offsetof(tw_tower_recipe, group.field), lo, hi, GROUP_##group},
static const option options[] = {OPTIONS(X)};
#undef X

static const char *const loss_names[] = {"auto", "triplet", "contrastive", "infonce", "cosine"};

int tw_tower_option_count(void) { return (int) (sizeof options / sizeof options[0]); }

tw_tower_option tw_tower_option_at(int index) { return options[index].shown; }

const char *tw_tower_loss_name(tw_tower_loss loss)
{
    size_t i = (size_t) loss;
    return i < sizeof loss_names / sizeof loss_names[0] ? loss_names[i] : "unknown";
}

static const option *find_option(const char *key)
{
    for (int i = 0; i < tw_tower_option_count(); i++)
        if (strcmp(options[i].shown.key, key) == 0)
            return &options[i];
    return NULL;
}

static double get(const tw_tower_recipe *r, const option *o)
{
    const void *at = (const char *) r + o->offset;
    switch (o->kind) {
    case INT: return *(const int *) at;
    case I64: return (double) *(const int64_t *) at;
    case REAL: return *(const double *) at;
    case BOOL: return *(const bool *) at ? 1 : 0;
    case LOSS: return *(const tw_tower_loss *) at;
    }
    return 0;
}

static tw_status check(const option *o, double value, tw_error *err)
{
    if (!(value >= o->least && value <= o->most))
        return tw_fail(err, TW_EINVAL, "%s %g is outside %g..%g", o->shown.key, value, o->least,
                       o->most);
    if (o->kind != REAL && value != floor(value))
        return tw_fail(err, TW_EINVAL, "%s %g is not a whole number", o->shown.key, value);
    return TW_OK;
}

/* There is one seed for whoever trains; the weights and the order of pairs draw unrelated streams
 * from it. */
static tw_status put(tw_tower_recipe *r, const option *o, double value, tw_error *err)
{
    tw_status st = check(o, value, err);
    if (st != TW_OK)
        return st;
    void *at = (char *) r + o->offset;
    switch (o->kind) {
    case INT: *(int *) at = (int) value; break;
    case I64: *(int64_t *) at = (int64_t) value; break;
    case REAL: *(double *) at = value; break;
    case BOOL: *(bool *) at = value != 0; break;
    case LOSS: *(tw_tower_loss *) at = (tw_tower_loss) (int) value; break;
    }
    r->train.seed = r->tower.seed;
    return TW_OK;
}

/* The number that a word stands for; false: none. */
static bool word_value(const option *o, const char *word, double *value)
{
    if (o->kind == BOOL && (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)) {
        *value = word[0] == 't' ? 1 : 0;
        return true;
    }
    for (size_t i = 0; o->kind == LOSS && i < sizeof loss_names / sizeof loss_names[0]; i++) {
        if (strcmp(loss_names[i], word) == 0) {
            *value = (double) i;
            return true;
        }
    }
    return o->kind != BOOL && o->kind != LOSS && tw_parse_f64(word, value);
}

tw_status tw_tower_recipe_set(tw_tower_recipe *r, const char *key, const char *value, tw_error *err)
{
    const option *o = find_option(key);
    double number;
    if (o == NULL)
        return tw_fail(err, TW_EINVAL, "towers have no setting '%s'", key);
    if (!word_value(o, value, &number))
        return tw_fail(err, TW_EINVAL, "%s cannot be '%.40s' (%s)", key, value, o->shown.help);
    return put(r, o, number, err);
}

static tw_status set_from_json(tw_tower_recipe *r, const char *key, const json_t *v, tw_error *err)
{
    const option *o = find_option(key);
    if (o == NULL)
        return tw_fail(err, TW_EINVAL, "towers have no setting '%.60s'", key);
    if (json_is_string(v) && o->kind == LOSS)
        return tw_tower_recipe_set(r, key, json_string_value(v), err);
    if (json_is_boolean(v) && o->kind == BOOL)
        return put(r, o, json_is_true(v) ? 1 : 0, err);
    if (json_is_number(v) && o->kind != LOSS && o->kind != BOOL)
        return put(r, o, json_number_value(v), err);
    return tw_fail(err, TW_EINVAL, "%s has the wrong type (%s)", key, o->shown.help);
}

tw_status tw_tower_recipe_parse(tw_tower_recipe *r, const char *json, size_t len, tw_error *err)
{
    tw_status st = TW_OK;
    json_error_t why;
    json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
    const char *key;
    json_t *value;

    if (root == NULL) {
        st = tw_fail(err, TW_EINVAL, "line %d of the JSON: %s", why.line, why.text);
        goto done;
    }
    if (!json_is_object(root)) {
        st = tw_fail(err, TW_EINVAL, "the settings are no JSON object");
        goto done;
    }
    json_object_foreach(root, key, value) TW_TRY(set_from_json(r, key, value, err));
done:
    json_decref(root);
    return st;
}

static tw_status format_value(const option *o, double v, tw_text *out, tw_error *err)
{
    if (o->kind == LOSS)
        return tw_text_addf(out, err, "\"%s\"", tw_tower_loss_name((tw_tower_loss) (int) v));
    if (o->kind == BOOL)
        return tw_text_adds(out, v != 0 ? "true" : "false", err);
    return tw_text_addf(out, err, o->kind == REAL ? "%.12g" : "%.0f", v);
}

static tw_status format(const tw_tower_recipe *r, bool tower_only, tw_text *out, tw_error *err)
{
    tw_status st = TW_OK;
    const char *between = "{";

    for (int i = 0; i < tw_tower_option_count(); i++) {
        const option *o = &options[i];
        if (tower_only && !o->of_tower)
            continue;
        TW_TRY(tw_text_addf(out, err, "%s\"%s\": ", between, o->shown.key));
        TW_TRY(format_value(o, get(r, o), out, err));
        between = ", ";
    }
    TW_TRY(tw_text_adds(out, "}", err));
done:
    return st;
}

tw_status tw_tower_recipe_format(const tw_tower_recipe *r, tw_text *out, tw_error *err)
{
    return format(r, false, out, err);
}

tw_status twi_tower_config_format(const tw_tower_config *cfg, tw_text *out, tw_error *err)
{
    const tw_tower_recipe r = {.tower = *cfg};
    return format(&r, true, out, err);
}

tw_status twi_tower_config_parse(tw_tower_config *cfg, const char *json, size_t len, tw_error *err)
{
    tw_tower_recipe r = TW_TOWER_RECIPE_DEFAULT;
    tw_status st = tw_tower_recipe_parse(&r, json, len, err);
    if (st == TW_OK)
        *cfg = r.tower;
    return st;
}

/* All options of one struct of the recipe: those whose offset lies in [begin, end). */
static tw_status check_group(const tw_tower_recipe *r, size_t begin, size_t end, tw_error *err)
{
    for (int i = 0; i < tw_tower_option_count(); i++) {
        const option *o = &options[i];
        tw_status st = TW_OK;
        if (o->offset >= begin && o->offset < end)
            st = check(o, get(r, o), err);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}

tw_status twi_tower_config_check(const tw_tower_config *cfg, tw_error *err)
{
    const tw_tower_recipe r = {.tower = *cfg};
    tw_status st =
        check_group(&r, offsetof(tw_tower_recipe, tower), offsetof(tw_tower_recipe, train), err);
    if (st != TW_OK)
        return st;
    if (cfg->ngram_max != 0 && cfg->ngram_max < cfg->ngram_min)
        return tw_fail(err, TW_EINVAL, "ngram_max %d is below ngram_min %d", cfg->ngram_max,
                       cfg->ngram_min);
    return TW_OK;
}

tw_status twi_train_config_check(const tw_tower_train_config *cfg, tw_error *err)
{
    const tw_tower_recipe r = {.train = *cfg};
    return check_group(&r, offsetof(tw_tower_recipe, train), offsetof(tw_tower_recipe, mine), err);
}

tw_status twi_mine_config_check(const tw_mine_config *cfg, tw_error *err)
{
    const tw_tower_recipe r = {.mine = *cfg};
    return check_group(&r, offsetof(tw_tower_recipe, mine), sizeof r, err);
}
