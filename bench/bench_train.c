/* bench/bench_train.c — how much of the machine does a training step of SSE-PT use?
 *
 * The peer is the machine's own sgemm, one call a thread, measured in the same round. The step's
 * arithmetic is counted on paper, a multiply-add being two operations. For one sequence of n rows,
 * D = d_u + d_i, B blocks, V items and k negatives, forward:
 *
 *   B n 10 D^2         Q, K, V and both layers of the feed-forward
 *   B 2 D n (n + 1)    causal scores, and the sums they weigh: only what lies below the diagonal
 *   n 2 (d_i (1 + k) + d_u)    BCE: a positive, k negatives, the user's term
 *   n 2 d_i V                  CE instead: all items
 *
 * and backward twice that, so a step is three times the sum. Norms, softmax, dropout, SSE, gathers,
 * what a loss computes anew in backward, and Adam are time but not counted: the share is a lower
 * bound of how busy the arithmetic units are.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/pool.h"
#include "base/rng.h"
#include "bench/bench.h"
#include "nn/blas.h"
#include "seqmodel/seqmodel.h"

enum {
    USERS = 400,
    ITEMS = 3416, /* MovieLens-1M has as many */
    SHORTEST = 20,
    LONGEST = 300,
    ROUNDS = 3,
    MOST_THREADS = 2,
    SHAPES = 2,
    LOSSES = 2,
};

typedef struct shape {
    const char *name;
    int M, N, K;
    int calls; /* a round and thread: about a sixth of a second */
} shape;

static const shape shapes[SHAPES] = {
    {"sgemm 4096x100x100", 4096, 100, 100, 200},
    {"sgemm 1024^3", 1024, 1024, 1024, 12},
};
static const char *const losses[LOSSES] = {"bce", "ce"};

typedef struct results {
    double gemm[SHAPES][MOST_THREADS][ROUNDS]; /* GFLOP/s */
    double rows[LOSSES][MOST_THREADS][ROUNDS]; /* targets/s of one epoch */
} results;

/* ---- the peer -------------------------------------------------------------------------------- */

typedef struct product {
    const shape *s;
    tw_real *a, *b, *c[MOST_THREADS];
} product;

static void multiply(void *ctx, int worker, int workers)
{
    const product *p = ctx;
    const shape *s = p->s;
    (void) workers;
    for (int i = 0; i < s->calls; i++)
        tw_gemm(0, 0, s->M, s->N, s->K, 1, p->a, s->K, p->b, s->N, 0, p->c[worker], s->N);
}

static tw_status measure_gemm(const shape *s, int threads, double *gflops, tw_error *err)
{
    tw_status st = TW_OK;
    tw_pool *pool = NULL;
    product p = {.s = s};
    size_t A = (size_t) s->M * (size_t) s->K, B = (size_t) s->K * (size_t) s->N;
    bool whole = true;

    p.a = tw_alloc_aligned(A, sizeof *p.a);
    p.b = tw_alloc_aligned(B, sizeof *p.b);
    for (int i = 0; i < threads; i++) {
        p.c[i] = tw_alloc_aligned((size_t) s->M * (size_t) s->N, sizeof *p.c[i]);
        whole = whole && p.c[i] != NULL;
    }
    if (p.a == NULL || p.b == NULL || !whole) {
        st = tw_fail(err, TW_ENOMEM, "matrices of %s", s->name);
        goto done;
    }
    for (size_t i = 0; i < A; i++)
        p.a[i] = (tw_real) ((double) (i % 17) / 17);
    for (size_t i = 0; i < B; i++)
        p.b[i] = (tw_real) ((double) (i % 13) / 13);
    TW_TRY(tw_pool_create(&pool, threads, err));
    tw_pool_run(pool, multiply, &p); /* warms caches and OpenBLAS's buffers */
    double start = tw_clock_monotonic();
    tw_pool_run(pool, multiply, &p);
    double seconds = tw_clock_monotonic() - start;
    *gflops = 2e-9 * s->M * s->N * s->K * s->calls * threads / seconds;
done:
    tw_pool_destroy(pool);
    for (int i = 0; i < MOST_THREADS; i++)
        tw_free(p.c[i]);
    tw_free(p.b);
    tw_free(p.a);
    return st;
}

