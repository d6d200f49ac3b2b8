/* Laws of causal attention over packed sequences. */
#include <string.h>

#include "base/rng.h"
#include "nn/tape/tape.h"
#include "tests/support/test.h"

enum { S = 6, LONGEST = 150, D = 16, H = 2, MOST = S * LONGEST };

static tw_real q[MOST * D], k[MOST * D], v[MOST * D];
static int32_t offsets[S + 1];

static void draw(tw_rng *rng)
{
    for (int s = 0; s < S; s++)
        offsets[s + 1] = offsets[s] + 1 + (int32_t) tw_rng_below(rng, LONGEST);
    for (int i = 0; i < MOST * D; i++) {
        q[i] = (tw_real) tw_rng_normal(rng);
        k[i] = (tw_real) tw_rng_normal(rng);
        v[i] = (tw_real) tw_rng_normal(rng);
    }
}

/* The outputs of rows [begin, begin+n), packed as `packed` says; valid until the reset. */
static const tw_real *attend(tw_tape *t, int begin, int n, const int32_t *packed, int sequences)
{
    size_t at = (size_t) begin * D;
    tw_tensor *y = tw_op_attention(t, tw_op_input(t, q + at, n, D), tw_op_input(t, k + at, n, D),
                                   tw_op_input(t, v + at, n, D), packed, sequences, H, 0.35, 0);
    assert_non_null(y);
    return y->v;
}

static void a_future_row_never_changes_a_past_one(void **state)
{
    (void) state;
    tw_rng rng;
    tw_tape *t = NULL;
    static tw_real before[MOST * D];
    tw_rng_seed(&rng, tw_test_seed());
    draw(&rng);
    assert_ok(tw_tape_create(&t, NULL, err));
    int n = offsets[S];
    for (int round = 0; round < 20; round++) {
        tw_tape_reset(t, 1, 1, 1);
        memcpy(before, attend(t, 0, n, offsets, S), (size_t) n * D * sizeof *before);
        int row = (int) tw_rng_below(&rng, (uint64_t) n), s = 0;
        while (offsets[s + 1] <= row)
            s++;
        for (int j = 0; j < D; j++) {
            k[row * D + j] += 3;
            v[row * D + j] -= 5;
            q[row * D + j] = -q[row * D + j];
        }
        const tw_real *after = attend(t, 0, n, offsets, S);
        /* Rows before it and other sequences: to the bit. The row itself must change. */
        for (int i = 0; i < n; i++) {
            bool same = memcmp(after + i * D, before + i * D, D * sizeof *after) == 0;
            if (i < row || i >= offsets[s + 1])
                assert_true(same);
            if (i == row)
                assert_false(same);
        }
    }
    tw_tape_destroy(t);
}

static void packing_sequences_changes_nothing(void **state)
{
    (void) state;
    tw_rng rng;
    tw_tape *t = NULL;
    tw_rng_seed(&rng, tw_test_seed() + 1);
    draw(&rng);
    assert_ok(tw_tape_create(&t, NULL, err));
    const tw_real *packed = attend(t, 0, offsets[S], offsets, S);
    for (int s = 0; s < S; s++) {
        int32_t alone[2] = {0, offsets[s + 1] - offsets[s]};
        const tw_real *one = attend(t, offsets[s], alone[1], alone, 1);
        assert_memory_equal(one, packed + (size_t) offsets[s] * D,
                            (size_t) alone[1] * D * sizeof *one);
    }
    tw_tape_destroy(t);
}

static void outputs_lie_between_the_values_seen(void **state)
{
    (void) state;
    tw_rng rng;
    tw_tape *t = NULL;
    tw_rng_seed(&rng, tw_test_seed() + 2);
    draw(&rng);
    assert_ok(tw_tape_create(&t, NULL, err));
    const tw_real *y = attend(t, 0, offsets[S], offsets, S);
    for (int s = 0; s < S; s++)
        for (int c = 0; c < D; c++) {
            tw_real low = v[offsets[s] * D + c], high = low;
            for (int i = offsets[s]; i < offsets[s + 1]; i++) {
                low = v[i * D + c] < low ? v[i * D + c] : low;
                high = v[i * D + c] > high ? v[i * D + c] : high;
                assert_true(y[i * D + c] >= low - 1e-4f && y[i * D + c] <= high + 1e-4f);
            }
        }
    tw_tape_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_future_row_never_changes_a_past_one),
        cmocka_unit_test(packing_sequences_changes_nothing),
        cmocka_unit_test(outputs_lie_between_the_values_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
