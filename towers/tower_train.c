/* Training: epochs of shuffled pairs, a look at the whole catalogue after each,
 * the best weights kept.
 *
 * A step embeds the batch on all workers, computes the loss over all of it on
 * the calling thread, and plays the gradients back on all workers. Its cost does
 * not depend on the number of buckets: only the rows of features that occur in
 * the batch are touched. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"
#include "nn/trainer.h"
#include "towers/internal.h"

enum {
    VALID_QUERIES = 2000, /* that choose the epoch: a standard error of about 0.01 */
    SPREAD_ITEMS = 4096   /* that measure collapse */
};

#define COLLAPSED_BELOW 0.02 /* spread; trained towers that work stand near 0.9 */
#define WARM_UP         0.05 /* share of the steps in which lr rises */

typedef struct run {
    tw_tower *t;
    const tw_tower_data *data;
    const tw_tower_train_config *cfg;
    const tw_tower_watch *watch;
    twi_examples x;
    const tw_tower_samples *samples;
    tw_tower_samples *own; /* samples, where the caller gave texts */
    twi_partners partners;
    twi_batch batch;
    tw_trainer *trainer;
    tw_real *logq;  /* (N) or NULL */
    int32_t *order; /* (x.n) */
    float *vecs;    /* (n_vecs, D) */
    int64_t n_vecs;
    tw_real **best; /* a copy of each tensor */
    bool validates;
    double start;        /* clock */
    double first_spread; /* of epoch 0 */
    int64_t step, steps; /* so far, and in all epochs */
} run;

static void fini(run *r)
{
    tw_trainer_destroy(r->trainer);
    twi_batch_fini(&r->batch);
    twi_partners_fini(&r->partners);
    tw_tower_samples_destroy(r->own);
    twi_examples_fini(&r->x);
    tw_free(r->logq);
    tw_free(r->order);
    tw_free(r->vecs);
    for (int i = 0; r->best != NULL && i < tw_params_count(r->t->params); i++)
        tw_free(r->best[i]);
    tw_free(r->best);
}

/* ---- setting up ---------------------------------------------------------------------------------
 */

static tw_status find_samples(run *r, tw_error *err)
{
    const tw_tower_data *d = r->data;
    const tw_tower_texts list = {d->texts, d->lens};
    const tw_tower_source source = tw_source_of_texts(&list, d->n_items);
    tw_status st = TW_OK;

    if (d->samples == NULL)
        st = tw_tower_prepare(&r->own, r->t, NULL, &source, NULL, NULL, err);
    else if (d->samples->n != d->n_items)
        st = tw_fail(err, TW_EINVAL, "samples of %lld items for a catalogue of %lld",
                     (long long) d->samples->n, (long long) d->n_items);
    r->samples = d->samples != NULL ? d->samples : r->own;
    return st;
}

/* A zero vector has no direction to learn. */
static tw_status drop_empty(run *r, tw_error *err)
{
    twi_examples *x = &r->x;
    int64_t kept = 0;

    for (int64_t k = 0; k < x->n; k++) {
        const twi_example e = x->rows[k];
        if (!twi_sample_empty(r->samples, e.a) && !twi_sample_empty(r->samples, e.b) &&
            !(x->given && twi_sample_empty(r->samples, e.negative)))
            x->rows[kept++] = e;
    }
    x->n = kept;
    return kept > 0 ? TW_OK
                    : tw_fail(err, TW_EINVAL, "no example that the %s loss can learn from",
                              tw_tower_loss_name(x->loss));
}

/* ln of each item's share of the sides of all pairs: how often it is drawn as a negative. */
static tw_status make_logq(run *r, tw_error *err)
{
    const int64_t N = r->data->n_items;
    const double sides = 2 * (double) r->x.n;

    if (!r->cfg->logq || r->x.loss != TW_LOSS_INFONCE)
        return TW_OK;
    r->logq = tw_alloc((size_t) N, sizeof *r->logq);
    if (r->logq == NULL)
        return tw_fail(err, TW_ENOMEM, "shares of %lld items", (long long) N);
    for (int64_t k = 0; k < r->x.n; k++) {
        r->logq[r->x.rows[k].a] += 1;
        r->logq[r->x.rows[k].b] += 1;
    }
    for (int64_t i = 0; i < N; i++) /* a given negative may stand in no pair: as if in one */
        r->logq[i] = (tw_real) log((r->logq[i] > 0 ? (double) r->logq[i] : 1) / sides);
    return TW_OK;
}

