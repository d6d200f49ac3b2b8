#include "nn/winograd.h"

#include <string.h>

#include "nn/blas.h"
#include "nn/simd.h"

/* SIDE x SIDE pixels of y from EDGE x EDGE of x; LANE channels at a time, one AVX-512 register. */
enum { SIDE = 4, EDGE = 6, POINTS = TW_WINOGRAD_POINTS, LANE = 16 };

/* Tiles in a block: its two transforms stay in a second cache of 1 MiB beside a point's weights. */
enum { BLOCK = 160 * 1024, TILES_FEWEST = 16, TILES_MOST = 128, WIDTH_FEWEST = 3 };

typedef tw_real lane[LANE];

typedef struct tile {
    int at;   /* the picture's first pixel */
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

/* ---- the three matrices, along one side ------------------------------------------------------ */

/* o = B' i */
TW_BODY void times_bt(lane o[EDGE], lane i[EDGE])
{
    for (int j = 0; j < LANE; j++) {
        const tw_real even = i[4][j] - 4 * i[2][j], odd = i[3][j] - 4 * i[1][j];
        const tw_real near = i[4][j] - i[2][j], far = 2 * (i[3][j] - i[1][j]);
        o[0][j] = 4 * i[0][j] - 5 * i[2][j] + i[4][j];
        o[1][j] = even + odd;
        o[2][j] = even - odd;
        o[3][j] = near + far;
        o[4][j] = near - far;
        o[5][j] = 4 * i[1][j] - 5 * i[3][j] + i[5][j];
    }
}

/* o = B i */
TW_BODY void times_b(lane o[EDGE], lane i[EDGE])
{
    for (int j = 0; j < LANE; j++) {
        const tw_real s = i[1][j] + i[2][j], d = i[1][j] - i[2][j];
        const tw_real p = i[3][j] + i[4][j], q = i[3][j] - i[4][j];
        o[0][j] = 4 * i[0][j];
        o[1][j] = -4 * d - 2 * q + 4 * i[5][j];
        o[2][j] = -5 * i[0][j] - 4 * s - p;
        o[3][j] = d + 2 * q - 5 * i[5][j];
        o[4][j] = i[0][j] + s + p;
        o[5][j] = i[5][j];
    }
}

/* o (4) = A' i (6) */
TW_BODY void times_at(lane o[SIDE], lane i[EDGE])
{
    for (int j = 0; j < LANE; j++) {
        const tw_real s = i[1][j] + i[2][j], d = i[1][j] - i[2][j];
        const tw_real p = i[3][j] + i[4][j], q = i[3][j] - i[4][j];
        o[0][j] = i[0][j] + s + p;
        o[1][j] = d + 2 * q;
        o[2][j] = s + 4 * p;
        o[3][j] = d + 8 * q + i[5][j];
    }
}

/* o (6) = A i (4) */
TW_BODY void times_a(lane o[EDGE], lane i[SIDE])
{
    for (int j = 0; j < LANE; j++) {
        const tw_real even = i[0][j] + i[2][j], odd = i[1][j] + i[3][j];
        const tw_real far = i[0][j] + 4 * i[2][j], side = 2 * i[1][j] + 8 * i[3][j];
        o[0][j] = i[0][j];
        o[1][j] = even + odd;
        o[2][j] = even - odd;
        o[3][j] = far + side;
        o[4][j] = far - side;
        o[5][j] = i[3][j];
    }
}

/* o (6) = G i (3) */
TW_BODY void times_g(lane o[EDGE], lane i[3])
{
    for (int j = 0; j < LANE; j++) {
        const tw_real even = (i[0][j] + i[2][j]) / 6, odd = i[1][j] / 6;
        const tw_real far = i[0][j] / 24 + i[2][j] / 6, side = i[1][j] / 12;
        o[0][j] = i[0][j] / 4;
        o[1][j] = -even - odd;
        o[2][j] = -even + odd;
        o[3][j] = far + side;
        o[4][j] = far - side;
        o[5][j] = i[2][j];
    }
}

/* o (3) = G' i (6) */
TW_BODY void times_gt(lane o[3], lane i[EDGE])
{
    for (int j = 0; j < LANE; j++) {
        const tw_real s = i[1][j] + i[2][j], p = i[3][j] + i[4][j];
        o[0][j] = i[0][j] / 4 - s / 6 + p / 24;
        o[1][j] = (i[2][j] - i[1][j]) / 6 + (i[3][j] - i[4][j]) / 12;
        o[2][j] = (p - s) / 6 + i[5][j];
    }
}

/* ---- over both sides, tile by tile ----------------------------------------------------------- */

/* A column of `n` lanes, `step` lanes apart. */
TW_BODY void gather(lane *o, lane *from, int n, int step)
{
    for (int k = 0; k < n; k++)
        memcpy(o[k], from[k * step], sizeof(lane));
}

/* V (36, tiles, C): the tiles' pixels of x. */
TW_BODY void read_body(tw_real *V, const tile *tiles, int n, const tw_real *x, int W, int C)
{
    const size_t point = (size_t) n * (size_t) C;
    for (int k = 0; k < n; k++) {
        const tile *q = &tiles[k];
        for (int c = 0; c < C; c += LANE) {
            lane in[EDGE], half[EDGE * EDGE], out[EDGE];
            for (int r = 0; r < EDGE; r++) {
                const int v = q->v - 1 + r;
                for (int e = 0; e < EDGE; e++) {
                    const int u = q->u - 1 + e;
                    if (v < 0 || v >= q->h || u < 0 || u >= W)
                        memset(in[e], 0, sizeof(lane));
                    else
                        memcpy(in[e],
                               x +
                                   ((size_t) q->at + (size_t) v * (size_t) W + (size_t) u) *
                                       (size_t) C +
                                   c,
                               sizeof(lane));
                }
                times_bt(half + (size_t) r * EDGE, in);
            }
            for (int e = 0; e < EDGE; e++) {
                gather(in, half + e, EDGE, EDGE);
                times_bt(out, in);
                for (int r = 0; r < EDGE; r++)
                    memcpy(V + (size_t) (r * EDGE + e) * point + (size_t) k * (size_t) C + c,
                           out[r], sizeof(lane));
            }
        }
    }
}
TW_DISPATCH_STATIC(read_tiles, read_body,
                   (tw_real * V, const tile *tiles, int n, const tw_real *x, int W, int C),
                   (V, tiles, n, x, W, C))

/* dx += the tiles' dV. */
TW_BODY void unread_body(tw_real *dx, const tile *tiles, int n, const tw_real *dV, int W, int C)
{
    const size_t point = (size_t) n * (size_t) C;
    for (int k = 0; k < n; k++) {
        const tile *q = &tiles[k];
        for (int c = 0; c < C; c += LANE) {
            lane in[EDGE], half[EDGE * EDGE], out[EDGE];
            for (int r = 0; r < EDGE; r++) {
                for (int e = 0; e < EDGE; e++)
                    memcpy(in[e],
                           dV + (size_t) (r * EDGE + e) * point + (size_t) k * (size_t) C + c,
                           sizeof(lane));
                times_b(half + (size_t) r * EDGE, in);
            }
            for (int e = 0; e < EDGE; e++) {
                const int u = q->u - 1 + e;
                if (u < 0 || u >= W)
                    continue;
                gather(in, half + e, EDGE, EDGE);
                times_b(out, in);
                for (int r = 0; r < EDGE; r++) {
                    const int v = q->v - 1 + r;
                    if (v < 0 || v >= q->h)
                        continue;
                    tw_real *to =
                        dx + ((size_t) q->at + (size_t) v * (size_t) W + (size_t) u) * (size_t) C +
                        c;
                    for (int j = 0; j < LANE; j++)
                        to[j] += out[r][j];
                }
            }
        }
    }
}
TW_DISPATCH_STATIC(unread_tiles, unread_body,
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
            lane in[EDGE], half[EDGE * SIDE], out[SIDE];
            for (int r = 0; r < EDGE; r++) {
                for (int e = 0; e < EDGE; e++)
                    memcpy(in[e], M + (size_t) (r * EDGE + e) * point + (size_t) k * (size_t) O + c,
                           sizeof(lane));
                times_at(half + (size_t) r * SIDE, in);
            }
            for (int e = 0; e < SIDE && q->u + e < W; e++) {
                gather(in, half + e, EDGE, SIDE);
                times_at(out, in);
                for (int r = 0; r < SIDE && q->v + r < q->h; r++)
                    memcpy(y +
                               ((size_t) (q->at - first) + (size_t) (q->v + r) * (size_t) W +
                                (size_t) (q->u + e)) *
                                   (size_t) O +
                               c,
                           out[r], sizeof(lane));
            }
        }
    }
}
TW_DISPATCH_STATIC(write_tiles, write_body,
                   (tw_real * y, const tile *tiles, int n, const tw_real *M, int first, int W,
                    int O),
                   (y, tiles, n, M, first, W, O))

