/* Training the sequential model, and publishing it. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "engine/data/dataset.h"
#include "engine/data/seq_cut.h"
#include "engine/data/seq_histories.h"
#include "engine/data/seq_settings.h"
#include "engine/engine_state.h"
#include "engine/eval/eval_seq.h"
#include "engine/generation.h"
#include "engine/json_text.h"
#include "engine/models/model_dir.h"
#include "engine/models/publish.h"
#include "engine/train/training_frame.h"
#include "engine/train/verdict.h"
#include "engine/training.h"
#include "engine/vectors.h"

typedef struct job {
    tw_engine *e;
    const tw_train_options *opt;
    tw_seq_config cfg;
    const char *preset; /* of its settings */
    const twi_generation *base;
    twi_catalogue c; /* with item features: all items, in the order of the model's numbers */
    twi_events log;
    int64_t *user_ids, *item_ids; /* of the model's numbers, from 1 */
    int32_t n_users, n_items;
    int64_t eventless; /* items that enter by their features alone */
    tw_seq_model *model;
    tw_seq_data *data;
    tw_seq_report result;
    tw_seq_eval_config validation;
    tw_seq_metrics popular; /* popularity on the same validation targets; all 0: none were there */
    twi_verdict verdict;
    FILE *metrics; /* borrowed */
} job;

/* Distinct values of a column of the log, ascending behind an unused element 0: the ids of the
 * model's indices 1, 2, ... */
static tw_status distinct(const int64_t *values, int64_t n, int64_t **ids, int32_t *count,
                          tw_error *err)
{
    int64_t most = 0;
    for (int64_t i = 0; i < n; i++)
        most = values[i] > most ? values[i] : most;
    bool *seen = tw_alloc((size_t) most + 1, sizeof *seen);
    int64_t *out = tw_alloc((size_t) most + 2, sizeof *out);
    if (seen == NULL || out == NULL) {
        tw_free(seen);
        tw_free(out);
        return tw_fail(err, TW_ENOMEM, "ids of %lld events", (long long) n);
    }
    for (int64_t i = 0; i < n; i++)
        seen[values[i]] = true;
    *count = 0;
    for (int64_t v = 1; v <= most; v++)
        if (seen[v])
            out[++*count] = v;
    tw_free(seen);
    *ids = out;
    return TW_OK;
}

/* The model's items are then those of the whole catalogue. */
static tw_status whole_catalogue(job *j, tw_error *err)
{
    tw_status st = twi_catalogue_load(j->e, 0, &j->c, err);
    if (st != TW_OK)
        return st;
    tw_free(j->item_ids);
    j->item_ids = tw_alloc((size_t) j->c.n + 1, sizeof *j->item_ids);
    if (j->item_ids == NULL)
        return tw_fail(err, TW_ENOMEM, "ids of %lld items", (long long) j->c.n);
    memcpy(j->item_ids + 1, j->c.rows, (size_t) j->c.n * sizeof *j->item_ids);
    j->n_items = (int32_t) j->c.n;
    return TW_OK;
}

typedef struct feature_rows {
    const tw_seq_model *model;
    int dim;
    tw_real *rows; /* (n_items+1, dim) */
} feature_rows;

static tw_status copy_features(void *ctx, const tw_store_vector_change *v, tw_error *err)
{
    const feature_rows *c = ctx;
    const int32_t item = tw_seq_item_index(c->model, v->row);
    (void) err;
    if (v->live && item > 0 && v->dim == c->dim && twi_vector_valid(v->vec, v->dim))
        memcpy(c->rows + (size_t) item * (size_t) v->dim, v->vec, (size_t) v->dim * sizeof *v->vec);
    return TW_OK;
}

/* An item without a vector keeps a zero row: it has no features. */
static tw_status give_features(job *j, tw_error *err)
{
    tw_status st = TW_OK;
    const size_t items = (size_t) tw_seq_model_items(j->model) + 1;
    feature_rows c = {.model = j->model, .dim = j->cfg.item_features_dim};

    c.rows = tw_alloc(items, (size_t) j->cfg.item_features_dim * sizeof *c.rows);
    if (c.rows == NULL) {
        st = tw_fail(err, TW_ENOMEM, "item features of %zu items", items);
        goto done;
    }
    TW_TRY(tw_store_each_vector(j->e->store, j->base->towers_version, 0, copy_features, &c, err));
    TW_TRY(tw_seq_model_set_item_features(j->model, c.rows, err));
done:
    tw_free(c.rows);
    return st;
}

