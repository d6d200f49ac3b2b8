/* Pairs and triplets whose labels are known: how well do scores separate or order them? */
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "engine/eval/measure_parts.h"
#include "metrics/pair_scores.h"

/* Pairs of the triplets, the parts in their order. */
tw_status twi_pairs_of_triplets(twi_pair_task *t, const twi_train_set *x, tw_error *err)
{
    const int64_t n = x->n_triplets;

    t->made = tw_alloc((size_t) n, 2 * sizeof *t->made);
    if (t->made == NULL)
        return tw_fail(err, TW_ENOMEM, "pairs of %lld triplets", (long long) n);
    for (int64_t k = 0; k < n; k++) {
        const tw_item_triplet *one = &x->triplets[k];
        t->made[2 * k] = (tw_item_pair){one->anchor, one->positive, 1, 1};
        t->made[2 * k + 1] = (tw_item_pair){one->anchor, one->negative, 0, 1};
    }
    t->split = (twi_tower_split){.pairs = t->made,
                                 .n = 2 * n,
                                 .parts = {.train = 2 * x->triplet_parts.train,
                                           .valid = 2 * x->triplet_parts.valid,
                                           .test = 2 * x->triplet_parts.test}};
    return TW_OK;
}

static tw_status score_pairs(const twi_baseline *r, int64_t items, int dim,
                             const tw_item_pair *pairs, int64_t n, double *out, tw_error *err)
{
    if (r->vecs != NULL)
        return tw_pairs_cosines(out, r->vecs, items, dim, pairs, n, err);
    for (int64_t k = 0; k < n; k++)
        out[k] = tw_tfidf_cosine(r->tfidf, pairs[k].a, pairs[k].b);
    return TW_OK;
}

/* Figures of test pairs at the thresholds that validation pairs chose. */
typedef struct decided {
    double auc, average_precision, pearson, spearman;
    double by_accuracy, by_f1; /* thresholds */
    tw_decisions accurate, balanced;
} decided;

typedef struct scored {
    double *score, *value; /* (n) value: the labels */
    float *label;          /* (n) */
} scored;

/* How many of n labels say "similar". */
int64_t twi_similar_among(const tw_item_pair *pairs, int64_t n)
{
    int64_t similar = 0;
    for (int64_t k = 0; k < n; k++)
        similar += pairs[k].label >= 0.5F;
    return similar;
}

static const tw_decisions undecided = {.accuracy = (double) NAN,
                                       .accuracy_se = (double) NAN,
                                       .precision = (double) NAN,
                                       .recall = (double) NAN,
                                       .f1 = (double) NAN};

/* `told_apart`: both parts hold both kinds, so that a line between them can be drawn and evaluated.
 */
static tw_status decide(decided *d, const scored *s, int64_t n_valid, int64_t n, bool told_apart,
                        tw_error *err)
{
    tw_status st = TW_OK;
    const double *score = s->score + n_valid;
    const float *label = s->label + n_valid;

    TW_TRY(tw_scores_auc(&d->auc, score, label, n, err));
    TW_TRY(tw_scores_average_precision(&d->average_precision, score, label, n, err));
    TW_TRY(tw_scores_spearman(&d->spearman, score, s->value + n_valid, n, err));
    d->pearson = tw_scores_pearson(score, s->value + n_valid, n);
    TW_TRY(tw_threshold_choose(&d->by_accuracy, s->score, s->label, n_valid, TW_BY_ACCURACY, err));
    TW_TRY(tw_threshold_choose(&d->by_f1, s->score, s->label, n_valid, TW_BY_F1, err));
    d->accurate = told_apart ? tw_threshold_apply(d->by_accuracy, score, label, n) : undecided;
    d->balanced = told_apart ? tw_threshold_apply(d->by_f1, score, label, n) : undecided;
done:
    return st;
}

/* Triplets stand as two pairs each, the similar one first. */
static double share_in_order(const double *score, int64_t n)
{
    const int64_t triplets = n / 2;
    int64_t right = 0;
    for (int64_t k = 0; k < triplets; k++)
        right += (float) score[2 * k] > (float) score[2 * k + 1];
    return triplets > 0 ? (double) right / (double) triplets : (double) NAN;
}

