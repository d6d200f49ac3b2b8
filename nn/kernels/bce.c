#include "nn/kernels/bce.h"

#include <math.h>
#include <stddef.h>

#include "nn/kernels/simd.h"
#include "nn/kernels/vec.h"

/* log(1 + e^r) without overflow. */
static double softplus(double r) { return (r > 0 ? r : 0) + log1p(exp(-fabs(r))); }

static double sigmoid(double r)
{
    return 1 / (1 + exp(-r)); /* e^-r may be infinite: then 0, as it should */
}

/* r (1+k): the scores of row i's positive and negatives. */
TW_BODY void scores_body(tw_real *restrict r, const tw_real *restrict x,
                         const tw_real *restrict table, int32_t pos, const int32_t *neg, int k,
                         int D)
{
    for (int c = 0; c <= k; c++) {
        int32_t id = c == 0 ? pos : neg[c - 1];
        const tw_real *row = table + (size_t) id * (size_t) D;
        tw_real sum = 0;
        for (int j = 0; j < D; j++)
            sum += x[j] * row[j];
        r[c] = sum;
    }
}
TW_DISPATCH_STATIC(scores, scores_body,
                   (tw_real * r, const tw_real *x, const tw_real *table, int32_t pos,
                    const int32_t *neg, int k, int D),
                   (r, x, table, pos, neg, k, D))

void tw_bce_forward(double *loss, tw_real *coef, const tw_real *x, const tw_real *table,
                    const int32_t *pos, const int32_t *neg, const tw_real *bias, int k, int N,
                    int D)
{
    for (int i = 0; i < N; i++) {
        tw_real *c = coef + (size_t) i * (size_t) (k + 1);
        if (pos[i] < 0) {
            for (int j = 0; j <= k; j++)
                c[j] = 0;
            continue;
        }
        scores(c, x + (size_t) i * (size_t) D, table, pos[i], neg + (size_t) i * (size_t) k, k, D);
        double b = bias != NULL ? (double) bias[i] : 0;
        for (int j = 0; j <= k; j++) {
            double r = (double) c[j] + b;
            /* -log sigmoid(r) = softplus(-r), -log(1 - sigmoid(r)) = softplus(r) */
            *loss += softplus(j == 0 ? -r : r);
            c[j] = (tw_real) (j == 0 ? -sigmoid(-r) : sigmoid(r));
        }
    }
}

void tw_bce_backward(tw_real *dx, tw_real *dbias, const tw_real *coef, const tw_real *table,
                     const int32_t *pos, const int32_t *neg, double scale, int k, int N, int D)
{
    for (int i = 0; i < N; i++) {
        const tw_real *c = coef + (size_t) i * (size_t) (k + 1);
        double sum = 0;
        if (pos[i] < 0)
            continue;
        for (int j = 0; j <= k; j++) {
            int32_t id = j == 0 ? pos[i] : neg[(size_t) i * (size_t) k + (size_t) (j - 1)];
            tw_vec_axpy(dx + (size_t) i * (size_t) D, table + (size_t) id * (size_t) D,
                        scale * (double) c[j], (size_t) D);
            sum += (double) c[j];
        }
        if (dbias != NULL)
            dbias[i] += (tw_real) (scale * sum);
    }
}
