/* Who asks for whom when pairs of items are held out, with ranks by hand. */
#include "tests/support/rank.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "base/rng.h"
#include "metrics/ranking.h"

/* Points on a circle: cosines to item 0 fall with the number. */
enum { N = 14, D = 2 };

static void circle(float v[N * D])
{
    for (int i = 0; i < N; i++) {
        v[2 * i] = (float) cos(0.1 * i);
        v[2 * i + 1] = (float) sin(0.1 * i);
    }
}

/* From 0: partner 3 has 1 and 2 above it: rank 3; partner 1 has rank 1. From 3: 0 comes after 2, 4,
 * 1, 5, 6 (0.3 away each way: 0 and 6 tie, which counts against us): rank 6. From 1: 0 and 2 tie:
 * rank 2. */
static void ranks_are_those_by_hand(void **state)
{
    static const tw_item_pair held[] = {{0, 3, 1, 1}, {1, 0, 1, 1}, {0, 13, 0, 1}};
    float v[N * D];
    (void) state;
    circle(v);
    const tw_ranking r = rank_vectors(v, N, D, N, &(tw_retrieval_task){held, 3, NULL, 0, 0}, NULL);
    assert_int_equal(r.recall.n, 3);
    assert_near(r.recall.mean, 1, 1e-12);
    assert_near(r.mrr.mean, (1 + 1.0 / 6 + 1.0 / 2) / 3, 1e-12);
    const double of_0 = (1 / log2(2) + 1 / log2(4)) / (1 / log2(2) + 1 / log2(3));
    const double of_1 = 1 / log2(3), of_3 = 1 / log2(7), mean = (of_0 + of_1 + of_3) / 3;
    assert_near(r.ndcg.mean, mean, 1e-12);
    const double spread = pow(of_0 - mean, 2) + pow(of_1 - mean, 2) + pow(of_3 - mean, 2);
    assert_near(r.ndcg.se, sqrt(spread / 2 / 3), 1e-12);
}

/* 13 is 12th from 0 and out of the first ten; known partners make way until it is the tenth. */
static void known_partners_do_not_stand_in_the_way(void **state)
{
    static const tw_item_pair held[] = {{0, 13, 1, 1}};
    static const tw_item_pair known[] = {{1, 0, 1, 1}, {0, 2, 1, 1}, {3, 0, 1, 1}};
    float v[N * D];
    (void) state;
    circle(v);
    const tw_retrieval_task one = {held, 1, NULL, 0, 1}, task = {held, 1, known, 3, 0};
    assert_int_equal(rank_vectors(v, N, D, N, &one, NULL).mrr.n, 1);
    const tw_ranking r = rank_vectors(v, N, D, N, &task, NULL);
    /* From 13 nothing is known: rank 13. */
    assert_near(r.mrr.mean, (1.0 / 10 + 1.0 / 13) / 2, 1e-12);
    assert_near(rank_vectors(v, N, D, 10, &task, NULL).recall.mean, 0.5, 1e-12);
}

/* Equal vectors everywhere: every partner comes last. */
static void ties_count_against_us(void **state)
{
    static const tw_item_pair held[] = {{0, 3, 1, 1}};
    float v[N * D];
    (void) state;
    for (int i = 0; i < N; i++) {
        v[2 * i] = 0.6F;
        v[2 * i + 1] = 0.8F;
    }
    const tw_retrieval_task task = {held, 1, NULL, 0, 0};
    assert_near(rank_vectors(v, N, D, N, &task, NULL).mrr.mean, 1.0 / (N - 1), 1e-12);
    assert_near(rank_vectors(v, N, D, 10, &task, NULL).recall.mean, 0, 0);
}

static void nothing_held_out_is_no_number(void **state)
{
    float v[N * D];
    (void) state;
    circle(v);
    const tw_ranking r = rank_vectors(v, N, D, N, &(tw_retrieval_task){0}, NULL);
    assert_int_equal(r.ndcg.n, 0);
    assert_true(isnan(r.ndcg.mean));
}

