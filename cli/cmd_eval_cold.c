/* eval seq DIR --hold-out-items SHARE: what do new items and new users get? */
#include "base/alloc.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/model_settings.h"
#include "cli/report.h"
#include "engine/eval/cold_start_eval.h"
#include "seqmodel/seqmodel.h"
#include "towers/recipe.h"

typedef struct values {
    basics b;
    tw_cold_start_options opt;
    seq_model_flags model;
    const char *towers;
    bool ids;
    char *recipe; /* owned: what the file `towers` holds */
} values;

static int check(call *c)
{
    values *v = c->values;
    tw_error err = {0};
    size_t len = 0;
    const int rc = seq_settings_check(c, &v->model, &v->opt.config_json, &v->opt.preset);
    if (rc >= 0 || v->towers == NULL)
        return rc;
    if (tw_file_read(v->towers, MAX_CONFIG, &v->recipe, &len, &err) != TW_OK)
        return wrong_usage(c->of, "%s", err.msg);
    note_renamed_settings(&tw_tower_settings, v->recipe, len);
    return -1;
}

static tw_status run(call *c, tw_error *err)
{
    values *v = c->values;
    v->opt.towers_json = v->recipe;
    v->opt.item_features = !v->ids;
    v->opt.threads = (int) v->b.threads;
    v->opt.progress = meter_show;
    v->opt.progress_ctx = &c->meter;
    return tw_engine_cold_start_eval(c->engine, &v->opt, &c->report, err);
}

static void forget(call *c)
{
    values *v = c->values;
    seq_model_flags_fini(&v->model);
    tw_free(v->recipe);
}

static const flag flags[] = {
    {"hold-out-items", 0, FLAG_REAL, offsetof(values, opt.hold_out_items), "SHARE",
     "items that the training must not see", 0, 1},
    {"hold-out-users", 0, FLAG_REAL, offsetof(values, opt.hold_out_users), "SHARE",
     "users that the training must not see", 0, 1},
    {"seen", 0, FLAG_BOOL, offsetof(values, opt.seen), NULL,
     "rank what users had before, too; else it is missed", 0, 0},
    {"ids-only", 0, FLAG_BOOL, offsetof(values, ids), NULL,
     "without towers and their vectors, to compare", 0, 0},
    SEQ_MODEL_FLAGS(offsetof(values, model)),
    {"towers-config", 0, FLAG_TEXT, offsetof(values, towers), "FILE", "those of the towers", 0, 0},
    THREADS_FLAG,
    JSON_FLAG,
    QUIET_FLAG,
    END_OF_FLAGS};

const command eval_cold_command = {
    .name = "eval seq",
    .summary = "what new items and new users get",
    .synopsis = "eval seq DIR --hold-out-items SHARE [--hold-out-users SHARE] [options]",
    .about = "Takes some items and users out of the directory's data, trains towers and the\n"
             "sequential model on what is left, and shows what those get that it never saw,\n"
             "beside popularity and chance. The directory stays as it is.",
    .example = "  twindex eval seq films --hold-out-items 0.1 --hold-out-users 0.1",
    .flags = flags,
    .size = sizeof(values),
    .take = settings_take,
    .settings = &tw_seq_settings,
    .settings_at = offsetof(values, model.set),
    .more = print_seq_settings,
    .opens = OPENS_TO_READ,
    .meter = "cold start",
    .stopping = STOP_TRAINING,
    .check = check,
    .run = run,
    .print = print_cold_report,
    .fini = forget,
};
