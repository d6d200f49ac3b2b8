/* LSTM and GRU against the definition, a sequence and a number at a time. */
#include <math.h>
#include <string.h>

#include "nn/tape/tape.h"
#include "tests/support/test.h"

enum { H = 3, S = 4, N = 9 };

static const int32_t offsets[S + 1] = {0, 2, 7, 7, N};

static double logistic(double x) { return 1 / (1 + exp(-x)); }

/* z (G*H) = x + wh h (+ bh); the GRU's last part is kept apart in hn. */
static void gates(double *z, double *hidden, const tw_real *x, const double *h, const tw_real *wh,
                  const tw_real *bh, int G)
{
    for (int o = 0; o < G * H; o++) {
        hidden[o] = bh != NULL ? (double) bh[o] : 0;
        for (int k = 0; k < H; k++)
            hidden[o] += (double) wh[o * H + k] * h[k];
        z[o] = (double) x[o] + hidden[o];
    }
}

static void plain(double *y, const tw_real *x, const tw_real *wh, const tw_real *bh, int G,
                  bool reverse)
{
    for (int s = 0; s < S; s++) {
        double h[H] = {0}, c[H] = {0}, z[4 * H], hidden[4 * H];
        const int len = offsets[s + 1] - offsets[s];
        for (int step = 0; step < len; step++) {
            const int row = reverse ? offsets[s + 1] - 1 - step : offsets[s] + step;
            gates(z, hidden, x + row * G * H, h, wh, bh, G);
            for (int j = 0; j < H; j++) {
                if (G == 4) {
                    c[j] = logistic(z[H + j]) * c[j] + logistic(z[j]) * tanh(z[2 * H + j]);
                    h[j] = logistic(z[3 * H + j]) * tanh(c[j]);
                } else {
                    double u = logistic(z[H + j]);
                    double n = tanh((double) x[row * G * H + 2 * H + j] +
                                    logistic(z[j]) * hidden[2 * H + j]);
                    h[j] = (1 - u) * n + u * h[j];
                }
                y[row * H + j] = h[j];
            }
        }
    }
}

static void compare(int G, bool biased, bool reverse)
{
    tw_params *ps = NULL;
    tw_param *wh, *bh;
    tw_tape *t = NULL;
    tw_rng rng;
    tw_real x[N * 4 * H];
    double want[N * H];
    tw_rng_seed(&rng, tw_test_seed());
    assert_ok(tw_params_create(&ps, err));
    assert_ok(tw_params_add(ps, &wh, "wh", G * H, H, TW_DENSE, err));
    assert_ok(tw_params_add(ps, &bh, "bh", 1, G * H, TW_DENSE, err));
    tw_param_init_normal(wh, 1, &rng);
    tw_param_init_normal(bh, 1, &rng);
    for (int i = 0; i < N * G * H; i++)
        x[i] = (tw_real) tw_rng_normal(&rng);
    plain(want, x, wh->value, biased ? bh->value : NULL, G, reverse);
    assert_ok(tw_tape_create(&t, NULL, err));
    tw_tensor *y = tw_op_recurrent(t, tw_op_input(t, x, N, G * H), wh, biased ? bh : NULL, offsets,
                                   S, reverse);
    assert_non_null(y);
    for (int i = 0; i < N * H; i++)
        assert_near(y->v[i], want[i], 2e-6);
    tw_tape_destroy(t);
    tw_params_destroy(ps);
}

static void an_lstm_is_what_its_definition_gives(void **state)
{
    (void) state;
    compare(4, false, false);
    compare(4, true, true);
}

static void a_gru_is_what_its_definition_gives(void **state)
{
    (void) state;
    compare(3, true, false);
    compare(3, false, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_lstm_is_what_its_definition_gives),
        cmocka_unit_test(a_gru_is_what_its_definition_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
