/* Winograd's convolution against im2col's, which test_conv.c holds against the definition. Both are
 * linear in x and in w, so a backward pass that equals the other's is right too. */
#include "nn/kernels/winograd.h"

#include <string.h>

#include "nn/kernels/vec.h"
#include "tests/unit/nn/gradcheck.h"

enum { N = 4, C = 16, O = 32, K = 9 * C, PIXELS = 700, WORK = 1 << 19 };

static struct {
    tw_real x[PIXELS * C], y[PIXELS * O], want[PIXELS * O], dy[PIXELS * O];
    tw_real dx[PIXELS * C], want_dx[PIXELS * C];
    tw_real w[O * K], wt[O * K], dw[O * K], want_dw[O * K], dwt[O * K];
    tw_real U[36 * C * O], dU[36 * C * O], work[WORK];
    int32_t at[N + 1];
} m;

static tw_conv set_up(int width, const int heights[N])
{
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < N; i++)
        m.at[i + 1] = m.at[i] + heights[i] * width;
    assert_true(m.at[N] <= PIXELS);
    tw_conv s = {.n = N,
                 .in_at = m.at,
                 .out_at = m.at,
                 .in_w = width,
                 .out_w = width,
                 .C = C,
                 .O = O,
                 .k = 3,
                 .stride = 1,
                 .pad = 1};
    assert_true(tw_winograd_fits(&s));
    assert_true(tw_winograd_work(&s) <= WORK && tw_conv_work(&s) <= WORK);
    fill_random(&rng, m.x, PIXELS * C);
    fill_random(&rng, m.dy, PIXELS * O);
    fill_random(&rng, m.w, O * K);
    tw_transpose(m.wt, O, m.w, K, O, K);
    tw_winograd_transform(m.U, m.wt, &s);
    return s;
}

static const struct {
    int width, heights[N];
} shapes[] = {
    {4, {4, 4, 4, 4}}, {3, {3, 3, 3, 3}},   {5, {1, 9, 4, 2}},
    {7, {7, 7, 7, 7}}, {14, {14, 1, 3, 5}}, {13, {12, 13, 14, 11}}, /* more than one block */
};

static void forward_is_im2cols(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        tw_conv s = set_up(shapes[i].width, shapes[i].heights);
        tw_conv_forward(m.want, m.work, m.x, m.wt, NULL, &s, 0, m.at[N]);
        /* In two calls, as the fused op has it. */
        tw_winograd_forward(m.y, m.work, m.x, m.U, &s, 0, 1);
        tw_winograd_forward(m.y + (size_t) m.at[1] * O, m.work, m.x, m.U, &s, 1, N);
        for (int j = 0; j < m.at[N] * O; j++)
            assert_near(m.y[j], m.want[j], 1e-11);
    }
}

static void backward_is_im2cols(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        tw_conv s = set_up(shapes[i].width, shapes[i].heights);
        for (int j = 0; j < PIXELS * C; j++)
            m.dx[j] = m.want_dx[j] = 1; /* to add to */
        memset(m.want_dw, 0, sizeof m.want_dw);
        memset(m.dU, 0, sizeof m.dU);
        tw_conv_backward(m.want_dx, m.want_dw, NULL, m.work, m.dy, m.x, m.w, &s, 0, m.at[N]);
        tw_winograd_backward(m.dx, m.dU, m.work, m.dy, m.x, m.U, &s, 0, 2);
        tw_winograd_backward(m.dx, m.dU, m.work, m.dy + (size_t) m.at[2] * O, m.x, m.U, &s, 2, N);
        tw_winograd_transform_backward(m.dwt, m.dU, &s);
        tw_transpose(m.dw, K, m.dwt, O, K, O);
        for (int j = 0; j < PIXELS * C; j++)
            assert_near(m.dx[j], m.want_dx[j], 1e-10);
        for (int j = 0; j < O * K; j++)
            assert_near(m.dw[j], m.want_dw[j], 1e-9);
        memset(m.dU, 0, sizeof m.dU);
        tw_winograd_backward(NULL, m.dU, m.work, m.dy, m.x, m.U, &s, 0, N);
        tw_winograd_transform_backward(m.dwt, m.dU, &s);
        tw_transpose(m.dw, K, m.dwt, O, K, O);
        for (int j = 0; j < O * K; j++)
            assert_near(m.dw[j], m.want_dw[j], 1e-9);
    }
}

static void what_it_cannot_do_it_leaves(void **state)
{
    (void) state;
    tw_conv s = set_up(shapes[0].width, shapes[0].heights);
    tw_conv other = s;
    other.stride = 2;
    assert_false(tw_winograd_fits(&other));
    other = s;
    other.k = 1;
    assert_false(tw_winograd_fits(&other));
    other = s;
    other.pad = 0;
    assert_false(tw_winograd_fits(&other));
    other = s;
    other.C = 8;
    assert_false(tw_winograd_fits(&other));
    other = s;
    other.O = 24;
    assert_false(tw_winograd_fits(&other));
    other = s;
    other.in_w = 2;
    assert_false(tw_winograd_fits(&other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_is_im2cols),
        cmocka_unit_test(backward_is_im2cols),
        cmocka_unit_test(what_it_cannot_do_it_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
