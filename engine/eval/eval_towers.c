/* How good the active towers are: on what their training kept apart, or on what the caller says. */
#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/data/tower_source.h"
#include "engine/engine_state.h"
#include "engine/eval/measure_towers.h"
#include "engine/evaluation.h"
#include "engine/generation.h"
#include "engine/json_text.h"
#include "engine/models/model_dir.h"
#include "engine/training.h"

#define MAX_REPORT ((size_t) 1 << 20) /* bytes */

typedef struct job {
    tw_engine *e;
    const tw_eval_options *opt;
    twi_generation *g;
    json_t *trained; /* the report of the towers' training */
    tw_tower_recipe recipe;
    twi_catalogue c;
    twi_events log;
    twi_train_set x;
    tw_tower_samples *samples;
    twi_unreadable unread;
    tw_pair_source source;
    const char *path; /* borrowed; NULL: events */
} job;

static const char *word(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL ? s : "";
}

/* ---- how the towers came to be --------------------------------------------------------------- */

/* Only the same seed and mining keep apart the people that training kept apart. */
static tw_status read_training(job *j, tw_error *err)
{
    tw_status st = TW_OK;
    char dir[TW_PATH_MAX], path[TW_PATH_MAX];
    char *data = NULL, *config = NULL;
    size_t len;

    j->recipe = TW_TOWER_RECIPE_DEFAULT;
    TW_TRY(twi_model_dir(j->e, j->g->version, dir, err));
    TW_TRY(tw_path_join(path, dir, TWI_TOWERS_REPORT, err));
    TW_TRY(tw_file_read(path, MAX_REPORT, &data, &len, err));
    j->trained = json_loadb(data, len, 0, NULL);
    if (json_object_get(j->trained, "config") == NULL) {
        st = tw_fail(err, TW_ECORRUPT, "'%s' does not say how the towers were trained; train again",
                     path);
        goto done;
    }
    TW_TRY(twi_json_dump(json_object_get(j->trained, "config"), &config, err));
    TW_TRY(tw_tower_recipe_parse(&j->recipe, config, strlen(config), err));
done:
    tw_free(config);
    tw_free(data);
    return st;
}

static bool trained_on(const job *j, tw_pair_source source, const char *path)
{
    return strcmp(word(j->trained, "source"), twi_source_names[source]) == 0 &&
           (path == NULL || strcmp(word(j->trained, "from"), path) == 0);
}

/* ---- on what --------------------------------------------------------------------------------- */

static const char *held_out_then(const job *j)
{
    return json_string_value(json_object_get(j->trained, "hold_out"));
}

/* What the training had, as it had it. */
static tw_status gather_again(job *j, const char *groups, const char *hold_out, tw_error *err)
{
    const tw_train_options opt = {
        .source = j->source, .path = j->path, .groups = groups, .hold_out = hold_out};
    return twi_train_set_gather(j->e, &opt, &j->recipe, &j->c, &j->log, &j->x, err);
}

static tw_status gather_training(job *j, tw_error *err)
{
    const char *const groups = json_string_value(json_object_get(j->trained, "groups"));
    int source = 0;

    while (source <= TW_PAIRS_SELF &&
           strcmp(word(j->trained, "source"), twi_source_names[source]) != 0)
        source++;
    j->path = json_string_value(json_object_get(j->trained, "from"));
    if (source >= TW_PAIRS_SELF || (source != TW_PAIRS_EVENTS && j->path == NULL)) {
        return tw_fail(err, TW_ESTATE,
                       "the training of these towers (source: %.40s) kept nothing apart that could "
                       "be asked for again; say on what to measure them: --pairs FILE, --classes "
                       "NAME or --from-events",
                       word(j->trained, "source"));
    }
    j->source = (tw_pair_source) source;
    if (source == TW_PAIRS_EVENTS)
        j->path = NULL;
    return gather_again(j, groups, held_out_then(j), err);
}

/* Classes that the training did not know: every item asks, and is left out of its own answer. */
static tw_status gather_classes(job *j, tw_error *err)
{
    const bool learnt = trained_on(j, TW_PAIRS_CLASSES, j->path);
    tw_status st = gather_again(j, NULL, learnt ? held_out_then(j) : NULL, err);
    if (st == TW_OK && !learnt)
        memset(j->x.held, 1, (size_t) j->c.n);
    return st;
}

