#include "nn/trainer.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/blas.h"
#include "nn/internal.h"
#include "nn/kernels/adam.h"
#include "nn/kernels/ahead.h"
#include "nn/kernels/vec.h"

/* What belongs to one worker. */
typedef struct ws {
    tw_grads *grads; /* owned */
    tw_tape *tape;   /* owned */
    tw_status status;
    tw_error err;
} ws;

struct tw_trainer {
    tw_params *params; /* borrowed */
    tw_trainer_config cfg;
    tw_pool *pool;  /* owned */
    ws *workspaces; /* (n) owned, one a worker */
    double *sumsq;  /* (tensors, n) squared gradient norms, by the worker that summed them; owned */
    int n;          /* workers */
    int tensors;
    int64_t steps;
    double norm;
};

tw_status tw_trainer_create(tw_trainer **out, tw_params *params, const tw_trainer_config *cfg,
                            tw_error *err)
{
    tw_status st = TW_OK;
    *out = NULL;
    tw_trainer *tr = tw_alloc(1, sizeof *tr);
    if (tr == NULL)
        return tw_fail(err, TW_ENOMEM, "trainer");
    tw_blas_single_thread();
    TW_TRY(tw_blas_ready(err));
    tr->params = params;
    tr->tensors = tw_params_count(params);
    tr->cfg = *cfg;
    TW_TRY(tw_pool_create(&tr->pool, cfg->threads, err));
    tr->workspaces = tw_alloc((size_t) tw_pool_size(tr->pool), sizeof *tr->workspaces);
    tr->sumsq = tw_alloc((size_t) tr->tensors * (size_t) tw_pool_size(tr->pool), sizeof *tr->sumsq);
    if (tr->workspaces == NULL || tr->sumsq == NULL) {
        st = tw_fail(err, TW_ENOMEM, "workers of a trainer");
        goto done;
    }
    tr->n = tw_pool_size(tr->pool);
    for (int i = 0; i < tr->n; i++) {
        TW_TRY(tw_grads_create(&tr->workspaces[i].grads, params, err));
        TW_TRY(tw_tape_create(&tr->workspaces[i].tape, tr->workspaces[i].grads, err));
    }
    TW_TRY(twi_params_moments(params, err));
    *out = tr;
    tr = NULL;
done:
    tw_trainer_destroy(tr);
    return st;
}

void tw_trainer_destroy(tw_trainer *tr)
{
    if (tr == NULL)
        return;
    for (int i = 0; i < tr->n; i++) {
        tw_tape_destroy(tr->workspaces[i].tape);
        tw_grads_destroy(tr->workspaces[i].grads);
    }
    tw_pool_destroy(tr->pool);
    tw_free(tr->workspaces);
    tw_free(tr->sumsq);
    tw_free(tr);
}

int tw_trainer_workers(const tw_trainer *tr) { return tr->n; }

tw_pool *tw_trainer_pool(tw_trainer *tr) { return tr->pool; }

int64_t tw_trainer_steps(const tw_trainer *tr) { return tr->steps; }

void tw_trainer_set_steps(tw_trainer *tr, int64_t steps) { tr->steps = steps; }

double tw_trainer_grad_norm(const tw_trainer *tr) { return tr->norm; }

typedef struct run_job {
    tw_trainer *tr;
    tw_worker_fn fn;
    void *ctx;
    bool fresh;
} run_job;

static void run_worker(void *arg, int i, int n)
{
    const run_job *job = arg;
    tw_trainer *tr = job->tr;
    ws *w = &tr->workspaces[i];
    if (job->fresh)
        tw_tape_reset(w->tape, tr->cfg.seed, (uint64_t) tr->steps, (uint64_t) i);
    w->err.code = TW_OK;
    w->err.msg[0] = '\0';
    w->status = job->fn(job->ctx, i, n, w->tape, &w->err);
}

tw_status tw_trainer_run(tw_trainer *tr, bool fresh, tw_worker_fn fn, void *ctx, tw_error *err)
{
    run_job job = {.tr = tr, .fn = fn, .ctx = ctx, .fresh = fresh};
    tw_pool_run(tr->pool, run_worker, &job);
    for (int i = 0; i < tr->n; i++) {
        const ws *w = &tr->workspaces[i];
        if (w->status != TW_OK) {
            if (err != NULL)
                *err = w->err;
            return w->status;
        }
    }
    return TW_OK;
}

/* Makes worker 0's list of touched rows the union of all, so that it lists what any of them holds.
 * Where one of them touched all, all did. */
static void unite_table(tw_trainer *tr, const tw_param *p)
{
    tw_grads *g0 = tr->workspaces[0].grads;
    const int64_t *rows;
    int64_t n;
    bool all = false;

    for (int w = 0; w < tr->n; w++) {
        tw_grads_touched(tr->workspaces[w].grads, p, &rows, &n);
        all = all || rows == NULL;
    }
    for (int w = 0; w < tr->n && all; w++)
        (void) tw_grads_all(tr->workspaces[w].grads, p);
    for (int w = 1; w < tr->n && !all; w++) {
        tw_grads_touched(tr->workspaces[w].grads, p, &rows, &n);
        for (int64_t k = 0; k < n; k++)
            (void) tw_grads_row(g0, p, rows[k]);
    }
}