/* dM <- the tiles' dy. */
TW_BODY void unwrite_body(tw_real *dM, const tile *tiles, int n, const tw_real *dy, int first,
                          int W, int O)
{
    const size_t point = (size_t) n * (size_t) O;
    for (int k = 0; k < n; k++) {
        const tile *q = &tiles[k];
        for (int c = 0; c < O; c += LANE) {
            lane in[SIDE], half[SIDE * EDGE], out[EDGE];
            for (int r = 0; r < SIDE; r++) {
                for (int e = 0; e < SIDE; e++) {
                    if (q->v + r >= q->h || q->u + e >= W)
                        memset(in[e], 0, sizeof(lane));
                    else
                        memcpy(in[e],
                               dy +
                                   ((size_t) (q->at - first) + (size_t) (q->v + r) * (size_t) W +
                                    (size_t) (q->u + e)) *
                                       (size_t) O +
                                   c,
                               sizeof(lane));
                }
                times_a(half + (size_t) r * EDGE, in);
            }
            for (int e = 0; e < EDGE; e++) {
                gather(in, half + e, SIDE, EDGE);
                times_a(out, in);
                for (int r = 0; r < EDGE; r++)
                    memcpy(dM + (size_t) (r * EDGE + e) * point + (size_t) k * (size_t) O + c,
                           out[r], sizeof(lane));
            }
        }
    }
}
TW_DISPATCH_STATIC(unwrite_tiles, unwrite_body,
                   (tw_real * dM, const tile *tiles, int n, const tw_real *dy, int first, int W,
                    int O),
                   (dM, tiles, n, dy, first, W, O))

