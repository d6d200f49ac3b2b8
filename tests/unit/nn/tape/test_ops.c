/* Every tape op against central differences: a small model per op, whose tensors
 * are all parameters, so one routine checks them all. */
#include <string.h>

#include "nn/tape/tape.h"
#include "tests/unit/nn/gradcheck.h"

enum { N = 5, D = 6, T = 7 };

typedef tw_tensor *(*op_fn)(tw_tape *t, tw_tensor *a, tw_tensor *b);

static struct {
    tw_params *ps;
    tw_grads *grads;
    tw_tape *tape;
    tw_param *a, *b, *w1, *b1, *gain, *table, *wh4, *bh4, *wh3, *bh3;
    tw_real weights[N * 2 * D];
    op_fn op;                     /* of a and b, or */
    double (*loss)(tw_tensor *x); /* of a */
} m;

static const int32_t every[N] = {0, 1, 2, 3, 4};

/* Runs the op; with `back` also the tape. Returns the loss. */
static double run(int back)
{
    tw_tape_reset(m.tape, 3, 0, 0); /* the same coins in every run */
    tw_tensor *a = tw_op_gather(m.tape, m.a, every, N, 1);
    tw_tensor *b = tw_op_gather(m.tape, m.b, every, N, 1);
    double sum = 0;
    if (m.op != NULL) {
        tw_tensor *y = m.op(m.tape, a, b);
        assert_non_null(y);
        sum = weighted_sum(m.weights, y->v, (size_t) y->rows * (size_t) y->cols);
        tw_tape_seed(m.tape, y, m.weights);
    } else {
        sum = 0.3 * m.loss(a);
    }
    if (back)
        assert_ok(tw_tape_backward(m.tape, err));
    return sum;
}

static double loss_only(void *ctx)
{
    (void) ctx;
    return run(0);
}

