/* The laws of the forward pass: causal, packed like single, blind to the order of a batch, and with
 * a user term that moves no rank. */
#include <math.h>
#include <string.h>

#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_forward.h"
#include "seqmodel/seq_model.h"
#include "tests/unit/seqmodel/seq_toy.h"

enum { ITEMS = 20, USERS = 5, T = 6, D = 6, DI = 4 };

static tw_seq_model *scrambled(tw_seq_norm norm)
{
    tw_seq_config c = toy_config();
    c.max_len = T;
    c.blocks = 2;
    c.heads = 2;
    c.norm = norm;
    c.dropout = 0.5; /* must not matter: these tapes only infer */
    tw_seq_model *m = toy_model(&c, USERS, ITEMS);
    toy_scramble(m, 0.5);
    return m;
}

/* F of one packed run over n sequences, copied into out. */
static void forward(const tw_seq_model *m, tw_real *out, int n, const int32_t *users,
                    const int32_t *const *items, const int *lengths)
{
    twi_batch b;
    tw_tape *t = NULL;

    assert_ok(tw_tape_create(&t, NULL, err));
    assert_ok(twi_seq_batch_init(&b, n, n * T, false, 0, err));
    for (int s = 0; s < n; s++)
        (void) twi_batch_add(&b, T, users[s], items[s], lengths[s]);
    tw_tensor *F = twi_forward(m, t, &b);
    assert_ok(tw_tape_status(t, err));
    assert_int_equal(F->rows, b.tokens);
    assert_int_equal(F->cols, D);
    memcpy(out, F->v, (size_t) F->rows * D * sizeof *out);
    twi_seq_batch_fini(&b);
    tw_tape_destroy(t);
}

static void a_future_item_never_changes_a_past_row(void **state)
{
    (void) state;
    for (int norm = 0; norm < 3; norm++) {
        tw_seq_model *m = scrambled((tw_seq_norm) norm);
        int32_t items[T] = {3, 9, 4, 17, 8, 2};
        const int32_t *rows[] = {items};
        const int32_t user = 2;
        const int len = T;
        tw_real before[T * D], after[T * D];

        forward(m, before, 1, &user, rows, &len);
        for (int at = 0; at < T; at++) {
            int32_t keep = items[at];
            items[at] = 20;
            forward(m, after, 1, &user, rows, &len);
            items[at] = keep;
            assert_memory_equal(before, after, (size_t) at * D * sizeof *before);
            /* Power: the present and the last row do feel it. */
            assert_memory_not_equal(before + at * D, after + at * D, D * sizeof *before);
            assert_memory_not_equal(before + (T - 1) * D, after + (T - 1) * D, D * sizeof *before);
        }
        tw_seq_model_destroy(m);
    }
}

static void a_packed_batch_gives_each_sequence_what_it_gets_alone(void **state)
{
    (void) state;
    tw_seq_model *m = scrambled(TW_SEQ_AUTHORS);
    const int32_t a[] = {1, 2, 3}, b[] = {4}, c[] = {5, 6, 7, 8, 9, 10};
    const int32_t *rows[] = {a, b, c}, *turned[] = {c, a, b};
    const int lengths[] = {3, 1, 6}, turned_lengths[] = {6, 3, 1};
    const int32_t users[] = {1, 0, 5}, turned_users[] = {5, 1, 0};
    tw_real packed[10 * D], permuted[10 * D], alone[6 * D];
    int at = 0;

    forward(m, packed, 3, users, rows, lengths);
    for (int s = 0; s < 3; s++) {
        forward(m, alone, 1, &users[s], &rows[s], &lengths[s]);
        for (int i = 0; i < lengths[s] * D; i++)
            assert_near(packed[at + i], alone[i], 1e-5);
        at += lengths[s] * D;
    }
    forward(m, permuted, 3, turned_users, turned, turned_lengths);
    for (int i = 0; i < 6 * D; i++)
        assert_near(permuted[i], packed[4 * D + i], 1e-5);
    for (int i = 0; i < 4 * D; i++)
        assert_near(permuted[6 * D + i], packed[i], 1e-5);
    tw_seq_model_destroy(m);
}

