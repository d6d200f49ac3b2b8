#include "nn/kernels/bag.h"

#include <stddef.h>
#include <string.h>

#include "nn/kernels/ahead.h"
#include "nn/kernels/simd.h"
#include "nn/kernels/vec.h"

TW_BODY void gather_body(tw_real *restrict y, const tw_real *restrict table,
                         const int32_t *restrict ids, double scale, int N, int D)
{
    tw_real f = (tw_real) scale;
    for (int i = 0; i < N; i++) {
        tw_real *yi = y + (size_t) i * (size_t) D;
        if (ids[i] < 0) {
            memset(yi, 0, (size_t) D * sizeof *yi);
            continue;
        }
        const tw_real *row = table + (size_t) ids[i] * (size_t) D;
        if (i + TW_AHEAD < N && ids[i + TW_AHEAD] >= 0)
            tw_ask_for(table + (size_t) ids[i + TW_AHEAD] * (size_t) D, D);
        for (int j = 0; j < D; j++)
            yi[j] = f * row[j];
    }
}
TW_DISPATCH(tw_gather_forward, gather_body,
            (tw_real * y, const tw_real *table, const int32_t *ids, double scale, int N, int D),
            (y, table, ids, scale, N, D))

void tw_gather_backward(tw_real *dx, const tw_real *dy, const int32_t *rows, double scale, int N,
                        int D)
{
    for (int i = 0; i < N; i++) {
        if (rows[i] >= 0)
            tw_vec_axpy(dx + (size_t) rows[i] * (size_t) D, dy + (size_t) i * (size_t) D, scale,
                        (size_t) D);
    }
}

TW_BODY void bag_body(tw_real *restrict y, const tw_real *restrict table,
                      const int32_t *restrict ids, const tw_real *restrict weights,
                      const int32_t *restrict offsets, int N, int D)
{
    for (int i = 0; i < N; i++) {
        tw_real *yi = y + (size_t) i * (size_t) D;
        memset(yi, 0, (size_t) D * sizeof *yi);
        for (int32_t k = offsets[i]; k < offsets[i + 1]; k++) {
            const tw_real *row = table + (size_t) ids[k] * (size_t) D;
            if (k + TW_AHEAD < offsets[N])
                tw_ask_for(table + (size_t) ids[k + TW_AHEAD] * (size_t) D, D);
            tw_real w = weights != NULL ? weights[k] : 1;
            for (int j = 0; j < D; j++)
                yi[j] += w * row[j];
        }
    }
}
TW_DISPATCH(tw_bag_forward, bag_body,
            (tw_real * y, const tw_real *table, const int32_t *ids, const tw_real *weights,
             const int32_t *offsets, int N, int D),
            (y, table, ids, weights, offsets, N, D))