static void unite_touched(tw_trainer *tr)
{
    for (int i = 0; i < tr->tensors; i++) {
        const tw_param *p = tw_params_at(tr->params, i);
        if (p->kind == TW_TABLE)
            unite_table(tr, p);
    }
}

/* What one worker does to its share of the touched rows of one tensor, row range by row range. */
typedef void (*rows_fn)(void *ctx, const tw_param *p, int worker, int64_t row, int64_t rows);

/* A touched row that comes soon: its gradients, and what Adam keeps of it. */
static void ask_for_row(const tw_trainer *tr, const tw_param *p, int64_t row, bool to_move)
{
    const size_t at = (size_t) row * (size_t) p->cols;
    const int workers = to_move ? 1 : tr->n;
    for (int w = 0; w < workers; w++)
        tw_ask_for(tw_grads_peek(tr->workspaces[w].grads, p, row), p->cols);
    if (to_move) {
        tw_ask_for(p->value + at, p->cols);
        tw_ask_for(p->m + at, p->cols);
        tw_ask_for(p->v + at, p->cols);
    }
}

static void each_share(tw_trainer *tr, int worker, rows_fn fn, bool to_move, void *ctx)
{
    for (int i = 0; i < tr->tensors; i++) {
        const tw_param *p = tw_params_at(tr->params, i);
        const int64_t *rows;
        int64_t n, begin, end;
        tw_grads_touched(tr->workspaces[0].grads, p, &rows, &n);
        tw_pool_share(n, worker, tr->n, &begin, &end);
        if (rows == NULL && begin < end)
            fn(ctx, p, worker, begin, end - begin);
        for (int64_t k = begin; rows != NULL && k < end; k++) {
            if (k + TW_AHEAD < end)
                ask_for_row(tr, p, rows[k + TW_AHEAD], to_move);
            fn(ctx, p, worker, rows[k], 1);
        }
    }
}

/* Sums workers 1, 2, ... into worker 0, in this order; theirs become zero. */
static void sum_rows(void *ctx, const tw_param *p, int worker, int64_t row, int64_t rows)
{
    tw_trainer *tr = ctx;
    const size_t n = (size_t) rows * (size_t) p->cols;
    tw_real *sum = tw_grads_row(tr->workspaces[0].grads, p, row);
    for (int w = 1; w < tr->n; w++) {
        tw_grads *g = tr->workspaces[w].grads;
        if (twi_grads_is_touched(g, p, row))
            tw_vec_move_add(sum, tw_grads_row(g, p, row), n);
    }
    double sq;
    tw_vec_sumsq(&sq, sum, n);
    tr->sumsq[p->index * tr->n + worker] += sq;
}

static void sum_share(void *ctx, int worker, int workers)
{
    (void) workers;
    each_share(ctx, worker, sum_rows, false, ctx);
}

/* The norm over all tensors, in a fixed order. Frozen ones do not count. */
static tw_status check_norm(tw_trainer *tr, tw_error *err)
{
    double total = 0;
    for (int i = 0; i < tr->tensors; i++) {
        const tw_param *p = tw_params_at(tr->params, i);
        double sum = 0;
        for (int w = 0; w < tr->n; w++)
            sum += tr->sumsq[i * tr->n + w];
        if (!isfinite(sum))
            return tw_fail(err, TW_EINVAL, "step %lld: gradient of '%s' is not finite",
                           (long long) tr->steps + 1, p->name);
        if (!p->frozen)
            total += sum;
    }
    tr->norm = sqrt(total);
    return TW_OK;
}

typedef struct move_job {
    tw_trainer *tr;
    tw_adam_step step;
} move_job;

static void move_rows(void *ctx, const tw_param *p, int worker, int64_t row, int64_t rows)
{
    const move_job *job = ctx;
    size_t at = (size_t) row * (size_t) p->cols, n = (size_t) rows * (size_t) p->cols;
    tw_real *g = tw_grads_row(job->tr->workspaces[0].grads, p, row);
    (void) worker;
    if (p->frozen)
        memset(g, 0, n * sizeof *g);
    else
        tw_adam_apply(p->value + at, p->m + at, p->v + at, g, &job->step, !p->no_decay, n);
}

static void move_share(void *ctx, int worker, int workers)
{
    const move_job *job = ctx;
    (void) workers;
    each_share(job->tr, worker, move_rows, true, ctx);
}

tw_status tw_trainer_update(tw_trainer *tr, double lr, tw_error *err)
{
    assert(tr->tensors == tw_params_count(tr->params)); /* none may be added to a running trainer */
    unite_touched(tr);
    for (int k = 0; k < tr->tensors * tr->n; k++)
        tr->sumsq[k] = 0;
    tw_pool_run(tr->pool, sum_share, tr);

    tw_status st = check_norm(tr, err);
    if (st != TW_OK) {
        for (int w = 0; w < tr->n; w++)
            tw_grads_zero(tr->workspaces[w].grads);
        return st;
    }
    double clip = tr->cfg.adam.clip_norm;
    double gscale = clip > 0 && tr->norm > clip ? clip / tr->norm : 1;
    tr->steps++;
    move_job job = {.tr = tr, .step = tw_adam_step_of(&tr->cfg.adam, lr, tr->steps, gscale)};
    tw_pool_run(tr->pool, move_share, &job);
    for (int w = 0; w < tr->n; w++)
        twi_grads_forget(tr->workspaces[w].grads);
    return TW_OK;
}
