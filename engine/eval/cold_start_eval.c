#include "engine/eval/cold_start_eval.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/data/dataset.h"
#include "engine/data/make_tower.h"
#include "engine/data/mining.h"
#include "engine/data/seq_settings.h"
#include "engine/data/tower_source.h"
#include "engine/engine_state.h"
#include "engine/eval/eval_seq.h"
#include "engine/generation.h"
#include "engine/json_text.h"
#include "engine/train/hard_negatives.h"

typedef struct cold_start_eval {
    tw_engine *e;
    const tw_cold_start_options *opt;
    tw_seq_config cfg;
    const char *preset; /* of its settings */
    tw_tower_recipe recipe;
    twi_catalogue c;      /* its positions, counted from 1, are the model's items */
    twi_events log, left; /* all events, and those that the towers may learn from */
    int32_t n_users;
    tw_seq_data *data, *train;
    bool *held_users, *held_items; /* marks, from 1 */
    bool *seen_users, *unseen_users,
        *others; /* whose targets are ranked; items that are not held out */
    int64_t n_held_users, n_held_items;
    int64_t pairs, met; /* what the towers learnt from; met: items in it */
    tw_tower *tower;
    tw_tower_samples *samples;
    tw_tower_report towers;
    tw_seq_model *model;
    tw_seq_report result;
} cold_start_eval;

/* ---- data ------------------------------------------------------------------------------------ */

/* The log is in order of users, so a user's number is how many came before. */
static tw_status make_data(cold_start_eval *s, tw_error *err)
{
    tw_status st = TW_OK;
    const int64_t n = s->log.n;
    int32_t *users = tw_alloc((size_t) n + 1, sizeof *users);
    int32_t *items = tw_alloc((size_t) n + 1, sizeof *items);

    if (users == NULL || items == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld events", (long long) n);
        goto done;
    }
    int64_t kept = 0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t row = s->log.items[i];
        if (row > s->c.max_row || s->c.position[row] < 0)
            continue; /* put between the two readings */
        s->n_users += kept == 0 || s->log.users[i] != s->log.users[kept - 1];
        s->log.users[kept] = s->log.users[i];
        s->log.items[kept] = row;
        s->log.times[kept] = s->log.times[i];
        s->log.ratings[kept] = s->log.ratings[i];
        users[kept] = s->n_users;
        items[kept++] = s->c.position[row] + 1;
    }
    s->log.n = kept;
    if (kept == 0) {
        st = tw_fail(err, TW_ESTATE,
                     "there are no events to train on; load a log with: twindex "
                     "events %s FILE",
                     s->e->dir);
        goto done;
    }
    TW_TRY(tw_seq_data_create(&s->data, s->n_users, (int32_t) s->c.n, users, items, s->log.times,
                              kept, err));
done:
    tw_free(users);
    tw_free(items);
    return st;
}

static tw_status hold_out(cold_start_eval *s, tw_error *err)
{
    tw_status st = TW_OK;
    const size_t users = (size_t) s->n_users + 1, items = (size_t) s->c.n + 1;

    s->held_users = tw_alloc(users, sizeof *s->held_users);
    s->held_items = tw_alloc(items, sizeof *s->held_items);
    s->seen_users = tw_alloc(users, sizeof *s->seen_users);
    s->unseen_users = tw_alloc(users, sizeof *s->unseen_users);
    s->others = tw_alloc(items, sizeof *s->others);
    if (s->held_users == NULL || s->held_items == NULL || s->seen_users == NULL ||
        s->unseen_users == NULL || s->others == NULL) {
        st = tw_fail(err, TW_ENOMEM, "marks of %d users", s->n_users);
        goto done;
    }
    TW_TRY(tw_seq_data_hold_out(&s->train, s->data, s->opt->hold_out_users, s->opt->hold_out_items,
                                s->cfg.seed, s->held_users, s->held_items, err));
    for (int32_t u = 1; u <= s->n_users; u++) {
        /* Of less than 3 events that are left, all are trained on: the target may be among them. */
        s->seen_users[u] = !s->held_users[u] && tw_seq_data_length(s->train, u) >= 3;
        s->unseen_users[u] = s->held_users[u];
        s->n_held_users += s->held_users[u];
    }
    for (int64_t i = 1; i <= s->c.n; i++) {
        s->others[i] = !s->held_items[i];
        s->n_held_items += s->held_items[i];
    }
done:
    return st;
}

