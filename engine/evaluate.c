/* How good the models are on what the store holds, beside their baselines. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "engine/internal.h"

#define EVAL_QUERIES                                                                               \
    2000 /* items asked at most: keeps a large catalogue's evaluation in seconds                   \
          */
#define MAX_REPORT ((size_t) 1 << 20) /* bytes */

tw_status twi_json_dump(const json_t *value, char **out, tw_error *err)
{
    const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(9) | JSON_ENCODE_ANY;
    size_t len = value == NULL ? 0 : json_dumpb(value, NULL, 0, flags);
    *out = len == 0 ? NULL : tw_alloc(len + 1, 1);
    if (*out != NULL && json_dumpb(value, *out, len, flags) == len)
        return TW_OK;
    (void) tw_fail(err, TW_ENOMEM, "JSON text");
    return TW_ENOMEM; /* said outright, so that the analyser knows *out was set on TW_OK */
}

/* ---- towers ---------------------------------------------------------------------------------- */

/* Which people a part of the split holds, by the last digit of their hash. */
typedef struct people {
    int first, last; /* 0..9 */
    int64_t seed;
} people;

static bool belongs(const people *p, int64_t user)
{
    tw_rng rng; /* a hash of (seed, user): adding people moves nobody */
    tw_rng_seed3(&rng, (uint64_t) p->seed, (uint64_t) user, 0);
    int digit = (int) tw_rng_below(&rng, 10);
    return digit >= p->first && digit <= p->last;
}

#define LIKED 0.8 /* of the highest rating: 4 of 5, 8 of 10 */

static bool liked(const twi_log *log, int64_t i)
{
    return isnan(log->ratings[i]) || log->ratings[i] >= LIKED * log->most;
}

/* What these people liked, each history a run of positions in the catalogue. */
typedef struct runs {
    int32_t *items;
    int64_t *offsets, users;
} runs;

static tw_status histories(const twi_catalogue *c, const twi_log *log, const people *who, runs *out,
                           tw_error *err)
{
    int64_t n = 0;
    *out = (runs){.items = tw_alloc((size_t) log->n, sizeof *out->items),
                  .offsets = tw_alloc((size_t) log->n + 1, sizeof *out->offsets)};
    if (out->items == NULL || out->offsets == NULL)
        return tw_fail(err, TW_ENOMEM, "%lld events", (long long) log->n);
    for (int64_t i = 0; i < log->n; i++) {
        if (belongs(who, log->users[i]) && liked(log, i) && log->items[i] <= c->max_row &&
            c->position[log->items[i]] >= 0)
            out->items[n++] = c->position[log->items[i]];
        bool last = i + 1 == log->n || log->users[i + 1] != log->users[i];
        if (last && n > out->offsets[out->users])
            out->offsets[++out->users] = n;
    }
    return TW_OK;
}

/* Appends what one part of the people gives; *count pairs. */
static tw_status mine_part(const twi_catalogue *c, const twi_log *log, const people *who,
                           const tw_mine_config *cfg, twi_tower_split *out, int64_t *count,
                           tw_error *err)
{
    tw_status st = TW_OK;
    runs r = {0};
    tw_item_pair *pairs = NULL, *all;

    *count = 0;
    TW_TRY(histories(c, log, who, &r, err));
    TW_TRY(tw_mine_events(&pairs, count, r.items, r.offsets, r.users, c->n, cfg, err));
    all = tw_realloc(out->pairs, (size_t) (out->n + *count), sizeof *all);
    if (all == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld pairs", (long long) (out->n + *count));
        goto done;
    }
    if (*count > 0)
        memcpy(all + out->n, pairs, (size_t) *count * sizeof *all);
    out->pairs = all;
    out->n += *count;
done:
    tw_free(pairs);
    tw_free(r.items);
    tw_free(r.offsets);
    return st;
}

tw_status twi_mine(const twi_catalogue *c, const twi_log *log, const tw_mine_config *cfg,
                   int64_t seed, twi_tower_split *out, tw_error *err)
{
    tw_status st = TW_OK;
    const people train = {0, 5, seed}, valid = {6, 7, seed}, test = {8, 9, seed};

    *out = (twi_tower_split){.apart = true};
    TW_TRY(mine_part(c, log, &train, cfg, out, &out->parts.train, err));
    TW_TRY(mine_part(c, log, &valid, cfg, out, &out->parts.valid, err));
    TW_TRY(mine_part(c, log, &test, cfg, out, &out->parts.test, err));
done:
    return st;
}

static json_t *retrieval_json(const tw_retrieval *r)
{
    return json_pack("{s:I, s:f, s:f, s:f, s:f, s:f}", "queries", (json_int_t) r->queries,
                     "recall_at_10", r->recall, "ndcg_at_10", r->ndcg, "mrr", r->mrr,
                     "recall_at_10_se", r->recall_se, "ndcg_at_10_se", r->ndcg_se);
}

