/* Every layer and loss of nn/ against PyTorch: output, and gradient by each input, in double.
 * layers_golden.py made layers_golden.json. Built with TW_REAL_DOUBLE. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "nn/kernels/adam.h"
#include "nn/tape/maps.h"
#include "nn/tape/tape.h"
#include "tests/support/test.h"

enum { N = 5, D = 6, T = 7, H = 2, INPUTS = 3, MOST = 256 };
#define TOL 1e-11

static json_t *golden;
static const int32_t offsets[] = {0, 3, 5};

/* n numbers in [-0.5, 0.5), as layers_golden.py makes them. */
static void numbers(tw_real *out, uint32_t seed, int n)
{
    uint32_t x = seed * 2654435761u + 12345u;
    for (int i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        out[i] = (tw_real) ((x >> 8) % 4096) / 4096 - 0.5;
    }
}

typedef struct input {
    uint32_t seed;
    int rows, cols;
    double lift; /* is added: gains are near 1 */
} input;

typedef struct model {
    tw_tape *tape;
    tw_param *p[INPUTS];
    tw_tensor *x[INPUTS]; /* the inputs as tensors */
} model;

/* Returns the output, or NULL and the loss. */
typedef tw_tensor *(*op_fn)(model *m, double *loss);

static int setup(void **state)
{
    (void) state;
    char path[4096];
    json_error_t why;
    (void) snprintf(path, sizeof path, "%s/layers_golden.json", TW_GOLDEN_DIR);
    json_t *root = json_load_file(path, 0, &why);
    golden = json_incref(json_object_get(root, "cases"));
    json_decref(root);
    return golden == NULL;
}

static int teardown(void **state)
{
    (void) state;
    json_decref(golden);
    return 0;
}

static void assert_numbers(const char *name, const json_t *want, const tw_real *got, size_t n)
{
    assert_int_equal(json_array_size(want), n);
    for (size_t i = 0; i < n; i++) {
        const double w = json_number_value(json_array_get(want, i));
        if (!(fabs((double) got[i] - w) <= TOL))
            fail_msg("%s: number %zu is %.15g, PyTorch has %.15g", name, i, (double) got[i], w);
    }
}

