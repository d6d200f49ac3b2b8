/* The convolution against its definition, in plain loops. */
#include "nn/kernels/conv.h"

#include <string.h>

#include "nn/kernels/vec.h"
#include "tests/unit/nn/gradcheck.h"

enum { N = 3, MOST = 4000, WORK = 1 << 18 };

static struct {
    tw_real x[MOST], y[MOST], want[MOST], w[MOST], wt[MOST], b[16];
    tw_real dx[MOST], dw[MOST], db[16], work[WORK];
    int32_t in_at[N + 1], out_at[N + 1];
} m;

/* Number (v, u, j) of image i, 0 outside. */
static tw_real at(const tw_conv *s, int i, int v, int u, int j)
{
    int h = (s->in_at[i + 1] - s->in_at[i]) / s->in_w;
    if (v < 0 || v >= h || u < 0 || u >= s->in_w)
        return 0;
    return m.x[(s->in_at[i] + v * s->in_w + u) * s->C + j];
}

static void by_definition(const tw_conv *s)
{
    for (int i = 0; i < s->n; i++) {
        for (int p = s->out_at[i]; p < s->out_at[i + 1]; p++) {
            int v = (p - s->out_at[i]) / s->out_w, u = (p - s->out_at[i]) % s->out_w;
            for (int o = 0; o < s->O; o++) {
                tw_real sum = m.b[o];
                for (int a = 0; a < s->k; a++)
                    for (int c = 0; c < s->k; c++)
                        for (int j = 0; j < s->C; j++)
                            sum += at(s, i, v * s->stride - s->pad + a, u * s->stride - s->pad + c,
                                      j) *
                                   m.w[o * s->k * s->k * s->C + (a * s->k + c) * s->C + j];
                m.want[p * s->O + o] = sum;
            }
        }
    }
}

typedef struct row {
    const char *what;
    int heights[N], width, C, O, k, stride, pad;
} row;

static const row rows[] = {
    {"3x3 as in every net", {5, 5, 5}, 6, 4, 3, 3, 1, 1},
    {"of different heights, one of them 1", {5, 1, 7}, 4, 3, 2, 3, 1, 1},
    {"stride 2, even and odd sides", {5, 6, 2}, 5, 3, 4, 3, 2, 1},
    {"1x1", {4, 3, 2}, 3, 5, 4, 1, 1, 0},
    {"1x1 with stride 2", {4, 3, 5}, 5, 2, 3, 1, 2, 0},
    {"one pixel", {1, 1, 1}, 1, 3, 2, 3, 1, 1},
    {"no padding", {5, 4, 3}, 3, 2, 2, 3, 1, 0},
    {"5x5, padding that reaches past the image", {2, 1, 3}, 2, 2, 2, 5, 1, 2},
    {"7x7 with stride 3 and much padding", {4, 9, 1}, 5, 1, 2, 7, 3, 4},
    {"one channel", {6, 7, 8}, 7, 1, 5, 3, 1, 1},
    {"as many patches as several blocks hold", {8, 9, 11}, 8, 16, 1, 9, 1, 4},
};

static tw_conv set_up(const row *r, tw_rng *rng)
{
    tw_conv s = {.n = N,
                 .in_at = m.in_at,
                 .out_at = m.out_at,
                 .in_w = r->width,
                 .out_w = tw_conv_extent(r->width, r->k, r->stride, r->pad),
                 .C = r->C,
                 .O = r->O,
                 .k = r->k,
                 .stride = r->stride,
                 .pad = r->pad};
    for (int i = 0; i < N; i++) {
        int h = tw_conv_extent(r->heights[i], r->k, r->stride, r->pad);
        m.in_at[i + 1] = m.in_at[i] + r->heights[i] * r->width;
        m.out_at[i + 1] = m.out_at[i] + h * s.out_w;
    }
    assert_true(m.in_at[N] * r->C <= MOST && m.out_at[N] * r->O <= MOST);
    assert_true(tw_conv_work(&s) <= WORK && r->k * r->k * r->C * r->O <= MOST);
    fill_random(rng, m.x, MOST);
    fill_random(rng, m.w, MOST);
    fill_random(rng, m.b, 16);
    tw_transpose(m.wt, s.O, m.w, s.k * s.k * s.C, s.O, s.k * s.k * s.C);
    return s;
}

