/* Training the towers, and publishing what came of it. */
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "engine/data/make_tower.h"
#include "engine/data/tower_source.h"
#include "engine/data/train_set.h"
#include "engine/engine_state.h"
#include "engine/eval/measure_towers.h"
#include "engine/generation.h"
#include "engine/json_text.h"
#include "engine/models/model_dir.h"
#include "engine/models/publish.h"
#include "engine/train/hard_negatives.h"
#include "engine/train/training_frame.h"
#include "engine/train/verdict.h"
#include "engine/training.h"
#include "towers/recipe.h"

typedef struct job {
    tw_engine *e;
    const tw_train_options *opt;
    tw_tower_recipe recipe;
    twi_catalogue c;
    twi_events log;
    twi_train_set x;
    tw_tower *tower;
    tw_tower_samples *samples;
    twi_unreadable unread;
    tw_tower_report result;
    double valid_before, valid_after; /* of epoch 0, of the best epoch behind it; NaN: none */
    twi_verdict verdict;
    twi_hard_search hard;
    FILE *metrics; /* borrowed */
} job;

/* ---- training -------------------------------------------------------------------------------- */

static void write_epoch(void *ctx, const tw_tower_epoch *line)
{
    job *j = ctx;
    tw_text text;
    if (line->epoch == 0)
        j->valid_before = line->valid;
    else if (!(line->valid <= j->valid_after))
        j->valid_after = line->valid;
    tw_text_init(&text, 4096);
    if (tw_tower_epoch_format(line, &text, NULL) == TW_OK)
        (void) fprintf(j->metrics, "%s\n", tw_text_cstr(&text)); /* checked when it is closed */
    tw_text_fini(&text);
}

/* A second copy of the towers that serve. */
static tw_status copy_serving(job *j, tw_error *err)
{
    tw_status st = TW_OK;
    char dir[TW_PATH_MAX], path[TW_PATH_MAX];
    twi_generation *g = twi_acquire(j->e);

    if (g->tower == NULL) {
        st = twi_no_towers(j->e, err);
        goto done;
    }
    TW_TRY(twi_model_dir(j->e, g->version, dir, err));
    TW_TRY(tw_path_join(path, dir, TWI_TOWERS_FILE, err));
    TW_TRY(tw_tower_load(&j->tower, path, err));
    const int64_t seed = j->recipe.tower.seed;
    j->recipe.tower = tw_tower_config_of(j->tower);
    j->recipe.tower.seed = seed;
done:
    twi_release(j->e, g);
    return st;
}

static tw_status fit_and_train(job *j, const char *checkpoint, tw_error *err)
{
    tw_status st = j->opt->warm_start ? copy_serving(j, err)
                                      : twi_make_tower(&j->recipe.tower, &j->c, j->opt->vocabulary,
                                                       &j->tower, err);
    if (st == TW_OK)
        st = twi_catalogue_samples(j->e, j->tower, &j->c, &j->unread, j->opt->progress,
                                   j->opt->progress_ctx, &j->samples, err);
    twi_unreadable_log(&j->unread, "training");
    if (st == TW_OK)
        st = tw_tower_fit(j->tower, j->samples, err);
    if (st != TW_OK)
        return st;
    const tw_tower_watch watch = {.progress = j->opt->progress,
                                  .progress_ctx = j->opt->progress_ctx,
                                  .epoch = write_epoch,
                                  .epoch_ctx = j,
                                  .checkpoint = checkpoint};
    const twi_tower_split *split = &j->x.split;
    const tw_tower_data data = {.samples = j->samples,
                                .search = &j->hard.search,
                                .n_items = j->c.n,
                                .pairs = split->pairs,
                                .n_pairs = split->parts.train,
                                .triplets = j->x.triplets,
                                .n_triplets = j->x.triplet_parts.train,
                                .classes = j->x.classes,
                                .groups = j->x.groups,
                                .held = j->x.held,
                                .self = j->x.self,
                                .valid =
                                    split->pairs == NULL ? NULL : split->pairs + split->parts.train,
                                .n_valid = split->parts.valid,
                                .valid_apart = split->apart};
    return tw_tower_train(j->tower, &data, &j->recipe.train, &watch, &j->result, err);
}

/* ---- was it worth it? ------------------------------------------------------------------------ */

/* Items that show only themselves, in one modality, are told apart by what the views of them keep;
 * of few, a net learns them by heart and finds others worse than before (spoken words, R@1
 * untrained to trained: .70 to .63 of 120, .79 to .84 of 250), while validation, which asks for
 * views again, rises in both. */
