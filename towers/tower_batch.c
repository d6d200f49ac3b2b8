/* One training batch: B pairs become R rows (all first items, all second, then
 * the given negatives), every worker embeds its share of the rows, the loss
 * sees them all, every worker plays its share back. */
#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "base/rng.h"
#include "nn/blas.h"
#include "towers/internal.h"

tw_status twi_batch_init(twi_batch *b, int64_t n, tw_error *err)
{
    const size_t B = (size_t) b->room, R = B * (size_t) b->width, C = R - B, D = (size_t) b->D;

    b->item = tw_alloc(R, sizeof *b->item);
    b->shown = tw_alloc(R, sizeof *b->shown);
    b->label = tw_alloc(B, sizeof *b->label);
    b->z = tw_alloc_aligned(R * D, sizeof *b->z);
    b->dz = tw_alloc_aligned(R * D, sizeof *b->dz);
    b->s = tw_alloc_aligned(B * C, sizeof *b->s);
    b->ds = tw_alloc_aligned(B * C, sizeof *b->ds);
    b->mask = tw_alloc(B * C, sizeof *b->mask);
    b->lq = tw_alloc(R, sizeof *b->lq);
    b->first = tw_alloc((size_t) n, sizeof *b->first);
    b->next = tw_alloc(C, sizeof *b->next);
    if (b->item == NULL || b->shown == NULL || b->label == NULL || b->z == NULL || b->dz == NULL ||
        b->s == NULL || b->ds == NULL || b->mask == NULL || b->lq == NULL || b->first == NULL ||
        b->next == NULL)
        return tw_fail(err, TW_ENOMEM, "batch of %d pairs", b->room);
    for (int64_t i = 0; i < n; i++)
        b->first[i] = -1;
    return TW_OK;
}

void twi_batch_fini(twi_batch *b)
{
    tw_free(b->item);
    tw_free(b->shown);
    tw_free(b->label);
    tw_free(b->z);
    tw_free(b->dz);
    tw_free(b->s);
    tw_free(b->ds);
    tw_free(b->mask);
    tw_free(b->lq);
    tw_free(b->first);
    tw_free(b->next);
}

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

#define ALL_SHOWN ((1U << TW_MODALITIES) - 1)

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

/* An item paired with itself is told from itself by what it shows: one modality here, the others
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
    for (int i = 0; i < b->B; i++) {
        const unsigned bits = has(b, b->item[i]);
        if (b->item[i] != b->item[b->B + i] || __builtin_popcount(bits) < 2)
            continue;
        const unsigned here = one_of(bits, rng);
        b->shown[i] = (unsigned char) here;
        b->shown[b->B + i] = (unsigned char) (bits & ~here);
    }
}

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
}

tw_status twi_batch_forward(void *ctx, int worker, int workers, tw_tape *tape, tw_error *err)
{
    twi_batch *b = ctx;
    twi_slice *s = &b->slices[worker];
    int64_t begin, end;

    tw_pool_share(b->R, worker, workers, &begin, &end);
    const int rows = (int) (end - begin);
    s->z = NULL;
    if (rows == 0)
        return TW_OK;
    s->z = twi_tower_forward(tape, b->tower,
                             &(twi_input){.samples = b->samples,
                                          .items = b->item + begin,
                                          .shown = b->shown + begin,
                                          .n = rows,
                                          .augment = &b->augment});
    if (s->z == NULL)
        return tw_tape_status(tape, err);
    memcpy(b->z + (size_t) begin * (size_t) b->D, s->z->v,
           (size_t) rows * (size_t) b->D * sizeof *b->z);
    return TW_OK;
}

tw_status twi_batch_backward(void *ctx, int worker, int workers, tw_tape *tape, tw_error *err)
{
    twi_batch *b = ctx;
    twi_slice *s = &b->slices[worker];
    int64_t begin, end;

    if (s->z == NULL)
        return TW_OK;
    tw_pool_share(b->R, worker, workers, &begin, &end);
    tw_tape_seed(tape, s->z, b->dz + (size_t) begin * (size_t) b->D);
    return tw_tape_backward(tape, err);
}

double twi_batch_loss(twi_batch *b, twi_loss_stats *stats)
{
    const int B = b->B, C = b->C, D = b->D;
    const tw_real *a = b->z, *c = b->z + (size_t) B * (size_t) D;
    tw_real *da = b->dz, *dc = b->dz + (size_t) B * (size_t) D;
    const tw_real *lq = b->logq != NULL ? b->lq : NULL;
    double loss = 0;

    tw_gemm(0, 1, B, C, D, 1, a, D, c, D, 0, b->s, C);
    switch (b->loss) {
    case TW_LOSS_TRIPLET:
        loss = twi_loss_triplet(b->ds, stats, b->s, b->mask, b->margin, B, C);
        break;
    case TW_LOSS_CONTRASTIVE:
        loss = twi_loss_contrastive(b->ds, stats, b->s, b->mask, b->labelled ? b->label : NULL,
                                    b->margin, B, C);
        break;
    case TW_LOSS_COSINE: loss = twi_loss_cosine(b->ds, stats, b->s, b->mask, b->label, B, C); break;
    case TW_LOSS_AUTO: /* resolved before */
    case TW_LOSS_INFONCE:
        loss = twi_loss_infonce(b->ds, stats, b->s, b->mask, lq, lq != NULL ? lq + B : NULL,
                                b->temperature, B, C);
        break;
    }
    tw_gemm(0, 0, B, D, C, 1, b->ds, C, c, D, 0, da, D);
    tw_gemm(1, 0, C, D, B, 1, b->ds, C, a, D, 0, dc, D);
    return loss;
}
