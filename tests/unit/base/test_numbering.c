#include "tests/support/test.h"

#include "base/hash.h"
#include "base/numbering.h"
#include "base/rng.h"

enum { MANY = 5000 };

static void numbers_follow_the_first_meeting(void **state)
{
    static const uint64_t keys[] = {7, 0, 7, UINT64_MAX, 3, 0, 1ull << 63};
    static const int32_t want[] = {0, 1, 0, 2, 3, 1, 4};
    tw_numbering t = {0};
    (void) state;
    assert_int_equal(tw_numbering_find(&t, 0), -1);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        int32_t number = -1;
        assert_ok(tw_numbering_put(&t, keys[i], &number, err));
        assert_int_equal(number, want[i]);
        assert_int_equal(tw_numbering_find(&t, keys[i]), want[i]);
    }
    assert_int_equal(t.n, 5);
    assert_int_equal(t.keys[0], 7);
    assert_true(t.keys[2] == UINT64_MAX);
    assert_int_equal(tw_numbering_find(&t, 8), -1);
    tw_numbering_fini(&t);
    assert_int_equal(t.n, 0);
}

/* Against a list that is searched from its front: keys that repeat, that lie close and that differ
 * in their upper bits alone. */
static void numbers_are_those_of_a_plain_list(void **state)
{
    tw_numbering t = {0};
    static uint64_t list[MANY];
    int32_t n = 0;
    tw_rng rng;
    (void) state;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < MANY; i++) {
        const uint64_t draw = tw_rng_below(&rng, 1500);
        const uint64_t key = i % 3 == 0 ? draw << 52 : i % 3 == 1 ? draw : tw_hash_end(draw);
        int32_t at = 0, number = -1;
        while (at < n && list[at] != key)
            at++;
        if (at == n)
            list[n++] = key;
        assert_ok(tw_numbering_put(&t, key, &number, err));
        assert_int_equal(number, at);
    }
    assert_int_equal(t.n, n);
    for (int32_t i = 0; i < n; i++) {
        assert_true(t.keys[i] == list[i]);
        assert_int_equal(tw_numbering_find(&t, list[i]), i);
    }
    tw_numbering_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_follow_the_first_meeting),
        cmocka_unit_test(numbers_are_those_of_a_plain_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
