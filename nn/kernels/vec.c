#include "nn/kernels/vec.h"

#include <string.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include "nn/kernels/simd.h"

TW_BODY void copy_scaled_body(tw_real *restrict y, const tw_real *restrict x, double a, size_t n)
{
    tw_real f = (tw_real) a;
    for (size_t j = 0; j < n; j++)
        y[j] = f * x[j];
}
TW_DISPATCH(tw_vec_copy_scaled, copy_scaled_body,
            (tw_real * y, const tw_real *x, double a, size_t n), (y, x, a, n))

TW_BODY void axpy_body(tw_real *restrict y, const tw_real *restrict x, double a, size_t n)
{
    tw_real f = (tw_real) a;
    for (size_t j = 0; j < n; j++)
        y[j] += f * x[j];
}
TW_DISPATCH(tw_vec_axpy, axpy_body, (tw_real * y, const tw_real *x, double a, size_t n),
            (y, x, a, n))

TW_BODY void add_body(tw_real *restrict y, const tw_real *a, const tw_real *b, size_t n)
{
    for (size_t j = 0; j < n; j++)
        y[j] = a[j] + b[j];
}
TW_DISPATCH(tw_vec_add, add_body, (tw_real * y, const tw_real *a, const tw_real *b, size_t n),
            (y, a, b, n))

TW_BODY void move_add_body(tw_real *restrict a, tw_real *restrict b, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        a[j] += b[j];
        b[j] = 0;
    }
}
TW_DISPATCH(tw_vec_move_add, move_add_body, (tw_real * a, tw_real *b, size_t n), (a, b, n))

TW_BODY void sumsq_body(double *out, const tw_real *x, size_t n)
{
    double sum = 0; /* double: the square of a large float is not one */
    for (size_t j = 0; j < n; j++)
        sum += (double) x[j] * (double) x[j];
    *out = sum;
}
TW_DISPATCH(tw_vec_sumsq, sumsq_body, (double *out, const tw_real *x, size_t n), (out, x, n))

void tw_vec_fill_rows(tw_real *y, const tw_real *b, int N, int D)
{
    for (int i = 0; i < N; i++)
        memcpy(y + (size_t) i * (size_t) D, b, (size_t) D * sizeof *y);
}

/* Columns in panels that stay in registers or the nearest cache; rows in blocks, so that a float
 * never sums more than ROWS numbers before they join the total. */
enum { PANEL = 64, ROWS = 64 };

TW_BODY void colsum_body(tw_real *restrict db, const tw_real *restrict dy, int N, int D)
{
    for (int c = 0; c < D; c += PANEL) {
        int w = D - c < PANEL ? D - c : PANEL;
        for (int r = 0; r < N; r += ROWS) {
            int end = N - r < ROWS ? N : r + ROWS;
            tw_real sum[PANEL] = {0};
            for (int i = r; i < end; i++) {
                const tw_real *row = dy + (size_t) i * (size_t) D + c;
                for (int j = 0; j < w; j++)
                    sum[j] += row[j];
            }
            for (int j = 0; j < w; j++)
                db[c + j] += sum[j];
        }
    }
}
TW_DISPATCH(tw_vec_colsum, colsum_body, (tw_real * db, const tw_real *dy, int N, int D),
            (db, dy, N, D))

enum { SQUARE = 4, STRIP = 16 };

static void transpose_plain(tw_real *y, int ldy, const tw_real *x, int ldx, int R, int C)
{
    for (int r = 0; r < R; r++)
        for (int c = 0; c < C; c++)
            y[(size_t) c * (size_t) ldy + (size_t) r] = x[(size_t) r * (size_t) ldx + (size_t) c];
}

/* 4 x 4 numbers. */
static void transpose_square(tw_real *y, int ldy, const tw_real *x, int ldx)
{
#if defined(__SSE__) && !defined(TW_REAL_DOUBLE)
    const size_t in = (size_t) ldx, out = (size_t) ldy;
    __m128 r0 = _mm_loadu_ps(x), r1 = _mm_loadu_ps(x + in);
    __m128 r2 = _mm_loadu_ps(x + 2 * in), r3 = _mm_loadu_ps(x + 3 * in);
    _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
    _mm_storeu_ps(y, r0);
    _mm_storeu_ps(y + out, r1);
    _mm_storeu_ps(y + 2 * out, r2);
    _mm_storeu_ps(y + 3 * out, r3);
#else
    transpose_plain(y, ldy, x, ldx, SQUARE, SQUARE);
#endif
}

/* In strips of one cache line of y, so that a line that was begun is finished while it is near. */
void tw_transpose(tw_real *y, int ldy, const tw_real *x, int ldx, int R, int C)
{
    const int whole = C / SQUARE * SQUARE;
    for (int strip = 0; strip < R; strip += STRIP) {
        const int end = R - strip < STRIP ? R : strip + STRIP;
        const int squares = strip + (end - strip) / SQUARE * SQUARE;
        const tw_real *from = x + (size_t) strip * (size_t) ldx;
        for (int c = 0; c < whole; c += SQUARE) {
            tw_real *to = y + (size_t) c * (size_t) ldy;
            for (int r = strip; r < squares; r += SQUARE)
                transpose_square(to + r, ldy, x + (size_t) r * (size_t) ldx + c, ldx);
            transpose_plain(to + squares, ldy, x + (size_t) squares * (size_t) ldx + c, ldx,
                            end - squares, SQUARE);
        }
        transpose_plain(y + (size_t) whole * (size_t) ldy + strip, ldy, from + whole, ldx,
                        end - strip, C - whole);
    }
}

TW_BODY void rowdot_body(tw_real *y, const tw_real *a, const tw_real *b, int N, int D)
{
    for (int i = 0; i < N; i++) {
        const tw_real *ai = a + (size_t) i * (size_t) D;
        const tw_real *bi = b + (size_t) i * (size_t) D;
        double sum = 0;
        for (int j = 0; j < D; j++)
            sum += (double) ai[j] * (double) bi[j];
        y[i] = (tw_real) sum;
    }
}
TW_DISPATCH(tw_rowdot_forward, rowdot_body,
            (tw_real * y, const tw_real *a, const tw_real *b, int N, int D), (y, a, b, N, D))

void tw_rowdot_backward(tw_real *da, tw_real *db, const tw_real *dy, const tw_real *a,
                        const tw_real *b, int N, int D)
{
    for (int i = 0; i < N; i++) {
        size_t at = (size_t) i * (size_t) D;
        tw_vec_axpy(da + at, b + at, (double) dy[i], (size_t) D);
        tw_vec_axpy(db + at, a + at, (double) dy[i], (size_t) D);
    }
}
