/* Triplets in a batch whose rows may have several positives each. */
#include <math.h>
#include <string.h>

#include "towers/loss/loss.h"
#include "towers/loss/loss_line.h"

/* d^2 = 2 - 2 s may round to 0 or below it; this floor keeps the root's derivative finite and
 * smooth. */
#define FLOOR 1e-6

typedef struct sums {
    double loss, active, terms;
} sums;

/* Divides what was summed by the terms above 0. */
static double mean_of_active(tw_real *ds, twi_loss_stats *stats, const sums *x, int R, int C)
{
    const double n = x->active > 0 ? x->active : 1;
    for (size_t k = 0; k < (size_t) R * (size_t) C; k++)
        ds[k] = (tw_real) ((double) ds[k] / n);
    stats->active = x->terms > 0 ? x->active / x->terms : 0;
    return x->loss / n;
}

/* One positive against every negative of its row: d_ap^2 - d_an^2 = 2 (s_n - s_p). */
static void hold_against_all(sums *x, tw_real *ds, const tw_real *s, const unsigned char *rel,
                             int p, double margin, int C)
{
    double active = 0;
    for (int j = 0; j < C; j++) {
        if (rel[j] != TWI_NEGATIVE)
            continue;
        const double v = 2 * ((double) s[j] - (double) s[p]) + margin;
        x->terms++;
        if (v <= 0)
            continue;
        active++;
        x->loss += v;
        ds[j] += 2;
    }
    x->active += active;
    ds[p] -= (tw_real) (2 * active);
}

double twi_loss_batch_all(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                          const unsigned char *rel, double margin, int R, int C)
{
    sums x = {0};

    memset(ds, 0, (size_t) R * (size_t) C * sizeof *ds);
    for (int i = 0; i < R; i++) {
        const size_t at = (size_t) i * (size_t) C;
        for (int p = 0; p < C; p++)
            if (rel[at + (size_t) p] == TWI_POSITIVE)
                hold_against_all(&x, ds + at, s + at, rel + at, p, margin, C);
    }
    twi_loss_measure(stats, s, rel, R, C);
    return mean_of_active(ds, stats, &x, R, C);
}

/* The nearest negative farther than the positive, else the farthest one; -1: there is none. */
static int semi_hard(const tw_real *s, const unsigned char *rel, int p, int C)
{
    int best = -1, farthest = -1;
    for (int j = 0; j < C; j++) {
        if (rel[j] != TWI_NEGATIVE)
            continue;
        if (s[j] < s[p] && (best < 0 || s[j] > s[best]))
            best = j;
        if (farthest < 0 || s[j] < s[farthest])
            farthest = j;
    }
    return best >= 0 ? best : farthest;
}

double twi_loss_semi_hard(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                          const unsigned char *rel, double margin, int R, int C)
{
    sums x = {0};

    memset(ds, 0, (size_t) R * (size_t) C * sizeof *ds);
    for (int i = 0; i < R; i++) {
        const size_t at = (size_t) i * (size_t) C;
        for (int p = 0; p < C; p++) {
            if (rel[at + (size_t) p] != TWI_POSITIVE)
                continue;
            const int k = semi_hard(s + at, rel + at, p, C);
            if (k < 0)
                continue;
            const double v =
                2 * ((double) s[at + (size_t) k] - (double) s[at + (size_t) p]) + margin;
            x.terms++;
            if (v <= 0)
                continue;
            x.active++;
            x.loss += v;
            ds[at + (size_t) k] += 2;
            ds[at + (size_t) p] -= 2;
        }
    }
    twi_loss_measure(stats, s, rel, R, C);
    return mean_of_active(ds, stats, &x, R, C);
}

static double distance(double s, bool squared)
{
    const double d2 = 2 - 2 * s > FLOOR ? 2 - 2 * s : FLOOR;
    return squared ? 2 - 2 * s : sqrt(d2);
}

/* dd/ds: d^2 = 2 - 2 s, so 2 d dd = -2 ds. */
static double slope(double s, bool squared)
{
    if (squared)
        return -2;
    return 2 - 2 * s > FLOOR ? -1 / distance(s, false) : 0;
}

