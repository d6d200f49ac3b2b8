#include "nn/kernels/l2norm.h"

#include <math.h>
#include <stddef.h>

#include "nn/kernels/simd.h"

TW_BODY void forward_body(tw_real *y, tw_real *rnorm, const tw_real *x, int N, int D)
{
    for (int i = 0; i < N; i++) {
        const tw_real *xi = x + (size_t) i * (size_t) D;
        tw_real *yi = y + (size_t) i * (size_t) D;
        double sum = 0; /* double: the square of a small float vanishes */
        for (int j = 0; j < D; j++)
            sum += (double) xi[j] * (double) xi[j];
        double norm = sqrt(sum);
        /* Not `norm > eps ? ...`: NaN must stay NaN. */
        double r = 1 / (norm < TW_L2NORM_EPS ? TW_L2NORM_EPS : norm);
        rnorm[i] = (tw_real) r;
        for (int j = 0; j < D; j++)
            yi[j] = (tw_real) ((double) xi[j] * r);
    }
}
TW_DISPATCH(tw_l2norm_forward, forward_body,
            (tw_real * y, tw_real *rnorm, const tw_real *x, int N, int D), (y, rnorm, x, N, D))

TW_BODY void backward_body(tw_real *restrict dx, const tw_real *restrict dy,
                           const tw_real *restrict y, const tw_real *restrict rnorm, int N, int D)
{
    const tw_real clamped = (tw_real) (1 / TW_L2NORM_EPS);

    for (int i = 0; i < N; i++) {
        const tw_real *yi = y + (size_t) i * (size_t) D;
        const tw_real *dyi = dy + (size_t) i * (size_t) D;
        tw_real *dxi = dx + (size_t) i * (size_t) D;
        if (rnorm[i] >= clamped)
            continue;

        double sum = 0;
        for (int j = 0; j < D; j++)
            sum += (double) yi[j] * (double) dyi[j];
        tw_real along = (tw_real) sum, r = rnorm[i];
        for (int j = 0; j < D; j++)
            dxi[j] += r * (dyi[j] - yi[j] * along);
    }
}
TW_DISPATCH(tw_l2norm_backward, backward_body,
            (tw_real * dx, const tw_real *dy, const tw_real *y, const tw_real *rnorm, int N, int D),
            (dx, dy, y, rnorm, N, D))