static void an_item_that_is_not_there_is_refused(void **state)
{
    static const tw_item_pair held[] = {{0, N, 1, 1}};
    float v[N * D];
    tw_dense *dense;
    tw_ranked lists;
    (void) state;
    circle(v);
    assert_ok(tw_dense_create(&dense, v, v, N, D, TW_NEAR_INNER, 1, err));
    assert_status(tw_rank_pairs(&lists, N, 10, &(tw_retrieval_task){held, 1, NULL, 0, 0},
                                tw_dense_score, dense, NULL, err),
                  TW_EINVAL);
    assert_null(lists.place);
    tw_dense_destroy(dense);
}

enum { MANY = 2500, WIDE = 5, HELD = 700, DEPTH = 1000 };

/* The slow obvious version: all cosines, one query at a time. */
static double slow_mrr(const float *v, const tw_item_pair *held, const tw_item_pair *known)
{
    static unsigned char role[MANY]; /* 1 partner, 2 known or itself */
    double sum = 0, queries = 0;
    for (int q = 0; q < MANY; q++) {
        double best = INFINITY;
        memset(role, 0, sizeof role);
        for (int k = 0; k < HELD; k++) {
            if (known[k].a == q || known[k].b == q)
                role[known[k].a == q ? known[k].b : known[k].a] = 2;
        }
        for (int k = 0; k < HELD; k++)
            if ((held[k].a == q || held[k].b == q) && held[k].a != held[k].b)
                role[held[k].a == q ? held[k].b : held[k].a] = 1;
        role[q] = 2;
        for (int p = 0; p < MANY; p++) {
            double rank = 1, mine = 0;
            for (int d = 0; d < WIDE && role[p] == 1; d++)
                mine += (double) v[q * WIDE + d] * (double) v[p * WIDE + d];
            for (int o = 0; o < MANY && role[p] == 1; o++) {
                double s = 0;
                for (int d = 0; d < WIDE; d++)
                    s += (double) v[q * WIDE + d] * (double) v[o * WIDE + d];
                rank += (role[o] == 0 && s >= mine - 1e-6) || (role[o] == 1 && s > mine);
            }
            if (role[p] == 1)
                best = fmin(best, rank);
        }
        if (best < INFINITY) {
            queries++;
            sum += best <= DEPTH ? 1 / best : 0;
        }
    }
    return sum / queries;
}

/* More items and queries than one block holds, on one thread and on three. */
static void blocks_equal_one_query_at_a_time(void **state)
{
    static float v[MANY * WIDE];
    static tw_item_pair held[HELD], known[HELD];
    tw_pool *pool = NULL;
    tw_rng rng;
    (void) state;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < MANY; i++) {
        double norm = 0;
        for (int d = 0; d < WIDE; d++) {
            v[i * WIDE + d] = (float) tw_rng_normal(&rng);
            norm += (double) v[i * WIDE + d] * (double) v[i * WIDE + d];
        }
        for (int d = 0; d < WIDE; d++)
            v[i * WIDE + d] /= (float) sqrt(norm);
    }
    for (int k = 0; k < HELD; k++) {
        held[k] = (tw_item_pair){(int32_t) tw_rng_below(&rng, 300),
                                 (int32_t) tw_rng_below(&rng, MANY), 1, 1};
        known[k] = (tw_item_pair){(int32_t) tw_rng_below(&rng, 300),
                                  (int32_t) tw_rng_below(&rng, MANY), 1, 1};
    }
    assert_ok(tw_pool_create(&pool, 3, err));
    const tw_ranking one =
        rank_vectors(v, MANY, WIDE, DEPTH, &(tw_retrieval_task){held, HELD, known, HELD, 0}, NULL);
    const tw_ranking three =
        rank_vectors(v, MANY, WIDE, DEPTH, &(tw_retrieval_task){held, HELD, known, HELD, 0}, pool);
    const tw_ranking few =
        rank_vectors(v, MANY, WIDE, DEPTH, &(tw_retrieval_task){held, HELD, known, HELD, 50}, pool);
    assert_near(one.mrr.mean, slow_mrr(v, held, known),
                1e-5); /* a tie may fall either way in float */
    assert_near(one.ndcg.mean, three.ndcg.mean, 1e-9);
    assert_int_equal(few.recall.n, 50);
    tw_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_are_those_by_hand),
        cmocka_unit_test(known_partners_do_not_stand_in_the_way),
        cmocka_unit_test(ties_count_against_us),
        cmocka_unit_test(nothing_held_out_is_no_number),
        cmocka_unit_test(an_item_that_is_not_there_is_refused),
        cmocka_unit_test(blocks_equal_one_query_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