/* Is `name` one of the words of `list`? */
static bool names(const char *list, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = strstr(list, name); at != NULL; at = strstr(at + 1, name))
        if ((at == list || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

/* `uses`: the names of the parameters whose gradient must not be all zeros. */
static void check(const char *uses)
{
    enum { MOST = 16 };
    static tw_real dx[MOST][T * 2 * D];
    tw_grads_zero(m.grads);
    (void) run(1);
    assert_true(tw_params_count(m.ps) <= MOST);
    /* All copied before the differences begin: a loss adds to the store at every call. */
    for (int i = 0; i < tw_params_count(m.ps); i++) {
        tw_param *p = tw_params_at(m.ps, i);
        for (int64_t r = 0; r < p->rows; r++)
            memcpy(dx[i] + r * p->cols, tw_grads_peek(m.grads, p, r),
                   (size_t) p->cols * sizeof(tw_real));
    }
    for (int i = 0; i < tw_params_count(m.ps); i++) {
        tw_param *p = tw_params_at(m.ps, i);
        size_t n = (size_t) p->rows * (size_t) p->cols;
        bool moves = false;
        for (size_t j = 0; j < n; j++)
            moves = moves || dx[i][j] != 0;
        assert_int_equal(moves, names(uses, p->name));
        check_gradient(p->value, dx[i], n, loss_only, NULL);
    }
}

static int set_up(void **state)
{
    (void) state;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    assert_ok(tw_params_create(&m.ps, err));
    assert_ok(tw_params_add(m.ps, &m.a, "A", N, D, TW_TABLE, err));
    assert_ok(tw_params_add(m.ps, &m.b, "B", N, D, TW_TABLE, err));
    assert_ok(tw_params_add(m.ps, &m.w1, "W1", D, D, TW_DENSE, err));
    assert_ok(tw_params_add(m.ps, &m.b1, "BIAS", 1, D, TW_DENSE, err));
    assert_ok(tw_params_add(m.ps, &m.gain, "GAIN", 1, D, TW_DENSE, err));
    assert_ok(tw_params_add(m.ps, &m.wh4, "WH4", 8, 2, TW_DENSE, err));
    assert_ok(tw_params_add(m.ps, &m.bh4, "BH4", 1, 8, TW_DENSE, err));
    assert_ok(tw_params_add(m.ps, &m.wh3, "WH3", 6, 2, TW_DENSE, err));
    assert_ok(tw_params_add(m.ps, &m.bh3, "BH3", 1, 6, TW_DENSE, err));
    assert_ok(tw_params_add(m.ps, &m.table, "TABLE", T, D, TW_TABLE, err));
    for (int i = 0; i < tw_params_count(m.ps); i++)
        tw_param_init_uniform(tw_params_at(m.ps, i), 1, &rng);
    fill_random(&rng, m.weights, sizeof m.weights / sizeof m.weights[0]);
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
    memset(&m, 0, sizeof m);
    return 0;
}

/* ---- the ops --------------------------------------------------------------------------------- */

static tw_tensor *add(tw_tape *t, tw_tensor *a, tw_tensor *b) { return tw_op_add(t, a, b); }
static tw_tensor *add_to(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    tw_tensor *y = tw_op_linear(t, a, m.w1, m.b1);
    tw_tensor *sum = tw_op_add_to(t, y, b);
    assert_ptr_equal(sum, y);
    return tw_op_relu(t, tw_op_add_to(t, tw_op_linear(t, sum, m.w1, NULL), sum));
}
static tw_tensor *add_twice(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    return tw_op_add(t, tw_op_add(t, a, a), tw_op_add(t, b, a));
}
static tw_tensor *scale(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    (void) b;
    return tw_op_scale(t, a, -1.7);
}
static tw_tensor *concat(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    return tw_op_concat(t, a, tw_op_columns(t, b, 1, 4));
}
static tw_tensor *columns(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    (void) b;
    return tw_op_columns(t, a, 2, 5);
}
static tw_tensor *rows(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    static const int32_t some[4] = {3, -1, 3, 0}; /* a row twice, a zero row */
    (void) b;
    return tw_op_rows(t, a, some, 4);
}
static tw_tensor *linear(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    (void) b;
    return tw_op_linear(t, a, m.w1, m.b1);
}
static tw_tensor *linear_without_bias(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    (void) b;
    return tw_op_linear(t, a, m.w1, NULL);
}
static tw_tensor *relu(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    (void) b;
    return tw_op_relu(t, a);
}
static tw_tensor *gelu(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    (void) b;
    return tw_op_gelu(t, a);
}
static tw_tensor *dropout(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    return tw_op_add(t, tw_op_dropout(t, a, 0.4), tw_op_dropout(t, b, 0.2));
}
static tw_tensor *layernorm(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    (void) b;
    return tw_op_layernorm(t, a, m.gain, m.b1, 1e-5);
}
static tw_tensor *l2norm(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    (void) b;
    return tw_op_l2norm(t, a);
}
static tw_tensor *gate(tw_tape *t, tw_tensor *a, tw_tensor *b) { return tw_op_gate(t, a, b); }
static tw_tensor *rowdot(tw_tape *t, tw_tensor *a, tw_tensor *b) { return tw_op_rowdot(t, a, b); }
static tw_tensor *rowdot_with_itself(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    (void) b;
    return tw_op_rowdot(t, a, a);
}
static tw_tensor *attention(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    static const int32_t offsets[3] = {0, 2, N};
    return tw_op_attention(t, a, b, a, offsets, 2, 3, 0.8, 0.3);
}
static tw_tensor *self_attention(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    static const int32_t offsets[4] = {0, 2, 2, N}; /* one sequence is empty */
    return tw_op_self_attention(t, tw_op_concat(t, a, tw_op_concat(t, b, a)), offsets, 3, 3, 0.8,
                                0.3);
}
static tw_tensor *pool_mean(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    static const int32_t offsets[4] = {0, 2, 2, N};
    (void) b;
    return tw_op_pool_mean(t, a, offsets, 3);
}
static tw_tensor *pool_max(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    static const int32_t offsets[4] = {0, 2, 2, N};
    (void) b;
    return tw_op_pool_max(t, a, offsets, 3);
}
static tw_tensor *windows(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    static const int32_t offsets[4] = {0, 2, 2, N};
    tw_tensor *even = tw_op_columns(t, tw_op_windows(t, a, offsets, 3, 4), 3, 3 + D);
    return tw_op_concat(t, even, tw_op_columns(t, tw_op_windows(t, b, offsets, 3, 3), 2, 2 + D));
}
/* Two numbers of state; both directions, with and without a bias of the state. */
static tw_tensor *lstm(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    static const int32_t offsets[4] = {0, 2, 2, N};
    tw_tensor *x = tw_op_concat(t, a, tw_op_columns(t, b, 0, 2));
    return tw_op_concat(t, tw_op_recurrent(t, x, m.wh4, NULL, offsets, 3, false),
                        tw_op_recurrent(t, x, m.wh4, m.bh4, offsets, 3, true));
}
static tw_tensor *gru(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    static const int32_t offsets[4] = {0, 2, 2, N};
    return tw_op_concat(t, tw_op_recurrent(t, a, m.wh3, m.bh3, offsets, 3, false),
                        tw_op_recurrent(t, b, m.wh3, NULL, offsets, 3, true));
}
static tw_tensor *gather(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    static const int32_t ids[N] = {6, 2, 2, -1, 0};
    (void) b;
    return tw_op_add(t, a, tw_op_gather(t, m.table, ids, N, 1.5));
}
static tw_tensor *bag(tw_tape *t, tw_tensor *a, tw_tensor *b)
{
    static const int32_t ids[6] = {6, 2, 2, 0, 1, 1}, offsets[N + 1] = {0, 2, 2, 3, 5, 6};
    static const tw_real weights[6] = {0.5, -1, 2, 3, 0.25, 1};
    (void) b;
    return tw_op_add(t, tw_op_bag(t, m.table, ids, weights, offsets, N),
                     tw_op_add(t, a, tw_op_bag(t, m.table, ids, NULL, offsets, N)));
}

static double softmax_ce(tw_tensor *x)
{
    static const int32_t targets[N] = {0, 4, -1, 2, 2};
    return tw_op_softmax_ce(m.tape, x, m.table, 1, 5, targets, 0.5, 0.3);
}
static double bce(tw_tensor *x)
{
    static const int32_t pos[N] = {0, 6, -1, 2, 2}, neg[2 * N] = {1, 1, 0, 5, 0, 0, 2, 3, 4, 6};
    tw_tensor *b = tw_op_gather(m.tape, m.b, every, N, 1);
    tw_tensor *bias = tw_op_rowdot(m.tape, x, b);
    return tw_op_bce(m.tape, x, m.table, pos, neg, 2, bias, 0.3);
}
/* Rows 2 0 6 of the table are candidates, rows 3 and 1 are positives only. */
static double candidates(tw_tensor *x, bool sigmoid, bool unseen)
{
    static const int32_t excluded[4] = {1, 2, 0, 1}, from[N] = {0, 0, 1, 2, 2},
                         upto[N] = {0, 2, 2, 3, 4};
    static const int32_t ids[5] = {2, 0, 6, 3, 1}, pos[N] = {3, 1, -1, 4, 0};
    static const tw_real log_weight[3] = {0.5, -0.25, 1};
    static tw_candidates how = {.count = 3, .log_weight = log_weight, .temperature = 0.7};
    tw_tensor *items = tw_op_gather(m.tape, m.table, ids, 5, 1);
    tw_tensor *b = tw_op_gather(m.tape, m.b, every, N, 1);
    how.sigmoid = sigmoid;
    how.excluded = unseen ? excluded : NULL;
    how.from = unseen ? from : NULL;
    how.upto = unseen ? upto : NULL;
    how.positive_power = 0.4;
    return tw_op_candidates(m.tape, x, items, pos, &how,
                            sigmoid ? tw_op_rowdot(m.tape, x, b) : NULL, 0.3);
}
static double sampled_softmax(tw_tensor *x) { return candidates(x, false, false); }
static double gbce(tw_tensor *x) { return candidates(x, true, false); }
static double softmax_of_the_unseen(tw_tensor *x) { return candidates(x, false, true); }
static double gbce_of_the_unseen(tw_tensor *x) { return candidates(x, true, true); }

static const struct {
    const char *name, *uses;
    op_fn op;
    double (*loss)(tw_tensor *x);
} ops[] = {
    {"add", "A B", add, NULL},
    {"add in place", "A B W1 BIAS", add_to, NULL},
    {"a tensor used three times", "A B", add_twice, NULL},
    {"scale", "A", scale, NULL},
    {"concat", "A B", concat, NULL},
    {"columns", "A", columns, NULL},
    {"rows", "A", rows, NULL},
    {"linear", "A W1 BIAS", linear, NULL},
    {"linear without bias", "A W1", linear_without_bias, NULL},
    {"relu", "A", relu, NULL},
    {"gelu", "A", gelu, NULL},
    {"dropout", "A B", dropout, NULL},
    {"layernorm", "A GAIN BIAS", layernorm, NULL},
    {"l2norm", "A", l2norm, NULL},
    {"gate", "A B", gate, NULL},
    {"rowdot", "A B", rowdot, NULL},
    {"rowdot with itself", "A", rowdot_with_itself, NULL},
    {"attention", "A B", attention, NULL},
    {"self attention", "A B", self_attention, NULL},
    {"pool mean", "A", pool_mean, NULL},
    {"pool max", "A", pool_max, NULL},
    {"windows", "A B", windows, NULL},
    {"lstm", "A B WH4 BH4", lstm, NULL},
    {"gru", "A B WH3 BH3", gru, NULL},
    {"gather", "A TABLE", gather, NULL},
    {"bag", "A TABLE", bag, NULL},
    {"softmax_ce", "A TABLE", NULL, softmax_ce},
    {"bce", "A B TABLE", NULL, bce},
    {"sampled softmax", "A TABLE", NULL, sampled_softmax},
    {"gbce", "A B TABLE", NULL, gbce},
    {"softmax of the unseen", "A TABLE", NULL, softmax_of_the_unseen},
    {"gbce of the unseen", "A B TABLE", NULL, gbce_of_the_unseen},
};

static void every_op_has_the_gradient_of_its_value(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        print_message("  %s\n", ops[i].name);
        m.op = ops[i].op;
        m.loss = ops[i].loss;
        check(ops[i].uses);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_op_has_the_gradient_of_its_value, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
