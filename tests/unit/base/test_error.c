#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/test.h"

static void a_failure_holds_status_place_and_sentence(void **state)
{
    tw_error own = {.system = true};
    (void) state;
    const int line = __LINE__ + 1;
    assert_int_equal(tw_fail(&own, TW_EDIM, "%d numbers, not %d", 3, 4), TW_EDIM);
    assert_int_equal(own.code, TW_EDIM);
    assert_string_equal(own.msg, "3 numbers, not 4");
    assert_non_null(strstr(own.file, "test_error.c"));
    assert_int_equal(own.line, line);
    assert_false(own.system);
}

static void no_error_is_needed(void **state)
{
    (void) state;
    assert_int_equal(tw_fail(NULL, TW_EBUSY, "%s", "not written anywhere"), TW_EBUSY);
    errno = ENOENT;
    assert_int_equal(tw_fail_errno(NULL, "cannot open '%s'", "x"), TW_ENOTFOUND);
}

/* A value from outside cannot steer the terminal that the sentence is printed on. */
static void values_are_made_printable(void **state)
{
    tw_error own = {0};
    (void) state;
    assert_int_equal(tw_fail(&own, TW_EINVAL, "id '%s'", "a\x1b[2Jb\n"), TW_EINVAL);
    assert_string_equal(own.msg, "id 'a\\x1b[2Jb\\n'");
}

static void a_long_sentence_is_cut_and_ends(void **state)
{
    char text[3 * TW_ERROR_MSG_MAX];
    tw_error own;
    (void) state;
    memset(&own, 0x7f, sizeof own);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(tw_fail(&own, TW_EINVAL, "id %s", text), TW_EINVAL);
    const size_t len = strnlen(own.msg, sizeof own.msg);
    assert_in_range(len, TW_ERROR_MSG_MAX - 16, TW_ERROR_MSG_MAX - 1);
    assert_memory_equal(own.msg, "id xxx", 6);
    errno = EIO;
    assert_int_equal(tw_fail_errno(&own, "file %s", text), TW_EIO);
    assert_true(strnlen(own.msg, sizeof own.msg) < sizeof own.msg);
}

static void the_systems_reason_becomes_a_status(void **state)
{
    static const struct {
        int code;
        tw_status status;
    } rows[] = {
        {ENOENT, TW_ENOTFOUND}, {EEXIST, TW_EEXIST}, {EACCES, TW_EDENIED}, {EPERM, TW_EDENIED},
        {EROFS, TW_EDENIED},    {ENOMEM, TW_ENOMEM}, {ENOSPC, TW_ENOSPC},  {EDQUOT, TW_ENOSPC},
        {EFBIG, TW_ENOSPC},     {EISDIR, TW_EIO},    {EIO, TW_EIO},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_error own = {0};
        char want[256];
        errno = rows[i].code;
        assert_int_equal(tw_fail_errno(&own, "cannot open '%s'", "x.csv"), rows[i].status);
        (void) snprintf(want, sizeof want, "cannot open 'x.csv': %s", strerror(rows[i].code));
        assert_string_equal(own.msg, want);
        assert_int_equal(own.code, rows[i].status);
        assert_true(own.system);
    }
}

/* The numbers are on the wire. */
static void statuses_keep_their_numbers_and_have_names(void **state)
{
    static const tw_status all[] = {TW_OK,       TW_EINVAL,       TW_ENOMEM,   TW_EIO,
                                    TW_ECORRUPT, TW_EDIM,         TW_EBUSY,    TW_ENOTFOUND,
                                    TW_EEXIST,   TW_ESTATE,       TW_ETIMEOUT, TW_ECANCELLED,
                                    TW_EDENIED,  TW_EUNSUPPORTED, TW_ENOSPC};
    (void) state;
    for (int i = 0; i < 15; i++) {
        assert_int_equal(all[i], i);
        assert_string_not_equal(tw_status_name((tw_status) i), "unknown status");
        for (int j = 0; j < i; j++)
            assert_string_not_equal(tw_status_name((tw_status) i), tw_status_name((tw_status) j));
    }
    assert_string_equal(tw_status_name((tw_status) 99), "unknown status");
}

static tw_status try_both(tw_status first, tw_status second, int *reached)
{
    tw_status st = TW_OK;
    *reached = 0;
    TW_TRY(first);
    *reached = 1;
    TW_TRY(second);
    *reached = 2;
done:
    return st;
}

static void a_try_leaves_at_the_first_failure(void **state)
{
    int reached;
    (void) state;
    assert_int_equal(try_both(TW_OK, TW_OK, &reached), TW_OK);
    assert_int_equal(reached, 2);
    assert_int_equal(try_both(TW_OK, TW_EIO, &reached), TW_EIO);
    assert_int_equal(reached, 1);
    assert_int_equal(try_both(TW_EBUSY, TW_EIO, &reached), TW_EBUSY);
    assert_int_equal(reached, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_holds_status_place_and_sentence),
        cmocka_unit_test(no_error_is_needed),
        cmocka_unit_test(values_are_made_printable),
        cmocka_unit_test(a_long_sentence_is_cut_and_ends),
        cmocka_unit_test(the_systems_reason_becomes_a_status),
        cmocka_unit_test(statuses_keep_their_numbers_and_have_names),
        cmocka_unit_test(a_try_leaves_at_the_first_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
