#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "seqmodel/seq_model.h"
#include "tests/unit/seqmodel/seq_toy.h"

enum { USERS = 3, ITEMS = 9 };

typedef struct fixture {
    tw_seq_model *m;
    tw_seq_session *s;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    tw_seq_config c = toy_config();
    f.m = toy_model(&c, USERS, ITEMS);
    toy_scramble(f.m, 0.5);
    assert_ok(tw_seq_session_create(&f.s, f.m, err));
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    tw_seq_session_destroy(f->s);
    tw_seq_model_destroy(f->m);
    return 0;
}

static void only_the_last_items_count(void **state)
{
    fixture *f = *state;
    const int32_t longer[] = {9, 8, 1, 2, 3, 4};
    tw_real a[4], b[4];
    assert_ok(tw_seq_query(f->s, 1, longer, 6, a, err));
    assert_ok(tw_seq_query(f->s, 1, longer + 2, 4, b, err));
    assert_memory_equal(a, b, sizeof a);
    assert_ok(tw_seq_query(f->s, 1, longer + 3, 3, b, err)); /* three are not four */
    assert_memory_not_equal(a, b, sizeof a);
}

static void unknown_items_are_skipped_not_counted(void **state)
{
    fixture *f = *state;
    const int32_t gaps[] = {1, 0, 2, -7, 3, 4, 0}, plain[] = {1, 2, 3, 4};
    tw_real a[4], b[4];
    assert_ok(tw_seq_query(f->s, 0, gaps, 7, a, err));
    assert_ok(tw_seq_query(f->s, 0, plain, 4, b, err));
    assert_memory_equal(a, b, sizeof a);
}

static void the_user_changes_the_query(void **state)
{
    fixture *f = *state;
    const int32_t items[] = {1, 2};
    tw_real a[4], b[4];
    assert_ok(tw_seq_query(f->s, 0, items, 2, a, err));
    assert_ok(tw_seq_query(f->s, 3, items, 2, b, err));
    assert_memory_not_equal(a, b, sizeof a);
}

static void what_cannot_be_asked_says_why(void **state)
{
    fixture *f = *state;
    const int32_t none[] = {0, -1}, high[] = {1, 10};
    tw_real q[4] = {7, 7, 7, 7};
    tw_error why = {0};

    assert_int_equal(tw_seq_query(f->s, 4, high, 1, q, &why), TW_EINVAL);
    assert_string_equal(why.msg, "user 4 is outside 0..3");
    assert_int_equal(tw_seq_query(f->s, -1, high, 1, q, &why), TW_EINVAL);
    assert_int_equal(tw_seq_query(f->s, 1, high, 2, q, &why), TW_EINVAL);
    assert_string_equal(why.msg, "item 10 is above 9");
    assert_int_equal(tw_seq_query(f->s, 1, none, 2, q, &why), TW_ENOTFOUND);
    assert_int_equal(tw_seq_query(f->s, 1, none, 0, q, &why), TW_ENOTFOUND);
    assert_true(q[0] == 7);
    assert_int_equal(tw_seq_query(f->s, 1, high, 1, q, &why), TW_OK); /* and the next one works */
}

static void a_warm_session_allocates_nothing(void **state)
{
    fixture *f = *state;
    const int32_t items[] = {1, 2, 3, 4};
    tw_real q[4];
    assert_ok(tw_seq_query(f->s, 1, items, 4, q, err));
    long before = tw_alloc_count();
    for (int i = 0; i < 100; i++)
        assert_ok(tw_seq_query(f->s, i % 4, items + i % 3, 1 + i % 2, q, err));
    assert_int_equal(tw_alloc_count(), before);
}

static void the_item_table_ranks_items_for_a_query(void **state)
{
    fixture *f = *state;
    int64_t rows = 0;
    int dim = 0;
    const tw_real *v = tw_seq_item_vectors(f->m, &rows, &dim);
    assert_int_equal(rows, ITEMS + 1);
    assert_int_equal(dim, 4);
    assert_ptr_equal(v, f->m->items->value);
    for (int j = 0; j < 4; j++)
        assert_true(v[j] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_last_items_count),
        cmocka_unit_test(unknown_items_are_skipped_not_counted),
        cmocka_unit_test(the_user_changes_the_query),
        cmocka_unit_test(what_cannot_be_asked_says_why),
        cmocka_unit_test(a_warm_session_allocates_nothing),
        cmocka_unit_test(the_item_table_ranks_items_for_a_query),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
