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
#include "metrics/partners.h"
#include "nn/trainer.h"
#include "towers/tower.h"
#include "towers/tower_config.h"
#include "towers/tower_embed.h"
#include "towers/train/tower_batch.h"
#include "towers/train/tower_batches.h"
#include "towers/train/tower_checkpoint.h"
#include "towers/train/tower_chunks.h"
#include "towers/train/tower_examples.h"
#include "towers/train/tower_hard_negatives.h"
#include "towers/train/tower_health.h"
#include "towers/train/tower_readable.h"
#include "towers/train/tower_validate.h"

enum { SPREAD_ITEMS = 4096 }; /* that measure collapse */

#define COLLAPSED_BELOW 0.02 /* spread; trained towers that work stand near 0.9 */
#define WARM_UP         0.05 /* share of the steps in which lr rises */

typedef struct run {
    tw_tower *t;
    const tw_tower_data *data; /* the caller's, later read.data */
    twi_readable read;
    const tw_tower_train_config *cfg;
    const tw_tower_watch *watch;
    twi_examples x;
    const tw_tower_samples *samples;
    tw_tower_samples *own; /* samples, where the caller gave texts */
    tw_partners partners;
    twi_batch batch;
    twi_proxies proxies; /* the proxy loss: of the classes */
    twi_chunks chunks;
    tw_trainer *trainer;
    tw_real *logq;       /* (N) or NULL */
    int32_t *cls;        /* (N) classes to learn from, or NULL */
    twi_batch_plan plan; /* classes: of the present epoch */
    int32_t *order;      /* pairs: (x.n) */
    float *vecs;         /* (n_vecs, D) */
    int64_t n_vecs;
    tw_real **best; /* a copy of each tensor */
    twi_valid_by valid_by;
    twi_tower_checkpoint checkpoint;
    double start;              /* clock */
    double first_spread;       /* of epoch 0 */
    int64_t step, epoch_steps; /* so far; in one epoch */
} run;

static void fini(run *r)
{
    tw_trainer_destroy(r->trainer);
    twi_tower_checkpoint_fini(&r->checkpoint);
    twi_batch_fini(&r->batch);
    twi_proxies_fini(&r->proxies);
    tw_partners_fini(&r->partners);
    tw_tower_samples_destroy(r->own);
    twi_readable_fini(&r->read);
    twi_examples_fini(&r->x);
    twi_batch_plan_fini(&r->plan);
    tw_free(r->logq);
    tw_free(r->cls);
    tw_free(r->order);
    tw_free(r->vecs);
    for (int i = 0; r->best != NULL && i < tw_params_count(r->t->params); i++)
        tw_free(r->best[i]);
    tw_free(r->best);
}

/* ---- setting up ------------------------------------------------------------------------------ */

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

static double margin_of(const run *r)
{
    if (r->cfg->margin > 0)
        return r->cfg->margin;
    return r->x.loss == TW_LOSS_CONTRASTIVE || r->x.loss == TW_LOSS_ONLINE ? 0.5 : 0.2;
}

static tw_status set_up_batch(run *r, tw_error *err)
{
    twi_batch *b = &r->batch;
    const tw_tower_train_config *cfg = r->cfg;
    const int width = r->x.given ? 3 : 2;
    const int64_t pairs = r->x.n < cfg->batch ? r->x.n : cfg->batch;

    *b = (twi_batch){
        .tower = r->t,
        .samples = r->samples,
        .partners = &r->partners,
        .cls = r->cls,
        .proxies = r->proxies.n > 0 ? &r->proxies : NULL,
        .loss = r->x.loss,
        .margin = margin_of(r),
        .hard = {.margin = margin_of(r), .soft = cfg->margin == 0},
        .scale = twi_scalars_of(r->x.loss, r->x.labelled, cfg),
        .modality_dropout = cfg->modality_dropout,
        .augment = {.dropout = cfg->dropout, .image = cfg->augment, .strength = cfg->strength},
        .prefixes = twi_prefixes_of(r->t->cfg.dim, cfg->matryoshka),
        .logq = r->logq,
        .labelled = r->x.labelled,
        .room = r->x.classes ? cfg->batch : (int) pairs * width,
        .width = width,
        .D = r->t->cfg.dim};
    tw_status st = twi_batch_init(b, r->data->n_items, err);
    r->chunks = (twi_chunks){.width = b->D,
                             .chunk = cfg->chunk,
                             .z = b->z,
                             .dz = b->dz,
                             .embed = twi_batch_embed,
                             .ctx = b};
    return st;
}

