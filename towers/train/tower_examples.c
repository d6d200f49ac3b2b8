/* From what the caller knows of items to the rows that a loss learns from.
 *
 *                    triplets            pairs, labels 0/1    scores      positives  classes
 *   auto             triplet             contrastive          cosine      infonce    supcon
 *   triplet, batch-* as given            positives            positives   all        all
 *   infonce          negative = column   positives            positives   all        as supcon
 *   contrastive,
 *   online, bce      two pairs each      as given             > 0.5 = 1   in-batch   all
 *   cosine, cosent   refused             as given             as given    as given   refused
 *   supcon, proxy    refused             refused              refused     refused    all */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "towers/train/tower_examples.h"

static tw_tower_loss choose_loss(const tw_tower_data *data)
{
    bool scores = false, negatives = false;

    if (data->n_triplets > 0)
        return TW_LOSS_TRIPLET;
    if (data->classes != NULL)
        return TW_LOSS_SUPCON;
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

const char *tw_triplet_fault(int32_t anchor, int32_t positive, int32_t negative)
{
    return positive == negative ? "the positive is the negative"
           : anchor == positive ? "the anchor is its own positive"
           : anchor == negative ? "the anchor is its own negative"
                                : NULL;
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

static bool of_scores(tw_tower_loss loss)
{
    return loss == TW_LOSS_COSINE || loss == TW_LOSS_COSENT;
}

/* Losses that look at each pair by itself, similar or not. */
static bool of_labels(tw_tower_loss loss)
{
    return loss == TW_LOSS_CONTRASTIVE || loss == TW_LOSS_ONLINE || loss == TW_LOSS_BCE;
}

/* Is there one kind of example, and can the loss use it? */
static tw_status check_kind(const tw_tower_data *data, tw_tower_loss loss, tw_error *err)
{
    const int kinds = (data->n_pairs > 0) + (data->n_triplets > 0) + (data->classes != NULL);

    if (data->n_items < 1 || data->n_items > TW_TOWER_MAX_ITEMS)
        return tw_fail(err, TW_EINVAL, "%lld items are outside 1..%d", (long long) data->n_items,
                       TW_TOWER_MAX_ITEMS);
    if (kinds > 1)
        return tw_fail(err, TW_EINVAL, "give one kind of examples: pairs, triplets or classes");
    if (kinds == 0)
        return tw_fail(err, TW_EINVAL, "there are no pairs to learn from");
    if (data->n_pairs > INT32_MAX / 2 || data->n_triplets > INT32_MAX / 2)
        return tw_fail(err, TW_EINVAL, "more than %d examples", INT32_MAX / 2);
    if (of_scores(loss) && data->n_pairs <= 0)
        return tw_fail(err, TW_EINVAL, "the %s loss needs pairs with scores, not %s",
                       tw_tower_loss_name(loss), data->classes != NULL ? "classes" : "triplets");
    if ((loss == TW_LOSS_SUPCON || loss == TW_LOSS_PROXY) && data->classes == NULL)
        return tw_fail(err, TW_EINVAL, "the %s loss needs items of known classes",
                       tw_tower_loss_name(loss));
    return TW_OK;
}

/* Two classes at least. */
static tw_status check_classes(const tw_tower_data *data, tw_error *err)
{
    int32_t first = -1;
    bool several = false;

    for (int64_t i = 0; i < data->n_items && data->classes != NULL; i++) {
        const int32_t c = data->classes[i];
        if (c >= data->n_items)
            return tw_fail(err, TW_EINVAL, "item %lld: class %d is outside 0..%lld", (long long) i,
                           c, (long long) data->n_items - 1);
        if (c < 0 || (data->held != NULL && data->held[i]))
            continue;
        several |= first >= 0 && c != first;
        if (first < 0)
            first = c;
    }
    if (data->classes != NULL && !several)
        return tw_fail(err, TW_EINVAL, "fewer than two classes have items to learn from");
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
    TW_TRY(check_classes(data, err));
done:
    return st;
}

static void add_row(twi_examples *x, int32_t a, int32_t b, int32_t negative, float label, bool self)
{
    if (a != b || self)
        x->rows[x->n++] = (twi_example){a, b, negative, label};
}

static void take_triplets(twi_examples *x, const tw_tower_data *data)
{
    const bool split = of_labels(x->loss);

    x->given = !split;
    x->labelled = split;
    for (int64_t k = 0; k < data->n_triplets; k++) {
        const tw_item_triplet *t = &data->triplets[k];
        if (tw_triplet_fault(t->anchor, t->positive, t->negative) != NULL)
            continue; /* as a pair of an item with itself */
        add_row(x, t->anchor, t->positive, split ? -1 : t->negative, 1, false);
        if (split)
            add_row(x, t->anchor, t->negative, -1, 0, false);
        x->positives[x->n_positives++] = (tw_item_pair){t->anchor, t->positive, 1, 1};
    }
}

static void take_pairs(twi_examples *x, const tw_tower_data *data)
{
    const bool all = of_labels(x->loss) || of_scores(x->loss);

    for (int64_t k = 0; k < data->n_pairs; k++) {
        const tw_item_pair *p = &data->pairs[k];
        const bool similar = p->label > 0.5F;
        x->labelled |= !similar;
        if (similar || all)
            add_row(x, p->a, p->b, -1, p->label, data->self);
        if (similar)
            x->positives[x->n_positives++] = *p;
    }
}

/* Without a similar pair, or a score that differs from the others, every answer is as good. */
static tw_status check_labels(const twi_examples *x, const tw_tower_data *data, tw_error *err)
{
    const int64_t n = data->n_pairs;
    bool differ = false;

    if (n == 0)
        return TW_OK;
    for (int64_t k = 1; k < n; k++)
        differ |= data->pairs[k].label != data->pairs[0].label;
    if (of_scores(x->loss) && !differ) {
        return tw_fail(err, TW_EINVAL,
                       "all %lld pairs to learn from have the label %g; the %s loss needs labels "
                       "that differ",
                       (long long) n, (double) data->pairs[0].label, tw_tower_loss_name(x->loss));
    }
    if (!of_scores(x->loss) && x->n_positives == 0) {
        return tw_fail(err, TW_EINVAL,
                       "none of the %lld pairs to learn from is similar (a label above 0.5)",
                       (long long) n);
    }
    return TW_OK;
}

tw_status twi_examples_build(twi_examples *x, const tw_tower_data *data, tw_tower_loss loss,
                             tw_error *err)
{
    tw_status st = TW_OK;
    const size_t n = (size_t) (data->n_pairs + 2 * data->n_triplets);

    *x = (twi_examples){.loss = loss, .classes = data->classes != NULL};
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
    TW_TRY(check_labels(x, data, err));
done:
    if (st != TW_OK)
        twi_examples_fini(x);
    return st;
}

tw_status twi_examples_logq(tw_real **out, const twi_examples *x, int64_t n, tw_error *err)
{
    const double sides = 2 * (double) x->n;
    tw_real *logq = tw_alloc((size_t) n, sizeof *logq);

    *out = logq;
    if (logq == NULL)
        return tw_fail(err, TW_ENOMEM, "shares of %lld items", (long long) n);
    for (int64_t k = 0; k < x->n; k++) {
        logq[x->rows[k].a] += 1;
        logq[x->rows[k].b] += 1;
    }
    for (int64_t i = 0; i < n; i++) /* a given negative may stand in no pair: as if in one */
        logq[i] = (tw_real) log((logq[i] > 0 ? (double) logq[i] : 1) / sides);
    return TW_OK;
}

void twi_examples_fini(twi_examples *x)
{
    tw_free(x->rows);
    tw_free(x->positives);
    *x = (twi_examples){0};
}
