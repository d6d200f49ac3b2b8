#include "engine/eval/offline_eval.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/grow.h"
#include "base/numbering.h"
#include "engine/data/seq_settings.h"
#include "engine/eval/eval_seq.h"
#include "engine/json_text.h"
#include "engine/models/model_dir.h"
#include "engine/reader_options.h"
#include "ingest/ingest.h"

#define EVAL_SEED 42

#define MOST_NAME_BYTES ((size_t) 1 << 36) /* of all users, or of all items */

/* ---- the file -------------------------------------------------------------------------------- */

typedef struct offline_eval {
    const tw_offline_eval_options *opt;
    tw_seq_config cfg;
    const char *preset; /* of its settings */
    tw_string_numbering user, item;
    int32_t *users, *items; /* (n) */
    int64_t *times;         /* (n) */
    int64_t n, rejected;
    tw_field_source fields[TW_READER_FIELDS];
    int n_fields;
    size_t room;
    tw_seq_data *data;  /* everything */
    tw_seq_data *train; /* what is left to train on; NULL: everything */
    bool *unseen_users; /* (n_users+1) held out */
    bool *seen_users;   /* (n_users+1) the others */
    tw_seq_model *model;
    tw_seq_report result;
    FILE *metrics;
} offline_eval;

static tw_status take_row(offline_eval *s, const tw_row *row, tw_error *err)
{
    tw_status st = TW_OK;
    int32_t user, item;
    const tw_column columns[] = {TW_COLUMN(&s->users), TW_COLUMN(&s->items), TW_COLUMN(&s->times)};
    TW_TRY(tw_grow_columns(columns, 3, &s->room, (size_t) s->n + 1, "events", err));
    TW_TRY(tw_string_numbering_put(&s->user, row->user, strlen(row->user), &user, err));
    TW_TRY(tw_string_numbering_put(&s->item, row->item, strlen(row->item), &item, err));
    s->users[s->n] = user + 1; /* 0 is no user and no item in what is trained on */
    s->items[s->n] = item + 1;
    s->times[s->n++] = row->time;
done:
    return st;
}

static tw_status read_file(offline_eval *s, tw_error *err)
{
    tw_status st = TW_OK;
    tw_reader *r = NULL;
    tw_row row;
    const tw_ingest_options opt = {.format = s->opt->format,
                                   .columns = s->opt->columns,
                                   .header = s->opt->header,
                                   .encoding = s->opt->encoding,
                                   .separator = s->opt->separator,
                                   .quote = s->opt->quote,
                                   .escape = s->opt->escape,
                                   .time_format = s->opt->time_format,
                                   .allow_future = s->opt->allow_future};
    tw_error first = {0};

    TW_TRY(twi_open_reader(&r, s->opt->path, TW_INGEST_EVENTS, &opt, NULL, err));
    const tw_field_source *fields = tw_reader_fields(r, &s->n_fields);
    memcpy(s->fields, fields, (size_t) s->n_fields * sizeof *fields);
    for (bool got = true; got;) {
        tw_error why = {0};
        st = tw_reader_next(r, &row, &got, &why);
        if (st == TW_EINVAL && got) { /* a bad row */
            if (s->rejected++ == 0)
                first = why;
            continue;
        }
        if (st != TW_OK) {
            (void) tw_fail(err, st, "%s", why.msg);
            goto done;
        }
        if (got)
            TW_TRY(take_row(s, &row, err));
    }
    st = TW_OK;
    if (s->n == 0) {
        st = tw_fail(err, TW_EINVAL, "'%s' holds no event that can be read%s%s", s->opt->path,
                     s->rejected > 0 ? "; the first of them: " : "", first.msg);
    } else if (s->rejected > s->n) { /* not a log with bad rows, but hardly a log */
        st = tw_fail(err, TW_EINVAL, "'%s': %lld of %lld rows are no events; the first of them: %s",
                     s->opt->path, (long long) s->rejected, (long long) (s->rejected + s->n),
                     first.msg);
    }
done:
    tw_reader_close(r);
    return st;
}

static tw_status make_data(offline_eval *s, tw_error *err)
{
    tw_status st = TW_OK;
    bool *held_items = NULL;

    TW_TRY(tw_seq_data_create(&s->data, s->user.hashes.n, s->item.hashes.n, s->users, s->items,
                              s->times, s->n, err));
    if (s->opt->hold_out_users <= 0)
        goto done;
    s->unseen_users = tw_alloc((size_t) s->user.hashes.n + 1, sizeof *s->unseen_users);
    s->seen_users = tw_alloc((size_t) s->user.hashes.n + 1, sizeof *s->seen_users);
    held_items = tw_alloc((size_t) s->item.hashes.n + 1, sizeof *held_items);
    if (s->unseen_users == NULL || s->seen_users == NULL || held_items == NULL) {
        st = tw_fail(err, TW_ENOMEM, "marks of %d users", s->user.hashes.n);
        goto done;
    }
    TW_TRY(tw_seq_data_hold_out(&s->train, s->data, s->opt->hold_out_users, 0, s->cfg.seed,
                                s->unseen_users, held_items, err));
    for (int32_t u = 1; u <= s->user.hashes.n; u++)
        s->seen_users[u] = !s->unseen_users[u];
done:
    tw_free(held_items);
    return st;
}

