/* bench/speed/bench_index.c — what does the graph buy, and what does it cost?
 *
 * 20,000 unit vectors of 128 numbers in 200 clusters; queries come from the same clusters. The peer
 * of a graph search is the exact scan of the same index in the same round. Also: a put, a search
 * over the rows that puts leave in the delta, and searches that only a share of the rows may match.
 */
#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"
#include "bench/speed/bench.h"
#include "index/index.h"
#include "nn/blas.h"

enum {
    DIM = 128,
    ROWS = 20000,
    CLUSTERS = 200,
    QUERIES = 300,
    K = 10,
    ROUNDS = 5,
    PUTS = 800, /* a round */
    WORDS = (ROWS + 1 + 63) / 64,
};

#define NOISE 0.07 /* a coordinate: a vector's cosine with its cluster's middle is about 0.78 */

typedef struct world {
    float *middles, *rows, *extra, *queries; /* (CLUSTERS, ROWS, PUTS*ROUNDS, QUERIES; DIM) */
    int64_t *ids;
    tw_index *ix;
} world;

typedef struct mode {
    const char *name;
    int share; /* percent of the rows that may match; 100: no filter */
    int ef;
} mode;

static const mode modes[] = {
    {"HNSW32, ef 16", 100, 16},       {"HNSW32, ef 64", 100, 64},     {"HNSW32, ef 256", 100, 256},
    {"HNSW32, 20 % allowed", 20, 64}, {"HNSW32, 1 % allowed", 1, 64},
};
enum { MODES = sizeof modes / sizeof modes[0], DEFAULT_MODE = 1 };

typedef struct results {
    double us[MODES][ROUNDS], exact[MODES][ROUNDS]; /* a query, through the graph and scanned */
    double recall[MODES];
    double put50[ROUNDS], put99[ROUNDS]; /* us */
    double delta[ROUNDS];                /* us a query with all puts in the delta */
} results;

/* ---- vectors --------------------------------------------------------------------------------- */

static void unit(float *v)
{
    double sum = 0;
    for (int d = 0; d < DIM; d++)
        sum += (double) v[d] * (double) v[d];
    for (int d = 0; d < DIM; d++)
        v[d] = (float) ((double) v[d] / sqrt(sum));
}

/* out (n,DIM): around the middles, or anywhere without them. */
static void draw(float *out, int n, const float *middles, double noise, tw_rng *r)
{
    for (int i = 0; i < n; i++) {
        float *v = out + (size_t) i * DIM;
        const float *c =
            middles == NULL ? NULL : middles + (size_t) tw_rng_below(r, CLUSTERS) * DIM;
        for (int d = 0; d < DIM; d++)
            v[d] = (float) ((c == NULL ? 0 : (double) c[d]) + noise * tw_rng_normal(r));
        unit(v);
    }
}

static void world_fini(world *w)
{
    tw_index_destroy(w->ix);
    tw_free(w->ids);
    tw_free(w->queries);
    tw_free(w->extra);
    tw_free(w->rows);
    tw_free(w->middles);
}

static tw_status world_init(world *w, tw_error *err)
{
    const tw_index_config cfg = {.dim = DIM, .factory = "HNSW32"};
    tw_status st = TW_OK;
    tw_rng r;

    *w = (world){0};
    w->middles = tw_alloc((size_t) CLUSTERS * DIM, sizeof *w->middles);
    w->rows = tw_alloc((size_t) ROWS * DIM, sizeof *w->rows);
    w->extra = tw_alloc((size_t) PUTS * ROUNDS * DIM, sizeof *w->extra);
    w->queries = tw_alloc((size_t) QUERIES * DIM, sizeof *w->queries);
    w->ids = tw_alloc(ROWS, sizeof *w->ids);
    if (w->middles == NULL || w->rows == NULL || w->extra == NULL || w->queries == NULL ||
        w->ids == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%d vectors", ROWS);
        goto done;
    }
    tw_rng_seed(&r, 1);
    draw(w->middles, CLUSTERS, NULL, 1, &r);
    draw(w->rows, ROWS, w->middles, NOISE, &r);
    draw(w->extra, PUTS * ROUNDS, w->middles, NOISE, &r);
    draw(w->queries, QUERIES, w->middles, NOISE, &r);
    for (int i = 0; i < ROWS; i++)
        w->ids[i] = i + 1;
    TW_TRY(tw_index_create(&w->ix, &cfg, err));
    TW_TRY(tw_index_build(w->ix, w->ids, w->rows, ROWS, NULL, NULL, err));
done:
    if (st != TW_OK)
        world_fini(w);
    return st;
}

/* ---- measuring ------------------------------------------------------------------------------- */

