#include "tests/support/test.h"

#include <math.h>
#include <stdio.h>

#include "base/alloc.h"
#include "store/store.h"

static const tw_item item = {.id = "a", .title = "A", .attributes = "{\"k\": 1, \"n\": null}"};
static const tw_item foreign = {.id = "caf\xc3\xa9",
                                .title = "Stra\xc3\x9f"
                                         "e"};
static const float vec[2] = {1, 2};

static tw_status see_vector(void *ctx, const tw_store_vector_change *c, tw_error *err)
{
    (void) err;
    *(float *) ctx = c->vec[0];
    return TW_OK;
}

/* Every call that allocates, in one go; the first failure ends it. */
static tw_status use(const char *path, tw_error *err)
{
    tw_status st;
    tw_store *s = NULL;
    tw_item copy = {0};
    tw_item_name name;
    tw_text text;
    tw_put_result put;
    int n;
    float x = 0;
    const int64_t row = 1;
    int64_t other;

    tw_text_init(&text, 1 << 16);
    TW_TRY(tw_store_open(&s, path, TW_STORE_CREATE, err));
    TW_TRY(tw_store_put_item(s, &item, &put, err));
    TW_TRY(tw_store_put_vector(s, put.row, 1, vec, 2, NULL, err));
    TW_TRY(tw_store_put_item(s, &foreign, NULL, err)); /* both are folded on the heap */
    TW_TRY(tw_store_row_by_id(s, "cafe\xcc\x81", &other, err));
    assert_true(other == put.row + 1);
    TW_TRY(tw_store_titled(s, "STRASSE", &other, 1, &n, err));
    assert_int_equal(n, 1);
    TW_TRY(tw_store_item(s, put.row, &copy, err));
    TW_TRY(tw_store_names(s, &row, 1, &name, &text, err));
    TW_TRY(tw_store_near(s, "aaaa", 1, &name, &n, &text, err));
    TW_TRY(tw_store_set_meta(s, "k",
                             "a value that is longer than the text has room for by now, so "
                             "that the text must grow to hold it",
                             err));
    TW_TRY(tw_store_meta(s, "k", &text, err));
    TW_TRY(tw_store_each_vector(s, 1, 0, see_vector, &x, err));
    assert_near(x, 1, 0);
done:
    if (st != TW_OK) /* outputs are empty, whoever failed */
        assert_true(copy.block == NULL || copy.row == 1);
    tw_item_fini(&copy);
    tw_text_fini(&text);
    tw_store_close(s);
    return st;
}

static void no_problem(void *ctx, const char *sentence)
{
    (void) ctx;
    print_error("check: %s\n", sentence);
}

static void a_failed_allocation_is_reported_and_harms_nothing(void **state)
{
    (void) state;
    const char *path = tw_test_path("oom.db");
    tw_store *s;
    long nth = 0;
    bool fired;
    do {
        tw_error why = {0};
        tw_torture_arm(++nth);
        tw_status st = use(path, &why);
        fired = tw_torture_fired();
        tw_torture_arm(0);
        if (st != (fired ? TW_ENOMEM : TW_OK))
            fail_msg("allocation %ld: '%s' (%s)", nth, tw_status_name(st), why.msg);
        if (nth > 1) { /* the first failure is before the file exists */
            assert_ok(tw_store_open(&s, path, TW_STORE_CREATE, err));
            assert_ok(tw_store_check(s, true, no_problem, NULL, err));
            tw_store_close(s);
        }
    } while (fired);
    assert_true(nth > 8); /* open, path, connection, reader, vectors, item, text ... */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_allocation_is_reported_and_harms_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