static tw_status set_decided(json_t *o, const decided *d, bool chosen, tw_error *err)
{
    int bad = twi_set_real(o, "auc", d->auc) |
              twi_set_real(o, "average_precision", d->average_precision) |
              twi_set_real(o, "spearman", d->spearman) | twi_set_real(o, "pearson", d->pearson);
    if (chosen) { /* else nothing says where to draw the line */
        bad |= twi_set_real(o, "accuracy", d->accurate.accuracy) |
               twi_set_real(o, "accuracy_se", d->accurate.accuracy_se) |
               twi_set_real(o, "accuracy_threshold", d->by_accuracy) |
               twi_set_real(o, "f1", d->balanced.f1) |
               twi_set_real(o, "precision", d->balanced.precision) |
               twi_set_real(o, "recall", d->balanced.recall) |
               twi_set_real(o, "f1_threshold", d->by_f1);
    }
    return bad == 0 ? TW_OK : tw_fail(err, TW_ENOMEM, "report of pairs");
}

/* The kinds of labels in a part: bit 0 some are similar, bit 1 some are not. */
static unsigned kinds(const twi_pair_task *t, int64_t from, int64_t n)
{
    const int64_t similar = twi_similar_among(t->split.pairs + from, n);
    return (similar > 0 ? 1U : 0) | (similar < n ? 2U : 0);
}

static bool separates(const twi_pair_task *t)
{
    const tw_split *p = &t->split.parts;
    return kinds(t, p->train, p->valid) == 3 && kinds(t, p->train + p->valid, p->test) == 3;
}

tw_status twi_evaluate_pairs(const twi_pair_task *t, const twi_baseline *r, int64_t items, int dim,
                             json_t **out, tw_error *err)
{
    tw_status st = TW_OK;
    const tw_split *p = &t->split.parts;
    const tw_item_pair *pairs = t->split.pairs + p->train;
    const int64_t n = p->valid + p->test;
    json_t *row = json_object();
    decided d = {0};
    scored s = {.score = tw_alloc((size_t) n, sizeof *s.score),
                .value = tw_alloc((size_t) n, sizeof *s.value),
                .label = tw_alloc((size_t) n, sizeof *s.label)};

    if (s.score == NULL || s.value == NULL || s.label == NULL) {
        st = tw_fail(err, TW_ENOMEM, "scores of %lld pairs", (long long) n);
        goto done;
    }
    for (int64_t k = 0; k < n; k++)
        s.value[k] = (double) (s.label[k] = pairs[k].label);
    TW_TRY(score_pairs(r, items, dim, pairs, n, s.score, err));
    TW_TRY(decide(&d, &s, p->valid, p->test, separates(t), err));
    TW_TRY(set_decided(row, &d, p->valid > 0, err));
    if (t->made != NULL &&
        twi_set_real(row, "triplets_in_order", share_in_order(s.score + p->valid, p->test)) != 0)
        TW_TRY(tw_fail(err, TW_ENOMEM, "report of triplets"));
    *out = row;
    row = NULL;
done:
    json_decref(row);
    tw_free(s.score);
    tw_free(s.value);
    tw_free(s.label);
    return st;
}

/* ---- what they cannot say -----------------------------------------------------------------------
 */

static int note(json_t *notes, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int note(json_t *notes, const char *fmt, ...)
{
    char sentence[512];
    va_list args;
    va_start(args, fmt);
    (void) vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    return json_array_append_new(notes, json_string(sentence));
}

/* Sentences on what the pairs cannot tell, and is null therefore. */
int twi_pair_notes(const twi_pair_task *t, json_t *pairs)
{
    const tw_split *p = &t->split.parts;
    const unsigned valid = kinds(t, p->train, p->valid);
    const unsigned test = kinds(t, p->train + p->valid, p->test);
    const json_t *towers = json_object_get(pairs, twi_baseline_names[TWI_TOWERS]);
    json_t *notes = json_array();
    int bad = notes == NULL;

    if (test != 3) {
        bad |= note(notes,
                    "%s of the %lld test pairs %s similar: nothing can be told apart, so %s "
                    "say nothing",
                    test == 1 ? "all" : "none", (long long) p->test, test == 1 ? "are" : "is",
                    test == 1 ? "AUC, F1 and accuracy" : "AUC, average precision, F1 and accuracy");
    } else if (p->valid > 0 && valid != 3) {
        bad |= note(notes,
                    "%s of the %lld validation pairs %s similar: they draw no line for F1 and "
                    "accuracy",
                    valid == 1 ? "all" : "none", (long long) p->valid, valid == 1 ? "are" : "is");
    }
    if (json_is_null(json_object_get(towers, "spearman")))
        bad |= note(notes, "the test pairs have all the same label, or the same score: no "
                           "correlation");
    bad |= json_array_size(notes) > 0 ? json_object_set(pairs, "notes", notes) : 0;
    json_decref(notes);
    return bad;
}
