/* What the files of all models share: each rule, and that no memory is given by what a short file
 * says. */
#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "nn/model_file.h"

/* A file of one tensor `w` (rows, cols), whose first number is `first`, read back. */
static tw_st_file *file_of(const char *kind, int version, int64_t rows, int64_t cols, tw_real first)
{
    const tw_real numbers[6] = {first, 1, 2, 3, 4, 5};
    const char *path = tw_test_path("model.safetensors");
    tw_st_writer *w = NULL;
    tw_st_file *f = NULL;

    assert_ok(tw_st_writer_create(&w, err));
    assert_ok(tw_model_file_begin(w, kind, version, err));
    assert_ok(tw_st_add_meta(w, "twindex.empty", "", err));
    assert_ok(tw_st_add(w, "w", TW_REAL_DTYPE, rows, cols, numbers, err));
    assert_ok(tw_st_save(w, path, err));
    tw_st_writer_destroy(w);
    assert_ok(tw_st_open(&f, path, err));
    return f;
}

static tw_params *deferred(const char *name, int64_t rows, int cols)
{
    tw_params *ps = NULL;
    tw_param *p = NULL;
    assert_ok(tw_params_create(&ps, err));
    tw_params_defer(ps);
    assert_ok(tw_params_add(ps, &p, name, rows, cols, TW_DENSE, err));
    return ps;
}

static void kind_and_version_are_those_that_were_written(void **state)
{
    (void) state;
    tw_st_file *f = file_of("tower", 2, 2, 3, 0);
    tw_error why = {0};

    assert_string_equal(tw_st_meta(f, "twindex.kind"), "tower");
    assert_string_equal(tw_st_meta(f, "twindex.version"), "2");
    assert_ok(tw_model_file_check(f, "tower", 2, err));
    assert_ok(tw_model_file_check(f, "tower", 3, err));
    assert_int_equal(tw_model_file_check(f, "seqmodel", 2, &why), TW_ECORRUPT);
    assert_string_equal(why.msg, "the file holds tower, not a seqmodel");
    assert_int_equal(tw_model_file_check(f, "tower", 1, &why), TW_EUNSUPPORTED);
    assert_string_equal(why.msg, "the file has version 2, readable is up to 1");
    tw_st_close(f);
    f = file_of("tower", 0, 2, 3, 0);
    assert_int_equal(tw_model_file_check(f, "tower", 3, &why), TW_ECORRUPT);
    assert_string_equal(why.msg, "the file has no version");
    tw_st_close(f);
}

static void metadata_that_must_be_there_may_be_empty_but_not_missing(void **state)
{
    (void) state;
    tw_st_file *f = file_of("tower", 1, 2, 3, 0);
    const char *value = NULL;
    tw_error why = {0};

    assert_ok(tw_model_file_meta(f, "twindex.empty", &value, err));
    assert_string_equal(value, "");
    assert_int_equal(tw_model_file_meta(f, "twindex.tower", &value, &why), TW_ECORRUPT);
    assert_string_equal(why.msg, "the file has no twindex.tower");
    tw_st_close(f);
}

static void wrong_settings_are_a_corrupt_file_and_other_failures_stay(void **state)
{
    (void) state;
    tw_error why = {0}, out = {0};

    assert_ok(tw_model_file_settings(TW_OK, &why, err));
    tw_status st = tw_fail(&why, TW_EINVAL, "bits 80 is outside 4..24");
    assert_int_equal(tw_model_file_settings(st, &why, &out), TW_ECORRUPT);
    assert_string_equal(out.msg, "the model's settings: bits 80 is outside 4..24");
    st = tw_fail(&why, TW_ENOMEM, "settings");
    assert_int_equal(tw_model_file_settings(st, &why, &out), TW_ENOMEM);
    assert_string_equal(out.msg, "settings");
}

static void weights_come_back(void **state)
{
    (void) state;
    tw_st_file *f = file_of("tower", 1, 2, 3, 7);
    tw_params *ps = deferred("w", 2, 3);

    assert_ok(tw_model_file_load(f, ps, err));
    const tw_param *p = tw_params_at(ps, 0);
    assert_true(p->value[0] == 7 && p->value[1] == 1 && p->value[5] == 5);
    tw_params_destroy(ps);
    tw_st_close(f);
}

static void shapes_are_held_against_the_file_before_there_is_memory(void **state)
{
    (void) state;
    static const struct {
        const char *name;
        int64_t rows;
        int cols;
        const char *says;
    } cases[] = {{"w", 1 << 30, 1 << 30, "tensor 'w' is 2 x 3, the model's is 1073741824 x"},
                 {"w", 3, 2, "tensor 'w' is 2 x 3, the model's is 3 x 2"},
                 {"v", 2, 3, "no tensor 'v'"}};
    tw_st_file *f = file_of("tower", 1, 2, 3, 0);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tw_params *ps = deferred(cases[i].name, cases[i].rows, cases[i].cols);
        tw_error why = {0};
        assert_int_equal(tw_model_file_load(f, ps, &why), TW_ECORRUPT);
        assert_non_null(strstr(why.msg, cases[i].says));
        assert_null(tw_params_at(ps, 0)->value);
        tw_params_destroy(ps);
    }
    tw_st_close(f);
}

static void a_weight_that_is_not_finite_is_refused(void **state)
{
    (void) state;
    static const tw_real bad[] = {(tw_real) NAN, (tw_real) INFINITY, (tw_real) -INFINITY};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tw_st_file *f = file_of("tower", 1, 2, 3, bad[i]);
        tw_params *ps = deferred("w", 2, 3);
        tw_error why = {0};
        assert_int_equal(tw_model_file_load(f, ps, &why), TW_ECORRUPT);
        assert_string_equal(why.msg, "'w' holds a number that is not finite");
        tw_params_destroy(ps);
        tw_st_close(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kind_and_version_are_those_that_were_written),
        cmocka_unit_test(metadata_that_must_be_there_may_be_empty_but_not_missing),
        cmocka_unit_test(wrong_settings_are_a_corrupt_file_and_other_failures_stay),
        cmocka_unit_test(weights_come_back),
        cmocka_unit_test(shapes_are_held_against_the_file_before_there_is_memory),
        cmocka_unit_test(a_weight_that_is_not_finite_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
