/* JSON values as text: what they look like, and that numbers come back as they were. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/rng.h"
#include "tests/support/test.h"

static void values_are_written_as_they_were_read(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "{}",
        "{\"a\":4.8,\"b\":[0.1,2,-3.5e-07],\"c\":\"x \\\"y\\\"\",\"d\":null,\"e\":true,\"f\":[]}",
        "{\"name \\\\ with\":\"\xc3\xa9\",\"z\":24.99}",
        "[1.5,\"a\"]",
        "4.8",
        "1.0",
        "{\"deep\":{\"n\":[{\"m\":1}]}}",
    };
    tw_text t;
    tw_text_init(&t, 1000);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_t *value = json_loads(texts[i], JSON_DECODE_ANY, NULL);
        assert_non_null(value);
        tw_text_clear(&t);
        assert_ok(tw_text_add_json(&t, value, err));
        assert_string_equal(tw_text_cstr(&t), texts[i]);
        json_decref(value);
    }
    tw_text_fini(&t);
}

static void any_real_comes_back(void **state)
{
    (void) state;
    tw_rng rng;
    tw_text t;
    tw_rng_seed(&rng, tw_test_seed());
    tw_text_init(&t, 64);
    for (int i = 0; i < 20000; i++) {
        const int power = (int) tw_rng_below(&rng, 600) - 300;
        const double x = ((double) tw_rng_below(&rng, 1u << 30) + 0.1) * pow(10, power);
        json_t *value = json_real(x);
        tw_text_clear(&t);
        assert_ok(tw_text_add_json(&t, value, err));
        assert_true(strtod(tw_text_cstr(&t), NULL) == x);
        assert_non_null(strpbrk(tw_text_cstr(&t), ".e"));
        json_decref(value);
    }
    tw_text_fini(&t);
}

static void a_cap_is_kept(void **state)
{
    (void) state;
    tw_text t;
    json_t *value = json_string("0123456789");
    tw_text_init(&t, 8);
    assert_status(tw_text_add_json(&t, value, err), TW_EINVAL);
    json_decref(value);
    tw_text_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_written_as_they_were_read),
        cmocka_unit_test(any_real_comes_back),
        cmocka_unit_test(a_cap_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
