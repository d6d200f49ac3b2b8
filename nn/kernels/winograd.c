#include "nn/kernels/winograd.h"

#include <string.h>

#include "nn/blas.h"
#include "nn/kernels/simd.h"

/* SIDE x SIDE pixels of y from EDGE x EDGE of x; LANE channels at a time, one AVX-512 register. */
enum { SIDE = 4, EDGE = 6, POINTS = TW_WINOGRAD_POINTS, LANE = 16 };

/* Tiles in a block: its two transforms stay in a second cache of 1 MiB beside a point's weights. */
enum { BLOCK = 160 * 1024, TILES_FEWEST = 16, TILES_MOST = 128, WIDTH_FEWEST = 3 };

typedef struct tile {
    int at;   /* the image's first pixel */
    int h;    /* its lines */
    int v, u; /* the tile's first line and column in y */
} tile;

bool tw_winograd_fits(const tw_conv *s)
{
    return s->k == 3 && s->stride == 1 && s->pad == 1 && s->C % LANE == 0 && s->O % LANE == 0 &&
           s->in_w >= WIDTH_FEWEST;
}

size_t tw_winograd_weights(const tw_conv *s)
{
    return (size_t) POINTS * (size_t) s->C * (size_t) s->O;
}

static int tiles_in_block(const tw_conv *s)
{
    int tiles = BLOCK / (POINTS * (s->C + s->O));
    return tiles < TILES_FEWEST ? TILES_FEWEST : tiles > TILES_MOST ? TILES_MOST : tiles;
}

size_t tw_winograd_work(const tw_conv *s)
{
    return (size_t) POINTS * (size_t) tiles_in_block(s) * (size_t) (s->C + s->O);
}

int tw_winograd_rows(const tw_conv *s) { return tiles_in_block(s) * SIDE * SIDE; }

/* ---- the three matrices, along one side ------------------------------------------------------
 *
 * Each on LANE columns at a time: o and i are columns of lanes, os and is numbers apart. */

/* Through arrays of their own, which nothing else can alias: the loops over them vectorise. */
typedef tw_real lane[LANE];

TW_BODY void load(lane *x, const tw_real *from, size_t step, int n)
{
    for (int k = 0; k < n; k++)
        memcpy(x[k], from + (size_t) k * step, sizeof x[k]);
}

TW_BODY void store(tw_real *to, size_t step, lane *y, int n)
{
    for (int k = 0; k < n; k++)
        memcpy(to + (size_t) k * step, y[k], sizeof y[k]);
}

/* o = B' i */
TW_BODY void times_bt(tw_real *o, size_t os, const tw_real *i, size_t is)
{
    lane x[6], y[6];
    load(x, i, is, 6);
    for (int j = 0; j < LANE; j++) {
        const tw_real even = x[4][j] - 4 * x[2][j], odd = x[3][j] - 4 * x[1][j];
        const tw_real near = x[4][j] - x[2][j], far = 2 * (x[3][j] - x[1][j]);
        y[0][j] = 4 * x[0][j] - 5 * x[2][j] + x[4][j];
        y[1][j] = even + odd;
        y[2][j] = even - odd;
        y[3][j] = near + far;
        y[4][j] = near - far;
        y[5][j] = 4 * x[1][j] - 5 * x[3][j] + x[5][j];
    }
    store(o, os, y, 6);
}

/* o = B i */
TW_BODY void times_b(tw_real *o, size_t os, const tw_real *i, size_t is)
{
    lane x[6], y[6];
    load(x, i, is, 6);
    for (int j = 0; j < LANE; j++) {
        const tw_real s = x[1][j] + x[2][j], d = x[1][j] - x[2][j];
        const tw_real p = x[3][j] + x[4][j], q = x[3][j] - x[4][j];
        y[0][j] = 4 * x[0][j];
        y[1][j] = -4 * d - 2 * q + 4 * x[5][j];
        y[2][j] = -5 * x[0][j] - 4 * s - p;
        y[3][j] = d + 2 * q - 5 * x[5][j];
        y[4][j] = x[0][j] + s + p;
        y[5][j] = x[5][j];
    }
    store(o, os, y, 6);
}

/* o (4) = A' i (6) */
TW_BODY void times_at(tw_real *o, size_t os, const tw_real *i, size_t is)
{
    lane x[6], y[4];
    load(x, i, is, 6);
    for (int j = 0; j < LANE; j++) {
        const tw_real s = x[1][j] + x[2][j], d = x[1][j] - x[2][j];
        const tw_real p = x[3][j] + x[4][j], q = x[3][j] - x[4][j];
        y[0][j] = x[0][j] + s + p;
        y[1][j] = d + 2 * q;
        y[2][j] = s + 4 * p;
        y[3][j] = d + 8 * q + x[5][j];
    }
    store(o, os, y, 4);
}

