#include "nn/tape/tape.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/support/test.h"

enum { N = 4, D = 3 };

static struct {
    tw_params *ps;
    tw_param *table, *w, *b;
    tw_grads *grads;
    tw_tape *tape;
} m;

static const int32_t ids[N] = {0, 1, 2, 1};

static int set_up(void **state)
{
    (void) state;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    assert_ok(tw_params_create(&m.ps, err));
    assert_ok(tw_params_add(m.ps, &m.table, "table", 5, D, TW_TABLE, err));
    assert_ok(tw_params_add(m.ps, &m.w, "w", D, D, TW_DENSE, err));
    assert_ok(tw_params_add(m.ps, &m.b, "b", 1, D, TW_DENSE, err));
    tw_param_init_normal(m.b, 1, &rng);
    tw_param_init_normal(m.table, 1, &rng);
    tw_param_init_normal(m.w, 1, &rng);
    assert_ok(tw_grads_create(&m.grads, m.ps, err));
    assert_ok(tw_tape_create(&m.tape, m.grads, err));
    return 0;
}

static int tear_down(void **state)
{
    (void) state;
    tw_tape_destroy(m.tape);
    tw_grads_destroy(m.grads);
    tw_params_destroy(m.ps);
    return 0;
}

static void an_inferring_tape_drops_nothing_and_keeps_no_gradient(void **state)
{
    (void) state;
    tw_tape *t = NULL;
    assert_ok(tw_tape_create(&t, NULL, err));
    tw_tape_reset(t, 1, 2, 3);
    tw_tensor *x = tw_op_gather(t, m.table, ids, N, 1);
    assert_non_null(x);
    assert_null(x->d);
    assert_ptr_equal(tw_op_dropout(t, x, 0.9), x);
    assert_false(tw_tape_records(t));
    (void) tw_op_softmax_ce(t, x, m.table, 0, 5, ids, 1, 1);
    assert_status(tw_tape_backward(t, err), TW_ESTATE);
    tw_tape_destroy(t);
}

static void only_rows_that_were_used_get_a_gradient(void **state)
{
    (void) state;
    const tw_real ones[N * D] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const int64_t *rows;
    int64_t n;
    tw_tape_reset(m.tape, 1, 2, 3);
    tw_tensor *x = tw_op_gather(m.tape, m.table, ids, N, 2);
    tw_tape_seed(m.tape, x, ones);
    assert_ok(tw_tape_backward(m.tape, err));
    tw_grads_touched(m.grads, m.table, &rows, &n);
    assert_true(n == 3 && rows[0] == 0 && rows[1] == 1 && rows[2] == 2);
    assert_true(tw_grads_peek(m.grads, m.table, 0)[0] == 2);
    assert_true(tw_grads_peek(m.grads, m.table, 1)[0] == 4); /* gathered twice */
}

static void the_same_seed_throws_the_same_coins(void **state)
{
    (void) state;
    enum { BIG = 64 };
    tw_real ones[BIG], first[BIG];
    for (int i = 0; i < BIG; i++)
        ones[i] = 1;
    for (uint64_t step = 0; step < 3; step++) { /* steps 7, 7, 8 */
        tw_tape_reset(m.tape, 1, step < 2 ? 7 : 8, 0);
        tw_tensor *y = tw_op_dropout(m.tape, tw_op_input(m.tape, ones, 1, BIG), 0.5);
        assert_non_null(y);
        if (step == 0)
            memcpy(first, y->v, sizeof first);
        assert_int_equal(memcmp(first, y->v, sizeof first) == 0, step < 2);
    }
}

static void the_next_piece_throws_new_coins_in_the_same_memory(void **state)
{
    (void) state;
    enum { BIG = 64 };
    tw_real ones[BIG], first[BIG];
    const tw_real *where = NULL;
    for (int i = 0; i < BIG; i++)
        ones[i] = 1;
    tw_tape_reset(m.tape, 1, 7, 0);
    for (int piece = 0; piece < 3; piece++) {
        tw_tensor *y = tw_op_dropout(m.tape, tw_op_input(m.tape, ones, 1, BIG), 0.5);
        assert_non_null(y);
        if (piece == 0) {
            memcpy(first, y->v, sizeof first);
            where = y->v;
        }
        assert_int_equal(memcmp(first, y->v, sizeof first) == 0, piece == 0);
        assert_ptr_equal(y->v, where);
        tw_tape_next(m.tape);
        assert_ok(tw_tape_backward(m.tape, err)); /* nothing is left to play */
    }
}

