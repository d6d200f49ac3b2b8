#include "tests/support/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "store/store.h"

static tw_store *s;

static int open_fresh(void **state)
{
    static int n;
    char name[32];
    (void) state;
    (void) snprintf(name, sizeof name, "vectors%d.db", n++);
    assert_ok(tw_store_open(&s, tw_test_path(name), TW_STORE_CREATE, err));
    for (int i = 0; i < 3; i++) {
        const char *const ids[] = {"a", "b", "c"};
        tw_item item = {.id = ids[i]};
        assert_ok(tw_store_put_item(s, &item, NULL, err)); /* rows 1 2 3, seq 1 2 3 */
    }
    return 0;
}

static void no_problem(void *ctx, const char *sentence)
{
    (void) ctx;
    print_error("check: %s\n", sentence);
}

static int close_checked(void **state)
{
    (void) state;
    assert_ok(tw_store_check(s, false, no_problem, NULL, err));
    tw_store_close(s);
    return 0;
}

static int64_t put(int64_t row, int model, float x)
{
    int64_t seq;
    const float v[2] = {x, -x};
    assert_ok(tw_store_put_vector(s, row, model, v, 2, &seq, err));
    return seq;
}

static void a_vector_comes_back_bit_for_bit(void **state)
{
    (void) state;
    const float in[5] = {1.0f, -0.0f, 1e-42f, 3.4028235e38f, 0.1f}; /* a denormal, the largest */
    float out[5];
    int dim;
    assert_ok(tw_store_put_vector(s, 2, 7, in, 5, NULL, err));
    assert_ok(tw_store_vector(s, 2, 7, out, 5, err));
    assert_memory_equal(in, out, sizeof in);
    assert_ok(tw_store_vector_dim(s, 7, &dim, err));
    assert_int_equal(dim, 5);
    assert_ok(tw_store_vector_dim(s, 8, &dim, err));
    assert_int_equal(dim, 0);
}

static void a_vector_that_does_not_fit_is_refused(void **state)
{
    (void) state;
    static const float wide[TW_STORE_MAX_DIM + 1];
    float v[3] = {1, 2, 3};
    tw_error why = {0};
    (void) put(1, 1, 1);
    assert_int_equal(tw_store_put_vector(s, 2, 1, v, 3, NULL, &why), TW_EDIM);
    assert_string_equal(why.msg, "a vector of 3 floats does not fit model 1, whose have 2");
    assert_status(tw_store_put_vector(s, 2, 0, v, 3, NULL, err), TW_EINVAL);
    assert_status(tw_store_put_vector(s, 2, 2, v, 0, NULL, err), TW_EINVAL);
    assert_status(tw_store_put_vector(s, 2, 2, wide, TW_STORE_MAX_DIM + 1, NULL, err), TW_EINVAL);
    assert_status(tw_store_put_vector(s, 99, 2, v, 3, NULL, err), TW_ENOTFOUND);
    v[1] = NAN;
    assert_status(tw_store_put_vector(s, 2, 2, v, 3, NULL, err), TW_EINVAL);
    v[1] = INFINITY;
    assert_status(tw_store_put_vector(s, 2, 2, v, 3, NULL, err), TW_EINVAL);
    v[1] = 2;
    assert_status(tw_store_vector(s, 1, 1, v, 3, err), TW_EDIM);
    assert_status(tw_store_vector(s, 2, 1, v, 2, err), TW_ENOTFOUND);
    assert_ok(tw_store_delete_item(s, "c", NULL, err));
    assert_status(tw_store_put_vector(s, 3, 1, v, 2, NULL, err), TW_ENOTFOUND);
}

typedef struct trail {
    char text[256];
    int64_t last;
} trail;

static tw_status note(void *ctx, const tw_store_vector_change *c, tw_error *err)
{
    trail *t = ctx;
    (void) err;
    assert_true(c->seq > t->last);
    t->last = c->seq;
    size_t len = strlen(t->text);
    if (c->live) {
        (void) snprintf(t->text + len, sizeof t->text - len, "%d=%g ", (int) c->row,
                        (double) c->vec[0]);
    } else {
        (void) snprintf(t->text + len, sizeof t->text - len, "%d- ", (int) c->row);
    }
    assert_true(c->live ? c->dim == 2 && c->vec[1] == -c->vec[0] : c->vec == NULL);
    return TW_OK;
}

static void changes_since_a_number_are_a_replay(void **state)
{
    (void) state;
    trail t = {0};
    (void) put(1, 1, 1);
    (void) put(2, 1, 2);
    (void) put(3, 1, 3);
    (void) put(1, 2, 9); /* another model's */
    int64_t at = put(2, 1, 4);
    assert_ok(tw_store_each_vector(s, 1, 0, note, &t, err));
    assert_string_equal(t.text, "1=1 3=3 2=4 ");
    assert_int_equal(t.last, at);

    assert_ok(tw_store_delete_item(s, "a", NULL, err));
    t = (trail){0};
    assert_ok(tw_store_each_vector(s, 1, at, note, &t, err));
    assert_string_equal(t.text, "1- ");
    t = (trail){0};
    assert_ok(tw_store_each_vector(s, 2, 0, note, &t, err));
    assert_string_equal(t.text, "1- ");

    const tw_item back = {.id = "a"};
    assert_ok(tw_store_put_item(s, &back, NULL, err));
    (void) put(1, 1, 5);
    t = (trail){0};
    assert_ok(tw_store_each_vector(s, 1, at, note, &t, err));
    assert_string_equal(t.text, "1=5 ");
}

