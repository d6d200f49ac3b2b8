/* Training the sequential model, and publishing it. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "engine/internal.h"

typedef struct job {
    tw_engine *e;
    const tw_train_options *opt;
    tw_seq_config cfg;
    twi_log log;
    tw_seq_model *model;
    tw_seq_data *data;
    tw_seq_report result;
    FILE *metrics;
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

static tw_status make_model(job *j, tw_error *err)
{
    tw_status st = TW_OK;
    int64_t *users = NULL, *items = NULL;
    int32_t n_users = 0, n_items = 0;

    if (j->log.n == 0) {
        st =
            tw_fail(err, TW_ESTATE,
                    "there are no events to train on; load an interaction log with: twindex events "
                    "%s FILE",
                    j->e->dir);
        goto done;
    }
    TW_TRY(distinct(j->log.users, j->log.n, &users, &n_users, err));
    TW_TRY(distinct(j->log.items, j->log.n, &items, &n_items, err));
    TW_TRY(tw_seq_model_create(&j->model, &j->cfg, n_users, n_items, err));
    TW_TRY(tw_seq_model_set_ids(j->model, items, users, err));
    TW_TRY(twi_seq_data(j->model, &j->log, &j->data, err));
done:
    tw_free(users);
    tw_free(items);
    return st;
}

static void write_line(void *ctx, const char *line)
{
    (void) fprintf(((job *) ctx)->metrics, "%s\n", line); /* checked when it is closed */
}

static json_t *config_json(const tw_seq_config *cfg)
{
    tw_text text;
    json_t *out = NULL;
    tw_text_init(&text, 16384);
    if (tw_seq_config_to_json(cfg, &text, NULL) == TW_OK)
        out = json_loads(tw_text_cstr(&text), 0, NULL);
    tw_text_fini(&text);
    return out;
}

static tw_status write_report(job *j, int version, double seconds, char **report, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *valid = NULL, *test = NULL;
    const tw_seq_eval_config full = {
        .split = TW_SEQ_TEST, .protocol = TW_SEQ_FULL, .threads = j->cfg.threads};
    json_t *root = json_pack(
        "{s:i, s:i, s:i, s:I, s:i, s:i, s:i, s:f, s:f, s:I, s:o*}", "model", version, "users",
        (int) tw_seq_model_users(j->model), "items", (int) tw_seq_model_items(j->model), "events",
        (json_int_t) j->log.n, "epochs", j->result.epochs, "resumed_after", j->result.resumed,
        "best_epoch", j->result.best_epoch, "loss", j->result.loss, "seconds", seconds,
        "parameters", (json_int_t) tw_seq_model_size(j->model), "config", config_json(&j->cfg));

    TW_TRY(twi_metrics_json(&j->result.valid, &valid, err));
    (void) json_object_set(root, "valid", valid);
    if (!j->opt->skip_eval && j->result.best_epoch > 0) {
        TW_TRY(twi_eval_seq(j->model, j->data, &full, &test, err));
        (void) json_object_set_new(
            root, "protocol",
            json_string("leave one out; every item ranked, those in the user's history left out"));
        (void) json_object_set(root, "test", test);
    }
    TW_TRY(twi_json_dump(root, report, err));
done:
    json_decref(valid);
    json_decref(test);
    json_decref(root);
    return st;
}

static tw_status train(job *j, char **report, tw_error *err)
{
    tw_status st = TW_OK;
    char tmp[TW_PATH_MAX], path[TW_PATH_MAX], checkpoint[TW_PATH_MAX];
    int version = 0;
    double start = tw_clock_monotonic();
    twi_generation *base = twi_acquire(j->e);
    const twi_model_parts kept = {.towers_version = base->towers_version};
    const tw_seq_hooks hooks = {.progress = j->opt->progress,
                                .progress_ctx = j->opt->progress_ctx,
                                .metrics = write_line,
                                .metrics_ctx = j,
                                .checkpoint = checkpoint};

    TW_TRY(tw_path_join(checkpoint, j->e->dir, TWI_SEQ_CHECKPOINT, err));
    TW_TRY(twi_log_load(j->e, &j->log, err));
    TW_TRY(make_model(j, err));
    TW_TRY(twi_model_begin(j->e, base, false, &version, tmp, err));
    TW_TRY(twi_open_metrics(&j->metrics, tmp, TWI_SEQ_METRICS, err));
    TW_TRY(tw_seq_train(j->model, j->data, &hooks, &j->result, err));
    TW_TRY(twi_close_metrics(&j->metrics, err));
    TW_TRY(tw_path_join(path, tmp, TWI_SEQ_FILE, err));
    TW_TRY(tw_seq_model_save(j->model, path, err));
    TW_TRY(write_report(j, version, tw_clock_monotonic() - start, report, err));
    TW_TRY(twi_model_report(tmp, TWI_SEQ_REPORT, *report, err));
    TW_TRY(twi_publish(
        j->e, version, tmp,
        (twi_model_parts){.towers_version = kept.towers_version, .seq_version = version}, NULL,
        j->opt, err));
    (void) remove(checkpoint); /* what stays behind would only be told of: it names its run */
done:
    if (j->metrics != NULL)
        (void) fclose(j->metrics);
    if (st != TW_OK && version > 0)
        (void) !tw_remove_tree(tmp, NULL); /* the next sweep would, too */
    twi_release(j->e, base);
    return st;
}

tw_status tw_engine_train_seq(tw_engine *e, const tw_train_options *opt, char **report,
                              tw_error *err)
{
    static const tw_train_options defaults = {0};
    job j = {.e = e, .opt = opt != NULL ? opt : &defaults, .cfg = tw_seq_config_default()};
    tw_status st = twi_need_write(e, err);

    *report = NULL;
    j.cfg.threads = e->threads;
    if (st == TW_OK && j.opt->config_json != NULL)
        st = tw_seq_config_from_json(&j.cfg, j.opt->config_json, strlen(j.opt->config_json), err);
    if (st == TW_OK)
        st = tw_seq_config_check(&j.cfg, err);
    if (st != TW_OK)
        return st;
    if (pthread_mutex_trylock(&e->bulk) != 0)
        return tw_fail(err, TW_EBUSY, "another ingest, events or train is running");
    st = train(&j, report, err);
    (void) pthread_mutex_unlock(&e->bulk);
    if (st != TW_OK) {
        tw_free(*report);
        *report = NULL;
    }
    tw_seq_data_destroy(j.data);
    tw_seq_model_destroy(j.model);
    twi_log_fini(&j.log);
    return st;
}