static tw_status gather_chosen(job *j, tw_error *err)
{
    const tw_eval_options *opt = j->opt;
    const int64_t seed = opt->seed != 0 ? (int64_t) opt->seed : j->recipe.train.seed;

    j->source = opt->source;
    j->path = opt->path;
    if (opt->source != TW_PAIRS_EVENTS && opt->path == NULL)
        return tw_fail(err, TW_EINVAL, "the file or attribute to measure on is missing");
    switch (opt->source) {
    case TW_PAIRS_EVENTS:
        if (!trained_on(j, TW_PAIRS_EVENTS, NULL)) /* else: the people kept apart then */
            j->recipe.train.seed = seed;
        return gather_again(j, NULL, NULL, err);
    case TW_PAIRS_FILE:
        return twi_test_set_gather(j->e, opt->path, opt->valid_path, seed, &j->c, &j->x, err);
    case TW_PAIRS_CLASSES: return gather_classes(j, err);
    case TW_PAIRS_TRIPLETS:
    case TW_PAIRS_ATTRIBUTE:
    case TW_PAIRS_SELF: break;
    }
    return tw_fail(err, TW_EINVAL, "towers are measured on events, pairs or classes");
}

/* ---- the whole ------------------------------------------------------------------------------- */

static tw_status add_circumstances(const job *j, json_t *root, tw_error *err)
{
    const int64_t then = json_integer_value(json_object_get(j->trained, "items"));
    int bad = json_object_set_new(root, "model", json_integer(j->g->version)) |
              json_object_set_new(root, "seed", json_integer(j->recipe.train.seed)) |
              json_object_set_new(root, "source", json_string(twi_source_names[j->source])) |
              json_object_set_new(root, "skipped_rows", json_integer(j->x.skipped)) |
              json_object_set_new(root, "unreadable", json_integer(j->unread.n));
    if (j->path != NULL) /* not in the report where JSON cannot hold it */
        (void) json_object_set_new(root, "from", json_string(j->path));
    if (j->x.skipped > 0)
        (void) json_object_set_new(root, "first_skipped", json_string(j->x.first_skipped));
    if (!j->opt->chosen)
        bad |= json_object_set_new(root, "items_at_training", json_integer(then));
    return bad == 0 ? TW_OK : tw_fail(err, TW_ENOMEM, "report of the towers");
}

static tw_status evaluate(job *j, char **report, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_eval_options *opt = j->opt;
    json_t *root = NULL;

    if (j->g->tower == NULL)
        return twi_no_towers(j->e, err);
    TW_TRY(read_training(j, err));
    TW_TRY(twi_catalogue_load(j->e, tw_tower_modalities(j->g->tower) | 1U << TW_MODALITY_TEXT,
                              &j->c, err));
    TW_TRY(twi_events_load(j->e, &j->log, err));
    if (opt->chosen)
        TW_TRY(gather_chosen(j, err));
    else
        TW_TRY(gather_training(j, err));
    TW_TRY(twi_catalogue_samples(j->e, j->g->tower, &j->c, &j->unread, opt->progress,
                                 opt->progress_ctx, &j->samples, err));
    const twi_measure m = {.threads = j->e->threads,
                           .tower = j->g->tower,
                           .c = &j->c,
                           .samples = j->samples,
                           .log = &j->log,
                           .x = &j->x,
                           .ks = opt->k,
                           .n_ks = opt->n_k,
                           .max_queries = opt->max_queries};
    TW_TRY(twi_measure_towers(&m, &root, err));
    TW_TRY(add_circumstances(j, root, err));
    TW_TRY(twi_json_dump(root, report, err));
    twi_unreadable_log(&j->unread, "evaluation");
done:
    json_decref(root);
    return st;
}

tw_status tw_engine_eval_towers(tw_engine *e, const tw_eval_options *opt, char **report,
                                tw_error *err)
{
    static const tw_eval_options defaults = {0};
    job j = {.e = e, .opt = opt != NULL ? opt : &defaults};

    *report = NULL;
    if (j.opt->max_queries < 0 || j.opt->max_queries > TW_EVAL_MAX_QUERIES)
        return tw_fail(err, TW_EINVAL, "max_queries %lld is outside 0..%d",
                       (long long) j.opt->max_queries, TW_EVAL_MAX_QUERIES);
    twi_unreadable_init(&j.unread);
    j.g = twi_acquire(e);
    tw_status st = evaluate(&j, report, err);
    twi_release(e, j.g);
    twi_unreadable_fini(&j.unread);
    json_decref(j.trained);
    tw_tower_samples_destroy(j.samples);
    twi_train_set_fini(&j.x);
    twi_events_fini(&j.log);
    twi_catalogue_fini(&j.c);
    return st;
}
