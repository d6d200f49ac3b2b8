/* How good and how fast: the index against itself scanned exactly. */
#include "base/alloc.h"
#include "base/clock.h"
#include "index/internal.h"

/* Found hits that belong among the nearest: a tie with the last of them does. */
static int count_found(const tw_hit *got, int n_got, const tw_hit *truth, int n_truth)
{
    int found = 0;
    for (int i = 0; i < n_got && i < n_truth; i++)
        found += got[i].score >= truth[n_truth - 1].score;
    return found;
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
