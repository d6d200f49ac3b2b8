#include "nn/kernels/pooling.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "nn/kernels/simd.h"
#include "nn/kernels/vec.h"

int tw_pool2_extent(int in) { return in < 2 ? 1 : in / 2; }

/* Offsets of a window's four pixels from its first; a side of 1 counts its pixel twice, which no
 * maximum minds. */
typedef struct window {
    size_t right, down;
} window;

static inline window window_of(int H, int W, int C)
{
    return (window){.right = W > 1 ? (size_t) C : 0, .down = H > 1 ? (size_t) W * (size_t) C : 0};
}

TW_BODY void max_body(tw_real *restrict y, const tw_real *restrict x, const tw_real *restrict a,
                      const tw_real *restrict b, bool relu, int H, int W, int C)
{
    const int h = tw_pool2_extent(H), w = tw_pool2_extent(W);
    const window o = window_of(H, W, C);
    const tw_real low = relu ? 0 : (tw_real) -INFINITY;
    for (int v = 0; v < h; v++) {
        for (int u = 0; u < w; u++) {
            const tw_real *p = x + ((size_t) (2 * v) * (size_t) W + (size_t) (2 * u)) * (size_t) C;
            tw_real *to = y + ((size_t) v * (size_t) w + (size_t) u) * (size_t) C;
            for (size_t c = 0; c < (size_t) C; c++) {
                tw_real z0 = a[c] * p[c] + b[c], z1 = a[c] * p[c + o.right] + b[c];
                tw_real z2 = a[c] * p[c + o.down] + b[c];
                tw_real z3 = a[c] * p[c + o.down + o.right] + b[c];
                tw_real m = z0 < z1 ? z1 : z0, k = z2 < z3 ? z3 : z2;
                m = m < k ? k : m;
                to[c] = m < low ? low : m;
            }
        }
    }
}
TW_DISPATCH(tw_maxpool2_forward, max_body,
            (tw_real * y, const tw_real *x, const tw_real *a, const tw_real *b, bool relu, int H,
             int W, int C),
            (y, x, a, b, relu, H, W, C))

/* The four are written last to first, so that where they are one pixel (a side of 1) the first,
 * which is the largest then, has the last word.
 * NOLINTNEXTLINE(readability-function-cognitive-complexity): choices, not branches. */
TW_BODY void max_back_body(tw_real *restrict g, const tw_real *restrict dy,
                           const tw_real *restrict x, const tw_real *restrict a,
                           const tw_real *restrict b, bool relu, int H, int W, int C)
{
    const int h = tw_pool2_extent(H), w = tw_pool2_extent(W);
    const window o = window_of(H, W, C);
    const tw_real low = relu ? 0 : (tw_real) -INFINITY;
    for (int v = 0; v < h; v++) {
        for (int u = 0; u < w; u++) {
            const size_t at = ((size_t) (2 * v) * (size_t) W + (size_t) (2 * u)) * (size_t) C;
            const tw_real *p = x + at;
            const tw_real *d = dy + ((size_t) v * (size_t) w + (size_t) u) * (size_t) C;
            tw_real *q0 = g + at, *q1 = q0 + o.right, *q2 = q0 + o.down, *q3 = q2 + o.right;
            for (size_t c = 0; c < (size_t) C; c++) {
                tw_real z0 = a[c] * p[c] + b[c], z1 = a[c] * p[c + o.right] + b[c];
                tw_real z2 = a[c] * p[c + o.down] + b[c];
                tw_real z3 = a[c] * p[c + o.down + o.right] + b[c];
                tw_real m = z0 < z1 ? z1 : z0, k = z2 < z3 ? z3 : z2;
                tw_real most = m < k ? k : m;
                tw_real dc = most > low ? d[c] : 0;
                tw_real lower = m < k ? dc : 0, upper = m < k ? 0 : dc;
                q3[c] = z2 < z3 ? lower : 0;
                q2[c] = z2 < z3 ? 0 : lower;
                q1[c] = z0 < z1 ? upper : 0;
                q0[c] = z0 < z1 ? 0 : upper;
            }
        }
    }
}
TW_DISPATCH_STATIC(max_back, max_back_body,
                   (tw_real * g, const tw_real *dy, const tw_real *x, const tw_real *a,
                    const tw_real *b, bool relu, int H, int W, int C),
                   (g, dy, x, a, b, relu, H, W, C))

void tw_maxpool2_backward(tw_real *g, const tw_real *dy, const tw_real *x, const tw_real *a,
                          const tw_real *b, bool relu, int H, int W, int C)
{
    const size_t line = (size_t) W * (size_t) C;
    max_back(g, dy, x, a, b, relu, H, W, C);
    if (H > 1 && H % 2 == 1)
        memset(g + (size_t) (H - 1) * line, 0, line * sizeof *g);
    for (int v = 0; W > 1 && W % 2 == 1 && v < H; v++)
        memset(g + (size_t) (v + 1) * line - C, 0, (size_t) C * sizeof *g);
}

void tw_meanpool_forward(tw_real *y, const tw_real *x, int P, int C)
{
    memset(y, 0, (size_t) C * sizeof *y);
    tw_vec_colsum(y, x, P, C);
    for (int c = 0; c < C; c++)
        y[c] /= (tw_real) P;
}

void tw_meanpool_backward(tw_real *dx, const tw_real *dy, int P, int C)
{
    for (int p = 0; p < P; p++)
        tw_vec_axpy(dx + (size_t) p * (size_t) C, dy, 1.0 / P, (size_t) C);
}

void tw_audiopool_forward(tw_real *y, int32_t *best, tw_real *work, const tw_real *x, int T, int M,
                          int C)
{
    const size_t frame = (size_t) M * (size_t) C;
    memset(y, 0, (size_t) C * sizeof *y); /* the mean so far; the largest is kept in work[C..] */
    for (int t = 0; t < T; t++) {
        tw_real *m = work, *most = work + C;
        tw_meanpool_forward(m, x + (size_t) t * frame, M, C);
        for (int c = 0; c < C; c++) {
            y[c] += m[c];
            if (t > 0 && !(m[c] > most[c]))
                continue;
            most[c] = m[c];
            best[c] = t;
        }
    }
    for (int c = 0; c < C; c++)
        y[c] = y[c] / (tw_real) T + work[C + c];
}

void tw_audiopool_backward(tw_real *dx, const tw_real *dy, const int32_t *best, int T, int M, int C)
{
    for (int t = 0; t < T; t++) {
        tw_real *frame = dx + (size_t) t * (size_t) M * (size_t) C;
        for (int c = 0; c < C; c++) {
            const tw_real d = dy[c] * (1 / (tw_real) T + (best[c] == t ? 1 : 0)) / (tw_real) M;
            for (int j = 0; j < M; j++)
                frame[(size_t) j * (size_t) C + (size_t) c] += d;
        }
    }
}
