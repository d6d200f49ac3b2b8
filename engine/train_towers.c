/* Training the towers, and publishing what came of it. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "engine/internal.h"
#include "ingest/ingest.h"

#define ATTRIBUTE_PARTNERS 5 /* pairs made per item with others of the same attribute value */

typedef struct job {
    tw_engine *e;
    const tw_train_options *opt;
    tw_tower_recipe recipe;
    twi_catalogue c;
    twi_log log;
    twi_tower_split split;     /* pairs */
    tw_item_triplet *triplets; /* or triplets */
    int64_t n_triplets, room_triplets, room_pairs, skipped;
    tw_split triplet_parts;
    tw_tower *tower;
    tw_tower_samples *samples;
    tw_tower_report result;
    FILE *metrics;
} job;

/* ---- examples -------------------------------------------------------------------------------- */

static tw_status position_of(job *j, const char *id, int32_t *out, tw_error *err)
{
    int64_t row;
    tw_status st = tw_store_row_by_id(j->e->store, id, &row, err);
    if (st == TW_OK && row <= j->c.max_row && j->c.position[row] >= 0) {
        *out = j->c.position[row];
        return TW_OK;
    }
    return st == TW_OK ? TW_ENOTFOUND : st;
}

static tw_status add_pair(job *j, tw_item_pair pair, tw_error *err)
{
    if (j->split.n == j->room_pairs) {
        int64_t room = j->room_pairs == 0 ? 1024 : 2 * j->room_pairs;
        tw_item_pair *more = tw_realloc(j->split.pairs, (size_t) room, sizeof *more);
        if (more == NULL)
            return tw_fail(err, TW_ENOMEM, "%lld pairs", (long long) room);
        j->split.pairs = more;
        j->room_pairs = room;
    }
    j->split.pairs[j->split.n++] = pair;
    return TW_OK;
}

static tw_status add_triplet(job *j, tw_item_triplet t, tw_error *err)
{
    if (j->n_triplets == j->room_triplets) {
        int64_t room = j->room_triplets == 0 ? 1024 : 2 * j->room_triplets;
        tw_item_triplet *more = tw_realloc(j->triplets, (size_t) room, sizeof *more);
        if (more == NULL)
            return tw_fail(err, TW_ENOMEM, "%lld triplets", (long long) room);
        j->triplets = more;
        j->room_triplets = room;
    }
    j->triplets[j->n_triplets++] = t;
    return TW_OK;
}

static tw_status add_row(job *j, const tw_row *r, bool triplets, tw_error *err)
{
    if (triplets) {
        tw_item_triplet t = {0};
        tw_status st = position_of(j, r->anchor, &t.anchor, NULL);
        if (st == TW_OK)
            st = position_of(j, r->positive, &t.positive, NULL);
        if (st == TW_OK)
            st = position_of(j, r->negative, &t.negative, NULL);
        return st == TW_OK ? add_triplet(j, t, err) : st;
    }
    tw_item_pair p = {.label = (float) r->label, .weight = 1};
    tw_status st = position_of(j, r->a, &p.a, NULL);
    if (st == TW_OK)
        st = position_of(j, r->b, &p.b, NULL);
    return st == TW_OK ? add_pair(j, p, err) : st;
}

/* Rows that name items the catalogue lacks, or are malformed, are counted and left out. */
static tw_status read_examples(job *j, bool triplets, tw_error *err)
{
    tw_status st = TW_OK;
    tw_reader *r = NULL;
    tw_row row;
    bool got = true;
    tw_error why = {0}, first = {0};

    TW_TRY(tw_reader_open(&r, j->opt->path, triplets ? TW_INGEST_TRIPLETS : TW_INGEST_PAIRS, NULL,
                          err));
    while (got) {
        st = tw_reader_next(r, &row, &got, &why);
        if (st == TW_OK && got)
            st = add_row(j, &row, triplets, &why);
        if (st == TW_OK)
            continue;
        if (st != TW_EINVAL && st != TW_ENOTFOUND) {
            st = tw_fail(err, st, "%s", why.msg);
            goto done;
        }
        if (st == TW_ENOTFOUND)
            (void) tw_fail(&why, st, "line %lld names an item that is not in the catalogue",
                           (long long) tw_reader_line(r));
        if (j->skipped++ == 0)
            first = why;
        st = TW_OK;
    }
    if (j->split.n + j->n_triplets == 0)
        st = tw_fail(err, TW_ESTATE, "'%.200s' holds no usable row; the first trouble: %.200s",
                     j->opt->path, first.msg[0] != '\0' ? first.msg : "the file is empty");
done:
    tw_reader_close(r);
    return st;
}

