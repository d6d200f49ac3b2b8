/* The same questions to the towers and to each baseline, so that the figures compare.
 *
 * Baselines come one after the other: the vectors of two towers are in memory at
 * once, never three. How alike the items of a list are is given by the measured
 * towers' vectors for every baseline, because a baseline's own would flatter it. */
#include "engine/eval/measure_towers.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "engine/eval/measure_parts.h"
#include "engine/evaluation.h"
#include "metrics/lists.h"
#include "metrics/mean.h"
#include "metrics/pair_scores.h"
#include "metrics/ranking.h"
#include "metrics/tfidf.h"

enum { DEPTH = 100 }; /* of all lists at least: MRR is measured at it */

_Static_assert(TW_EVAL_MAX_K <= TW_RANK_MAX_K, "a cut-off is within the lists");

typedef struct run {
    const twi_measure *m;
    const int *ks;
    int n_ks;
    int depth; /* of the lists: DEPTH, or the largest cut-off */
    int64_t max_queries;
    tw_pool *pool;
    int dim;
    twi_tower_split pairs; /* borrowed from m->x, or made of its triplets */
    tw_item_pair *made;    /* owned: those */
    const float *metric;
    twi_class_task classes;
    json_t *test, *pairs_out, *classes_out; /* what each baseline scored */
} run;

/* ---- figures as JSON ------------------------------------------------------------------------- */

/* null where there is nothing to tell, such as a mean of nothing. */
static int set_real(json_t *o, const char *key, double x)
{
    return json_object_set_new(o, key, isfinite(x) ? json_real(x) : json_null());
}

/* NAME_at_K and NAME_at_K_se; k 0: NAME. */
static int set_mean(json_t *o, const char *name, int k, tw_mean mean)
{
    char key[64];
    const int n = k > 0 ? snprintf(key, sizeof key, "%s_at_%d", name, k)
                        : snprintf(key, sizeof key, "%s", name);
    int bad = set_real(o, key, mean.mean);
    (void) snprintf(key + n, sizeof key - (size_t) n, "_se");
    return bad | set_real(o, key, mean.se);
}

static tw_status set_ranking(const run *u, json_t *o, const tw_ranked *lists, tw_error *err)
{
    tw_status st = TW_OK;
    tw_ranking r;
    int bad = 0;

    for (int i = 0; i < u->n_ks; i++) {
        const int k = u->ks[i];
        TW_TRY(tw_ranking_measure(&r, lists, k, err));
        bad |= set_mean(o, "recall", k, r.recall) | set_mean(o, "precision", k, r.precision) |
               set_mean(o, "hr", k, r.hit_rate) | set_mean(o, "ndcg", k, r.ndcg) |
               set_mean(o, "mrr", k, r.mrr) | set_mean(o, "map", k, r.map);
    }
    TW_TRY(tw_ranking_measure(&r, lists, u->depth, err));
    bad |=
        json_object_set_new(o, "queries", json_integer(r.recall.n)) | set_mean(o, "mrr", 0, r.mrr);
    if (bad != 0)
        st = tw_fail(err, TW_ENOMEM, "report of rankings");
done:
    return st;
}

static tw_status set_variety(const run *u, json_t *o, const tw_ranked *lists, tw_error *err)
{
    tw_variety v;
    tw_status st = tw_variety_measure(&v, lists, TW_TOWER_K, u->metric, u->dim, err);
    if (st == TW_OK &&
        (set_real(o, "coverage_at_10", v.coverage) | set_real(o, "gini_at_10", v.gini) |
         set_mean(o, "diversity", TW_TOWER_K, v.diversity)) != 0)
        st = tw_fail(err, TW_ENOMEM, "report of lists");
    return st;
}

static tw_status hand_over(json_t *rows, twi_baseline_kind which, json_t *row, tw_error *err)
{
    return json_object_set_new(rows, twi_baseline_names[which], row) == 0
               ? TW_OK
               : tw_fail(err, TW_ENOMEM, "report of %s", twi_baseline_names[which]);
}

/* ---- retrieval ------------------------------------------------------------------------------- */

