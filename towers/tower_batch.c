/* One training batch: B pairs become R rows (all first items, all second, then
 * the given negatives), every worker embeds its share of the rows, the loss
 * sees them all, every worker plays its share back. */
#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "base/rng.h"
#include "nn/blas.h"
#include "towers/internal.h"

/* Appends the features of one text; *room counts what the block holds. */
static tw_status append(twi_packed *p, size_t *room, const twi_features *f, size_t at,
                        tw_error *err)
{
    const size_t more = (size_t) f->n;
    if (at + more > *room) {
        *room = 2 * (at + more) + 1024;
        int32_t *ids = tw_realloc(p->ids, *room, sizeof *ids);
        p->ids = ids != NULL ? ids : p->ids;
        tw_real *weights = tw_realloc(p->weights, *room, sizeof *weights);
        p->weights = weights != NULL ? weights : p->weights;
        if (ids == NULL || weights == NULL)
            return tw_fail(err, TW_ENOMEM, "%zu text features", *room);
    }
    if (more > 0) {
        memcpy(p->ids + at, f->ids, more * sizeof *p->ids);
        memcpy(p->weights + at, f->weights, more * sizeof *p->weights);
    }
    if (f->n > p->longest)
        p->longest = f->n;
    return TW_OK;
}

tw_status twi_packed_build(twi_packed *p, const tw_tower *t, const char *const *texts,
                           const size_t *lens, const unsigned char *wanted, int64_t n,
                           tw_error *err)
{
    tw_status st = TW_OK;
    twi_features f = {0};
    size_t room = 0;

    *p = (twi_packed){0};
    p->offsets = tw_alloc((size_t) n + 1, sizeof *p->offsets);
    if (p->offsets == NULL) {
        st = tw_fail(err, TW_ENOMEM, "features of %lld texts", (long long) n);
        goto done;
    }
    TW_TRY(twi_features_init(&f, &t->cfg, err));
    for (int64_t i = 0; i < n; i++) {
        p->offsets[i + 1] = p->offsets[i];
        if (!wanted[i])
            continue;
        twi_features_count(&f, texts[i], twi_text_len(texts, lens, i));
        twi_features_weigh(&f, t->idf);
        TW_TRY(append(p, &room, &f, (size_t) p->offsets[i], err));
        p->offsets[i + 1] += f.n;
    }
done:
    twi_features_fini(&f);
    if (st != TW_OK)
        twi_packed_fini(p);
    return st;
}

void twi_packed_fini(twi_packed *p)
{
    tw_free(p->offsets);
    tw_free(p->ids);
    tw_free(p->weights);
    *p = (twi_packed){0};
}

static tw_status init_slices(twi_batch *b, tw_error *err)
{
    const size_t rows = (size_t) b->room * (size_t) b->width / (size_t) b->workers + 1;
    const size_t room = rows * (size_t) b->packed->longest;

    for (int w = 0; w < b->workers; w++) {
        twi_slice *s = &b->slices[w];
        s->ids = tw_alloc(room, sizeof *s->ids);
        s->weights = tw_alloc(room, sizeof *s->weights);
        s->offsets = tw_alloc(rows + 1, sizeof *s->offsets);
        if (s->ids == NULL || s->weights == NULL || s->offsets == NULL)
            return tw_fail(err, TW_ENOMEM, "a worker's %zu rows of up to %d features", rows,
                           b->packed->longest);
    }
    return TW_OK;
}

tw_status twi_batch_init(twi_batch *b, int64_t n, tw_error *err)
{
    const size_t B = (size_t) b->room, R = B * (size_t) b->width, C = R - B, D = (size_t) b->D;

    b->item = tw_alloc(R, sizeof *b->item);
    b->label = tw_alloc(B, sizeof *b->label);
    b->z = tw_alloc_aligned(R * D, sizeof *b->z);
    b->dz = tw_alloc_aligned(R * D, sizeof *b->dz);
    b->s = tw_alloc_aligned(B * C, sizeof *b->s);
    b->ds = tw_alloc_aligned(B * C, sizeof *b->ds);
    b->mask = tw_alloc(B * C, sizeof *b->mask);
    b->lq = tw_alloc(R, sizeof *b->lq);
    b->first = tw_alloc((size_t) n, sizeof *b->first);
    b->next = tw_alloc(C, sizeof *b->next);
    if (b->item == NULL || b->label == NULL || b->z == NULL || b->dz == NULL || b->s == NULL ||
        b->ds == NULL || b->mask == NULL || b->lq == NULL || b->first == NULL || b->next == NULL)
        return tw_fail(err, TW_ENOMEM, "batch of %d pairs", b->room);
    for (int64_t i = 0; i < n; i++)
        b->first[i] = -1;
    return init_slices(b, err);
}

void twi_batch_fini(twi_batch *b)
{
    tw_free(b->item);
    tw_free(b->label);
    tw_free(b->z);
    tw_free(b->dz);
    tw_free(b->s);
    tw_free(b->ds);
    tw_free(b->mask);
    tw_free(b->lq);
    tw_free(b->first);
    tw_free(b->next);
    for (int w = 0; w < b->workers; w++) {
        tw_free(b->slices[w].ids);
        tw_free(b->slices[w].weights);
        tw_free(b->slices[w].offsets);
    }
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

void twi_batch_load(twi_batch *b, const twi_example *examples, const int32_t *order, int n)
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
    fill_mask(b);
}

/* Copies one item's features, some left out; at least one stays. Returns how many. */
static int32_t copy_features(const twi_batch *b, int32_t item, int32_t *ids, tw_real *weights,
                             tw_rng *rng)
{
    const int64_t from = b->packed->offsets[item];
    const int32_t n = (int32_t) (b->packed->offsets[item + 1] - from);
    const int32_t *all = b->packed->ids + from;
    const tw_real *all_weights = b->packed->weights + from;
    int32_t kept = 0;

    if (n == 0)
        return 0;
    const int32_t always = b->dropout > 0 ? (int32_t) tw_rng_below(rng, (uint64_t) n) : 0;
    for (int32_t k = 0; k < n; k++) {
        if (b->dropout > 0 && k != always && tw_rng_uniform(rng) < b->dropout)
            continue;
        ids[kept] = all[k];
        weights[kept++] = all_weights[k];
    }
    /* As long as before on average, so that the bias keeps its weight. */
    const tw_real scale = (tw_real) (1 / (1 - b->dropout));
    for (int32_t k = 0; k < kept && b->dropout > 0; k++)
        weights[k] *= scale;
    return kept;
}

tw_status twi_batch_forward(void *ctx, int worker, int workers, tw_tape *tape, tw_error *err)
{
    twi_batch *b = ctx;
    twi_slice *s = &b->slices[worker];
    int64_t begin, end;
    int32_t at = 0;

    tw_pool_share(b->R, worker, workers, &begin, &end);
    const int rows = (int) (end - begin);
    s->z = NULL;
    if (rows == 0)
        return TW_OK;
    for (int r = 0; r < rows; r++) {
        s->offsets[r] = at;
        at += copy_features(b, b->item[begin + r], s->ids + at, s->weights + at, tw_tape_rng(tape));
    }
    s->offsets[rows] = at;
    s->z = twi_tower_forward(tape, b->tower, s->ids, s->weights, s->offsets, rows);
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
