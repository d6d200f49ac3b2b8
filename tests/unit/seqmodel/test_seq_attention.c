#include <math.h>

#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_forward.h"
#include "seqmodel/seq_model.h"
#include "seqmodel/seq_session.h"
#include "tests/unit/seqmodel/seq_toy.h"

enum { USERS = 3, ITEMS = 9, N = 4, BLOCKS = 2, HEADS = 2, D = 6 };

typedef struct fixture {
    tw_seq_model *m;
    tw_seq_session *s;
} fixture;

static const int32_t history[N] = {3, 1, 9, 4};

static int set_up(void **state)
{
    static fixture f;
    tw_seq_config c = toy_config();
    c.blocks = BLOCKS;
    c.heads = HEADS;
    f.m = toy_model(&c, USERS, ITEMS);
    toy_scramble(f.m, 0.8);
    assert_ok(tw_seq_session_create(&f.s, f.m, err));
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    tw_seq_session_destroy(f->s);
    tw_seq_model_destroy(f->m);
    return 0;
}

static void rows_sum_to_one_and_none_sees_the_future(void **state)
{
    fixture *f = *state;
    tw_real w[N * N];
    for (int block = 0; block < BLOCKS; block++)
        for (int head = TW_SEQ_ALL_HEADS; head < HEADS; head++) {
            assert_ok(tw_seq_attention(f->s, 2, history, N, block, head, w, err));
            for (int i = 0; i < N; i++) {
                double sum = 0;
                for (int j = 0; j < N; j++) {
                    assert_true(j <= i ? w[i * N + j] > 0 : w[i * N + j] == 0);
                    sum += (double) w[i * N + j];
                }
                assert_near(sum, 1, 1e-6);
            }
        }
}

/* The weights times the values are what the forward pass itself put on the tape. */
static void the_weights_make_the_output_of_the_forward_pass(void **state)
{
    fixture *f = *state;
    tw_real w[N * N];
    double farthest = 0; /* weights that were all alike would hide a head or block mixed up */
    for (int block = 0; block < BLOCKS; block++) {
        twi_probe p = {.block = block};
        tw_tape_reset(f->s->tape, 0, 0, 0);
        twi_batch_clear(&f->s->batch);
        (void) twi_batch_add(&f->s->batch, 4, 2, history, N);
        f->s->batch.probe = &p;
        (void) twi_forward(f->m, f->s->tape, &f->s->batch);
        f->s->batch.probe = NULL;
        assert_non_null(p.q);
        assert_int_equal(p.q->rows, N);
        tw_tensor *made =
            tw_op_attention(f->s->tape, p.q, p.k, p.v, f->s->batch.offsets, 1, HEADS, p.scale, 0);
        assert_non_null(made);
        tw_real out[N * D], v[N * D];
        for (int i = 0; i < N * D; i++) {
            out[i] = made->v[i];
            v[i] = p.v->v[i];
        }
        for (int head = 0; head < HEADS; head++) { /* resets the tape */
            assert_ok(tw_seq_attention(f->s, 2, history, N, block, head, w, err));
            for (int i = 0; i < N; i++)
                for (int c = head * D / HEADS; c < (head + 1) * D / HEADS; c++) {
                    double sum = 0, mean = 0;
                    for (int j = 0; j <= i; j++) {
                        sum += (double) w[i * N + j] * (double) v[j * D + c];
                        mean += (double) v[j * D + c] / (i + 1);
                    }
                    assert_near(sum, out[i * D + c], 1e-5);
                    farthest = fmax(farthest, fabs(sum - mean));
                }
        }
    }
    assert_true(farthest > 0.1);
}

/* Block 1 cannot change what block 0 sees, and it does change its own. */
static void a_block_is_the_one_that_was_asked_for(void **state)
{
    fixture *f = *state;
    tw_real before[BLOCKS][N * N], after[BLOCKS][N * N];
    tw_real *wq = f->m->block[1].wq->value;
    for (int b = 0; b < BLOCKS; b++)
        assert_ok(tw_seq_attention(f->s, 2, history, N, b, 0, before[b], err));
    tw_real kept = wq[0];
    wq[0] += 2;
    for (int b = 0; b < BLOCKS; b++)
        assert_ok(tw_seq_attention(f->s, 2, history, N, b, 0, after[b], err));
    wq[0] = kept;
    assert_memory_equal(before[0], after[0], sizeof before[0]);
    assert_memory_not_equal(before[1], after[1], sizeof before[1]);
}