static void out_of_memory_is_sticky_until_the_reset(void **state)
{
    (void) state;
    long nth = 0;
    bool fired;
    do {
        tw_tape *t = NULL;
        assert_ok(tw_tape_create(&t, m.grads, err));
        tw_torture_arm(++nth);
        tw_tensor *x = tw_op_gather(t, m.table, ids, N, 1);
        x = tw_op_relu(t, tw_op_linear(t, x, m.w, NULL));
        (void) tw_op_softmax_ce(t, x, m.table, 0, 5, ids, 1, 1);
        fired = tw_torture_fired();
        tw_torture_arm(0);
        assert_int_equal(tw_tape_status(t, NULL), fired ? TW_ENOMEM : TW_OK);
        assert_int_equal(tw_tape_backward(t, NULL), fired ? TW_ENOMEM : TW_OK);
        tw_tape_reset(t, 1, 2, 3);
        assert_ok(tw_tape_status(t, err));
        assert_non_null(tw_op_gather(t, m.table, ids, N, 1));
        tw_tape_destroy(t);
    } while (fired);
    assert_true(nth >= 3); /* the arena's two and the list of records */
}

static void every_op_passes_a_lost_tensor_on(void **state)
{
    (void) state;
    tw_tape *t = m.tape;
    const int32_t offsets[2] = {0, N};
    tw_tape_reset(t, 1, 2, 3);
    tw_tensor *x = tw_op_gather(t, m.table, ids, N, 1);
    assert_null(tw_op_linear(t, NULL, m.w, NULL));
    assert_null(tw_op_add(t, x, NULL));
    assert_null(tw_op_add_to(t, NULL, x));
    assert_null(tw_op_scale(t, NULL, 1));
    assert_null(tw_op_concat(t, NULL, x));
    assert_null(tw_op_columns(t, NULL, 0, 1));
    assert_null(tw_op_rows(t, NULL, ids, 1));
    assert_null(tw_op_relu(t, NULL));
    assert_null(tw_op_gelu(t, NULL));
    assert_null(tw_op_dropout(t, NULL, 0.5));
    assert_null(tw_op_layernorm(t, NULL, m.w, m.w, 0));
    assert_null(tw_op_l2norm(t, NULL));
    assert_null(tw_op_attention(t, x, NULL, x, offsets, 1, 1, 1, 0));
    assert_null(tw_op_attention_last(t, x, NULL, x, offsets, 1, 1, 1));
    assert_null(tw_op_rowdot(t, x, NULL));
    assert_true(tw_op_softmax_ce(t, NULL, m.table, 0, 5, ids, 1, 1) == 0);
    assert_true(tw_op_bce(t, NULL, m.table, ids, ids, 1, NULL, 1) == 0);
    tw_tape_seed(t, NULL, NULL);
    assert_status(tw_tape_status(t, err), TW_ENOMEM);
}

static void softmax_ce_in_blocks_equals_one_block(void **state)
{
    (void) state;
    enum { ROWS = 700 }; /* more than two blocks of rows */
    static int32_t many[ROWS];
    static int32_t targets[ROWS];
    double one_by_one = 0;
    for (int i = 0; i < ROWS; i++) {
        many[i] = i % 5;
        targets[i] = (i * 7) % 5;
    }
    tw_tape_reset(m.tape, 1, 2, 3);
    tw_tensor *x = tw_op_gather(m.tape, m.table, many, ROWS, 1);
    double all = tw_op_softmax_ce(m.tape, x, m.table, 0, 5, targets, 0.7, 1);
    for (int i = 0; i < ROWS; i++) {
        tw_tensor *row = tw_op_gather(m.tape, m.table, many + i, 1, 1);
        one_by_one += tw_op_softmax_ce(m.tape, row, m.table, 0, 5, targets + i, 0.7, 0);
        assert_non_null(row);
        for (int j = 0; j < D; j++)
            assert_true(row->d[j] == 0); /* scale 0: no gradient */
    }
    assert_near(all, one_by_one, 1e-3);
}

static void with_every_item_a_candidate_the_softmax_is_the_full_one(void **state)
{
    (void) state;
    enum { ROWS = 300 }; /* more than a block of rows */
    static int32_t many[ROWS], targets[ROWS];
    static const int32_t every[5] = {0, 1, 2, 3, 4};
    tw_real dx[ROWS * D], dtable[5 * D];
    const tw_candidates how = {.count = 5, .temperature = 0.7};
    for (int i = 0; i < ROWS; i++) {
        many[i] = i % 5;
        targets[i] = i % 11 == 0 ? -1 : (i * 7) % 5;
    }
    tw_tape_reset(m.tape, 1, 2, 3);
    tw_tensor *x = tw_op_gather(m.tape, m.table, many, ROWS, 1);
    assert_non_null(x);
    double full = tw_op_softmax_ce(m.tape, x, m.table, 0, 5, targets, 0.7, 1);
    memcpy(dx, x->d, sizeof dx);
    memcpy(dtable, tw_grads_peek(m.grads, m.table, 0), sizeof dtable);

    tw_grads_zero(m.grads);
    tw_tape_reset(m.tape, 1, 2, 3);
    x = tw_op_gather(m.tape, m.table, many, ROWS, 1);
    tw_tensor *items = tw_op_gather(m.tape, m.table, every, 5, 1);
    assert_non_null(items);
    assert_near(tw_op_candidates(m.tape, x, items, targets, &how, NULL, 1), full, 1e-3);
    for (int i = 0; i < ROWS * D; i++)
        assert_near(x->d[i], dx[i], 1e-5);
    for (int i = 0; i < 5 * D; i++)
        assert_near(items->d[i], dtable[i], 1e-3);
}