static tw_status measure(const tw_tower *t, const tw_tower_samples *samples, tw_pool *pool,
                         const tw_retrieval_task *task, json_t **out, tw_error *err)
{
    tw_status st = TW_OK;
    tw_retrieval r;
    int dim = tw_tower_dim(t);
    const int64_t n = tw_tower_samples_count(samples);
    float *vecs = tw_alloc((size_t) n, (size_t) dim * sizeof *vecs);

    if (vecs == NULL) {
        st = tw_fail(err, TW_ENOMEM, "vectors of %lld items", (long long) n);
        goto done;
    }
    TW_TRY(tw_tower_embed_samples(t, pool, samples, vecs, NULL, NULL, err));
    TW_TRY(tw_retrieval_measure(&r, vecs, n, dim, task, pool, err));
    *out = retrieval_json(&r);
done:
    tw_free(vecs);
    return st;
}

static tw_status measure_popularity(const twi_catalogue *c, const twi_log *log,
                                    const tw_retrieval_task *task, json_t **out, tw_error *err)
{
    tw_status st = TW_OK;
    tw_retrieval r;
    double *score = tw_alloc((size_t) c->n, sizeof *score);
    if (score == NULL)
        return tw_fail(err, TW_ENOMEM, "popularity of %lld items", (long long) c->n);
    for (int64_t i = 0; i < log->n; i++)
        if (log->items[i] <= c->max_row && c->position[log->items[i]] >= 0)
            score[c->position[log->items[i]]] += 1;
    TW_TRY(tw_retrieval_baseline(&r, score, c->n, task, err));
    *out = retrieval_json(&r);
done:
    tw_free(score);
    return st;
}

/* All three on one set of held-out pairs, so that the figures compare. */
static tw_status beside(const tw_tower *t, const tw_tower *raw, const twi_catalogue *c,
                        const tw_tower_samples *samples, const twi_log *log, tw_pool *pool,
                        const tw_retrieval_task *task, json_t **out, tw_error *err)
{
    json_t *model = NULL, *untrained = NULL, *popular = NULL;
    tw_status st = measure(t, samples, pool, task, &model, err);
    if (st == TW_OK)
        st = measure(raw, samples, pool, task, &untrained, err);
    if (st == TW_OK)
        st = measure_popularity(c, log, task, &popular, err);
    *out = json_pack("{s:o*, s:o*, s:o*}", "towers", model, "untrained", untrained, "popularity",
                     popular);
    return st;
}

tw_status twi_eval_towers(tw_engine *e, const tw_tower *t, const twi_catalogue *c,
                          const tw_tower_samples *samples, const twi_log *log,
                          const twi_tower_split *split, json_t **out, tw_error *err)
{
    tw_status st = TW_OK;
    tw_pool *pool = NULL;
    tw_tower *raw = NULL;
    json_t *test = NULL;
    const tw_split *p = &split->parts;
    const int64_t seen = p->train + p->valid;

    *out = NULL;
    TW_TRY(tw_pool_create(&pool, e->threads, err));
    TW_TRY(tw_tower_untrained(&raw, t, err));
    const tw_retrieval_task task = {.held = split->pairs + seen,
                                    .n_held = p->test,
                                    .known = split->pairs,
                                    .n_known = split->apart ? 0 : seen,
                                    .max_queries = EVAL_QUERIES};
    TW_TRY(beside(t, raw, c, samples, log, pool, &task, &test, err));
    *out =
        json_pack("{s:I, s:s, s:O}", "items", (json_int_t) c->n, "protocol",
                  split->apart ? "items liked together by people kept out of training, found among "
                                 "the whole catalogue"
                               : "held-out pairs, found among the whole catalogue; partners known "
                                 "from training are left out",
                  "test", test);
done:
    json_decref(test);
    tw_tower_destroy(raw);
    tw_pool_destroy(pool);
    return st;
}

/* How the active towers were trained, from the report beside them: only the same seed and mining
 * keep apart the people that training kept apart. */
static tw_status trained_with(const tw_engine *e, const twi_generation *g, tw_tower_recipe *out,
                              tw_error *err)
{
    tw_status st = TW_OK;
    char dir[TW_PATH_MAX], path[TW_PATH_MAX];
    char *data = NULL, *config = NULL;
    size_t len;
    json_t *root = NULL;

    *out = TW_TOWER_RECIPE_DEFAULT;
    TW_TRY(twi_model_dir(e, g->version, dir, err));
    TW_TRY(tw_path_join(path, dir, TWI_TOWERS_REPORT, err));
    TW_TRY(tw_file_read(path, MAX_REPORT, &data, &len, err));
    root = json_loadb(data, len, 0, NULL);
    if (json_object_get(root, "config") == NULL) {
        st = tw_fail(err, TW_ECORRUPT, "'%s' does not say how the towers were trained; train again",
                     path);
        goto done;
    }
    TW_TRY(twi_json_dump(json_object_get(root, "config"), &config, err));
    TW_TRY(tw_tower_recipe_parse(out, config, strlen(config), err));
done:
    json_decref(root);
    tw_free(config);
    tw_free(data);
    return st;
}