static tw_status set_up_batch(run *r, tw_error *err)
{
    twi_batch *b = &r->batch;
    const tw_tower_train_config *cfg = r->cfg;

    *b = (twi_batch){
        .tower = r->t,
        .samples = r->samples,
        .partners = &r->partners,
        .loss = r->x.loss,
        .temperature = cfg->temperature,
        .margin = cfg->margin,
        .modality_dropout = cfg->modality_dropout,
        .augment = {.dropout = cfg->dropout, .picture = cfg->augment, .strength = cfg->strength},
        .logq = r->logq,
        .labelled = r->x.labelled,
        .room = (int) (r->x.n < cfg->batch ? r->x.n : cfg->batch),
        .width = r->x.given ? 3 : 2,
        .D = r->t->cfg.dim,
        .workers = tw_trainer_workers(r->trainer)};
    if (cfg->margin == 0)
        b->margin = r->x.loss == TW_LOSS_TRIPLET ? 0.2 : 0.5;
    return twi_batch_init(b, r->data->n_items, err);
}

static tw_status make_buffers(run *r, tw_error *err)
{
    const int64_t N = r->data->n_items;

    r->n_vecs = r->validates || N < SPREAD_ITEMS ? N : SPREAD_ITEMS;
    r->order = tw_alloc((size_t) r->x.n, sizeof *r->order);
    r->vecs = tw_alloc((size_t) r->n_vecs * (size_t) r->t->cfg.dim, sizeof *r->vecs);
    if (r->order == NULL || r->vecs == NULL)
        return tw_fail(err, TW_ENOMEM, "vectors of %lld items", (long long) r->n_vecs);
    const int tensors = tw_params_count(r->t->params);
    r->best = tw_alloc((size_t) tensors, sizeof *r->best);
    if (r->best == NULL)
        return tw_fail(err, TW_ENOMEM, "a copy of the weights");
    for (int i = 0; i < tensors; i++) {
        const tw_param *p = tw_params_at(r->t->params, i);
        r->best[i] = tw_alloc((size_t) p->rows * (size_t) p->cols, sizeof *r->best[i]);
        if (r->best[i] == NULL)
            return tw_fail(err, TW_ENOMEM, "a copy of '%s'", p->name);
    }
    return TW_OK;
}

static bool can_validate(const run *r)
{
    int64_t k = 0;
    while (k < r->data->n_valid && r->x.loss != TW_LOSS_COSINE && r->data->valid[k].label < 0.5F)
        k++;
    return k < r->data->n_valid;
}

static tw_status set_up(run *r, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_trainer_config tc = {
        .threads = r->cfg->threads,
        .seed = (uint64_t) r->cfg->seed,
        .adam = {.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = r->cfg->weight_decay}};

    TW_TRY(twi_train_config_check(r->cfg, err));
    TW_TRY(twi_examples_build(&r->x, r->data, r->cfg->loss, err));
    TW_TRY(find_samples(r, err));
    TW_TRY(drop_empty(r, err));
    TW_TRY(make_logq(r, err));
    TW_TRY(
        twi_partners_build(&r->partners, r->data->n_items, r->x.positives, r->x.n_positives, err));
    r->validates = can_validate(r);
    TW_TRY(make_buffers(r, err));
    TW_TRY(tw_trainer_create(&r->trainer, r->t->params, &tc, err));
    TW_TRY(set_up_batch(r, err));
    r->steps = (r->x.n + r->cfg->batch - 1) / r->cfg->batch * r->cfg->epochs;
done:
    return st;
}

/* ---- one epoch ----------------------------------------------------------------------------------
 */

static void copy_best(run *r, bool restore)
{
    for (int i = 0; i < tw_params_count(r->t->params); i++) {
        const tw_param *p = tw_params_at(r->t->params, i);
        const size_t bytes = (size_t) p->rows * (size_t) p->cols * sizeof *p->value;
        memcpy(restore ? p->value : r->best[i], restore ? r->best[i] : p->value, bytes);
    }
}

