/* Tape ops on images: gradients, the fused op against the plain ones, and independence of
 * neighbours. */
#include "nn/tape/maps.h"

#include <string.h>

#include "base/alloc.h"
#include "tests/unit/nn/gradcheck.h"

enum { PICTURES = 3, WIDTH = 4, C = 4, O = 6, PIXELS = WIDTH * (5 + 1 + 4) };

static const int32_t at[PICTURES + 1] = {0, WIDTH * 5, WIDTH * 6, PIXELS};

typedef tw_tensor *(*net_fn)(tw_tape *t, tw_maps x);

static struct {
    tw_params *ps;
    tw_grads *grads;
    tw_tape *tape;
    tw_param *x, *w, *b, *gain, *bias, *w1;
    tw_real weights[PIXELS * O];
    int32_t every[PIXELS];
    net_fn net;
} m;

static tw_maps input(tw_tape *t)
{
    return (tw_maps){
        .x = tw_op_gather(t, m.x, m.every, PIXELS, 1), .n = PICTURES, .width = WIDTH, .at = at};
}

static double run(bool back)
{
    tw_tape_reset(m.tape, 3, 0, 0);
    tw_tensor *y = m.net(m.tape, input(m.tape));
    assert_non_null(y);
    const size_t n = (size_t) y->rows * (size_t) y->cols;
    assert_true(n <= sizeof m.weights / sizeof m.weights[0]);
    tw_tape_seed(m.tape, y, m.weights);
    if (back)
        assert_ok(tw_tape_backward(m.tape, err));
    return weighted_sum(m.weights, y->v, n);
}

static double loss_only(void *ctx)
{
    (void) ctx;
    return run(false);
}

static void check(net_fn net)
{
    static tw_real dx[16 * 9 * 16];
    m.net = net;
    for (int i = 0; i < tw_params_count(m.ps); i++) {
        tw_param *p = tw_params_at(m.ps, i);
        const size_t n = (size_t) p->rows * (size_t) p->cols;
        tw_grads_zero(m.grads);
        (void) run(true);
        memcpy(dx, tw_grads_peek(m.grads, p, 0), n * sizeof *dx);
        check_gradient(p->value, dx, n, loss_only, NULL);
    }
}

static int set_up(void **state)
{
    (void) state;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    assert_ok(tw_params_create(&m.ps, err));
    assert_ok(tw_params_add(m.ps, &m.x, "x", PIXELS, C, TW_TABLE, err));
    assert_ok(tw_params_add(m.ps, &m.w, "w", O, 9 * C, TW_DENSE, err));
    assert_ok(tw_params_add(m.ps, &m.w1, "w1", O, C, TW_DENSE, err));
    assert_ok(tw_params_add(m.ps, &m.b, "b", 1, O, TW_DENSE, err));
    assert_ok(tw_params_add(m.ps, &m.gain, "gain", 1, O, TW_DENSE, err));
    assert_ok(tw_params_add(m.ps, &m.bias, "bias", 1, O, TW_DENSE, err));
    for (int i = 0; i < tw_params_count(m.ps); i++)
        tw_param_init_uniform(tw_params_at(m.ps, i), 1, &rng);
    for (int i = 0; i < PIXELS; i++)
        m.every[i] = i;
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

static tw_tensor *conv(tw_tape *t, tw_maps x) { return tw_op_conv(t, x, m.w, m.b, 3, 1, 1).x; }
static tw_tensor *strided(tw_tape *t, tw_maps x) { return tw_op_conv(t, x, m.w, NULL, 3, 2, 1).x; }
static tw_tensor *pointwise(tw_tape *t, tw_maps x)
{
    return tw_op_conv(t, x, m.w1, m.b, 1, 1, 0).x;
}
static tw_tensor *norm(tw_tape *t, tw_maps x)
{
    return tw_op_groupnorm(t, tw_op_conv(t, x, m.w1, NULL, 1, 1, 0), m.gain, m.bias, 3, 1e-3).x;
}
static tw_tensor *maximum(tw_tape *t, tw_maps x) { return tw_op_maxpool2(t, x).x; }
static tw_tensor *average(tw_tape *t, tw_maps x) { return tw_op_avgpool2(t, x).x; }
static tw_tensor *mean(tw_tape *t, tw_maps x) { return tw_op_mean_pool(t, x); }
static tw_tensor *audio(tw_tape *t, tw_maps x) { return tw_op_audio_pool(t, x); }

static void gradients_of_the_plain_ops(void **state)
{
    static const net_fn nets[] = {conv, strided, pointwise, norm, maximum, average, mean, audio};
    (void) state;
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++) {
        print_message("  op %zu\n", i);
        check(nets[i]);
    }
}

