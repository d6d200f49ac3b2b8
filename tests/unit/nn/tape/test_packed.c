/* Ops over packed sequences: values by hand, attention both ways against plain loops. */
#include <math.h>

#include "nn/kernels/act.h"
#include "nn/tape/tape.h"
#include "tests/support/test.h"

static const int32_t offsets[4] = {0, 3, 3, 5}; /* three rows, none, two */

static tw_tape *tape(void)
{
    tw_tape *t = NULL;
    assert_ok(tw_tape_create(&t, NULL, err));
    return t;
}

static void check_values(const tw_tensor *y, int rows, int cols, const double *want)
{
    assert_non_null(y);
    assert_int_equal(y->rows, rows);
    assert_int_equal(y->cols, cols);
    for (int i = 0; i < rows * cols; i++)
        assert_near(y->v[i], want[i], 1e-6);
}

static const tw_real x[10] = {1, -2, 4, -6, -2, -1, 10, 20, 30, 40};

static void means_and_largest_numbers_are_per_sequence(void **state)
{
    (void) state;
    tw_tape *t = tape();
    tw_tensor *in = tw_op_input(t, x, 5, 2);
    check_values(tw_op_pool_mean(t, in, offsets, 3), 3, 2, (double[]){1, -3, 0, 0, 20, 30});
    check_values(tw_op_pool_max(t, in, offsets, 3), 3, 2, (double[]){4, -1, 0, 0, 30, 40});
    assert_null(tw_op_pool_mean(t, NULL, offsets, 3)); /* sticky */
    assert_status(tw_tape_status(t, err), TW_ENOMEM);
    tw_tape_destroy(t);
}

static void windows_do_not_look_into_the_neighbour(void **state)
{
    (void) state;
    tw_tape *t = tape();
    tw_tensor *in = tw_op_input(t, x, 5, 2);
    check_values(tw_op_windows(t, in, offsets, 3, 1), 5, 2,
                 (double[]){1, -2, 4, -6, -2, -1, 10, 20, 30, 40});
    check_values(tw_op_windows(t, in, offsets, 3, 3), 5, 6,
                 (double[]){0, 0,  1,  -2, 4,  -6, /* the first row has none before it */
                            1, -2, 4,  -6, -2, -1, /* */
                            4, -6, -2, -1, 0,  0,  /* the third none after it, though a row is */
                            0, 0,  10, 20, 30, 40, 10, 20, 30, 40, 0, 0});
    check_values(tw_op_windows(t, tw_op_columns(t, in, 0, 1), offsets, 3, 2), 5, 2,
                 (double[]){0, 1, 1, 4, 4, -2, 0, 10, 10, 30});
    check_values(tw_op_windows(t, tw_op_columns(t, in, 0, 1), offsets, 3, 5), 5, 5,
                 (double[]){0, 0, 1, 4, -2, 0,  1, 4, -2, 0,  1, 4, -2,
                            0, 0, 0, 0, 10, 30, 0, 0, 10, 30, 0, 0});
    tw_tape_destroy(t);
}

/* o[i] = sum over j of the sequence of softmax_j(scale <q[i], k[j]>) v[j], per head. */
static void plain_attention(double *o, const tw_real *qkv, int begin, int end, int D, int heads,
                            double scale)
{
    const int w = D / heads;
    for (int i = begin; i < end; i++) {
        for (int h = 0; h < heads; h++) {
            double sum = 0;
            for (int c = 0; c < w; c++)
                o[i * D + h * w + c] = 0;
            for (int j = begin; j < end; j++) {
                double s = 0;
                for (int c = h * w; c < (h + 1) * w; c++)
                    s += (double) qkv[i * 3 * D + c] * (double) qkv[j * 3 * D + D + c];
                s = exp(scale * s);
                sum += s;
                for (int c = h * w; c < (h + 1) * w; c++)
                    o[i * D + c] += s * (double) qkv[j * 3 * D + 2 * D + c];
            }
            for (int c = 0; c < w; c++)
                o[i * D + h * w + c] /= sum;
        }
    }
}

/* Lengths around the kernel's block of 16 queries. */
static void attention_both_ways_is_what_plain_loops_give(void **state)
{
    (void) state;
    enum { D = 12, HEADS = 3, S = 6, N = 1 + 15 + 16 + 17 + 40 };
    static const int32_t at[S + 1] = {0, 1, 16, 32, 32, 49, N};
    static tw_real qkv[N * 3 * D];
    static double want[N * D];
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < N * 3 * D; i++)
        qkv[i] = (tw_real) tw_rng_normal(&rng);
    for (int s = 0; s < S; s++)
        plain_attention(want, qkv, at[s], at[s + 1], D, HEADS, 0.5);
    tw_tape *t = tape();
    tw_tensor *y = tw_op_self_attention(t, tw_op_input(t, qkv, N, 3 * D), at, S, HEADS, 0.5, 0.3);
    assert_non_null(y);
    for (int i = 0; i < N * D; i++)
        assert_near(y->v[i], want[i], 2e-6);
    tw_tape_destroy(t);
}

/* Against libm, over all floats between 0 and x. */
static void gelu_has_the_digits_of_a_float(void **state)
{
    (void) state;
    enum { N = 30001 };
    static tw_real in[N], y[N], dx[N], dy[N];
    for (int i = 0; i < N; i++) {
        in[i] = (tw_real) (i - N / 2) / 1000;
        dy[i] = 1;
    }
    tw_gelu_forward(y, in, N);
    tw_gelu_backward(dx, dy, in, N);
    for (int i = 0; i < N; i++) {
        double z = (double) in[i], phi = 0.5 * erfc(-z * 0.70710678118654752440);
        assert_near(y[i], z * phi, 3e-7 + 1e-7 * fabs(z));
        assert_near(dx[i], phi + z * 0.39894228040143267794 * exp(-0.5 * z * z), 4e-7);
    }
    assert_near(y[N / 2], 0, 0);
    in[0] = NAN;
    tw_gelu_forward(y, in, 1);
    assert_true(isnan(y[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_and_largest_numbers_are_per_sequence),
        cmocka_unit_test(windows_do_not_look_into_the_neighbour),
        cmocka_unit_test(attention_both_ways_is_what_plain_loops_give),
        cmocka_unit_test(gelu_has_the_digits_of_a_float),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