/* Groups of items that share a value: for each value, the items in catalogue order. */
static tw_status group_value(json_t *groups, const json_t *value, int32_t at, tw_error *err)
{
    char *key = NULL;
    tw_status st = twi_json_dump(value, &key, err);
    if (st != TW_OK)
        return st;
    json_t *group = json_object_get(groups, key);
    if (group == NULL) {
        group = json_array();
        (void) json_object_set_new(groups, key, group);
    }
    if (json_array_append_new(group, json_integer(at)) != 0)
        st = tw_fail(err, TW_ENOMEM, "groups of items");
    tw_free(key);
    return st;
}

static tw_status group_item(job *j, json_t *groups, const char *attributes, int32_t at,
                            tw_error *err)
{
    json_t *root = json_loads(attributes, 0, NULL);
    json_t *value = json_object_get(root, j->opt->path);
    size_t n = json_is_array(value) ? json_array_size(value) : value != NULL;
    tw_status st = TW_OK;
    for (size_t i = 0; i < n && st == TW_OK; i++)
        st = group_value(groups, json_is_array(value) ? json_array_get(value, i) : value, at, err);
    json_decref(root);
    return st;
}

typedef struct grouping {
    job *j;
    json_t *groups;
    int32_t at;
} grouping;

static tw_status group_each(void *ctx, const tw_item *item, tw_error *err)
{
    grouping *g = ctx;
    if (item->row > g->j->c.max_row || g->j->c.position[item->row] < 0)
        return TW_OK;
    return group_item(g->j, g->groups, item->attributes, g->j->c.position[item->row], err);
}

/* Partners at distances 1, 2, 4, ... in the group: few pairs, yet all of it is connected. */
static tw_status pairs_of_group(job *j, const json_t *group, tw_error *err)
{
    size_t n = json_array_size(group);
    for (size_t i = 0; i < n; i++) {
        for (size_t step = 1, made = 0; i + step < n && made < ATTRIBUTE_PARTNERS;
             step *= 2, made++) {
            const tw_item_pair p = {(int32_t) json_integer_value(json_array_get(group, i)),
                                    (int32_t) json_integer_value(json_array_get(group, i + step)),
                                    1, 1};
            tw_status st = add_pair(j, p, err);
            if (st != TW_OK)
                return st;
        }
    }
    return TW_OK;
}

static tw_status from_attribute(job *j, tw_error *err)
{
    tw_status st = TW_OK;
    const char *key;
    json_t *group;
    grouping g = {.j = j, .groups = json_object()};

    TW_TRY(tw_store_each_item(j->e->store, 0, group_each, &g, err));
    json_object_foreach(g.groups, key, group) TW_TRY(pairs_of_group(j, group, err));
    if (j->split.n == 0)
        st = tw_fail(err, TW_ESTATE, "no two items share a value of the attribute '%.60s'",
                     j->opt->path);
done:
    json_decref(g.groups);
    return st;
}

