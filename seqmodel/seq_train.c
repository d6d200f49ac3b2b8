/* seqmodel/seq_train.c — epochs over shuffled users until validation stops improving.
 *
 * A step takes `batch` users. Each worker gets whole sequences, chosen so that the workers' row
 * counts are nearly equal (longest first, always to the least loaded), packs them itself, and runs
 * forward and backward. What is drawn for a user depends on (seed, epoch, user) alone, so only
 * dropout and the order of sums differ between numbers of threads.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "nn/trainer.h"
#include "seqmodel/seq_baseline.h"
#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_checkpoint.h"
#include "seqmodel/seq_eval.h"
#include "seqmodel/seq_forward.h"
#include "seqmodel/seq_model.h"
#include "seqmodel/seq_negatives.h"
#include "seqmodel/seq_seen.h"
#include "seqmodel/seq_session.h"
#include "seqmodel/seq_stream.h"
#include "seqmodel/seq_training_log.h"

#define PI 3.14159265358979323846

enum { AT_10 = 2, SAVE_SPACING = 50 /* times what writing a checkpoint took */ };

/* A worker takes its slice in pieces of whole sequences with at least this many rows, each forward
 * and backward before the next: a piece's tensors, some 50 of (rows, D), then stay in the caches.
 * Measured with D = 100 against whole slices of 6,700 rows: 1.3 times as fast with 128 rows, 1.15
 * with 512 and 2,048, and a twentieth of the memory. */
enum { PIECE_ROWS = 128 };

typedef struct slot {
    int32_t user;
    int rows;
    int order; /* in the batch: settles equal rows */
} slot;

typedef struct slice {
    twi_batch batch;
    int32_t *users; /* (batch) of this worker in this step */
    int n;
    int32_t *mark; /* (n_items+1) for negatives or candidates; NULL without */
    int32_t stamp;
    double loss; /* sum of this step */
} slice;

