/* train towers | train seq. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/model_settings.h"
#include "cli/plot/plot.h"
#include "cli/plot/training_plot.h"
#include "cli/report.h"
#include "engine/training.h"
#include "seqmodel/seqmodel.h"
#include "towers/towers.h"

/* What both kinds of training understand. */
typedef struct training {
    basics b;
    const char *plot, *activate;
    tw_train_options opt;
} training;

/* clang-format off */
#define TRAINING_FLAGS \
    THREADS_FLAG, \
    {"activate", 0, FLAG_TEXT, offsetof(training, activate), "WHEN", "better (default): if validation says so; always, never", 0, 0}, \
    {"no-eval", 0, FLAG_BOOL, offsetof(training, opt.skip_eval), NULL, "do not measure on the test split", 0, 0}, \
    {"plot", 0, FLAG_TEXT, offsetof(training, plot), "FILE", "draw its course, a .png or .svg", 0, 0}, \
    JSON_FLAG, \
    QUIET_FLAG
/* clang-format on */

/* Returns -1, or the exit code after saying what is wrong. */
static int check_training(call *c)
{
    static const char *const words[] = {"better", "always", "never", NULL};
    training *t = c->values;
    tw_error err = {0};
    int choice = 0;

    while (t->activate != NULL && words[choice] != NULL && strcmp(t->activate, words[choice]) != 0)
        choice++;
    if (words[choice] == NULL) {
        (void) tw_choices_refuse("--activate", t->activate, words, &err);
        return wrong_usage(c->of, "%s", err.msg);
    }
    t->opt.activate = (tw_activate) choice;
    return t->plot == NULL || plot_check(t->plot, &err) == TW_OK ? -1 : failed(&err);
}

static tw_status train(call *c, bool towers, tw_error *err)
{
    training *t = c->values;
    t->opt.progress = meter_show;
    t->opt.progress_ctx = &c->meter;
    return towers ? tw_engine_train_towers(c->engine, &t->opt, &c->report, err)
                  : tw_engine_train_seq(c->engine, &t->opt, &c->report, err);
}

/* One sentence where the model does not serve, or serves although it gained nothing. The exit
 * status: a training that gained nothing has failed, unless it was not wanted to serve. */
static int say_verdict(const char *dir, const training_verdict *v, tw_activate wanted)
{
    if (v->activated && v->reason[0] != '\0')
        (void) fprintf(stderr, "twindex: model %d serves, as asked, although %s\n", v->model,
                       v->reason);
    if (!v->activated) {
        (void) fprintf(stderr,
                       "twindex: model %d is kept but not activated: %s; to let it serve, run: "
                       "twindex activate %s %d\n",
                       v->model, v->reason, dir, v->model);
    }
    return v->activated || wanted == TW_ACTIVATE_NEVER ? EXIT_SUCCESS : EXIT_FAILURE;
}

static tw_status finish(call *c, bool towers, tw_error *err)
{
    const training *t = c->values;
    training_verdict v = {0};
    read_verdict(c->report, &v);
    if (t->plot != NULL) {
        const tw_status st = training_plot_draw(c->engine, towers, v.model, t->plot, err);
        if (st != TW_OK)
            return st;
    }
    c->exit_code = say_verdict(c->dir, &v, t->opt.activate);
    return TW_OK;
}

/* ---- towers ---------------------------------------------------------------------------------- */

typedef struct tower_values {
    training t;
    const char *config, *pairs, *triplets, *attribute, *classes;
    bool events, self;
    settings set;
    tw_text json; /* owned: all settings */
} tower_values;