/* Held items have no class to learn, nor have those of which nothing can be read. */
static tw_status set_up_classes(run *r, tw_error *err)
{
    const tw_tower_data *d = r->data;
    if (!r->x.classes)
        return TW_OK;
    r->cls = tw_alloc((size_t) d->n_items, sizeof *r->cls);
    if (r->cls == NULL)
        return tw_fail(err, TW_ENOMEM, "classes of %lld items", (long long) d->n_items);
    for (int64_t i = 0; i < d->n_items; i++) {
        r->cls[i] = d->held != NULL && d->held[i] ? -1 : d->classes[i];
        r->x.n += r->cls[i] >= 0;
    }
    return TW_OK;
}

static tw_status plan_epoch(run *r, int epoch, tw_error *err)
{
    const tw_tower_train_config *cfg = r->cfg;
    const twi_class_how how = {.classes = cfg->batch / cfg->per_class,
                               .items = cfg->per_class,
                               .grouped = r->data->groups != NULL ? cfg->grouped : 0,
                               .seed = (uint64_t) cfg->seed};
    twi_batch_plan_fini(&r->plan);
    if (how.classes < 2)
        return tw_fail(err, TW_EINVAL, "a batch of %d holds fewer than two classes of %d items",
                       cfg->batch, cfg->per_class);
    return twi_batch_plan_classes(&r->plan, r->cls, r->data->groups, r->data->n_items, &how,
                                  (uint64_t) epoch, err);
}

static tw_status make_buffers(run *r, tw_error *err)
{
    const int64_t N = r->data->n_items;

    const bool all = r->valid_by != TWI_VALID_NONE || r->cfg->hard_negatives > 0;
    r->n_vecs = all || N < SPREAD_ITEMS ? N : SPREAD_ITEMS;
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
    TW_TRY(twi_readable_init(&r->read, r->data, r->samples, err));
    r->data = &r->read.data;
    TW_TRY(twi_readable_examples(&r->x, r->samples, err));
    TW_TRY(set_up_classes(r, err));
    if (r->cfg->hard_negatives > 0)
        twi_hard_negatives_begin(&r->x);
    if (r->cfg->logq && r->x.loss == TW_LOSS_INFONCE && !r->x.classes)
        TW_TRY(twi_examples_logq(&r->logq, &r->x, r->data->n_items, err));
    TW_TRY(
        tw_partners_build(&r->partners, r->data->n_items, r->x.positives, r->x.n_positives, err));
    r->valid_by = twi_valid_choose(r->data, &r->x);
    TW_TRY(make_buffers(r, err));
    twi_tower_freeze(r->t, r->cfg->fixed_projection);
    TW_TRY(tw_trainer_create(&r->trainer, r->t->params, &tc, err));
    if (r->x.loss == TW_LOSS_PROXY)
        TW_TRY(twi_proxies_of_classes(&r->proxies, r->cls, r->data->n_items, r->cfg, r->t->cfg.dim,
                                      err));
    TW_TRY(set_up_batch(r, err));
    if (r->x.classes)
        TW_TRY(plan_epoch(r, 1, err));
    r->epoch_steps = r->x.classes ? r->plan.n : (r->x.n + r->cfg->batch - 1) / r->cfg->batch;
done:
    return st;
}

/* ---- one epoch ------------------------------------------------------------------------------- */

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
    const double steps = (double) r->epoch_steps * r->cfg->epochs;
    const double done = ((double) r->step + 1) / steps;
    const double rise = done < WARM_UP ? done / WARM_UP : 1;
    return r->cfg->lr * rise * 0.5 * (1 + cos(3.14159265358979323846 * done));
}

static tw_status one_step(run *r, twi_loss_stats *stats, double *loss, tw_error *err)
{
    tw_status st = TW_OK;
    twi_batch *b = &r->batch;
    const double lr = learning_rate(r);

    r->chunks.rows = b->R;
    TW_TRY(twi_chunks_embed(&r->chunks, r->trainer, err));
    *loss = twi_batch_loss(b, stats);
    TW_TRY(twi_chunks_play(&r->chunks, r->trainer, err));
    TW_TRY(tw_trainer_update(r->trainer, lr, err));
    TW_TRY(twi_batch_update(b, lr, err));
    r->step++;
done:
    return st;
}

