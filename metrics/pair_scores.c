/* Scored pairs: everything comes from one sort by score, equal scores together. */
#include "metrics/pair_scores.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"

tw_status tw_pairs_cosines(double *out, const float *vecs, int64_t n, int dim,
                           const tw_item_pair *pairs, int64_t n_pairs, tw_error *err)
{
    for (int64_t k = 0; k < n_pairs; k++) {
        const tw_item_pair *p = &pairs[k];
        if (p->a < 0 || p->a >= n || p->b < 0 || p->b >= n)
            return tw_fail(err, TW_EINVAL, "pair %lld (%d, %d) names no item of 0..%lld",
                           (long long) k, p->a, p->b, (long long) n - 1);
        const float *a = vecs + (size_t) p->a * (size_t) dim;
        const float *b = vecs + (size_t) p->b * (size_t) dim;
        double ab = 0, aa = 0, bb = 0;
        for (int j = 0; j < dim; j++) {
            ab += (double) a[j] * (double) b[j];
            aa += (double) a[j] * (double) a[j];
            bb += (double) b[j] * (double) b[j];
        }
        out[k] = aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
    }
    return TW_OK;
}

/* ---- by falling score ------------------------------------------------------------------------ */

typedef struct scored {
    float score;
    bool positive;
} scored;

static float comparable(double score) { return isnan(score) ? -INFINITY : (float) score; }