static void the_width_is_known_inside_the_transaction_that_sets_it(void **state)
{
    (void) state;
    int dim;
    tw_store_stats stats;
    assert_ok(tw_store_begin(s, err));
    (void) put(1, 1, 1);
    assert_ok(tw_store_vector_dim(s, 1, &dim, err));
    assert_int_equal(dim, 2);
    assert_ok(tw_store_get_stats(s, &stats, err));
    assert_int_equal(stats.models[0].vectors, 1);
    tw_store_rollback(s);
    assert_ok(tw_store_vector_dim(s, 1, &dim, err));
    assert_int_equal(dim, 0);
}

/* More models in one transaction than the writer keeps at hand. */
static void counts_of_many_models_are_right(void **state)
{
    (void) state;
    tw_store_stats stats;
    assert_ok(tw_store_begin(s, err));
    for (int round = 0; round < 3; round++) /* the third replaces */
        for (int model = 1; model <= 20; model++)
            (void) put(1 + round % 2, model, (float) model);
    assert_ok(tw_store_delete_item(s, "a", NULL, err));
    assert_ok(tw_store_commit(s, err));
    assert_ok(tw_store_get_stats(s, &stats, err));
    assert_int_equal(stats.n_models, TW_STORE_STATS_MODELS);
    assert_int_equal(stats.models[0].model, 20);
    for (int i = 0; i < stats.n_models; i++)
        assert_int_equal(stats.models[i].vectors, 1);
}

static void dropped_vectors_leave_no_trace(void **state)
{
    (void) state;
    int64_t dropped;
    int dim;
    trail t = {0};
    (void) put(1, 1, 1);
    (void) put(2, 1, 2);
    (void) put(1, 2, 3);
    assert_ok(tw_store_drop_vectors(s, 1, &dropped, err));
    assert_int_equal(dropped, 2);
    assert_ok(tw_store_each_vector(s, 1, 0, note, &t, err));
    assert_string_equal(t.text, "");
    assert_ok(tw_store_vector_dim(s, 1, &dim, err));
    assert_int_equal(dim, 0);
    assert_ok(tw_store_each_vector(s, 2, 0, note, &t, err));
    assert_string_equal(t.text, "1=3 ");
    assert_ok(tw_store_drop_vectors(s, 5, &dropped, err));
    assert_int_equal(dropped, 0);
}

static tw_status note_item(void *ctx, const tw_item *item, tw_error *err)
{
    char *ids = ctx;
    (void) err;
    size_t len = strlen(ids);
    (void) snprintf(ids + len, 32 - len, "%s", item->id);
    return TW_OK;
}

static void pending_items_lack_a_vector_of_their_present_content(void **state)
{
    (void) state;
    char ids[32] = "";
    (void) put(1, 1, 1);
    (void) put(2, 1, 2);
    assert_ok(tw_store_each_pending(s, 1, 0, note_item, ids, err));
    assert_string_equal(ids, "c");
    const tw_item changed = {.id = "b", .title = "new"};
    assert_ok(tw_store_put_item(s, &changed, NULL, err));
    ids[0] = '\0';
    assert_ok(tw_store_each_pending(s, 1, 0, note_item, ids, err));
    assert_string_equal(ids, "bc");
    ids[0] = '\0';
    assert_ok(tw_store_each_pending(s, 1, 2, note_item, ids, err));
    assert_string_equal(ids, "c");
    ids[0] = '\0';
    assert_ok(tw_store_each_pending(s, 2, 0, note_item, ids, err));
    assert_string_equal(ids, "abc");

    assert_ok(tw_store_delete_item(s, "a", NULL, err));
    const tw_item back = {.id = "a"};
    assert_ok(tw_store_put_item(s, &back, NULL, err));
    (void) put(2, 1, 3);
    ids[0] = '\0';
    assert_ok(tw_store_each_pending(s, 1, 0, note_item, ids, err));
    assert_string_equal(ids, "ac");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_fresh, close_checked)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_vector_comes_back_bit_for_bit),
        TEST(a_vector_that_does_not_fit_is_refused),
        TEST(changes_since_a_number_are_a_replay),
        TEST(the_width_is_known_inside_the_transaction_that_sets_it),
        TEST(counts_of_many_models_are_right),
        TEST(dropped_vectors_leave_no_trace),
        TEST(pending_items_lack_a_vector_of_their_present_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