/* Linear up, then half a cosine down to 0. */
static double learning_rate(const run *r)
{
    const double done = ((double) r->step + 1) / (double) r->steps;
    const double rise = done < WARM_UP ? done / WARM_UP : 1;
    return r->cfg->lr * rise * 0.5 * (1 + cos(3.14159265358979323846 * done));
}

static tw_status one_step(run *r, twi_loss_stats *stats, double *loss, tw_error *err)
{
    tw_status st = TW_OK;

    TW_TRY(tw_trainer_run(r->trainer, true, twi_batch_forward, &r->batch, err));
    *loss = twi_batch_loss(&r->batch, stats);
    TW_TRY(tw_trainer_run(r->trainer, false, twi_batch_backward, &r->batch, err));
    TW_TRY(tw_trainer_update(r->trainer, learning_rate(r), err));
    r->step++;
done:
    return st;
}

static tw_status tell(const run *r, tw_error *err)
{
    const tw_progress p = {.stage = "epoch", .done = r->step, .total = r->steps};
    if (r->watch->progress != NULL && r->watch->progress(r->watch->progress_ctx, &p) != 0)
        return tw_fail(err, TW_ECANCELLED, "training stopped at step %lld of %lld",
                       (long long) r->step, (long long) r->steps);
    return TW_OK;
}

static tw_status one_epoch(run *r, tw_tower_epoch *line, tw_error *err)
{
    tw_status st = TW_OK;
    const int64_t n = r->x.n, steps = (n + r->cfg->batch - 1) / r->cfg->batch;
    tw_rng rng;

    for (int64_t k = 0; k < n; k++)
        r->order[k] = (int32_t) k;
    tw_rng_seed3(&rng, (uint64_t) r->cfg->seed, 3, (uint64_t) line->epoch);
    tw_rng_shuffle(&rng, r->order, n);
    for (int64_t k = 0; k < steps; k++) {
        int64_t begin, end;
        twi_loss_stats stats;
        double loss;
        tw_pool_share(n, (int) k, (int) steps, &begin, &end);
        twi_batch_load(&r->batch, r->x.rows, r->order + begin, (int) (end - begin), &rng);
        TW_TRY(one_step(r, &stats, &loss, err));
        line->loss += loss / (double) steps;
        line->active += stats.active / (double) steps;
        line->pos_cosine += stats.pos_cosine / (double) steps;
        line->neg_cosine += stats.neg_cosine / (double) steps;
        TW_TRY(tell(r, err));
    }
done:
    return st;
}

static bool is_zero(const float *v, int D)
{
    int d = 0;
    while (d < D && v[d] == 0)
        d++;
    return d == D;
}

/* The mean of 1 - cosine over all pairs of rows is 1 - |mean row|^2. */
static double spread_of(const float *vecs, int64_t n, int D)
{
    double square = 0, rows = 0;
    for (int64_t i = 0; i < n; i++)
        rows += !is_zero(vecs + (size_t) i * (size_t) D, D);
    for (int d = 0; d < D && rows > 0; d++) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++)
            sum += (double) vecs[(size_t) i * (size_t) D + (size_t) d];
        square += sum / rows * (sum / rows);
    }
    return rows > 0 ? 1 - square : 0;
}

/* Embeds, measures spread and the validation figure. */
static tw_status look(run *r, tw_tower_epoch *line, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_tower_data *d = r->data;
    const int D = r->t->cfg.dim;
    tw_pool *pool = tw_trainer_pool(r->trainer);
    tw_retrieval found;

    twi_tower_refresh(r->t);
    TW_TRY(twi_embed_first(r->t, pool, r->samples, r->n_vecs, r->vecs, NULL, NULL, err));
    line->spread = spread_of(r->vecs, r->n_vecs < SPREAD_ITEMS ? r->n_vecs : SPREAD_ITEMS, D);
    line->valid = (double) NAN;
    if (r->validates && r->x.loss == TW_LOSS_COSINE) {
        TW_TRY(tw_pairs_spearman(&line->valid, r->vecs, d->n_items, D, d->valid, d->n_valid, err));
    } else if (r->validates) {
        TW_TRY(tw_retrieval_measure(&found, r->vecs, d->n_items, D,
                                    &(tw_retrieval_task){d->valid, d->n_valid,
                                                         d->valid_apart ? NULL : r->x.positives,
                                                         r->x.n_positives, VALID_QUERIES},
                                    pool, err));
        line->valid = found.ndcg;
    }
    line->seconds = tw_clock_monotonic() - r->start;
done:
    return st;
}

