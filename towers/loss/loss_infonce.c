/* InfoNCE over pairs. The usual form takes one exponential a cell: rows and columns share e^(s/t),
 * and what a row's or a column's own weight adds is a factor. The plain form takes one for each
 * softmax and holds at any temperature. */
#include <math.h>
#include <string.h>

#include "towers/loss/loss.h"
#include "towers/loss/loss_line.h"

/* ---- the plain form -------------------------------------------------------------------------- */

/* What the softmaxes of one batch have in common. */
typedef struct softmax {
    tw_real *ds;
    const tw_real *s;
    const unsigned char *rel;
    double temperature, scale;
} softmax;

static double logit(const softmax *m, const twi_line *l, const tw_real *logq, int k)
{
    return (double) m->s[twi_line_at(l, k)] / m->temperature -
           (logq != NULL ? (double) logq[k] : 0);
}

static bool is_out(const softmax *m, const twi_line *l, int k)
{
    return m->rel[twi_line_at(l, k)] == TWI_IGNORED;
}

/* One softmax of the symmetric loss. Adds its gradient, times scale, to ds. Returns -ln p(own) and
 * counts in *missed when another logit is larger. */
static double softmax_line(const softmax *m, const twi_line *l, const tw_real *logq, int *missed)
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
        m->ds[twi_line_at(l, k)] +=
            (tw_real) (m->scale * (p - (k == l->own ? 1 : 0)) / m->temperature);
    }
    *missed += mine < top;
    return log(sum) + top - mine;
}

double twi_loss_infonce_plain(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                              const unsigned char *rel, const tw_real *logq_a,
                              const tw_real *logq_c, double temperature, int B, int C)
{
    const softmax m = {ds, s, rel, temperature, 0.5 / B};
    double loss = 0;
    int missed = 0;

    memset(ds, 0, (size_t) B * (size_t) C * sizeof *ds);
    for (int i = 0; i < B; i++) {
        const twi_line row = twi_row_line(i, C), column = twi_column_line(i, B, C);
        loss += softmax_line(&m, &row, logq_c, &missed);
        loss += softmax_line(&m, &column, logq_a, &missed);
    }
    twi_loss_measure(stats, s, rel, B, C);
    stats->active = missed / (2.0 * B);
    return loss * m.scale;
}

/* ---- one exponential a cell ------------------------------------------------------------------ */

/* The cells are kept as tw_real, which holds e^-87 in float: 2 / temperature is the most by which
 * two cosines' logits differ. */
#define WIDEST 80.0

typedef struct job {
    tw_real *ds;
    const tw_real *s;
    const unsigned char *rel;
    const tw_real *lq_a, *lq_c;  /* or NULL */
    double rate, top;            /* 1 / temperature; the highest cosine that counts */
    double *row, *column, *best; /* (B) sums of rows and of columns, each column's highest logit */
    int B, C, missed;
} job;

static double highest(const job *x)
{
    double top = -INFINITY;
    for (int i = 0; i < x->B; i++) {
        const size_t at = (size_t) i * (size_t) x->C;
        for (int j = 0; j < x->C; j++)
            if (x->rel[at + (size_t) j] != TWI_IGNORED && (double) x->s[at + (size_t) j] > top)
                top = (double) x->s[at + (size_t) j];
    }
    return top;
}

static double share(const tw_real *lq, int k) { return lq != NULL ? (double) lq[k] : 0; }

static double level(const job *x, int i, int j)
{
    return x->rate * ((double) x->s[(size_t) i * (size_t) x->C + (size_t) j] - x->top);
}

/* Row i: e^logit into ds, its sum, and what it adds to the columns. Returns -ln p(own). */
static double take_row(job *x, int i)
{
    tw_real *e = x->ds + (size_t) i * (size_t) x->C;
    const unsigned char *rel = x->rel + (size_t) i * (size_t) x->C;
    const double lift = -share(x->lq_a, i), own = level(x, i, i) - share(x->lq_c, i);
    double sum = 0, top = own;

    for (int j = 0; j < x->C; j++) {
        if (rel[j] == TWI_IGNORED) {
            e[j] = 0;
            continue;
        }
        const double plain = level(x, i, j), corrected = plain - share(x->lq_c, j);
        e[j] = (tw_real) exp(corrected);
        sum += (double) e[j];
        top = corrected > top ? corrected : top;
        if (j < x->B && plain + lift > x->best[j])
            x->best[j] = plain + lift;
    }
    const double factor = x->lq_a != NULL ? exp(lift) : 1;
    for (int j = 0; j < x->B; j++)
        x->column[j] += factor * (double) e[j];
    x->row[i] = sum;
    x->missed += own < top;
    return log(sum) - own;
}

/* Column j's sum lacks the factor e^logq_c[j] that its cells carry for the rows' sake. */
static double take_column(job *x, int j)
{
    const double own = level(x, j, j) - share(x->lq_a, j);
    x->missed += own < x->best[j];
    return log(x->column[j]) + share(x->lq_c, j) - own;
}

/* dL/ds = (p of the row + p of the column - 2 [own]) / t / 2B. */
static void finish_row(const job *x, int i)
{
    tw_real *e = x->ds + (size_t) i * (size_t) x->C;
    const double by = x->rate / (2.0 * x->B), row = 1 / x->row[i];
    const double factor = x->lq_a != NULL ? exp(-share(x->lq_a, i)) : 1;

    for (int j = 0; j < x->B; j++)
        e[j] = (tw_real) (by * (double) e[j] * (row + factor * x->column[j]));
    for (int j = x->B; j < x->C; j++)
        e[j] = (tw_real) (by * (double) e[j] * row);
    e[i] -= (tw_real) (2 * by);
}

double twi_loss_infonce(tw_real *ds, twi_loss_stats *stats, double *scratch, const tw_real *s,
                        const unsigned char *rel, const tw_real *logq_a, const tw_real *logq_c,
                        double temperature, int B, int C)
{
    double loss = 0;

    if (2 / temperature > WIDEST)
        return twi_loss_infonce_plain(ds, stats, s, rel, logq_a, logq_c, temperature, B, C);
    job x = {.ds = ds,
             .s = s,
             .rel = rel,
             .lq_a = logq_a,
             .lq_c = logq_c,
             .rate = 1 / temperature,
             .row = scratch,
             .column = scratch + B,
             .best = scratch + 2 * (size_t) B,
             .B = B,
             .C = C};
    x.top = highest(&x);
    for (int j = 0; j < B; j++) {
        scratch[B + j] = 0; /* x.column */
        x.best[j] = -INFINITY;
    }
    for (int i = 0; i < B; i++)
        loss += take_row(&x, i);
    for (int j = 0; j < B; j++) {
        loss += take_column(&x, j);
        x.column[j] = 1 / x.column[j];
    }
    for (int i = 0; i < B; i++)
        finish_row(&x, i);
    twi_loss_measure(stats, s, rel, B, C);
    stats->active = x.missed / (2.0 * B);
    return loss / (2.0 * B);
}
