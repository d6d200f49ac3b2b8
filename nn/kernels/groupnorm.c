#include "nn/kernels/groupnorm.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "nn/kernels/simd.h"
#include "nn/kernels/vec.h"

/* Channels in panels and pixels in blocks, as tw_vec_colsum has it and for its reasons. */
enum { PANEL = 64, ROWS = 64 };

/* sum[c] += sum over p of (x[p,c] - at[c])^2. */
TW_BODY void squares_body(tw_real *restrict sum, const tw_real *restrict x,
                          const tw_real *restrict at, int P, int C)
{
    for (int c = 0; c < C; c += PANEL) {
        const int w = C - c < PANEL ? C - c : PANEL;
        for (int r = 0; r < P; r += ROWS) {
            const int end = P - r < ROWS ? P : r + ROWS;
            tw_real part[PANEL] = {0};
            for (int p = r; p < end; p++) {
                const tw_real *row = x + (size_t) p * (size_t) C + c;
                for (int j = 0; j < w; j++)
                    part[j] += (row[j] - at[c + j]) * (row[j] - at[c + j]);
            }
            for (int j = 0; j < w; j++)
                sum[c + j] += part[j];
        }
    }
}
TW_DISPATCH_STATIC(add_squares, squares_body,
                   (tw_real * sum, const tw_real *x, const tw_real *at, int P, int C),
                   (sum, x, at, P, C))

/* sum[c] += sum over p of dy[p,c], dot[c] += sum over p of dy[p,c] * x[p,c]. */
TW_BODY void sums_body(tw_real *restrict sum, tw_real *restrict dot, const tw_real *restrict dy,
                       const tw_real *restrict x, const tw_real *restrict at, int P, int C)
{
    for (int c = 0; c < C; c += PANEL) {
        const int w = C - c < PANEL ? C - c : PANEL;
        for (int r = 0; r < P; r += ROWS) {
            const int end = P - r < ROWS ? P : r + ROWS;
            tw_real s[PANEL] = {0}, d[PANEL] = {0};
            for (int p = r; p < end; p++) {
                const tw_real *xp = x + (size_t) p * (size_t) C + c;
                const tw_real *dyp = dy + (size_t) p * (size_t) C + c;
                for (int j = 0; j < w; j++) {
                    s[j] += dyp[j];
                    d[j] += dyp[j] * (xp[j] - at[c + j]);
                }
            }
            for (int j = 0; j < w; j++) {
                sum[c + j] += s[j];
                dot[c + j] += d[j];
            }
        }
    }
}
TW_DISPATCH_STATIC(add_sums, sums_body,
                   (tw_real * sum, tw_real *dot, const tw_real *dy, const tw_real *x,
                    const tw_real *at, int P, int C),
                   (sum, dot, dy, x, at, P, C))

/* The mean of a group's share of v (C), over n numbers; a double, for there may be many. */
static double group_mean(const tw_real *v, int first, int end, double n)
{
    double sum = 0;
    for (int c = first; c < end; c++)
        sum += (double) v[c];
    return sum / n;
}

/* NOLINTNEXTLINE(readability-function-size): a kernel names its arrays. */
void tw_groupnorm_affine(tw_real *a, tw_real *b, tw_real *mean, tw_real *rstd, const tw_real *x,
                         const tw_real *gain, const tw_real *bias, double eps, int P, int C, int G)
{
    const int width = C / G;
    const double n = (double) P * width;

    memset(b, 0, (size_t) C * sizeof *b);
    tw_vec_colsum(b, x, P, C);
    for (int g = 0; g < G; g++) {
        mean[g] = (tw_real) group_mean(b, g * width, (g + 1) * width, n);
        for (int c = g * width; c < (g + 1) * width; c++)
            a[c] = mean[g];
    }
    memset(b, 0, (size_t) C * sizeof *b);
    add_squares(b, x, a, P, C);
    for (int g = 0; g < G; g++)
        rstd[g] = (tw_real) (1 / sqrt(group_mean(b, g * width, (g + 1) * width, n) + eps));
    tw_groupnorm_refine(a, b, mean, rstd, gain, bias, C, G);
}

void tw_groupnorm_refine(tw_real *a, tw_real *b, const tw_real *mean, const tw_real *rstd,
                         const tw_real *gain, const tw_real *bias, int C, int G)
{
    const int width = C / G;
    for (int c = 0; c < C; c++) {
        a[c] = gain[c] * rstd[c / width];
        b[c] = bias[c] - mean[c / width] * a[c];
    }
}

