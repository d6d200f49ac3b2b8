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
    twi_pair_task pairs;
    const float *metric;
    twi_class_task classes;
    json_t *test, *pairs_out, *classes_out; /* what each baseline scored */
} run;

/* ---- figures as JSON ------------------------------------------------------------------------- */

/* NAME_at_K and NAME_at_K_se; k 0: NAME. */
static int set_mean(json_t *o, const char *name, int k, tw_mean mean)
{
    char key[64];
    const int n = k > 0 ? snprintf(key, sizeof key, "%s_at_%d", name, k)
                        : snprintf(key, sizeof key, "%s", name);
    int bad = twi_set_real(o, key, mean.mean);
    (void) snprintf(key + n, sizeof key - (size_t) n, "_se");
    return bad | twi_set_real(o, key, mean.se);
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
        (twi_set_real(o, "coverage_at_10", v.coverage) | twi_set_real(o, "gini_at_10", v.gini) |
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
    const twi_tower_split *s = &u->pairs.split;
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

static tw_status evaluate_pairs(run *u, twi_baseline_kind which, const twi_baseline *r,
                                tw_error *err)
{
    json_t *row = NULL;
    const tw_status st = twi_evaluate_pairs(&u->pairs, r, u->m->c->n, u->dim, &row, err);
    return st == TW_OK ? hand_over(u->pairs_out, which, row, err) : st;
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

/* Which tables there will be: those of pairs need a label that says more than "similar". */
static tw_status choose_tables(run *u, tw_error *err)
{
    tw_status st = TW_OK;
    const twi_train_set *x = u->m->x;
    bool labelled = false;

    u->pairs.split = x->split;
    if (x->n_triplets > 0)
        TW_TRY(twi_pairs_of_triplets(&u->pairs, u->m->x, err));
    for (int64_t k = 0; k < u->pairs.split.n; k++)
        labelled |= u->pairs.split.pairs[k].label < 1;
    u->test = u->pairs.split.n > 0 ? json_object() : NULL;
    u->pairs_out = labelled && u->pairs.split.parts.test > 0 ? json_object() : NULL;
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
    return u->pairs.split.apart
               ? "items liked together by people kept out of training, found among "
                 "the whole catalogue"
               : "held-out pairs, found among the whole catalogue; partners known "
                 "from training or validation are left out";
}

static tw_status put_together(const run *u, json_t **out, tw_error *err)
{
    int64_t unread = 0;
    const tw_split *p = &u->pairs.split.parts;
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
        const int64_t positives =
            twi_similar_among(u->pairs.split.pairs + p->train + p->valid, p->test);
        bad |= json_object_set_new(u->pairs_out, "valid", json_integer(p->valid)) |
               json_object_set_new(u->pairs_out, "test", json_integer(p->test)) |
               json_object_set_new(u->pairs_out, "positives", json_integer(positives)) |
               twi_pair_notes(&u->pairs, u->pairs_out);
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
    tw_free(u.pairs.made);
    tw_pool_destroy(u.pool);
    return st;
}
