/* The settings of a sequential model and of its training, and the rules between them. */
#include <assert.h>

#include "base/pool.h"
#include "seqmodel/seqmodel.h"

static_assert(sizeof(tw_seq_select) == sizeof(int) && sizeof(tw_seq_norm) == sizeof(int) &&
                  sizeof(tw_seq_loss) == sizeof(int),
              "an ENUM field is written as an int");

static const char *const norm_names[] = {"authors", "pre", "post", NULL};
static const char *const loss_names[] = {"bce", "ce", "sampled-ce", "gbce", NULL};
static const char *const select_on_names[] = {"full", "sampled100", NULL};

static const tw_setting list[] = {
    TW_WHOLE(tw_seq_config, user_dim, 0, TW_SEQ_MAX_DIM, "width of a user vector; 0 is SASRec"),
    TW_WHOLE(tw_seq_config, item_dim, 1, TW_SEQ_MAX_DIM, "width of an item vector"),
    TW_WHOLE(tw_seq_config, item_features_dim, 0, TW_SEQ_MAX_ITEM_FEATURES,
             "width of feature vectors; 0 is ids alone"),
    TW_NUMBER(tw_seq_config, id_dropout, 0, 1,
              "probability of showing an item by its features alone"),
    TW_WHOLE(tw_seq_config, max_len, 1, TW_SEQ_MAX_LEN, "latest items of a history that are read"),
    TW_WHOLE(tw_seq_config, blocks, 1, TW_SEQ_MAX_BLOCKS, "transformer blocks"),
    TW_WHOLE(tw_seq_config, heads, 1, 64, "attention heads; divides user_dim + item_dim"),
    TW_CHOICE(tw_seq_config, norm, norm_names, "where layer norm stands: authors, pre or post"),
    TW_WHOLE(tw_seq_config, gated, 0, 1,
             "1: gates on what attention and feed-forward add (norm pre)"),
    TW_CHOICE(tw_seq_config, loss, loss_names,
              "bce, ce (softmax over all items), sampled-ce or gbce"),
    TW_WHOLE(tw_seq_config, negatives, 1, 1 << 20,
             "negatives a positive (bce) or a step (sampled-ce, gbce)"),
    TW_NUMBER(tw_seq_config, negative_power, 0, 1,
              "negatives are drawn by popularity to this power; 0 is uniform"),
    TW_NUMBER(tw_seq_config, logq, 0, 1,
              "correction for what sampling leaves out (sampled-ce); 0 is none"),
    TW_NUMBER(tw_seq_config, negative_weight, 1e-6, 1,
              "what all other items count for in the softmax (1)"),
    TW_WHOLE(tw_seq_config, exclude_seen, 0, 1,
             "1: the softmax leaves out what was met before; 0 for `next --seen`"),
    TW_NUMBER(tw_seq_config, calibration, 0, 1, "t of gbce; 0 is plain bce"),
    TW_WHOLE(tw_seq_config, normalize, 0, 1,
             "1: score by cosine (lower the temperature to about 0.05)"),
    TW_NUMBER(tw_seq_config, temperature, 1e-3, 1e3, "what scores are divided by (all but bce)"),
    TW_NUMBER(tw_seq_config, popularity, 0, 10, "what log(1 + its events) adds to an item's score"),
    TW_NUMBER(tw_seq_config, dropout, 0, 0.95, "probability of dropping a number while training"),
    TW_NUMBER(tw_seq_config, sse_user, 0, 1,
              "probability of replacing a sequence's user by another"),
    TW_NUMBER(tw_seq_config, sse_item_input, 0, 1,
              "probability of replacing an input item by another"),
    TW_NUMBER(tw_seq_config, sse_item_target, 0, 1,
              "probability of replacing a target item by another"),
    TW_NUMBER(tw_seq_config, unknown_user, 0, 1,
              "probability of training a sequence as the unknown user's"),
    TW_NUMBER(tw_seq_config, window, 0, 1,
              "probability of a random window of a long history (SSE-PT++)"),
    TW_NUMBER(tw_seq_config, shuffle_ties, 0, 1,
              "probability of putting items of equal time in random order"),
    TW_NUMBER(tw_seq_config, lr, 1e-9, 10, "learning rate"),
    TW_NUMBER(tw_seq_config, lr_end, 0, 1,
              "share of the learning rate left at the last epoch; 1 is constant"),
    TW_NUMBER(tw_seq_config, beta2, 0, 0.999999, "Adam's second decay rate"),
    TW_NUMBER(tw_seq_config, weight_decay, 0, 10, "decoupled weight decay; 0 is off"),
    TW_NUMBER(tw_seq_config, clip_norm, 0, 1e9, "largest gradient norm; 0 is off"),
    TW_NUMBER(tw_seq_config, average, 0, 0.99999,
              "decay a step of the averaged weights that are kept; 0 is off"),
    TW_WHOLE(tw_seq_config, batch, 1, 1 << 20, "users a step"),
    TW_WHOLE(tw_seq_config, epochs, 1, 1000000, "epochs at most"),
    TW_WHOLE(tw_seq_config, eval_every, 1, 1000000, "epochs between validations"),
    TW_CHOICE(tw_seq_config, select_on, select_on_names,
              "the validation that chooses: full or sampled100"),
    TW_WHOLE(tw_seq_config, patience, 0, 1000000,
             "validations without gain before stopping; 0 is never"),
    TW_NUMBER(tw_seq_config, max_seconds, 0, 1e9,
              "stop after the epoch that passes it; 0 is no limit"),
    TW_WHOLE(tw_seq_config, threads, 0, TW_POOL_MAX, "worker threads; 0 is one a core"),
    {TW_SETTING_AT(TW_SETTING_INT64, tw_seq_config, seed, 0, TW_SETTING_MAX_INT64,
                   "of all randomness")},
};

