/* train towers | train seq. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/model_settings.h"
#include "cli/plot/plot.h"
#include "cli/plot/training_plot.h"
#include "cli/report.h"
#include "engine/training.h"
#include "seqmodel/seqmodel.h"
#include "towers/towers.h"

typedef struct train_flags {
    const char *config, *pairs, *triplets, *attribute, *classes, *groups, *hold_out, *vocabulary,
        *plot, *activate;
    bool events, self, warm_start, content, no_eval, json, quiet;
    int64_t threads;
} train_flags;

/* What both kinds of training understand. */
#define TRAIN_FLAGS(f)                                                                             \
    {"config", 0, FLAG_TEXT, &(f).config, "FILE", "settings as a JSON object", 0, 0},              \
        {"threads", 0, FLAG_INT, &(f).threads, "N", "0: one per core", 0, 64},                     \
        {"activate", 0,                                                                            \
         FLAG_TEXT,  &(f).activate,                                                                \
         "WHEN",     "better (default): if validation says so; always, never",                     \
         0,          0},                                                                           \
        {"no-eval", 0, FLAG_BOOL, &(f).no_eval, NULL, "do not measure on the test split", 0, 0},   \
        {"plot", 0, FLAG_TEXT, &(f).plot, "FILE", "draw its course, a .png or .svg", 0, 0},        \
        {"json", 0, FLAG_BOOL, &(f).json, NULL, "report as JSON", 0, 0},                           \
    {                                                                                              \
        "quiet", 'q', FLAG_BOOL, &(f).quiet, NULL, "no progress", 0, 0                             \
    }

static bool activation(const char *word, tw_activate *out)
{
    static const char *const words[] = {"better", "always", "never"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(word, words[i]) == 0) {
            *out = (tw_activate) i;
            return true;
        }
    }
    return false;
}

static int bad_activation(const usage *u, const char *word)
{
    return wrong_usage(u, "--activate '%.30s' is none of better, always, never", word);
}

/* One sentence where the model does not serve, or serves although it gained nothing. The exit
 * status: a training that gained nothing has failed, unless nobody wanted it to serve. */
static int tell_verdict(const char *dir, const training_verdict *v, tw_activate wanted)
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

static int run_training(const char *dir, bool towers, const train_flags *f, tw_train_options opt)
{
    tw_error err = {0};
    tw_engine *e = NULL;
    char *report = NULL;
    meter m;
    const tw_engine_options eng = {.mode = TW_ENGINE_WRITE, .threads = (int) f->threads};

    if ((f->plot != NULL && plot_check(f->plot, &err) != TW_OK) ||
        tw_engine_open(&e, dir, &eng, &err) != TW_OK)
        return failed(&err);
    catch_interrupts(STOP_TRAINING);
    meter_start(&m, towers ? "towers" : "seq", f->quiet);
    opt.progress = meter_show;
    opt.progress_ctx = &m;
    opt.skip_eval = f->no_eval;
    tw_status st = towers ? tw_engine_train_towers(e, &opt, &report, &err)
                          : tw_engine_train_seq(e, &opt, &report, &err);
    meter_end(&m, st == TW_OK);
    training_verdict v = {0};
    if (st == TW_OK)
        read_verdict(report, &v);
    if (st == TW_OK && f->plot != NULL)
        st = training_plot_draw(e, towers, v.model, f->plot, &err);
    int rc = st == TW_OK ? EXIT_SUCCESS : failed(&err);
    if (report != NULL && f->json) /* the model is there even where its image is not */
        (void) (print_json_text(stdout, report) + printf("\n"));
    else if (report != NULL)
        print_training_report(report, towers);
    (void) fflush(stdout);
    if (rc == EXIT_SUCCESS)
        rc = tell_verdict(dir, &v, opt.activate);
    tw_free(report);
    tw_engine_close(e);
    return rc;
}

/* ---- towers ---------------------------------------------------------------------------------- */

