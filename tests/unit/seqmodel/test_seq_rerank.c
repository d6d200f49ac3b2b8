#include <math.h>

#include "base/alloc.h"
#include "tests/unit/seqmodel/seq_toy.h"

enum { ITEMS = 200, DIM = 7, POOL = 120 };

/* Items 1..5 in the plane: 1 and 2 are the same direction, 3 is at right angles, 4 is opposite, 5
 * has no vector. */
static const tw_real plane[] = {0, 0, 2, 0, 3, 0, 0, 1, -1, 0, 0, 0};

static tw_seq_pool small(const int32_t *items, const tw_real *scores, const int64_t *counts, int n)
{
    static const tw_real *vectors[5];
    for (int i = 0; i < n; i++)
        vectors[i] = plane + items[i] * 2;
    return (tw_seq_pool){
        .n = n, .scores = scores, .counts = counts, .vectors = vectors, .dim = 2, .temperature = 1};
}

static void check_order(const tw_seq_pool *pool, double w, double p, int k, const int *want)
{
    const tw_seq_rerank_config cfg = {.diversity = w, .popularity_discount = p};
    double scratch[3 * 5];
    int got[5];
    int n = tw_seq_rerank(got, &cfg, pool, k, scratch);
    assert_int_equal(n, k < pool->n ? k : pool->n);
    for (int i = 0; i < n; i++)
        if (got[i] != want[i])
            fail_msg("w %g p %g: place %d has %d, not %d", w, p, i, got[i], want[i]);
}

static void without_weights_it_is_the_order_of_scores(void **state)
{
    (void) state;
    const int32_t items[] = {1, 2, 3, 4, 5};
    const tw_real scores[] = {5, 4, 4, 3, -1};
    const tw_seq_pool pool = small(items, scores, NULL, 5);
    check_order(&pool, 0, 0, 5, (int[]){0, 1, 2, 3, 4});
    check_order(&pool, 0, 0, 3, (int[]){0, 1, 2});
    check_order(&pool, 0, 0, 9, (int[]){0, 1, 2, 3, 4});
}

/* R = 1, 0.9, 0.5, 0. After item 1 the cosines are 1 (item 2), 0 (3), -1 (4):
 *   w = 0.2: 0.72 - 0.2 = 0.52, 0.40, 0 + 0.2 -> 2, then max cosines to {1,2} the same -> 3
 *   w = 0.5: 0.45 - 0.5 = -0.05, 0.25, 0 + 0.5 = 0.5 -> 4; then 3: 0.25 - 0.5 * 0 -> 3 */
static void likeness_costs_what_the_formula_says(void **state)
{
    (void) state;
    const int32_t items[] = {1, 2, 3, 4};
    const tw_real scores[] = {10, 9, 5, 0};
    const tw_seq_pool pool = small(items, scores, NULL, 4);
    check_order(&pool, 0.2, 0, 4, (int[]){0, 1, 2, 3});
    check_order(&pool, 0.5, 0, 4, (int[]){0, 3, 2, 1});
    check_order(&pool, 1, 0, 4, (int[]){0, 3, 2, 1}); /* the first pick is the most relevant */
}

static void an_item_without_a_vector_is_like_nothing(void **state)
{
    (void) state;
    const int32_t items[] = {1, 2, 5};
    const tw_real scores[] = {3, 2, 1};
    tw_seq_pool pool = small(items, scores, NULL, 3);
    check_order(&pool, 0.6, 0, 3, (int[]){0, 2, 1}); /* 0.2 - 0.6 < 0 - 0 */
    const tw_real *const last_missing[] = {plane + 2, plane + 4, NULL};
    pool.vectors = last_missing;
    check_order(&pool, 0.6, 0, 3, (int[]){0, 2, 1});
    pool.vectors = NULL;
    check_order(&pool, 0.6, 0, 3, (int[]){0, 1, 2});
}

/* Logits 2, 1, 0 (temperature 0.5 of scores 1, 0.5, 0); counts e^2-1, 0, 0, so p = 1 takes 2 off.
 */
static void the_discount_is_taken_in_logits(void **state)
{
    (void) state;
    const int32_t items[] = {1, 2, 3};
    const tw_real scores[] = {1, (tw_real) 0.5, 0};
    const int64_t counts[] = {6, 0, 0}; /* log 7 = 1.946 */
    tw_seq_pool pool = small(items, scores, counts, 3);
    pool.temperature = 0.5;
    check_order(&pool, 0, 0.5, 3, (int[]){0, 1, 2}); /* 1.03, 1, 0 */
    check_order(&pool, 0, 0.6, 3, (int[]){1, 0, 2}); /* 0.83, 1, 0 */
    check_order(&pool, 0, 1.1, 3, (int[]){1, 2, 0}); /* -0.14, 1, 0 */
    pool.temperature = 1;
    check_order(&pool, 0, 0.5, 3, (int[]){1, 0, 2}); /* 0.03, 0.5, 0 */
}

