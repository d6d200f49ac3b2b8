/* nn/tape/tape.h — run a model forward once; the tape plays it backward.
 *
 * Each tw_op_* call computes its result at once and records how to undo it. So
 * a model is written once, as its forward pass, and reads like the paper:
 *
 *     tw_tensor *x = tw_op_gather(t, items, ids, n, scale);
 *     x = tw_op_dropout(t, x, 0.2);
 *     tw_tensor *h = tw_op_relu(t, tw_op_linear(t, x, w1, b1));
 *     double loss = tw_op_softmax_ce(t, h, items, 1, n_items, targets, 1.0 / total);
 *     TW_TRY(tw_tape_backward(t, err));
 *
 * Surprises:
 * - Out of memory is sticky: the op returns NULL, every op accepts NULL and
 *   returns NULL, and tw_tape_backward / tw_tape_status report it. So no call needs a
 *   check of its own.
 * - A tape without a gradient store only infers: dropout is off, nothing is
 *   recorded, tensors have d == NULL.
 * - Tensors live in the tape's arena until tw_tape_reset() or tw_tape_next(). Inputs given by
 *   pointer (ids, offsets, weights) are borrowed until then.
 * - Gradients accumulate, so a tensor or parameter may be used many times.
 *
 * One thread per tape. Shapes: N rows (packed over sequences), D width.
 */
#ifndef TW_NN_TAPE_TAPE_H
#define TW_NN_TAPE_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/real.h"
#include "base/rng.h"
#include "nn/params.h"

typedef struct tw_tensor {
    tw_real *v; /* (rows, cols) values */
    tw_real *d; /* (rows, cols) gradient, zeroed when made; NULL when only inferring */
    int rows, cols;
} tw_tensor;

typedef struct tw_tape tw_tape;

/* grads NULL: inference only. Both are borrowed and must outlive the tape. */
TW_NODISCARD tw_status tw_tape_create(tw_tape **out, tw_grads *grads, tw_error *err);
void tw_tape_destroy(tw_tape *t); /* accepts NULL */

/* Forgets everything recorded and seeds the dropout stream. */
void tw_tape_reset(tw_tape *t, uint64_t seed, uint64_t step, uint64_t worker);

/* Forgets everything recorded, but the dropout stream goes on: for a batch that is taken in pieces,
 * each forward and backward before the next, so that a piece's tensors stay in the caches. */
void tw_tape_next(tw_tape *t);

/* TW_ENOMEM if any op since the reset ran out of memory. */
TW_NODISCARD tw_status tw_tape_status(const tw_tape *t, tw_error *err);

/* Plays the tape backward once, last op first. Seeds come from the loss ops, or from
 * tw_tape_seed(). */
TW_NODISCARD tw_status tw_tape_backward(tw_tape *t, tw_error *err);

/* Adds dx (rows, cols) to x's gradient: the start of a backward pass whose loss was computed
 * outside the tape (a loss over the whole batch, of which this tape saw a slice). */
void tw_tape_seed(tw_tape *t, tw_tensor *x, const tw_real *dx);

/* ---- for writing new ops (any folder may) ---------------------------------------------------- */

bool tw_tape_records(const tw_tape *t); /* false: inference */
tw_rng *tw_tape_rng(tw_tape *t);
tw_grads *tw_tape_grads(tw_tape *t);                       /* NULL when inferring */
void *tw_tape_take(tw_tape *t, size_t n, size_t size);     /* from the arena; NULL marks the tape */
tw_tensor *tw_tape_tensor(tw_tape *t, int rows, int cols); /* v unspecified, d zeroed */
/* n numbers to work in, unspecified, until the next call: one block for all ops of a tape, so that
 * it stays in the caches from op to op. NULL marks the tape. */
tw_real *tw_tape_work(tw_tape *t, size_t n);
/* `back(t, saved)` runs in the backward pass; saved lives in the arena. */
void tw_tape_record(tw_tape *t, void (*back)(tw_tape *t, void *saved), void *saved);

/* ---- inputs ---------------------------------------------------------------------------------- */

/* A constant, copied: for numbers that come from outside the model, and for tests of the ops. */
tw_tensor *tw_op_input(tw_tape *t, const tw_real *x, int rows, int cols);

/* y[i] = scale * table[ids[i]]; an id below 0 gives a zero row. ids (n) borrowed. */
tw_tensor *tw_op_gather(tw_tape *t, const tw_param *table, const int32_t *ids, int n, double scale);

/* Weighted embedding bag: y[i] = sum over j in [offsets[i], offsets[i+1]) of
 * weights[j] * table[ids[j]]. offsets (n+1), ids and weights (offsets[n]) borrowed; weights may be
 * NULL for all ones. */
