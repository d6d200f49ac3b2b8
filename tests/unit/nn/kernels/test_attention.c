#include "nn/kernels/attention.h"

#include <math.h>
#include <string.h>

#include "tests/unit/nn/gradcheck.h"

/* Sequences of 1, 5 and 70 rows (70 crosses the block of 64) and an empty one; two heads of 3. */
enum { S = 4, N = 76, H = 2, D = 6, W = D / H, ND = N * D, ROOM = 20000 };
static const int32_t offsets[S + 1] = {0, 1, 1, 6, 76};
static tw_real q[ND], k[ND], v[ND], w[ND], o[ND], P[ROOM], work[ROOM];
static tw_attention shape;

static double loss(void *ctx)
{
    (void) ctx;
    tw_attention_forward(o, P, work, q, k, v, &shape);
    return weighted_sum(w, o, ND);
}

static void fill(double dropout)
{
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    fill_random(&rng, q, ND);
    fill_random(&rng, k, ND);
    fill_random(&rng, v, ND);
    fill_random(&rng, w, ND);
    shape = (tw_attention){
        .offsets = offsets, .S = S, .heads = H, .D = D, .scale = 0.7, .dropout = dropout, .key = 5};
    assert_true(tw_attention_kept(&shape) <= ROOM && tw_attention_work(&shape) <= ROOM);
}

static void check_backward(void)
{
    static tw_real dq[ND], dk[ND], dv[ND];
    memset(dq, 0, sizeof dq);
    memset(dk, 0, sizeof dk);
    memset(dv, 0, sizeof dv);
    (void) loss(NULL);
    tw_attention_backward(dq, dk, dv, work, w, P, q, k, v, &shape);
    check_gradient(q, dq, ND, loss, NULL);
    check_gradient(k, dk, ND, loss, NULL);
    check_gradient(v, dv, ND, loss, NULL);
}

static void backward_matches_central_difference(void **state)
{
    (void) state;
    fill(0);
    check_backward();
}

static void backward_matches_with_dropout(void **state)
{
    (void) state;
    fill(0.4);
    check_backward();
}

/* The obvious way: one row, one head, one key at a time. */
static void forward_matches_the_definition(void **state)
{
    (void) state;
    fill(0);
    (void) loss(NULL);
    for (int s = 0; s < S; s++)
        for (int i = offsets[s]; i < offsets[s + 1]; i++)
            for (int h = 0; h < H; h++) {
                double sum = 0, out[W] = {0};
                for (int j = offsets[s]; j <= i; j++) {
                    double dot = 0;
                    for (int c = 0; c < W; c++)
                        dot += q[i * D + h * W + c] * k[j * D + h * W + c];
                    double e = exp(0.7 * dot);
                    sum += e;
                    for (int c = 0; c < W; c++)
                        out[c] += e * v[j * D + h * W + c];
                }
                for (int c = 0; c < W; c++)
                    assert_near(o[i * D + h * W + c], out[c] / sum, 1e-13);
            }
}

static void inference_gives_the_same_without_keeping_anything(void **state)
{
    (void) state;
    static tw_real other[ND];
    fill(0);
    (void) loss(NULL);
    tw_attention_forward(other, NULL, work, q, k, v, &shape);
    assert_memory_equal(other, o, sizeof o);
}

static void the_last_rows_alone_get_what_they_get_among_all(void **state)
{
    (void) state;
    static const int32_t three[S] = {0, 1, 6, 76}; /* no sequence is empty here */
    static tw_real some[(S - 1) * D], out[(S - 1) * D];
    fill(0);
    (void) loss(NULL);
    shape.offsets = three;
    shape.S = S - 1;
    for (int s = 0; s < S - 1; s++)
        memcpy(some + s * D, q + (three[s + 1] - 1) * D, D * sizeof *q);
    tw_attention_last(out, work, some, k, v, &shape);
    for (int s = 0; s < S - 1; s++)
        for (int c = 0; c < D; c++)
            assert_near(out[s * D + c], o[(three[s + 1] - 1) * D + c], 1e-13);
}

static void values_by_hand(void **state)
{
    (void) state;
    const int32_t two[2] = {0, 2};
    const tw_real one[2] = {1, 1}, keys[2] = {0, 1}, values[2] = {10, 20};
    tw_real out[2];
    tw_attention a = {.offsets = two, .S = 1, .heads = 1, .D = 1, .scale = 1};
    tw_attention_forward(out, NULL, work, one, keys, values, &a);
    assert_near(out[0], 10, 1e-15); /* the first row sees itself only */
    assert_near(out[1], (10 + 20 * exp(1)) / (1 + exp(1)), 1e-13);
}

static void large_scores_do_not_overflow(void **state)
{
    (void) state;
    const int32_t two[2] = {0, 2};
    const tw_real one[2] = {1000, 1000}, keys[2] = {-1000, 1000}, values[2] = {10, 20};
    tw_real out[2];
    tw_attention a = {.offsets = two, .S = 1, .heads = 1, .D = 1, .scale = 1};
    tw_attention_forward(out, NULL, work, one, keys, values, &a);
    assert_near(out[0], 10, 1e-15);
    assert_near(out[1], 20, 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backward_matches_central_difference),
        cmocka_unit_test(backward_matches_with_dropout),
        cmocka_unit_test(forward_matches_the_definition),
        cmocka_unit_test(inference_gives_the_same_without_keeping_anything),
        cmocka_unit_test(the_last_rows_alone_get_what_they_get_among_all),
        cmocka_unit_test(values_by_hand),
        cmocka_unit_test(large_scores_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
