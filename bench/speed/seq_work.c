#include "bench/speed/seq_work.h"

#include <jansson.h>
#include <math.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/pool.h"
#include "nn/blas.h"

typedef struct product {
    const gemm_shape *s;
    tw_real *a, *b, *c[SEQ_WORK_MOST_THREADS];
} product;

static void multiply(void *ctx, int worker, int workers)
{
    const product *p = ctx;
    const gemm_shape *s = p->s;
    (void) workers;
    for (int i = 0; i < s->calls; i++)
        tw_gemm(0, 0, s->M, s->N, s->K, 1, p->a, s->K, p->b, s->N, 0, p->c[worker], s->N);
}

static tw_status fill(product *p, int threads, tw_error *err)
{
    const gemm_shape *s = p->s;
    size_t A = (size_t) s->M * (size_t) s->K, B = (size_t) s->K * (size_t) s->N;
    bool whole = true;

    p->a = tw_alloc_aligned(A, sizeof *p->a);
    p->b = tw_alloc_aligned(B, sizeof *p->b);
    for (int i = 0; i < threads; i++) {
        p->c[i] = tw_alloc_aligned((size_t) s->M * (size_t) s->N, sizeof *p->c[i]);
        whole = whole && p->c[i] != NULL;
    }
    if (p->a == NULL || p->b == NULL || !whole)
        return tw_fail(err, TW_ENOMEM, "matrices of %s", s->name);
    for (size_t i = 0; i < A; i++)
        p->a[i] = (tw_real) ((double) (i % 17) / 17);
    for (size_t i = 0; i < B; i++)
        p->b[i] = (tw_real) ((double) (i % 13) / 13);
    return TW_OK;
}

tw_status seq_work_gemm(const gemm_shape *s, int threads, double *gflops, tw_error *err)
{
    tw_status st = TW_OK;
    tw_pool *pool = NULL;
    product p = {.s = s};

    if (threads < 1 || threads > SEQ_WORK_MOST_THREADS)
        return tw_fail(err, TW_EINVAL, "%d threads are outside 1..%d", threads,
                       SEQ_WORK_MOST_THREADS);
    TW_TRY(fill(&p, threads, err));
    TW_TRY(tw_pool_create(&pool, threads, err));
    tw_pool_run(pool, multiply, &p); /* warms caches and OpenBLAS's buffers */
    double start = tw_clock_monotonic();
    tw_pool_run(pool, multiply, &p);
    double seconds = tw_clock_monotonic() - start;
    *gflops = 2e-9 * s->M * s->N * s->K * s->calls * threads / seconds;
done:
    tw_pool_destroy(pool);
    for (int i = 0; i < SEQ_WORK_MOST_THREADS; i++)
        tw_free(p.c[i]);
    tw_free(p.b);
    tw_free(p.a);
    return st;
}

void seq_work_count(const tw_seq_data *data, const tw_seq_config *c, double *rows, double *flop)
{
    double D = c->user_dim + c->item_dim;
    double loss = c->loss == TW_SEQ_CE ? 2.0 * c->item_dim * data->n_items
                                       : 2.0 * (c->item_dim * (1.0 + c->negatives) + c->user_dim);
    *rows = *flop = 0;
    for (int32_t u = 1; u <= data->n_users; u++) {
        double n = fmin((double) tw_seq_data_train_length(data, u) - 1, c->max_len);
        if (n < 1)
            continue;
        *rows += n;
        *flop += 3 * (c->blocks * (n * 10 * D * D + 2 * D * n * (n + 1)) + n * loss);
    }
}

/* What two epochs logged. */
typedef struct telling {
    int epochs;
    double rate;    /* targets a second */
    double cpu;     /* seconds of this process, at the end of the last epoch */
    double cpu_one; /* and within it */
} telling;

static double seconds_of(struct timeval t) { return (double) t.tv_sec + 1e-6 * (double) t.tv_usec; }

static double cpu_seconds(void)
{
    struct rusage use;
    return getrusage(RUSAGE_SELF, &use) == 0 ? seconds_of(use.ru_utime) + seconds_of(use.ru_stime)
                                             : 0;
}

static void keep_rate(void *ctx, const char *line)
{
    telling *t = ctx;
    json_t *object = json_loads(line, 0, NULL);
    double now = cpu_seconds();
    t->epochs++;
    t->rate = json_number_value(json_object_get(object, "rows_per_second"));
    t->cpu_one = now - t->cpu;
    t->cpu = now;
    json_decref(object);
}

/* The first epoch warms up; the second ends it, before anything is validated. */
static int stop_after_two(void *ctx, const tw_progress *p)
{
    (void) p;
    return ((const telling *) ctx)->epochs >= 2;
}

tw_status seq_work_rate(const tw_seq_data *data, const tw_seq_config *c, seq_rate *out,
                        tw_error *err)
{
    telling t = {0};
    const tw_seq_hooks hooks = {
        .metrics = keep_rate, .metrics_ctx = &t, .progress = stop_after_two, .progress_ctx = &t};
    tw_seq_config three = *c;
    tw_seq_model *m = NULL;
    tw_status st = TW_OK;
    double rows, flop;

    three.epochs = three.eval_every = 3;
    seq_work_count(data, c, &rows, &flop);
    TW_TRY(tw_seq_model_create(&m, &three, data->n_users, data->n_items, err));
    st = tw_seq_train(m, data, &hooks, NULL, err);
    if (st == TW_ECANCELLED && t.rate > 0 && t.cpu_one > 0) {
        *out = (seq_rate){.tokens = t.rate, .tokens_cpu = rows / t.cpu_one};
        st = TW_OK;
    } else if (st == TW_OK || st == TW_ECANCELLED) {
        st = tw_fail(err, TW_ESTATE, "training logged no rows_per_second");
    }
done:
    tw_seq_model_destroy(m);
    return st;
}