/* The formula again, as slowly as it can be written. */
static void oracle(int *order, const tw_seq_rerank_config *cfg, const tw_seq_pool *pool, int k)
{
    double R[POOL], least = INFINITY, most = -INFINITY;
    bool taken[POOL] = {false};
    for (int i = 0; i < pool->n; i++) {
        R[i] = (double) pool->scores[i] / pool->temperature -
               cfg->popularity_discount * log(1 + (double) pool->counts[i]);
        least = fmin(least, R[i]);
        most = fmax(most, R[i]);
    }
    for (int place = 0; place < k; place++) {
        int best = -1;
        double best_value = -INFINITY;
        for (int i = 0; i < pool->n; i++) {
            double near = -1;
            for (int p = 0; p < place; p++) {
                const tw_real *a = pool->vectors[i];
                const tw_real *b = pool->vectors[order[p]];
                double ab = 0, aa = 0, bb = 0;
                for (int j = 0; j < DIM; j++) {
                    ab += (double) a[j] * (double) b[j];
                    aa += (double) a[j] * (double) a[j];
                    bb += (double) b[j] * (double) b[j];
                }
                near = fmax(near, ab / sqrt(aa * bb));
            }
            double value =
                (1 - cfg->diversity) * (R[i] - least) / (most - least) - cfg->diversity * near;
            if (!taken[i] && value > best_value) {
                best = i;
                best_value = value;
            }
        }
        order[place] = best;
        taken[best] = true;
    }
}

typedef struct random_pool {
    tw_real table[(ITEMS + 1) * DIM], scores[POOL];
    const tw_real *vectors[POOL];
    int64_t counts[POOL];
    tw_seq_pool pool;
} random_pool;

static void draw(random_pool *r)
{
    tw_rng rng;
    int32_t deck[ITEMS];
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < (ITEMS + 1) * DIM; i++)
        r->table[i] = (tw_real) tw_rng_normal(&rng);
    for (int32_t i = 0; i < ITEMS; i++)
        deck[i] = i + 1;
    tw_rng_shuffle(&rng, deck, ITEMS);
    for (int i = 0; i < POOL; i++) {
        r->vectors[i] = r->table + deck[i] * DIM;
        r->scores[i] = (tw_real) tw_rng_normal(&rng);
        r->counts[i] = (int64_t) tw_rng_below(&rng, 5000);
    }
    r->pool = (tw_seq_pool){.n = POOL,
                            .scores = r->scores,
                            .counts = r->counts,
                            .vectors = r->vectors,
                            .dim = DIM,
                            .temperature = 0.7};
}

static void it_agrees_with_the_slow_form_and_allocates_nothing(void **state)
{
    (void) state;
    static random_pool r;
    double scratch[3 * POOL];
    int fast[POOL], slow[POOL], shorter[POOL];
    draw(&r);
    for (int w = 1; w <= 9; w += 2) {
        const tw_seq_rerank_config cfg = {.diversity = 0.1 * w, .popularity_discount = 0.2 * w};
        long before = tw_alloc_count();
        assert_int_equal(tw_seq_rerank(fast, &cfg, &r.pool, 40, scratch), 40);
        assert_int_equal(tw_alloc_count(), before);
        oracle(slow, &cfg, &r.pool, 40);
        assert_memory_equal(fast, slow, 40 * sizeof *fast);
        assert_int_equal(tw_seq_rerank(shorter, &cfg, &r.pool, 10, scratch), 10);
        assert_memory_equal(fast, shorter, 10 * sizeof *fast); /* a head of the longer list */
    }
}

static void weights_out_of_range_get_a_sentence(void **state)
{
    (void) state;
    tw_error e = {0};
    tw_seq_rerank_config cfg = {.diversity = 1, .popularity_discount = TW_SEQ_MAX_DISCOUNT};
    assert_ok(tw_seq_rerank_check(&cfg, err));
    assert_true(tw_seq_rerank_active(&cfg));
    cfg = (tw_seq_rerank_config){.diversity = 1.5};
    assert_int_equal(tw_seq_rerank_check(&cfg, &e), TW_EINVAL);
    assert_string_equal(e.msg, "diversity 1.5 is outside 0..1");
    cfg.diversity = NAN;
    assert_status(tw_seq_rerank_check(&cfg, err), TW_EINVAL);
    cfg = (tw_seq_rerank_config){.popularity_discount = -0.1};
    assert_int_equal(tw_seq_rerank_check(&cfg, &e), TW_EINVAL);
    assert_string_equal(e.msg, "popularity_discount -0.1 is outside 0..10");
    assert_false(tw_seq_rerank_active(&(tw_seq_rerank_config){0}));
}

static void scores_become_logits_by_the_loss(void **state)
{
    (void) state;
    tw_seq_config c = toy_config();
    c.temperature = 0.25;
    c.loss = TW_SEQ_CE;
    tw_seq_model *m = toy_model(&c, 2, 3);
    assert_true(tw_seq_logit_temperature(m) == 0.25);
    tw_seq_model_destroy(m);
    c.loss = TW_SEQ_BCE; /* its logits are the scores themselves */
    m = toy_model(&c, 2, 3);
    assert_true(tw_seq_logit_temperature(m) == 1);
    tw_seq_model_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_weights_it_is_the_order_of_scores),
        cmocka_unit_test(likeness_costs_what_the_formula_says),
        cmocka_unit_test(an_item_without_a_vector_is_like_nothing),
        cmocka_unit_test(the_discount_is_taken_in_logits),
        cmocka_unit_test(it_agrees_with_the_slow_form_and_allocates_nothing),
        cmocka_unit_test(weights_out_of_range_get_a_sentence),
        cmocka_unit_test(scores_become_logits_by_the_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
