/* What can be set of a tower, of its training and of mining: one table, the defaults, and the rules
 * between settings. */
#include <stddef.h>
#include <string.h>

#include "base/pieces.h"
#include "base/pool.h"
#include "towers/tower_config.h"

/* Chosen on MovieLens-100K's validation pairs (NDCG@10, standard error 0.007): dropout 0.3 took it
 * from 0.119 to 0.135, logq from 0.087 to 0.119; temperatures 0.07 and 0.1, widths 128 and 256,
 * 2^16 and 2^18 buckets were equal; width 64 and 2^14 buckets lost 0.01. That catalogue has 1,682
 * titles: a large one wants more bits. */
#define TOWER_DEFAULT                                                                              \
    {                                                                                              \
        .text_rules = TW_PIECES_RULES, .dim = 128, .bits = 16, .embed_dim = 128, .ngram_min = 3,   \
        .ngram_max = 5, .max_features = 4096, .idf_power = 1, .vocabulary = 8000,                  \
        .text_width = 128, .text_layers = 2, .text_heads = 4, .text_ffn = 512, .max_tokens = 128,  \
        .text_dropout = 0.1, .text_lower = true, .text_han = true, .text_eps = 1e-12,              \
        .text_pooling = 4, .text_prompt = true, .text_dense_end = 1, .image_size = 32,             \
        .image_channels = 3, .image_width = 32, .image_depth = 2, .audio_seconds = 2,              \
        .audio_width = 32, .audio_depth = 4, .audio_loudness = true, .attribute_width = 64,        \
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

const char *tw_modality_name(tw_modality m)
{
    static const char *const names[] = {"text", "image", "audio", "attributes"};
    return (size_t) m < sizeof names / sizeof names[0] ? names[m] : "unknown";
}

bool twi_reads_tokens(const tw_tower_config *cfg) { return cfg->text > TW_TEXT_BAG; }

/* What a setting belongs to: TRAIN is no part of a tower, SHAPE of every one, the others of towers
 * that have such an encoder. */
enum { TRAIN, SHAPE, BAG, TOKENS, IMAGE, AUDIO, ATTRIBUTES };

static const char *const loss_names[] = {"auto",   "triplet", "contrastive", "infonce",    "cosine",
                                         "bce",    "online",  "batch-all",   "batch-hard", "supcon",
                                         "cosent", "proxy",   NULL};
static const char *const text_names[] = {"auto", "none", "bag",         "cnn",
                                         "lstm", "gru",  "transformer", NULL};
static const char *const ends[] = {"linear", "tanh", "relu", "gelu", "sigmoid", NULL};
static const char *const image_names[] = {"auto", "none", "conv4", "resnet", NULL};
static const char *const audio_names[] = {"auto", "none", "cnn", NULL};
static const char *const attribute_names[] = {"auto", "none", "mlp", NULL};
static const char *const fits[] = {"pad", "crop", "stretch", NULL};
static const char *const fronts[] = {"speech", "vggish", "panns", NULL};
static const char *const augments[] = {"none", "glyph", "photo", NULL};

#define SETTING(knd, belongs, part, field, lo, hi, text)                                           \
    .key = #field, .help = (text), .kind = (knd), .offset = offsetof(tw_tower_recipe, part.field), \
    .least = (lo), .most = (hi), .group = (belongs)
#define WHOLE(belongs, part, field, lo, hi, text)                                                  \
    {                                                                                              \
        SETTING(TW_SETTING_INT, belongs, part, field, lo, hi, text)                                \
    }
#define NUMBER(belongs, part, field, lo, hi, text)                                                 \
    {                                                                                              \
        SETTING(TW_SETTING_DOUBLE, belongs, part, field, lo, hi, text)                             \
    }
#define YES_NO(belongs, part, field, text)                                                         \
    {                                                                                              \
        SETTING(TW_SETTING_BOOL, belongs, part, field, 0, 1, text)                                 \
    }
#define CHOICE(belongs, part, field, names, text)                                                  \
    {                                                                                              \
        SETTING(TW_SETTING_CHOICE, belongs, part, field, 0, TW_LAST_CHOICE(names), text),          \
            .choices = (names)                                                                     \
    }

static const tw_setting list[] = {
    CHOICE(SHAPE, tower, text, text_names, "text encoder: none, bag, cnn, lstm, gru, transformer"),
    CHOICE(SHAPE, tower, image, image_names, "none, conv4 or resnet"),
    CHOICE(SHAPE, tower, audio, audio_names, "none or cnn"),
    CHOICE(SHAPE, tower, attributes, attribute_names, "none or mlp"),
    WHOLE(SHAPE, tower, text_rules, 0, TW_PIECES_RULES,
          "2: spelling, case and scripts without spaces; 1: as before"),
    WHOLE(SHAPE, tower, dim, 1, TW_TOWER_MAX_DIM, "width of the item vectors"),
    WHOLE(SHAPE, tower, head, 0, 8192, "hidden width behind the sum of modalities"),
    WHOLE(BAG, tower, bits, 8, TW_TOWER_MAX_BITS, "2^bits hash buckets"),
    WHOLE(BAG, tower, embed_dim, 1, TW_TOWER_MAX_DIM, "width of one feature"),
    WHOLE(BAG, tower, ngram_min, 1, TW_TOWER_MAX_NGRAM, "shortest character n-gram"),
    WHOLE(BAG, tower, ngram_max, 0, TW_TOWER_MAX_NGRAM, "longest one; 0: whole words only"),
    WHOLE(BAG, tower, max_features, 1, TW_TOWER_MAX_FEATURES, "most features of one text"),
    NUMBER(BAG, tower, idf_power, 0, 9,
           "idf to this power: at 2 rare features, such as model numbers, decide; 0: no idf"),
    YES_NO(BAG, tower, compounds, "read KX-TG9 also as kxtg9: for model numbers"),
    WHOLE(TOKENS, tower, vocabulary, 256, 30000, "tokens to learn from the texts"),
    WHOLE(TOKENS, tower, text_width, 8, 1024, "width of a token's state"),
    WHOLE(TOKENS, tower, text_layers, 1, 24, "layers"),
    WHOLE(TOKENS, tower, text_heads, 1, 64, "attention heads"),
    WHOLE(TOKENS, tower, text_ffn, 8, 4096, "hidden width of a transformer's layer"),
    WHOLE(TOKENS, tower, max_tokens, 4, 512, "tokens read of a text"),
    WHOLE(TOKENS, tower, text_positions, 0, 4096, "a transformer's; 0: as max_tokens"),
    NUMBER(TOKENS, tower, text_dropout, 0, 0.9, "inside the encoder, in training"),
    YES_NO(TOKENS, tower, text_lower, "lower case, no accents"),
    YES_NO(TOKENS, tower, text_accents, "lower case, but accents stay"),
    YES_NO(TOKENS, tower, text_han, "each Han character is a word"),
    NUMBER(TOKENS, tower, text_eps, 1e-15, 0.1, "a transformer's layer norms"),
    WHOLE(TOKENS, tower, text_pooling, 1, 63,
          "a transformer's pieces to one vector, a sum of: 1 first, 2 largest, 4 mean, 8 sum over "
          "the root of their number, 16 mean weighted by place, 32 last"),
    YES_NO(TOKENS, tower, text_prompt, "pool a prompt's pieces, too"),
    WHOLE(TOKENS, tower, text_dense, 0, TW_TOWER_MAX_DIM,
          "width of a layer behind a transformer; 0: none"),
    CHOICE(TOKENS, tower, text_dense_end, ends,
           "of that layer: linear, tanh, relu, gelu or sigmoid"),
    WHOLE(IMAGE, tower, image_size, 16, TW_TOWER_MAX_SIZE, "pixels a side"),
    WHOLE(IMAGE, tower, image_channels, 1, 3, "1: grey, 3: colour"),
    WHOLE(IMAGE, tower, image_width, 8, 256, "channels of the first block"),
    WHOLE(IMAGE, tower, image_depth, 1, 6, "resnet: blocks a stage"),
    CHOICE(IMAGE, tower, image_fit, fits, "pad, crop or stretch to a square"),
    WHOLE(IMAGE, tower, image_detail, 0, TW_TOWER_MAX_SIZE,
          "pixels a side kept for training's crops; 0: image_size"),
    YES_NO(IMAGE, tower, image_mirrored, "vectors are the mean of an image and its mirror image"),
    CHOICE(AUDIO, tower, audio_front, fronts, "speech, vggish or panns"),
    NUMBER(AUDIO, tower, audio_seconds, 0.1, 60, "read of an audio file"),
    WHOLE(AUDIO, tower, audio_width, 8, 128, "channels of the first block"),
    WHOLE(AUDIO, tower, audio_depth, 2, 5, "blocks"),
    YES_NO(AUDIO, tower, audio_loudness, "bring all audio files to one loudness"),
    WHOLE(ATTRIBUTES, tower, attribute_width, 4, 1024, "hidden width of attributes"),
    {SETTING(TW_SETTING_INT64, SHAPE, tower, seed, 0, TW_SETTING_MAX_INT64,
             "seed of weights, order and splits")},
    CHOICE(TRAIN, train, loss, loss_names,
           "auto, infonce, supcon, proxy, triplet, batch-all, batch-hard, contrastive, online, "
           "bce, cosine or cosent"),
    NUMBER(TRAIN, train, temperature, 0.001, 10, "of InfoNCE; lower = harder negatives"),
    YES_NO(TRAIN, train, learn_temperature, "learn it with the weights"),
    NUMBER(TRAIN, train, margin, 0, 4, "of triplet and contrastive; 0: 0.2 and 0.5"),
    YES_NO(TRAIN, train, logq, "InfoNCE: correct for how often an item is drawn"),
    NUMBER(TRAIN, train, dropout, 0, 0.9, "share of a text's features hidden in each step"),
    NUMBER(TRAIN, train, modality_dropout, 0, 1,
           "chance that an item shows only one of its modalities"),
    CHOICE(TRAIN, train, augment, augments, "images: none, glyph or photo"),
    NUMBER(TRAIN, train, strength, 0, 4, "of what is done to images and audio files"),
    WHOLE(TRAIN, train, matryoshka, 0, TW_TOWER_MAX_DIM,
          "least width at which vectors shall work alone; 0: all of it"),
    WHOLE(TRAIN, train, chunk, 0, TW_TOWER_MAX_BATCH,
          "rows embedded at once, for batches larger than memory; 0: all"),
    WHOLE(TRAIN, train, per_class, 2, 64, "classes: items of each in a batch"),
    NUMBER(TRAIN, train, grouped, 0, 1, "share of a batch that is of one group"),
    WHOLE(TRAIN, train, hard_negatives, 0, 1000,
          "mined negatives to draw from, for each pair; 0: none"),
    NUMBER(TRAIN, train, hard_margin, 0, 1,
           "how much less similar than the positive a mined negative is"),
    YES_NO(TRAIN, train, fixed_projection, "leave the layer behind each encoder as it began"),
    NUMBER(TRAIN, train, lr, 1e-8, 1, "highest step of Adam"),
    NUMBER(TRAIN, train, weight_decay, 0, 1, "decoupled, on dense weights"),
    WHOLE(TRAIN, train, batch, 2, TW_TOWER_MAX_BATCH, "pairs in a step"),
    WHOLE(TRAIN, train, epochs, 0, 10000, "at most this many passes over the pairs"),
    WHOLE(TRAIN, train, patience, 0, 10000, "epochs without gain before it stops; 0: never"),
    WHOLE(TRAIN, train, threads, 0, TW_POOL_MAX, "workers; 0: one per core"),
    WHOLE(TRAIN, mine, window, 1, 1000, "events at most this far apart meet"),
    WHOLE(TRAIN, mine, neighbours, 1, 1000, "strongest partners kept per item"),
    NUMBER(TRAIN, mine, shrinkage, 0, 1e9, "distrust of rare meetings"),
    NUMBER(TRAIN, mine, power, 0, 1, "discount of popular items; 0.5: cosine"),
    WHOLE(TRAIN, mine, min_count, 1, 1000000, "meetings that a pair needs"),
    WHOLE(TRAIN, mine, graph_layers, 0, 4, "steps of smoothing over the mined pairs; 0: none"),
};

/* Names in stored files and users' configs of before. rarity counted from the first power of idf:
 * 0 was idf itself. */
static const tw_setting_rename renamed[] = {
    {"picture", "image", 0},
    {"picture_size", "image_size", 0},
    {"picture_channels", "image_channels", 0},
    {"picture_width", "image_width", 0},
    {"picture_depth", "image_depth", 0},
    {"picture_fit", "image_fit", 0},
    {"picture_detail", "image_detail", 0},
    {"picture_mirrored", "image_mirrored", 0},
    {"sound", "audio", 0},
    {"sound_front", "audio_front", 0},
    {"sound_seconds", "audio_seconds", 0},
    {"sound_width", "audio_width", 0},
    {"sound_depth", "audio_depth", 0},
    {"sound_loudness", "audio_loudness", 0},
    {"rarity", "idf_power", 1},
};

const tw_settings tw_tower_settings = {"a tower", list, sizeof list / sizeof list[0], renamed,
                                       sizeof renamed / sizeof renamed[0]};

/* Every enum of the recipe is read and written as an int. */
_Static_assert(sizeof(tw_tower_loss) == sizeof(int) && sizeof(tw_text_encoder) == sizeof(int) &&
                   sizeof(tw_image_encoder) == sizeof(int) &&
                   sizeof(tw_audio_encoder) == sizeof(int) &&
                   sizeof(tw_attribute_encoder) == sizeof(int) &&
                   sizeof(tw_image_fit) == sizeof(int) && sizeof(tw_audio_front) == sizeof(int) &&
                   sizeof(tw_image_augment) == sizeof(int),
               "an enum is no int");

const char *tw_tower_loss_name(tw_tower_loss loss)
{
    size_t i = (size_t) loss;
    return i < sizeof loss_names / sizeof loss_names[0] ? loss_names[i] : "unknown";
}

/* There is one seed for all of a training; the weights and the order of pairs draw unrelated
 * streams from it. */
static void share_seed(tw_tower_recipe *r) { r->train.seed = r->tower.seed; }

tw_status tw_tower_recipe_set(tw_tower_recipe *r, const char *key, const char *value, tw_error *err)
{
    const tw_status st = tw_settings_set(&tw_tower_settings, r, key, value, err);
    share_seed(r);
    return st;
}

tw_status tw_tower_recipe_parse(tw_tower_recipe *r, const char *json, size_t len, tw_error *err)
{
    const tw_status st = tw_settings_parse(&tw_tower_settings, r, json, len, err);
    share_seed(r);
    return st;
}

/* True when the setting matters to a tower of this shape. */
static bool matters(const tw_setting *of, const void *config)
{
    const tw_tower_config *cfg = &((const tw_tower_recipe *) config)->tower;
    switch (of->group) {
    case SHAPE: return true;
    case BAG: return cfg->text == TW_TEXT_AUTO || cfg->text == TW_TEXT_BAG;
    case TOKENS: return twi_reads_tokens(cfg);
    case IMAGE: return cfg->image > TW_IMAGE_NONE;
    case AUDIO: return cfg->audio > TW_AUDIO_NONE;
    case ATTRIBUTES: return cfg->attributes > TW_ATTRIBUTES_NONE;
    default: return false;
    }
}

tw_status tw_tower_recipe_format(const tw_tower_recipe *r, tw_text *out, tw_error *err)
{
    return tw_settings_format(&tw_tower_settings, r, NULL, out, err);
}

tw_status twi_tower_config_format(const tw_tower_config *cfg, tw_text *out, tw_error *err)
{
    const tw_tower_recipe r = {.tower = *cfg};
    return tw_settings_format(&tw_tower_settings, &r, matters, out, err);
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
    for (int i = 0; i < tw_tower_settings.n; i++) {
        const tw_setting *of = &list[i];
        tw_status st = TW_OK;
        if (of->offset >= begin && of->offset < end && (of->group == TRAIN || matters(of, r)))
            st = tw_setting_check(of, r, err);
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
    if (cfg->image > TW_IMAGE_NONE &&
        cfg->image_width % (cfg->image == TW_IMAGE_RESNET ? 16 : 8) != 0)
        return tw_fail(err, TW_EINVAL, "image_width %d is no multiple of %d", cfg->image_width,
                       cfg->image == TW_IMAGE_RESNET ? 16 : 8);
    if (cfg->image > TW_IMAGE_NONE && cfg->image_channels == 2)
        return tw_fail(err, TW_EINVAL, "image_channels is 1 (grey) or 3 (colour), not 2");
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
