/* Matryoshka: the first numbers of a vector shall be a vector themselves. */
#include <math.h>
#include <string.h>

#include "towers/loss/loss.h"

/* out (R,W): the first W numbers of every row of z (R,D), at length 1. */
static void cut_rows(tw_real *out, const tw_real *z, int R, int D, int W)
{
    for (int i = 0; i < R; i++) {
        const tw_real *row = z + (size_t) i * (size_t) D;
        tw_real *to = out + (size_t) i * (size_t) W;
        double sq = 0;
        for (int j = 0; j < W; j++)
            sq += (double) row[j] * (double) row[j];
        const double by = sq > 0 ? 1 / sqrt(sq) : 0;
        for (int j = 0; j < W; j++)
            to[j] = (tw_real) ((double) row[j] * by);
    }
}

/* u = x / |x|, so dx = (du - <du, u> u) / |x|. */
static void add_cut_gradient(tw_real *dz, const tw_real *du, const tw_real *u, const tw_real *z,
                             double weight, int R, int D, int W)
{
    for (int i = 0; i < R; i++) {
        const size_t at = (size_t) i * (size_t) D, cut = (size_t) i * (size_t) W;
        double sq = 0, along = 0;
        for (int j = 0; j < W; j++) {
            sq += (double) z[at + (size_t) j] * (double) z[at + (size_t) j];
            along += (double) du[cut + (size_t) j] * (double) u[cut + (size_t) j];
        }
        const double by = sq > 0 ? weight / sqrt(sq) : 0;
        for (int j = 0; j < W; j++)
            dz[at + (size_t) j] += (tw_real) (by * ((double) du[cut + (size_t) j] -
                                                    along * (double) u[cut + (size_t) j]));
    }
}

twi_prefixes twi_prefixes_of(int dim, int least)
{
    twi_prefixes p = {.n = 0};
    for (int w = dim; least > 0 && least < dim && w >= least && p.n < TWI_PREFIXES_MAX; w /= 2) {
        p.width[p.n] = w;
        p.weight[p.n++] = 1;
    }
    return p;
}

double twi_loss_prefixes(tw_real *dz, tw_real *cut, tw_real *dcut, const tw_real *z, int R, int D,
                         const twi_prefixes *how, twi_loss_fn fn, void *ctx)
{
    double loss = 0;

    memset(dz, 0, (size_t) R * (size_t) D * sizeof *dz);
    for (int k = 0; k < how->n; k++) {
        const int W = how->width[k];
        cut_rows(cut, z, R, D, W);
        loss += how->weight[k] * fn(ctx, dcut, cut, R, W);
        add_cut_gradient(dz, dcut, cut, z, how->weight[k], R, D, W);
    }
    return loss;
}