/* s->left: the train parts of what is not held out. */
static tw_status leave_out(cold_start_eval *s, tw_error *err)
{
    const size_t n = (size_t) s->log.n;
    twi_events *to = &s->left;

    *to = (twi_events){.users = tw_alloc(n, sizeof *to->users),
                       .items = tw_alloc(n, sizeof *to->items),
                       .times = tw_alloc(n, sizeof *to->times),
                       .ratings = tw_alloc(n, sizeof *to->ratings),
                       .most = s->log.most};
    if (to->users == NULL || to->items == NULL || to->times == NULL || to->ratings == NULL)
        return tw_fail(err, TW_ENOMEM, "%zu events", n);
    bool *met = tw_alloc((size_t) s->c.n, sizeof *met);
    if (met == NULL)
        return tw_fail(err, TW_ENOMEM, "marks of %lld items", (long long) s->c.n);
    int32_t user = 0;
    int64_t had = 0; /* events of the user that were not held out */
    for (int64_t i = 0; i < s->log.n; i++) {
        const int32_t item = s->c.position[s->log.items[i]];
        if (i == 0 || s->log.users[i] != s->log.users[i - 1]) {
            user++;
            had = 0;
        }
        if (s->held_users[user] || s->held_items[item + 1] ||
            had++ >= tw_seq_data_train_length(s->train, user))
            continue;
        to->users[to->n] = s->log.users[i];
        to->items[to->n] = s->log.items[i];
        to->times[to->n] = s->log.times[i];
        to->ratings[to->n++] = s->log.ratings[i];
        s->met += !met[item];
        met[item] = true;
    }
    tw_free(met);
    return TW_OK;
}

/* ---- training -------------------------------------------------------------------------------- */

static tw_status train_towers(cold_start_eval *s, tw_error *err)
{
    tw_status st = TW_OK;
    twi_tower_split split = {0};
    const tw_tower_watch watch = {.progress = s->opt->progress,
                                  .progress_ctx = s->opt->progress_ctx};

    TW_TRY(leave_out(s, err));
    TW_TRY(twi_mine(&s->c, &s->left, &s->recipe.mine, s->recipe.train.seed, &split, err));
    if (split.parts.train == 0) {
        st = tw_fail(err, TW_ESTATE,
                     "no two items were consumed together often enough in the %lld "
                     "events that towers may learn from",
                     (long long) s->left.n);
        goto done;
    }
    s->pairs = split.parts.train;
    TW_TRY(twi_make_tower(&s->recipe.tower, &s->c, NULL, &s->tower, err));
    TW_TRY(twi_catalogue_samples(s->e, s->tower, &s->c, NULL, NULL, NULL, &s->samples, err));
    const tw_tower_data data = {.samples = s->samples,
                                .n_items = s->c.n,
                                .pairs = split.pairs,
                                .n_pairs = split.parts.train,
                                .valid = split.pairs + split.parts.train,
                                .n_valid = split.parts.valid,
                                .valid_apart = split.apart};
    TW_TRY(tw_tower_fit(s->tower, s->samples, err));
    TW_TRY(tw_tower_train(s->tower, &data, &s->recipe.train, &watch, &s->towers, err));
done:
    tw_free(split.pairs);
    return st;
}

static tw_status give_features(cold_start_eval *s, tw_error *err)
{
    tw_status st = TW_OK;
    const size_t dim = (size_t) tw_tower_dim(s->tower);
    float *features = tw_alloc((size_t) s->c.n + 1, dim * sizeof *features);

    if (features == NULL) {
        st = tw_fail(err, TW_ENOMEM, "item features of %lld items", (long long) s->c.n);
        goto done;
    }
    TW_TRY(tw_tower_embed_samples(s->tower, NULL, s->samples, features + dim, NULL, NULL, err));
    TW_TRY(tw_seq_model_set_item_features(s->model, features, err));
done:
    tw_free(features);
    return st;
}

static tw_status train(cold_start_eval *s, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_seq_hooks hooks = {.progress = s->opt->progress, .progress_ctx = s->opt->progress_ctx};

    if (s->opt->item_features) {
        TW_TRY(train_towers(s, err));
        s->cfg.item_features_dim = tw_tower_dim(s->tower);
    }
    TW_TRY(tw_seq_model_create(&s->model, &s->cfg, s->n_users, (int32_t) s->c.n, err));
    if (s->opt->item_features)
        TW_TRY(give_features(s, err));
    TW_TRY(tw_seq_train(s->model, s->train, &hooks, &s->result, err));
done:
    return st;
}

/* ---- measuring ------------------------------------------------------------------------------- */