static tw_status report_step(const run *r, int epoch, double loss, tw_error *err)
{
    char note[80];
    const tw_progress p = {.stage = "training",
                           .done = r->step,
                           .total = r->epoch_steps * r->cfg->epochs,
                           .unit = "steps",
                           .note = note};
    (void) snprintf(note, sizeof note, "epoch %d/%d  loss %.4f", epoch, r->cfg->epochs, loss);
    if (r->watch->progress != NULL && r->watch->progress(r->watch->progress_ctx, &p) != 0) {
        return tw_fail(
            err, TW_ECANCELLED, "training was stopped in epoch %d of %d%s", epoch, r->cfg->epochs,
            r->watch->checkpoint != NULL ? "; the same command goes on from the epoch before" : "");
    }
    return TW_OK;
}

/* Loads batch k of the epoch. */
static void load_batch(run *r, int64_t k, tw_rng *rng)
{
    int64_t begin, end;
    if (r->x.classes) {
        begin = r->plan.offsets[k];
        end = r->plan.offsets[k + 1];
        twi_batch_load_classes(&r->batch, r->plan.rows + begin, (int) (end - begin), rng);
    } else {
        tw_pool_share(r->x.n, (int) k, (int) r->epoch_steps, &begin, &end);
        twi_batch_load(&r->batch, r->x.rows, r->order + begin, (int) (end - begin), rng);
    }
}

static tw_status one_epoch(run *r, tw_tower_epoch *line, tw_error *err)
{
    tw_status st = TW_OK;
    tw_rng rng;

    tw_rng_seed3(&rng, (uint64_t) r->cfg->seed, 3, (uint64_t) line->epoch);
    if (r->x.classes && line->epoch > 1)
        TW_TRY(plan_epoch(r, line->epoch, err));
    for (int64_t k = 0; k < r->x.n; k++)
        r->order[k] = (int32_t) k;
    tw_rng_shuffle(&rng, r->order, r->x.n);
    const int64_t steps = r->x.classes ? r->plan.n : r->epoch_steps;
    for (int64_t k = 0; k < steps; k++) {
        twi_loss_stats stats;
        double loss;
        load_batch(r, k, &rng);
        TW_TRY(one_step(r, &stats, &loss, err));
        line->loss += loss / (double) steps;
        line->active += stats.active / (double) steps;
        line->pos_cosine += stats.pos_cosine / (double) steps;
        line->neg_cosine += stats.neg_cosine / (double) steps;
        TW_TRY(report_step(r, line->epoch, line->loss * (double) steps / (double) (k + 1), err));
    }
done:
    return st;
}

/* Embeds, measures spread and the validation figure. */
static tw_status measure_epoch(run *r, tw_tower_epoch *line, tw_error *err)
{
    tw_status st = TW_OK;
    const int D = r->t->cfg.dim;
    tw_pool *pool = tw_trainer_pool(r->trainer);
    twi_health health;

    twi_tower_refresh(r->t);
    TW_TRY(twi_embed_first(r->t, pool, r->samples, r->n_vecs, r->vecs, NULL, NULL, err));
    TW_TRY(twi_health_measure(&health, r->vecs, r->n_vecs < SPREAD_ITEMS ? r->n_vecs : SPREAD_ITEMS,
                              D, err));
    line->spread = health.spread;
    line->uniformity = health.uniformity;
    line->directions = health.directions;
    TW_TRY(twi_validate(&line->valid, r->valid_by, r->data, &r->x, r->vecs, D, pool, err));
    line->seconds = tw_clock_monotonic() - r->start;
done:
    return st;
}

/* ---- all epochs ------------------------------------------------------------------------------ */

/* Evaluates the weights as they stand after an epoch, keeps them when they are the best, and
 * reports. */
static tw_status evaluate_epoch(run *r, tw_tower_epoch *line, tw_tower_report *report,
                                tw_error *err)
{
    tw_status st = TW_OK;

    TW_TRY(measure_epoch(r, line, err));
    const bool collapsed = line->spread < COLLAPSED_BELOW && line->spread < 0.2 * r->first_spread;
    if (line->epoch == 0)
        line->best = true;
    else if (r->valid_by != TWI_VALID_NONE)
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
    else if (r->valid_by != TWI_VALID_NONE && r->cfg->patience > 0 &&
             line->epoch - report->best_epoch >= r->cfg->patience)
        report->stop = TW_STOP_PATIENCE;
    if (r->watch->epoch != NULL)
        r->watch->epoch(r->watch->epoch_ctx, line);
done:
    return st;
}

