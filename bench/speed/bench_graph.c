/* bench/speed/bench_graph.c — what does our graph cost, and what does it find, beside FAISS's own?
 *
 *     bench_graph                        12,000 invented vectors
 *     bench_graph FILE.fvecs [ROWS]      those of twindex embed --dir DIR --all --out FILE.fvecs
 *
 * The peer is FAISS's HNSW32 with the same settings, given the same rows as they come in one call,
 * which is its best: it shuffles what one call brings. Invented rows are like a catalogue: in order
 * of their kind, a third of them copies of 50. Each row asks once, for ten; what is found is
 * counted by score, so that of equal rows any will do. One thread throughout.
 */
#include <errno.h>
#include <faiss/c_api/AutoTune_c.h>
#include <faiss/c_api/Index_c.h>
#include <faiss/c_api/error_c.h>
#include <faiss/c_api/index_factory_c.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"
#include "bench/speed/bench.h"
#include "index/index.h"
#include "nn/blas.h"

enum { K = 10, QUERIES = 200, ROUNDS = 3, INVENTED = 12000, WIDTH = 64, KINDS = 200, COPIED = 50 };

#define EF           64
#define CONSTRUCTION 200
#define SAME         1e-5F /* FAISS adds up in another order */

typedef struct world {
    int64_t n;
    int dim;
    float *rows; /* (n, dim) */
    int64_t *ids;
    tw_index *ours;
    FaissIndex *theirs;
    double our_build, their_build;
} world;

/* ---- vectors --------------------------------------------------------------------------------- */

static void unit(float *v, int dim)
{
    double sum = 0;
    for (int d = 0; d < dim; d++)
        sum += (double) v[d] * (double) v[d];
    for (int d = 0; d < dim; d++)
        v[d] = (float) ((double) v[d] / sqrt(sum));
}

static tw_status invent(world *w, tw_error *err)
{
    tw_rng r;
    w->n = INVENTED;
    w->dim = WIDTH;
    w->rows = tw_alloc((size_t) INVENTED * WIDTH, sizeof *w->rows);
    float *middles = tw_alloc((size_t) KINDS * WIDTH, sizeof *middles);
    if (w->rows == NULL || middles == NULL) {
        tw_free(middles);
        return tw_fail(err, TW_ENOMEM, "%d vectors", INVENTED);
    }
    tw_rng_seed(&r, 1);
    for (int i = 0; i < KINDS * WIDTH; i++)
        middles[i] = (float) tw_rng_normal(&r);
    for (int64_t i = 0; i < INVENTED; i++) {
        const float *c = middles + i * KINDS / INVENTED * WIDTH;
        float *v = w->rows + i * WIDTH;
        for (int d = 0; d < WIDTH; d++)
            v[d] = (float) ((double) c[d] + 0.5 * tw_rng_normal(&r));
        unit(v, WIDTH);
    }
    for (int64_t i = 0; i < INVENTED; i++) {
        const int64_t of = (int64_t) tw_rng_below(&r, COPIED) * (INVENTED / COPIED);
        if (tw_rng_below(&r, 3) == 0 && of != i)
            memcpy(w->rows + i * WIDTH, w->rows + of * WIDTH, WIDTH * sizeof *w->rows);
    }
    tw_free(middles);
    return TW_OK;
}

/* .fvecs: of each row its width, then its numbers. */
static tw_status read_rows(world *w, FILE *f, int64_t most, tw_error *err)
{
    int32_t dim;
    int64_t room = 0;
    while (w->n < most && fread(&dim, sizeof dim, 1, f) == 1) {
        if (dim < 1 || dim > TW_INDEX_MAX_DIM || (w->n > 0 && dim != w->dim))
            return tw_fail(err, TW_ECORRUPT, "row %lld has %d numbers", (long long) w->n, dim);
        w->dim = dim;
        if (w->n == room) {
            room = room == 0 ? 4096 : 2 * room;
            float *more = tw_realloc(w->rows, (size_t) room, (size_t) dim * sizeof *more);
            if (more == NULL)
                return tw_fail(err, TW_ENOMEM, "%lld vectors", (long long) room);
            w->rows = more;
        }
        if (fread(w->rows + w->n * dim, sizeof *w->rows, (size_t) dim, f) != (size_t) dim)
            return tw_fail(err, TW_ECORRUPT, "row %lld is cut short", (long long) w->n);
        w->n++;
    }
    return w->n >= QUERIES ? TW_OK
                           : tw_fail(err, TW_EINVAL, "%lld rows are fewer than the %d that ask",
                                     (long long) w->n, QUERIES);
}

static tw_status load(world *w, int argc, char **argv, tw_error *err)
{
    int64_t most = INT64_MAX;
    if (argc < 2)
        return invent(w, err);
    if (argc > 2) {
        char *end;
        most = strtoll(argv[2], &end, 10);
        if (*end != '\0' || most < QUERIES)
            return tw_fail(err, TW_EINVAL, "'%s' is no number of rows from %d on", argv[2],
                           QUERIES);
    }
    FILE *f = fopen(argv[1], "rbe");
    if (f == NULL)
        return tw_fail_errno(err, "cannot open '%s'", argv[1]);
    tw_status st = read_rows(w, f, most, err);
    (void) fclose(f);
    return st;
}

/* ---- both indexes ---------------------------------------------------------------------------- */

static tw_status faiss_said(int rc, const char *what, tw_error *err)
{
    return rc == 0 ? TW_OK : tw_fail(err, TW_EINVAL, "%s: %s", what, faiss_get_last_error());
}

