#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

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

/* Rows of one hash are told apart by what they are. */
static const int rows[] = {5, 6, 5, 7, 6, 5};
typedef struct query {
    const int *of_number;
    int value;
} query;

static bool same_row(const void *ctx, int32_t number)
{
    const query *q = ctx;
    return q->of_number[number] == q->value;
}

static void things_of_one_hash_are_compared(void **state)
{
    static const int32_t want[] = {0, 1, 0, 2, 1, 0};
    tw_numbering t = {0};
    int met[8];
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const query q = {met, rows[i]};
        int32_t before = t.n, number = -1;
        assert_ok(tw_numbering_put_by(&t, 99, same_row, &q, &number, err));
        if (number == before)
            met[number] = rows[i];
        assert_int_equal(number, want[i]);
    }
    assert_int_equal(t.n, 3);
    assert_true(t.keys[2] == 99);
    tw_numbering_fini(&t);
}

static int32_t find(const tw_string_numbering *t, const char *s, size_t len)
{
    return tw_string_numbering_find(t, tw_fnv1a(TW_FNV_START, s, len), s, len);
}

static const char *text_of(const tw_string_numbering *t, int32_t number)
{
    return t->bytes.data + t->begins[number];
}

static void texts_are_numbered_and_kept(void **state)
{
    tw_string_numbering t;
    int32_t number = -1;
    (void) state;
    tw_string_numbering_init(&t, 1 << 20);
    assert_int_equal(find(&t, "x", 1), -1);
    for (int round = 0; round < 2; round++) {
        for (int32_t i = 0; i < MANY; i++) {
            char s[16];
            const int len = snprintf(s, sizeof s, "item%d", i * 7 % MANY);
            assert_ok(tw_string_numbering_put(&t, s, (size_t) len, &number, err));
            assert_int_equal(number, i);
        }
        assert_int_equal(t.hashes.n, MANY);
    }
    assert_string_equal(text_of(&t, 0), "item0");
    assert_string_equal(text_of(&t, 3), "item21");
    assert_int_equal(find(&t, "item21", 6), 3);
    /* "item2": 7 i mod 5,000 is 2 */
    assert_int_equal(find(&t, "item21", 5), 4286);
    tw_string_numbering_fini(&t);
}

/* "" and bytes with NUL inside are texts, too; a beginning of a text is another one. */
static void any_bytes_are_a_text(void **state)
{
    static const struct {
        const char *s;
        size_t len;
    } texts[] = {{"", 0}, {"a", 1}, {"a\0b", 3}, {"a\0", 2}, {"ab", 2}, {"\0", 1}};
    tw_string_numbering t;
    int32_t number = -1;
    (void) state;
    tw_string_numbering_init(&t, 64);
    for (int32_t i = 0; i < 6; i++) {
        assert_ok(tw_string_numbering_put(&t, texts[i].s, texts[i].len, &number, err));
        assert_int_equal(number, i);
    }
    for (int32_t i = 0; i < 6; i++) {
        const uint64_t hash = tw_fnv1a(TW_FNV_START, texts[i].s, texts[i].len);
        assert_int_equal(find(&t, texts[i].s, texts[i].len), i);
        assert_int_equal(tw_string_numbering_find(&t, hash, texts[i].s, texts[i].len), i);
        assert_memory_equal(text_of(&t, i), texts[i].s, texts[i].len + 1);
    }
    tw_string_numbering_fini(&t);
}

/* Two texts that were made to have one hash are two all the same: the table is asked by hash. */
static void a_hash_is_not_taken_for_the_text(void **state)
{
    tw_string_numbering t;
    int32_t number = -1;
    (void) state;
    tw_string_numbering_init(&t, 64);
    assert_ok(tw_string_numbering_put(&t, "cat", 3, &number, err));
    const uint64_t hash = tw_fnv1a(TW_FNV_START, "cat", 3);
    assert_int_equal(tw_string_numbering_find(&t, hash, "dog", 3), -1);
    assert_int_equal(tw_string_numbering_find(&t, hash, "ca", 2), -1);
    assert_int_equal(tw_string_numbering_find(&t, hash, "cat", 3), 0);
    tw_string_numbering_fini(&t);
}

/* A text over the cap is refused, and leaves what was there and the next numbers as they are. */
static void the_cap_holds(void **state)
{
    tw_string_numbering t;
    int32_t number = -1;
    (void) state;
    tw_string_numbering_init(&t, 10);
    assert_ok(tw_string_numbering_put(&t, "abcd", 4, &number, err)); /* five of ten bytes */
    assert_status(tw_string_numbering_put(&t, "efghi", 5, &number, err), TW_EINVAL);
    assert_status(tw_string_numbering_put(&t, "efghij", 6, &number, err), TW_EINVAL);
    assert_int_equal(find(&t, "efghi", 5), -1);
    assert_ok(tw_string_numbering_put(&t, "efgh", 4, &number, err));
    assert_int_equal(number, 1);
    assert_string_equal(text_of(&t, 0), "abcd");
    assert_string_equal(text_of(&t, 1), "efgh");
    tw_string_numbering_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_follow_the_first_meeting),
        cmocka_unit_test(numbers_are_those_of_a_plain_list),
        cmocka_unit_test(things_of_one_hash_are_compared),
        cmocka_unit_test(texts_are_numbered_and_kept),
        cmocka_unit_test(any_bytes_are_a_text),
        cmocka_unit_test(a_hash_is_not_taken_for_the_text),
        cmocka_unit_test(the_cap_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
