#include "nn/params.h"

#include <math.h>
#include <string.h>

#include "tests/support/test.h"

static void names_are_unique_and_sizes_at_least_one(void **state)
{
    (void) state;
    static const struct {
        const char *name;
        int64_t rows;
        int cols;
    } bad[] = {
        {"w", 1, 1},                                                                /* taken */
        {"", 1, 1},                                                                 /* empty */
        {"x", 0, 1},                                                                /* no row */
        {"x", 1, 0},                                                                /* no column */
        {"x", -1, 1},                                                               /* negative */
        {"0123456789012345678901234567890123456789012345678901234567890123", 1, 1}, /* 64 bytes */
    };
    tw_params *ps = NULL;
    tw_param *w, *x;
    assert_ok(tw_params_create(&ps, err));
    assert_ok(tw_params_add(ps, &w, "w", 2, 3, TW_DENSE, err));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        x = w;
        assert_status(tw_params_add(ps, &x, bad[i].name, bad[i].rows, bad[i].cols, TW_DENSE, err),
                      TW_EINVAL);
        assert_null(x);
    }
    assert_status(tw_params_add(ps, &x, "huge", INT32_MAX, 1, TW_TABLE, err), TW_EINVAL);
    assert_int_equal(tw_params_count(ps), 1);
    assert_int_equal(tw_params_size(ps), 6);
    assert_ptr_equal(tw_params_find(ps, "w"), w);
    assert_null(tw_params_find(ps, "x"));
    assert_int_equal((uintptr_t) w->value % 64, 0);
    tw_params_destroy(ps);
    tw_params_destroy(NULL);
}

static void initialisers_have_the_promised_spread(void **state)
{
    (void) state;
    enum { R = 300, C = 40 };
    tw_rng rng;
    tw_params *ps = NULL;
    tw_param *p;
    tw_rng_seed(&rng, tw_test_seed());
    assert_ok(tw_params_create(&ps, err));
    assert_ok(tw_params_add(ps, &p, "p", R, C, TW_DENSE, err));

    tw_param_init_normal(p, 0.02, &rng);
    double sum = 0, sq = 0, most = 0;
    for (int i = 0; i < R * C; i++) {
        sum += (double) p->value[i];
        sq += (double) p->value[i] * (double) p->value[i];
    }
    assert_near(sum / (R * C), 0, 0.001);
    assert_near(sqrt(sq / (R * C)), 0.02, 0.001);

    tw_param_init_glorot(p, &rng);
    for (int i = 0; i < R * C; i++)
        most = fmax(most, fabs((double) p->value[i]));
    double bound = sqrt(6.0 / (R + C));
    assert_true(most <= bound && most > 0.99 * bound);

    tw_param_fill(p, 3);
    assert_true(p->value[0] == 3 && p->value[R * C - 1] == 3);
    tw_params_destroy(ps);
}

static void a_store_remembers_which_rows_were_touched(void **state)
{
    (void) state;
    tw_params *ps = NULL;
    tw_param *table, *dense;
    tw_grads *g = NULL;
    const int64_t *rows;
    int64_t n;
    assert_ok(tw_params_create(&ps, err));
    assert_ok(tw_params_add(ps, &table, "t", 5, 2, TW_TABLE, err));
    assert_ok(tw_params_add(ps, &dense, "d", 3, 2, TW_DENSE, err));
    assert_ok(tw_grads_create(&g, ps, err));

    tw_grads_touched(g, dense, &rows, &n);
    assert_true(rows == NULL && n == 3); /* a dense gradient is always complete */
    tw_grads_touched(g, table, &rows, &n);
    assert_int_equal(n, 0);

    tw_grads_row(g, table, 4)[1] += 2;
    tw_grads_row(g, table, 1)[0] += 1;
    tw_grads_row(g, table, 4)[1] += 2;
    tw_grads_touched(g, table, &rows, &n);
    assert_true(n == 2 && rows[0] == 4 && rows[1] == 1); /* in order of first touch, each once */
    assert_true(tw_grads_peek(g, table, 4)[1] == 4 && tw_grads_peek(g, table, 3)[0] == 0);

    tw_grads_all(g, table)[2 * 2] += 7;
    tw_grads_touched(g, table, &rows, &n);
    assert_true(rows == NULL && n == 5);
    tw_grads_all(g, dense)[0] = 9;

    tw_grads_zero(g);
    tw_grads_touched(g, table, &rows, &n);
    assert_int_equal(n, 0);
    for (int64_t r = 0; r < 5; r++)
        assert_true(tw_grads_peek(g, table, r)[0] == 0 && tw_grads_peek(g, table, r)[1] == 0);
    assert_true(tw_grads_peek(g, dense, 0)[0] == 0);

    tw_grads_row(g, table, 4)[0] += 1; /* and it starts anew */
    tw_grads_touched(g, table, &rows, &n);
    assert_true(n == 1 && rows[0] == 4);
    tw_grads_zero(g);
    assert_true(tw_grads_peek(g, table, 4)[0] == 0);
    tw_grads_destroy(g);
    tw_grads_destroy(NULL);
    tw_params_destroy(ps);
}

/* Whatever the order of the first touches, the whole gradient has each row at its own place. */
static void all_rows_come_to_their_places(void **state)
{
    (void) state;
    static const int64_t orders[][5] = {{3, 0, 1, -1},   {4, 1, -1}, {0, 1, 2, -1}, {1, 0, 4, 3, 2},
                                        {2, 4, 0, 1, 3}, {-1},       {1, 2, 0, -1}};
    tw_params *ps = NULL;
    tw_param *table;
    tw_grads *g = NULL;
    assert_ok(tw_params_create(&ps, err));
    assert_ok(tw_params_add(ps, &table, "t", 5, 2, TW_TABLE, err));
    assert_ok(tw_grads_create(&g, ps, err));

    for (size_t t = 0; t < sizeof orders / sizeof orders[0]; t++) {
        double want[5] = {0};
        for (int k = 0; k < 5 && orders[t][k] >= 0; k++) {
            const int64_t row = orders[t][k];
            want[row] = 10 + (double) row;
            tw_grads_row(g, table, row)[1] += (tw_real) want[row];
        }
        for (int row = 0; row < 5; row++)
            assert_true(tw_grads_peek(g, table, row)[1] == (tw_real) want[row]);
        const tw_real *all = tw_grads_all(g, table);
        for (int row = 0; row < 5; row++) {
            assert_true(all[2 * row] == 0 && all[2 * row + 1] == (tw_real) want[row]);
            assert_true(tw_grads_row(g, table, row) == all + 2 * (size_t) row);
        }
        tw_grads_zero(g);
        for (int row = 0; row < 5; row++) /* nothing is left behind */
            assert_true(tw_grads_peek(g, table, row)[1] == 0 &&
                        tw_grads_row(g, table, row)[1] == 0);
        tw_grads_zero(g);
    }
    tw_grads_destroy(g);
    tw_params_destroy(ps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_unique_and_sizes_at_least_one),
        cmocka_unit_test(initialisers_have_the_promised_spread),
        cmocka_unit_test(a_store_remembers_which_rows_were_touched),
        cmocka_unit_test(all_rows_come_to_their_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
