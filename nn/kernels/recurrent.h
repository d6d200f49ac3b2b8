/* nn/kernels/recurrent.h — LSTM and GRU over packed sequences, one direction.
 *
 * The products with the input are one large linear layer before this; here is what
 * goes from step to step. In step k all sequences that are longer than k go together:
 * they are taken in order of length, so these are the first `active` of them and
 * each step is one matrix product, without padding.
 *
 *   LSTM (gates i f g o):   c' = s(f) c + s(i) tanh(g),  h' = s(o) tanh(c')
 *   GRU  (gates r z n):     n = tanh(x_n + s(r) h_n),    h' = (1 - s(z)) n + s(z) h
 *
 * with gate = x_gate + h_gate, h_gate = wh h + bh, s the logistic function; h and c begin at zero.
 * Sources: Hochreiter and Schmidhuber 1997, Gers et al. 2000; Cho et al. 2014 in the form where r
 * is applied after the product.
 */
#ifndef TW_NN_KERNELS_RECURRENT_H
#define TW_NN_KERNELS_RECURRENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/real.h"

typedef struct tw_recurrent {
    const int32_t *offsets; /* (S+1) */
    const int32_t *order;   /* (S) sequences, longest first */
    int S, H;
    bool gru;     /* 3 gates; else LSTM, 4 */
    bool reverse; /* from each sequence's last row to its first */
} tw_recurrent;

/* What a forward pass keeps; by packed row. G = 4 or 3. */
typedef struct tw_recurrent_kept {
    tw_real *gates;  /* (N, G*H) after their functions */
    tw_real *state;  /* (N,H) LSTM: c; GRU: h_n */
    tw_real *before; /* (N,H) h before the step */
    tw_real *prior;  /* (N,H) LSTM: c before the step; GRU unused, may be NULL */
} tw_recurrent_kept;

/* y (N,H), kept, work (S * (G+2) * H) <- x (N, G*H), wh (G*H, H), bh (G*H) or NULL. */
void tw_recurrent_forward(tw_real *y, const tw_recurrent_kept *kept, tw_real *work,
                          const tw_real *x, const tw_real *wh, const tw_real *bh,
                          const tw_recurrent *r);

/* dx (N, G*H), dwh, dbh (or NULL) += from dy (N,H) and what was kept; hidden (N, G*H) is written:
 * the gradient of h_gate by row; work as forward. */
void tw_recurrent_backward(tw_real *dx, tw_real *dwh, tw_real *dbh, tw_real *hidden, tw_real *work,
                           const tw_real *dy, const tw_recurrent_kept *kept, const tw_real *wh,
                           const tw_recurrent *r);

#endif