/* They take a shorter way: the last block computes the last rows alone. */
static void a_query_is_the_item_half_of_the_last_row(void **state)
{
    (void) state;
    const int32_t a[] = {1, 2, 3}, b[] = {4}, c[] = {5, 6, 7, 8, 9, 10};
    const int32_t *rows[] = {a, b, c};
    const int lengths[] = {3, 1, 6}, last[] = {2, 3, 9};
    const int32_t users[] = {1, 0, 5};
    for (int norm = 0; norm < 3; norm++) {
        tw_seq_model *m = scrambled((tw_seq_norm) norm);
        tw_real all[10 * D];
        twi_batch batch;
        tw_tape *t = NULL;

        forward(m, all, 3, users, rows, lengths);
        assert_ok(tw_tape_create(&t, NULL, err));
        assert_ok(twi_seq_batch_init(&batch, 3, 3 * T, false, 0, err));
        for (int s = 0; s < 3; s++)
            (void) twi_batch_add(&batch, T, users[s], rows[s], lengths[s]);
        tw_tensor *q = twi_forward_queries(m, t, &batch);
        assert_ok(tw_tape_status(t, err));
        assert_true(q->rows == 3 && q->cols == DI);
        for (int s = 0; s < 3; s++)
            for (int j = 0; j < DI; j++)
                assert_near(q->v[s * DI + j], all[last[s] * D + j], 1e-5);
        twi_seq_batch_fini(&batch);
        tw_tape_destroy(t);
        tw_seq_model_destroy(m);
    }
}

static void positions_count_from_the_end(void **state)
{
    (void) state;
    tw_seq_model *m = scrambled(TW_SEQ_AUTHORS);
    const int32_t items[] = {1, 2, 3}, *rows[] = {items}, user = 1;
    const int len = 3;
    tw_real before[3 * D], after[3 * D];

    forward(m, before, 1, &user, rows, &len);
    for (int j = 0; j < 3 * D; j++)
        m->positions->value[j] += 1; /* rows 0..2 belong to items that a history of 3 has not */
    forward(m, after, 1, &user, rows, &len);
    assert_memory_equal(before, after, sizeof before);
    for (int j = 0; j < D; j++)
        m->positions->value[3 * D + j] += (tw_real) j;
    forward(m, after, 1, &user, rows, &len);
    assert_memory_not_equal(before, after, sizeof before);
    tw_seq_model_destroy(m);
}

/* With all of the network's own weights zero the input is all there is to see. */
static void inputs_are_scaled_by_the_root_of_their_width(void **state)
{
    (void) state;
    tw_seq_config c = toy_config();
    c.max_len = T;
    c.norm = TW_SEQ_PRE; /* x + 0 + 0, then the last norm */
    tw_seq_model *m = toy_model(&c, USERS, ITEMS);
    const int32_t item = 7, *rows[] = {&item}, user = 3;
    const int len = 1;
    tw_real F[D];
    double x[D], mean = 0, var = 0;

    for (int i = 0; i < tw_params_count(m->params); i++)
        tw_param_fill(tw_params_at(m->params, i), 0);
    tw_param_fill(m->gain, 1);
    for (int j = 0; j < DI; j++)
        x[j] = 2 * (m->items->value[7 * DI + j] = (tw_real) (j * j)); /* sqrt(4) */
    for (int j = 0; j < 2; j++)
        x[DI + j] = sqrt(2) * (m->users->value[3 * 2 + j] = (tw_real) (1 - 3 * j));
    for (int j = 0; j < D; j++)
        x[j] += m->positions->value[(T - 1) * D + j] = (tw_real) (0.1 * j);
    for (int j = 0; j < D; j++)
        mean += x[j] / D;
    for (int j = 0; j < D; j++)
        var += (x[j] - mean) * (x[j] - mean) / D;

    forward(m, F, 1, &user, rows, &len);
    for (int j = 0; j < D; j++)
        assert_near(F[j], (x[j] - mean) / sqrt(var), 1e-5);
    tw_seq_model_destroy(m);
}