static int compare_falling(const void *a, const void *b)
{
    const scored *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

/* The pairs by falling score, in *out: the caller's to free. */
static tw_status sort_scores(scored **out, const double *score, const float *label, int64_t n,
                             tw_error *err)
{
    scored *s = tw_alloc((size_t) n, sizeof *s);
    *out = s;
    if (s == NULL)
        return tw_fail(err, TW_ENOMEM, "sorting %lld scores", (long long) n);
    for (int64_t k = 0; k < n; k++)
        s[k] = (scored){comparable(score[k]), label[k] >= 0.5F};
    qsort(s, (size_t) n, sizeof *s, compare_falling);
    return TW_OK;
}

/* Counts the run of equal scores that starts at k; returns its end. */
static int64_t take_run(const scored *s, int64_t k, int64_t n, double *pos, double *neg)
{
    int64_t end = k;
    *pos = *neg = 0;
    for (; end < n && s[end].score == s[k].score; end++) {
        *pos += s[end].positive;
        *neg += !s[end].positive;
    }
    return end;
}

tw_status tw_scores_auc(double *out, const double *score, const float *label, int64_t n,
                        tw_error *err)
{
    scored *s;
    double above = 0, sum = 0, pos, neg, positives = 0;

    *out = (double) NAN;
    tw_status st = sort_scores(&s, score, label, n, err);
    if (st != TW_OK)
        return st;
    for (int64_t k = 0; k < n;) {
        k = take_run(s, k, n, &pos, &neg);
        sum += pos * neg / 2 + above * neg; /* positives above each negative of the run */
        above += pos;
        positives = above;
    }
    if (positives > 0 && positives < (double) n)
        *out = sum / positives / ((double) n - positives);
    tw_free(s);
    return TW_OK;
}

tw_status tw_scores_average_precision(double *out, const double *score, const float *label,
                                      int64_t n, tw_error *err)
{
    scored *s;
    double found = 0, sum = 0, pos, neg;

    *out = (double) NAN;
    tw_status st = sort_scores(&s, score, label, n, err);
    if (st != TW_OK)
        return st;
    for (int64_t k = 0; k < n;) {
        k = take_run(s, k, n, &pos, &neg);
        found += pos;
        sum += pos * found / (double) k;
    }
    if (found > 0)
        *out = sum / found;
    tw_free(s);
    return TW_OK;
}

static double f1_of(double tp, double called, double positives)
{
    return called + positives > 0 ? 2 * tp / (called + positives) : 0;
}

tw_status tw_threshold_choose(double *threshold, const double *score, const float *label, int64_t n,
                              tw_threshold_by by, tw_error *err)
{
    scored *s;
    double positives = 0, tp = 0, fp = 0, pos, neg;

    *threshold = (double) INFINITY;
    tw_status st = sort_scores(&s, score, label, n, err);
    if (st != TW_OK)
        return st;
    for (int64_t k = 0; k < n; k++)
        positives += s[k].positive;
    /* Of accuracy only tp - fp moves; nothing called positive is where both start. */
    double best = 0;
    for (int64_t k = 0; k < n;) {
        const int64_t end = take_run(s, k, n, &pos, &neg);
        tp += pos;
        fp += neg;
        const double value = by == TW_BY_F1 ? f1_of(tp, tp + fp, positives) : tp - fp;
        if (value > best) {
            best = value;
            *threshold = end < n && isfinite(s[end].score)
                             ? ((double) s[end].score + (double) s[k].score) / 2
                             : (double) -INFINITY;
        }
        k = end;
    }
    tw_free(s);
    return TW_OK;
}

tw_decisions tw_threshold_apply(double threshold, const double *score, const float *label,
                                int64_t n)
{
    tw_decisions d = {0};
    const double all = n > 0 ? (double) n : (double) NAN;

    for (int64_t k = 0; k < n; k++) {
        const bool called = (double) comparable(score[k]) > threshold, is = label[k] >= 0.5F;
        d.tp += called && is;
        d.fp += called && !is;
        d.fn += !called && is;
        d.tn += !called && !is;
    }
    const double called = (double) (d.tp + d.fp), positives = (double) (d.tp + d.fn);
    d.accuracy = (double) (d.tp + d.tn) / all;
    d.accuracy_se = sqrt(d.accuracy * (1 - d.accuracy) / all);
    d.precision = d.recall = d.f1 = (double) NAN;
    if (positives > 0) {
        d.precision = called > 0 ? (double) d.tp / called : 0;
        d.recall = (double) d.tp / positives;
        d.f1 = f1_of((double) d.tp, called, positives);
    }
    return d;
}

/* ---- correlation ----------------------------------------------------------------------------- */

/* By the values: the squared deviations of equal ones need not be 0 to the last bit. */
static bool is_constant(const double *x, int64_t n)
{
    for (int64_t i = 1; i < n; i++)
        if (x[i] != x[0])
            return false;
    return true;
}

double tw_scores_pearson(const double *x, const double *y, int64_t n)
{
    double mx = 0, my = 0, xy = 0, xx = 0, yy = 0;

    if (is_constant(x, n) || is_constant(y, n))
        return (double) NAN;
    for (int64_t i = 0; i < n; i++) {
        mx += x[i] / (double) n;
        my += y[i] / (double) n;
    }
    for (int64_t i = 0; i < n; i++) {
        xy += (x[i] - mx) * (y[i] - my);
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : (double) NAN;
}

typedef struct placed {
    float value;
    int64_t index;
} placed;

static int compare_rising(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

/* Ranks from 1 into rank (n), equal values sharing their mean. */
static void to_ranks(double *rank, placed *scratch, const double *x, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        scratch[k] = (placed){comparable(x[k]), k};
    qsort(scratch, (size_t) n, sizeof *scratch, compare_rising);
    for (int64_t i = 0; i < n;) {
        int64_t end = i + 1;
        while (end < n && scratch[end].value == scratch[i].value)
            end++;
        for (int64_t k = i; k < end; k++)
            rank[scratch[k].index] = 0.5 * (double) (i + 1 + end);
        i = end;
    }
}

tw_status tw_scores_spearman(double *out, const double *x, const double *y, int64_t n,
                             tw_error *err)
{
    tw_status st = TW_OK;
    const size_t rows = (size_t) n;
    placed *scratch = tw_alloc(rows, sizeof *scratch);
    double *rx = tw_alloc(rows, sizeof *rx), *ry = tw_alloc(rows, sizeof *ry);

    *out = (double) NAN;
    if (scratch == NULL || rx == NULL || ry == NULL) {
        st = tw_fail(err, TW_ENOMEM, "ranks of %zu pairs", rows);
        goto done;
    }
    to_ranks(rx, scratch, x, n);
    to_ranks(ry, scratch, y, n);
    *out = tw_scores_pearson(rx, ry, n);
done:
    tw_free(scratch);
    tw_free(rx);
    tw_free(ry);
    return st;
}
