/* The file of an interrupted training: what comes back, and what is never used. */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/rng.h"
#include "nn/checkpoint.h"
#include "nn/params.h"
#include "nn/trainer.h"

enum { N = 4 };

static tw_params *params;
static tw_real best[N];
static int64_t counters[2];

static const tw_checkpoint_block *blocks(void)
{
    static tw_checkpoint_block list[2];
    list[0] = (tw_checkpoint_block){"best", TW_REAL_DTYPE, N, 0, best};
    list[1] = (tw_checkpoint_block){"state", TW_U8, (int64_t) sizeof counters, 0, counters};
    return list;
}

static tw_checkpoint at(const char *name, const char *run)
{
    return (tw_checkpoint){tw_test_path(name), "test", run, "TEST-RESUME"};
}

static int setup(void **state)
{
    (void) state;
    tw_param *p;
    tw_log_set_level(TW_LOG_ERROR);
    assert_ok(tw_params_create(&params, err));
    assert_ok(tw_params_add(params, &p, "w", 2, 2, TW_DENSE, err));
    tw_trainer *trainer;
    const tw_trainer_config cfg = {.threads = 1, .adam = TW_ADAM_DEFAULT, .seed = 1};
    assert_ok(tw_trainer_create(&trainer, params, &cfg, err)); /* makes the moments */
    tw_trainer_destroy(trainer);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    tw_params_destroy(params);
    tw_log_set_level(TW_LOG_WARN);
    return 0;
}

static void fill(tw_real w, tw_real b, int64_t count)
{
    tw_param *p = tw_params_at(params, 0);
    for (int i = 0; i < N; i++) {
        p->value[i] = w + (tw_real) i;
        p->m[i] = w + (tw_real) (10 + i);
        p->v[i] = w + (tw_real) (20 + i);
        best[i] = b + (tw_real) i;
    }
    counters[0] = count;
    counters[1] = -count;
}

static void save(const tw_checkpoint *c)
{
    const tw_params *const sets[] = {params};
    assert_ok(tw_checkpoint_save(c, sets, 1, blocks(), 2, err));
}

static void everything_comes_back(void **state)
{
    (void) state;
    const tw_checkpoint c = at("whole", "run 1");
    tw_st_file *f = NULL;
    fill(1, 5, 7);
    save(&c);
    fill(0, 0, 0);
    assert_ok(tw_checkpoint_open(&c, &f, err));
    assert_non_null(f);
    assert_ok(tw_checkpoint_read(f, blocks(), 2, err));
    assert_ok(tw_st_load_params(f, params, true, err));
    tw_st_close(f);
    const tw_param *p = tw_params_at(params, 0);
    for (int i = 0; i < N; i++) {
        const tw_real k = (tw_real) i;
        assert_true(p->value[i] == 1 + k && p->m[i] == 11 + k && p->v[i] == 21 + k);
        assert_true(best[i] == 5 + k);
    }
    assert_true(counters[0] == 7 && counters[1] == -7);
}

static void another_runs_file_or_none_begins_at_the_start(void **state)
{
    (void) state;
    const tw_checkpoint mine = at("other", "run 1"), other = at("other", "run 2"),
                        none = at("missing", "run 1");
    tw_checkpoint kind = mine;
    tw_st_file *f = NULL;
    kind.kind = "test-2";
    save(&mine);
    assert_ok(tw_checkpoint_open(&other, &f, err));
    assert_null(f);
    assert_ok(tw_checkpoint_open(&kind, &f, err));
    assert_null(f);
    assert_ok(tw_checkpoint_open(&none, &f, err));
    assert_null(f);
}

static void a_damaged_file_is_not_used(void **state)
{
    (void) state;
    const tw_checkpoint c = at("damaged", "run 1");
    tw_st_file *f = NULL;
    save(&c);
    FILE *file = fopen(c.path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -1, SEEK_END), 0);
    assert_int_equal(fputc(0x55, file), 0x55);
    assert_int_equal(fclose(file), 0);
    assert_ok(tw_checkpoint_open(&c, &f, err));
    assert_null(f);
}

static void a_block_of_another_shape_fills_none(void **state)
{
    (void) state;
    const tw_checkpoint c = at("shape", "run 1");
    tw_st_file *f = NULL;
    fill(1, 5, 7);
    save(&c);
    fill(0, 0, 0);
    assert_ok(tw_checkpoint_open(&c, &f, err));
    const tw_checkpoint_block wrong[] = {blocks()[0], {"state", TW_U8, 3, 0, counters}};
    assert_status(tw_checkpoint_read(f, wrong, 2, err), TW_ECORRUPT);
    const tw_checkpoint_block absent[] = {blocks()[0], {"other", TW_U8, 3, 0, counters}};
    assert_status(tw_checkpoint_read(f, absent, 2, err), TW_ECORRUPT);
    assert_true(best[0] == 0 && best[3] == 3);
    tw_st_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back),
        cmocka_unit_test(another_runs_file_or_none_begins_at_the_start),
        cmocka_unit_test(a_damaged_file_is_not_used),
        cmocka_unit_test(a_block_of_another_shape_fills_none),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
