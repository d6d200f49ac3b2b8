/* Every allocation of planning, mining and measuring made to fail once. */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "metrics/clusters.h"
#include "metrics/lists.h"
#include "metrics/mean.h"
#include "metrics/pair_scores.h"
#include "metrics/ranking.h"
#include "metrics/tfidf.h"
#include "metrics/trials.h"

#include "tests/oom/torture.h"

enum { N = 6, D = 2 };
static const float vecs[N * D] = {1, 0, 0.8F, 0.6F, 0.6F, 0.8F, 0, 1, -1, 0, 0, -1};
static const int32_t cls[N] = {0, 0, 1, 1, 2, 2}, own[N] = {0, 1, 2, 3, 4, 5};
static const double scores[N] = {0.9, 0.1, 0.4, 0.4, 0.7, 0.2};
static const float labels[N] = {1, 0, 1, 0, 1, 0};
static const char *const texts[N] = {"red apple", "green apple", "car", "fast car", "", "pear"};

static const tw_rank_task task = {
    .queries = N, .pool = N, .k = 3, .own = own, .query_class = cls, .pool_class = cls};

static tw_status rank_and_measure(void *ctx)
{
    tw_status st = TW_OK;
    tw_dense *dense = NULL;
    tw_ranked lists = {0};
    tw_ranking figures;
    tw_mean knn;
    tw_variety variety;
    tw_error *err = NULL;
    (void) ctx;
    TW_TRY(tw_dense_create(&dense, vecs, vecs, N, D, TW_NEAR_INNER, 1, err));
    TW_TRY(tw_rank(&lists, &task, tw_dense_score, dense, NULL, err));
    TW_TRY(tw_ranking_measure(&figures, &lists, 3, err));
    TW_TRY(tw_knn_measure(&knn, &lists, &task, 1, err));
    TW_TRY(tw_variety_measure(&variety, &lists, 3, vecs, D, err));
done:
    assert_true((lists.place == NULL) == (lists.k == 0));
    tw_ranked_fini(&lists);
    tw_dense_destroy(dense);
    return st;
}

static tw_status rank_pairs(void *ctx)
{
    static const tw_item_pair held[] = {{0, 1, 1, 1}}, known[] = {{0, 2, 1, 1}};
    const tw_retrieval_task pairs = {.held = held, .n_held = 1, .known = known, .n_known = 1};
    tw_ranked lists;
    tw_status st = tw_rank_pairs(&lists, N, 3, &pairs, tw_dense_score, ctx, NULL, NULL);
    assert_true((lists.place == NULL) == (st != TW_OK));
    tw_ranked_fini(&lists);
    return st;
}

static tw_status measure_pairs(void *ctx)
{
    tw_status st = TW_OK;
    double figure;
    (void) ctx;
    TW_TRY(tw_scores_auc(&figure, scores, labels, N, NULL));
    TW_TRY(tw_scores_average_precision(&figure, scores, labels, N, NULL));
    TW_TRY(tw_threshold_choose(&figure, scores, labels, N, TW_BY_F1, NULL));
    TW_TRY(tw_scores_spearman(&figure, scores, scores, N, NULL));
    TW_TRY(tw_clusters_nmi(&figure, cls, own, N, NULL));
done:
    return st;
}

static tw_status measure_vectors(void *ctx)
{
    static const tw_trial trial = {own, cls, 4, own, cls, 2};
    tw_mean accuracy;
    (void) ctx;
    return tw_trials_measure(&accuracy, vecs, N, D, &trial, 1, true, NULL);
}

static tw_status read_texts(void *ctx)
{
    const tw_tfidf_config cfg = {.words = true, .ngram_min = 3, .ngram_max = 5};
    tw_tfidf *t = NULL;
    (void) ctx;
    tw_status st = tw_tfidf_create(&t, &cfg, texts, NULL, N, NULL, NULL);
    assert_true((t == NULL) == (st != TW_OK));
    tw_tfidf_destroy(t);
    return st;
}

static void every_measurement_survives(void **state)
{
    tw_dense *dense;
    (void) state;
    assert_ok(tw_dense_create(&dense, vecs, vecs, N, D, TW_NEAR_INNER, 1, err));
    torture(rank_pairs, dense, 14);
    tw_dense_destroy(dense);
    torture(rank_and_measure, NULL, 10);
    torture(measure_pairs, NULL, 5);
    torture(measure_vectors, NULL, 3);
    torture(read_texts, NULL, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_measurement_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
