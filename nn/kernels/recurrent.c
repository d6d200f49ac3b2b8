#include "nn/kernels/recurrent.h"

#include <stddef.h>
#include <string.h>

#include "nn/blas.h"
#include "nn/kernels/exp.h"
#include "nn/kernels/simd.h"
#include "nn/kernels/vec.h"

TW_BODY tw_real logistic(tw_real x) { return 1 / (1 + tw_exp_lane(-x)); }
TW_BODY tw_real tanh_lane(tw_real x) { return 2 / (1 + tw_exp_lane(-2 * x)) - 1; }

/* One row of a step. h, c (H): the sequence's state, moved on; g (4H): hidden part in, gates out.
 */
TW_BODY void lstm_row_body(tw_real *restrict g, tw_real *restrict h, tw_real *restrict c,
                           const tw_real *restrict x, int H)
{
    for (int j = 0; j < H; j++) {
        tw_real i = logistic(g[j] + x[j]), f = logistic(g[H + j] + x[H + j]);
        tw_real n = tanh_lane(g[2 * H + j] + x[2 * H + j]);
        tw_real o = logistic(g[3 * H + j] + x[3 * H + j]);
        c[j] = f * c[j] + i * n;
        h[j] = o * tanh_lane(c[j]);
        g[j] = i;
        g[H + j] = f;
        g[2 * H + j] = n;
        g[3 * H + j] = o;
    }
}
TW_DISPATCH_STATIC(lstm_row, lstm_row_body,
                   (tw_real * g, tw_real *h, tw_real *c, const tw_real *x, int H), (g, h, c, x, H))

/* hn (H) keeps the hidden part of n. */
TW_BODY void gru_row_body(tw_real *restrict g, tw_real *restrict h, tw_real *restrict hn,
                          const tw_real *restrict x, int H)
{
    for (int j = 0; j < H; j++) {
        tw_real r = logistic(g[j] + x[j]), z = logistic(g[H + j] + x[H + j]);
        hn[j] = g[2 * H + j];
        tw_real n = tanh_lane(x[2 * H + j] + r * hn[j]);
        h[j] = (1 - z) * n + z * h[j];
        g[j] = r;
        g[H + j] = z;
        g[2 * H + j] = n;
    }
}
TW_DISPATCH_STATIC(gru_row, gru_row_body,
                   (tw_real * g, tw_real *h, tw_real *hn, const tw_real *x, int H),
                   (g, h, hn, x, H))

/* dh (H): gradient of h after the step in, of the part of h before it that needs no product out; dc
 * likewise; dz (4H) out: of the gates before their functions.
 *
 *   h = o tanh(c), c = f c0 + i n  =>  dc += dh o (1 - tanh(c)^2),  do = dh tanh(c),
 *   df = dc c0,  di = dc n,  dn = dc i,  dc0 = dc f */
TW_BODY void lstm_back_body(tw_real *restrict dz, tw_real *restrict dh, tw_real *restrict dc,
                            const tw_real *restrict g, const tw_real *restrict c,
                            const tw_real *restrict c0, int H)
{
    for (int j = 0; j < H; j++) {
        tw_real i = g[j], f = g[H + j], n = g[2 * H + j], o = g[3 * H + j];
        tw_real t = tanh_lane(c[j]);
        tw_real d = dc[j] + dh[j] * o * (1 - t * t);
        dz[j] = d * n * i * (1 - i);
        dz[H + j] = d * c0[j] * f * (1 - f);
        dz[2 * H + j] = d * i * (1 - n * n);
        dz[3 * H + j] = dh[j] * t * o * (1 - o);
        dc[j] = d * f;
        dh[j] = 0;
    }
}
TW_DISPATCH_STATIC(lstm_back, lstm_back_body,
                   (tw_real * dz, tw_real *dh, tw_real *dc, const tw_real *g, const tw_real *c,
                    const tw_real *c0, int H),
                   (dz, dh, dc, g, c, c0, H))

/* dz (3H): of the hidden parts; dx (3H) +=: of the inputs, which differ in n.
 *
 *   h = (1-z) n + z h0, n = tanh(x + r hn)  =>  dz = dh (h0 - n),  dn = dh (1-z) (1 - n^2),
 *   dr = dn hn,  dhn = dn r,  dh0 = dh z */
