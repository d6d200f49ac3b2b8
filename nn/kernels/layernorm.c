#include "nn/kernels/layernorm.h"

#include <math.h>
#include <stddef.h>

#include "nn/kernels/simd.h"

/* Two passes over the row, which is in the nearest cache by then: the difference of mean squares
 * would lose digits where the mean is large. */
TW_BODY void forward_body(tw_real *restrict y, tw_real *restrict mean, tw_real *restrict rstd,
                          const tw_real *restrict x, const tw_real *restrict gain,
                          const tw_real *restrict bias, double eps, int N, int D)
{
    for (int i = 0; i < N; i++) {
        const tw_real *xi = x + (size_t) i * (size_t) D;
        tw_real *yi = y + (size_t) i * (size_t) D;
        tw_real sum = 0, var = 0;
        for (int j = 0; j < D; j++)
            sum += xi[j];
        tw_real m = sum / (tw_real) D;
        for (int j = 0; j < D; j++)
            var += (xi[j] - m) * (xi[j] - m);
        tw_real r = (tw_real) (1 / sqrt((double) var / D + eps));
        for (int j = 0; j < D; j++)
            yi[j] = gain[j] * ((xi[j] - m) * r) + bias[j];
        mean[i] = m;
        rstd[i] = r;
    }
}
TW_DISPATCH(tw_layernorm_forward, forward_body,
            (tw_real * y, tw_real *mean, tw_real *rstd, const tw_real *x, const tw_real *gain,
             const tw_real *bias, double eps, int N, int D),
            (y, mean, rstd, x, gain, bias, eps, N, D))

TW_BODY void dx_body(tw_real *restrict dx, const tw_real *restrict dy, const tw_real *restrict x,
                     const tw_real *restrict mean, const tw_real *restrict rstd,
                     const tw_real *restrict gain, int N, int D)
{
    for (int i = 0; i < N; i++) {
        const tw_real *xi = x + (size_t) i * (size_t) D;
        const tw_real *dyi = dy + (size_t) i * (size_t) D;
        tw_real *dxi = dx + (size_t) i * (size_t) D;
        tw_real m = mean[i], r = rstd[i], g_sum = 0, gx_sum = 0;
        for (int j = 0; j < D; j++) {
            tw_real g = gain[j] * dyi[j];
            g_sum += g;
            gx_sum += g * (xi[j] - m);
        }
        tw_real g_mean = g_sum / (tw_real) D;
        tw_real gx_mean = gx_sum * r / (tw_real) D;
        for (int j = 0; j < D; j++)
            dxi[j] += r * (gain[j] * dyi[j] - g_mean - (xi[j] - m) * r * gx_mean);
    }
}
TW_DISPATCH_STATIC(layernorm_dx, dx_body,
                   (tw_real * dx, const tw_real *dy, const tw_real *x, const tw_real *mean,
                    const tw_real *rstd, const tw_real *gain, int N, int D),
                   (dx, dy, x, mean, rstd, gain, N, D))

/* As tw_vec_colsum: panels of columns, and blocks of rows so that a float sums few numbers. */
enum { PANEL = 64, ROWS = 64 };

TW_BODY void dgain_body(tw_real *restrict dgain, tw_real *restrict dbias,
                        const tw_real *restrict dy, const tw_real *restrict x,
                        const tw_real *restrict mean, const tw_real *restrict rstd, int N, int D)
{
    for (int c = 0; c < D; c += PANEL) {
        int w = D - c < PANEL ? D - c : PANEL;
        for (int first = 0; first < N; first += ROWS) {
            int end = N - first < ROWS ? N : first + ROWS;
            tw_real gsum[PANEL] = {0}, bsum[PANEL] = {0};
            for (int i = first; i < end; i++) {
                const tw_real *xi = x + (size_t) i * (size_t) D + c;
                const tw_real *dyi = dy + (size_t) i * (size_t) D + c;
                tw_real m = mean[i], r = rstd[i];
                for (int j = 0; j < w; j++) {
                    gsum[j] += dyi[j] * ((xi[j] - m) * r);
                    bsum[j] += dyi[j];
                }
            }
            for (int j = 0; j < w; j++) {
                dgain[c + j] += gsum[j];
                dbias[c + j] += bsum[j];
            }
        }
    }
}
TW_DISPATCH_STATIC(layernorm_dgain, dgain_body,
                   (tw_real * dgain, tw_real *dbias, const tw_real *dy, const tw_real *x,
                    const tw_real *mean, const tw_real *rstd, int N, int D),
                   (dgain, dbias, dy, x, mean, rstd, N, D))

void tw_layernorm_backward(tw_real *dx, tw_real *dgain, tw_real *dbias, const tw_real *dy,
                           const tw_real *x, const tw_real *mean, const tw_real *rstd,
                           const tw_real *gain, int N, int D)
{
    layernorm_dx(dx, dy, x, mean, rstd, gain, N, D);
    layernorm_dgain(dgain, dbias, dy, x, mean, rstd, N, D);
}
