/* Codes rule rows out: never one that belongs among the hits, and most of the others. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "index/index_codes.h"
#include "index/index_kernel.h"
#include "index/index_state.h"
#include "tests/support/test.h"

enum { N = 6007, D = 27, K = 10, QUERIES = 20 };

static float rows[N * D], queries[QUERIES * D];
static int64_t ids[N];

/* Clusters, lengths over many orders, numbers of zero, one number that dwarfs the others, doubles
 * of the row before, and rows of nothing. */
static void fill(void)
{
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < N + QUERIES; i++) {
        float *v = i < N ? rows + i * D : queries + (i - N) * D;
        const double length = exp(3 * tw_rng_normal(&rng));
        const int kind = (int) tw_rng_below(&rng, 10);
        for (int j = 0; j < D; j++)
            v[j] = (float) (length * ((i % 7 == j % 7 ? 2 : 0) + tw_rng_normal(&rng)));
        if (kind == 0)
            v[tw_rng_below(&rng, D)] *= 1e6F;
        if (kind == 1)
            memset(v, 0, D / 2 * sizeof *v);
        if (kind == 2 && i < N)
            memset(v, 0, D * sizeof *v);
        if (kind == 3 && i > 0 && i < N)
            memcpy(v, v - D, D * sizeof *v);
        if (kind == 4 && i < N)
            for (int j = 0; j < D; j++)
                v[j] *= 1e-35F; /* below the least normal float */
        if (i < N)
            ids[i] = i + 1;
    }
}

static bool coded(const tw_index *ix)
{
    twi_view v = twi_view_take(ix);
    const bool answer = v.state->main.codes.code != NULL;
    twi_view_drop(ix, v);
    return answer;
}

static tw_index *build(int n)
{
    const tw_index_config cfg = {.dim = D, .factory = "Flat"};
    tw_index *ix = NULL;
    assert_ok(tw_index_create(&ix, &cfg, err));
    assert_ok(tw_index_build(ix, ids, rows, n, NULL, NULL, err));
    return ix;
}

static void no_score_is_above_its_bound_and_few_bounds_are_far_above(void **state)
{
    (void) state;
    const twi_scores_fn scores = twi_scores_pick();
    twi_codes c;
    twi_asked asked;
    float bound[TWI_CODE_ROWS], score;
    int64_t close = 0;

    assert_ok(twi_codes_build(&c, rows, N, D, err));
    for (int q = 0; c.code != NULL && q < QUERIES; q++) {
        const float *query = queries + q * D;
        twi_codes_ask(&asked, &c, query, D);
        for (int64_t i = 0; i < N; i++) {
            if (i % TWI_CODE_ROWS == 0)
                (void) c.pass(bound, &c, &asked, i / TWI_CODE_ROWS, 0);
            scores(&score, query, rows + i * D, 0, D, 1);
            assert_true(score <= bound[i % TWI_CODE_ROWS]);
            double lengths = (double) asked.length * (double) (c.length[i] + c.missed[i]);
            close += bound[i % TWI_CODE_ROWS] - score <= 0.03 * lengths;
        }
    }
    assert_true(c.code == NULL || close > (int64_t) N * QUERIES * 3 / 4);
    twi_codes_fini(&c);
}

static void every_variant_gives_the_same_bounds_and_says_what_passes(void **state)
{
    (void) state;
    twi_codes c;
    twi_asked asked;
    float want[TWI_CODE_ROWS], got[TWI_CODE_ROWS];

    for (int dim = 1; dim <= D; dim++) {
        assert_ok(twi_codes_build(&c, rows, N, dim, err)); /* other rows, packed closer */
        if (c.code == NULL)
            skip();
        twi_codes_ask(&asked, &c, queries, dim);
        for (int block = 0; block < 20; block++) {
            float most = -INFINITY;
            (void) twi_pass_variant(0)(want, &c, &asked, block, 0);
            for (int r = 0; r < TWI_CODE_ROWS; r++)
                most = want[r] > most ? want[r] : most;
            for (int v = 0; twi_pass_variant(v) != NULL; v++) {
                assert_true(twi_pass_variant(v)(got, &c, &asked, block, most * 0.999F - 1e-30F));
                assert_false(twi_pass_variant(v)(got, &c, &asked, block, most * 1.001F + 1e-30F));
                for (int r = 0; r < TWI_CODE_ROWS; r++)
                    assert_close(got[r], want[r], 1e-6);
            }
        }
        twi_codes_fini(&c);
    }
}