/* The whole score of the paper, user half included, against what retrieval uses. */
static void the_user_term_of_the_output_moves_no_rank(void **state)
{
    (void) state;
    tw_seq_model *m = scrambled(TW_SEQ_AUTHORS);
    const int32_t items[] = {1, 2, 3, 4}, *rows[] = {items}, user = 4;
    const int len = 4;
    tw_real F[4 * D];
    tw_seq_session *s = NULL;
    tw_real q[DI];

    forward(m, F, 1, &user, rows, &len);
    assert_ok(tw_seq_session_create(&s, m, err));
    assert_ok(tw_seq_query(s, user, items, 4, q, err));
    double user_term = 0, offset = 0;
    for (int j = 0; j < D - DI; j++)
        user_term += (double) F[3 * D + DI + j] * sqrt(2) * (double) m->users->value[user * 2 + j];
    assert_true(fabs(user_term) > 1e-3);
    for (int32_t l = 1; l <= ITEMS; l++) {
        double whole = user_term, short_one = 0;
        for (int j = 0; j < DI; j++) {
            whole += (double) F[3 * D + j] * (double) m->items->value[l * DI + j];
            short_one += (double) q[j] * (double) m->items->value[l * DI + j];
        }
        if (l == 1)
            offset = whole - short_one;
        assert_near(whole - short_one, offset, 1e-5);
    }
    tw_seq_session_destroy(s);
    tw_seq_model_destroy(m);
}

static double log1p_exp(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

/* <F_item, V[l]> + bias */
static double score(const tw_seq_model *m, const tw_real *F, int32_t l, double bias)
{
    for (int j = 0; j < DI; j++)
        bias += (double) F[j] * (double) m->items->value[l * DI + j];
    return bias;
}

static double obvious_loss(const tw_seq_model *m, const tw_real *F, const twi_batch *b)
{
    double sum = 0;
    for (int i = 0; i < b->tokens; i++, F += D) {
        double bias = 0, all = 0;
        if (m->cfg.loss == TW_SEQ_CE) {
            for (int32_t l = 1; l <= ITEMS; l++)
                all += exp(score(m, F, l, 0) / m->cfg.temperature);
            sum += log(all) - score(m, F, b->targets[i] + 1, 0) / m->cfg.temperature;
            continue;
        }
        for (int j = 0; j < D - DI; j++)
            bias += (double) F[DI + j] * sqrt(2) * (double) m->users->value[b->users[i] * 2 + j];
        sum += log1p_exp(-score(m, F, b->targets[i], bias));
        for (int k = 0; k < m->cfg.negatives; k++)
            sum += log1p_exp(score(m, F, b->negatives[i * m->cfg.negatives + k], bias));
    }
    return sum;
}

static void the_losses_are_the_formulas(void **state)
{
    (void) state;
    const int lengths[USERS] = {3, 4, 8, 9, 6};
    tw_seq_data *d = toy_data(USERS, ITEMS, lengths, 8);
    for (int loss = 0; loss < 2; loss++) {
        tw_seq_model *m = scrambled(TW_SEQ_AUTHORS);
        twi_batch b;
        tw_tape *t = NULL;
        tw_rng rng;
        int32_t mark[ITEMS + 1] = {0};

        m->cfg.loss = (tw_seq_loss) loss;
        m->cfg.negatives = 3;
        m->cfg.temperature = 0.6;
        tw_rng_seed(&rng, tw_test_seed());
        assert_ok(twi_seq_batch_init(&b, USERS, USERS * T, true, loss == TW_SEQ_BCE ? 3 : 0, err));
        assert_ok(tw_tape_create(&t, NULL, err));
        for (int32_t u = 2; u <= USERS; u++)
            twi_batch_add_train(&b, m, d, u, &rng, mark, u);
        const tw_tensor *F = twi_forward(m, t, &b);
        assert_non_null(F);
        double want = obvious_loss(m, F->v, &b);
        tw_tape_reset(t, 0, 0, 0);
        assert_close(twi_forward_loss(m, t, &b, 1), want, 1e-4);
        tw_tape_destroy(t);
        twi_seq_batch_fini(&b);
        tw_seq_model_destroy(m);
    }
    tw_seq_data_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_future_item_never_changes_a_past_row),
        cmocka_unit_test(a_packed_batch_gives_each_sequence_what_it_gets_alone),
        cmocka_unit_test(a_query_is_the_item_half_of_the_last_row),
        cmocka_unit_test(positions_count_from_the_end),
        cmocka_unit_test(inputs_are_scaled_by_the_root_of_their_width),
        cmocka_unit_test(the_user_term_of_the_output_moves_no_rank),
        cmocka_unit_test(the_losses_are_the_formulas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