/* The whole config as JSON: defaults, then the file, then the flags. Free with tw_text_fini. */
static tw_status tower_config(const train_flags *f, const settings *p, tw_text *out, tw_error *err)
{
    tw_status st = TW_OK;
    char *data = NULL;
    size_t len = 0;
    tw_tower_recipe recipe = TW_TOWER_RECIPE_DEFAULT;

    if (f->config != NULL) {
        TW_TRY(tw_file_read(f->config, MAX_CONFIG, &data, &len, err));
        TW_TRY(tw_tower_recipe_parse(&recipe, data, len, err));
        note_renamed_settings(&tw_tower_settings, data, len);
    }
    for (int i = 0; i < p->n; i++)
        TW_TRY(tw_tower_recipe_set(&recipe, p->set[i].key, p->set[i].value, err));
    if (f->threads > 0)
        recipe.train.threads = (int) f->threads;
    TW_TRY(tw_tower_recipe_format(&recipe, out, err));
done:
    tw_free(data);
    return st;
}

static int sources_given(const train_flags *f)
{
    return (f->pairs != NULL) + (f->triplets != NULL) + (f->attribute != NULL) +
           (f->classes != NULL) + f->self + f->events;
}

static tw_train_options tower_source(const train_flags *f)
{
    tw_train_options opt = {
        .groups = f->groups, .hold_out = f->hold_out, .vocabulary = f->vocabulary};
    const struct {
        const char *path;
        tw_pair_source source;
    } given[] = {{f->pairs, TW_PAIRS_FILE},
                 {f->triplets, TW_PAIRS_TRIPLETS},
                 {f->attribute, TW_PAIRS_ATTRIBUTE},
                 {f->classes, TW_PAIRS_CLASSES}};
    opt.source = f->self ? TW_PAIRS_SELF : TW_PAIRS_EVENTS;
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        if (given[i].path == NULL)
            continue;
        opt.source = given[i].source;
        opt.path = given[i].path;
    }
    return opt;
}

static int train_towers(int argc, char **argv)
{
    train_flags f = {0};
    settings p = {.of = &tw_tower_settings};
    tw_text config;
    tw_error err = {0};
    const flag flags[] = {
        {"from-events", 0, FLAG_BOOL, &f.events, NULL,
         "positives: items consumed together (the default)", 0, 0},
        {"pairs", 0, FLAG_TEXT, &f.pairs, "FILE", "pairs a,b,label naming item ids", 0, 0},
        {"triplets", 0, FLAG_TEXT, &f.triplets, "FILE", "anchor,positive,negative", 0, 0},
        {"from-attribute", 0, FLAG_TEXT, &f.attribute, "NAME",
         "positives: items that share a value of it", 0, 0},
        {"classes", 0, FLAG_TEXT, &f.classes, "NAME", "the attribute that says what an item is", 0,
         0},
        {"groups", 0, FLAG_TEXT, &f.groups, "NAME", "what classes that are hard to tell share", 0,
         0},
        {"hold-out", 0, FLAG_TEXT, &f.hold_out, "NAME",
         "validate on whole values of it, which near doubles share", 0, 0},
        {"from-self", 0, FLAG_BOOL, &f.self, NULL,
         "each item beside itself: its modalities, or two views of it", 0, 0},
        {"vocab", 0, FLAG_TEXT, &f.vocabulary, "FILE",
         "a vocab.txt for an encoder of tokens (else learnt)", 0, 0},
        {"continue", 0, FLAG_BOOL, &f.warm_start, NULL,
         "begin with the towers that serve (trained or imported) and their shape", 0, 0},
        TRAIN_FLAGS(f),
        {0}};
    const usage u = {
        .synopsis = "train towers DIR [options]",
        .about =
            "Trains the Siamese towers, publishes a new model version, embeds and indexes the\n"
            "catalogue with it. What they read is what the catalogue has, unless told: text if "
            "any\n"
            "item has some, images and audio files if one item in ten has one. Towers that are no\n"
            "better on validation than before their training are kept, but do not serve (exit 1).",
        .example = "  twindex train towers films --from-events\n"
                   "  twindex train towers shop --pairs same.csv --loss infonce --epochs 20\n"
                   "  twindex train towers photos --classes species --image resnet",
        .flags = flags,
        .more = print_tower_settings,
        .other = settings_take,
        .other_ctx = &p,
        .settings = p.of,
    };
    int rc = parse_args(&u, &argc, argv, 1, 1);
    if (rc >= 0)
        return rc;
    if (sources_given(&f) > 1)
        return wrong_usage(&u, "give one of --from-events, --pairs, --triplets, --from-attribute, "
                               "--classes, --from-self");
    if (f.groups != NULL && f.classes == NULL)
        return wrong_usage(&u, "--groups needs --classes");
    if (f.hold_out != NULL && f.classes == NULL)
        return wrong_usage(&u, "--hold-out needs --classes");
    tw_train_options opt = tower_source(&f);
    opt.warm_start = f.warm_start;
    if (f.activate != NULL && !activation(f.activate, &opt.activate))
        return bad_activation(&u, f.activate);
    tw_text_init(&config, MAX_CONFIG);
    if (tower_config(&f, &p, &config, &err) != TW_OK) {
        rc = wrong_usage(&u, "%s", err.msg);
    } else {
        opt.config_json = tw_text_cstr(&config);
        rc = run_training(argv[0], true, &f, opt);
    }
    tw_text_fini(&config);
    return rc;
}

