/* Checkpoints written and read with every allocation of ours failing once. */
#include "base/alloc.h"
#include "nn/safetensors.h"
#include "tests/support/test.h"

static const float numbers[6] = {1, 2, 3, 4, 5, 6};

static tw_status save(const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    tw_st_writer *w = NULL;
    TW_TRY(tw_st_writer_create(&w, err));
    TW_TRY(tw_st_add(w, "a", TW_F32, 2, 3, numbers, err));
    TW_TRY(tw_st_add_meta(w, "who", "a test", err));
    TW_TRY(tw_st_save(w, path, err));
done:
    tw_st_writer_destroy(w);
    return st;
}

static tw_status load(const char *path, tw_error *err)
{
    tw_status st = TW_OK;
    tw_st_file *f = NULL;
    tw_params *ps = NULL;
    tw_param *a;
    TW_TRY(tw_st_open(&f, path, err));
    TW_TRY(tw_params_create(&ps, err));
    TW_TRY(tw_params_add(ps, &a, "a", 2, 3, TW_DENSE, err));
    TW_TRY(tw_st_load_params(f, ps, false, err));
    assert_true(a->value[5] == 6);
done:
    tw_st_close(f);
    tw_params_destroy(ps);
    return st;
}

static long torture(tw_status (*fn)(const char *path, tw_error *err), const char *path)
{
    long nth = 0;
    bool fired;
    do {
        tw_torture_arm(++nth);
        tw_status st = fn(path, NULL);
        fired = tw_torture_fired();
        tw_torture_arm(0);
        assert_int_equal(st, fired ? TW_ENOMEM : TW_OK);
    } while (fired);
    return nth - 1;
}

static void every_failed_allocation_is_reported(void **state)
{
    (void) state;
    const char *path = tw_test_path("a.safetensors");
    assert_true(torture(save, path) >= 3); /* writer, list, header */
    assert_true(torture(load, path) >= 5); /* file, handle, entries, set, tensor */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_failed_allocation_is_reported)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
