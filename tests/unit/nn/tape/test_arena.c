#include "nn/tape/arena.h"

#include <string.h>

#include "base/alloc.h"
#include "tests/support/test.h"

static void blocks_are_aligned_and_do_not_overlap(void **state)
{
    (void) state;
    enum { TAKES = 300 };
    unsigned char *taken[TAKES];
    tw_arena a;
    tw_arena_init(&a);
    for (int i = 0; i < TAKES; i++) {
        size_t n = (size_t) i * 97; /* some 4 MB in all: several blocks */
        taken[i] = tw_arena_take(&a, n, 1);
        assert_non_null(taken[i]);
        assert_int_equal((uintptr_t) taken[i] % 64, 0);
        memset(taken[i], i % 251, n);
    }
    for (int i = 0; i < TAKES; i++)
        for (size_t j = 0; j < (size_t) i * 97; j++)
            assert_int_equal(taken[i][j], i % 251);
    tw_arena_fini(&a);
}

static void a_step_like_the_last_one_allocates_nothing(void **state)
{
    (void) state;
    tw_arena a;
    tw_arena_init(&a);
    for (int step = 0; step < 3; step++) {
        long before = tw_alloc_count();
        tw_arena_reset(&a);
        for (size_t i = 0; i < 100; i++)
            assert_non_null(tw_arena_take(&a, 1 + i * 1000, 8));
        if (step > 0)
            assert_int_equal(tw_alloc_count() - before, 0);
    }
    tw_arena_fini(&a);
}

static void one_piece_may_be_larger_than_a_block(void **state)
{
    (void) state;
    tw_arena a;
    tw_arena_init(&a);
    unsigned char *p = tw_arena_take(&a, 5, 1 << 20);
    assert_non_null(p);
    memset(p, 1, 5 << 20); /* all of it is there */
    assert_true(tw_arena_bytes(&a) >= 5u << 20);
    tw_arena_fini(&a);
}

static void a_size_that_overflows_is_refused(void **state)
{
    (void) state;
    tw_arena a;
    tw_arena_init(&a);
    assert_null(tw_arena_take(&a, SIZE_MAX / 2, 4));
    assert_null(tw_arena_take(&a, SIZE_MAX, 1));
    assert_non_null(tw_arena_take(&a, 1, 1)); /* and it goes on */
    tw_arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_do_not_overlap),
        cmocka_unit_test(a_step_like_the_last_one_allocates_nothing),
        cmocka_unit_test(one_piece_may_be_larger_than_a_block),
        cmocka_unit_test(a_size_that_overflows_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
