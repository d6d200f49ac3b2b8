/* Tape ops on images: gradients, the fused op against its definition, and independence of
 * neighbours. */
#include "nn/tape/maps.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/unit/nn/gradcheck.h"

enum { IMAGES = 3, WIDTH = 4, C = 4, O = 6, PIXELS = WIDTH * (5 + 1 + 4) };

static const int32_t at[IMAGES + 1] = {0, WIDTH * 5, WIDTH * 6, PIXELS};

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
        .x = tw_op_gather(t, m.x, m.every, PIXELS, 1), .n = IMAGES, .width = WIDTH, .at = at};
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

static tw_tensor *mean(tw_tape *t, tw_maps x) { return tw_op_mean_pool(t, x); }
static tw_tensor *audio(tw_tape *t, tw_maps x) { return tw_op_audio_pool(t, x); }

static void gradients_of_the_pools(void **state)
{
    (void) state;
    check(mean);
    check(audio);
}

/* A convolution with what follows it, in all its forms. */
typedef struct form {
    int kernel, stride;
    bool skip, relu, pool;
} form;

static const form forms[] = {
    {3, 1, false, false, false}, {3, 1, false, true, false}, {3, 1, true, true, false},
    {3, 1, true, false, false},  {3, 2, false, true, false}, {3, 1, false, true, true},
    {3, 1, false, false, true},  {1, 1, false, true, true},  {1, 2, true, true, false},
};
enum { GROUPS = 3 };
#define EPS 1e-3
static form now;

static const tw_param *weights(void) { return now.kernel == 3 ? m.w : m.w1; }

static tw_conv_norm how_now(const tw_maps *skip)
{
    return (tw_conv_norm){.w = weights(),
                          .gain = m.gain,
                          .bias = m.bias,
                          .kernel = now.kernel,
                          .stride = now.stride,
                          .pad = now.kernel / 2,
                          .groups = GROUPS,
                          .eps = EPS,
                          .skip = skip,
                          .relu = now.relu,
                          .pool = now.pool};
}

/* Another way from x to the output's size. */
static tw_maps aside(tw_tape *t, tw_maps x)
{
    return tw_op_conv_norm(t, x,
                           &(tw_conv_norm){.w = m.w1,
                                           .gain = m.b,
                                           .bias = m.gain,
                                           .kernel = 1,
                                           .stride = now.stride,
                                           .groups = 1,
                                           .eps = EPS});
}

static tw_tensor *fused(tw_tape *t, tw_maps x)
{
    const tw_maps skip = now.skip ? aside(t, x) : (tw_maps){0};
    const tw_conv_norm how = how_now(now.skip ? &skip : NULL);
    return tw_op_conv_norm(t, x, &how).x;
}

static void gradients_of_every_form(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        print_message("  form %zu\n", i);
        now = forms[i];
        check(fused);
    }
}

/* Channels in sixteens take the other way to convolve (nn/kernels/winograd.h). */
static tw_tensor *sixteens(tw_tape *t, tw_maps x)
{
    const tw_param *gain = tw_params_find(m.ps, "gain16"), *bias = tw_params_find(m.ps, "bias16");
    tw_conv_norm how = {.w = tw_params_find(m.ps, "to16"),
                        .gain = gain,
                        .bias = bias,
                        .kernel = 1,
                        .stride = 1,
                        .groups = 4,
                        .eps = EPS};
    x = tw_op_conv_norm(t, x, &how);
    how.w = tw_params_find(m.ps, "w16");
    how.kernel = 3;
    how.pad = 1;
    return tw_op_mean_pool(t, tw_op_conv_norm(t, x, &how));
}

static void gradients_of_channels_in_sixteens(void **state)
{
    (void) state;
    static const struct {
        const char *name;
        int64_t rows;
        int cols;
    } more[] = {{"to16", 16, C}, {"w16", 16, 9 * 16}, {"gain16", 1, 16}, {"bias16", 1, 16}};
    tw_rng rng;
    tw_param *p;
    tw_tape_destroy(m.tape);
    tw_grads_destroy(m.grads);
    tw_rng_seed(&rng, tw_test_seed());
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        assert_ok(tw_params_add(m.ps, &p, more[i].name, more[i].rows, more[i].cols, TW_DENSE, err));
        tw_param_init_uniform(p, 1, &rng);
    }
    assert_ok(tw_grads_create(&m.grads, m.ps, err));
    assert_ok(tw_tape_create(&m.tape, m.grads, err));
    check(sixteens);
}

/* ---- by definition --------------------------------------------------------------------------- */

/* u (H2*W2, channels) = the convolution of one image, channel by channel. */
static void convolve(double *u, const tw_real *x, int H, int W, int H2, int W2)
{
    const tw_real *w = weights()->value;
    const int k = now.kernel, pad = k / 2;
    for (int at2 = 0; at2 < H2 * W2; at2++) {
        for (int o = 0; o < O; o++) {
            double sum = 0;
            for (int j = 0; j < k * k * C; j++) {
                const int v = at2 / W2 * now.stride + j / C / k - pad;
                const int h = at2 % W2 * now.stride + j / C % k - pad;
                if (v >= 0 && v < H && h >= 0 && h < W)
                    sum += w[o * k * k * C + j] * x[(v * W + h) * C + j % C];
            }
            u[at2 * O + o] = sum;
        }
    }
}