/* The whole config as JSON: defaults, then the file, then the flags. */
static tw_status tower_config(tower_values *v, tw_error *err)
{
    tw_status st = TW_OK;
    char *data = NULL;
    size_t len = 0;
    tw_tower_recipe recipe = TW_TOWER_RECIPE_DEFAULT;

    if (v->config != NULL) {
        TW_TRY(tw_file_read(v->config, MAX_CONFIG, &data, &len, err));
        TW_TRY(tw_tower_recipe_parse(&recipe, data, len, err));
        note_renamed_settings(&tw_tower_settings, data, len);
    }
    for (int i = 0; i < v->set.n; i++)
        TW_TRY(tw_tower_recipe_set(&recipe, v->set.set[i].key, v->set.set[i].value, err));
    if (v->t.b.threads > 0)
        recipe.train.threads = (int) v->t.b.threads;
    TW_TRY(tw_tower_recipe_format(&recipe, &v->json, err));
done:
    tw_free(data);
    return st;
}

/* Returns how many sources were given; without one it is the events. */
static int choose_source(tower_values *v)
{
    const struct {
        const char *path;
        bool given;
        tw_pair_source source;
    } of[] = {{NULL, v->events, TW_PAIRS_EVENTS},
              {NULL, v->self, TW_PAIRS_SELF},
              {v->pairs, v->pairs != NULL, TW_PAIRS_FILE},
              {v->triplets, v->triplets != NULL, TW_PAIRS_TRIPLETS},
              {v->attribute, v->attribute != NULL, TW_PAIRS_ATTRIBUTE},
              {v->classes, v->classes != NULL, TW_PAIRS_CLASSES}};
    int n = 0;
    v->t.opt.source = TW_PAIRS_EVENTS;
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        if (!of[i].given)
            continue;
        v->t.opt.source = of[i].source;
        v->t.opt.path = of[i].path;
        n++;
    }
    return n;
}

static int check_towers(call *c)
{
    tower_values *v = c->values;
    tw_error err = {0};

    tw_text_init(&v->json, MAX_CONFIG);
    if (choose_source(v) > 1)
        return wrong_usage(c->of, "give one of --from-events, --pairs, --triplets, "
                                  "--from-attribute, --classes, --from-self");
    if (v->t.opt.groups != NULL && v->classes == NULL)
        return wrong_usage(c->of, "--groups needs --classes");
    if (v->t.opt.hold_out != NULL && v->classes == NULL)
        return wrong_usage(c->of, "--hold-out needs --classes");
    const int rc = check_training(c);
    if (rc >= 0)
        return rc;
    if (tower_config(v, &err) != TW_OK)
        return wrong_usage(c->of, "%s", err.msg);
    v->t.opt.config_json = tw_text_cstr(&v->json);
    return -1;
}

static tw_status train_towers(call *c, tw_error *err) { return train(c, true, err); }
static tw_status finish_towers(call *c, tw_error *err) { return finish(c, true, err); }
static void print_towers(const char *report) { print_training_report(report, true); }
static void forget_towers(call *c) { tw_text_fini(&((tower_values *) c->values)->json); }

#define TOWER_TEXT(name, field, argument, help)                                                    \
    {                                                                                              \
        name, 0, FLAG_TEXT, offsetof(tower_values, field), argument, help, 0, 0                    \
    }
#define TOWER_SWITCH(name, field, help)                                                            \
    {                                                                                              \
        name, 0, FLAG_BOOL, offsetof(tower_values, field), NULL, help, 0, 0                        \
    }

static const flag tower_flags[] = {
    TOWER_SWITCH("from-events", events, "positives: items consumed together (the default)"),
    TOWER_TEXT("pairs", pairs, "FILE", "pairs a,b,label naming item ids"),
    TOWER_TEXT("triplets", triplets, "FILE", "anchor,positive,negative"),
    TOWER_TEXT("from-attribute", attribute, "NAME", "positives: items that share a value of it"),
    TOWER_TEXT("classes", classes, "NAME", "the attribute that says what an item is"),
    TOWER_TEXT("groups", t.opt.groups, "NAME", "what classes that are hard to tell apart share"),
    TOWER_TEXT("hold-out", t.opt.hold_out, "NAME", "validate on whole values of this attribute"),
    TOWER_SWITCH("from-self", self, "each item: its modalities, or two views of it"),
    TOWER_TEXT("vocab", t.opt.vocabulary, "FILE", "a vocab.txt for an encoder of tokens (learnt)"),
    TOWER_SWITCH("continue", t.opt.warm_start, "begin with the towers that serve, and their shape"),
    TOWER_TEXT("config", config, "FILE", "settings as a JSON object"),
    TRAINING_FLAGS,
    END_OF_FLAGS};

