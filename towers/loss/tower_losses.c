/* The losses, as functions of a batch's cosines. On unit vectors the squared
 * distance is 2 - 2 s, so all of them rank as an inner-product index does. */
#include <math.h>
#include <string.h>

#include "towers/internal.h"

static size_t cell(int i, int j, int C) { return (size_t) i * (size_t) C + (size_t) j; }

/* Positive and hardest negative of every row; label NULL: every pair is positive. */
static void measure(twi_loss_stats *stats, const tw_real *s, const unsigned char *mask,
                    const float *label, int B, int C)
{
    double pos = 0, neg = 0;
    int n_pos = 0, n_neg = 0;

    for (int i = 0; i < B; i++) {
        double hardest = -2;
        if (label == NULL || label[i] > 0.5F) {
            pos += (double) s[cell(i, i, C)];
            n_pos++;
        }
        for (int j = 0; j < C; j++)
            if (j != i && !mask[cell(i, j, C)] && (double) s[cell(i, j, C)] > hardest)
                hardest = (double) s[cell(i, j, C)];
        if (hardest > -2) {
            neg += hardest;
            n_neg++;
        }
    }
    stats->pos_cosine = pos / (n_pos > 0 ? n_pos : 1);
    stats->neg_cosine = neg / (n_neg > 0 ? n_neg : 1);
}

/* A row or a column of the batch's cosines: cells start + k * step, k < n, of which `own` is the
 * positive. */
typedef struct line {
    size_t start, step;
    int n, own;
} line;

static line row_of(int i, int C) { return (line){cell(i, 0, C), 1, C, i}; }
static line column_of(int i, int B, int C) { return (line){(size_t) i, (size_t) C, B, i}; }

static size_t at(const line *l, int k) { return l->start + (size_t) k * l->step; }

/* What the softmaxes of one batch have in common. */
typedef struct softmax {
    tw_real *ds;
    const tw_real *s;
    const unsigned char *mask;
    double temperature, scale;
} softmax;

static double logit(const softmax *m, const line *l, const tw_real *logq, int k)
{
    return (double) m->s[at(l, k)] / m->temperature - (logq != NULL ? (double) logq[k] : 0);
}

static bool is_out(const softmax *m, const line *l, int k)
{
    return k != l->own && m->mask[at(l, k)] != 0;
}

/* One softmax of the symmetric loss. Adds its gradient, times scale, to ds. Returns -ln p(own) and
 * counts in *missed when another logit is larger. */
static double softmax_line(const softmax *m, const line *l, const tw_real *logq, int *missed)
{
    const double mine = logit(m, l, logq, l->own);
    double top = mine, sum = 0;

    for (int k = 0; k < l->n; k++)
        if (!is_out(m, l, k) && logit(m, l, logq, k) > top)
            top = logit(m, l, logq, k);
    for (int k = 0; k < l->n; k++)
        if (!is_out(m, l, k))
            sum += exp(logit(m, l, logq, k) - top);
    for (int k = 0; k < l->n; k++) {
        if (is_out(m, l, k))
            continue;
        const double p = exp(logit(m, l, logq, k) - top) / sum;
        m->ds[at(l, k)] += (tw_real) (m->scale * (p - (k == l->own ? 1 : 0)) / m->temperature);
    }
    *missed += mine < top;
    return log(sum) + top - mine;
}

double twi_loss_infonce(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                        const unsigned char *mask, const tw_real *logq_a, const tw_real *logq_c,
                        double temperature, int B, int C)
{
    const softmax m = {ds, s, mask, temperature, 0.5 / B};
    double loss = 0;
    int missed = 0;

    memset(ds, 0, (size_t) B * (size_t) C * sizeof *ds);
    for (int i = 0; i < B; i++) {
        const line row = row_of(i, C), column = column_of(i, B, C);
        loss += softmax_line(&m, &row, logq_c, &missed);
        loss += softmax_line(&m, &column, logq_a, &missed);
    }
    measure(stats, s, mask, NULL, B, C);
    stats->active = missed / (2.0 * B);
    return loss * m.scale;
}

/* The semi-hard negative of a line; -1: there is none. */
static int semi_hard(const tw_real *s, const unsigned char *mask, const line *l)
{
    const tw_real positive = s[at(l, l->own)];
    int best = -1, farthest = -1;

    for (int k = 0; k < l->n; k++) {
        const size_t here = at(l, k);
        if (k == l->own || mask[here])
            continue;
        if (s[here] < positive && (best < 0 || s[here] > s[at(l, best)]))
            best = k;
        if (farthest < 0 || s[here] < s[at(l, farthest)])
            farthest = k;
    }
    return best >= 0 ? best : farthest;
}

