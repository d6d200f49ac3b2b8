/* The convolutional nets: whole-net gradients, any thread's batch gives what a picture alone gives,
 * configurations out of range. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "tests/support/test.h"
#include "towers/audio/audio_cnn.h"
#include "towers/image/image_conv4.h"
#include "towers/image/image_resnet.h"

_Static_assert(sizeof(tw_real) == 8, "gradient checks need the double build");

enum { ITEMS = 3, SIDE_MOST = 33, WIDTH_MOST = 256, BANDS = 10, FRAMES_MOST = 13 };

typedef tw_tensor *(*forward_fn)(tw_tape *t, int first, int n);

static struct {
    tw_params *ps;
    tw_grads *grads;
    tw_tape *tape;
    twi_conv4 conv4;
    twi_resnet resnet;
    twi_audio_cnn audio;
    uint8_t pixels[ITEMS][SIDE_MOST * SIDE_MOST * 3];
    const uint8_t *px[ITEMS];
    float sound[ITEMS][FRAMES_MOST * BANDS];
    const float *frames[ITEMS];
    int32_t lengths[ITEMS];
    tw_real weights[ITEMS * WIDTH_MOST];
    tw_rng rng;
} m;

static int set_up(void **state)
{
    (void) state;
    tw_rng_seed(&m.rng, tw_test_seed());
    assert_ok(tw_params_create(&m.ps, err));
    for (int i = 0; i < ITEMS; i++) {
        for (size_t j = 0; j < sizeof m.pixels[i]; j++)
            m.pixels[i][j] = (uint8_t) tw_rng_below(&m.rng, 256);
        for (size_t j = 0; j < FRAMES_MOST * BANDS; j++)
            m.sound[i][j] = (float) tw_rng_normal(&m.rng);
        m.px[i] = m.pixels[i];
        m.frames[i] = m.sound[i];
    }
    for (size_t j = 0; j < sizeof m.weights / sizeof m.weights[0]; j++)
        m.weights[j] = 2 * tw_rng_uniform(&m.rng) - 1;
    memcpy(m.lengths, (const int32_t[ITEMS]){FRAMES_MOST, 1, 6}, sizeof m.lengths);
    return 0;
}

/* Once the net stands. Random gains and biases, so that no zero hides an error. */
static void randomise(void)
{
    for (int i = 0; i < tw_params_count(m.ps); i++) {
        tw_param *p = tw_params_at(m.ps, i);
        tw_param_init_uniform(p, p->rows == 1 ? 1 : sqrt(6.0 / p->cols), &m.rng);
    }
    assert_ok(tw_grads_create(&m.grads, m.ps, err));
    assert_ok(tw_tape_create(&m.tape, m.grads, err));
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

static double loss(forward_fn net, bool back)
{
    tw_tape_reset(m.tape, 1, 0, 0);
    tw_tensor *y = net(m.tape, 0, ITEMS);
    assert_non_null(y);
    double sum = 0;
    for (int j = 0; j < y->rows * y->cols; j++)
        sum += m.weights[j] * y->v[j];
    tw_tape_seed(m.tape, y, m.weights);
    if (back)
        assert_ok(tw_tape_backward(m.tape, err));
    return sum;
}

static double slope(forward_fn net, tw_real *w, double h)
{
    const tw_real keep = *w;
    *w = keep + h;
    double up = loss(net, false);
    *w = keep - h;
    double down = loss(net, false);
    *w = keep;
    return (up - down) / (2 * h);
}

/* Some numbers of every tensor. A second, smaller step where the first disagrees: a ReLU or a
 * maximum may turn over within it. */
static void check_gradient_of(forward_fn net)
{
    enum { OF_EACH = 12 };
    tw_grads_zero(m.grads);
    (void) loss(net, true);
    for (int i = 0; i < tw_params_count(m.ps); i++) {
        tw_param *p = tw_params_at(m.ps, i);
        const uint64_t n = (uint64_t) p->rows * (uint64_t) p->cols;
        for (int k = 0; k < OF_EACH; k++) {
            const uint64_t at = tw_rng_below(&m.rng, n);
            const double d = tw_grads_peek(m.grads, p, 0)[at];
            double want = slope(net, p->value + at, 1e-6);
            if (fabs(want - d) > 1e-6 * fmax(1, fabs(d)))
                want = slope(net, p->value + at, 1e-7);
            if (fabs(want - d) > 1e-6 * fmax(1, fabs(d)))
                print_message("  %s[%lu]\n", p->name, (unsigned long) at);
            assert_close(d, want, 1e-6);
        }
    }
}

/* Two and one are three: neighbours change nothing, but for the order of sums in the products. */
static void check_alone(forward_fn net, int width)
{
    tw_tape_reset(m.tape, 1, 0, 0);
    const tw_tensor *all = net(m.tape, 0, ITEMS), *two = net(m.tape, 0, 2);
    const tw_tensor *one = net(m.tape, 2, 1);
    assert_true(all->rows == ITEMS && all->cols == width);
    for (int j = 0; j < ITEMS * width; j++)
        assert_near(all->v[j], j < 2 * width ? two->v[j] : one->v[j - 2 * width], 1e-12);
    for (int j = 0; j < width; j++) /* and they do differ from each other somewhere */
        if (fabs(all->v[j] - all->v[2 * width + j]) > 1e-6)
            return;
    fail();
}

static tw_tensor *conv4(tw_tape *t, int first, int n)
{
    return twi_conv4_forward(&m.conv4, t, m.px + first, n);
}

static tw_tensor *resnet(tw_tape *t, int first, int n)
{
    return twi_resnet_forward(&m.resnet, t, m.px + first, n);
}

static tw_tensor *audio(tw_tape *t, int first, int n)
{
    return twi_audio_forward(&m.audio, t, m.frames + first, m.lengths + first, n);
}

static void conv4_of(int side, int channels, bool flat, int width)
{
    const twi_conv4_config cfg = {.side = side, .channels = channels, .width = 8, .flat = flat};
    assert_ok(twi_conv4_create(&m.conv4, &cfg, m.ps, "image.", err));
    assert_int_equal(twi_conv4_width(&m.conv4), width);
    assert_non_null(tw_params_find(m.ps, "image.conv3.gain"));
    randomise();
    check_alone(conv4, width);
    check_gradient_of(conv4);
}

static void conv4_of_even_sides(void **state)
{
    (void) state;
    conv4_of(16, 1, false, 8);
}

static void conv4_of_odd_sides_in_colour_laid_flat(void **state)
{
    (void) state;
    conv4_of(33, 3, true, 8 * 2 * 2);
}

static void resnet_of(int side, int channels, int stages, int stride)
{
    const twi_resnet_config cfg = {.side = side,
                                   .channels = channels,
                                   .stages = stages,
                                   .blocks = stages == 2 ? 2 : 1,
                                   .widen = 1,
                                   .stride = stride};
    assert_ok(twi_resnet_create(&m.resnet, &cfg, m.ps, "image.", err));
    assert_int_equal(twi_resnet_width(&m.resnet), 16 << (stages - 1));
    assert_null(tw_params_find(m.ps, "image.s0b0.around.w"));
    assert_non_null(tw_params_find(m.ps, "image.s1b0.around.w"));
    randomise();
    check_alone(resnet, 16 << (stages - 1));
    check_gradient_of(resnet);
}

static void resnet_of_even_sides(void **state)
{
    (void) state;
    resnet_of(8, 3, 2, 1);
}

static void resnet_of_odd_sides_and_four_stages(void **state)
{
    (void) state;
    resnet_of(15, 1, 4, 2);
}

static void sounds_of_different_length_and_one_frame(void **state)
{
    (void) state;
    const twi_audio_config cfg = {.bands = BANDS, .blocks = 4, .width = 8, .scale = 2, .shift = 1};
    assert_ok(twi_audio_cnn_create(&m.audio, &cfg, m.ps, "audio.", err));
    assert_int_equal(twi_audio_width(&m.audio), 32);
    randomise();
    check_alone(audio, 32);
    check_gradient_of(audio);
}

static void nets_begin_as_their_papers_say(void **state)
{
    (void) state;
    assert_ok(twi_resnet_create(&m.resnet, &TWI_RESNET_DEFAULT, m.ps, "r.", err));
    assert_ok(twi_conv4_create(&m.conv4, &TWI_CONV4_DEFAULT, m.ps, "c.", err));
    assert_ok(twi_audio_cnn_create(&m.audio, &TWI_AUDIO_DEFAULT, m.ps, "a.", err));
    twi_resnet_init(&m.resnet, &m.rng);
    twi_conv4_init(&m.conv4, &m.rng);
    twi_audio_init(&m.audio, &m.rng);
    const tw_param *w = m.conv4.layer[1].w;
    double square = 0;
    for (int64_t j = 0; j < w->rows * w->cols; j++)
        square += w->value[j] * w->value[j];
    assert_near(9 * 64 * square / (double) (w->rows * w->cols), 2, 0.05);
    assert_near(m.resnet.block[0].a.gain->value[3], 1, 0);
    assert_near(m.resnet.block[0].b.gain->value[3], 0, 0);
    assert_near(m.resnet.block[3].around.gain->value[3], 1, 0);
    assert_true(m.audio.layer[0].bias->no_decay && !m.audio.layer[0].w->no_decay);
    /* ResNet-20 has 0.27 million weights (He et al. 2016, table 6). */
    int64_t size = 0;
    for (int i = 0; i < tw_params_count(m.ps); i++)
        if (tw_params_at(m.ps, i)->name[0] == 'r')
            size += tw_params_at(m.ps, i)->rows * tw_params_at(m.ps, i)->cols;
    assert_in_range(size, 265000, 276000);
}

static void figures_out_of_range_are_refused(void **state)
{
    (void) state;
    const twi_conv4_config pictures[] = {
        {15, 1, 64, false}, {513, 1, 64, false}, {28, 2, 64, false}, {28, 4, 64, false},
        {28, 1, 0, false},  {28, 1, 60, false},  {28, 1, 520, false}};
    const twi_resnet_config deep[] = {
        {7, 3, 3, 3, 1, 1},  {513, 3, 3, 3, 1, 1}, {32, 2, 3, 3, 1, 1}, {32, 3, 1, 3, 1, 1},
        {32, 3, 5, 3, 1, 1}, {32, 3, 3, 0, 1, 1},  {32, 3, 3, 7, 1, 1}, {32, 3, 3, 3, 0, 1},
        {32, 3, 3, 3, 9, 1}, {32, 3, 3, 3, 1, 3}};
    const twi_audio_config sounds[] = {
        {7, 3, 32, 1, 0},   {257, 3, 32, 1, 0},  {64, 1, 32, 1, 0},
        {64, 6, 32, 1, 0},  {64, 3, 0, 1, 0},    {64, 3, 36, 1, 0},
        {64, 3, 136, 1, 0}, {64, 3, 32, NAN, 0}, {64, 3, 32, 1, INFINITY}};
    for (size_t i = 0; i < sizeof pictures / sizeof pictures[0]; i++)
        assert_status(twi_conv4_create(&m.conv4, &pictures[i], m.ps, "i.", err), TW_EINVAL);
    for (size_t i = 0; i < sizeof deep / sizeof deep[0]; i++)
        assert_status(twi_resnet_create(&m.resnet, &deep[i], m.ps, "i.", err), TW_EINVAL);
    for (size_t i = 0; i < sizeof sounds / sizeof sounds[0]; i++)
        assert_status(twi_audio_cnn_create(&m.audio, &sounds[i], m.ps, "i.", err), TW_EINVAL);
    assert_int_equal(tw_params_count(m.ps), 0);
    assert_status(twi_conv4_create(&m.conv4, &TWI_CONV4_DEFAULT, m.ps,
                                   "a prefix that leaves no room for the name of a tensor of its.",
                                   err),
                  TW_EINVAL);
    assert_ok(twi_conv4_create(&m.conv4, &TWI_CONV4_DEFAULT, m.ps, "i.", err));
    assert_status(twi_conv4_create(&m.conv4, &TWI_CONV4_DEFAULT, m.ps, "i.", err), TW_EINVAL);
}

#define CLAIM(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(conv4_of_even_sides),
        CLAIM(conv4_of_odd_sides_in_colour_laid_flat),
        CLAIM(resnet_of_even_sides),
        CLAIM(resnet_of_odd_sides_and_four_stages),
        CLAIM(sounds_of_different_length_and_one_frame),
        CLAIM(nets_begin_as_their_papers_say),
        CLAIM(figures_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
