/* One training batch: which rows there are, what each may show, what is no
 * negative of what, and the loss over all of them.
 *
 * Two layouts. *Pairs*: B pairs become R rows, all first items, then all
 * second, then the given negatives; first items meet all the others in a matrix
 * of B by C = R - B cosines. *Classes*: R rows meet each other, or the C proxies
 * of their classes, which then stand behind them as second items do. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "nn/blas.h"
#include "towers/tower.h"
#include "towers/tower_samples.h"
#include "towers/train/tower_batch.h"

#define ALL_SHOWN ((1U << TW_MODALITIES) - 1)

tw_status twi_batch_init(twi_batch *b, int64_t n, tw_error *err)
{
    const size_t R = (size_t) b->room, D = (size_t) b->D;
    const size_t B = b->cls != NULL ? R : R / (size_t) b->width;
    const size_t C = b->proxies != NULL ? (size_t) b->proxies->n : b->cls != NULL ? R : R - B;
    const size_t V = b->proxies != NULL ? R + C : R; /* vectors */
    size_t widest = 0;

    for (int k = 0; k < b->prefixes.n; k++)
        widest = (size_t) b->prefixes.width[k] > widest ? (size_t) b->prefixes.width[k] : widest;
    b->item = tw_alloc(R, sizeof *b->item);
    b->shown = tw_alloc(R, sizeof *b->shown);
    b->label = tw_alloc(B, sizeof *b->label);
    b->row_class = tw_alloc(R, sizeof *b->row_class);
    b->z = tw_alloc_aligned(V * D, sizeof *b->z);
    b->dz = tw_alloc_aligned(V * D, sizeof *b->dz);
    b->cut = tw_alloc_aligned(V * widest + 1, sizeof *b->cut);
    b->dcut = tw_alloc_aligned(V * widest + 1, sizeof *b->dcut);
    b->s = tw_alloc_aligned(B * C, sizeof *b->s);
    b->ds = tw_alloc_aligned(B * C, sizeof *b->ds);
    b->mask = tw_alloc(B * C, sizeof *b->mask);
    b->rel = tw_alloc(B * C, sizeof *b->rel);
    b->scored = tw_alloc(B, sizeof *b->scored);
    b->sums = tw_alloc(B, 3 * sizeof *b->sums);
    b->lq = tw_alloc(R, sizeof *b->lq);
    b->first = tw_alloc((size_t) n, sizeof *b->first);
    b->next = tw_alloc(C, sizeof *b->next);
    if (b->item == NULL || b->shown == NULL || b->label == NULL || b->row_class == NULL ||
        b->z == NULL || b->dz == NULL || b->cut == NULL || b->dcut == NULL || b->s == NULL ||
        b->ds == NULL || b->mask == NULL || b->rel == NULL || b->scored == NULL ||
        b->sums == NULL || b->lq == NULL || b->first == NULL || b->next == NULL)
        return tw_fail(err, TW_ENOMEM, "batch of %d rows", b->room);
    for (int64_t i = 0; i < n; i++)
        b->first[i] = -1;
    return TW_OK;
}

void twi_batch_fini(twi_batch *b)
{
    void *all[] = {b->item,   b->shown, b->label, b->row_class, b->z,    b->dz,
                   b->cut,    b->dcut,  b->s,     b->ds,        b->mask, b->rel,
                   b->scored, b->sums,  b->lq,    b->first,     b->next};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        tw_free(all[i]);
}

/* ---- masks ----------------------------------------------------------------------------------- */

/* Masks all columns that hold `item` in row i. */
static void mask_item(twi_batch *b, int i, int32_t item)
{
    for (int32_t j = b->first[item]; j >= 0; j = b->next[j])
        b->mask[(size_t) i * (size_t) b->C + (size_t) j] = 1;
}

/* A column is no negative of row i when it holds the row's own item or one of its known partners.
 */