static tw_status retrieve(run *u, twi_baseline_kind which, const twi_baseline *r, tw_error *err)
{
    tw_status st = TW_OK;
    tw_ranked lists = {0};
    json_t *row = json_object();
    const twi_tower_split *s = &u->pairs;
    const int64_t seen = s->parts.train + s->parts.valid;
    const tw_retrieval_task task = {.held = s->pairs + seen,
                                    .n_held = s->parts.test,
                                    .known = s->pairs,
                                    .n_known = s->apart ? 0 : seen,
                                    .max_queries = u->max_queries};

    TW_TRY(tw_rank_pairs(&lists, u->m->c->n, u->depth, &task, r->score, r->ctx, u->pool, err));
    TW_TRY(set_ranking(u, row, &lists, err));
    TW_TRY(set_variety(u, row, &lists, err));
    TW_TRY(hand_over(u->test, which, row, err));
    row = NULL;
done:
    json_decref(row);
    tw_ranked_fini(&lists);
    return st;
}

/* ---- labelled and scored pairs --------------------------------------------------------------- */

static tw_status score_pairs(const run *u, const twi_baseline *r, const tw_item_pair *pairs,
                             int64_t n, double *out, tw_error *err)
{
    if (r->vecs != NULL)
        return tw_pairs_cosines(out, r->vecs, u->m->c->n, u->dim, pairs, n, err);
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
static int64_t similar_among(const tw_item_pair *pairs, int64_t n)
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
    int bad = set_real(o, "auc", d->auc) | set_real(o, "average_precision", d->average_precision) |
              set_real(o, "spearman", d->spearman) | set_real(o, "pearson", d->pearson);
    if (chosen) { /* else nothing says where to draw the line */
        bad |= set_real(o, "accuracy", d->accurate.accuracy) |
               set_real(o, "accuracy_se", d->accurate.accuracy_se) |
               set_real(o, "accuracy_threshold", d->by_accuracy) |
               set_real(o, "f1", d->balanced.f1) | set_real(o, "precision", d->balanced.precision) |
               set_real(o, "recall", d->balanced.recall) | set_real(o, "f1_threshold", d->by_f1);
    }
    return bad == 0 ? TW_OK : tw_fail(err, TW_ENOMEM, "report of pairs");
}

/* The kinds of labels in a part: bit 0 some are similar, bit 1 some are not. */
static unsigned kinds(const run *u, int64_t from, int64_t n)
{
    const int64_t similar = similar_among(u->pairs.pairs + from, n);
    return (similar > 0 ? 1U : 0) | (similar < n ? 2U : 0);
}

static bool separates(const run *u)
{
    const tw_split *p = &u->pairs.parts;
    return kinds(u, p->train, p->valid) == 3 && kinds(u, p->train + p->valid, p->test) == 3;
}

static tw_status evaluate_pairs(run *u, twi_baseline_kind which, const twi_baseline *r,
                                tw_error *err)
{
    tw_status st = TW_OK;
    const tw_split *p = &u->pairs.parts;
    const tw_item_pair *pairs = u->pairs.pairs + p->train;
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
    TW_TRY(score_pairs(u, r, pairs, n, s.score, err));
    TW_TRY(decide(&d, &s, p->valid, p->test, separates(u), err));
    TW_TRY(set_decided(row, &d, p->valid > 0, err));
    if (u->made != NULL &&
        set_real(row, "triplets_in_order", share_in_order(s.score + p->valid, p->test)) != 0)
        TW_TRY(tw_fail(err, TW_ENOMEM, "report of triplets"));
    TW_TRY(hand_over(u->pairs_out, which, row, err));
    row = NULL;
done:
    json_decref(row);
    tw_free(s.score);
    tw_free(s.value);
    tw_free(s.label);
    return st;
}

/* ---- classes --------------------------------------------------------------------------------- */

