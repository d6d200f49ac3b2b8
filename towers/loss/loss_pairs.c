/* Losses that look at one cell at a time, and CoSENT, which orders pairs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "towers/loss/loss.h"

static size_t cells_of(int R, int C) { return (size_t) R * (size_t) C; }

/* ln(1 + e^x) without overflow. */
static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

static bool has_cell(const unsigned char *rel, int C)
{
    for (int j = 0; j < C; j++)
        if (rel[j] != TWI_IGNORED)
            return true;
    return false;
}

double twi_loss_sigmoid(tw_real *ds, double *dbias, twi_loss_stats *stats, const tw_real *s,
                        const unsigned char *rel, double scale, double bias, int R, int C)
{
    double loss = 0, dlogits = 0, wrong = 0, terms = 0;
    int rows = 0;

    for (int i = 0; i < R; i++)
        rows += has_cell(rel + (size_t) i * (size_t) C, C);
    const double n = rows > 0 ? rows : 1;
    for (size_t k = 0; k < cells_of(R, C); k++) {
        ds[k] = 0;
        if (rel[k] == TWI_IGNORED)
            continue;
        /* -ln sigmoid(y x) = softplus(-y x), whose derivative in x is -y sigmoid(-y x). */
        const double y = rel[k] == TWI_POSITIVE ? 1 : -1;
        const double x = scale * (double) s[k] + bias;
        const double dx = -y / (1 + exp(y * x)) / n;
        loss += softplus(-y * x);
        dlogits += dx;
        ds[k] = (tw_real) (dx * scale);
        wrong += y * x < 0;
        terms++;
    }
    if (dbias != NULL)
        *dbias = dlogits;
    twi_loss_measure(stats, s, rel, R, C);
    stats->active = terms > 0 ? wrong / terms : 0;
    return loss / n;
}

/* How many of each side there are. */
typedef struct contrast {
    double positives, negatives, inside; /* inside the margin */
} contrast;

static contrast count(const tw_real *s, const unsigned char *rel, double margin, size_t cells)
{
    contrast n = {0};
    for (size_t k = 0; k < cells; k++) {
        n.positives += rel[k] == TWI_POSITIVE;
        n.negatives += rel[k] == TWI_NEGATIVE;
        n.inside += rel[k] == TWI_NEGATIVE && 1 - (double) s[k] < margin;
    }
    return n;
}

double twi_loss_contrastive(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                            const unsigned char *rel, bool labelled, double margin, int R, int C)
{
    const size_t cells = cells_of(R, C);
    const contrast n = count(s, rel, margin, cells);
    const double all = n.positives + n.negatives > 0 ? n.positives + n.negatives : 1;
    const double by_pull = labelled ? all : n.positives > 0 ? n.positives : 1;
    const double by_push = labelled ? all : n.inside > 0 ? n.inside : 1;
    double pull = 0, push = 0;

    for (size_t k = 0; k < cells; k++) {
        const double d = 1 - (double) s[k];
        ds[k] = 0;
        if (rel[k] == TWI_POSITIVE) {
            pull += d * d / 2;
            ds[k] = (tw_real) (-d / by_pull);
        } else if (rel[k] == TWI_NEGATIVE && d < margin) {
            push += (margin - d) * (margin - d) / 2;
            ds[k] = (tw_real) ((margin - d) / by_push);
        }
    }
    twi_loss_measure(stats, s, rel, R, C);
    stats->active = n.negatives > 0 ? n.inside / n.negatives : 0;
    return pull / by_pull + push / by_push;
}

double twi_loss_cosine(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                       const unsigned char *rel, const float *label, int B, int C)
{
    double loss = 0;

    memset(ds, 0, cells_of(B, C) * sizeof *ds);
    for (int i = 0; i < B; i++) {
        const size_t own = (size_t) i * (size_t) C + (size_t) i;
        const double off = (double) s[own] - (double) label[i];
        loss += off * off;
        ds[own] = (tw_real) (2 * off / B);
    }
    twi_loss_measure(stats, s, rel, B, C);
    stats->active = 1;
    return loss / B;
}

/* One side of a labelled batch. */
typedef struct side {
    double n, sum, nearest, farthest; /* distances */
} side;

static void add_distance(side *x, double d)
{
    x->nearest = x->n > 0 && x->nearest < d ? x->nearest : d;
    x->farthest = x->n > 0 && x->farthest > d ? x->farthest : d;
    x->sum += d;
    x->n++;
}

