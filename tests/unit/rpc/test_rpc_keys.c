#include "rpc/api_keys.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tests/support/test.h"

#define KEY_A "0123456789abcdef"
#define KEY_B "another-key-of-mine"

static void only_the_keys_of_the_file_are_allowed(void **state)
{
    (void) state;
    tw_api_keys *k;
    const char *path = tw_test_file("keys", "# ours\n\n" KEY_A "\r\n  " KEY_B "  \n#" KEY_A "x\n");
    assert_ok(tw_api_keys_load(&k, path, err));
    const struct {
        const char *key;
        bool allowed;
    } rows[] = {
        {KEY_A, true},
        {KEY_B, true},
        {"", false},
        {KEY_A "x", false},
        {"0123456789abcde", false},
        {"1123456789abcdef", false},
        {"# ours", false},
        {KEY_B "  ", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (tw_api_keys_allow(k, rows[i].key) != rows[i].allowed)
            fail_msg("row %zu", i);
    char longest[TW_WIRE_MAX_API_KEY + 2];
    memset(longest, 'k', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_false(tw_api_keys_allow(k, longest));
    tw_api_keys_free(k);
}

static void a_key_of_the_longest_size_works(void **state)
{
    (void) state;
    char longest[TW_WIRE_MAX_API_KEY + 1];
    tw_api_keys *k;
    memset(longest, 'k', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_ok(tw_api_keys_load(&k, tw_test_file("keys", longest), err)); /* no newline at the end */
    assert_true(tw_api_keys_allow(k, longest));
    longest[TW_WIRE_MAX_API_KEY - 1] = 'x';
    assert_false(tw_api_keys_allow(k, longest));
    tw_api_keys_free(k);

    char over[TW_WIRE_MAX_API_KEY + 2];
    memset(over, 'k', sizeof over - 1);
    over[sizeof over - 1] = '\0';
    assert_status(tw_api_keys_load(&k, tw_test_file("keys", over), err), TW_EINVAL);
}

static void a_bad_file_is_one_sentence(void **state)
{
    (void) state;
    static const struct {
        const char *content, *sentence;
    } rows[] = {
        {"", "there is no key"},
        {"# none\n\n", "there is no key"},
        {KEY_A "\nshort\n", "line 2 has 5 bytes"},
        {KEY_A "\xff\n", "line 1 is not UTF-8"},
    };
    tw_api_keys *k;
    tw_error e;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(tw_api_keys_load(&k, tw_test_file("keys", rows[i].content), &e),
                         TW_EINVAL);
        assert_null(k);
        if (strstr(e.msg, rows[i].sentence) == NULL)
            fail_msg("row %zu: %s", i, e.msg);
    }
    assert_status(tw_api_keys_load(&k, tw_test_path("none"), err), TW_ENOTFOUND);
    tw_text many;
    tw_text_init(&many, 1 << 20);
    for (int i = 0; i <= TW_API_KEYS_MAX; i++)
        assert_ok(tw_text_addf(&many, err, "key-number-%08d\n", i));
    assert_status(tw_api_keys_load(&k, tw_test_file("keys", tw_text_cstr(&many)), err), TW_EINVAL);
    tw_text_fini(&many);
}

static void a_revoked_key_is_gone_after_a_reload(void **state)
{
    (void) state;
    tw_api_keys *k;
    assert_ok(tw_api_keys_load(&k, tw_test_file("keys", KEY_A "\n" KEY_B "\n"), err));
    assert_int_equal(tw_api_keys_count(k), 2);
    (void) tw_test_file("keys", KEY_B "\n" KEY_B "-new\n");
    assert_true(tw_api_keys_allow(k, KEY_A)); /* not before it is told */
    assert_ok(tw_api_keys_reload(k, err));
    assert_false(tw_api_keys_allow(k, KEY_A));
    assert_true(tw_api_keys_allow(k, KEY_B));
    assert_true(tw_api_keys_allow(k, KEY_B "-new"));

    static const char *const bad[] = {"", "short\n", KEY_A "\n\xff\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void) tw_test_file("keys", bad[i]);
        assert_status(tw_api_keys_reload(k, err), TW_EINVAL);
        assert_true(tw_api_keys_allow(k, KEY_B "-new"));
        assert_false(tw_api_keys_allow(k, KEY_A));
    }
    assert_int_equal(remove(tw_test_path("keys")), 0);
    assert_status(tw_api_keys_reload(k, err), TW_ENOTFOUND);
    assert_int_equal(tw_api_keys_count(k), 2);
    tw_api_keys_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_keys_of_the_file_are_allowed),
        cmocka_unit_test(a_key_of_the_longest_size_works),
        cmocka_unit_test(a_bad_file_is_one_sentence),
        cmocka_unit_test(a_revoked_key_is_gone_after_a_reload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
