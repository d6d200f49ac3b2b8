#include "metrics/clusters.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"

typedef struct both {
    int32_t a, b;
} both;

static int compare_both(const void *x, const void *y)
{
    const both *p = x, *q = y;
    if (p->a != q->a)
        return p->a < q->a ? -1 : 1;
    return (p->b > q->b) - (p->b < q->b);
}

/* -sum of p ln p over runs of equal cells; only_a: cells are equal when their a is. */
static double entropy_of_runs(const both *cells, int64_t n, bool only_a)
{
    double h = 0;
    for (int64_t k = 0; k < n;) {
        int64_t end = k + 1;
        while (end < n && cells[end].a == cells[k].a && (only_a || cells[end].b == cells[k].b))
            end++;
        const double p = (double) (end - k) / (double) n;
        h -= p * log(p);
        k = end;
    }
    return h;
}

tw_status tw_clusters_nmi(double *out, const int32_t *a, const int32_t *b, int64_t n, tw_error *err)
{
    both *cells = tw_alloc((size_t) n, sizeof *cells);

    *out = (double) NAN;
    if (cells == NULL)
        return tw_fail(err, TW_ENOMEM, "comparing %lld labels", (long long) n);
    for (int64_t k = 0; k < n; k++)
        cells[k] = (both){b[k], a[k]};
    qsort(cells, (size_t) n, sizeof *cells, compare_both);
    const double hb = entropy_of_runs(cells, n, true), joint = entropy_of_runs(cells, n, false);
    for (int64_t k = 0; k < n; k++)
        cells[k] = (both){a[k], b[k]};
    qsort(cells, (size_t) n, sizeof *cells, compare_both);
    const double ha = entropy_of_runs(cells, n, true);
    tw_free(cells);
    if (n == 0)
        return TW_OK;
    *out = ha + hb > 0 ? 2 * (ha + hb - joint) / (ha + hb) : 1;
    return TW_OK;
}
