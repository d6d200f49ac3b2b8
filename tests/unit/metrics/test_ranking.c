/* Lists of the nearest: by hand, against a full sort, and with ties. */
#include "tests/support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "metrics/mean.h"
#include "metrics/ranking.h"

/* A scorer over a small table (queries, places). */
typedef struct table {
    const float *scores;
    int places;
} table;

static tw_status from_table(void *ctx, int worker, const int32_t *queries, int nq, int64_t first,
                            int n, float *scores, tw_error *err)
{
    const table *t = ctx;
    (void) worker;
    if (t->scores == NULL)
        return tw_fail(err, TW_EIO, "no scores");
    for (int i = 0; i < nq; i++)
        for (int j = 0; j < n; j++)
            scores[i * n + j] = t->scores[queries[i] * t->places + (int) first + j];
    return TW_OK;
}

/* Query 0: places 2 and 4 are right; by score 3, 2, 0, 4, 1. Query 1: nothing is right. Query 2 is
 * place 0 itself, place 1 is hidden: 4, 2, 3; place 3 is right. */
static const float scores[15] = {0.5F, 0.1F, 0.8F, 0.9F, 0.2F, 1,    0,   0,
                                 0,    0,    1,    0.9F, 0.7F, 0.6F, 0.8F};
static const int32_t own[3] = {-1, -1, 0}, right[3] = {2, 4, 3}, hide[1] = {1};
static const int64_t right_offsets[4] = {0, 2, 2, 3}, hide_offsets[4] = {0, 0, 0, 1};
static const tw_rank_task task = {.queries = 3,
                                  .pool = 5,
                                  .k = 4,
                                  .own = own,
                                  .right_offsets = right_offsets,
                                  .right = right,
                                  .hide_offsets = hide_offsets,
                                  .hide = hide};

static void lists_are_the_nearest_without_own_and_hidden(void **state)
{
    static const int32_t first[4] = {3, 2, 0, 4}, third[4] = {4, 2, 3, -1};
    static const unsigned char first_hit[4] = {0, 1, 0, 1}, third_hit[4] = {0, 0, 1, 0};
    table t = {scores, 5};
    tw_ranked r;
    (void) state;
    assert_ok(tw_rank(&r, &task, from_table, &t, NULL, err));
    assert_memory_equal(r.place, first, sizeof first);
    assert_memory_equal(r.place + 8, third, sizeof third);
    assert_memory_equal(r.hit, first_hit, sizeof first_hit);
    assert_memory_equal(r.hit + 8, third_hit, sizeof third_hit);
    assert_int_equal(r.n_right[0], 2);
    assert_int_equal(r.n_right[1], 0);
    assert_int_equal(r.n_right[2], 1);
    tw_ranked_fini(&r);
}

/* At 3: query 0 finds one of two, at rank 2; query 2 its only one at rank 3. */
static void figures_by_hand(void **state)
{
    table t = {scores, 5};
    tw_ranked r;
    tw_ranking f;
    (void) state;
    assert_ok(tw_rank(&r, &task, from_table, &t, NULL, err));
    assert_ok(tw_ranking_measure(&f, &r, 3, err));
    assert_int_equal(f.recall.n, 2);
    assert_near(f.recall.mean, (0.5 + 1) / 2, 1e-12);
    assert_near(f.recall.se, 0.25, 1e-12);
    assert_near(f.precision.mean, 1 / 3.0, 1e-12);
    assert_near(f.hit_rate.mean, 1, 0);
    const double one = 1 / log2(3), best = 1 + one;
    assert_near(f.ndcg.mean, (one / best + 0.5) / 2, 1e-12);
    assert_near(f.mrr.mean, (0.5 + 1 / 3.0) / 2, 1e-12);
    assert_near(f.map.mean, (0.5 / 2 + 1 / 3.0) / 2, 1e-12);
    /* At 1: nothing; the best possible first 1 holds one of two. */
    assert_ok(tw_ranking_measure(&f, &r, 1, err));
    assert_near(f.hit_rate.mean + f.mrr.mean + f.map.mean + f.ndcg.mean, 0, 0);
    /* At 4: 2 and 4 at ranks 2 and 4: precisions 1/2 and 2/4. */
    assert_ok(tw_ranking_measure(&f, &r, 4, err));
    assert_near(f.map.mean, ((0.5 + 0.5) / 2 + 1 / 3.0) / 2, 1e-12);
    assert_status(tw_ranking_measure(&f, &r, 5, err), TW_EINVAL);
    assert_status(tw_ranking_measure(&f, &r, 0, err), TW_EINVAL);
    tw_ranked_fini(&r);
}

