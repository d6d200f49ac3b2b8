/* eval seq DIR --hold-out-items SHARE: what do new items and new people get? */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/model_settings.h"
#include "cli/report.h"
#include "engine/eval/cold_start_eval.h"
#include "seqmodel/seqmodel.h"
#include "towers/recipe.h"

static int offline_eval(const char *dir, tw_cold_start_options opt, bool json, bool quiet)
{
    tw_error err = {0};
    tw_engine *e = NULL;
    char *report = NULL;
    meter m;
    const tw_engine_options eng = {.mode = TW_ENGINE_READ, .threads = opt.threads};

    if (tw_engine_open(&e, dir, &eng, &err) != TW_OK)
        return failed(&err);
    catch_interrupts(STOP_WORK);
    meter_start(&m, "offline_eval", quiet);
    opt.progress = meter_show;
    opt.progress_ctx = &m;
    tw_status st = tw_engine_cold_start_eval(e, &opt, &report, &err);
    meter_end(&m, st == TW_OK);
    int rc = st == TW_OK ? EXIT_SUCCESS : failed(&err);
    if (report != NULL && json)
        rc = print_json_text(stdout, report) < 0 || printf("\n") < 0;
    else if (report != NULL)
        print_cold_report(report);
    tw_free(report);
    tw_engine_close(e);
    return rc;
}

int eval_cold(int argc, char **argv)
{
    const char *config = NULL, *towers = NULL, *model = NULL;
    tw_cold_start_options opt = {0};
    int64_t threads = 0;
    bool ids = false, json = false, quiet = false;
    settings p = {.of = &tw_seq_settings};
    tw_text text;
    tw_error err = {0};
    char *recipe = NULL;
    size_t len = 0;
    const flag flags[] = {
        {"hold-out-items", 0, FLAG_REAL, &opt.hold_out_items, "SHARE",
         "items that the training must not see", 0, 1},
        {"hold-out-users", 0, FLAG_REAL, &opt.hold_out_users, "SHARE",
         "people that the training must not see", 0, 1},
        {"seen", 0, FLAG_BOOL, &opt.seen, NULL,
         "rank what people had before, too; else such a target counts as missed", 0, 0},
        {"ids-only", 0, FLAG_BOOL, &ids, NULL, "without towers and their vectors, to compare", 0,
         0},
        {"model", 0, FLAG_TEXT, &model, "NAME",
         "sse-pt (default), sasrec (no user vector), pt (no replacement)", 0, 0},
        {"config", 0, FLAG_TEXT, &config, "FILE", "settings as a JSON object", 0, 0},
        {"towers-config", 0, FLAG_TEXT, &towers, "FILE", "those of the towers", 0, 0},
        {"threads", 0, FLAG_INT, &threads, "N", "0: one per core", 0, 64},
        {"json", 0, FLAG_BOOL, &json, NULL, "report as JSON", 0, 0},
        {"quiet", 'q', FLAG_BOOL, &quiet, NULL, "no progress", 0, 0},
        {0}};
    const usage u = {
        .synopsis = "eval seq DIR --hold-out-items SHARE [--hold-out-users SHARE] [options]",
        .about =
            "Takes some items and people out of the directory's data, trains towers and the\n"
            "sequential model on what is left, and shows what those get that it never saw, beside\n"
            "popularity and chance. The directory stays as it is.",
        .example = "  twindex eval seq films --hold-out-items 0.1 --hold-out-users 0.1",
        .flags = flags,
        .more = print_seq_settings,
        .other = settings_take,
        .other_ctx = &p,
        .settings = p.of,
    };
    int rc = parse_args(&u, &argc, argv, 1, 1);
    if (rc >= 0)
        return rc;
    tw_text_init(&text, MAX_CONFIG);
    if (seq_settings(config, &p, model, (int) threads, &text, &err) != TW_OK ||
        (towers != NULL && tw_file_read(towers, MAX_CONFIG, &recipe, &len, &err) != TW_OK)) {
        rc = wrong_usage(&u, "%s", err.msg);
    } else {
        if (recipe != NULL)
            note_renamed_settings(&tw_tower_settings, recipe, len);
        opt.config_json = tw_text_cstr(&text);
        opt.towers_json = recipe;
        opt.content = !ids;
        opt.threads = (int) threads;
        rc = offline_eval(argv[0], opt, json, quiet);
    }
    tw_free(recipe);
    tw_text_fini(&text);
    return rc;
}