/* How `m` searches; bits (WORDS) is filled where it filters. */
static tw_index_options options(const mode *m, bool exact, uint64_t *bits)
{
    tw_index_options opt = {.exact = exact, .ef = m->ef};
    tw_rng r;

    if (m->share == 100)
        return opt;
    tw_rng_seed(&r, 2);
    for (int i = 0; i < WORDS; i++)
        bits[i] = 0;
    for (int id = 1; id <= ROWS; id++)
        if (tw_rng_below(&r, 100) < (uint64_t) m->share)
            bits[id / 64] |= UINT64_C(1) << (id % 64);
    opt.allow = bits;
    opt.allow_words = WORDS;
    return opt;
}

static tw_status time_queries(const world *w, const tw_index_options *opt, double *us,
                              tw_error *err)
{
    tw_hit hits[K];
    int n = 0;
    double start = tw_clock_monotonic();

    for (int i = 0; i < QUERIES; i++) {
        tw_status st = tw_index_search(w->ix, w->queries + (size_t) i * DIM, K, opt, hits, &n, err);
        if (st != TW_OK)
            return st;
        if (n != K)
            return tw_fail(err, TW_ESTATE, "query %d found %d of %d", i, n, K);
    }
    *us = (tw_clock_monotonic() - start) * 1e6 / QUERIES;
    return TW_OK;
}

static tw_status search_round(const world *w, results *r, int round, tw_error *err)
{
    tw_status st = TW_OK;
    uint64_t bits[WORDS];

    for (int i = 0; i < MODES; i++) {
        tw_index_options opt = options(&modes[i], false, bits);
        if (round == 0) /* it warms up, too */
            TW_TRY(tw_index_recall(w->ix, w->queries, QUERIES, K, &opt, &r->recall[i], NULL, err));
        TW_TRY(time_queries(w, &opt, &r->us[i][round], err));
        opt.exact = true;
        TW_TRY(time_queries(w, &opt, &r->exact[i][round], err));
    }
done:
    return st;
}

static tw_status put_round(const world *w, results *r, int round, tw_error *err)
{
    double us[PUTS];

    for (int i = 0; i < PUTS; i++) {
        int at = round * PUTS + i;
        double start = tw_clock_monotonic();
        tw_status st = tw_index_put(w->ix, ROWS + 1 + at, w->extra + (size_t) at * DIM, err);
        us[i] = (tw_clock_monotonic() - start) * 1e6;
        if (st != TW_OK)
            return st;
    }
    r->put50[round] = bench_quantile(us, PUTS, 0.5);
    r->put99[round] = bench_quantile(us, PUTS, 0.99);
    return TW_OK;
}

static tw_status measure(const world *w, results *r, tw_error *err)
{
    tw_status st = TW_OK;
    uint64_t bits[WORDS];
    const tw_index_options opt = options(&modes[DEFAULT_MODE], false, bits);

    for (int round = 0; round < ROUNDS; round++)
        TW_TRY(search_round(w, r, round, err));
    for (int round = 0; round < ROUNDS; round++)
        TW_TRY(put_round(w, r, round, err));
    for (int round = 0; round < ROUNDS; round++)
        TW_TRY(time_queries(w, &opt, &r->delta[round], err));
done:
    return st;
}

static void report(bench *b, const results *r)
{
    static const double whole[1] = {1};
    const double *usual = r->us[DEFAULT_MODE];

    bench_fact(b, "rows", ROWS);
    bench_fact(b, "dim", DIM);
    bench_fact(b, "clusters", CLUSTERS);
    bench_fact(b, "queries", QUERIES);
    bench_fact(b, "k", K);
    for (int i = 0; i < MODES; i++) {
        bench_row(b, modes[i].name, "recall@10", BENCH_MORE, &r->recall[i], "exact scan", whole, 1);
        bench_row(b, modes[i].name, "us/query", BENCH_LESS, r->us[i], "exact scan", r->exact[i],
                  ROUNDS);
        if (modes[i].share < 100)
            bench_row(b, modes[i].name, "us/query", BENCH_LESS, r->us[i], "without a filter", usual,
                      ROUNDS);
    }
    bench_row(b, "put, p50", "us", BENCH_LESS, r->put50, "a search, ef 64", usual, ROUNDS);
    bench_row(b, "put, p99", "us", BENCH_LESS, r->put99, "a search, ef 64", usual, ROUNDS);
    bench_row(b, "search with 4,000 rows in the delta", "us/query", BENCH_LESS, r->delta,
              "empty delta", usual, ROUNDS);
}

int main(int argc, char **argv)
{
    (void) argc;
    tw_blas_reexec(argv);
    tw_index_single_thread();

    tw_error err = {0};
    tw_status st = TW_OK;
    results r = {0};
    world w = {0};
    bench b;

    bench_begin(&b, "bench_index", "what does the graph buy beside an exact scan?");
    double start = tw_clock_monotonic();
    TW_TRY(world_init(&w, &err));
    bench_fact(&b, "set_up_seconds", tw_clock_monotonic() - start);
    TW_TRY(measure(&w, &r, &err));
    report(&b, &r);
done:
    world_fini(&w);
    return bench_end(&b, st, &err);
}
