/* eval seq --events FILE: would it work on my log? Trains from scratch, needs no data directory. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "cli/model_settings.h"
#include "cli/report.h"
#include "engine/eval/offline_eval.h"
#include "seqmodel/seqmodel.h"

int eval_events(int argc, char **argv)
{
    const char *config = NULL, *model = NULL;
    tw_offline_eval_options opt = {0};
    int64_t threads = 0;
    bool json = false, quiet = false;
    settings p = {.of = &tw_seq_settings};
    tw_text text;
    tw_error err = {0};
    const flag flags[] = {
        {"events", 0, FLAG_TEXT, &opt.path, "FILE", "the interaction log", 0, 0},
        {"format", 0, FLAG_TEXT, &opt.format, "NAME", "of the log, where it is not recognised", 0,
         0},
        {"model", 0, FLAG_TEXT, &model, "NAME",
         "sse-pt (default), sasrec (no user vector), pt (no replacement)", 0, 0},
        {"config", 0, FLAG_TEXT, &config, "FILE", "settings as a JSON object", 0, 0},
        {"hold-out-users", 0, FLAG_REAL, &opt.hold_out_users, "SHARE",
         "keep these out of training, and show what strangers get", 0, 1},
        {"seen", 0, FLAG_BOOL, &opt.seen, NULL,
         "rank what people had before, too; else such a target counts as missed", 0, 0},
        {"metrics", 0, FLAG_TEXT, &opt.metrics_path, "FILE", "one JSON object an epoch", 0, 0},
        {"save", 0, FLAG_TEXT, &opt.model_path, "FILE", "keep the trained model (safetensors)", 0,
         0},
        {"checkpoint", 0, FLAG_TEXT, &opt.checkpoint, "FILE", "go on from it after a kill", 0, 0},
        {"threads", 0, FLAG_INT, &threads, "N", "0: one per core", 0, 64},
        {"json", 0, FLAG_BOOL, &json, NULL, "report as JSON", 0, 0},
        {"quiet", 'q', FLAG_BOOL, &quiet, NULL, "no progress", 0, 0},
        {0}};
    const usage u = {
        .synopsis = "eval seq --events FILE [options]",
        .about =
            "Trains the sequential model on a log from scratch and measures it on the held-out "
            "last\nevents by every protocol, beside popularity, item-kNN and Markov chains.",
        .example = "  twindex eval seq --events ratings.csv\n"
                   "  twindex eval seq --events ml-1m.txt --model sasrec --epochs 20 --json",
        .flags = flags,
        .more = print_seq_settings,
        .other = settings_take,
        .other_ctx = &p,
        .settings = p.of,
    };
    char *report = NULL;
    meter m;
    int rc = parse_args(&u, &argc, argv, 0, 0);
    if (rc >= 0)
        return rc;
    tw_text_init(&text, MAX_CONFIG);
    if (seq_settings(config, &p, model, (int) threads, &text, &err) != TW_OK) {
        rc = wrong_usage(&u, "%s", err.msg);
        goto done;
    }
    opt.config_json = tw_text_cstr(&text);
    catch_interrupts(STOP_WORK);
    meter_start(&m, "seq", quiet);
    opt.progress = meter_show;
    opt.progress_ctx = &m;
    tw_status st = tw_offline_eval(&opt, &report, &err);
    meter_end(&m, st == TW_OK);
    if (st != TW_OK)
        rc = failed(&err);
    else if (json)
        rc = print_json_text(stdout, report) < 0 || printf("\n") < 0;
    else
        rc = EXIT_SUCCESS;
    if (st == TW_OK && !json)
        print_offline_eval(report);
done:
    tw_free(report);
    tw_text_fini(&text);
    return rc;
}
