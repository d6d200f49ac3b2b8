/* Every allocation of a numbering fails in turn: what failed was not met, and all else is there. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/numbering.h"
#include "tests/oom/torture.h"

enum { KEYS = 200 };

static tw_status number_keys(void *ctx)
{
    tw_numbering t = {0};
    tw_status st = TW_OK;
    int32_t number = -1;
    (void) ctx;
    for (int32_t i = 0; i < KEYS && st == TW_OK; i++) {
        st = tw_numbering_put(&t, (uint64_t) (i * i), &number, NULL);
        assert_int_equal(t.n, st == TW_OK ? i + 1 : i);
        assert_int_equal(tw_numbering_find(&t, (uint64_t) (i * i)), st == TW_OK ? i : -1);
    }
    for (int32_t i = 0; i < t.n; i++)
        assert_int_equal(tw_numbering_find(&t, (uint64_t) (i * i)), i);
    tw_numbering_fini(&t);
    return st;
}

static tw_status number_texts(void *ctx)
{
    tw_string_numbering t;
    tw_status st = TW_OK;
    int32_t number = -1;
    char s[16];
    (void) ctx;
    tw_string_numbering_init(&t, 1 << 16);
    for (int32_t i = 0; i < KEYS && st == TW_OK; i++) {
        const int len = snprintf(s, sizeof s, "text %d", i);
        st = tw_string_numbering_put(&t, s, (size_t) len, &number, NULL);
        assert_int_equal(t.hashes.n, st == TW_OK ? i + 1 : i);
    }
    for (int32_t i = 0; i < t.hashes.n; i++) {
        const int len = snprintf(s, sizeof s, "text %d", i);
        const uint64_t hash = tw_fnv1a(TW_FNV_START, s, (size_t) len);
        assert_int_equal(tw_string_numbering_find(&t, hash, s, (size_t) len), i);
    }
    tw_string_numbering_fini(&t);
    return st;
}

static void numbers_survive_every_failed_allocation(void **state)
{
    (void) state;
    torture(number_keys, NULL, 8);
    torture(number_texts, NULL, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_survive_every_failed_allocation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
