/* nn/kernels/attention.h — multi-head attention over packed sequences, causal or both ways.
 *
 * Row i of a sequence attends to rows j <= i of the same sequence:
 *
 *   S[i,j] = scale * <q[i], k[j]>,  P[i,:] = softmax over j <= i,  A = dropout(P)
 *   o[i]   = sum_j A[i,j] v[j]
 *
 * per head, a head being D/heads neighbouring columns. Queries are taken in
 * blocks of TW_ATTENTION_BLOCK rows, each against the keys up to its last row, so
 * most of the upper triangle is never computed:
 *
 *   keys ->  ####            one block: (rows, its last row + 1), packed, one
 *            ####            after the other over blocks, heads, sequences
 *            ########
 *            ########        # computed and kept; P is 0 right of the diagonal
 *
 * With `both`, every row attends to every row of its sequence, and the blocks are
 * (rows, the sequence).
 *
 * What is kept for backward is P with the coin in its sign: -P[i,j] where
 * dropout zeroed it. So there is no mask and no second softmax.
 *
 * Source: Vaswani et al. 2017, section 3.2.
 */
#ifndef TW_NN_KERNELS_ATTENTION_H
#define TW_NN_KERNELS_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/real.h"

#define TW_ATTENTION_BLOCK 16

typedef struct tw_attention {
    const int32_t *offsets; /* (S+1) sequence s is rows offsets[s] .. offsets[s+1]-1 */
    int S;
    int heads;
    int D;     /* divisible by heads */
    int ld;    /* stride of the rows of q, k, v and their gradients; 0: D. Those of o are D apart */
    bool both; /* every row of the sequence, not only those up to its own */
    double scale;
    double dropout; /* on P; 0 when inferring */
    uint64_t key;   /* of the dropout coins */
} tw_attention;

size_t tw_attention_kept(const tw_attention *a); /* numbers in P */
size_t tw_attention_work(const tw_attention *a); /* numbers in work */

/* o (N,D), P (tw_attention_kept) or NULL when there will be no backward, work
 * (tw_attention_work) <- q, k, v (N,D). */
void tw_attention_forward(tw_real *o, tw_real *P, tw_real *work, const tw_real *q, const tw_real *k,
                          const tw_real *v, const tw_attention *a);

/* Only what the last row of each sequence gets, without dropout: o (S,D), work (the longest
 * sequence) <- q (S,D) of the last rows, k, v (N,D). No sequence may be empty. */
void tw_attention_last(tw_real *o, tw_real *work, const tw_real *q, const tw_real *k,
                       const tw_real *v, const tw_attention *a);

/* dq, dk, dv (N,D) +=, from dout (N,D) and the forward pass's P. */
void tw_attention_backward(tw_real *dq, tw_real *dk, tw_real *dv, tw_real *work,
                           const tw_real *dout, const tw_real *P, const tw_real *q,
                           const tw_real *k, const tw_real *v, const tw_attention *a);

#endif