TW_BODY void weights_body(tw_real *U, const tw_real *wt, int C, int O)
{
    const size_t pair = (size_t) C * (size_t) O;
    for (size_t p = 0; p < pair; p += LANE) {
        lane in[3], half[3 * EDGE], out[EDGE];
        for (int r = 0; r < 3; r++) {
            for (int e = 0; e < 3; e++)
                memcpy(in[e], wt + (size_t) (r * 3 + e) * pair + p, sizeof(lane));
            times_g(half + (size_t) r * EDGE, in);
        }
        for (int e = 0; e < EDGE; e++) {
            gather(in, half + e, 3, EDGE);
            times_g(out, in);
            for (int r = 0; r < EDGE; r++)
                memcpy(U + (size_t) (r * EDGE + e) * pair + p, out[r], sizeof(lane));
        }
    }
}
TW_DISPATCH_STATIC(transform_weights, weights_body, (tw_real * U, const tw_real *wt, int C, int O),
                   (U, wt, C, O))

void tw_winograd_transform(tw_real *U, const tw_real *wt, const tw_conv *s)
{
    transform_weights(U, wt, s->C, s->O);
}

void tw_winograd_transform_backward(tw_real *dwt, const tw_real *dU, const tw_conv *s)
{
    const size_t pair = (size_t) s->C * (size_t) s->O;
    for (size_t p = 0; p < pair; p += LANE) {
        lane in[EDGE], half[EDGE * 3], out[3];
        for (int r = 0; r < EDGE; r++) {
            for (int e = 0; e < EDGE; e++)
                memcpy(in[e], dU + (size_t) (r * EDGE + e) * pair + p, sizeof(lane));
            times_gt(half + (size_t) r * 3, in);
        }
        for (int e = 0; e < 3; e++) {
            gather(in, half + e, EDGE, 3);
            times_gt(out, in);
            for (int r = 0; r < 3; r++)
                memcpy(dwt + (size_t) (r * 3 + e) * pair + p, out[r], sizeof(lane));
        }
    }
}

/* ---- blocks of tiles ------------------------------------------------------------------------- */

typedef struct walk {
    const tw_conv *s;
    int i, end; /* the picture, and the one to stop before */
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
        unwrite_tiles(dM, tiles, n, dy, s->in_at[first], s->in_w, O);
        for (size_t p = 0; p < POINTS; p++) {
            tw_gemm(1, 0, C, O, n, 1, V + p * in, C, dM + p * out, O, 1, dU + p * pair, O);
            if (dx != NULL) /* V has served */
                tw_gemm(0, 1, n, C, O, 1, dM + p * out, O, U + p * pair, O, 0, V + p * in, C);
        }
        if (dx != NULL)
            unread_tiles(dx, tiles, n, V, s->in_w, C);
    }
}
