/* seqmodel/seq_train.c — epochs over shuffled users until validation stops improving. One step:
 * seq_step.h. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "nn/trainer.h"
#include "seqmodel/seq_baseline.h"
#include "seqmodel/seq_checkpoint.h"
#include "seqmodel/seq_eval.h"
#include "seqmodel/seq_model.h"
#include "seqmodel/seq_step.h"
#include "seqmodel/seq_stream.h"
#include "seqmodel/seq_training_log.h"

#define PI 3.14159265358979323846

enum { AT_10 = 2, SAVE_SPACING = 50 /* times what writing a checkpoint took */ };

typedef struct training {
    tw_seq_model *m;
    const tw_seq_data *data;
    const tw_seq_hooks *hooks;
    tw_trainer *trainer;
    int32_t *order; /* (n_order) users with a training sequence */
    int64_t n_order;
    twi_seq_step step;
    int epoch;        /* from 1 */
    double start;     /* clock */
    bool has_targets; /* some user has a validation target */
    tw_seq_eval_config validation;
    twi_seq_checkpoint checkpoint;
    double save_next; /* clock before which no checkpoint is due */
} training;

/* ---- set-up ---------------------------------------------------------------------------------- */

static void collect_order(training *tr)
{
    tr->n_order = 0;
    for (int32_t u = 1; u <= tr->data->n_users; u++)
        if (tw_seq_data_train_length(tr->data, u) >= 2)
            tr->order[tr->n_order++] = u;
}

static tw_status collect_users(training *tr, tw_error *err)
{
    tr->order = tw_alloc((size_t) tr->data->n_users, sizeof *tr->order);
    if (tr->order == NULL)
        return tw_fail(err, TW_ENOMEM, "order of %d users", tr->data->n_users);
    collect_order(tr);
    for (int32_t u = 1; u <= tr->data->n_users; u++)
        if (tw_seq_data_target(tr->data, TW_SEQ_VALID, u) >= 0)
            tr->has_targets = true;
    if (tr->n_order == 0)
        return tw_fail(err, TW_EINVAL, "no user has two items to train on");
    return TW_OK;
}

/* With features, an item that no train part holds has no id's vector, or its random one would be
 * taken for knowledge; nor has any where ids are always dropped. */
static void forget_unmet(training *tr)
{
    tw_seq_model *m = tr->m;
    const size_t D = (size_t) m->cfg.item_dim;
    bool *met = m->known;

    if (met == NULL)
        return;
    memset(met, 0, ((size_t) m->n_items + 1) * sizeof *met);
    for (int32_t u = 1; u <= m->n_users && m->cfg.id_dropout < 1; u++)
        for (int64_t i = 0; i < tw_seq_data_train_length(tr->data, u); i++)
            met[tw_seq_data_items(tr->data, u)[i]] = true;
    for (int32_t i = 1; i <= m->n_items; i++)
        if (!met[i])
            memset(m->items->value + (size_t) i * D, 0, D * sizeof *m->items->value);
}

static tw_status init(training *tr, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_seq_config *c = &tr->m->cfg;
    tw_rng seeds = twi_stream(c->seed, TWI_STREAM_TRAINER, 0, 0);
    tw_trainer_config cfg = {.threads = c->threads, .seed = tw_rng_u64(&seeds)};

    cfg.adam = TW_ADAM_DEFAULT;
    cfg.adam.beta2 = c->beta2;
    cfg.adam.weight_decay = c->weight_decay;
    cfg.adam.clip_norm = c->clip_norm;
    TW_TRY(collect_users(tr, err));
    TW_TRY(tw_trainer_create(&tr->trainer, tr->m->params, &cfg, err));
    TW_TRY(twi_seq_step_init(&tr->step, tr->m, tr->data,
                             c->batch < tr->n_order ? c->batch : (int) tr->n_order,
                             tw_trainer_workers(tr->trainer), err));
    forget_unmet(tr);
    if (tr->m->counts != NULL) {
        twi_popularity(tr->m->counts->value, tr->data);
        for (int32_t i = 0; i <= tr->m->n_items; i++)
            tr->m->counts->value[i] = (tw_real) log1p((double) tr->m->counts->value[i]);
    }
    TW_TRY(tw_seq_validation(&tr->validation, c, tr->data, err));
    TW_TRY(twi_seq_checkpoint_init(&tr->checkpoint, tr->m, err));
done:
    return st;
}