/* o (6) = A i (4) */
TW_BODY void times_a(tw_real *o, size_t os, const tw_real *i, size_t is)
{
    lane x[4], y[6];
    load(x, i, is, 4);
    for (int j = 0; j < LANE; j++) {
        const tw_real even = x[0][j] + x[2][j], odd = x[1][j] + x[3][j];
        const tw_real far = x[0][j] + 4 * x[2][j], side = 2 * x[1][j] + 8 * x[3][j];
        y[0][j] = x[0][j];
        y[1][j] = even + odd;
        y[2][j] = even - odd;
        y[3][j] = far + side;
        y[4][j] = far - side;
        y[5][j] = x[3][j];
    }
    store(o, os, y, 6);
}

/* o (6) = G i (3) */
TW_BODY void times_g(tw_real *o, size_t os, const tw_real *i, size_t is)
{
    lane x[3], y[6];
    load(x, i, is, 3);
    for (int j = 0; j < LANE; j++) {
        const tw_real even = (x[0][j] + x[2][j]) * (tw_real) (1 / 6.0),
                      odd = x[1][j] * (tw_real) (1 / 6.0);
        const tw_real far = x[0][j] * (tw_real) (1 / 24.0) + x[2][j] * (tw_real) (1 / 6.0),
                      side = x[1][j] * (tw_real) (1 / 12.0);
        y[0][j] = x[0][j] * (tw_real) (1 / 4.0);
        y[1][j] = -even - odd;
        y[2][j] = -even + odd;
        y[3][j] = far + side;
        y[4][j] = far - side;
        y[5][j] = x[2][j];
    }
    store(o, os, y, 6);
}

/* o (3) = G' i (6) */
TW_BODY void times_gt(tw_real *o, size_t os, const tw_real *i, size_t is)
{
    lane x[6], y[3];
    load(x, i, is, 6);
    for (int j = 0; j < LANE; j++) {
        const tw_real s = x[1][j] + x[2][j], p = x[3][j] + x[4][j];
        y[0][j] =
            x[0][j] * (tw_real) (1 / 4.0) - s * (tw_real) (1 / 6.0) + p * (tw_real) (1 / 24.0);
        y[1][j] =
            (x[2][j] - x[1][j]) * (tw_real) (1 / 6.0) + (x[3][j] - x[4][j]) * (tw_real) (1 / 12.0);
        y[2][j] = (p - s) * (tw_real) (1 / 6.0) + x[5][j];
    }
    store(o, os, y, 3);
}

/* ---- over both sides, tile by tile -----------------------------------------------------------
 *
 * First along the lines, into `half`, which is stored by columns; then along those. */

enum { CORNER = EDGE * LANE }; /* a column of half */

/* Number c of pixel (v, u) of an image that begins at pixel `at`. */
TW_BODY size_t place(int at, int v, int u, int W, int C, int c)
{
    return ((size_t) at + (size_t) v * (size_t) W + (size_t) u) * (size_t) C + (size_t) c;
}

/* V (36, tiles, C): the tiles' pixels of x. */
TW_BODY void read_body(tw_real *V, const tile *tiles, int n, const tw_real *x, int W, int C)
{
    const size_t point = (size_t) n * (size_t) C;
    for (int k = 0; k < n; k++) {
        const tile *q = &tiles[k];
        const bool inner = q->v > 0 && q->u > 0 && q->v + SIDE < q->h && q->u + SIDE < W;
        for (int c = 0; c < C; c += LANE) {
            tw_real pad[POINTS * LANE], half[POINTS * LANE];
            const tw_real *from = pad;
            size_t line = CORNER, pixel = LANE;
            if (inner) {
                from = x + place(q->at, q->v - 1, q->u - 1, W, C, c);
                line = (size_t) W * (size_t) C;
                pixel = (size_t) C;
            }
            for (int p = 0; !inner && p < POINTS; p++) {
                const int v = q->v - 1 + p / EDGE, u = q->u - 1 + p % EDGE;
                if (v < 0 || v >= q->h || u < 0 || u >= W)
                    memset(pad + (size_t) p * LANE, 0, LANE * sizeof *pad);
                else
                    memcpy(pad + (size_t) p * LANE, x + place(q->at, v, u, W, C, c),
                           LANE * sizeof *pad);
            }
            for (size_t r = 0; r < EDGE; r++)
                times_bt(half + r * LANE, CORNER, from + r * line, pixel);
            for (size_t e = 0; e < EDGE; e++)
                times_bt(V + e * point + (size_t) k * (size_t) C + (size_t) c, EDGE * point,
                         half + e * CORNER, LANE);
        }
    }
}
TW_DISPATCH_STATIC(read_tiles, read_body,
                   (tw_real * V, const tile *tiles, int n, const tw_real *x, int W, int C),
                   (V, tiles, n, x, W, C))

