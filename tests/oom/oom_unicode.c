/* Every allocation of a normalisation fails in turn: the text stays as it was. */
#include <string.h>

#include "base/unicode.h"
#include "tests/oom/torture.h"

enum { MARKS = 500 };

typedef struct job {
    tw_status (*change)(tw_text *out, const char *s, size_t len, tw_error *err);
    char s[1 + 4 * MARKS];
} job;

static tw_status act(void *ctx)
{
    const job *j = ctx;
    tw_text out;
    tw_text_init(&out, 4096);
    const tw_status st = j->change(&out, j->s, sizeof j->s, NULL);
    assert_true((out.len > 0) == (st == TW_OK));
    tw_text_fini(&out);
    return st;
}

static void both_survive_every_failed_allocation(void **state)
{
    (void) state;
    job j = {.change = tw_unicode_nfc, .s = "x"};
    for (size_t i = 0; i < MARKS; i++) /* long enough that they are sorted beside */
        memcpy(j.s + 1 + 4 * i, "\xcc\x8e\xcc\xa5", 4);
    torture(act, &j, 4);
    j.change = tw_unicode_fold;
    torture(act, &j, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_survive_every_failed_allocation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