static const tw_setting_rename renamed[] = {{"content_dim", "item_features_dim", 0}};

const tw_settings tw_seq_settings = {"a sequential model", list, sizeof list / sizeof list[0],
                                     renamed, sizeof renamed / sizeof renamed[0]};

tw_seq_config tw_seq_config_default(void)
{
    return (tw_seq_config){
        .user_dim = 16,
        .item_dim = 112,
        .id_dropout = 0.2,
        .max_len = 100,
        .blocks = 2,
        .heads = 2,
        .norm = TW_SEQ_AUTHORS,
        .loss = TW_SEQ_CE,
        .negatives = 1,
        .logq = 1,
        .negative_weight = 1,
        .exclude_seen = 1,
        .calibration = 0.75,
        .temperature = 0.7,
        .dropout = 0.4,
        .sse_user = 0.9,
        .sse_item_input = 0.1,
        .sse_item_target = 0.1,
        .unknown_user = 0.05,
        .window = 0.3,
        .shuffle_ties = 1,
        .lr = 3e-3,
        .lr_end = 1,
        .beta2 = 0.98,
        .weight_decay = 0,
        .clip_norm = 0,
        .average = 0.99,
        .batch = 32,
        .epochs = 45,
        .eval_every = 3,
        .patience = 6,
        .max_seconds = 0,
        .threads = 0,
        .seed = 1,
    };
}

tw_status tw_seq_config_check(const tw_seq_config *cfg, tw_error *err)
{
    for (int i = 0; i < tw_seq_settings.n; i++) {
        const tw_status st = tw_setting_check(&list[i], cfg, err);
        if (st != TW_OK)
            return st;
    }
    if ((cfg->normalize != 0 || cfg->item_features_dim > 0) && cfg->loss == TW_SEQ_BCE)
        return tw_fail(err, TW_EINVAL, "%s needs the loss ce, sampled-ce or gbce, not bce",
                       cfg->normalize != 0 ? "normalize 1" : "item_features_dim above 0");
    if (cfg->negative_weight < 1 && cfg->loss != TW_SEQ_CE && cfg->loss != TW_SEQ_SAMPLED_CE)
        return tw_fail(err, TW_EINVAL, "negative_weight %.16g needs the loss ce or sampled-ce",
                       cfg->negative_weight);
    if (cfg->gated != 0 && cfg->norm != TW_SEQ_PRE)
        return tw_fail(err, TW_EINVAL, "gated 1 needs norm pre");
    int width = cfg->user_dim + cfg->item_dim;
    if (cfg->popularity > 0 && width == TW_SEQ_MAX_DIM)
        return tw_fail(err, TW_EINVAL, "popularity needs a column: user_dim + item_dim below %d",
                       TW_SEQ_MAX_DIM);
    if (width > TW_SEQ_MAX_DIM)
        return tw_fail(err, TW_EINVAL, "user_dim %d + item_dim %d is more than %d", cfg->user_dim,
                       cfg->item_dim, TW_SEQ_MAX_DIM);
    if (width % cfg->heads != 0)
        return tw_fail(err, TW_EINVAL, "heads %d does not divide user_dim %d + item_dim %d",
                       cfg->heads, cfg->user_dim, cfg->item_dim);
    return TW_OK;
}

tw_status tw_seq_config_set(tw_seq_config *cfg, const char *key, const char *value, tw_error *err)
{
    return tw_settings_set(&tw_seq_settings, cfg, key, value, err);
}

tw_status tw_seq_config_from_json(tw_seq_config *cfg, const char *json, size_t len, tw_error *err)
{
    tw_seq_config next = *cfg;
    const tw_status st = tw_settings_parse(&tw_seq_settings, &next, json, len, err);
    if (st == TW_OK)
        *cfg = next;
    return st;
}

tw_status tw_seq_config_to_json(const tw_seq_config *cfg, tw_text *out, tw_error *err)
{
    return tw_settings_format(&tw_seq_settings, cfg, NULL, out, err);
}