/* ---- all epochs ---------------------------------------------------------------------------------
 */

/* Judges the weights as they stand after an epoch, keeps them when they are the best, and tells. */
static tw_status judge(run *r, tw_tower_epoch *line, tw_tower_report *report, tw_error *err)
{
    tw_status st = TW_OK;

    TW_TRY(look(r, line, err));
    const bool collapsed = line->spread < COLLAPSED_BELOW && line->spread < 0.2 * r->first_spread;
    if (line->epoch == 0)
        line->best = true;
    else if (r->validates)
        line->best = line->valid > report->best_valid || isnan(report->best_valid);
    else
        line->best = !collapsed;
    if (line->best) {
        report->best_epoch = line->epoch;
        report->best_valid = line->valid;
        copy_best(r, false);
    }
    if (collapsed && line->epoch > 0)
        report->stop = TW_STOP_COLLAPSED;
    else if (r->validates && r->cfg->patience > 0 &&
             line->epoch - report->best_epoch >= r->cfg->patience)
        report->stop = TW_STOP_PATIENCE;
    if (r->watch->epoch != NULL)
        r->watch->epoch(r->watch->epoch_ctx, line);
done:
    return st;
}

static tw_status all_epochs(run *r, tw_tower_report *report, tw_error *err)
{
    tw_status st = TW_OK;
    tw_tower_epoch line = {0};

    TW_TRY(judge(r, &line, report, err));
    r->first_spread = line.spread;
    while (report->epochs < r->cfg->epochs && report->stop == TW_STOP_EPOCHS) {
        line = (tw_tower_epoch){.epoch = report->epochs + 1};
        TW_TRY(one_epoch(r, &line, err));
        report->epochs++;
        TW_TRY(judge(r, &line, report, err));
    }
done:
    return st;
}

tw_status tw_tower_train(tw_tower *t, const tw_tower_data *data, const tw_tower_train_config *cfg,
                         const tw_tower_watch *watch, tw_tower_report *report, tw_error *err)
{
    static const tw_tower_watch nobody = {0};
    tw_status st = TW_OK;
    tw_tower_report rep = {.best_valid = (double) NAN};
    run r = {.t = t, .data = data, .cfg = cfg, .watch = watch != NULL ? watch : &nobody};

    r.start = tw_clock_monotonic();
    TW_TRY(set_up(&r, err));
    rep.loss = r.x.loss;
    rep.examples = r.x.n;
    copy_best(&r, false);
    st = all_epochs(&r, &rep, err);
    copy_best(&r, true);
    twi_tower_refresh(t);
done:
    rep.seconds = tw_clock_monotonic() - r.start;
    if (report != NULL)
        *report = rep;
    fini(&r);
    return st;
}

/* ---- what is told -------------------------------------------------------------------------------
 */

const char *tw_tower_stop_name(tw_tower_stop stop)
{
    static const char *const names[] = {"all epochs done", "validation stopped improving",
                                        "collapsed"};
    return (size_t) stop < sizeof names / sizeof names[0] ? names[stop] : "unknown";
}

tw_status tw_tower_epoch_format(const tw_tower_epoch *line, tw_text *out, tw_error *err)
{
    char valid[32] = "null"; /* JSON has no NAN */
    if (isfinite(line->valid))
        (void) snprintf(valid, sizeof valid, "%.6g", line->valid);
    return tw_text_addf(out, err,
                        "{\"epoch\": %d, \"loss\": %.6g, \"active\": %.4g, \"pos_cosine\": %.4g, "
                        "\"neg_cosine\": %.4g, \"spread\": %.4g, \"valid\": %s, "
                        "\"seconds\": %.2f, \"best\": %s}",
                        line->epoch, line->loss, line->active, line->pos_cosine, line->neg_cosine,
                        line->spread, valid, line->seconds, line->best ? "true" : "false");
}
