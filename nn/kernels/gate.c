#include "nn/kernels/gate.h"

#include "nn/kernels/exp.h"
#include "nn/kernels/simd.h"

TW_BODY void gate_body(tw_real *restrict y, tw_real *restrict s, const tw_real *restrict x,
                       const tw_real *restrict g, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        tw_real open = 1 / (1 + tw_exp_lane(-g[j]));
        s[j] = open;
        y[j] = open * x[j];
    }
}
TW_DISPATCH(tw_gate_forward, gate_body,
            (tw_real * y, tw_real *s, const tw_real *x, const tw_real *g, size_t n),
            (y, s, x, g, n))

TW_BODY void gate_back_body(tw_real *restrict dx, tw_real *restrict dg, const tw_real *restrict dy,
                            const tw_real *restrict x, const tw_real *restrict s, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        dx[j] += dy[j] * s[j];
        dg[j] += dy[j] * x[j] * s[j] * (1 - s[j]);
    }
}
TW_DISPATCH(tw_gate_backward, gate_back_body,
            (tw_real * dx, tw_real *dg, const tw_real *dy, const tw_real *x, const tw_real *s,
             size_t n),
            (dx, dg, dy, x, s, n))