/* What a rank drawn at random would reach, mean over the users that cfg ranks. */
static tw_status chance(const cold_start_eval *s, const tw_seq_eval_config *cfg, json_t *to,
                        tw_error *err)
{
    double hr = 0, ndcg = 0, best = 0;
    int64_t users = 0, given = 0;
    int32_t *met = tw_alloc((size_t) s->c.n + 1, sizeof *met);

    if (met == NULL)
        return tw_fail(err, TW_ENOMEM, "marks of %lld items", (long long) s->c.n);
    for (int rank = 1; rank <= 10; rank++)
        best += 1 / log2(1 + rank);
    for (int32_t u = 1; u <= s->n_users; u++) {
        const int32_t *items = tw_seq_data_items(s->data, u);
        const int64_t n = tw_seq_data_length(s->data, u);
        if (n < 3 || !cfg->only_users[u] || !cfg->only_targets[items[n - 1]])
            continue;
        double places = (double) s->c.n;
        for (int64_t i = 0; i + 1 < n && !cfg->seen; i++) { /* what was met does not compete */
            places -= met[items[i]] != u;
            met[items[i]] = u;
        }
        users++;
        if (met[items[n - 1]] == u) /* nor can it be given */
            continue;
        hr += fmin(10 / places, 1);
        ndcg += best / places;
        given++;
    }
    tw_free(met);
    json_t *x = json_pack("{s:I, s:f, s:f, s:f}", "users", (json_int_t) users, "auc",
                          0.5 * (double) given / (double) users, "hr_at_10", hr / (double) users,
                          "ndcg_at_10", ndcg / (double) users);
    return json_object_set_new(to, "random", x) == 0 ? TW_OK : tw_fail(err, TW_ENOMEM, "metrics");
}

/* to[name] = the model's figures. */
static tw_status add_model(json_t *to, const char *name, const cold_start_eval *s, tw_seq_as as,
                           const tw_seq_eval_config *cfg, tw_error *err)
{
    tw_status st = TW_OK;
    tw_seq_metrics x;
    json_t *one = NULL;
    tw_seq_eval_config how = *cfg;

    how.as = as;
    TW_TRY(tw_seq_eval(s->model, s->data, &how, &x, err));
    TW_TRY(twi_metrics_json(&x, &one, err));
    if (json_object_set_new(to, name, one) != 0)
        st = tw_fail(err, TW_ENOMEM, "metrics");
done:
    return st;
}

static tw_status add_baselines(json_t *to, const cold_start_eval *s, const tw_seq_eval_config *cfg,
                               tw_error *err)
{
    static const char *const names[] = {"popularity", "item_knn", "markov"};
    tw_status st = TW_OK;

    for (int i = 0; i < 3; i++) {
        tw_seq_metrics x;
        json_t *one = NULL;
        TW_TRY(tw_seq_eval_baseline((tw_seq_baseline) i, s->data, cfg, &x, err));
        TW_TRY(twi_metrics_json(&x, &one, err));
        if (json_object_set_new(to, names[i], one) != 0) {
            st = tw_fail(err, TW_ENOMEM, "metrics");
            goto done;
        }
    }
done:
    return st;
}

/* Whether anybody has a target that cfg ranks. */
static bool anybody(const cold_start_eval *s, const tw_seq_eval_config *cfg)
{
    for (int32_t u = 1; u <= s->n_users; u++) {
        const int64_t n = tw_seq_data_length(s->data, u);
        if (n >= 3 && cfg->only_users[u] && cfg->only_targets[tw_seq_data_items(s->data, u)[n - 1]])
            return true;
    }
    return false;
}

static tw_status add_known(json_t *to, const cold_start_eval *s, const tw_seq_eval_config *cfg,
                           tw_error *err)
{
    tw_status st = add_model(to, "seq", s, TW_SEQ_AS_KNOWN, cfg, err);
    return st == TW_OK ? add_model(to, "as_unknown_user", s, TW_SEQ_AS_UNKNOWN, cfg, err) : st;
}

static tw_status add_unseen_users(json_t *to, const cold_start_eval *s,
                                  const tw_seq_eval_config *cfg, tw_error *err)
{
    tw_status st = add_model(to, "unknown", s, TW_SEQ_AS_UNKNOWN, cfg, err);
    if (st == TW_OK && s->cfg.user_dim > 0)
        st = add_model(to, "mean", s, TW_SEQ_AS_MEAN, cfg, err);
    if (st == TW_OK && s->cfg.user_dim > 0)
        st = add_model(to, "folded", s, TW_SEQ_AS_FOLDED, cfg, err);
    return st;
}

static tw_status add_new_items(json_t *to, const cold_start_eval *s, const tw_seq_eval_config *cfg,
                               tw_error *err)
{
    tw_status st = add_model(to, "seq", s, TW_SEQ_AS_KNOWN, cfg, err);
    return st == TW_OK ? chance(s, cfg, to, err) : st;
}