static void fini(training *tr)
{
    twi_seq_step_fini(&tr->step);
    tw_free(tr->order);
    twi_seq_checkpoint_fini(&tr->checkpoint);
    tw_trainer_destroy(tr->trainer);
}

/* Half a cosine from lr down to lr * lr_end over all epochs. Source: Loshchilov and Hutter 2017
 * (SGDR), eq. 5, without restarts. */
static double rate(const training *tr, int64_t at)
{
    const tw_seq_config *c = &tr->m->cfg;
    double past = (tr->epoch - 1 + (double) at / (double) tr->n_order) / c->epochs;
    return c->lr * (c->lr_end + (1 - c->lr_end) * (1 + cos(PI * past)) / 2);
}

/* ---- between epochs -------------------------------------------------------------------------- */

static tw_status validate(training *tr, tw_seq_metrics *valid, tw_error *err)
{
    if (tr->checkpoint.average != NULL)
        twi_params_swap(tr->m, tr->checkpoint.average);
    twi_refresh_outputs(tr->m);
    tw_status st =
        twi_eval(tr->m, tr->data, &tr->validation, tw_trainer_pool(tr->trainer), valid, err);
    if (st != TW_OK)
        goto done;
    tw_seq_report *r = &tr->checkpoint.state.report;
    if (r->best_epoch == 0 || valid->ndcg[AT_10] > r->valid.ndcg[AT_10]) {
        r->best_epoch = tr->epoch;
        r->valid = *valid;
        tr->checkpoint.state.waited = 0;
        twi_params_copy(tr->m, tr->checkpoint.best);
    } else {
        tr->checkpoint.state.waited++;
    }
done:
    if (tr->checkpoint.average != NULL)
        twi_params_swap(tr->m, tr->checkpoint.average);
    return st;
}

/* Goes on where an interrupted training was. */
static tw_status resume(training *tr, tw_error *err)
{
    bool loaded = false;

    if (tr->hooks == NULL || tr->hooks->checkpoint == NULL)
        return TW_OK;
    tw_status st = twi_seq_checkpoint_load(&tr->checkpoint, tr->m, tr->data, tr->hooks->checkpoint,
                                           &loaded, err);
    if (st == TW_OK && loaded) {
        tw_seq_report *r = &tr->checkpoint.state.report;
        tw_trainer_set_steps(tr->trainer, tr->checkpoint.state.steps);
        r->resumed = r->epochs;
        tr->start -= r->seconds;
        twi_repeat_log(tr->hooks, &tr->checkpoint);
    }
    return st;
}

static tw_status checkpoint(training *tr, bool now_or_never, tw_error *err)
{
    const tw_seq_hooks *h = tr->hooks;
    double now = tw_clock_monotonic();

    if (h == NULL || h->checkpoint == NULL || (now < tr->save_next && !now_or_never))
        return TW_OK;
    tr->checkpoint.state.steps = tw_trainer_steps(tr->trainer);
    tw_status st = twi_seq_checkpoint_save(&tr->checkpoint, tr->m, tr->data, h->checkpoint, err);
    double cost = tw_clock_monotonic() - now;
    tr->save_next = now + (1 + SAVE_SPACING) * cost;
    return st;
}

/* ---- epochs -----------------------------------------------------------------------------------
 */

static tw_status step(training *tr, int64_t begin, int64_t end, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_seq_config *c = &tr->m->cfg;
    twi_train_state *s = &tr->checkpoint.state;

    twi_seq_step_assign(&tr->step, tr->order, begin, end);
    TW_TRY(tw_trainer_run(tr->trainer, true, twi_seq_step_work, &tr->step, err));
    for (int w = 0; w < tr->step.workers; w++)
        s->loss += tr->step.slices[w].loss;
    s->rows += tr->step.targets;
    if (!isfinite(s->loss)) {
        st = tw_fail(err, TW_EINVAL, "epoch %d: the loss is not finite; try a smaller lr than %g",
                     tr->epoch, c->lr);
        goto done;
    }
    TW_TRY(tw_trainer_update(tr->trainer, rate(tr, begin), err));
    twi_seq_checkpoint_average(&tr->checkpoint, tr->m, tw_trainer_steps(tr->trainer));
    s->users = end;
done:
    return st;
}

/* Reports the step that was made, and writes a checkpoint where one is due or the hook wants the
 * end. */
