/* Whole text encoders, in double: is the gradient of every weight the slope of what comes out? */
#include <math.h>
#include <string.h>

#include "nn/tape/tape.h"
#include "tests/unit/nn/gradcheck.h"
#include "towers/text/text_cnn.h"
#include "towers/text/text_pooling.h"
#include "towers/text/text_rnn.h"
#include "towers/text/text_transformer.h"

enum { VOCAB = 16, TEXTS = 3 };

/* A text of four pieces, one of one, one of three with a piece twice. */
static const int32_t ids[8] = {3, 7, 15, 0, 7, 2, 9, 2}, offsets[TEXTS + 1] = {0, 4, 5, 8};

typedef tw_tensor *(*forward_fn)(const void *encoder, tw_tape *t);

static struct {
    tw_params *ps;
    tw_grads *grads;
    tw_tape *tape;
    tw_real weights[256];
    const void *encoder;
    forward_fn forward;
} m;

static double run(int back)
{
    tw_tape_reset(m.tape, 3, 0, 0); /* the same coins in every run */
    tw_tensor *y = m.forward(m.encoder, m.tape);
    assert_non_null(y);
    assert_int_equal(y->rows, TEXTS);
    size_t n = (size_t) y->rows * (size_t) y->cols;
    assert_true(n <= sizeof m.weights / sizeof m.weights[0]);
    tw_tape_seed(m.tape, y, m.weights);
    if (back)
        assert_ok(tw_tape_backward(m.tape, err));
    return weighted_sum(m.weights, y->v, n);
}

/* Weights large enough that no path is nearly linear. */
static void begin(void)
{
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < tw_params_count(m.ps); i++)
        tw_param_init_uniform(tw_params_at(m.ps, i), 0.7, &rng);
    fill_random(&rng, m.weights, sizeof m.weights / sizeof m.weights[0]);
    assert_ok(tw_grads_create(&m.grads, m.ps, err));
    assert_ok(tw_tape_create(&m.tape, m.grads, err));
}

static tw_real gradient(const tw_param *p, size_t j)
{
    return tw_grads_peek(m.grads, p, (int64_t) j / p->cols)[j % (size_t) p->cols];
}

/* Central differences of three numbers of every tensor, and of its largest gradient. */
static void check_all(void)
{
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed() + 1);
    tw_grads_zero(m.grads);
    (void) run(1);
    for (int i = 0; i < tw_params_count(m.ps); i++) {
        tw_param *p = tw_params_at(m.ps, i);
        size_t n = (size_t) p->rows * (size_t) p->cols, largest = 0;
        for (size_t j = 0; j < n; j++)
            largest = gradient(p, j) * gradient(p, j) > gradient(p, largest) * gradient(p, largest)
                          ? j
                          : largest;
        assert_true(gradient(p, largest) != 0);
        for (int k = 0; k < 4; k++) {
            size_t j = k == 0 ? largest : (size_t) tw_rng_below(&rng, n);
            tw_real keep = p->value[j], want = gradient(p, j);
            p->value[j] = keep + GRAD_H;
            double up = run(0);
            p->value[j] = keep - GRAD_H;
            double down = run(0);
            p->value[j] = keep;
            if (!(fabs(want - (up - down) / (2 * GRAD_H)) < 1e-6))
                print_message("  %s[%zu]\n", p->name, j);
            assert_near(want, (up - down) / (2 * GRAD_H), 1e-6);
        }
    }
}

static void end(void)
{
    tw_tape_destroy(m.tape);
    tw_grads_destroy(m.grads);
    tw_params_destroy(m.ps);
    memset(&m, 0, sizeof m);
}

static tw_tensor *transformer_forward(const void *encoder, tw_tape *t)
{
    return twi_transformer_forward(encoder, t, ids, offsets, TEXTS);
}