tw_tensor *tw_op_bag(tw_tape *t, const tw_param *table, const int32_t *ids, const tw_real *weights,
                     const int32_t *offsets, int n);

/* ---- layers ---------------------------------------------------------------------------------- */

/* y = x w' + b.  x (N,I), w (O,I), b (1,O) or NULL -> y (N,O). */
tw_tensor *tw_op_linear(tw_tape *t, tw_tensor *x, const tw_param *w, const tw_param *b);
tw_tensor *tw_op_add(tw_tape *t, tw_tensor *a, tw_tensor *b);
/* y = a + y, in y's own place, and returns y: for a residual, where y is a fresh result that
 * nothing else has read and whose own op does not look at it again (relu, gelu, l2norm and dot
 * products do; linear, attention, dropout, layer norm, gather and sums do not). */
tw_tensor *tw_op_add_to(tw_tape *t, tw_tensor *y, tw_tensor *a);
tw_tensor *tw_op_scale(tw_tape *t, tw_tensor *x, double factor);
tw_tensor *tw_op_concat(tw_tape *t, tw_tensor *a,
                        tw_tensor *b); /* columns: (N,A) (N,B) -> (N,A+B) */
tw_tensor *tw_op_columns(tw_tape *t, tw_tensor *x, int first, int end); /* x[:, first:end) */
/* y[i] = x[rows[i]], zero for a row below 0. rows (n) borrowed. */
tw_tensor *tw_op_rows(tw_tape *t, tw_tensor *x, const int32_t *rows, int n);
tw_tensor *tw_op_relu(tw_tape *t, tw_tensor *x);
tw_tensor *tw_op_gelu(tw_tape *t, tw_tensor *x); /* x * Phi(x), exact erf form */
/* y = x * sigmoid(g), both (N,D); two tensors, not one twice. */
tw_tensor *tw_op_gate(tw_tape *t, tw_tensor *x, tw_tensor *g);
/* Inverted dropout: zero with probability p in [0, 1), else divide by 1-p. When inferring, and for
 * p 0, it returns x itself. */
tw_tensor *tw_op_dropout(tw_tape *t, tw_tensor *x, double p);
/* Ba et al. 2016. gain, bias (1,D). */
tw_tensor *tw_op_layernorm(tw_tape *t, tw_tensor *x, const tw_param *gain, const tw_param *bias,
                           double eps);
/* y[i] = x[i] / max(||x[i]||, 1e-12). */
tw_tensor *tw_op_l2norm(tw_tape *t, tw_tensor *x);

/* Causal multi-head attention over packed sequences: rows offsets[s] .. offsets[s+1]-1 are
 * sequence s, in time order; row i attends to rows j <= i of its own sequence.
 *
 *   q, k, v (N,D), D divisible by heads; offsets (S+1) borrowed; scale usually 1/sqrt(D/heads)
 *   dropout on the attention weights, after the softmax
 *
 * No output projection. Source: Vaswani et al. 2017, section 3.2; causality as in SASRec. */
tw_tensor *tw_op_attention(tw_tape *t, tw_tensor *q, tw_tensor *k, tw_tensor *v,
                           const int32_t *offsets, int S, int heads, double scale, double dropout);

/* The same, but both ways: every row attends to every row of its own sequence. qkv (N,3D) holds
 * queries, keys and values side by side, as one linear layer makes them; y (N,D). Source: Devlin et
 * al. 2019 (BERT). */
tw_tensor *tw_op_self_attention(tw_tape *t, tw_tensor *qkv, const int32_t *offsets, int S,
                                int heads, double scale, double dropout);

/* Of that only each sequence's last row: q (S,D), y (S,D); no sequence is empty. For a tape that
 * only infers: there is nothing to train in what a query leaves out. */
tw_tensor *tw_op_attention_last(tw_tape *t, tw_tensor *q, tw_tensor *k, tw_tensor *v,
                                const int32_t *offsets, int S, int heads, double scale);

/* ---- over packed sequences (tape_packed.c) ----------------------------------------------------
 *
 * Rows offsets[s] .. offsets[s+1]-1 of x (N,D) are sequence s; offsets (S+1) borrowed. */

/* y (S,D): the mean of a sequence's rows; zeros for an empty one. */
tw_tensor *tw_op_pool_mean(tw_tape *t, tw_tensor *x, const int32_t *offsets, int S);
/* y (S,D): the largest number of each column, whose gradient goes to the first row that has it;
 * zeros for an empty sequence. */
