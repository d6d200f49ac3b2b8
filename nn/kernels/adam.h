/* nn/kernels/adam.h — one Adam step over n numbers.
 *
 *   m = b1 m + (1-b1) g,  v = b2 v + (1-b2) g^2
 *   w = w (1 - lr wd) - lr (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps)
 *
 * Source: Kingma and Ba 2015, algorithm 1; the decay is Loshchilov and Hutter's
 * (2019), times lr.
 */
#ifndef TW_NN_KERNELS_ADAM_H
#define TW_NN_KERNELS_ADAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/real.h"

typedef struct tw_adam {
    double beta1, beta2, eps; /* 0.9, 0.999 (SASRec: 0.98), 1e-8 */
    double weight_decay;      /* decoupled (Loshchilov and Hutter 2019); 0 = off */
    double clip_norm;         /* global gradient norm; 0 = off */
} tw_adam;

#define TW_ADAM_DEFAULT ((tw_adam){.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8})

/* What one step needs, the powers taken once. */
typedef struct tw_adam_step {
    tw_real beta1, beta2;
    tw_real new1, new2; /* 1 - beta, taken in double: in float beta2 0.999 leaves 4 digits */
    tw_real rate;       /* lr / (1 - beta1^t) */
    tw_real r2;         /* 1 / sqrt(1 - beta2^t) */
    tw_real eps;
    tw_real shrink; /* 1 - lr * weight_decay */
    tw_real gscale; /* the clipping factor */
} tw_adam_step;

/* step counts from 1. */
tw_adam_step tw_adam_step_of(const tw_adam *adam, double lr, int64_t step, double gscale);

/* Moves w (n) by g (n), updates m and v (n), zeroes g. `decay` 0 leaves weight decay out. */
void tw_adam_apply(tw_real *w, tw_real *m, tw_real *v, tw_real *g, const tw_adam_step *s, int decay,
                   size_t n);

#endif