static tw_status gather_examples(job *j, tw_error *err)
{
    tw_split_config split = TW_SPLIT_DEFAULT;
    split.seed = j->recipe.train.seed;
    if (j->opt->source != TW_PAIRS_EVENTS && j->opt->path == NULL)
        return tw_fail(err, TW_EINVAL, "the file or attribute to train from is missing");
    tw_status st = twi_log_load(j->e, &j->log, err);
    if (st != TW_OK)
        return st;
    switch (j->opt->source) {
    case TW_PAIRS_EVENTS:
        st = twi_mine(&j->c, &j->log, &j->recipe.mine, split.seed, &j->split, err);
        if (st == TW_OK && j->split.parts.train == 0) {
            st = tw_fail(err, TW_ESTATE,
                         "no two items were consumed together often enough in %lld events; load an "
                         "interaction log with: twindex events %s FILE, or train with --pairs FILE",
                         (long long) j->log.n, j->e->dir);
        }
        return st;
    case TW_PAIRS_TRIPLETS:
        st = read_examples(j, true, err);
        return st == TW_OK
                   ? tw_triplets_split(j->triplets, j->n_triplets, &split, &j->triplet_parts, err)
                   : st;
    case TW_PAIRS_FILE: st = read_examples(j, false, err); break;
    case TW_PAIRS_ATTRIBUTE: st = from_attribute(j, err); break;
    }
    return st == TW_OK ? tw_pairs_split(j->split.pairs, j->split.n, &split, &j->split.parts, err)
                       : st;
}

/* ---- training -------------------------------------------------------------------------------- */

static void write_epoch(void *ctx, const tw_tower_epoch *line)
{
    job *j = ctx;
    tw_text text;
    tw_text_init(&text, 4096);
    if (tw_tower_epoch_format(line, &text, NULL) == TW_OK)
        (void) fprintf(j->metrics, "%s\n", tw_text_cstr(&text)); /* checked when it is closed */
    tw_text_fini(&text);
}

/* Decodes and tokenises on all workers. */
static tw_status prepare(job *j, const tw_tower_source *source, tw_error *err)
{
    tw_pool *pool = NULL;
    tw_status st = tw_pool_create(&pool, j->recipe.train.threads, err);
    if (st == TW_OK)
        st = tw_tower_prepare(&j->samples, j->tower, pool, source, j->opt->progress,
                              j->opt->progress_ctx, err);
    tw_pool_destroy(pool);
    return st;
}