/* Channels in sixteens take the other way to convolve (nn/kernels/winograd.h). */
static tw_tensor *sixteens(tw_tape *t, tw_maps x)
{
    x = tw_op_conv(t, x, tw_params_find(m.ps, "to16"), NULL, 1, 1, 0);
    return tw_op_mean_pool(
        t, tw_op_conv(t, x, tw_params_find(m.ps, "w16"), tw_params_find(m.ps, "b16"), 3, 1, 1));
}

static void gradients_of_channels_in_sixteens(void **state)
{
    (void) state;
    tw_rng rng;
    tw_param *p;
    tw_tape_destroy(m.tape);
    tw_grads_destroy(m.grads);
    tw_rng_seed(&rng, tw_test_seed());
    assert_ok(tw_params_add(m.ps, &p, "to16", 16, C, TW_DENSE, err));
    tw_param_init_uniform(p, 1, &rng);
    assert_ok(tw_params_add(m.ps, &p, "w16", 16, 9 * 16, TW_DENSE, err));
    tw_param_init_uniform(p, 1, &rng);
    assert_ok(tw_params_add(m.ps, &p, "b16", 1, 16, TW_DENSE, err));
    tw_param_init_uniform(p, 1, &rng);
    assert_ok(tw_grads_create(&m.grads, m.ps, err));
    assert_ok(tw_tape_create(&m.tape, m.grads, err));
    check(sixteens);
}

/* The fused op in all its forms, beside the plain ones in a row. */
typedef struct form {
    int kernel, stride;
    bool skip, relu, pool;
} form;

static const form forms[] = {
    {3, 1, false, false, false}, {3, 1, false, true, false}, {3, 1, true, true, false},
    {3, 1, true, false, false},  {3, 2, false, true, false}, {3, 1, false, true, true},
    {3, 1, false, false, true},  {1, 1, false, true, true},  {1, 2, true, true, false},
};
static form now;

static const tw_param *weights(void) { return now.kernel == 3 ? m.w : m.w1; }

/* Another way from x to the output's size. */
static tw_maps aside(tw_tape *t, tw_maps x)
{
    return tw_op_conv(t, x, m.w1, m.b, 1, now.stride, 0);
}

static tw_tensor *fused(tw_tape *t, tw_maps x)
{
    const tw_maps skip = now.skip ? aside(t, x) : (tw_maps){0};
    return tw_op_conv_norm(t, x,
                           &(tw_conv_norm){.w = weights(),
                                           .gain = m.gain,
                                           .bias = m.bias,
                                           .kernel = now.kernel,
                                           .stride = now.stride,
                                           .pad = now.kernel / 2,
                                           .groups = 3,
                                           .eps = 1e-3,
                                           .skip = now.skip ? &skip : NULL,
                                           .relu = now.relu,
                                           .pool = now.pool})
        .x;
}

static tw_tensor *apart(tw_tape *t, tw_maps x)
{
    tw_maps y = tw_op_conv(t, x, weights(), NULL, now.kernel, now.stride, now.kernel / 2);
    y = tw_op_groupnorm(t, y, m.gain, m.bias, 3, 1e-3);
    if (now.skip)
        y.x = tw_op_add(t, y.x, aside(t, x).x);
    if (now.relu)
        y = tw_op_maps_relu(t, y);
    return now.pool ? tw_op_maxpool2(t, y).x : y.x;
}

static void gradients_of_the_fused_op(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        print_message("  form %zu\n", i);
        now = forms[i];
        check(fused);
    }
}

static void the_fused_op_is_the_plain_ones_in_a_row(void **state)
{
    (void) state;
    tw_tape *infer = NULL;
    assert_ok(tw_tape_create(&infer, NULL, err));
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        now = forms[i];
        tw_tape_reset(m.tape, 3, 0, 0);
        tw_tape_reset(infer, 3, 0, 0);
        tw_tensor *a = fused(m.tape, input(m.tape)), *b = apart(m.tape, input(m.tape));
        tw_tensor *c = fused(infer, input(infer));
        assert_true(a->rows == b->rows && a->cols == b->cols && c->rows == a->rows);
        for (int j = 0; j < a->rows * a->cols; j++) {
            assert_near(a->v[j], b->v[j], 1e-12);
            assert_near(a->v[j], c->v[j], 0);
        }
    }
    tw_tape_destroy(infer);
}

