#include "nn/kernels/softmax_ce.h"

#include <math.h>
#include <stddef.h>

#include "nn/kernels/exp.h"
#include "nn/kernels/simd.h"

enum { LANES = 32, CHUNK = 1024 };

TW_BODY tw_real row_max(const tw_real *restrict x, int V)
{
    /* Over lanes: a plain maximum does not vectorise while NaN is honoured. */
    tw_real lane[LANES], max = x[0];
    int j = 0;
    for (int l = 0; l < LANES; l++)
        lane[l] = x[0];
    for (; j + LANES <= V; j += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] = x[j + l] > lane[l] ? x[j + l] : lane[l];
    for (; j < V; j++)
        max = x[j] > max ? x[j] : max;
    for (int l = 0; l < LANES; l++)
        max = lane[l] > max ? lane[l] : max;
    return max;
}

TW_BODY void forward_body(double *restrict loss, tw_real *restrict e, tw_real *restrict rsum,
                          const int32_t *restrict targets, int N, int V)
{
    double total = 0;
    for (int i = 0; i < N; i++) {
        tw_real *row = e + (size_t) i * (size_t) V;
        rsum[i] = 0;
        if (targets[i] < 0)
            continue;
        tw_real max = row_max(row, V);
        double gap = (double) max - (double) row[targets[i]];
        double sum = 0;
        for (int c = 0; c < V; c += CHUNK) { /* so that a float sums few numbers */
            int w = V - c < CHUNK ? V - c : CHUNK;
            tw_real part = 0;
            for (int j = 0; j < w; j++) {
                tw_real y = tw_exp_lane(row[c + j] - max);
                row[c + j] = y;
                part += y;
            }
            sum += (double) part;
        }
        rsum[i] = (tw_real) (1 / sum);
        // cppcheck-suppress invalidFunctionArg ; the row's largest term is exp(0) = 1
        total += log(sum) + gap;
    }
    *loss += total;
}
TW_DISPATCH(tw_softmax_ce_forward, forward_body,
            (double *loss, tw_real *e, tw_real *rsum, const int32_t *targets, int N, int V),
            (loss, e, rsum, targets, N, V))

void tw_softmax_ce_backward(tw_real *e, const tw_real *rsum, const int32_t *targets, int N, int V)
{
    for (int i = 0; i < N; i++)
        if (targets[i] >= 0)
            e[(size_t) i * (size_t) V + (size_t) targets[i]] -= 1 / rsum[i];
}