/* Gives every pair a negative from what its first item is near by now. */
static tw_status draw_hard_negatives(run *r, int epoch, tw_error *err)
{
    const twi_hard_negatives_how how = {.draw_from = r->cfg->hard_negatives,
                                        .margin = r->cfg->hard_margin,
                                        .seed = (uint64_t) r->cfg->seed,
                                        .epoch = (uint64_t) epoch,
                                        .search = r->data->search,
                                        .pool = tw_trainer_pool(r->trainer)};
    return twi_hard_negatives_draw(&r->x, &r->partners, r->vecs, r->n_vecs, r->t->cfg.dim, &how,
                                   err);
}

/* Goes on where the checkpoint of an earlier run ends, if there is one, and reports its lines
 * again. r->vecs are those from before training. */
static tw_status go_on(run *r, tw_tower_report *report, tw_error *err)
{
    tw_status st = TW_OK;
    const twi_tower_checkpoint_about about = {.tower = r->t,
                                              .data = r->data,
                                              .samples = r->samples,
                                              .cfg = r->cfg,
                                              .workers = tw_trainer_workers(r->trainer),
                                              .vecs = r->vecs,
                                              .n_vecs = r->n_vecs};
    const twi_tower_checkpoint_state *s = &r->checkpoint.state;
    bool loaded;

    TW_TRY(twi_tower_checkpoint_begin(&r->checkpoint, r->watch->checkpoint, &about, err));
    r->checkpoint.proxies = r->proxies.params;
    TW_TRY(twi_tower_checkpoint_load(&r->checkpoint, r->t->params, r->best, &loaded, err));
    if (!loaded)
        goto done;
    *report = s->report;
    report->resumed = report->epochs;
    r->step = s->step;
    r->batch.scale = s->scale;
    r->start -= s->seconds;
    tw_trainer_set_steps(r->trainer, s->updates);
    if (r->proxies.trainer != NULL)
        tw_trainer_set_steps(r->proxies.trainer, s->updates);
    for (int64_t k = 0; k < r->checkpoint.n_lines && r->watch->epoch != NULL; k++)
        r->watch->epoch(r->watch->epoch_ctx, &r->checkpoint.lines[k]);
    twi_tower_refresh(r->t);
    if (r->cfg->hard_negatives > 0) /* the next epoch's are mined from these */
        TW_TRY(twi_embed_first(r->t, tw_trainer_pool(r->trainer), r->samples, r->n_vecs, r->vecs,
                               NULL, NULL, err));
done:
    return st;
}

static tw_status keep(run *r, const tw_tower_epoch *line, const tw_tower_report *report,
                      tw_error *err)
{
    tw_status st = TW_OK;
    r->checkpoint.state = (twi_tower_checkpoint_state){.report = *report,
                                                       .scale = r->batch.scale,
                                                       .step = r->step,
                                                       .updates = tw_trainer_steps(r->trainer),
                                                       .seconds = line->seconds};
    TW_TRY(twi_tower_checkpoint_add(&r->checkpoint, line, err));
    TW_TRY(twi_tower_checkpoint_save(&r->checkpoint, r->t->params, r->best, err));
done:
    return st;
}

static tw_status all_epochs(run *r, tw_tower_report *report, tw_error *err)
{
    tw_status st = TW_OK;
    tw_tower_epoch line = {0};

    TW_TRY(evaluate_epoch(r, &line, report, err));
    r->first_spread = line.spread;
    TW_TRY(go_on(r, report, err));
    while (report->epochs < r->cfg->epochs && report->stop == TW_STOP_EPOCHS) {
        line = (tw_tower_epoch){.epoch = report->epochs + 1};
        if (r->cfg->hard_negatives > 0)
            TW_TRY(draw_hard_negatives(r, line.epoch, err));
        TW_TRY(one_epoch(r, &line, err));
        report->epochs++;
        TW_TRY(evaluate_epoch(r, &line, report, err));
        TW_TRY(keep(r, &line, report, err));
    }
done:
    return st;
}

tw_status tw_tower_train(tw_tower *t, const tw_tower_data *data, const tw_tower_train_config *cfg,
                         const tw_tower_watch *watch, tw_tower_report *report, tw_error *err)
{
    static const tw_tower_watch none = {0};
    tw_status st = TW_OK;
    tw_tower_report rep = {.best_valid = (double) NAN};
    run r = {.t = t, .data = data, .cfg = cfg, .watch = watch != NULL ? watch : &none};

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
