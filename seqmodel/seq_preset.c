/* Settings for kinds of data: by name, or by how much data there is. docs/experiments/sse-pt.md has
 * how they were chosen. */
#include <string.h>

#include "seqmodel/seqmodel.h"

/* Up to this many events times items, which is what an epoch of it costs, the full softmax takes
 * minutes at most. With short histories the sampled one is as good from earlier on, and six times
 * as fast. */
#define FULL_SOFTMAX       1e9
#define FULL_SOFTMAX_SHORT 1e8

#define SHORT_HISTORY 30 /* events of a user, on average */

const char *const tw_seq_presets[] = {"auto", "small", "short", "fast", "long", NULL};

typedef enum preset { AUTO, SMALL, SHORT, FAST, LONG } preset;

/* What the others have in common: the softmax over a sample, whole targets, a falling step size. */
static tw_seq_config sampled(void)
{
    tw_seq_config cfg = tw_seq_config_default();
    cfg.loss = TW_SEQ_SAMPLED_CE;
    cfg.negatives = 1024;
    cfg.norm = TW_SEQ_PRE;
    cfg.gated = 1;
    cfg.temperature = 1;
    cfg.sse_item_input = cfg.sse_item_target = 0;
    cfg.unknown_user = 0.02;
    cfg.window = 0.5;
    cfg.shuffle_ties = 0;
    cfg.batch = 64;
    cfg.patience = 0;
    return cfg;
}

static tw_seq_config config_of(preset which)
{
    tw_seq_config cfg = sampled();
    switch (which) {
    case AUTO:
    case SMALL: return tw_seq_config_default();
    case SHORT:
        cfg.negatives = 2048;
        cfg.negative_power = 0.5;
        cfg.normalize = 1;
        cfg.temperature = 0.06;
        cfg.gated = 0;
        cfg.user_dim = 0;
        cfg.item_dim = 128;
        cfg.max_len = 50;
        cfg.dropout = 0.5;
        cfg.sse_user = cfg.unknown_user = 0;
        cfg.lr_end = 0.05;
        cfg.batch = 128;
        cfg.epochs = 25;
        cfg.patience = 3;
        cfg.average = 0.995;
        break;
    case FAST:
        cfg.exclude_seen = 0;
        cfg.item_dim = 64;
        cfg.dropout = 0.2;
        cfg.lr_end = 0.1;
        cfg.epochs = 24;
        cfg.eval_every = 6;
        cfg.average = 0.995;
        break;
    case LONG:
        cfg.user_dim = 32;
        cfg.item_dim = 96;
        cfg.max_len = 200;
        cfg.dropout = 0.25;
        cfg.lr = 2e-3;
        cfg.lr_end = 0.05;
        cfg.epochs = 100;
        cfg.eval_every = 4;
        cfg.average = 0.998;
        break;
    }
    return cfg;
}

static preset suits(const tw_seq_extent *n)
{
    const bool brief = n->events < SHORT_HISTORY * n->users;
    const double cost = (double) n->events * (double) n->items;
    if (cost <= (brief ? FULL_SOFTMAX_SHORT : FULL_SOFTMAX))
        return SMALL;
    return brief ? SHORT : FAST;
}

static tw_status over(tw_seq_config *cfg, preset which, const char *json, tw_error *err)
{
    const int threads = cfg->threads;
    tw_seq_config next = config_of(which);
    tw_status st = TW_OK;
    next.threads = threads;
    if (json != NULL)
        TW_TRY(tw_seq_config_from_json(&next, json, strlen(json), err));
    TW_TRY(tw_seq_config_check(&next, err));
    *cfg = next;
done:
    return st;
}

/* Whether the keys name what a preset is about; they are then about the defaults. */
static bool names_loss(const char *json)
{
    tw_seq_config bce = tw_seq_config_default(), ce = bce;
    bce.loss = TW_SEQ_BCE;
    ce.loss = TW_SEQ_CE;
    return json != NULL && tw_seq_config_from_json(&bce, json, strlen(json), NULL) == TW_OK &&
           tw_seq_config_from_json(&ce, json, strlen(json), NULL) == TW_OK && bce.loss == ce.loss;
}

tw_status tw_seq_config_choose(tw_seq_config *cfg, const char *name, const char *json,
                               const tw_seq_extent *n, const char **chosen, tw_error *err)
{
    int which = 0;
    while (name != NULL && tw_seq_presets[which] != NULL &&
           strcmp(name, tw_seq_presets[which]) != 0)
        which++;
    if (tw_seq_presets[which] == NULL)
        return tw_choices_refuse("preset", name, tw_seq_presets, err);
    if (which == AUTO && names_loss(json))
        which = SMALL;
    if (which == AUTO && n == NULL) { /* one that goes together with the keys is as good as any */
        for (int i = SHORT; i <= FAST; i++)
            if (over(cfg, (preset) i, json, NULL) == TW_OK)
                return TW_OK;
    }
    if (which == AUTO && n != NULL)
        which = (int) suits(n);
    if (chosen != NULL)
        *chosen = tw_seq_presets[which];
    return over(cfg, (preset) which, json, err);
}