static void fill_mask(twi_batch *b)
{
    const int32_t *column = b->item + b->B;

    memset(b->mask, 0, (size_t) b->B * (size_t) b->C);
    for (int j = 0; j < b->C; j++) {
        b->next[j] = b->first[column[j]];
        b->first[column[j]] = j;
    }
    for (int i = 0; i < b->B; i++) {
        const int32_t a = b->item[i];
        mask_item(b, i, a);
        for (int64_t k = b->partners->offsets[a]; k < b->partners->offsets[a + 1]; k++)
            mask_item(b, i, b->partners->items[k]);
    }
    for (int j = 0; j < b->C; j++)
        b->first[column[j]] = -1;
}

/* ---- what is shown --------------------------------------------------------------------------- */

/* The modalities of an item as bits. */
static unsigned has(const twi_batch *b, int32_t item)
{
    unsigned bits = 0;
    for (int m = 0; m < TW_MODALITIES; m++)
        bits |= (unsigned) (twi_sample_of(b->samples, m, item).len > 0) << m;
    return bits;
}

/* One of the bits of a set that has at least one. */
static unsigned one_of(unsigned bits, tw_rng *rng)
{
    uint64_t skip = tw_rng_below(rng, (uint64_t) __builtin_popcount(bits));
    while (skip-- > 0)
        bits &= bits - 1;
    return bits & -bits;
}

/* An item paired with itself differs by what it shows: one modality here, the others
 * there. Otherwise a row that has several shows only one now and then, so that each kind can stand
 * for the item. */
static void choose_shown(twi_batch *b, tw_rng *rng)
{
    memset(b->shown, ALL_SHOWN, (size_t) b->R);
    if (b->tower->modalities < 2)
        return;
    for (int r = 0; r < b->R; r++) {
        const unsigned bits = has(b, b->item[r]);
        if (__builtin_popcount(bits) > 1 && tw_rng_uniform(rng) < b->modality_dropout)
            b->shown[r] = (unsigned char) one_of(bits, rng);
    }
    for (int i = 0; i < b->B && b->cls == NULL; i++) {
        const unsigned bits = has(b, b->item[i]);
        if (b->item[i] != b->item[b->B + i] || __builtin_popcount(bits) < 2)
            continue;
        const unsigned here = one_of(bits, rng);
        b->shown[i] = (unsigned char) here;
        b->shown[b->B + i] = (unsigned char) (bits & ~here);
    }
}

/* ---- loading --------------------------------------------------------------------------------- */

void twi_batch_load(twi_batch *b, const twi_example *examples, const int32_t *order, int n,
                    tw_rng *rng)
{
    b->B = n;
    b->R = n * b->width;
    b->C = b->R - n;
    for (int i = 0; i < n; i++) {
        const twi_example *e = &examples[order[i]];
        b->item[i] = e->a;
        b->item[n + i] = e->b;
        if (b->width == 3)
            b->item[2 * n + i] = e->negative;
        b->label[i] = e->label;
    }
    for (int r = 0; r < b->R && b->logq != NULL; r++)
        b->lq[r] = b->logq[b->item[r]];
    choose_shown(b, rng);
    fill_mask(b);
    twi_relate_pairs(b->rel, b->mask, b->labelled ? b->label : NULL, !b->labelled, b->B, b->C);
}

void twi_batch_load_classes(twi_batch *b, const int32_t *items, int n, tw_rng *rng)
{
    b->B = b->C = b->R = n;
    for (int i = 0; i < n; i++) {
        b->item[i] = items[i];
        b->row_class[i] = b->cls[items[i]];
    }
    choose_shown(b, rng);
    if (b->proxies != NULL) {
        b->C = b->proxies->n;
        twi_relate_proxies(b->rel, b->row_class, n, b->C);
    } else {
        twi_relate_classes(b->rel, b->row_class, b->item, n);
    }
}