/* ---- training and measuring ------------------------------------------------------------------ */

static void write_line(void *ctx, const char *line)
{
    offline_eval *s = ctx;
    if (s->metrics != NULL) {
        (void) fprintf(s->metrics, "%s\n", line); /* checked when it is closed */
        (void) fflush(s->metrics);                /* to be watched while it runs */
    }
}

static tw_status train(offline_eval *s, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_seq_hooks hooks = {.progress = s->opt->progress,
                                .progress_ctx = s->opt->progress_ctx,
                                .metrics = write_line,
                                .metrics_ctx = s,
                                .checkpoint = s->opt->checkpoint};

    if (s->opt->metrics_path != NULL) {
        s->metrics = fopen(s->opt->metrics_path, "we"); // banned-ok: to write
        if (s->metrics == NULL) {
            st = tw_fail_errno(err, "cannot create '%s'", s->opt->metrics_path);
            goto done;
        }
    }
    TW_TRY(tw_seq_model_create(&s->model, &s->cfg, s->user.hashes.n, s->item.hashes.n, err));
    TW_TRY(tw_seq_train(s->model, s->train != NULL ? s->train : s->data, &hooks, &s->result, err));
    if (s->metrics != NULL)
        TW_TRY(twi_close_metrics(&s->metrics, err));
done:
    return st;
}

/* to[name] = the model's figures, or where m is NULL the baseline's. */
static tw_status measure(json_t *to, const char *name, const offline_eval *s, const tw_seq_model *m,
                         tw_seq_baseline kind, const tw_seq_eval_config *cfg, tw_error *err)
{
    tw_status st = TW_OK;
    tw_seq_metrics x;
    json_t *one = NULL;

    if (m != NULL)
        TW_TRY(tw_seq_eval(m, s->data, cfg, &x, err));
    else
        TW_TRY(tw_seq_eval_baseline(kind, s->data, cfg, &x, err));
    TW_TRY(twi_metrics_json(&x, &one, err));
    if (json_object_set_new(to, name, one) != 0)
        st = tw_fail(err, TW_ENOMEM, "metrics");
done:
    return st;
}

/* One object with the three protocols. */
static tw_status add_protocols(json_t *root, const char *name, const offline_eval *s,
                               const tw_seq_model *m, tw_seq_baseline kind, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *to = json_object();
    tw_seq_eval_config cfg = {.split = TW_SEQ_TEST,
                              .seed = EVAL_SEED,
                              .seen = s->opt->seen,
                              .threads = s->cfg.threads,
                              .only_users = s->seen_users,
                              .learn_from = s->train};

    (void) json_object_set_new(root, name, to);
    for (int i = 0; tw_seq_protocol_names[i] != NULL; i++) {
        cfg.protocol = (tw_seq_protocol) i;
        cfg.lists = cfg.protocol == TW_SEQ_FULL;
        TW_TRY(measure(to, tw_seq_protocol_names[i], s, m, kind, &cfg, err));
    }
done:
    return st;
}

/* What people get that the training never met, by each recipe for their vector. */
static tw_status add_unseen_users(json_t *root, const offline_eval *s, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *to = json_object();
    tw_seq_eval_config cfg = {.split = TW_SEQ_TEST,
                              .as = TW_SEQ_AS_UNKNOWN,
                              .seen = s->opt->seen,
                              .threads = s->cfg.threads,
                              .only_users = s->unseen_users,
                              .learn_from = s->train};

    (void) json_object_set_new(root, "unseen_users", to);
    TW_TRY(measure(to, "unknown", s, s->model, TW_SEQ_POPULARITY, &cfg, err));
    if (s->cfg.user_dim > 0) {
        cfg.as = TW_SEQ_AS_MEAN;
        TW_TRY(measure(to, "mean", s, s->model, TW_SEQ_POPULARITY, &cfg, err));
        cfg.as = TW_SEQ_AS_FOLDED;
        TW_TRY(measure(to, "folded", s, s->model, TW_SEQ_POPULARITY, &cfg, err));
    }
    TW_TRY(measure(to, "popularity", s, NULL, TW_SEQ_POPULARITY, &cfg, err));
done:
    return st;
}

/* "columns": {"user": "visitorid", "rating": null}, "time_format": "milliseconds", "guessed": [] */
static void add_fields(json_t *root, const offline_eval *s)
{
    json_t *columns = json_object(), *guessed = json_array(), *format = json_null();
    for (int i = 0; i < s->n_fields; i++) {
        const tw_field_source *f = &s->fields[i];
        const bool none = f->column[0] == '\0';
        (void) json_object_set_new(columns, f->field, none ? json_null() : json_string(f->column));
        if (f->guessed && !none)
            (void) json_array_append_new(guessed, json_string(f->field));
        if (f->how[0] != '\0' && strcmp(f->field, "time") == 0)
            format = json_string(f->how);
    }
    (void) json_object_set_new(root, "columns", columns);
    (void) json_object_set_new(root, "time_format", format);
    (void) json_object_set_new(root, "guessed", guessed);
}

