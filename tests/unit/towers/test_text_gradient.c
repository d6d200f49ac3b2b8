/* Whole text encoders, in double: is the gradient of every weight the slope of what comes out? */
#include <math.h>
#include <string.h>

#include "nn/tape.h"
#include "tests/unit/nn/gradcheck.h"
#include "towers/text_transformer.h"

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
        const tw_real *d = tw_grads_peek(m.grads, p, 0);
        for (size_t j = 0; j < n; j++)
            largest = d[j] * d[j] > d[largest] * d[largest] ? j : largest;
        assert_true(d[largest] != 0);
        for (int k = 0; k < 4; k++) {
            size_t j = k == 0 ? largest : (size_t) tw_rng_below(&rng, n);
            tw_real keep = p->value[j], want = d[j];
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transformer_has_the_gradient_of_its_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