/* The loss of one row against its own candidates, by the formula. */
static double softmax_by_hand(const tw_real *x, int32_t pos, const bool *out, const tw_real *weight)
{
    double s[5], sum = 0;
    for (int c = 0; c < 5; c++) {
        s[c] = 0;
        for (int j = 0; j < D; j++)
            s[c] += (double) x[j] * (double) m.table->value[c * D + j] / 0.7;
        if (c != pos && !out[c])
            sum += exp(s[c] + (double) weight[c]);
    }
    return log(exp(s[pos]) + sum) - s[pos];
}

/* Each row has its own; in the last block of rows, too. */
static void a_row_does_not_meet_what_it_excludes(void **state)
{
    (void) state;
    enum { ROWS = 700 };
    static int32_t many[ROWS], targets[ROWS], from[ROWS], upto[ROWS];
    static const int32_t every[5] = {0, 1, 2, 3, 4}, excluded[7] = {4, 0, 2, 2, 1, 3, 0};
    static const tw_real weight[5] = {0.5, -1, 0, 2, -0.25};
    const tw_candidates how = {.count = 5,
                               .log_weight = weight,
                               .excluded = excluded,
                               .from = from,
                               .upto = upto,
                               .temperature = 0.7};
    double want = 0;
    for (int i = 0; i < ROWS; i++) {
        bool out[5] = {false};
        many[i] = i % 5;
        targets[i] = i % 11 == 0 ? -1 : (i * 7) % 5;
        from[i] = i % 4;
        upto[i] = from[i] + i % 3;
        for (int32_t k = from[i]; k < upto[i]; k++)
            out[excluded[k]] = true;
        if (targets[i] >= 0)
            want += softmax_by_hand(m.table->value + many[i] * D, targets[i], out, weight);
    }
    tw_tape_reset(m.tape, 1, 2, 3);
    tw_tensor *x = tw_op_gather(m.tape, m.table, many, ROWS, 1);
    tw_tensor *items = tw_op_gather(m.tape, m.table, every, 5, 1);
    assert_non_null(items);
    assert_close(tw_op_candidates(m.tape, x, items, targets, &how, NULL, 1), want, 1e-5);
}

static void linear_in_chunks_equals_smaller_calls(void **state)
{
    (void) state;
    enum { ROWS = 600, PART = 100 }; /* more than two chunks of rows */
    static int32_t many[ROWS];
    static tw_real seed[ROWS * D], whole[ROWS * D], dwhole[D * D], dpart[D * D];
    for (int i = 0; i < ROWS; i++)
        many[i] = (i * 3) % 5;
    for (int i = 0; i < ROWS * D; i++)
        seed[i] = (tw_real) ((i % 7) - 3);

    tw_tape_reset(m.tape, 1, 2, 3);
    tw_tensor *x = tw_op_gather(m.tape, m.table, many, ROWS, 1);
    tw_tensor *y = tw_op_linear(m.tape, x, m.w, m.b);
    assert_non_null(y);
    memcpy(whole, y->v, sizeof whole);
    tw_tape_seed(m.tape, y, seed);
    assert_ok(tw_tape_backward(m.tape, err));
    memcpy(dwhole, tw_grads_peek(m.grads, m.w, 0), sizeof dwhole);
    double db = (double) tw_grads_peek(m.grads, m.b, 0)[1];

    tw_grads_zero(m.grads);
    for (int r = 0; r < ROWS; r += PART) {
        tw_tape_reset(m.tape, 1, 2, 3);
        x = tw_op_gather(m.tape, m.table, many + r, PART, 1);
        y = tw_op_linear(m.tape, x, m.w, m.b);
        assert_non_null(y);
        for (int i = 0; i < PART * D; i++)
            assert_near(y->v[i], whole[r * D + i], 1e-5);
        tw_tape_seed(m.tape, y, seed + r * D);
        assert_ok(tw_tape_backward(m.tape, err));
    }
    memcpy(dpart, tw_grads_peek(m.grads, m.w, 0), sizeof dpart);
    for (int i = 0; i < D * D; i++)
        assert_close(dwhole[i], dpart[i], 1e-4);
    assert_close(db, tw_grads_peek(m.grads, m.b, 0)[1], 1e-4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_inferring_tape_drops_nothing_and_keeps_no_gradient),
        TEST(only_rows_that_were_used_get_a_gradient),
        TEST(the_same_seed_throws_the_same_coins),
        TEST(the_next_piece_throws_new_coins_in_the_same_memory),
        TEST(out_of_memory_is_sticky_until_the_reset),
        TEST(every_op_passes_a_lost_tensor_on),
        TEST(softmax_ce_in_blocks_equals_one_block),
        TEST(with_every_item_a_candidate_the_softmax_is_the_full_one),
        TEST(a_row_does_not_meet_what_it_excludes),
        TEST(linear_in_chunks_equals_smaller_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