static const command towers_command = {
    .name = "train towers",
    .summary = "which items are alike",
    .synopsis = "train towers DIR [options]",
    .about = "Trains the Siamese towers, publishes a new model version, embeds and indexes the\n"
             "catalogue with it. What they read is what the catalogue has, unless a setting\n"
             "says: text if any item has some, images and audio files if one item in ten has\n"
             "one. Towers that are no better on validation than before their training are\n"
             "kept, but do not serve (exit 1).",
    .example = "  twindex train towers films --from-events\n"
               "  twindex train towers shop --pairs same.csv --loss infonce --epochs 20\n"
               "  twindex train towers photos --classes species --image resnet",
    .flags = tower_flags,
    .size = sizeof(tower_values),
    .take = settings_take,
    .settings = &tw_tower_settings,
    .settings_at = offsetof(tower_values, set),
    .more = print_tower_settings,
    .opens = OPENS_TO_WRITE,
    .meter = "towers",
    .stopping = STOP_TRAINING,
    .check = check_towers,
    .run = train_towers,
    .print = print_towers,
    .after = finish_towers,
    .fini = forget_towers,
};

/* ---- seq ------------------------------------------------------------------------------------- */

typedef struct seq_values {
    training t;
    seq_model_flags model;
} seq_values;

static int check_seq(call *c)
{
    seq_values *v = c->values;
    const int rc = check_training(c);
    return rc >= 0 ? rc : seq_settings_check(c, &v->model, &v->t.opt.config_json, &v->t.opt.preset);
}

static tw_status train_seq(call *c, tw_error *err) { return train(c, false, err); }
static tw_status finish_seq(call *c, tw_error *err) { return finish(c, false, err); }
static void print_seq(const char *report) { print_training_report(report, false); }
static void forget_seq(call *c) { seq_model_flags_fini(&((seq_values *) c->values)->model); }

static const flag seq_flags[] = {
    {"item-features", 0, FLAG_BOOL, offsetof(seq_values, t.opt.item_features), NULL,
     "items enter by their tower vectors, too; new ones at once", 0, 0},
    SEQ_MODEL_FLAGS(offsetof(seq_values, model)),
    TRAINING_FLAGS,
    END_OF_FLAGS};

static const command seq_command = {
    .name = "train seq",
    .summary = "what comes next",
    .synopsis = "train seq DIR [options]",
    .about = "Trains SSE-PT on the recorded events and publishes a new model version. The last\n"
             "two events of each user are held out: one to stop the training, one to measure\n"
             "it. A model that popularity beats on the first of them is kept, but does not\n"
             "serve (exit 1).",
    .example = "  twindex train seq films --plot curve.png\n"
               "  twindex train seq films --model sasrec --epochs 50",
    .flags = seq_flags,
    .size = sizeof(seq_values),
    .take = settings_take,
    .settings = &tw_seq_settings,
    .settings_at = offsetof(seq_values, model.set),
    .more = print_seq_settings,
    .opens = OPENS_TO_WRITE,
    .meter = "seq",
    .stopping = STOP_TRAINING,
    .check = check_seq,
    .run = train_seq,
    .print = print_seq,
    .after = finish_seq,
    .fini = forget_seq,
};

/* ---- both ------------------------------------------------------------------------------------ */

static const command *const kinds[] = {&towers_command, &seq_command, NULL};

const command train_command = {
    .name = "train",
    .summary = "train the towers or the sequential model",
    .synopsis = "train towers|seq DIR [options]",
    .about = "Trains the towers (which items are alike) or the sequential model (what comes\n"
             "next). Each with --help shows its settings.",
    .example = "  twindex train towers films\n  twindex train seq films",
    .subs = kinds,
};