static void forward_is_its_definition(void **state)
{
    (void) state;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        tw_conv s = set_up(&rows[r], &rng);
        print_message("  %s\n", rows[r].what);
        by_definition(&s);
        int end = s.out_at[N], cut = end / 3; /* in two calls, the cut inside an image */
        tw_conv_forward(m.y, m.work, m.x, m.wt, m.b, &s, 0, cut);
        tw_conv_forward(m.y + (size_t) cut * (size_t) s.O, m.work, m.x, m.wt, m.b, &s, cut, end);
        for (int j = 0; j < end * s.O; j++)
            assert_near(m.y[j], m.want[j], 1e-12);
        memset(m.b, 0, sizeof m.b);
        by_definition(&s);
        tw_conv_forward(m.y, m.work, m.x, m.wt, NULL, &s, 0, end);
        for (int j = 0; j < end * s.O; j++)
            assert_near(m.y[j], m.want[j], 1e-12);
    }
}

static tw_conv now;
static tw_real out_weights[MOST];

static double loss(void *ctx)
{
    (void) ctx;
    by_definition(&now);
    return weighted_sum(out_weights, m.want, (size_t) now.out_at[N] * (size_t) now.O);
}

static void backward_is_its_derivative(void **state)
{
    (void) state;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    for (size_t r = 0; r + 1 < sizeof rows / sizeof rows[0]; r++) {
        now = set_up(&rows[r], &rng);
        print_message("  %s\n", rows[r].what);
        const int end = now.out_at[N], cut = end / 3, K = now.k * now.k * now.C;
        fill_random(&rng, out_weights, MOST);
        memset(m.dx, 0, sizeof m.dx);
        memset(m.dw, 0, sizeof m.dw);
        memset(m.db, 0, sizeof m.db);
        tw_conv_backward(m.dx, m.dw, m.db, m.work, out_weights, m.x, m.w, &now, 0, cut);
        tw_conv_backward(m.dx, m.dw, m.db, m.work, out_weights + (size_t) cut * (size_t) now.O, m.x,
                         m.w, &now, cut, end);
        check_gradient(m.x, m.dx, (size_t) now.in_at[N] * (size_t) now.C, loss, NULL);
        check_gradient(m.w, m.dw, (size_t) now.O * (size_t) K, loss, NULL);
        check_gradient(m.b, m.db, (size_t) now.O, loss, NULL);
    }
}

static void backward_accumulates_and_leaves_out_what_is_not_wanted(void **state)
{
    (void) state;
    tw_rng rng;
    tw_rng_seed(&rng, tw_test_seed());
    tw_conv s = set_up(&rows[0], &rng);
    const int end = s.out_at[N], K = s.k * s.k * s.C;
    static tw_real once[MOST];
    memset(once, 0, sizeof once);
    memset(m.dw, 0, sizeof m.dw);
    tw_conv_backward(NULL, once, NULL, m.work, m.y, m.x, m.w, &s, 0, end);
    for (int i = 0; i < 2; i++)
        tw_conv_backward(NULL, m.dw, NULL, m.work, m.y, m.x, m.w, &s, 0, end);
    for (int j = 0; j < s.O * K; j++)
        assert_near(m.dw[j], 2 * once[j], 1e-11);
}

static void extents_are_those_of_the_definition(void **state)
{
    (void) state;
    assert_int_equal(tw_conv_extent(28, 3, 1, 1), 28);
    assert_int_equal(tw_conv_extent(32, 3, 2, 1), 16);
    assert_int_equal(tw_conv_extent(7, 3, 2, 1), 4);
    assert_int_equal(tw_conv_extent(5, 1, 2, 0), 3);
    assert_int_equal(tw_conv_extent(1, 3, 1, 1), 1);
    assert_int_equal(tw_conv_extent(2, 3, 1, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_is_its_definition),
        cmocka_unit_test(backward_is_its_derivative),
        cmocka_unit_test(backward_accumulates_and_leaves_out_what_is_not_wanted),
        cmocka_unit_test(extents_are_those_of_the_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
