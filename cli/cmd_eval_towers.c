/* eval towers DIR: what are the towers worth, beside what costs nothing? */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "engine/evaluation.h"
#include "engine/training.h"

enum { MAX_KS = 16 };

typedef struct tower_flags {
    const char *pairs, *valid, *classes, *k;
    bool events, json, quiet;
    int64_t seed, max_queries, threads;
} tower_flags;

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

static int measure(const char *dir, const tower_flags *f, tw_eval_options opt)
{
    tw_error err = {0};
    tw_engine *e = NULL;
    char *report = NULL;
    meter m;
    const tw_engine_options eng = {.mode = TW_ENGINE_READ, .threads = (int) f->threads};

    if (tw_engine_open(&e, dir, &eng, &err) != TW_OK)
        return failed(&err);
    catch_interrupts(STOP_WORK);
    meter_start(&m, "towers", f->quiet);
    opt.progress = meter_show;
    opt.progress_ctx = &m;
    tw_status st = tw_engine_eval_towers(e, &opt, &report, &err);
    meter_end(&m, st == TW_OK);
    int rc = st == TW_OK ? EXIT_SUCCESS : failed(&err);
    if (report != NULL && f->json)
        rc = print_json_text(stdout, report) < 0 || printf("\n") < 0;
    else if (report != NULL)
        print_eval_report(report, "towers");
    tw_free(report);
    tw_engine_close(e);
    return rc;
}

static tw_eval_options options(const tower_flags *f, const int *ks, int n_ks)
{
    tw_eval_options opt = {.chosen = f->pairs != NULL || f->classes != NULL || f->events,
                           .source = TW_PAIRS_EVENTS,
                           .valid_path = f->valid,
                           .k = ks,
                           .n_k = n_ks,
                           .max_queries = f->max_queries,
                           .seed = (uint64_t) f->seed};
    if (f->pairs != NULL) {
        opt.source = TW_PAIRS_FILE;
        opt.path = f->pairs;
    } else if (f->classes != NULL) {
        opt.source = TW_PAIRS_CLASSES;
        opt.path = f->classes;
    }
    return opt;
}

int eval_towers(int argc, char **argv)
{
    tower_flags f = {0};
    int ks[MAX_KS], n_ks = 0;
    const flag flags[] = {
        {"pairs", 0, FLAG_TEXT, &f.pairs, "FILE", "on pairs a,b,label naming item ids", 0, 0},
        {"valid", 0, FLAG_TEXT, &f.valid, "FILE",
         "pairs that choose the threshold (else half of those in --pairs)", 0, 0},
        {"classes", 0, FLAG_TEXT, &f.classes, "NAME",
         "on the attribute that says what an item is, each item left out in turn", 0, 0},
        {"from-events", 0, FLAG_BOOL, &f.events, NULL,
         "on what was consumed together, by a fifth of the people", 0, 0},
        {"k", 'k', FLAG_TEXT, &f.k, "LIST", "how much of a ranking counts (1,10,100)", 0, 0},
        {"max-queries", 0, FLAG_INT, &f.max_queries, "N", "items that ask, at most (2000)", 1,
         TW_EVAL_MAX_QUERIES},
        {"seed", 0, FLAG_INT, &f.seed, "N",
         "of the split that --pairs or --from-events makes (the training's)", 1, INT64_MAX},
        {"threads", 0, FLAG_INT, &f.threads, "N", "0: one per core", 0, 64},
        {"json", 0, FLAG_BOOL, &f.json, NULL, "report as JSON", 0, 0},
        {"quiet", 'q', FLAG_BOOL, &f.quiet, NULL, "no progress", 0, 0},
        {0}};
    const usage u = {
        .synopsis = "eval towers DIR [options]",
        .about =
            "Measures the towers that serve. Unless told otherwise: on what their own training "
            "kept\n"
            "apart, whatever they were trained from. Imported towers need to be told.\n"
            "Rankings are of the whole catalogue, and ties count against us; the thresholds of "
            "pairs\n"
            "come from validation pairs. Beside the towers: the same ones untrained, the tf-idf "
            "of\n"
            "the texts, popularity where there are events. Trials with few examples and the "
            "nearest\n"
            "raw pixels or spectra are what bench/ measures.",
        .example = "  twindex eval towers films\n"
                   "  twindex eval towers shop --pairs test.csv --valid valid.csv\n"
                   "  twindex eval towers photos --classes species --json",
        .flags = flags,
    };
    int rc = parse_args(&u, &argc, argv, 1, 1);
    if (rc >= 0)
        return rc;
    if ((f.pairs != NULL) + (f.classes != NULL) + f.events > 1)
        return wrong_usage(&u, "give one of --pairs, --classes, --from-events");
    if (f.valid != NULL && f.pairs == NULL)
        return wrong_usage(&u, "--valid needs --pairs");
    if (f.k != NULL) {
        n_ks = split_ks(f.k, ks);
        if (n_ks == 0)
            return wrong_usage(&u, "--k '%.60s' is no list of up to %d numbers in 1..%d", f.k,
                               MAX_KS, TW_EVAL_MAX_K);
    }
    return measure(argv[0], &f, options(&f, ks, n_ks));
}
