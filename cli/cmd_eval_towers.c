/* eval towers: what are the towers worth, beside what costs nothing? */
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/report.h"
#include "engine/evaluation.h"
#include "engine/training.h"

enum { MAX_KS = 16 };

typedef struct values {
    basics b;
    const char *pairs, *valid, *classes, *k;
    bool events;
    int64_t seed, max_queries;
    int ks[MAX_KS], n_ks;
} values;

/* "1,10,100" into ks; 0: it is no such list. */
static int split_ks(const char *list, int ks[MAX_KS])
{
    int n = 0;
    for (const char *at = list;; at++) {
        char *end;
        const long k = strtol(at, &end, 10);
        if (end == at || k < 1 || k > TW_EVAL_MAX_K || n == MAX_KS || (*end != ',' && *end != '\0'))
            return 0;
        ks[n++] = (int) k;
        at = end;
        if (*end == '\0')
            return n;
    }
}

static int check(call *c)
{
    values *v = c->values;
    if ((v->pairs != NULL) + (v->classes != NULL) + v->events > 1)
        return wrong_usage(c->of, "give one of --pairs, --classes, --from-events");
    if (v->valid != NULL && v->pairs == NULL)
        return wrong_usage(c->of, "--valid needs --pairs");
    if (v->k == NULL)
        return -1;
    v->n_ks = split_ks(v->k, v->ks);
    if (v->n_ks == 0)
        return wrong_usage(c->of, "--k '%.60s' is no list of up to %d numbers in 1..%d", v->k,
                           MAX_KS, TW_EVAL_MAX_K);
    return -1;
}

static tw_status run(call *c, tw_error *err)
{
    const values *v = c->values;
    tw_eval_options opt = {.chosen = v->pairs != NULL || v->classes != NULL || v->events,
                           .source = TW_PAIRS_EVENTS,
                           .valid_path = v->valid,
                           .k = v->ks,
                           .n_k = v->n_ks,
                           .max_queries = v->max_queries,
                           .seed = (uint64_t) v->seed,
                           .progress = meter_show,
                           .progress_ctx = &c->meter};
    if (v->pairs != NULL) {
        opt.source = TW_PAIRS_FILE;
        opt.path = v->pairs;
    } else if (v->classes != NULL) {
        opt.source = TW_PAIRS_CLASSES;
        opt.path = v->classes;
    }
    return tw_engine_eval_towers(c->engine, &opt, &c->report, err);
}

static void print(const char *report) { print_eval_report(report, "towers"); }

static const flag flags[] = {{"pairs", 0, FLAG_TEXT, offsetof(values, pairs), "FILE",
                              "on pairs a,b,label naming item ids", 0, 0},
                             {"valid", 0, FLAG_TEXT, offsetof(values, valid), "FILE",
                              "pairs that choose the threshold (half of --pairs)", 0, 0},
                             {"classes", 0, FLAG_TEXT, offsetof(values, classes), "NAME",
                              "on this attribute, each item left out in turn", 0, 0},
                             {"from-events", 0, FLAG_BOOL, offsetof(values, events), NULL,
                              "on what a fifth of the users consumed together", 0, 0},
                             {"k", 'k', FLAG_TEXT, offsetof(values, k), "LIST",
                              "how much of a ranking counts (1,10,100)", 0, 0},
                             {"max-queries", 0, FLAG_INT, offsetof(values, max_queries), "N",
                              "items that ask, at most (2000)", 1, TW_EVAL_MAX_QUERIES},
                             {"seed", 0, FLAG_INT, offsetof(values, seed), "N",
                              "of the split of --pairs or --from-events", 1, INT64_MAX},
                             THREADS_FLAG,
                             JSON_FLAG,
                             QUIET_FLAG,
                             END_OF_FLAGS};

const command eval_towers_command = {
    .name = "eval towers",
    .summary = "the towers that serve",
    .synopsis = "eval towers DIR [options]",
    .about = "Measures the towers that serve, on what their own training kept apart, whatever\n"
             "they were trained from; or on what a flag names, as imported ones need it.\n"
             "Rankings are of the whole catalogue, and ties count against us; the thresholds\n"
             "of pairs come from validation pairs. Beside the towers: the same ones untrained,\n"
             "the tf-idf of the texts, popularity where there are events. Trials with few\n"
             "examples and the nearest raw pixels or spectra are what bench/ measures.",
    .example = "  twindex eval towers films\n"
               "  twindex eval towers shop --pairs test.csv --valid valid.csv\n"
               "  twindex eval towers photos --classes species --json",
    .flags = flags,
    .size = sizeof(values),
    .opens = OPENS_TO_READ,
    .meter = "towers",
    .check = check,
    .run = run,
    .print = print,
};