/* ---- seq ------------------------------------------------------------------------------------- */

static int train_seq(int argc, char **argv)
{
    train_flags f = {0};
    const char *model = NULL;
    settings p = {.of = &tw_seq_settings};
    tw_text config;
    tw_error err = {0};
    const flag flags[] = {{"model", 0, FLAG_TEXT, &model, "NAME",
                           "sse-pt (default), sasrec (no user vector), pt (no replacement)", 0, 0},
                          {"content", 0, FLAG_BOOL, &f.content, NULL,
                           "items enter by their tower vectors, too, so new ones work at once", 0,
                           0},
                          TRAIN_FLAGS(f),
                          {0}};
    const usage u = {
        .synopsis = "train seq DIR [options]",
        .about =
            "Trains SSE-PT on the recorded events and publishes a new model version. The last two\n"
            "events of each user are held out: one to stop the training, one to measure it. A "
            "model\n"
            "that popularity beats on the first of them is kept, but does not serve (exit 1).",
        .example = "  twindex train seq films --plot curve.png\n"
                   "  twindex train seq films --model sasrec --epochs 50",
        .flags = flags,
        .more = print_seq_settings,
        .other = settings_take,
        .other_ctx = &p,
        .settings = p.of,
    };
    int rc = parse_args(&u, &argc, argv, 1, 1);
    if (rc >= 0)
        return rc;
    tw_train_options opt = {.content = f.content};
    if (f.activate != NULL && !activation(f.activate, &opt.activate))
        return bad_activation(&u, f.activate);
    tw_text_init(&config, MAX_CONFIG);
    if (seq_settings(f.config, &p, model, (int) f.threads, &config, &err) != TW_OK) {
        rc = wrong_usage(&u, "%s", err.msg);
    } else {
        opt.config_json = tw_text_cstr(&config);
        rc = run_training(argv[0], false, &f, opt);
    }
    tw_text_fini(&config);
    return rc;
}

int cmd_train(int argc, char **argv)
{
    static const flag none[] = {{0}};
    static const usage u = {
        .synopsis = "train towers|seq DIR [options]",
        .about =
            "Trains the towers (which items are alike) or the sequential model (what comes next).\n"
            "`twindex train towers --help` and `twindex train seq --help` show the settings.",
        .example = "  twindex train towers films\n  twindex train seq films",
        .flags = none,
    };
    if (argc > 0 && strcmp(argv[0], "towers") == 0)
        return train_towers(argc - 1, argv + 1);
    if (argc > 0 && strcmp(argv[0], "seq") == 0)
        return train_seq(argc - 1, argv + 1);
    int rc = parse_args(&u, &argc, argv, 0, 1);
    return rc >= 0 ? rc
                   : wrong_usage(&u,
                                 argc == 0 ? "say what to train: towers or seq"
                                           : "what to train is '%s'; give towers or seq",
                                 argc == 0 ? "" : argv[0]);
}