static tw_status fit_and_train(job *j, tw_error *err)
{
    const tw_tower_source source = twi_catalogue_source(&j->c);
    tw_status st = tw_tower_create(&j->tower, &j->recipe.tower, NULL, err);
    if (st == TW_OK)
        st = prepare(j, &source, err);
    if (st == TW_OK)
        st = tw_tower_fit(j->tower, j->samples, err);
    if (st != TW_OK)
        return st;
    const tw_tower_watch watch = {.progress = j->opt->progress,
                                  .progress_ctx = j->opt->progress_ctx,
                                  .epoch = write_epoch,
                                  .epoch_ctx = j};
    const tw_tower_data data = {
        .samples = j->samples,
        .n_items = j->c.n,
        .pairs = j->split.pairs,
        .n_pairs = j->split.parts.train,
        .triplets = j->triplets,
        .n_triplets = j->triplet_parts.train,
        .valid = j->split.pairs == NULL ? NULL : j->split.pairs + j->split.parts.train,
        .n_valid = j->split.parts.valid};
    return tw_tower_train(j->tower, &data, &j->recipe.train, &watch, &j->result, err);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static json_t *recipe_json(const tw_tower_recipe *recipe)
{
    tw_text text;
    json_t *out = NULL;
    tw_text_init(&text, 16384);
    if (tw_tower_recipe_format(recipe, &text, NULL) == TW_OK)
        out = json_loads(tw_text_cstr(&text), 0, NULL);
    tw_text_fini(&text);
    return out;
}

static tw_status write_report(job *j, int version, double seconds, char **report, tw_error *err)
{
    static const char *const sources[] = {"events", "pairs", "triplets", "attribute"};
    tw_status st = TW_OK;
    json_t *eval = NULL;
    const bool by_events = j->opt->source == TW_PAIRS_EVENTS;
    json_t *root =
        json_pack("{s:i, s:s, s:I, s:I, s:I, s:s, s:i, s:i, s:s, s:f, s:o*}", "model", version,
                  "source", sources[j->opt->source], "items", (json_int_t) j->c.n, "examples",
                  (json_int_t) j->result.examples, "skipped_rows", (json_int_t) j->skipped, "loss",
                  tw_tower_loss_name(j->result.loss), "epochs", j->result.epochs, "best_epoch",
                  j->result.best_epoch, "stopped_by", tw_tower_stop_name(j->result.stop), "seconds",
                  seconds, "config", recipe_json(&j->recipe));
    if (!isnan(j->result.best_valid))
        (void) json_object_set_new(root, "valid", json_real(j->result.best_valid));
    if (!j->opt->skip_eval && j->split.n > 0) {
        TW_TRY(twi_eval_towers(j->e, j->tower, &j->c, j->samples, &j->log, &j->split, &eval, err));
        (void) json_object_set(root, by_events ? "eval" : "eval_pairs", eval);
    }
    TW_TRY(twi_json_dump(root, report, err));
done:
    json_decref(eval);
    json_decref(root);
    return st;
}

static tw_status train(job *j, char **report, tw_error *err)
{
    tw_status st = TW_OK;
    char tmp[TW_PATH_MAX], path[TW_PATH_MAX];
    int version = 0;
    double start = tw_clock_monotonic();
    twi_generation *base = twi_acquire(j->e);
    const twi_model_parts kept = {.seq_version = base->seq_version,
                                  .content_version = base->content_version};

    TW_TRY(twi_catalogue_load(j->e, true, &j->c, err));
    if (j->c.n < 2) {
        st = tw_fail(err, TW_ESTATE,
                     "the catalogue has %lld items and training needs 2; load one with: twindex "
                     "ingest %s FILE",
                     (long long) j->c.n, j->e->dir);
        goto done;
    }
    TW_TRY(gather_examples(j, err));
    TW_TRY(twi_model_begin(j->e, base, true, &version, tmp, err));
    TW_TRY(twi_open_metrics(&j->metrics, tmp, TWI_TOWERS_METRICS, err));
    TW_TRY(fit_and_train(j, err));
    TW_TRY(twi_close_metrics(&j->metrics, err));
    TW_TRY(tw_path_join(path, tmp, TWI_TOWERS_FILE, err));
    TW_TRY(tw_tower_save(j->tower, path, err));
    TW_TRY(write_report(j, version, tw_clock_monotonic() - start, report, err));
    TW_TRY(twi_model_report(tmp, TWI_TOWERS_REPORT, *report, err));
    TW_TRY(twi_publish(j->e, version, tmp,
                       (twi_model_parts){.towers_version = version,
                                         .seq_version = kept.seq_version,
                                         .content_version = kept.content_version},
                       j->tower, j->opt, err));
done:
    if (j->metrics != NULL)
        (void) fclose(j->metrics);
    if (st != TW_OK && version > 0)
        (void) !tw_remove_tree(tmp, NULL); /* the next sweep would, too */
    twi_release(j->e, base);
    return st;
}

tw_status tw_engine_train_towers(tw_engine *e, const tw_train_options *opt, char **report,
                                 tw_error *err)
{
    static const tw_train_options defaults = {0};
    job j = {.e = e, .opt = opt != NULL ? opt : &defaults, .recipe = TW_TOWER_RECIPE_DEFAULT};
    tw_status st = twi_need_write(e, err);

    *report = NULL;
    j.recipe.train.threads = e->threads;
    if (st == TW_OK && j.opt->config_json != NULL)
        st = tw_tower_recipe_parse(&j.recipe, j.opt->config_json, strlen(j.opt->config_json), err);
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
    tw_free(j.split.pairs);
    tw_free(j.triplets);
    twi_log_fini(&j.log);
    twi_catalogue_fini(&j.c);
    tw_tower_samples_destroy(j.samples);
    tw_tower_destroy(j.tower);
    return st;
}