/* dx += the tiles' dV.
 * NOLINTNEXTLINE(readability-function-cognitive-complexity): loops in loops, nothing else. */
TW_BODY void read_tiles_backward_body(tw_real *dx, const tile *tiles, int n, const tw_real *dV,
                                      int W, int C)
{
    const size_t point = (size_t) n * (size_t) C;
    for (int k = 0; k < n; k++) {
        const tile *q = &tiles[k];
        for (int c = 0; c < C; c += LANE) {
            const tw_real *from = dV + (size_t) k * (size_t) C + (size_t) c;
            tw_real half[POINTS * LANE], out[EDGE * LANE];
            for (size_t r = 0; r < EDGE; r++)
                times_b(half + r * LANE, CORNER, from + r * EDGE * point, point);
            for (int e = 0; e < EDGE; e++) {
                const int u = q->u - 1 + e;
                if (u < 0 || u >= W)
                    continue;
                times_b(out, LANE, half + (size_t) e * CORNER, LANE);
                for (int r = 0; r < EDGE; r++) {
                    const int v = q->v - 1 + r;
                    if (v < 0 || v >= q->h)
                        continue;
                    tw_real *to = dx + place(q->at, v, u, W, C, c);
                    for (size_t j = 0; j < LANE; j++)
                        to[j] += out[(size_t) r * LANE + j];
                }
            }
        }
    }
}
TW_DISPATCH_STATIC(read_tiles_backward, read_tiles_backward_body,
                   (tw_real * dx, const tile *tiles, int n, const tw_real *dV, int W, int C),
                   (dx, tiles, n, dV, W, C))

/* y <- the tiles' M (36, tiles, O); `first` is the pixel that y begins with. */
TW_BODY void write_body(tw_real *y, const tile *tiles, int n, const tw_real *M, int first, int W,
                        int O)
{
    const size_t point = (size_t) n * (size_t) O;
    for (int k = 0; k < n; k++) {
        const tile *q = &tiles[k];
        for (int c = 0; c < O; c += LANE) {
            const tw_real *from = M + (size_t) k * (size_t) O + (size_t) c;
            tw_real half[SIDE * CORNER], out[SIDE * LANE];
            for (size_t r = 0; r < EDGE; r++)
                times_at(half + r * LANE, CORNER, from + r * EDGE * point, point);
            for (int e = 0; e < SIDE && q->u + e < W; e++) {
                times_at(out, LANE, half + (size_t) e * CORNER, LANE);
                for (int r = 0; r < SIDE && q->v + r < q->h; r++)
                    memcpy(y + place(q->at - first, q->v + r, q->u + e, W, O, c),
                           out + (size_t) r * LANE, LANE * sizeof *out);
            }
        }
    }
}
TW_DISPATCH_STATIC(write_tiles, write_body,
                   (tw_real * y, const tile *tiles, int n, const tw_real *M, int first, int W,
                    int O),
                   (y, tiles, n, M, first, W, O))

/* dM <- the tiles' dy. */
TW_BODY void write_tiles_backward_body(tw_real *dM, const tile *tiles, int n, const tw_real *dy,
                                       int first, int W, int O)
{
    enum { COLUMN = SIDE * LANE };
    const size_t point = (size_t) n * (size_t) O;
    for (int k = 0; k < n; k++) {
        const tile *q = &tiles[k];
        for (int c = 0; c < O; c += LANE) {
            tw_real pad[SIDE * COLUMN], half[EDGE * COLUMN];
            for (int p = 0; p < SIDE * SIDE; p++) {
                const int v = q->v + p / SIDE, u = q->u + p % SIDE;
                if (v >= q->h || u >= W)
                    memset(pad + (size_t) p * LANE, 0, LANE * sizeof *pad);
                else
                    memcpy(pad + (size_t) p * LANE, dy + place(q->at - first, v, u, W, O, c),
                           LANE * sizeof *pad);
            }
            for (size_t r = 0; r < SIDE; r++)
                times_a(half + r * LANE, COLUMN, pad + r * COLUMN, LANE);
            for (size_t e = 0; e < EDGE; e++)
                times_a(dM + e * point + (size_t) k * (size_t) O + (size_t) c, EDGE * point,
                        half + e * COLUMN, LANE);
        }
    }
}
TW_DISPATCH_STATIC(write_tiles_backward, write_tiles_backward_body,
                   (tw_real * dM, const tile *tiles, int n, const tw_real *dy, int first, int W,
                    int O),
                   (dM, tiles, n, dy, first, W, O))