tw_status twi_batch_embed(void *ctx, int worker, int begin, int end, tw_tape *tape, tw_tensor **z,
                          tw_error *err)
{
    twi_batch *b = ctx;
    (void) worker;
    *z = twi_tower_forward(tape, b->tower,
                           &(twi_input){.samples = b->samples,
                                        .items = b->item + begin,
                                        .shown = b->shown + begin,
                                        .n = end - begin,
                                        .augment = &b->augment});
    return *z != NULL ? TW_OK : tw_tape_status(tape, err);
}

/* ---- the loss -------------------------------------------------------------------------------- */

static double pair_loss(twi_batch *b, twi_loss_stats *stats, int B, int C)
{
    const tw_real *lq = b->logq != NULL ? b->lq : NULL;
    const double scale = twi_scalar_scale(&b->scale);

    switch (b->loss) {
    case TW_LOSS_TRIPLET: return twi_loss_triplet(b->ds, stats, b->s, b->rel, b->margin, B, C);
    case TW_LOSS_CONTRASTIVE:
        return twi_loss_contrastive(b->ds, stats, b->s, b->rel, b->labelled, b->margin, B, C);
    case TW_LOSS_COSINE: return twi_loss_cosine(b->ds, stats, b->s, b->rel, b->label, B, C);
    case TW_LOSS_COSENT:
        return twi_loss_cosent(b->ds, stats, b->s, b->label, b->scored, scale, B, C);
    case TW_LOSS_BCE:
        return twi_loss_sigmoid(b->ds, &b->dbias, stats, b->s, b->rel, scale, b->scale.bias, B, C);
    case TW_LOSS_ONLINE: return twi_loss_online(b->ds, stats, b->s, b->rel, b->margin, B, C);
    case TW_LOSS_BATCH_ALL: return twi_loss_batch_all(b->ds, stats, b->s, b->rel, b->margin, B, C);
    case TW_LOSS_BATCH_HARD: return twi_loss_batch_hard(b->ds, stats, b->s, b->rel, &b->hard, B, C);
    case TW_LOSS_AUTO: /* resolved before */
    case TW_LOSS_PROXY:
    case TW_LOSS_SUPCON:
    case TW_LOSS_INFONCE: break;
    }
    return twi_loss_infonce(b->ds, stats, b->sums, b->s, b->rel, lq, lq != NULL ? lq + B : NULL,
                            1 / scale, B, C);
}

static double class_loss(twi_batch *b, twi_loss_stats *stats, int R, int C)
{
    const double scale = twi_scalar_scale(&b->scale);

    switch (b->loss) {
    case TW_LOSS_TRIPLET: return twi_loss_semi_hard(b->ds, stats, b->s, b->rel, b->margin, R, R);
    case TW_LOSS_CONTRASTIVE:
        return twi_loss_contrastive(b->ds, stats, b->s, b->rel, false, b->margin, R, R);
    case TW_LOSS_BCE:
        return twi_loss_sigmoid(b->ds, &b->dbias, stats, b->s, b->rel, scale, b->scale.bias, R, R);
    case TW_LOSS_ONLINE: return twi_loss_online(b->ds, stats, b->s, b->rel, b->margin, R, R);
    case TW_LOSS_BATCH_ALL: return twi_loss_batch_all(b->ds, stats, b->s, b->rel, b->margin, R, R);
    case TW_LOSS_BATCH_HARD: return twi_loss_batch_hard(b->ds, stats, b->s, b->rel, &b->hard, R, R);
    case TW_LOSS_AUTO:
    case TW_LOSS_COSINE:
    case TW_LOSS_COSENT:
    case TW_LOSS_INFONCE: /* with several positives a row it is SupCon */
    case TW_LOSS_PROXY:   /* with one it is the softmax */
    case TW_LOSS_SUPCON: break;
    }
    return twi_loss_supcon(b->ds, stats, b->s, b->rel, 1 / scale, R, C);
}

