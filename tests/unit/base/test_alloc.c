#include "base/alloc.h"

#include <stdint.h>
#include <string.h>

#include "tests/support/test.h"

static bool all_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

/* With rubbish between: memory that comes back is zeroed, too. */
static void new_memory_is_zeroed(void **state)
{
    (void) state;
    for (int round = 0; round < 10; round++) {
        unsigned char *p = round % 2 == 0 ? tw_alloc(333, 3) : tw_alloc_aligned(333, 3);
        assert_non_null(p);
        assert_true(all_zero(p, 999));
        memset(p, 0xaa, 999);
        tw_free(p);
    }
    for (int round = 0; round < 10; round++) {
        unsigned char *p = tw_alloc_aligned(333, 3);
        assert_non_null(p);
        assert_true(all_zero(p, 999));
        memset(p, 0xaa, 999);
        tw_free(p);
    }
}

static void nothing_has_an_address(void **state)
{
    void *blocks[] = {tw_alloc(0, 8), tw_alloc(8, 0), tw_alloc_aligned(0, 8),
                      tw_realloc(NULL, 0, 8)};
    (void) state;
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        assert_non_null(blocks[i]);
        tw_free(blocks[i]);
    }
    tw_free(NULL);
}

static void sizes_that_overflow_are_refused(void **state)
{
    char *old = tw_strdup("kept");
    (void) state;
    assert_null(tw_alloc(SIZE_MAX / 2, 4));
    assert_null(tw_alloc_aligned(SIZE_MAX / 2, 4));
    assert_null(tw_alloc_aligned(SIZE_MAX - 8, 1)); /* rounding up would overflow */
    assert_null(tw_realloc(old, SIZE_MAX / 2 + 1, 2));
    assert_string_equal(old, "kept");
    tw_free(old);
}

static void aligned_memory_begins_a_cache_line(void **state)
{
    (void) state;
    for (size_t n = 1; n < 300; n += 13) {
        void *p = tw_alloc_aligned(n, 1);
        assert_int_equal((uintptr_t) p % 64, 0);
        tw_free(p);
    }
    unsigned char *large = tw_alloc_aligned(5 << 20, 1); /* large pages are asked for */
    assert_non_null(large);
    assert_int_equal((uintptr_t) large % 64, 0);
    assert_true(all_zero(large, 5 << 20));
    tw_free(large);
}

static void a_block_keeps_its_content_when_it_grows(void **state)
{
    int *p = tw_realloc(NULL, 10, sizeof *p);
    (void) state;
    assert_non_null(p);
    for (int i = 0; i < 10; i++)
        p[i] = i;
    p = tw_realloc(p, 100000, sizeof *p);
    assert_non_null(p);
    p[99999] = 1;
    p = tw_realloc(p, 10, sizeof *p);
    assert_non_null(p);
    for (int i = 0; i < 10; i++)
        assert_int_equal(p[i], i);
    tw_free(p);
}

static void copies_of_strings_end_where_they_should(void **state)
{
    const char text[] = "ab\0cd";
    char *whole = tw_strdup(text), *part = tw_strndup("abcdef", 3), *bytes = tw_strndup(text, 5);
    (void) state;
    assert_string_equal(whole, "ab");
    assert_string_equal(part, "abc");
    assert_memory_equal(bytes, text, 6);
    tw_free(whole);
    tw_free(part);
    tw_free(bytes);
}

#ifdef TW_TORTURE
/* The nth from now fails, that one alone. */
static void the_nth_allocation_fails_once(void **state)
{
    (void) state;
    tw_torture_arm(3);
    const long before = tw_alloc_count();
    void *a = tw_alloc(1, 1), *b = tw_alloc_aligned(1, 1);
    assert_false(tw_torture_fired());
    void *c = tw_realloc(NULL, 1, 1);
    assert_true(tw_torture_fired());
    char *d = tw_strdup("d");
    assert_non_null(a);
    assert_non_null(b);
    assert_null(c);
    assert_non_null(d);
    assert_int_equal(tw_alloc_count() - before, 4);
    tw_torture_arm(0);
    assert_false(tw_torture_fired());
    tw_free(a);
    tw_free(b);
    tw_free(d);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_memory_is_zeroed),
        cmocka_unit_test(nothing_has_an_address),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(aligned_memory_begins_a_cache_line),
        cmocka_unit_test(a_block_keeps_its_content_when_it_grows),
        cmocka_unit_test(copies_of_strings_end_where_they_should),
#ifdef TW_TORTURE
        cmocka_unit_test(the_nth_allocation_fails_once),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
