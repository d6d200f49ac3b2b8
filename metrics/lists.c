/* How varied lists are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "metrics/lists.h"
#include "metrics/mean.h"
#include "metrics/ranking.h"

static int compare_counts(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
    return (x > y) - (x < y);
}

double tw_gini(int64_t *counts, int64_t n)
{
    double sum = 0, weighted = 0;
    qsort(counts, (size_t) n, sizeof *counts, compare_counts);
    for (int64_t i = 0; i < n; i++) {
        sum += (double) counts[i];
        weighted += (double) (2 * i + 1 - n) * (double) counts[i];
    }
    return sum > 0 ? weighted / ((double) n * sum) : 0;
}

static double dot(const float *a, const float *b, int n)
{
    double sum = 0;
    for (int j = 0; j < n; j++)
        sum += (double) a[j] * (double) b[j];
    return sum;
}

/* Mean of 1 - cosine over the pairs of one list; false: fewer than two places. */
static bool diversity_of(double *out, const int32_t *place, int k, const float *vecs, int dim)
{
    double sum = 0, pairs = 0;
    for (int i = 0; i < k && place[i] >= 0; i++) {
        for (int j = 0; j < i; j++) {
            sum += 1 - dot(vecs + (size_t) place[i] * (size_t) dim,
                           vecs + (size_t) place[j] * (size_t) dim, dim);
            pairs++;
        }
    }
    *out = pairs > 0 ? sum / pairs : 0;
    return pairs > 0;
}

tw_status tw_variety_measure(tw_variety *out, const tw_ranked *lists, int k, const float *pool_vecs,
                             int dim, tw_error *err)
{
    tw_status st = TW_OK;
    int64_t *count = NULL, shown = 0, n = 0;
    double *diversity = NULL;

    *out = (tw_variety){0};
    TW_TRY(tw_ranked_check_k(lists, k, err));
    count = tw_alloc((size_t) lists->pool, sizeof *count);
    diversity = tw_alloc((size_t) lists->queries, sizeof *diversity);
    if (count == NULL || diversity == NULL) {
        st = tw_fail(err, TW_ENOMEM, "counts of %lld places", (long long) lists->pool);
        goto done;
    }
    for (int64_t q = 0; q < lists->queries; q++) {
        const int32_t *place = lists->place + (size_t) q * (size_t) lists->k;
        for (int j = 0; j < k && place[j] >= 0; j++)
            count[place[j]]++;
        if (pool_vecs != NULL && diversity_of(&diversity[n], place, k, pool_vecs, dim))
            n++;
    }
    for (int64_t i = 0; i < lists->pool; i++)
        shown += count[i] > 0;
    out->coverage = lists->pool > 0 ? (double) shown / (double) lists->pool : 0;
    out->gini = tw_gini(count, lists->pool);
    out->diversity = tw_mean_of(diversity, n);
done:
    tw_free(count);
    tw_free(diversity);
    return st;
}