static tw_status set_theirs(world *w, const char *name, double value, tw_error *err)
{
    tw_status st = TW_OK;
    FaissParameterSpace *space = NULL;
    TW_TRY(faiss_said(faiss_ParameterSpace_new(&space), "parameters", err));
    st = faiss_said(faiss_ParameterSpace_set_index_parameter(space, w->theirs, name, value), name,
                    err);
    faiss_ParameterSpace_free(space);
done:
    return st;
}

/* Seconds of this process's own work: two builds that take minutes have no round in common, and a
 * busy machine would support_set them. */
static double worked(void)
{
    struct rusage use;
    return getrusage(RUSAGE_SELF, &use) == 0
               ? (double) use.ru_utime.tv_sec + (double) use.ru_utime.tv_usec / 1e6
               : NAN;
}

static tw_status build_theirs(world *w, tw_error *err)
{
    tw_status st = TW_OK;
    const double start = worked();
    TW_TRY(faiss_said(faiss_index_factory(&w->theirs, w->dim, "HNSW32", METRIC_INNER_PRODUCT),
                      "HNSW32", err));
    TW_TRY(set_theirs(w, "efConstruction", CONSTRUCTION, err));
    TW_TRY(set_theirs(w, "efSearch", EF, err));
    TW_TRY(faiss_said(faiss_Index_add(w->theirs, w->n, w->rows), "add", err));
    w->their_build = worked() - start;
done:
    return st;
}

static tw_status build_ours(world *w, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_index_config cfg = {.dim = w->dim,
                                 .factory = "HNSW32",
                                 .ef_search = EF,
                                 .ef_construction = CONSTRUCTION,
                                 .least_recall = TW_INDEX_LOW_RECALL};
    const double start = worked();
    w->ids = tw_alloc((size_t) w->n, sizeof *w->ids);
    if (w->ids == NULL)
        return tw_fail(err, TW_ENOMEM, "%lld ids", (long long) w->n);
    for (int64_t i = 0; i < w->n; i++)
        w->ids[i] = i + 1;
    TW_TRY(tw_index_create(&w->ours, &cfg, err));
    TW_TRY(tw_index_build(w->ours, w->ids, w->rows, w->n, NULL, NULL, err));
    w->our_build = worked() - start;
done:
    return st;
}

/* ---- searching ------------------------------------------------------------------------------- */

typedef struct figures {
    double ours[ROUNDS], theirs[ROUNDS]; /* us a query */
    double our_recall, their_recall;
} figures;

static int good(const float *scores, int n, float least)
{
    int found = 0;
    for (int i = 0; i < n; i++)
        found += scores[i] >= least - SAME;
    return found;
}

static tw_status ask(const world *w, figures *r, int round, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_index_options exact = {.exact = true};
    tw_hit hits[K], truth[K];
    float scores[K], distances[K];
    idx_t labels[K];
    int n = 0, n_truth = 0, ours = 0, theirs = 0;

    r->ours[round] = r->theirs[round] = 0;
    for (int i = 0; i < QUERIES; i++) {
        const float *q = w->rows + i * (w->n / QUERIES) * w->dim;
        const double start = tw_clock_monotonic();
        TW_TRY(tw_index_search(w->ours, q, K, NULL, hits, &n, err));
        const double middle = tw_clock_monotonic();
        TW_TRY(
            faiss_said(faiss_Index_search(w->theirs, 1, q, K, distances, labels), "search", err));
        r->theirs[round] += (tw_clock_monotonic() - middle) * 1e6 / QUERIES;
        r->ours[round] += (middle - start) * 1e6 / QUERIES;
        if (round > 0)
            continue;
        TW_TRY(tw_index_search(w->ours, q, K, &exact, truth, &n_truth, err));
        for (int j = 0; j < n; j++)
            scores[j] = hits[j].score;
        ours += good(scores, n, truth[n_truth - 1].score);
        theirs += good(distances, K, truth[n_truth - 1].score);
    }
    if (round == 0) {
        r->our_recall = (double) ours / (QUERIES * K);
        r->their_recall = (double) theirs / (QUERIES * K);
    }
done:
    return st;
}

static void report(bench *b, const world *w, const figures *r)
{
    tw_index_stats s;
    tw_index_get_stats(w->ours, &s);
    bench_fact(b, "rows", (double) w->n);
    bench_fact(b, "different", (double) s.main_vectors);
    bench_fact(b, "dim", w->dim);
    bench_fact(b, "ef", EF);
    bench_fact(b, "ef_construction", CONSTRUCTION);
    bench_fact(b, "recall_said", s.recall);
    bench_row(b, "build", "s of CPU", BENCH_LESS, &w->our_build, "FAISS, one call", &w->their_build,
              1);
    bench_row(b, "search", "recall@10", BENCH_MORE, &r->our_recall, "FAISS", &r->their_recall, 1);
    bench_row(b, "search", "us/query", BENCH_LESS, r->ours, "FAISS", r->theirs, ROUNDS);
}

int main(int argc, char **argv)
{
    tw_blas_reexec(argv);
    tw_index_single_thread();

    tw_error err = {0};
    tw_status st = TW_OK;
    figures r = {0};
    world w = {0};
    bench b;

    bench_begin(&b, "bench_graph", "what does a graph cost and find beside FAISS's own?");
    TW_TRY(load(&w, argc, argv, &err));
    TW_TRY(build_theirs(&w, &err));
    TW_TRY(build_ours(&w, &err));
    for (int round = 0; round < ROUNDS; round++)
        TW_TRY(ask(&w, &r, round, &err));
    report(&b, &w, &r);
done:
    tw_index_destroy(w.ours);
    if (w.theirs != NULL)
        faiss_Index_free(w.theirs);
    tw_free(w.rows);
    tw_free(w.ids);
    return bench_end(&b, st, &err);
}