TW_BODY void affine_body(tw_real *restrict y, const tw_real *restrict x, const tw_real *restrict a,
                         const tw_real *restrict b, const tw_real *restrict skip, bool relu, int P,
                         int C)
{
    for (int p = 0; p < P; p++) {
        const size_t at = (size_t) p * (size_t) C;
        const tw_real low = relu ? 0 : (tw_real) -INFINITY;
        if (skip == NULL) {
            for (int c = 0; c < C; c++) {
                tw_real z = a[c] * x[at + (size_t) c] + b[c];
                y[at + (size_t) c] = z < low ? low : z; /* this way round NaN stays NaN */
            }
        } else {
            for (int c = 0; c < C; c++) {
                tw_real z = a[c] * x[at + (size_t) c] + b[c] + skip[at + (size_t) c];
                y[at + (size_t) c] = z < low ? low : z;
            }
        }
    }
}
TW_DISPATCH(tw_affine_forward, affine_body,
            (tw_real * y, const tw_real *x, const tw_real *a, const tw_real *b, const tw_real *skip,
             bool relu, int P, int C),
            (y, x, a, b, skip, relu, P, C))

TW_BODY void affine_back_body(tw_real *restrict g, tw_real *restrict dskip,
                              const tw_real *restrict dy, const tw_real *restrict y, bool relu,
                              size_t n)
{
    const tw_real low = relu ? 0 : (tw_real) -INFINITY;
    if (dskip == NULL) {
        for (size_t j = 0; j < n; j++)
            g[j] = y[j] > low ? dy[j] : 0;
    } else {
        for (size_t j = 0; j < n; j++) {
            g[j] = y[j] > low ? dy[j] : 0;
            dskip[j] += g[j];
        }
    }
}
TW_DISPATCH(tw_affine_backward, affine_back_body,
            (tw_real * g, tw_real *dskip, const tw_real *dy, const tw_real *y, bool relu, size_t n),
            (g, dskip, dy, y, relu, n))

/* dx = a[c] dy + b[c] + u[c] x. No restrict: dx may be dy. */
TW_BODY void dx_body(tw_real *dx, const tw_real *dy, const tw_real *restrict x,
                     const tw_real *restrict a, const tw_real *restrict b,
                     const tw_real *restrict u, int P, int C)
{
    for (int p = 0; p < P; p++) {
        const tw_real *xp = x + (size_t) p * (size_t) C;
        const tw_real *dyp = dy + (size_t) p * (size_t) C;
        tw_real *dxp = dx + (size_t) p * (size_t) C;
        for (int c = 0; c < C; c++)
            dxp[c] = a[c] * dyp[c] + b[c] + u[c] * xp[c];
    }
}
TW_DISPATCH_STATIC(combine, dx_body,
                   (tw_real * dx, const tw_real *dy, const tw_real *x, const tw_real *a,
                    const tw_real *b, const tw_real *u, int P, int C),
                   (dx, dy, x, a, b, u, P, C))

/* NOLINTNEXTLINE(readability-function-size): a kernel names its arrays. */
void tw_groupnorm_backward(tw_real *dx, tw_real *dgain, tw_real *dbias, tw_real *work,
                           const tw_real *dy, const tw_real *x, const tw_real *mean,
                           const tw_real *rstd, const tw_real *gain, int P, int C, int G)
{
    const int width = C / G;
    const double n = (double) P * width;
    tw_real *a = work, *b = work + C, *u = work + 2 * (size_t) C;

    memset(work, 0, 3 * (size_t) C * sizeof *work);
    for (int c = 0; c < C; c++)
        u[c] = mean[c / width];
    add_sums(a, b, dy, x, u, P, C); /* sums of dy, and of dy (x - mean) */
    for (int g = 0; g < G; g++) {
        const int first = g * width, end = first + width;
        const tw_real r = rstd[g];
        for (int c = first; c < end; c++) {
            dbias[c] += a[c];
            dgain[c] += b[c] * r;
            a[c] *= gain[c];
            b[c] *= gain[c] * r;
        }
        /* dx = r gain dy - r mean(q) - r^2 mean(q xhat) (x - mean) */
        const double q = group_mean(a, first, end, n), qx = group_mean(b, first, end, n);
        const double slope = -(double) r * (double) r * qx;
        for (int c = first; c < end; c++) {
            a[c] = gain[c] * r;
            b[c] = (tw_real) (-(double) r * q - slope * (double) mean[g]);
            u[c] = (tw_real) slope;
        }
    }
    combine(dx, dy, x, a, b, u, P, C);
}