/* U <- wt; pair = C * O, a multiple of LANE. */
TW_BODY void weights_body(tw_real *U, const tw_real *wt, size_t pair)
{
    for (size_t p = 0; p < pair; p += LANE) {
        tw_real half[EDGE * 3 * LANE];
        for (size_t r = 0; r < 3; r++)
            times_g(half + r * LANE, (size_t) 3 * LANE, wt + r * 3 * pair + p, pair);
        for (size_t e = 0; e < EDGE; e++)
            times_g(U + e * pair + p, EDGE * pair, half + e * 3 * LANE, LANE);
    }
}
TW_DISPATCH_STATIC(transform_weights, weights_body, (tw_real * U, const tw_real *wt, size_t pair),
                   (U, wt, pair))

void tw_winograd_transform(tw_real *U, const tw_real *wt, const tw_conv *s)
{
    transform_weights(U, wt, (size_t) s->C * (size_t) s->O);
}

TW_BODY void weights_backward_body(tw_real *dwt, const tw_real *dU, size_t pair)
{
    for (size_t p = 0; p < pair; p += LANE) {
        tw_real half[3 * CORNER];
        for (size_t r = 0; r < EDGE; r++)
            times_gt(half + r * LANE, CORNER, dU + r * EDGE * pair + p, pair);
        for (size_t e = 0; e < 3; e++)
            times_gt(dwt + e * pair + p, 3 * pair, half + e * CORNER, LANE);
    }
}
TW_DISPATCH_STATIC(transform_weights_backward, weights_backward_body,
                   (tw_real * dwt, const tw_real *dU, size_t pair), (dwt, dU, pair))

void tw_winograd_transform_backward(tw_real *dwt, const tw_real *dU, const tw_conv *s)
{
    transform_weights_backward(dwt, dU, (size_t) s->C * (size_t) s->O);
}

/* ---- blocks of tiles ------------------------------------------------------------------------- */

typedef struct walk {
    const tw_conv *s;
    int i, end; /* the image, and the one to stop before */
    int v, u;   /* the next tile */
} walk;

/* The next tiles, up to `most`; 0: no more. */
static int next_tiles(tile *tiles, walk *w, int most)
{
    int n = 0;
    while (n < most && w->i < w->end) {
        const int first = w->s->in_at[w->i];
        const int h = (w->s->in_at[w->i + 1] - first) / w->s->in_w;
        tiles[n++] = (tile){.at = first, .h = h, .v = w->v, .u = w->u};
        w->u += SIDE;
        if (w->u >= w->s->in_w) {
            w->u = 0;
            w->v += SIDE;
        }
        if (w->v >= h) {
            w->v = 0;
            w->i++;
        }
    }
    return n;
}

void tw_winograd_forward(tw_real *y, tw_real *work, const tw_real *x, const tw_real *U,
                         const tw_conv *s, int first, int end)
{
    const int C = s->C, O = s->O, most = tiles_in_block(s);
    tile tiles[TILES_MOST];
    walk w = {.s = s, .i = first, .end = end};
    for (int n = next_tiles(tiles, &w, most); n > 0; n = next_tiles(tiles, &w, most)) {
        const size_t in = (size_t) n * (size_t) C, out = (size_t) n * (size_t) O;
        tw_real *V = work, *M = V + POINTS * in;
        read_tiles(V, tiles, n, x, s->in_w, C);
        for (size_t p = 0; p < POINTS; p++)
            tw_gemm(0, 0, n, O, C, 1, V + p * in, C, U + p * (size_t) C * (size_t) O, O, 0,
                    M + p * out, O);
        write_tiles(y, tiles, n, M, s->in_at[first], s->in_w, O);
    }
}

void tw_winograd_backward(tw_real *dx, tw_real *dU, tw_real *work, const tw_real *dy,
                          const tw_real *x, const tw_real *U, const tw_conv *s, int first, int end)
{
    const int C = s->C, O = s->O, most = tiles_in_block(s);
    const size_t pair = (size_t) C * (size_t) O;
    tile tiles[TILES_MOST];
    walk w = {.s = s, .i = first, .end = end};
    for (int n = next_tiles(tiles, &w, most); n > 0; n = next_tiles(tiles, &w, most)) {
        const size_t in = (size_t) n * (size_t) C, out = (size_t) n * (size_t) O;
        tw_real *V = work, *dM = V + POINTS * in;
        read_tiles(V, tiles, n, x, s->in_w, C);
        write_tiles_backward(dM, tiles, n, dy, s->in_at[first], s->in_w, O);
        for (size_t p = 0; p < POINTS; p++) {
            tw_gemm(1, 0, C, O, n, 1, V + p * in, C, dM + p * out, O, 1, dU + p * pair, O);
            if (dx != NULL) /* V has served */
                tw_gemm(0, 1, n, C, O, 1, dM + p * out, O, U + p * pair, O, 0, V + p * in, C);
        }
        if (dx != NULL)
            read_tiles_backward(dx, tiles, n, V, s->in_w, C);
    }
}
