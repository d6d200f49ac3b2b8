#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "engine/evaluation.h"
#include "seqmodel/seqmodel.h"

/* Whether an argument begins so. */
static bool names(int argc, char **argv, const char *beginning)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], beginning, strlen(beginning)) == 0)
            return true;
    return false;
}

int cmd_eval(int argc, char **argv)
{
    tw_eval_options opt = {0};
    bool json = false;
    int64_t seed = 0;
    const flag flags[] = {
        {"protocol", 0, FLAG_TEXT, &opt.protocol, "NAME",
         "seq: full (all items; default), sampled100, authors", 0, 0},
        {"split", 0, FLAG_TEXT, &opt.split, "NAME", "seq: test (default) or valid", 0, 0},
        {"seen", 0, FLAG_BOOL, &opt.seen, NULL,
         "seq: rank what people had before, too, as next --seen does", 0, 0},
        {"seed", 0, FLAG_INT, &seed, "N", "seq: of sampled lists (42)", 1, INT64_MAX},
        {"diversity", 0, FLAG_REAL, &opt.diversity, "W", "seq: of the model's lists, as in next", 0,
         1},
        {"popularity-discount", 0, FLAG_REAL, &opt.popularity_discount, "P",
         "seq: of the model's lists, as in next", 0, TW_SEQ_MAX_DISCOUNT},
        {"json", 0, FLAG_BOOL, &json, NULL, "report as JSON", 0, 0},
        {0}};
    const usage u = {
        .synopsis = "eval towers|seq|index DIR [options]",
        .about =
            "Measures the active model on what the directory holds, beside its baselines.\n"
            "seq: leave one out, the last event of each user is the target, ties count against "
            "us;\n"
            "     what people had before is left out, as in next, so a target that they had "
            "before\n"
            "     counts as missed, and is counted apart (--seen ranks everything);\n"
            "     beside popularity, item-kNN and Markov chains, and what the lists of ten are "
            "like.\n"
            "     `eval seq --events FILE` trains on a log from scratch first (--help shows how).\n"
            "     `eval seq DIR --hold-out-items 0.1` shows what new items and new people get.\n"
            "towers: what their training kept apart; `eval towers --help` shows what else.\n"
            "index: recall of the index against an exact scan.",
        .example = "  twindex eval seq films --protocol sampled100",
        .flags = flags,
    };
    tw_engine *e = NULL;
    tw_error err = {0};
    char *report = NULL;
    if (argc > 0 && strcmp(argv[0], "seq") == 0 && names(argc, argv, "--events"))
        return eval_events(argc - 1, argv + 1);
    if (argc > 0 && strcmp(argv[0], "seq") == 0 && names(argc, argv, "--hold-out-"))
        return eval_cold(argc - 1, argv + 1);
    if (argc > 0 && strcmp(argv[0], "towers") == 0)
        return eval_towers(argc - 1, argv + 1);
    int rc = parse_args(&u, &argc, argv, 2, 2);
    if (rc >= 0)
        return rc;
    const bool seq = strcmp(argv[0], "seq") == 0;
    if (!seq && strcmp(argv[0], "index") != 0)
        return wrong_usage(&u, "what to measure is '%s'; give towers, seq or index", argv[0]);
    opt.seed = (uint64_t) seed;

    const tw_engine_options eng = {.mode = TW_ENGINE_READ};
    tw_status st = tw_engine_open(&e, argv[1], &eng, &err);
    if (st == TW_OK) {
        st = seq ? tw_engine_eval_seq(e, &opt, &report, &err)
                 : tw_engine_eval_index(e, &opt, &report, &err);
    }
    if (st != TW_OK)
        rc = failed(&err);
    else if (json)
        rc = print_json_text(stdout, report) < 0 || printf("\n") < 0;
    else
        print_eval_report(report, argv[0]);
    tw_free(report);
    tw_engine_close(e);
    return st == TW_OK ? EXIT_SUCCESS : rc;
}
