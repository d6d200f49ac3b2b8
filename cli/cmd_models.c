/* models, activate, rollback: the versions of a directory, and which of them serves. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "engine/inspection.h"
#include "engine/training.h"

/* ---- the list -------------------------------------------------------------------------------- */

typedef struct listing {
    bool json;
    int n;
    tw_text line; /* of parts and figures */
} listing;

static const char *state_of(const tw_engine_model *m)
{
    return m->served == 1   ? "serves"
           : m->served == 2 ? "before"
           : m->served > 0  ? "served"
                            : "never";
}

static double figure(const json_t *report, const char *table, const char *row, const char *key)
{
    const json_t *test = json_object_get(report, table);
    const json_t *value = json_object_get(json_object_get(test, row), key);
    return json_is_number(value) ? json_number_value(value) : -1;
}

/* "HR@10 0.5278 (popularity 0.2500)", as far as the report has it. */
static tw_status add_figure(tw_text *out, const char *name, double value, const char *baseline,
                            double baselines, tw_error *err)
{
    if (value < 0)
        return TW_OK;
    tw_status st = tw_text_addf(out, err, ", %s %.4f", name, value);
    return st == TW_OK && baselines >= 0 ? tw_text_addf(out, err, " (%s %.4f)", baseline, baselines)
                                         : st;
}

static tw_status add_towers(tw_text *out, const tw_engine_model *m, tw_error *err)
{
    json_t *report = json_loads(m->towers_report, 0, NULL);
    const json_t *source = json_object_get(report, "source"),
                 *eval = json_object_get(report, "eval");
    tw_status st = tw_text_addf(out, err, "towers of %d", m->towers_version);
    if (st == TW_OK && json_is_string(source))
        st = tw_text_addf(out, err, " (%s)", json_string_value(source));
    if (st == TW_OK)
        st = add_figure(out, "NDCG@10", figure(eval, "test", "towers", "ndcg_at_10"), "untrained",
                        figure(eval, "test", "untrained", "ndcg_at_10"), err);
    json_decref(report);
    return st;
}

static tw_status add_seq(tw_text *out, const tw_engine_model *m, tw_error *err)
{
    json_t *report = json_loads(m->seq_report, 0, NULL);
    tw_status st = tw_text_addf(out, err, "%sseq of %d", out->len > 0 ? "; " : "", m->seq_version);
    if (st == TW_OK)
        st = add_figure(out, "HR@10", figure(report, "test", "seq", "hr_at_10"), "popularity",
                        figure(report, "test", "popularity", "hr_at_10"), err);
    json_decref(report);
    return st;
}

static void print_member(const char *name, const char *value)
{
    (void) printf(", \"%s\": ", name);
    print_json_string(stdout, value);
}

static void print_report(const char *name, const char *report)
{
    (void) printf(", \"%s\": %s", name, report[0] != '\0' ? report : "null");
}

static tw_status print_json(const listing *l, const tw_engine_model *m)
{
    (void) printf("%s\n  {\"version\": %d, \"state\": \"%s\", \"towers_version\": %d, "
                  "\"seq_version\": %d",
                  l->n > 0 ? "," : "", m->version, state_of(m), m->towers_version, m->seq_version);
    print_member("created", m->created);
    print_member("withheld", m->withheld);
    print_member("problem", m->problem);
    print_report("towers", m->towers_report);
    print_report("seq", m->seq_report);
    (void) printf("}");
    return TW_OK;
}

static tw_status print_text(listing *l, const tw_engine_model *m, tw_error *err)
{
    tw_status st = TW_OK;
    tw_text_clear(&l->line);
    if (m->towers_version > 0)
        TW_TRY(add_towers(&l->line, m, err));
    if (m->seq_version > 0)
        TW_TRY(add_seq(&l->line, m, err));
    (void) printf("%5d  %-7s %-20s  %s\n", m->version, state_of(m), m->created,
                  tw_text_cstr(&l->line));
    if (m->withheld[0] != '\0')
        (void) printf("       not activated: %s\n", m->withheld);
    if (m->problem[0] != '\0')
        (void) printf("       cannot serve: %s\n", m->problem);
done:
    return st;
}