/* The other side's extreme, or the own mean where the other has fewer than two. */
static double bound(double extreme, const side *other, const side *own)
{
    if (other->n > 1)
        return extreme;
    return own->n > 0 ? own->sum / own->n : 0;
}

double twi_loss_online(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                       const unsigned char *rel, double margin, int R, int C)
{
    const size_t cells = cells_of(R, C);
    side pos = {0}, neg = {0};
    double loss = 0, kept = 0;

    for (size_t k = 0; k < cells; k++)
        if (rel[k] != TWI_IGNORED)
            add_distance(rel[k] == TWI_POSITIVE ? &pos : &neg, 1 - (double) s[k]);
    const double beyond = bound(neg.nearest, &neg, &pos), within = bound(pos.farthest, &pos, &neg);
    for (size_t k = 0; k < cells; k++) {
        const double d = 1 - (double) s[k];
        ds[k] = 0;
        if (rel[k] == TWI_POSITIVE && d > beyond) {
            kept++;
            loss += d * d;
            ds[k] = (tw_real) (-2 * d);
        } else if (rel[k] == TWI_NEGATIVE && d < within) {
            kept++;
            if (d < margin) {
                loss += (margin - d) * (margin - d);
                ds[k] = (tw_real) (2 * (margin - d));
            }
        }
    }
    const double n = kept > 0 ? kept : 1;
    for (size_t k = 0; k < cells; k++)
        ds[k] = (tw_real) ((double) ds[k] / n);
    twi_loss_measure(stats, s, rel, R, C);
    stats->active = pos.n + neg.n > 0 ? kept / (pos.n + neg.n) : 0;
    return loss / n;
}

/* ---- CoSENT ---------------------------------------------------------------------------------- */

static int compare_scored(const void *a, const void *b)
{
    const twi_scored *x = a, *y = b;
    if (x->label != y->label)
        return x->label < y->label ? -1 : 1;
    return x->row - y->row;
}

/* Mean cosine of pairs scored above 0.5; highest cosine of those that are not. */
static void measure_scored(twi_loss_stats *stats, const twi_scored *rows, int B)
{
    double pos = 0, n_pos = 0, neg = 0;
    bool any = false;
    for (int k = 0; k < B; k++) {
        if (rows[k].label > 0.5) {
            pos += rows[k].cosine;
            n_pos++;
        } else if (!any || rows[k].cosine > neg) {
            neg = rows[k].cosine;
            any = true;
        }
    }
    stats->pos_cosine = n_pos > 0 ? pos / n_pos : 0;
    stats->neg_cosine = neg;
}

/* The end of the run of equal labels that starts at k. */
static int run_end(const twi_scored *rows, int k, int B)
{
    int end = k + 1;
    while (end < B && rows[end].label == rows[k].label)
        end++;
    return end;
}

double twi_loss_cosent(tw_real *ds, twi_loss_stats *stats, const tw_real *s, const float *label,
                       twi_scored *scratch, double scale, int B, int C)
{
    double below = 0, above = 0, sum = 0; /* of e^(scale s_j) so far; of e^(-scale s_i) left */

    memset(ds, 0, cells_of(B, C) * sizeof *ds);
    for (int i = 0; i < B; i++) {
        const double cosine = (double) s[(size_t) i * (size_t) C + (size_t) i];
        scratch[i] = (twi_scored){.label = (double) label[i], .cosine = cosine, .row = i};
    }
    qsort(scratch, (size_t) B, sizeof *scratch, compare_scored);
    /* The pairs scored lower than i pull it up with e^(-scale s_i) * below ... */
    for (int k = 0, end = 0; k < B; k = end) {
        end = run_end(scratch, k, B);
        for (int i = k; i < end; i++) {
            scratch[i].pull = exp(-scale * scratch[i].cosine) * below;
            sum += scratch[i].pull;
        }
        for (int i = k; i < end; i++)
            below += exp(scale * scratch[i].cosine);
    }
    /* ... and those scored higher than j push it down with e^(scale s_j) * above. */
    for (int end = B, k = B; k > 0; end = k) {
        do
            k--;
        while (k > 0 && scratch[k - 1].label == scratch[k].label);
        for (int j = k; j < end; j++) {
            const double push = exp(scale * scratch[j].cosine) * above;
            ds[(size_t) scratch[j].row * ((size_t) C + 1)] =
                (tw_real) (scale * ((push - scratch[j].pull) / (1 + sum)));
        }
        for (int j = k; j < end; j++)
            above += exp(-scale * scratch[j].cosine);
    }
    measure_scored(stats, scratch, B);
    stats->active = sum / (1 + sum);
    return log1p(sum);
}
