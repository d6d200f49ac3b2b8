/* How good and how fast: the index against itself scanned exactly. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "index/index_main.h"
#include "index/index_scan.h"
#include "index/index_state.h"

/* Found hits that belong among the nearest: a tie with the last of them does. */
static int count_found(const tw_hit *got, int n_got, const tw_hit *truth, int n_truth)
{
    int found = 0;
    for (int i = 0; i < n_got && i < n_truth; i++)
        found += got[i].score >= truth[n_truth - 1].score;
    return found;
}

/* Less than a per cent of a graph's building. Sixteen queries share a pass over the rows, and
 * progress is asked between. */
enum { SAMPLE = 128, STEP = 16, SAMPLE_K = 10 };

typedef struct sample {
    float *queries;      /* (STEP, dim) */
    tw_hit *got, *truth; /* (STEP, SAMPLE_K) */
    int64_t found, wanted;
} sample;

static tw_status sample_init(sample *s, int dim, tw_error *err)
{
    s->queries = tw_alloc(STEP, (size_t) dim * sizeof *s->queries);
    s->got = tw_alloc((size_t) STEP * SAMPLE_K, sizeof *s->got);
    s->truth = tw_alloc((size_t) STEP * SAMPLE_K, sizeof *s->truth);
    return s->queries != NULL && s->got != NULL && s->truth != NULL
               ? TW_OK
               : tw_fail(err, TW_ENOMEM, "a sample of %d rows", STEP);
}

static void sample_fini(sample *s)
{
    tw_free(s->queries);
    tw_free(s->got);
    tw_free(s->truth);
}

/* STEP nodes from number `at` of SAMPLE on. They lie in random order: evenly spaced ones are a
 * random sample. */
static tw_status measure(const tw_index *ix, twi_view v, sample *s, int at, tw_error *err)
{
    tw_status st = TW_OK;
    const twi_main *m = &v.state->main;
    const tw_index_options exact = {.exact = true};
    int n_got[STEP], n_truth[STEP];

    for (int i = 0; i < STEP; i++) {
        const float *query = twi_main_node_vec(m, (at + i) * m->nodes / SAMPLE);
        memcpy(s->queries + (size_t) i * (size_t) m->dim, query,
               (size_t) m->dim * sizeof *s->queries);
    }
    TW_TRY(twi_search_view(ix, v, s->queries, STEP, SAMPLE_K, NULL, s->got, n_got, err));
    TW_TRY(twi_search_view(ix, v, s->queries, STEP, SAMPLE_K, &exact, s->truth, n_truth, err));
    for (int i = 0; i < STEP; i++) {
        const size_t list = (size_t) i * SAMPLE_K;
        s->found += count_found(s->got + list, n_got[i], s->truth + list, n_truth[i]);
        s->wanted += n_truth[i];
    }
done:
    return st;
}

tw_status twi_check_graph(const tw_index *ix, twi_state *s, const twi_source *src, tw_error *err)
{
    tw_status st = TW_OK;
    sample all = {0};
    const twi_view v = {.state = s}; /* before the first version: what is not dead is seen */

    if (s->main.graph == NULL)
        return TW_OK;
    TW_TRY(sample_init(&all, s->main.dim, err));
    for (int at = 0; at < SAMPLE; at += STEP) {
        TW_TRY(twi_report_progress(src, "measuring", at, SAMPLE, err));
        TW_TRY(measure(ix, v, &all, at, err));
    }
    const double recall = all.wanted > 0 ? (double) all.found / (double) all.wanted : 1;
    s->main.recall = recall > TW_INDEX_LOW_RECALL ? recall : TW_INDEX_LOW_RECALL;
    if (s->main.recall < ix->cfg.least_recall)
        TW_TRY(twi_main_drop_graph(&s->main, err));
done:
    sample_fini(&all);
    return st;
}

tw_status tw_index_recall(const tw_index *ix, const float *queries, int n, int k,
                          const tw_index_options *opt, double *recall, double *us, tw_error *err)
{
    tw_status st = TW_OK;
    tw_index_options fast = {0}, exact;
    tw_hit *got = NULL, *truth = NULL;
    int64_t found = 0, wanted = 0;
    double seconds = 0;
    int n_got, n_truth;

    *recall = 0;
    if (n < 1)
        return tw_fail(err, TW_EINVAL, "number of queries %d is below 1", n);
    if (k < 1 || k > TW_INDEX_MAX_K)
        return tw_fail(err, TW_EINVAL, "k %d is outside 1..%d", k, TW_INDEX_MAX_K);
    if (opt != NULL)
        fast = *opt;
    fast.exact = false;
    exact = fast;
    exact.exact = true;

    got = tw_alloc((size_t) k, sizeof *got);
    truth = tw_alloc((size_t) k, sizeof *truth);
    if (got == NULL || truth == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%d hits", k);
        goto done;
    }
    for (int i = 0; i < n; i++) {
        const float *q = queries + (size_t) i * (size_t) ix->cfg.dim;
        const double start = tw_clock_monotonic();
        TW_TRY(tw_index_search(ix, q, k, &fast, got, &n_got, err));
        seconds += tw_clock_monotonic() - start;
        TW_TRY(tw_index_search(ix, q, k, &exact, truth, &n_truth, err));
        found += count_found(got, n_got, truth, n_truth);
        wanted += n_truth;
    }
    *recall = wanted > 0 ? (double) found / (double) wanted : 1;
    if (us != NULL)
        *us = seconds * 1e6 / n;
done:
    tw_free(got);
    tw_free(truth);
    return st;
}