static void a_transformer_has_the_gradient_of_its_value(void **state)
{
    (void) state;
    const twi_transformer_config cfg = {.vocab = VOCAB,
                                        .positions = 4,
                                        .width = 6,
                                        .heads = 2,
                                        .layers = 2,
                                        .hidden = 5,
                                        .eps = 1e-12,
                                        .dropout = 0.2};
    twi_transformer *t = NULL;
    assert_ok(tw_params_create(&m.ps, err));
    assert_ok(twi_transformer_create(&t, &cfg, m.ps, "text.", err));
    m.encoder = t;
    m.forward = transformer_forward;
    begin();
    check_all();
    end();
    twi_transformer_destroy(t);
}

static tw_tensor *ends_forward(const void *encoder, tw_tape *t)
{
    static const twi_activation ends[] = {TWI_LINEAR, TWI_TANH, TWI_RELU, TWI_GELU, TWI_SIGMOID};
    tw_tensor *y = transformer_forward(encoder, t), *z = NULL;
    assert_int_equal(y->cols, twi_transformer_columns(encoder));
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        tw_tensor *part = twi_activate(t, tw_op_scale(t, y, 0.7), ends[i]);
        z = z == NULL ? part : tw_op_add(t, z, part);
    }
    return z;
}

/* Every pooling at once, behind it every end of a layer, with and without a first piece that is
 * left out. The text of one piece then gives zeros. */
static void poolings_and_ends_have_the_gradients_of_their_values(void **state)
{
    (void) state;
    for (int skip = 0; skip < 2; skip++) {
        const twi_transformer_config cfg = {.vocab = VOCAB,
                                            .positions = 4,
                                            .width = 4,
                                            .heads = 2,
                                            .layers = 1,
                                            .hidden = 3,
                                            .eps = 1e-3,
                                            .pooling = TWI_POOL_ALL,
                                            .skip = skip};
        twi_transformer *t = NULL;
        assert_ok(tw_params_create(&m.ps, err));
        assert_ok(twi_transformer_create(&t, &cfg, m.ps, "text.", err));
        assert_int_equal(twi_transformer_columns(t), 24);
        m.encoder = t;
        m.forward = ends_forward;
        begin();
        check_all();
        end();
        twi_transformer_destroy(t);
    }
}

static tw_tensor *rnn_forward(const void *encoder, tw_tape *t)
{
    tw_tensor *y = twi_rnn_forward(encoder, t, ids, offsets, TEXTS);
    assert_int_equal(y->cols, twi_rnn_width(encoder));
    return y;
}

static void a_recurrent_encoder_has_the_gradient_of_its_value(void **state)
{
    (void) state;
    for (int gru = 0; gru < 2; gru++) {
        const twi_rnn_config cfg = {
            .vocab = VOCAB, .embed = 4, .hidden = 3, .layers = 2, .gru = gru == 1, .dropout = 0.2};
        twi_rnn *r = NULL;
        assert_ok(tw_params_create(&m.ps, err));
        assert_ok(twi_rnn_create(&r, &cfg, m.ps, "text.", err));
        assert_int_equal(tw_params_count(m.ps), gru == 1 ? 17 : 13);
        m.encoder = r;
        m.forward = rnn_forward;
        begin();
        check_all();
        end();
        twi_rnn_destroy(r);
    }
}

static tw_tensor *cnn_forward(const void *encoder, tw_tape *t)
{
    tw_tensor *y = twi_text_cnn_forward(encoder, t, ids, offsets, TEXTS);
    assert_int_equal(y->cols, twi_text_cnn_width(encoder));
    return y;
}

static void a_convolutional_encoder_has_the_gradient_of_its_value(void **state)
{
    (void) state;
    const twi_text_cnn_config cfg = {
        .vocab = VOCAB, .embed = 4, .filters = 5, .narrow = 2, .widest = 4, .dropout = 0.2};
    twi_text_cnn *c = NULL;
    assert_ok(tw_params_create(&m.ps, err));
    assert_ok(twi_text_cnn_create(&c, &cfg, m.ps, "text.", err));
    m.encoder = c;
    m.forward = cnn_forward;
    begin();
    check_all();
    end();
    twi_text_cnn_destroy(c);
}