tw_status tw_engine_eval_towers(tw_engine *e, const tw_eval_options *opt, char **report,
                                tw_error *err)
{
    tw_status st = TW_OK;
    twi_generation *g = twi_acquire(e);
    twi_catalogue c = {0};
    twi_log log = {0};
    twi_tower_split split = {0};
    json_t *root = NULL;
    tw_tower_recipe recipe;
    tw_tower_samples *samples = NULL;
    twi_unread unread;

    twi_unread_init(&unread);
    (void) opt; /* nothing to choose: the split is the training's own */
    *report = NULL;
    if (g->tower == NULL) {
        st = tw_fail(err, TW_ESTATE, "no towers are trained yet; run: twindex train towers %s",
                     e->dir);
        goto done;
    }
    TW_TRY(trained_with(e, g, &recipe, err));
    TW_TRY(twi_catalogue_load(e, tw_tower_modalities(g->tower), &c, err));
    TW_TRY(twi_log_load(e, &log, err));
    TW_TRY(twi_mine(&c, &log, &recipe.mine, recipe.train.seed, &split, err));
    TW_TRY(twi_catalogue_samples(e, g->tower, &c, &unread, NULL, NULL, &samples, err));
    TW_TRY(twi_eval_towers(e, g->tower, &c, samples, &log, &split, &root, err));
    json_object_set_new(root, "model", json_integer(g->version));
    json_object_set_new(root, "seed", json_integer(recipe.train.seed));
    TW_TRY(twi_json_dump(root, report, err));
    twi_unread_tell(&unread, "evaluation");
done:
    twi_unread_fini(&unread);
    json_decref(root);
    tw_tower_samples_destroy(samples);
    tw_free(split.pairs);
    twi_log_fini(&log);
    twi_catalogue_fini(&c);
    twi_release(e, g);
    return st;
}

/* ---- the index ------------------------------------------------------------------------------- */

enum { INDEX_QUERIES = 200, INDEX_K = 10 };

static tw_status index_json(const tw_index *ix, json_t **out, tw_error *err)
{
    tw_status st = TW_OK;
    int dim = tw_index_dim(ix), n = 0;
    tw_index_stats stats;
    double recall = 1, us = 0;
    float *queries = tw_alloc(INDEX_QUERIES, (size_t) dim * sizeof *queries);

    *out = NULL;
    if (queries == NULL)
        return tw_fail(err, TW_ENOMEM, "index queries");
    tw_index_get_stats(ix, &stats);
    for (int64_t id = 1, step = stats.live / INDEX_QUERIES + 1;
         n < INDEX_QUERIES && n < stats.live && id <= TW_INDEX_MAX_ID && step > 0; id++) {
        if (id > 4 * (stats.live + stats.dead_rows) + 1000)
            break; /* ids are nearly dense: the rest were deleted */
        if (id % step == 0 &&
            tw_index_get(ix, id, queries + (size_t) n * (size_t) dim, NULL) == TW_OK)
            n++;
    }
    if (n > 0)
        TW_TRY(tw_index_recall(ix, queries, n, INDEX_K, NULL, &recall, &us, err));
    *out = json_pack("{s:s, s:I, s:I, s:I, s:I, s:i, s:f, s:f}", "kind", stats.kind, "vectors",
                     (json_int_t) stats.live, "delta", (json_int_t) stats.delta_rows, "dead",
                     (json_int_t) stats.dead_rows, "bytes", (json_int_t) stats.bytes, "queries", n,
                     "recall_at_10", recall, "us_per_query", us);
done:
    tw_free(queries);
    return st;
}

tw_status tw_engine_eval_index(tw_engine *e, const tw_eval_options *opt, char **report,
                               tw_error *err)
{
    (void) opt;
    tw_status st = TW_OK;
    twi_generation *g = twi_acquire(e);
    json_t *root = json_object(), *one = NULL;

    *report = NULL;
    if (g->items == NULL && g->next == NULL) {
        st = tw_fail(err, TW_ESTATE,
                     "no model is trained yet, so there is no index; run: twindex "
                     "train towers %s",
                     e->dir);
        goto done;
    }
    if (g->items != NULL) {
        TW_TRY(index_json(g->items, &one, err));
        json_object_set_new(root, "items", one);
    }
    if (g->next != NULL) {
        TW_TRY(index_json(g->next, &one, err));
        json_object_set_new(root, "next", one);
    }
    TW_TRY(twi_json_dump(root, report, err));
done:
    json_decref(root);
    twi_release(e, g);
    return st;
}