TW_BODY void gru_back_body(tw_real *restrict dz, tw_real *restrict dx, tw_real *restrict dh,
                           const tw_real *restrict g, const tw_real *restrict hn,
                           const tw_real *restrict h0, int H)
{
    for (int j = 0; j < H; j++) {
        tw_real r = g[j], z = g[H + j], n = g[2 * H + j];
        tw_real dn = dh[j] * (1 - z) * (1 - n * n);
        dz[j] = dn * hn[j] * r * (1 - r);
        dz[H + j] = dh[j] * (h0[j] - n) * z * (1 - z);
        dz[2 * H + j] = dn * r;
        dx[j] += dz[j];
        dx[H + j] += dz[H + j];
        dx[2 * H + j] += dn;
        dh[j] *= z;
    }
}
TW_DISPATCH_STATIC(gru_back, gru_back_body,
                   (tw_real * dz, tw_real *dx, tw_real *dh, const tw_real *g, const tw_real *hn,
                    const tw_real *h0, int H),
                   (dz, dx, dh, g, hn, h0, H))

static int length(const tw_recurrent *r, int k)
{
    int s = r->order[k];
    return r->offsets[s + 1] - r->offsets[s];
}

/* The packed row that the kth longest sequence is at in a step. */
static size_t row_of(const tw_recurrent *r, int k, int step)
{
    int s = r->order[k];
    return (size_t) (r->reverse ? r->offsets[s + 1] - 1 - step : r->offsets[s] + step);
}

static int active_at(const tw_recurrent *r, int active, int step)
{
    while (active > 0 && length(r, active - 1) <= step)
        active--;
    return active;
}

void tw_recurrent_forward(tw_real *y, const tw_recurrent_kept *kept, tw_real *work,
                          const tw_real *x, const tw_real *wh, const tw_real *bh,
                          const tw_recurrent *r)
{
    const int G = r->gru ? 3 : 4, H = r->H;
    const size_t h = (size_t) H, w = (size_t) G * h, bytes = h * sizeof *y;
    tw_real *hs = work, *cs = hs + (size_t) r->S * h, *gs = cs + (size_t) r->S * h;

    memset(hs, 0, 2 * (size_t) r->S * bytes);
    for (int step = 0, active = r->S; (active = active_at(r, active, step)) > 0; step++) {
        if (bh != NULL)
            tw_vec_fill_rows(gs, bh, active, G * H);
        tw_gemm(0, 1, active, G * H, H, 1, hs, H, wh, H, bh != NULL ? 1 : 0, gs, G * H);
        for (int k = 0; k < active; k++) {
            const size_t row = row_of(r, k, step), at = (size_t) k * h;
            memcpy(kept->before + row * h, hs + at, bytes);
            if (r->gru) {
                gru_row(gs + (size_t) k * w, hs + at, kept->state + row * h, x + row * w, H);
            } else {
                memcpy(kept->prior + row * h, cs + at, bytes);
                lstm_row(gs + (size_t) k * w, hs + at, cs + at, x + row * w, H);
                memcpy(kept->state + row * h, cs + at, bytes);
            }
            memcpy(kept->gates + row * w, gs + (size_t) k * w, w * sizeof *y);
            memcpy(y + row * h, hs + at, bytes);
        }
    }
}

void tw_recurrent_backward(tw_real *dx, tw_real *dwh, tw_real *dbh, tw_real *hidden, tw_real *work,
                           const tw_real *dy, const tw_recurrent_kept *kept, const tw_real *wh,
                           const tw_recurrent *r)
{
    const int G = r->gru ? 3 : 4, H = r->H, N = r->offsets[r->S];
    const size_t h = (size_t) H, w = (size_t) G * h;
    tw_real *dh = work, *dc = dh + (size_t) r->S * h, *dz = dc + (size_t) r->S * h;

    memset(dh, 0, 2 * (size_t) r->S * h * sizeof *dh);
    for (int step = r->S > 0 ? length(r, 0) - 1 : -1; step >= 0; step--) {
        const int active = active_at(r, r->S, step);
        for (int k = 0; k < active; k++) {
            const size_t row = row_of(r, k, step), at = (size_t) k * h;
            tw_vec_axpy(dh + at, dy + row * h, 1, h);
            if (r->gru) {
                gru_back(dz + (size_t) k * w, dx + row * w, dh + at, kept->gates + row * w,
                         kept->state + row * h, kept->before + row * h, H);
            } else {
                lstm_back(dz + (size_t) k * w, dh + at, dc + at, kept->gates + row * w,
                          kept->state + row * h, kept->prior + row * h, H);
                tw_vec_axpy(dx + row * w, dz + (size_t) k * w, 1, w);
            }
            memcpy(hidden + row * w, dz + (size_t) k * w, w * sizeof *dz);
        }
        tw_gemm(0, 0, active, H, G * H, 1, dz, G * H, wh, H, 1, dh, H);
    }
    /* h_gate = wh h + bh over all rows at once */
    tw_gemm(1, 0, G * H, H, N, 1, hidden, G * H, kept->before, H, 1, dwh, H);
    if (dbh != NULL)
        tw_vec_colsum(dbh, hidden, N, G * H);
}
