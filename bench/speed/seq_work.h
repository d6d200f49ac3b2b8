/* bench/speed/seq_work.h — what the benchmarks of SSE-PT's training share: the machine's sgemm as a
 * ceiling, the arithmetic of a step counted on paper, and the rate that training reports.
 *
 * A multiply-add is two operations. For one sequence of n rows, D = d_u + d_i, B blocks, V items
 * and k negatives, forward:
 *
 *   B n 10 D^2         Q, K, V and both layers of the feed-forward
 *   B 2 D n (n + 1)    causal scores, and the sums they weigh: only what lies below the diagonal
 *   n 2 (d_i (1 + k) + d_u)    BCE: a positive, k negatives, the user's term
 *   n 2 d_i V                  CE instead: all items
 *
 * and backward twice that, so a step is three times the sum. Norms, softmax, dropout, SSE, gathers,
 * what a loss computes anew in backward, and Adam are time but not counted: a share of the ceiling
 * is a lower bound of how busy the arithmetic units are.
 */
#ifndef TW_BENCH_SPEED_SEQ_WORK_H
#define TW_BENCH_SPEED_SEQ_WORK_H

#include "base/error.h"
#include "seqmodel/seqmodel.h"

enum { SEQ_WORK_MOST_THREADS = 16 };

typedef struct gemm_shape {
    const char *name;
    int M, N, K;
    int calls; /* a round and thread */
} gemm_shape;

/* GFLOP/s of `threads` threads, each multiplying its own (M,K) by (K,N); warmed up.
 * TW_ENOMEM; TW_EINVAL: threads is outside 1..SEQ_WORK_MOST_THREADS. */
TW_NODISCARD tw_status seq_work_gemm(const gemm_shape *s, int threads, double *gflops,
                                     tw_error *err);

/* Targets of an epoch over `data` with windows off, and their operations by the formula above. */
void seq_work_count(const tw_seq_data *data, const tw_seq_config *c, double *rows, double *flop);

typedef struct seq_rate {
    double tokens;     /* targets a second */
    double tokens_cpu; /* targets a second of all threads' CPU time: holds on a busy machine, too */
} seq_rate;

/* Trains a new model for two epochs and measures the rate of the second. TW_ESTATE: training logged
 * no rate. */
TW_NODISCARD tw_status seq_work_rate(const tw_seq_data *data, const tw_seq_config *c, seq_rate *out,
                                     tw_error *err);

#endif
