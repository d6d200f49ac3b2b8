/* Towers that others have trained become a model version of ours. */
#include <jansson.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "engine/engine_state.h"
#include "engine/generation.h"
#include "engine/json_text.h"
#include "engine/models/model_dir.h"
#include "engine/models/publish.h"
#include "engine/train/training_frame.h"
#include "engine/training.h"
#include "towers/recipe.h"

static tw_status write_report(const tw_tower *t, const char *folder, int version, double seconds,
                              char **report, tw_error *err)
{
    tw_tower_recipe recipe = TW_TOWER_RECIPE_DEFAULT;
    recipe.tower = tw_tower_config_of(t);
    json_t *root =
        json_pack("{s:i, s:s, s:s, s:i, s:f, s:s*, s:o*}", "model", version, "source", "import",
                  "from", folder, "dim", tw_tower_dim(t), "seconds", seconds, "prompt",
                  tw_tower_prompt(t), "config", tw_settings_json(&tw_tower_settings, &recipe));
    tw_status st = twi_json_dump(root, report, err);
    json_decref(root);
    return st;
}

typedef struct job {
    tw_engine *e;
    const tw_train_options *opt;
    const char *folder;
} job;

static tw_status import(void *ctx, twi_training *t, char **report, tw_error *err)
{
    const job *j = ctx;
    tw_status st = TW_OK;
    char path[TW_PATH_MAX];
    const double start = tw_clock_monotonic();
    tw_tower *tower = NULL;

    TW_TRY(tw_tower_import_bert(&tower, j->folder, err));
    TW_TRY(twi_model_begin(j->e, t->base, true, &t->version, t->tmp, err));
    TW_TRY(tw_path_join(path, t->tmp, TWI_TOWERS_FILE, err));
    TW_TRY(tw_tower_save(tower, path, err));
    TW_TRY(write_report(tower, j->folder, t->version, tw_clock_monotonic() - start, report, err));
    TW_TRY(twi_model_report(t->tmp, TWI_TOWERS_REPORT, *report, err));
    const twi_new_version made = {.version = t->version,
                                  .tmp = t->tmp,
                                  .parts = {.towers_version = t->version,
                                            .seq_version = t->base->seq_version,
                                            .content_version = t->base->content_version},
                                  .tower = tower};
    TW_TRY(twi_publish(j->e, &made, j->opt, err));
done:
    tw_tower_destroy(tower);
    return st;
}

tw_status tw_engine_import_towers(tw_engine *e, const char *folder, const tw_train_options *opt,
                                  char **report, tw_error *err)
{
    static const tw_train_options defaults = {0};
    job j = {.e = e, .opt = opt != NULL ? opt : &defaults, .folder = folder};

    *report = NULL;
    const tw_status st = twi_need_write(e, err);
    return st == TW_OK ? twi_training_run(e, import, &j, report, err) : st;
}