/* The value of one gap d_ap - d_an, and its derivative. */
static double hinge(double gap, const twi_hard_how *how, double *dgap)
{
    if (!how->soft) {
        const double v = gap + how->margin;
        *dgap = v > 0 ? 1 : 0;
        return v > 0 ? v : 0;
    }
    const double x = gap / how->margin;
    *dgap = 1 / (1 + exp(-x)) / how->margin;
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

double twi_loss_batch_hard(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                           const unsigned char *rel, const twi_hard_how *how, int R, int C)
{
    double loss = 0, rows = 0, active = 0;

    memset(ds, 0, (size_t) R * (size_t) C * sizeof *ds);
    for (int i = 0; i < R; i++) {
        const size_t at = (size_t) i * (size_t) C;
        const tw_real *row = s + at;
        int p = -1, n = -1;
        for (int j = 0; j < C; j++) {
            const unsigned char is = rel[at + (size_t) j];
            if (is == TWI_POSITIVE && (p < 0 || row[j] < row[p]))
                p = j;
            if (is == TWI_NEGATIVE && (n < 0 || row[j] > row[n]))
                n = j;
        }
        if (p < 0 || n < 0)
            continue;
        const double sp = (double) row[p], sn = (double) row[n];
        const double gap = distance(sp, how->squared) - distance(sn, how->squared);
        double dgap;
        rows++;
        active += gap + (how->soft ? 0 : how->margin) > 0;
        loss += hinge(gap, how, &dgap);
        ds[at + (size_t) p] = (tw_real) (dgap * slope(sp, how->squared));
        ds[at + (size_t) n] = (tw_real) (-dgap * slope(sn, how->squared));
    }
    const double by = rows > 0 ? rows : 1;
    for (size_t k = 0; k < (size_t) R * (size_t) C; k++)
        ds[k] = (tw_real) ((double) ds[k] / by);
    twi_loss_measure(stats, s, rel, R, C);
    stats->active = active / by;
    return loss / by;
}

/* ---- pairs, both ways --------------------------------------------------------------------------
 */

/* The semi-hard negative of a line; -1: there is none. */
static int semi_hard_of_line(const tw_real *s, const unsigned char *rel, const twi_line *l)
{
    const tw_real positive = s[twi_line_at(l, l->own)];
    int best = -1, farthest = -1;

    for (int k = 0; k < l->n; k++) {
        const size_t here = twi_line_at(l, k);
        if (rel[here] != TWI_NEGATIVE)
            continue;
        if (s[here] < positive && (best < 0 || s[here] > s[twi_line_at(l, best)]))
            best = k;
        if (farthest < 0 || s[here] < s[twi_line_at(l, farthest)])
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
                        const unsigned char *rel, double margin, int B, int C)
{
    const size_t cells = (size_t) B * (size_t) C;
    hinge_sum sum = {0};

    memset(ds, 0, cells * sizeof *ds);
    for (int i = 0; i < B; i++) {
        const twi_line row = twi_row_line(i, C), column = twi_column_line(i, B, C);
        const size_t own = twi_line_at(&row, i);
        int k = semi_hard_of_line(s, rel, &row);
        if (k >= 0)
            add_hinge(&sum, ds, s, own, twi_line_at(&row, k), margin);
        k = semi_hard_of_line(s, rel, &column);
        if (k >= 0)
            add_hinge(&sum, ds, s, own, twi_line_at(&column, k), margin);
        if (C > B)
            add_hinge(&sum, ds, s, own, twi_line_at(&row, B + i), margin);
    }
    const double n = sum.active > 0 ? sum.active : 1;
    for (size_t k = 0; k < cells; k++)
        ds[k] = (tw_real) ((double) ds[k] / n);
    twi_loss_measure(stats, s, rel, B, C);
    stats->active = sum.terms > 0 ? (double) sum.active / sum.terms : 0;
    return sum.loss / n;
}