static void check(const char *name, const input *inputs, int n, op_fn op)
{
    static const int32_t every[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const json_t *want = json_object_get(golden, name);
    const json_t *y_want = json_object_get(want, "y"), *d_want = json_object_get(want, "d");
    tw_params *ps;
    tw_grads *grads;
    model m = {0};
    double loss = 0;
    static tw_real weights[MOST];

    assert_non_null(want);
    assert_ok(tw_params_create(&ps, err));
    for (int i = 0; i < n; i++) {
        char param[16];
        (void) snprintf(param, sizeof param, "p%d", i);
        assert_ok(tw_params_add(ps, &m.p[i], param, inputs[i].rows, inputs[i].cols, TW_DENSE, err));
        numbers(m.p[i]->value, inputs[i].seed, inputs[i].rows * inputs[i].cols);
        for (int k = 0; k < inputs[i].rows * inputs[i].cols; k++)
            m.p[i]->value[k] += inputs[i].lift;
    }
    assert_ok(tw_grads_create(&grads, ps, err));
    assert_ok(tw_tape_create(&m.tape, grads, err));
    tw_tape_reset(m.tape, 1, 0, 0);
    for (int i = 0; i < n; i++)
        m.x[i] = tw_op_gather(m.tape, m.p[i], every, inputs[i].rows, 1);

    tw_tensor *y = op(&m, &loss);
    if (y != NULL) {
        const size_t cells = (size_t) y->rows * (size_t) y->cols;
        assert_true(cells <= MOST);
        assert_numbers(name, y_want, y->v, cells);
        numbers(weights, 99, (int) cells);
        tw_tape_seed(m.tape, y, weights);
    } else {
        const tw_real value = loss;
        assert_numbers(name, y_want, &value, 1);
    }
    assert_ok(tw_tape_backward(m.tape, err));
    assert_int_equal(json_array_size(d_want), n);
    for (int i = 0; i < n; i++)
        assert_numbers(name, json_array_get(d_want, (size_t) i), tw_grads_peek(grads, m.p[i], 0),
                       (size_t) inputs[i].rows * (size_t) inputs[i].cols);
    tw_tape_destroy(m.tape);
    tw_grads_destroy(grads);
    tw_params_destroy(ps);
}

/* ---- layers ---------------------------------------------------------------------------------- */

static tw_tensor *linear(model *m, double *loss)
{
    (void) loss;
    return tw_op_linear(m->tape, m->x[0], m->p[1], m->p[2]);
}
static tw_tensor *layernorm(model *m, double *loss)
{
    (void) loss;
    return tw_op_layernorm(m->tape, m->x[0], m->p[1], m->p[2], 1e-5);
}
static tw_tensor *l2norm(model *m, double *loss)
{
    (void) loss;
    return tw_op_l2norm(m->tape, m->x[0]);
}
static tw_tensor *relu(model *m, double *loss)
{
    (void) loss;
    return tw_op_relu(m->tape, m->x[0]);
}
static tw_tensor *gelu(model *m, double *loss)
{
    (void) loss;
    return tw_op_gelu(m->tape, m->x[0]);
}
static tw_tensor *gate(model *m, double *loss)
{
    (void) loss;
    return tw_op_gate(m->tape, m->x[0], m->x[1]);
}

static void rows_of_numbers(void **state)
{
    static const input a_w_b[] = {{1, N, D, 0}, {4, D, D, 0}, {5, 1, D, 0}};
    static const input a_gain_bias[] = {{1, N, D, 0}, {6, 1, D, 1}, {7, 1, D, 0}};
    static const input a_b[] = {{1, N, D, 0}, {2, N, D, 0}};
    (void) state;
    check("linear", a_w_b, 3, linear);
    check("layernorm", a_gain_bias, 3, layernorm);
    check("l2norm", a_b, 1, l2norm);
    check("relu", a_b, 1, relu);
    check("gelu", a_b, 1, gelu);
    check("gate", a_b, 2, gate);
}

static tw_tensor *causal(model *m, double *loss)
{
    (void) loss;
    return tw_op_attention(m->tape, m->x[0], m->x[1], m->x[2], offsets, 2, 2, 1 / sqrt(D / 2.0), 0);
}
static tw_tensor *full(model *m, double *loss)
{
    (void) loss;
    tw_tensor *qk = tw_op_concat(m->tape, m->x[0], m->x[1]);
    return tw_op_self_attention(m->tape, tw_op_concat(m->tape, qk, m->x[2]), offsets, 2, 2,
                                1 / sqrt(D / 2.0), 0);
}
static tw_tensor *mean(model *m, double *loss)
{
    (void) loss;
    return tw_op_pool_mean(m->tape, m->x[0], offsets, 2);
}
static tw_tensor *largest(model *m, double *loss)
{
    (void) loss;
    return tw_op_pool_max(m->tape, m->x[0], offsets, 2);
}
static tw_tensor *recurrent(model *m, double *loss)
{
    (void) loss;
    return tw_op_recurrent(m->tape, m->x[0], m->p[1], m->p[2], offsets, 2, false);
}
static tw_tensor *backwards(model *m, double *loss)
{
    (void) loss;
    return tw_op_recurrent(m->tape, m->x[0], m->p[1], m->p[2], offsets, 2, true);
}

static void packed_sequences(void **state)
{
    static const input q_k_v[] = {{1, N, D, 0}, {2, N, D, 0}, {3, N, D, 0}};
    static const input lstm[] = {{9, N, 4 * H, 0}, {10, 4 * H, H, 0}, {11, 1, 4 * H, 0}};
    static const input gru[] = {{12, N, 3 * H, 0}, {13, 3 * H, H, 0}, {14, 1, 3 * H, 0}};
    (void) state;
    check("attention_causal", q_k_v, 3, causal);
    check("attention_full", q_k_v, 3, full);
    check("pool_mean", q_k_v, 1, mean);
    check("pool_max", q_k_v, 1, largest);
    check("lstm", lstm, 3, recurrent);
    check("gru", gru, 3, recurrent);
    check("gru_reverse", gru, 3, backwards);
}

static tw_tensor *bag(model *m, double *loss)
{
    static const int32_t ids[] = {1, 1, 6, 0, 3}, at[] = {0, 2, 5};
    static const tw_real weights[] = {0.5, -2, 1, 0.25, 3};
    (void) loss;
    return tw_op_bag(m->tape, m->p[0], ids, weights, at, 2);
}

static void tables(void **state)
{
    static const input table[] = {{8, T, D, 0}};
    (void) state;
    check("bag", table, 1, bag);
}

/* ---- images ---------------------------------------------------------------------------------- */

static tw_tensor *conv(model *m, int kernel, int stride, int pad, bool pool)
{
    enum { IMAGES = 2, HIGH = 6, WIDE = 4, CHANNELS = 2, BYTES = HIGH * WIDE * CHANNELS };
    static tw_real n[IMAGES * BYTES];
    static uint8_t bytes[IMAGES * BYTES];
    const uint8_t *px[IMAGES] = {bytes, bytes + BYTES};
    numbers(n, 50, IMAGES * BYTES);
    for (int i = 0; i < IMAGES * BYTES; i++)
        bytes[i] = (uint8_t) floor(n[i] * 255 + 127.5);
    const tw_maps x = tw_op_pixels(m->tape, px, IMAGES, HIGH, WIDE, CHANNELS, 1 / 255.0, -0.5);
    const tw_conv_norm how = {.w = m->p[0],
                              .gain = m->p[1],
                              .bias = m->p[2],
                              .kernel = kernel,
                              .stride = stride,
                              .pad = pad,
                              .groups = 2,
                              .eps = 1e-5,
                              .relu = true,
                              .pool = pool};
    return tw_op_conv_norm(m->tape, x, &how).x;
}
static tw_tensor *conv3(model *m, double *loss)
{
    (void) loss;
    return conv(m, 3, 1, 1, false);
}
static tw_tensor *conv3_pool(model *m, double *loss)
{
    (void) loss;
    return conv(m, 3, 1, 1, true);
}
static tw_tensor *conv3_stride2(model *m, double *loss)
{
    (void) loss;
    return conv(m, 3, 2, 1, false);
}
static tw_tensor *conv1(model *m, double *loss)
{
    (void) loss;
    return conv(m, 1, 1, 0, false);
}

static void convolutions(void **state)
{
    static const input three[] = {{15, 4, 18, 0}, {16, 1, 4, 1}, {17, 1, 4, 0}};
    static const input one[] = {{18, 4, 2, 0}, {16, 1, 4, 1}, {17, 1, 4, 0}};
    (void) state;
    check("conv3x3_groupnorm_relu", three, 3, conv3);
    check("conv3x3_groupnorm_relu_pool", three, 3, conv3_pool);
    check("conv3x3_stride2", three, 3, conv3_stride2);
    check("conv1x1", one, 3, conv1);
}

/* ---- losses and the optimiser ---------------------------------------------------------------- */

static const int32_t targets[N] = {1, 0, 6, -1, 3};

static tw_tensor *softmax_ce(model *m, double *loss)
{
    *loss = tw_op_softmax_ce(m->tape, m->x[0], m->p[1], 0, T, targets, 0.7, 1);
    return NULL;
}
static tw_tensor *bce(model *m, double *loss)
{
    static const int32_t negatives[N * 2] = {2, 3, 4, 5, 0, 1, 2, 2, 5, 6};
    *loss = tw_op_bce(m->tape, m->x[0], m->p[1], targets, negatives, 2, NULL, 1);
    return NULL;
}

static void losses(void **state)
{
    static const input x_table[] = {{1, N, D, 0}, {8, T, D, 0}};
    (void) state;
    check("softmax_ce", x_table, 2, softmax_ce);
    check("bce", x_table, 2, bce);
}

static void adam_with_decoupled_decay(void **state)
{
    enum { n = 10 };
    const tw_adam adam = {.beta1 = 0.9, .beta2 = 0.98, .eps = 1e-8, .weight_decay = 0.1};
    tw_real w[n], g[n], first[n] = {0}, second[n] = {0};
    (void) state;
    numbers(w, 20, n);
    for (int step = 1; step <= 3; step++) {
        const tw_adam_step s = tw_adam_step_of(&adam, 0.01, step, 1);
        numbers(g, 20 + (uint32_t) step, n);
        tw_adam_apply(w, first, second, g, &s, 1, n);
    }
    assert_numbers("adamw", json_object_get(json_object_get(golden, "adamw"), "y"), w, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_numbers), cmocka_unit_test(packed_sequences),
        cmocka_unit_test(tables),          cmocka_unit_test(convolutions),
        cmocka_unit_test(losses),          cmocka_unit_test(adam_with_decoupled_decay),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