static tw_status count_eventless(job *j, tw_error *err)
{
    const size_t rows = (size_t) j->c.max_row + 1;
    bool *met = tw_alloc(rows, sizeof *met);
    if (met == NULL)
        return tw_fail(err, TW_ENOMEM, "marks of %lld items", (long long) j->c.n);
    for (int64_t i = 0; i < j->log.n; i++)
        if (j->log.items[i] <= j->c.max_row)
            met[j->log.items[i]] = true;
    for (int64_t i = 0; i < j->c.n; i++)
        j->eventless += !met[j->c.rows[i]];
    tw_free(met);
    return TW_OK;
}

static tw_status read_log(job *j, tw_error *err)
{
    tw_status st = TW_OK;
    TW_TRY(twi_events_load(j->e, &j->log, err));
    if (j->log.n == 0) {
        st =
            tw_fail(err, TW_ESTATE,
                    "there are no events to train on; load an interaction log with: twindex events "
                    "%s FILE",
                    j->e->dir);
        goto done;
    }
    TW_TRY(distinct(j->log.users, j->log.n, &j->user_ids, &j->n_users, err));
    TW_TRY(distinct(j->log.items, j->log.n, &j->item_ids, &j->n_items, err));
    const tw_seq_extent extent = {j->n_users, j->n_items, j->log.n};
    TW_TRY(twi_seq_settings(&j->cfg, &j->preset, j->opt->config_json, &extent, j->opt->progress,
                            j->opt->progress_ctx, err));
done:
    return st;
}

static tw_status make_model(job *j, tw_error *err)
{
    tw_status st = TW_OK;
    const bool features = j->cfg.item_features_dim > 0;

    if (features)
        TW_TRY(whole_catalogue(j, err));
    TW_TRY(tw_seq_model_create(&j->model, &j->cfg, j->n_users, j->n_items, err));
    TW_TRY(tw_seq_model_set_ids(j->model, j->item_ids, j->user_ids, err));
    TW_TRY(twi_seq_data(j->model, &j->log, &j->data, err));
    if (features) {
        TW_TRY(give_features(j, err));
        TW_TRY(count_eventless(j, err));
    }
done:
    return st;
}

/* How wide item features are follows from the towers; a config may say it, but not otherwise. */
static tw_status choose_features(job *j, tw_error *err)
{
    if (!j->opt->item_features && j->cfg.item_features_dim == 0)
        return TW_OK;
    if (j->base->tower == NULL)
        return twi_no_towers(j->e, err);
    const int dim = tw_tower_dim(j->base->tower);
    if (j->cfg.item_features_dim != 0 && j->cfg.item_features_dim != dim) {
        return tw_fail(err, TW_EINVAL,
                       "item_features_dim %d is not the %d of the towers; leave it out",
                       j->cfg.item_features_dim, dim);
    }
    j->cfg.item_features_dim = dim;
    return tw_seq_config_check(&j->cfg, err);
}

static void write_line(void *ctx, const char *line)
{
    (void) fprintf(((job *) ctx)->metrics, "%s\n", line); /* checked when it is closed */
}

/* Counting costs nothing: what it beats on the targets that chose the weights is not worth serving.
 */
static tw_status reach_verdict(job *j, tw_error *err)
{
    tw_status st = TW_OK;
    twi_verdict *v = &j->verdict;
    enum { AT_10 = 2 }; /* where 10 stands in tw_seq_cuts */

    TW_TRY(tw_seq_validation(&j->validation, &j->cfg, j->data, err));
    if (j->result.best_epoch > 0) {
        const double own = j->result.valid.ndcg[AT_10];
        TW_TRY(tw_seq_eval_baseline(TW_SEQ_POPULARITY, j->data, &j->validation, &j->popular, err));
        if (j->popular.ndcg[AT_10] > own) {
            (void) snprintf(v->reason, sizeof v->reason,
                            "popularity was better on validation (NDCG@10 %.4f) than the model "
                            "(%.4f)",
                            j->popular.ndcg[AT_10], own);
        }
    }
    twi_verdict_settle(v, j->opt->activate);
done:
    return st;
}

