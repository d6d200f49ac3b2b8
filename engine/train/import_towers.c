/* Towers that others have trained become a model version of ours. */
#include <jansson.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "engine/engine_state.h"
#include "engine/generation.h"
#include "engine/json_text.h"
#include "engine/models/model_dir.h"
#include "engine/models/publish.h"
#include "engine/training.h"

static tw_status write_report(const tw_tower *t, const char *folder, int version, double seconds,
                              char **report, tw_error *err)
{
    tw_tower_recipe recipe = TW_TOWER_RECIPE_DEFAULT;
    recipe.tower = tw_tower_config_of(t);
    json_t *root = json_pack("{s:i, s:s, s:s, s:i, s:f, s:s*, s:o*}", "model", version, "source",
                             "import", "from", folder, "dim", tw_tower_dim(t), "seconds", seconds,
                             "prompt", tw_tower_prompt(t), "config", twi_recipe_json(&recipe));
    tw_status st = twi_json_dump(root, report, err);
    json_decref(root);
    return st;
}

static tw_status import(tw_engine *e, const char *folder, const tw_train_options *opt,
                        char **report, tw_error *err)
{
    tw_status st = TW_OK;
    char tmp[TW_PATH_MAX], path[TW_PATH_MAX];
    int version = 0;
    const double start = tw_clock_monotonic();
    twi_generation *base = twi_acquire(e);
    tw_tower *tower = NULL;

    TW_TRY(tw_tower_import_bert(&tower, folder, err));
    TW_TRY(twi_model_begin(e, base, true, &version, tmp, err));
    TW_TRY(tw_path_join(path, tmp, TWI_TOWERS_FILE, err));
    TW_TRY(tw_tower_save(tower, path, err));
    TW_TRY(write_report(tower, folder, version, tw_clock_monotonic() - start, report, err));
    TW_TRY(twi_model_report(tmp, TWI_TOWERS_REPORT, *report, err));
    const twi_new_version made = {.version = version,
                                  .tmp = tmp,
                                  .parts = {.towers_version = version,
                                            .seq_version = base->seq_version,
                                            .content_version = base->content_version},
                                  .tower = tower};
    TW_TRY(twi_publish(e, &made, opt, err));
done:
    if (st != TW_OK && version > 0)
        (void) !tw_remove_tree(tmp, NULL); /* the next sweep would, too */
    tw_tower_destroy(tower);
    twi_release(e, base);
    return st;
}

tw_status tw_engine_import_towers(tw_engine *e, const char *folder, const tw_train_options *opt,
                                  char **report, tw_error *err)
{
    static const tw_train_options defaults = {0};
    tw_status st = twi_need_write(e, err);

    *report = NULL;
    if (st != TW_OK)
        return st;
    st = twi_bulk_begin(e, err);
    if (st != TW_OK)
        return st;
    st = import(e, folder, opt != NULL ? opt : &defaults, report, err);
    twi_bulk_end(e);
    if (st != TW_OK) {
        tw_free(*report);
        *report = NULL;
    }
    return st;
}
