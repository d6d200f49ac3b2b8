/* nn/kernels/gate.h — one tensor lets another through: y = x * sigmoid(g), number by number. */
#ifndef TW_NN_KERNELS_GATE_H
#define TW_NN_KERNELS_GATE_H

#include <stddef.h>

#include "base/real.h"

/* y, s (n) <- x, g (n); s keeps sigmoid(g) for the backward pass. */
void tw_gate_forward(tw_real *y, tw_real *s, const tw_real *x, const tw_real *g, size_t n);

/* dx += dy s;  dg += dy x s (1 - s) */
void tw_gate_backward(tw_real *dx, tw_real *dg, const tw_real *dy, const tw_real *x,
                      const tw_real *s, size_t n);

#endif