static tw_status report_classes(run *u, twi_baseline_kind which, const twi_baseline *r,
                                tw_error *err)
{
    tw_status st = TW_OK;
    const twi_class_task *t = &u->classes;
    tw_ranked lists = {0};
    tw_mean mean;
    json_t *row = json_object();
    twi_class_asks asks = {.r = r, .t = t};
    const tw_rank_task task = {.queries = t->queries,
                               .pool = u->m->c->n,
                               .k = u->depth,
                               .own = t->query,
                               .query_class = t->query_class,
                               .pool_class = t->pool_class};

    TW_TRY(tw_rank(&lists, &task, twi_score_classes, &asks, u->pool, err));
    TW_TRY(set_ranking(u, row, &lists, err));
    TW_TRY(tw_knn_measure(&mean, &lists, &task, 1, err));
    int bad = set_mean(row, "r", 1, mean); /* the share whose nearest is of their class */
    for (int i = 0; i < u->n_ks; i++) {
        TW_TRY(tw_knn_measure(&mean, &lists, &task, u->ks[i], err));
        bad |= set_mean(row, "knn", u->ks[i], mean);
    }
    if (bad != 0)
        TW_TRY(tw_fail(err, TW_ENOMEM, "report of classes"));
    TW_TRY(hand_over(u->classes_out, which, row, err));
    row = NULL;
done:
    json_decref(row);
    tw_ranked_fini(&lists);
    return st;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Pairs of the triplets, the parts in their order. */
static tw_status pairs_of_triplets(run *u, tw_error *err)
{
    const twi_train_set *x = u->m->x;
    const int64_t n = x->n_triplets;

    u->made = tw_alloc((size_t) n, 2 * sizeof *u->made);
    if (u->made == NULL)
        return tw_fail(err, TW_ENOMEM, "pairs of %lld triplets", (long long) n);
    for (int64_t k = 0; k < n; k++) {
        const tw_item_triplet *t = &x->triplets[k];
        u->made[2 * k] = (tw_item_pair){t->anchor, t->positive, 1, 1};
        u->made[2 * k + 1] = (tw_item_pair){t->anchor, t->negative, 0, 1};
    }
    u->pairs = (twi_tower_split){.pairs = u->made,
                                 .n = 2 * n,
                                 .parts = {.train = 2 * x->triplet_parts.train,
                                           .valid = 2 * x->triplet_parts.valid,
                                           .test = 2 * x->triplet_parts.test}};
    return TW_OK;
}

/* Which tables there will be: those of pairs need a label that says more than "similar". */
static tw_status choose_tables(run *u, tw_error *err)
{
    tw_status st = TW_OK;
    const twi_train_set *x = u->m->x;
    bool labelled = false;

    u->pairs = x->split;
    if (x->n_triplets > 0)
        TW_TRY(pairs_of_triplets(u, err));
    for (int64_t k = 0; k < u->pairs.n; k++)
        labelled |= u->pairs.pairs[k].label < 1;
    u->test = u->pairs.n > 0 ? json_object() : NULL;
    u->pairs_out = labelled && u->pairs.parts.test > 0 ? json_object() : NULL;
    u->classes_out = x->classes != NULL ? json_object() : NULL;
    if (x->classes != NULL)
        TW_TRY(twi_class_task_init(&u->classes, x, u->m->c->n, u->max_queries, err));
done:
    return st;
}

static tw_status measure_baseline(run *u, twi_baseline_kind which, const twi_baseline *r,
                                  tw_error *err)
{
    tw_status st = TW_OK;
    if (r->score == NULL)
        return TW_OK;
    if (u->test != NULL)
        TW_TRY(retrieve(u, which, r, err));
    if (u->pairs_out != NULL && which != TWI_POPULARITY)
        TW_TRY(evaluate_pairs(u, which, r, err));
    if (u->classes_out != NULL && which != TWI_POPULARITY)
        TW_TRY(report_classes(u, which, r, err));
done:
    return st;
}

static tw_status measure_all(run *u, tw_error *err)
{
    tw_status st = TW_OK;
    twi_baseline towers = {0}, other = {0};

    TW_TRY(twi_baseline_open(u->m, u->pool, TWI_TOWERS, &towers, err));
    u->metric = towers.vecs;
    TW_TRY(measure_baseline(u, TWI_TOWERS, &towers, err));
    for (twi_baseline_kind which = TWI_UNTRAINED; which < TWI_BASELINES; which++) {
        TW_TRY(twi_baseline_open(u->m, u->pool, which, &other, err));
        TW_TRY(measure_baseline(u, which, &other, err));
        twi_baseline_fini(&other);
    }
done:
    twi_baseline_fini(&towers);
    twi_baseline_fini(&other);
    return st;
}

static const char *protocol(const run *u)
{
    if (u->test == NULL) {
        return u->classes.among_learnt
                   ? "held-out items of known class, told by their neighbours among those learnt "
                     "from"
                   : "items of known class, told by their neighbours among all others";
    }
    return u->pairs.apart ? "items liked together by people kept out of training, found among "
                            "the whole catalogue"
                          : "held-out pairs, found among the whole catalogue; partners known "
                            "from training or validation are left out";
}

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
static int add_notes(const run *u, json_t *pairs)
{
    const tw_split *p = &u->pairs.parts;
    const unsigned valid = kinds(u, p->train, p->valid);
    const unsigned test = kinds(u, p->train + p->valid, p->test);
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

static tw_status put_together(const run *u, json_t **out, tw_error *err)
{
    int64_t unread = 0;
    const tw_split *p = &u->pairs.parts;
    json_t *ks = json_array();
    for (int64_t i = 0; i < u->m->c->n; i++)
        unread += tw_tower_samples_empty(u->m->samples, i);
    json_t *root =
        json_pack("{s:I, s:I, s:s, s:o*, s:O*, s:O*, s:O*}", "items", (json_int_t) u->m->c->n,
                  "unread", (json_int_t) unread, "protocol", protocol(u), "k", ks, "test", u->test,
                  "pairs", u->pairs_out, "classes", u->classes_out);
    int bad = root == NULL;

    for (int i = 0; i < u->n_ks && !bad; i++)
        bad = json_array_append_new(ks, json_integer(u->ks[i])) != 0;
    if (u->pairs_out != NULL) {
        const int64_t positives = similar_among(u->pairs.pairs + p->train + p->valid, p->test);
        bad |= json_object_set_new(u->pairs_out, "valid", json_integer(p->valid)) |
               json_object_set_new(u->pairs_out, "test", json_integer(p->test)) |
               json_object_set_new(u->pairs_out, "positives", json_integer(positives)) |
               add_notes(u, u->pairs_out);
    }
    if (u->classes_out != NULL) {
        bad |= json_object_set_new(u->classes_out, "classes", json_integer(u->m->x->n_classes)) |
               json_object_set_new(u->classes_out, "queries", json_integer(u->classes.queries)) |
               json_object_set_new(u->classes_out, "among", json_integer(u->classes.items));
    }
    if (bad == 0) {
        *out = root;
        return TW_OK;
    }
    json_decref(root);
    return tw_fail(err, TW_ENOMEM, "report of the towers");
}

static tw_status choose_depth(run *u, tw_error *err)
{
    u->depth = DEPTH;
    for (int i = 0; i < u->n_ks; i++) {
        if (u->ks[i] < 1 || u->ks[i] > TW_EVAL_MAX_K)
            return tw_fail(err, TW_EINVAL, "k %d is outside 1..%d", u->ks[i], TW_EVAL_MAX_K);
        if (u->ks[i] > u->depth)
            u->depth = u->ks[i];
    }
    return TW_OK;
}

tw_status twi_measure_towers(const twi_measure *m, json_t **out, tw_error *err)
{
    static const int usual[] = {1, 10, 100};
    tw_status st = TW_OK;
    run u = {.m = m, .dim = tw_tower_dim(m->tower)};

    *out = NULL;
    u.ks = m->n_ks > 0 ? m->ks : usual;
    u.n_ks = m->n_ks > 0 ? m->n_ks : 3;
    u.max_queries = m->max_queries > 0 ? m->max_queries : TWI_MEASURE_QUERIES;
    TW_TRY(choose_depth(&u, err));
    TW_TRY(tw_pool_create(&u.pool, m->threads, err));
    TW_TRY(choose_tables(&u, err));
    TW_TRY(measure_all(&u, err));
    TW_TRY(put_together(&u, out, err));
done:
    json_decref(u.test);
    json_decref(u.pairs_out);
    json_decref(u.classes_out);
    twi_class_task_fini(&u.classes);
    tw_free(u.made);
    tw_pool_destroy(u.pool);
    return st;
}
