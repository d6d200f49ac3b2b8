/* In float, which has a path of its own. */
#include "nn/kernels/vec.h"
#include "tests/support/test.h"

enum { MOST = 37, WIDE = MOST + 3 };

/* Every size around the squares of 4 and the strips of 16, out of and into wider rows. */
static void every_number_crosses_the_diagonal_and_nothing_else_is_written(void **state)
{
    (void) state;
    static tw_real x[MOST * WIDE + 1], y[MOST * WIDE + 1];
    for (int i = 0; i <= MOST * WIDE; i++)
        x[i] = (tw_real) (i + 1);
    for (int R = 0; R <= MOST; R++) {
        for (int C = 0; C <= MOST; C++) {
            for (int i = 0; i <= MOST * WIDE; i++)
                y[i] = -1;
            tw_transpose(y, R + 3, x, C + 2, R, C);
            for (int c = 0; c < C; c++)
                for (int r = 0; r < R + 3; r++)
                    assert_true(y[c * (R + 3) + r] == (r < R ? x[r * (C + 2) + c] : -1));
            assert_true(y[C * (R + 3)] == -1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_crosses_the_diagonal_and_nothing_else_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
