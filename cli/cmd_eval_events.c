/* eval seq --events FILE: would it work on my log? Trains from scratch, needs no data directory. */
#include "cli/commands.h"
#include "cli/model_settings.h"
#include "cli/report.h"
#include "engine/eval/offline_eval.h"
#include "seqmodel/seqmodel.h"

typedef struct values {
    basics b;
    tw_offline_eval_options opt;
    seq_model_flags model;
} values;

static int check(call *c)
{
    values *v = c->values;
    return seq_settings_check(c, &v->model, &v->opt.config_json, &v->opt.preset);
}

static tw_status run(call *c, tw_error *err)
{
    values *v = c->values;
    v->opt.progress = meter_show;
    v->opt.progress_ctx = &c->meter;
    return tw_offline_eval(&v->opt, &c->report, err);
}

static void forget(call *c) { seq_model_flags_fini(&((values *) c->values)->model); }

static const flag flags[] = {
    {"events", 0, FLAG_TEXT, offsetof(values, opt.path), "FILE", "the interaction log", 0, 0},
    {"format", 0, FLAG_TEXT, offsetof(values, opt.format), "NAME",
     "of the log, where it is not recognised", 0, 0},
    {"columns", 0, FLAG_TEXT, offsetof(values, opt.columns), "F=C,...",
     "which column is which field", 0, 0},
    {"header", 0, FLAG_TEXT, offsetof(values, opt.header), "A,B,...",
     "column names of a file without header line", 0, 0},
    {"encoding", 0, FLAG_TEXT, offsetof(values, opt.encoding), "NAME",
     "of the text, where it is not recognised", 0, 0},
    {"separator", 0, FLAG_TEXT, offsetof(values, opt.separator), "C", "as in events", 0, 0},
    {"quote", 0, FLAG_TEXT, offsetof(values, opt.quote), "C", "as in events", 0, 0},
    {"escape", 0, FLAG_TEXT, offsetof(values, opt.escape), "C", "as in events", 0, 0},
    {"time-format", 0, FLAG_TEXT, offsetof(values, opt.time_format), "NAME",
     "how it writes times, see twindex events --help", 0, 0},
    {"allow-future", 0, FLAG_BOOL, offsetof(values, opt.allow_future), NULL,
     "take times before 1970 and beyond 2200", 0, 0},
    SEQ_MODEL_FLAGS(offsetof(values, model)),
    {"hold-out-users", 0, FLAG_REAL, offsetof(values, opt.hold_out_users), "SHARE",
     "keep these out of training, and show what they get", 0, 1},
    {"seen", 0, FLAG_BOOL, offsetof(values, opt.seen), NULL,
     "rank what users had before, too; else it is missed", 0, 0},
    {"metrics", 0, FLAG_TEXT, offsetof(values, opt.metrics_path), "FILE",
     "one JSON object an epoch", 0, 0},
    {"save", 0, FLAG_TEXT, offsetof(values, opt.model_path), "FILE",
     "keep the trained model (safetensors)", 0, 0},
    {"checkpoint", 0, FLAG_TEXT, offsetof(values, opt.checkpoint), "FILE",
     "go on from it after a kill", 0, 0},
    THREADS_FLAG,
    JSON_FLAG,
    QUIET_FLAG,
    END_OF_FLAGS};

const command eval_events_command = {
    .name = "eval seq",
    .summary = "a sequential model of a log, trained from scratch",
    .synopsis = "eval seq --events FILE [options]",
    .about = "Trains the sequential model on a log from scratch and measures it on the\n"
             "held-out last events by every protocol, beside popularity, item-kNN and Markov\n"
             "chains.",
    .example = "  twindex eval seq --events ratings.csv\n"
               "  twindex eval seq --events ml-1m.txt --model sasrec --epochs 20 --json",
    .flags = flags,
    .size = sizeof(values),
    .take = settings_take,
    .settings = &tw_seq_settings,
    .settings_at = offsetof(values, model.set),
    .more = print_seq_settings,
    .meter = "seq",
    .stopping = STOP_TRAINING,
    .check = check,
    .run = run,
    .print = print_offline_eval,
    .fini = forget,
};