/* Each group of channels to mean 0 and variance 1, then gain and bias. */
static void normalise(double *u, int pixels)
{
    const int each = O / GROUPS, n = pixels * each;
    for (int g = 0; g < GROUPS; g++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < n; i++)
            sum += u[i / each * O + g * each + i % each];
        for (int i = 0; i < n; i++)
            squares += pow(u[i / each * O + g * each + i % each] - sum / n, 2);
        for (int i = 0; i < n; i++) {
            const int c = g * each + i % each;
            double *at_i = &u[i / each * O + c];
            *at_i =
                (*at_i - sum / n) / sqrt(squares / n + EPS) * m.gain->value[c] + m.bias->value[c];
        }
    }
}

/* y (rows, O): the maxima of 2x2 windows; a side of 1 is a window by itself. Returns the rows. */
static int shrink(double *y, const double *u, int H, int W)
{
    const int H2 = H > 1 ? H / 2 : 1, W2 = W > 1 ? W / 2 : 1;
    for (int j = 0; j < H2 * W2 * O; j++) {
        const int v = j / O / W2 * 2, h = j / O % W2 * 2;
        y[j] = -INFINITY;
        for (int q = v; q < v + 2 && q < H; q++)
            for (int p = h; p < h + 2 && p < W; p++)
                y[j] = fmax(y[j], u[(q * W + p) * O + j % O]);
    }
    return H2 * W2;
}

/* y (rows, O) of all images; skip (before pooling) may be NULL. Returns the rows. */
static int by_definition(double *y, const tw_real *x, const tw_real *skip)
{
    static double u[PIXELS * O];
    int rows = 0;
    for (int i = 0; i < IMAGES; i++) {
        const int H = (at[i + 1] - at[i]) / WIDTH, s = now.stride;
        const int H2 = (H + s - 1) / s, W2 = (WIDTH + s - 1) / s;
        convolve(u, x + at[i] * C, H, WIDTH, H2, W2);
        normalise(u, H2 * W2);
        for (int j = 0; j < H2 * W2 * O; j++) {
            u[j] += skip != NULL ? skip[rows * O + j] : 0;
            u[j] = now.relu && u[j] < 0 ? 0 : u[j];
        }
        if (!now.pool)
            memcpy(y + rows * O, u, (size_t) (H2 * W2 * O) * sizeof *u);
        rows += now.pool ? shrink(y + rows * O, u, H2, W2) : H2 * W2;
    }
    return rows;
}

static void every_form_is_its_definition(void **state)
{
    static double want[PIXELS * O];
    (void) state;
    tw_tape *infer = NULL;
    assert_ok(tw_tape_create(&infer, NULL, err));
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        now = forms[i];
        tw_tape_reset(m.tape, 3, 0, 0);
        tw_tape_reset(infer, 3, 0, 0);
        const tw_maps x = input(m.tape);
        const tw_tensor *skip = now.skip ? aside(m.tape, x).x : NULL;
        const tw_tensor *a = fused(m.tape, x), *b = fused(infer, input(infer));
        const int rows = by_definition(want, x.x->v, skip != NULL ? skip->v : NULL);
        assert_true(a->rows == rows && b->rows == rows && a->cols == O && b->cols == O);
        for (int j = 0; j < rows * O; j++) {
            assert_near(a->v[j], want[j], 1e-12);
            assert_near(a->v[j], b->v[j], 0);
        }
    }
    tw_tape_destroy(infer);
}

static void an_image_alone_gets_what_it_gets_in_a_batch(void **state)
{
    (void) state;
    now = (form){3, 1, false, true, true};
    tw_tape_reset(m.tape, 3, 0, 0);
    const tw_tensor *all = fused(m.tape, input(m.tape));
    int row = 0;
    for (int i = 0; i < IMAGES; i++) {
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

static void out_of_memory_is_reported_at_the_end(void **state)
{
    (void) state;
    tw_tape *t = NULL;
    long nth = 0;
    bool fired = true;
    assert_ok(tw_tape_create(&t, NULL, err));
    tw_tape_destroy(t);
    while (fired) {
        tw_maps x = {.n = IMAGES, .width = WIDTH, .at = at};
        assert_ok(tw_tape_create(&t, m.grads, err));
        x.x = tw_op_gather(t, m.x, m.every, PIXELS, 1);
        tw_torture_arm(++nth);
        now = (form){3, 1, true, true, false};
        tw_tensor *y =
            tw_op_mean_pool(t, (tw_maps){.x = fused(t, x), .n = IMAGES, .width = WIDTH, .at = at});
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
        cmocka_unit_test_setup_teardown(gradients_of_the_pools, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gradients_of_every_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gradients_of_channels_in_sixteens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_form_is_its_definition, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_image_alone_gets_what_it_gets_in_a_batch, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(pixels_and_frames_are_scaled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(flat_maps_share_numbers_and_gradient, set_up, tear_down),
        cmocka_unit_test_setup_teardown(out_of_memory_is_reported_at_the_end, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