static void doubt_few(const job *j, twi_verdict *v)
{
    enum { FEWEST = 200 };
    int kinds = 0;
    int64_t most = 0;
    for (tw_modality m = 0; m < TW_MODALITIES; m++) {
        const int64_t n = tw_tower_samples_with(j->samples, m);
        kinds += n > 0;
        most = n > most ? n : most;
    }
    if (j->opt->source == TW_PAIRS_SELF && j->result.epochs > 0 && v->reason[0] == '\0' &&
        kinds == 1 && most < FEWEST) {
        (void) snprintf(v->reason, sizeof v->reason,
                        "%lld items of one kind are too few to learn from themselves: below %d it "
                        "made towers worse",
                        (long long) most, FEWEST);
    }
}

/* The best epoch is the one whose weights were kept; 0 stands for before the training. */
static void reach_verdict(job *j)
{
    twi_verdict *v = &j->verdict;
    if (j->result.epochs > 0 && j->result.best_epoch == 0) {
        const char *before = j->opt->warm_start ? "the towers that serve" : "untrained towers";
        if (isnan(j->valid_before)) {
            (void) snprintf(v->reason, sizeof v->reason,
                            "the vectors of all items fell together in training");
        } else {
            (void) snprintf(v->reason, sizeof v->reason,
                            "no epoch was better on validation (%.4f) than %s (%.4f)",
                            j->valid_after, before, j->valid_before);
        }
    }
    doubt_few(j, v);
    twi_verdict_settle(v, j->opt->activate);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* What the towers found of each kind, and what they could not read. */
static tw_status add_media(const job *j, json_t *root, tw_error *err)
{
    const unsigned modalities = tw_tower_modalities(j->tower);
    json_t *with = json_object();
    int bad = with == NULL;

    for (tw_modality m = 0; m < TW_MODALITIES && !bad; m++) {
        const int64_t n = tw_tower_samples_with(j->samples, m);
        if ((modalities >> m & 1) != 0)
            bad = json_object_set_new(with, tw_modality_name(m), json_integer(n));
    }
    bad = bad || json_object_set(root, "items_with", with) != 0 ||
          json_object_set_new(root, "unreadable", json_integer(j->unread.n)) != 0;
    if (!bad && j->unread.n > 0)
        bad = json_object_set_new(root, "first_unreadable", json_string(j->unread.first));
    json_decref(with);
    return bad ? tw_fail(err, TW_ENOMEM, "training report") : TW_OK;
}

/* What eval needs to make the same split again. A file is named from the root, because eval may be
 * run from another folder; a name that JSON cannot hold is left out. */
static tw_status add_source(const job *j, json_t *root, tw_error *err)
{
    const tw_train_options *opt = j->opt;
    char full[PATH_MAX];
    const bool file = opt->source == TW_PAIRS_FILE || opt->source == TW_PAIRS_TRIPLETS;
    const char *from = file && realpath(opt->path, full) != NULL ? full : opt->path;
    int bad = json_object_set_new(root, "source", json_string(twi_source_names[opt->source]));

    if (from != NULL)
        (void) json_object_set_new(root, "from", json_string(from));
    if (opt->groups != NULL)
        bad |= json_object_set_new(root, "groups", json_string(opt->groups));
    if (opt->hold_out != NULL)
        bad |= json_object_set_new(root, "hold_out", json_string(opt->hold_out));
    return bad == 0 ? TW_OK : tw_fail(err, TW_ENOMEM, "training report");
}

static tw_status add_figures(const job *j, json_t *root, tw_error *err)
{
    json_t *eval = NULL;
    const tw_pair_source source = j->opt->source;
    const twi_measure m = {.threads = j->e->threads,
                           .tower = j->tower,
                           .c = &j->c,
                           .samples = j->samples,
                           .log = &j->log,
                           .x = &j->x};
    if (j->opt->skip_eval || source == TW_PAIRS_SELF)
        return TW_OK;
    tw_status st = twi_measure_towers(&m, &eval, err);
    const char *key = source == TW_PAIRS_EVENTS    ? "eval"
                      : source == TW_PAIRS_CLASSES ? "eval_classes"
                                                   : "eval_pairs";
    if (st == TW_OK && json_object_set_new(root, key, eval) != 0)
        st = tw_fail(err, TW_ENOMEM, "training report");
    return st;
}

static tw_status write_report(job *j, int version, double seconds, char **report, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *root =
        json_pack("{s:i, s:I, s:I, s:I, s:s, s:i, s:i, s:s, s:f, s:o*}", "model", version, "items",
                  (json_int_t) j->c.n, "examples", (json_int_t) j->result.examples, "skipped_rows",
                  (json_int_t) j->x.skipped, "loss", tw_tower_loss_name(j->result.loss), "epochs",
                  j->result.epochs, "best_epoch", j->result.best_epoch, "stopped_by",
                  tw_tower_stop_name(j->result.stop), "seconds", seconds, "config",
                  tw_settings_json(&tw_tower_settings, &j->recipe));
    (void) json_object_set_new(root, "resumed_after", json_integer(j->result.resumed));
    if (!isnan(j->result.best_valid))
        (void) json_object_set_new(root, "valid", json_real(j->result.best_valid));
    if (j->x.classes != NULL)
        (void) json_object_set_new(root, "classes", json_integer(j->x.n_classes));
    if (j->x.skipped > 0)
        (void) json_object_set_new(root, "first_skipped", json_string(j->x.first_skipped));
    TW_TRY(twi_verdict_json(&j->verdict, root, err));
    TW_TRY(add_source(j, root, err));
    TW_TRY(add_media(j, root, err));
    TW_TRY(add_figures(j, root, err));
    TW_TRY(twi_json_dump(root, report, err));
done:
    json_decref(root);
    return st;
}

static tw_status train(void *ctx, twi_training *t, char **report, tw_error *err)
{
    job *j = ctx;
    tw_status st = TW_OK;
    char path[TW_PATH_MAX], checkpoint[TW_PATH_MAX];
    double start = tw_clock_monotonic();
    const twi_generation *base = t->base;
    const bool attributes = j->recipe.tower.attributes > TW_ATTRIBUTES_NONE;
    const unsigned wanted =
        attributes ? TWI_READ_ALL : TWI_READ_ALL & ~(1U << TW_MODALITY_ATTRIBUTES);

    TW_TRY(twi_catalogue_load(j->e, wanted, &j->c, err));
    if (j->c.n < 2) {
        st = tw_fail(err, TW_ESTATE,
                     "the catalogue has %lld items and training needs 2; load one with: twindex "
                     "ingest %s FILE",
                     (long long) j->c.n, j->e->dir);
        goto done;
    }
    TW_TRY(tw_path_join(checkpoint, twi_root(j->e), TWI_TOWERS_CHECKPOINT, err));
    TW_TRY(twi_events_load(j->e, &j->log, err));
    TW_TRY(twi_train_set_gather(j->e, j->opt, &j->recipe, &j->c, &j->log, &j->x, err));
    TW_TRY(twi_model_begin(j->e, base, true, &t->version, t->tmp, err));
    TW_TRY(twi_open_metrics(&t->metrics, t->tmp, TWI_TOWERS_METRICS, err));
    j->metrics = t->metrics;
    TW_TRY(fit_and_train(j, checkpoint, err));
    TW_TRY(twi_close_metrics(&t->metrics, err));
    reach_verdict(j);
    TW_TRY(tw_path_join(path, t->tmp, TWI_TOWERS_FILE, err));
    TW_TRY(tw_tower_save(j->tower, path, err));
    TW_TRY(write_report(j, t->version, tw_clock_monotonic() - start, report, err));
    TW_TRY(twi_model_report(t->tmp, TWI_TOWERS_REPORT, *report, err));
    const twi_smoothing smooth = {.c = &j->c,
                                  .pairs = j->x.split.pairs,
                                  .n_pairs = j->x.split.parts.train,
                                  .layers = j->recipe.mine.graph_layers};
    const twi_new_version made = {.version = t->version,
                                  .tmp = t->tmp,
                                  .parts = {.towers_version = t->version,
                                            .seq_version = base->seq_version,
                                            .content_version = base->content_version},
                                  .tower = j->tower,
                                  .smooth = smooth.layers > 0 ? &smooth : NULL,
                                  .withheld = twi_verdict_withholds(&j->verdict)};
    TW_TRY(twi_publish(j->e, &made, j->opt, err));
    (void) remove(checkpoint); /* what stays behind would only be logged: it names its training */
done:
    return st;
}

tw_status tw_engine_train_towers(tw_engine *e, const tw_train_options *opt, char **report,
                                 tw_error *err)
{
    static const tw_train_options defaults = {0};
    job j = {.e = e,
             .opt = opt != NULL ? opt : &defaults,
             .recipe = TW_TOWER_RECIPE_DEFAULT,
             .valid_before = (double) NAN,
             .valid_after = (double) NAN};
    tw_status st = twi_need_write(e, err);

    *report = NULL;
    if (st == TW_OK)
        st = twi_activate_check(j.opt->activate, err);
    j.recipe.train.threads = e->threads;
    if (st == TW_OK && j.opt->config_json != NULL)
        st = tw_tower_recipe_parse(&j.recipe, j.opt->config_json, strlen(j.opt->config_json), err);
    if (st != TW_OK)
        return st;
    twi_unreadable_init(&j.unread);
    twi_hard_search_init(&j.hard, 1);
    st = twi_training_run(e, train, &j, report, err);
    twi_hard_search_fini(&j.hard);
    twi_train_set_fini(&j.x);
    twi_unreadable_fini(&j.unread);
    twi_events_fini(&j.log);
    twi_catalogue_fini(&j.c);
    tw_tower_samples_destroy(j.samples);
    tw_tower_destroy(j.tower);
    return st;
}