/* ---- the step -------------------------------------------------------------------------------- */

/* Histories of 20 to 300 items, short ones being common; popular items have small numbers. */
static tw_status make_histories(tw_seq_data **data, tw_error *err)
{
    size_t room = (size_t) USERS * LONGEST;
    int32_t *users = tw_alloc(room, sizeof *users), *items = tw_alloc(room, sizeof *items);
    tw_status st = TW_OK;
    int64_t n = 0;
    tw_rng r;

    if (users == NULL || items == NULL) {
        st = TW_ENOMEM;
        (void) tw_fail(err, st, "histories of %d users", USERS);
        goto done;
    }
    tw_rng_seed(&r, 1);
    for (int32_t u = 1; u <= USERS; u++) {
        double spread = (double) LONGEST / SHORTEST;
        int length = (int) (SHORTEST * pow(spread, tw_rng_uniform(&r)));
        for (int i = 0; i < length; i++, n++) {
            double x = tw_rng_uniform(&r);
            users[n] = u;
            items[n] = 1 + (int32_t) (ITEMS * x * x);
        }
    }
    TW_TRY(tw_seq_data_create(data, USERS, ITEMS, users, items, NULL, n, err));
done:
    tw_free(items);
    tw_free(users);
    return st;
}

static tw_seq_config config(int loss, int threads)
{
    tw_seq_config c = tw_seq_config_default();
    c.user_dim = 50;
    c.item_dim = 50;
    c.max_len = 200;
    c.blocks = 2;
    c.loss = loss == 0 ? TW_SEQ_BCE : TW_SEQ_CE;
    c.negatives = 1;
    c.window = 0; /* so that the rows of an epoch are known */
    c.batch = 128;
    c.epochs = 2;
    c.eval_every = 2;
    c.threads = threads;
    return c;
}

/* Targets of an epoch, and their operations by the formula above. */
static void count_work(const tw_seq_data *data, const tw_seq_config *c, double *rows, double *flop)
{
    double D = c->user_dim + c->item_dim;
    double loss = c->loss == TW_SEQ_CE ? 2.0 * c->item_dim * data->n_items
                                       : 2.0 * (c->item_dim * (1.0 + c->negatives) + c->user_dim);
    *rows = *flop = 0;
    for (int32_t u = 1; u <= data->n_users; u++) {
        double n = fmin((double) tw_seq_data_train_length(data, u) - 1, c->max_len);
        *rows += n;
        *flop += 3 * (c->blocks * (n * 10 * D * D + 2 * D * n * (n + 1)) + n * loss);
    }
}

/* Keeps the rate of the latest epoch, which leaves validation out. */
static void keep_rate(void *ctx, const char *line)
{
    double *rate = ctx;
    json_t *object = json_loads(line, 0, NULL);
    *rate = json_number_value(json_object_get(object, "rows_per_second"));
    json_decref(object);
}

/* The first of two epochs warms up. */
static tw_status measure_step(const tw_seq_data *data, int loss, int threads, double *rate,
                              tw_error *err)
{
    const tw_seq_config c = config(loss, threads);
    const tw_seq_hooks hooks = {.metrics = keep_rate, .metrics_ctx = rate};
    tw_seq_model *m = NULL;
    tw_status st = TW_OK;

    *rate = 0;
    TW_TRY(tw_seq_model_create(&m, &c, data->n_users, data->n_items, err));
    TW_TRY(tw_seq_train(m, data, &hooks, NULL, err));
    if (*rate <= 0)
        st = tw_fail(err, TW_ESTATE, "training told no rows_per_second");
done:
    tw_seq_model_destroy(m);
    return st;
}

