/* Hard negatives for the pairs of an epoch, from our own search or by comparing all
 * with all. */
#include "towers/train/tower_hard_negatives.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "metrics/partners.h"
#include "metrics/ranking.h"
#include "towers/train/tower_mine_hard.h"

enum {
    NEIGHBOURS_EACH = 4
}; /* neighbours for each one wanted: partners and near doubles fall out */

typedef struct exact {
    const float *vecs;
    int64_t n;
    int dim;
    tw_pool *pool;
} exact;

static double cosine(const exact *e, int32_t a, int32_t b)
{
    const float *x = e->vecs + (size_t) a * (size_t) e->dim;
    const float *y = e->vecs + (size_t) b * (size_t) e->dim;
    double sum = 0;
    for (int d = 0; d < e->dim; d++)
        sum += (double) x[d] * (double) y[d];
    return sum;
}

/* A twi_neighbours_fn. Nothing is right: only the lists are wanted. */
static tw_status find_exactly(void *ctx, const int32_t *anchors, int n, int k, int32_t *items,
                              float *cosines, tw_error *err)
{
    tw_status st = TW_OK;
    const exact *e = ctx;
    tw_dense *dense = NULL;
    tw_ranked lists = {0};
    const size_t row = (size_t) e->dim;
    float *queries = tw_alloc((size_t) n, row * sizeof *queries);
    int64_t *none = tw_alloc((size_t) n + 1, sizeof *none);

    if (queries == NULL || none == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%d anchors", n);
        goto done;
    }
    for (int i = 0; i < n; i++)
        memcpy(queries + (size_t) i * row, e->vecs + (size_t) anchors[i] * row,
               row * sizeof *queries);
    const tw_rank_task task = {
        .queries = n, .pool = e->n, .k = k, .own = anchors, .right_offsets = none};
    TW_TRY(tw_dense_create(&dense, queries, e->vecs, e->n, e->dim, TW_NEAR_INNER,
                           e->pool != NULL ? tw_pool_size(e->pool) : 1, err));
    TW_TRY(tw_rank(&lists, &task, tw_dense_score, dense, e->pool, err));
    for (int i = 0; i < n * k; i++) {
        items[i] = lists.place[i];
        cosines[i] = items[i] >= 0 ? (float) cosine(e, anchors[i / k], items[i]) : 0;
    }
done:
    tw_ranked_fini(&lists);
    tw_dense_destroy(dense);
    tw_free(queries);
    tw_free(none);
    return st;
}

void twi_hard_negatives_begin(twi_examples *x)
{
    if (x->given || x->labelled || x->classes)
        return;
    x->given = true;
    for (int64_t k = 0; k < x->n; k++)
        x->rows[k].negative = x->rows[k].b;
}

/* The first triplet of (a, b) or the place where it would stand. */
static int64_t place_of(const tw_item_triplet *t, int64_t n, int32_t a, int32_t b)
{
    int64_t low = 0, high = n;
    while (low < high) {
        const int64_t mid = low + (high - low) / 2;
        if (t[mid].anchor < a || (t[mid].anchor == a && t[mid].positive < b))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void give(twi_examples *x, const tw_item_triplet *t, int64_t n, tw_rng *rng)
{
    for (int64_t k = 0; k < x->n; k++) {
        twi_example *e = &x->rows[k];
        const int64_t first = place_of(t, n, e->a, e->b);
        int64_t end = first;
        while (end < n && t[end].anchor == e->a && t[end].positive == e->b)
            end++;
        e->negative = e->b;
        if (end > first)
            e->negative = t[first + (int64_t) tw_rng_below(rng, (uint64_t) (end - first))].negative;
    }
}

tw_status twi_hard_negatives_draw(twi_examples *x, const tw_partners *partners, const float *vecs,
                                  int64_t n, int dim, const twi_hard_negatives_how *how,
                                  tw_error *err)
{
    tw_status st = TW_OK;
    exact all = {vecs, n, dim, how->pool};
    tw_item_triplet *mined = NULL;
    int64_t n_mined = 0;
    tw_rng rng;
    twi_hard_config cfg = TWI_HARD_DEFAULT;

    if (!x->given || x->classes)
        return TW_OK;
    cfg.per_pair = how->draw_from;
    cfg.k = NEIGHBOURS_EACH * how->draw_from < TWI_HARD_MAX_K ? NEIGHBOURS_EACH * how->draw_from
                                                              : TWI_HARD_MAX_K;
    if (cfg.k > n)
        cfg.k = (int) n;
    if (cfg.per_pair > cfg.k)
        cfg.per_pair = cfg.k;
    cfg.relative_margin = how->margin;
    if (how->search != NULL) {
        TW_TRY(how->search->open(how->search->ctx, vecs, n, dim, err));
        TW_TRY(twi_mine_hard(&mined, &n_mined, vecs, n, dim, partners, NULL, &cfg,
                             how->search->find, how->search->ctx, err));
    } else {
        TW_TRY(twi_mine_hard(&mined, &n_mined, vecs, n, dim, partners, NULL, &cfg, find_exactly,
                             &all, err));
    }
    tw_rng_seed3(&rng, how->seed, 6, how->epoch);
    give(x, mined, n_mined, &rng);
done:
    tw_free(mined);
    return st;
}