typedef struct training {
    tw_seq_model *m;
    const tw_seq_data *data;
    const tw_seq_hooks *hooks;
    tw_trainer *trainer;
    int32_t *order; /* (n_order) users with a training sequence */
    int64_t n_order;
    slot *slots;   /* (batch) */
    slice *slices; /* (workers) */
    int workers;
    int epoch;  /* from 1 */
    int64_t at; /* of the step that runs: its first user's place in order */
    int step_targets;
    twi_proposal proposal;
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

static int64_t longest_train_part(const training *tr)
{
    int64_t longest = 0;

    for (int64_t i = 0; i < tr->n_order; i++) {
        int64_t one = tw_seq_data_train_length(tr->data, tr->order[i]);
        longest = one > longest ? one : longest;
    }
    return longest;
}

/* The most rows that one step can have, checked to fit an int with its negatives. */
static tw_status most_rows(const training *tr, int users, int *rows, tw_error *err)
{
    const tw_seq_config *c = &tr->m->cfg;
    int64_t all = (int64_t) users * twi_train_rows(c, longest_train_part(tr));

    if (all * (c->loss == TW_SEQ_BCE ? c->negatives : 1) > INT32_MAX)
        return tw_fail(err, TW_EINVAL, "batch %d: up to %lld rows a step are too many", c->batch,
                       (long long) all);
    *rows = (int) all;
    return TW_OK;
}

/* How many items one step can name: its candidates and its targets, each once. */
static void most_candidates(const training *tr, int rows, int64_t *unique, int64_t *candidates)
{
    const tw_seq_config *c = &tr->m->cfg;
    int64_t n_items = tr->m->n_items;

    *candidates = c->loss == TW_SEQ_CE || c->negatives >= n_items ? n_items : c->negatives;
    *unique = *candidates + rows < n_items ? *candidates + rows : n_items;
}

static tw_status create_slice(const training *tr, slice *s, int users, int rows, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_seq_config *c = &tr->m->cfg;
    int k = c->loss == TW_SEQ_BCE ? c->negatives : 0;
    int64_t unique, candidates;

    TW_TRY(twi_seq_batch_init(&s->batch, users, rows, true, k, err));
    if (twi_has_candidates(c)) {
        most_candidates(tr, rows, &unique, &candidates);
        TW_TRY(twi_seq_batch_room(&s->batch, unique, candidates, err));
        if (c->item_features_dim > 0)
            TW_TRY(twi_seq_batch_features(&s->batch, unique, err));
        if (c->exclude_seen != 0)
            TW_TRY(twi_seen_init(&s->batch.seen, users < PIECE_ROWS ? users : PIECE_ROWS, rows,
                                 candidates, longest_train_part(tr), err));
    }
    s->users = tw_alloc((size_t) users, sizeof *s->users);
    if (k > 0 || twi_has_candidates(c))
        s->mark = tw_alloc((size_t) tr->m->n_items + 1, sizeof *s->mark);
    if (s->users == NULL || (s->mark == NULL && (k > 0 || twi_has_candidates(c))))
        st = tw_fail(err, TW_ENOMEM, "a worker's slice of %d users", users);
done:
    return st;
}

static tw_status create_slices(training *tr, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_seq_config *c = &tr->m->cfg;
    int users = c->batch < tr->n_order ? c->batch : (int) tr->n_order;
    int rows = 0;

    TW_TRY(most_rows(tr, users, &rows, err));
    tr->workers = tw_trainer_workers(tr->trainer);
    tr->slots = tw_alloc((size_t) users, sizeof *tr->slots);
    tr->slices = tw_alloc((size_t) tr->workers, sizeof *tr->slices);
    if (tr->slots == NULL || tr->slices == NULL) {
        st = tw_fail(err, TW_ENOMEM, "a batch of %d users", users);
        goto done;
    }
    for (int w = 0; w < tr->workers; w++)
        TW_TRY(create_slice(tr, &tr->slices[w], users, rows, err));
done:
    return st;
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
    TW_TRY(twi_proposal_init(&tr->proposal, c, tr->data, err));
    TW_TRY(tw_trainer_create(&tr->trainer, tr->m->params, &cfg, err));
    TW_TRY(create_slices(tr, err));
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
    for (int w = 0; tr->slices != NULL && w < tr->workers; w++) {
        twi_seq_batch_fini(&tr->slices[w].batch);
        tw_free(tr->slices[w].users);
        tw_free(tr->slices[w].mark);
    }
    tw_free(tr->slices);
    tw_free(tr->slots);
    tw_free(tr->order);
    twi_seq_checkpoint_fini(&tr->checkpoint);
    twi_proposal_fini(&tr->proposal);
    tw_trainer_destroy(tr->trainer);
}

/* ---- one step -------------------------------------------------------------------------------- */

static int longest_first(const void *a, const void *b)
{
    const slot *x = a, *y = b;
    if (x->rows != y->rows)
        return x->rows > y->rows ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

/* Assigns the users order[begin..end) to the workers. */
static void assign_users(training *tr, int64_t begin, int64_t end)
{
    int n = (int) (end - begin);
    int rows[TW_POOL_MAX] = {0};

    tr->step_targets = 0;
    for (int i = 0; i < n; i++) {
        int32_t user = tr->order[begin + i];
        int r = twi_train_rows(&tr->m->cfg, tw_seq_data_train_length(tr->data, user));
        tr->slots[i] = (slot){.user = user, .rows = r, .order = i};
        tr->step_targets += r;
    }
    qsort(tr->slots, (size_t) n, sizeof *tr->slots, longest_first);
    for (int w = 0; w < tr->workers; w++)
        tr->slices[w].n = 0;
    for (int i = 0; i < n; i++) {
        int least = 0;
        for (int w = 1; w < tr->workers; w++)
            if (rows[w] < rows[least])
                least = w;
        rows[least] += tr->slots[i].rows;
        tr->slices[least].users[tr->slices[least].n++] = tr->slots[i].user;
    }
}

static tw_status work(void *ctx, int worker, int workers, tw_tape *tape, tw_error *err)
{
    training *tr = ctx;
    slice *s = &tr->slices[worker];
    (void) workers;

    s->loss = 0;
    for (int i = 0; i < s->n;) {
        tw_tape_next(tape);
        twi_batch_clear(&s->batch);
        for (; i < s->n && s->batch.tokens < PIECE_ROWS; i++) {
            tw_rng rng = twi_stream(tr->m->cfg.seed, TWI_STREAM_SEQUENCE, (uint64_t) tr->epoch,
                                    (uint64_t) s->users[i]);
            twi_batch_add_train(&s->batch, tr->m, tr->data, s->users[i], &rng, s->mark, ++s->stamp);
        }
        if (twi_has_candidates(&tr->m->cfg)) { /* the same for all pieces and workers of a step */
            tw_rng rng = twi_stream(tr->m->cfg.seed, TWI_STREAM_CANDIDATES, (uint64_t) tr->epoch,
                                    (uint64_t) tr->at);
            twi_batch_collect(&s->batch, &tr->m->cfg, &tr->proposal, &rng, s->mark);
            twi_batch_fill_features(&s->batch, tr->m, &rng);
        }
        s->loss += twi_forward_loss(tr->m, tape, &s->batch, 1.0 / tr->step_targets);
        tw_status st = tw_tape_backward(tape, err);
        if (st != TW_OK)
            return st;
    }
    return TW_OK;
}

/* Stamps of one epoch fit an int32; of all, perhaps not. */
static void clear_marks(training *tr)
{
    for (int w = 0; w < tr->workers; w++) {
        slice *s = &tr->slices[w];
        s->stamp = 0;
        if (s->mark != NULL)
            memset(s->mark, 0, ((size_t) tr->m->n_items + 1) * sizeof *s->mark);
    }
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

    tr->at = begin;
    assign_users(tr, begin, end);
    TW_TRY(tw_trainer_run(tr->trainer, true, work, tr, err));
    for (int w = 0; w < tr->workers; w++)
        s->loss += tr->slices[w].loss;
    s->rows += tr->step_targets;
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

    clear_marks(tr);
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