/* A twi_loss_fn: the loss of all rows at one width. */
static double loss_at(void *ctx, tw_real *dz, const tw_real *z, int R, int W)
{
    twi_batch *b = ctx;
    const int B = b->B, C = b->C;
    double loss;

    if (b->cls != NULL && b->proxies == NULL) {
        tw_gemm(0, 1, R, R, W, 1, z, W, z, W, 0, b->s, R);
        loss = class_loss(b, &b->stats, R, R);
        tw_gemm(0, 0, R, W, R, 1, b->ds, R, z, W, 0, dz, W);
        tw_gemm(1, 0, R, W, R, 1, b->ds, R, z, W, 1, dz, W);
    } else {
        const size_t half = (size_t) B * (size_t) W;
        tw_gemm(0, 1, B, C, W, 1, z, W, z + half, W, 0, b->s, C);
        loss = b->proxies != NULL ? class_loss(b, &b->stats, B, C) : pair_loss(b, &b->stats, B, C);
        tw_gemm(0, 0, B, W, C, 1, b->ds, C, z + half, W, 0, dz, W);
        tw_gemm(1, 0, C, W, B, 1, b->ds, C, z, W, 0, dz + half, W);
    }
    b->dscale = twi_loss_dscale(b->ds, b->s, B, C);
    return loss;
}

double twi_batch_loss(twi_batch *b, twi_loss_stats *stats)
{
    const int V = b->proxies != NULL ? b->B + b->C : b->R;
    double loss;

    b->dbias = b->dscale = 0;
    if (b->proxies != NULL)
        twi_proxies_put(b->proxies, b->z + (size_t) b->B * (size_t) b->D);
    if (b->prefixes.n > 0)
        loss = twi_loss_prefixes(b->dz, b->cut, b->dcut, b->z, V, b->D, &b->prefixes, loss_at, b);
    else
        loss = loss_at(b, b->dz, b->z, V, b->D);
    *stats = b->stats;
    return loss;
}

tw_status twi_batch_update(twi_batch *b, double lr, tw_error *err)
{
    const size_t behind = (size_t) b->B * (size_t) b->D;
    twi_scalars_update(&b->scale, b->dscale, b->dbias, lr);
    if (b->proxies == NULL)
        return TW_OK;
    return twi_proxies_update(b->proxies, b->z + behind, b->dz + behind, lr, err);
}

/* ---- temperature and bias -------------------------------------------------------------------- */

twi_scalars twi_scalars_of(tw_tower_loss loss, bool labelled, const tw_tower_train_config *cfg)
{
    const double scale = 1 / cfg->temperature;
    if (loss == TW_LOSS_COSENT)
        return (twi_scalars){.log_scale = log(2 * scale)};
    return (twi_scalars){.log_scale = log(scale),
                         .bias = loss != TW_LOSS_BCE ? 0
                                 : labelled          ? -0.5 * scale
                                                     : -scale,
                         .learnt = loss == TW_LOSS_BCE || cfg->learn_temperature};
}

double twi_scalar_scale(const twi_scalars *x) { return exp(x->log_scale); }

static double adam(double *m, double *v, double g, int64_t step)
{
    *m = 0.9 * *m + 0.1 * g;
    *v = 0.999 * *v + 0.001 * g * g;
    const double mh = *m / (1 - pow(0.9, (double) step));
    const double vh = *v / (1 - pow(0.999, (double) step));
    return mh / (sqrt(vh) + 1e-8);
}

void twi_scalars_update(twi_scalars *x, double dscale, double dbias, double lr)
{
    if (!x->learnt)
        return;
    x->step++;
    x->log_scale -= lr * adam(&x->m[0], &x->v[0], dscale, x->step);
    x->bias -= lr * adam(&x->m[1], &x->v[1], dbias, x->step);
    if (x->log_scale < 0)
        x->log_scale = 0;
    if (x->log_scale > log(TWI_SCALE_MAX))
        x->log_scale = log(TWI_SCALE_MAX);
}