typedef struct hinge_sum {
    double loss;
    int active, terms;
} hinge_sum;

/* d_ap^2 - d_an^2 + margin = 2 (s_an - s_ap) + margin. */
static void add_hinge(hinge_sum *sum, tw_real *ds, const tw_real *s, size_t positive,
                      size_t negative, double margin)
{
    double v = 2 * ((double) s[negative] - (double) s[positive]) + margin;
    sum->terms++;
    if (v <= 0)
        return;
    sum->loss += v;
    sum->active++;
    ds[negative] += 2;
    ds[positive] -= 2;
}

double twi_loss_triplet(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                        const unsigned char *mask, double margin, int B, int C)
{
    const size_t cells = (size_t) B * (size_t) C;
    hinge_sum sum = {0};

    memset(ds, 0, cells * sizeof *ds);
    for (int i = 0; i < B; i++) {
        const line row = row_of(i, C), column = column_of(i, B, C);
        const size_t own = cell(i, i, C);
        int k = semi_hard(s, mask, &row);
        if (k >= 0)
            add_hinge(&sum, ds, s, own, at(&row, k), margin);
        k = semi_hard(s, mask, &column);
        if (k >= 0)
            add_hinge(&sum, ds, s, own, at(&column, k), margin);
        if (C > B)
            add_hinge(&sum, ds, s, own, cell(i, B + i, C), margin);
    }
    const double n = sum.active > 0 ? sum.active : 1;
    for (size_t k = 0; k < cells; k++)
        ds[k] = (tw_real) ((double) ds[k] / n);
    measure(stats, s, mask, NULL, B, C);
    stats->active = sum.terms > 0 ? (double) sum.active / sum.terms : 0;
    return sum.loss / n;
}

/* Every unmasked cell off the diagonal is a negative. */
static double batch_negatives(tw_real *ds, const tw_real *s, const unsigned char *mask,
                              double margin, int B, int C, double *active)
{
    double loss = 0, n = 0, inside = 0;

    for (int i = 0; i < B; i++) {
        for (int j = 0; j < C; j++) {
            const size_t here = cell(i, j, C);
            if (j == i || mask[here])
                continue;
            const double gap = margin - (1 - (double) s[here]);
            n++;
            if (gap <= 0)
                continue;
            inside++;
            loss += gap * gap / 2;
            ds[here] = (tw_real) gap;
        }
    }
    const double by = inside > 0 ? inside : 1;
    for (int i = 0; i < B; i++) {
        for (int j = 0; j < C; j++)
            if (j != i)
                ds[cell(i, j, C)] = (tw_real) ((double) ds[cell(i, j, C)] / by);
    }
    *active = n > 0 ? inside / n : 0;
    return loss / by;
}

double twi_loss_contrastive(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                            const unsigned char *mask, const float *label, double margin, int B,
                            int C)
{
    double loss = 0, negatives = 0, inside = 0;

    memset(ds, 0, (size_t) B * (size_t) C * sizeof *ds);
    for (int i = 0; i < B; i++) {
        const size_t own = cell(i, i, C);
        const double d = 1 - (double) s[own];
        if (label == NULL || label[i] > 0.5F) {
            loss += d * d / 2;
            ds[own] = (tw_real) (-d / B);
            continue;
        }
        negatives++;
        if (margin > d) {
            inside++;
            loss += (margin - d) * (margin - d) / 2;
            ds[own] = (tw_real) ((margin - d) / B);
        }
    }
    loss /= B;
    stats->active = negatives > 0 ? inside / negatives : 0;
    if (label == NULL)
        loss += batch_negatives(ds, s, mask, margin, B, C, &stats->active);
    measure(stats, s, mask, label, B, C);
    return loss;
}

double twi_loss_cosine(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                       const unsigned char *mask, const float *label, int B, int C)
{
    double loss = 0;

    memset(ds, 0, (size_t) B * (size_t) C * sizeof *ds);
    for (int i = 0; i < B; i++) {
        const size_t own = cell(i, i, C);
        const double off = (double) s[own] - (double) label[i];
        loss += off * off;
        ds[own] = (tw_real) (2 * off / B);
    }
    measure(stats, s, mask, label, B, C);
    stats->active = 1;
    return loss / B;
}
