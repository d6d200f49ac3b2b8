#include "nn/kernels/vec.h"

#include <math.h>

#include "nn/kernels/bag.h"
#include "tests/unit/nn/gradcheck.h"

static void sumsq_shows_what_is_not_finite(void **state)
{
    (void) state;
    const tw_real x[3] = {3, 4, 0}, bad[2] = {1, (tw_real) NAN}, inf[2] = {1, -(tw_real) INFINITY};
    double sum;
    tw_vec_sumsq(&sum, x, 3);
    assert_true(sum == 25);
    tw_vec_sumsq(&sum, bad, 2);
    assert_true(isnan(sum));
    tw_vec_sumsq(&sum, inf, 2);
    assert_true(isinf(sum));
}

static void move_add_empties_its_source(void **state)
{
    (void) state;
    tw_real a[3] = {1, 2, 3}, b[3] = {10, 20, 30};
    tw_vec_move_add(a, b, 3);
    assert_true(a[0] == 11 && a[1] == 22 && a[2] == 33);
    assert_true(b[0] == 0 && b[1] == 0 && b[2] == 0);
}

static void colsum_adds_every_row_and_column(void **state)
{
    (void) state;
    enum { N = 130, D = 131 }; /* past the blocks and panels of 64 */
    static tw_real dy[N * D], db[D];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < D; j++)
            dy[i * D + j] = i + 1000 * j;
    for (int j = 0; j < D; j++)
        db[j] = 1;
    tw_vec_colsum(db, dy, N, D);
    for (int j = 0; j < D; j++)
        assert_true(db[j] == 1 + N * (N - 1) / 2 + 1000.0 * j * N);
}

static void gather_and_bag_by_hand(void **state)
{
    (void) state;
    const tw_real table[6] = {1, 2, 10, 20, 100, 200}, weights[3] = {0.5, 2, 3};
    const int32_t ids[3] = {2, -1, 0}, bag_ids[3] = {0, 1, 2}, offsets[4] = {0, 2, 2, 3};
    tw_real y[6], dx[6] = {0};
    tw_gather_forward(y, table, ids, 2, 3, 2);
    assert_true(y[0] == 200 && y[1] == 400 && y[2] == 0 && y[3] == 0 && y[4] == 2 && y[5] == 4);
    tw_gather_backward(dx, y, ids, 1, 3, 2);
    assert_true(dx[0] == 2 && dx[1] == 4 && dx[2] == 0 && dx[4] == 200 && dx[5] == 400);
    tw_bag_forward(y, table, bag_ids, weights, offsets, 3, 2);
    assert_true(y[0] == 0.5 + 20 && y[1] == 1 + 40); /* rows 0 and 1 */
    assert_true(y[2] == 0 && y[3] == 0);             /* an empty bag */
    assert_true(y[4] == 300 && y[5] == 600);
    tw_bag_forward(y, table, bag_ids, NULL, offsets, 1, 2);
    assert_true(y[0] == 11 && y[1] == 22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sumsq_shows_what_is_not_finite),
        cmocka_unit_test(move_add_empties_its_source),
        cmocka_unit_test(colsum_adds_every_row_and_column),
        cmocka_unit_test(gather_and_bag_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