static void a_picture_alone_gets_what_it_gets_in_a_batch(void **state)
{
    (void) state;
    now = (form){3, 1, false, true, true};
    tw_tape_reset(m.tape, 3, 0, 0);
    const tw_tensor *all = fused(m.tape, input(m.tape));
    int row = 0;
    for (int i = 0; i < PICTURES; i++) {
        const int32_t own[2] = {0, at[i + 1] - at[i]};
        const tw_tensor *one =
            fused(m.tape, (tw_maps){.x = tw_op_gather(m.tape, m.x, m.every + at[i], own[1], 1),
                                    .n = 1,
                                    .width = WIDTH,
                                    .at = own});
        for (int j = 0; j < one->rows * one->cols; j++)
            assert_near(one->v[j], all->v[row * O + j], 1e-14);
        row += one->rows;
    }
    assert_int_equal(row, all->rows);
}

static void pixels_and_frames_are_scaled(void **state)
{
    (void) state;
    const uint8_t a[6] = {0, 255, 10, 20, 30, 40}, b[6] = {1, 2, 3, 4, 5, 6};
    const uint8_t *px[2] = {a, b};
    const float long_one[6] = {1, 2, 3, 4, 5, 6}, short_one[2] = {-1, -2};
    const float *frames[2] = {long_one, short_one};
    const int32_t lengths[2] = {3, 1};
    tw_tape_reset(m.tape, 3, 0, 0);
    tw_maps x = tw_op_pixels(m.tape, px, 2, 1, 2, 3, 0.5, -1);
    assert_true(x.x->rows == 4 && x.x->cols == 3 && x.at[1] == 2 && x.x->d == NULL);
    assert_near(x.x->v[0], -1, 0);
    assert_near(x.x->v[1], 126.5, 0);
    assert_near(x.x->v[11], 2, 0);
    x = tw_op_frames(m.tape, frames, lengths, 2, 2, 2, 1);
    assert_true(x.x->rows == 8 && x.x->cols == 1 && x.at[1] == 6 && x.at[2] == 8);
    assert_near(x.x->v[5], 13, 0);
    assert_near(x.x->v[7], -3, 0);
}

static void flat_maps_share_numbers_and_gradient(void **state)
{
    (void) state;
    const uint8_t a[4] = {1, 2, 3, 4}, b[4] = {5, 6, 7, 8};
    const uint8_t *px[2] = {a, b};
    tw_tape_reset(m.tape, 3, 0, 0);
    tw_maps x = tw_op_pixels(m.tape, px, 2, 2, 2, 1, 1, 0);
    const tw_tensor *y = tw_op_flatten(m.tape, x);
    assert_true(y->rows == 2 && y->cols == 4 && y->v == x.x->v && y->d == x.x->d);
}

static void out_of_memory_is_told_once_at_the_end(void **state)
{
    (void) state;
    tw_tape *t = NULL;
    long nth = 0;
    bool fired = true;
    assert_ok(tw_tape_create(&t, NULL, err));
    tw_tape_destroy(t);
    while (fired) {
        tw_maps x = {.n = PICTURES, .width = WIDTH, .at = at};
        assert_ok(tw_tape_create(&t, m.grads, err));
        x.x = tw_op_gather(t, m.x, m.every, PIXELS, 1);
        tw_torture_arm(++nth);
        now = (form){3, 1, true, true, false};
        tw_tensor *y = fused(t, x);
        y = tw_op_mean_pool(
            t, tw_op_maxpool2(t, (tw_maps){.x = y, .n = PICTURES, .width = WIDTH, .at = at}));
        fired = tw_torture_fired();
        tw_torture_arm(0);
        assert_int_equal(y == NULL, fired);
        assert_status(tw_tape_status(t, err), fired ? TW_ENOMEM : TW_OK);
        tw_tape_destroy(t);
    }
    assert_true(nth >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gradients_of_the_plain_ops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gradients_of_channels_in_sixteens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gradients_of_the_fused_op, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_fused_op_is_the_plain_ones_in_a_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_picture_alone_gets_what_it_gets_in_a_batch, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(pixels_and_frames_are_scaled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(flat_maps_share_numbers_and_gradient, set_up, tear_down),
        cmocka_unit_test_setup_teardown(out_of_memory_is_told_once_at_the_end, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
