#include "nn/kernels/act.h"

#include <math.h>

#include "nn/kernels/exp.h"
#include "nn/kernels/hash_rng.h"
#include "nn/kernels/simd.h"

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

/* Phi(-|x|) and exp(-x^2/2). Phi(x) = erfc(-x / sqrt 2) / 2 keeps its digits in the lower tail,
 * where 1 + erf would not. In float, erfc(z) = exp(-z^2) t P(t) with t = 1 / (1 + 0.3 z): P is
 * fitted to z in [0, 10] by weighted least squares, relative error 2e-8. libm's erfc does not
 * vectorise, and took as long as the matrix products of a transformer. */
typedef struct tail {
    tw_real phi, e;
} tail;

TW_BODY tail normal_tail(tw_real x)
{
#ifdef TW_REAL_DOUBLE
    return (tail){.phi = 0.5 * erfc(fabs(x) * 0.70710678118654752440), .e = exp(-0.5 * x * x)};
#else
    tw_real z = (x < 0 ? -x : x) * 0.707106781f;
    tw_real t = 1 / (1 + 0.3f * z);
    tw_real p = -0.0647655144f;
    p = p * t + 0.242801901f;
    p = p * t + -0.256182264f;
    p = p * t + 0.27391113f;
    p = p * t + -0.0473619989f;
    p = p * t + 0.107479285f;
    p = p * t + 0.0741652341f;
    p = p * t + 0.0853582545f;
    p = p * t + 0.0845939629f;
    tw_real e = tw_exp_lane(-0.5f * x * x);
    return (tail){.phi = p * t * e, .e = e};
#endif
}

TW_BODY void gelu_body(tw_real *restrict y, const tw_real *restrict x, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        tw_real q = normal_tail(x[j]).phi;
        y[j] = x[j] * (x[j] > 0 ? 1 - q : q);
    }
}
TW_DISPATCH(tw_gelu_forward, gelu_body, (tw_real * y, const tw_real *x, size_t n), (y, x, n))

TW_BODY void gelu_back_body(tw_real *restrict dx, const tw_real *restrict dy,
                            const tw_real *restrict x, size_t n)
{
    const tw_real inv_sqrt_2pi = (tw_real) 0.39894228040143267794;
    for (size_t j = 0; j < n; j++) {
        tail q = normal_tail(x[j]);
        dx[j] += dy[j] * ((x[j] > 0 ? 1 - q.phi : q.phi) + x[j] * inv_sqrt_2pi * q.e);
    }
}
TW_DISPATCH(tw_gelu_backward, gelu_back_body,
            (tw_real * dx, const tw_real *dy, const tw_real *x, size_t n), (dx, dy, x, n))

enum { CHUNK = 4096 }; /* places that share a key: see nn/kernels/hash_rng.h */

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
