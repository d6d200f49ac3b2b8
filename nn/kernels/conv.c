#include "nn/kernels/conv.h"

#include <stdbool.h>
#include <string.h>

#include "nn/blas.h"
#include "nn/kernels/vec.h"

int tw_conv_extent(int in, int k, int stride, int pad)
{
    return in + 2 * pad < k ? 0 : (in + 2 * pad - k) / stride + 1;
}

static int patch(const tw_conv *s) { return s->k * s->k * s->C; }

/* Then a patch is the pixel itself. */
static bool is_pointwise(const tw_conv *s) { return s->k == 1 && s->stride == 1 && s->pad == 0; }

/* A block of patches of BLOCK numbers, half of a second cache of 1 MiB: the factors' packed copies
 * and the product live there too. */
enum { BLOCK = 128 * 1024, ROWS_FEWEST = 64, ROWS_MOST = 1024 };

int tw_conv_rows(const tw_conv *s)
{
    int rows = BLOCK / patch(s);
    return rows < ROWS_FEWEST ? ROWS_FEWEST : rows > ROWS_MOST ? ROWS_MOST : rows;
}

size_t tw_conv_work(const tw_conv *s)
{
    return is_pointwise(s) ? 1 : (size_t) tw_conv_rows(s) * (size_t) patch(s);
}

/* Where a pixel of y reads: its image, and the patch's corner there. */
typedef struct spot {
    int i;     /* image */
    int h;     /* its lines in x */
    int v, u;  /* line and column in y */
    int top;   /* v * stride - pad */
    int lines; /* of y in this image */
} spot;

static void enter(spot *p, const tw_conv *s, int i)
{
    p->i = i;
    p->h = (s->in_at[i + 1] - s->in_at[i]) / s->in_w;
    p->lines = (s->out_at[i + 1] - s->out_at[i]) / s->out_w;
    p->v = p->u = 0;
    p->top = -s->pad;
}

static spot find(const tw_conv *s, int row)
{
    spot p;
    int low = 0, high = s->n - 1; /* the last image that begins at or before row */
    while (low < high) {
        int mid = low + (high - low + 1) / 2;
        if (s->out_at[mid] <= row)
            low = mid;
        else
            high = mid - 1;
    }
    enter(&p, s, low);
    p.v = (row - s->out_at[low]) / s->out_w;
    p.u = (row - s->out_at[low]) % s->out_w;
    p.top = p.v * s->stride - s->pad;
    return p;
}

static void advance(spot *p, const tw_conv *s)
{
    if (++p->u < s->out_w)
        return;
    p->u = 0;
    p->v++;
    p->top += s->stride;
    if (p->v == p->lines && p->i + 1 < s->n)
        enter(p, s, p->i + 1);
}

/* The pixels of a patch's line that lie inside the image: [*from, *to) of k. */
static void inside(const tw_conv *s, int left, int *from, int *to)
{
    *from = left < 0 ? -left : 0;
    *to = s->in_w - left < s->k ? s->in_w - left : s->k;
    if (*to < *from)
        *to = *from;
}

/* col (end-first, k*k*C): the patches of these pixels. */
static void im2col(tw_real *col, const tw_real *x, const tw_conv *s, int first, int end)
{
    const size_t C = (size_t) s->C, line = (size_t) s->k * C;
    spot p = find(s, first);
    for (int row = first; row < end; row++, advance(&p, s)) {
        const int left = p.u * s->stride - s->pad;
        int from, to;
        inside(s, left, &from, &to);
        for (int a = 0; a < s->k; a++, col += line) {
            if (p.top + a < 0 || p.top + a >= p.h) {
                memset(col, 0, line * sizeof *col);
                continue;
            }
            const size_t pixel = (size_t) s->in_at[p.i] + (size_t) (p.top + a) * (size_t) s->in_w;
            if (from > 0)
                memset(col, 0, (size_t) from * C * sizeof *col);
            memcpy(col + (size_t) from * C, x + (pixel + (size_t) (left + from)) * C,
                   (size_t) (to - from) * C * sizeof *col);
            if (to < s->k)
                memset(col + (size_t) to * C, 0, (size_t) (s->k - to) * C * sizeof *col);
        }
    }
}

/* dx += the patches' gradients, each where it was read. */
static void col2im(tw_real *dx, const tw_real *dcol, const tw_conv *s, int first, int end)
{
    const size_t C = (size_t) s->C, line = (size_t) s->k * C;
    spot p = find(s, first);
    for (int row = first; row < end; row++, advance(&p, s)) {
        const int left = p.u * s->stride - s->pad;
        int from, to;
        inside(s, left, &from, &to);
        for (int a = 0; a < s->k; a++, dcol += line) {
            if (p.top + a < 0 || p.top + a >= p.h)
                continue;
            const size_t pixel = (size_t) s->in_at[p.i] + (size_t) (p.top + a) * (size_t) s->in_w;
            tw_vec_axpy(dx + (pixel + (size_t) (left + from)) * C, dcol + (size_t) from * C, 1,
                        (size_t) (to - from) * C);
        }
    }
}

void tw_conv_forward(tw_real *y, tw_real *work, const tw_real *x, const tw_real *wt,
                     const tw_real *b, const tw_conv *s, int first, int end)
{
    const int K = patch(s), step = tw_conv_rows(s);
    for (int r = first; r < end; r += step) {
        const int rows = end - r < step ? end - r : step;
        const tw_real *col = work;
        tw_real *yr = y + (size_t) (r - first) * (size_t) s->O;
        if (is_pointwise(s))
            col = x + (size_t) r * (size_t) K;
        else
            im2col(work, x, s, r, r + rows);
        if (b != NULL)
            tw_vec_fill_rows(yr, b, rows, s->O);
        tw_gemm(0, 0, rows, s->O, K, 1, col, K, wt, s->O, b != NULL ? 1 : 0, yr, s->O);
    }
}

void tw_conv_backward(tw_real *dx, tw_real *dw, tw_real *db, tw_real *work, const tw_real *dy,
                      const tw_real *x, const tw_real *w, const tw_conv *s, int first, int end)
{
    const int K = patch(s), O = s->O, step = tw_conv_rows(s);
    for (int r = first; r < end; r += step) {
        const int rows = end - r < step ? end - r : step;
        const tw_real *col = work;
        const tw_real *dyr = dy + (size_t) (r - first) * (size_t) O;
        if (is_pointwise(s))
            col = x + (size_t) r * (size_t) K;
        else
            im2col(work, x, s, r, r + rows);
        tw_gemm(1, 0, O, K, rows, 1, dyr, O, col, K, 1, dw, K);
        if (db != NULL)
            tw_vec_colsum(db, dyr, rows, O);
        if (dx == NULL)
            continue;
        if (is_pointwise(s)) {
            tw_gemm(0, 0, rows, K, O, 1, dyr, O, w, K, 1, dx + (size_t) r * (size_t) K, K);
        } else {
            tw_gemm(0, 0, rows, K, O, 1, dyr, O, w, K, 0, work, K);
            col2im(dx, work, s, r, r + rows);
        }
    }
}