static tw_status after_step(training *tr, tw_error *err)
{
    const tw_seq_config *c = &tr->m->cfg;
    tr->checkpoint.state.report.seconds = tw_clock_monotonic() - tr->start;
    tw_status st = twi_report_step(tr->hooks, &tr->checkpoint, tr->n_order, c->epochs, err);
    tw_status saved = checkpoint(tr, st != TW_OK, st != TW_OK ? NULL : err);
    return st != TW_OK ? st : saved;
}

/* One pass over all users, or the rest of one that was interrupted. *loss is the mean over targets;
 * *speed, targets a second. */
static tw_status epoch(training *tr, double *loss, double *speed, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_seq_config *c = &tr->m->cfg;
    twi_train_state *s = &tr->checkpoint.state;
    tw_rng rng = twi_stream(c->seed, TWI_STREAM_ORDER, (uint64_t) tr->epoch, 0);
    const double start = tw_clock_monotonic();
    const int64_t rows = s->rows;

    twi_seq_step_epoch(&tr->step, tr->epoch);
    collect_order(tr); /* an epoch's order depends on nothing before it */
    tw_rng_shuffle(&rng, tr->order, tr->n_order);
    while (s->users < tr->n_order) {
        const int64_t end = s->users + c->batch;
        TW_TRY(step(tr, s->users, end < tr->n_order ? end : tr->n_order, err));
        if (s->users < tr->n_order) /* after the last one the epoch is reported */
            TW_TRY(after_step(tr, err));
    }
    const double seconds = tw_clock_monotonic() - start;
    *loss = s->loss / (double) s->rows;
    *speed = (double) (s->rows - rows) / (seconds > 0 ? seconds : 1e-9);
    s->users = s->rows = 0;
    s->loss = 0;
done:
    return st;
}

/* One epoch and what follows it; *stop: it was the last. */
static tw_status epoch_and_after(training *tr, bool *stop, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_seq_config *c = &tr->m->cfg;
    tw_seq_report *r = &tr->checkpoint.state.report;
    tw_seq_metrics valid;
    double speed = 0;

    TW_TRY(epoch(tr, &r->loss, &speed, err));
    bool late = c->max_seconds > 0 && tw_clock_monotonic() - tr->start >= c->max_seconds;
    bool last = late || tr->epoch == c->epochs;
    bool due = tr->has_targets && (last || tr->epoch % c->eval_every == 0);
    if (due)
        TW_TRY(validate(tr, &valid, err));
    r->epochs = tr->epoch;
    r->seconds = tw_clock_monotonic() - tr->start;
    TW_TRY(twi_log_metrics(tr->hooks, &tr->checkpoint, due ? &valid : NULL, speed, err));
    TW_TRY(after_step(tr, err));
    *stop = last || (c->patience > 0 && tr->checkpoint.state.waited >= c->patience);
done:
    return st;
}

static tw_status run(training *tr, tw_error *err)
{
    tw_status st = TW_OK;
    const twi_seq_checkpoint *k = &tr->checkpoint;
    int done = k->state.report.epochs, patience = tr->m->cfg.patience;
    bool stop = done >= tr->m->cfg.epochs || (patience > 0 && k->state.waited >= patience);

    for (tr->epoch = done + 1; !stop; tr->epoch++)
        TW_TRY(epoch_and_after(tr, &stop, err));
done:
    if (k->state.report.best_epoch > 0)
        twi_params_restore(tr->m, k->best);
    else if (k->average != NULL && st == TW_OK)
        twi_params_restore(tr->m, k->average);
    twi_refresh_outputs(tr->m);
    return st;
}

tw_status tw_seq_train(tw_seq_model *m, const tw_seq_data *data, const tw_seq_hooks *hooks,
                       tw_seq_report *report, tw_error *err)
{
    tw_status st = TW_OK;
    training tr = {.m = m, .data = data, .hooks = hooks, .start = tw_clock_monotonic()};

    if (report != NULL)
        *report = (tw_seq_report){0};
    if (m->n_users != data->n_users || m->n_items != data->n_items) {
        st =
            tw_fail(err, TW_EINVAL, "the model knows %d users and %d items, the data has %d and %d",
                    m->n_users, m->n_items, data->n_users, data->n_items);
        goto done;
    }
    TW_TRY(init(&tr, err));
    TW_TRY(resume(&tr, err));
    TW_TRY(run(&tr, err));
done:
    if (report != NULL)
        *report = tr.checkpoint.state.report;
    fini(&tr);
    return st;
}
