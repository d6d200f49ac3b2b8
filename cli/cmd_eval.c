/* eval: what a directory's models and indexes are worth. */
#include <string.h>

#include "cli/commands.h"
#include "cli/report.h"
#include "engine/evaluation.h"
#include "seqmodel/seqmodel.h"

/* ---- eval seq -------------------------------------------------------------------------------- */

typedef struct seq_values {
    basics b;
    tw_eval_options opt;
    int64_t seed;
} seq_values;

static tw_status eval_seq(call *c, tw_error *err)
{
    seq_values *v = c->values;
    v->opt.seed = (uint64_t) v->seed;
    return tw_engine_eval_seq(c->engine, &v->opt, &c->report, err);
}

static void print_seq(const char *report) { print_eval_report(report, "seq"); }

/* Whether an argument begins so. */
static bool names(int argc, char **argv, const char *beginning)
{
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], beginning, strlen(beginning)) == 0)
            return true;
    return false;
}

static const command seq_command;

/* A log of its own, or a share that is held out, is another evaluation. */
static const command *which_seq(int argc, char **argv)
{
    if (names(argc, argv, "--events"))
        return &eval_events_command;
    return names(argc, argv, "--hold-out-") ? &eval_cold_command : &seq_command;
}

static const flag seq_flags[] = {
    {"protocol", 0, FLAG_TEXT, offsetof(seq_values, opt.protocol), "NAME",
     "full (all items; default), sampled100, authors", 0, 0},
    {"split", 0, FLAG_TEXT, offsetof(seq_values, opt.split), "NAME", "test (default) or valid", 0,
     0},
    {"seen", 0, FLAG_BOOL, offsetof(seq_values, opt.seen), NULL,
     "rank what users had before, too, as next --seen does", 0, 0},
    {"seed", 0, FLAG_INT, offsetof(seq_values, seed), "N", "of sampled lists (42)", 1, INT64_MAX},
    {"diversity", 0, FLAG_REAL, offsetof(seq_values, opt.diversity), "W",
     "of the model's lists, as in next", 0, 1},
    {"popularity-discount", 0, FLAG_REAL, offsetof(seq_values, opt.popularity_discount), "P",
     "of the model's lists, as in next", 0, TW_SEQ_MAX_DISCOUNT},
    JSON_FLAG,
    QUIET_FLAG,
    END_OF_FLAGS};

static const command seq_command = {
    .name = "eval seq",
    .summary = "the sequential model that serves, or would",
    .synopsis = "eval seq DIR [options]\n"
                "       twindex eval seq DIR --hold-out-items SHARE [options]\n"
                "       twindex eval seq --events FILE [options]",
    .about = "Leave one out: the last event of each user is the target, ties count against us.\n"
             "What users had before is left out, as in next, so a target that they had before\n"
             "counts as missed, and is counted apart (--seen ranks everything). Beside\n"
             "popularity, item-kNN and Markov chains, and what the lists of ten are like.\n"
             "With --hold-out-items or --hold-out-users: what new items and new users get.\n"
             "With --events: trains on a log from scratch first. Either with --help shows its\n"
             "options.",
    .example = "  twindex eval seq films --protocol sampled100",
    .flags = seq_flags,
    .size = sizeof(seq_values),
    .variant = which_seq,
    .opens = OPENS_TO_READ,
    .meter = "seq",
    .run = eval_seq,
    .print = print_seq,
};

/* ---- eval index ------------------------------------------------------------------------------ */

static tw_status eval_index(call *c, tw_error *err)
{
    return tw_engine_eval_index(c->engine, &(tw_eval_options){0}, &c->report, err);
}

static void print_index(const char *report) { print_eval_report(report, "index"); }

static const flag index_flags[] = {JSON_FLAG, QUIET_FLAG, END_OF_FLAGS};

static const command index_command = {
    .name = "eval index",
    .summary = "the indexes, against an exact scan",
    .synopsis = "eval index DIR [--json]",
    .about = "Recall of the indexes that answer, against an exact scan.",
    .example = "  twindex eval index films",
    .flags = index_flags,
    .opens = OPENS_TO_READ,
    .meter = "index",
    .run = eval_index,
    .print = print_index,
};

/* ---- all of them ----------------------------------------------------------------------------- */

static const command *const kinds[] = {&eval_towers_command, &seq_command, &index_command, NULL};

const command eval_command = {
    .name = "eval",
    .summary = "measure a model or an index beside its baselines",
    .synopsis = "eval towers|seq|index DIR [options]",
    .about = "Measures what serves on what the directory holds, beside its baselines.",
    .example = "  twindex eval seq films --protocol sampled100",
    .subs = kinds,
};
