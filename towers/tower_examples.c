/* From what the caller knows of items to the rows that a loss learns from.
 *
 *                triplets            pairs, labels 0/1     scores       positives
 *   auto         triplet             contrastive           cosine       infonce
 *   triplet      as given            positives             positives    all
 *   infonce      negative = column   positives             positives    all
 *   contrastive  two pairs each      as given              > 0.5 = 1    all, in-batch negatives
 *   cosine       refused             as given              as given     as given */
#include <string.h>

#include "base/alloc.h"
#include "towers/internal.h"

static tw_tower_loss choose_loss(const tw_tower_data *data)
{
    bool scores = false, negatives = false;

    if (data->n_triplets > 0)
        return TW_LOSS_TRIPLET;
    for (int64_t k = 0; k < data->n_pairs; k++) {
        const float y = data->pairs[k].label;
        negatives |= y == 0;
        scores |= y != 0 && y != 1;
    }
    return scores ? TW_LOSS_COSINE : negatives ? TW_LOSS_CONTRASTIVE : TW_LOSS_INFONCE;
}

static tw_status check_item(int32_t item, int64_t n, const char *what, int64_t row, tw_error *err)
{
    if (item >= 0 && item < n)
        return TW_OK;
    return tw_fail(err, TW_EINVAL, "%s %lld: item %d is outside 0..%lld", what, (long long) row,
                   item, (long long) n - 1);
}

static tw_status check_pairs(const tw_item_pair *pairs, int64_t n, int64_t n_items,
                             const char *what, tw_error *err)
{
    tw_status st = TW_OK;
    for (int64_t k = 0; k < n; k++) {
        TW_TRY(check_item(pairs[k].a, n_items, what, k, err));
        TW_TRY(check_item(pairs[k].b, n_items, what, k, err));
        if (!(pairs[k].label >= -1 && pairs[k].label <= 1)) {
            st = tw_fail(err, TW_EINVAL, "%s %lld: label %g is outside -1..1", what, (long long) k,
                         (double) pairs[k].label);
            goto done;
        }
    }
done:
    return st;
}

static tw_status check_triplets(const tw_item_triplet *triplets, int64_t n, int64_t n_items,
                                tw_error *err)
{
    tw_status st = TW_OK;
    for (int64_t k = 0; k < n; k++) {
        TW_TRY(check_item(triplets[k].anchor, n_items, "triplet", k, err));
        TW_TRY(check_item(triplets[k].positive, n_items, "triplet", k, err));
        TW_TRY(check_item(triplets[k].negative, n_items, "triplet", k, err));
    }
done:
    return st;
}

/* Is there one kind of example, and can the loss use it? */
static tw_status check_kind(const tw_tower_data *data, tw_tower_loss loss, tw_error *err)
{
    if (data->n_items < 1 || data->n_items > TW_TOWER_MAX_ITEMS)
        return tw_fail(err, TW_EINVAL, "%lld items are outside 1..%d", (long long) data->n_items,
                       TW_TOWER_MAX_ITEMS);
    if (data->n_pairs > 0 && data->n_triplets > 0)
        return tw_fail(err, TW_EINVAL, "both pairs and triplets are given");
    if (data->n_pairs <= 0 && data->n_triplets <= 0)
        return tw_fail(err, TW_EINVAL, "there are no pairs to learn from");
    if (data->n_pairs > INT32_MAX / 2 || data->n_triplets > INT32_MAX / 2)
        return tw_fail(err, TW_EINVAL, "more than %d examples", INT32_MAX / 2);
    if (loss == TW_LOSS_COSINE && data->n_triplets > 0)
        return tw_fail(err, TW_EINVAL, "the cosine loss needs pairs with scores, not triplets");
    return TW_OK;
}

static tw_status check_data(const tw_tower_data *data, tw_tower_loss loss, tw_error *err)
{
    tw_status st = TW_OK;
    const int64_t N = data->n_items;

    TW_TRY(check_kind(data, loss, err));
    TW_TRY(check_pairs(data->pairs, data->n_pairs, N, "pair", err));
    TW_TRY(check_pairs(data->valid, data->n_valid, N, "validation pair", err));
    TW_TRY(check_triplets(data->triplets, data->n_triplets, N, err));
done:
    return st;
}

static void add_row(twi_examples *x, int32_t a, int32_t b, int32_t negative, float label)
{
    if (a != b)
        x->rows[x->n++] = (twi_example){a, b, negative, label};
}

static void take_triplets(twi_examples *x, const tw_tower_data *data)
{
    const bool split = x->loss == TW_LOSS_CONTRASTIVE;

    x->given = !split;
    x->labelled = split;
    for (int64_t k = 0; k < data->n_triplets; k++) {
        const tw_item_triplet *t = &data->triplets[k];
        add_row(x, t->anchor, t->positive, split ? -1 : t->negative, 1);
        if (split)
            add_row(x, t->anchor, t->negative, -1, 0);
        x->positives[x->n_positives++] = (tw_item_pair){t->anchor, t->positive, 1, 1};
    }
}

static void take_pairs(twi_examples *x, const tw_tower_data *data)
{
    const bool all = x->loss == TW_LOSS_CONTRASTIVE || x->loss == TW_LOSS_COSINE;

    for (int64_t k = 0; k < data->n_pairs; k++) {
        const tw_item_pair *p = &data->pairs[k];
        const bool similar = p->label > 0.5F;
        x->labelled |= !similar;
        if (similar || all)
            add_row(x, p->a, p->b, -1, p->label);
        if (similar)
            x->positives[x->n_positives++] = *p;
    }
}

tw_status twi_examples_build(twi_examples *x, const tw_tower_data *data, tw_tower_loss loss,
                             tw_error *err)
{
    tw_status st = TW_OK;
    const size_t n = (size_t) (data->n_pairs + 2 * data->n_triplets);

    *x = (twi_examples){.loss = loss};
    TW_TRY(check_data(data, loss, err));
    if (loss == TW_LOSS_AUTO)
        x->loss = choose_loss(data);
    x->rows = tw_alloc(n, sizeof *x->rows);
    x->positives = tw_alloc(n, sizeof *x->positives);
    if (x->rows == NULL || x->positives == NULL) {
        st = tw_fail(err, TW_ENOMEM, "%zu training examples", n);
        goto done;
    }
    if (data->n_triplets > 0)
        take_triplets(x, data);
    else
        take_pairs(x, data);
done:
    if (st != TW_OK)
        twi_examples_fini(x);
    return st;
}

void twi_examples_fini(twi_examples *x)
{
    tw_free(x->rows);
    tw_free(x->positives);
    *x = (twi_examples){0};
}
