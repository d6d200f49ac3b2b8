#include "nn/act.h"

#include <math.h>

#include "nn/hash_rng.h"
#include "nn/simd.h"

TW_BODY void relu_body(tw_real *restrict y, const tw_real *restrict x, size_t n)
{
    for (size_t j = 0; j < n; j++)
        y[j] = x[j] < 0 ? 0 : x[j]; /* this way round NaN stays NaN */
}
TW_DISPATCH(tw_relu_forward, relu_body, (tw_real * y, const tw_real *x, size_t n), (y, x, n))

TW_BODY void relu_back_body(tw_real *restrict dx, const tw_real *restrict dy,
                            const tw_real *restrict y, size_t n)
{
    for (size_t j = 0; j < n; j++)
        dx[j] += y[j] > 0 ? dy[j] : 0;
}
TW_DISPATCH(tw_relu_backward, relu_back_body,
            (tw_real * dx, const tw_real *dy, const tw_real *y, size_t n), (dx, dy, y, n))

/* Phi(x) = erfc(-x / sqrt 2) / 2 keeps its digits in the lower tail, where 1 + erf would not. */
static double normal_cdf(double x) { return 0.5 * erfc(-x * 0.70710678118654752440); }

void tw_gelu_forward(tw_real *y, const tw_real *x, size_t n)
{
    for (size_t j = 0; j < n; j++)
        y[j] = (tw_real) ((double) x[j] * normal_cdf((double) x[j]));
}

void tw_gelu_backward(tw_real *dx, const tw_real *dy, const tw_real *x, size_t n)
{
    const double inv_sqrt_2pi = 0.39894228040143267794;
    for (size_t j = 0; j < n; j++) {
        double xj = (double) x[j];
        double slope = normal_cdf(xj) + xj * inv_sqrt_2pi * exp(-0.5 * xj * xj);
        dx[j] += (tw_real) ((double) dy[j] * slope);
    }
}

enum { CHUNK = 4096 }; /* places that share a key: see nn/hash_rng.h */

TW_BODY void dropout_body(tw_real *restrict y, const tw_real *restrict x, double p, uint64_t key,
                          size_t n)
{
    const uint32_t limit = tw_coin_threshold(p);
    const tw_real keep = (tw_real) (1 / (1 - p));

    for (size_t c = 0; c < n; c += CHUNK) {
        uint64_t k = tw_coin_key(key, c);
        uint32_t lo = (uint32_t) k, hi = (uint32_t) (k >> 32);
        uint32_t w = n - c < CHUNK ? (uint32_t) (n - c) : CHUNK;
        const tw_real *xc = x + c;
        tw_real *yc = y + c;
        for (uint32_t j = 0; j < w; j++)
            yc[j] = tw_coin(lo, hi, j) < limit ? 0 : keep * xc[j];
    }
}
TW_DISPATCH(tw_dropout_forward, dropout_body,
            (tw_real * y, const tw_real *x, double p, uint64_t key, size_t n), (y, x, p, key, n))

TW_BODY void dropout_back_body(tw_real *restrict dx, const tw_real *restrict dy, double p,
                               uint64_t key, size_t n)
{
    const uint32_t limit = tw_coin_threshold(p);
    const tw_real keep = (tw_real) (1 / (1 - p));

    for (size_t c = 0; c < n; c += CHUNK) {
        uint64_t k = tw_coin_key(key, c);
        uint32_t lo = (uint32_t) k, hi = (uint32_t) (k >> 32);
        uint32_t w = n - c < CHUNK ? (uint32_t) (n - c) : CHUNK;
        const tw_real *dyc = dy + c;
        tw_real *dxc = dx + c;
        for (uint32_t j = 0; j < w; j++)
            dxc[j] += tw_coin(lo, hi, j) < limit ? 0 : keep * dyc[j];
    }
}
TW_DISPATCH(tw_dropout_backward, dropout_back_body,
            (tw_real * dx, const tw_real *dy, double p, uint64_t key, size_t n),
            (dx, dy, p, key, n))