static tw_status show(void *ctx, const tw_engine_model *m, tw_error *err)
{
    listing *l = ctx;
    tw_status st = l->json ? print_json(l, m) : print_text(l, m, err);
    l->n++;
    return st;
}

int cmd_models(int argc, char **argv)
{
    listing l = {0};
    const flag flags[] = {
        {"json", 0, FLAG_BOOL, &l.json, NULL, "answer as JSON, with the trainings' reports", 0, 0},
        {0}};
    const usage u = {
        .synopsis = "models DIR [--json]",
        .about =
            "The model versions that are kept: which serves, which did before it, which never did\n"
            "and why, what they are made of and how good they were. Kept are the version that\n"
            "serves, the one before it, and the newest five that never served.",
        .example = "  twindex models films",
        .flags = flags,
    };
    tw_engine *e = NULL;
    tw_error err = {0};
    int rc = parse_args(&u, &argc, argv, 1, 1);
    if (rc >= 0)
        return rc;
    if (tw_engine_open(&e, argv[0], &(tw_engine_options){.mode = TW_ENGINE_READ}, &err) != TW_OK)
        return failed(&err);
    tw_text_init(&l.line, 4096);
    if (l.json)
        (void) printf("[");
    const tw_status st = tw_engine_each_model(e, show, &l, &err);
    if (l.json)
        (void) printf("%s]\n", l.n > 0 ? "\n" : "");
    else if (st == TW_OK && l.n == 0)
        (void) printf("none yet; make one with: twindex train towers %s\n", argv[0]);
    rc = st == TW_OK ? EXIT_SUCCESS : failed(&err);
    tw_text_fini(&l.line);
    tw_engine_close(e);
    return rc;
}

/* ---- which one serves ------------------------------------------------------------------------ */

/* version 0: the one before. */
static int change(const char *dir, int version, bool quiet)
{
    tw_engine *e = NULL;
    tw_error err = {0};
    meter m;

    if (tw_engine_open(&e, dir, &(tw_engine_options){.mode = TW_ENGINE_WRITE}, &err) != TW_OK)
        return failed(&err);
    catch_interrupts(STOP_WORK);
    meter_start(&m, version > 0 ? "activate" : "rollback", quiet);
    const tw_train_options opt = {.progress = meter_show, .progress_ctx = &m};
    const tw_status st = version > 0 ? tw_engine_activate(e, version, &opt, &err)
                                     : tw_engine_rollback(e, &opt, &version, &err);
    meter_end(&m, st == TW_OK);
    if (st == TW_OK)
        (void) printf("model %d serves\n", version);
    const int rc = st == TW_OK ? EXIT_SUCCESS : failed(&err);
    tw_engine_close(e);
    return rc;
}

int cmd_activate(int argc, char **argv)
{
    bool quiet = false;
    int64_t version;
    const flag flags[] = {{"quiet", 'q', FLAG_BOOL, &quiet, NULL, "no progress", 0, 0}, {0}};
    const usage u = {
        .synopsis = "activate DIR VERSION",
        .about = "Lets a model version serve that was made earlier: embeds the catalogue with its\n"
                 "towers, builds the indexes. `twindex models DIR` lists the versions.",
        .example = "  twindex activate films 3",
        .flags = flags,
    };
    int rc = parse_args(&u, &argc, argv, 2, 2);
    if (rc >= 0)
        return rc;
    if (!tw_parse_i64(argv[1], &version) || version < 1 || version > 999999)
        return wrong_usage(&u, "'%.40s' is no version of a model; twindex models DIR lists them",
                           argv[1]);
    return change(argv[0], (int) version, quiet);
}

int cmd_rollback(int argc, char **argv)
{
    bool quiet = false;
    const flag flags[] = {{"quiet", 'q', FLAG_BOOL, &quiet, NULL, "no progress", 0, 0}, {0}};
    const usage u = {
        .synopsis = "rollback DIR",
        .about = "Lets the model version serve again that served before the one that does. Given\n"
                 "twice, it takes itself back.",
        .example = "  twindex rollback films",
        .flags = flags,
    };
    int rc = parse_args(&u, &argc, argv, 1, 1);
    return rc >= 0 ? rc : change(argv[0], 0, quiet);
}
