/* What the cells of a batch are to each other, the softmax over several
 * positives, and the derivative by the temperature. */
#include "towers/loss/loss.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void twi_relate_pairs(unsigned char *rel, const unsigned char *mask, const float *label,
                      bool in_batch, int B, int C)
{
    for (int i = 0; i < B; i++) {
        unsigned char *row = rel + (size_t) i * (size_t) C;
        for (int j = 0; j < C; j++) {
            const bool out =
                !in_batch || (mask != NULL && mask[(size_t) i * (size_t) C + (size_t) j]);
            row[j] = out ? TWI_IGNORED : TWI_NEGATIVE;
        }
        row[i] = label == NULL || label[i] > 0.5F ? TWI_POSITIVE : TWI_NEGATIVE;
    }
}

void twi_relate_classes(unsigned char *rel, const int32_t *cls, const int32_t *item, int R)
{
    for (int i = 0; i < R; i++) {
        unsigned char *row = rel + (size_t) i * (size_t) R;
        for (int j = 0; j < R; j++) {
            const bool same = i == j || (item != NULL && item[i] == item[j]);
            const bool out = same || cls[i] < 0 || cls[j] < 0;
            row[j] = out ? TWI_IGNORED : cls[i] == cls[j] ? TWI_POSITIVE : TWI_NEGATIVE;
        }
    }
}

void twi_relate_proxies(unsigned char *rel, const int32_t *cls, int R, int C)
{
    memset(rel, TWI_NEGATIVE, (size_t) R * (size_t) C);
    for (int i = 0; i < R; i++)
        rel[(size_t) i * (size_t) C + (size_t) cls[i]] = TWI_POSITIVE;
}

void twi_loss_measure(twi_loss_stats *stats, const tw_real *s, const unsigned char *rel, int R,
                      int C)
{
    double pos = 0, neg = 0;
    int64_t n_pos = 0, n_neg = 0;

    for (int i = 0; i < R; i++) {
        const tw_real *row = s + (size_t) i * (size_t) C;
        const unsigned char *is = rel + (size_t) i * (size_t) C;
        double hardest = -INFINITY;
        for (int j = 0; j < C; j++) {
            if (is[j] == TWI_POSITIVE) {
                pos += (double) row[j];
                n_pos++;
            } else if (is[j] == TWI_NEGATIVE && (double) row[j] > hardest) {
                hardest = (double) row[j];
            }
        }
        if (hardest > -INFINITY) {
            neg += hardest;
            n_neg++;
        }
    }
    stats->pos_cosine = pos / (double) (n_pos > 0 ? n_pos : 1);
    stats->neg_cosine = neg / (double) (n_neg > 0 ? n_neg : 1);
}

/* What one row's softmax runs over. */
typedef struct sums {
    int positives;
    double top, top_positive; /* cosines; -INFINITY: none */
    double sum;               /* of exp((s - top) / t) over positives and negatives */
    double mean;              /* of the positives' (s - top) / t */
} sums;

/* Fills ds with exp((s - top) / t), 0 where ignored. */
static sums sum_row(tw_real *ds, const tw_real *s, const unsigned char *rel, double t, int C)
{
    sums v = {.top = -INFINITY, .top_positive = -INFINITY};

    for (int j = 0; j < C; j++) {
        const double x = rel[j] == TWI_IGNORED ? -INFINITY : (double) s[j];
        if (x > v.top)
            v.top = x;
        if (rel[j] == TWI_POSITIVE) {
            v.positives++;
            if (x > v.top_positive)
                v.top_positive = x;
        }
    }
    for (int j = 0; j < C && v.positives > 0; j++) {
        if (rel[j] == TWI_IGNORED)
            continue;
        const double logit = ((double) s[j] - v.top) / t, e = exp(logit);
        v.sum += e;
        ds[j] = (tw_real) e;
        if (rel[j] == TWI_POSITIVE)
            v.mean += logit;
    }
    v.mean /= v.positives > 0 ? v.positives : 1;
    return v;
}

double twi_loss_supcon(tw_real *ds, twi_loss_stats *stats, const tw_real *s,
                       const unsigned char *rel, double temperature, int R, int C)
{
    double loss = 0;
    int rows = 0, missed = 0;

    memset(ds, 0, (size_t) R * (size_t) C * sizeof *ds);
    for (int i = 0; i < R; i++) {
        const size_t at = (size_t) i * (size_t) C;
        const sums v = sum_row(ds + at, s + at, rel + at, temperature, C);
        if (v.positives == 0)
            continue;
        rows++;
        missed += v.top_positive < v.top;
        loss += log(v.sum) - v.mean;
        /* d/ds_j = (p_j - [j in P] / |P|) / t */
        for (int j = 0; j < C; j++) {
            if (rel[at + (size_t) j] == TWI_IGNORED)
                continue;
            const double own = rel[at + (size_t) j] == TWI_POSITIVE ? 1.0 / v.positives : 0;
            ds[at + (size_t) j] =
                (tw_real) (((double) ds[at + (size_t) j] / v.sum - own) / temperature);
        }
    }
    const double n = rows > 0 ? rows : 1;
    for (size_t k = 0; k < (size_t) R * (size_t) C; k++)
        ds[k] = (tw_real) ((double) ds[k] / n);
    twi_loss_measure(stats, s, rel, R, C);
    stats->active = missed / n;
    return loss / n;
}

double twi_loss_dscale(const tw_real *ds, const tw_real *s, int R, int C)
{
    double sum = 0;
    for (size_t k = 0; k < (size_t) R * (size_t) C; k++)
        sum += (double) ds[k] * (double) s[k];
    return sum;
}