static tw_status add_parts(json_t *root, const cold_start_eval *s, tw_error *err)
{
    tw_status st = TW_OK;
    const struct {
        const char *name;
        const bool *users, *targets;
        tw_status (*add)(json_t *to, const cold_start_eval *s, const tw_seq_eval_config *cfg,
                         tw_error *err);
    } parts[] = {{"known", s->seen_users, s->others, add_known},
                 {"unseen_users", s->unseen_users, s->others, add_unseen_users},
                 {"new_items", s->seen_users, s->held_items, add_new_items}};

    for (int i = 0; i < 3; i++) {
        const tw_seq_eval_config cfg = {.split = TW_SEQ_TEST,
                                        .seen = s->opt->seen,
                                        .threads = s->cfg.threads,
                                        .only_users = parts[i].users,
                                        .only_targets = parts[i].targets,
                                        .learn_from = s->train};
        if (!anybody(s, &cfg))
            continue;
        json_t *to = json_object();
        (void) json_object_set_new(root, parts[i].name, to);
        TW_TRY(parts[i].add(to, s, &cfg, err));
        TW_TRY(add_baselines(to, s, &cfg, err));
    }
done:
    return st;
}

static tw_status write_report(const cold_start_eval *s, char **report, tw_error *err)
{
    tw_status st = TW_OK;
    json_t *valid = NULL, *root = NULL;

    TW_TRY(twi_metrics_json(&s->result.valid, &valid, err));
    root =
        json_pack("{s:o, s:s, s:s, s:I, s:b, s:i, s:I, s:I, s:I, s:I, s:i, s:i, s:f, s:O}",
                  "config", tw_settings_json(&tw_seq_settings, &s->cfg), "preset", s->preset,
                  "name", twi_seq_name(&s->cfg), "seed", (json_int_t) s->cfg.seed, "item_features",
                  s->opt->item_features, "users", s->n_users, "items", (json_int_t) s->c.n,
                  "events", (json_int_t) s->log.n, "held_out_users", (json_int_t) s->n_held_users,
                  "held_out_items", (json_int_t) s->n_held_items, "epochs", s->result.epochs,
                  "best_epoch", s->result.best_epoch, "seconds", s->result.seconds, "valid", valid);
    (void) json_object_set_new(root, "seen", json_boolean(s->opt->seen));
    if (s->opt->item_features) {
        json_t *towers = json_pack("{s:I, s:I, s:I, s:i, s:i}", "events", (json_int_t) s->left.n,
                                   "items", (json_int_t) s->met, "pairs", (json_int_t) s->pairs,
                                   "epochs", s->towers.epochs, "best_epoch", s->towers.best_epoch);
        (void) json_object_set_new(root, "towers", towers);
    }
    TW_TRY(add_parts(root, s, err));
    TW_TRY(twi_json_dump(root, report, err));
done:
    json_decref(valid);
    json_decref(root);
    return st;
}

static tw_status run(cold_start_eval *s, char **report, tw_error *err)
{
    tw_status st = TW_OK;
    TW_TRY(twi_catalogue_load(s->e, TWI_READ_ALL, &s->c, err));
    TW_TRY(twi_events_load(s->e, &s->log, err));
    TW_TRY(make_data(s, err));
    const tw_seq_extent extent = {s->n_users, s->c.n, s->log.n};
    TW_TRY(twi_seq_settings(&s->cfg, &s->preset, s->opt->config_json, &extent, s->opt->progress,
                            s->opt->progress_ctx, err));
    if (s->opt->threads > 0)
        s->cfg.threads = s->opt->threads;
    s->cfg.item_features_dim = 0; /* follows from the towers */
    TW_TRY(hold_out(s, err));
    TW_TRY(train(s, err));
    TW_TRY(write_report(s, report, err));
done:
    return st;
}

static void fini(cold_start_eval *s)
{
    tw_seq_model_destroy(s->model);
    tw_tower_samples_destroy(s->samples);
    tw_tower_destroy(s->tower);
    tw_seq_data_destroy(s->data);
    tw_seq_data_destroy(s->train);
    tw_free(s->held_users);
    tw_free(s->held_items);
    tw_free(s->seen_users);
    tw_free(s->unseen_users);
    tw_free(s->others);
    twi_events_fini(&s->log);
    twi_events_fini(&s->left);
    twi_catalogue_fini(&s->c);
}

tw_status tw_engine_cold_start_eval(tw_engine *e, const tw_cold_start_options *opt, char **report,
                                    tw_error *err)
{
    tw_status st = TW_OK;
    cold_start_eval s = {.e = e,
                         .opt = opt,
                         .cfg = tw_seq_config_default(),
                         .preset = opt->preset,
                         .recipe = TW_TOWER_RECIPE_DEFAULT};

    *report = NULL;
    TW_TRY(tw_seq_config_choose(&s.cfg, opt->preset, opt->config_json, NULL, NULL, err));
    if (opt->towers_json != NULL)
        TW_TRY(tw_tower_recipe_parse(&s.recipe, opt->towers_json, strlen(opt->towers_json), err));
    if (opt->threads > 0)
        s.recipe.train.threads = opt->threads;
    TW_TRY(twi_bulk_begin(e, err));
    st = run(&s, report, err);
    twi_bulk_end(e);
done:
    fini(&s);
    return st;
}