static tw_status write_report(job *j, int version, double seconds, char **report, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *valid = NULL, *popular = NULL, *test = NULL;
    double repeats = 0;
    const tw_seq_eval_config full = {.split = TW_SEQ_TEST,
                                     .protocol = TW_SEQ_FULL,
                                     .seen = j->validation.seen,
                                     .threads = j->cfg.threads};
    json_t *root = json_pack("{s:i, s:i, s:i, s:I, s:i, s:i, s:i, s:f, s:f, s:I, s:o*}", "model",
                             version, "users", (int) tw_seq_model_users(j->model), "items",
                             (int) tw_seq_model_items(j->model), "events", (json_int_t) j->log.n,
                             "epochs", j->result.epochs, "resumed_after", j->result.resumed,
                             "best_epoch", j->result.best_epoch, "loss", j->result.loss, "seconds",
                             seconds, "parameters", (json_int_t) tw_seq_model_size(j->model),
                             "config", tw_settings_json(&tw_seq_settings, &j->cfg));

    TW_TRY(tw_seq_data_repeats(j->data, &repeats, err));
    (void) json_object_set_new(root, "preset", json_string(j->preset));
    (void) json_object_set_new(root, "repeats", json_real(repeats));
    (void) json_object_set_new(root, "item_features", json_boolean(j->cfg.item_features_dim > 0));
    if (j->cfg.item_features_dim > 0)
        (void) json_object_set_new(root, "items_without_events", json_integer(j->eventless));
    TW_TRY(twi_metrics_json(&j->result.valid, &valid, err));
    (void) json_object_set(root, "valid", valid);
    if (j->popular.users > 0) {
        TW_TRY(twi_metrics_json(&j->popular, &popular, err));
        (void) json_object_set(root, "valid_popularity", popular);
    }
    TW_TRY(twi_verdict_json(&j->verdict, root, err));
    if (!j->opt->skip_eval && j->result.best_epoch > 0) {
        TW_TRY(twi_eval_seq(j->model, j->data, &full, &test, err));
        (void) json_object_set_new(
            root, "protocol",
            json_string(full.seen
                            ? "leave one out; every item ranked, those in the user's history, too"
                            : "leave one out; every item ranked, those in the user's history left "
                              "out"));
        (void) json_object_set_new(root, "seen", json_boolean(full.seen));
        (void) json_object_set(root, "test", test);
    }
    TW_TRY(twi_json_dump(root, report, err));
done:
    json_decref(valid);
    json_decref(popular);
    json_decref(test);
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
    twi_model_parts parts = {.towers_version = base->towers_version};
    const tw_seq_hooks hooks = {.progress = j->opt->progress,
                                .progress_ctx = j->opt->progress_ctx,
                                .metrics = write_line,
                                .metrics_ctx = j,
                                .checkpoint = checkpoint};

    j->base = base;
    if (j->opt->item_features && base->tower == NULL)
        TW_TRY(twi_no_towers(j->e, err));
    TW_TRY(read_log(j, err));
    TW_TRY(choose_features(j, err));
    TW_TRY(tw_path_join(checkpoint, twi_root(j->e), TWI_SEQ_CHECKPOINT, err));
    TW_TRY(make_model(j, err));
    TW_TRY(twi_model_begin(j->e, base, false, &t->version, t->tmp, err));
    TW_TRY(twi_open_metrics(&t->metrics, t->tmp, TWI_SEQ_METRICS, err));
    j->metrics = t->metrics;
    TW_TRY(tw_seq_train(j->model, j->data, &hooks, &j->result, err));
    TW_TRY(twi_close_metrics(&t->metrics, err));
    TW_TRY(tw_path_join(path, t->tmp, TWI_SEQ_FILE, err));
    TW_TRY(tw_seq_model_save(j->model, path, err));
    TW_TRY(twi_cut_save(j->model, &j->log, t->tmp, err));
    TW_TRY(reach_verdict(j, err));
    TW_TRY(write_report(j, t->version, tw_clock_monotonic() - start, report, err));
    TW_TRY(twi_model_report(t->tmp, TWI_SEQ_REPORT, *report, err));
    parts.seq_version = t->version;
    parts.content_version = j->cfg.item_features_dim > 0 ? parts.towers_version : 0;
    const twi_new_version made = {.version = t->version,
                                  .tmp = t->tmp,
                                  .parts = parts,
                                  .withheld = twi_verdict_withholds(&j->verdict)};
    TW_TRY(twi_publish(j->e, &made, j->opt, err));
    (void) remove(checkpoint); /* what stays behind would only be logged: it names its run */
done:
    return st;
}

tw_status tw_engine_train_seq(tw_engine *e, const tw_train_options *opt, char **report,
                              tw_error *err)
{
    static const tw_train_options defaults = {0};
    job j = {.e = e, .opt = opt != NULL ? opt : &defaults, .cfg = tw_seq_config_default()};
    tw_status st = twi_need_write(e, err);

    *report = NULL;
    if (st == TW_OK)
        st = twi_activate_check(j.opt->activate, err);
    j.cfg.threads = e->threads;
    j.preset = j.opt->preset;
    if (st == TW_OK)
        st = tw_seq_config_choose(&j.cfg, j.preset, j.opt->config_json, NULL, NULL, err);
    if (st != TW_OK)
        return st;
    st = twi_training_run(e, train, &j, report, err);
    tw_seq_data_destroy(j.data);
    tw_seq_model_destroy(j.model);
    tw_free(j.user_ids);
    tw_free(j.item_ids);
    twi_events_fini(&j.log);
    twi_catalogue_fini(&j.c);
    return st;
}