/* More to find than the list holds: the best possible list is full, and all of its precisions 1. */
static void a_full_list_of_hits_is_perfect(void **state)
{
    static unsigned char hit[2] = {1, 1};
    static int64_t n_right[1] = {5};
    const tw_ranked r = {.queries = 1, .pool = 9, .k = 2, .hit = hit, .n_right = n_right};
    tw_ranking f;
    (void) state;
    assert_ok(tw_ranking_measure(&f, &r, 2, err));
    assert_near(f.map.mean, 1, 1e-12);
    assert_near(f.ndcg.mean, 1, 1e-12);
    assert_near(f.recall.mean, 0.4, 1e-12);
}

/* A place that is both right and hidden (known from training) is neither found nor missed. */
static void hidden_places_are_not_to_be_found(void **state)
{
    static const int64_t offsets[2] = {0, 2}, hidden[2] = {0, 1};
    static const int32_t both[2] = {2, 3}, two[1] = {2};
    const tw_rank_task one = {.queries = 1,
                              .pool = 5,
                              .k = 5,
                              .right_offsets = offsets,
                              .right = both,
                              .hide_offsets = hidden,
                              .hide = two};
    table t = {scores, 5};
    tw_ranked r;
    (void) state;
    assert_ok(tw_rank(&r, &one, from_table, &t, NULL, err));
    assert_int_equal(r.n_right[0], 1);
    assert_int_equal(r.place[4], -1);
    tw_ranked_fini(&r);
}

/* All five score the same: what is right comes last. A score that is no number never comes. */
static void ties_count_against_us(void **state)
{
    static const float flat[5] = {0.5F, 0.5F, 0.5F, 0.5F, 0.5F};
    static const float odd[5] = {NAN, 0.5F, NAN, NAN, 3e6F};
    static const int64_t offsets[2] = {0, 2};
    static const int32_t want[5] = {1, 3, 4, 0, 2}, both[2] = {0, 2};
    tw_rank_task one = {.queries = 1, .pool = 5, .k = 5, .right_offsets = offsets, .right = both};
    table t = {flat, 5};
    tw_ranked r;
    (void) state;
    assert_ok(tw_rank(&r, &one, from_table, &t, NULL, err));
    assert_memory_equal(r.place, want, sizeof want);
    tw_ranked_fini(&r);
    one.k = 3; /* pushed out of the list */
    assert_ok(tw_rank(&r, &one, from_table, &t, NULL, err));
    assert_int_equal(r.hit[0] + r.hit[1] + r.hit[2], 0);
    tw_ranked_fini(&r);
    t.scores = odd;
    assert_ok(tw_rank(&r, &one, from_table, &t, NULL, err));
    assert_true(r.place[0] == 4 && r.place[1] == 1 && r.place[2] == -1);
    assert_int_equal(r.n_right[0], 2); /* not found is not forgotten */
    tw_ranked_fini(&r);
}

/* By falling score: classes 7, 8, 8, 7, 9. 1-NN says 7, 3-NN 8, 4-NN 7 (of equals the nearest). */
static void neighbours_vote(void **state)
{
    static const float s[10] = {0.9F, 0.8F, 0.7F, 0.6F, 0.5F, 0.9F, 0.8F, 0.7F, 0.6F, 0.5F};
    static const int32_t pool_class[5] = {7, 8, 8, 7, 9}, query_class[2] = {7, -1};
    const tw_rank_task by_class = {
        .queries = 2, .pool = 5, .k = 5, .query_class = query_class, .pool_class = pool_class};
    table t = {s, 5};
    tw_ranked r;
    tw_mean m;
    (void) state;
    assert_ok(tw_rank(&r, &by_class, from_table, &t, NULL, err));
    assert_int_equal(r.n_right[0], 2);
    assert_int_equal(r.n_right[1], 0);
    assert_true(r.hit[0] && !r.hit[1] && !r.hit[2] && r.hit[3] && !r.hit[5]);
    assert_ok(tw_knn_measure(&m, &r, &by_class, 1, err));
    assert_true(m.n == 1 && m.mean == 1);
    assert_ok(tw_knn_measure(&m, &r, &by_class, 3, err));
    assert_near(m.mean, 0, 0);
    assert_ok(tw_knn_measure(&m, &r, &by_class, 4, err));
    assert_near(m.mean, 1, 0);
    assert_status(tw_knn_measure(&m, &r, &by_class, 6, err), TW_EINVAL);
    assert_status(tw_knn_measure(&m, &r, &task, 1, err), TW_EINVAL);
    tw_ranked_fini(&r);
}