static void all_heads_are_the_mean_of_them(void **state)
{
    fixture *f = *state;
    tw_real all[N * N], one[N * N], two[N * N];
    assert_ok(tw_seq_attention(f->s, 0, history, N, 1, TW_SEQ_ALL_HEADS, all, err));
    assert_ok(tw_seq_attention(f->s, 0, history, N, 1, 0, one, err));
    assert_ok(tw_seq_attention(f->s, 0, history, N, 1, 1, two, err));
    for (int i = 0; i < N * N; i++)
        assert_near(all[i], ((double) one[i] + (double) two[i]) / 2, 1e-6);
}

/* In a fresh session, and after the features of one item of the history changed. */
static void content_is_read_where_items_have_it(void **state)
{
    (void) state;
    enum { C = 3 };
    tw_seq_config c = toy_config();
    c.item_features_dim = C;
    tw_seq_model *m = toy_model(&c, USERS, ITEMS);
    tw_seq_session *s = NULL;
    tw_real features[(ITEMS + 1) * C], before[N * N], after[N * N];
    toy_scramble(m, 0.8);
    for (int i = 0; i < (ITEMS + 1) * C; i++)
        features[i] = (tw_real) (i % 5 - 2);
    assert_ok(tw_seq_model_set_item_features(m, features, err));
    assert_ok(tw_seq_session_create(&s, m, err));
    assert_ok(tw_seq_attention(s, 1, history, N, 0, 0, before, err));
    features[history[1] * C] += 3;
    assert_ok(tw_seq_model_set_item_features(m, features, err));
    assert_ok(tw_seq_attention(s, 1, history, N, 0, 0, after, err));
    assert_near(before[0], 1, 1e-6);
    for (int j = 0; j < 2; j++)
        assert_true(fabs((double) before[N + j] - (double) after[N + j]) > 1e-4);
    tw_seq_session_destroy(s);
    tw_seq_model_destroy(m);
}

static void queries_are_as_before_it_looked(void **state)
{
    fixture *f = *state;
    tw_real before[4], after[4], w[N * N];
    assert_ok(tw_seq_query(f->s, 1, history, N, before, err));
    assert_ok(tw_seq_attention(f->s, 2, history, 2, 0, 0, w, err));
    assert_ok(tw_seq_query(f->s, 1, history, N, after, err));
    assert_memory_equal(before, after, sizeof before);
}

static void what_is_out_of_range_says_so(void **state)
{
    fixture *f = *state;
    tw_real w[25] = {7};
    tw_error why = {0};
    const int32_t five[] = {1, 2, 3, 4, 5}, unknown[] = {1, 0}, high[] = {10};
    assert_int_equal(tw_seq_attention(f->s, 4, history, N, 0, 0, w, &why), TW_EINVAL);
    assert_string_equal(why.msg, "user 4 is outside 0..3");
    assert_int_equal(tw_seq_attention(f->s, 0, five, 5, 0, 0, w, &why), TW_EINVAL);
    assert_string_equal(why.msg, "5 items are outside 1..4");
    assert_status(tw_seq_attention(f->s, 0, five, 0, 0, 0, w, err), TW_EINVAL);
    assert_int_equal(tw_seq_attention(f->s, 0, history, N, 2, 0, w, &why), TW_EINVAL);
    assert_string_equal(why.msg, "block 2 is outside 0..1");
    assert_status(tw_seq_attention(f->s, 0, history, N, -1, 0, w, err), TW_EINVAL);
    assert_int_equal(tw_seq_attention(f->s, 0, history, N, 0, 2, w, &why), TW_EINVAL);
    assert_string_equal(why.msg, "head 2 is outside 0..1");
    assert_status(tw_seq_attention(f->s, 0, history, N, 0, -2, w, err), TW_EINVAL);
    assert_status(tw_seq_attention(f->s, 0, unknown, 2, 0, 0, w, err), TW_EINVAL);
    assert_int_equal(tw_seq_attention(f->s, 0, high, 1, 0, 0, w, &why), TW_EINVAL);
    assert_string_equal(why.msg, "item 10 is outside 1..9");
    assert_true(w[0] == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_sum_to_one_and_none_sees_the_future),
        cmocka_unit_test(the_weights_make_the_output_of_the_forward_pass),
        cmocka_unit_test(a_block_is_the_one_that_was_asked_for),
        cmocka_unit_test(all_heads_are_the_mean_of_them),
        cmocka_unit_test(content_is_read_where_items_have_it),
        cmocka_unit_test(queries_are_as_before_it_looked),
        cmocka_unit_test(what_is_out_of_range_says_so),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