/* ---- the table ------------------------------------------------------------------------------- */

static void scale(double out[ROUNDS], const double in[ROUNDS], double factor)
{
    for (int i = 0; i < ROUNDS; i++)
        out[i] = in[i] * factor;
}

static void tell_loss(bench *b, const results *r, const tw_seq_data *data, int loss)
{
    const tw_seq_config c = config(loss, 1);
    double rows, flop, gflops[ROUNDS], sequences[MOST_THREADS][ROUNDS];
    char name[64], peer[64];

    count_work(data, &c, &rows, &flop);
    (void) snprintf(name, sizeof name, "%s_mflop_a_sequence", losses[loss]);
    bench_fact(b, name, flop / USERS / 1e6);
    for (int t = 0; t < MOST_THREADS; t++) {
        scale(gflops, r->rows[loss][t], flop / rows / 1e9);
        scale(sequences[t], r->rows[loss][t], USERS / rows);
        for (int s = 0; s < SHAPES; s++) {
            (void) snprintf(name, sizeof name, "%s, %d thread%s", losses[loss], t + 1,
                            t ? "s" : "");
            (void) snprintf(peer, sizeof peer, "%s, as many threads", shapes[s].name);
            bench_row(b, name, "GFLOP/s", BENCH_MORE, gflops, peer, r->gemm[s][t], ROUNDS);
        }
    }
    (void) snprintf(name, sizeof name, "%s, 2 threads", losses[loss]);
    bench_row(b, name, "sequences/s", BENCH_MORE, sequences[1], "1 thread", sequences[0], ROUNDS);
    bench_row(b, name, "tokens/s", BENCH_MORE, r->rows[loss][1], "1 thread", r->rows[loss][0],
              ROUNDS);
}

static void tell(bench *b, const results *r, const tw_seq_data *data)
{
    const tw_seq_config c = config(0, 1);
    double rows, flop;

    count_work(data, &c, &rows, &flop);
    bench_fact(b, "users", USERS);
    bench_fact(b, "items", ITEMS);
    bench_fact(b, "max_len", c.max_len);
    bench_fact(b, "user_dim", c.user_dim);
    bench_fact(b, "item_dim", c.item_dim);
    bench_fact(b, "blocks", c.blocks);
    bench_fact(b, "batch", c.batch);
    bench_fact(b, "tokens_a_sequence", rows / USERS);
    for (int loss = 0; loss < LOSSES; loss++)
        tell_loss(b, r, data, loss);
    for (int s = 0; s < SHAPES; s++) {
        char name[64];
        (void) snprintf(name, sizeof name, "%s, 2 threads", shapes[s].name);
        bench_row(b, name, "GFLOP/s", BENCH_MORE, r->gemm[s][1], "1 thread", r->gemm[s][0], ROUNDS);
    }
}

int main(int argc, char **argv)
{
    (void) argc;
    tw_blas_reexec(argv);

    tw_error err = {0};
    tw_status st = TW_OK;
    tw_seq_data *data = NULL;
    results r;
    bench b;

    memset(&r, 0, sizeof r);
    bench_begin(&b, "bench_train", "how much of the machine's sgemm does SSE-PT's training reach?");
    TW_TRY(make_histories(&data, &err));
    for (int i = 0; i < ROUNDS * MOST_THREADS; i++) {
        int round = i / MOST_THREADS, t = i % MOST_THREADS;
        for (int s = 0; s < SHAPES; s++)
            TW_TRY(measure_gemm(&shapes[s], t + 1, &r.gemm[s][t][round], &err));
        for (int loss = 0; loss < LOSSES; loss++)
            TW_TRY(measure_step(data, loss, t + 1, &r.rows[loss][t][round], &err));
    }
    tell(&b, &r, data);
done:
    tw_seq_data_destroy(data);
    return bench_end(&b, st, &err);
}