tw_tensor *tw_op_pool_max(tw_tape *t, tw_tensor *x, const int32_t *offsets, int S);
/* y (N, width * D): row i is rows i - width/2 .. i - width/2 + width-1 of x side by side, zeros
 * where they are of another sequence. A linear layer on it is a convolution along the sequence
 * whose output has as many rows as its input. width >= 1. */
tw_tensor *tw_op_windows(tw_tape *t, tw_tensor *x, const int32_t *offsets, int S, int width);

/* LSTM or GRU along each sequence, one direction: y (N,H), the state after each row. wh (4H,H)
 * makes it an LSTM, gates in the order i f g o; (3H,H) a GRU, r z n. x (N, 4H or 3H) is the input's
 * part of the gates with its bias: a linear layer. bh (1, 4H or 3H) or NULL: a bias of the state's
 * part, of use in a GRU. See nn/kernels/recurrent.h. */
tw_tensor *tw_op_recurrent(tw_tape *t, tw_tensor *x, const tw_param *wh, const tw_param *bh,
                           const int32_t *offsets, int S, bool reverse);

/* ---- losses: return the unscaled sum over rows -------------------------------------------------
 *
 * When recording, scale * dL is added to the inputs' and the table's gradients at the call, not in
 * the backward pass: so the logits need not be kept. Call each loss once, on finished inputs. */

/* Full softmax cross-entropy against `count` consecutive rows of a table, starting at row `begin`:
 * logits[i,c] = temperature^-1 * <x[i], table[begin+c]>; targets[i] in [0, count) or below 0 to
 * skip row i. Works in blocks of rows, so memory is O(block * count). Returns the unscaled sum. */
double tw_op_softmax_ce(tw_tape *t, tw_tensor *x, const tw_param *table, int64_t begin,
                        int64_t count, const int32_t *targets, double temperature, double scale);

/* Binary cross-entropy with negatives:
 *   sum_i -log sigmoid(<x[i],table[pos[i]]> + bias[i])
 *         - sum_j log(1 - sigmoid(<x[i],table[neg[i*k+j]]> + bias[i]))
 * pos (N) below 0 skips a row; neg (N,k); bias may be NULL, else (N,1), with its gradient (the
 * user half of SSE-PT's output: the same for every candidate of a row). Source: Kang and McAuley
 * 2018, eq. 6. */
double tw_op_bce(tw_tape *t, tw_tensor *x, const tw_param *table, const int32_t *pos,
                 const int32_t *neg, int k, tw_tensor *bias, double scale);

/* How a row's positive meets the candidates that all rows share. */
typedef struct tw_candidates {
    int count;                 /* K >= 1: rows 0 .. K-1 of the item tensor are the candidates */
    const tw_real *log_weight; /* (K) added to a candidate's logit; NULL: zeros. -log of its
                                  inclusion probability makes the softmax's sum unbiased */
    /* Rows of items, candidates all: row i does not meet excluded[from[i]] .. excluded[upto[i]-1].
     * from, upto (N); NULL: every row meets all. */
    const int32_t *excluded, *from, *upto;
    double temperature;    /* > 0: scores are divided by it */
    bool sigmoid;          /* false: softmax over positive and candidates; true: gBCE */
    double positive_power; /* gBCE: the exponent on the positive's sigmoid; 1: plain BCE */
} tw_candidates;

/* A loss over a sample of the items, one sample for all rows, so that it is one matrix product:
 *
 *   s[i,c] = <x[i], items[c]> / temperature (+ log_weight[c] for candidates)
 *   softmax:  sum_i -s[i,pos[i]] + log(e^s[i,pos[i]] + sum_c e^s[i,c])
 *   sigmoid:  sum_i -power log sigmoid(s[i,pos[i]] + bias[i]) - sum_c log(1 - sigmoid(s[i,c] +
 * bias[i]))
 *
 * where c runs over the candidates other than pos[i] and what row i excludes.
 *
 *   items (U,D)  a tensor: gathered rows, perhaps projected or normalised; U >= K
 *   pos (N)      rows of items, candidate or not; below 0 skips a row
 *   bias         NULL or (N,1), sigmoid only, with its gradient
 *
 * With every item a candidate the softmax is the full one. Memory is O(block * K). Sources:
 * Bengio and Senecal 2008 (importance-weighted samples); Petrov and Macdonald 2023 (gBCE). */
double tw_op_candidates(tw_tape *t, tw_tensor *x, tw_tensor *items, const int32_t *pos,
                        const tw_candidates *how, tw_tensor *bias, double scale);

/* y (N,1) = sum_j a[i,j]*b[i,j]. */
tw_tensor *tw_op_rowdot(tw_tape *t, tw_tensor *a, tw_tensor *b);

#endif