/* Alone or with others, a text gets the same vector; after init two texts get two. */
static void a_text_does_not_see_its_neighbours(void **state)
{
    (void) state;
    const twi_rnn_config rc = {.vocab = VOCAB, .embed = 4, .hidden = 3, .layers = 2};
    const twi_text_cnn_config cc = {
        .vocab = VOCAB, .embed = 4, .filters = 5, .narrow = 3, .widest = 5};
    static const int32_t alone[2] = {0, 3};
    twi_rnn *r = NULL;
    twi_text_cnn *c = NULL;
    tw_rng rng;
    tw_rng_seed(&rng, 5);
    assert_ok(tw_params_create(&m.ps, err));
    assert_ok(twi_rnn_create(&r, &rc, m.ps, "rnn.", err));
    assert_ok(twi_text_cnn_create(&c, &cc, m.ps, "cnn.", err));
    twi_rnn_init(r, &rng);
    twi_text_cnn_init(c, &rng);
    assert_ok(tw_tape_create(&m.tape, NULL, err));
    for (int k = 0; k < 2; k++) {
        tw_tensor *all = k == 0 ? twi_rnn_forward(r, m.tape, ids, offsets, TEXTS)
                                : twi_text_cnn_forward(c, m.tape, ids, offsets, TEXTS);
        tw_tensor *one = k == 0 ? twi_rnn_forward(r, m.tape, ids + 5, alone, 1)
                                : twi_text_cnn_forward(c, m.tape, ids + 5, alone, 1);
        double apart = 0;
        for (int j = 0; j < all->cols; j++) {
            assert_near(all->v[2 * all->cols + j], one->v[j], 1e-12);
            apart += fabs(all->v[j] - one->v[j]);
        }
        assert_true(apart > 1e-3);
    }
    end();
    twi_rnn_destroy(r);
    twi_text_cnn_destroy(c);
}

static void an_encoder_out_of_range_is_refused(void **state)
{
    (void) state;
    const twi_rnn_config rc[] = {
        {.vocab = 1, .embed = 4, .hidden = 3, .layers = 1},
        {.vocab = VOCAB, .embed = 0, .hidden = 3, .layers = 1},
        {.vocab = VOCAB, .embed = 4, .hidden = 3, .layers = TWI_RNN_LAYERS_MAX + 1},
        {.vocab = VOCAB, .embed = 4, .hidden = 3, .layers = 1, .dropout = 1}};
    const twi_text_cnn_config cc[] = {
        {.vocab = VOCAB, .embed = 4, .filters = 0, .narrow = 3, .widest = 5},
        {.vocab = VOCAB, .embed = 4, .filters = 5, .narrow = 0, .widest = 3},
        {.vocab = VOCAB, .embed = 4, .filters = 5, .narrow = 4, .widest = 3},
        {.vocab = VOCAB, .embed = 4, .filters = 5, .narrow = 1, .widest = 6}};
    twi_rnn *r = NULL;
    twi_text_cnn *c = NULL;
    assert_ok(tw_params_create(&m.ps, err));
    for (int i = 0; i < 4; i++) {
        assert_status(twi_rnn_create(&r, &rc[i], m.ps, "rnn.", err), TW_EINVAL);
        assert_null(r);
        assert_status(twi_text_cnn_create(&c, &cc[i], m.ps, "cnn.", err), TW_EINVAL);
        assert_null(c);
    }
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recurrent_encoder_has_the_gradient_of_its_value),
        cmocka_unit_test(a_convolutional_encoder_has_the_gradient_of_its_value),
        cmocka_unit_test(a_text_does_not_see_its_neighbours),
        cmocka_unit_test(an_encoder_out_of_range_is_refused),
        cmocka_unit_test(a_transformer_has_the_gradient_of_its_value),
        cmocka_unit_test(poolings_and_ends_have_the_gradients_of_their_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
