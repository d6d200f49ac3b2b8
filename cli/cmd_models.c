/* models, activate, rollback: the versions of a directory, and which of them serves. */
#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "cli/commands.h"
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

static tw_status list_models(call *c, tw_error *err)
{
    listing l = {.json = ((const basics *) c->values)->json};

    tw_text_init(&l.line, 4096);
    if (l.json)
        (void) printf("[");
    const tw_status st = tw_engine_each_model(c->engine, show, &l, err);
    if (l.json)
        (void) printf("%s]\n", l.n > 0 ? "\n" : "");
    else if (st == TW_OK && l.n == 0)
        (void) printf("none yet; make one with: twindex train towers %s\n", c->dir);
    tw_text_fini(&l.line);
    return st;
}

static const flag list_flags[] = {{"json", 0, FLAG_BOOL, offsetof(basics, json), NULL,
                                   "answer as JSON, with the trainings' reports", 0, 0},
                                  END_OF_FLAGS};

const command models_command = {
    .name = "models",
    .summary = "list the model versions that are kept",
    .synopsis = "models DIR [--json]",
    .about = "The model versions that are kept: which serves, which did before it, which\n"
             "never did and why, what they are made of and how good they were. Kept are the\n"
             "version that serves, the one before it, and the newest five that never served.",
    .example = "  twindex models films",
    .flags = list_flags,
    .opens = OPENS_TO_READ,
    .run = list_models,
};

/* ---- which one serves ------------------------------------------------------------------------ */

typedef struct change_values {
    basics b;
    int64_t version; /* 0: the one before */
} change_values;

static int read_version(call *c)
{
    change_values *v = c->values;
    if (tw_parse_i64(c->words[0], &v->version) && v->version >= 1 && v->version <= 999999)
        return -1;
    return wrong_usage(c->of, "'%.40s' is no version of a model; twindex models DIR lists them",
                       c->words[0]);
}

static tw_status change(call *c, tw_error *err)
{
    change_values *v = c->values;
    const tw_train_options opt = {.progress = meter_show, .progress_ctx = &c->meter};
    int version = (int) v->version;
    const tw_status st = version > 0 ? tw_engine_activate(c->engine, version, &opt, err)
                                     : tw_engine_rollback(c->engine, &opt, &version, err);
    v->version = version;
    return st;
}

static tw_status print_version(call *c, tw_error *err)
{
    const change_values *v = c->values;
    (void) err;
    (void) printf("model %lld serves\n", (long long) v->version);
    return TW_OK;
}

static const flag change_flags[] = {QUIET_FLAG, END_OF_FLAGS};

const command activate_command = {
    .name = "activate",
    .summary = "let another model version serve",
    .synopsis = "activate DIR VERSION",
    .about = "Lets a model version serve that was made earlier: embeds the catalogue with its\n"
             "towers, builds the indexes. `twindex models DIR` lists the versions.",
    .example = "  twindex activate films 3",
    .flags = change_flags,
    .size = sizeof(change_values),
    .least = 1,
    .most = 1,
    .opens = OPENS_TO_WRITE,
    .meter = "activate",
    .check = read_version,
    .run = change,
    .after = print_version,
};

const command rollback_command = {
    .name = "rollback",
    .summary = "let the model version before serve again",
    .synopsis = "rollback DIR",
    .about = "Lets the model version serve again that served before the one that does. Given\n"
             "twice, it takes itself back.",
    .example = "  twindex rollback films",
    .flags = change_flags,
    .size = sizeof(change_values),
    .opens = OPENS_TO_WRITE,
    .meter = "rollback",
    .run = change,
    .after = print_version,
};
