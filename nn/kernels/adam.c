#include "nn/kernels/adam.h"

#include <math.h>

#include "nn/kernels/simd.h"

tw_adam_step tw_adam_step_of(const tw_adam *adam, double lr, int64_t step, double gscale)
{
    return (tw_adam_step){
        .beta1 = (tw_real) adam->beta1,
        .beta2 = (tw_real) adam->beta2,
        .new1 = (tw_real) (1 - adam->beta1),
        .new2 = (tw_real) (1 - adam->beta2),
        .rate = (tw_real) (lr / (1 - pow(adam->beta1, (double) step))),
        .r2 = (tw_real) (1 / sqrt(1 - pow(adam->beta2, (double) step))),
        .eps = (tw_real) adam->eps,
        .shrink = (tw_real) (1 - lr * adam->weight_decay),
        .gscale = (tw_real) gscale,
    };
}

static inline tw_real root(tw_real x)
{
#ifdef TW_REAL_DOUBLE
    return sqrt(x);
#else
    return sqrtf(x);
#endif
}

TW_BODY void apply_body(tw_real *restrict w, tw_real *restrict m, tw_real *restrict v,
                        tw_real *restrict g, const tw_adam_step *restrict step, int decay, size_t n)
{
    const tw_adam_step s = *step;
    const tw_real shrink = decay ? s.shrink : 1;
    for (size_t j = 0; j < n; j++) {
        tw_real gj = s.gscale * g[j];
        tw_real mj = s.beta1 * m[j] + s.new1 * gj;
        tw_real vj = s.beta2 * v[j] + s.new2 * gj * gj;
        w[j] = shrink * w[j] - s.rate * mj / (root(vj) * s.r2 + s.eps);
        m[j] = mj;
        v[j] = vj;
        g[j] = 0;
    }
}
TW_DISPATCH(tw_adam_apply, apply_body,
            (tw_real * w, tw_real *m, tw_real *v, tw_real *g, const tw_adam_step *s, int decay,
             size_t n),
            (w, m, v, g, s, decay, n))