static int best_first(const void *a, const void *b)
{
    const tw_hit *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

/* The slow obvious version: every row scored, sorted, the dead and excluded left out. */
static int oracle(const tw_index *ix, const float *q, const tw_index_options *opt, tw_hit *all)
{
    const twi_scores_fn scores = twi_scores_pick();
    int n = 0;
    for (int i = 0; i < N; i++) {
        bool out = !tw_index_has(ix, ids[i]);
        for (int e = 0; e < opt->n_exclude; e++)
            out = out || opt->exclude[e] == ids[i];
        if (out)
            continue;
        all[n].item = ids[i];
        scores(&all[n++].score, q, rows + i * D, 0, D, 1);
    }
    qsort(all, (size_t) n, sizeof *all, best_first);
    return n;
}

static void assert_exact(const tw_index *ix)
{
    static tw_hit all[N], got[N];
    static const int ks[] = {1, K, 90, 2000}; /* the last: too many for codes */
    int64_t exclude[50];
    int n_got;

    for (int q = 0; q < QUERIES; q++) {
        tw_index_options opt = {.exclude = exclude, .n_exclude = q % 2 ? 50 : 0};
        (void) oracle(ix, queries + q * D, &(tw_index_options){0}, all);
        for (int e = 0; e < 50; e++)
            exclude[e] = all[2 * e].item; /* just those that would be found */
        const int n = oracle(ix, queries + q * D, &opt, all);
        for (int i = 0; i < 4; i++) {
            assert_ok(tw_index_search(ix, queries + q * D, ks[i], &opt, got, &n_got, err));
            assert_int_equal(n_got, n < ks[i] ? n : ks[i]);
            for (int h = 0; h < n_got; h++) {
                assert_int_equal(got[h].item, all[h].item);
                assert_memory_equal(&got[h].score, &all[h].score, sizeof(float));
            }
        }
    }
}

static void a_coded_scan_equals_scoring_every_row(void **state)
{
    (void) state;
    tw_index *ix = build(N);
    assert_int_equal(coded(ix), twi_codes_pay());
    assert_exact(ix);
    for (int i = 0; i < N; i += 3)
        assert_ok(tw_index_delete(ix, ids[i], err));
    assert_exact(ix);
    tw_index_destroy(ix);
}

static void a_loaded_index_is_coded_again_and_a_small_one_never(void **state)
{
    (void) state;
    const tw_index_config cfg = {.dim = D};
    const char *path = tw_test_path("codes.index");
    tw_index *ix = build(N), *again = NULL;
    tw_index_stats s;

    assert_ok(tw_index_save(ix, path, NULL, 0, err));
    assert_ok(tw_index_load(&again, &cfg, path, NULL, err));
    assert_int_equal(coded(again), twi_codes_pay());
    assert_exact(again);
    tw_index_destroy(again);
    tw_index_destroy(ix);
    ix = build(1000);
    assert_false(coded(ix));
    tw_index_get_stats(ix, &s);
    assert_true(s.exact);
    tw_index_destroy(ix);
}

/* By default a graph comes where a scan would be long. */
static void the_width_decides_when_a_graph_is_due(void **state)
{
    (void) state;
    tw_index *ix = NULL;
    const tw_index_config narrow = {.dim = 8}, wide = {.dim = 2048};

    assert_ok(tw_index_create(&ix, &narrow, err));
    assert_int_equal(ix->cfg.exact_below, twi_codes_pay() ? (1 << 24) / 8 : 10000);
    tw_index_destroy(ix);
    assert_ok(tw_index_create(&ix, &wide, err));
    assert_int_equal(ix->cfg.exact_below, 10000);
    tw_index_destroy(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_score_is_above_its_bound_and_few_bounds_are_far_above),
        cmocka_unit_test(every_variant_gives_the_same_bounds_and_says_what_passes),
        cmocka_unit_test(a_coded_scan_equals_scoring_every_row),
        cmocka_unit_test(a_loaded_index_is_coded_again_and_a_small_one_never),
        cmocka_unit_test(the_width_decides_when_a_graph_is_due),
    };
    fill();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
