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
        .text_rules = TW_PIECES_RULES, .dim = 128, .bits = 16, .embed_dim = 128, .ngram_min = 3,   \
        .ngram_max = 5, .max_features = 4096, .vocabulary = 8000, .text_width = 128,               \
        .text_layers = 2, .text_heads = 4, .text_ffn = 512, .max_tokens = 128,                     \
        .text_dropout = 0.1, .text_lower = true, .text_han = true, .text_eps = 1e-12,              \
        .text_pooling = 4, .text_prompt = true, .text_dense_end = 1, .picture_size = 32,           \
        .picture_channels = 3, .picture_width = 32, .picture_depth = 2, .sound_seconds = 2,        \
        .sound_width = 32, .sound_depth = 4, .sound_loudness = true, .attribute_width = 64,        \
        .seed = 1                                                                                  \
    }
#define TRAIN_DEFAULT                                                                              \
    {                                                                                              \
        .loss = TW_LOSS_AUTO, .temperature = 0.1, .logq = true, .dropout = 0.3,                    \
        .modality_dropout = 0.3, .strength = 1, .per_class = 2, .hard_margin = 0.05, .lr = 0.002,  \
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

/* X(section, group, field, kind, names of a word's values, default as text, least, most, help).
 * The section says which tower a key matters to. */
#define OPTIONS(X)                                                                                 \
    X(SHAPE, tower, text, WORD, texts, "auto", 0, 6,                                               \
      "text encoder: none, bag, cnn, lstm, gru, transformer")                                      \
    X(SHAPE, tower, picture, WORD, pictures, "auto", 0, 3, "none, conv4 or resnet")                \
    X(SHAPE, tower, sound, WORD, sounds, "auto", 0, 2, "none or cnn")                              \
    X(SHAPE, tower, attributes, WORD, attribute_names, "auto", 0, 2, "none or mlp")                \
    X(SHAPE, tower, text_rules, INT, NULL, "2", 0, TW_PIECES_RULES,                                \
      "2: spelling, case and scripts without spaces; 1: as before")                                \
    X(SHAPE, tower, dim, INT, NULL, "128", 1, TW_TOWER_MAX_DIM, "width of the item vectors")       \
    X(SHAPE, tower, head, INT, NULL, "0", 0, 8192, "hidden width behind the sum of modalities")    \
    X(BAG, tower, bits, INT, NULL, "16", 8, TW_TOWER_MAX_BITS, "2^bits hash buckets")              \
    X(BAG, tower, embed_dim, INT, NULL, "128", 1, TW_TOWER_MAX_DIM, "width of one feature")        \
    X(BAG, tower, ngram_min, INT, NULL, "3", 1, TW_TOWER_MAX_NGRAM, "shortest character n-gram")   \
    X(BAG, tower, ngram_max, INT, NULL, "5", 0, TW_TOWER_MAX_NGRAM,                                \
      "longest one; 0: whole words only")                                                          \
    X(BAG, tower, max_features, INT, NULL, "4096", 1, TW_TOWER_MAX_FEATURES,                       \
      "most features of one text")                                                                 \
    X(BAG, tower, rarity, REAL, NULL, "0", -1, 8,                                                  \
      "idf to 1 + this: rare features, such as model numbers, decide")                             \
    X(BAG, tower, compounds, BOOL, NULL, "false", 0, 1,                                            \
      "read KX-TG9 also as kxtg9: for model numbers")                                              \
    X(TOKENS, tower, vocabulary, INT, NULL, "8000", 256, 30000, "tokens to learn from the texts")  \
    X(TOKENS, tower, text_width, INT, NULL, "128", 8, 1024, "width of a token's state")            \
    X(TOKENS, tower, text_layers, INT, NULL, "2", 1, 24, "layers")                                 \
    X(TOKENS, tower, text_heads, INT, NULL, "4", 1, 64, "attention heads")                         \
    X(TOKENS, tower, text_ffn, INT, NULL, "512", 8, 4096, "hidden width of a transformer's layer") \
    X(TOKENS, tower, max_tokens, INT, NULL, "128", 4, 512, "tokens read of a text")                \
    X(TOKENS, tower, text_positions, INT, NULL, "0", 0, 4096, "a transformer's; 0: as max_tokens") \
    X(TOKENS, tower, text_dropout, REAL, NULL, "0.1", 0, 0.9, "inside the encoder, in training")   \
    X(TOKENS, tower, text_lower, BOOL, NULL, "true", 0, 1, "lower case, no accents")               \
    X(TOKENS, tower, text_accents, BOOL, NULL, "false", 0, 1, "lower case, but accents stay")      \
    X(TOKENS, tower, text_han, BOOL, NULL, "true", 0, 1, "each Han character is a word")           \
    X(TOKENS, tower, text_eps, REAL, NULL, "1e-12", 1e-15, 0.1, "a transformer's layer norms")     \
    X(TOKENS, tower, text_pooling, INT, NULL, "4", 1, 63,                                          \
      "a transformer's pieces to one vector, a sum of: 1 first, 2 largest, 4 mean, 8 sum over "    \
      "the "                                                                                       \
      "root of their number, 16 mean weighted by place, 32 last")                                  \
    X(TOKENS, tower, text_prompt, BOOL, NULL, "true", 0, 1, "pool a prompt's pieces, too")         \
    X(TOKENS, tower, text_dense, INT, NULL, "0", 0, TW_TOWER_MAX_DIM,                              \
      "width of a layer behind a transformer; 0: none")                                            \
    X(TOKENS, tower, text_dense_end, WORD, ends, "tanh", 0, 4,                                     \
      "of that layer: linear, tanh, relu, gelu or sigmoid")                                        \
    X(PICTURE, tower, picture_size, INT, NULL, "32", 16, TW_TOWER_MAX_SIZE, "pixels a side")       \
    X(PICTURE, tower, picture_channels, INT, NULL, "3", 1, 3, "1: grey, 3: colour")                \
    X(PICTURE, tower, picture_width, INT, NULL, "32", 8, 256, "channels of the first block")       \
    X(PICTURE, tower, picture_depth, INT, NULL, "2", 1, 6, "resnet: blocks a stage")               \
    X(PICTURE, tower, picture_fit, WORD, fits, "pad", 0, 2, "pad, crop or stretch to a square")    \
    X(PICTURE, tower, picture_detail, INT, NULL, "0", 0, TW_TOWER_MAX_SIZE,                        \
      "pixels a side kept for training's crops; 0: picture_size")                                  \
    X(PICTURE, tower, picture_mirrored, BOOL, NULL, "false", 0, 1,                                 \
      "vectors are the mean of a picture and its mirror image")                                    \
    X(SOUND, tower, sound_front, WORD, fronts, "speech", 0, 2, "speech, vggish or panns")          \
    X(SOUND, tower, sound_seconds, REAL, NULL, "2", 0.1, 60, "read of a sound")                    \
    X(SOUND, tower, sound_width, INT, NULL, "32", 8, 128, "channels of the first block")           \
    X(SOUND, tower, sound_depth, INT, NULL, "4", 2, 5, "blocks")                                   \
    X(SOUND, tower, sound_loudness, BOOL, NULL, "true", 0, 1, "bring all sounds to one loudness")  \
    X(ATTRIBUTES, tower, attribute_width, INT, NULL, "64", 4, 1024, "hidden width of attributes")  \
    X(SHAPE, tower, seed, I64, NULL, "1", 0, MAX_SEED, "seed of weights, order and splits")        \
    X(TRAIN, train, loss, WORD, loss_names, "auto", 0, 11,                                         \
      "auto, infonce, supcon, proxy, triplet, batch-all, batch-hard, contrastive, online, bce, "   \
      "cosine or cosent")                                                                          \
    X(TRAIN, train, temperature, REAL, NULL, "0.1", 0.001, 10,                                     \
      "of InfoNCE; lower = harder negatives")                                                      \
    X(TRAIN, train, learn_temperature, BOOL, NULL, "false", 0, 1, "learn it with the weights")     \
    X(TRAIN, train, margin, REAL, NULL, "0", 0, 4, "of triplet and contrastive; 0: 0.2 and 0.5")   \
    X(TRAIN, train, logq, BOOL, NULL, "true", 0, 1,                                                \
      "InfoNCE: correct for how often an item is drawn")                                           \
    X(TRAIN, train, dropout, REAL, NULL, "0.3", 0, 0.9,                                            \
      "share of a text's features hidden in each step")                                            \
    X(TRAIN, train, modality_dropout, REAL, NULL, "0.3", 0, 1,                                     \
      "chance that an item shows only one of its modalities")                                      \
    X(TRAIN, train, augment, WORD, augments, "none", 0, 2, "pictures: none, glyph or photo")       \
    X(TRAIN, train, strength, REAL, NULL, "1", 0, 4, "of what is done to pictures and sounds")     \
    X(TRAIN, train, matryoshka, INT, NULL, "0", 0, TW_TOWER_MAX_DIM,                               \
      "least width at which vectors shall work alone; 0: all of it")                               \
    X(TRAIN, train, chunk, INT, NULL, "0", 0, TW_TOWER_MAX_BATCH,                                  \
      "rows embedded at once, for batches larger than memory; 0: all")                             \
    X(TRAIN, train, per_class, INT, NULL, "2", 2, 64, "classes: items of each in a batch")         \
    X(TRAIN, train, grouped, REAL, NULL, "0", 0, 1, "share of a batch that is of one group")       \
    X(TRAIN, train, hard_negatives, INT, NULL, "0", 0, 1000,                                       \
      "mined negatives to draw from, for each pair; 0: none")                                      \
    X(TRAIN, train, hard_margin, REAL, NULL, "0.05", 0, 1,                                         \
      "how much less similar than the positive a mined negative is")                               \
    X(TRAIN, train, fixed_projection, BOOL, NULL, "false", 0, 1,                                   \
      "leave the layer behind each encoder as it began")                                           \
    X(TRAIN, train, lr, REAL, NULL, "0.002", 1e-8, 1, "highest step of Adam")                      \
    X(TRAIN, train, weight_decay, REAL, NULL, "0", 0, 1, "decoupled, on dense weights")            \
    X(TRAIN, train, batch, INT, NULL, "256", 2, TW_TOWER_MAX_BATCH, "pairs in a step")             \
    X(TRAIN, train, epochs, INT, NULL, "20", 0, 10000, "at most this many passes over the pairs")  \
    X(TRAIN, train, patience, INT, NULL, "4", 0, 10000,                                            \
      "epochs without gain before it stops; 0: never")                                             \
    X(TRAIN, train, threads, INT, NULL, "0", 0, TW_POOL_MAX, "workers; 0: one per core")           \
    X(TRAIN, mine, window, INT, NULL, "1000", 1, 1000, "events at most this far apart meet")       \
    X(TRAIN, mine, neighbours, INT, NULL, "10", 1, 1000, "strongest partners kept per item")       \
    X(TRAIN, mine, shrinkage, REAL, NULL, "10", 0, 1e9, "distrust of rare meetings")               \
    X(TRAIN, mine, power, REAL, NULL, "0.95", 0, 1, "discount of popular items; 0.5: cosine")      \
    X(TRAIN, mine, min_count, INT, NULL, "5", 1, 1000000, "meetings that a pair needs")            \
    X(TRAIN, mine, graph_layers, INT, NULL, "0", 0, 4,                                             \
      "steps of smoothing over the mined pairs; 0: none")

typedef enum kind { INT, I64, REAL, BOOL, WORD } kind;

/* What a key belongs to: TRAIN is no part of a tower, SHAPE of every one, the others of towers that
 * have such an encoder. */
typedef enum section { TRAIN, SHAPE, BAG, TOKENS, PICTURE, SOUND, ATTRIBUTES } section;

typedef struct option {
    tw_tower_option shown;
    section section;
    kind kind;
    const char *const *words; /* WORD: the names of 0, 1, ... most */
    size_t offset;            /* in tw_tower_recipe */
    double least, most;
} option;

static const char *const loss_names[] = {"auto",       "triplet", "contrastive", "infonce",
                                         "cosine",     "bce",     "online",      "batch-all",
                                         "batch-hard", "supcon",  "cosent",      "proxy"};
static const char *const texts[] = {"auto", "none", "bag", "cnn", "lstm", "gru", "transformer"};
static const char *const ends[] = {"linear", "tanh", "relu", "gelu", "sigmoid"};
static const char *const pictures[] = {"auto", "none", "conv4", "resnet"};
static const char *const sounds[] = {"auto", "none", "cnn"};
static const char *const attribute_names[] = {"auto", "none", "mlp"};
static const char *const fits[] = {"pad", "crop", "stretch"};
static const char *const fronts[] = {"speech", "vggish", "panns"};
static const char *const augments[] = {"none", "glyph", "photo"};

#define X(section, group, field, knd, words, dflt, lo, hi, text)                                   \
    {{#field, text, dflt}, section, knd, words, offsetof(tw_tower_recipe, group.field), lo, hi},
static const option options[] = {OPTIONS(X)};
#undef X

/* Every enum of the recipe is read and written as an int. */
_Static_assert(sizeof(tw_tower_loss) == sizeof(int) && sizeof(tw_text_encoder) == sizeof(int) &&
                   sizeof(tw_image_encoder) == sizeof(int) &&
                   sizeof(tw_audio_encoder) == sizeof(int) &&
                   sizeof(tw_attribute_encoder) == sizeof(int) &&
                   sizeof(tw_image_fit) == sizeof(int) && sizeof(tw_audio_front) == sizeof(int) &&
                   sizeof(tw_image_augment) == sizeof(int),
               "an enum is no int");

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
    case WORD: return *(const int *) at;
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
    case INT:
    case WORD: *(int *) at = (int) value; break;
    case I64: *(int64_t *) at = (int64_t) value; break;
    case REAL: *(double *) at = value; break;
    case BOOL: *(bool *) at = value != 0; break;
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
    for (int i = 0; o->kind == WORD && i <= (int) o->most; i++) {
        if (strcmp(o->words[i], word) == 0) {
            *value = i;
            return true;
        }
    }
    return o->kind != BOOL && o->kind != WORD && tw_parse_f64(word, value);
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
    if (json_is_string(v) && o->kind == WORD)
        return tw_tower_recipe_set(r, key, json_string_value(v), err);
    if (json_is_boolean(v) && o->kind == BOOL)
        return put(r, o, json_is_true(v) ? 1 : 0, err);
    if (json_is_number(v) && o->kind != WORD && o->kind != BOOL)
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
    if (o->kind == WORD)
        return tw_text_addf(out, err, "\"%s\"", o->words[(int) v]);
    if (o->kind == BOOL)
        return tw_text_adds(out, v != 0 ? "true" : "false", err);
    return tw_text_addf(out, err, o->kind == REAL ? "%.12g" : "%.0f", v);
}

/* True when the key matters to a tower of this shape. */
static bool matters(const option *o, const tw_tower_config *cfg)
{
    switch (o->section) {
    case TRAIN: return false;
    case SHAPE: return true;
    case BAG: return cfg->text == TW_TEXT_AUTO || cfg->text == TW_TEXT_BAG;
    case TOKENS: return twi_reads_tokens(cfg);
    case PICTURE: return cfg->picture > TW_IMAGE_NONE;
    case SOUND: return cfg->sound > TW_AUDIO_NONE;
    case ATTRIBUTES: return cfg->attributes > TW_ATTRIBUTES_NONE;
    }
    return false;
}

static tw_status format(const tw_tower_recipe *r, bool tower_only, tw_text *out, tw_error *err)
{
    tw_status st = TW_OK;
    const char *between = "{";

    for (int i = 0; i < tw_tower_option_count(); i++) {
        const option *o = &options[i];
        if (tower_only && !matters(o, &r->tower))
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
    r.tower.text_rules = 1; /* what older files, which do not say it, were */
    tw_status st = tw_tower_recipe_parse(&r, json, len, err);
    if (st == TW_OK)
        *cfg = r.tower;
    return st;
}

/* All options of one struct of the recipe: those whose offset lies in [begin, end). Keys of
 * encoders that the tower has not may hold anything. */
static tw_status check_group(const tw_tower_recipe *r, size_t begin, size_t end, tw_error *err)
{
    for (int i = 0; i < tw_tower_option_count(); i++) {
        const option *o = &options[i];
        tw_status st = TW_OK;
        if (o->offset >= begin && o->offset < end && (o->section == TRAIN || matters(o, &r->tower)))
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
    if (twi_reads_tokens(cfg) && cfg->text_width % cfg->text_heads != 0)
        return tw_fail(err, TW_EINVAL, "text_width %d is no multiple of text_heads %d",
                       cfg->text_width, cfg->text_heads);
    if (cfg->text == TW_TEXT_TRANSFORMER && cfg->text_positions > 0 &&
        cfg->text_positions < cfg->max_tokens)
        return tw_fail(err, TW_EINVAL, "max_tokens %d is above text_positions %d", cfg->max_tokens,
                       cfg->text_positions);
    if (cfg->picture > TW_IMAGE_NONE &&
        cfg->picture_width % (cfg->picture == TW_IMAGE_RESNET ? 16 : 8) != 0)
        return tw_fail(err, TW_EINVAL, "picture_width %d is no multiple of %d", cfg->picture_width,
                       cfg->picture == TW_IMAGE_RESNET ? 16 : 8);
    if (cfg->picture > TW_IMAGE_NONE && cfg->picture_channels == 2)
        return tw_fail(err, TW_EINVAL, "picture_channels is 1 (grey) or 3 (colour), not 2");
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
