/* bench/speed/bench_train.c — how much of the machine does a training step of SSE-PT use?
 *
 * The peer is the machine's own sgemm, one call a thread, measured in the same round. How a step's
 * arithmetic is counted: bench/speed/seq_work.h.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "bench/speed/bench.h"
#include "bench/speed/seq_work.h"
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

/* About a sixth of a second each. */
static const gemm_shape shapes[SHAPES] = {
    {"sgemm 4096x100x100", 4096, 100, 100, 200},
    {"sgemm 1024^3", 1024, 1024, 1024, 12},
};
static const char *const losses[LOSSES] = {"bce", "ce"};

typedef struct results {
    double gemm[SHAPES][MOST_THREADS][ROUNDS]; /* GFLOP/s */
    double rows[LOSSES][MOST_THREADS][ROUNDS]; /* targets/s of one epoch */
} results;

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
    c.threads = threads;
    return c;
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

    seq_work_count(data, &c, &rows, &flop);
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

static void report(bench *b, const results *r, const tw_seq_data *data)
{
    const tw_seq_config c = config(0, 1);
    double rows, flop;

    seq_work_count(data, &c, &rows, &flop);
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
            TW_TRY(seq_work_gemm(&shapes[s], t + 1, &r.gemm[s][t][round], &err));
        for (int loss = 0; loss < LOSSES; loss++) {
            const tw_seq_config c = config(loss, t + 1);
            seq_rate rate;
            TW_TRY(seq_work_rate(data, &c, &rate, &err));
            r.rows[loss][t][round] = rate.tokens;
        }
    }
    report(&b, &r, data);
done:
    tw_seq_data_destroy(data);
    return bench_end(&b, st, &err);
}