/* ---- against a full sort --------------------------------------------------------------------- */

enum { N = 2100, Q = 150, D = 5, K = 20, CLASSES = 9 };
static float vecs[N * D];
static int32_t cls[N], self[Q];

static void fill(void)
{
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < N * D; i++)
        vecs[i] = (float) tw_rng_normal(&rng);
    for (int i = 0; i < N; i++)
        cls[i] = (int32_t) tw_rng_below(&rng, CLASSES);
    for (int q = 0; q < Q; q++)
        self[q] = q;
}

static double score_of(int q, int i, tw_nearness nearness)
{
    double sum = 0;
    for (int j = 0; j < D; j++) {
        const double a = (double) vecs[q * D + j], b = (double) vecs[i * D + j];
        sum += nearness == TW_NEAR_EUCLID ? -(a - b) * (a - b) : a * b;
    }
    return sum;
}

/* How many places score higher than the one that stands at rank k must be k, ties apart. */
static void check_against_sort(tw_nearness nearness, tw_pool *pool, tw_ranked *r)
{
    const tw_rank_task by_class = {
        .queries = Q, .pool = N, .k = K, .own = self, .query_class = cls, .pool_class = cls};
    tw_dense *dense;
    assert_ok(tw_dense_create(&dense, vecs, vecs, N, D, nearness, 2, err));
    assert_ok(tw_rank(r, &by_class, tw_dense_score, dense, pool, err));
    for (int q = 0; q < Q; q++) {
        int64_t alike = 0;
        for (int i = 0; i < N; i++)
            alike += i != q && cls[i] == cls[q];
        assert_int_equal(r->n_right[q], alike);
        for (int k = 0; k < K; k++) {
            const int32_t place = r->place[q * K + k];
            const double mine = score_of(q, place, nearness);
            int above = 0, near = 0;
            assert_true(place != q);
            for (int i = 0; i < N; i++) {
                const double s = score_of(q, i, nearness);
                above += i != q && s > mine + 1e-4;
                near += i != q && s > mine - 1e-4;
            }
            assert_true(above <= k && k < near);
            assert_int_equal(r->hit[q * K + k], cls[place] == cls[q]);
        }
    }
    tw_dense_destroy(dense);
}

static void lists_are_those_of_a_full_sort(void **state)
{
    tw_pool *pool;
    tw_ranked a, b;
    (void) state;
    fill();
    assert_ok(tw_pool_create(&pool, 2, err));
    check_against_sort(TW_NEAR_INNER, NULL, &a);
    check_against_sort(TW_NEAR_INNER, pool, &b);
    assert_memory_equal(a.hit, b.hit, Q * K);
    tw_ranked_fini(&a);
    tw_ranked_fini(&b);
    check_against_sort(TW_NEAR_EUCLID, pool, &b);
    tw_ranked_fini(&b);
    tw_pool_destroy(pool);
}

static void wrong_tasks_are_refused(void **state)
{
    static const int32_t falling[3] = {4, 2, 3}, outside[3] = {2, 5, 3}, far_own[3] = {0, 5, 0};
    table t = {scores, 5};
    tw_rank_task wrong[6];
    tw_ranked r;
    (void) state;
    for (int k = 0; k < 6; k++)
        wrong[k] = task;
    wrong[0].k = 0;
    wrong[1].k = TW_RANK_MAX_K + 1;
    wrong[2].right = falling;
    wrong[3].right = outside;
    wrong[4].own = far_own;
    wrong[5].right_offsets = NULL;
    for (int k = 0; k < 6; k++) {
        assert_status(tw_rank(&r, &wrong[k], from_table, &t, NULL, err), TW_EINVAL);
        assert_null(r.place);
    }
    t.scores = NULL;
    assert_status(tw_rank(&r, &task, from_table, &t, NULL, err), TW_EIO);
    assert_null(r.place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_the_nearest_without_own_and_hidden),
        cmocka_unit_test(figures_by_hand),
        cmocka_unit_test(a_full_list_of_hits_is_perfect),
        cmocka_unit_test(hidden_places_are_not_to_be_found),
        cmocka_unit_test(ties_count_against_us),
        cmocka_unit_test(neighbours_vote),
        cmocka_unit_test(lists_are_those_of_a_full_sort),
        cmocka_unit_test(wrong_tasks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