static tw_status add_settings(json_t *root, const offline_eval *s, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *valid = NULL;

    (void) json_object_set_new(root, "config", tw_settings_json(&tw_seq_settings, &s->cfg));
    (void) json_object_set_new(root, "preset", json_string(s->preset));
    (void) json_object_set_new(root, "name", json_string(twi_seq_name(&s->cfg)));
    (void) json_object_set_new(root, "seen", json_boolean(s->opt->seen));
    (void) json_object_set_new(root, "seed", json_integer(s->cfg.seed));
    (void) json_object_set_new(root, "eval_seed", json_integer(EVAL_SEED));
    (void) json_object_set_new(root, "users", json_integer(s->user.hashes.n));
    (void) json_object_set_new(root, "items", json_integer(s->item.hashes.n));
    (void) json_object_set_new(root, "events", json_integer(s->n));
    (void) json_object_set_new(root, "rejected", json_integer(s->rejected));
    (void) json_object_set_new(root, "parameters", json_integer(tw_seq_model_size(s->model)));
    (void) json_object_set_new(root, "epochs", json_integer(s->result.epochs));
    (void) json_object_set_new(root, "best_epoch", json_integer(s->result.best_epoch));
    (void) json_object_set_new(root, "resumed_after", json_integer(s->result.resumed));
    (void) json_object_set_new(root, "loss", json_real(s->result.loss));
    (void) json_object_set_new(root, "seconds", json_real(s->result.seconds));
    TW_TRY(twi_metrics_json(&s->result.valid, &valid, err));
    (void) json_object_set_new(root, "valid", valid);
done:
    return st;
}

static tw_status write_report(offline_eval *s, char **report, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *root = json_object(), *unknown = json_object();
    const tw_seq_eval_config cfg = {.split = TW_SEQ_TEST,
                                    .as = TW_SEQ_AS_UNKNOWN,
                                    .lists = true,
                                    .seen = s->opt->seen,
                                    .threads = s->cfg.threads,
                                    .only_users = s->seen_users,
                                    .learn_from = s->train};

    add_fields(root, s);
    TW_TRY(add_settings(root, s, err));
    TW_TRY(add_protocols(root, "test", s, s->model, TW_SEQ_POPULARITY, err));
    TW_TRY(measure(unknown, "full", s, s->model, TW_SEQ_POPULARITY, &cfg, err));
    (void) json_object_set(root, "as_unknown_user", unknown);
    TW_TRY(add_protocols(root, "popularity", s, NULL, TW_SEQ_POPULARITY, err));
    TW_TRY(add_protocols(root, "item_knn", s, NULL, TW_SEQ_ITEM_KNN, err));
    TW_TRY(add_protocols(root, "markov", s, NULL, TW_SEQ_MARKOV, err));
    if (s->unseen_users != NULL)
        TW_TRY(add_unseen_users(root, s, err));
    TW_TRY(twi_json_dump(root, report, err));
done:
    json_decref(unknown);
    json_decref(root);
    return st;
}

static void fini(offline_eval *s)
{
    if (s->metrics != NULL)
        (void) fclose(s->metrics);
    tw_seq_model_destroy(s->model);
    tw_seq_data_destroy(s->data);
    tw_seq_data_destroy(s->train);
    tw_free(s->unseen_users);
    tw_free(s->seen_users);
    tw_free(s->users);
    tw_free(s->items);
    tw_free(s->times);
    tw_string_numbering_fini(&s->user);
    tw_string_numbering_fini(&s->item);
}

tw_status tw_offline_eval(const tw_offline_eval_options *opt, char **report, tw_error *err)
{
    tw_status st = TW_OK;
    offline_eval s = {.opt = opt, .cfg = tw_seq_config_default(), .preset = opt->preset};

    *report = NULL;
    tw_string_numbering_init(&s.user, MOST_NAME_BYTES);
    tw_string_numbering_init(&s.item, MOST_NAME_BYTES);
    TW_TRY(tw_seq_config_choose(&s.cfg, opt->preset, opt->config_json, NULL, NULL, err));
    if (s.cfg.item_features_dim > 0) {
        st = tw_fail(err, TW_EINVAL,
                     "a log alone has no item features: item_features_dim must be 0");
        goto done;
    }
    TW_TRY(read_file(&s, err));
    const tw_seq_extent extent = {s.user.hashes.n, s.item.hashes.n, s.n};
    TW_TRY(twi_seq_settings(&s.cfg, &s.preset, opt->config_json, &extent, opt->progress,
                            opt->progress_ctx, err));
    if (opt->threads > 0)
        s.cfg.threads = opt->threads;
    TW_TRY(make_data(&s, err));
    TW_TRY(train(&s, err));
    if (opt->model_path != NULL)
        TW_TRY(tw_seq_model_save(s.model, opt->model_path, err));
    TW_TRY(write_report(&s, report, err));
    if (opt->checkpoint != NULL)
        (void) remove(opt->checkpoint);
done:
    fini(&s);
    return st;
}
