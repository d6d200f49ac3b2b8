#include "metrics/trials.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "metrics/mean.h"

typedef struct support_set {
    const float *vecs;
    int dim;
    float *means; /* (largest support, dim) */
    int32_t *cls; /* (largest support) */
} support_set;

static double dot(const float *a, const float *b, int n)
{
    double sum = 0;
    for (int j = 0; j < n; j++)
        sum += (double) a[j] * (double) b[j];
    return sum;
}

/* One mean of length 1 for each class of the supports; returns how many. */
static int take_means(support_set *j, const tw_trial *t)
{
    const size_t D = (size_t) j->dim;
    int n = 0;

    for (int s = 0; s < t->n_support; s++) {
        const float *v = j->vecs + (size_t) t->support[s] * D;
        int c = 0;
        while (c < n && j->cls[c] != t->support_class[s])
            c++;
        if (c == n) {
            j->cls[n++] = t->support_class[s];
            memset(j->means + (size_t) c * D, 0, D * sizeof *j->means);
        }
        for (size_t d = 0; d < D; d++)
            j->means[(size_t) c * D + d] += v[d];
    }
    for (int c = 0; c < n; c++) {
        float *mean = j->means + (size_t) c * D;
        const double length = sqrt(dot(mean, mean, j->dim));
        for (size_t d = 0; d < D && length > 0; d++)
            mean[d] = (float) ((double) mean[d] / length);
    }
    return n;
}

static void take_supports(support_set *j, const tw_trial *t)
{
    const size_t D = (size_t) j->dim;
    for (int s = 0; s < t->n_support; s++) {
        memcpy(j->means + (size_t) s * D, j->vecs + (size_t) t->support[s] * D,
               D * sizeof *j->means);
        j->cls[s] = t->support_class[s];
    }
}

/* The nearest of the right class must be nearer than every other by more than a tie. */
static bool is_answered(const support_set *j, int n, int32_t query, int32_t cls)
{
    const float *v = j->vecs + (size_t) query * (size_t) j->dim;
    double right = -INFINITY, wrong = -INFINITY;

    for (int s = 0; s < n; s++) {
        const double cosine = dot(v, j->means + (size_t) s * (size_t) j->dim, j->dim);
        double *side = j->cls[s] == cls ? &right : &wrong;
        if (cosine > *side)
            *side = cosine;
    }
    return right - TW_TIE > wrong;
}

static tw_status check_rows(const int32_t *rows, int n_rows, int64_t n, int64_t trial,
                            tw_error *err)
{
    for (int k = 0; k < n_rows; k++) {
        if (rows[k] < 0 || rows[k] >= n)
            return tw_fail(err, TW_EINVAL, "trial %lld: row %d is outside 0..%lld",
                           (long long) trial, rows[k], (long long) n - 1);
    }
    return TW_OK;
}

tw_status tw_trials_measure(tw_mean *out, const float *vecs, int64_t n, int dim,
                            const tw_trial *trials, int64_t n_trials, bool class_mean,
                            tw_error *err)
{
    tw_status st = TW_OK;
    support_set j = {.vecs = vecs, .dim = dim};
    double *share = tw_alloc((size_t) n_trials, sizeof *share);
    int64_t asked = 0;
    size_t largest = 0;

    *out = (tw_mean){.mean = (double) NAN, .se = (double) NAN};
    for (int64_t t = 0; t < n_trials; t++) {
        TW_TRY(check_rows(trials[t].support, trials[t].n_support, n, t, err));
        TW_TRY(check_rows(trials[t].query, trials[t].n_query, n, t, err));
        if ((size_t) trials[t].n_support > largest)
            largest = (size_t) trials[t].n_support;
    }
    j.means = tw_alloc(largest * (size_t) dim, sizeof *j.means);
    j.cls = tw_alloc(largest, sizeof *j.cls);
    if (share == NULL || j.means == NULL || j.cls == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%lld trials of %zu supports", (long long) n_trials, largest);
        goto done;
    }
    for (int64_t t = 0; t < n_trials; t++) {
        const tw_trial *trial = &trials[t];
        int classes = trial->n_support, right = 0;
        if (trial->n_query == 0)
            continue;
        if (class_mean)
            classes = take_means(&j, trial);
        else
            take_supports(&j, trial);
        for (int q = 0; q < trial->n_query; q++)
            right += is_answered(&j, classes, trial->query[q], trial->query_class[q]);
        share[asked++] = (double) right / trial->n_query;
    }
    *out = tw_mean_of(share, asked);
done:
    tw_free(share);
    tw_free(j.means);
    tw_free(j.cls);
    return st;
}
