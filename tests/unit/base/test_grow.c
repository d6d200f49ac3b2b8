#include "tests/support/test.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/grow.h"

static void what_was_appended_stays_in_its_order(void **state)
{
    int64_t *items = NULL;
    size_t room = 0;
    (void) state;
    for (size_t n = 0; n < 1000; n++) {
        assert_ok(tw_grow(&items, &room, n + 1, "numbers", err));
        assert_true(room >= n + 1);
        items[n] = (int64_t) n * 3;
    }
    for (size_t n = 0; n < 1000; n++)
        assert_int_equal(items[n], n * 3);
    tw_free(items);
}

/* 16, 32, ... 1024: seven times for 1,000 elements, whatever is appended at once. */
static void room_doubles_and_holds_what_is_wanted(void **state)
{
    char *items = NULL;
    size_t room = 0, before = 0;
    int moves = 0;
    (void) state;
    for (size_t n = 1; n <= 1000; n++) {
        assert_ok(tw_grow(&items, &room, n, "bytes", err));
        moves += room != before;
        before = room;
    }
    assert_int_equal(moves, 7);
    assert_int_equal(room, 1024);
    assert_ok(tw_grow(&items, &room, 5000, "bytes", err));
    assert_int_equal(room, 5000);
    assert_ok(tw_grow(&items, &room, 10, "bytes", err));
    assert_int_equal(room, 5000);
    tw_free(items);
}

static void columns_grow_together(void **state)
{
    int32_t *a = NULL;
    double *b = NULL;
    char(*c)[3] = NULL;
    size_t room = 0;
    (void) state;
    for (size_t n = 0; n < 100; n++) {
        const tw_column columns[] = {TW_COLUMN(&a), TW_COLUMN(&b), TW_COLUMN(&c)};
        assert_ok(tw_grow_columns(columns, 3, &room, n + 1, "rows", err));
        a[n] = (int32_t) n;
        b[n] = (double) n / 2;
        c[n][2] = (char) n;
    }
    for (size_t n = 0; n < 100; n++) {
        assert_int_equal(a[n], n);
        assert_true(b[n] == (double) n / 2);
        assert_int_equal(c[n][2], n);
    }
    tw_free(a);
    tw_free(b);
    tw_free(c);
}

static void zeroed_elements_are_zero_and_the_old_ones_stay(void **state)
{
    int32_t *items = NULL;
    size_t room = 0;
    (void) state;
    for (size_t want = 1; want < 3000; want += 7) {
        const size_t had = room;
        assert_ok(tw_grow_zeroed(&items, &room, want, "counts", err));
        for (size_t i = had; i < room; i++) {
            assert_int_equal(items[i], 0);
            items[i] = 7;
        }
        for (size_t i = 0; i < had; i++)
            assert_int_equal(items[i], 7);
    }
    tw_free(items);
}

/* A count that overflowed, as a negative one does, is out of memory and not a small array. */
static void sizes_that_no_memory_has_are_refused(void **state)
{
    int64_t *items = NULL;
    size_t room = 0;
    tw_error own = {0};
    (void) state;
    assert_status(tw_grow(&items, &room, SIZE_MAX, "pairs", &own), TW_ENOMEM);
    assert_non_null(strstr(own.msg, "pairs"));
    assert_status(tw_grow(&items, &room, SIZE_MAX / 8 + 2, "pairs", NULL), TW_ENOMEM);
    assert_null(items);
    assert_int_equal(room, 0);
    assert_ok(tw_grow(&items, &room, 3, "pairs", err));
    items[2] = 5;
    assert_status(tw_grow(&items, &room, (size_t) -1, "pairs", NULL), TW_ENOMEM);
    assert_int_equal(items[2], 5);
    assert_int_equal(room, 16);
    tw_free(items);
}

#ifdef TW_TORTURE
/* The second column fails: the first may have moved, but the room is the old one, and all is
 * still there. */
static void a_failure_leaves_room_and_content(void **state)
{
    int32_t *a = NULL;
    int64_t *b = NULL;
    size_t room = 0;
    const tw_column columns[] = {TW_COLUMN(&a), TW_COLUMN(&b)};
    (void) state;
    assert_ok(tw_grow_columns(columns, 2, &room, 1, "rows", err));
    a[0] = 11;
    b[0] = 12;
    for (long nth = 1; nth <= 2; nth++) {
        tw_torture_arm(nth);
        assert_status(tw_grow_columns(columns, 2, &room, 17, "rows", NULL), TW_ENOMEM);
        tw_torture_arm(0);
        assert_int_equal(room, 16);
        assert_int_equal(a[0], 11);
        assert_int_equal(b[0], 12);
    }
    assert_ok(tw_grow_columns(columns, 2, &room, 17, "rows", err));
    assert_int_equal(room, 32);
    assert_int_equal(a[0], 11);
    assert_int_equal(b[0], 12);
    tw_free(a);
    tw_free(b);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_appended_stays_in_its_order),
        cmocka_unit_test(room_doubles_and_holds_what_is_wanted),
        cmocka_unit_test(columns_grow_together),
        cmocka_unit_test(zeroed_elements_are_zero_and_the_old_ones_stay),
        cmocka_unit_test(sizes_that_no_memory_has_are_refused),
#ifdef TW_TORTURE
        cmocka_unit_test(a_failure_leaves_room_and_content),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
